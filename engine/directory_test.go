package engine

import (
	"fmt"
	"testing"

	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// rowOf is an agent's row.
func (w *world) rowOf(id string) *usherv1.AgentRow {
	w.t.Helper()
	for _, row := range w.e.Directory("", true).Agents {
		if row.AgentId == id {
			return row
		}
	}
	w.t.Fatalf("agent %s has no row", id)
	return nil
}

// queueRowOf is a queue's row.
func (w *world) queueRowOf(name string) *usherv1.QueueRow {
	w.t.Helper()
	for _, row := range w.e.Directory("", false).Queues {
		if row.Queue == name {
			return row
		}
	}
	w.t.Fatalf("queue %s has no row", name)
	return nil
}

// TestRowStates leads an agent through the states of a grid. Each lasts since
// the event that brought it, whatever else happens meanwhile, also in a state
// that is loaded or folded.
func TestRowStates(t *testing.T) {
	w := centre(t)
	since := w.now
	expect := func(state string) {
		t.Helper()
		want := usherv1.AgentRowState(usherv1.AgentRowState_value["AGENT_ROW_STATE_"+state])
		if row := w.rowOf("agent2"); row.State != want || row.SinceMs != int64(since) {
			t.Fatalf("%s since %d, want %s since %d", row.State, row.SinceMs, want, since)
		}
		w.checkFold()
		if got, want := Load(savedState(t, w)).Directory("", true), w.e.Directory("", true); !proto.Equal(got, want) {
			t.Fatalf("loaded: %v\nwant %v", got, want)
		}
	}
	do := func(request any) {
		t.Helper()
		w.pass(1_000)
		since = w.now
		w.must(agent2, request)
	}
	meanwhile := func(request any) {
		t.Helper()
		w.pass(1_000)
		w.must(agent2, request)
	}
	since = 0
	expect("LOGGED_OUT")
	do(&usherv1.RequestAgentLogin{Place: "place2", Extension: "4711"})
	expect("NOT_READY")
	do(&usherv1.RequestAddMedia{MediaType: "chat", Ready: true})
	expect("READY")
	meanwhile(&usherv1.RequestAddMedia{MediaType: "mail"})
	meanwhile(&usherv1.RequestChangeAgentStateReason{Reason: "home"})
	expect("READY")
	if row := w.rowOf("agent2"); row.Reason != "home" {
		t.Errorf("%v", row)
	}
	do(&usherv1.RequestSetAgentState{WorkMode: modeAux, ReasonCode: 7})
	expect("AUX")
	do(&usherv1.RequestSetAgentState{WorkMode: modeAcw})
	expect("ACW")
	do(&usherv1.RequestSetAgentState{WorkMode: modeManual})
	expect("READY")

	w.must(media, &usherv1.RequestSubmit{InteractionId: "i0", Queue: "external", MediaType: "chat"})
	w.pass(1_000)
	since = w.now
	routeTo(w, "agent2")
	expect("ALERTING")
	do(&usherv1.RequestAccept{Ticket: ticketOf(w)})
	expect("HANDLING")
	meanwhile(&usherv1.RequestSubmit{InteractionId: "own", MediaType: "mail"})
	expect("HANDLING")
	row := w.rowOf("agent2")
	if len(row.Handling) != 2 || row.Handling[0].InteractionId != "i0" || row.Handling[0].Queue != "external" || row.Handling[1].InteractionId != "own" ||
		row.Place != "place2" || row.Extension != "4711" || row.LoggedInAtMs == 0 || len(row.Media) != 2 || row.Media[0].CapacityLeft != 0 {
		t.Errorf("%v", row)
	}
	do(&usherv1.RequestDoNotDisturbOn{})
	expect("DO_NOT_DISTURB")
	do(Disconnect{ConnectionID: "agent2-c"})
	expect("CONNECTION_LOST")
	do(Connect{ConnectionID: "again"})
	expect("DO_NOT_DISTURB")
	do(&usherv1.RequestDoNotDisturbOff{})
	expect("HANDLING")
	meanwhile(&usherv1.RequestStopProcessing{InteractionId: "own"})
	expect("HANDLING")
	do(&usherv1.RequestStopProcessing{InteractionId: "i0"})
	expect("ACW") // he is in manual-in
	do(&usherv1.RequestAgentLogout{})
	since = 0
	expect("LOGGED_OUT")
}

// TestExtensions: one agent at a time.
func TestExtensions(t *testing.T) {
	w := centre(t)
	at := func(who Participant, extension string) usherv1.ErrorCode {
		return w.ask(who, &usherv1.RequestAgentLogin{Extension: extension}).Err.GetCode()
	}
	for _, bad := range []string{"12a", "1 2", "+49", "123456789012345678901234567890123"} {
		if code := at(agent1, bad); code != errInvalidArgument {
			t.Errorf("%q: %v", bad, code)
		}
	}
	if at(agent1, "*12#") != 0 || at(agent2, "*12#") != errExtensionInUse || at(agent2, "12345678901234567890123456789012") != 0 || at(agent3, "") != 0 || at(supervisor, "") != 0 {
		t.Error("the extensions are not kept apart")
	}
	w.must(agent1, &usherv1.RequestAgentLogout{})
	if at(agent1, "*12#") != 0 {
		t.Error("his own extension is not free again")
	}
	w.must(agent1, &usherv1.RequestAgentLogout{})
	w.must(agent3, &usherv1.RequestAgentLogout{})
	if at(agent3, "*12#") != 0 || at(agent1, "*12#") != errExtensionInUse {
		t.Error("another can't have it")
	}
	if status := w.e.Present(agent3).AgentStatus; status.Extension != "*12#" {
		t.Errorf("%v", status)
	}
	w.checkFold()
}

// TestQueueRows counts what waits in a queue: what is being delivered does not.
func TestQueueRows(t *testing.T) {
	w := centre(t)
	w.must(agent1, login("place1"))
	submit := func(id string, priority int32) Millis {
		w.pass(1_000)
		w.must(media, &usherv1.RequestSubmit{InteractionId: id, Queue: "external", MediaType: "chat", Priority: priority})
		return w.now
	}
	expect := func(waiting, handling int32, oldest Millis) {
		t.Helper()
		if row := w.queueRowOf("external"); row.Waiting != waiting || row.Handling != handling || row.OldestSinceMs != int64(oldest) {
			t.Fatalf("%v; want %d waiting since %d, %d handled", row, waiting, oldest, handling)
		}
		loaded := Load(savedState(t, w))
		if got := loaded.Directory("", false).Queues; fmt.Sprint(got) != fmt.Sprint(w.e.Directory("", false).Queues) {
			t.Fatalf("loaded: %v", got)
		}
	}
	expect(0, 0, 0)
	first := submit("i0", 1)
	second := submit("i1", -5)
	third := submit("i2", 9) // it goes first, and yet has not waited longest
	expect(3, 0, first)
	routeTo(w, "agent1")
	expect(2, 0, second)
	w.must(agent1, &usherv1.RequestReject{Ticket: ticketOf(w)})
	expect(3, 0, first)
	w.pass(6_000) // its back-off ends
	routeTo(w, "agent1")
	w.must(agent1, &usherv1.RequestAccept{Ticket: ticketOf(w)})
	expect(2, 1, second)
	w.must(media, &usherv1.RequestStopProcessing{InteractionId: "i1"})
	expect(1, 1, third)
	w.must(agent1, &usherv1.RequestPlaceInQueue{InteractionId: "i0", Queue: "external"})
	expect(2, 0, first) // it is back in its former queue, and keeps its place in time
	w.must(agent2, login("place2"))
	w.must(supervisor, login(""))
	w.must(supervisor, &usherv1.RequestTransfer{InteractionId: "i2", AgentId: "agent2", ReferenceId: "t"})
	expect(1, 0, first) // taken from its router, and offered
	w.must(agent2, &usherv1.RequestReject{Ticket: uint64(w.e.agents["agent2"].invitations[0].ticket)})
	expect(2, 0, first)
}

// TestDirectory: what windows offer, and to whom.
func TestDirectory(t *testing.T) {
	b := newBureau(t, shop())
	b.mustApply(giving(&usherv1.Configuration{Reasons: []*usherv1.Reason{
		{Name: "a", Kind: usherv1.ReasonKind_REASON_KIND_LOGOUT}, {Name: "b", Kind: usherv1.ReasonKind_REASON_KIND_AUX},
	}}))
	d := b.e.Directory("anna", true)
	if names(d.Reasons) != "b lunch a " || fmt.Sprint(d.Vdns) != "[11 12]" || len(d.Agents) == 0 || len(d.Queues) == 0 || len(d.MediaTypes) == 0 {
		t.Errorf("%v", d)
	}
	for _, w := range d.Workbins {
		if !b.e.config.mayUse(b.e.config.workbins[w.Name], w.Owner, b.e.config.agents["anna"], "") {
			t.Errorf("anna may not use %v", w)
		}
	}
	if len(d.Workbins) == 0 {
		t.Error("anna has no workbin")
	}
	if d := b.e.Directory("", false); len(d.Workbins)+len(d.Agents) != 0 {
		t.Errorf("for nobody: %v", d)
	}
}

func names(reasons []*usherv1.Reason) (all string) {
	for _, r := range reasons {
		all += r.Name + " "
	}
	return all
}
