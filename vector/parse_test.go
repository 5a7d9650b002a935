package vector

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/expression"
)

// example is the field's.
const example = `vector 12 "Billing chat"
01  goto step 9 if time-of-day is all 18:00 to all 08:00
02  queue-to skill billing pri m
03  wait-time 30 secs hearing music
04  check skill general pri m if available-agents > 0
05  announcement busy-now
06  goto step 3 if expected-wait for call < 300
07  route-to number 4099 with cov n if unconditionally
08  stop
09  disconnect after announcement closed
`

const (
	low    = usherv1.VectorPriority_VECTOR_PRIORITY_LOW
	medium = usherv1.VectorPriority_VECTOR_PRIORITY_MEDIUM
	high   = usherv1.VectorPriority_VECTOR_PRIORITY_HIGH
	top    = usherv1.VectorPriority_VECTOR_PRIORITY_TOP
)

// dump shows all of a value but positions, and an expression by its source, so
// that vectors can be compared.
func dump(v any) string {
	switch v := v.(type) {
	case Position:
		return ""
	case *expression.Program:
		if v == nil {
			return "nil"
		}
		return fmt.Sprintf("%q", v.Source())
	}
	r := reflect.ValueOf(v)
	switch r.Kind() {
	case reflect.Pointer:
		if r.IsNil() {
			return "nil"
		}
		return "&" + dump(r.Elem().Interface())
	case reflect.Slice:
		var all []string
		for i := range r.Len() {
			all = append(all, dump(r.Index(i).Interface()))
		}
		return "[" + strings.Join(all, " ") + "]"
	case reflect.Struct:
		var all []string
		for i := range r.NumField() {
			all = append(all, r.Type().Field(i).Name+":"+dump(r.Field(i).Interface()))
		}
		return r.Type().Name() + "{" + strings.Join(all, " ") + "}"
	}
	return fmt.Sprintf("%#v", v)
}

func compiled(t testing.TB, source string) *expression.Program {
	t.Helper()
	program, fault := expression.Compile(expression.OfInteraction, source)
	if fault != nil {
		t.Fatal(fault)
	}
	return program
}

// fault is what is wrong with an expression.
func fault(t testing.TB, source string) string {
	t.Helper()
	_, fault := expression.Compile(expression.OfInteraction, source)
	if fault == nil {
		t.Fatalf("%s compiles", source)
	}
	return fault.Message
}

func mustParse(t *testing.T, text string) *Vector {
	t.Helper()
	v, problems := Parse(text)
	if len(problems) > 0 {
		t.Fatalf("%s\n%s", text, problems)
	}
	return v
}

func TestExample(t *testing.T) {
	v := mustParse(t, example)
	if got := v.Format(); got != example {
		t.Errorf("got\n%s", got)
	}
	if v.Name != "12" || v.Title != "Billing chat" || len(v.Steps) != 9 {
		t.Errorf("got %+v", v)
	}
	if got := v.Steps[3].At; got != (Position{5, 5}) {
		t.Errorf("step 4 is at %v", got)
	}
	c := v.Steps[3].Action.(Check)
	if c.Place.At != (Position{5, 11}) || c.If.At != (Position{5, 34}) {
		t.Errorf("got %+v", c)
	}
}

// actions has for each step how it is written, what it is, and how it is
// wrong: its line is 2.
func actions(t testing.TB) []actionCase {
	always := Condition{Subject: Unconditionally}
	billing, general := Place{Skill: "billing"}, Place{Target: "general help"}
	no := false
	return []actionCase{
		{"queue-to skill billing pri m", QueueTo{billing, medium, nil},
			"queue-to skill billing", `line 2, column 23: the step is not complete; write: queue-to skill S|1st|2nd|3rd pri l|m|h|t [preferring last-agent|agent A for N secs], or: queue-to target T pri l|m|h|t, or: queue-to best`},
		{`queue-to target "general help" pri t preferring last-agent for 30 secs`, QueueTo{general, top, &Preference{LastAgent: true, For: 30_000}},
			`queue-to target "general help" pri x`, `line 2, column 36: a priority is l, m, h or t, not "x"`},
		{"queue-to best preferring agent a17 for 2 mins", QueueTo{Place{Skill: Best}, 0, &Preference{Agent: "a17", For: 120_000}},
			"queue-to best preferring agent a17 for 9 hrs", `line 2, column 40: the time of preferring is 1 secs to 8 hrs, not 9 hrs`},
		{"queue-to skill 2nd pri h preferring agent expression `data.owner` for 1 hrs", QueueTo{Place{Skill: Second}, high, &Preference{Expression: compiled(t, "data.owner"), For: 3_600_000}},
			"queue-to skill 2nd pri h preferring agent expression `dat.owner` for 1 hrs", "line 2, column 55: " + fault(t, "dat.owner")},
		{"check skill billing pri l if unconditionally", Check{billing, low, always},
			"check skill billing pri l", `line 2, column 26: the step is not complete; write: check skill S pri l|m|h|t if COND`},
		{"check best if expected-wait < 30", Check{Place{Skill: Best}, 0, Condition{Subject: ExpectedWait, Place: Place{Skill: Best}, Comparison: Less, Number: 30}},
			"check best when expected-wait < 30", `line 2, column 12: unexpected "when"; write: check skill S pri l|m|h|t if COND`},
		{"goto step 999 if unconditionally", GotoStep{999, always},
			"goto step 1000", `line 2, column 11: a step is a number from 1 to 999, not "1000"`},
		{"goto vector billing-chat@2.1_b if unconditionally", GotoVector{"billing-chat@2.1_b", 1, always},
			"goto vector a+b if unconditionally", `line 2, column 13: the name "a+b" of a vector has other characters than letters, digits and . _ - @`},
		{"goto vector 7 @step 3 if interflow-qpos = 1", GotoVector{"7", 3, Condition{Subject: InterflowQpos, Comparison: Equal, Number: 1}},
			"goto vector 7 step 3", `line 2, column 15: unexpected "step"; write: goto step N if COND, or: goto vector V [@step N] if COND`},
		{"return", Return{},
			"return 7", `line 2, column 8: unexpected "7"; write: return`},
		{"wait-time 0 secs hearing silence", WaitTime{0, usherv1.TreatmentKind_TREATMENT_KIND_SILENCE, ""},
			"wait-time 481 mins hearing silence", `line 2, column 11: wait-time is 0 secs to 8 hrs, not 481 mins`},
		{"wait-time 5 mins hearing ringback", WaitTime{300_000, usherv1.TreatmentKind_TREATMENT_KIND_RINGBACK, ""},
			"wait-time 5 hearing ringback", `line 2, column 13: unexpected "hearing"; write: wait-time T secs|mins|hrs hearing silence|ringback|music|SOURCE`},
		{"wait-time 8 hrs hearing music", WaitTime{8 * 3_600_000, usherv1.TreatmentKind_TREATMENT_KIND_MUSIC, ""},
			"wait-time 8 hrs", `line 2, column 16: the step is not complete; write: wait-time T secs|mins|hrs hearing silence|ringback|music|SOURCE`},
		{`wait-time 90 secs hearing "music"`, WaitTime{90_000, usherv1.TreatmentKind_TREATMENT_KIND_SOURCE, "music"},
			`wait-time 90 secs hearing ""`, `line 2, column 27: a name has at least one character`},
		{"goto step 1 if unconditionally", GotoStep{1, always},
			"goto step 0", `line 2, column 11: a step is a number from 1 to 999, not "0"`},
		{"announcement busy-now", Announce{"busy-now"},
			"announcement busy now", `line 2, column 19: unexpected "now"; write: announcement A`},
		{"collect 16 digits after announcement pin", Collect{16, "pin"},
			"collect 17 digits after announcement pin", `line 2, column 9: the count of digits is a number from 1 to 16, not "17"`},
		{"collect 1 digits after announcement none", Collect{1, ""},
			"collect 1 digits afer announcement none", `line 2, column 18: unexpected "afer"; did you mean "after"?`},
		{`collect 1 digits after announcement "none"`, Collect{1, "none"},
			`collect 1 digits after announcement "no`, `line 2, column 37: the closing " is missing`},
		{"route-to number +49:89 with cov n if unconditionally", RouteTo{To: ToNumber, Name: "+49:89", WithCov: &no, If: always},
			"route-to number 4099 with cov maybe", `line 2, column 31: unexpected "maybe"; write: route-to number X|digits|queue Q|vdn V|workbin W [of OWNER]|agent A [with cov y|n] [if COND]`},
		{"route-to digits if digits <> \"\"", RouteTo{To: ToDigits, If: Condition{Subject: Digits, Comparison: NotEqual}},
			"route-to digit", `line 2, column 10: unexpected "digit"; did you mean "digits"?`},
		{"route-to queue inbound if unconditionally", RouteTo{To: ToQueue, Name: "inbound", If: always},
			"route-to queue", `line 2, column 15: the step is not complete; write: route-to number X|digits|queue Q|vdn V|workbin W [of OWNER]|agent A [with cov y|n] [if COND]`},
		{"route-to vdn 4100 if unconditionally", RouteTo{To: ToVdn, Name: "4100", If: always},
			"route-to vdn 4100 of ann", `line 2, column 22: only a workbin has an owner`},
		{"route-to workbin drafts of ann if unconditionally", RouteTo{To: ToWorkbin, Name: "drafts", Owner: "ann", If: always},
			"route-to workbin drafts by ann", `line 2, column 25: unexpected "by"; write: route-to number X|digits|queue Q|vdn V|workbin W [of OWNER]|agent A [with cov y|n] [if COND]`},
		{"route-to agent ann if unconditionally", RouteTo{To: ToAgent, Name: "ann", If: always},
			"route-to agent ann if", `line 2, column 22: the condition is missing`},
		{"adjunct routing link 1", AdjunctRouting{"1"},
			"adjunct routing 1", `line 2, column 17: unexpected "1"; write: adjunct routing link L`},
		{"converse-on skill billing pri m passing ani and \"a text\"", ConverseOn{billing, medium, []string{"ani", "a text"}},
			"converse-on best", `line 2, column 13: unexpected "best"; write: converse-on skill S pri l|m|h|t passing A and B`},
		{"converse-on skill billing pri m passing none and qpos", ConverseOn{billing, medium, []string{"none", "qpos"}},
			"converse-on skill billing pri m passing none and", `line 2, column 49: the step is not complete; write: converse-on skill S pri l|m|h|t passing A and B`},
		{"converse-on skill billing pri m passing none and none", ConverseOn{billing, medium, nil},
			"converse-on skill billing pri m pasing none", `line 2, column 33: unexpected "pasing"; did you mean "passing"?`},
		{"messaging skill billing for ann", Messaging{billing, "ann"},
			"messaging skill billing", `line 2, column 24: the step is not complete; write: messaging skill S for M`},
		{"consider skill billing pri m adjust-by 100", Consider{billing, medium, 100},
			"consider skill billing pri m adjust-by 101", `line 2, column 40: adjust-by is a number from 0 to 100, not "101"`},
		{`set tries = variable.tries + 1 > 2 ? "a # b" : 'c'`, Set{"tries", compiled(t, `variable.tries + 1 > 2 ? "a # b" : 'c'`)},
			"set tries = 1 + variabel.tries", "line 2, column 17: " + fault(t, "variabel.tries")},
		{"call-service crm method find with `{\"id\": data.id}` within 5 secs", CallService{"crm", "", "find", compiled(t, `{"id": data.id}`), 5000},
			"call-service crm method find with {} within 5 secs", `line 2, column 35: unexpected "{"; write: call-service S|type T method M [with ` + "`EXPR`" + `] within N secs`},
		{`call-service "type" method find within 1 hrs`, CallService{"type", "", "find", nil, 3_600_000},
			`call-service crm method find within 2 hrs`, `line 2, column 37: the time of call-service is 1 secs to 1 hrs, not 2 hrs`},
		{"call-service type crm method find within 1 mins", CallService{"", "crm", "find", nil, 60_000},
			"call-service type crm find", `line 2, column 23: unexpected "find"; write: call-service S|type T method M [with ` + "`EXPR`" + `] within N secs`},
		{"busy", Busy{},
			"bussy", `line 2, column 1: unknown step "bussy"; did you mean "busy"?`},
		{"disconnect after announcement closed", Disconnect{"closed"},
			"disconnect after closed", `line 2, column 18: unexpected "closed"; write: disconnect after announcement A|none`},
		{"disconnect after announcement none", Disconnect{},
			"disconnect after announcement", `line 2, column 30: the step is not complete; write: disconnect after announcement A|none`},
		{"stop", Stop{},
			"stop!", `line 2, column 5: unexpected "!"; write: stop`},
	}
}

type actionCase struct {
	good string
	want Action
	bad  string
	why  string
}

func TestSteps(t *testing.T) {
	var keywords []string
	for _, c := range actions(t) {
		keywords = append(keywords, strings.Fields(c.good)[0])
		v := mustParse(t, "vector 1\n"+c.good)
		if got := dump(v.Steps[0].Action); got != dump(c.want) {
			t.Errorf("%s: got\n%s, want\n%s", c.good, got, dump(c.want))
		}
		if got := FormatAction(v.Steps[0].Action); got != c.good {
			t.Errorf("%s is formatted as %s", c.good, got)
		}
		checkProblem(t, "vector 1\n"+c.bad, c.why)
	}
	for _, f := range stepForms {
		if !slices.Contains(keywords, f.keyword) {
			t.Errorf("there is no example for %s", f.keyword)
		}
	}
}

// checkProblem expects the one problem of a text.
func checkProblem(t *testing.T, text, want string) {
	t.Helper()
	v, problems := Parse(text)
	if got := problems.String(); got != want || v != nil {
		t.Errorf("%q: got\n%s, want\n%s", text, got, want)
	}
	if want != "" && !problems.Refused() {
		t.Errorf("%q is not refused", text)
	}
}

// conditions has for each condition how it is written after `goto step 1 if`,
// what it is, and how it is wrong.
func conditions(t testing.TB) []conditionCase {
	billing, general := Place{Skill: "billing"}, Place{Target: "general"}
	return []conditionCase{
		{"unconditionally", Condition{Subject: Unconditionally},
			"uncondtionally", `line 2, column 16: unknown condition "uncondtionally"; did you mean "unconditionally"?`},
		{"available-agents in skill billing > 0", Condition{Subject: AvailableAgents, Place: billing, Comparison: Greater},
			"available-agents > 0", `line 2, column 33: it is not said whose available-agents; write: available-agents in skill S > N`},
		{"staffed-agents in target general <= 1000000", Condition{Subject: StaffedAgents, Place: general, Comparison: LessOrEqual, Number: 1_000_000},
			"staffed-agents in skill 1st pri m > 0", `line 2, column 48: unexpected "m"; write: staffed-agents in skill S > N`},
		{"calls-queued in skill billing pri l >= 20", Condition{Subject: CallsQueued, Place: billing, Priority: low, Comparison: GreaterOrEqual, Number: 20},
			"calls-queued in skill billing > 20", `line 2, column 46: the priority is missing; write: calls-queued in skill S pri l|m|h|t > N`},
		{"oldest-call-wait in skill 3rd pri h > 60 secs", Condition{Subject: OldestCallWait, Place: Place{Skill: Third}, Priority: high, Comparison: Greater, Number: 60},
			"oldest-call-wait in skill 3rd pri h > 1000001", `line 2, column 54: what oldest-call-wait is compared with is a number from 0 to 1000000, not "1000001"`},
		{"rolling-asa for skill billing <= 30", Condition{Subject: RollingASA, Place: billing, Comparison: LessOrEqual, Number: 30},
			"rolling-asa for call <= 30", `line 2, column 32: unexpected "call"; write: rolling-asa for skill S|vdn V|vdn active <= N`},
		{"rolling-asa for vdn 4100 <= 30", Condition{Subject: RollingASA, Vdn: "4100", Comparison: LessOrEqual, Number: 30},
			"rolling-asa for 4100 <= 30", `line 2, column 32: unexpected "4100"; write: rolling-asa for skill S|vdn V|vdn active <= N`},
		{"rolling-asa for vdn active <= 30", Condition{Subject: RollingASA, Vdn: "active", Comparison: LessOrEqual, Number: 30},
			"rolling-asa for vdn active 30", `line 2, column 43: unexpected "30"; write: rolling-asa for skill S|vdn V|vdn active <= N`},
		{"counted-calls to vdn active <= 5", Condition{Subject: CountedCalls, Vdn: "active", Comparison: LessOrEqual, Number: 5},
			"counted-calls to skill billing <= 5", `line 2, column 33: unexpected "skill"; write: counted-calls to vdn V|active <= N`},
		{"expected-wait for skill billing pri m < 60", Condition{Subject: ExpectedWait, Place: billing, Priority: medium, Comparison: Less, Number: 60},
			"expected-wait for skill billing pri m < many", `line 2, column 56: what expected-wait is compared with is a number from 0 to 1000000, not "many"`},
		{"expected-wait for call < 60", Condition{Subject: ExpectedWait, Comparison: Less, Number: 60},
			"expected-wait for vdn 1 < 60", `line 2, column 34: unexpected "vdn"; write: expected-wait for skill S pri l|m|h|t < N, or: expected-wait for call|best < N`},
		{"expected-wait for best < 60", Condition{Subject: ExpectedWait, Place: Place{Skill: Best}, Comparison: Less, Number: 60},
			"expected-wait for skill best pri m < 60", `line 2, column 40: no skill has the name best, as it stands for the best of those that were considered`},
		{"wait-improved for skill billing pri t > 30", Condition{Subject: WaitImproved, Place: billing, Priority: top, Comparison: Greater, Number: 30},
			"wait-improved for skill billing pri t > 300 hrs", `line 2, column 56: what wait-improved is compared with is at most 1000000 secs`},
		{"wait-improved for best > 30", Condition{Subject: WaitImproved, Place: Place{Skill: Best}, Comparison: Greater, Number: 30},
			"wait-improved for call > 30", `line 2, column 34: unexpected "call"; write: wait-improved for skill S pri l|m|h|t > N, or: wait-improved for best > N`},
		{"interflow-qpos < 9", Condition{Subject: InterflowQpos, Comparison: Less, Number: 9},
			"interflow-qpos < 9 secs", `line 2, column 35: unexpected "secs"; write: interflow-qpos < N`},
		{"digits = 0049", Condition{Subject: Digits, Comparison: Equal, Text: "0049"},
			"digits > 0049", `line 2, column 23: digits are not larger or smaller; compare them by = or <>`},
		{"digits in table vips", Condition{Subject: Digits, Comparison: InTable, Text: "vips"},
			"digits in vips", `line 2, column 26: unexpected "vips"; write: digits = X, or: digits in|not-in table T`},
		{"digits not-in table vips", Condition{Subject: Digits, Comparison: NotInTable, Text: "vips"},
			"digits notin table vips", `line 2, column 23: unexpected "notin"; did you mean "not-in"?`},
		{`ani <> "#1"`, Condition{Subject: Ani, Comparison: NotEqual, Text: "#1"},
			`ani <> "\q"`, `line 2, column 23: "\q" has a \ that means nothing; write \\ for \ in quotes`},
		{"ani in table vips", Condition{Subject: Ani, Comparison: InTable, Text: "vips"},
			"ani in table", `line 2, column 28: the condition is not complete; write: ani = X, or: ani in|not-in table T`},
		{"ani not-in table vips", Condition{Subject: Ani, Comparison: NotInTable, Text: "vips"},
			`ani not-in table ""`, `line 2, column 33: a name has at least one character`},
		{"time-of-day is fri 17:30 to mon 07:05", Condition{Subject: TimeOfDay, From: WeekTime{5, 17*60 + 30}, To: WeekTime{1, 7*60 + 5}},
			"time-of-day is fri 17:30 to mon 24:00", `line 2, column 48: a time is HH:MM from 00:00 to 23:59, not "24:00"`},
		{"time-of-day is not all 08:00 to all 18:00", Condition{Subject: TimeOfDay, Negated: true, From: WeekTime{0, 8 * 60}, To: WeekTime{0, 18 * 60}},
			"time-of-day is not all 08:00 to mon 18:00", `line 2, column 48: either both days are all, or none is`},
		{"holiday in table public", Condition{Subject: HolidayInTable, Text: "public"},
			"holiday table public", `line 2, column 24: unexpected "table"; write: holiday in|not-in table H`},
		{"holiday not-in table public", Condition{Subject: HolidayInTable, Negated: true, Text: "public"},
			"holiday not-in tabel public", `line 2, column 31: unexpected "tabel"; did you mean "table"?`},
		{"service-hours in table shop", Condition{Subject: ServiceHoursIn, Text: "shop"},
			"service-hours in shop", `line 2, column 33: unexpected "shop"; write: service-hours in|not-in table T`},
		{"service-hours not-in table shop", Condition{Subject: ServiceHoursIn, Negated: true, Text: "shop"},
			"service-hours not-in table shop now", `line 2, column 48: unexpected "now"; write: service-hours in|not-in table T`},
		{"variable tries >= 3", Condition{Subject: Variable, Variable: "tries", Comparison: GreaterOrEqual, Text: "3"},
			"variable 3rd = 1", `line 2, column 25: "3rd" is no name of a variable; a variable has letters, digits and _, and begins with no digit`},
		{`variable tier = ""`, Condition{Subject: Variable, Variable: "tier", Comparison: Equal},
			"variable tier in table x", `line 2, column 30: unexpected "in"; write: variable VAR =|<>|<|<=|>|>= X`},
		{`expression data.vip == true && digits == "#"`, Condition{Subject: ExpressionHolds, Expression: compiled(t, `data.vip == true && digits == "#"`)},
			"expression vdn", `line 2, column 27: the expression gives string; a condition gives bool`},
	}
}

type conditionCase struct {
	good string
	want Condition
	bad  string
	why  string
}

func TestConditions(t *testing.T) {
	const before = "vector 1\ngoto step 1 if "
	var keywords []string
	for _, c := range conditions(t) {
		keywords = append(keywords, strings.Fields(c.good)[0])
		v := mustParse(t, before+c.good)
		got := v.Steps[0].Action.(GotoStep).If
		if dump(got) != dump(c.want) {
			t.Errorf("%s: got\n%s, want\n%s", c.good, dump(got), dump(c.want))
		}
		if text := FormatAction(v.Steps[0].Action); text != "goto step 1 if "+c.good {
			t.Errorf("%s is formatted as %s", c.good, text)
		}
		checkProblem(t, before+c.bad, c.why)
	}
	for _, f := range conditionForms {
		if !slices.Contains(keywords, f.keyword) {
			t.Errorf("there is no example for %s", f.keyword)
		}
	}
}

// TestOwnPlace: after check, a condition without a place is about the step's.
func TestOwnPlace(t *testing.T) {
	own := Place{Skill: "billing"}
	for text, want := range map[string]Condition{
		"available-agents > 0":                    {Subject: AvailableAgents, Place: own, Comparison: Greater},
		"staffed-agents > 0":                      {Subject: StaffedAgents, Place: own, Comparison: Greater},
		"calls-queued > 0":                        {Subject: CallsQueued, Place: own, Priority: high, Comparison: Greater},
		"oldest-call-wait > 0 secs":               {Subject: OldestCallWait, Place: own, Priority: high, Comparison: Greater},
		"rolling-asa > 0":                         {Subject: RollingASA, Place: own, Comparison: Greater},
		"expected-wait > 0":                       {Subject: ExpectedWait, Place: own, Priority: high, Comparison: Greater},
		"wait-improved > 0":                       {Subject: WaitImproved, Place: own, Priority: high, Comparison: Greater},
		"expected-wait for call > 0":              {Subject: ExpectedWait, Comparison: Greater},
		"calls-queued in skill billing pri l > 0": {Subject: CallsQueued, Place: own, Priority: low, Comparison: Greater},
		"available-agents in skill sales > 0":     {Subject: AvailableAgents, Place: Place{Skill: "sales"}, Comparison: Greater},
	} {
		line := "check skill billing pri h if " + text
		action := mustParse(t, "vector 1\n"+line).Steps[0].Action
		if got := action.(Check).If; dump(got) != dump(want) {
			t.Errorf("%s: got\n%s, want\n%s", text, dump(got), dump(want))
		}
		if got := FormatAction(action); got != line {
			t.Errorf("%s is formatted as %s", line, got)
		}
	}
	checkProblem(t, "vector 1\ncheck skill billing pri h if counted-calls > 0",
		"line 2, column 44: it is not said whose counted-calls; write: counted-calls to vdn V|active <= N")
}

// TestLeniency: what may be written in more than one way has one form.
func TestLeniency(t *testing.T) {
	for text, want := range map[string]string{
		"GOTO Step 03 IF Unconditionally":    "goto step 3 if unconditionally",
		"goto step 3":                        "goto step 3 if unconditionally",
		"goto vector 3 @step 1":              "goto vector 3 if unconditionally",
		"route-to digits":                    "route-to digits if unconditionally",
		"queue-to skill 1ST pri High":        "queue-to skill 1st pri h",
		"queue-to skill a pri low":           "queue-to skill a pri l",
		"queue-to skill a pri MEDIUM":        "queue-to skill a pri m",
		"queue-to skill a pri top":           "queue-to skill a pri t",
		"queue-to  skill \"Billing\"\tpri m": "queue-to skill Billing pri m",
		`queue-to skill "a" pri m preferring agent expression "\"b\"" for 60 sec`: "queue-to skill a pri m preferring agent expression `\"b\"` for 1 mins",
		"wait-time 60 seconds hearing music":                                      "wait-time 1 mins hearing music",
		"wait-time 60 min hearing Music":                                          "wait-time 1 hrs hearing music",
		"wait-time 1 minutes hearing mozart":                                      "wait-time 1 mins hearing mozart",
		"wait-time 1 hr hearing ringback":                                         "wait-time 1 hrs hearing ringback",
		"wait-time 1 hours hearing silence":                                       "wait-time 1 hrs hearing silence",
		"collect 1 digit":                                                         "collect 1 digits after announcement none",
		"disconnect":                                                              "disconnect after announcement none",
		"consider skill a pri m":                                                  "consider skill a pri m adjust-by 0",
		"converse-on skill a pri m":                                               "converse-on skill a pri m passing none and none",
		"converse-on skill a pri m passing DIGITS":                                "converse-on skill a pri m passing digits and none",
		"route-to number 1 with cov yes if ani == 2":                              "route-to number 1 with cov y if ani = 2",
		"goto step 1 if expected-wait in target a pri m < 1 mins":                 "goto step 1 if expected-wait for target a pri m < 60",
		"goto step 1 if oldest-call-wait in skill a pri m > 5":                    "goto step 1 if oldest-call-wait in skill a pri m > 5 secs",
		"goto step 1 if variable a != b":                                          "goto step 1 if variable a <> b",
		"goto step 1 if time-of-day is MON 8:00 to tue 9:05":                      "goto step 1 if time-of-day is mon 08:00 to tue 09:05",
		"check skill a pri m if calls-queued in skill a pri m > 1":                "check skill a pri m if calls-queued > 1",
		"SET a=1": "set a = 1",
		"Stop":    "stop",
	} {
		v := mustParse(t, "VECTOR \"1\"\r\n"+text+"\r\n")
		if got := FormatAction(v.Steps[0].Action); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

// TestEveryBadLineOnce: all that is wrong is told, where it stands.
func TestEveryBadLineOnce(t *testing.T) {
	text := `vector 12 "Billing chat" # chat only
01  que-to skill billing pri x
02  stop

# the night
04  queue-to skill billing pry m
05  goto stepp 7
    stop
02  stop
10
11  "stop"
set a = 1 + b # one
`
	want := `line 2, column 5: unknown step "que-to"; did you mean "queue-to"?
line 6, column 28: unexpected "pry"; did you mean "pri"?
line 7, column 10: unexpected "stepp"; did you mean "step"?
line 9, column 1: step 6 has the number 02; write 06, or leave the number out
line 10, column 3: the step is missing
line 11, column 5: unknown step "\"stop\""; did you mean "stop"?
line 12, column 13: ` + fault(t, "b")
	checkProblem(t, text, want)
}

func TestTimes(t *testing.T) {
	for time, ok := range map[string]bool{
		"00:00": true, "23:59": true, "7:05": true, "24:00": false, "12:60": false, "12": false, "12:5": false, "012:05": false, "-1:00": false, "a:00": false,
	} {
		_, problems := Parse("vector 1\ngoto step 1 if time-of-day is all " + time + " to all 08:00")
		if got := len(problems) == 0; got != ok {
			t.Errorf("%s: got %s", time, problems)
		}
	}
}

func TestStepNumbers(t *testing.T) {
	for text, want := range map[string]string{
		"01 stop\n2 stop\nstop\n004 stop":    "",
		"02 stop":                            "line 2, column 1: step 1 has the number 02; write 01, or leave the number out",
		"01 stop\n 03 stop\n04 stop\n5 stop": "line 3, column 2: step 2 has the number 03; write 02, or leave the number out",
		"01 stop\n22 stop\n03 stop":          "line 3, column 1: step 2 has the number 22; write 02, or leave the number out",
		"99999999999999999999 stop":          "line 2, column 1: step 1 has the number 99999999999999999999; write 01, or leave the number out",
	} {
		_, problems := Parse("vector 1\n" + text)
		if got := problems.String(); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}

func TestFirstLine(t *testing.T) {
	for text, want := range map[string]string{
		"":                       `line 1, column 1: the first line is missing; write: vector NAME "Title"`,
		"\n# nothing\n":          `line 1, column 1: the first line is missing; write: vector NAME "Title"`,
		"01 stop\nstopp":         "line 1, column 1: the first line is missing; write: vector NAME \"Title\"\nline 2, column 1: unknown step \"stopp\"; did you mean \"stop\"?",
		"vektor 12":              `line 1, column 1: the first line is missing; write: vector NAME "Title"`,
		"\n\nvector":             `line 3, column 7: the first line is not complete; write: vector NAME "Title"`,
		"vector 1 Billing":       `line 1, column 10: unexpected "Billing"; write: vector NAME "Title"`,
		`vector 1 "Billing`:      `line 1, column 10: the closing " is missing`,
		`vector 1 "Billing" "x"`: `line 1, column 20: unexpected "\"x\""; write: vector NAME "Title"`,
		`vector "a b"`:           `line 1, column 8: the name "a b" of a vector has other characters than letters, digits and . _ - @`,
		`vector 1 "a\nb"`:        `line 1, column 10: "a\nb" has control characters`,
		"stop\nvector 1":         "line 1, column 1: the first line is missing; write: vector NAME \"Title\"\nline 2, column 1: unknown step \"vector\"",
	} {
		checkProblem(t, text, want)
	}
	v := mustParse(t, "\ufeffvector näh-1.2_x@y")
	if v.Name != "näh-1.2_x@y" || v.Title != "" || v.Format() != "vector näh-1.2_x@y\n" {
		t.Errorf("got %+v", v)
	}
}

func TestLimits(t *testing.T) {
	steps := func(n int) string { return "vector 1\n" + strings.Repeat("stop\n", n) }
	line := func(n int) string { return "vector 1\nannouncement " + strings.Repeat("x", n-len("announcement ")) }
	whole := func(n int) string { return "vector 1\n" + strings.Repeat("\n", n-len("vector 1\n")) }
	for name, c := range map[string]struct{ text, want string }{
		"999 steps":        {steps(999), ""},
		"1,000 steps":      {steps(1005), "line 1001, column 1: there are more than 999 steps"},
		"1,000 bytes":      {line(1000), ""},
		"1,001 bytes":      {line(1001), "line 2, column 1: the line has 1001 bytes, at most 1000"},
		"long comment":     {"vector 1\n#" + strings.Repeat("x", 1000), "line 2, column 1: the line has 1001 bytes, at most 1000"},
		"long first line":  {"vector 1" + strings.Repeat(" ", 1000) + "\nstop", "line 1, column 1: the line has 1008 bytes, at most 1000"},
		"64 KiB":           {whole(65536), ""},
		"more than 64 KiB": {whole(65537), "line 1, column 1: the text has 65537 bytes, at most 65536"},
		"no UTF-8":         {"vector 1\nstop # \u00e4\xff\xfe", "line 2, column 9: this is no UTF-8"},
	} {
		_, problems := Parse(c.text)
		if got := problems.String(); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

// TestComments: comments survive, empty lines do not.
func TestComments(t *testing.T) {
	text := `  # by day #
#
vector 1 "a # b"   #chat
 stop # one
#two

#   three
announcement "x # y"
set a = 'its " # no comment' + r'\' # four
set a = "\" # none" # five
announcement x#y # six
 # seven
`
	if _, problems := Parse(text); len(problems) != 1 || problems[0].At != (Position{11, 15}) {
		t.Errorf("got %s", problems)
	}
	v := mustParse(t, strings.Replace(text, "x#y", "xy", 1))
	want := `# by day #
#
vector 1 "a # b"  # chat
01  stop  # one
# two
# three
02  announcement "x # y"
03  set a = 'its " # no comment' + r'\'  # four
04  set a = "\" # none"  # five
05  announcement xy  # six
# seven
`
	if got := v.Format(); got != want {
		t.Errorf("got\n%s", got)
	}
	if got := v.Steps[1].Above; !slices.Equal(got, []string{"two", "three"}) {
		t.Errorf("got %q", got)
	}
}
