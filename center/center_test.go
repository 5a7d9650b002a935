package center

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
	"github.com/usher-cc/usher/journal"
	"github.com/usher-cc/usher/journal/memory"
)

func TestSubmitRouteAccept(t *testing.T) {
	w := newWorld(t, nil).setUp()
	stream := w.subscribe(ada, nil)
	w.logIn(ada)
	id := w.submit("support")
	var invite *usherv1.Event
	for invite.GetEventInvite() == nil {
		invite = w.next(stream)
	}
	if invite.InteractionId != id || len(invite.Interactions) != 1 || invite.Interactions[0].InteractionId != id {
		t.Fatalf("the invitation shows %v", invite)
	}
	r := w.must(ada, &usherv1.RequestAccept{Ticket: invite.GetEventInvite().Ticket})
	if r.Event.GetEventAck() == nil || r.Sequence != r.Event.Sequence || r.Event.ReferenceId == "" {
		t.Fatalf("the answer is %v", r)
	}
	if got := w.next(stream); got.GetEventAck() == nil {
		t.Fatalf("an agent's stream has the answer too, got %v", got)
	}
}

func TestInvitationExpiresOnTime(t *testing.T) {
	w := newWorld(t, nil).setUp()
	stream := w.subscribe(ada, nil)
	w.logIn(ada)
	w.submit("support")
	w.clock.Advance(29_999 * time.Millisecond)
	for _, ev := range w.all(stream) {
		if ev.GetEventRevoked() != nil {
			t.Fatal("revoked early")
		}
	}
	w.clock.Advance(time.Millisecond)
	found := false
	for _, ev := range w.all(stream) {
		found = found || ev.GetEventRevoked() != nil && ev.TimeMs == beginning.UnixMilli()+30_000
	}
	if !found {
		t.Fatal("not revoked, or not durable, when Advance returned")
	}
}

func gated(t *testing.T) (*world, *gate) {
	var g *gate
	w := newWorld(t, func(o *Options) {
		g = newGate(t, o.Journal)
		o.Journal = g
	})
	w.setUp()
	return w, g
}

func notYet(t *testing.T, what string, c *Call) {
	t.Helper()
	select {
	case <-c.Done():
		t.Fatalf("%s was answered before it was durable: %v", what, c.reply)
	default:
	}
}

func TestNothingIsReleasedBeforeItIsDurable(t *testing.T) {
	w, g := gated(t)
	stream := w.subscribe(chat, nil)
	report := w.subscribe(reportEngine, nil)
	g.shut(true)
	before := w.c.Status().Requests
	first := w.start(chat, submit("a", "pull"))
	<-g.arrived // the first batch is on its way
	second := w.start(chat, submit("b", "pull"))
	read := w.start(chat, &usherv1.RequestFindInteractions{})
	refused := w.start(chat, submit("c", "nowhere"))
	again := w.start(chat, submit("a", "pull"))
	decided(w, before+5)
	for what, c := range map[string]*Call{"submit": first, "second submit": second, "read": read, "refusal": refused, "repeat": again} {
		notYet(t, what, c)
	}
	if got := w.all(report); len(got) != 0 {
		t.Fatalf("messages before they were durable: %v", got)
	}
	reached := report.Reached()
	g.pass <- nil
	if r, _ := first.Wait(w.ctx()); r.Err != nil {
		t.Fatal(r.Err)
	}
	b := <-g.arrived // the second batch: all that was decided meanwhile
	notYet(t, "second submit", second)
	notYet(t, "read", read)
	if b.Count == 0 || report.Reached() != reached {
		t.Fatalf("reached %d with messages unread", report.Reached())
	}
	g.pass <- nil
	for _, c := range []*Call{second, read, refused, again} {
		if _, err := c.Wait(w.ctx()); err != nil {
			t.Fatal(err)
		}
	}
	if refused.reply.Err == nil || read.reply.Sequence < second.reply.Sequence {
		t.Fatalf("read at %d, refused at %v, submitted at %d", read.reply.Sequence, refused.reply.Err, second.reply.Sequence)
	}
	g.shut(false)
	if got := w.all(report); len(got) != 4 {
		t.Fatalf("got %d reports", len(got))
	}
	if got := w.all(stream); len(got) != 0 {
		t.Fatalf("a media server's stream got the answers too: %v", got)
	}
}

// decided waits until the writer has decided so many requests, durable or not.
func decided(w *world, requests uint64) {
	for w.c.Status().Requests < requests {
		runtime.Gosched()
	}
}

func TestBatchesAreWrittenInOrderAndWhileTheNextIsDecided(t *testing.T) {
	w, g := gated(t)
	g.shut(true)
	before := w.c.Status().Requests
	var calls []*Call
	calls = append(calls, w.start(chat, submit("", "pull")))
	b := <-g.arrived
	for range 100 {
		calls = append(calls, w.start(chat, submit("", "pull")))
	}
	decided(w, before+uint64(len(calls))) // while the first batch is held up
	next := b.First + journal.Sequence(b.Count)
	g.pass <- nil
	for {
		select {
		case b := <-g.arrived:
			if b.First != next {
				t.Fatalf("batch begins with %d, want %d", b.First, next)
			}
			next += journal.Sequence(b.Count)
			g.pass <- nil
			continue
		case <-calls[100].Done():
		}
		break
	}
	g.shut(false)
	for n := 1; n < len(calls); n++ {
		if calls[n].reply.Sequence <= calls[n-1].reply.Sequence {
			t.Fatal("answers out of order")
		}
	}
}

func TestDrain(t *testing.T) { testDrain(t) }

// TestDrainWithAFailure: the last thing that is recorded is not, at first.
func TestDrainWithAFailure(t *testing.T) { testDrain(t, memory.UnknownLost) }

func testDrain(t *testing.T, failures ...memory.Fault) {
	w := newWorld(t, nil).setUp()
	w.logIn(ada, bob)
	id := w.must(ada, &usherv1.RequestSubmit{MediaType: "chat"}).Event.InteractionId
	pending := w.start(ada, &usherv1.RequestTransfer{ReferenceId: "t", InteractionId: id, AgentId: "bob"})
	if err := w.c.Flush(w.ctx()); err != nil {
		t.Fatal(err)
	}
	stream := w.subscribe(bob, nil)
	w.disk.FailNext(failures...)
	last := w.start(bob, engine.Disconnect{ConnectionID: "of-bob"})
	if err := w.c.Drain(w.ctx()); err != nil {
		t.Fatal(err)
	}
	if r, _ := last.Wait(w.ctx()); r.Err != nil {
		t.Fatalf("the last request: %v", r)
	}
	if r, _ := pending.Wait(w.ctx()); r.Err.GetCode() != usherv1.ErrorCode_ERROR_CODE_UNAVAILABLE {
		t.Fatalf("pending request: %v", r)
	}
	w.wantError(usherv1.ErrorCode_ERROR_CODE_UNAVAILABLE, chat, submit("", "pull"))
	if _, err := stream.Next(w.ctx()); err != ErrClosed {
		t.Fatalf("stream: %v", err)
	}
	if _, err := w.c.Subscribe("default", bob, nil); err != ErrClosed {
		t.Fatalf("subscribe: %v", err)
	}
	w.open()
	if s := w.c.Status(); s.Replayed != 0 || s.SnapshotSequence == 0 {
		t.Fatalf("after a drain nothing is to be replayed: %+v", s)
	}
	joined := w.start(ada, &usherv1.RequestTransfer{ReferenceId: "t", InteractionId: id, AgentId: "bob"})
	w.clock.Advance(31 * time.Second)
	if r, _ := joined.Wait(w.ctx()); r.Err.GetCode() != usherv1.ErrorCode_ERROR_CODE_NOT_ANSWERED || r.Event.GetEventError() == nil {
		t.Fatalf("the pending transfer ended with %v", r)
	}
}

// TestDrainBehindAFailure stops the center while a batch is on its way, which
// then fails.
func TestDrainBehindAFailure(t *testing.T) {
	w, g := gated(t)
	w.logIn(ada, bob)
	id := w.must(ada, &usherv1.RequestSubmit{MediaType: "chat"}).Event.InteractionId
	pending := w.start(ada, &usherv1.RequestTransfer{InteractionId: id, AgentId: "bob"})
	if err := w.c.Flush(w.ctx()); err != nil {
		t.Fatal(err)
	}
	g.shut(true)
	before := w.c.Status().Requests
	failing := w.start(chat, submit("", "pull"))
	<-g.arrived
	drained := make(chan error)
	go func() { drained <- w.c.Drain(context.Background()) }()
	decided(w, before+2)
	refused := w.start(chat, submit("", "pull"))
	<-refused.Done()
	if refused.reply.Err.GetCode() != usherv1.ErrorCode_ERROR_CODE_UNAVAILABLE {
		t.Fatalf("a new request while draining: %v", refused.reply)
	}
	notYet(t, "transfer", pending)
	g.shut(false)
	g.pass <- fmt.Errorf("%w: told to", journal.ErrUnknown)
	if err := <-drained; err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]*Call{"submit": failing, "transfer": pending} {
		if r, _ := c.Wait(w.ctx()); r.Err.GetCode() != usherv1.ErrorCode_ERROR_CODE_UNAVAILABLE {
			t.Fatalf("%s: %v", what, r)
		}
	}
	if s := w.c.Status(); s.Snapshots != 1 || !s.Draining || s.Leader {
		t.Fatalf("status %+v", s)
	}
}
