package engine

import (
	"slices"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// Model 10: workbin operations.
//
//	agent1 > ixn  RequestGetWorkbinContent
//	    ixn > agent1  EventWorkbinContent | EventError
//	agent1 > ixn  RequestWorkbinNotifications (subscribe, cancel)
//	    ixn > agent1  EventAck | EventError
//	later
//	    ixn > agent1  EventWorkbinContentChanged (add, remove; which operation)

func (e *Engine) getWorkbinContent(a *Agent, r *usherv1.RequestGetWorkbinContent) refusal {
	w, why := e.usableWorkbin(r.Workbin, a)
	if why != nil {
		return why
	}
	body := &usherv1.EventWorkbinContent{Workbin: w, Sequence: uint64(e.next) - 1}
	e.workbin(keyOf(w)).content.Ascend(func(i *Interaction) bool {
		body.Interactions = append(body.Interactions, i.Properties(e.from, e.isSupervisor(a.id)))
		return true
	})
	e.read(&usherv1.Event{Message: &usherv1.Event_EventWorkbinContent{EventWorkbinContent: body}})
	return nil
}

func (e *Engine) workbinNotifications(a *Agent, r *usherv1.RequestWorkbinNotifications) refusal {
	w, why := e.usableWorkbin(r.Workbin, a)
	if why != nil {
		return why
	}
	if _, subscribed := slices.BinarySearch(e.workbin(keyOf(w)).subscribers, a.id); r.Cancel && !subscribed {
		return refuse(errNotSubscribed, "agent %q has not subscribed to workbin %q of %q", a.id, w.Name, w.Owner)
	}
	e.ack()
	e.fact(&usherv1.Fact{Fact: &usherv1.Fact_WorkbinSubscription{WorkbinSubscription: &usherv1.WorkbinSubscription{
		AgentId: string(a.id), Workbin: w, Cancelled: r.Cancel,
	}}})
	return nil
}
