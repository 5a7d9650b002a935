package engine

import (
	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// Model 16: hold and resume. Held interactions are skipped by routing and
// pulls.
//
//	agent1|media > ixn  RequestHold, RequestResume
//	    ixn > same    EventAck
//	    ixn > report  EventHeld, EventResumed
//	    ixn > media   EventHeld, EventResumed   if it asked for progress

func (e *Engine) hold(a *Agent, r *usherv1.RequestHold) refusal {
	i, why := e.holdable(a, r.InteractionId, r.Reason)
	switch {
	case why != nil:
		return why
	case i.props.IsHeld:
		return refuse(errHeld, "interaction %q is held already", i.ID())
	case i.props.State == stateRouting && len(i.invitations) > 0:
		return refuse(errWrongState, "interaction %q is being delivered to agent %q", i.ID(), i.invitations[0].agent)
	}
	e.ackAbout(i)
	ev := e.about(i)
	ev.Reason = r.Reason
	ev.Message = &usherv1.Event_EventHeld{EventHeld: &usherv1.EventHeld{}}
	e.reportProgress(i, ev)
	if a != nil {
		e.keep(i)
	}
	return nil
}

func (e *Engine) resume(a *Agent, r *usherv1.RequestResume) refusal {
	i, why := e.holdable(a, r.InteractionId, r.Reason)
	switch {
	case why != nil:
		return why
	case !i.props.IsHeld:
		return refuse(errWrongState, "interaction %q is not held", i.ID())
	}
	e.ackAbout(i)
	ev := e.about(i)
	ev.Reason = r.Reason
	ev.Message = &usherv1.Event_EventResumed{EventResumed: &usherv1.EventResumed{}}
	e.reportProgress(i, ev)
	if a != nil {
		e.keep(i)
	}
	return nil
}

// inWorkbinOf tells whether an interaction lies in a workbin that the agent
// may use.
func (e *Engine) inWorkbinOf(i *Interaction, a *Agent) bool {
	w := i.props.Workbin
	return w != nil && e.config.mayUse(e.config.workbins[w.Name], w.Owner, a.config, a.place)
}

// holdable is the interaction if the asker may hold and resume it: a party, who
// may use the workbin where it lies, a supervisor, or a media server.
func (e *Engine) holdable(a *Agent, id, reason string) (*Interaction, refusal) {
	i, why := e.interaction(id)
	if why != nil {
		return nil, why
	}
	if a != nil && i.party(a.id) == nil && !e.isSupervisor(a.id) && !e.inWorkbinOf(i, a) {
		return nil, refuse(errNotAParty, "agent %q is not a party of interaction %q", a.id, id)
	}
	return i, checkReason(reason)
}
