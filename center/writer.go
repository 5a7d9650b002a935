package center

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
)

// errRecordTooLarge: what came of one input is more than the journal takes.
var errRecordTooLarge = errors.New("center: a record is too large for the journal")

// errTooLargeByItself: it is what came of a deadline, or of the router.
var errTooLargeByItself = errors.New("center: a record that nobody asked for is too large for the journal")

// How long the writer waits before it tries again.
const (
	rebuildPause = time.Second // after a rebuild that failed
	spacePause   = time.Second // between two looks at the free space
)

// writer is the one goroutine that decides. Nobody else touches its fields.
type writer struct {
	*state
	center *Center
	now    engine.Millis
	batch  *batch
	taken  []*Call // what was last taken from the inbox

	// waiting are those whose request was decided and is not answered yet.
	waiting map[answerKey][]*Call
	// unrouted says that the routers of some tenants may have more to say than
	// fitted into the batch; overdue says the same of the deadlines.
	unrouted bool
	overdue  bool
	// suspect is why the state can't be trusted, until it is rebuilt.
	suspect error

	alarm    Alarm
	alarmSet engine.Millis // when the alarm will ring; 0 if it is silent

	retry   Alarm // wakes a writer that has no journal
	retries chan struct{}
	rebuilt time.Duration // when the state was last rebuilt

	maxRecord int
	stalled   map[string]stall // tenants whose deadlines and router pause

	// held are the losses of connections that there was no room for. They
	// happened before all that waits.
	held []*Call

	full      bool // the journal took nothing any more when last tried
	fullSince time.Duration

	sinceEntries uint64 // recorded since the last snapshot
	sinceBytes   int

	appender *appender
}

func newWriter(c *Center) *writer {
	w := &writer{
		center: c, batch: &batch{}, maxRecord: maxRecordBytes, stalled: map[string]stall{}, waiting: map[answerKey][]*Call{}, retries: make(chan struct{}, 1),
		appender: newAppender(c), rebuilt: c.clock.Elapsed() - rebuildPause,
	}
	w.alarm = c.clock.NewAlarm(c.inbox.ring)
	w.retry = c.clock.NewAlarm(func(done func()) {
		select {
		case w.retries <- struct{}{}:
		default:
		}
		done()
	})
	return w
}

// run decides until the center closes.
func (w *writer) run() {
	for {
		for w.suspect == nil && w.fill() {
		}
		if w.suspect != nil && !w.recover() {
			w.finish()
			return
		}
		if !w.batch.empty() {
			// Who waits for a processor puts his request in before the batch is
			// handed over: several times as many share one sync.
			runtime.Gosched()
			for w.suspect == nil && w.fill() {
			}
			if w.suspect != nil {
				continue
			}
		}
		var out chan<- *batch
		if !w.batch.empty() {
			w.close()
			out = w.appender.in
		}
		var signal <-chan struct{}
		if !w.batch.full(w.center.o.MaxBatch) {
			signal = w.center.inbox.signal
		}
		select {
		case out <- w.batch:
			last := w.batch.last
			w.batch = <-w.appender.spare
			w.batch.reset(uint64(w.next))
			if last {
				w.suspect = w.appender.sync()
			}
			if last && w.suspect == nil {
				w.finish()
				return
			}
		case <-signal:
		case err := <-w.appender.failed:
			w.suspect = err
		}
	}
}

// close readies the batch for the appender. A batch whose fold is to be saved
// takes nothing more.
func (w *writer) close() {
	o := &w.center.o
	w.center.counts.decided.Store(uint64(w.next - 1))
	w.center.counts.answers.Store(int64(len(w.answers.byKey)))
	pending := 0
	for _, calls := range w.waiting {
		pending += len(calls)
	}
	w.center.counts.pending.Store(int64(pending))
	if w.batch.snapshot != nil || w.sinceEntries == 0 {
		return
	}
	// The last one's size is the measure, so that saving what is remembered
	// does not outgrow deciding.
	due := (w.sinceEntries >= uint64(o.SnapshotEntries) || w.sinceBytes >= o.SnapshotBytes) &&
		int64(w.sinceBytes) >= w.center.counts.snapshotBytes.Load()
	if w.batch.last || due && w.center.saving.CompareAndSwap(false, true) {
		w.credentials.forgetExpired(w.recorded)
		w.center.view.Load().forgetExpired(w.recorded)
		w.batch.snapshot = w.export()
		w.sinceEntries, w.sinceBytes = 0, 0
	}
}

// fill decides what is due and what waits, and tells whether there may be more
// to decide at once.
func (w *writer) fill() (more bool) {
	b := w.batch
	limit := w.center.o.MaxBatch
	if b.full(limit) {
		return false
	}
	calls, rung := w.center.inbox.take(limit-b.size, w.taken[:0])
	w.taken = calls
	b.rung = append(b.rung, rung...)
	if len(rung) > 0 {
		w.alarmSet = 0
	}
	w.stamp() // after an alarm was heard, so that what it rang for is due
	w.lookAtSpace()
	w.decideHeld()
	w.routeRest()
	w.fireDeadlines()
	for n, call := range calls {
		if w.suspect != nil || b.full(limit) {
			w.center.inbox.putBack(slices.Clone(calls[n:]), nil)
			break
		}
		w.decide(call)
	}
	clear(calls)
	w.setAlarm()
	return w.suspect == nil && (len(calls) > 0 || w.overdue || w.unrouted)
}

// decideHeld decides what was held while the disk was full. What does not fit
// fills the batch, so that nothing else is decided before it.
func (w *writer) decideHeld() {
	for len(w.held) > 0 && !w.full && w.suspect == nil && !w.batch.full(w.center.o.MaxBatch) {
		call := w.held[0]
		w.held[0] = nil
		w.held = w.held[1:]
		w.decide(call)
	}
}

// stamp reads the clock.
func (w *writer) stamp() {
	w.now = max(w.now, w.recorded, w.center.time.now())
	if jump := w.center.time.look(); jump != 0 {
		w.center.o.Logger.Warn("the wall clock jumped; the center's time goes on evenly", "by", jump)
	}
}

// lookAtSpace asks now and then how much room the journal has.
func (w *writer) lookAtSpace() {
	if elapsed := w.center.clock.Elapsed(); w.full && elapsed-w.fullSince >= spacePause {
		w.full = false // at the worst the next append finds out again
	}
	space := w.center.space.latest(w.center)
	if low := space.Low(); w.center.lowSpace.Swap(low) != low {
		w.center.o.Logger.Warn("room for the journal", "low", low, "free", space.FreeBytes, "mark", space.LowBytes)
	}
}

// guard runs a decision. A panic leaves the state in doubt: it is rebuilt from
// the journal, and the request is refused.
func (w *writer) guard(call *Call, decide func()) {
	defer func() {
		fault := recover()
		if fault == nil {
			return
		}
		if fault == errTooLargeByItself {
			w.suspect = errTooLargeByItself // the request will be decided again, without it
			return
		}
		w.suspect = fmt.Errorf("deciding failed: %v", fault)
		w.center.o.Logger.Error("deciding failed", "fault", fault, "stack", string(debug.Stack()))
		refusal := refuse(usherv1.ErrorCode_ERROR_CODE_INTERNAL, "the request could not be decided; the reason was logged")
		if fault == errRecordTooLarge {
			refusal = refuse(usherv1.ErrorCode_ERROR_CODE_TOO_LARGE, "the request would change too much at once")
		}
		if call != nil {
			call.finish(Reply{Err: refusal})
		}
	}()
	decide()
}

// fireDeadlines lets happen what is due, one deadline at a time.
func (w *writer) fireDeadlines() {
	w.overdue = false
	if w.full {
		return
	}
	for _, t := range w.order {
		for t.due != 0 && t.due <= w.now && w.suspect == nil && !w.pauses(t) {
			if w.batch.full(w.center.o.MaxBatch) {
				w.overdue = true
				return
			}
			w.guard(nil, func() { w.fire(t) })
		}
	}
}

// fire lets one deadline of a tenant happen.
func (w *writer) fire(t *tenant) {
	out := t.engine.Tick(w.now, w.next)
	if len(out.Entries) > 0 {
		w.batch.size++
		w.center.counts.deadlines.Add(1)
		w.recordFor(t, nil, out.Entries)
	}
	w.route(t)
	if len(out.Entries) == 0 && t.due != 0 && t.due <= w.now {
		t.due = w.now + 1 // a router that does not act on its deadline must not stop the world
	}
}

// route lets a tenant's router act on what changed.
func (w *writer) route(t *tenant) {
	t.unrouted = false
	for {
		t.router.Update(t.engine)
		if w.pauses(t) {
			t.unrouted = true
			break
		}
		if w.full || w.batch.full(w.center.o.MaxBatch) {
			t.unrouted, w.unrouted = true, !w.full
			break
		}
		request, ok := t.router.Next(w.now)
		if !ok {
			break
		}
		w.batch.size++
		out := t.engine.Handle(engine.Input{Now: w.now, Next: w.next, From: engine.BuiltinRouter, Request: request})
		if out.Err != nil {
			t.router.Refused(request, out.Err)
			continue
		}
		if len(out.Entries) > 0 {
			w.recordFor(t, routerCause(request), out.Entries)
		}
	}
	t.due = earliest(t)
}

// routerCause is the cause of what came of a request of the built-in router:
// a published one, or one of its own, which has its type's name.
func routerCause(request any) *usherv1.Cause {
	c := &usherv1.Cause{Principal: engine.BuiltinRouter.Proto(), Protocol: usherv1.Protocol_PROTOCOL_TLIB}
	if m, ok := request.(proto.Message); ok {
		c.Request = string(m.ProtoReflect().Descriptor().Name())
	} else {
		c.Request = strings.TrimPrefix(fmt.Sprintf("%T", request), "*engine.")
	}
	if m, ok := request.(interface{ GetInteractionId() string }); ok {
		c.InteractionId = m.GetInteractionId()
	}
	return c
}

// earliest is when engine or router want to be called; 0 for never.
func earliest(t *tenant) engine.Millis {
	due, ok := t.engine.NextDeadline()
	if at, has := t.router.NextDeadline(); has && (!ok || at < due) {
		due, ok = at, true
	}
	if !ok {
		return 0
	}
	return max(due, 1)
}

// routeRest goes on where a full batch, or a full disk, stopped the routers.
func (w *writer) routeRest() {
	w.unrouted = false
	for _, t := range w.order {
		if t.unrouted && w.suspect == nil && !w.full && !w.pauses(t) {
			w.guard(nil, func() { w.route(t) })
		}
	}
}

// setAlarm sets the alarm to the next deadline.
func (w *writer) setAlarm() {
	next := engine.Millis(0)
	for _, t := range w.order {
		if due := w.dueOf(t); due != 0 && (next == 0 || due < next) {
			next = due
		}
	}
	if w.full {
		next = w.now + engine.Millis(spacePause.Milliseconds())
	}
	if next == w.alarmSet {
		return
	}
	w.alarmSet = next
	if next == 0 {
		w.alarm.Stop()
		return
	}
	w.alarm.Set(w.center.time.elapsedAt(next))
}
