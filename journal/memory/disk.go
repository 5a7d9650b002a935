package memory

import (
	"cmp"
	"fmt"
	"slices"
	"sync"

	"github.com/usher-cc/usher/journal"
	"github.com/usher-cc/usher/journal/internal/record"
)

// DefaultSpace is the room of a new disk.
var DefaultSpace = journal.Space{FreeBytes: 1 << 40, LowBytes: 256 << 20}

// Fault is how an append fails.
type Fault int

// The ways to fail.
const (
	NotWritten     Fault = iota + 1 // ErrNoSpace: certainly nothing was written
	UnknownLost                     // ErrUnknown, and nothing was written
	UnknownWritten                  // ErrUnknown, and it was written
	Torn                            // ErrUnknown, and half of it was written
)

// String names the fault.
func (f Fault) String() string {
	switch f {
	case NotWritten:
		return "not written"
	case UnknownLost:
		return "unknown, lost"
	case UnknownWritten:
		return "unknown, written"
	case Torn:
		return "torn"
	}
	return fmt.Sprintf("Fault(%d)", int(f))
}

// Disk is what a journal in memory stands on, and what is left of it after a
// crash. Its methods may be called at any time.
type Disk struct {
	mu        sync.Mutex
	journal   *Journal // the one that is open
	records   []stored // in order; the last may be torn
	snapshots []stored // oldest first, at most two
	oldest    journal.Sequence
	epoch     journal.Epoch
	head      journal.Head // acknowledged, kept apart as a real journal's HEAD file is
	space     journal.Space
	faults    []Fault
}

// stored is the bytes of a batch or a snapshot, under its sequence.
type stored struct {
	key journal.Sequence // a batch's First, a snapshot's Next
	raw []byte
}

// NewDisk returns an empty disk.
func NewDisk() *Disk {
	return &Disk{oldest: journal.Genesis.Next, head: journal.Genesis, space: DefaultSpace}
}

// Open opens what the disk holds, as a process does that starts. A journal that
// is still open on it is crashed first.
func (d *Disk) Open() (*Journal, error) {
	d.Crash()
	head, err := d.recover()
	if err != nil {
		return nil, fmt.Errorf("open the journal: %w", err)
	}
	j := &Journal{disk: d, head: head}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.journal = j
	return j, nil
}

// Crash ends the open journal, as the end of its process would. What it had
// acknowledged is on the disk; its later calls return ErrClosed.
func (d *Disk) Crash() {
	d.mu.Lock()
	j := d.journal
	d.journal = nil
	d.mu.Unlock()
	if j != nil {
		_ = j.Close() // a journal in memory has nothing to lose by being closed
	}
}

// FailNext makes the next appends fail, one after the other, as told.
func (d *Disk) FailNext(faults ...Fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults = append(d.faults, faults...)
}

// SetSpace sets the room that is left. Appends fail with ErrNoSpace while their
// record does not fit into FreeBytes; they do not use it up.
func (d *Disk) SetSpace(s journal.Space) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.space = s
}

// FlipBit flips one bit of the stored batch that contains at, and tells whether
// there is one. Bits are counted from the record's beginning, and around.
func (d *Disk) FlipBit(at journal.Sequence, bit int) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return flip(d.records, d.find(at), bit)
}

// FlipSnapshotBit flips one bit of the stored snapshot of what lies before next,
// and tells whether there is one.
func (d *Disk) FlipSnapshotBit(next journal.Sequence, bit int) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	i := slices.IndexFunc(d.snapshots, func(s stored) bool { return s.key == next })
	return flip(d.snapshots, i, bit)
}

func flip(in []stored, i, bit int) bool {
	if i < 0 {
		return false
	}
	raw := slices.Clone(in[i].raw) // readers may still hold the good one
	bit %= 8 * len(raw)
	raw[bit/8] ^= 1 << (bit % 8)
	in[i].raw = raw
	return true
}

// find returns the index of the record that contains at, or -1. The caller
// holds mu.
func (d *Disk) find(at journal.Sequence) int {
	i, exact := slices.BinarySearchFunc(d.records, at, func(s stored, at journal.Sequence) int { return cmp.Compare(s.key, at) })
	if exact {
		return i
	}
	return i - 1
}

// write stores one record, or fails as told.
func (d *Disk) write(raw []byte, next journal.Head) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var fault Fault
	if len(d.faults) > 0 {
		fault, d.faults = d.faults[0], d.faults[1:]
	}
	if fault == NotWritten || d.space.FreeBytes < uint64(len(raw)) {
		return fmt.Errorf("%w: %d bytes do not fit", journal.ErrNoSpace, len(raw))
	}
	entry := stored{key: d.head.Next, raw: raw}
	if fault == Torn {
		entry.raw = raw[:len(raw)/2]
	}
	if fault != UnknownLost {
		d.records = append(d.records, entry)
	}
	if fault != 0 {
		return fmt.Errorf("%w: told to fail: %s", journal.ErrUnknown, fault)
	}
	d.head = next
	return nil
}

// recover finds the durable end, as a real journal does when it is opened: a
// torn last record that was never acknowledged is dropped, an acknowledged one
// must be whole.
func (d *Disk) recover() (journal.Head, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.records) == 0 {
		return journal.Genesis, nil
	}
	last := d.records[len(d.records)-1]
	head, err := verified(last.raw)
	if err == nil {
		d.head = head
		return head, nil
	}
	if last.key < d.head.Next {
		return journal.Head{}, &journal.CorruptError{Where: where, Sequence: last.key, Err: err}
	}
	d.records = d.records[:len(d.records)-1]
	return d.head, nil
}

func verified(raw []byte) (journal.Head, error) {
	b, err := record.DecodeBatch(raw)
	if err != nil {
		return journal.Head{}, err
	}
	return b.Before().Verify(b)
}

// batch returns the one that contains at, or nil if there is none.
func (d *Disk) batch(at journal.Sequence) (*journal.Batch, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if at < d.oldest {
		return nil, &journal.TrimmedError{From: at, Oldest: d.oldest}
	}
	i := d.find(at)
	if i < 0 {
		return nil, nil
	}
	b, err := record.DecodeBatch(slices.Clone(d.records[i].raw))
	if err != nil {
		return nil, &journal.CorruptError{Where: where, Sequence: d.records[i].key, Err: err}
	}
	return b, nil
}

func (d *Disk) begin() journal.Sequence {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.oldest
}

func (d *Disk) freeSpace() journal.Space {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.space
}

func (d *Disk) nextEpoch() journal.Epoch {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.epoch++
	return d.epoch
}
