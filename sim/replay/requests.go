package replay

import (
	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
)

// The journal has the names of requests and what came of them; from both the
// requests are made again. What a supervisor did for somebody is played as if he
// had done it himself.

// takeRequest takes the request behind a record, if it came from outside and
// does not follow from something that is played.
func (r *Recorder) takeRequest(at engine.Millis, record *usherv1.Record) {
	asker := engine.ParticipantOf(record.GetCause().GetPrincipal())
	if record.GetCause() == nil || !takesPart(asker) {
		return
	}
	switch record.GetCause().GetRequest() {
	case "RequestSubmit":
		if request := submission(record); request != nil {
			r.ask(at, asker, request)
		}
		return
	case "RequestChangeProperties":
		if asker.Kind == usherv1.ParticipantKind_PARTICIPANT_KIND_MEDIA {
			r.askChanges(at, asker, record)
		}
		return
	case "RequestPull":
		for _, request := range pulls(record) {
			r.ask(at, asker, request)
		}
		return
	}
	for _, entry := range record.GetEntries() {
		if entry.GetEvent().GetProtocol() != usherv1.Protocol_PROTOCOL_RPT {
			continue
		}
		if agent, request := stateRequest(record.GetCause().GetRequest(), entry.GetEvent()); request != nil && !r.endsAfterCall(agent, request) {
			r.ask(at, engine.Participant{Kind: usherv1.ParticipantKind_PARTICIPANT_KIND_AGENT, ID: string(agent)}, request)
			return
		}
	}
}

// endsAfterCall tells whether a request ends after-call work: that comes so
// long after a conversation, and not at a time of the day.
func (r *Recorder) endsAfterCall(agent engine.AgentID, request any) bool {
	m, is := request.(*usherv1.RequestSetAgentState)
	return is && available(m.GetWorkMode()) && r.worked(agent).mode == usherv1.WorkMode_WORK_MODE_ACW
}

// submission is the request that brought an interaction in.
func submission(record *usherv1.Record) *usherv1.RequestSubmit {
	var request *usherv1.RequestSubmit
	for _, entry := range record.GetEntries() {
		ev := entry.GetEvent()
		if m := ev.GetEventInteractionSubmitted(); m != nil {
			p := m.GetProperties()
			request = &usherv1.RequestSubmit{
				InteractionId: p.GetInteractionId(), Queue: p.GetQueue(), MediaType: p.GetMediaType(),
				InteractionType: p.GetInteractionType(), InteractionSubtype: p.GetInteractionSubtype(),
				IsOnline: p.GetIsOnline(), ReceivedAtMs: p.GetReceivedAtMs(), ExternalId: p.GetExternalId(), ParentId: p.GetParentId(),
				Priority: p.GetPriority(), ServiceObjectiveS: p.GetServiceObjectiveS(),
				InQueues: p.GetInQueues(), OutQueues: p.GetOutQueues(), UserData: p.GetUserData(), Timeouts: m.GetTimeouts(),
			}
		}
		if m := ev.GetEventPlacedInQueue(); m != nil && request != nil {
			if m.GetVdn() != "" {
				request.Queue, request.Vdn = "", m.GetVdn()
			}
			return request
		}
	}
	return request
}

// askChanges asks for what a media server changed. What agents change belongs to
// their conversations.
func (r *Recorder) askChanges(at engine.Millis, asker engine.Participant, record *usherv1.Record) {
	for _, entry := range record.GetEntries() {
		ev := entry.GetEvent()
		if m := ev.GetEventPropertiesChanged(); m != nil && ev.GetProtocol() == usherv1.Protocol_PROTOCOL_RPT {
			r.ask(at, asker, &usherv1.RequestChangeProperties{
				InteractionId: ev.GetInteractionId(), Properties: m.GetProperties(), UserData: m.GetUserData(), DeletedKeys: m.GetDeletedKeys(),
			})
		}
	}
}

// pulls are a request for each interaction that was pulled.
func pulls(record *usherv1.Record) (all []*usherv1.RequestPull) {
	var next *usherv1.RequestPull
	for _, entry := range record.GetEntries() {
		ev := entry.GetEvent()
		switch m := ev.GetMessage().(type) {
		case *usherv1.Event_EventTakenFromQueue:
			next = &usherv1.RequestPull{Source: &usherv1.RequestPull_Queue{Queue: m.EventTakenFromQueue.GetQueue()}}
		case *usherv1.Event_EventTakenFromWorkbin:
			next = &usherv1.RequestPull{
				Source:        &usherv1.RequestPull_Workbin{Workbin: m.EventTakenFromWorkbin.GetWorkbin()},
				InteractionId: ev.GetInteractionId(),
			}
		case *usherv1.Event_EventPartyAdded:
			if next != nil && m.EventPartyAdded.GetOperation() == usherv1.Operation_OPERATION_PULL {
				all, next = append(all, next), nil
			}
		}
	}
	return all
}

// stateRequest is the request about an agent's state that an event came of.
func stateRequest(name string, ev *usherv1.Event) (agent engine.AgentID, request any) {
	media, reason := ev.GetMediaType(), ev.GetReason()
	switch m := ev.GetMessage().(type) {
	case *usherv1.Event_EventAgentLogin:
		login := &usherv1.RequestAgentLogin{
			Place: m.EventAgentLogin.GetPlace(), Reason: reason,
			WorkMode: m.EventAgentLogin.GetWorkMode(), ReasonCode: m.EventAgentLogin.GetReasonCode(),
		}
		for _, s := range m.EventAgentLogin.GetMedia() {
			login.Media = append(login.Media, &usherv1.MediaLogin{MediaType: s.GetMediaType(), Ready: s.GetReady(), Reason: s.GetReason()})
		}
		agent, request = engine.AgentID(m.EventAgentLogin.GetAgentId()), login
	case *usherv1.Event_EventAgentLogout:
		agent, request = engine.AgentID(m.EventAgentLogout.GetAgentId()), &usherv1.RequestAgentLogout{Force: true, Reason: reason}
	case *usherv1.Event_EventMediaAdded:
		agent = engine.AgentID(m.EventMediaAdded.GetAgentId())
		request = &usherv1.RequestAddMedia{MediaType: media, Ready: m.EventMediaAdded.GetReady(), Reason: reason}
	case *usherv1.Event_EventMediaRemoved:
		agent, request = engine.AgentID(m.EventMediaRemoved.GetAgentId()), &usherv1.RequestRemoveMedia{MediaType: media, Reason: reason}
	case *usherv1.Event_EventNotReadyForMedia:
		agent = engine.AgentID(m.EventNotReadyForMedia.GetAgentId())
		request = &usherv1.RequestNotReadyForMedia{MediaType: media, Reason: reason}
	case *usherv1.Event_EventReadyForMedia:
		agent = engine.AgentID(m.EventReadyForMedia.GetAgentId())
		request = &usherv1.RequestCancelNotReadyForMedia{MediaType: media, Reason: reason}
	case *usherv1.Event_EventDoNotDisturbOn:
		agent, request = engine.AgentID(m.EventDoNotDisturbOn.GetAgentId()), &usherv1.RequestDoNotDisturbOn{Reason: reason}
	case *usherv1.Event_EventDoNotDisturbOff:
		agent, request = engine.AgentID(m.EventDoNotDisturbOff.GetAgentId()), &usherv1.RequestDoNotDisturbOff{Reason: reason}
	case *usherv1.Event_EventAgentStateReasonChanged:
		agent, request = workModeRequest(m.EventAgentStateReasonChanged, reason)
	}
	if m, is := request.(proto.Message); !is || string(m.ProtoReflect().Descriptor().Name()) != name {
		return "", nil // it follows from another request
	}
	return agent, request
}

// workModeRequest is the request for the work mode that began, or is pending.
func workModeRequest(m *usherv1.EventAgentStateReasonChanged, reason string) (agent engine.AgentID, request any) {
	mode := m.GetPendingWorkMode()
	if mode == usherv1.WorkMode_WORK_MODE_UNSPECIFIED {
		mode = m.GetWorkMode()
	}
	if mode == usherv1.WorkMode_WORK_MODE_UNSPECIFIED {
		return "", nil // only the reason
	}
	r := &usherv1.RequestSetAgentState{WorkMode: mode, Reason: reason}
	if mode == usherv1.WorkMode_WORK_MODE_AUX {
		r.ReasonCode = m.GetReasonCode()
	}
	return engine.AgentID(m.GetAgentId()), r
}
