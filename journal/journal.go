// Package journal is the durable order of everything that happens in Usher.
//
// It promises four things. What Append acknowledged is there after any crash,
// in the order it was appended, numbered without gaps. What Read returns is
// what was appended: every batch is verified against the hash chain, and a
// missing or altered one is named, never passed over. Of two that both believe
// they lead, only the later one can append. And an append whose outcome is not
// known says so, and holds everything up until somebody has looked.
//
// The package is the contract only and knows nothing of what the payloads
// mean. journal/pebble keeps it on a disk, journal/memory keeps it for tests
// and fails on demand, and journal/journaltest holds every implementation to
// the contract, also a replicated one.
package journal

import (
	"context"
	"iter"
)

// Sequence is the number of an entry. Entries are numbered from 1 without
// gaps; 0 is no entry.
type Sequence uint64

// Epoch is the fence: every claim of the partition gets a greater one, and only
// the greatest may append. The first is 1. Epochs survive a restart.
type Epoch uint64

// Hash is a link of the chain: the SHA-256 sum of a batch, which covers the sum
// of the batch before it and so all that was ever appended.
type Hash [32]byte

// The limits of what a journal takes.
const (
	// MaxPayloadBytes is the largest payload of one batch.
	MaxPayloadBytes = 16 << 20
	// MaxSnapshotBytes is the largest payload of one snapshot.
	MaxSnapshotBytes = 1 << 30
)

// Batch is what is appended at once, in one group commit: all of it or nothing.
type Batch struct {
	First   Sequence // sequence of its first entry
	Count   uint32   // entries in it, at least 1
	Time    int64    // unix milliseconds, never less than the previous batch's
	Schema  uint32   // version of the payload's schema
	Payload []byte   // opaque, at most MaxPayloadBytes
	Prev    Hash     // hash of the previous batch, zero for the first; set by the journal
	Hash    Hash     // Sum of this batch; set by the journal and verified on every read
}

// Last returns the sequence of the batch's last entry.
func (b *Batch) Last() Sequence {
	return b.First + Sequence(b.Count) - 1
}

// Head is the end of a journal, or of a part of it. The zero Head is not
// valid; an empty journal has the head Genesis.
type Head struct {
	Next Sequence // sequence the next append must begin with
	Hash Hash     // hash of the last batch, zero if there is none
	Time int64    // time of the last batch in unix milliseconds, zero if there is none
}

// Genesis is the head of a journal that nothing was appended to.
var Genesis = Head{Next: 1}

// Snapshot is the fold of everything before Head.Next. Its integrity is checked
// when it is loaded.
type Snapshot struct {
	Head    Head   // where the replay goes on; a head that the journal once had
	Schema  uint32 // version of the payload's schema
	Payload []byte // opaque, at most MaxSnapshotBytes

	// Skipped names the newer snapshots that were passed over because they are
	// damaged. LoadSnapshot sets it, SaveSnapshot ignores it.
	Skipped []*CorruptError
}

// Space tells how much room is left.
type Space struct {
	FreeBytes uint64 // free for the journal
	LowBytes  uint64 // the low-space mark
}

// Low tells whether the free space is below the mark. The journal still
// appends then; whoever appends should take no new work.
func (s Space) Low() bool {
	return s.FreeBytes < s.LowBytes
}

// Journal is one partition's journal. All methods may be called concurrently,
// and any number of readers may read beside the one who appends.
//
// A context that has ended stops an operation before it begins, and a reading
// between two batches. An append that has begun is not interrupted by it.
//
// After Close every method returns ErrClosed.
type Journal interface {
	// Lead claims the partition and returns an epoch greater than every one
	// before; appends with an earlier one are fenced from here on. It also
	// settles an unknown outcome: when it returns nil, Head is the durable
	// end again. It fails with ErrNoSpace when the claim cannot be recorded,
	// and with a *CorruptError when what is found at the end cannot be
	// trusted; it may be called again.
	Lead(ctx context.Context) (Epoch, error)

	// Append makes b the next batch. It sets b.Prev and b.Hash, keeps no
	// reference to b or its payload, and returns the new head. When it
	// returns nil the batch is durable.
	//
	// Nothing was written, for certain, on
	//   - ErrFenced: a later epoch was claimed, or this one ended with an
	//     unknown outcome or because the storage failed in between;
	//   - ErrSequence: b.First is not the head's Next;
	//   - ErrInvalid: b itself breaks a rule, such as a time that goes back;
	//   - ErrNoSpace: there is no room for it; the epoch goes on;
	//   - ErrClosed, and the error of a context that ended before it began.
	//
	// Every other error is an ErrUnknown: the batch is in the journal whole,
	// or not at all. The epoch has then ended. Call Lead, then read the end,
	// before anything else, and never append the same again blindly.
	Append(ctx context.Context, epoch Epoch, b *Batch) (Head, error)

	// Head returns the durable end. After an append of unknown outcome, or when
	// the storage has failed, it returns ErrUnknown until Lead has settled it.
	Head(ctx context.Context) (Head, error)

	// Oldest returns the first sequence that can be read; in a journal with
	// nothing to read, the sequence that will be the first.
	Oldest(ctx context.Context) (Sequence, error)

	// Read returns the batches from the one containing from up to the head at
	// the time the loop begins, each verified and the caller's to keep. From
	// the head's Next on there are none, and no error. An error is the last
	// thing returned, with a nil batch: a *TrimmedError (ErrTrimmed) if from
	// was trimmed away, also while reading; a *CorruptError (ErrCorrupt) that
	// says where the journal cannot be trusted; ErrUnknown as for Head;
	// ErrInvalid if from is 0. A reader may take any time between two batches:
	// it holds nothing up.
	Read(ctx context.Context, from Sequence) iter.Seq2[*Batch, error]

	// SaveSnapshot keeps s, durably, beside the journal, and the one before it
	// as a reserve. s.Head must be a head that the journal had and has not
	// trimmed, and not be older than the newest snapshot; else ErrInvalid.
	SaveSnapshot(ctx context.Context, s *Snapshot) error

	// LoadSnapshot returns the newest good snapshot, or nil and no error if
	// none was ever saved. If the newest is damaged it returns the one before
	// and names in Skipped what it passed over. If all are damaged it returns
	// a *CorruptError: then only a journal whose Oldest is 1 can be folded.
	LoadSnapshot(ctx context.Context) (*Snapshot, error)

	// Trim drops the batches that lie wholly before the given sequence. The
	// last batch always stays, since it carries the head. It returns
	// ErrInvalid if there is no snapshot that lets go of them: the batches
	// after the older of the two kept snapshots stay, so that a damaged newest
	// one can be made good.
	Trim(ctx context.Context, before Sequence) error

	// Space returns how much room is left.
	Space(ctx context.Context) (Space, error)

	// Close ends the journal in good order. Appends under way are waited for;
	// readers get ErrClosed with their next batch. Closing twice is no error.
	Close() error
}
