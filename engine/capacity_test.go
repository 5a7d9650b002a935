package engine

import (
	"fmt"
	"testing"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// ruleOf is a capacity rule of alternatives.
func ruleOf(name string, alternatives ...map[string]int32) *usherv1.CapacityRule {
	r := &usherv1.CapacityRule{Name: name}
	for _, media := range alternatives {
		r.AnyOf = append(r.AnyOf, &usherv1.CapacityAlternative{Media: media})
	}
	return r
}

// withRule is a centre where agent1 has a rule, and is ready for everything.
func withRule(t *testing.T, rule *usherv1.CapacityRule) *world {
	w := centre(t)
	w.must(admin, Apply{giving(&usherv1.Configuration{
		CapacityRules: []*usherv1.CapacityRule{rule},
		Agents:        []*usherv1.Agent{{AgentId: "agent1", CapacityRule: rule.Name, Capacity: map[string]int32{"chat": 50}}},
	})})
	r := login("place1")
	r.Media = append(r.Media, &usherv1.MediaLogin{MediaType: "voice", Ready: true})
	w.must(agent1, r)
	return w
}

// offer invites agent1 to something new of a media type; it says whether he
// was.
func offer(w *world, id, media string) bool {
	w.t.Helper()
	w.must(mediaServer("chat1"), &usherv1.RequestSubmit{InteractionId: id, Queue: "vectored", MediaType: media})
	out := w.ask(BuiltinRouter, &usherv1.RequestRouteCall{InteractionId: id, Target: &usherv1.RequestRouteCall_Agent{Agent: &usherv1.AgentTarget{AgentId: "agent1"}}})
	if out.Err != nil && out.Err.Code != errNoCapacity {
		w.t.Fatal(out.Err)
	}
	return out.Err == nil
}

// TestCapacityRules says what is left when an agent has something, for chat,
// mail and voice; a capital letter is an invitation, a small one is handled.
func TestCapacityRules(t *testing.T) {
	type alternative = map[string]int32
	both := []alternative{{"chat": 2, "mail": 1}}
	either := []alternative{{"chat": 2}, {"mail": 3}}
	mixed := []alternative{{"voice": 1}, {"chat": 2, "mail": 1}, {"chat": 1, "mail": 4}}
	for _, test := range []struct {
		rule []alternative
		has  string
		want [3]int
	}{
		{both, "", [3]int{2, 1, 0}},
		{both, "c", [3]int{1, 1, 0}},
		{both, "C", [3]int{1, 1, 0}},
		{both, "cC", [3]int{0, 1, 0}},
		{both, "m", [3]int{2, 0, 0}},
		{both, "ccm", [3]int{0, 0, 0}},
		{both, "cccm", [3]int{-3, -1, 0}}, // no alternative allows what he has
		{both, "v", [3]int{0, 0, -1}},
		{either, "", [3]int{2, 3, 0}},
		{either, "c", [3]int{1, 0, 0}},
		{either, "M", [3]int{0, 2, 0}},
		{either, "cm", [3]int{-1, -1, 0}},
		{mixed, "", [3]int{2, 4, 1}},
		{mixed, "v", [3]int{0, 0, 0}},
		{mixed, "c", [3]int{1, 4, 0}},
		{mixed, "cc", [3]int{0, 1, 0}},
		{mixed, "mm", [3]int{1, 2, 0}},
		{mixed, "cm", [3]int{1, 3, 0}},
		{mixed, "ccm", [3]int{0, 0, 0}},
		{[]alternative{{}}, "", [3]int{0, 0, 0}},
		{[]alternative{{"chat": 0}, {"chat": 0, "mail": 1}}, "", [3]int{0, 1, 0}},
	} {
		w := withRule(t, ruleOf("rule", test.rule...))
		a := w.e.agents["agent1"]
		for n, letter := range test.has {
			has(w, a, fmt.Sprint("i", n), letter)
		}
		got := [3]int{a.capacityLeft("chat"), a.capacityLeft("mail"), a.capacityLeft("voice")}
		if got != test.want {
			t.Errorf("%v, has %q: left are %v, want %v", test.rule, test.has, got, test.want)
		}
		for n, media := range []string{"chat", "mail", "voice"} {
			if left := a.capacityLeft(MediaName(media)); offer(w, media, media) != (left > 0) {
				t.Errorf("%v, has %q: is offered %s number %d with %d left", test.rule, test.has, media, n, left)
			}
			for _, inv := range a.invitations {
				if inv.interaction.ID() == InteractionID(media) {
					w.must(agent1, &usherv1.RequestReject{Ticket: uint64(inv.ticket)})
				}
			}
		}
		w.checkFold()
	}
}

// has gives an agent something, by a pull or by an invitation to a
// conference, which obey no capacity.
func has(w *world, a *Agent, id string, letter rune) {
	w.t.Helper()
	name := map[rune]string{'c': "chat", 'm': "mail", 'v': "voice"}[letter|0x20]
	w.must(media, &usherv1.RequestSubmit{InteractionId: id, Queue: "inbound", MediaType: name})
	pull := &usherv1.RequestPull{Source: &usherv1.RequestPull_Queue{Queue: "inbound"}}
	if letter >= 'a' {
		w.must(agent1, pull)
		return
	}
	if w.e.agents["agent3"] == nil {
		w.must(agent3, login("place3"))
	}
	w.must(agent3, pull)
	w.must(agent3, &usherv1.RequestConference{InteractionId: id, AgentId: string(a.id), ReferenceId: id})
}

// TestWhichCapacityRule: the agent's, that of his place, the tenant's, the
// numbers.
func TestWhichCapacityRule(t *testing.T) {
	for _, test := range []struct {
		agent, place, tenant string
		want                 int
	}{
		{"one", "two", "three", 1}, {"", "two", "three", 2}, {"", "", "three", 3}, {"", "", "", 7},
		{"one", "", "", 1}, {"one", "", "three", 1}, {"", "two", "", 2},
	} {
		w := centre(t)
		c := &usherv1.Configuration{
			Options: &usherv1.Options{CapacityRule: test.tenant},
			Places:  []*usherv1.Place{{Name: "place1", CapacityRule: test.place}},
			Agents:  []*usherv1.Agent{{AgentId: "agent1", CapacityRule: test.agent, Capacity: map[string]int32{"chat": 7}}},
		}
		for n, name := range []string{"one", "two", "three"} {
			c.CapacityRules = append(c.CapacityRules, ruleOf(name, map[string]int32{"chat": int32(n + 1)}))
		}
		w.must(admin, Apply{giving(c)})
		out := w.must(agent1, login("place1"))
		if got := w.e.agents["agent1"].capacityLeft("chat"); got != test.want {
			t.Errorf("%+v: %d", test, got)
		}
		for _, entry := range out.Entries {
			for _, m := range entry.Event.GetEventAgentLogin().GetMedia() {
				if m.MediaType == "chat" && int(m.CapacityLeft) != test.want {
					t.Errorf("%+v: the login says %d", test, m.CapacityLeft)
				}
			}
		}
	}
}

// TestCapacityRuleChanges: a new rule counts at once, for what he has already.
func TestCapacityRuleChanges(t *testing.T) {
	w := withRule(t, ruleOf("rule", map[string]int32{"chat": 2}))
	for n := range 2 {
		if !offer(w, fmt.Sprint("c", n), "chat") {
			t.Fatal("no capacity")
		}
	}
	w.must(admin, Apply{giving(&usherv1.Configuration{CapacityRules: []*usherv1.CapacityRule{ruleOf("rule", map[string]int32{"chat": 1})}})})
	a := w.e.agents["agent1"]
	if left := a.capacityLeft("chat"); left != -2 || offer(w, "c2", "chat") {
		t.Errorf("left are %d", left)
	}
	w.must(agent1, &usherv1.RequestReject{Ticket: uint64(a.invitations[0].ticket)})
	if left := a.capacityLeft("chat"); left != 0 {
		t.Errorf("left are %d", left)
	}
}

// TestPullObeysCapacityRule: what is pulled together counts together.
func TestPullObeysCapacityRule(t *testing.T) {
	for _, test := range []struct {
		rule map[string]int32
		or   map[string]int32
		want int
	}{
		{map[string]int32{"chat": 2, "mail": 2}, nil, 4},
		{map[string]int32{"chat": 2, "mail": 1}, nil, 3},
		{map[string]int32{"chat": 2}, map[string]int32{"mail": 2}, 1}, // chat, then mail: never both
		{map[string]int32{"chat": 1}, map[string]int32{"chat": 1, "mail": 1}, 2},
		{map[string]int32{"mail": 2}, nil, 0},
	} {
		rule := ruleOf("rule", test.rule)
		if test.or != nil {
			rule = ruleOf("rule", test.rule, test.or)
		}
		w := withRule(t, rule)
		w.must(admin, Apply{options(&usherv1.Options{PullObeysCapacity: new(true)})})
		for n, name := range []string{"chat", "mail", "chat", "mail"} {
			w.must(media, &usherv1.RequestSubmit{InteractionId: fmt.Sprint("i", n), Queue: "inbound", MediaType: name})
		}
		out := w.ask(agent1, &usherv1.RequestPull{Source: &usherv1.RequestPull_Queue{Queue: "inbound"}, Count: 4})
		if got := len(w.e.agents["agent1"].handling); got != test.want || (got == 0) != (out.Err.GetCode() == errNoCapacity) {
			t.Errorf("%v or %v: %d are pulled, want %d: %v", test.rule, test.or, got, test.want, out.Err)
		}
	}
}
