package engine

import (
	"fmt"
	"strings"
	"testing"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// many is n of something.
func many[T any](n int, of func(n int) T) (all []T) {
	for k := range n {
		all = append(all, of(k))
	}
	return all
}

// TestRoutingFaults: what can be wrong with an object of routing, in one
// sentence that says where.
func TestRoutingFaults(t *testing.T) {
	type c = usherv1.Configuration
	const invalid, unknown = errInvalidArgument, errUnknownObject
	agent := func(a *usherv1.Agent) *c { a.AgentId = "x"; return &c{Agents: []*usherv1.Agent{a}} }
	skill := func(s *usherv1.Skill) *c { s.Name = "x"; return &c{Skills: []*usherv1.Skill{s}} }
	target := func(o *usherv1.Target) *c { o.Name = "x"; return &c{Targets: []*usherv1.Target{o}} }
	staged := func(stages ...*usherv1.TargetStage) *c {
		return target(&usherv1.Target{Expression: "true", Stages: stages})
	}
	vdn := func(v *usherv1.Vdn) *c { v.Name = "x"; return &c{Vdns: []*usherv1.Vdn{v}} }
	table := func(entries ...string) *c { return &c{Tables: []*usherv1.Table{{Name: "x", Entries: entries}}} }
	holidays := func(h ...*usherv1.Holiday) *c {
		return &c{HolidayTables: []*usherv1.HolidayTable{{Name: "x", Holidays: h}}}
	}
	hours := func(day, from, to string) *c {
		return &c{Timetables: []*usherv1.Timetable{{Name: "x", Hours: []*usherv1.ServiceHours{{Day: day, From: from, To: to}}}}}
	}
	rule := func(alternatives ...map[string]int32) *c {
		return &c{CapacityRules: []*usherv1.CapacityRule{ruleOf("x", alternatives...)}}
	}
	view := func(v *usherv1.View) *c { v.Name = "x"; return &c{Views: []*usherv1.View{v}} }
	by := func(property string) *c { return view(&usherv1.View{Queue: "in", Order: ordered(property)}) }
	option := func(o *usherv1.Options) *c { return &c{Options: o} }

	b := newBureau(t, routedOffice())
	for _, test := range []struct {
		given *c
		code  usherv1.ErrorCode
		says  string
	}{
		{agent(&usherv1.Agent{Skills: many(61, func(n int) *usherv1.AgentSkill { return &usherv1.AgentSkill{Skill: fmt.Sprint(n)} })}), invalid, `agent "x": skills are 61, more than 60`},
		{agent(&usherv1.Agent{Skills: []*usherv1.AgentSkill{{Skill: "billing", Level: 17}}}), invalid, `agent "x": skills have level 17 for "billing", which is not between 1 and 16`},
		{agent(&usherv1.Agent{Skills: []*usherv1.AgentSkill{{Skill: "billing", Level: -1}}}), invalid, `level -1`},
		{agent(&usherv1.Agent{Skills: []*usherv1.AgentSkill{{Skill: "billing", Percent: 101}}}), invalid, `agent "x": skills have 101 percent for "billing", which is not between 0 and 100`},
		{agent(&usherv1.Agent{Skills: []*usherv1.AgentSkill{{Skill: "billing", Percent: -1}}}), invalid, `-1 percent`},
		{agent(&usherv1.Agent{Skills: []*usherv1.AgentSkill{{Skill: "none"}}}), unknown, `agent "x": skills: there is no skill "none"`},
		{agent(&usherv1.Agent{Skills: []*usherv1.AgentSkill{{}}}), unknown, `agent "x": skills: there is no skill ""`},
		{agent(&usherv1.Agent{Skills: []*usherv1.AgentSkill{{Skill: "billing"}, {Skill: "billing"}}}), invalid, `agent "x": skills has "billing" twice`},
		{agent(&usherv1.Agent{DirectAgentSkill: "none"}), unknown, `agent "x": direct_agent_skill: there is no skill "none"`},
		{agent(&usherv1.Agent{CapacityRule: "none"}), unknown, `agent "x": capacity_rule: there is no capacity_rule "none"`},
		{agent(&usherv1.Agent{LoginWorkMode: modeAcw}), invalid, `agent "x": login_work_mode is ACW`},
		{agent(&usherv1.Agent{LoginWorkMode: 9}), invalid, `agent "x": login_work_mode: 9 is none of its values`},
		{agent(&usherv1.Agent{CallPreference: 9}), invalid, `agent "x": call_preference: 9 is none of its values`},
		{agent(&usherv1.Agent{Attributes: map[string]string{strings.Repeat("n", 129): ""}}), invalid, `agent "x": attributes`},
		{agent(&usherv1.Agent{Attributes: map[string]string{"a": strings.Repeat("t", 1_025)}}), invalid, `agent "x": attributes "a" is longer than 128 bytes, or its text than 1024`},
		{agent(&usherv1.Agent{Attributes: attributes(65)}), invalid, `agent "x": attributes are 65, more than 64`},

		{skill(&usherv1.Skill{RonaVdn: "none"}), unknown, `skill "x": rona_vdn: there is no vdn "none"`},
		{skill(&usherv1.Skill{AgentSelection: 9}), invalid, `skill "x": agent_selection: 9 is none of its values`},
		{skill(&usherv1.Skill{MultipleCallHandling: 9}), invalid, `skill "x": multiple_call_handling: 9 is none of its values`},
		{skill(&usherv1.Skill{RonaRings: 21}), invalid, `skill "x": rona_rings: 21 is not between 0 and 20`},

		{target(&usherv1.Target{}), invalid, `target "x": expression line 1, column`},
		{target(&usherv1.Target{Expression: "1"}), invalid, `target "x": expression is neither true nor false`},
		{target(&usherv1.Target{Expression: "skill.billing <"}), invalid, `target "x": expression line 1, column`},
		{target(&usherv1.Target{Expression: "interaction.priority > 0"}), invalid, `target "x": expression line 1, column`},
		{target(&usherv1.Target{Expression: strings.Repeat(" ", 2_045) + "true"}), invalid, `target "x": expression has 2049 bytes, more than 2048`},
		{target(&usherv1.Target{Expression: "true", AgentSelection: usherv1.AgentSelection_AGENT_SELECTION_EAD_MIA}), invalid, `target "x": agent_selection can't be by level`},
		{target(&usherv1.Target{Expression: "true", AgentSelection: usherv1.AgentSelection_AGENT_SELECTION_EAD_LOA}), invalid, `target "x": agent_selection can't be by level`},
		{staged(&usherv1.TargetStage{Expression: "true"}), invalid, `target "x": stages [0]: after_ms is 0; it must rise, from 1 to 86400000`},
		{staged(&usherv1.TargetStage{AfterMs: 5, Expression: "true"}, &usherv1.TargetStage{AfterMs: 5, Expression: "true"}), invalid, `target "x": stages [1]: after_ms is 5`},
		{staged(&usherv1.TargetStage{AfterMs: dayMs + 1, Expression: "true"}), invalid, `stages [0]: after_ms is 86400001`},
		{staged(&usherv1.TargetStage{AfterMs: 5, Expression: "2"}), invalid, `target "x": stages[0].expression is neither`},
		{staged(many(9, func(n int) *usherv1.TargetStage {
			return &usherv1.TargetStage{AfterMs: int64(n + 1), Expression: "true"}
		})...), invalid, `target "x": stages are 9, more than 8`},

		{vdn(&usherv1.Vdn{}), invalid, `vdn "x": queue is missing`},
		{vdn(&usherv1.Vdn{Queue: "none"}), errUnknownQueue, `vdn "x": queue: there is no queue "none"`},
		{vdn(&usherv1.Vdn{Queue: "in", Skills: []string{"none"}}), unknown, `vdn "x": skills: there is no skill "none"`},
		{vdn(&usherv1.Vdn{Queue: "in", Skills: []string{"a", "b", "c", "d"}}), invalid, `vdn "x": skills are 4, more than 3`},
		{vdn(&usherv1.Vdn{Queue: "in", Skills: []string{"billing", "billing"}}), invalid, `vdn "x": skills has "billing" twice`},
		{&c{Queues: []*usherv1.Queue{{Name: "x", Strategy: Vectored}}}, invalid, `queue "x": vector is missing: strategy "vector" runs one`},
		{&c{Queues: []*usherv1.Queue{{Name: "x", Strategy: Vectored, Vector: "9"}}}, unknown, `queue "x": vector: there is no vector "9"`},
		{&c{Queues: []*usherv1.Queue{{Name: "x", View: "none"}}}, unknown, `queue "x": view: there is no view "none"`},
		{&c{Queues: []*usherv1.Queue{{Name: "x", View: "vips"}}}, invalid, `queue "x": view "vips" is of queue "special"`},
		{&c{Views: []*usherv1.View{{Name: "vips", Queue: "in"}}}, invalid, `queue "special": view "vips" is of queue "in"`},
		{&c{Places: []*usherv1.Place{{Name: "x", CapacityRule: "none"}}}, unknown, `place "x": capacity_rule: there is no capacity_rule "none"`},

		{&c{Announcements: []*usherv1.Announcement{{Name: "x", Text: strings.Repeat("t", 1_025)}}}, invalid, `announcement "x": text has 1025 bytes, more than 1024`},
		{table(""), invalid, `table "x": entries [0] has 0 characters, not 1 to 128`},
		{table("1", strings.Repeat("1", 129)), invalid, `table "x": entries [1] has 129 characters`},
		{table("1+2"), invalid, `table "x": entries [0] "1+2": "+" stands for the rest and so at the end`},
		{table("+1+2"), invalid, `table "x": entries [0] "+1+2"`},
		{table(many(1_001, func(n int) string { return fmt.Sprint(n) })...), invalid, `table "x": entries are 1001, more than 1000`},

		{holidays(&usherv1.Holiday{From: "25-12"}), invalid, `holiday_table "x": holidays [0]: from "25-12" is no day`},
		{holidays(&usherv1.Holiday{}), invalid, `from "" is no day such as 2026-12-25 or 12-25`},
		{holidays(&usherv1.Holiday{From: "1-01"}), invalid, `from "1-01" is no day`},
		{holidays(&usherv1.Holiday{From: "26-12-25"}), invalid, `from "26-12-25" is no day`},
		{holidays(&usherv1.Holiday{From: "0000-12-25"}), invalid, `is no day`},
		{holidays(&usherv1.Holiday{From: "2026-12-25-1"}), invalid, `is no day`},
		{holidays(&usherv1.Holiday{From: "12-32"}), invalid, `is no day`},
		{holidays(&usherv1.Holiday{From: "12-25"}, &usherv1.Holiday{From: "12-25", To: "x"}), invalid, `holidays [1]: to "x" is no day`},
		{holidays(&usherv1.Holiday{From: "2026-12-25", To: "12-26"}), invalid, `name the year in both or in none`},
		{holidays(&usherv1.Holiday{From: "2026-12-25", To: "2026-12-24"}), invalid, `to "2026-12-24" is before from "2026-12-25"`},
		{holidays(many(367, func(int) *usherv1.Holiday { return &usherv1.Holiday{From: "12-25"} })...), invalid, `holidays are 367, more than 366`},

		{hours("monday", "08:00", "18:00"), invalid, `timetable "x": hours [0]: day "monday" is none of all, mon, tue`},
		{hours("", "08:00", "18:00"), invalid, `day "" is none of`},
		{hours("mon", "8:00", "18:00"), invalid, `hours [0]: from "8:00" to "18:00": times are HH:MM`},
		{hours("mon", "08:60", "18:00"), invalid, `times are HH:MM`},
		{hours("mon", "08.00", "18:00"), invalid, `times are HH:MM`},
		{hours("mon", "08:00", "24:01"), invalid, `times are HH:MM`},
		{hours("mon", "-1:00", "18:00"), invalid, `times are HH:MM`},
		{hours("mon", "18:00", "18:00"), invalid, `hours [0]: to "18:00" is not after from "18:00"`},
		{&c{Timetables: []*usherv1.Timetable{{Name: "x", Hours: many(101, func(int) *usherv1.ServiceHours { return nil })}}}, invalid, `hours are 101, more than 100`},

		{rule(), invalid, `capacity_rule "x": any_of has 0 alternatives, not 1 to 16`},
		{rule(many(17, func(int) map[string]int32 { return nil })...), invalid, `any_of has 17 alternatives`},
		{rule(nil, map[string]int32{"chat": 1_001}), invalid, `capacity_rule "x": any_of [1]: 1001 for "chat" is not between 0 and 1000`},
		{rule(map[string]int32{"chat": -1}), invalid, `any_of [0]: -1 for "chat"`},
		{rule(map[string]int32{"fax": 1}), errUnknownMediaType, `capacity_rule "x": any_of: there is no media_type "fax"`},

		{view(&usherv1.View{}), invalid, `view "x": queue is missing`},
		{view(&usherv1.View{Queue: "none"}), errUnknownQueue, `view "x": queue: there is no queue "none"`},
		{view(&usherv1.View{Queue: "in", Condition: "data.k ="}), invalid, `view "x": condition line 1, column`},
		{view(&usherv1.View{Queue: "in", Condition: "interaction.priority"}), invalid, `view "x": condition is neither true nor false`},
		{view(&usherv1.View{Queue: "in", Condition: `agent == "x"`}), invalid, `view "x": condition line 1, column`},
		{by("is_held"), invalid, `view "x": order [0]: property "is_held" is none of external_id, `},
		{by("state"), invalid, `property "state" is none of`},
		{by(""), invalid, `property "" is none of`},
		{view(&usherv1.View{Queue: "in", Order: many(9, func(int) *usherv1.ViewOrder { return &usherv1.ViewOrder{Property: "priority"} })}), invalid, `view "x": order`},

		{option(&usherv1.Options{TimeZone: "Nowhere/Else"}), invalid, `options: time_zone: "Nowhere/Else" is no time zone such as Europe/Berlin`},
		{option(&usherv1.Options{ForcedLogoutAt: "24:00"}), invalid, `options: forced_logout_at: "24:00" is no time HH:MM from 00:00 to 23:59`},
		{option(&usherv1.Options{ForcedLogoutAt: "6 pm"}), invalid, `forced_logout_at: "6 pm"`},
		{option(&usherv1.Options{CapacityRule: "none"}), unknown, `options: capacity_rule: there is no capacity_rule "none"`},
		{option(&usherv1.Options{InterruptibleAuxCodes: []int32{1, 100}}), invalid, `options: interruptible_aux_codes: 100 is not between 0 and 99`},
		{option(&usherv1.Options{InterruptibleAuxCodes: []int32{-1}}), invalid, `interruptible_aux_codes: -1`},
	} {
		out := b.apply(giving(test.given))
		if out.Err.GetCode() != test.code || !strings.Contains(out.Err.GetDescription(), test.says) {
			t.Errorf("%v; want %v %s", out.Err, test.code, test.says)
		}
	}
	for _, legal := range []*c{
		agent(&usherv1.Agent{Skills: []*usherv1.AgentSkill{{Skill: "billing", Level: 16, Percent: 100}}, Attributes: attributes(64)}),
		staged(many(8, func(n int) *usherv1.TargetStage {
			return &usherv1.TargetStage{AfterMs: int64(n + 1), Expression: "true"}
		})...),
		table("+49+", "?", "+", strings.Repeat("1", 128)), hours("sun", "00:00", "24:00"), rule(map[string]int32{"chat": 0, "mail": 1_000}),
		holidays(&usherv1.Holiday{From: "12-31", To: "01-01"}, &usherv1.Holiday{From: "2026-12-25", To: "2027-01-06"}),
		vdn(&usherv1.Vdn{Queue: "in", Skills: []string{"billing", "direct", "spare"}}), by("user_data.anything"), by("-vdn"),
	} {
		b.mustApply(giving(legal))
	}
}

func attributes(n int) map[string]string {
	all := map[string]string{}
	for k := range n {
		all[fmt.Sprint("a", k)] = "x"
	}
	return all
}
