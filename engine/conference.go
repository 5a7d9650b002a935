package engine

import (
	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// Model 12: conference.
//
// Issued:
//
//	agent1 > ixn  RequestConference
//	    ixn > report  EventAgentInvited
//	    ixn > agent2  EventInvite
//
// Accepted:
//
//	agent2 > ixn  RequestAccept
//	    ixn > agent2  EventAck
//	    ixn > report  EventPartyAdded(agent2)
//	    ixn > every party  EventPartyAdded
//	    ixn > agent1  EventAck
//
// Rejected: EventAck to agent2, EventRejected to report, EventError to agent1.
// Not answered in time: EventRevoked to agent2 and report, EventError to
// agent1. Invalid: EventError to agent1.
//
// Leave:
//
//	agent2 > ixn  RequestLeaveInteraction
//	    ixn > agent2  EventAck
//	    ixn > report  EventPartyRemoved
//	    ixn > remaining parties  EventPartyRemoved
//	  the last party:
//	    ixn > report  EventPlacedInQueue, EventPlacedInWorkbin

func (e *Engine) conference(a *Agent, r *usherv1.RequestConference) refusal {
	i, why := e.handledBy(a, r.InteractionId)
	if why != nil {
		return why
	}
	visibility, why := visibilityOf(r.Visibility)
	if why != nil {
		return why
	}
	to, why := e.invitable(i, r.AgentId, r.Place, e.config.conferenceObeysCapacity())
	if why != nil {
		return why
	}
	if why := checkReason(r.Reason); why != nil {
		return why
	}
	e.openInvitation(i, to, opConference, visibility, "", r.Reason)
	e.keep(i)
	return nil
}

func visibilityOf(v usherv1.VisibilityMode) (usherv1.VisibilityMode, refusal) {
	if v == usherv1.VisibilityMode_VISIBILITY_MODE_UNSPECIFIED {
		return usherv1.VisibilityMode_VISIBILITY_MODE_CONFERENCE, nil
	}
	if _, known := usherv1.VisibilityMode_name[int32(v)]; !known {
		return 0, refuse(errInvalidArgument, "visibility: %d is unknown", v)
	}
	return v, nil
}

// conferenceAccepted is the phase "accepted", after the EventAck to agent2.
func (e *Engine) conferenceAccepted(inv *invitation, a *Agent) {
	i := inv.interaction
	added := e.becomeHandling(i, a, opConference, inv.invited.Visibility, inv.ticket, "")
	e.tellPartyAdded(i, added)
	e.answerLater(im, e.ackEvent(i), inv.ref, inv.asker)
}

// leaveInteraction is the phase "leave".
func (e *Engine) leaveInteraction(a *Agent, r *usherv1.RequestLeaveInteraction) refusal {
	i, why := e.handledBy(a, r.InteractionId)
	if why != nil {
		return why
	}
	if why := checkReason(r.Reason); why != nil {
		return why
	}
	if i.lastPublic(a.id) && !i.hasFormer() {
		return refuse(errNoFormerLocation, "interaction %q came from no queue or workbin: its last party places or stops it", i.ID())
	}
	e.ackAbout(i)
	e.takeFrom(i, a.id, opLeave, r.Reason)
	return nil
}
