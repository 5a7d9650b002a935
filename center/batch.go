package center

import (
	"slices"

	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
	"github.com/usher-cc/usher/journal"
)

// softBatchBytes is when a batch is closed although there is room for more
// requests.
const softBatchBytes = 4 << 20

// maxRecordBytes is the most that may come of one input. Every record begins
// below softBatchBytes, so that it fits whatever else is in its batch.
const maxRecordBytes = journal.MaxPayloadBytes - softBatchBytes

// batch is what is decided and then made durable at once, with everything that
// is to be released then.
type batch struct {
	first   uint64 // sequence of its first entry
	entries uint32
	timeMs  int64 // of the last record
	payload []byte
	decided uint64 // the last sequence that was decided before it was closed
	size    int    // requests, deadlines and routed calls in it

	calls    []*Call // that were decided in it, in this order
	replies  []release
	messages []delivery
	// unrecorded is told when all that was decided before is durable, and lost
	// with a batch that is not.
	unrecorded []delivery
	facts      []tenantFact // for the lookups
	rung       []func()     // alarms: all that was due is in this batch
	snapshot   *export      // the fold after this batch, if it is to be saved
	last       bool         // the center closes after it
}

// release is a reply to be given when it is durable.
type release struct {
	call  *Call
	reply Reply
	late  bool // the call was decided in an earlier batch
}

type tenantFact struct {
	tenant string
	fact   *usherv1.Fact
}

// empty tells whether there is nothing to release.
func (b *batch) empty() bool {
	return b.entries == 0 && len(b.replies) == 0 && len(b.rung) == 0 && b.snapshot == nil && !b.last
}

// full tells whether nothing more is to be decided into it. What is saved as
// the fold after it must stay that.
func (b *batch) full(limit int) bool {
	return b.size >= limit || len(b.payload) >= softBatchBytes || b.snapshot != nil || b.last
}

// holds tells whether a call was decided in it.
func (b *batch) holds(call *Call) bool {
	for _, c := range slices.Backward(b.calls) { // it is mostly the last
		if c == call {
			return true
		}
	}
	return false
}

// reset makes it empty and keeps its buffers.
func (b *batch) reset(next uint64) {
	clear(b.calls)
	clear(b.replies)
	clear(b.messages)
	clear(b.unrecorded)
	clear(b.facts)
	clear(b.rung)
	*b = batch{
		first: next, payload: b.payload[:0], decided: next - 1, calls: b.calls[:0], replies: b.replies[:0],
		messages: b.messages[:0], unrecorded: b.unrecorded[:0], facts: b.facts[:0], rung: b.rung[:0],
	}
}

// journalBatch is what is appended.
func (b *batch) journalBatch() *journal.Batch {
	return &journal.Batch{
		First: journal.Sequence(b.first), Count: b.entries, Time: b.timeMs, Schema: schema, Payload: b.payload,
	}
}

// add records what came of one input, and gives the encoded entries.
func (b *batch) add(tenant string, cause *usherv1.Cause, entries []engine.Entry, now engine.Millis) [][]byte {
	encoded := make([][]byte, len(entries))
	for n := range entries {
		var m proto.Message = entries[n].Event
		if entries[n].Event == nil {
			m = entries[n].Fact
			if isCredential(entries[n].Fact) {
				b.facts = append(b.facts, tenantFact{tenant, entries[n].Fact})
			}
		}
		encoded[n] = encode(m)
	}
	b.payload = appendRecord(b.payload, tenant, cause, entries, encoded)
	b.entries += uint32(len(entries))
	b.decided += uint64(len(entries))
	b.timeMs = int64(now)
	return encoded
}
