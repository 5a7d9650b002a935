package engine

import (
	"slices"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// Model 16: custom reporting.
//
//	any > ixn  RequestCustomReporting
//	    ixn > same    EventAck
//	    ixn > report  EventCustomReporting
//
// A disposition is known when the customer has left: so the interaction may
// also have been stopped, within the last 24 hours, by whomever.

func (e *Engine) customReporting(r *usherv1.RequestCustomReporting) refusal {
	if r.Name == "" || len(r.Name) > maxNameBytes {
		return refuse(errInvalidArgument, "name: %d bytes, 1 to %d", len(r.Name), maxNameBytes)
	}
	if why := checkUserData("data", r.Data); why != nil {
		return why
	}
	ack, ev := e.agentEvent(""), e.agentEvent("")
	if r.InteractionId != "" {
		about, why := e.reportable(r.InteractionId)
		if why != nil {
			return why
		}
		ack, ev = about(), about()
	}
	ack.Message = ackMessage
	e.answer(im, ack)
	ev.Message = &usherv1.Event_EventCustomReporting{EventCustomReporting: &usherv1.EventCustomReporting{Name: r.Name, Data: r.Data}}
	e.report(ev)
	return nil
}

// reportable makes envelopes about an interaction, live or stopped. About a
// stopped one agents report who had it when it was stopped, or last, and
// supervisors; media servers about their own.
func (e *Engine) reportable(id string) (about func() *usherv1.Event, why refusal) {
	if i := e.interactions[InteractionID(id)]; i != nil {
		return func() *usherv1.Event { return e.about(i) }, nil
	}
	s := e.stopped.find(InteractionID(id), e.now)
	if s == nil {
		_, why := e.interaction(id)
		return nil, why
	}
	switch e.from.Kind {
	case usherv1.ParticipantKind_PARTICIPANT_KIND_AGENT:
		if !slices.Contains(s.Agents, e.from.ID) && !e.askerIsSupervisor() {
			return nil, refuse(errNotAParty, "agent %q was no party of interaction %q when it was stopped", e.from.ID, id)
		}
	case usherv1.ParticipantKind_PARTICIPANT_KIND_MEDIA:
		if ParticipantOf(s.SubmittedBy) != e.from {
			return nil, refuse(errNotAParty, "%s did not submit interaction %q", describe(e.from), id)
		}
	}
	return func() *usherv1.Event {
		return &usherv1.Event{InteractionId: id, MediaType: s.MediaType, Actor: e.actor}
	}, nil
}
