package engine

import (
	"cmp"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// How long and how many stopped interactions are remembered (models.md 14).
const (
	stoppedMemoryMs  Millis = 24 * 60 * 60 * 1000
	stoppedMemoryMax        = 1_000_000
	closedTicketsMax        = 4_096
)

// stoppedMemory remembers stopped interactions, so that a later request
// about one is told who stopped it. There may be a million, and so they lie
// encoded, as the field stopped of a TenantState, in chunks that the garbage
// collector need not look into and that a snapshot takes over as they are.
type stoppedMemory struct {
	chunks     [][]byte
	firstChunk uint32              // number of chunks[0]
	byID       map[uint64]chunkRef // by hash of the id; of two with one hash the later is remembered
	order      []chunkRef          // in order of stopping
}

// chunkRef is where an encoded StoppedInteraction lies.
type chunkRef struct {
	chunk, offset uint32
	stoppedAt     Millis
}

const (
	chunkBytes = 256 << 10
	// fieldStopped is the number of the field stopped of TenantState.
	fieldStopped = 7
)

func (m *stoppedMemory) init() { m.byID = map[uint64]chunkRef{} }

// hashID is FNV-1a.
func hashID(id string) uint64 {
	h := uint64(14695981039346656037)
	for n := range len(id) {
		h = (h ^ uint64(id[n])) * 1099511628211
	}
	return h
}

// add remembers s and forgets what is too old or too much.
func (m *stoppedMemory) add(s *usherv1.StoppedInteraction) {
	size := proto.Size(s)
	framed := protowire.SizeTag(fieldStopped) + protowire.SizeBytes(size)
	last := len(m.chunks) - 1
	if last < 0 || len(m.chunks[last])+framed > cap(m.chunks[last]) {
		m.chunks = append(m.chunks, make([]byte, 0, max(chunkBytes, framed)))
		last++
	}
	ref := chunkRef{m.firstChunk + uint32(last), uint32(len(m.chunks[last])), Millis(s.StoppedAtMs)}
	to := protowire.AppendTag(m.chunks[last], fieldStopped, protowire.BytesType)
	to = protowire.AppendVarint(to, uint64(size))
	to, err := proto.MarshalOptions{UseCachedSize: true}.MarshalAppend(to, s)
	if err != nil {
		panic("engine: a stopped interaction can't be encoded: " + err.Error())
	}
	m.chunks[last] = to
	m.byID[hashID(s.InteractionId)] = ref
	m.order = append(m.order, ref)
	for len(m.order) > stoppedMemoryMax || m.order[0].expired(Millis(s.StoppedAtMs)) {
		m.forgetFirst()
	}
}

func (m *stoppedMemory) forgetFirst() {
	ref := m.order[0]
	if hash := hashID(m.at(ref).InteractionId); m.byID[hash] == ref {
		delete(m.byID, hash)
	}
	m.order = m.order[1:]
	for len(m.order) > 0 && m.firstChunk < m.order[0].chunk {
		m.chunks[0] = nil
		m.chunks = m.chunks[1:]
		m.firstChunk++
	}
}

func (m *stoppedMemory) at(ref chunkRef) *usherv1.StoppedInteraction {
	from := m.chunks[ref.chunk-m.firstChunk][ref.offset:]
	_, _, tag := protowire.ConsumeTag(from)
	encoded, _ := protowire.ConsumeBytes(from[max(0, tag):])
	s := &usherv1.StoppedInteraction{}
	if err := proto.Unmarshal(encoded, s); err != nil {
		panic("engine: a stopped interaction can't be decoded: " + err.Error())
	}
	return s
}

func (ref chunkRef) expired(now Millis) bool { return ref.stoppedAt+stoppedMemoryMs <= now }

func (m *stoppedMemory) find(id InteractionID, now Millis) *usherv1.StoppedInteraction {
	ref, known := m.byID[hashID(string(id))]
	if !known || ref.expired(now) {
		return nil
	}
	if s := m.at(ref); s.InteractionId == string(id) {
		return s
	}
	return nil
}

// Stopped is how an interaction ended that was stopped within 24 hours, or nil.
// It shares nothing with the engine.
func (e *Engine) Stopped(now Millis, id InteractionID) *usherv1.StoppedInteraction {
	return e.stopped.find(id, now)
}

// encoded is what is remembered, as it stands in an encoded TenantState.
func (m *stoppedMemory) encoded() []byte {
	if len(m.order) == 0 {
		return nil
	}
	all := append([]byte(nil), m.chunks[m.order[0].chunk-m.firstChunk][m.order[0].offset:]...)
	for _, chunk := range m.chunks[m.order[0].chunk-m.firstChunk+1:] {
		all = append(all, chunk...)
	}
	return all
}

// closedMemory remembers the events that closed the latest invitations, so
// that whoever loses a race is told what happened.
type closedMemory struct {
	ring [closedTicketsMax]closedTicket
	next int
}

type closedTicket struct {
	ticket Ticket
	by     *usherv1.Event
}

func (m *closedMemory) add(ticket Ticket, by *usherv1.Event) {
	m.ring[m.next] = closedTicket{ticket, by}
	m.next = (m.next + 1) % closedTicketsMax
}

// all are the remembered events, the oldest first.
func (m *closedMemory) all() []*usherv1.Event {
	var all []*usherv1.Event
	for n := range m.ring {
		if c := m.ring[(m.next+n)%closedTicketsMax]; c.by != nil {
			all = append(all, c.by)
		}
	}
	return all
}

// closedBy is the ticket and the agent of the invitation that an event closed.
func closedBy(by *usherv1.Event) (Ticket, AgentID) {
	switch body := by.Message.(type) {
	case *usherv1.Event_EventPartyAdded:
		return Ticket(body.EventPartyAdded.Ticket), AgentID(body.EventPartyAdded.Party.GetId())
	case *usherv1.Event_EventRejected:
		return Ticket(body.EventRejected.Ticket), AgentID(body.EventRejected.AgentId)
	case *usherv1.Event_EventRevoked:
		return Ticket(body.EventRevoked.Ticket), AgentID(body.EventRevoked.AgentId)
	}
	return 0, ""
}

// find says what became of an agent's invitation; empty if that is forgotten.
func (m *closedMemory) find(ticket Ticket, agent AgentID) string {
	for n := range m.ring {
		c := &m.ring[n]
		if c.ticket != ticket || c.by == nil {
			continue
		}
		if _, whose := closedBy(c.by); whose != agent {
			return ""
		}
		switch body := c.by.Message.(type) {
		case *usherv1.Event_EventPartyAdded:
			return "accepted"
		case *usherv1.Event_EventRejected:
			return "rejected" + because(c.by.Reason)
		case *usherv1.Event_EventRevoked:
			return fmt.Sprintf("revoked by %s%s", describe(ParticipantOf(c.by.Actor)), because(cmp.Or(c.by.Reason, body.EventRevoked.Operation.String())))
		}
	}
	return ""
}
