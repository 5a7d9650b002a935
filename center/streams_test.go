package center

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
	"github.com/usher-cc/usher/journal"
)

// journaled gives the sequences of the messages that the journal has for a
// recipient after a sequence, found in the plainest way.
func (w *world) journaled(p engine.Participant, after uint64) []uint64 {
	w.t.Helper()
	var all []uint64
	for b, err := range w.c.o.Journal.Read(w.ctx(), 1) {
		if err != nil {
			w.t.Fatal(err)
		}
		var records usherv1.RecordBatch
		if err := proto.Unmarshal(b.Payload, &records); err != nil {
			w.t.Fatal(err)
		}
		sequence := uint64(b.First)
		for _, r := range records.Records {
			for _, e := range r.Entries {
				immediate := e.Answer && e.Event.ReferenceId == r.GetCause().GetReferenceId() && proto.Equal(e.To[0], r.GetCause().GetPrincipal())
				for _, to := range e.To {
					if engine.ParticipantOf(to) == p && sequence > after && (!immediate || p.Kind == ada.Kind) {
						all = append(all, sequence)
					}
				}
				sequence++
			}
		}
	}
	return all
}

// readUpTo reads until a message, which is there, or stops on the way.
func readUpTo(ctx context.Context, s *Subscription, last uint64, random *rand.Rand) (got []uint64, err error) {
	for random == nil || random.IntN(40) > 0 {
		m, err := s.Next(ctx)
		if err != nil {
			return got, err
		}
		if got = append(got, m.Sequence); m.Sequence >= last {
			return got, nil
		}
	}
	return got, nil
}

// stir makes many messages for ada and the reporting engines, and gives the
// sequence of the last for p.
func (w *world) stir(p engine.Participant, random *rand.Rand) uint64 {
	w.t.Helper()
	for range 1 + random.IntN(12) {
		w.start(ada, &usherv1.RequestChangeAgentStateReason{Reason: "busy"})
		w.start(chat, submit("", []string{"pull", "support"}[random.IntN(2)]))
	}
	w.must(ada, &usherv1.RequestChangeAgentStateReason{Reason: "idle"})
	all := w.journaled(p, 0)
	w.start(ada, &usherv1.RequestChangeAgentStateReason{Reason: "busy"}) // perhaps not released when we read
	return all[len(all)-1]
}

// TestStreamsHaveNoGapAndNoDuplicate cuts streams at random places, by the
// reader's own will and because he is slow, and resumes them from the ring and
// from the journal, while new messages come.
func TestStreamsHaveNoGapAndNoDuplicate(t *testing.T) {
	for seed := range uint64(6) {
		for _, p := range []engine.Participant{ada, engine.Report} {
			t.Run(fmt.Sprint(seed, p.Kind), func(t *testing.T) {
				testCutStream(t, p, rand.New(rand.NewPCG(seed, 3)))
			})
		}
	}
}

func testCutStream(t *testing.T, p engine.Participant, random *rand.Rand) {
	w := newWorld(t, func(o *Options) {
		o.Ring, o.ReportRing, o.MaxBatch, o.SnapshotEntries = 1+random.IntN(20), 4+random.IntN(80), 1+random.IntN(5), 50
	}).setUp()
	w.logIn(ada)
	begin := random.Uint64N(w.c.Status().Durable + 1)
	after, last := begin, uint64(0)
	var got []uint64
	s := w.subscribe(p, &after)
	slow := 0
	for round := range 25 {
		crashed := random.IntN(8) == 0
		if crashed {
			w.crash() // the rings are refilled from the journal
		}
		last = w.stir(p, random)
		if crashed {
			s = w.subscribe(p, &after)
		}
		whim := random
		if round == 24 {
			whim = nil
		}
		for len(got) == 0 || got[len(got)-1] < last {
			more, err := readUpTo(w.ctx(), s, last, whim)
			got = append(got, more...)
			after = s.Reached()
			if len(more) > 0 && after < more[len(more)-1] {
				t.Fatalf("reached %d after message %d", after, more[len(more)-1])
			}
			var cut *SlowReader
			if errors.As(err, &cut) {
				slow++
				after = cut.Resume
			} else if err != nil {
				t.Fatal(err)
			}
			s.Close()
			s = w.subscribe(p, &after)
			if whim != nil && random.IntN(3) > 0 {
				break
			}
		}
	}
	want := slices.DeleteFunc(w.journaled(p, begin), func(n uint64) bool { return n > got[len(got)-1] })
	if !slices.Equal(got, want) {
		t.Fatalf("ring of %d, cut off %d times:\ngot  %v\nwant %v", w.c.o.Ring, slow, got, want)
	}
}

func TestSlowReaderIsCutOffAndHoldsNobodyUp(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.ReportRing = 20 }).setUp()
	slow, quick := w.subscribe(engine.Report, nil), w.subscribe(engine.Report, nil)
	w.submit("pull")
	first := w.next(slow).Sequence
	for range 40 {
		w.submit("pull")
		w.all(quick)
	}
	var cut *SlowReader
	last := first
	for {
		m, err := slow.Next(w.ctx())
		if err != nil {
			if !errors.As(err, &cut) || cut.Resume != last || cut.Error() == "" {
				t.Fatalf("got %v, want to be told to resume after %d", err, last)
			}
			break
		}
		last = m.Sequence
	}
	if _, err := slow.Next(w.ctx()); !errors.As(err, &cut) {
		t.Fatalf("and then %v", err)
	}
	if w.c.Status().SlowReaders != 1 {
		t.Fatal("not counted")
	}
	if all := w.all(quick); len(all) != 0 || quick.Reached() != w.c.Status().Durable {
		t.Fatal("the quick reader was held up")
	}
}

func TestExpiredCursorGivesThePresentState(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.SnapshotEntries, o.Retention, o.Ring = 20, time.Minute, 4 }).setUp()
	w.logIn(ada)
	id := w.must(ada, &usherv1.RequestSubmit{MediaType: "chat"}).Event.InteractionId
	for range 60 {
		w.submit("pull")
		w.clock.Advance(10 * time.Second)
		w.saved()
	}
	oldest, err := w.c.o.Journal.Oldest(w.ctx())
	if err != nil || oldest == 1 {
		t.Fatal("nothing was trimmed", err)
	}
	var expired *CursorExpired
	if _, err := w.c.Subscribe("default", ada, new(uint64)); !errors.As(err, &expired) {
		t.Fatalf("got %v", err)
	}
	p := expired.Present
	if expired.Oldest != uint64(oldest) || p.AgentStatus.GetAgentId() != "ada" ||
		len(p.Interactions) != 1 || p.Interactions[0].InteractionId != id || p.SequenceReached != w.c.Status().Durable {
		t.Fatalf("expired %v", expired)
	}
	s := w.subscribe(ada, &p.SequenceReached)
	r := w.must(ada, &usherv1.RequestStopProcessing{InteractionId: id})
	if got := w.next(s); got.Sequence <= p.SequenceReached || got.Sequence > r.Sequence+2 {
		t.Fatalf("went on with %v", got)
	}
	if _, err := w.c.Subscribe("default", engine.Report, new(uint64)); !errors.As(err, &expired) || expired.Present != nil {
		t.Fatalf("a reporting engine got %v", err)
	}
	for _, err := range w.c.Trace(w.ctx(), "default", "", 0, false) {
		if !errors.As(err, &expired) {
			t.Fatalf("trace: %v", err)
		}
	}
}

func TestTrimKeepsWhatOthersNeed(t *testing.T) {
	w := newWorld(t, func(o *Options) {
		o.SnapshotEntries, o.Retention, o.KeepFrom = 20, time.Minute, func() uint64 { return 5 }
	}).setUp()
	for range 60 {
		w.submit("pull")
		w.clock.Advance(10 * time.Second)
		w.saved()
	}
	if oldest, err := w.c.o.Journal.Oldest(w.ctx()); err != nil || oldest > 5 {
		t.Fatalf("trimmed up to %d, needed from 5 on (%v)", oldest, err)
	}
}

func TestTrimKeepsWhatIsNotOldEnough(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.SnapshotEntries, o.Retention = 20, 5*time.Minute }).setUp()
	for range 120 {
		w.submit("pull")
		w.clock.Advance(10 * time.Second)
		w.saved()
	}
	for b, err := range w.c.o.Journal.Read(w.ctx(), 1) {
		var trimmed *journal.TrimmedError
		if !errors.As(err, &trimmed) {
			t.Fatalf("nothing was trimmed: %v %v", b, err)
		}
		oldest, err := w.c.batchAt(uint64(trimmed.Oldest))
		if err != nil {
			t.Fatal(err)
		}
		// A snapshot, which trims, is made every minute at first, and less
		// often the more there is to save.
		if age := w.clock.Now().UnixMilli() - oldest.Time; age < 5*60_000 || age > 15*60_000 {
			t.Fatalf("the oldest batch is of %d s ago", age/1000)
		}
	}
}

func TestResumedInvitationShowsPresentProperties(t *testing.T) {
	w := newWorld(t, nil).setUp()
	w.logIn(ada)
	id := w.submit("support")
	w.must(chat, &usherv1.RequestChangeProperties{InteractionId: id, Properties: properties(t, map[string]any{"priority": 7})})
	for _, restart := range []bool{false, true} {
		if restart {
			w.crash()
		}
		s := w.subscribe(ada, new(uint64))
		var invite *usherv1.Event
		for invite.GetEventInvite() == nil {
			invite = w.next(s)
		}
		if len(invite.Interactions) != 1 || invite.Interactions[0].Priority != 7 {
			t.Fatalf("restart %t: shows %v", restart, invite.Interactions)
		}
	}
}

// TestSubscribeBetweenDecisionAndRelease opens a stream when a message for it
// is decided and not yet durable.
func TestSubscribeBetweenDecisionAndRelease(t *testing.T) {
	w, g := gated(t)
	w.logIn(ada)
	g.shut(true)
	c := w.start(chat, submit("", "support"))
	<-g.arrived
	s := w.subscribe(ada, nil)
	g.pass <- nil
	<-c.Done()
	g.shut(false)
	invite := w.next(s)
	if invite.GetEventInvite() == nil || len(invite.Interactions) != 1 {
		t.Fatalf("got %v", invite)
	}
}

func TestSubscribeErrors(t *testing.T) {
	w := newWorld(t, nil).setUp()
	ahead := w.c.Status().Durable + 1
	if _, err := w.c.Subscribe("default", ada, &ahead); !errors.Is(err, ErrAhead) {
		t.Fatalf("ahead: %v", err)
	}
	if _, err := w.c.Subscribe("elsewhere", ada, nil); !errors.Is(err, ErrUnknownTenant) {
		t.Fatalf("unknown tenant: %v", err)
	}
	s := w.subscribe(ada, nil)
	go s.Close()
	if _, err := s.Next(w.ctx()); !errors.Is(err, ErrClosed) {
		t.Fatalf("closed: %v", err)
	}
	if n := w.c.Status().Subscriptions; n != 0 {
		t.Fatalf("%d subscriptions are left", n)
	}
}

func TestRingsOutliveTheirReadersForAWhile(t *testing.T) {
	w := newWorld(t, nil).setUp()
	w.subscribe(ada, nil).Close()
	w.clock.Advance(time.Minute)
	w.submit("pull")
	if !w.c.rings.has(recipient{"default", ada}) {
		t.Fatal("a reader who is away for a minute has lost his ring")
	}
	w.clock.Advance(11 * time.Minute)
	w.submit("pull")
	if w.c.rings.has(recipient{"default", ada}) {
		t.Fatal("a ring that nobody has read for 11 minutes is kept")
	}
}

func TestTenantsDoNotHearOfEachOther(t *testing.T) {
	w := newWorld(t, nil).setUp()
	if r, err := w.c.CreateTenant(w.ctx(), admin, "other"); err != nil || r.Err != nil {
		t.Fatal(err, r.Err)
	}
	other, err := w.c.Subscribe("other", engine.Report, nil)
	if err != nil {
		t.Fatal(err)
	}
	w.submit("pull")
	if got := w.all(other); len(got) != 0 {
		t.Fatalf("heard %v", got)
	}
	for line, err := range w.c.Trace(w.ctx(), "other", "", 0, false) {
		t.Fatal(line, err)
	}
	after := uint64(0)
	s, err := w.c.Subscribe("other", chat, &after)
	if err != nil {
		t.Fatal(err)
	}
	for s.Reached() < w.c.Status().Durable {
		if err := s.fetch(w.ctx()); err != nil || len(s.ready) != 0 {
			t.Fatal(err, s.ready)
		}
	}
}

// lagging is a journal that has appended and does not say so yet.
type lagging struct {
	journal.Journal
	mu       sync.Mutex
	lags     bool
	appended chan struct{}
	pass     chan struct{}
	over     <-chan struct{} // the test is
}

func (l *lagging) lag(lags bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lags = lags
}

func (l *lagging) Append(ctx context.Context, e journal.Epoch, b *journal.Batch) (journal.Head, error) {
	h, err := l.Journal.Append(ctx, e, b)
	l.mu.Lock()
	lags := l.lags
	l.mu.Unlock()
	if lags {
		l.appended <- struct{}{}
		select {
		case <-l.pass:
		case <-l.over:
		}
	}
	return h, err
}

// TestReadFromTheJournalBeforeItWasReleased reads messages that are durable,
// before they come into the ring that the stream goes over to.
func TestReadFromTheJournalBeforeItWasReleased(t *testing.T) {
	var l *lagging
	w := newWorld(t, func(o *Options) {
		l = &lagging{Journal: o.Journal, appended: make(chan struct{}), pass: make(chan struct{}), over: t.Context().Done()}
		o.Journal = l
	}).setUp()
	l.lag(true)
	c := w.start(chat, submit("", "pull"))
	<-l.appended
	s := w.subscribe(engine.Report, new(uint64))
	var got []uint64
	want := w.journaled(engine.Report, 0)
	for len(got) < len(want) {
		got = append(got, w.next(s).Sequence)
	}
	if _, err := s.Next(canceled()); err == nil { // goes over to the ring, which does not have them yet
		t.Fatal("there is a message that the journal has not")
	}
	l.lag(false)
	l.pass <- struct{}{}
	<-c.Done()
	w.submit("pull")
	want = w.journaled(engine.Report, 0)
	for _, ev := range w.all(s) {
		got = append(got, ev.Sequence)
	}
	if !slices.Equal(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
}
