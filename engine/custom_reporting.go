package engine

import (
	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// Model 16: custom reporting.
//
//	any > ixn  RequestCustomReporting
//	    ixn > same    EventAck
//	    ixn > report  EventCustomReporting

func (e *Engine) customReporting(r *usherv1.RequestCustomReporting) refusal {
	if r.Name == "" || len(r.Name) > maxNameBytes {
		return refuse(errInvalidArgument, "name: %d bytes, 1 to %d", len(r.Name), maxNameBytes)
	}
	if why := checkUserData("data", r.Data); why != nil {
		return why
	}
	ack, ev := e.agentEvent(""), e.agentEvent("")
	if r.InteractionId != "" {
		i, why := e.interaction(r.InteractionId)
		if why != nil {
			return why
		}
		ack, ev = e.about(i), e.about(i)
	}
	ack.Message = ackMessage
	e.answer(im, ack)
	ev.Message = &usherv1.Event_EventCustomReporting{EventCustomReporting: &usherv1.EventCustomReporting{Name: r.Name, Data: r.Data}}
	e.report(ev)
	return nil
}
