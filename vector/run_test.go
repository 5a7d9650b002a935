package vector

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// enter runs the vector 1 with the steps.
func enter(t *testing.T, w *fakeWorld, steps string) (*usherv1.VectorState, Outcome) {
	t.Helper()
	return again(t, w, Begin(w.is(t, "vector 1\n"+steps), uint64(len(w.versions["1"]))))
}

// again runs on, and sees to it that the given state stays as it is.
func again(t *testing.T, w World, state *usherv1.VectorState) (*usherv1.VectorState, Outcome) {
	t.Helper()
	before := proto.CloneOf(state)
	after, outcome := Run(state, w)
	if !proto.Equal(state, before) {
		t.Fatalf("Run changed its input from\n%v to\n%v", before, state)
	}
	return after, outcome
}

// expect compares what is told.
func expect(t *testing.T, what string, s *usherv1.VectorState, o Outcome, want string) {
	t.Helper()
	if got := told(s, o); got != want {
		t.Errorf("%s:\n got %s\nwant %s", what, got, want)
	}
}

// TestRunSteps: every step, where it succeeds and where it fails.
func TestRunSteps(t *testing.T) {
	waiting := "queue-to skill billing pri m\n" // so that a stop shows the queues
	for _, test := range []struct {
		steps string
		world func(*fakeWorld)
		want  string
	}{
		// queue-to
		{"queue-to skill billing pri m", nil, "ended at 2, in billing m"},
		{"queue-to target german pri t", nil, "ended at 2, in german t"},
		{"queue-to skill unknown pri m", nil, "dropped stop"},
		{"queue-to skill billing pri m", func(w *fakeWorld) { w.places["billing"].full = true }, "dropped stop"},
		{"queue-to skill 1st pri m\nqueue-to skill 3rd pri l", func(w *fakeWorld) { w.vdnSkills = []string{"tax", "general", "sales"} }, "ended at 3, in tax m, in sales l"},
		{"queue-to skill 2nd pri m", func(w *fakeWorld) { w.vdnSkills = []string{"tax"} }, "dropped stop"},
		{"queue-to best", nil, "dropped stop"},
		{waiting + waiting, nil, "ended at 3, in billing m"},
		{waiting + "queue-to skill billing pri m preferring agent bob for 20 secs", func(w *fakeWorld) { w.known["agent bob"] = true }, "ended at 3, in billing m"},
		{waiting + "queue-to skill billing pri h", nil, "ended at 3, in billing h"},
		{waiting + "queue-to skill billing pri l", func(w *fakeWorld) { w.places["billing"].full = true }, "dropped stop"},
		{waiting + "queue-to skill general pri m\nqueue-to skill tax pri m\nqueue-to skill sales pri m", nil, "ended at 5, in billing m, in general m, in tax m"},
		{waiting + "queue-to skill general pri m\nqueue-to skill tax pri m\nqueue-to skill general pri t", nil, "ended at 5, in billing m, in general t, in tax m"},
		{waiting, func(w *fakeWorld) { w.places["billing"].reached = true }, "suspended at 2, +0, in billing m"},
		{"queue-to skill billing pri m preferring agent bob for 20 secs", func(w *fakeWorld) { w.known["agent bob"] = true }, "ended at 2, in billing m, bob first until +20000"},
		{"queue-to skill billing pri m preferring agent bob for 20 secs", nil, "ended at 2, in billing m"},
		{"queue-to skill billing pri m preferring last-agent for 20 secs", func(w *fakeWorld) { w.lastAgent, w.known["agent bob"] = "bob", true }, "ended at 2, in billing m, bob first until +20000"},
		{"queue-to skill billing pri m preferring last-agent for 20 secs", nil, "ended at 2, in billing m"},
		{"set who = \"bob\"\nqueue-to skill billing pri m preferring agent expression `variable.who` for 1 mins", func(w *fakeWorld) { w.known["agent bob"] = true }, "ended at 3, in billing m, bob first until +60000"},
		{"queue-to skill billing pri m preferring agent expression `data.who` for 1 mins", nil, "ended at 2, in billing m"},
		{waiting + "queue-to skill billing pri h preferring agent bob for 20 secs", func(w *fakeWorld) { w.known["agent bob"] = true }, "ended at 3, in billing h, bob first until +20000"},

		// check
		{"check skill billing pri m if available-agents > 0", nil, "dropped stop"},
		{"check skill billing pri m if available-agents > 0", func(w *fakeWorld) { w.places["billing"].available = 1 }, "ended at 2, in billing m"},
		{"check skill billing pri m if available-agents in skill tax > 0", func(w *fakeWorld) { w.places["tax"].available = 1 }, "ended at 2, in billing m"},
		{"check skill 1st pri m if staffed-agents > 0", func(w *fakeWorld) { w.vdnSkills, w.places["tax"].staffed = []string{"tax"}, 1 }, "ended at 2, in tax m"},

		// goto, stop
		{"goto step 3\nbusy\n" + waiting, nil, "ended at 4, in billing m"},
		{"goto step 3 if digits = 1\nbusy\n" + waiting, nil, "dropped busy"},
		{waiting + "goto step 99", nil, "ended at 99, in billing m"},
		{waiting + "stop\nbusy", nil, "ended at 2, in billing m"},
		{"stop", nil, "dropped stop"},
		{waiting + "return\nbusy", nil, "ended at 2, in billing m"},
		{"goto vector 2\n" + waiting, nil, "ended at 3, in billing m"},

		// wait-time, announcement, collect
		{"wait-time 30 secs hearing music", nil, "suspended at 2, +30000, hearing music"},
		{"wait-time 2 mins hearing radio", nil, "suspended at 2, +120000, hearing source radio"},
		{waiting + "wait-time 0 secs hearing ringback\ngoto step 4", nil, "ended at 4, in billing m, hearing ringback"},
		{"announcement busy-now", nil, "suspended at 2, +4000, hearing announcement busy-now"},
		{waiting + "announcement short", nil, "ended at 3, in billing m, hearing announcement short"},
		{waiting + "announcement missing", nil, "ended at 3, in billing m"},
		{waiting + "collect 4 digits after announcement busy-now", nil, "ended at 3, in billing m"},

		// route-to, messaging
		{waiting + "route-to number 5000", func(w *fakeWorld) { w.known["vdn 5000"], w.known["agent 5000"] = true, true }, "routed to vdn 5000"},
		{waiting + "route-to number 5000 with cov y", func(w *fakeWorld) { w.known["agent 5000"] = true }, "ended at 2, in 5000 t"},
		{waiting + "route-to number 5000", nil, "ended at 3, in billing m"},
		{waiting + "route-to number 5000 if digits = 1", func(w *fakeWorld) { w.known["vdn 5000"] = true }, "ended at 3, in billing m"},
		{waiting + "route-to digits", nil, "ended at 3, in billing m"},
		{"route-to queue inbound", func(w *fakeWorld) { w.known["queue inbound"] = true }, "routed to queue inbound"},
		{"route-to queue inbound\nbusy", nil, "dropped busy"},
		{"route-to vdn 5000", func(w *fakeWorld) { w.known["vdn 5000"] = true }, "routed to vdn 5000"},
		{"route-to vdn 5000\nbusy", func(w *fakeWorld) { w.known["agent 5000"] = true }, "dropped busy"},
		{"route-to workbin drafts of bob", func(w *fakeWorld) { w.known["workbin drafts of bob"] = true }, "routed to workbin drafts bob"},
		{"route-to workbin drafts\nbusy", func(w *fakeWorld) { w.known["workbin drafts of bob"] = true }, "dropped busy"},
		{waiting + "route-to agent bob", func(w *fakeWorld) { w.known["agent bob"] = true }, "ended at 2, in bob t"},
		{waiting + "route-to agent bob\nbusy", nil, "dropped busy"},
		{"messaging skill billing for bob", func(w *fakeWorld) { w.known["workbin messages of bob"] = true }, "routed to workbin messages bob"},
		{"messaging skill billing for bob\nbusy", nil, "dropped busy"},

		// busy, disconnect
		{waiting + "busy", nil, "dropped busy"},
		{waiting + "disconnect", nil, "dropped disconnect"},
		{waiting + "disconnect after announcement missing", nil, "dropped disconnect"},
		{waiting + "disconnect after announcement short", nil, "dropped disconnect"},
		{waiting + "disconnect after announcement busy-now", nil, "suspended at 2, +4000, hearing announcement busy-now"},

		// converse-on
		{waiting + "converse-on skill tax pri h passing digits and qpos", func(w *fakeWorld) { w.position = 2 }, `suspended at 3, in billing m, in tax h, passing ["" "2"]`},
		{"converse-on skill tax pri h passing ani and wait", func(w *fakeWorld) { w.ani = "0301234" }, `suspended at 2, in tax h, passing ["0301234" "31"]`},
		{"converse-on skill tax pri h passing none and hello", nil, `suspended at 2, in tax h, passing ["" "hello"]`},
		{"converse-on skill tax pri h passing vdn", nil, `suspended at 2, in tax h, passing ["4099"]`},
		{"converse-on skill unknown pri h\nbusy", nil, "dropped busy"},
		{"converse-on skill tax pri h\nbusy", func(w *fakeWorld) { w.places["tax"].full = true }, "dropped busy"},
		{waiting + "converse-on skill billing pri h\nstop", nil, "ended at 3, in billing m"},
		{waiting + "queue-to skill general pri m\nqueue-to skill sales pri m\nconverse-on skill tax pri h\nstop", nil, "ended at 5, in billing m, in general m, in sales m"},
	} {
		w := newFakeWorld()
		if test.world != nil {
			test.world(w)
		}
		s, o := enter(t, w, test.steps)
		expect(t, test.steps, s, o, test.want)
		if o.Kind != Suspended && (len(s.GetQueueings()) > 0 || !s.GetEnded()) {
			t.Errorf("%s: who leaves waits nowhere: %v", test.steps, s)
		}
	}
}

// TestRequeue keeps the time of queueing.
func TestRequeue(t *testing.T) {
	w := newFakeWorld()
	s, _ := enter(t, w, "queue-to skill billing pri m\nwait-time 5 secs hearing silence\nqueue-to skill billing pri t")
	w.nowMs += 5000
	s, o := again(t, w, s)
	expect(t, "requeued", s, o, "ended at 4, in billing t, hearing silence")
	if since := s.GetQueueings()[0].GetQueuedAtMs(); since != 1_000_000 {
		t.Errorf("waits since %d", since)
	}
}

// TestEnded: after a stop nothing happens any more.
func TestEnded(t *testing.T) {
	w := newFakeWorld()
	s, _ := enter(t, w, "queue-to skill billing pri m\nstop\nbusy")
	executed := s.GetExecuted()
	s, o := again(t, w, s)
	expect(t, "again", s, o, "ended at 2, in billing m")
	if s.GetExecuted() != executed {
		t.Error("a step was executed")
	}
}

// TestDisconnectAfterAnnouncement: it plays once, whatever was heard before.
func TestDisconnectAfterAnnouncement(t *testing.T) {
	w := newFakeWorld()
	s, _ := enter(t, w, "announcement busy-now\nwait-time 1 secs hearing music\ndisconnect after announcement busy-now")
	var o Outcome
	for _, want := range []string{"suspended at 3, +1000, hearing music", "suspended at 3, +4000, hearing announcement busy-now", "dropped disconnect"} {
		s, o = again(t, w, s)
		expect(t, "then", s, o, want)
	}
}

func TestAdjunctRouting(t *testing.T) {
	for _, test := range []struct {
		steps string
		up    string
		want  string
	}{
		{"adjunct routing link 1\nwait-time 10 secs hearing ringback", "1", "suspended at 3, +10000, hearing ringback, asking 1"},
		{"adjunct routing link 1\nwait-time 10 secs hearing ringback\nbusy", "", "dropped busy"},
		{"adjunct routing link 1\nadjunct routing link 2\nwait-time 10 secs hearing ringback", "1", "suspended at 4, +10000, hearing ringback, asking 1"},
		{"adjunct routing link 1\nadjunct routing link 2\nadjunct routing link 1\nannouncement busy-now", "1 2", "suspended at 5, +4000, hearing announcement busy-now, asking 1 2"},
		{"adjunct routing link 1\nannouncement busy-now", "", "suspended at 3, +4000, hearing announcement busy-now"},
		{"wait-time 0 secs hearing silence\nadjunct routing link 1\ngoto step 4\nwait-time 10 secs hearing music", "", "suspended at 5, +10000, hearing music"},
		// After the deadline it is still asked, and a stop waits for the answer.
		{"adjunct routing link 1", "1", "suspended at 2, asking 1"},
		{"adjunct routing link 1\nstop\nbusy", "1", "suspended at 2, asking 1"},
		{"adjunct routing link 1\nset x = 1\nstop", "1", "suspended at 3, asking 1"},
		// Whatever moves the call takes the question back.
		{"adjunct routing link 1\nbusy", "1", "dropped busy"},
		{"adjunct routing link 1\ncheck skill tax pri m if available-agents > 0", "1", "dropped stop"},
		{"adjunct routing link 1\nqueue-to skill billing pri m", "1", "ended at 3, in billing m"},
		{"adjunct routing link 1\nqueue-to skill unknown pri m", "1", "dropped stop"},
		{"adjunct routing link 1\ncollect 1 digits", "1", "dropped stop"},
		{"adjunct routing link 1\nconverse-on skill tax pri m", "1", "suspended at 3, in tax m, passing []"},
		{"adjunct routing link 1\ndisconnect after announcement busy-now", "1", "suspended at 2, +4000, hearing announcement busy-now"},
		{"adjunct routing link 1\nmessaging skill billing for bob", "1", "dropped stop"},
		{"adjunct routing link 1\nroute-to queue unknown", "1", "dropped stop"},
	} {
		w := newFakeWorld()
		for _, link := range strings.Fields(test.up) {
			w.known["link "+link] = true
		}
		s, o := enter(t, w, test.steps)
		expect(t, test.steps+" with "+test.up, s, o, test.want)
		if o.Kind != Suspended && len(s.GetAdjuncts()) > 0 {
			t.Errorf("%s: still asks %v", test.steps, s.GetAdjuncts())
		}
	}
}

// TestAdjunctDeadline: the wait, or announcement, behind it is the time for an
// answer.
func TestAdjunctDeadline(t *testing.T) {
	w := newFakeWorld()
	w.known["link 1"] = true
	s, o := enter(t, w, "adjunct routing link 1\nwait-time 10 secs hearing ringback\nwait-time 5 secs hearing music")
	expect(t, "during the wait", s, o, "suspended at 3, +10000, hearing ringback, asking 1")
	s, o = again(t, w, s)
	expect(t, "after the wait", s, o, "suspended at 4, +5000, hearing music")
	s, _ = enter(t, w, "adjunct routing link 1\nannouncement busy-now")
	s, o = again(t, w, s)
	expect(t, "after the announcement", s, o, "dropped stop")
}

func TestConverse(t *testing.T) {
	w := newFakeWorld()
	w.vdnSkills = []string{"tax"}
	s, o := enter(t, w, "queue-to skill billing pri m\nconverse-on skill 1st pri m passing vdn\nwait-time 1 secs hearing music")
	expect(t, "conversing", s, o, `suspended at 3, in billing m, in tax m, passing ["4099"]`)
	if s.GetSincePause() != 0 {
		t.Error("to converse counts as a pause")
	}
	s, o = again(t, w, s)
	expect(t, "back", s, o, "suspended at 4, +1000, in billing m, hearing music")
	if s.GetPassing() != nil {
		t.Errorf("still passing %v", s.GetPassing())
	}
}

func TestConsider(t *testing.T) {
	for _, test := range []struct {
		billing, general fakePlace
		adjust           int
		want             string
	}{
		{fakePlace{waitMs: 1000}, fakePlace{waitMs: 999}, 0, "general h"},
		{fakePlace{waitMs: 1000}, fakePlace{waitMs: 1000}, 0, "billing m"},
		{fakePlace{waitMs: 1099}, fakePlace{waitMs: 1000}, 10, "billing m"},
		{fakePlace{waitMs: 1100}, fakePlace{waitMs: 1000}, 10, "billing m"},
		{fakePlace{waitMs: 1101}, fakePlace{waitMs: 1000}, 10, "general h"},
		{fakePlace{waitMs: 1000}, fakePlace{waitMs: 9000, available: 1}, 100, "general h"},
		{fakePlace{waitMs: 9000, available: 1}, fakePlace{waitMs: 1}, 0, "billing m"},
		{fakePlace{infinite: true}, fakePlace{waitMs: 1 << 40}, 100, "general h"},
		{fakePlace{waitMs: 1 << 40}, fakePlace{infinite: true}, 0, "billing m"},
		{fakePlace{infinite: true}, fakePlace{infinite: true}, 0, "billing m"},
	} {
		w := newFakeWorld()
		w.places["billing"], w.places["general"] = &test.billing, &test.general
		s, o := enter(t, w, fmt.Sprintf("consider skill unknown pri m\nconsider skill billing pri m\nconsider skill general pri h adjust-by %d\nqueue-to best", test.adjust))
		expect(t, fmt.Sprintf("%+v", test), s, o, "ended at 5, in "+test.want)
	}
}

// TestConsiderKeepsTheAdjustmentOfTheBest: the best so far looks as bad to the
// third as it did to the second.
func TestConsiderKeepsTheAdjustmentOfTheBest(t *testing.T) {
	w := newFakeWorld()
	w.places["billing"].infinite = true
	w.places["general"].waitMs, w.places["tax"].waitMs = 1000, 1400
	s, o := enter(t, w, "consider skill billing pri m\nconsider skill general pri m adjust-by 50\nconsider skill tax pri m\nqueue-to best")
	expect(t, "1500 against 1400", s, o, "ended at 5, in tax m")
	delete(w.places, "tax")
	s, o = again(t, w, &usherv1.VectorState{Vector: "1", Version: 1, Step: 2, Best: &usherv1.Queueing{Skill: "tax", Priority: usherv1.VectorPriority_VECTOR_PRIORITY_LOW}})
	expect(t, "the best is gone", s, o, "ended at 5, in general m")
}

func TestSet(t *testing.T) {
	w := newFakeWorld()
	w.values.Interaction.UserData = structOf(t, `{"tries": 2, "long": "`+strings.Repeat("a", 40_000)+`"}`)
	s, _ := enter(t, w, "set n = data.tries + 1\nset n = data.nothing\nset m = variable.n * 2\nset a = data.long\nset b = data.long\nset v = vdn")
	fields := s.GetVariables().GetFields()
	if fields["n"].GetNumberValue() != 3 || fields["m"].GetNumberValue() != 6 || fields["v"].GetStringValue() != "4099" {
		t.Errorf("variables are %v", fields)
	}
	if fields["a"] == nil || fields["b"] != nil {
		t.Error("only one long text fits")
	}
}

func TestCallService(t *testing.T) {
	steps := "call-service crm method find with `{\"id\": digits}` within 5 secs\nset found = response.name\nset fault = response.fault"
	w := newFakeWorld()
	s, _ := enter(t, w, steps)
	if f := s.GetVariables().GetFields(); f["found"] != nil || f["fault"].GetStringValue() != "NoService" {
		t.Errorf("no service: %v", s)
	}

	w.known["service crm"] = true
	begun := Begin("1", 1)
	begun.Digits = "42"
	s, o := again(t, w, begun)
	expect(t, "called", s, o, "suspended at 2")
	want := &usherv1.VectorServiceCall{Service: "crm", Method: "find", Parameters: structOf(t, `{"id": "42"}`), DeadlineMs: 1_005_000}
	if !proto.Equal(s.GetServiceCall(), want) {
		t.Errorf("the call is %v, want %v", s.GetServiceCall(), want)
	}
	if same, o := again(t, w, s); !proto.Equal(same, s) || o.Kind != Suspended {
		t.Errorf("without an answer it went on to %v", same)
	}
	answered := proto.CloneOf(s)
	answered.ServiceCall.Answered, answered.ServiceCall.Response = true, structOf(t, `{"name": "anna"}`)
	s, _ = again(t, w, answered)
	if f := s.GetVariables().GetFields(); f["found"].GetStringValue() != "anna" || f["fault"].GetStringValue() != "" {
		t.Errorf("answered: %v", s)
	}

	s, _ = enter(t, w, "call-service crm method find with `{\"id\": data.id}` within 5 secs\nset fault = response.fault")
	if s.GetVariables().GetFields()["fault"].GetStringValue() != "InvalidParameters" {
		t.Errorf("without parameters: %v", s)
	}
	w.known = map[string]bool{"type crm": true}
	s, o = enter(t, w, "call-service type crm method find within 5 secs")
	expect(t, "by type", s, o, "suspended at 2")
	if s.GetServiceCall().GetType() != "crm" || s.GetServiceCall().GetParameters() != nil {
		t.Errorf("by type: %v", s.GetServiceCall())
	}
}

// TestPauses: a second after seven steps that did not suspend.
func TestPauses(t *testing.T) {
	w := newFakeWorld()
	s, o := enter(t, w, strings.Repeat("set x = 1\n", 8)+"busy")
	expect(t, "seven steps", s, o, "suspended at 8, +1000")
	s, o = again(t, w, s)
	expect(t, "two more", s, o, "dropped busy")
	s, o = enter(t, w, strings.Repeat("set x = 1\n", 6)+"busy")
	expect(t, "six steps and busy", s, o, "dropped busy")
	s, o = enter(t, w, strings.Repeat("set x = 1\n", 6)+"wait-time 9 secs hearing music\n"+strings.Repeat("set x = 1\n", 6)+"busy")
	expect(t, "a wait counts as a pause", s, o, "suspended at 8, +9000, hearing music")
	s, o = again(t, w, s)
	expect(t, "six more and busy", s, o, "dropped busy")
}

// TestPausesAlsoWhenAgentsAreReached: to suspend for no time is no pause.
func TestPausesAlsoWhenAgentsAreReached(t *testing.T) {
	w := newFakeWorld()
	w.places["billing"].reached = true
	s, o := enter(t, w, "queue-to skill billing pri m\nqueue-to skill billing pri h\ngoto step 1")
	runs := 1
	for ; s.GetResumeAtMs() == w.nowMs; runs++ {
		s, o = again(t, w, s)
	}
	if runs > 7 || s.GetResumeAtMs() != w.nowMs+1000 {
		t.Errorf("after %d runs: %s", runs, told(s, o))
	}
}

// TestTenThousandSteps: then it stops.
func TestTenThousandSteps(t *testing.T) {
	for first, want := range map[string]string{"queue-to skill billing pri m": "ended at 2, in billing m", "set x = 1": "dropped stop"} {
		w := newFakeWorld()
		s, o := enter(t, w, first+"\nset x = 2\ngoto step 2")
		runs := 0
		for ; o.Kind == Suspended && !s.GetEnded(); runs++ {
			w.nowMs = s.GetResumeAtMs()
			s, o = again(t, w, s)
		}
		if s.GetExecuted() != 10_000 || runs != 10_000/7 {
			t.Errorf("%d steps in %d runs", s.GetExecuted(), runs)
		}
		if got := told(s, o); !strings.HasPrefix(strings.Replace(got, "at 3", "at 2", 1), want) {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestSubroutines(t *testing.T) {
	w := newFakeWorld()
	w.is(t, "vector 2\nbusy\nqueue-to skill tax pri m\nreturn\nbusy")
	s, o := enter(t, w, "goto vector 2 @step 2 if digits <> 7\nqueue-to skill sales pri m")
	expect(t, "there and back", s, o, "ended at 3, in tax m, in sales m")
	if s.GetVector() != "1" || s.GetVersion() != 1 || len(s.GetReturns()) != 0 {
		t.Errorf("it is in %v", s)
	}
	s, o = enter(t, w, "goto vector 2 @step 2 if digits = 7\nqueue-to skill sales pri m")
	expect(t, "not gone there", s, o, "ended at 3, in sales m")

	// Each level notes where it came from; the 101st is a stop.
	w = newFakeWorld()
	s, o = enter(t, w, "queue-to skill tax pri m\ngoto vector 1 @step 2")
	for o.Kind == Suspended && !s.GetEnded() {
		s, o = again(t, w, s)
	}
	expect(t, "too deep", s, o, "ended at 2, in tax m")
	if len(s.GetReturns()) != 100 || s.GetReturns()[99].GetStep() != 3 {
		t.Errorf("%d levels", len(s.GetReturns()))
	}
}

// TestVersions: who is inside a vector keeps its text, also after he returns
// to it; who goes to one gets the present one.
func TestVersions(t *testing.T) {
	w := newFakeWorld()
	w.is(t, "vector 2\nbusy")
	s, _ := enter(t, w, "wait-time 1 secs hearing music\ngoto vector 2\nqueue-to skill tax pri m")
	w.is(t, "vector 1\nbusy\nbusy\nbusy\nbusy")
	w.is(t, "vector 2\nreturn")
	s, o := again(t, w, s)
	expect(t, "the old 1, the new 2", s, o, "ended at 4, in tax m, hearing music")
	s, _ = enter(t, w, "queue-to skill tax pri m\nwait-time 1 secs hearing music")
	w.versions = nil
	s, o = again(t, w, s)
	expect(t, "gone", s, o, "ended at 3, in tax m, hearing music")
}

// TestRunConditions: every condition, at its boundary and beside it.
func TestRunConditions(t *testing.T) {
	set := func(f func(*fakeWorld, int64)) func(*fakeWorld, int64) { return f }
	for _, test := range []struct {
		condition string
		world     func(*fakeWorld, int64)
		at        []int64
		holds     string // a letter for each of at
	}{
		{"available-agents in skill billing > 3", set(func(w *fakeWorld, n int64) { w.places["billing"].available = int(n) }), []int64{2, 3, 4}, "nny"},
		{"available-agents in target german >= 3", set(func(w *fakeWorld, n int64) { w.places["~german"].available = int(n) }), []int64{2, 3, 4}, "nyy"},
		{"staffed-agents in skill billing < 3", set(func(w *fakeWorld, n int64) { w.places["billing"].staffed = int(n) }), []int64{2, 3, 4}, "ynn"},
		{"calls-queued in skill billing pri h <= 3", set(func(w *fakeWorld, n int64) { w.places["billing"].queued = int(n) }), []int64{2, 3, 4}, "yyn"},
		{"calls-queued in skill billing pri h = 3", set(func(w *fakeWorld, n int64) { w.places["billing"].queued = int(n) }), []int64{2, 3, 4}, "nyn"},
		{"calls-queued in skill billing pri h <> 3", set(func(w *fakeWorld, n int64) { w.places["billing"].queued = int(n) }), []int64{2, 3, 4}, "yny"},
		{"oldest-call-wait in skill billing pri l > 30 secs", set(func(w *fakeWorld, n int64) { w.places["billing"].oldestMs = n }), []int64{29_999, 30_000, 30_001}, "nny"},
		{"rolling-asa for skill billing <= 30", set(func(w *fakeWorld, n int64) { w.places["billing"].asaMs = n }), []int64{29_999, 30_000, 30_001}, "yyn"},
		{"rolling-asa for vdn 5000 <= 30", set(func(w *fakeWorld, n int64) { w.vdnASAMs = map[string]int64{"5000": n} }), []int64{29_999, 30_000, 30_001}, "yyn"},
		{"rolling-asa for vdn active <= 30", set(func(w *fakeWorld, n int64) { w.vdnASAMs = map[string]int64{"4099": n} }), []int64{29_999, 30_000, 30_001}, "yyn"},
		{"counted-calls to vdn 5000 < 3", set(func(w *fakeWorld, n int64) { w.counted = map[string]int{"5000": int(n)} }), []int64{2, 3, 4}, "ynn"},
		{"counted-calls to vdn active < 3", set(func(w *fakeWorld, n int64) { w.counted = map[string]int{"4099": int(n)} }), []int64{2, 3, 4}, "ynn"},
		{"expected-wait for skill billing pri m < 30", set(func(w *fakeWorld, n int64) { w.places["billing"].waitMs = n }), []int64{29_999, 30_000, 30_001}, "ynn"},
		{"expected-wait for skill billing pri m > 1000000", set(func(w *fakeWorld, n int64) { w.places["billing"].infinite = n == 1 }), []int64{0, 1}, "ny"},
		{"expected-wait for skill billing pri m < 1000000", set(func(w *fakeWorld, n int64) { w.places["billing"].infinite = n == 1 }), []int64{0, 1}, "yn"},
		{"expected-wait for call < 30", set(func(w *fakeWorld, n int64) { w.places["tax"].waitAsMs, w.places["sales"].infiniteAs = n, true }), []int64{29_999, 30_000, 30_001}, "ynn"},
		{"expected-wait for best < 30", set(func(w *fakeWorld, n int64) { w.places["general"].waitMs = n }), []int64{29_999, 30_000, 30_001}, "ynn"},
		{"wait-improved for skill billing pri m > 30", set(func(w *fakeWorld, n int64) {
			w.places["tax"].waitAsMs, w.places["sales"].waitAsMs, w.places["billing"].waitMs = 50_000+n, 1<<40, 50_000
		}), []int64{29_999, 30_000, 30_001}, "nny"},
		{"wait-improved for best > 30", set(func(w *fakeWorld, n int64) { w.places["tax"].infiniteAs, w.places["sales"].waitAsMs = true, n }), []int64{29_999, 30_000, 30_001}, "nny"},
		{"wait-improved for skill billing pri m > 1000000", set(func(w *fakeWorld, n int64) {
			w.places["tax"].infiniteAs, w.places["sales"].infiniteAs, w.places["billing"].infinite = true, true, n == 1
		}), []int64{0, 1}, "yn"},
		{"interflow-qpos < 3", set(func(w *fakeWorld, n int64) { w.position = int(n) }), []int64{0, 1, 2, 3, 4}, "nyynn"},
		{"digits = 42", nil, []int64{0}, "y"},
		{"digits = 43", nil, []int64{0}, "n"},
		{"digits <> 42", nil, []int64{0}, "n"},
		{"digits in table vips", set(func(w *fakeWorld, n int64) { w.tables = map[string]string{"vips": fmt.Sprint(n)} }), []int64{41, 42}, "ny"},
		{"digits not-in table vips", set(func(w *fakeWorld, n int64) { w.tables = map[string]string{"vips": fmt.Sprint(n)} }), []int64{41, 42}, "yn"},
		{"ani = 030", set(func(w *fakeWorld, n int64) { w.ani = fmt.Sprintf("%03d", n) }), []int64{29, 30}, "ny"},
		{"ani in table vips", set(func(w *fakeWorld, n int64) {
			w.ani, w.tables = "030", map[string]string{"vips": fmt.Sprintf("%03d", n)}
		}), []int64{29, 30}, "ny"},
		{"time-of-day is all 09:00 to all 17:00", set(func(w *fakeWorld, n int64) { w.weekMinute = int(n) }), []int64{539, 540, 1019, 1020, 1440 + 540, 6*1440 + 1019, 6*1440 + 1020}, "nyynyyn"},
		{"time-of-day is all 22:00 to all 06:00", set(func(w *fakeWorld, n int64) { w.weekMinute = int(n) }), []int64{1319, 1320, 1439, 1440, 1440 + 359, 1440 + 360}, "nyyyyn"},
		{"time-of-day is not all 22:00 to all 06:00", set(func(w *fakeWorld, n int64) { w.weekMinute = int(n) }), []int64{1319, 1320, 359, 360}, "ynny"},
		{"time-of-day is all 08:00 to all 08:00", set(func(w *fakeWorld, n int64) { w.weekMinute = int(n) }), []int64{0, 479, 480, 481}, "yyyy"},
		{"time-of-day is mon 08:00 to wed 12:00", set(func(w *fakeWorld, n int64) { w.weekMinute = int(n) }), []int64{479, 480, 2*1440 + 719, 2*1440 + 720, 6*1440 + 600}, "nyynn"},
		{"time-of-day is fri 18:00 to mon 08:00", set(func(w *fakeWorld, n int64) { w.weekMinute = int(n) }), []int64{4*1440 + 1079, 4*1440 + 1080, 7*1440 - 1, 0, 479, 480, 2000}, "nyyyynn"},
		{"holiday in table days", set(func(w *fakeWorld, n int64) { w.holidays = map[string]bool{"days": n == 1} }), []int64{0, 1}, "ny"},
		{"holiday not-in table days", set(func(w *fakeWorld, n int64) { w.holidays = map[string]bool{"days": n == 1} }), []int64{0, 1}, "yn"},
		{"service-hours in table shop", set(func(w *fakeWorld, n int64) { w.hours = map[string]bool{"shop": n == 1} }), []int64{0, 1}, "ny"},
		{"service-hours not-in table shop", set(func(w *fakeWorld, n int64) { w.hours = map[string]bool{"shop": n == 1} }), []int64{0, 1}, "yn"},
		{"variable count = 7", nil, []int64{0}, "y"},
		{"variable count < 10", nil, []int64{0}, "y"}, // as numbers
		{"variable count >= 8", nil, []int64{0}, "n"},
		{"variable name = anna", nil, []int64{0}, "y"},
		{"variable name < 10", nil, []int64{0}, "n"}, // as texts
		{"variable vip = true", nil, []int64{0}, "y"},
		{"variable nothing = 7", nil, []int64{0}, "n"},
		{"variable nothing <> 7", nil, []int64{0}, "y"},
		{"variable list <> 7", nil, []int64{0}, "y"},
		{"expression wait_s > 30", set(func(w *fakeWorld, n int64) { w.values.WaitS = n }), []int64{30, 31}, "ny"},
		{"expression variable.count == 7 && digits == \"42\"", nil, []int64{0}, "y"},
		{"expression data.nothing == 1", nil, []int64{0}, "n"},
		{"expression !(data.nothing == 1)", nil, []int64{0}, "n"},
		{"unconditionally", nil, []int64{0}, "y"},

		// A place that does not exist, or is not known yet.
		{"available-agents in skill unknown >= 0", nil, []int64{0}, "n"},
		{"available-agents in skill 2nd >= 0", set(func(w *fakeWorld, n int64) { w.vdnSkills = []string{"tax", "sales"}[:n] }), []int64{1, 2}, "ny"},
	} {
		for i, n := range test.at {
			w := newFakeWorld()
			if test.world != nil {
				test.world(w, n)
			}
			w.is(t, "vector 1\ngoto step 3 if "+test.condition+"\nbusy\nstop")
			s, o := again(t, w, &usherv1.VectorState{
				Vector: "1", Version: 1, Step: 1, Digits: "42",
				Queueings: []*usherv1.Queueing{{Skill: "tax", Priority: usherv1.VectorPriority_VECTOR_PRIORITY_MEDIUM}, {Skill: "sales", Priority: usherv1.VectorPriority_VECTOR_PRIORITY_HIGH}},
				Best:      &usherv1.Queueing{Skill: "general", Priority: usherv1.VectorPriority_VECTOR_PRIORITY_TOP},
				Variables: structOf(t, `{"count": 7, "name": "anna", "vip": true, "list": [7]}`),
			})
			want := "dropped busy"
			if test.holds[i] == 'y' {
				want = "ended at 3, in tax m, in sales h"
			}
			expect(t, fmt.Sprintf("%s at %d", test.condition, n), s, o, want)
		}
	}
}

// TestConditionsOfWhoWaitsNowhere: his wait has no end, and nothing is better
// than it.
func TestConditionsOfWhoWaitsNowhere(t *testing.T) {
	for condition, want := range map[string]string{
		"expected-wait for call > 1000000":           "suspended at 4, +1000, hearing silence",
		"wait-improved for skill billing pri m >= 0": "suspended at 4, +1000, hearing silence",
		"wait-improved for skill billing pri m > 0":  "dropped busy",
		"expected-wait for best < 1":                 "dropped busy",
		"wait-improved for best < 1":                 "dropped busy",
		"interflow-qpos <= 5":                        "dropped busy",
	} {
		s, o := enter(t, newFakeWorld(), "goto step 3 if "+condition+"\nbusy\nwait-time 1 secs hearing silence")
		expect(t, condition, s, o, want)
	}
}

// TestConditionsAskForTheirPriority: the one that is written, or that of the
// step, or that of best.
func TestConditionsAskForTheirPriority(t *testing.T) {
	for steps, want := range map[string]usherv1.VectorPriority{
		"goto step 1 if calls-queued in skill billing pri h > 0":                  usherv1.VectorPriority_VECTOR_PRIORITY_HIGH,
		"check skill billing pri t if calls-queued > 0":                           usherv1.VectorPriority_VECTOR_PRIORITY_TOP,
		"check skill billing pri t if expected-wait < 0":                          usherv1.VectorPriority_VECTOR_PRIORITY_TOP,
		"consider skill billing pri l\ngoto step 1 if expected-wait for best < 0": usherv1.VectorPriority_VECTOR_PRIORITY_LOW,
	} {
		w := newFakeWorld()
		enter(t, w, steps)
		if got := w.places["billing"].askedPriority; got != want {
			t.Errorf("%s: asked for %v", steps, got)
		}
	}
}

func TestDescribe(t *testing.T) {
	for _, test := range []struct {
		steps, want string
		runs        int
	}{
		{"wait-time 30 secs hearing music\nbusy", "step 1: wait-time 30 secs hearing music", 1},
		{"announcement busy-now", "step 1: announcement busy-now", 1},
		{"converse-on skill tax pri m\nbusy", "step 1: converse-on skill tax pri m passing none and none", 1},
		{"call-service crm method find within 5 secs\nbusy", "step 1: call-service crm method find within 5 secs", 1},
		{"queue-to skill billing pri m\nstop\nbusy", "", 1},
		{"queue-to skill billing pri m", "", 1},
		{"disconnect after announcement busy-now", "step 1: disconnect after announcement busy-now", 1},
		{"route-to agent bob", "", 1},
		{"set x = 1\nset x = 1\ngoto step 1", "before step 2: set x = 1", 1},
		{"set x = 1\ngoto step 1", "before step 1: set x = 1", 2},
	} {
		w := newFakeWorld()
		w.known["service crm"], w.known["agent bob"] = true, true
		w.is(t, "vector 1 \"Chat\"\n"+test.steps)
		s := Begin("1", 1)
		for range test.runs {
			s, _ = Run(s, w)
		}
		got := Describe(s, w)
		want := `vector 1 "Chat"` // of one that has ended
		if test.want != "" {
			want += ", " + test.want
		}
		if got != want {
			t.Errorf("%s: %s, want %s", test.steps, got, want)
		}
	}
	if got := Describe(Begin("9", 1), newFakeWorld()); got != "vector 9, which is gone" {
		t.Error(got)
	}
}

// TestRandomVectors: whatever a vector says and the world does, it comes to an
// end, waits in three places at most, and the state that was given stays.
func TestRandomVectors(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		w := newFakeWorld()
		w.vdnSkills = []string{"tax", "sales"}
		for _, known := range []string{"agent bob", "queue q", "vdn 5000", "link 1", "service crm"} {
			w.known[known] = r.IntN(4) == 0
		}
		for _, name := range []string{"1", "2", "3"} {
			w.is(t, "vector "+name+"\n"+randomSteps(r))
		}
		s, o := Begin("1", 1), Outcome{}
		for runs := 0; o.Kind != Routed && o.Kind != Dropped && !s.GetEnded(); runs++ {
			for _, name := range []string{"billing", "general", "tax", "sales", "~german"} {
				p := w.places[name]
				p.full, p.reached, p.available, p.waitMs = r.IntN(4) == 0, r.IntN(4) == 0, r.IntN(2), r.Int64N(60_000)
			}
			former := s
			s, o = again(t, w, s)
			if len(s.GetQueueings()) > maxQueueings || s.GetSincePause() > maxUnpaused || len(s.GetReturns()) > maxReturns {
				t.Fatalf("seed %d: %v", seed, s)
			}
			if o.Kind == Suspended && !s.GetEnded() && s.GetExecuted() == former.GetExecuted() && s.GetResumeAtMs() == 0 && !s.GetConversing() {
				t.Fatalf("seed %d: nothing was done: %v", seed, s)
			}
			if runs > 11_500 {
				t.Fatalf("seed %d: no end after %d runs: %v", seed, runs, s)
			}
			w.nowMs = max(w.nowMs, s.GetResumeAtMs())
			answer(s, r)
			if Describe(s, w) == "" {
				t.Fatalf("seed %d: nothing to say", seed)
			}
		}
	}
}

// answer does what others do for an interaction that is suspended.
func answer(s *usherv1.VectorState, r *rand.Rand) {
	if call := s.GetServiceCall(); call != nil && !call.GetAnswered() {
		call.Answered, call.Response = true, &structpb.Struct{}
	}
	if len(s.GetAdjuncts()) > 0 && (s.GetResumeAtMs() == 0 || r.IntN(2) == 0) {
		s.Adjuncts = nil
	}
}

func randomSteps(r *rand.Rand) string {
	steps := []string{
		"queue-to skill billing pri m", "queue-to skill general pri l", "queue-to skill 1st pri h", "queue-to skill 3rd pri h", "queue-to target german pri t",
		"queue-to skill billing pri h preferring agent bob for 5 secs", "queue-to best", "check skill sales pri m if available-agents > 0",
		"check skill billing pri t if wait-improved > 10", "wait-time 5 secs hearing music", "wait-time 0 secs hearing silence", "announcement busy-now",
		"announcement missing", "collect 2 digits", "adjunct routing link 1", "converse-on skill tax pri m passing wait", "consider skill tax pri m adjust-by 10",
		"consider skill general pri m", "set x = wait_s + 1", "set y = variable.x * 2", "call-service crm method m within 5 secs", "goto vector 2", "goto vector 3 @step 2",
		"return", "goto step 1 if expected-wait for call > 5", "goto step 2 if variable x = 32",
	}
	rare := []string{"busy", "stop", "disconnect after announcement busy-now", "route-to number 5000", "route-to queue q", "route-to agent bob", "messaging skill tax for bob"}
	var chosen []string
	for range 2 + r.IntN(15) {
		from := steps
		if r.IntN(25) == 0 {
			from = rare
		}
		chosen = append(chosen, from[r.IntN(len(from))])
	}
	if r.IntN(2) == 0 {
		chosen = append(chosen, fmt.Sprintf("goto step %d", 1+r.IntN(len(chosen))))
	}
	return strings.Join(slices.Clip(chosen), "\n")
}

// TestRouteToCollectedDigits: a VDN goes before an agent of the same number.
func TestRouteToCollectedDigits(t *testing.T) {
	for known, want := range map[string]string{"vdn 5000": "routed to vdn 5000", "agent 5000": "ended at 1, in 5000 t", "": "dropped stop"} {
		w := newFakeWorld()
		w.known[known] = true
		w.is(t, "vector 1\nroute-to digits with cov n")
		state := Begin("1", 1)
		state.Digits = "5000"
		s, o := again(t, w, state)
		expect(t, known, s, o, want)
	}
}

// BenchmarkRun is a chat that enters, finds nobody free and waits.
func BenchmarkRun(b *testing.B) {
	w := newFakeWorld()
	w.is(b, "vector 1\ngoto step 5 if time-of-day is all 18:00 to all 08:00\nqueue-to skill billing pri m\ncheck skill general pri m if available-agents > 0\nwait-time 30 secs hearing music\nstop")
	w.weekMinute = 600
	begin := Begin("1", 1)
	b.ReportAllocs()
	for b.Loop() {
		if s, _ := Run(begin, w); s.GetStep() != 5 {
			b.Fatal(s)
		}
	}
}
