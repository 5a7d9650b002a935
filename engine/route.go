package engine

import (
	"slices"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// Model 6: an interaction is routed to an agent. Handing it to the router is
// becomeRouting.
//
// Phase 1, the router asks for delivery:
//
//	urs > ixn  RequestRouteCall
//	    ixn > report  EventAgentInvited
//	    ixn > agent1  EventInvite                  delivering-timeout begins
//
// Phase 2, accepted:
//
//	agent1 > ixn  RequestAccept
//	    ixn > agent1  EventAck
//	    ixn > report  EventPartyAdded(agent1), EventPartyRemoved(strategy)
//	    ixn > urs     EventRouteUsed(delivered)
//
// Phase 2, rejected:
//
//	agent1 > ixn  RequestReject
//	    ixn > agent1  EventAck
//	    ixn > report  EventRejected, EventPartyRemoved(strategy)
//	    ixn > urs     EventRouteUsed(rejected)
//	    ixn > report  EventPlacedInQueue(former queue)
//
// Phase 2, not answered in time: invitationExpired.
//
// The same request places an interaction in a queue (model 8) or workbin
// (model 9), or stops it (model 14, D); EventRouteUsed stands for EventAck.

func (e *Engine) routeCall(r *usherv1.RequestRouteCall) refusal {
	i, why := e.routedBy(r.InteractionId)
	if why != nil {
		return why
	}
	if why := checkReason(r.Reason); why != nil {
		return why
	}
	switch target := r.Target.(type) {
	case *usherv1.RequestRouteCall_Agent:
		return e.routeToAgent(i, target.Agent, r.Reason)
	case *usherv1.RequestRouteCall_Queue:
		return e.routeToQueue(i, QueueName(target.Queue), "", r.Reason)
	case *usherv1.RequestRouteCall_Vdn:
		return e.routeToVdn(i, target.Vdn, r.Reason)
	case *usherv1.RequestRouteCall_Workbin:
		return e.routeToWorkbin(i, target.Workbin, r.Reason)
	case *usherv1.RequestRouteCall_Stop:
		if target.Stop {
			return e.stopByRouter(i, r.Reason)
		}
	}
	return refuse(errInvalidArgument, "target is missing")
}

// routedBy is the interaction that the asking router has and may route.
func (e *Engine) routedBy(id string) (*Interaction, refusal) {
	i, why := e.interaction(id)
	switch {
	case why != nil:
		return nil, why
	case i.props.State != stateRouting || i.router != e.from && !i.askedAsAdjunct(e.from):
		return nil, refuse(errNotRouting, "interaction %q is not with %s", id, describe(e.from))
	}
	return i, i.unclaimed()
}

func (e *Engine) routeToAgent(i *Interaction, target *usherv1.AgentTarget, reason string) refusal {
	a, why := e.invitable(i, target.GetAgentId(), target.GetPlace(), true)
	if why != nil {
		return why
	}
	if until := i.NotBefore(a.id); until > e.now {
		return refuse(errNotReady, "agent %q refused interaction %q and is not asked again for %d ms", a.id, i.ID(), until-e.now)
	}
	if skill := target.GetSkill(); skill != "" {
		switch {
		case !a.hasSkill(skill):
			return refuse(errNotInSkill, "agent %q does not have skill %q", a.id, skill)
		case !a.AllowsAnother(skill):
			return refuse(errNoCapacity, "agent %q has something already, and skill %q gives him no more", a.id, skill)
		}
	}
	e.endAdjuncts(i)
	served := target.GetServed()
	if e.from != BuiltinRouter {
		served = nil
	}
	e.invite(i, a, &usherv1.EventAgentInvited{
		Operation: opRoute, Visibility: usherv1.VisibilityMode_VISIBILITY_MODE_CONFERENCE, Skill: target.GetSkill(), Served: served,
		DeadlineMs: int64(e.now + e.ringing(i, target.GetSkill())),
	}, reason)
	return nil
}

// ringing is how long an agent may take to answer: a skill's rings, or the
// delivering timeout.
func (e *Engine) ringing(i *Interaction, skill string) Millis {
	if rings := e.config.skills[skill].GetRonaRings(); rings > 0 {
		return Millis(rings) * ringMs
	}
	return e.config.deliveringTimeout(i.timeouts, i.MediaType())
}

// hasSkill tells whether a skill is one of the agent's, or that of his
// direct-agent interactions.
func (a *Agent) hasSkill(skill string) bool {
	return a.config.GetDirectAgentSkill() == skill ||
		slices.ContainsFunc(a.config.GetSkills(), func(s *usherv1.AgentSkill) bool { return s.GetSkill() == skill })
}

// invitable is the named agent if he may be invited; obey says whether his
// readiness and capacity count.
func (e *Engine) invitable(i *Interaction, id, place string, obey bool) (*Agent, refusal) {
	media := i.MediaType()
	if e.config.agents[id] == nil {
		return nil, refuse(errUnknownAgent, "agent_id: there is no agent %q", id)
	}
	a := e.agents[AgentID(id)]
	if a == nil {
		return nil, refuse(errNotLoggedIn, "agent %q is not logged in", id)
	}
	if i.party(a.id) != nil || a.invitedTo(i) {
		return nil, refuse(errAlreadyInvited, "agent %q can't be invited to interaction %q", id, i.ID())
	}
	m := a.mediaState(media)
	switch {
	case place != "" && place != a.place:
		return nil, refuse(errUnknownPlace, "place: agent %q is at place %q", id, a.place)
	case a.dnd:
		return nil, refuse(errNotReady, "agent %q does not want to be disturbed", id)
	case !a.connected():
		return nil, refuse(errNotReady, "agent %q has lost his connection", id)
	case m == nil:
		return nil, refuse(errNotReady, "agent %q is not logged in for %s", id, media)
	case obey && !m.ready:
		return nil, refuse(errNotReady, "agent %q is not ready for %s%s", id, media, because(m.reason))
	case obey && !a.work.takes():
		return nil, refuse(errNotReady, "agent %q takes nothing: %s", id, a.work.describe())
	case obey && a.capacityLeft(media) <= 0:
		return nil, refuse(errNoCapacity, "agent %q has no capacity left for %s", id, media)
	}
	return a, nil
}

func (a *Agent) invitedTo(i *Interaction) bool {
	for _, inv := range a.invitations {
		if inv.interaction == i {
			return true
		}
	}
	return false
}

// accept is phase 2 of models 6, 11 and 12.
func (e *Engine) accept(a *Agent, r *usherv1.RequestAccept) refusal {
	inv, why := e.invitationOf(a, Ticket(r.Ticket), r.InteractionId)
	if why != nil {
		return why
	}
	i := inv.interaction
	e.ackAbout(i)
	switch inv.invited.Operation {
	case opRoute:
		router := i.router
		body := e.becomeHandling(i, a, opRoute, inv.invited.Visibility, inv.ticket, "")
		e.endStrategy(i, opRoute, "")
		e.routeUsed(i, router, inv, usherv1.RouteOutcome_ROUTE_OUTCOME_DELIVERED)
		e.tellPartyAdded(i, body, a.id)
	case opTransfer:
		e.transferAccepted(inv, a)
	case opConference:
		e.conferenceAccepted(inv, a)
	}
	return nil
}

// reject is phase 2 of models 6, 11 and 12.
func (e *Engine) reject(a *Agent, r *usherv1.RequestReject) refusal {
	inv, why := e.invitationOf(a, Ticket(r.Ticket), r.InteractionId)
	if why != nil {
		return why
	}
	if why := checkReason(r.Reason); why != nil {
		return why
	}
	i := inv.interaction
	e.ackAbout(i)
	ev := e.about(i)
	ev.Reason = r.Reason
	ev.Message = &usherv1.Event_EventRejected{EventRejected: &usherv1.EventRejected{
		AgentId: string(a.id), Ticket: uint64(inv.ticket), Operation: inv.invited.Operation,
	}}
	e.reportInvitation(i, inv.invited.Visibility, ev)
	rejected := refuse(errRejected, "agent %q rejected it%s", a.id, because(r.Reason))
	rejected.Reason = r.Reason
	e.invitationFailed(inv, usherv1.RouteOutcome_ROUTE_OUTCOME_REJECTED, opReject, r.Reason, rejected)
	return nil
}

// routingTimedOut takes an interaction from a router that kept it too long.
func (e *Engine) routingTimedOut(i *Interaction) {
	router, open := i.router, slices.Clone(i.invitations)
	for _, inv := range open {
		e.revokeInvitation(inv, opTimeout, reasonRoutingTimeout)
	}
	e.endStrategy(i, opTimeout, reasonRoutingTimeout)
	e.abandon(i, router, reasonRoutingTimeout)
	for _, inv := range open {
		e.failLater(inv, refuse(errAbandoned, "the router kept the interaction too long"))
	}
	e.returnToFormer(i, opTimeout, reasonRoutingTimeout)
}

// abandon tells a router that an interaction is no longer its own.
func (e *Engine) abandon(i *Interaction, router Participant, reason string) {
	ev := e.about(i)
	ev.Reason = reason
	ev.Message = &usherv1.Event_EventAbandoned{EventAbandoned: &usherv1.EventAbandoned{}}
	e.tell(tlib, ev, router)
}
