package center

import (
	"errors"

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
	c.abandon(w.batch, w.suspect)
	w.batch.reset(uint64(w.next))
	// An append that found no room leaves the journal as it was, and led.
	w.full, w.fullSince = errors.Is(w.suspect, journal.ErrNoSpace), c.clock.Elapsed()
	lead := errors.As(w.suspect, &failed) && !w.full
	if !lead && !w.full && c.clock.Elapsed()-w.rebuilt < rebuildPause && !w.pause(w.suspect) {
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
	l, err := rebuild(c.ctx, &c.o, func(r *storedRecord) {
		if r.sequence(len(r.entries)-1) > released {
			unheard = r.deliveries(unheard, everybody)
		}
	})
	if err != nil {
		return err
	}
	w.take(l)
	c.rings.release(unheard, uint64(l.next-1), c.clock.Elapsed())
	w.answerWaiting()
	return nil
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
func (w *writer) answerWaiting() {
	for key, calls := range w.waiting {
		known := w.answers.byKey[key]
		if known != nil && known.event == nil {
			continue
		}
		delete(w.waiting, key)
		w.center.counts.pending.Add(-int64(len(calls)))
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
	for _, call := range calls {
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
