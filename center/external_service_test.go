package center

import (
	"slices"
	"testing"

	"google.golang.org/protobuf/types/known/structpb"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
)

// A router and an external service.
var (
	urs = engine.Participant{Kind: usherv1.ParticipantKind_PARTICIPANT_KIND_ROUTER, ID: "urs"}
	crm = engine.Participant{Kind: usherv1.ParticipantKind_PARTICIPANT_KIND_SERVICE, ID: "crm"}
)

// connectServices makes a queue for a router, an external service, and lets
// both of them in.
func (w *world) connectServices() {
	w.t.Helper()
	w.must(admin, engine.Apply{Request: &usherv1.ApplyConfigurationRequest{Configuration: &usherv1.Configuration{
		Queues:           []*usherv1.Queue{{Name: "asked", Strategy: "ask"}},
		ExternalServices: []*usherv1.ThirdServer{{Name: "crm", Type: "customers", TimeoutMs: 5000}},
	}}})
	w.must(urs, &usherv1.RequestRegisterClient{ClientType: usherv1.ClientType_CLIENT_TYPE_ROUTER, Strategies: []string{"ask"}})
	w.must(urs, engine.Connect{ConnectionID: "of-urs"})
	w.must(crm, &usherv1.RequestRegisterClient{ClientType: usherv1.ClientType_CLIENT_TYPE_EXTERNAL_SERVICE})
	w.must(crm, engine.Connect{ConnectionID: "of-crm"})
}

// TestExternalServiceIsAsked follows a question from the router to the service
// and back: the service sees the interaction, its answer counts once however
// often it is sent, and both are told after a crash what they have not heard.
func TestExternalServiceIsAsked(t *testing.T) {
	w := newWorld(t, nil).setUp()
	w.connectServices()
	heard := w.subscribe(crm, nil)
	fields, err := structpb.NewStruct(map[string]any{"customer": "Ann"})
	if err != nil {
		t.Fatal(err)
	}
	id := w.must(chat, &usherv1.RequestSubmit{Queue: "asked", MediaType: "chat", UserData: fields}).Event.InteractionId
	question := &usherv1.RequestPrivateService{
		ReferenceId: "q", InteractionId: id, Of: &usherv1.RequestPrivateService_Type{Type: "customers"}, Method: "greet",
	}
	w.start(urs, question)
	request := w.next(heard)
	asked := request.GetRequest_3RdServer()
	if asked.GetMethod() != "greet" || asked.GetRequestId() != request.Sequence || request.Protocol != usherv1.Protocol_PROTOCOL_ESP ||
		len(request.Interactions) != 1 || request.Interactions[0].UserData.Fields["customer"].GetStringValue() != "Ann" {
		t.Fatal(request)
	}

	w.crash()
	before := request.Sequence - 1
	if again := w.next(w.subscribe(crm, &before)); again.Sequence != request.Sequence || len(again.Interactions) != 1 {
		t.Fatal("after a crash:", again)
	}
	pending := w.start(urs, question) // joins

	response := func(reference, text string) *usherv1.Event3RdServerResponse {
		fields, err := structpb.NewStruct(map[string]any{"text": text})
		if err != nil {
			t.Fatal(err)
		}
		return &usherv1.Event3RdServerResponse{ReferenceId: reference, RequestId: asked.GetRequestId(), Response: fields}
	}
	first := w.must(crm, response("r", "hello"))
	if again := w.must(crm, response("r", "hello")); first.Event.GetEventAck() == nil || again.Sequence != first.Sequence {
		t.Error(first, again)
	}
	w.wantError(usherv1.ErrorCode_ERROR_CODE_REFERENCE_ID_REUSED, crm, response("r", "good morning"))
	w.wantError(usherv1.ErrorCode_ERROR_CODE_UNKNOWN_REQUEST, crm, response("s", "hello"))
	answer, err := pending.Wait(w.ctx())
	info := answer.Event.GetEventPrivateInfo()
	if err != nil || answer.Err != nil || info.GetRequestId() != asked.GetRequestId() || info.GetResponse().Fields["text"].GetStringValue() != "hello" {
		t.Error(answer, err)
	}

	arrows, lines := w.trace(id, before)
	for _, want := range []string{"ixn > crm Request3rdServer", "crm > ixn Event3rdServerResponse", "ixn > urs EventPrivateInfo"} {
		n := slices.Index(arrows, want)
		if n < 0 || lines[n].InteractionId != id {
			t.Errorf("%s is not in %q", want, arrows)
		}
	}
}

// TestExternalServiceIsSilent lets the time for an answer go by.
func TestExternalServiceIsSilent(t *testing.T) {
	w := newWorld(t, nil).setUp()
	w.connectServices()
	heard := w.subscribe(crm, nil)
	id := w.submit("asked")
	pending := w.start(urs, &usherv1.RequestPrivateService{
		ReferenceId: "q", InteractionId: id, Of: &usherv1.RequestPrivateService_Service{Service: "crm"}, Method: "greet",
	})
	request := w.next(heard).GetRequest_3RdServer()
	w.clock.Advance(5_000_000_000)
	answer, err := pending.Wait(w.ctx())
	if err != nil || answer.Event.GetEventPrivateInfo().GetFault() == "" {
		t.Fatal(answer, err)
	}
	w.wantError(usherv1.ErrorCode_ERROR_CODE_UNKNOWN_REQUEST, crm, &usherv1.Event3RdServerFault{RequestId: request.GetRequestId(), Fault: "too late"})
}
