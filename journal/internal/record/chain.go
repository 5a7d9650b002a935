package record

import (
	"fmt"
	"iter"

	"github.com/usher-cc/usher/journal"
)

// Verified passes on the batches of one reading and holds them to the contract:
// the first contains from, each follows the one before, and the last one's end
// is head. Since every hash covers the one before it, that last comparison
// holds for all of them, the first too. What fails becomes a CorruptError at
// the given place, and the last thing returned.
func Verified(where string, from journal.Sequence, head journal.Head, batches iter.Seq2[*journal.Batch, error]) iter.Seq2[*journal.Batch, error] {
	return func(yield func(*journal.Batch, error) bool) {
		corrupt := func(at journal.Sequence, err error) {
			yield(nil, &journal.CorruptError{Where: where, Sequence: at, Err: err})
		}
		at := journal.Head{Next: from}
		begun := false
		for b, err := range batches {
			if err != nil {
				yield(nil, err)
				return
			}
			if !begun {
				if b.First > from || b.First+journal.Sequence(b.Count) <= from {
					corrupt(from, fmt.Errorf("the batch that contains it is missing"))
					return
				}
				at, begun = b.Before(), true
			}
			next, err := at.Verify(b)
			if err != nil {
				corrupt(at.Next, err)
				return
			}
			at = next
			if !yield(b, nil) {
				return
			}
		}
		if at != head {
			corrupt(at.Next, fmt.Errorf("the journal breaks off before its head %d", head.Next))
		}
	}
}
