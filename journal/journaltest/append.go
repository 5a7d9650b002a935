package journaltest

import (
	"bytes"
	"context"
	"errors"
	"math"
	"slices"
	"sync"

	"github.com/usher-cc/usher/journal"
)

func testEmpty(b *bench) {
	b.atEnd()
	b.reads(1, nil)
	b.reads(9, nil)
	oldest, err := b.j.Oldest(b.ctx)
	b.must(err)
	if oldest != 1 {
		b.Fatalf("oldest is %d, want 1", oldest)
	}
	s, err := b.j.LoadSnapshot(b.ctx)
	b.must(err)
	if s != nil {
		b.Fatalf("loaded snapshot %+v, want none", s)
	}
	space, err := b.j.Space(b.ctx)
	b.must(err)
	if space.FreeBytes == 0 || space.LowBytes == 0 {
		b.Fatalf("space is %+v", space)
	}
}

func testOrder(b *bench) {
	b.append(1, 3, 1, 16)
	b.reads(1, b.want)
	for _, first := range []journal.Sequence{0, 1, 21, 23, math.MaxUint64} {
		batch := b.next(1)
		batch.First = first
		_, err := b.j.Append(b.ctx, b.epoch, batch)
		b.is(err, journal.ErrSequence)
	}
	b.reads(1, b.want)
	b.append(2)
}

func testInvalid(b *bench) {
	b.append(5)
	empty := b.next(0)
	past := b.next(1)
	past.Time = b.end().Time - 1
	large := b.next(1)
	large.Payload = make([]byte, journal.MaxPayloadBytes+1)
	for _, batch := range []*journal.Batch{empty, past, large} {
		_, err := b.j.Append(b.ctx, b.epoch, batch)
		b.is(err, journal.ErrInvalid)
	}
	b.atEnd()

	same := b.next(1)
	same.Time = b.end().Time
	same.Payload = bytes.Repeat([]byte("full"), journal.MaxPayloadBytes/4)
	_, err := b.j.Append(b.ctx, b.epoch, same)
	b.must(err)
	b.want = append(b.want, same)
	_, err = b.read(0)
	b.is(err, journal.ErrInvalid)
	b.append(1)
	b.reads(1, b.want)
}

func testFence(b *bench) {
	for _, epoch := range []journal.Epoch{0, b.epoch + 1} {
		_, err := b.j.Append(b.ctx, epoch, b.next(1))
		b.is(err, journal.ErrFenced)
	}
	b.append(1)
	old := b.epoch
	b.lead()
	_, err := b.j.Append(b.ctx, old, b.next(1))
	b.is(err, journal.ErrFenced)
	b.append(1)

	b.must(b.j.Close())
	b.reopen()
	_, err = b.j.Append(b.ctx, b.epoch, b.next(1))
	b.is(err, journal.ErrFenced)
	b.lead()
	b.append(1)
	b.reads(1, b.want)
}

func testChain(b *bench) {
	lie := b.next(1)
	lie.Prev, lie.Hash = journal.Hash{1}, journal.Hash{2}
	_, err := b.j.Append(b.ctx, b.epoch, lie)
	b.must(err)
	b.want = append(b.want, lie)
	b.append(2, 3)
	var prev journal.Hash
	for batch, err := range b.j.Read(b.ctx, 1) {
		b.must(err)
		if batch.Prev != prev || batch.Hash != batch.Sum() {
			b.Fatalf("batch %d does not follow %x", batch.First, prev)
		}
		prev = batch.Hash
	}
	if prev != b.end().Hash {
		b.Fatalf("chain ends with %x, the head has %x", prev, b.end().Hash)
	}
}

func testMiddle(b *bench) {
	b.append(1, 4, 2)
	for from, skip := range map[journal.Sequence]int{1: 0, 2: 1, 3: 1, 5: 1, 6: 2, 7: 2, 8: 3, 99: 3, math.MaxUint64: 3} {
		b.reads(from, b.want[skip:])
	}
}

func testReadBound(b *bench) {
	b.append(1, 2)
	bound := slices.Clone(b.want)
	var got []*journal.Batch
	for batch, err := range b.j.Read(b.ctx, 1) {
		b.must(err)
		got = append(got, batch)
		b.append(1) // an append from within a reading must not wait for it
	}
	b.same(got, bound)
	for range b.j.Read(b.ctx, 1) {
		break // a reading may be left at any time
	}
	b.reads(1, b.want)
}

// testReaders reads while there are appends. A reader knows each time more, and
// always a whole piece of the chain.
func testReaders(b *bench) {
	const batches, readers = 200, 4
	var group sync.WaitGroup
	for range readers {
		group.Go(func() {
			var from journal.Head = journal.Genesis
			for from.Next <= batches {
				for batch, err := range b.j.Read(b.ctx, from.Next) {
					if err == nil {
						from, err = from.Verify(batch)
					}
					if err != nil {
						b.Error(err)
						return
					}
				}
			}
		})
	}
	for range batches {
		b.append(1)
	}
	group.Wait()
}

func testOwnership(b *bench) {
	batch := b.next(1)
	_, err := b.j.Append(b.ctx, b.epoch, batch)
	b.must(err)
	want := *batch
	want.Payload = slices.Clone(batch.Payload)
	b.want = append(b.want, &want)
	clear(batch.Payload)
	got, err := b.read(1)
	b.must(err)
	b.same(got, b.want)
	clear(got[0].Payload)
	b.reads(1, b.want)
}

func testReopen(b *bench) {
	for range 3 {
		b.append(1, 7)
		b.must(b.j.Close())
		b.reopen()
		b.atEnd()
		b.reads(1, b.want)
		b.lead()
	}
}

func testCrash(b *bench) {
	for range 5 {
		b.append(1, 7)
		b.Crash(b.T)
		b.reopen()
		b.atEnd()
		b.reads(1, b.want)
		b.lead()
	}
}

func testNoSpace(b *bench) {
	b.append(2)
	b.FailNext(b.T, NoSpace)
	_, err := b.j.Append(b.ctx, b.epoch, b.next(1))
	b.is(err, journal.ErrNoSpace)
	if errors.Is(err, journal.ErrUnknown) {
		b.Fatalf("%v is certain and unknown", err)
	}
	b.atEnd()
	b.append(1) // the epoch goes on
	b.reads(1, b.want)
}

func testUnknown(b *bench, f Fault) {
	b.append(2)
	b.FailNext(b.T, f)
	doubt := b.next(3)
	_, err := b.j.Append(b.ctx, b.epoch, doubt)
	b.is(err, journal.ErrUnknown)

	_, err = b.j.Head(b.ctx)
	b.is(err, journal.ErrUnknown)
	_, err = b.read(1)
	b.is(err, journal.ErrUnknown)
	_, err = b.j.Append(b.ctx, b.epoch, b.next(1))
	b.is(err, journal.ErrFenced)

	b.lead()
	if f == UnknownWritten {
		b.want = append(b.want, doubt)
	}
	b.atEnd()
	b.reads(1, b.want)
	b.append(1)
	b.Crash(b.T)
	b.reopen()
	b.atEnd()
	b.reads(1, b.want)
}

func testContext(b *bench) {
	b.append(1, 1)
	ended, cancel := context.WithCancel(b.ctx)
	defer cancel()
	for _, err := range b.j.Read(ended, 1) {
		if cancel(); errors.Is(err, context.Canceled) {
			break
		}
		b.must(err)
	}
	_, err := b.j.Append(ended, b.epoch, b.next(1))
	b.is(err, context.Canceled)
	_, err = b.j.Lead(ended)
	b.is(err, context.Canceled)
	b.append(1) // neither has happened
}

func testClosed(b *bench) {
	b.append(1, 1)
	for batch, err := range b.j.Read(b.ctx, 1) {
		if batch != nil {
			b.must(b.j.Close())
			continue
		}
		b.is(err, journal.ErrClosed)
	}
	b.must(b.j.Close())
	_, lead := b.j.Lead(b.ctx)
	_, app := b.j.Append(b.ctx, b.epoch, b.next(1))
	_, head := b.j.Head(b.ctx)
	_, oldest := b.j.Oldest(b.ctx)
	_, read := b.read(1)
	save := b.j.SaveSnapshot(b.ctx, &journal.Snapshot{Head: journal.Genesis})
	_, load := b.j.LoadSnapshot(b.ctx)
	trim := b.j.Trim(b.ctx, 1)
	_, space := b.j.Space(b.ctx)
	for i, err := range []error{lead, app, head, oldest, read, save, load, trim, space} {
		if !errors.Is(err, journal.ErrClosed) {
			b.Errorf("call %d returned %v, want %v", i, err, journal.ErrClosed)
		}
	}
}
