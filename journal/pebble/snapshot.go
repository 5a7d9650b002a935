package pebble

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2"

	"github.com/usher-cc/usher/journal"
	"github.com/usher-cc/usher/journal/internal/record"
)

const (
	snapshotPrefix = "snapshot-"
	lostSuffix     = ".lost"
)

func (o Options) snapshotPath(next journal.Sequence) string {
	return o.path(snapshotPrefix + strconv.FormatUint(uint64(next), 10))
}

// listSnapshots returns the Next of the snapshots in the folder, newest first.
func (o Options) listSnapshots() ([]journal.Sequence, error) {
	names, err := o.files.List(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", o.Dir, err)
	}
	var found []journal.Sequence
	for _, name := range names {
		digits, ok := strings.CutPrefix(name, snapshotPrefix)
		if next, err := strconv.ParseUint(digits, 10, 64); ok && err == nil {
			found = append(found, journal.Sequence(next))
		}
	}
	slices.SortFunc(found, func(a, b journal.Sequence) int { return cmp.Compare(b, a) })
	return found, nil
}

// readSnapshot returns a snapshot, or a *journal.CorruptError if it is damaged.
func (o Options) readSnapshot(next journal.Sequence) (*journal.Snapshot, error) {
	path := o.snapshotPath(next)
	raw, err := readFile(o.files, path)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	s, err := record.DecodeSnapshot(raw)
	if err == nil && s.Head.Next != next {
		err = fmt.Errorf("it is the snapshot before sequence %d", s.Head.Next)
	}
	if err != nil {
		return nil, &journal.CorruptError{Where: path, Sequence: next, Err: err}
	}
	return s, nil
}

// SaveSnapshot implements journal.Journal.
func (j *Journal) SaveSnapshot(ctx context.Context, s *journal.Snapshot) error {
	j.snapshots.Lock()
	defer j.snapshots.Unlock()
	if err := j.saveSnapshot(ctx, s); err != nil {
		return fmt.Errorf("save the snapshot before sequence %d: %w", s.Head.Next, noSpace(err))
	}
	return nil
}

func (j *Journal) saveSnapshot(ctx context.Context, s *journal.Snapshot) error {
	kept, err := j.listSnapshots()
	if err != nil {
		return err
	}
	if len(kept) > 0 && kept[0] > s.Head.Next {
		return fmt.Errorf("%w: there is a newer one before sequence %d", journal.ErrInvalid, kept[0])
	}
	if err := j.checkSnapshotHead(ctx, s.Head); err != nil {
		return err
	}
	raw, err := record.EncodeSnapshot(s)
	if err != nil {
		return err
	}
	if err := j.room(len(raw)); err != nil {
		return err
	}
	if err := writeFile(j.files, j.snapshotPath(s.Head.Next), raw); err != nil {
		return err
	}
	return j.dropSnapshots(s.Head.Next, kept)
}

// checkSnapshotHead refuses a snapshot of anything but the journal's own past.
func (j *Journal) checkSnapshotHead(ctx context.Context, h journal.Head) error {
	j.mu.RLock()
	defer j.mu.RUnlock()
	if err := j.ready(ctx); err != nil {
		return err
	}
	had, err := j.store.had(h)
	if err != nil {
		return err
	}
	if !had {
		return fmt.Errorf("%w: the journal has no head of that sequence, hash and time", journal.ErrInvalid)
	}
	return nil
}

// dropSnapshots removes all but the newest and its reserve. A damaged one is no
// reserve. The removal is made durable, since Trim keeps what the oldest
// snapshot needs.
func (j *Journal) dropSnapshots(newest journal.Sequence, before []journal.Sequence) error {
	reserve := false
	for _, next := range before {
		if next == newest {
			continue
		}
		if !reserve {
			_, err := j.readSnapshot(next)
			if reserve = err == nil; reserve {
				continue
			}
		}
		if err := j.files.Remove(j.snapshotPath(next)); err != nil {
			return fmt.Errorf("remove an old snapshot: %w", err)
		}
	}
	return syncDir(j.files, j.Dir)
}

// LoadSnapshot implements journal.Journal.
func (j *Journal) LoadSnapshot(ctx context.Context) (*journal.Snapshot, error) {
	j.snapshots.Lock()
	defer j.snapshots.Unlock()
	if _, err := j.Head(ctx); err != nil {
		return nil, fmt.Errorf("load the snapshot: %w", err)
	}
	kept, err := j.listSnapshots()
	if err != nil {
		return nil, fmt.Errorf("load the snapshot: %w", err)
	}
	var skipped []*journal.CorruptError
	for _, next := range kept {
		s, err := j.loadSnapshot(ctx, next)
		if damage, ok := errors.AsType[*journal.CorruptError](err); ok {
			j.Logger.Error("journal: a snapshot is damaged and passed over", "error", damage)
			skipped = append(skipped, damage)
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("load the snapshot: %w", err)
		}
		s.Skipped = skipped
		return s, nil
	}
	if len(skipped) > 0 {
		return nil, fmt.Errorf("load the snapshot: none of %d is good: %w", len(skipped), skipped[0])
	}
	return nil, nil
}

// loadSnapshot reads one and compares it with the journal: a snapshot that the
// journal does not go on from is as useless as a damaged one.
func (j *Journal) loadSnapshot(ctx context.Context, next journal.Sequence) (*journal.Snapshot, error) {
	s, err := j.readSnapshot(next)
	if err != nil {
		return nil, err
	}
	j.mu.RLock()
	defer j.mu.RUnlock()
	if err := j.ready(ctx); err != nil {
		return nil, err
	}
	goesOn := s.Head == j.head
	if s.Head.Next < j.head.Next && s.Head.Next >= j.oldest {
		b, err := j.store.read(s.Head.Next, j.head.Next, 1)
		if err != nil {
			return nil, err
		}
		goesOn = len(b) == 1 && b[0].First == s.Head.Next && b[0].Prev == s.Head.Hash
	}
	if !goesOn {
		err := fmt.Errorf("the journal, which has sequences %d to %d, does not go on from it", j.oldest, j.head.Next-1)
		return nil, &journal.CorruptError{Where: j.snapshotPath(next), Sequence: next, Err: err}
	}
	return s, nil
}

// Trim implements journal.Journal.
func (j *Journal) Trim(ctx context.Context, before journal.Sequence) error {
	j.snapshots.Lock()
	defer j.snapshots.Unlock()
	j.writing.Lock()
	defer j.writing.Unlock()
	if err := j.trim(ctx, before); err != nil {
		return fmt.Errorf("trim before sequence %d: %w", before, err)
	}
	return nil
}

func (j *Journal) trim(ctx context.Context, before journal.Sequence) error {
	cut, err := j.cut(ctx, before)
	if err != nil || cut <= j.oldest {
		return err
	}
	// The batch that HEAD names must stay for the next start to compare.
	if err := j.watermark.flush(); err != nil {
		return err
	}
	value := binary.BigEndian.AppendUint64(nil, uint64(cut))
	err = j.store.commit(func(b *pebble.Batch) error {
		return errors.Join(b.DeleteRange(batchKey(0), batchKey(cut), nil), b.Set(oldestKey, value, nil))
	})
	if err != nil {
		return fmt.Errorf("%w: %w", journal.ErrUnknown, err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.oldest = cut
	// Written out, the deletion gives its room back soon.
	if _, err := j.store.db.AsyncFlush(); err != nil {
		return fmt.Errorf("give the room back: %w", err)
	}
	return nil
}

// cut returns the sequence that the journal would begin with: that of the batch
// which contains before, or of the last, since no snapshot lies past it.
func (j *Journal) cut(ctx context.Context, before journal.Sequence) (journal.Sequence, error) {
	j.mu.RLock()
	defer j.mu.RUnlock()
	if err := j.ready(ctx); err != nil {
		return 0, err
	}
	if before <= j.oldest {
		return j.oldest, nil
	}
	kept, err := j.listSnapshots()
	if err != nil {
		return 0, err
	}
	if len(kept) == 0 || before > kept[len(kept)-1] {
		return 0, fmt.Errorf("%w: no snapshot, or not both of them, lies at or after it", journal.ErrInvalid)
	}
	b, err := j.store.read(before, j.head.Next, 1)
	if err != nil {
		return 0, err
	}
	if len(b) == 0 {
		return 0, &journal.CorruptError{Where: j.store.where, Sequence: before, Err: errors.New("the batch that contains it is missing")}
	}
	return b[0].First, nil
}

// setAside renames the snapshots that lie beyond the head, unless nothing would
// be left to rebuild the state from.
func setAside(o Options, oldest journal.Sequence, head journal.Head) error {
	kept, err := o.listSnapshots()
	if err != nil {
		return err
	}
	beyond := slices.DeleteFunc(slices.Clone(kept), func(next journal.Sequence) bool { return next <= head.Next })
	if len(beyond) == len(kept) && oldest > journal.Genesis.Next {
		return fmt.Errorf("the journal begins with sequence %d and no snapshot before its end is left: restore a backup", oldest)
	}
	for _, next := range beyond {
		path := o.snapshotPath(next)
		if err := o.files.Rename(path, path+lostSuffix); err != nil {
			return fmt.Errorf("set %s aside: %w", path, err)
		}
	}
	return syncDir(o.files, o.Dir)
}
