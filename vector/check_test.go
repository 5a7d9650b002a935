package vector

import (
	"slices"
	"strings"
	"testing"
)

// some is a Known that has what a list names, e.g. "skill billing".
type some []string

func (s some) has(what, name string) bool { return slices.Contains(s, what+" "+name) }

func (s some) HasSkill(name string) bool  { return s.has("skill", name) }
func (s some) HasTarget(name string) bool { return s.has("target", name) }
func (s some) HasVector(name Name) (int, bool) {
	return 3, s.has("vector", string(name))
}
func (s some) HasVdn(name string) bool            { return s.has("vdn", name) }
func (s some) HasQueue(name string) bool          { return s.has("queue", name) }
func (s some) HasWorkbin(name, owner string) bool { return s.has("workbin", name+" of "+owner) }
func (s some) HasAgent(id string) bool            { return s.has("agent", id) }
func (s some) HasTable(name string) bool          { return s.has("table", name) }
func (s some) HasHolidayTable(name string) bool   { return s.has("holidays", name) }
func (s some) HasTimetable(name string) bool      { return s.has("timetable", name) }
func (s some) HasAnnouncement(name string) bool   { return s.has("announcement", name) }
func (s some) HasService(name string) bool        { return s.has("service", name) }
func (s some) HasServiceType(name string) bool    { return s.has("type", name) }

// Entries: another vector leads to step 3 of "entered".
func (s some) Entries(name Name) []int {
	if name == "entered" {
		return []int{3, 99}
	}
	return nil
}

var known = some{
	"skill a", "skill b", "skill c", "skill d", "skill billing", "skill general", "target t", "vector 2", "vdn 4099", "queue inbound",
	"workbin drafts of ann", "workbin shared of ", "workbin messages of ann", "agent ann", "table vips", "holidays public", "timetable shop",
	"announcement busy-now", "announcement closed", "service crm", "type archive",
}

func TestCheckExample(t *testing.T) {
	if got := mustParse(t, example).Check(known); len(got) > 0 {
		t.Errorf("got %s", got)
	}
	got := mustParse(t, example).Check(some{})
	want := `line 3, column 14: unknown skill "billing"
line 5, column 11: unknown skill "general"
line 6, column 5: warning: unknown announcement "busy-now"
line 8, column 14: warning: unknown number "4099"
line 10, column 5: warning: unknown announcement "closed"`
	if got.String() != want {
		t.Errorf("got\n%s", got)
	}
}

// TestNames: each name is looked up as what it is; all others of a step are
// known.
func TestNames(t *testing.T) {
	for _, c := range []struct{ good, bad, why string }{
		{"queue-to skill a pri m", "queue-to skill x pri m", `line 2, column 10: unknown skill "x"`},
		{"queue-to target t pri m", "queue-to target x pri m", `line 2, column 10: unknown target "x"`},
		{"queue-to skill 1st pri m", "queue-to target 1st pri m", `line 2, column 10: unknown target "1st"`},
		{"queue-to skill a pri m preferring agent ann for 5 secs", "queue-to skill a pri m preferring agent x for 5 secs", `line 2, column 1: warning: unknown agent "x"`},
		{"check skill a pri m if calls-queued in skill b pri m > 0", "check skill x pri m if calls-queued in skill y pri m > 0", "line 2, column 7: unknown skill \"x\"\nline 2, column 40: unknown skill \"y\""},
		{"check skill a pri m if calls-queued > 0", "check skill x pri m if calls-queued > 0", `line 2, column 7: unknown skill "x"`},
		{"goto vector 2 if unconditionally", "goto vector 3 if unconditionally", `line 2, column 1: unknown vector "3"`},
		{"goto vector 2", "goto vector 3 @step 4", `line 2, column 1: unknown vector "3"`},
		{"goto vector 2 @step 3", "goto vector 2 @step 4", `line 2, column 1: there is no step 4 in vector 2; the last is 3`},
		{"goto vector 1 @step 2 if digits = 1\nstop", "goto vector 1 @step 3 if digits = 1\nstop", "line 2, column 1: there is no step 3 in vector 1; the last is 2"},
		{"goto step 2 if digits = 1\nstop", "goto step 3 if digits = 1\nstop", "line 2, column 1: there is no step 3; the last is 2"},
		{"goto vector 2 if rolling-asa for vdn 4099 > 1", "goto vector 2 if rolling-asa for vdn x > 1", `line 2, column 18: unknown VDN "x"`},
		{"goto vector 2 if counted-calls to vdn active > 1", "goto vector 2 if counted-calls to vdn x > 1", `line 2, column 18: unknown VDN "x"`},
		{"goto vector 2 if digits in table vips", "goto vector 2 if digits in table x", `line 2, column 18: unknown table "x"`},
		{"goto vector 2 if ani not-in table vips", "goto vector 2 if ani not-in table x", `line 2, column 18: unknown table "x"`},
		{"goto vector 2 if holiday in table public", "goto vector 2 if holiday in table x", `line 2, column 18: unknown holiday table "x"`},
		{"goto vector 2 if service-hours in table shop", "goto vector 2 if service-hours in table x", `line 2, column 18: unknown timetable "x"`},
		{"goto vector 2 if ani = vips", "goto vector 2 if expected-wait for target x pri m > 0", `line 2, column 36: unknown target "x"`},
		{"wait-time 5 secs hearing closed", "wait-time 5 secs hearing x", `line 2, column 1: warning: unknown announcement "x"`},
		{"wait-time 5 secs hearing ringback", "announcement x", `line 2, column 1: warning: unknown announcement "x"`},
		{"disconnect after announcement none", "disconnect after announcement x", `line 2, column 1: warning: unknown announcement "x"`},
		{"route-to number 4099", "route-to number 1", `line 2, column 10: warning: unknown number "1"`},
		{"route-to number ann", "route-to agent x", `line 2, column 10: warning: unknown agent "x"`},
		{"route-to agent ann", "route-to queue ann", `line 2, column 10: unknown queue "ann"`},
		{"route-to queue inbound", "route-to vdn inbound", `line 2, column 10: unknown VDN "inbound"`},
		{"route-to vdn 4099", "route-to workbin drafts", `line 2, column 10: unknown workbin "drafts"`},
		{"route-to workbin drafts of ann", "route-to workbin drafts of x", `line 2, column 10: unknown workbin "drafts"`},
		{"route-to workbin shared if digits = 1", "route-to digits if expected-wait for skill x pri m > 0", `line 2, column 38: unknown skill "x"`},
		{"converse-on skill a pri m", "converse-on skill x pri m", `line 2, column 13: unknown skill "x"`},
		{"messaging skill a for ann", "messaging skill x for bob", "line 2, column 1: unknown workbin \"messages of bob\"\nline 2, column 11: unknown skill \"x\""},
		{"consider skill a pri m", "consider target x pri m", `line 2, column 10: unknown target "x"`},
		{"call-service crm method m within 1 secs", "call-service archive method m within 1 secs", `line 2, column 1: unknown service "archive"`},
		{"call-service type archive method m within 1 secs", "call-service type crm method m within 1 secs", `line 2, column 1: unknown type of services "crm"`},
	} {
		if got := mustParse(t, "vector 1\n"+c.good).Check(known).String(); got != "" {
			t.Errorf("%s: got %s", c.good, got)
		}
		if got := mustParse(t, "vector 1\n"+c.bad).Check(known).String(); got != c.why {
			t.Errorf("%s: got %s", c.bad, got)
		}
	}
}

// TestFlow: what is found by following the steps.
func TestFlow(t *testing.T) {
	for name, c := range map[string]struct{ steps, want string }{
		"nothing":    {"", "0: the vector has no steps: what enters would be stopped at once; a vector has at least one step"},
		"wait":       {"wait-time 1 secs hearing music; goto step 1", ""},
		"wait of 0":  {"wait-time 0 secs hearing music; goto step 1", "1: steps 1 to 2 are a loop that does not wait"},
		"to itself":  {"goto step 1", "1: step 1 is a loop that does not wait"},
		"if":         {"queue-to skill a pri m; goto step 1 if digits = 1", "1: warning: steps 1 to 2 are a loop that does not wait"},
		"all ways":   {"busy; goto step 2 if digits = 1; goto step 2", "2: warning: steps 2 to 3 are never reached"},
		"trapped":    {"set a = 1; goto step 1 if digits = 1; goto step 1", "1: steps 1 to 3 are a loop that does not wait"},
		"over a gap": {"goto step 3; stop; goto step 1", "1: steps 1, 3 are a loop that does not wait\n2: warning: step 2 is never reached"},
		"one way around the wait": {
			"goto step 3 if digits = 1; wait-time 5 secs hearing music; goto step 1",
			"1: warning: steps 1, 3 are a loop that does not wait",
		},
		"two loops":             {"goto step 1 if digits = 1; goto step 2", "1: warning: step 1 is a loop that does not wait\n2: step 2 is a loop that does not wait"},
		"announcement":          {"announcement closed; goto step 1", ""},
		"no announcement":       {"announcement x; goto step 1", "1: warning: unknown announcement \"x\"\n1: steps 1 to 2 are a loop that does not wait"},
		"converse-on":           {"converse-on skill a pri m; goto step 1", ""},
		"call-service":          {"call-service crm method m within 1 secs; goto step 1", ""},
		"collect":               {"collect 1 digits; goto step 1", "1: warning: collect fails at once for interactions without voice"},
		"adjunct routing":       {"adjunct routing link 1; goto step 1", "1: steps 1 to 2 are a loop that does not wait"},
		"adjunct and wait":      {"adjunct routing link 1; wait-time 5 secs hearing silence; goto step 1", ""},
		"route-to":              {"route-to digits; goto step 1", "1: warning: steps 1 to 2 are a loop that does not wait"},
		"messaging":             {"messaging skill a for ann; goto step 1", "1: warning: steps 1 to 2 are a loop that does not wait"},
		"other vector":          {"goto vector 2; goto step 1", ""},
		"own vector":            {"set a = 1; goto vector 1 @step 1", "1: steps 1 to 2 are a loop that does not wait"},
		"own vector, and back":  {"goto vector 1 @step 3; stop; return", ""},
		"own vector, no return": {"goto vector 1 @step 3; stop; busy", "2: warning: step 2 is never reached"},
		"loop never reached":    {"stop; goto step 2", "2: warning: step 2 is never reached"},

		"after stop":         {"stop; busy", "2: warning: step 2 is never reached"},
		"after stop, led to": {"goto step 3 if digits = 1; stop; busy", ""},
		"after busy":         {"busy; stop; stop; goto step 3", "2: warning: steps 2 to 4 are never reached"},
		"after disconnect":   {"disconnect; stop", "2: warning: step 2 is never reached"},
		"after return":       {"return; stop", "2: warning: step 2 is never reached"},
		"after route-to":     {"route-to vdn 4099; stop", ""},
		"two rows":           {"goto step 3; busy; goto step 5; busy; stop", "2: warning: step 2 is never reached\n4: warning: step 4 is never reached"},

		"best":            {"consider skill a pri m; consider skill b pri m; queue-to best", ""},
		"best of nothing": {"queue-to best", "1: there is no best, as no step before has considered any"},
		"best too early":  {"queue-to best; consider skill a pri m", "1: there is no best, as no step before has considered any"},
		"best on one way": {"goto step 3 if digits = 1; consider skill a pri m; queue-to best", ""},
		"best by a loop":  {"check best if digits = 1; wait-time 1 secs hearing music; consider skill a pri m; goto step 1", ""},
		"best on no way":  {"goto step 3; consider skill a pri m; check best if digits = 1", "2: warning: step 2 is never reached\n3: there is no best, as no step before has considered any"},
		"best never":      {"stop; queue-to best", "2: warning: step 2 is never reached"},
		"best in goto":    {"goto step 2 if expected-wait for best > 5; stop", "1: there is no best, as no step before has considered any"},
		"best in others":  {"route-to digits if wait-improved for best > 5; goto vector 2 if expected-wait for best > 5; check skill a pri m if expected-wait for best > 5", "1: there is no best, as no step before has considered any\n2: there is no best, as no step before has considered any\n3: there is no best, as no step before has considered any"},

		"three skills":     {"queue-to skill a pri m; queue-to skill b pri m; queue-to target t pri m; queue-to skill a pri h; check skill c pri m if digits = 1", ""},
		"four skills":      {"queue-to skill a pri m; queue-to skill b pri m; queue-to skill c pri m; queue-to skill d pri m; queue-to skill d pri h", "4: warning: it waits in 3 skills already, so this is skipped\n5: warning: it waits in 3 skills already, so this is skipped"},
		"four by checks":   {"queue-to skill a pri m; queue-to skill b pri m; route-to digits; queue-to skill c pri m; check skill d pri m if unconditionally", "5: warning: it waits in 3 skills already, so this is skipped"},
		"four by a goto":   {"queue-to skill a pri m; goto step 4; stop; queue-to skill b pri m; goto step 6 if digits = 1; queue-to skill c pri m; queue-to skill d pri m", "3: warning: step 3 is never reached\n7: warning: it waits in 3 skills already, so this is skipped"},
		"four on two":      {"queue-to skill a pri m; queue-to skill b pri m; goto step 7 if digits = 1; queue-to skill c pri m; stop; stop; queue-to skill d pri m", "6: warning: step 6 is never reached"},
		"four led to":      {"goto step 3 if digits = 1; stop; queue-to skill a pri m; queue-to skill b pri m; queue-to skill c pri m; queue-to skill d pri m", "6: warning: it waits in 3 skills already, so this is skipped"},
		"four in a circle": {"queue-to skill a pri m; queue-to skill b pri m; wait-time 5 secs hearing music; queue-to skill c pri m; goto step 1", ""},
	} {
		v := mustParse(t, "vector 1\n"+strings.ReplaceAll(c.steps, "; ", "\n"))
		var got []string
		for _, p := range v.Check(known) {
			text := p.String()
			text = strings.Replace(strings.TrimPrefix(text, "line "), ", column 1", "", 1)
			text, _, _ = strings.Cut(text, "; put ")
			got = append(got, text)
		}
		for i := range got { // Steps begin on line 2.
			got[i] = string(got[i][0]-1) + got[i][1:]
		}
		if all := strings.Join(got, "\n"); all != c.want {
			t.Errorf("%s: %s: got\n%s, want\n%s", name, c.steps, all, c.want)
		}
	}
}

// TestEnteredElsewhere: steps to which another vector leads are reached.
func TestEnteredElsewhere(t *testing.T) {
	known := some{"skill a"}
	text := "\nqueue-to skill a pri m\nstop\nwait-time 5 secs hearing music\nreturn"
	if got := mustParse(t, "vector entered"+text).Check(known).String(); got != "" {
		t.Errorf("entered: %s", got)
	}
	if got := mustParse(t, "vector alone"+text).Check(known).String(); got == "" {
		t.Error("alone: steps 3 and 4 are not reached, and nobody says so")
	}
}

// TestRefused: errors refuse a vector, warnings do not.
func TestRefused(t *testing.T) {
	for steps, want := range map[string]bool{"goto step 1": true, "stop\nstop": false, "stop": false} {
		if got := mustParse(t, "vector 1\n"+steps).Check(known).Refused(); got != want {
			t.Errorf("%q: got %v", steps, got)
		}
	}
}

// TestCheckLargest: the largest vectors are checked, too.
func TestCheckLargest(t *testing.T) {
	v := mustParse(t, "vector 1\n"+strings.Repeat("goto step 999 if digits = 1\n", 998)+"goto step 1\n")
	if got := v.Check(known).String(); got != "line 2, column 1: steps 1 to 999 are a loop that does not wait; put a wait-time into the loop" {
		t.Errorf("got %s", got)
	}
}
