package engine

import (
	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// Model 16: intrude. A supervisor joins without invitation.
//
//	supervisor > ixn  RequestIntrude (visibility)
//	    ixn > supervisor  EventAck
//	    ixn > report      EventPartyAdded(operation Intrude)
//	    ixn > parties     EventPartyAdded

func (e *Engine) intrude(a *Agent, r *usherv1.RequestIntrude) refusal {
	i, why := e.interaction(r.InteractionId)
	switch {
	case why != nil:
		return why
	case !e.isSupervisor(a.id):
		return refuse(errPermissionDenied, "agent %q is not a supervisor", a.id)
	case i.props.State != stateHandling:
		return refuse(errWrongState, "interaction %q is with no agent", i.ID())
	case i.party(a.id) != nil || a.invitedTo(i):
		return refuse(errAlreadyInvited, "agent %q is a party of interaction %q or invited to it", a.id, i.ID())
	case e.config.intrudeObeysCapacity() && a.capacityLeft(i.MediaType()) <= 0:
		return refuse(errNoCapacity, "agent %q has no capacity left for %s", a.id, i.MediaType())
	}
	visibility, why := visibilityOf(r.Visibility)
	if why != nil {
		return why
	}
	if why := checkReason(r.Reason); why != nil {
		return why
	}
	e.ackAbout(i)
	e.tellPartyAdded(i, e.becomeHandling(i, a, opIntrude, visibility, 0, r.Reason))
	return nil
}
