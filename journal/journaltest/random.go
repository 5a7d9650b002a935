package journaltest

import (
	"math/rand/v2"
	"slices"

	"github.com/usher-cc/usher/journal"
)

// model is the naive journal that the real one is compared with: the bench's
// slice of batches, and what the contract says about the rest.
type model struct {
	*bench
	rand      *rand.Rand
	oldest    int                 // index of the oldest batch
	snapshots []*journal.Snapshot // at most two, older first
	folded    int                 // index after the newest snapshot
}

// testRandom does random things, and after each compares everything.
func testRandom(b *bench, r *rand.Rand, steps int) {
	m := &model{bench: b, rand: r}
	for range steps {
		switch p := r.IntN(100); {
		case p < 55:
			m.appendSome()
		case p < 62:
			m.snapshotSome()
		case p < 70:
			m.trimSome()
		case p < 75:
			m.lead()
		case p < 85:
			m.failSome()
		case p < 93:
			m.Crash(m.T)
			m.reopen()
			m.lead()
		default:
			m.must(m.j.Close())
			m.reopen()
			m.lead()
		}
		m.compare()
	}
}

func (m *model) batch() *journal.Batch {
	batch := m.next(1 + m.rand.Uint32N(20))
	batch.Time = m.end().Time + m.rand.Int64N(3)
	batch.Payload = make([]byte, m.rand.IntN(3000))
	for i := range batch.Payload {
		batch.Payload[i] = byte(m.rand.Uint32())
	}
	return batch
}

func (m *model) appendSome() {
	for range 1 + m.rand.IntN(8) {
		batch := m.batch()
		head, err := m.j.Append(m.ctx, m.epoch, batch)
		m.must(err)
		m.want = append(m.want, batch)
		if head != m.end() {
			m.Fatalf("append returned %v, want %v", head, m.end())
		}
	}
}

func (m *model) failSome() {
	f := Fault(1 + m.rand.IntN(3))
	m.FailNext(m.T, f)
	batch := m.batch()
	_, err := m.j.Append(m.ctx, m.epoch, batch)
	if f == NoSpace {
		m.is(err, journal.ErrNoSpace)
		return
	}
	m.is(err, journal.ErrUnknown)
	if f == UnknownWritten {
		m.want = append(m.want, batch)
	}
	m.lead()
}

func (m *model) snapshotSome() {
	if m.folded >= len(m.want) {
		return
	}
	m.folded += 1 + m.rand.IntN(len(m.want)-m.folded)
	m.snapshots = append(m.snapshots, m.snapshot(m.folded))
	m.snapshots = m.snapshots[max(0, len(m.snapshots)-2):]
}

func (m *model) trimSome() {
	if len(m.want) == 0 {
		return
	}
	index := m.rand.IntN(len(m.want))
	before := m.want[index].First + journal.Sequence(m.rand.Uint32N(m.want[index].Count))
	err := m.j.Trim(m.ctx, before)
	if index <= m.oldest && before <= m.want[m.oldest].First {
		m.must(err)
		return
	}
	if len(m.snapshots) == 0 || before > m.snapshots[0].Head.Next {
		m.is(err, journal.ErrInvalid)
		return
	}
	m.must(err)
	m.oldest = max(m.oldest, index)
}

func (m *model) compare() {
	m.atEnd()
	oldest := journal.Genesis.Next
	if len(m.want) > 0 {
		oldest = m.want[m.oldest].First
	}
	got, err := m.j.Oldest(m.ctx)
	m.must(err)
	if got != oldest {
		m.Fatalf("oldest is %d, want %d", got, oldest)
	}
	if len(m.snapshots) > 0 {
		m.loads(m.snapshots[len(m.snapshots)-1], 0)
	}
	from := 1 + journal.Sequence(m.rand.Uint64N(uint64(m.end().Next)))
	if from < oldest {
		_, err := m.read(from)
		m.is(err, journal.ErrTrimmed)
		return
	}
	start := slices.IndexFunc(m.want, func(b *journal.Batch) bool { return from <= b.Last() })
	if start < 0 {
		start = len(m.want)
	}
	m.reads(from, m.want[start:])
}
