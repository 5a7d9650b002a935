package engine

import "container/heap"

// deadlineKind orders deadlines that are due at the same time.
type deadlineKind uint8

const (
	invitationDeadline deadlineKind = iota
	interactionDeadline
	graceDeadline
	acwDeadline
	serviceDeadline
	logoutDeadline
)

// deadline is a point in time at which something happens, kept inside the
// thing to which it happens. A zero time is no deadline.
type deadline struct {
	at    Millis
	kind  deadlineKind
	place int // 1 + its index in the heap; 0 while it is not in it

	invitation  *invitation
	interaction *Interaction
	client      *client
	agent       *Agent
	service     *serviceRequest
}

// before is a total order that does not depend on how the heap came about, so
// that a replayed state fires in the same order.
func (d *deadline) before(other *deadline) bool {
	if d.at != other.at {
		return d.at < other.at
	}
	if d.kind != other.kind {
		return d.kind < other.kind
	}
	switch d.kind {
	case invitationDeadline:
		return d.invitation.ticket < other.invitation.ticket
	case interactionDeadline:
		return d.interaction.entry < other.interaction.entry
	case acwDeadline:
		return d.agent.id < other.agent.id
	case serviceDeadline:
		return d.service.id < other.service.id
	case logoutDeadline:
		return false // there is one
	}
	if d.client.who.Kind != other.client.who.Kind {
		return d.client.who.Kind < other.client.who.Kind
	}
	return d.client.who.ID < other.client.who.ID
}

// fire does what happens at the deadline.
func (d *deadline) fire(e *Engine) {
	switch d.kind {
	case invitationDeadline:
		e.invitationExpired(d.invitation)
	case interactionDeadline:
		if d.interaction.props.State == stateRouting {
			e.routingTimedOut(d.interaction)
		} else {
			e.handlingTimedOut(d.interaction)
		}
	case graceDeadline:
		e.graceEnded(d.client)
	case acwDeadline:
		e.acwEnded(d.agent)
	case serviceDeadline:
		e.serviceTimedOut(d.service)
	case logoutDeadline:
		e.logoutTimeCame()
	}
}

// deadlineHeap holds the deadlines, the earliest first.
type deadlineHeap struct{ items []*deadline }

// set moves d to a time; 0 takes it out.
func (h *deadlineHeap) set(d *deadline, at Millis) {
	switch {
	case at == 0:
		h.remove(d)
		d.at = 0
	case d.place == 0:
		d.at = at
		heap.Push(h, d)
	default:
		d.at = at
		heap.Fix(h, d.place-1)
	}
}

func (h *deadlineHeap) remove(d *deadline) {
	if d.place != 0 {
		heap.Remove(h, d.place-1)
	}
}

// due is the earliest deadline if its time has come.
func (h *deadlineHeap) due(now Millis) *deadline {
	if len(h.items) == 0 || h.items[0].at > now {
		return nil
	}
	return h.items[0]
}

func (h *deadlineHeap) next() (Millis, bool) {
	if len(h.items) == 0 {
		return 0, false
	}
	return h.items[0].at, true
}

// Len, Less, Swap, Push and Pop are for container/heap.
func (h *deadlineHeap) Len() int           { return len(h.items) }
func (h *deadlineHeap) Less(a, b int) bool { return h.items[a].before(h.items[b]) }
func (h *deadlineHeap) Swap(a, b int) {
	h.items[a], h.items[b] = h.items[b], h.items[a]
	h.items[a].place, h.items[b].place = a+1, b+1
}

func (h *deadlineHeap) Push(x any) {
	d := x.(*deadline)
	h.items = append(h.items, d)
	d.place = len(h.items)
}

func (h *deadlineHeap) Pop() any {
	last := len(h.items) - 1
	d := h.items[last]
	h.items[last] = nil
	h.items = h.items[:last]
	d.place = 0
	return d
}
