package journal

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
)

// Sum returns the hash that the batch's fields have: over Prev, First, Count,
// Time, Schema and Payload, numbers big-endian.
func (b *Batch) Sum() Hash {
	var fields [len(b.Prev) + 8 + 4 + 8 + 4]byte
	buf := append(fields[:0], b.Prev[:]...)
	buf = binary.BigEndian.AppendUint64(buf, uint64(b.First))
	buf = binary.BigEndian.AppendUint32(buf, b.Count)
	buf = binary.BigEndian.AppendUint64(buf, uint64(b.Time))
	buf = binary.BigEndian.AppendUint32(buf, b.Schema)
	h := sha256.New()
	h.Write(buf)
	h.Write(b.Payload)
	return Hash(h.Sum(fields[:0]))
}

// Seal makes b the batch that follows h: it checks that it may, sets its Prev
// and Hash, and returns the head after it. It fails with ErrSequence or
// ErrInvalid, and then leaves b as it was.
func (h Head) Seal(b *Batch) (Head, error) {
	if b.First != h.Next {
		return h, fmt.Errorf("batch begins with sequence %d, the journal goes on with %d: %w", b.First, h.Next, ErrSequence)
	}
	if err := h.admit(b); err != nil {
		return h, fmt.Errorf("batch of sequence %d: %w: %w", b.First, ErrInvalid, err)
	}
	b.Prev = h.Hash
	b.Hash = b.Sum()
	return b.After(), nil
}

// Verify checks that b, as it was read, is whole and follows h, and returns the
// head after it.
func (h Head) Verify(b *Batch) (Head, error) {
	if b.First != h.Next {
		return h, fmt.Errorf("batch begins with sequence %d instead of %d", b.First, h.Next)
	}
	if err := h.admit(b); err != nil {
		return h, err
	}
	if b.Prev != h.Hash {
		return h, fmt.Errorf("chain is broken: it follows batch %x, the batch before is %x", b.Prev[:6], h.Hash[:6])
	}
	if sum := b.Sum(); sum != b.Hash {
		return h, fmt.Errorf("content has hash %x instead of %x", sum[:6], b.Hash[:6])
	}
	return b.After(), nil
}

// Before returns the head that b claims to follow, for the first batch of a
// reading, which has none before it to be compared with. Time cannot be known
// from b, and is the least possible.
func (b *Batch) Before() Head {
	if b.First == Genesis.Next {
		return Genesis
	}
	return Head{Next: b.First, Hash: b.Prev, Time: math.MinInt64}
}

// After returns the head that a journal has when b is its last batch.
func (b *Batch) After() Head {
	return Head{Next: b.First + Sequence(b.Count), Hash: b.Hash, Time: b.Time}
}

// admit holds the rules for a batch's own fields.
func (h Head) admit(b *Batch) error {
	switch {
	case b.First == 0:
		return fmt.Errorf("sequences begin with 1")
	case b.Count == 0:
		return fmt.Errorf("it has no entries")
	case uint64(b.First) > math.MaxUint64-uint64(b.Count):
		return fmt.Errorf("%d entries exceed the last sequence", b.Count)
	case b.Time < h.Time:
		return fmt.Errorf("its time %d is before the previous batch's %d", b.Time, h.Time)
	case len(b.Payload) > MaxPayloadBytes:
		return fmt.Errorf("its payload has %d bytes, more than %d", len(b.Payload), MaxPayloadBytes)
	}
	return nil
}
