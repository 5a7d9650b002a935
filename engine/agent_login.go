package engine

import (
	"cmp"
	"fmt"
	"strings"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// Model 2: agent login, logout, media states.
//
//	agent1 > ixn  RequestAgentLogin
//	    ixn > agent1  EventAck
//	    ixn > report  EventAgentLogin
//	    ixn > agent1  EventCurrentAgentStatus
//	agent1 > ixn  RequestAgentLogout
//	    ixn > report  EventAgentLogout
//	    ixn > agent1  EventAck
//	agent1 > ixn  RequestAddMedia, RequestNotReadyForMedia, ...
//	    ixn > agent1  EventAck
//	    ixn > report  EventMediaAdded, EventNotReadyForMedia, ...
//
// A supervisor may send the state requests for another agent, who hears
// EventForcedAgentStateChange.

// Limits of a login.
const (
	maxMediaOfAgent   = 64
	maxReasonBytes    = 1_024
	maxExtensionBytes = 32
)

func (e *Engine) agentLogin(r *usherv1.RequestAgentLogin) refusal {
	id := AgentID(e.from.ID)
	switch {
	case e.config.agents[string(id)] == nil:
		return refuse(errUnknownAgent, "agent %q is not configured", id)
	case e.agents[id] != nil:
		return refuse(errAlreadyLoggedIn, "agent %q is logged in already", id)
	case r.Place != "" && e.config.places[r.Place] == nil:
		return refuse(errUnknownPlace, "place: there is no place %q", r.Place)
	case len(r.Media) > maxMediaOfAgent:
		return refuse(errInvalidArgument, "media: %d, at most %d", len(r.Media), maxMediaOfAgent)
	}
	if why := cmp.Or(checkReason(r.Reason), checkExtension(r.Extension)); why != nil {
		return why
	}
	mode, why := e.loginWorkMode(r)
	if why != nil {
		return why
	}
	if other := e.agentAt(r.Place); other != nil {
		return refuse(errPlaceInUse, "place %q is taken by agent %q", r.Place, other.id)
	}
	if other := e.extensions[r.Extension]; other != nil {
		return refuse(errExtensionInUse, "agent %q is logged in at extension %s", other.id, r.Extension)
	}
	login := &usherv1.EventAgentLogin{
		AgentId: string(id), Place: r.Place, WorkMode: mode, ReasonCode: r.ReasonCode, Extension: r.Extension,
	}
	seen := map[string]bool{}
	for n, m := range r.Media {
		if e.config.mediaTypes[m.MediaType] == nil {
			return refuse(errUnknownMediaType, "media[%d]: there is no media type %q", n, m.MediaType)
		}
		if seen[m.MediaType] {
			return refuse(errInvalidArgument, "media[%d]: %q is named twice", n, m.MediaType)
		}
		if why := checkReason(m.Reason); why != nil {
			return why
		}
		seen[m.MediaType] = true
		login.Media = append(login.Media, &usherv1.MediaStatus{
			MediaType: m.MediaType, Ready: m.Ready, Reason: m.Reason,
			CapacityLeft: int32(e.config.most(e.config.agents[string(id)], r.Place, MediaName(m.MediaType))),
		})
	}
	e.ack()
	e.becomeLoggedIn(login, r.Reason)
	return nil
}

func checkReason(reason string) refusal {
	if len(reason) > maxReasonBytes {
		return refuse(errInvalidArgument, "reason: %d bytes, at most %d", len(reason), maxReasonBytes)
	}
	return nil
}

// checkExtension refuses what no telephone can be called by.
func checkExtension(extension string) refusal {
	if n := len(extension); n > maxExtensionBytes {
		return refuse(errInvalidArgument, "extension: %d characters, at most %d", n, maxExtensionBytes)
	}
	if strings.Trim(extension, "0123456789*#") != "" {
		return refuse(errInvalidArgument, "extension: %q has something else than digits, * and #", extension)
	}
	return nil
}

// agentAt is who sits at a place, or nil.
func (e *Engine) agentAt(place string) *Agent {
	if place == "" {
		return nil
	}
	return e.places[place]
}

func (e *Engine) becomeLoggedIn(login *usherv1.EventAgentLogin, reason string) {
	ev := e.agentEvent(reason)
	ev.Message = &usherv1.Event_EventAgentLogin{EventAgentLogin: login}
	e.report(ev)
	a := e.agents[AgentID(login.AgentId)]
	status := e.agentEvent(reason)
	status.Message = &usherv1.Event_EventCurrentAgentStatus{EventCurrentAgentStatus: a.currentStatus()}
	e.tell(im, status, e.from)
}

func (e *Engine) agentLogout(r *usherv1.RequestAgentLogout) refusal {
	a, why := e.agentOf(r.AgentId, r.Reason)
	if why != nil {
		return why
	}
	if !r.Force && len(a.handling)+len(a.invitations) > 0 {
		return refuse(errAgentBusy, "agent %q has %d interactions and %d invitations; set force to leave them",
			a.id, len(a.handling), len(a.invitations))
	}
	for _, i := range a.handling {
		if i.lastPublic(a.id) && !i.hasFormer() {
			return refuse(errNoFormerLocation, "interaction %q came from no queue or workbin: agent %q places or stops it first", i.ID(), a.id)
		}
	}
	e.dropEverything(a, opLogout, reasonLoggedOut)
	e.becomeLoggedOut(a, r.Reason, 0)
	e.ack()
	if e.from != agentParticipant(a.id) {
		e.tellLoggedOut(a, r.Reason)
	}
	return nil
}

// tellLoggedOut tells an agent that he was logged out for him.
func (e *Engine) tellLoggedOut(a *Agent, reason string) {
	ev := e.agentEvent(reason)
	ev.Message = &usherv1.Event_EventForcedAgentStateChange{EventForcedAgentStateChange: &usherv1.EventForcedAgentStateChange{}}
	e.tell(im, ev, agentParticipant(a.id))
}

// becomeLoggedOut logs an agent out; a forced logout has a reason code.
func (e *Engine) becomeLoggedOut(a *Agent, reason string, code int32) {
	if len(a.handling)+len(a.invitations) > 0 {
		panic(fmt.Sprintf("engine: agent %s logs out with interactions", a.id))
	}
	e.releaseSnapshotsOf(agentParticipant(a.id))
	ev := e.agentEvent(reason)
	ev.Message = &usherv1.Event_EventAgentLogout{EventAgentLogout: &usherv1.EventAgentLogout{AgentId: string(a.id), Place: a.place, ReasonCode: code}}
	e.report(ev)
	e.goOnWithout(a.id)
}

// agentOf is the logged-in agent whom a state request means: the asker, or
// another one if the asker is a supervisor.
func (e *Engine) agentOf(named, reason string) (*Agent, refusal) {
	id := e.from.ID
	if named != "" && named != id {
		if !e.isSupervisor(AgentID(id)) {
			return nil, refuse(errPermissionDenied, "agent_id: only a supervisor may change the state of agent %q", named)
		}
		if e.config.agents[named] == nil {
			return nil, refuse(errUnknownAgent, "agent_id: there is no agent %q", named)
		}
		id = named
	}
	a := e.agents[AgentID(id)]
	if a == nil {
		return nil, refuse(errNotLoggedIn, "agent %q is not logged in", id)
	}
	return a, checkReason(reason)
}

// mediaOf is the agent's media state that a request means.
func (e *Engine) mediaOf(named, media, reason string) (*Agent, *mediaState, refusal) {
	a, why := e.agentOf(named, reason)
	if why != nil {
		return nil, nil, why
	}
	if e.config.mediaTypes[media] == nil {
		return nil, nil, refuse(errUnknownMediaType, "media_type: there is no media type %q", media)
	}
	return a, a.mediaState(MediaName(media)), nil
}

// heldMedia is mediaOf for requests about a media type that he must have.
func (e *Engine) heldMedia(named, media, reason string) (*Agent, *mediaState, refusal) {
	a, m, why := e.mediaOf(named, media, reason)
	if why == nil && m == nil {
		why = refuse(errMediaState, "agent %q is not logged in for %q", a.id, media)
	}
	return a, m, why
}

func (e *Engine) addMedia(r *usherv1.RequestAddMedia) refusal {
	a, m, why := e.mediaOf(r.AgentId, r.MediaType, r.Reason)
	if why != nil {
		return why
	}
	if m != nil {
		return refuse(errMediaState, "agent %q has %q already", a.id, r.MediaType)
	}
	if len(a.media) >= maxMediaOfAgent {
		return refuse(errInvalidArgument, "agent %q has %d media already", a.id, len(a.media))
	}
	e.ack()
	ev := e.mediaEvent(MediaName(r.MediaType), r.Reason)
	ev.Message = &usherv1.Event_EventMediaAdded{EventMediaAdded: &usherv1.EventMediaAdded{AgentId: string(a.id), Ready: r.Ready}}
	e.report(ev)
	e.tellForcedByOther(a, r.Reason)
	return nil
}

func (e *Engine) removeMedia(r *usherv1.RequestRemoveMedia) refusal {
	a, m, why := e.heldMedia(r.AgentId, r.MediaType, r.Reason)
	if why != nil {
		return why
	}
	e.ack()
	ev := e.mediaEvent(m.media, r.Reason)
	ev.Message = &usherv1.Event_EventMediaRemoved{EventMediaRemoved: &usherv1.EventMediaRemoved{AgentId: string(a.id)}}
	e.report(ev)
	e.tellForcedByOther(a, r.Reason)
	e.revokeOfMedia(a, m.media, reasonMediaRemoved)
	return nil
}

func (e *Engine) notReadyForMedia(r *usherv1.RequestNotReadyForMedia) refusal {
	a, m, why := e.heldMedia(r.AgentId, r.MediaType, r.Reason)
	if why != nil {
		return why
	}
	e.ack()
	e.becomeNotReady(a, m.media, r.Reason)
	e.tellForcedByOther(a, r.Reason)
	e.revokeOfMedia(a, m.media, reasonNotReady)
	return nil
}

func (e *Engine) becomeNotReady(a *Agent, media MediaName, reason string) {
	ev := e.mediaEvent(media, reason)
	ev.Message = &usherv1.Event_EventNotReadyForMedia{EventNotReadyForMedia: &usherv1.EventNotReadyForMedia{AgentId: string(a.id)}}
	e.report(ev)
}

func (e *Engine) cancelNotReadyForMedia(r *usherv1.RequestCancelNotReadyForMedia) refusal {
	a, m, why := e.heldMedia(r.AgentId, r.MediaType, r.Reason)
	if why != nil {
		return why
	}
	e.ack()
	ev := e.mediaEvent(m.media, r.Reason)
	ev.Message = &usherv1.Event_EventReadyForMedia{EventReadyForMedia: &usherv1.EventReadyForMedia{AgentId: string(a.id)}}
	e.report(ev)
	e.tellForcedByOther(a, r.Reason)
	return nil
}

func (e *Engine) changeMediaStateReason(r *usherv1.RequestChangeMediaStateReason) refusal {
	a, m, why := e.heldMedia(r.AgentId, r.MediaType, r.Reason)
	if why != nil {
		return why
	}
	e.ack()
	ev := e.mediaEvent(m.media, r.Reason)
	ev.Message = &usherv1.Event_EventMediaStateReasonChanged{EventMediaStateReasonChanged: &usherv1.EventMediaStateReasonChanged{AgentId: string(a.id)}}
	e.report(ev)
	e.tellForcedByOther(a, r.Reason)
	return nil
}

func (e *Engine) changeAgentStateReason(r *usherv1.RequestChangeAgentStateReason) refusal {
	a, why := e.agentOf(r.AgentId, r.Reason)
	if why != nil {
		return why
	}
	e.ack()
	ev := e.agentEvent(r.Reason)
	ev.Message = &usherv1.Event_EventAgentStateReasonChanged{EventAgentStateReasonChanged: &usherv1.EventAgentStateReasonChanged{AgentId: string(a.id)}}
	e.report(ev)
	e.tellForcedByOther(a, r.Reason)
	return nil
}

func (e *Engine) doNotDisturbOn(r *usherv1.RequestDoNotDisturbOn) refusal {
	a, why := e.agentOf(r.AgentId, r.Reason)
	if why != nil {
		return why
	}
	e.ack()
	ev := e.agentEvent(r.Reason)
	ev.Message = &usherv1.Event_EventDoNotDisturbOn{EventDoNotDisturbOn: &usherv1.EventDoNotDisturbOn{AgentId: string(a.id)}}
	e.report(ev)
	e.tellForcedByOther(a, r.Reason)
	e.revokeAsNotAnswered(a, opReject, reasonDoNotDisturb, func(*invitation) bool { return true })
	return nil
}

func (e *Engine) doNotDisturbOff(r *usherv1.RequestDoNotDisturbOff) refusal {
	a, why := e.agentOf(r.AgentId, r.Reason)
	if why != nil {
		return why
	}
	e.ack()
	ev := e.agentEvent(r.Reason)
	ev.Message = &usherv1.Event_EventDoNotDisturbOff{EventDoNotDisturbOff: &usherv1.EventDoNotDisturbOff{AgentId: string(a.id)}}
	e.report(ev)
	e.tellForcedByOther(a, r.Reason)
	return nil
}

// tellForced tells an agent that his state was changed for him.
func (e *Engine) tellForced(a *Agent, reason string) {
	ev := e.agentEvent(reason)
	ev.Message = &usherv1.Event_EventForcedAgentStateChange{EventForcedAgentStateChange: &usherv1.EventForcedAgentStateChange{Status: a.currentStatus()}}
	e.tell(im, ev, agentParticipant(a.id))
}

// tellForcedByOther tells an agent that somebody else changed his state.
func (e *Engine) tellForcedByOther(a *Agent, reason string) {
	if e.from != agentParticipant(a.id) {
		e.tellForced(a, reason)
	}
}
