package pebble

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/usher-cc/usher/journal"
	"github.com/usher-cc/usher/journal/internal/record"
)

// Lead implements journal.Journal. The lock on the folder keeps other processes
// out, so that the fence has to hold only between leaders in this one; the
// epoch is recorded so that it goes on growing after a restart.
func (j *Journal) Lead(ctx context.Context) (journal.Epoch, error) {
	j.writing.Lock()
	defer j.writing.Unlock()
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.open(ctx); err != nil {
		return 0, fmt.Errorf("lead the journal: %w", err)
	}
	j.epoch = 0 // whatever happens, the epoch before has ended
	if err := j.settle(); err != nil {
		return 0, fmt.Errorf("lead the journal: %w", noSpace(err))
	}
	last, err := j.store.number(epochKey)
	if err != nil {
		return 0, fmt.Errorf("lead the journal: %w", err)
	}
	next := binary.BigEndian.AppendUint64(nil, last+1)
	if err := j.store.commit(func(b *pebble.Batch) error { return b.Set(epochKey, next, nil) }); err != nil {
		return 0, fmt.Errorf("lead the journal: record epoch %d: %w", last+1, noSpace(err))
	}
	j.epoch = journal.Epoch(last + 1)
	return j.epoch, nil
}

// settle opens the store again if it has failed. What was acknowledged must be
// in it; a batch of unknown outcome may be, and then is the new end. The caller
// holds writing and mu.
func (j *Journal) settle() error {
	failure := j.store.guard.failure()
	if failure == nil {
		return nil
	}
	j.store.abandon()
	s, err := openStore(j.Options, j.lock)
	if err != nil {
		return err
	}
	if err := checkHead(j.Options, s, j.head); err != nil {
		s.abandon()
		return err
	}
	j.Logger.Warn("journal: opened again after a failed write", "failure", failure, "before", j.head.Next, "now", s.head.Next)
	j.store, j.oldest, j.head = s, s.oldest, s.head
	j.watermark.follow(s.head)
	return nil
}

// noSpace gives a full disk its name.
func noSpace(err error) error {
	if vfs.IsNoSpaceError(err) {
		return fmt.Errorf("%w: %w", journal.ErrNoSpace, err)
	}
	return err
}

// Append implements journal.Journal.
func (j *Journal) Append(ctx context.Context, epoch journal.Epoch, b *journal.Batch) (journal.Head, error) {
	j.writing.Lock()
	defer j.writing.Unlock()
	next, err := j.prepare(ctx, epoch, b)
	if err != nil {
		return journal.Head{}, fmt.Errorf("append sequence %d: %w", b.First, err)
	}
	j.buf = record.AppendBatch(j.buf[:0], b)
	err = j.store.commit(func(batch *pebble.Batch) error { return batch.Set(batchKey(b.First), j.buf, nil) })
	if err != nil {
		return journal.Head{}, fmt.Errorf("append sequence %d: %w: %w", b.First, journal.ErrUnknown, err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.head = next
	j.watermark.follow(next)
	return next, nil
}

// prepare checks everything that can be known before something is written. The
// caller holds writing.
func (j *Journal) prepare(ctx context.Context, epoch journal.Epoch, b *journal.Batch) (journal.Head, error) {
	j.mu.RLock()
	defer j.mu.RUnlock()
	var none journal.Head
	if err := j.open(ctx); err != nil {
		return none, err
	}
	if failure := j.store.guard.failure(); failure != nil {
		return none, fmt.Errorf("%w: the storage failed before: %w", journal.ErrFenced, failure)
	}
	if epoch == 0 || epoch != j.epoch {
		return none, fmt.Errorf("%w: epoch %d, the leading one is %d", journal.ErrFenced, epoch, j.epoch)
	}
	if err := j.room(len(b.Payload)); err != nil {
		return none, err
	}
	return j.head.Seal(b)
}
