package main

import (
	"testing"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

func TestLabels(t *testing.T) {
	failed := &usherv1.EventExternalServiceResponded{
		Service: "crm", Method: "greet", Outcome: &usherv1.EventExternalServiceResponded_Fault{Fault: "no such customer"},
	}
	for _, test := range []struct {
		event *usherv1.Event
		want  string
	}{
		{&usherv1.Event{Message: &usherv1.Event_EventInvite{EventInvite: &usherv1.EventInvite{Ticket: 24}}}, "M (ticket 24)"},
		{&usherv1.Event{Message: &usherv1.Event_EventInvite{EventInvite: &usherv1.EventInvite{Ticket: 24, Skill: "billing"}}}, "M (ticket 24 for billing)"},
		{&usherv1.Event{Message: &usherv1.Event_EventAgentInvited{EventAgentInvited: &usherv1.EventAgentInvited{AgentId: "ann", Skill: "billing"}}}, "M (ann for billing)"},
		{&usherv1.Event{Message: &usherv1.Event_EventPlacedInQueue{EventPlacedInQueue: &usherv1.EventPlacedInQueue{Queue: "billing"}}}, "M (billing)"},
		{&usherv1.Event{Message: &usherv1.Event_EventPlacedInQueue{EventPlacedInQueue: &usherv1.EventPlacedInQueue{Queue: "billing", Vdn: "4010"}}}, "M (billing via 4010)"},
		{&usherv1.Event{Message: &usherv1.Event_EventRouteRequest{EventRouteRequest: &usherv1.EventRouteRequest{Strategy: "crm"}}}, "M"},
		{&usherv1.Event{Message: &usherv1.Event_EventRouteRequest{EventRouteRequest: &usherv1.EventRouteRequest{Strategy: "crm", Adjunct: true}}}, "M (adjunct crm)"},
		{&usherv1.Event{Message: &usherv1.Event_Request_3RdServer{Request_3RdServer: &usherv1.Request3RdServer{Service: "crm", Method: "greet"}}}, "M (crm greet)"},
		{&usherv1.Event{Message: &usherv1.Event_EventPrivateInfo{EventPrivateInfo: &usherv1.EventPrivateInfo{Service: "crm", Method: "greet"}}}, "M (crm greet)"},
		{&usherv1.Event{Message: &usherv1.Event_EventExternalServiceRequested{EventExternalServiceRequested: &usherv1.EventExternalServiceRequested{Service: "crm", Method: "greet"}}}, "M (crm greet)"},
		{&usherv1.Event{Message: &usherv1.Event_EventExternalServiceResponded{EventExternalServiceResponded: failed}}, "M (crm greet failed: no such customer)"},
		{treated(usherv1.TreatmentKind_TREATMENT_KIND_MUSIC, ""), "M (music)"},
		{treated(usherv1.TreatmentKind_TREATMENT_KIND_ANNOUNCEMENT, "busy-now"), "M (announcement busy-now)"},
		{stateChanged(usherv1.WorkMode_WORK_MODE_AUX, 0, 3), "M (ann AUX 3)"},
		{stateChanged(usherv1.WorkMode_WORK_MODE_AUTO_IN, usherv1.WorkMode_WORK_MODE_AUX, 3), "M (ann auto-in then AUX 3)"},
		{stateChanged(usherv1.WorkMode_WORK_MODE_MANUAL_IN, usherv1.WorkMode_WORK_MODE_ACW, 0), "M (ann manual-in then ACW)"},
		{stateChanged(0, 0, 0), "M (lunch)"},
	} {
		if got := label(&usherv1.TraceLine{Message: "M", Event: test.event}); got != test.want {
			t.Errorf("%q, not %q", got, test.want)
		}
	}
}

func treated(kind usherv1.TreatmentKind, source string) *usherv1.Event {
	return &usherv1.Event{Message: &usherv1.Event_EventTreatmentApplied{
		EventTreatmentApplied: &usherv1.EventTreatmentApplied{Treatment: &usherv1.Treatment{Kind: kind, Source: source}},
	}}
}

// stateChanged is a change of ann's state for lunch.
func stateChanged(now, next usherv1.WorkMode, code int32) *usherv1.Event {
	return &usherv1.Event{Reason: "lunch", Message: &usherv1.Event_EventAgentStateReasonChanged{
		EventAgentStateReasonChanged: &usherv1.EventAgentStateReasonChanged{AgentId: "ann", WorkMode: now, PendingWorkMode: next, ReasonCode: code},
	}}
}

// TestNamesOfServices sees to it that a service is called by its name in
// arrows, and by its kind without one.
func TestNamesOfServices(t *testing.T) {
	kind := usherv1.ParticipantKind_PARTICIPANT_KIND_SERVICE
	for id, want := range map[string]string{"crm": "crm", "": "service"} {
		if got := participant(&usherv1.Participant{Kind: kind, Id: id}); got != want {
			t.Errorf("%q is called %q", id, got)
		}
	}
	if got := protocol(&usherv1.TraceLine{Protocol: usherv1.Protocol_PROTOCOL_ESP}); got != "esp" {
		t.Error(got)
	}
}
