package center

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/usher-cc/usher/journal"
)

// Status is how a center fares.
type Status struct {
	Leader   bool // the journal is led and requests are served
	Draining bool
	LowSpace bool // submits are refused
	Epoch    journal.Epoch

	Durable uint64 // everything up to this sequence is durable and released
	Decided uint64 // everything up to this sequence is decided
	TimeMs  int64  // the center's time

	Tenants       int
	Waiting       int // requests that wait to be decided
	Pending       int // requests that were decided and whose answer comes later
	Answers       int // remembered answers
	Subscriptions int
	Rings         int

	Requests    uint64 // decided, also reads and refusals
	Refusals    uint64
	Repeats     uint64 // answered from memory, or joined to the pending one
	Deadlines   uint64 // fired
	Batches     uint64 // appended, each with one fsync
	Entries     uint64 // appended
	Bytes       uint64 // appended
	Rebuilds    uint64 // from the journal, after a failed append
	SlowReaders uint64 // cut off
	Snapshots   uint64 // saved

	SnapshotSequence uint64        // the newest snapshot contains everything up to here
	LoadTook         time.Duration // the last loading of snapshot and replay
	Replayed         uint64        // entries in it

	WallClockJumps  uint64        // noticed
	WallClockOffset time.Duration // wall clock minus center's time
	Space           journal.Space
}

// counts are kept by writer and appender, and read by anybody.
type counts struct {
	decided, requests, refusals, repeats, deadlines atomic.Uint64
	batches, entries, bytes, rebuilds, slowReaders  atomic.Uint64
	snapshots, snapshotAt, replayed                 atomic.Uint64
	pending, answers, loadTook, snapshotBytes       atomic.Int64
}

// spaceWatch remembers how much room the journal has, so that it is not asked
// more than once in a while.
type spaceWatch struct {
	mu    sync.Mutex
	asked bool
	at    time.Duration
	space journal.Space
}

// latest gives how much room there was not long ago. A journal that can't tell
// has none to offer.
func (s *spaceWatch) latest(c *Center) journal.Space {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := c.clock.Elapsed()
	if s.asked && now-s.at < spacePause {
		return s.space
	}
	space, err := c.o.Journal.Space(c.ctx)
	if err != nil {
		c.o.Logger.Error("can't tell how much room the journal has", "error", err)
		space = journal.Space{}
	}
	s.asked, s.at, s.space = true, now, space
	return space
}

// Status tells how the center fares. It does not wait for the writer.
func (c *Center) Status() Status {
	n := &c.counts
	state, waiting := c.inbox.current()
	rings, subscriptions := c.rings.counts()
	offset, jumps := c.time.state()
	return Status{
		Leader: c.leading.Load(), Draining: state >= inboxDraining, LowSpace: c.lowSpace.Load(), Epoch: journal.Epoch(c.epoch.Load()),
		Durable: c.rings.reached(), Decided: n.decided.Load(), TimeMs: int64(c.time.now()),
		Tenants: len(c.view.Load().tenantIDs()), Waiting: waiting, Pending: int(n.pending.Load()), Answers: int(n.answers.Load()),
		Subscriptions: subscriptions, Rings: rings,
		Requests: n.requests.Load(), Refusals: n.refusals.Load(), Repeats: n.repeats.Load(), Deadlines: n.deadlines.Load(),
		Batches: n.batches.Load(), Entries: n.entries.Load(), Bytes: n.bytes.Load(), Rebuilds: n.rebuilds.Load(),
		SlowReaders: n.slowReaders.Load(), Snapshots: n.snapshots.Load(),
		SnapshotSequence: n.snapshotAt.Load(), LoadTook: time.Duration(n.loadTook.Load()), Replayed: n.replayed.Load(),
		WallClockJumps: jumps, WallClockOffset: offset, Space: c.space.latest(c),
	}
}
