package engine

import (
	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// Model 9: place in workbin. A workbin is backed by a private queue.
//
//	agent1 > ixn  RequestPlaceInWorkbin
//	    ixn > agent1  EventAck
//	    ixn > report  EventPartyRemoved, EventPlacedInQueue, EventPlacedInWorkbin
//	    ixn > subscribers  EventWorkbinContentChanged
//	urs > ixn  RequestRouteCall (workbin)
//	    ixn > report  EventPartyRemoved(strategy), EventPlacedInQueue, EventPlacedInWorkbin
//	    ixn > subscribers  EventWorkbinContentChanged
//	    ixn > urs     EventRouteUsed

func (e *Engine) placeInWorkbin(a *Agent, r *usherv1.RequestPlaceInWorkbin) refusal {
	i, why := e.handledBy(a, r.InteractionId)
	if why != nil {
		return why
	}
	w, why := e.workbinOwner(r.Workbin, a)
	if why != nil {
		return why
	}
	if why := checkReason(r.Reason); why != nil {
		return why
	}
	e.placeByAgent(i, a, r.Reason, func() { e.becomeInWorkbin(i, w, opPlace, r.Reason) })
	return nil
}

// routeToWorkbin is the router's way.
func (e *Engine) routeToWorkbin(i *Interaction, named *usherv1.Workbin, reason string) refusal {
	w, why := e.workbinOwner(named, nil)
	if why != nil {
		return why
	}
	e.endStrategy(i, opPlace, reason)
	e.becomeInWorkbin(i, w, opPlace, reason)
	e.answerRouteUsed(i, usherv1.RouteOutcome_ROUTE_OUTCOME_PLACED)
	return nil
}
