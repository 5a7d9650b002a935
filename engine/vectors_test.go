package engine

import (
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/vector"
)

// inVector is where "i0" waits in vector v1, and more that a test wants.
func inVector(w *world, more func(*usherv1.VectorState)) *usherv1.VectorState {
	_, version := w.e.PresentVector("v1")
	s := &usherv1.VectorState{
		Vector: "v1", Version: version, Step: 2, Executed: 1, ResumeAtMs: int64(w.now) + 30_000,
		Queueings: []*usherv1.Queueing{{Skill: "billing", Priority: usherv1.VectorPriority_VECTOR_PRIORITY_MEDIUM, QueuedAtMs: int64(w.now)}},
	}
	if more != nil {
		more(s)
	}
	return s
}

// suspended is a centre where "i0" waits in its vector.
func suspended(t *testing.T, more func(*usherv1.VectorState)) *world {
	w := staffed(t, modeAuto, 0)
	suspendIn(w, more)
	return w
}

func vectorOf(w *world) *usherv1.VectorState { return w.e.interactions["i0"].Vector() }

func toAgent1(w *world, skill string) *usherv1.RequestRouteCall {
	return &usherv1.RequestRouteCall{InteractionId: "i0", Target: &usherv1.RequestRouteCall_Agent{Agent: &usherv1.AgentTarget{AgentId: "agent1", Skill: skill}}}
}

func ticketOf(w *world) uint64 { return uint64(w.e.interactions["i0"].invitations[0].ticket) }

// TestVectorStays is when an interaction's place in its vector stays, and when
// it is gone.
func TestVectorStays(t *testing.T) {
	accept := func(w *world) {
		w.must(BuiltinRouter, toAgent1(w, "billing"))
		w.must(agent1, &usherv1.RequestAccept{Ticket: ticketOf(w)})
	}
	route := func(target *usherv1.RequestRouteCall) func(*world) {
		return func(w *world) {
			target.InteractionId = "i0"
			w.must(BuiltinRouter, target)
		}
	}
	conversing := func(s *usherv1.VectorState) { s.Conversing, s.Passing = true, []string{"one", "two"} }
	for name, test := range map[string]struct {
		more  func(*usherv1.VectorState)
		does  func(*world)
		stays bool
	}{
		"invited": {nil, func(w *world) { w.must(BuiltinRouter, toAgent1(w, "billing")) }, true},
		"rejected": {nil, func(w *world) {
			w.must(BuiltinRouter, toAgent1(w, "billing"))
			w.must(agent1, &usherv1.RequestReject{Ticket: ticketOf(w)})
		}, true},
		"held":      {nil, func(w *world) { w.must(media, &usherv1.RequestHold{InteractionId: "i0"}) }, true},
		"timeout":   {nil, func(w *world) { w.pass(12 * 3_600_000) }, true},
		"accepted":  {nil, accept, false},
		"pulled":    {nil, func(w *world) { pullFrom(w, "vectored") }, false},
		"queue":     {nil, route(&usherv1.RequestRouteCall{Target: &usherv1.RequestRouteCall_Queue{Queue: "other"}}), false},
		"own queue": {nil, route(&usherv1.RequestRouteCall{Target: &usherv1.RequestRouteCall_Queue{Queue: "vectored"}}), false},
		"back":      {nil, route(&usherv1.RequestRouteCall{Target: &usherv1.RequestRouteCall_Queue{Queue: "__BACK__"}}), true},
		"VDN":       {nil, route(&usherv1.RequestRouteCall{Target: &usherv1.RequestRouteCall_Vdn{Vdn: "4002"}}), false},
		"own VDN":   {nil, route(&usherv1.RequestRouteCall{Target: &usherv1.RequestRouteCall_Vdn{Vdn: "4003"}}), false},
		"workbin": {nil, route(&usherv1.RequestRouteCall{Target: &usherv1.RequestRouteCall_Workbin{
			Workbin: &usherv1.Workbin{Name: "drafts", Owner: "agent1"},
		}}), false},
		"conversing":        {conversing, accept, true},
		"converses, leaves": {conversing, func(w *world) { accept(w); w.must(agent1, &usherv1.RequestLeaveInteraction{InteractionId: "i0"}) }, true},
		"converses, back": {conversing, func(w *world) {
			accept(w)
			w.must(agent1, &usherv1.RequestPlaceInQueue{InteractionId: "i0", Queue: "__BACK__"})
		}, true},
		"converses, placed": {conversing, func(w *world) {
			accept(w)
			w.must(agent1, &usherv1.RequestPlaceInQueue{InteractionId: "i0", Queue: "second"})
		}, false},
		"converses, placed anew": {conversing, func(w *world) {
			accept(w)
			w.must(agent1, &usherv1.RequestPlaceInQueue{InteractionId: "i0", Vdn: "4001"})
		}, false},
		"the queue runs none": {nil, func(w *world) {
			w.must(admin, Apply{giving(&usherv1.Configuration{Queues: []*usherv1.Queue{{Name: "vectored"}}})})
		}, false},
		"the queue runs another": {nil, func(w *world) {
			w.must(admin, Apply{giving(&usherv1.Configuration{Queues: []*usherv1.Queue{{Name: "vectored", Strategy: Vectored, Vector: "v2"}}})})
		}, true},
		"a restart": {nil, func(w *world) { w.e = Load(savedState(w.t, w)) }, true},
	} {
		w := suspended(t, test.more)
		test.does(w)
		if got := vectorOf(w); (got != nil) != test.stays || got != nil && (got.Vector != "v1" || len(got.Queueings) != 1) {
			t.Errorf("%s: %v", name, got)
		}
		w.check()
	}
}

// TestConverse: it goes on as soon as it is back, with what it passes told to
// the agent.
func TestConverse(t *testing.T) {
	w := suspended(t, func(s *usherv1.VectorState) { s.Conversing, s.Passing = true, []string{"one", "two"} })
	out := w.must(BuiltinRouter, toAgent1(w, "billing"))
	for _, entry := range out.Entries {
		if m := entry.Event.GetEventInvite(); m != nil && (!slices.Equal(m.Passing, []string{"one", "two"}) || m.Skill != "billing") {
			t.Errorf("%v", m)
		}
	}
	w.must(agent1, &usherv1.RequestAccept{Ticket: ticketOf(w)})
	if s := vectorOf(w); s.ResumeAtMs != 1 || !s.Conversing {
		t.Errorf("%v", s)
	}
	w.must(agent1, &usherv1.RequestStopProcessing{InteractionId: "i0"})
	w.checkFold()
}

// TestRonaRequeues: at top priority in its skill since it first waited there,
// and its vector has ended; or at another VDN.
func TestRonaRequeues(t *testing.T) {
	w := suspended(t, func(s *usherv1.VectorState) {
		s.Queueings = append(s.Queueings, &usherv1.Queueing{Skill: "orders", QueuedAtMs: 5})
		s.Queueings[0].QueuedAtMs = 7
	})
	w.must(BuiltinRouter, toAgent1(w, "billing"))
	w.pass(11_999)
	if len(w.e.interactions["i0"].invitations) != 1 {
		t.Error("it rings no more before two rings of 6 s")
	}
	w.pass(1)
	s := vectorOf(w)
	want := &usherv1.Queueing{Skill: "billing", Priority: usherv1.VectorPriority_VECTOR_PRIORITY_TOP, QueuedAtMs: 7}
	if len(s.Queueings) != 1 || !proto.Equal(s.Queueings[0], want) || !s.Ended || s.ResumeAtMs != 0 || workOf(w, "agent1") != "AUX 4" {
		t.Errorf("%v, agent %s", s, workOf(w, "agent1"))
	}
	if i := w.e.interactions["i0"]; i.Queue() != "vectored" || i.Vdn() != "4001" {
		t.Errorf("it is in %s, came by %s", i.Queue(), i.Vdn())
	}
	w.checkFold()

	for vdn, queue := range map[string]QueueName{"4002": "other", "4003": "vectored"} {
		w = suspended(t, nil)
		w.must(admin, Apply{giving(&usherv1.Configuration{Skills: []*usherv1.Skill{{Name: "billing", RonaRings: 1, RonaVdn: vdn}}})})
		w.must(BuiltinRouter, toAgent1(w, "billing"))
		w.pass(6_000)
		if i := w.e.interactions["i0"]; i.Queue() != queue || i.Vdn() != vdn || i.Vector() != nil || workOf(w, "agent1") != "AUX 4" {
			t.Errorf("%s: it is in %s, came by %s, and in %v", vdn, i.Queue(), i.Vdn(), i.Vector())
		}
		w.checkFold()
	}
}

// TestRonaOfTwo: what rings at the same agent has not been answered either, and
// each is requeued at top priority.
func TestRonaOfTwo(t *testing.T) {
	w := suspended(t, nil)
	agent := proto.CloneOf(w.e.config.agents["agent1"])
	agent.CapacityRule, agent.Capacity = "", map[string]int32{"chat": 2}
	w.must(admin, Apply{giving(&usherv1.Configuration{Agents: []*usherv1.Agent{agent}})})
	w.must(media, &usherv1.RequestSubmit{InteractionId: "i1", Vdn: "4001", MediaType: "chat"})
	w.must(BuiltinRouter, &Suspend{"i1", inVector(w, nil)})
	w.must(BuiltinRouter, toAgent1(w, "billing"))
	w.pass(1_000)
	second := toAgent1(w, "billing")
	second.InteractionId = "i1"
	w.must(BuiltinRouter, second)
	w.pass(11_000)
	for _, id := range []InteractionID{"i0", "i1"} {
		i := w.e.interactions[id]
		if len(i.invitations) != 0 || i.Vector().Queueings[0].Priority != usherv1.VectorPriority_VECTOR_PRIORITY_TOP {
			t.Errorf("%s: %v", id, i.Vector())
		}
	}
	w.checkFold()
}

// heard are the messages of some types to a participant, by name.
func heard(out []Entry, who Participant) (names []string) {
	for _, entry := range out {
		if entry.Event != nil && slices.Contains(entry.To, who) {
			name := string(entry.Event.ProtoReflect().WhichOneof(entry.Event.ProtoReflect().Descriptor().Oneofs().ByName("message")).Name())
			names = append(names, strings.TrimPrefix(name, "event_"))
		}
	}
	return names
}

// TestAdjuncts: the first answer wins, the others are told; so are those of
// links that the vector gave up.
func TestAdjuncts(t *testing.T) {
	links := func(names ...string) func(*usherv1.VectorState) {
		return func(s *usherv1.VectorState) { s.Adjuncts = names }
	}
	w := suspended(t, links("link2", "down"))
	if got := vectorOf(w).Adjuncts; !slices.Equal(got, []string{"link2"}) {
		t.Errorf("asked are %v, one link is down", got)
	}
	out := w.must(BuiltinRouter, &Suspend{"i0", inVector(w, links("link1", "link2"))})
	if got := heard(out.Entries, urs); !slices.Equal(got, []string{"route_request"}) {
		t.Errorf("urs hears %v", got)
	}
	if got := heard(out.Entries, urs2); len(got) != 0 {
		t.Errorf("urs2 is asked already, and hears %v", got)
	}
	out = w.must(BuiltinRouter, &Suspend{"i0", inVector(w, links("link1"))})
	if got := heard(out.Entries, urs2); !slices.Equal(got, []string{"abandoned"}) {
		t.Errorf("urs2 is asked no more, and hears %v", got)
	}
	if out := w.ask(urs2, toAgent1(w, "")); out.Err.GetCode() != errNotRouting {
		t.Errorf("urs2 is asked no more, and answers: %v", out.Err)
	}
	w.must(BuiltinRouter, &Suspend{"i0", inVector(w, links("link1", "link2"))})
	out = w.must(urs2, &usherv1.RequestRouteCall{InteractionId: "i0", ReferenceId: "r", Target: &usherv1.RequestRouteCall_Queue{Queue: "second"}})
	if got := heard(out.Entries, urs); !slices.Equal(got, []string{"abandoned"}) {
		t.Errorf("urs has lost, and hears %v", got)
	}
	if got := heard(out.Entries, urs2); !slices.Equal(got, []string{"route_used"}) {
		t.Errorf("urs2 has won, and hears %v", got)
	}
	if i := w.e.interactions["i0"]; i.Queue() != "second" || i.Vector() != nil || len(i.adjuncts) != 0 {
		t.Errorf("it is in %s", i.Queue())
	}
	w.checkFold()
}

// TestAdjunctsEnd: whatever takes an interaction away ends its open requests.
func TestAdjunctsEnd(t *testing.T) {
	for name, does := range map[string]func(*world){
		"delivered": func(w *world) { w.must(BuiltinRouter, toAgent1(w, "billing")) },
		"pulled":    func(w *world) { pullFrom(w, "vectored") },
		"stopped":   func(w *world) { w.must(media, &usherv1.RequestStopProcessing{InteractionId: "i0"}) },
		"timeout":   func(w *world) { w.pass(12 * 3_600_000) },
	} {
		w := suspended(t, func(s *usherv1.VectorState) { s.Adjuncts = []string{"link2"} })
		from := len(w.journal)
		does(w)
		told := 0
		for _, ev := range eventsSince(w, from) {
			if ev.GetEventAbandoned() != nil && ev.Reason == reasonRouteEnd {
				told++
			}
		}
		if told != 1 {
			t.Errorf("%s: told %d times", name, told)
		}
		w.checkFold()
	}
}

// TestAdjunctRouterGone: a router that is gone owes nothing any more; when
// nobody does the vector goes on at once.
func TestAdjunctRouterGone(t *testing.T) {
	w := suspended(t, func(s *usherv1.VectorState) {
		s.Adjuncts, s.ResumeAtMs = []string{"link1", "link2"}, 1_900_000_000_000
	})
	w.must(urs2, Disconnect{ConnectionID: "urs2-c"})
	if state := vectorOf(w); !slices.Equal(state.Adjuncts, []string{"link1"}) || state.ResumeAtMs <= int64(w.now) {
		t.Errorf("one is gone: %v", state)
	}
	w.must(urs, Disconnect{ConnectionID: "urs-c"})
	if state := vectorOf(w); len(state.Adjuncts) != 0 || state.ResumeAtMs != int64(w.now) {
		t.Errorf("both are gone: %v", state)
	}
	w.checkFold()
}

// TestTreatment: the media server hears what the caller is given when it
// changes.
func TestTreatment(t *testing.T) {
	w := suspended(t, nil)
	w.must(admin, Apply{giving(&usherv1.Configuration{Announcements: []*usherv1.Announcement{{Name: "busy", Text: "All are busy."}}})})
	music := &usherv1.Treatment{Kind: usherv1.TreatmentKind_TREATMENT_KIND_MUSIC}
	said := &usherv1.Treatment{Kind: usherv1.TreatmentKind_TREATMENT_KIND_ANNOUNCEMENT, Source: "busy"}
	for n, step := range []struct {
		treatment *usherv1.Treatment
		text      string
		told      bool
	}{{nil, "", false}, {music, "", true}, {music, "", false}, {said, "All are busy.", true}, {nil, "", true}} {
		out := w.must(BuiltinRouter, &Suspend{"i0", inVector(w, func(s *usherv1.VectorState) { s.Treatment = proto.CloneOf(step.treatment) })})
		told := false
		for _, entry := range out.Entries {
			if m := entry.Event.GetEventTreatmentApplied(); m != nil {
				told = proto.Equal(m.Treatment, step.treatment) && m.Text == step.text && entry.To[0] == media
			}
		}
		if told != step.told {
			t.Errorf("step %d: told %v", n, told)
		}
	}
}

// TestVectorCallsService: the answer, the fault or the timeout brings the
// vector back.
func TestVectorCallsService(t *testing.T) {
	call := func(service string) func(*usherv1.VectorState) {
		return func(s *usherv1.VectorState) {
			s.ServiceCall = &usherv1.VectorServiceCall{Service: service, Method: "ask", DeadlineMs: 1_700_000_004_000}
		}
	}
	open := func(w *world) uint64 { return sortedKeys(w.e.serviceRequests)[0] }
	for name, test := range map[string]struct {
		service string
		does    func(*world)
		fault   string
		done    bool
	}{
		"open":     {"crm1", func(*world) {}, "", false},
		"answered": {"crm1", func(w *world) { w.must(crm1, &usherv1.Event3RdServerResponse{RequestId: open(w)}) }, "", true},
		"faulty":   {"crm1", func(w *world) { w.must(crm1, &usherv1.Event3RdServerFault{RequestId: open(w), Fault: "Down"}) }, "Down", true},
		"too late": {"crm1", func(w *world) { w.pass(4_000) }, faultTimeout, true},
		"unknown":  {"none", func(*world) {}, vector.FaultNoService, true},
		"while it rings": {"crm1", func(w *world) {
			w.must(BuiltinRouter, toAgent1(w, "billing"))
			w.must(crm1, &usherv1.Event3RdServerResponse{RequestId: open(w)})
		}, "", true},
		"after a restart": {"crm1", func(w *world) { w.e = Load(savedState(w.t, w)); w.pass(4_000) }, faultTimeout, true},
	} {
		w := suspended(t, call(test.service))
		test.does(w)
		s := vectorOf(w)
		if c := s.ServiceCall; c.Answered != test.done || c.Fault != test.fault || test.done && s.ResumeAtMs != int64(w.now) {
			t.Errorf("%s: %v", name, s)
		}
		w.check()
	}
	w := suspended(t, call("crm1"))
	id := open(w)
	w.must(BuiltinRouter, &Suspend{"i0", inVector(w, call("crm1"))}) // the same call: it is not asked again
	if len(w.e.serviceRequests) != 1 {
		t.Errorf("asked %d times", len(w.e.serviceRequests))
	}
	pullFrom(w, "vectored")
	w.must(crm1, &usherv1.Event3RdServerResponse{RequestId: id}) // it is in no vector any more
	w.checkFold()
}

// TestVectorVersions: who is inside keeps the version that he began with; a
// former one is forgotten when nobody is in it.
func TestVectorVersions(t *testing.T) {
	w := suspended(t, nil)
	_, first := w.e.PresentVector("v1")
	changed := func(skill string) uint64 {
		w.must(admin, Apply{giving(&usherv1.Configuration{Vectors: []*usherv1.Vector{vectorNamed("v1", skill)}})})
		_, version := w.e.PresentVector("v1")
		return version
	}
	second := changed("orders")
	w.must(media, &usherv1.RequestSubmit{InteractionId: "i1", Queue: "vectored", MediaType: "chat"})
	w.must(BuiltinRouter, &Suspend{"i1", &usherv1.VectorState{
		Vector: "v2", Version: first, Returns: []*usherv1.VectorReturn{{Vector: "v1", Version: second, Step: 1}},
	}})
	third := changed("german")
	known := func(what string, want ...bool) {
		t.Helper()
		for n, version := range []uint64{first, second, third} {
			if got := w.e.VectorAt("v1", version) != nil; got != want[n] {
				t.Errorf("%s: version %d is known: %v", what, version, got)
			}
		}
		w.e = Load(savedState(t, w))
		w.check()
	}
	if first == second || second == third || !strings.Contains(w.e.VectorAt("v1", second).Format(), "orders") {
		t.Errorf("versions %d, %d, %d", first, second, third)
	}
	known("all are used", true, true, true)
	w.must(media, &usherv1.RequestStopProcessing{InteractionId: "i0"})
	known("the first is left", false, true, true)
	w.must(admin, Apply{giving(&usherv1.Configuration{Queues: []*usherv1.Queue{{Name: "vectored", Strategy: Vectored, Vector: "v2"}}})})
	w.must(admin, Apply{removing("vector", "v1")})
	known("it is removed", false, true, false)
	w.must(BuiltinRouter, &Suspend{"i1", &usherv1.VectorState{Vector: "v2", Version: first}})
	known("it has returned", false, false, false)
}

// TestOnlyTheRouterSuspends: nobody else may, and only what it has.
func TestOnlyTheRouterSuspends(t *testing.T) {
	w := suspended(t, nil)
	for _, who := range []Participant{media, agent1, urs, crm1} {
		if out := w.ask(who, &Suspend{"i0", inVector(w, nil)}); out.Err.GetCode() != errPermissionDenied {
			t.Errorf("%s: %v", who.ID, out.Err)
		}
	}
	w.must(BuiltinRouter, toAgent1(w, ""))
	if out := w.ask(BuiltinRouter, &Suspend{"i0", inVector(w, nil)}); out.Err.GetCode() != errAlreadyDelivering {
		t.Errorf("while it rings: %v", out.Err)
	}
}
