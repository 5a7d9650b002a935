package engine

import (
	"fmt"
	"strings"
	"testing"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// routing is a centre where urs or urs2 has interaction "i0"; it gives which.
func routing(t *testing.T) (*world, Participant) {
	w := centre(t)
	submitTo(w, "external")
	return w, w.e.interactions["i0"].router
}

// private asks a service, or one of a type if the name begins with "type ".
func private(name string) *usherv1.RequestPrivateService {
	r := &usherv1.RequestPrivateService{InteractionId: "i0", Method: "ask", ReferenceId: "p", Of: &usherv1.RequestPrivateService_Service{Service: name}}
	if kind, is := strings.CutPrefix(name, "type "); is {
		r.Of = &usherv1.RequestPrivateService_Type{Type: kind}
	}
	return r
}

// asks asks and gives who was asked, and the request's id.
func asks(w *world, router Participant, r *usherv1.RequestPrivateService) (service string, id uint64, deadline Millis) {
	w.t.Helper()
	for _, entry := range w.must(router, r).Entries {
		if body := entry.Event.GetRequest_3RdServer(); body != nil {
			if entry.To[0] != serviceParticipant(body.Service) || body.RequestId != entry.Event.Sequence {
				w.t.Fatalf("%v goes to %v", body, entry.To)
			}
			service, id, deadline = body.Service, body.RequestId, Millis(body.DeadlineMs)
		}
	}
	return service, id, deadline
}

// TestServicePicked: a type's requests go to who has the fewest open ones,
// then by name; a service that is not connected is left out.
func TestServicePicked(t *testing.T) {
	w, router := routing(t)
	var got []string
	ids := map[string]uint64{}
	ask := func(name string) {
		service, id, _ := asks(w, router, private(name))
		got, ids[service] = append(got, service), id
	}
	for range 3 {
		ask("type crm")
	}
	w.must(crm1, &usherv1.Event3RdServerResponse{RequestId: ids["crm1"]})
	ask("crm2")
	ask("type crm")
	ask("type crm")
	ask("type crm")
	w.must(crm1, Disconnect{ConnectionID: "crm1-c"})
	ask("type crm")
	w.must(crm1, Connect{ConnectionID: "again"})
	ask("type crm")
	ask("bot")
	ask("type reply")
	want := "crm1 crm2 crm1 crm2 crm1 crm1 crm2 crm2 crm1 bot bot"
	if text := strings.Join(got, " "); text != want {
		t.Errorf("asked are\n%s, want\n%s", text, want)
	}
	w.pass(10_000)
	if len(w.e.serviceRequests) != 0 {
		t.Errorf("open after all timeouts: %d", len(w.e.serviceRequests))
	}
	w.checkFold()
}

// TestServiceTimeout: the request's own, the service's, 10 s.
func TestServiceTimeout(t *testing.T) {
	for _, test := range []struct {
		service string
		own     int64
		want    Millis
	}{{"bot", 700, 700}, {"bot", 0, 5_000}, {"crm1", 0, 10_000}, {"crm1", 3_600_000, 3_600_000}} {
		w, router := routing(t)
		r := private(test.service)
		r.TimeoutMs = test.own
		_, id, deadline := asks(w, router, r)
		if deadline != w.now+test.want {
			t.Errorf("%v: %d", test, deadline-w.now)
		}
		if early := w.pass(test.want - 1); len(early) != 0 {
			t.Errorf("%v: too early: %v", test, early)
		}
		told := false
		for _, entry := range w.pass(1) {
			if info := entry.Event.GetEventPrivateInfo(); info != nil {
				told = entry.To[0] == router && entry.Answer && entry.Event.ReferenceId == "p" && info.GetFault() == faultTimeout && info.RequestId == id
			}
		}
		if !told {
			t.Errorf("%v: the router does not hear of the timeout", test)
		}
		if out := w.ask(serviceParticipant(test.service), &usherv1.Event3RdServerResponse{RequestId: id}); out.Err.GetCode() != errUnknownRequest {
			t.Errorf("%v: a late answer: %v", test, out.Err)
		}
		w.checkFold()
	}
}

func TestServiceRefused(t *testing.T) {
	w, router := routing(t)
	other := urs
	if router == urs {
		other = urs2
	}
	w.must(admin, Apply{giving(&usherv1.Configuration{ExternalServices: []*usherv1.ThirdServer{{Name: "off", Type: "off"}}})})
	with := func(change func(*usherv1.RequestPrivateService)) *usherv1.RequestPrivateService {
		r := private("bot")
		change(r)
		return r
	}
	_, id, _ := asks(w, router, private("crm1"))
	for _, test := range []struct {
		from    Participant
		request any
		code    usherv1.ErrorCode
		says    string
	}{
		{other, private("bot"), errNotRouting, "is not with"},
		{router, with(func(r *usherv1.RequestPrivateService) { r.InteractionId = "none" }), errUnknownInteraction, "none"},
		{router, with(func(r *usherv1.RequestPrivateService) { r.Method = "" }), errInvalidArgument, "method: 0 bytes"},
		{router, with(func(r *usherv1.RequestPrivateService) { r.Method = strings.Repeat("m", 257) }), errInvalidArgument, "method: 257 bytes"},
		{router, with(func(r *usherv1.RequestPrivateService) { r.TimeoutMs = 99 }), errInvalidArgument, "timeout_ms"},
		{router, with(func(r *usherv1.RequestPrivateService) { r.TimeoutMs = 3_600_001 }), errInvalidArgument, "timeout_ms"},
		{router, with(func(r *usherv1.RequestPrivateService) { r.Parameters = data(t, map[string]any{"half": 0.5}) }), errInvalidArgument, "parameters.half"},
		{router, private("none"), errNoService, `"none"`},
		{router, private("off"), errNoService, `"off"`},
		{router, private("type off"), errNoService, `"off"`},
		{router, private("type "), errNoService, "no external service"},
		{router, private(""), errNoService, "no external service"},
		{router, with(func(r *usherv1.RequestPrivateService) { r.Of = nil }), errNoService, "no external service"},
		{agent1, private("bot"), errNotLoggedIn, ""},
		{media, private("bot"), errPermissionDenied, "may not send"},
		{crm2, &usherv1.Event3RdServerResponse{RequestId: id}, errUnknownRequest, fmt.Sprintf(`service "crm2" has no open request %d`, id)},
		{crm2, &usherv1.Event3RdServerFault{RequestId: id}, errUnknownRequest, "has no open request"},
		{crm1, &usherv1.Event3RdServerResponse{RequestId: id + 1}, errUnknownRequest, "has no open request"},
		{crm1, &usherv1.Event3RdServerResponse{}, errUnknownRequest, "has no open request 0"},
		{crm1, &usherv1.Event3RdServerResponse{RequestId: id, Response: data(t, map[string]any{"half": 0.5})}, errInvalidArgument, "response.half"},
		{crm1, &usherv1.Event3RdServerFault{RequestId: id, Fault: strings.Repeat("f", 1_025)}, errInvalidArgument, "1025 bytes"},
		{router, &usherv1.Event3RdServerResponse{RequestId: id}, errPermissionDenied, "may not send"},
	} {
		out := w.ask(test.from, test.request)
		if out.Err.GetCode() != test.code || !strings.Contains(out.Err.GetDescription(), test.says) {
			t.Errorf("%s: %v: %v, want %s", test.from.ID, test.request, out.Err, test.says)
		}
	}
	w.must(crm1, &usherv1.Event3RdServerResponse{RequestId: id})
	if out := w.ask(crm1, &usherv1.Event3RdServerResponse{RequestId: id}); out.Err.GetCode() != errUnknownRequest {
		t.Errorf("answered twice: %v", out.Err)
	}
}

// TestServiceAnswers: what the service says reaches the router who asked,
// also after a restart, and when the interaction is gone meanwhile.
func TestServiceAnswers(t *testing.T) {
	answer := data(t, map[string]any{"vip": true})
	for name, meanwhile := range map[string]func(w *world, router Participant){
		"nothing":    func(*world, Participant) {},
		"stopped":    func(w *world, _ Participant) { w.must(media, &usherv1.RequestStopProcessing{InteractionId: "i0"}) },
		"elsewhere":  func(w *world, router Participant) { w.must(router, Disconnect{ConnectionID: router.ID + "-c"}) },
		"a restart":  func(w *world, _ Participant) { w.e = Load(savedState(w.t, w)) },
		"disconnect": func(w *world, _ Participant) { w.must(crm1, Disconnect{ConnectionID: "crm1-c"}) },
	} {
		for _, says := range []any{
			&usherv1.Event3RdServerResponse{Response: answer}, &usherv1.Event3RdServerFault{Fault: "Broken"}, &usherv1.Event3RdServerFault{},
		} {
			w, router := routing(t)
			_, id, _ := asks(w, router, private("crm1"))
			meanwhile(w, router)
			want := ""
			switch r := says.(type) {
			case *usherv1.Event3RdServerResponse:
				r.RequestId, r.ReferenceId = id, "s"
			case *usherv1.Event3RdServerFault:
				r.RequestId, want = id, "Broken"
				if r.Fault == "" {
					want = "Fault"
				}
			}
			out := w.must(crm1, says)
			heard, reported := false, false
			for _, entry := range out.Entries {
				if info := entry.Event.GetEventPrivateInfo(); info != nil {
					heard = entry.To[0] == router && entry.Event.ReferenceId == "p" && info.RequestId == id && info.GetFault() == want
				}
				if m := entry.Event.GetEventExternalServiceResponded(); m != nil {
					reported = m.Service == "crm1" && m.GetFault() == want && entry.Event.InteractionId == "i0" && entry.Event.Queue == "external"
				}
			}
			if !heard || !reported || out.Reply.GetEventAck() == nil {
				t.Errorf("%s, %v: heard %v, reported %v, %v", name, says, heard, reported, out.Reply)
			}
			if w.checkCounters(); w.e.clients[crm1].asked != 0 {
				t.Errorf("%s: still asked", name)
			}
		}
	}
}

// TestServiceSubmits: an external service answers by itself with a child
// interaction.
func TestServiceSubmits(t *testing.T) {
	w, _ := routing(t)
	w.must(bot, &usherv1.RequestSubmit{InteractionId: "child", ParentId: "i0", Queue: "inbound", MediaType: "mail", InteractionType: "Outbound"})
	if i := w.e.interactions["child"]; i.props.ParentId != "i0" || ParticipantOf(i.props.SubmittedBy) != bot {
		t.Errorf("%v", i.props)
	}
	if out := w.ask(bot, &usherv1.RequestStopProcessing{InteractionId: "child"}); out.Err.GetCode() != errPermissionDenied {
		t.Errorf("a service stops: %v", out.Err)
	}
}

// TestServiceInUse: a service that is asked can't be removed.
func TestServiceInUse(t *testing.T) {
	w, router := routing(t)
	_, id, _ := asks(w, router, private("bot"))
	out := w.ask(admin, Apply{removing("external_service", "bot")})
	if out.Err.GetCode() != errInUse || out.Err.Description != `external_service "bot" is in use: interaction "i0" waits for its answer` {
		t.Errorf("%v", out.Err)
	}
	w.must(bot, &usherv1.Event3RdServerFault{RequestId: id})
	w.must(admin, Apply{removing("external_service", "bot")})
	if out := w.ask(router, private("bot")); out.Err.GetCode() != errNoService {
		t.Errorf("it is gone, and yet %v", out.Err)
	}
}
