package engine

import (
	"slices"
	"unicode/utf8"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// Model 4: a media server submits.
//
//	media > ixn  RequestSubmit
//	    ixn > media   EventAck (interaction id)
//	    ixn > report  EventInteractionSubmitted
//	    ixn > report  EventPlacedInQueue

// Limits of an interaction.
const (
	maxIDRunes           = 256
	maxSuggestions       = 32
	maxPriority    int32 = 1_000_000
	// maxServiceObjectiveS is a year.
	maxServiceObjectiveS int32 = 365 * 24 * 60 * 60
)

var interactionTypes = []string{"Inbound", "Outbound", "Internal"}

func (e *Engine) submit(r *usherv1.RequestSubmit) refusal {
	queue, why := e.destination(r.Queue, r.Vdn)
	if why != nil {
		return why
	}
	if !e.config.hasQueue(string(queue)) {
		return refuse(errUnknownQueue, "queue: there is no queue %q", queue)
	}
	props, why := e.newProperties(r)
	if why != nil {
		return why
	}
	props.Queue = string(queue)
	props.State = stateQueued
	e.ackSubmit(props)
	i := e.becomeSubmitted(props, r.Timeouts)
	e.becomeQueuedBy(i, queue, r.Vdn, opSubmit, "")
	return nil
}

// ackSubmit answers a submit; the interaction comes into being right after.
func (e *Engine) ackSubmit(props *usherv1.InteractionProperties) {
	e.answer(im, &usherv1.Event{
		InteractionId: props.InteractionId, ParentId: props.ParentId, MediaType: props.MediaType, Queue: props.Queue,
		Actor: e.actor, Message: ackMessage,
	})
}

// newProperties checks a submit and makes the interaction's properties.
func (e *Engine) newProperties(r *usherv1.RequestSubmit) (*usherv1.InteractionProperties, refusal) {
	if why := e.checkSubmit(r); why != nil {
		return nil, why
	}
	props := &usherv1.InteractionProperties{
		InteractionId: r.InteractionId, ExternalId: r.ExternalId, ParentId: r.ParentId, TenantId: e.tenant,
		MediaType: r.MediaType, InteractionType: r.InteractionType, InteractionSubtype: r.InteractionSubtype,
		Queue: r.Queue, IsOnline: r.IsOnline, ReceivedAtMs: r.ReceivedAtMs,
		SubmittedAtMs: int64(e.now), SubmittedBy: e.actor,
		InQueues: r.InQueues, OutQueues: r.OutQueues, Priority: r.Priority, ServiceObjectiveS: r.ServiceObjectiveS,
		UserData: r.UserData, Version: 1,
	}
	if props.InteractionId == "" {
		props.InteractionId = string(e.newID)
	}
	if props.InteractionType == "" {
		props.InteractionType = interactionTypes[0]
	}
	if props.ReceivedAtMs == 0 {
		props.ReceivedAtMs = int64(e.now)
	}
	return props, nil
}

func (e *Engine) checkSubmit(r *usherv1.RequestSubmit) refusal {
	media := e.config.mediaTypes[r.MediaType]
	switch {
	case media == nil:
		return refuse(errUnknownMediaType, "media_type: there is no media type %q", r.MediaType)
	case r.IsOnline && media.Offline:
		return refuse(errInvalidArgument, "is_online: %s is never online", r.MediaType)
	case r.InteractionType != "" && !slices.Contains(interactionTypes, r.InteractionType):
		return refuse(errInvalidArgument, "interaction_type: %q is none of %v", r.InteractionType, interactionTypes)
	case r.ReceivedAtMs < 0:
		return refuse(errInvalidArgument, "received_at_ms: %d is before 1970", r.ReceivedAtMs)
	}
	for _, f := range []struct{ name, value string }{
		{"interaction_id", r.InteractionId}, {"interaction_subtype", r.InteractionSubtype},
		{"external_id", r.ExternalId}, {"parent_id", r.ParentId},
	} {
		if why := checkID(f.name, f.value); why != nil {
			return why
		}
	}
	if why := e.checkChangeable(r.Priority, r.ServiceObjectiveS, r.InQueues, r.OutQueues); why != nil {
		return why
	}
	if why := checkTimeouts(r.Timeouts); why != nil {
		return why
	}
	if why := checkUserData("user_data", r.UserData); why != nil {
		return why
	}
	if id := InteractionID(r.InteractionId); e.interactions[id] != nil || e.stopped.find(id, e.now) != nil {
		return refuse(errDuplicate, "interaction_id: %q exists already", id)
	}
	return nil
}

// checkID checks the length of an id and that it can be printed on a line.
func checkID(field, value string) refusal {
	if n := utf8.RuneCountInString(value); n > maxIDRunes {
		return refuse(errInvalidArgument, "%s: %d characters, at most %d", field, n, maxIDRunes)
	}
	for _, r := range value {
		if r < ' ' || r == 0x7f {
			return refuse(errInvalidArgument, "%s: control character %U", field, r)
		}
	}
	return nil
}

// checkChangeable checks the properties that may also be changed later.
func (e *Engine) checkChangeable(priority, objective int32, in, out []string) refusal {
	switch {
	case priority < -maxPriority || priority > maxPriority:
		return refuse(errInvalidArgument, "priority: %d, -%d to %d", priority, maxPriority, maxPriority)
	case objective < 0 || objective > maxServiceObjectiveS:
		return refuse(errInvalidArgument, "service_objective_s: %d, 0 to %d", objective, maxServiceObjectiveS)
	case len(in) > maxSuggestions || len(out) > maxSuggestions:
		return refuse(errInvalidArgument, "in_queues, out_queues: at most %d each", maxSuggestions)
	}
	for _, name := range slices.Concat(in, out) {
		if !e.config.hasQueue(name) {
			return refuse(errUnknownQueue, "in_queues, out_queues: there is no queue %q", name)
		}
	}
	return nil
}
