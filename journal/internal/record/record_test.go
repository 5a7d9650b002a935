package record

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/usher-cc/usher/journal"
)

func sealed(t testing.TB) *journal.Batch {
	b := &journal.Batch{First: 1, Count: 3, Time: 1700000000000, Schema: 7, Payload: []byte("three entries")}
	if _, err := journal.Genesis.Seal(b); err != nil {
		t.Fatal(err)
	}
	return b
}

// FuzzDecodeBatch: whatever is decoded is exactly what its encoding says, and
// whatever also verifies has not one bit changed.
func FuzzDecodeBatch(f *testing.F) {
	good := AppendBatch(nil, sealed(f))
	f.Add(good)
	f.Add(good[:batchHeadBytes])
	f.Add(good[:batchHeadBytes-1])
	f.Fuzz(func(t *testing.T, raw []byte) {
		b, err := DecodeBatch(raw)
		if err != nil {
			return
		}
		if !bytes.Equal(AppendBatch(nil, b), raw) {
			t.Fatalf("%x was decoded to %+v", raw, b)
		}
		if _, err := b.Before().Verify(b); err == nil && b.Sum() != b.Hash {
			t.Fatalf("%+v passes with a hash that it does not have", b)
		}
	})
}

func FuzzDecodeSnapshot(f *testing.F) {
	good, err := EncodeSnapshot(&journal.Snapshot{Head: sealed(f).After(), Schema: 9, Payload: []byte("fold")})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:len(good)-1])
	f.Fuzz(func(t *testing.T, raw []byte) {
		if _, err := DecodeSnapshot(raw); err == nil && !bytes.Equal(raw[:len(snapshotForm)], good[:len(snapshotForm)]) {
			t.Fatalf("%x passes as a snapshot", raw)
		}
	})
}

// Every bit of what is stored is held by something.
func TestEveryBit(t *testing.T) {
	b := sealed(t)
	snapshot, err := EncodeSnapshot(&journal.Snapshot{Head: b.After(), Schema: 9, Payload: []byte("fold")})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		raw    []byte
		accept func([]byte) error
	}{
		{"batch", AppendBatch(nil, b), func(raw []byte) error {
			got, err := DecodeBatch(raw)
			if err == nil {
				_, err = journal.Genesis.Verify(got)
			}
			return err
		}},
		{"snapshot", snapshot, func(raw []byte) error { _, err := DecodeSnapshot(raw); return err }},
		{"head", EncodeHead(b.After()), func(raw []byte) error { _, err := DecodeHead(raw); return err }},
	} {
		if err := test.accept(test.raw); err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		for bit := range 8 * len(test.raw) {
			raw := slices.Clone(test.raw)
			raw[bit/8] ^= 1 << (bit % 8)
			if test.accept(raw) == nil {
				t.Errorf("%s: flipped bit %d passes", test.name, bit)
			}
		}
		for n := range test.raw {
			if test.accept(test.raw[:n]) == nil {
				t.Errorf("%s: cut to %d bytes passes", test.name, n)
			}
		}
		if test.accept(append(slices.Clone(test.raw), '\n')) == nil {
			t.Errorf("%s: passes with a byte more", test.name)
		}
	}
}

func TestHeadSurvives(t *testing.T) {
	for _, want := range []journal.Head{journal.Genesis, sealed(t).After(), {Next: 1<<64 - 1, Time: -1 << 63}} {
		got, err := DecodeHead(EncodeHead(want))
		if err != nil || got != want {
			t.Errorf("got %v, %v, want %v", got, err, want)
		}
	}
}

func TestSnapshotLimit(t *testing.T) {
	_, err := EncodeSnapshot(&journal.Snapshot{Payload: make([]byte, journal.MaxSnapshotBytes+1)})
	if !errors.Is(err, journal.ErrInvalid) {
		t.Fatalf("got %v, want %v", err, journal.ErrInvalid)
	}
}
