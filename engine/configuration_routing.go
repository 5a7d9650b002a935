package engine

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/usher-cc/usher/expression"
	"github.com/usher-cc/usher/vector"
	"github.com/usher-cc/usher/zone"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// The kinds of objects of a tenant's routing (telephony.md, "Vectors", "EAS";
// models.md, "Views, capacity, business process").

// Limits of routing objects.
const (
	maxSkillsOfAgent  = 60
	maxAttributes     = 64
	maxLevel          = 16
	maxPercent        = 100
	maxReasonCode     = 99
	maxTargetStages   = 8
	maxSkillsOfVdn    = 3
	maxTableEntries   = 1_000
	maxHolidays       = 366
	maxServiceHours   = 100
	maxAlternatives   = 16
	maxExpressionSize = 2_048
)

// routingKinds are the kinds of a tenant's routing, in the order of a
// difference.
var routingKinds = []kind{
	&kindOf[*usherv1.Skill]{
		name: "skill", idField: "name", id: (*usherv1.Skill).GetName,
		table:   func(c *configuration) map[string]*usherv1.Skill { return c.skills },
		list:    func(c *usherv1.Configuration) *[]*usherv1.Skill { return &c.Skills },
		unknown: errUnknownObject,
		references: func(s *usherv1.Skill) []reference {
			return referOne(nil, "rona_vdn", "vdn", s.GetRonaVdn())
		},
	},
	&kindOf[*usherv1.Target]{
		name: "target", idField: "name", id: (*usherv1.Target).GetName,
		table:   func(c *configuration) map[string]*usherv1.Target { return c.targets },
		list:    func(c *usherv1.Configuration) *[]*usherv1.Target { return &c.Targets },
		unknown: errUnknownObject,
		fault:   targetFault,
	},
	&kindOf[*usherv1.Vector]{
		name: "vector", idField: "name", id: (*usherv1.Vector).GetName,
		table:   func(c *configuration) map[string]*usherv1.Vector { return c.vectors },
		list:    func(c *usherv1.Configuration) *[]*usherv1.Vector { return &c.Vectors },
		unknown: errUnknownObject,
	},
	&kindOf[*usherv1.Vdn]{
		name: "vdn", idField: "name", id: (*usherv1.Vdn).GetName,
		table:   func(c *configuration) map[string]*usherv1.Vdn { return c.vdns },
		list:    func(c *usherv1.Configuration) *[]*usherv1.Vdn { return &c.Vdns },
		unknown: errUnknownObject,
		fault: func(v *usherv1.Vdn) (field, what string) {
			switch {
			case v.GetQueue() == "":
				return "queue", "is missing"
			case len(v.GetSkills()) > maxSkillsOfVdn:
				return "skills", fmt.Sprintf("are %d, more than %d", len(v.GetSkills()), maxSkillsOfVdn)
			}
			return "", ""
		},
		references: func(v *usherv1.Vdn) []reference {
			return refer(refer(nil, "queue", "queue", v.GetQueue()), "skills", "skill", v.GetSkills()...)
		},
	},
	&kindOf[*usherv1.Table]{
		name: "table", idField: "name", id: (*usherv1.Table).GetName,
		table:   func(c *configuration) map[string]*usherv1.Table { return c.tables },
		list:    func(c *usherv1.Configuration) *[]*usherv1.Table { return &c.Tables },
		unknown: errUnknownObject,
		fault:   tableFault,
	},
	&kindOf[*usherv1.HolidayTable]{
		name: "holiday_table", idField: "name", id: (*usherv1.HolidayTable).GetName,
		table:   func(c *configuration) map[string]*usherv1.HolidayTable { return c.holidayTables },
		list:    func(c *usherv1.Configuration) *[]*usherv1.HolidayTable { return &c.HolidayTables },
		unknown: errUnknownObject,
		fault:   holidayFault,
	},
	&kindOf[*usherv1.Timetable]{
		name: "timetable", idField: "name", id: (*usherv1.Timetable).GetName,
		table:   func(c *configuration) map[string]*usherv1.Timetable { return c.timetables },
		list:    func(c *usherv1.Configuration) *[]*usherv1.Timetable { return &c.Timetables },
		unknown: errUnknownObject,
		fault:   timetableFault,
	},
	&kindOf[*usherv1.Announcement]{
		name: "announcement", idField: "name", id: (*usherv1.Announcement).GetName,
		table:   func(c *configuration) map[string]*usherv1.Announcement { return c.announcements },
		list:    func(c *usherv1.Configuration) *[]*usherv1.Announcement { return &c.Announcements },
		unknown: errUnknownObject,
	},
	&kindOf[*usherv1.CapacityRule]{
		name: "capacity_rule", idField: "name", id: (*usherv1.CapacityRule).GetName,
		table:   func(c *configuration) map[string]*usherv1.CapacityRule { return c.capacityRules },
		list:    func(c *usherv1.Configuration) *[]*usherv1.CapacityRule { return &c.CapacityRules },
		unknown: errUnknownObject,
		fault:   capacityRuleFault,
		references: func(r *usherv1.CapacityRule) []reference {
			var media []string
			for _, alternative := range r.GetAnyOf() {
				media = append(media, sortedKeys(alternative.GetMedia())...)
			}
			slices.Sort(media)
			return refer(nil, "any_of", "media_type", slices.Compact(media)...)
		},
	},
	&kindOf[*usherv1.View]{
		name: "view", idField: "name", id: (*usherv1.View).GetName,
		table:   func(c *configuration) map[string]*usherv1.View { return c.views },
		list:    func(c *usherv1.Configuration) *[]*usherv1.View { return &c.Views },
		unknown: errUnknownObject,
		fault:   viewFault,
		references: func(v *usherv1.View) []reference {
			return refer(nil, "queue", "queue", v.GetQueue())
		},
	},
	&kindOf[*usherv1.ThirdServer]{
		name: "external_service", idField: "name", id: (*usherv1.ThirdServer).GetName,
		table:   func(c *configuration) map[string]*usherv1.ThirdServer { return c.externalServices },
		list:    func(c *usherv1.Configuration) *[]*usherv1.ThirdServer { return &c.ExternalServices },
		unknown: errUnknownObject,
	},
}

// referOne refers to an object that need not be named.
func referOne(refs []reference, field, kind, name string) []reference {
	if name == "" {
		return refs
	}
	return refer(refs, field, kind, name)
}

func agentSkillFault(a *usherv1.Agent) (field, what string) {
	if n := len(a.GetSkills()); n > maxSkillsOfAgent {
		return "skills", fmt.Sprintf("are %d, more than %d", n, maxSkillsOfAgent)
	}
	for _, s := range a.GetSkills() {
		switch {
		case s.GetLevel() < 0 || s.GetLevel() > maxLevel:
			return "skills", fmt.Sprintf("have level %d for %.128q, which is not between 1 and %d", s.GetLevel(), s.GetSkill(), maxLevel)
		case s.GetPercent() < 0 || s.GetPercent() > maxPercent:
			return "skills", fmt.Sprintf("have %d percent for %.128q, which is not between 0 and %d", s.GetPercent(), s.GetSkill(), maxPercent)
		}
	}
	if n := len(a.GetAttributes()); n > maxAttributes {
		return "attributes", fmt.Sprintf("are %d, more than %d", n, maxAttributes)
	}
	for _, name := range sortedKeys(a.GetAttributes()) {
		if text := a.GetAttributes()[name]; len(name) > maxNameChars || len(text) > maxTextBytes {
			return "attributes", fmt.Sprintf("%.128q is longer than %d bytes, or its text than %d", name, maxNameChars, maxTextBytes)
		}
	}
	if a.GetLoginWorkMode() == usherv1.WorkMode_WORK_MODE_ACW {
		return "login_work_mode", "is ACW: nothing has been worked on after a login"
	}
	return "", ""
}

func targetFault(t *usherv1.Target) (field, what string) {
	if what := expressionFault(expression.OfAgent, t.GetExpression()); what != "" {
		return "expression", what
	}
	if len(t.GetStages()) > maxTargetStages {
		return "stages", fmt.Sprintf("are %d, more than %d", len(t.GetStages()), maxTargetStages)
	}
	last := int64(0)
	for n, stage := range t.GetStages() {
		if stage.GetAfterMs() <= last || stage.GetAfterMs() > dayMs {
			return "stages", fmt.Sprintf("[%d]: after_ms is %d; it must rise, from 1 to %d", n, stage.GetAfterMs(), dayMs)
		}
		last = stage.GetAfterMs()
		if what := expressionFault(expression.OfAgent, stage.GetExpression()); what != "" {
			return fmt.Sprintf("stages[%d].expression", n), what
		}
	}
	if s := t.GetAgentSelection(); s == usherv1.AgentSelection_AGENT_SELECTION_EAD_MIA || s == usherv1.AgentSelection_AGENT_SELECTION_EAD_LOA {
		return "agent_selection", "can't be by level: a target knows no levels"
	}
	return "", ""
}

// expressionFault is what is wrong with an expression that has to be true or
// false.
func expressionFault(kind expression.Kind, source string) string {
	if len(source) > maxExpressionSize {
		return fmt.Sprintf("has %d bytes, more than %d", len(source), maxExpressionSize)
	}
	program, fault := expression.Compile(kind, source)
	switch {
	case fault != nil:
		return fmt.Sprintf("line %d, column %d: %s", fault.Line, fault.Column, fault.Message)
	case !program.IsBool():
		return "is neither true nor false"
	}
	return ""
}

func tableFault(t *usherv1.Table) (field, what string) {
	if n := len(t.GetEntries()); n > maxTableEntries {
		return "entries", fmt.Sprintf("are %d, more than %d", n, maxTableEntries)
	}
	for n, entry := range t.GetEntries() {
		if entry == "" || len(entry) > maxNameChars {
			return "entries", fmt.Sprintf("[%d] has %d characters, not 1 to %d", n, len(entry), maxNameChars)
		}
		if at := strings.IndexByte(entry[1:], '+'); at >= 0 && at < len(entry)-2 {
			return "entries", fmt.Sprintf("[%d] %q: \"+\" stands for the rest and so at the end", n, entry)
		}
	}
	return "", ""
}

// isDay tells whether a text is a day of a holiday table: MM-DD, or
// YYYY-MM-DD.
func isDay(text string) bool {
	year, rest, found := strings.Cut(text, "-")
	if found && strings.Contains(rest, "-") {
		if len(year) != 4 || !isNumber(year, 1, 9999) {
			return false
		}
		text = rest
	}
	month, dayOfMonth, _ := strings.Cut(text, "-")
	if len(month) != 2 || len(dayOfMonth) != 2 || !isNumber(month, 1, 12) {
		return false
	}
	most := uint64(31)
	switch month {
	case "04", "06", "09", "11":
		most = 30
	case "02":
		most = 29
	}
	return isNumber(dayOfMonth, 1, most)
}

func isNumber(text string, from, to uint64) bool {
	n, err := strconv.ParseUint(text, 10, 16)
	return err == nil && n >= from && n <= to
}

func holidayFault(t *usherv1.HolidayTable) (field, what string) {
	if n := len(t.GetHolidays()); n > maxHolidays {
		return "holidays", fmt.Sprintf("are %d, more than %d", n, maxHolidays)
	}
	for n, h := range t.GetHolidays() {
		switch {
		case !isDay(h.GetFrom()):
			return "holidays", fmt.Sprintf("[%d]: from %.32q is no day such as 2026-12-25 or 12-25", n, h.GetFrom())
		case h.GetTo() != "" && !isDay(h.GetTo()):
			return "holidays", fmt.Sprintf("[%d]: to %.32q is no day such as 2026-12-25 or 12-25", n, h.GetTo())
		case h.GetTo() != "" && len(h.GetTo()) != len(h.GetFrom()):
			return "holidays", fmt.Sprintf("[%d]: from %q and to %q: name the year in both or in none", n, h.GetFrom(), h.GetTo())
		case h.GetTo() != "" && len(h.GetTo()) > len("12-25") && h.GetTo() < h.GetFrom():
			return "holidays", fmt.Sprintf("[%d]: to %q is before from %q", n, h.GetTo(), h.GetFrom())
		}
	}
	return "", ""
}

func timetableFault(t *usherv1.Timetable) (field, what string) {
	if n := len(t.GetHours()); n > maxServiceHours {
		return "hours", fmt.Sprintf("are %d, more than %d", n, maxServiceHours)
	}
	for n, h := range t.GetHours() {
		from, fromOK := minuteOfDay(h.GetFrom())
		to, toOK := minuteOfDay(h.GetTo())
		switch {
		case !slices.Contains(vector.Days, h.GetDay()):
			return "hours", fmt.Sprintf("[%d]: day %.32q is none of %s", n, h.GetDay(), strings.Join(vector.Days, ", "))
		case !fromOK || !toOK:
			return "hours", fmt.Sprintf("[%d]: from %.32q to %.32q: times are HH:MM, 00:00 to 24:00", n, h.GetFrom(), h.GetTo())
		case from >= to:
			return "hours", fmt.Sprintf("[%d]: to %q is not after from %q", n, h.GetTo(), h.GetFrom())
		}
	}
	return "", ""
}

// minuteOfDay reads HH:MM, 00:00 to 24:00.
func minuteOfDay(text string) (minute int, ok bool) {
	if len(text) != len("HH:MM") || text[2] != ':' {
		return 0, false
	}
	hours, err := strconv.ParseUint(text[:2], 10, 8)
	minutes, err2 := strconv.ParseUint(text[3:], 10, 8)
	minute = int(hours)*60 + int(minutes)
	return minute, err == nil && err2 == nil && minutes < 60 && minute <= 24*60
}

func capacityRuleFault(r *usherv1.CapacityRule) (field, what string) {
	if n := len(r.GetAnyOf()); n == 0 || n > maxAlternatives {
		return "any_of", fmt.Sprintf("has %d alternatives, not 1 to %d", n, maxAlternatives)
	}
	for n, alternative := range r.GetAnyOf() {
		for _, media := range sortedKeys(alternative.GetMedia()) {
			if most := alternative.GetMedia()[media]; most < 0 || most > maxCapacity {
				return "any_of", fmt.Sprintf("[%d]: %d for %.128q is not between 0 and %d", n, most, media, maxCapacity)
			}
		}
	}
	return "", ""
}

func viewFault(v *usherv1.View) (field, what string) {
	if v.GetQueue() == "" {
		return "queue", "is missing"
	}
	if v.GetCondition() != "" {
		if what := expressionFault(expression.OfView, v.GetCondition()); what != "" {
			return "condition", what
		}
	}
	for n, o := range v.GetOrder() {
		if !slices.Contains(steadyProperties, o.GetProperty()) && !strings.HasPrefix(o.GetProperty(), userDataPrefix) {
			return "order", fmt.Sprintf("[%d]: property %.64q is none of %s, user_data.KEY", n, o.GetProperty(), strings.Join(steadyProperties, ", "))
		}
	}
	if _, why := compileOrder(ordersOf(v)); why != nil {
		return "order", why.Description
	}
	return "", ""
}

// steadyProperties are by what a view may be ordered: while an interaction is
// in a queue they change only by a change of properties.
var steadyProperties = []string{
	"external_id", "interaction_id", "interaction_subtype", "interaction_type", "is_online", "last_agent", "media_type",
	"moved_to_queue_at_ms", "parent_id", "priority", "received_at_ms", "service_objective_s", "submitted_at_ms", "vdn",
}

// checkVectors refuses vectors that are wrong, and warns of what is hardly
// meant. One that is as before can only be wrong because something is gone, or
// because of another one; and it has been parsed.
func (e *Engine) checkVectors(next *configuration) (warnings []string, why refusal) {
	k := kindNamed("vector").(*kindOf[*usherv1.Vector])
	changed, gone := k.differing(e.config, next)
	if len(changed)+len(gone) == 0 && !slices.ContainsFunc(kinds, func(k kind) bool { return k.loses(e.config, next) }) {
		return nil, nil
	}
	e.parsed = map[*usherv1.Vector]*vector.Vector{}
	all, problems := map[string]*vector.Vector{}, map[string]vector.Problems{}
	for _, name := range sortedKeys(next.vectors) {
		if all[name], _ = e.PresentVector(name); all[name] == nil || slices.Contains(changed, name) {
			all[name], problems[name] = vector.Parse(next.vectors[name].Text)
			e.parsed[next.vectors[name]] = all[name]
		}
	}
	for _, name := range sortedKeys(next.vectors) {
		found := problems[name]
		if v := all[name]; v != nil {
			found = append(found, v.Check(known{next, all})...)
			if string(v.Name) != name {
				return nil, refuse(errInvalidArgument, "vector %q: line 1, column 1: its first line names it %q", name, v.Name)
			}
		}
		if all[name] == nil || found.Refused() {
			return nil, refuse(errInvalidArgument, "%s", linesOf(name, found, vector.Error))
		}
		for _, p := range found {
			if slices.Contains(changed, name) {
				warnings = append(warnings, fmt.Sprintf("vector %q: %s", name, p))
			}
		}
	}
	return warnings, nil
}

// linesOf has a line for each problem of a severity, ten at most.
func linesOf(name string, problems vector.Problems, severity vector.Severity) string {
	var lines []string
	for _, p := range problems {
		if p.Severity == severity && len(lines) < 10 {
			lines = append(lines, fmt.Sprintf("vector %q: %s", name, p))
		}
	}
	return strings.Join(lines, "\n")
}

func ordersOf(v *usherv1.View) []*usherv1.Order {
	orders := make([]*usherv1.Order, len(v.GetOrder()))
	for n, o := range v.GetOrder() {
		orders[n] = &usherv1.Order{Property: o.GetProperty(), Descending: o.GetDescending()}
	}
	return orders
}

// checkOptions refuses options of a next configuration that are wrong.
func checkOptions(next *configuration) refusal {
	o := next.options
	if why := checkFields("options", o); why != nil {
		return why
	}
	if at := o.GetForcedLogoutAt(); at != "" {
		if minute, ok := minuteOfDay(at); !ok || minute == 24*60 {
			return refuse(errInvalidArgument, "options: forced_logout_at: %.32q is no time HH:MM from 00:00 to 23:59", at)
		}
	}
	for _, code := range o.GetInterruptibleAuxCodes() {
		if code < 0 || code > maxReasonCode {
			return refuse(errInvalidArgument, "options: interruptible_aux_codes: %d is not between 0 and %d", code, maxReasonCode)
		}
	}
	if _, err := zone.Load(o.GetTimeZone()); err != nil {
		return refuse(errInvalidArgument, "options: time_zone: %.64q is no time zone such as Europe/Berlin", o.GetTimeZone())
	}
	if name := o.GetCapacityRule(); name != "" && next.capacityRules[name] == nil {
		return refuse(errUnknownObject, "options: capacity_rule: there is no capacity_rule %.128q", name)
	}
	return nil
}
