package center

import (
	"sort"
	"sync"
	"sync/atomic"
	"time"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
)

// maxUnrecorded is how many messages that are not recorded a ring keeps for
// readers who are busy: the latest ones.
const maxUnrecorded = 16

// ring keeps the recent messages of one recipient. It is complete from floor
// on: every durable message for the recipient with a greater sequence is in it.
// Beside them, and in no order with them, it keeps for its present readers what
// is not recorded.
type ring struct {
	limit int

	mu    sync.Mutex
	slots []queued // a circle: the message at position n is in slots[n%len]
	end   uint64   // position after the last message
	count uint64   // messages that are kept
	floor uint64
	wake  chan struct{} // closed by the next message; nil while nobody waits

	unrecorded []Message // the latest, in order
	told       uint64    // how many there have been

	subscriptions int
	idleSince     time.Duration // when the last subscription ended
}

// position is how far a reader has come in a ring.
type position struct {
	message    uint64 // the next one
	unrecorded uint64 // the next one that is not recorded
}

// queued is a message, and whether what it shows must still be asked for.
type queued struct {
	Message
	shows []string // interactions to be asked for when it is delivered
}

func newRing(limit int, floor uint64, now time.Duration) *ring {
	return &ring{limit: limit, floor: floor, idleSince: now}
}

// push adds a message. The oldest goes when there is no room.
func (r *ring) push(m queued) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.count == uint64(len(r.slots)) {
		if len(r.slots) < r.limit {
			r.grow()
		} else {
			r.floor = r.slots[r.end%r.count].Sequence
			r.count--
		}
	}
	r.slots[r.end%uint64(len(r.slots))] = m
	r.end++
	r.count++
	r.wakeReaders()
}

// tell adds a message that is not recorded, for those who read at the moment.
func (r *ring) tell(m Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.subscriptions == 0 {
		return
	}
	if len(r.unrecorded) == maxUnrecorded {
		r.unrecorded = append(r.unrecorded[:0], r.unrecorded[1:]...)
	}
	r.unrecorded = append(r.unrecorded, m)
	r.told++
	r.wakeReaders()
}

// wakeReaders wakes those who wait; the caller holds mu.
func (r *ring) wakeReaders() {
	if r.wake != nil {
		close(r.wake)
		r.wake = nil
	}
}

// grow makes room, since most recipients never need all of it.
func (r *ring) grow() {
	larger := make([]queued, min(r.limit, max(16, 2*len(r.slots))))
	for n := r.end - r.count; n < r.end; n++ {
		larger[n%uint64(len(larger))] = r.slots[n%uint64(len(r.slots))]
	}
	r.slots = larger
}

// join gives the position of the first message after a sequence, and of what
// will be told without being recorded; false if the ring is not complete from
// there on.
func (r *ring) join(after uint64) (position, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if after < r.floor {
		return position{}, false
	}
	first := r.end - r.count
	skip := sort.Search(int(r.count), func(n int) bool {
		return r.slots[(first+uint64(n))%uint64(len(r.slots))].Sequence > after
	})
	return position{first + uint64(skip), r.told}, true
}

// take appends the messages from a position on, as many as there is room for,
// and gives the position after them; false if the oldest of them is gone. Those
// that are not recorded go first, as they are soon worth nothing; of them the
// oldest are left out. If there are none it gives a channel that is closed when
// there is one.
func (r *ring) take(at position, to []queued) (taken []queued, next position, wake <-chan struct{}, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if at.message < r.end-r.count {
		return to, at, nil, false
	}
	kept := r.told - uint64(len(r.unrecorded))
	at.unrecorded = max(at.unrecorded, kept)
	for ; at.unrecorded < r.told && len(to) < cap(to); at.unrecorded++ {
		to = append(to, queued{Message: r.unrecorded[at.unrecorded-kept]})
	}
	for ; at.message < r.end && len(to) < cap(to); at.message++ {
		to = append(to, r.slots[at.message%uint64(len(r.slots))])
	}
	if len(to) == 0 {
		if r.wake == nil {
			r.wake = make(chan struct{})
		}
		wake = r.wake
	}
	return to, at, wake, true
}

// last gives the position after the last message.
func (r *ring) last() position {
	r.mu.Lock()
	defer r.mu.Unlock()
	return position{r.end, r.told}
}

// atEnd tells whether no recorded message follows a position.
func (r *ring) atEnd(at position) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return at.message == r.end
}

func (r *ring) subscribe(change int, now time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.subscriptions += change
	r.idleSince = now
}

func (r *ring) idle(before time.Duration) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.subscriptions == 0 && r.idleSince < before
}

// recipient is a participant of a tenant.
type recipient struct {
	tenant string
	who    engine.Participant
}

// rings are those of all recipients, and how far they are complete.
type rings struct {
	limit, serverLimit, reportLimit int
	keep                            time.Duration

	mu    sync.RWMutex // held for reading by who fills the rings
	of    map[recipient]*ring
	swept time.Duration
	tide  chan struct{} // closed when released rises; nil while nobody waits

	// released is the sequence up to which everything is durable and in the
	// rings. It rises only under mu.
	released uint64

	subscriptions atomic.Int64
}

func newRings(o *Options) *rings {
	return &rings{
		limit: o.Ring, serverLimit: o.ServerRing, reportLimit: o.ReportRing, keep: time.Duration(o.RingKeepMs) * time.Millisecond,
		of: map[recipient]*ring{},
	}
}

// open gives the ring of a recipient, made if need be.
func (r *rings) open(to recipient, now time.Duration) (*ring, uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	found := r.make(to, r.released, now)
	found.subscribe(1, now)
	r.subscriptions.Add(1)
	return found, r.released
}

// close is the end of a subscription.
func (r *rings) close(of *ring, now time.Duration) {
	of.subscribe(-1, now)
	r.subscriptions.Add(-1)
}

// make gives the ring of a recipient; the caller holds mu.
func (r *rings) make(to recipient, floor uint64, now time.Duration) *ring {
	found := r.of[to]
	if found == nil {
		limit := r.serverLimit
		switch {
		case to.who == engine.Report:
			limit = r.reportLimit
		case to.who.Kind == usherv1.ParticipantKind_PARTICIPANT_KIND_AGENT:
			limit = r.limit
		}
		found = newRing(limit, floor, now)
		r.of[to] = found
	}
	return found
}

// has tells whether somebody may be reading.
func (r *rings) has(to recipient) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.of[to] != nil
}

// release makes messages heard, and everything up to a sequence known as
// durable.
func (r *rings) release(messages []delivery, upTo uint64, now time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for n := range messages {
		d := &messages[n]
		if found := r.of[d.to]; found != nil {
			found.push(d.queued)
		}
	}
	r.rise(upTo)
	if now-r.swept > r.keep/8 {
		r.sweep(now)
	}
}

// tell makes messages heard that are not recorded.
func (r *rings) tell(unrecorded []delivery) {
	if len(unrecorded) == 0 {
		return
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	for n := range unrecorded {
		if found := r.of[unrecorded[n].to]; found != nil {
			found.tell(unrecorded[n].Message)
		}
	}
}

// refill is release for messages read from the journal by a center that just
// starts: it makes the rings, since those who were connected will be back.
func (r *rings) refill(messages []delivery, floor, upTo uint64, now time.Duration) {
	r.mu.Lock()
	for n := range messages {
		r.make(messages[n].to, floor, now)
	}
	r.mu.Unlock()
	r.release(messages, upTo, now)
}

// rise lets everything up to a sequence be known as durable; the caller holds
// mu.
func (r *rings) rise(upTo uint64) {
	if upTo <= r.released {
		return
	}
	r.released = upTo
	if r.tide != nil {
		close(r.tide)
		r.tide = nil
	}
}

func (r *rings) sweep(now time.Duration) {
	r.swept = now
	for to, found := range r.of {
		if found.idle(now - r.keep) {
			delete(r.of, to)
		}
	}
}

// high gives the released sequence, and a channel that is closed when it rises.
func (r *rings) high() (uint64, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.tide == nil {
		r.tide = make(chan struct{})
	}
	return r.released, r.tide
}

func (r *rings) reached() uint64 {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.released
}

func (r *rings) counts() (rings, subscriptions int) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return len(r.of), int(r.subscriptions.Load())
}
