// Package record gives batches, snapshots and heads the form in which every
// implementation stores them, and the one loop that verifies a reading.
//
// It promises that whatever is decoded without an error was encoded here, or
// has been forged: batches are held by the hash chain, snapshots and heads by
// a sum of their own. Nothing that is fed to a decoder makes it panic.
package record

import (
	"encoding/binary"
	"fmt"

	"github.com/usher-cc/usher/journal"
)

// batchForm is the first byte of a batch record; another layout gets another.
const batchForm = 1

// batchHeadBytes is what stands before the payload: form, First, Count, Time,
// Schema, Prev, Hash.
const batchHeadBytes = 1 + 8 + 4 + 8 + 4 + 32 + 32

// AppendBatch appends b's record to buf.
func AppendBatch(buf []byte, b *journal.Batch) []byte {
	buf = append(buf, batchForm)
	buf = binary.BigEndian.AppendUint64(buf, uint64(b.First))
	buf = binary.BigEndian.AppendUint32(buf, b.Count)
	buf = binary.BigEndian.AppendUint64(buf, uint64(b.Time))
	buf = binary.BigEndian.AppendUint32(buf, b.Schema)
	buf = append(buf, b.Prev[:]...)
	buf = append(buf, b.Hash[:]...)
	return append(buf, b.Payload...)
}

// DecodeBatch reads a record. The batch's payload is a part of raw. The hashes
// are not compared: that needs the head before it, see journal.Head.Verify.
func DecodeBatch(raw []byte) (*journal.Batch, error) {
	switch {
	case len(raw) < batchHeadBytes:
		return nil, fmt.Errorf("batch record of %d bytes is cut short", len(raw))
	case raw[0] != batchForm:
		return nil, fmt.Errorf("batch record has the unknown form %d", raw[0])
	}
	b := &journal.Batch{
		First:   journal.Sequence(binary.BigEndian.Uint64(raw[1:])),
		Count:   binary.BigEndian.Uint32(raw[9:]),
		Time:    int64(binary.BigEndian.Uint64(raw[13:])),
		Schema:  binary.BigEndian.Uint32(raw[21:]),
		Payload: raw[batchHeadBytes:len(raw):len(raw)],
	}
	copy(b.Prev[:], raw[25:])
	copy(b.Hash[:], raw[57:])
	return b, nil
}
