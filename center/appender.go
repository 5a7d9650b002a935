package center

import (
	"github.com/usher-cc/usher/journal"
)

// appendError says that a batch was not appended, or perhaps not.
type appendError struct {
	batch *batch
	err   error
}

func (e *appendError) Error() string { return e.err.Error() }
func (e *appendError) Unwrap() error { return e.err }

// appender is the goroutine that makes batches durable and then releases what
// they hold, while the writer decides the next.
type appender struct {
	center *Center
	in     chan *batch   // taken only when nothing is left to do
	spare  chan *batch   // what it has done with
	failed chan error    // an *appendError; nothing is taken before it was heard
	ended  chan struct{} // closed when in was closed and all is done
	last   *export       // the fold after the last batch of all
	head   journal.Head  // the durable end; the writer's while it rebuilds
}

func newAppender(c *Center) *appender {
	a := &appender{
		center: c, in: make(chan *batch), spare: make(chan *batch, 2),
		failed: make(chan error), ended: make(chan struct{}),
	}
	a.spare <- &batch{}
	return a
}

func (a *appender) run() {
	defer close(a.ended)
	for b := range a.in {
		if b == nil {
			continue // the writer only wanted to know that nothing is left
		}
		if err := a.append(b); err != nil {
			a.failed <- &appendError{b, err} // it is the writer's from now on
			continue
		}
		a.release(b)
		a.spare <- b
	}
}

// sync waits until nothing is left to do. The error is that of the last batch.
func (a *appender) sync() error {
	select {
	case a.in <- nil:
		return nil
	case err := <-a.failed:
		return err
	}
}

func (a *appender) append(b *batch) error {
	if b.entries == 0 {
		return nil // reads and refusals: all before them is durable by now
	}
	c := a.center
	head, err := c.o.Journal.Append(c.ctx, journal.Epoch(c.epoch.Load()), b.journalBatch())
	if err != nil {
		return err
	}
	a.head = head
	c.counts.batches.Add(1)
	c.counts.entries.Add(uint64(b.entries))
	c.counts.bytes.Add(uint64(len(b.payload)))
	return nil
}

// release lets be heard what is durable now: lookups first, so that a key
// works when its maker knows of it, then streams, then replies.
func (a *appender) release(b *batch) {
	c := a.center
	view := c.view.Load()
	for _, f := range b.facts {
		view.fold(f.tenant, f.fact)
	}
	c.rings.release(b.messages, b.decided, c.clock.Elapsed())
	c.rings.tell(b.unrecorded)
	for _, r := range b.replies {
		r.call.finish(r.reply)
	}
	for _, done := range b.rung {
		done()
	}
	switch {
	case b.last:
		a.last = b.snapshot
	case b.snapshot != nil:
		x, head := b.snapshot, a.head
		c.background.Go(func() { c.saveInBackground(x, head) })
	}
}
