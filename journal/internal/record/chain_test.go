package record

import (
	"errors"
	"iter"
	"testing"

	"github.com/usher-cc/usher/journal"
)

// chain returns four batches of three entries, and the head after them.
func chain(t *testing.T) (batches []*journal.Batch, head journal.Head) {
	head = journal.Genesis
	for range 4 {
		b := &journal.Batch{First: head.Next, Count: 3, Time: head.Time + 5, Payload: []byte{byte(head.Next)}}
		next, err := head.Seal(b)
		if err != nil {
			t.Fatal(err)
		}
		batches, head = append(batches, b), next
	}
	return batches, head
}

func source(batches ...*journal.Batch) iter.Seq2[*journal.Batch, error] {
	return func(yield func(*journal.Batch, error) bool) {
		for _, b := range batches {
			if !yield(b, nil) {
				return
			}
		}
	}
}

// A reading is held at its beginning, between its batches and at its end.
func TestVerified(t *testing.T) {
	b, head := chain(t)
	forged := *b[2]
	forged.Payload = []byte("forged")
	forged.Hash = forged.Sum()
	early := *b[2]
	early.Time = b[1].Time - 1
	early.Hash = early.Sum()
	other := *b[2]
	other.Prev[0] ^= 1
	other.Hash = other.Sum()

	for _, test := range []struct {
		name    string
		from    journal.Sequence
		batches []*journal.Batch
		good    int              // batches that are passed on
		at      journal.Sequence // where it is corrupt, 0 if nowhere
	}{
		{"all", 1, b, 4, 0},
		{"from the middle of a batch", 5, b[1:], 3, 0},
		{"begins too late", 4, b[2:], 0, 4},
		{"begins too early", 7, b, 0, 7},
		{"nothing", 4, nil, 0, 4},
		{"a gap", 1, []*journal.Batch{b[0], b[2], b[3]}, 1, 4},
		{"twice", 1, []*journal.Batch{b[0], b[0], b[1]}, 1, 4},
		{"ends early", 1, b[:3], 3, 10},
		{"forged in the middle", 1, []*journal.Batch{b[0], b[1], &forged, b[3]}, 3, 10},
		{"forged at the beginning", 7, []*journal.Batch{&forged, b[3]}, 1, 10},
		{"of another chain", 1, []*journal.Batch{b[0], b[1], &other, b[3]}, 2, 7},
		{"time goes back", 1, []*journal.Batch{b[0], b[1], &early, b[3]}, 2, 7},
	} {
		t.Run(test.name, func(t *testing.T) {
			good := 0
			var last error
			for _, err := range Verified("here", test.from, head, source(test.batches...)) {
				if last = err; err == nil {
					good++
				}
			}
			damage, corrupt := errors.AsType[*journal.CorruptError](last)
			if good != test.good || corrupt != (test.at != 0) || corrupt && damage.Sequence != test.at {
				t.Fatalf("got %d batches and %v, want %d and damage at %d", good, last, test.good, test.at)
			}
		})
	}
}
