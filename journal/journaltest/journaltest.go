// Package journaltest holds every implementation of a journal to the contract.
//
// It promises that what passes Run can stand under a center: order, fence,
// chain, snapshots, trimming, damage and lost answers are tried one by one
// against the words of the contract, and all together, at random, against a
// naive model.
package journaltest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/usher-cc/usher/journal"
)

// Fault is how the next append fails.
type Fault int

// The ways to fail that every implementation can be made to show.
const (
	NoSpace        Fault = iota + 1 // certainly not written
	UnknownLost                     // outcome unknown, not written
	UnknownWritten                  // outcome unknown, written
)

// Harness is a journal's storage, which outlives the journals opened on it.
type Harness interface {
	// Open opens the journal on the storage. At most one is open at a time.
	Open() (journal.Journal, error)
	// Crash ends the open journal without closing it. What was not made
	// durable is lost.
	Crash(t *testing.T)
	// FailNext makes the next append fail.
	FailNext(t *testing.T, f Fault)
	// DamageBatch alters the stored batch that begins with first. The journal
	// is closed.
	DamageBatch(t *testing.T, first journal.Sequence)
	// DamageSnapshot alters the stored snapshot before next. The journal may
	// be open.
	DamageSnapshot(t *testing.T, next journal.Sequence)
}

// Run holds an implementation to the contract. Each call of storage returns an
// empty one.
func Run(t *testing.T, storage func(t *testing.T) Harness) {
	tests := []struct {
		name string
		run  func(*bench)
	}{
		{"an empty journal", testEmpty},
		{"order and head", testOrder},
		{"a batch that breaks a rule", testInvalid},
		{"the fence", testFence},
		{"the chain", testChain},
		{"reading from the middle of a batch", testMiddle},
		{"reading ends at the head of its beginning", testReadBound},
		{"readers beside the one who appends", testReaders},
		{"the payload belongs to the caller", testOwnership},
		{"reopening", testReopen},
		{"a crash", testCrash},
		{"no space", testNoSpace},
		{"unknown outcome, lost", func(b *bench) { testUnknown(b, UnknownLost) }},
		{"unknown outcome, written", func(b *bench) { testUnknown(b, UnknownWritten) }},
		{"a damaged batch", testDamagedBatch},
		{"a damaged last batch", testDamagedLast},
		{"snapshots", testSnapshots},
		{"a snapshot that is not the journal's", testForeignSnapshot},
		{"damaged snapshots", testDamagedSnapshots},
		{"a damaged snapshot is no reserve", testReserve},
		{"trimming", testTrim},
		{"trimming under a reader", testTrimUnderReader},
		{"an ended context", testContext},
		{"a closed journal", testClosed},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(newBench(t, storage(t))) })
	}
	for seed := range uint64(12) {
		t.Run(fmt.Sprintf("at random, seed %d", seed), func(t *testing.T) {
			testRandom(newBench(t, storage(t)), rand.New(rand.NewPCG(seed, 1)), 150)
		})
	}
}

// bench is one journal under test, with everything that was acknowledged.
type bench struct {
	*testing.T
	Harness
	ctx   context.Context
	j     journal.Journal
	epoch journal.Epoch
	want  []*journal.Batch
}

func newBench(t *testing.T, h Harness) *bench {
	b := &bench{T: t, Harness: h, ctx: t.Context()}
	b.reopen()
	b.lead()
	t.Cleanup(func() { b.must(b.j.Close()) })
	return b
}

func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// is fails the test unless err is the wanted one.
func (b *bench) is(err, want error) {
	b.Helper()
	if !errors.Is(err, want) {
		b.Fatalf("got error %v, want %v", err, want)
	}
}

func (b *bench) reopen() {
	b.Helper()
	j, err := b.Open()
	b.must(err)
	b.j = j
}

func (b *bench) lead() {
	b.Helper()
	epoch, err := b.j.Lead(b.ctx)
	b.must(err)
	if epoch <= b.epoch {
		b.Fatalf("epoch %d follows epoch %d", epoch, b.epoch)
	}
	b.epoch = epoch
}

// end returns the head that the acknowledged batches make.
func (b *bench) end() journal.Head {
	if len(b.want) == 0 {
		return journal.Genesis
	}
	return b.want[len(b.want)-1].After()
}

// next returns a batch of count entries that may be appended.
func (b *bench) next(count uint32) *journal.Batch {
	end := b.end()
	return &journal.Batch{
		First: end.Next, Count: count, Time: end.Time + int64(count), Schema: 3,
		Payload: fmt.Appendf(nil, "%d entries from %d", count, end.Next),
	}
}

// append appends batches of the given counts.
func (b *bench) append(counts ...uint32) {
	b.Helper()
	for _, count := range counts {
		batch := b.next(count)
		head, err := b.j.Append(b.ctx, b.epoch, batch)
		b.must(err)
		b.want = append(b.want, batch)
		if head != b.end() {
			b.Fatalf("append returned head %v, want %v", head, b.end())
		}
	}
	b.atEnd()
}

// atEnd checks that the journal ends where the acknowledged batches do.
func (b *bench) atEnd() {
	b.Helper()
	head, err := b.j.Head(b.ctx)
	b.must(err)
	if head != b.end() {
		b.Fatalf("head is %v, want %v", head, b.end())
	}
}

// read returns what is read from a sequence, and the error that ended it.
func (b *bench) read(from journal.Sequence) ([]*journal.Batch, error) {
	b.Helper()
	var got []*journal.Batch
	for batch, err := range b.j.Read(b.ctx, from) {
		if err != nil {
			if batch != nil {
				b.Fatalf("batch %v came with error %v", batch, err)
			}
			return got, err
		}
		got = append(got, batch)
	}
	return got, nil
}

// reads checks that reading from a sequence gives exactly these batches.
func (b *bench) reads(from journal.Sequence, want []*journal.Batch) {
	b.Helper()
	got, err := b.read(from)
	b.must(err)
	b.same(got, want)
}

func (b *bench) same(got, want []*journal.Batch) {
	b.Helper()
	if len(got) != len(want) {
		b.Fatalf("read %d batches, want %d", len(got), len(want))
	}
	for i := range got {
		if !equal(got[i], want[i]) {
			b.Fatalf("batch %d is %+v, want %+v", i, got[i], want[i])
		}
	}
}

func equal(a, b *journal.Batch) bool {
	return a.First == b.First && a.Count == b.Count && a.Time == b.Time && a.Schema == b.Schema &&
		string(a.Payload) == string(b.Payload) && a.Prev == b.Prev && a.Hash == b.Hash
}

// snapshot saves a snapshot of what lies before the batch of that index.
func (b *bench) snapshot(index int) *journal.Snapshot {
	b.Helper()
	s := &journal.Snapshot{Head: journal.Genesis, Schema: 5, Payload: fmt.Appendf(nil, "the fold of %d batches", index)}
	if index > 0 {
		s.Head = b.want[index-1].After()
	}
	b.must(b.j.SaveSnapshot(b.ctx, s))
	return s
}

// loads checks that the newest good snapshot is the wanted one, and that the
// given number of newer ones were passed over.
func (b *bench) loads(want *journal.Snapshot, skipped int) {
	b.Helper()
	got, err := b.j.LoadSnapshot(b.ctx)
	b.must(err)
	if got == nil {
		b.Fatal("no snapshot was loaded")
	}
	if got.Head != want.Head || got.Schema != want.Schema || string(got.Payload) != string(want.Payload) {
		b.Fatalf("loaded snapshot %+v, want %+v", got, want)
	}
	if len(got.Skipped) != skipped {
		b.Fatalf("passed over %v, want %d", got.Skipped, skipped)
	}
}
