package record

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/klauspost/compress/zstd"

	"github.com/usher-cc/usher/journal"
)

// snapshotForm opens every snapshot; another layout gets another number.
const snapshotForm = "usher snapshot 1\n"

// snapshotHeadBytes is what stands before the compressed payload: form, Next,
// Hash, Time, Schema.
const snapshotHeadBytes = len(snapshotForm) + 8 + 32 + 8 + 4

// EncodeSnapshot returns s with its payload compressed and a SHA-256 sum over
// everything at the end.
func EncodeSnapshot(s *journal.Snapshot) ([]byte, error) {
	if len(s.Payload) > journal.MaxSnapshotBytes {
		return nil, fmt.Errorf("payload has %d bytes, more than %d: %w", len(s.Payload), journal.MaxSnapshotBytes, journal.ErrInvalid)
	}
	zip, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, fmt.Errorf("prepare the compression: %w", err)
	}
	defer zip.Close()
	raw := append([]byte{}, snapshotForm...)
	raw = binary.BigEndian.AppendUint64(raw, uint64(s.Head.Next))
	raw = append(raw, s.Head.Hash[:]...)
	raw = binary.BigEndian.AppendUint64(raw, uint64(s.Head.Time))
	raw = binary.BigEndian.AppendUint32(raw, s.Schema)
	raw = zip.EncodeAll(s.Payload, raw)
	sum := sha256.Sum256(raw)
	return append(raw, sum[:]...), nil
}

// DecodeSnapshot checks the sum and returns what was encoded.
func DecodeSnapshot(raw []byte) (*journal.Snapshot, error) {
	body := len(raw) - sha256.Size
	switch {
	case body < snapshotHeadBytes:
		return nil, fmt.Errorf("snapshot of %d bytes is cut short", len(raw))
	case !bytes.HasPrefix(raw, []byte(snapshotForm)):
		return nil, fmt.Errorf("it does not begin as a snapshot")
	case sha256.Sum256(raw[:body]) != [sha256.Size]byte(raw[body:]):
		return nil, fmt.Errorf("its content does not have the sum that it ends with")
	}
	fields := raw[len(snapshotForm):]
	s := &journal.Snapshot{
		Head: journal.Head{
			Next: journal.Sequence(binary.BigEndian.Uint64(fields)),
			Hash: journal.Hash(fields[8:40]),
			Time: int64(binary.BigEndian.Uint64(fields[40:])),
		},
		Schema: binary.BigEndian.Uint32(fields[48:]),
	}
	unzip, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(journal.MaxSnapshotBytes))
	if err != nil {
		return nil, fmt.Errorf("prepare the decompression: %w", err)
	}
	defer unzip.Close()
	s.Payload, err = unzip.DecodeAll(raw[snapshotHeadBytes:body], nil)
	if err != nil {
		return nil, fmt.Errorf("decompress the snapshot: %w", err)
	}
	return s, nil
}
