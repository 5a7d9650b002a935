package center

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
)

// work does something at random that clients do.
func (w *world) work(random *rand.Rand, tickets *[]uint64, stream *Subscription) {
	w.t.Helper()
	agent := []engine.Participant{ada, bob}[random.IntN(2)]
	for _, ev := range w.all(stream) {
		if m := ev.GetEventAgentInvited(); m != nil {
			*tickets = append(*tickets, ev.Sequence)
		}
	}
	ticket := uint64(0)
	if n := len(*tickets); n > 0 {
		ticket = (*tickets)[random.IntN(n)]
	}
	w.made++
	reference := fmt.Sprintf("r-%d", random.IntN(w.made)) // sometimes a repetition
	id := fmt.Sprintf("made-%d", random.IntN(2*w.made))
	switch random.IntN(12) {
	case 0, 1, 2:
		w.do(chat, submit(reference, []string{"support", "pull"}[random.IntN(2)]))
	case 3, 4:
		w.do(agent, &usherv1.RequestAccept{ReferenceId: reference, Ticket: ticket})
	case 5:
		w.do(agent, &usherv1.RequestReject{ReferenceId: reference, Ticket: ticket})
	case 6:
		w.start(agent, &usherv1.RequestTransfer{ReferenceId: reference, InteractionId: id, AgentId: "bob"})
	case 7:
		w.do(agent, &usherv1.RequestPull{ReferenceId: reference, Source: &usherv1.RequestPull_Queue{Queue: "pull"}})
	case 8:
		w.do(chat, &usherv1.RequestStopProcessing{ReferenceId: reference, InteractionId: id})
	case 9:
		w.clock.Advance(time.Duration(random.IntN(120_000)) * time.Millisecond)
	case 10:
		if random.IntN(10) == 0 {
			w.clock.Advance(20 * time.Minute) // answers are forgotten
		}
	case 11:
		w.do(chat, &usherv1.RequestChangeProperties{ReferenceId: reference, InteractionId: id})
	}
}

// refolded is what the journal's fold is now, encoded.
func (w *world) refolded() (raw []byte, replayed uint64) {
	w.t.Helper()
	l, err := rebuild(w.ctx(), &w.c.o, func(*storedRecord) {})
	if err != nil {
		w.t.Fatal(err)
	}
	raw, err = l.export().encode()
	if err != nil {
		w.t.Fatal(err)
	}
	return raw, l.replayed
}

func TestFoldIsTheLiveState(t *testing.T) {
	for seed := range uint64(6) {
		for _, entries := range []int{1 << 30, 100} {
			t.Run(fmt.Sprintf("seed %d, snapshot every %d", seed, entries), func(t *testing.T) {
				w := newWorld(t, func(o *Options) { o.SnapshotEntries = entries }).setUp()
				w.logIn(ada, bob)
				random := rand.New(rand.NewPCG(seed, 2))
				var tickets []uint64
				report := w.subscribe(engine.Report, nil)
				for n := range 400 {
					w.work(random, &tickets, report)
					if n%2 == 1 {
						w.saved() // while at most one step went on, however busy the machine is
					}
					if n%100 != 99 {
						continue
					}
					live := w.state()
					again, replayed := w.refolded()
					if !bytes.Equal(live, again) {
						t.Fatalf("after %d steps the fold of %d entries differs from the live state:\n%s", n+1, replayed, difference(t, live, again))
					}
				}
				w.saved()
				if s := w.c.Status(); entries == 100 && s.Snapshots < s.Entries/200 || w.errors.String() != "" {
					t.Fatalf("%d snapshots were saved: %s", s.Snapshots, &w.errors)
				}
				w.crash() // with a pending transfer or not
				w.submit("pull")
			})
		}
	}
}

func difference(t *testing.T, a, b []byte) string {
	t.Helper()
	var x, y usherv1.StateSnapshot
	if err := proto.Unmarshal(a, &x); err != nil {
		t.Fatal(err)
	}
	if err := proto.Unmarshal(b, &y); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("live: %v\nfold: %v", &x, &y)
}

func TestOpenConnectionsAreLostByARestart(t *testing.T) {
	w := newWorld(t, nil).setUp()
	w.logIn(ada)
	w.crash()
	var state usherv1.StateSnapshot
	if err := proto.Unmarshal(w.state(), &state); err != nil {
		t.Fatal(err)
	}
	for _, c := range state.Tenants[0].Clients {
		if len(c.Connections) != 0 || c.Registration.Client.Id == "ada" && c.GraceUntilMs == 0 {
			t.Fatalf("after a restart: %v", c)
		}
	}
	w.clock.Advance(time.Minute)
	w.wantError(usherv1.ErrorCode_ERROR_CODE_NOT_LOGGED_IN, ada, &usherv1.RequestDoNotDisturbOn{})
}

func TestDeadlinesSurviveARestart(t *testing.T) {
	for _, jump := range []time.Duration{0, -time.Hour} {
		w := newWorld(t, nil).setUp()
		w.logIn(ada)
		w.submit("support")
		w.clock.Advance(10 * time.Second)
		w.must(chat, submit("", "pull")) // records the time
		w.clock.Jump(jump)
		w.crash()
		report := w.subscribe(engine.Report, nil)
		w.clock.Advance(19_999 * time.Millisecond)
		if revoked(w.all(report)) {
			t.Fatalf("jump of %s: revoked early", jump)
		}
		w.clock.Advance(time.Millisecond)
		if !revoked(w.all(report)) {
			t.Fatalf("jump of %s: not revoked in time", jump)
		}
	}
}

func revoked(all []*usherv1.Event) bool {
	for _, ev := range all {
		if ev.GetEventRevoked() != nil {
			return true
		}
	}
	return false
}

func TestJumpsOfTheWallClockFireNothing(t *testing.T) {
	for _, jump := range []time.Duration{time.Hour, -time.Hour} {
		w := newWorld(t, nil).setUp()
		w.logIn(ada)
		report := w.subscribe(engine.Report, nil)
		w.submit("support")
		w.clock.Jump(jump)
		w.clock.Advance(29_999 * time.Millisecond)
		if revoked(w.all(report)) {
			t.Fatalf("jump of %s: revoked early", jump)
		}
		w.clock.Advance(time.Millisecond)
		all := w.all(report)
		if !revoked(all) || all[len(all)-1].TimeMs != beginning.UnixMilli()+30_000 {
			t.Fatalf("jump of %s: not revoked in time: %v", jump, all)
		}
		if s := w.c.Status(); s.WallClockJumps != 1 || s.WallClockOffset != jump {
			t.Fatalf("jump of %s: %d noticed, offset %s", jump, s.WallClockJumps, s.WallClockOffset)
		}
	}
}

// TestSnapshotIsOfOneMoment lets requests come in after the fold was exported
// and before its batch is durable.
func TestSnapshotIsOfOneMoment(t *testing.T) {
	var g *gate
	w := newWorld(t, func(o *Options) {
		g = newGate(t, o.Journal)
		o.Journal, o.SnapshotEntries = g, 20
	}).setUp()
	g.shut(true)
	var calls []*Call
	calls = append(calls, w.start(chat, submit("", "pull")))
	<-g.arrived
	before := w.c.Status().Requests
	for n := uint64(1); !w.c.saving.Load(); n++ {
		calls = append(calls, w.start(chat, submit("", "pull")))
		// A batch whose fold is to be saved takes nothing more.
		for w.c.Status().Requests < before+n && !w.c.saving.Load() {
			runtime.Gosched()
		}
	}
	for range 10 {
		calls = append(calls, w.start(chat, submit("", "pull")))
		runtime.Gosched()
	}
	g.pass <- nil
	last := calls[len(calls)-1]
	for {
		select {
		case <-g.arrived:
			g.pass <- nil
			continue
		case <-last.Done():
		}
		break
	}
	g.shut(false)
	w.saved()
	if s := w.c.Status(); s.Snapshots == 0 || w.errors.String() != "" {
		t.Fatalf("%d snapshots, %s", s.Snapshots, &w.errors)
	}
	again, _ := w.refolded()
	if live := w.state(); !bytes.Equal(again, live) {
		t.Fatalf("the snapshot is not what the journal says:\n%s", difference(t, live, again))
	}
}
