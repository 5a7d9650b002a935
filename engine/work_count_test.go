package engine

import (
	"fmt"
	"testing"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// TestMultipleCallHandling is at which number of interactions each kind gives
// no more; capacity is not what binds.
func TestMultipleCallHandling(t *testing.T) {
	type kind = usherv1.MultipleCallHandling
	const (
		none, onRequest   kind = usherv1.MultipleCallHandling_MULTIPLE_CALL_HANDLING_NONE, usherv1.MultipleCallHandling_MULTIPLE_CALL_HANDLING_ON_REQUEST
		oneForced, single kind = usherv1.MultipleCallHandling_MULTIPLE_CALL_HANDLING_ONE_FORCED, usherv1.MultipleCallHandling_MULTIPLE_CALL_HANDLING_ONE_PER_SKILL
		many              kind = usherv1.MultipleCallHandling_MULTIPLE_CALL_HANDLING_MANY_FORCED
	)
	for _, test := range []struct {
		kind  kind
		steps []string
		more  bool
	}{
		{none, nil, true},
		{none, []string{"gets:a,billing,"}, false},
		{none, []string{"gets:a,orders,"}, false},
		{none, []string{"rings:a,orders,"}, false},
		{none, []string{"pulls:a"}, true}, // pulls do not count
		{none, []string{"gets:a,billing,", "ends:a"}, true},
		{onRequest, nil, true},
		{onRequest, []string{"gets:a,billing,"}, false},
		{onRequest, []string{"gets:a,billing,", "asks:auto-in"}, true},
		{onRequest, []string{"gets:a,billing,", "asks:manual-in"}, true},
		{onRequest, []string{"gets:a,billing,", "asks:auto-in", "rings:b,billing,"}, false},
		{onRequest, []string{"gets:a,billing,", "asks:auto-in", "gets:b,billing,", "asks:auto-in"}, true},
		{oneForced, []string{"gets:a,billing,"}, true},
		{oneForced, []string{"gets:a,orders,"}, true},
		{oneForced, []string{"gets:a,billing,", "gets:b,billing,"}, false},
		{oneForced, []string{"gets:a,orders,", "rings:b,billing,"}, false},
		{single, []string{"gets:a,orders,"}, true},
		{single, []string{"gets:a,billing,"}, false},
		{single, []string{"rings:a,billing,"}, false},
		{many, []string{"gets:a,billing,", "gets:b,billing,", "gets:c,orders,"}, true},
		{0, []string{"gets:a,billing,", "gets:b,billing,", "gets:c,orders,"}, true},
	} {
		w := centre(t)
		w.must(admin, agentApplied(&usherv1.Agent{
			AgentId: "agent1", Capacity: map[string]int32{"mail": 9}, LoginWorkMode: modeAuto,
			Skills: []*usherv1.AgentSkill{{Skill: "billing"}, {Skill: "orders"}},
		}))
		w.must(admin, Apply{giving(&usherv1.Configuration{Skills: []*usherv1.Skill{{Name: "billing", MultipleCallHandling: test.kind}, {Name: "orders"}}})})
		w.must(agent1, login("place1"))
		for _, step := range test.steps {
			happens(w, step)
		}
		why := rings(w, agent1, "next", "billing", "")
		if (why == nil) != test.more || why != nil && why.Code != errNoCapacity || why != nil && w.e.agents["agent1"].AllowsAnother("billing") {
			t.Errorf("%v after %v: %v", test.kind, test.steps, why)
		}
	}
}

// TestOccupancy: occupancy is time worked by time staffed and not in AUX,
// taken when he becomes idle.
func TestOccupancy(t *testing.T) {
	w := staffed(t, modeAuto, 0)
	occupancy := func(what string, want int64) {
		t.Helper()
		if got := w.e.agents["agent1"].Occupancy(); got != want {
			t.Errorf("%s: %d, want %d", what, got, want)
		}
	}
	w.pass(30_000)
	occupancy("nothing has ended", 0)
	gets(w, agent1, "a", "billing", "")
	w.pass(10_000)
	occupancy("still working", 0)
	ends(w, agent1, "a")
	occupancy("10 s of 40", 250_000)
	w.must(agent1, &usherv1.RequestSetAgentState{WorkMode: modeAux})
	w.pass(60_000)
	w.must(agent1, &usherv1.RequestSetAgentState{WorkMode: modeAuto})
	occupancy("AUX does not count", 250_000)
	w.must(agent1, &usherv1.RequestSetAgentState{WorkMode: modeAcw})
	w.pass(10_000)
	w.must(agent1, &usherv1.RequestSetAgentState{WorkMode: modeAuto})
	occupancy("after-call work is work: 20 s of 50", 400_000)
	pulls(w, agent1, "b")
	pulls(w, agent1, "c")
	w.pass(50_000)
	ends(w, agent1, "b")
	occupancy("two at once are work once: 70 s of 100", 700_000)
	w.must(agent1, &usherv1.RequestAgentLogout{Force: true})
	w.must(agent1, login("place1"))
	occupancy("begins anew with a login", 0)
	w.checkFold()
}

// TestDelivered counts what came by each skill, for percent allocation.
func TestDelivered(t *testing.T) {
	w := staffed(t, modeAuto, 0)
	for n, skill := range []string{"billing", "billing", "orders", ""} {
		id := fmt.Sprint("m", n)
		gets(w, agent1, id, skill, "")
		w.must(agent1, &usherv1.RequestLeaveInteraction{InteractionId: id})
		w.pass(61_000) // after-call work of orders, and no back-off
	}
	pulls(w, agent1, "p")
	for skill, want := range map[string][2]int64{"billing": {2, 3}, "orders": {1, 3}, "german": {0, 3}} {
		if ofSkill, all := w.e.agents["agent1"].Delivered(skill); [2]int64{ofSkill, all} != want {
			t.Errorf("%s: %d of %d, want %v", skill, ofSkill, all, want)
		}
	}
	w.checkFold()
}
