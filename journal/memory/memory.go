// Package memory keeps a journal in memory, for tests.
//
// It promises the whole contract, and to fail exactly as it is told: a Disk
// outlives its journal's crash, loses what was never acknowledged and nothing
// else, and can be made full, torn or damaged at a chosen place. It stores the
// same bytes as a real journal does and verifies them in the same way.
package memory

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"

	"github.com/usher-cc/usher/journal"
	"github.com/usher-cc/usher/journal/internal/record"
)

const where = "memory journal"

// Journal is a journal.Journal on a Disk.
type Journal struct {
	disk *Disk

	mu      sync.Mutex
	closed  bool
	epoch   journal.Epoch // the one that may append, 0 if none
	head    journal.Head  // durable
	unknown bool          // whether head is in doubt
}

var _ journal.Journal = (*Journal)(nil)

// New returns an empty journal on a disk of its own.
func New() *Journal {
	d := NewDisk()
	j := &Journal{disk: d, head: journal.Genesis}
	d.journal = j
	return j
}

// Disk returns what the journal stands on.
func (j *Journal) Disk() *Disk { return j.disk }

// ready tells whether the journal can be worked with. The caller holds mu.
func (j *Journal) ready(ctx context.Context) error {
	switch {
	case j.closed:
		return journal.ErrClosed
	case j.unknown:
		return fmt.Errorf("%w until the journal is led again", journal.ErrUnknown)
	}
	return ctx.Err()
}

// Lead implements journal.Journal.
func (j *Journal) Lead(ctx context.Context) (journal.Epoch, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return 0, fmt.Errorf("lead the journal: %w", journal.ErrClosed)
	}
	if err := ctx.Err(); err != nil {
		return 0, fmt.Errorf("lead the journal: %w", err)
	}
	j.epoch = 0
	if j.unknown {
		head, err := j.disk.recover()
		if err != nil {
			return 0, fmt.Errorf("lead the journal: %w", err)
		}
		j.head, j.unknown = head, false
	}
	j.epoch = j.disk.nextEpoch()
	return j.epoch, nil
}

// Append implements journal.Journal.
func (j *Journal) Append(ctx context.Context, epoch journal.Epoch, b *journal.Batch) (journal.Head, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.append(ctx, epoch, b); err != nil {
		return journal.Head{}, fmt.Errorf("append sequence %d: %w", b.First, err)
	}
	return j.head, nil
}

func (j *Journal) append(ctx context.Context, epoch journal.Epoch, b *journal.Batch) error {
	if j.closed {
		return journal.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if epoch == 0 || epoch != j.epoch {
		return fmt.Errorf("%w: epoch %d, the leading one is %d", journal.ErrFenced, epoch, j.epoch)
	}
	next, err := j.head.Seal(b)
	if err != nil {
		return err
	}
	err = j.disk.write(record.AppendBatch(nil, b), next)
	if errors.Is(err, journal.ErrUnknown) {
		j.epoch, j.unknown = 0, true
	}
	if err == nil {
		j.head = next
	}
	return err
}

// Head implements journal.Journal.
func (j *Journal) Head(ctx context.Context) (journal.Head, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.ready(ctx); err != nil {
		return journal.Head{}, fmt.Errorf("head of the journal: %w", err)
	}
	return j.head, nil
}

// Oldest implements journal.Journal.
func (j *Journal) Oldest(ctx context.Context) (journal.Sequence, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return 0, fmt.Errorf("oldest sequence of the journal: %w", journal.ErrClosed)
	}
	return j.disk.begin(), ctx.Err()
}

// Read implements journal.Journal.
func (j *Journal) Read(ctx context.Context, from journal.Sequence) iter.Seq2[*journal.Batch, error] {
	return func(yield func(*journal.Batch, error) bool) {
		head, err := j.Head(ctx)
		if err == nil && from == 0 {
			err = fmt.Errorf("sequences begin with 1: %w", journal.ErrInvalid)
		}
		if err != nil {
			yield(nil, fmt.Errorf("read from sequence %d: %w", from, err))
			return
		}
		if from >= head.Next {
			return
		}
		record.Verified(where, from, head, j.batches(ctx, from, head.Next))(yield)
	}
}

// batches returns the decoded batches, looking each up anew, so that a reader
// holds nothing.
func (j *Journal) batches(ctx context.Context, from, end journal.Sequence) iter.Seq2[*journal.Batch, error] {
	return func(yield func(*journal.Batch, error) bool) {
		for from < end {
			_, err := j.Head(ctx)
			var b *journal.Batch
			if err == nil {
				b, err = j.disk.batch(from)
			}
			if err != nil {
				yield(nil, fmt.Errorf("read from sequence %d: %w", from, err))
				return
			}
			if b == nil || !yield(b, nil) {
				return
			}
			from = b.Last() + 1
		}
	}
}

// SaveSnapshot implements journal.Journal.
func (j *Journal) SaveSnapshot(ctx context.Context, s *journal.Snapshot) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	err := j.ready(ctx)
	if err == nil {
		err = j.disk.saveSnapshot(s)
	}
	if err != nil {
		return fmt.Errorf("save the snapshot before sequence %d: %w", s.Head.Next, err)
	}
	return nil
}

// LoadSnapshot implements journal.Journal.
func (j *Journal) LoadSnapshot(ctx context.Context) (*journal.Snapshot, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	err := j.ready(ctx)
	var s *journal.Snapshot
	if err == nil {
		s, err = j.disk.loadSnapshot()
	}
	if err != nil {
		return nil, fmt.Errorf("load the snapshot: %w", err)
	}
	return s, nil
}

// Trim implements journal.Journal.
func (j *Journal) Trim(ctx context.Context, before journal.Sequence) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	err := j.ready(ctx)
	if err == nil {
		err = j.disk.trim(before)
	}
	if err != nil {
		return fmt.Errorf("trim before sequence %d: %w", before, err)
	}
	return nil
}

// Space implements journal.Journal.
func (j *Journal) Space(ctx context.Context) (journal.Space, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return journal.Space{}, fmt.Errorf("space of the journal: %w", journal.ErrClosed)
	}
	return j.disk.freeSpace(), ctx.Err()
}

// Close implements journal.Journal.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.closed = true
	return nil
}
