package journaltest

import (
	"errors"
	"slices"

	"github.com/usher-cc/usher/journal"
)

func testDamagedBatch(b *bench) {
	b.append(2, 3, 4, 5)
	b.must(b.j.Close())
	b.DamageBatch(b.T, 6)
	b.reopen()
	b.atEnd()
	for _, from := range []journal.Sequence{1, 4, 7} {
		got, err := b.read(from)
		b.is(err, journal.ErrCorrupt)
		if damage, ok := errors.AsType[*journal.CorruptError](err); !ok || damage.Sequence != 6 || damage.Where == "" {
			b.Fatalf("%v does not name sequence 6", err)
		}
		for _, batch := range got {
			if !slices.ContainsFunc(b.want[:2], func(want *journal.Batch) bool { return equal(batch, want) }) {
				b.Fatalf("read %+v before the damage", batch)
			}
		}
	}
	b.reads(10, b.want[3:])
}

func testDamagedLast(b *bench) {
	b.append(2, 3)
	b.must(b.j.Close())
	b.DamageBatch(b.T, 3)
	_, err := b.Open()
	b.is(err, journal.ErrCorrupt)
}

func testSnapshots(b *bench) {
	b.append(2, 2, 2)
	b.loads(b.snapshot(1), 0)
	b.loads(b.snapshot(3), 0)
	newest := b.snapshot(3) // the same again replaces it
	b.append(1)
	b.must(b.j.Close())
	b.reopen()
	b.loads(newest, 0)
	b.reads(newest.Head.Next, b.want[3:])
	b.lead()
	newest = b.snapshot(4)
	b.Crash(b.T)
	b.reopen()
	b.loads(newest, 0)
}

func testForeignSnapshot(b *bench) {
	b.append(2, 2, 2)
	middle := journal.Head{Next: 4, Hash: b.want[1].Hash, Time: b.want[1].Time}
	ahead := b.next(1).After()
	hash, time := b.end(), b.end()
	hash.Hash[0] ^= 1
	time.Time++
	for _, head := range []journal.Head{{}, middle, ahead, hash, time} {
		b.is(b.j.SaveSnapshot(b.ctx, &journal.Snapshot{Head: head}), journal.ErrInvalid)
	}
	b.snapshot(2)
	b.is(b.j.SaveSnapshot(b.ctx, &journal.Snapshot{Head: b.want[0].After()}), journal.ErrInvalid)
}

func testDamagedSnapshots(b *bench) {
	b.append(2, 2, 2)
	older, newer := b.snapshot(1), b.snapshot(2)
	b.DamageSnapshot(b.T, newer.Head.Next)
	b.loads(older, 1)
	b.reads(older.Head.Next, b.want[1:])
	b.DamageSnapshot(b.T, older.Head.Next)
	s, err := b.j.LoadSnapshot(b.ctx)
	b.is(err, journal.ErrCorrupt)
	if s != nil {
		b.Fatalf("loaded damaged snapshot %+v", s)
	}
}

func testReserve(b *bench) {
	b.append(2, 2, 2)
	good, damaged := b.snapshot(1), b.snapshot(2)
	b.DamageSnapshot(b.T, damaged.Head.Next)
	newest := b.snapshot(3)
	b.loads(newest, 0)
	b.DamageSnapshot(b.T, newest.Head.Next)
	b.loads(good, 1)
}

// trimmed checks what is left after a trimming.
func (b *bench) trimmed(index int) {
	b.Helper()
	oldest, err := b.j.Oldest(b.ctx)
	b.must(err)
	if oldest != b.want[index].First {
		b.Fatalf("oldest is %d, want %d", oldest, b.want[index].First)
	}
	b.reads(oldest, b.want[index:])
	b.atEnd()
	if index == 0 {
		return
	}
	for _, from := range []journal.Sequence{1, oldest - 1} {
		got, err := b.read(from)
		b.is(err, journal.ErrTrimmed)
		if trimmed, ok := errors.AsType[*journal.TrimmedError](err); !ok || trimmed.Oldest != oldest || len(got) > 0 {
			b.Fatalf("%v after %d batches does not name %d", err, len(got), oldest)
		}
	}
}

func testTrim(b *bench) {
	b.append(2, 2, 2, 2, 2)
	b.is(b.j.Trim(b.ctx, 3), journal.ErrInvalid)
	b.snapshot(2) // lets go of what is before 5
	b.is(b.j.Trim(b.ctx, 6), journal.ErrInvalid)
	b.must(b.j.Trim(b.ctx, 1))
	b.must(b.j.Trim(b.ctx, 2))
	b.trimmed(0)
	b.must(b.j.Trim(b.ctx, 4)) // the batch of 3 and 4 is not wholly before it
	b.trimmed(1)
	b.must(b.j.Trim(b.ctx, 1))
	b.trimmed(1)
	newest := b.snapshot(5)
	b.is(b.j.Trim(b.ctx, 11), journal.ErrInvalid) // the reserve still needs them
	b.must(b.j.Trim(b.ctx, 5))
	b.trimmed(2)
	b.Crash(b.T)
	b.reopen()
	b.lead()
	b.trimmed(2)
	b.DamageSnapshot(b.T, newest.Head.Next)
	b.loads(&journal.Snapshot{Head: b.want[1].After(), Schema: 5, Payload: []byte("the fold of 2 batches")}, 1)
	b.append(1)
	b.snapshot(6)
	b.append(2)
	b.snapshot(7)
	b.must(b.j.Trim(b.ctx, b.want[5].First+1))
	b.trimmed(6)
	b.append(1)
	b.trimmed(6)
}

func testTrimUnderReader(b *bench) {
	b.append(1, 1, 1)
	for range 2000 { // more than an implementation fetches at a time
		batch := b.next(1)
		batch.Payload = make([]byte, 2000)
		_, err := b.j.Append(b.ctx, b.epoch, batch)
		b.must(err)
		b.want = append(b.want, batch)
	}
	b.snapshot(len(b.want))
	var last error
	at := journal.Genesis
	for batch, err := range b.j.Read(b.ctx, 1) {
		if last = err; err != nil {
			break
		}
		next, err := at.Verify(batch)
		b.must(err)
		if at = next; batch.First == 1 {
			b.must(b.j.Trim(b.ctx, b.end().Next))
		}
	}
	b.is(last, journal.ErrTrimmed)
	b.trimmed(len(b.want) - 1) // the last stays, since it carries the head
	b.must(b.j.Close())
	b.reopen()
	b.trimmed(len(b.want) - 1)
	b.lead()
	b.append(1)
}
