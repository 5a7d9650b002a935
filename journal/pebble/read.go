package pebble

import (
	"context"
	"fmt"
	"iter"

	"github.com/usher-cc/usher/journal"
	"github.com/usher-cc/usher/journal/internal/record"
)

// fetchBytes is about how much a reading takes from the store at a time, and
// firstBytes at first, since many look at one batch only.
const (
	fetchBytes = 1 << 20
	firstBytes = 4 << 10
)

// Read implements journal.Journal. It fetches in portions and holds nothing of
// the store while the reader works on one: a slow reader neither keeps trimmed
// files on the disk nor Lead from opening the store again.
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
		record.Verified("journal "+j.storeDir(), from, head, j.portions(ctx, from, head.Next))(yield)
	}
}

// portions returns the batches from the one that contains from, up to end.
func (j *Journal) portions(ctx context.Context, from, end journal.Sequence) iter.Seq2[*journal.Batch, error] {
	return func(yield func(*journal.Batch, error) bool) {
		for limit := firstBytes; from < end; limit = min(8*limit, fetchBytes) {
			batches, err := j.fetch(ctx, from, end, limit)
			if err != nil {
				yield(nil, fmt.Errorf("read from sequence %d: %w", from, err))
				return
			}
			if len(batches) == 0 {
				return // Verified names what is missing
			}
			for _, b := range batches {
				if !yield(b, nil) {
					return
				}
				if err := ctx.Err(); err != nil {
					yield(nil, fmt.Errorf("read from sequence %d: %w", b.Last()+1, err))
					return
				}
			}
			from = batches[len(batches)-1].Last() + 1
		}
	}
}

// fetch returns one portion of about limit bytes.
func (j *Journal) fetch(ctx context.Context, from, end journal.Sequence, limit int) ([]*journal.Batch, error) {
	j.mu.RLock()
	defer j.mu.RUnlock()
	if err := j.ready(ctx); err != nil {
		return nil, err
	}
	if from < j.oldest {
		return nil, &journal.TrimmedError{From: from, Oldest: j.oldest}
	}
	return j.store.read(from, end, limit)
}
