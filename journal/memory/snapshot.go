package memory

import (
	"errors"
	"fmt"

	"github.com/usher-cc/usher/journal"
	"github.com/usher-cc/usher/journal/internal/record"
)

func (d *Disk) saveSnapshot(s *journal.Snapshot) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if n := len(d.snapshots); n > 0 && d.snapshots[n-1].key > s.Head.Next {
		return fmt.Errorf("%w: there is a newer one before sequence %d", journal.ErrInvalid, d.snapshots[n-1].key)
	}
	if !d.had(s.Head) {
		return fmt.Errorf("%w: the journal has no head of that sequence, hash and time", journal.ErrInvalid)
	}
	raw, err := record.EncodeSnapshot(s)
	if err != nil {
		return err
	}
	if d.space.FreeBytes < uint64(len(raw)) {
		return fmt.Errorf("%w: %d bytes do not fit", journal.ErrNoSpace, len(raw))
	}
	kept := []stored{{key: s.Head.Next, raw: raw}}
	for i := len(d.snapshots) - 1; i >= 0 && len(kept) < 2; i-- {
		before := d.snapshots[i]
		if _, err := record.DecodeSnapshot(before.raw); err == nil && before.key != s.Head.Next {
			kept = []stored{before, kept[0]} // a damaged one is no reserve
		}
	}
	d.snapshots = kept
	return nil
}

// had tells whether the journal once had the head h. The caller holds mu.
func (d *Disk) had(h journal.Head) bool {
	if h == journal.Genesis {
		return true
	}
	i := d.find(h.Next - 1)
	if i < 0 {
		return false
	}
	b, err := record.DecodeBatch(d.records[i].raw)
	return err == nil && b.After() == h
}

func (d *Disk) loadSnapshot() (*journal.Snapshot, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var skipped []*journal.CorruptError
	for i := len(d.snapshots) - 1; i >= 0; i-- {
		s, err := record.DecodeSnapshot(d.snapshots[i].raw)
		if err == nil && !d.goesOnFrom(s.Head) {
			err = errors.New("the journal does not go on from it")
		}
		if err == nil {
			s.Skipped = skipped
			return s, nil
		}
		skipped = append(skipped, &journal.CorruptError{Where: "memory snapshot", Sequence: d.snapshots[i].key, Err: err})
	}
	if len(skipped) > 0 {
		return nil, fmt.Errorf("none of %d is good: %w", len(skipped), skipped[0])
	}
	return nil, nil
}

// goesOnFrom tells whether the journal can be replayed from h. The caller holds
// mu.
func (d *Disk) goesOnFrom(h journal.Head) bool {
	if h == d.head {
		return true
	}
	i := d.find(h.Next)
	if i < 0 || h.Next < d.oldest {
		return false
	}
	b, err := record.DecodeBatch(d.records[i].raw)
	return err == nil && b.First == h.Next && b.Prev == h.Hash
}

func (d *Disk) trim(before journal.Sequence) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if before <= d.oldest {
		return nil
	}
	if len(d.snapshots) == 0 || before > d.snapshots[0].key {
		return fmt.Errorf("%w: no snapshot, or not both of them, lies at or after it", journal.ErrInvalid)
	}
	i := d.find(min(before, d.head.Next-1))
	if i < 0 {
		return nil // an empty journal has nothing to drop
	}
	d.records = append([]stored(nil), d.records[i:]...)
	d.oldest = d.records[0].key
	return nil
}
