package projection

import (
	"context"
	"fmt"
	"iter"
	"testing"

	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/center"
)

// BenchmarkFold folds the journal of lives from submit to stop, routed by the
// built-in router: once as it is, and once as if nothing of it mattered.
func BenchmarkFold(b *testing.B) {
	w := byHand(b)
	w.logIn(ana)
	for range 500 {
		id := w.submit("support")
		invited := w.reported()
		ticket := uint64(0)
		for _, ev := range invited[len(invited)-6:] {
			if ev.GetEventAgentInvited() != nil {
				ticket = ev.Sequence
			}
		}
		w.must(ana, &usherv1.RequestAccept{Ticket: ticket})
		w.must(chat, &usherv1.RequestStopProcessing{InteractionId: id})
	}
	var records []*center.Record
	entries := 0
	for r, err := range w.c.Follow(b.Context(), 0, false) {
		if err != nil {
			b.Fatal(err)
		}
		kept := *r
		kept.Entries = append([]center.RecordEntry(nil), r.Entries...)
		records = append(records, &kept)
		entries += len(r.Entries)
	}
	b.Run("lives", func(b *testing.B) {
		b.ReportAllocs()
		for range b.N {
			v := &View{tenants: map[string]*tenant{}}
			for _, r := range records {
				v.fold(noon, r)
			}
		}
		b.ReportMetric(float64(b.N*entries)/b.Elapsed().Seconds(), "entries/s")
		b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*500), "us/life")
	})
	b.Run("skipped", func(b *testing.B) {
		counted := countedEvents
		countedEvents = nil
		defer func() { countedEvents = counted }()
		b.ReportAllocs()
		for range b.N {
			for _, r := range records {
				if _, _, err := glean(r); err != nil {
					b.Fatal(err)
				}
			}
		}
		b.ReportMetric(float64(b.N*entries)/b.Elapsed().Seconds(), "entries/s")
	})
	b.Run("followed", func(b *testing.B) {
		for range b.N {
			v := &View{tenants: map[string]*tenant{}}
			for r, err := range w.c.Follow(b.Context(), 0, false) {
				if err != nil {
					b.Fatal(err)
				}
				v.fold(noon, r)
			}
		}
		b.ReportMetric(float64(b.N*entries)/b.Elapsed().Seconds(), "entries/s")
	})
}

// BenchmarkWatch looks at 1,000 agents and 100 queues of which 200 agents change
// in a second, for 20 who watch.
func BenchmarkWatch(b *testing.B) {
	c := &standing{rows: &usherv1.EventDirectory{}}
	for n := range 1_000 {
		c.rows.Agents = append(c.rows.Agents, &usherv1.AgentRow{
			AgentId: fmt.Sprintf("agent%04d", n), Name: "Somebody", State: usherv1.AgentRowState_AGENT_ROW_STATE_READY, SinceMs: noon, Place: "desk",
			Media: []*usherv1.MediaStatus{{MediaType: "chat", Ready: true, CapacityLeft: 2}, {MediaType: "mail", Ready: true}}, AgentGroups: []string{"support"},
		})
	}
	for n := range 100 {
		c.rows.Queues = append(c.rows.Queues, &usherv1.QueueRow{Queue: fmt.Sprintf("queue%03d", n)})
	}
	v := &View{center: c, tenants: map[string]*tenant{}, walls: map[string]*wall{}, ctx: context.Background()}
	w := &wall{view: v, tenant: "default", wantAgents: 1, changed: make(chan struct{})}
	bytes := 0
	b.ReportAllocs()
	for n := range b.N {
		for m := range 200 {
			at := (n*200 + m) % 1000
			changed := proto.CloneOf(c.rows.Agents[at])
			changed.SinceMs++
			c.rows.Agents[at] = changed
			c.rows.Queues[m%100].Waiting = int32(n)
		}
		seen := w.look
		if err := w.takeLook(b.Context()); err != nil {
			b.Fatal(err)
		}
		for range 20 {
			ev, _, err := w.next(b.Context(), seen, true)
			if err != nil {
				b.Fatal(err)
			}
			bytes = proto.Size(ev)
		}
	}
	b.ReportMetric(float64(bytes), "bytes/watcher")
}

// standing is a center that only shows rows.
type standing struct {
	Center
	rows *usherv1.EventDirectory
}

func (s *standing) Rows(context.Context, string, center.Look) (*usherv1.EventDirectory, *usherv1.EventError, error) {
	return s.rows, nil, nil
}

func (s *standing) Follow(context.Context, uint64, bool) iter.Seq2[*center.Record, error] { return nil }

// BenchmarkDirectory asks as 500 agents do who have pickers open, in a centre of
// 1,000 agents with a workbin each: most are served from what one was shown.
func BenchmarkDirectory(b *testing.B) {
	w := newWorld(b, center.RealClock())
	c := &usherv1.Configuration{}
	for n := range 1_000 {
		c.Agents = append(c.Agents, &usherv1.Agent{AgentId: fmt.Sprintf("agent%04d", n), AgentGroups: []string{"support"}})
	}
	w.apply(c)
	for _, kept := range []bool{true, false} {
		b.Run(fmt.Sprintf("kept=%v", kept), func(b *testing.B) {
			b.ReportAllocs()
			for n := range b.N {
				agent := fmt.Sprintf("agent%04d", n%500)
				if !kept {
					delete(w.v.directories.of, directoryKey{"default", "chat"})
				}
				if _, refusal, err := w.v.Directory(b.Context(), "default", agent, "chat"); refusal != nil || err != nil {
					b.Fatal(refusal, err)
				}
			}
		})
	}
}
