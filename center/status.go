package center

import (
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

// Status tells how the center fares. It does not wait for the writer.
func (c *Center) Status() Status { return Status{} }
