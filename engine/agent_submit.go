package engine

import (
	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// Model 5: an agent submits. The interaction is in his hands at once, in no
// queue, and has no former location.
//
//	agent1 > ixn  RequestSubmit
//	    ixn > agent1  EventAck
//	    ixn > report  EventInteractionSubmitted, EventPartyAdded

func (e *Engine) agentSubmit(a *Agent, r *usherv1.RequestSubmit) refusal {
	if r.Queue != "" || r.Vdn != "" {
		return refuse(errInvalidArgument, "queue, vdn: an agent submits into his own hands, not into a queue")
	}
	props, why := e.newProperties(r)
	if why != nil {
		return why
	}
	props.State = stateHandling
	e.ackSubmit(props)
	i := e.becomeSubmitted(props, r.Timeouts)
	e.becomeHandling(i, a, opSubmit, usherv1.VisibilityMode_VISIBILITY_MODE_CONFERENCE, 0, "")
	return nil
}
