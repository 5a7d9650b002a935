package engine

import (
	"slices"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// Model 8: place in queue.
//
//	agent1 > ixn  RequestPlaceInQueue
//	    ixn > agent1  EventAck
//	    ixn > report  EventPartyRemoved, EventPlacedInQueue
//	    ixn > other agents  EventRevoked
//	supervisor > ixn  RequestPlaceInQueue, of what others handle: the same,
//	    and all of them are other agents
//	urs > ixn  RequestRouteCall (queue)
//	    ixn > report  EventPartyRemoved(strategy), EventPlacedInQueue
//	    ixn > urs     EventRouteUsed

func (e *Engine) placeInQueue(a *Agent, r *usherv1.RequestPlaceInQueue) refusal {
	i, why := e.disposedBy(a, r.InteractionId)
	if why != nil {
		return why
	}
	queue, why := e.destination(r.Queue, r.Vdn)
	if why == nil {
		why = e.checkPlace(i, queue)
	}
	if why == nil {
		why = checkReason(r.Reason)
	}
	if why != nil {
		return why
	}
	e.placeByAgent(i, a, r.Reason, func() { e.place(i, queue, r.Vdn, r.Reason) })
	return nil
}

// destination is the queue that a request names, or that behind a VDN.
func (e *Engine) destination(queue, vdn string) (QueueName, refusal) {
	switch {
	case vdn == "":
		return QueueName(queue), nil
	case queue != "":
		return "", refuse(errInvalidArgument, "queue, vdn: only one of them")
	case e.config.vdns[vdn] == nil:
		return "", refuse(errUnknownObject, "vdn: there is no VDN %q", vdn)
	}
	return QueueName(e.config.vdns[vdn].Queue), nil
}

// placeByAgent takes an interaction from all its agents and puts it
// elsewhere; the other agents hear that it was taken from them.
func (e *Engine) placeByAgent(i *Interaction, a *Agent, reason string, put func()) {
	e.ackAbout(i)
	for _, inv := range slices.Clone(i.invitations) {
		e.revokeInvitation(inv, opPlace, reasonCancelled)
		code := errAbandoned
		if inv.asker == e.from {
			code = errCancelled
		}
		e.failLater(inv, refuse(code, "agent %q placed the interaction elsewhere", a.id))
	}
	var others []Participant
	for _, p := range i.parties {
		if p.agent != a.id {
			others = append(others, agentParticipant(p.agent))
		}
	}
	e.takeBack(i, opPlace, reason)
	put()
	e.tell(im, e.revokedEvent(i, &usherv1.EventRevoked{Operation: opPlace}, reasonPlaced), others...)
}

// handledBy is the interaction of which the agent is a party.
func (e *Engine) handledBy(a *Agent, id string) (*Interaction, refusal) {
	i, why := e.interaction(id)
	if why != nil {
		return nil, why
	}
	if i.party(a.id) == nil {
		return nil, refuse(errNotAParty, "agent %q is not a party of interaction %q", a.id, id)
	}
	return i, nil
}

// disposedBy is the interaction of which the agent disposes: one of which he is
// a party, for a supervisor every one that agents handle.
func (e *Engine) disposedBy(a *Agent, id string) (*Interaction, refusal) {
	i, why := e.interaction(id)
	switch {
	case why != nil:
		return nil, why
	case !e.isSupervisor(a.id) || i.party(a.id) != nil:
		return e.handledBy(a, id)
	case i.props.State != stateHandling:
		return nil, refuse(errWrongState, "interaction %q is with no agent", id)
	}
	return i, nil
}

// checkPlace checks that an interaction can be put in a queue, or back.
func (e *Engine) checkPlace(i *Interaction, name QueueName) refusal {
	if name == back {
		if !i.hasFormer() {
			return refuse(errNoFormerLocation, "interaction %q came from no queue or workbin", i.ID())
		}
		return nil
	}
	if !e.config.hasQueue(string(name)) {
		return refuse(errUnknownQueue, "queue: there is no queue %q", name)
	}
	return nil
}

func (e *Engine) place(i *Interaction, name QueueName, vdn, reason string) {
	if name != back {
		e.leaveVector(i, name)
	}
	switch {
	case name == back:
		e.returnToFormer(i, opPlace, reason)
	case vdn != "":
		e.becomeQueuedBy(i, name, vdn, opPlace, reason)
	default:
		e.becomeQueued(i, name, opPlace, reason)
	}
}

// routeToVdn is the router's way to the queue behind a VDN.
func (e *Engine) routeToVdn(i *Interaction, vdn, reason string) refusal {
	queue, why := e.destination("", vdn)
	if why != nil {
		return why
	}
	return e.routeToQueue(i, queue, vdn, reason)
}

// routeToQueue is the router's way.
func (e *Engine) routeToQueue(i *Interaction, name QueueName, vdn, reason string) refusal {
	if why := e.checkPlace(i, name); why != nil {
		return why
	}
	e.endStrategy(i, opPlace, reason)
	e.place(i, name, vdn, reason)
	e.answerRouteUsed(i, usherv1.RouteOutcome_ROUTE_OUTCOME_PLACED)
	return nil
}

// answerRouteUsed answers a RequestRouteCall that was carried out at once.
func (e *Engine) answerRouteUsed(i *Interaction, outcome usherv1.RouteOutcome) {
	ev := e.about(i)
	ev.Message = &usherv1.Event_EventRouteUsed{EventRouteUsed: &usherv1.EventRouteUsed{Outcome: outcome}}
	e.answer(tlib, ev)
}
