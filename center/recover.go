package center

import (
	"errors"
	"slices"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
	"github.com/usher-cc/usher/journal"
)

// recover rebuilds the state from the journal when an append failed or a
// decision broke off. It tells whether the center goes on.
func (w *writer) recover() bool {
	c := w.center
	var failed *appendError
	if !errors.As(w.suspect, &failed) {
		// The state is in doubt and not the journal; what is on its way there
		// is good, unless it fails now.
		if err := w.appender.sync(); err != nil {
			w.suspect = err
		}
	}
	c.o.Logger.Error("rebuilding from the journal", "because", w.suspect)
	c.counts.rebuilds.Add(1)
	w.undecide(w.batch)
	if errors.As(w.suspect, &failed) {
		w.abandon(failed.batch, failed.err)
		w.appender.spare <- failed.batch
	}
	// An append that found no room leaves the journal as it was, and led.
	w.full, w.fullSince = errors.Is(w.suspect, journal.ErrNoSpace), c.clock.Elapsed()
	lead := errors.As(w.suspect, &failed) && !w.full
	again := !errors.Is(w.suspect, errTooLargeByItself) // the tenant pauses, the others go on
	if again && !lead && !w.full && c.clock.Elapsed()-w.rebuilt < rebuildPause && !w.pause(w.suspect) {
		return false // the same decision would only break off again
	}
	for {
		err := w.reload(lead)
		if err == nil {
			break
		}
		c.o.Logger.Error("can't rebuild from the journal", "error", err)
		lead = true
		if !w.pause(err) {
			return false
		}
	}
	w.suspect, w.rebuilt = nil, c.clock.Elapsed()
	c.leading.Store(true)
	c.inbox.reopen()
	return true
}

// undecide takes back a batch that the journal has not seen: its requests wait
// again, as if they had not been decided.
func (w *writer) undecide(b *batch) {
	var again []*Call
	for _, call := range b.calls {
		if !call.over {
			again = append(again, call)
		}
	}
	for key, calls := range w.waiting {
		calls = slices.DeleteFunc(calls, func(c *Call) bool { return slices.Contains(again, c) })
		if w.waiting[key] = calls; len(calls) == 0 {
			delete(w.waiting, key)
		}
	}
	w.waitOn(b)
	w.center.inbox.putBack(again, slices.Clone(b.rung))
	if b.snapshot != nil && !b.last {
		w.center.saving.Store(false)
	}
}

// abandon answers those whose request is not, or perhaps not, recorded. Only
// what must be done in any case, and what changes nothing, waits again.
func (w *writer) abandon(b *batch, why error) {
	refusal := unavailable("the journal failed")
	if errors.Is(why, journal.ErrNoSpace) {
		refusal = noSpace()
	}
	var again []*Call
	for _, call := range b.calls {
		switch call.request.Body.(type) {
		case engine.Disconnect, inspection, ending:
			again = append(again, call)
		}
	}
	for _, r := range b.replies {
		if !r.late && !slices.Contains(again, r.call) {
			r.call.finish(Reply{Err: refusalFor(r.call, refusal)})
		}
	}
	w.waitOn(b)
	w.center.inbox.putBack(again, slices.Clone(b.rung))
	if b.snapshot != nil && !b.last {
		w.center.saving.Store(false)
	}
}

// waitOn lets those wait again whose late answer is, or may be, not recorded.
func (w *writer) waitOn(b *batch) {
	for _, r := range b.replies {
		if r.late && !r.call.over {
			key := r.call.key()
			w.waiting[key] = append(w.waiting[key], r.call)
		}
	}
}

// refusalFor is a refusal of one of several calls.
func refusalFor(call *Call, refusal *usherv1.EventError) *usherv1.EventError {
	own := &usherv1.EventError{Code: refusal.Code, Name: refusal.Name, Description: refusal.Description}
	if m, ok := call.request.Body.(referenced); ok {
		own.ReferenceId = m.GetReferenceId()
	}
	return own
}

// reload leads the journal if need be, and takes over what it holds. Messages
// whose append seemed to have failed are heard now.
func (w *writer) reload(lead bool) error {
	c := w.center
	if lead {
		epoch, err := c.o.Journal.Lead(c.ctx)
		if err != nil {
			return err
		}
		c.epoch.Store(uint64(epoch))
	}
	released := c.rings.reached()
	var unheard []delivery
	late := map[answerKey][]byte{}
	l, err := rebuild(c.ctx, &c.o, func(r *storedRecord) {
		if r.sequence(len(r.entries)-1) > released {
			unheard = r.deliveries(unheard, everybody)
			w.awaited(r, late)
		}
	})
	if err != nil {
		return err
	}
	w.take(l)
	c.rings.release(unheard, uint64(l.next-1), c.clock.Elapsed())
	w.answerWaiting(late)
	return nil
}

// awaited picks the answers of a record that somebody waits for; the table of
// answers has forgotten those whose reference id was the server's.
func (w *writer) awaited(r *storedRecord, late map[answerKey][]byte) {
	for n := range r.entries {
		e := &r.entries[n]
		if !e.answer {
			continue
		}
		key := answerKey{r.tenant, e.to[0], peek(e.event).reference}
		if w.waiting[key] != nil {
			late[key] = slices.Clone(e.event)
		}
	}
}

func everybody(engine.Participant) bool { return true }

// take makes a rebuilt state the live one.
func (w *writer) take(l *loaded) {
	c := w.center
	w.state = l.state
	w.appender.head = l.head
	w.sinceEntries, w.sinceBytes = l.replayed, 0
	w.overdue, w.alarmSet = false, 0
	w.batch.reset(uint64(l.next))
	c.view.Store(l.credentials.clone())
	c.counts.decided.Store(uint64(l.next - 1))
	c.counts.replayed.Store(l.replayed)
	c.counts.loadTook.Store(int64(l.took))
	c.counts.snapshotAt.Store(l.snapshot - 1)
}

// answerWaiting answers those whose answer was recorded although its append
// seemed to fail, and those whose request was not recorded at all. The others
// wait on.
func (w *writer) answerWaiting(late map[answerKey][]byte) {
	for key, calls := range w.waiting {
		known := w.answers.byKey[key]
		if event := late[key]; known == nil && event != nil {
			known = &answer{key: key, event: event}
		}
		if known != nil && known.event == nil {
			continue
		}
		delete(w.waiting, key)
		for _, call := range calls {
			if known == nil {
				w.refuse(call, unavailable("the journal failed"))
			} else {
				w.reply(call, w.remembered(known))
			}
		}
	}
}

// pause refuses everything for a while; false if the center is to end.
func (w *writer) pause(why error) bool {
	c := w.center
	c.leading.Store(false)
	calls, rung := c.inbox.refuseAll(inboxDown)
	for _, done := range rung {
		done()
	}
	ended := errors.Is(why, journal.ErrClosed)
	for _, call := range calls {
		_, last := call.request.Body.(ending)
		ended = ended || last
		call.finish(Reply{Err: refusalFor(call, unavailable("it has no journal"))})
	}
	if ended {
		return false
	}
	w.retry.Set(c.clock.Elapsed() + rebuildPause)
	select {
	case <-w.retries:
	case <-c.inbox.signal:
	}
	return true
}

// finish ends the center: nothing is on its way to the journal any more.
func (w *writer) finish() {
	c := w.center
	w.alarm.Stop()
	w.retry.Stop()
	close(w.appender.in)
	<-w.appender.ended
	calls, rung := c.inbox.refuseAll(inboxClosed)
	for _, done := range rung {
		done()
	}
	for _, calls := range w.waiting {
		for _, call := range calls {
			call.finish(Reply{Err: refusalFor(call, unavailable("it has stopped"))})
		}
	}
	for _, call := range append(w.held, calls...) {
		call.finish(Reply{Err: refusalFor(call, unavailable("it has stopped"))})
	}
	c.background.Wait()
	if x := w.appender.last; x != nil {
		c.drainErr = c.save(x, w.appender.head)
	} else if w.suspect != nil {
		c.drainErr = w.suspect
	}
	c.leading.Store(false)
	close(c.closed)
	c.cancel()
}
