package center

import (
	"fmt"
	"time"

	"github.com/usher-cc/usher/engine"
	"github.com/usher-cc/usher/journal"
)

// saveInBackground saves a snapshot beside the writer, and trims the journal.
func (c *Center) saveInBackground(x *export, head journal.Head) {
	defer c.saving.Store(false)
	err := c.save(x, head)
	if err == nil {
		err = c.trim()
	}
	if err != nil {
		// The journal only grows longer than it should; the next one may do.
		c.o.Logger.Error("saving a snapshot failed", "error", err)
	}
}

// save saves the fold of everything before head.
func (c *Center) save(x *export, head journal.Head) error {
	if x.next != uint64(head.Next) {
		return fmt.Errorf("snapshot of what is before sequence %d has the head of %d", x.next, head.Next)
	}
	begun := c.clock.Elapsed()
	raw, err := x.encode()
	if err != nil {
		return err
	}
	if err := c.o.Journal.SaveSnapshot(c.ctx, &journal.Snapshot{Head: head, Schema: schema, Payload: raw}); err != nil {
		return err
	}
	c.counts.snapshots.Add(1)
	c.counts.snapshotAt.Store(x.next - 1)
	c.counts.snapshotBytes.Store(int64(len(raw)))
	c.o.Logger.Info("saved a snapshot", "sequence", x.next-1, "bytes", len(raw), "took", c.clock.Elapsed()-begun)
	return nil
}

// trim drops what is older than the retention and needed by nobody.
func (c *Center) trim() error {
	if c.o.Retention == 0 {
		return nil
	}
	oldest, err := c.o.Journal.Oldest(c.ctx)
	if err != nil {
		return err
	}
	keep := c.snapshotBefore()
	if c.o.KeepFrom != nil {
		keep = min(keep, c.o.KeepFrom())
	}
	limit := c.time.now() - engine.Millis(c.o.Retention/time.Millisecond)
	before, err := c.firstSince(limit, uint64(oldest), keep)
	if err != nil || before <= uint64(oldest) {
		return err
	}
	if err := c.o.Journal.Trim(c.ctx, journal.Sequence(before)); err != nil {
		return err
	}
	c.o.Logger.Info("trimmed the journal", "before", before)
	return nil
}

// snapshotBefore is where the older of the two kept snapshots ends: what
// follows must stay. It is remembered only since the start, which at the worst
// puts a trim off by one snapshot.
func (c *Center) snapshotBefore() uint64 {
	older := c.olderSnapshot
	c.olderSnapshot = c.counts.snapshotAt.Load() + 1
	return older
}

// firstSince finds, between two sequences, the first batch that is not older
// than a time; their times rise.
func (c *Center) firstSince(limit engine.Millis, low, high uint64) (uint64, error) {
	for low < high {
		middle := low + (high-low)/2
		b, err := c.batchAt(middle)
		if err != nil {
			return 0, err
		}
		switch {
		case b == nil || engine.Millis(b.Time) >= limit:
			high = middle
		default:
			low = uint64(b.Last()) + 1
		}
	}
	return low, nil
}

// batchAt reads the batch with a sequence; nil if there is none.
func (c *Center) batchAt(sequence uint64) (*journal.Batch, error) {
	for b, err := range c.o.Journal.Read(c.ctx, journal.Sequence(sequence)) {
		return b, err
	}
	return nil, nil
}
