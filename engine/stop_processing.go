package engine

import (
	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// Model 14: stop processing.
//
//	A  media > ixn  RequestStopProcessing          an agent holds it
//	     ixn > report  EventPartyRemoved(each party), EventProcessingStopped
//	     ixn > agent1  EventRevoked
//	     ixn > media   EventAck
//	B  media > ixn  RequestStopProcessing          the router holds it
//	     ixn > report  EventPartyRemoved(strategy), EventProcessingStopped
//	     ixn > urs     EventAbandoned
//	     ixn > media   EventAck
//	C  agent1 > ixn  RequestStopProcessing         alone, and in conference
//	     ixn > report  EventPartyRemoved(each party), EventProcessingStopped
//	     ixn > agent1  EventAck
//	     ixn > agent1, agent2  EventRevoked
//	D  urs > ixn  RequestRouteCall (stop)
//	     ixn > report  EventPartyRemoved(strategy), EventProcessingStopped
//	     ixn > urs     EventRouteUsed
//
// In a queue or workbin: EventTakenFromQueue (and EventTakenFromWorkbin) and
// EventProcessingStopped, EventAck. The media server that owns it hears
// EventProcessingStopped when somebody else stopped it.

func (e *Engine) stopByMedia(r *usherv1.RequestStopProcessing) refusal {
	i, why := e.stoppable(r)
	if why != nil {
		return why
	}
	hear := e.stop(i, r.Reason)
	hear.agents()
	hear.router()
	hear.askers()
	hear.owner()
	e.ackAbout(i)
	return nil
}

func (e *Engine) stopByAgent(a *Agent, r *usherv1.RequestStopProcessing) refusal {
	i, why := e.stoppable(r)
	if why != nil {
		return why
	}
	if i.party(a.id) == nil && !e.isSupervisor(a.id) {
		return refuse(errNotAParty, "agent %q is not a party of interaction %q", a.id, i.ID())
	}
	hear := e.stop(i, r.Reason)
	e.ackAbout(i)
	hear.agents()
	hear.router()
	hear.askers()
	hear.owner()
	return nil
}

func (e *Engine) stopByRouter(i *Interaction, reason string) refusal {
	hear := e.stop(i, reason)
	e.answerRouteUsed(i, usherv1.RouteOutcome_ROUTE_OUTCOME_STOPPED)
	hear.owner()
	return nil
}

func (e *Engine) stoppable(r *usherv1.RequestStopProcessing) (*Interaction, refusal) {
	i, why := e.interaction(r.InteractionId)
	if why != nil {
		return nil, why
	}
	return i, checkReason(r.Reason)
}

// stopped is what an interaction had when it was stopped: who is to hear it.
type stopped struct {
	engine      *Engine
	interaction *Interaction
	reason      string
	parties     []Participant
	invitations []*invitation
	routedBy    Participant
}

// stop reports the end of an interaction.
func (e *Engine) stop(i *Interaction, reason string) *stopped {
	s := &stopped{engine: e, interaction: i, reason: reason, parties: i.agents(), routedBy: i.router}
	s.invitations = append(s.invitations, i.invitations...)
	for _, inv := range s.invitations {
		e.closeInvitation(inv, opStop, reasonStopped)
	}
	e.removeAllParties(i, opStop, reason)
	if i.strategy != "" {
		e.endStrategy(i, opStop, reason)
	}
	if i.props.State == stateQueued {
		e.leavePlace(i, opStop, reason)
	}
	e.becomeStopped(i, reason)
	return s
}

// agents tells every agent from whom it was taken, also the invited ones.
func (s *stopped) agents() {
	to := s.parties
	for _, inv := range s.invitations {
		to = append(to, agentParticipant(inv.agent))
	}
	reason := s.reason
	if reason == "" {
		reason = reasonStopped
	}
	s.engine.tell(im, s.engine.revokedEvent(s.interaction, &usherv1.EventRevoked{Operation: opStop}, reason), to...)
}

// router tells the router that had it.
func (s *stopped) router() {
	if s.routedBy != (Participant{}) {
		s.engine.abandon(s.interaction, s.routedBy, s.reason)
	}
}

// askers answers those whose requests were pending.
func (s *stopped) askers() {
	for _, inv := range s.invitations {
		s.engine.failLater(inv, refuse(errAbandoned, "the interaction was stopped by %s", describe(s.engine.from)))
	}
}

// owner tells the media server that owns it, unless it asked itself.
func (s *stopped) owner() {
	owner := s.engine.owner(s.interaction)
	if owner == nil || owner.who == s.engine.from {
		return
	}
	ev := s.engine.about(s.interaction)
	ev.Reason = s.reason
	ev.Message = &usherv1.Event_EventProcessingStopped{EventProcessingStopped: &usherv1.EventProcessingStopped{}}
	s.engine.tell(im, ev, owner.who)
}
