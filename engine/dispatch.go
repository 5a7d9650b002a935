package engine

import (
	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// dispatch hands a request to its model. Nothing is answered before the
// client has registered (models.md 1); which roles may send what, the edge
// has checked.
func (e *Engine) dispatch(request any) refusal {
	switch r := request.(type) {
	case *usherv1.RequestRegisterClient:
		return e.registerClient(r)
	case Connect:
		return e.connect(r)
	case Disconnect:
		return e.disconnect(r)
	case Apply:
		return e.apply(r)
	}
	if c := e.clients[e.from]; e.from != BuiltinRouter && (c == nil || c.registration == nil) {
		return refuse(errNotRegistered, "%s has not sent RequestRegisterClient", describe(e.from))
	}
	switch e.from.Kind {
	case usherv1.ParticipantKind_PARTICIPANT_KIND_AGENT:
		return e.dispatchAgent(request)
	case usherv1.ParticipantKind_PARTICIPANT_KIND_MEDIA:
		return e.dispatchMedia(request)
	case usherv1.ParticipantKind_PARTICIPANT_KIND_ROUTER:
		return e.dispatchRouter(request)
	case usherv1.ParticipantKind_PARTICIPANT_KIND_SERVICE:
		return e.dispatchService(request)
	}
	if r, ok := request.(*usherv1.RequestCustomReporting); ok {
		return e.customReporting(r)
	}
	return unsupported(e.from, request)
}

// dispatchAgent hands an agent's request to its model: first what needs no
// login, then what does.
func (e *Engine) dispatchAgent(request any) refusal {
	switch r := request.(type) {
	case *usherv1.RequestAgentLogin:
		return e.agentLogin(r)
	case *usherv1.RequestAgentLogout:
		return e.agentLogout(r)
	case *usherv1.RequestAddMedia:
		return e.addMedia(r)
	case *usherv1.RequestRemoveMedia:
		return e.removeMedia(r)
	case *usherv1.RequestNotReadyForMedia:
		return e.notReadyForMedia(r)
	case *usherv1.RequestCancelNotReadyForMedia:
		return e.cancelNotReadyForMedia(r)
	case *usherv1.RequestChangeMediaStateReason:
		return e.changeMediaStateReason(r)
	case *usherv1.RequestChangeAgentStateReason:
		return e.changeAgentStateReason(r)
	case *usherv1.RequestSetAgentState:
		return e.setAgentState(r)
	case *usherv1.RequestDoNotDisturbOn:
		return e.doNotDisturbOn(r)
	case *usherv1.RequestDoNotDisturbOff:
		return e.doNotDisturbOff(r)
	}
	a := e.agents[AgentID(e.from.ID)]
	if a == nil {
		return refuse(errNotLoggedIn, "agent %q is not logged in", e.from.ID)
	}
	return e.dispatchLoggedIn(a, request)
}

func (e *Engine) dispatchLoggedIn(a *Agent, request any) refusal {
	switch r := request.(type) {
	case *usherv1.RequestSubmit:
		return e.agentSubmit(a, r)
	case *usherv1.RequestAccept:
		return e.accept(a, r)
	case *usherv1.RequestReject:
		return e.reject(a, r)
	case *usherv1.RequestPull:
		return e.pull(a, r)
	case *usherv1.RequestPlaceInQueue:
		return e.placeInQueue(a, r)
	case *usherv1.RequestPlaceInWorkbin:
		return e.placeInWorkbin(a, r)
	case *usherv1.RequestGetWorkbinContent:
		return e.getWorkbinContent(a, r)
	case *usherv1.RequestWorkbinNotifications:
		return e.workbinNotifications(a, r)
	case *usherv1.RequestTransfer:
		return e.transfer(a, r)
	case *usherv1.RequestConference:
		return e.conference(a, r)
	case *usherv1.RequestCancelInvitation:
		return e.cancelInvitation(a, r)
	case *usherv1.RequestLeaveInteraction:
		return e.leaveInteraction(a, r)
	case *usherv1.RequestChangeProperties:
		return e.changeProperties(a, r)
	case *usherv1.RequestStopProcessing:
		return e.stopByAgent(a, r)
	case *usherv1.RequestIntrude:
		return e.intrude(a, r)
	case *usherv1.RequestHold:
		return e.hold(a, r)
	case *usherv1.RequestResume:
		return e.resume(a, r)
	case *usherv1.RequestAddLine:
		return e.addLineByAgent(a, r)
	case *usherv1.RequestTyping:
		return e.typing(a, r)
	}
	return e.dispatchShared(request)
}

func (e *Engine) dispatchMedia(request any) refusal {
	switch r := request.(type) {
	case *usherv1.RequestSubmit:
		return e.submit(r)
	case *usherv1.RequestChangeProperties:
		return e.changeProperties(nil, r)
	case *usherv1.RequestStopProcessing:
		return e.stopByMedia(r)
	case *usherv1.RequestHold:
		return e.hold(nil, r)
	case *usherv1.RequestResume:
		return e.resume(nil, r)
	case *usherv1.RequestAddLine:
		return e.addLineByMedia(r)
	case *usherv1.RequestTyping:
		return e.typing(nil, r)
	}
	return e.dispatchShared(request)
}

func (e *Engine) dispatchRouter(request any) refusal {
	switch r := request.(type) {
	case *usherv1.RequestRouteCall:
		return e.routeCall(r)
	case *usherv1.RequestUpdateUserData:
		return e.updateUserData(r)
	case *usherv1.RequestPrivateService:
		return e.privateService(r)
	case *Suspend:
		if e.from == BuiltinRouter {
			return e.suspend(r)
		}
	case *InterruptAux:
		if e.from == BuiltinRouter {
			return e.interruptAux(r)
		}
	case *usherv1.RequestGetInteractionProperties:
		return e.getInteractionProperties(r)
	case *usherv1.RequestCustomReporting:
		return e.customReporting(r)
	}
	return unsupported(e.from, request)
}

func (e *Engine) dispatchService(request any) refusal {
	switch r := request.(type) {
	case *usherv1.Event3RdServerResponse:
		return e.serviceResponse(r)
	case *usherv1.Event3RdServerFault:
		return e.serviceFault(r)
	case *usherv1.RequestSubmit:
		return e.submit(r)
	case *usherv1.RequestGetInteractionProperties:
		return e.getInteractionProperties(r)
	case *usherv1.RequestCustomReporting:
		return e.customReporting(r)
	}
	return unsupported(e.from, request)
}

// dispatchShared hands on what both agents and media servers may ask.
func (e *Engine) dispatchShared(request any) refusal {
	switch r := request.(type) {
	case *usherv1.RequestTakeSnapshot:
		return e.takeSnapshot(r)
	case *usherv1.RequestGetSnapshotInteractions:
		return e.getSnapshotInteractions(r)
	case *usherv1.RequestLockInteraction:
		return e.lockInteraction(r)
	case *usherv1.RequestUnlockInteraction:
		return e.unlockInteraction(r)
	case *usherv1.RequestMoveInteractions:
		return e.moveInteractions(r)
	case *usherv1.RequestReleaseSnapshot:
		return e.releaseSnapshot(r)
	case *usherv1.RequestFindInteractions:
		return e.findInteractions(r)
	case *usherv1.RequestGetInteractionProperties:
		return e.getInteractionProperties(r)
	case *usherv1.RequestCustomReporting:
		return e.customReporting(r)
	}
	return unsupported(e.from, request)
}

func unsupported(from Participant, request any) refusal {
	return refuse(errPermissionDenied, "%s may not send %T", describe(from), request)
}
