package engine

import (
	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// Model 1: registration.
//
//	media|agent|urs|report > ixn  RequestRegisterClient
//	    ixn > same  EventAck

// clientTypes says what a participant may register as.
var clientTypes = map[usherv1.ParticipantKind]usherv1.ClientType{
	usherv1.ParticipantKind_PARTICIPANT_KIND_MEDIA:  usherv1.ClientType_CLIENT_TYPE_MEDIA_SERVER,
	usherv1.ParticipantKind_PARTICIPANT_KIND_AGENT:  usherv1.ClientType_CLIENT_TYPE_AGENT_APPLICATION,
	usherv1.ParticipantKind_PARTICIPANT_KIND_ROUTER: usherv1.ClientType_CLIENT_TYPE_ROUTER,
	usherv1.ParticipantKind_PARTICIPANT_KIND_REPORT: usherv1.ClientType_CLIENT_TYPE_REPORTING_ENGINE,

	usherv1.ParticipantKind_PARTICIPANT_KIND_SERVICE: usherv1.ClientType_CLIENT_TYPE_EXTERNAL_SERVICE,
}

// Limits of a registration.
const (
	maxNameBytes   = 256
	maxStrategies  = 1_000
	maxSubmitLimit = 1_000_000
)

func (e *Engine) registerClient(r *usherv1.RequestRegisterClient) refusal {
	want, known := clientTypes[e.from.Kind]
	switch {
	case !known || r.ClientType != want:
		return refuse(errWrongClientType, "the credential is that of %s, which can't register as %s", describe(e.from), r.ClientType)
	case len(r.Name) > maxNameBytes:
		return refuse(errInvalidArgument, "name: %d bytes, at most %d", len(r.Name), maxNameBytes)
	case len(r.Strategies) > maxStrategies:
		return refuse(errInvalidArgument, "strategies: %d, at most %d", len(r.Strategies), maxStrategies)
	case r.MaxSubmitted < 0 || r.MaxSubmitted > maxSubmitLimit:
		return refuse(errInvalidArgument, "max_submitted: %d, 0 to %d", r.MaxSubmitted, maxSubmitLimit)
	}
	registered := &usherv1.ClientRegistered{
		Client: e.actor, ClientType: r.ClientType, Name: r.Name, Strategies: r.Strategies, MaxSubmitted: r.MaxSubmitted,
	}
	for _, s := range r.Strategies {
		if builtin(s) || s == "" || len(s) > maxNameBytes {
			return refuse(errInvalidArgument, "strategies: %q can't be loaded by a router", s)
		}
	}
	for _, n := range r.Notify {
		switch n {
		case usherv1.Notify_NOTIFY_PROPERTIES:
			registered.NotifyProperties = true
		case usherv1.Notify_NOTIFY_PARTIES:
			registered.NotifyParties = true
		case usherv1.Notify_NOTIFY_TREATMENTS:
			registered.NotifyTreatments = true
		case usherv1.Notify_NOTIFY_PROGRESS:
			registered.NotifyProgress = true
		default:
			return refuse(errInvalidArgument, "notify: %v is unknown", n)
		}
	}
	e.ack()
	e.fact(&usherv1.Fact{Fact: &usherv1.Fact_ClientRegistered{ClientRegistered: registered}})
	return nil
}
