package center

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
	"github.com/usher-cc/usher/journal"
	"github.com/usher-cc/usher/journal/memory"
	"github.com/usher-cc/usher/router"
)

// submissions reads from the journal which interactions were submitted.
func submissions(w *world) []string {
	w.t.Helper()
	var ids []string
	for line, err := range w.c.Trace(w.ctx(), "default", "", 0, false) {
		if err != nil {
			w.t.Fatal(err)
		}
		if line.Event.GetEventInteractionSubmitted() != nil {
			ids = append(ids, line.InteractionId)
		}
	}
	return ids
}

func TestUnknownOutcomeIsReadFromTheJournal(t *testing.T) {
	for _, fault := range []memory.Fault{memory.UnknownLost, memory.UnknownWritten, memory.Torn} {
		t.Run(fault.String(), func(t *testing.T) {
			w := newWorld(t, nil).setUp()
			report := w.subscribe(engine.Report, nil)
			w.disk.FailNext(fault)
			w.wantError(usherv1.ErrorCode_ERROR_CODE_UNAVAILABLE, chat, submit("once", "pull"))
			r := w.must(chat, submit("once", "pull"))
			if got := submissions(w); !slices.Equal(got, []string{r.Event.InteractionId}) {
				t.Fatalf("submitted %v", got)
			}
			seen := 0
			for _, ev := range w.all(report) {
				if ev.GetEventInteractionSubmitted() != nil {
					seen++
				}
			}
			if seen != 1 {
				t.Fatalf("heard of %d submissions", seen)
			}
			if s := w.c.Status(); s.Rebuilds != 1 || !s.Leader || s.Repeats != map[memory.Fault]uint64{memory.UnknownWritten: 1}[fault] {
				t.Fatalf("status %+v", s)
			}
		})
	}
}

func TestPendingRequestSurvivesARebuild(t *testing.T) {
	w := newWorld(t, nil).setUp()
	w.logIn(ada, bob)
	id := w.must(ada, &usherv1.RequestSubmit{MediaType: "chat"}).Event.InteractionId
	pending := w.start(ada, &usherv1.RequestTransfer{InteractionId: id, AgentId: "bob"})
	if err := w.c.Flush(w.ctx()); err != nil {
		t.Fatal(err)
	}
	w.disk.FailNext(memory.UnknownLost)
	w.wantError(usherv1.ErrorCode_ERROR_CODE_UNAVAILABLE, chat, submit("", "pull"))
	notYet(t, "transfer", pending)
	// The answer itself gets lost on its way, and is in the journal.
	w.disk.FailNext(memory.UnknownWritten)
	w.clock.Advance(30 * time.Second)
	if r, _ := pending.Wait(w.ctx()); r.Err.GetCode() != usherv1.ErrorCode_ERROR_CODE_NOT_ANSWERED {
		t.Fatalf("transfer: %v", r)
	}
}

func TestDisconnectIsCarriedOutInAnyCase(t *testing.T) {
	w := newWorld(t, nil).setUp()
	w.logIn(ada)
	w.disk.FailNext(memory.UnknownLost)
	w.must(ada, engine.Disconnect{ConnectionID: "of-ada"})
	lost := false
	for b, err := range w.c.o.Journal.Read(w.ctx(), 1) {
		if err != nil {
			t.Fatal(err)
		}
		lost = lost || bytes.Contains(b.Payload, []byte("Disconnect"))
	}
	if !lost {
		t.Fatal("the loss of the connection was forgotten")
	}
}

// connections counts the open connections of the tenant.
func connections(w *world) (open int) {
	w.t.Helper()
	err := w.c.ask(w.ctx(), "default", func(w *writer) {
		for _, client := range w.tenants["default"].engine.Export().Clients {
			open += len(client.Connections)
		}
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return open
}

// wantLost waits for a loss that was held up.
func wantLost(w *world, lost *Call) {
	w.t.Helper()
	if r, err := lost.Wait(w.ctx()); err != nil || r.Err != nil {
		w.t.Fatalf("the loss of the connection: %v %v", r, err)
	}
	if n := connections(w); n != 0 {
		w.t.Fatalf("%d connections are open", n)
	}
}

func TestDisconnectWaitsForRoom(t *testing.T) {
	w := newWorld(t, nil).setUp()
	w.logIn(ada)
	w.disk.FailNext(memory.NotWritten, memory.NotWritten)
	w.wantError(usherv1.ErrorCode_ERROR_CODE_NO_SPACE, chat, submit("a", "pull"))
	lost := w.start(ada, engine.Disconnect{ConnectionID: "of-ada"})
	if n := connections(w); n != 1 {
		t.Fatalf("%d connections are open", n)
	}
	notYet(t, "the loss", lost)
	w.clock.Advance(time.Second) // and there is no room yet
	notYet(t, "the loss", lost)
	w.clock.Advance(time.Second)
	wantLost(w, lost)
}

func TestDisconnectWaitsForTheJournal(t *testing.T) {
	var d *deadJournal
	w := newWorld(t, func(o *Options) {
		d = &deadJournal{Journal: o.Journal}
		o.Journal = d
	}).setUp()
	w.logIn(ada)
	d.die(true)
	w.disk.FailNext(memory.UnknownLost)
	w.wantError(usherv1.ErrorCode_ERROR_CODE_UNAVAILABLE, chat, submit("a", "pull"))
	w.wantError(usherv1.ErrorCode_ERROR_CODE_UNAVAILABLE, chat, submit("b", "pull"))
	lost := w.start(ada, engine.Disconnect{ConnectionID: "of-ada"})
	w.clock.Advance(time.Second)
	notYet(t, "the loss", lost)
	d.die(false)
	for w.do(chat, submit("a", "pull")).Err != nil {
		w.clock.Advance(time.Second)
	}
	wantLost(w, lost)
}

func TestDisconnectWaitsInAFullInbox(t *testing.T) {
	var g *gate
	w := newWorld(t, func(o *Options) {
		g = newGate(t, o.Journal)
		o.Journal, o.MaxWaiting, o.MaxBatch = g, 1, 1
	}).setUp()
	w.logIn(ada)
	g.shut(true)
	w.start(chat, submit("", "pull"))
	<-g.arrived
	for full := false; !full; runtime.Gosched() {
		select {
		case <-w.start(chat, submit("", "pull")).Done():
			full = true
		default:
		}
	}
	lost := w.start(ada, engine.Disconnect{ConnectionID: "of-ada"})
	g.shut(false)
	g.pass <- nil
	wantLost(w, lost)
}

func TestLossesOfTheLastRunWaitForRoom(t *testing.T) {
	w := newWorld(t, nil).setUp()
	w.logIn(ada)
	w.disk.Crash()
	w.disk.FailNext(memory.NotWritten)
	w.open()
	if n := connections(w); n != 1 {
		t.Fatalf("%d connections are open", n)
	}
	w.clock.Advance(time.Second)
	if n := connections(w); n != 0 {
		t.Fatalf("%d connections are open", n)
	}
}

// TestNothingIsAppliedTwiceOrLost lets clients repeat what was not answered
// while appends fail in every way.
func TestNothingIsAppliedTwiceOrLost(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := newWorld(t, func(o *Options) { o.SnapshotEntries, o.MaxBatch, o.AnswerMs = 50, 8, 1<<40 }).setUp()
			random := rand.New(rand.NewPCG(seed, 1))
			report := w.subscribe(engine.Report, nil)
			var clients sync.WaitGroup
			var mu sync.Mutex
			acknowledged := map[string]bool{}
			for client := range 8 {
				clients.Go(func() {
					for n := range 20 {
						reference := fmt.Sprintf("%d-%d", client, n)
						for {
							r, err := w.c.Do(context.Background(), Request{Tenant: "default", From: chat, Body: submit(reference, "pull")})
							if err != nil {
								t.Error(err)
								return
							}
							if r.Err == nil {
								mu.Lock()
								acknowledged[r.Event.InteractionId] = true
								mu.Unlock()
								break
							}
						}
					}
				})
			}
			ended := make(chan struct{})
			go func() { clients.Wait(); close(ended) }()
			for faults := []memory.Fault{memory.UnknownLost, memory.UnknownWritten, memory.Torn, memory.NotWritten}; ; {
				w.disk.FailNext(faults[random.IntN(len(faults))])
				w.clock.Advance(time.Second) // a full disk is tried again
				select {
				case <-ended:
				default:
					continue
				}
				break
			}
			for w.do(chat, submit("last", "pull")).Err != nil { // uses up the remaining faults
				w.clock.Advance(time.Second)
			}
			got := submissions(w)
			if len(got) != 8*20+1 {
				t.Fatalf("%d submissions for %d requests", len(got), 8*20+1)
			}
			for id := range acknowledged {
				if !slices.Contains(got, id) {
					t.Fatalf("%s was acknowledged and is lost", id)
				}
			}
			var heard []string
			for _, ev := range w.all(report) {
				if ev.GetEventInteractionSubmitted() != nil {
					heard = append(heard, ev.InteractionId)
				}
			}
			if !slices.Equal(heard, got) {
				t.Fatalf("heard of %d submissions in another order, or not of all %d", len(heard), len(got))
			}
		})
	}
}

func TestFullDisk(t *testing.T) {
	w := newWorld(t, nil).setUp()
	w.disk.FailNext(memory.NotWritten)
	epoch := w.c.Status().Epoch
	w.wantError(usherv1.ErrorCode_ERROR_CODE_NO_SPACE, chat, submit("a", "pull"))
	w.wantError(usherv1.ErrorCode_ERROR_CODE_NO_SPACE, chat, submit("b", "pull")) // not even tried
	w.clock.Advance(time.Second)
	w.must(chat, submit("a", "pull"))
	if s := w.c.Status(); s.Epoch != epoch || s.Rebuilds != 1 {
		t.Fatalf("status %+v", s)
	}
}

func TestLowSpace(t *testing.T) {
	w := newWorld(t, nil).setUp()
	stream := w.subscribe(ada, nil)
	w.logIn(ada)
	id := w.submit("support")
	w.disk.SetSpace(journal.Space{FreeBytes: 1 << 20, LowBytes: 1 << 30})
	w.clock.Advance(time.Second)
	w.wantError(usherv1.ErrorCode_ERROR_CODE_NO_SPACE, chat, submit("", "support"))
	for _, ev := range w.all(stream) {
		if m := ev.GetEventInvite(); m != nil {
			w.must(ada, &usherv1.RequestAccept{Ticket: m.Ticket})
		}
	}
	w.must(ada, &usherv1.RequestLeaveInteraction{InteractionId: id})
	w.must(chat, &usherv1.RequestStopProcessing{InteractionId: id})
	w.disk.SetSpace(memory.DefaultSpace)
	w.clock.Advance(time.Second)
	w.submit("support")
}

// faultyRouter breaks off once.
type faultyRouter struct {
	Router
	faults *int
}

func (r faultyRouter) Next(now engine.Millis) (request any, ok bool) {
	if *r.faults > 0 {
		*r.faults--
		panic("a fault in the router")
	}
	return r.Router.Next(now)
}

func TestADecisionThatBreaksOffIsUndone(t *testing.T) {
	faults := 0
	w := newWorld(t, func(o *Options) {
		o.NewRouter = func() Router { return faultyRouter{router.New(), &faults} }
	}).setUp()
	w.clock.Advance(time.Second)
	if err := w.c.ask(w.ctx(), "", func(*writer) { faults = 1 }); err != nil {
		t.Fatal(err)
	}
	w.wantError(usherv1.ErrorCode_ERROR_CODE_INTERNAL, chat, submit("a", "pull"))
	if got := submissions(w); len(got) != 0 {
		t.Fatalf("the refused request was recorded: %v", got)
	}
	w.must(chat, submit("a", "pull"))
	w.logIn(ada, bob)
	id := w.must(ada, &usherv1.RequestSubmit{MediaType: "chat"}).Event.InteractionId
	w.clock.Advance(time.Second)
	if err := w.c.ask(w.ctx(), "", func(*writer) { faults = 1 }); err != nil {
		t.Fatal(err)
	}
	w.wantError(usherv1.ErrorCode_ERROR_CODE_INTERNAL, ada, &usherv1.RequestTransfer{InteractionId: id, AgentId: "bob"})
	if err := w.c.Flush(w.ctx()); err != nil || w.c.Status().Pending != 0 {
		t.Fatalf("%v, %d pending", err, w.c.Status().Pending)
	}
}

// deadJournal can't be led.
type deadJournal struct {
	journal.Journal
	mu   sync.Mutex
	dead bool
}

func (d *deadJournal) Lead(ctx context.Context) (journal.Epoch, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.dead {
		return 0, errors.New("told to be dead")
	}
	return d.Journal.Lead(ctx)
}

func (d *deadJournal) die(dead bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dead = dead
}

func TestWithoutJournalEverythingIsRefused(t *testing.T) {
	var d *deadJournal
	w := newWorld(t, func(o *Options) {
		d = &deadJournal{Journal: o.Journal}
		o.Journal = d
	}).setUp()
	d.die(true)
	w.disk.FailNext(memory.UnknownLost)
	w.wantError(usherv1.ErrorCode_ERROR_CODE_UNAVAILABLE, chat, submit("a", "pull"))
	w.wantError(usherv1.ErrorCode_ERROR_CODE_UNAVAILABLE, chat, submit("b", "pull"))
	w.wantError(usherv1.ErrorCode_ERROR_CODE_UNAVAILABLE, chat, &usherv1.RequestFindInteractions{})
	if w.c.Status().Leader {
		t.Fatal("leads a journal that it can't lead")
	}
	d.die(false)
	for w.do(chat, submit("a", "pull")).Err != nil {
		w.clock.Advance(time.Second)
	}
	d.die(true)
	w.disk.FailNext(memory.UnknownLost)
	w.wantError(usherv1.ErrorCode_ERROR_CODE_UNAVAILABLE, chat, submit("c", "pull"))
	if err := w.c.Drain(w.ctx()); err == nil {
		t.Fatal("a center without journal claims to have saved a snapshot")
	}
}

// TestDeadlinesWithoutJournal: what falls due while there is no journal happens
// when there is one again, although nobody asks for anything.
func TestDeadlinesWithoutJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d *deadJournal
		w := newWorld(t, func(o *Options) {
			d = &deadJournal{Journal: o.Journal}
			o.Journal = d
		}).setUp()
		w.logIn(ada)
		report := w.subscribe(engine.Report, nil)
		w.submit("support") // ada is invited for 30 seconds
		w.clock.Advance(28 * time.Second)
		d.die(true)
		w.disk.FailNext(memory.UnknownLost)
		w.wantError(usherv1.ErrorCode_ERROR_CODE_UNAVAILABLE, chat, submit("", "pull"))
		for range 5 {
			synctest.Wait() // it waits to try again
			w.clock.Advance(time.Second)
		}
		synctest.Wait()
		if w.c.Status().Leader || revoked(w.all(report)) {
			t.Fatal("it leads a journal that it can't lead")
		}
		d.die(false)
		w.clock.Advance(time.Second)
		synctest.Wait()
		if !w.c.Status().Leader || !revoked(w.all(report)) {
			t.Fatal("the deadline waits for somebody to ask for something")
		}
	})
}

// TestWhatTheJournalHasNotSeenIsDecidedAgain fails a batch while the next one,
// with a late answer in it, waits behind it.
func TestWhatTheJournalHasNotSeenIsDecidedAgain(t *testing.T) {
	w, g := gated(t)
	w.logIn(ada, bob)
	report := w.subscribe(engine.Report, nil)
	id := w.must(ada, &usherv1.RequestSubmit{MediaType: "chat"}).Event.InteractionId
	transfer := w.start(ada, &usherv1.RequestTransfer{InteractionId: id, AgentId: "bob"})
	var ticket uint64
	for ticket == 0 {
		if ev := w.next(report); ev.GetEventAgentInvited() != nil {
			ticket = ev.Sequence
		}
	}
	g.shut(true)
	before := w.c.Status().Requests
	failing := w.start(chat, submit("", "pull"))
	<-g.arrived
	accept := w.start(bob, &usherv1.RequestAccept{Ticket: ticket})
	offer := w.start(bob, &usherv1.RequestTransfer{InteractionId: id, AgentId: "ada", ReferenceId: "back"})
	joined := w.start(bob, &usherv1.RequestTransfer{InteractionId: id, AgentId: "ada", ReferenceId: "back"})
	decided(w, before+4)
	g.pass <- fmt.Errorf("%w: told to", journal.ErrUnknown)
	if r, _ := failing.Wait(w.ctx()); r.Err.GetCode() != usherv1.ErrorCode_ERROR_CODE_UNAVAILABLE {
		t.Fatalf("the failed request: %v", r)
	}
	for {
		select {
		case <-g.arrived:
			notYet(t, "accept", accept)
			notYet(t, "transfer", transfer)
			g.pass <- nil
			continue
		case <-accept.Done():
		}
		break
	}
	g.shut(false)
	for what, c := range map[string]*Call{"accept": accept, "transfer": transfer} {
		if r, _ := c.Wait(w.ctx()); r.Err != nil || r.Event.GetEventAck() == nil {
			t.Fatalf("%s: %v", what, r)
		}
	}
	if n := w.c.Status().Pending; n != 2 {
		t.Fatalf("%d requests are pending", n)
	}
	w.clock.Advance(time.Minute)
	for _, c := range []*Call{offer, joined} {
		if r, _ := c.Wait(w.ctx()); r.Err.GetCode() != usherv1.ErrorCode_ERROR_CODE_NOT_ANSWERED {
			t.Fatalf("the offer back: %v", r)
		}
	}
}

func TestARecordTooLargeForTheJournalIsRefused(t *testing.T) {
	w := newWorld(t, nil).setUp()
	large := &usherv1.Configuration{}
	for n := range 20_000 {
		large.Queues = append(large.Queues, &usherv1.Queue{Name: fmt.Sprintf("q%d", n), Description: strings.Repeat("x", 1000)})
	}
	w.wantError(usherv1.ErrorCode_ERROR_CODE_TOO_LARGE, admin, engine.Apply{Request: &usherv1.ApplyConfigurationRequest{Configuration: large}})
	w.wantError(usherv1.ErrorCode_ERROR_CODE_UNKNOWN_QUEUE, chat, submit("", "q1"))
	w.submit("pull")
}

// TestADeadlineTooLargeForTheJournalPausesItsTenant: it must neither be tried
// in a loop nor hold up anything else.
func TestADeadlineTooLargeForTheJournalPausesItsTenant(t *testing.T) {
	w := newWorld(t, nil).setUp()
	if r, err := w.c.CreateTenant(w.ctx(), admin, "other"); err != nil || r.Err != nil {
		t.Fatal(err, r.Err)
	}
	stream := w.subscribe(ada, nil)
	w.logIn(ada)
	w.submit("support")
	limit := func(bytes int) {
		if err := w.c.ask(w.ctx(), "", func(w *writer) { w.maxRecord = bytes }); err != nil {
			t.Fatal(err)
		}
	}
	limit(10)
	w.clock.Advance(30 * time.Second)
	w.clock.Advance(time.Minute) // tried after 1, 3, 7, 15 and 31 seconds
	if n := w.c.Status().Rebuilds; n != 6 {
		t.Fatalf("%d rebuilds", n)
	}
	if n := strings.Count(w.errors.String(), "too much at once"); n != 1 {
		t.Fatalf("told %d times: %s", n, w.errors.String())
	}
	limit(maxRecordBytes)
	w.submit("pull")
	r, err := w.c.Do(w.ctx(), Request{Tenant: "other", From: chat, Body: &usherv1.RequestRegisterClient{ClientType: usherv1.ClientType_CLIENT_TYPE_MEDIA_SERVER}})
	if err != nil || r.Err != nil {
		t.Fatal(err, r.Err)
	}
	revoked := func() (found bool) {
		for _, ev := range w.all(stream) {
			found = found || ev.GetEventRevoked() != nil
		}
		return found
	}
	if revoked() {
		t.Fatal("the deadline did not pause")
	}
	w.clock.Advance(3 * time.Second)
	if !revoked() {
		t.Fatal("the deadline was forgotten")
	}
}
