package engine

import (
	"cmp"
	"fmt"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// How long and how many stopped interactions are remembered (models.md 14).
const (
	stoppedMemoryMs  Millis = 24 * 60 * 60 * 1000
	stoppedMemoryMax        = 1_000_000
	closedTicketsMax        = 4_096
)

// stoppedMemory remembers stopped interactions, so that a later request
// about one is told who stopped it.
type stoppedMemory struct {
	byID  map[InteractionID]*usherv1.StoppedInteraction
	order []*usherv1.StoppedInteraction // in order of stopping
}

func (m *stoppedMemory) init() { m.byID = map[InteractionID]*usherv1.StoppedInteraction{} }

// add remembers s and forgets what is too old or too much.
func (m *stoppedMemory) add(s *usherv1.StoppedInteraction) {
	m.byID[InteractionID(s.InteractionId)] = s
	m.order = append(m.order, s)
	for len(m.order) > stoppedMemoryMax || expired(m.order[0], Millis(s.StoppedAtMs)) {
		if old := m.order[0]; m.byID[InteractionID(old.InteractionId)] == old {
			delete(m.byID, InteractionID(old.InteractionId))
		}
		m.order[0] = nil
		m.order = m.order[1:]
	}
}

func expired(s *usherv1.StoppedInteraction, now Millis) bool {
	return Millis(s.StoppedAtMs)+stoppedMemoryMs <= now
}

func (m *stoppedMemory) find(id InteractionID, now Millis) *usherv1.StoppedInteraction {
	if s := m.byID[id]; s != nil && !expired(s, now) {
		return s
	}
	return nil
}

// closedMemory remembers the events that closed the latest invitations, only
// to explain: it is not part of the recorded state.
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

// find says what became of an invitation; empty if that is forgotten.
func (m *closedMemory) find(ticket Ticket) string {
	for n := range m.ring {
		if c := &m.ring[n]; c.ticket == ticket && c.by != nil {
			switch body := c.by.Message.(type) {
			case *usherv1.Event_EventPartyAdded:
				return "accepted"
			case *usherv1.Event_EventRejected:
				return "rejected" + because(c.by.Reason)
			case *usherv1.Event_EventRevoked:
				return fmt.Sprintf("revoked by %s%s", describe(ParticipantOf(c.by.Actor)), because(cmp.Or(c.by.Reason, body.EventRevoked.Operation.String())))
			}
		}
	}
	return ""
}
