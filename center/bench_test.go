package center

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
	"github.com/usher-cc/usher/journal"
	"github.com/usher-cc/usher/journal/memory"
	"github.com/usher-cc/usher/journal/pebble"
	"github.com/usher-cc/usher/router"
)

// benchmarked are the journals that benchmarks compare: one that costs nearly
// nothing, and the one on the disk.
var benchmarked = map[string]func(b *testing.B) journal.Journal{
	"memory": func(*testing.B) journal.Journal { return memory.New() },
	"pebble": func(b *testing.B) journal.Journal {
		j, err := pebble.Open(pebble.Options{Dir: b.TempDir()})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = j.Close() })
		return j
	},
}

func benchWorld(b *testing.B, j journal.Journal) *world {
	c, err := Open(b.Context(), Options{Journal: j, NewRouter: func() Router { return router.New() }})
	if err != nil {
		b.Fatal(err)
	}
	w := (&world{t: b, c: c}).setUp()
	b.Cleanup(func() { _ = c.Drain(b.Context()) })
	return w
}

// BenchmarkDo submits an interaction to a queue from which agents pull, and
// waits until that is durable, for several clients at once.
func BenchmarkDo(b *testing.B) {
	for _, clients := range []int{1, 64, 512} {
		for _, name := range []string{"memory", "pebble"} {
			b.Run(fmt.Sprintf("%s/clients=%d", name, clients), func(b *testing.B) {
				w := benchWorld(b, benchmarked[name](b))
				var left atomic.Int64
				left.Store(int64(b.N))
				var all sync.WaitGroup
				b.ReportAllocs()
				b.ResetTimer()
				for range clients {
					all.Go(func() {
						for left.Add(-1) >= 0 {
							r, err := w.c.Do(b.Context(), Request{Tenant: "default", From: chat, Body: submit("", "pull")})
							if err != nil || r.Err != nil {
								b.Error(err, r.Err)
								return
							}
						}
					})
				}
				all.Wait()
				s := w.c.Status()
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
				b.ReportMetric(float64(s.Requests)/float64(s.Batches), "calls/batch")
			})
		}
	}
}

// BenchmarkRows is what the writer spends on a look at everything: 1,000 agents
// of 5 skills each, 100 queues, 100,000 interactions that wait.
func BenchmarkRows(b *testing.B) {
	w := benchWorld(b, memory.New())
	c := &usherv1.Configuration{}
	for n := range 100 {
		name := fmt.Sprint("q", n)
		c.Skills = append(c.Skills, &usherv1.Skill{Name: name})
		c.Vectors = append(c.Vectors, &usherv1.Vector{Name: name, Text: fmt.Sprintf("vector %s\nqueue-to skill %s pri m\nstop", name, name)})
		c.Queues = append(c.Queues, &usherv1.Queue{Name: name, Strategy: engine.Vectored, Vector: name})
	}
	var agents []engine.Participant
	for n := range 1_000 {
		a := &usherv1.Agent{AgentId: fmt.Sprintf("agent%04d", n), AgentGroups: []string{"support"}, LoginWorkMode: usherv1.WorkMode_WORK_MODE_AUTO_IN}
		for k := range 5 {
			a.Skills = append(a.Skills, &usherv1.AgentSkill{Skill: fmt.Sprint("q", (n+k*7)%100)})
		}
		c.Agents = append(c.Agents, a)
		agents = append(agents, engine.Participant{Kind: usherv1.ParticipantKind_PARTICIPANT_KIND_AGENT, ID: a.AgentId})
	}
	w.must(admin, engine.Apply{Request: &usherv1.ApplyConfigurationRequest{Configuration: c}})
	w.logIn(agents...)
	for range 100_000 {
		w.start(chat, submit("", "pull"))
		if w.c.Status().Waiting > 10_000 {
			_ = w.c.Flush(b.Context())
		}
	}
	_ = w.c.Flush(b.Context())
	for _, media := range []string{"", "chat"} {
		b.Run("media="+media, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if rows, refusal, err := w.c.Rows(b.Context(), "default", Look{MediaType: media}); err != nil || refusal != nil || rows.Agents[10].SinceMs == 0 {
					b.Fatal(refusal, err)
				}
			}
		})
	}
}

// BenchmarkRouted takes interactions the whole way, for 64 clients at once:
// submit, route, invite, accept, stop.
func BenchmarkRouted(b *testing.B) {
	for _, name := range []string{"memory", "pebble"} {
		b.Run(name, func(b *testing.B) {
			w := benchWorld(b, benchmarked[name](b))
			stream := w.subscribe(ada, nil)
			w.logIn(ada)
			left, open := b.N, make(chan struct{}, 64)
			go func() {
				for range left {
					open <- struct{}{}
					w.start(chat, submit("", "support"))
				}
			}()
			b.ReportAllocs()
			b.ResetTimer()
			for left > 0 {
				m, err := stream.Next(b.Context())
				if err != nil {
					b.Fatal(err)
				}
				ev := event(b, m)
				if invite := ev.GetEventInvite(); invite != nil {
					w.start(ada, &usherv1.RequestAccept{Ticket: invite.Ticket})
					w.start(chat, &usherv1.RequestStopProcessing{InteractionId: ev.InteractionId})
				}
				if ev.GetEventRevoked() != nil {
					left--
					<-open
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "interactions/s")
			b.ReportMetric(float64(w.c.Status().Entries)/b.Elapsed().Seconds(), "entries/s")
		})
	}
}

// BenchmarkReplay folds a journal of submits.
func BenchmarkReplay(b *testing.B) {
	w := newWorld(b, func(o *Options) { o.SnapshotEntries = 1 << 40 }).setUp()
	const submits = 50_000
	var last *Call
	for n := range submits {
		last = w.start(chat, submit("", "pull"))
		if n%1000 == 0 {
			<-last.Done()
		}
	}
	<-last.Done()
	b.ResetTimer()
	entries := uint64(0)
	for b.Loop() {
		l, err := rebuild(b.Context(), &w.c.o, func(*storedRecord) {})
		if err != nil {
			b.Fatal(err)
		}
		entries += l.replayed
	}
	b.ReportMetric(float64(entries)/b.Elapsed().Seconds(), "entries/s")
}

// BenchmarkSnapshot measures how long an export stops the writer, and how long
// encoding it takes beside the writer.
func BenchmarkSnapshot(b *testing.B) {
	w := newWorld(b, func(o *Options) { o.SnapshotEntries = 1 << 40 }).setUp()
	const submits = 100_000
	for n := range submits {
		c := w.start(chat, submit("", "pull"))
		if n%1000 == 999 {
			<-c.Done()
		}
	}
	for b.Loop() {
		var x *export
		var stopped time.Duration
		err := w.c.ask(b.Context(), "", func(w *writer) {
			begun := time.Now()
			x = w.export()
			stopped = time.Since(begun)
		})
		if err != nil {
			b.Fatal(err)
		}
		raw, err := x.encode()
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(stopped.Milliseconds()), "ms-stopped")
		b.ReportMetric(float64(len(raw)), "bytes")
	}
}

// BenchmarkDeliver sends one message to many subscribers who all read it.
func BenchmarkDeliver(b *testing.B) {
	w := benchWorld(b, memory.New())
	const readers = 2000
	var read sync.WaitGroup
	for range readers {
		s := w.subscribe(engine.Report, nil)
		go func() {
			for {
				if _, err := s.Next(b.Context()); err != nil {
					return
				}
				read.Done()
			}
		}()
	}
	b.ResetTimer()
	for range b.N {
		read.Add(2 * readers)
		w.must(chat, submit("", "pull"))
		read.Wait()
	}
	b.ReportMetric(float64(2*readers*b.N)/b.Elapsed().Seconds(), "deliveries/s")
}

// BenchmarkTranscript reads a conversation of 50 lines, each in a batch with
// lines of 63 others, as customers do who reload at once.
func BenchmarkTranscript(b *testing.B) {
	const conversations, length = 64, 50
	for _, name := range []string{"memory", "pebble"} {
		b.Run(name, func(b *testing.B) {
			w := benchWorld(b, benchmarked[name](b))
			var ids []string
			for range conversations {
				ids = append(ids, w.submit("pull"))
			}
			for range length {
				var calls []*Call
				for _, id := range ids {
					calls = append(calls, w.start(chat, said(id, "My bill is wrong, and nobody can tell me why.")))
				}
				for _, call := range calls {
					if r, err := call.Wait(b.Context()); err != nil || r.Err != nil {
						b.Fatal(err, r.Err)
					}
				}
			}
			b.ReportAllocs()
			b.ResetTimer()
			for n := range b.N {
				_, transcript := w.transcript(chat, &usherv1.RequestGetTranscript{InteractionId: ids[n%conversations]})
				if len(transcript.Lines) != length {
					b.Fatal(len(transcript.Lines))
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "transcripts/s")
		})
	}
}
