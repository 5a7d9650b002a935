package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/usher-cc/usher/journal"
	"github.com/usher-cc/usher/journal/pebble"
)

// batchesMax is how many of the server's batches are written again.
const batchesMax = 2_000

// onDisk writes the server's batches again, to a file and to a journal.
func (r *run) onDisk(ctx context.Context) error {
	batches, err := r.readBatches(ctx)
	if err != nil {
		return fmt.Errorf("read the server's journal: %w", err)
	}
	if r.result.RawAppendsPerS, err = measureRaw(r.rawFile(), batches, r.Duration/2); err != nil {
		return err
	}
	r.result.JournalAppendsPerS, err = measureJournal(ctx, r.journalDir(), batches, r.Duration/2)
	return err
}

// readBatches reads what the server appended under full load.
func (r *run) readBatches(ctx context.Context) (batches []*journal.Batch, err error) {
	j, err := pebble.Open(pebble.Options{Dir: r.serverDir()})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	for b, err := range j.Read(ctx, journal.Sequence(r.from+1)) {
		if err != nil {
			return nil, err
		}
		if uint64(b.First) > r.to || len(batches) == batchesMax {
			break
		}
		batches = append(batches, b)
	}
	if len(batches) == 0 {
		return nil, errors.New("nothing was appended under full load")
	}
	return batches, nil
}

// measureRaw counts how many of the batches a file takes in a second, each
// written and synced before the next.
func measureRaw(name string, batches []*journal.Batch, duration time.Duration) (perSecond float64, err error) {
	f, err := vfs.Default.Create(name, vfs.WriteCategoryUnspecified)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return repeat(batches, duration, func(b *journal.Batch) error {
		if _, err := f.Write(b.Payload); err != nil {
			return err
		}
		return f.SyncData()
	})
}

// measureJournal counts how many of them the journal takes.
func measureJournal(ctx context.Context, dir string, batches []*journal.Batch, duration time.Duration) (perSecond float64, err error) {
	j, err := pebble.Open(pebble.Options{Dir: dir})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	epoch, err := j.Lead(ctx)
	if err != nil {
		return 0, err
	}
	head := journal.Genesis
	return repeat(batches, duration, func(b *journal.Batch) error {
		again := journal.Batch{First: head.Next, Count: b.Count, Time: head.Time, Schema: b.Schema, Payload: b.Payload}
		head, err = j.Append(ctx, epoch, &again)
		return err
	})
}

// repeat appends batches, from the first again when all are appended.
func repeat(batches []*journal.Batch, duration time.Duration, appendOne func(*journal.Batch) error) (perSecond float64, err error) {
	n, began := 0, time.Now()
	for n == 0 || time.Since(began) < duration {
		if err := appendOne(batches[n%len(batches)]); err != nil {
			return 0, err
		}
		n++
	}
	return float64(n) / time.Since(began).Seconds(), nil
}
