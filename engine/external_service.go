package engine

import (
	"cmp"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/usher-cc/usher/vector"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// Model 15: external service, autoresponse.
//
//	urs > ixn  RequestPrivateService (Request3rdServer)
//	    ixn > svc     Request3rdServer
//	    ixn > report  EventExternalServiceRequested     timeout begins
//	svc > ixn  RequestSubmit (child interaction)        autoresponse only: model 4
//	svc > ixn  Event3rdServerResponse | Event3rdServerFault
//	    ixn > svc     EventAck
//	    ixn > urs     EventPrivateInfo
//	    ixn > report  EventExternalServiceResponded
//
// No answer in time: a fault to the router. A vector asks in the same way, as
// the built-in router.

const esp = usherv1.Protocol_PROTOCOL_ESP

// Limits of a request to an external service.
const (
	maxMethodBytes         = 256
	defaultServiceMs int64 = 10_000
	faultTimeout           = "Timeout"
)

// serviceRequest is an open request to an external service.
type serviceRequest struct {
	id        uint64
	requested *usherv1.Event // EventExternalServiceRequested
	deadline  deadline
}

func (r *serviceRequest) body() *usherv1.EventExternalServiceRequested {
	return r.requested.GetEventExternalServiceRequested()
}

func (e *Engine) privateService(r *usherv1.RequestPrivateService) refusal {
	i, why := e.interaction(r.InteractionId)
	switch {
	case why != nil:
		return why
	case i.props.State != stateRouting || i.router != e.from && !i.askedAsAdjunct(e.from):
		return refuse(errNotRouting, "interaction %q is not with %s", r.InteractionId, describe(e.from))
	case r.Method == "" || len(r.Method) > maxMethodBytes:
		return refuse(errInvalidArgument, "method: %d bytes, 1 to %d", len(r.Method), maxMethodBytes)
	}
	if r.TimeoutMs != 0 {
		if why := checkFields("request", r); why != nil {
			return why
		}
	}
	if why := checkUserData("parameters", r.Parameters); why != nil {
		return why
	}
	service := e.pickService(r.GetService(), r.GetType())
	if service == nil {
		return refuse(errNoService, "no external service %q of type %q is connected", r.GetService(), r.GetType())
	}
	length := cmp.Or(r.TimeoutMs, e.config.externalServices[service.who.ID].GetTimeoutMs(), defaultServiceMs)
	e.askService(i, service, r.Method, r.Parameters, int64(e.now)+length)
	e.pending = true
	return nil
}

// callService is a vector's way.
func (e *Engine) callService(i *Interaction, call *usherv1.VectorServiceCall) {
	if service := e.pickService(call.Service, call.Type); service != nil {
		e.askService(i, service, call.Method, call.Parameters, call.DeadlineMs)
		return
	}
	e.answerCall(i, nil, vector.FaultNoService)
}

// pickService is the connected service with this name, or that of a type with
// the fewest open requests; nil if there is none.
func (e *Engine) pickService(name, kind string) *client {
	var best *client
	for _, id := range sortedKeys(e.config.externalServices) {
		c := e.clients[serviceParticipant(id)]
		fits := name != "" && id == name || name == "" && kind != "" && e.config.externalServices[id].GetType() == kind
		if fits && c != nil && c.registration != nil && len(c.connections) > 0 && (best == nil || c.asked < best.asked) {
			best = c
		}
	}
	return best
}

func serviceParticipant(id string) Participant {
	return Participant{Kind: usherv1.ParticipantKind_PARTICIPANT_KIND_SERVICE, ID: id}
}

func (e *Engine) askService(i *Interaction, service *client, method string, parameters *structpb.Struct, deadline int64) {
	ev := e.about(i)
	body := &usherv1.Request3RdServer{
		Service: service.who.ID, Method: method, Parameters: parameters, DeadlineMs: deadline, Asker: e.actor, Version: i.props.Version,
	}
	ev.Protocol = esp
	ev.Message = &usherv1.Event_Request_3RdServer{Request_3RdServer: body}
	e.record(Entry{To: service.to, Event: ev, Show: []*Interaction{i}})
	body.RequestId = ev.Sequence

	report := e.about(i)
	report.ReferenceId = e.refID
	report.Message = &usherv1.Event_EventExternalServiceRequested{EventExternalServiceRequested: &usherv1.EventExternalServiceRequested{
		Service: service.who.ID, Type: e.config.externalServices[service.who.ID].GetType(), Method: method,
		Asker: e.actor, DeadlineMs: deadline, RequestId: ev.Sequence,
	}}
	e.report(report)
}

func (e *Engine) serviceResponse(r *usherv1.Event3RdServerResponse) refusal {
	open, why := e.serviceRequest(r.RequestId)
	if why == nil {
		why = checkUserData("response", r.Response)
	}
	if why != nil {
		return why
	}
	e.ackService(open)
	e.serviceAnswered(open, r.Response, "")
	return nil
}

func (e *Engine) serviceFault(r *usherv1.Event3RdServerFault) refusal {
	open, why := e.serviceRequest(r.RequestId)
	if why == nil {
		why = checkReason(r.Fault)
	}
	if why != nil {
		return why
	}
	e.ackService(open)
	e.serviceAnswered(open, nil, cmp.Or(r.Fault, "Fault"))
	return nil
}

// serviceRequest is the asking service's open request.
func (e *Engine) serviceRequest(id uint64) (*serviceRequest, refusal) {
	if open := e.serviceRequests[id]; open != nil && open.body().Service == e.from.ID {
		return open, nil
	}
	return nil, refuse(errUnknownRequest, "request_id: %s has no open request %d", describe(e.from), id)
}

func (e *Engine) ackService(open *serviceRequest) {
	ev := open.about(e.actor)
	ev.Message = ackMessage
	e.answer(esp, ev)
}

// about begins an event about the interaction of a request, which may be no
// more.
func (r *serviceRequest) about(actor *usherv1.Participant) *usherv1.Event {
	return &usherv1.Event{
		InteractionId: r.requested.InteractionId, ParentId: r.requested.ParentId,
		MediaType: r.requested.MediaType, Queue: r.requested.Queue, Actor: actor,
	}
}

func (e *Engine) serviceTimedOut(open *serviceRequest) { e.serviceAnswered(open, nil, faultTimeout) }

// serviceAnswered brings the asker what came of a request.
func (e *Engine) serviceAnswered(open *serviceRequest, response *structpb.Struct, fault string) {
	body := open.body()
	info := &usherv1.EventPrivateInfo{RequestId: open.id, Service: body.Service, Method: body.Method}
	responded := &usherv1.EventExternalServiceResponded{RequestId: open.id, Service: body.Service, Method: body.Method}
	if fault != "" {
		info.Outcome = &usherv1.EventPrivateInfo_Fault{Fault: fault}
		responded.Outcome = &usherv1.EventExternalServiceResponded_Fault{Fault: fault}
	} else {
		info.Outcome = &usherv1.EventPrivateInfo_Response{Response: response}
		responded.Outcome = &usherv1.EventExternalServiceResponded_Response{Response: response}
	}
	ev := open.about(e.actor)
	ev.Message = &usherv1.Event_EventPrivateInfo{EventPrivateInfo: info}
	asker := ParticipantOf(body.Asker)
	e.answerLater(tlib, ev, open.requested.ReferenceId, asker)
	report := open.about(e.actor)
	report.Message = &usherv1.Event_EventExternalServiceResponded{EventExternalServiceResponded: responded}
	e.report(report)
	i := e.interactions[InteractionID(open.requested.InteractionId)]
	if call := i.getVector().GetServiceCall(); asker == BuiltinRouter && call != nil && !call.Answered && i.called == open.id {
		e.answerCall(i, response, fault)
	}
}

// answerCall lets a vector go on with the answer to its call.
func (e *Engine) answerCall(i *Interaction, response *structpb.Struct, fault string) {
	state := proto.CloneOf(i.vector)
	state.ServiceCall.Answered, state.ServiceCall.Response, state.ServiceCall.Fault = true, response, fault
	state.ServiceCall.Parameters = nil // nobody needs them any more
	state.ResumeAtMs = int64(e.now)
	e.becomeSuspended(i, state, i.adjuncts)
}

func (i *Interaction) getVector() *usherv1.VectorState {
	if i == nil {
		return nil
	}
	return i.vector
}

// ---- folding ----

func (e *Engine) foldServiceRequested(ev *usherv1.Event) {
	body := ev.GetEventExternalServiceRequested()
	open := &serviceRequest{id: body.RequestId, requested: ev}
	open.deadline = deadline{kind: serviceDeadline, service: open}
	e.serviceRequests[open.id] = open
	if i := e.interactions[InteractionID(ev.InteractionId)]; i != nil && ParticipantOf(body.Asker) == BuiltinRouter {
		i.called = open.id
	}
	e.client(serviceParticipant(body.Service)).asked++
	e.deadlines.set(&open.deadline, Millis(body.DeadlineMs))
}

func (e *Engine) foldServiceResponded(m *usherv1.EventExternalServiceResponded) {
	open := e.serviceRequests[m.RequestId]
	if open == nil {
		return
	}
	delete(e.serviceRequests, m.RequestId)
	e.client(serviceParticipant(m.Service)).asked--
	e.deadlines.set(&open.deadline, 0)
}

func (e *Engine) exportServiceRequests() []*usherv1.ServiceRequestState {
	ids := make([]uint64, 0, len(e.serviceRequests))
	for id := range e.serviceRequests {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	all := make([]*usherv1.ServiceRequestState, len(ids))
	for n, id := range ids {
		all[n] = &usherv1.ServiceRequestState{Requested: e.serviceRequests[id].requested}
	}
	return all
}
