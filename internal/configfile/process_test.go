package configfile

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

var rewrite = flag.Bool("rewrite", false, "write the golden file anew")

const process = `
skills:
  - {name: billing, agent_selection: ead-mia, multiple_call_handling: one-per-skill, timed_acw: 45s}
agents:
  - agent_id: anna
    skills: {billing: 1, sales: {level: 3, percent: 40}, spare: {percent: 60}}
    call_preference: greatest-need
    attributes: {language: de}
    login_work_mode: manual-in
targets:
  - name: t
    expression: 'skill.billing <= 4 && attribute.language == "de"'
    stages: [{after: 45s, expression: skill.billing <= 8}, {after_ms: 90000, expression: "true"}]
vectors:
- |
  vector 12 "Billing chat"
  01  queue-to skill billing pri m
- name: whole
  text: "vector whole\n\t01 stop"
vdns: [{name: "4001", queue: billing, skills: [billing]}]
tables: [{name: vip, entries: ["0170?", "+49+"]}]
holiday_tables:
  - name: h
    holidays: [12-25, 2026-10-03, 12-24 to 12-26, {from: 2026-12-24, to: 2026-12-26, description: Christmas}]
timetables:
  - name: office
    hours: [mon-wed 08:00-18:00, sun 10:00-12:00, all 00:00-24:00, {day: fri, from: "08:00", to: "12:00"}]
announcements: [{name: a, text: Hello, duration: 1500ms}]
capacity_rules:
  - {name: r, any_of: [{chat: 3, mail: 5}, {voice: 1}, {}]}
views:
  - {name: v, queue: q, condition: data.vip == true, order: [priority descending, user_data.n, {property: "user_data.a b"}]}
external_services: [{name: crm, type: customers, timeout: 2s}]
`

func TestParseProcess(t *testing.T) {
	got, _, err := Parse("f", []byte(process))
	if err != nil {
		t.Fatal(err)
	}
	want := &usherv1.Configuration{}
	if err := prototext.Unmarshal([]byte(`
		skills {
			name: "billing" agent_selection: AGENT_SELECTION_EAD_MIA
			multiple_call_handling: MULTIPLE_CALL_HANDLING_ONE_PER_SKILL timed_acw_ms: 45000
		}
		agents {
			agent_id: "anna" skills { skill: "billing" level: 1 } skills { skill: "sales" level: 3 percent: 40 }
			skills { skill: "spare" percent: 60 } call_preference: CALL_PREFERENCE_GREATEST_NEED
			attributes { key: "language" value: "de" } login_work_mode: WORK_MODE_MANUAL_IN
		}
		targets {
			name: "t" expression: "skill.billing <= 4 && attribute.language == \"de\""
			stages { after_ms: 45000 expression: "skill.billing <= 8" } stages { after_ms: 90000 expression: "true" }
		}
		vectors { name: "12" text: "vector 12 \"Billing chat\"\n01  queue-to skill billing pri m\n" }
		vectors { name: "whole" text: "vector whole\n\t01 stop" }
		vdns { name: "4001" queue: "billing" skills: "billing" }
		tables { name: "vip" entries: "0170?" entries: "+49+" }
		holiday_tables {
			name: "h" holidays { from: "12-25" } holidays { from: "2026-10-03" } holidays { from: "12-24" to: "12-26" }
			holidays { from: "2026-12-24" to: "2026-12-26" description: "Christmas" }
		}
		timetables {
			name: "office" hours { day: "mon" from: "08:00" to: "18:00" } hours { day: "tue" from: "08:00" to: "18:00" }
			hours { day: "wed" from: "08:00" to: "18:00" } hours { day: "sun" from: "10:00" to: "12:00" }
			hours { day: "all" from: "00:00" to: "24:00" } hours { day: "fri" from: "08:00" to: "12:00" }
		}
		announcements { name: "a" text: "Hello" duration_ms: 1500 }
		capacity_rules {
			name: "r" any_of { media { key: "chat" value: 3 } media { key: "mail" value: 5 } }
			any_of { media { key: "voice" value: 1 } } any_of {}
		}
		views {
			name: "v" queue: "q" condition: "data.vip == true" order { property: "priority" descending: true }
			order { property: "user_data.n" } order { property: "user_data.a b" }
		}
		external_services { name: "crm" type: "customers" timeout_ms: 2000 }
	`), want); err != nil {
		t.Fatal(err)
	}
	if !proto.Equal(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
}

func TestProcessErrors(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"skill:\n  - name: x\n", `f:1:1: unknown key "skill"; did you mean skills?`},
		{"agents:\n- agent_id: a\n  skills: [billing]\n", `f:3:11: skills: expected keys with values, found a list`},
		{"agents:\n- agent_id: a\n  skills: {billing: best}\n", `f:3:21: skills.billing: expected a whole number, found the text "best"`},
		{"agents:\n- agent_id: a\n  skills: {billing: {levl: 1}}\n", `f:3:22: unknown key "levl"; did you mean level?`},
		{"agents:\n- agent_id: a\n  skills: {billing: {skill: sales}}\n", `f:3:22: the skill has been named already`},
		{"agents:\n- agent_id: a\n  skills: {billing: 1, billing: 2}\n", `f:3:24: "billing" stands in line 3 already`},
		{"agents:\n- agent_id: a\n  call_preference: greatest\n",
			`f:3:20: call_preference: "greatest" is none of skill-level, greatest-need, percent-allocation`},
		{"skills:\n- name: s\n  agent_selection: ead-mai\n",
			`f:3:20: agent_selection: "ead-mai" is none of ucd-mia, ead-mia, ucd-loa, ead-loa; did you mean ead-mia?`},
		{"capacity_rules:\n- name: r\n  any_of: {chat: 1}\n", `f:3:11: any_of: expected a list, found keys with values`},
		{"capacity_rules:\n- name: r\n  any_of: [chat]\n", `f:3:12: any_of: expected keys with values, found the text "chat"`},
		{"capacity_rules:\n- name: r\n  any_of: [{chat: few}]\n", `f:3:19: any_of.chat: expected a whole number, found the text "few"`},
		{"targets:\n- name: t\n  stages: [{after: 30, expression: x}]\n",
			`f:3:20: after: expected a duration such as 30s, 15m or 2h, found the number 30; for milliseconds write after_ms`},
		{"targets:\n- name: t\n  stages: [x]\n", `f:3:12: stages: expected keys with values, found the text "x"`},
		{"holiday_tables:\n- name: h\n  holidays: [25.12.]\n",
			`f:3:14: holidays: expected a day such as 12-25 or 2026-12-25, or 12-24 to 12-26, found the text "25.12."`},
		{"timetables:\n- name: o\n  hours: [mon 8-18]\n",
			`f:3:11: hours: expected hours such as mon-fri 08:00-18:00 or all 00:00-24:00, found the text "mon 8-18"`},
		{"timetables:\n- name: o\n  hours: [mon-fry 08:00-18:00]\n",
			`f:3:11: hours: "fry" is none of mon, tue, wed, thu, fri, sat, sun, all; did you mean fri?`},
		{"timetables:\n- name: o\n  hours: [sat-mon 08:00-18:00]\n", `f:3:11: hours: sat comes after mon in the week; write two lines`},
		{"views:\n- name: v\n  order: [priority desc]\n",
			`f:3:11: order: expected a property such as priority, or priority descending, found the text "priority desc"`},
		{"vectors:\n- |\n  01 stop\n", `f:2:3: vectors: expected a text that begins with a line such as vector 12, found "01 stop"`},
		{"vectors:\n- 12\n", `f:2:3: vectors: expected a text that begins with a line such as vector 12, found "12"`},
		{"vectors:\n- |\n  vector a\n  01 stop\n- |\n  vector a\n", `f:5:3: vector "a" stands in line 2 already`},
		{"vectors:\n- text: vector a\n", `f:2:3: vector without name`},
	} {
		if _, _, err := Parse("f", []byte(test.text)); err == nil || err.Error() != test.want {
			t.Errorf("%s\ngot  %v\nwant %s", test.text, err, test.want)
		}
	}
}

func TestLocateInTexts(t *testing.T) {
	_, positions, err := Parse("f", []byte(`# A comment.
vectors:
- |  # literally

  vector 12 "Billing chat"
  01  queue-to skill billing pri m
- name: whole
  text: |2
      vector whole
    01 stop
-   "vector plain"
targets:
  - name: öl
    expression: skill.billing <= 4
  - {name: quoted, expression: 'skill.billing <= 4'}
  - name: escaped
    expression: "skill.\tbilling"
    stages:
      - {after: 5s, expression: "true"}
      - {after: 9s, expression: skil.billing < 4}
`))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ sentence, at, says string }{
		{`vector "12": line 3, column 5: unknown step`, "f:6:7", `vector "12": unknown step`},
		{`vector "12": line 2, column 1: again: line 3, column 4: x`, "f:5:3", `vector "12": again: line 3, column 4: x`},
		{`vector "12": text: line 3, column 5: unknown step`, "f:6:7", `vector "12": text: unknown step`},
		{`vector "whole": line 2, column 1: x`, "f:10:5", `vector "whole": x`},
		{`vector "plain": line 1, column 8: x`, "f:11:13", `vector "plain": x`},
		{`vector "gone": line 1, column 8: x`, "", ""},
		{`vector "12" is in use: vector of queue "q" has it`, "f:3:3", `vector "12" is in use: vector of queue "q" has it`},
		{`target "öl": expression: line 1, column 7: x`, "f:14:23", `target "öl": expression: x`},
		{`target "quoted": expression line 1, column 7: x`, "f:15:39", `target "quoted": expression: x`},
		{`target "escaped": stages[1].expression line 1, column 2: x`, "f:20:34", `target "escaped": stages[1].expression: x`},
		{`target "escaped": stages [1]: after_ms is 0`, "f:18:5", `target "escaped": stages [1]: after_ms is 0`},
		{`target "quoted": expression: line 1, column 7: x`, "f:15:39", `target "quoted": expression: x`},
		{`target "escaped": expression: line 1, column 7: x`, "f:17:5", `target "escaped": expression: line 1, column 7: x`},
	} {
		at, says, found := positions.Locate(test.sentence)
		if found != (test.at != "") || found && (at.String() != test.at || says != test.says) {
			t.Errorf("%s: got %v, %q, want %s, %q", test.sentence, at, says, test.at, test.says)
		}
	}
}

// TestExample holds the example in docs, and the look of what is exported.
func TestExample(t *testing.T) {
	text, err := os.ReadFile("../../docs/examples/business-process.yaml")
	if err != nil {
		t.Fatal(err)
	}
	first, _, err := Parse("business-process.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	written, err := Format(first)
	if err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/business-process.yaml"
	if *rewrite {
		if err := os.WriteFile(golden, written, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if string(written) != string(want) {
		t.Errorf("written as\n%s", written)
	}
	if second, _, err := Parse(golden, want); err != nil || !proto.Equal(first, second) {
		t.Errorf("read back: %v\nfirst %v\nthen  %v", err, first, second)
	}
}

// TestRandomConfigurations holds that whatever is written is read back.
func TestRandomConfigurations(t *testing.T) {
	for seed := range uint64(1_000) {
		random := randomly{rand.New(rand.NewPCG(seed, 0))}
		first := &usherv1.Configuration{}
		random.fill(first.ProtoReflect())
		random.consistent(first)
		written, err := Format(first)
		if err != nil {
			t.Fatal(err)
		}
		second, _, err := Parse("f", written)
		if err != nil {
			t.Fatalf("seed %d: %v in\n%s", seed, err, written)
		}
		if !proto.Equal(first, second) {
			t.Fatalf("seed %d: first %v\nthen %v\nwritten\n%s", seed, first, second, written)
		}
	}
}

// randomly makes configurations of values that are hard to write.
type randomly struct{ *rand.Rand }

var hardTexts = []string{
	"x", "12", "08:00", "18:00", "24:00", "12-25", "2026-12-25", "mon", "tue", "wed", "all", "true", "null", "~", "a: b", "- a", "# no comment",
	" spaces ", "two\nlines", "\nbreak first", "tab\t", `"quoted"`, "'", "öl", "priority", "user_data.a b", "{a: 1}", "a, b", "?", "\u2028", "\x01",
	strings.Repeat("long ", 30),
}

func (r randomly) text() string { return hardTexts[r.IntN(len(hardTexts))] }

func (r randomly) fill(m protoreflect.Message) {
	for i := range m.Descriptor().Fields().Len() {
		f := m.Descriptor().Fields().Get(i)
		switch {
		case f.Name() == "password" || notWritten(f) || r.IntN(3) == 0:
		case f.IsMap():
			for range r.IntN(4) {
				m.Mutable(f).Map().Set(protoreflect.ValueOfString(r.text()).MapKey(), r.scalar(f.MapValue()))
			}
		case f.IsList() && f.Message() != nil:
			for range r.IntN(4) {
				r.fill(m.Mutable(f).List().AppendMutable().Message())
			}
		case f.IsList():
			for range r.IntN(12) {
				m.Mutable(f).List().Append(r.scalar(f))
			}
		case f.Message() != nil:
			r.fill(m.Mutable(f).Message())
		default:
			m.Set(f, r.scalar(f))
		}
	}
}

func (r randomly) scalar(f protoreflect.FieldDescriptor) protoreflect.Value {
	switch f.Kind() {
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(r.IntN(2) == 0)
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(protoreflect.EnumNumber(1 + r.IntN(f.Enum().Values().Len()-1)))
	case protoreflect.Int32Kind:
		return protoreflect.ValueOfInt32(r.Int32N(20) - 2)
	case protoreflect.Int64Kind:
		return protoreflect.ValueOfInt64([]int64{-1, 0, 1, 1_500, 60_000, 86_400_000, 1 << 62}[r.IntN(7)])
	}
	return protoreflect.ValueOfString(r.text())
}

// consistent gives every object a name of its own, and vectors texts that have
// it mostly; hours and holidays are mostly such as they should be.
func (r randomly) consistent(c *usherv1.Configuration) {
	m, names := c.ProtoReflect(), 0
	for section, object := range kinds {
		field := m.Descriptor().Fields().ByName(section)
		for i := 0; field.IsList() && i < m.Get(field).List().Len(); i++ {
			names++
			element := m.Mutable(field).List().Get(i).Message()
			element.Set(element.Descriptor().Fields().ByName(object.key), protoreflect.ValueOfString(fmt.Sprint(r.text(), names)))
		}
	}
	for n, v := range c.Vectors {
		if r.IntN(4) > 0 {
			v.Name = fmt.Sprint(n)
			comment := []string{"", "", "# Above.\n\n", "\n# Above.\n", " "}[r.IntN(5)]
			v.Text = comment + fmt.Sprintf("vector %d", n) + strings.Repeat("\n", r.IntN(3)) + r.text() + strings.Repeat("\n", r.IntN(3))
		}
	}
	for _, a := range c.Agents {
		for n, s := range a.Skills {
			s.Skill += fmt.Sprint(n)
		}
	}
	for _, t := range c.Timetables {
		if r.IntN(4) > 0 {
			t.Hours = nil
			for range r.IntN(12) {
				days := append([]string{everyDay}, weekdays...)
				t.Hours = append(t.Hours, &usherv1.ServiceHours{Day: days[r.IntN(8)], From: "08:00", To: []string{"12:00", "12:00", "18:00"}[r.IntN(3)]})
			}
		}
	}
}
