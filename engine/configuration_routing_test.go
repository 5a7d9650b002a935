package engine

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// routedOffice is an office with something of every kind of routing objects.
func routedOffice() *usherv1.Configuration {
	c := office()
	c.Options = &usherv1.Options{CapacityRule: "of-all"}
	c.Skills = []*usherv1.Skill{{Name: "billing"}, {Name: "direct"}, {Name: "spare", RonaVdn: "12"}, {Name: "queued"}}
	c.Targets = []*usherv1.Target{{Name: "experts", Expression: `"billing" in skill`}}
	c.Vectors = []*usherv1.Vector{{Name: "1", Text: "vector 1\nqueue-to skill queued pri m\nstop"}}
	c.Vdns = []*usherv1.Vdn{{Name: "11", Queue: "vectored", Skills: []string{"billing"}}, {Name: "12", Queue: "vectored"}}
	c.Tables = []*usherv1.Table{{Name: "vips", Entries: []string{"+49+"}}}
	c.HolidayTables = []*usherv1.HolidayTable{{Name: "days", Holidays: []*usherv1.Holiday{{From: "12-25", To: "12-26"}}}}
	c.Timetables = []*usherv1.Timetable{{Name: "hours", Hours: []*usherv1.ServiceHours{{Day: "all", From: "00:00", To: "24:00"}}}}
	c.Announcements = []*usherv1.Announcement{{Name: "busy", Text: "All are busy."}}
	c.CapacityRules = []*usherv1.CapacityRule{
		ruleOf("of-anna", map[string]int32{"mail": 1}), ruleOf("of-desk", map[string]int32{"chat": 1}), ruleOf("of-all", map[string]int32{"chat": 2}),
	}
	c.Views = []*usherv1.View{{Name: "vips", Queue: "special"}}
	c.ExternalServices = []*usherv1.ThirdServer{{Name: "crm", Type: "crm"}}
	c.Queues = append(c.Queues, &usherv1.Queue{Name: "vectored", Strategy: Vectored, Vector: "1"})
	c.Queues[2].View = "vips"
	c.Places[0].CapacityRule = "of-desk"
	c.Agents[0].Skills, c.Agents[0].DirectAgentSkill, c.Agents[0].CapacityRule = []*usherv1.AgentSkill{{Skill: "billing", Level: 2}}, "direct", "of-anna"
	return c
}

// TestRoutingReferences: what something names can't be removed.
func TestRoutingReferences(t *testing.T) {
	b := newBureau(t, routedOffice())
	for _, test := range []struct{ kind, name, says string }{
		{"skill", "billing", `skills of agent "anna" has it`},
		{"skill", "direct", `direct_agent_skill of agent "anna" has it`},
		{"vdn", "12", `rona_vdn of skill "spare" has it`},
		{"queue", "vectored", `queue of vdn "11" has it`},
		{"vector", "1", `vector of queue "vectored" has it`},
		{"view", "vips", `view of queue "special" has it`},
		{"queue", "special", `queue of view "vips" has it`},
		{"capacity_rule", "of-anna", `capacity_rule of agent "anna" has it`},
		{"capacity_rule", "of-desk", `capacity_rule of place "desk1" has it`},
		{"capacity_rule", "of-all", `capacity_rule of the options has it`},
		{"media_type", "mail", `of agent "anna" has it`},
	} {
		want := fmt.Sprintf("%s %q is in use: ", test.kind, test.name)
		out := b.apply(removing(test.kind, test.name))
		if out.Err.GetCode() != errInUse || !strings.HasPrefix(out.Err.Description, want) || !strings.HasSuffix(out.Err.Description, test.says) {
			t.Errorf("%s %s: %v", test.kind, test.name, out.Err)
		}
	}
	bare := giving(&usherv1.Configuration{})
	bare.ReplaceAll = true
	if out := b.apply(bare); out.Err.GetCode() != errInUse {
		t.Errorf("all but the options: %v", out.Err)
	}
	b.mustApply(removing("table", "vips", "holiday_table", "days", "timetable", "hours", "announcement", "busy", "external_service", "crm", "target", "experts", "skill", "spare", "vdn", "12"))
	// The other skill of a VDN, once no agent has it.
	b.mustApply(agentsGiven(&usherv1.Agent{AgentId: "anna", PasswordHash: "hash-of-anna"}))
	if out := b.apply(removing("skill", "billing")); !strings.HasSuffix(out.Err.GetDescription(), `skills of vdn "11" has it`) {
		t.Errorf("%v", out.Err)
	}
	if out := b.apply(removing("skill", "queued")); out.Err.GetCode() != errInvalidArgument || !strings.Contains(out.Err.Description, `vector "1"`) {
		t.Errorf("a vector queues to it: %v", out.Err)
	}
}

// TestRoutingInUse: what an interaction waits for, or came through, stays.
func TestRoutingInUse(t *testing.T) {
	w := suspended(t, func(s *usherv1.VectorState) {
		s.Queueings = []*usherv1.Queueing{{Skill: "direct"}, {Target: "experts"}, {Agent: "agent3"}}
	})
	w.must(admin, agentApplied(&usherv1.Agent{AgentId: "agent2"}))
	for _, test := range []struct{ kind, name, says string }{
		{"skill", "direct", `skill "direct" is in use: interaction "i0" waits for it`},
		{"target", "experts", `target "experts" is in use: interaction "i0" waits for it`},
		{"agent", "agent3", `agent "agent3" is in use: interaction "i0" waits for him`},
		{"vdn", "4001", `vdn "4001" is in use: interaction "i0" came through it`},
	} {
		if out := w.ask(admin, Apply{removing(test.kind, test.name)}); out.Err.GetCode() != errInUse || out.Err.Description != test.says {
			t.Errorf("%v", out.Err)
		}
	}
	w.must(media, &usherv1.RequestStopProcessing{InteractionId: "i0"})
	w.must(admin, Apply{removing("skill", "direct", "target", "experts", "agent", "agent3", "vdn", "4001")})
}

// TestRoutingKinds adds, changes and removes one of every kind.
func TestRoutingKinds(t *testing.T) {
	type c = usherv1.Configuration
	for kind, test := range map[string]struct {
		added, changed *c
		fields         string
	}{
		"skill":  {&c{Skills: []*usherv1.Skill{{Name: "x"}}}, &c{Skills: []*usherv1.Skill{{Name: "x", RonaRings: 3}}}, "rona_rings: 0 -> 3"},
		"target": {&c{Targets: []*usherv1.Target{{Name: "x", Expression: "true"}}}, &c{Targets: []*usherv1.Target{{Name: "x", Expression: "false"}}}, `expression: "true" -> "false"`},
		"vector": {&c{Vectors: []*usherv1.Vector{{Name: "x", Text: "vector x\nbusy"}}}, &c{Vectors: []*usherv1.Vector{{Name: "x", Text: "vector x\nstop"}}}, `text: "vector x\nbusy" -> "vector x\nstop"`},
		"vdn":    {&c{Vdns: []*usherv1.Vdn{{Name: "x", Queue: "in"}}}, &c{Vdns: []*usherv1.Vdn{{Name: "x", Queue: "vectored"}}}, `queue: "in" -> "vectored"`},
		"table":  {&c{Tables: []*usherv1.Table{{Name: "x"}}}, &c{Tables: []*usherv1.Table{{Name: "x", Entries: []string{"1?+"}}}}, `entries: [] -> ["1?+"]`},
		"holiday_table": {
			&c{HolidayTables: []*usherv1.HolidayTable{{Name: "x"}}},
			&c{HolidayTables: []*usherv1.HolidayTable{{Name: "x", Holidays: []*usherv1.Holiday{{From: "2026-12-25"}}}}}, "holidays: ",
		},
		"timetable": {
			&c{Timetables: []*usherv1.Timetable{{Name: "x"}}},
			&c{Timetables: []*usherv1.Timetable{{Name: "x", Hours: []*usherv1.ServiceHours{{Day: "mon", From: "08:00", To: "18:00"}}}}}, "hours: ",
		},
		"announcement":     {&c{Announcements: []*usherv1.Announcement{{Name: "x"}}}, &c{Announcements: []*usherv1.Announcement{{Name: "x", DurationMs: 5}}}, "duration_ms: 0 -> 5"},
		"capacity_rule":    {&c{CapacityRules: []*usherv1.CapacityRule{ruleOf("x", nil)}}, &c{CapacityRules: []*usherv1.CapacityRule{ruleOf("x", map[string]int32{"chat": 1})}}, "any_of: "},
		"view":             {&c{Views: []*usherv1.View{{Name: "x", Queue: "in"}}}, &c{Views: []*usherv1.View{{Name: "x", Queue: "in", Condition: "true"}}}, `condition: "" -> "true"`},
		"external_service": {&c{ExternalServices: []*usherv1.ThirdServer{{Name: "x"}}}, &c{ExternalServices: []*usherv1.ThirdServer{{Name: "x", TimeoutMs: 100}}}, "timeout_ms: 0 -> 100"},
	} {
		b := newBureau(t, routedOffice())
		before, _ := b.e.Configuration()
		if got, want := lines(b.mustApply(giving(test.added)).Changes), fmt.Sprintf("added %s x:\n", kind); got != want {
			t.Errorf("%s, want %s", got, want)
		}
		if again := b.mustApply(giving(test.added)); len(again.Changes) != 0 {
			t.Errorf("given again: %v", again)
		}
		if got, want := lines(b.mustApply(giving(test.changed)).Changes), fmt.Sprintf("changed %s x: %s", kind, test.fields); !strings.HasPrefix(got, want) {
			t.Errorf("%s, want %s", got, want)
		}
		if got, want := lines(b.mustApply(removing(kind, "x")).Changes), fmt.Sprintf("removed %s x:\n", kind); got != want {
			t.Errorf("%s, want %s", got, want)
		}
		if after, _ := b.e.Configuration(); !proto.Equal(before, after) {
			t.Errorf("%s: what was added and removed left something", kind)
		}
	}
}

// TestVectorIsChecked: a broken text is refused with every line that is wrong,
// and what is hardly meant is told when the vector is given, not later.
func TestVectorIsChecked(t *testing.T) {
	vectors := func(texts ...string) *usherv1.ApplyConfigurationRequest {
		c := &usherv1.Configuration{Places: []*usherv1.Place{{Name: "with-it"}}}
		for _, text := range texts {
			name, _, _ := strings.Cut(strings.TrimPrefix(text, "vector "), "\n")
			c.Vectors = append(c.Vectors, &usherv1.Vector{Name: name, Text: text})
		}
		return giving(c)
	}
	b := newBureau(t, routedOffice())
	for _, test := range []struct {
		request *usherv1.ApplyConfigurationRequest
		says    []string
	}{
		{vectors("vector 7\nqueue-to skil billing\nwait-time 0 parsecs\nstop"), []string{`vector "7": line 2, column`, `vector "7": line 3, column`}},
		{vectors("vector 7\nqueue-to skill none pri m"), []string{`vector "7": line 2, column`, "none"}},
		{vectors("vector 7\ngoto vector 8"), []string{`vector "7": line 2, column`, "8"}},
		{vectors("vector 7\nstop", "vector 8\nbroken"), []string{`vector "8": line 2, column`}},
		{giving(&usherv1.Configuration{Vectors: []*usherv1.Vector{{Name: "7", Text: "vector 9\nstop"}}}), []string{`vector "7": line 1, column 1: its first line names it "9"`}},
		{giving(&usherv1.Configuration{Vectors: []*usherv1.Vector{{Name: "7"}}}), []string{`vector "7": line 1`}},
		{vectors("vector 7\n" + strings.Repeat("# "+strings.Repeat("x", 98)+"\n", 700)), []string{`vector "7": line 1`, "bytes"}},
	} {
		before, _ := b.e.Configuration()
		out := b.apply(test.request)
		if out.Err.GetCode() != errInvalidArgument || out.Changes != nil {
			t.Errorf("%v: %v", test.says, out)
		}
		for _, says := range test.says {
			if !strings.Contains(out.Err.GetDescription(), says) {
				t.Errorf("%q does not say %q", out.Err.GetDescription(), says)
			}
		}
		if after, _ := b.e.Configuration(); !proto.Equal(before, after) || b.e.VectorAt("7", b.e.ConfigurationVersion()) != nil {
			t.Errorf("%v: something changed", test.says)
		}
	}
	if n := strings.Count(b.apply(vectors("vector 7\n"+strings.Repeat("what\n", 30))).Err.GetDescription(), "\n"); n != 9 {
		t.Errorf("%d lines are told", n+1)
	}

	dubious := vectors("vector 7\nqueue-to skill billing pri m\nstop\nbusy")
	for _, dry := range []bool{true, false} {
		dubious.DryRun = dry
		if got := b.mustApply(dubious).Warnings; len(got) == 0 || !strings.Contains(got[0], `vector "7": line 4`) {
			t.Errorf("dry run %v: warnings %q", dry, got)
		}
	}
	if got := b.mustApply(placeNamed("later")).Warnings; len(got) != 0 {
		t.Errorf("warned again: %q", got)
	}
}

// TestAllOrNothing: with one wrong object of each kind nothing changes.
func TestAllOrNothing(t *testing.T) {
	b := newBureau(t, routedOffice())
	for _, wrong := range []*usherv1.Configuration{
		{Skills: []*usherv1.Skill{{Name: "good"}, {Name: "bad", RonaVdn: "none"}}},
		{Targets: []*usherv1.Target{{Name: "good", Expression: "true"}, {Name: "bad"}}},
		{Vectors: []*usherv1.Vector{{Name: "good", Text: "vector good\nstop"}, {Name: "bad", Text: "vector bad\nfly"}}},
		{Vdns: []*usherv1.Vdn{{Name: "good", Queue: "in"}, {Name: "bad", Queue: "none"}}},
		{Views: []*usherv1.View{{Name: "good", Queue: "in"}, {Name: "bad", Queue: "in", Condition: "1"}}},
		{CapacityRules: []*usherv1.CapacityRule{ruleOf("good", nil), ruleOf("bad")}},
		{Skills: []*usherv1.Skill{{Name: "good"}}, Options: &usherv1.Options{TimeZone: "Nowhere/Else"}},
		{Skills: []*usherv1.Skill{{Name: "good"}}, Queues: []*usherv1.Queue{{Name: "in", View: "vips"}}},
	} {
		before := encodeState(t, b.e)
		if out := b.apply(giving(wrong)); out.Err == nil || len(out.Entries) != 0 {
			t.Errorf("%v: %v", wrong, out)
		}
		if string(before) != string(encodeState(t, b.e)) {
			t.Errorf("%v: something changed", wrong)
		}
	}
}
