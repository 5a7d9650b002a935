package expression

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

func structOf(t testing.TB, json string) *structpb.Struct {
	t.Helper()
	s := &structpb.Struct{}
	if err := protojson.Unmarshal([]byte(json), s); err != nil {
		t.Fatal(err)
	}
	return s
}

// anna's chat, and bob.
func values(t testing.TB) *Values {
	return &Values{
		Interaction: &usherv1.InteractionProperties{
			InteractionId: "chat-1", MediaType: "chat", Priority: 3, LastAgent: "bob",
			UserData: structOf(t, `{"vip": true, "tries": 2, "name": "anna", "list": [1, {"deep": "x"}], "long": "`+strings.Repeat("a", 60_000)+`"}`),
		},
		Variables: structOf(t, `{"count": 7}`),
		Digits:    "42",
		Response:  structOf(t, `{"agent": "carol", "score": 0.5, "fault": "not this"}`),
		Fault:     "Timeout",
		Vdn:       "4099",
		WaitS:     31,
		Agent: &usherv1.Agent{
			AgentId: "bob", AgentGroups: []string{"sales", "support"},
			Skills:     []*usherv1.AgentSkill{{Skill: "billing", Level: 3}, {Skill: "sales"}},
			Attributes: map[string]string{"language": "de"},
		},
	}
}

func TestBool(t *testing.T) {
	for _, test := range []struct {
		kind   Kind
		source string
		want   string // true, false, or a part of the error
	}{
		{OfInteraction, `data.vip`, "true"},
		{OfInteraction, `data.vip == true && data.tries < 3`, "true"},
		{OfInteraction, `interaction.media_type == "mail"`, "false"},
		{OfInteraction, `interaction.media_type in ["chat", "mail"]`, "true"},
		{OfInteraction, `interaction.priority == data.tries + 1`, "true"},
		{OfInteraction, `interaction.user_data.tries + 1 == 3`, "true"},
		{OfInteraction, `interaction.state == usher.v1.InteractionState.INTERACTION_STATE_UNSPECIFIED`, "true"},
		{OfInteraction, `data.list[1].deep == "x"`, "true"},
		{OfInteraction, `data.list[0] + 1 == 2`, "true"},
		{OfInteraction, `data == interaction.user_data`, "true"},
		{OfInteraction, `has(data.vip) && !has(data.nothing)`, "true"},
		{OfInteraction, `has(interaction.vdn)`, "false"},
		{OfInteraction, `variable.count == 7`, "true"},
		{OfInteraction, `digits == "42" && int(digits) == 42`, "true"},
		{OfInteraction, `response.agent == "carol"`, "true"},
		{OfInteraction, `response.score * 2.0 == 1.0`, "true"},
		{OfInteraction, `response.fault == "Timeout"`, "true"},
		{OfInteraction, `vdn == "4099"`, "true"},
		{OfInteraction, `wait_s > 30`, "true"},
		{OfInteraction, `wait_s > 31`, "false"},
		{OfInteraction, `data.name.matches("^an+a$")`, "true"},
		{OfInteraction, `data.name.startsWith("an") ? wait_s >= 31 : false`, "true"},

		{OfInteraction, `data.nothing == 1`, "no such key: nothing"},
		{OfInteraction, `data.nothing == 1 || data.vip`, "true"},
		{OfInteraction, `data.nothing == 1 && !data.vip`, "false"},
		{OfInteraction, `data.nothing.deeper`, "no such key: nothing"},
		{OfInteraction, `variable.nothing`, "no such key: nothing"},
		{OfInteraction, `data.list[7] == 1`, "index"},
		{OfInteraction, `data.name`, "gives string, not bool"},
		{OfInteraction, `data.name > 3`, "no such overload"},
		{OfInteraction, `data.tries / (data.tries - 2) == 1`, "division by zero"},
		{OfInteraction, `data.long.matches("a+b` + strings.Repeat("a", 100) + `")`, "cost limit exceeded"},
		{OfInteraction, strings.Repeat(`data.long + `, 5) + `data.long == ""`, "cost limit exceeded"},

		{OfInteraction, `data.long == data.long && data.long != data.long + "a" && size(data.long) == 60000`, "true"},
		{OfInteraction, `data == data && interaction == interaction && interaction.user_data == data && data.list != [1]`, "true"},
		{OfInteraction, `data.tries in [2, 3] && !("x" in data.list) && {"deep": "x"} in data.list && "vip" in data && !(dyn(data) in [1])`, "true"},
		{OfInteraction, `data.list + [2, 3] == [1, {"deep": "x"}, 2, 3] && (data.list + data.list)[2] == 1`, "true"},
		{OfInteraction, `dyn(interaction).user_data.vip && [interaction][0].user_data.vip && dyn(interaction).media_type == "chat"`, "true"},
		{OfInteraction, `null == data.nothing || data.vip != null`, "true"},
		{OfInteraction, `data.tries == 2.0 && 2u == data.tries`, "true"},
		{OfInteraction, `1 in data.vip`, "no such overload"},
		{OfInteraction, `data.vip + 1 == 2`, "no such overload"},
		{OfInteraction, `data.tries.matches("2")`, "no such overload"},

		{OfView, `data.vip && interaction.media_type == "chat" && vdn == "4099"`, "true"},

		{OfAgent, `agent == "bob"`, "true"},
		{OfAgent, `skill.billing <= 4`, "true"},
		{OfAgent, `skill.billing <= 2`, "false"},
		{OfAgent, `skill["billing"] == 3`, "true"},
		{OfAgent, `skill.sales == 1`, "true"},
		{OfAgent, `skill.tax <= 4`, "no such key: tax"},
		{OfAgent, `"tax" in skill && skill.tax <= 4`, "false"},
		{OfAgent, `skill.tax <= 4 || skill.billing <= 4`, "true"},
		{OfAgent, `!(skill.tax <= 4)`, "no such key: tax"},
		{OfAgent, `!("tax" in skill)`, "true"},
		{OfAgent, `attribute.language == "de"`, "true"},
		{OfAgent, `"sales" in group && !("tax" in group)`, "true"},
	} {
		p, fault := Compile(test.kind, test.source)
		if fault != nil {
			t.Errorf("%s: %v", test.source, fault)
			continue
		}
		if p.Source() != test.source {
			t.Errorf("the source of %s is %s", test.source, p.Source())
		}
		got, err := p.Bool(values(t))
		if err != nil {
			if test.want == "true" || test.want == "false" || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s: %v, want %s", test.source, err, test.want)
			}
		} else if fmt.Sprint(got) != test.want {
			t.Errorf("%s: %v, want %s", test.source, got, test.want)
		}
	}
}

func TestRefusals(t *testing.T) {
	for _, test := range []struct {
		kind   Kind
		source string
		want   string
	}{
		{OfInteraction, ``, "1:1: the expression is empty"},
		{OfInteraction, " \t", "1:1: the expression is empty"},
		{OfInteraction, `data.vip &&`, "1:12: Syntax error: mismatched input the end of the expression"},
		{OfInteraction, "data.vip &&\n  dat.x", `2:3: unknown name "dat"; did you mean data? (there are interaction, data, variable, digits, response, vdn, wait_s)`},
		{OfView, `data.vip && wait_s > 30`, `1:13: wait_s is known only inside a vector; the condition of a view knows interaction, data, vdn`},
		{OfView, `digits == ""`, `1:1: digits is known only inside a vector`},
		{OfView, `variable.x == 1`, `1:1: variable is known only inside a vector`},
		{OfView, `response.x == 1`, `1:1: response is known only inside a vector`},
		{OfView, `dat.vip`, `1:1: unknown name "dat"; did you mean data? (there are interaction, data, vdn)`},
		{OfView, `now() > 3`, "1:4: now is not available: an expression knows no clock and no dates"},
		{OfInteraction, `skill.billing <= 4`, `1:1: unknown name "skill" (there are interaction, data,`},
		{OfAgent, `data.vip`, `1:1: unknown name "data" (there are agent, skill, attribute, group)`},
		{OfInteraction, `interaction.medai_type == "chat"`, `1:12: unknown property "medai_type"; did you mean media_type?`},
		{OfInteraction, `interaction.priority == "high"`, `1:22: found no matching overload for '_==_'`},
		{OfAgent, `skill.billing == "x"`, `1:15: found no matching overload`},
		{OfInteraction, `timestamp("2026-01-01T00:00:00Z") > timestamp(data.at)`, "timestamp is not available: an expression knows no clock"},
		{OfInteraction, `duration("30s") > duration("1s")`, "duration is not available: an expression knows no clock"},
		{OfInteraction, `data.at.getHours() > 8`, "getHours is not available"},
		{OfInteraction, `now() > 3`, "now is not available"},
		{OfInteraction, `[1, 2].all(x, x > 0)`, "1:11: all is not available: an expression has no loops"},
		{OfInteraction, `data.list.exists(x, x > 0)`, "exists is not available"},
		{OfInteraction, `data.list.map(x, x + 1) == []`, "map is not available"},
		{OfInteraction, `google.protobuf.Timestamp{seconds: 1} == null`, "an expression makes no messages"},
		{OfInteraction, `data.name.matches(data.pattern)`, "the pattern of matches is to be written in quotes"},
		{OfInteraction, `matches(data.name, data.pattern)`, "the pattern of matches is to be written in quotes"},
		{OfInteraction, `matches("abc", data.pattern)`, "the pattern of matches is to be written in quotes"},
		{OfInteraction, `data.name.matches()`, "no matching overload"},
		{OfInteraction, `data.name.matches("a(")`, "invalid matches argument"},
		{OfInteraction, `data.name.matches("((a{100}){100})")`, "matches"},
		{OfInteraction, strings.Repeat(`data.name + `, 100) + `data.name == ""`, "too costly"},
		{OfInteraction, `"` + strings.Repeat("a", 2048) + `" == ""`, "2056 bytes, at most 2048"},
		{OfInteraction, strings.Repeat("(", 500) + "1" + strings.Repeat(")", 500), "recursion limit"},
	} {
		_, fault := Compile(test.kind, test.source)
		if fault == nil {
			t.Errorf("%s: not refused", test.source)
		} else if !strings.Contains(fault.Error(), test.want) {
			t.Errorf("%s: %v, want %s", test.source, fault, test.want)
		}
	}
}

// TestLongConditionsAreNotTooCostly: what fits the limit of a source and looks
// only for keys and short texts is accepted.
func TestLongConditionsAreNotTooCostly(t *testing.T) {
	source := strings.TrimSuffix(strings.Repeat(`data.name == "anna" && digits in data.list || `, 44), " || ")
	if _, fault := Compile(OfInteraction, source); fault != nil {
		t.Error(fault)
	}
}

func TestConditions(t *testing.T) {
	for source, want := range map[string]string{
		`data.vip`:                "", // known only when it is evaluated
		`wait_s > 3`:              "",
		`wait_s`:                  "1:1: the expression gives int; a condition gives bool",
		`data`:                    "the expression gives map(string, dyn)",
		`digits == "1" ? "a":"b"`: "the expression gives string",
		`data.`:                   "Syntax error",
	} {
		p, fault := CompileBool(OfInteraction, source)
		if want == "" && (fault != nil || !p.IsBool()) {
			t.Errorf("%s: refused: %v", source, fault)
		}
		if want != "" && (fault == nil || !strings.Contains(fault.Error(), want)) {
			t.Errorf("%s: %v, want %s", source, fault, want)
		}
	}
}

func TestText(t *testing.T) {
	for source, want := range map[string]string{
		`data.long + data.long`:  "more than 65536 bytes",
		`interaction.last_agent`: "bob",
		`"a" + digits`:           "a42",
		`data.tries`:             "2",
		`response.score`:         "0.5",
		`data.vip`:               "true",
		`data`:                   "gives map, not a text",
		`b"abc"`:                 "gives bytes, not a text",
		`type(data.vip)`:         "gives type, not a text",
		`data.nothing`:           "no such key",
	} {
		p, fault := Compile(OfInteraction, source)
		if fault != nil {
			t.Fatal(fault)
		}
		got, err := p.Text(values(t))
		if err != nil {
			got = err.Error()
		}
		if !strings.HasSuffix(got, want) && !(err != nil && strings.Contains(got, want)) {
			t.Errorf("%s: %s, want %s", source, got, want)
		}
	}
}

func TestValue(t *testing.T) {
	for source, want := range map[string]string{
		`data.tries + 1`:                     `3`,
		`"a" + digits`:                       `"a42"`,
		`[1, data.vip, null]`:                `[1, true, null]`,
		`{"who": data.name, "n": {"": 1.5}}`: `{"who": "anna", "n": {"": 1.5}}`,
		`data.list`:                          `[1, {"deep": "x"}]`,
		`interaction.in_queues`:              `[]`,
		`[interaction, 1][1]`:                `1`,
		`{"a": interaction}.a.submitted_by`:  `{}`,
		`9007199254740993`:                   `"9007199254740993"`,
		`b"\xff"`:                            `"/w=="`,
	} {
		p, fault := Compile(OfInteraction, source)
		if fault != nil {
			t.Fatal(fault)
		}
		wanted := &structpb.Value{}
		if err := protojson.Unmarshal([]byte(want), wanted); err != nil {
			t.Fatal(err)
		}
		if got, err := p.Value(values(t)); err != nil || !proto.Equal(got, wanted) {
			t.Errorf("%s: %v %v, want %v", source, got, err, want)
		}
		if got, err := p.Map(values(t)); (err == nil) != (wanted.GetStructValue() != nil) || err == nil && !proto.Equal(got, wanted.GetStructValue()) {
			t.Errorf("%s as a map: %v %v", source, got, err)
		}
	}
}

// TestValuesThatCantBeKept: what a journal could not be read with again, or
// what grows with every step, is an error.
func TestValuesThatCantBeKept(t *testing.T) {
	for source, want := range map[string]string{
		`1.0 / 0.0`:                         "not a number",
		`[{"a": 0.0 / 0.0}]`:                "not a number",
		`[data.long, data.long]`:            "more than 65536 bytes",
		`{data.long: data.long}`:            "more than 65536 bytes",
		`[{1: 2}]`:                          "a key that is int",
		`[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]`: "more than 16 levels",
		`type(1)`:                           "type",
	} {
		p, fault := Compile(OfInteraction, source)
		if fault != nil {
			t.Fatal(fault)
		}
		if got, err := p.Value(values(t)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %.100v %v, want %s", source, got, err, want)
		}
	}
	fits, _ := Compile(OfInteraction, `[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]`)
	if _, err := fits.Value(values(t)); err != nil {
		t.Errorf("16 levels: %v", err)
	}
}

// TestWithoutValues: what nobody has set is empty, and no panic.
func TestWithoutValues(t *testing.T) {
	for kind, source := range map[Kind]string{
		OfInteraction: `interaction.queue == "" && !has(data.x) && !has(variable.x) && digits == "" && response == {"fault": ""} && vdn == "" && wait_s == 0`,
		OfAgent:       `agent == "" && !("x" in skill) && !("x" in attribute) && !("x" in group)`,
	} {
		p, fault := CompileBool(kind, source)
		if fault != nil {
			t.Fatal(fault)
		}
		if holds, err := p.Bool(&Values{}); !holds {
			t.Errorf("%s: %v %v", source, holds, err)
		}
	}
}

// FuzzCompile: no source brings down the compiler, and what compiles can be
// evaluated; a fault says where.
func FuzzCompile(f *testing.F) {
	for _, source := range []string{`data.vip == true`, `skill.billing <= 4 && attribute.language == "de"`, `has(data.x) ? 1 : 2`, `[1, {"a": b"\xff"}]`, `data.name.matches("a+")`, "a\n.b", "\xff", `x.all(y, true)`, `1u - 2u`, `-9223372036854775808 / -1`} {
		f.Add(source)
	}
	v := values(f)
	f.Fuzz(func(t *testing.T, source string) {
		for _, kind := range []Kind{OfInteraction, OfAgent, OfView} {
			p, fault := Compile(kind, source)
			if fault != nil {
				if fault.Line < 1 || fault.Column < 1 || fault.Message == "" {
					t.Errorf("%q: %v says neither where nor what", source, fault)
				}
				continue
			}
			first, err := p.Value(v)
			second, again := p.Value(v)
			if (err == nil) != (again == nil) || !proto.Equal(first, second) {
				t.Errorf("%q gives %v %v, then %v %v", source, first, err, second, again)
			}
			if err == nil {
				encoded, err := proto.Marshal(first)
				if err != nil || proto.Unmarshal(encoded, &structpb.Value{}) != nil {
					t.Errorf("%q gives %v, which can't be kept: %v", source, first, err)
				}
			}
		}
	})
}

func BenchmarkBool(b *testing.B) {
	v := values(b)
	for name, test := range map[string]struct {
		kind   Kind
		source string
	}{
		"data":    {OfInteraction, `data.vip == true`},
		"several": {OfInteraction, `interaction.media_type == "chat" && data.tries < 3 && data.name.startsWith("an") && wait_s > 30`},
		"agent":   {OfAgent, `skill.billing <= 4 && attribute.language == "de"`},
		"missing": {OfAgent, `skill.tax <= 4`},
	} {
		p, fault := CompileBool(test.kind, test.source)
		if fault != nil {
			b.Fatal(fault)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p.Bool(v)
			}
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	for b.Loop() {
		if _, fault := Compile(OfAgent, `skill.billing <= 4 && attribute.language == "de"`); fault != nil {
			b.Fatal(fault)
		}
	}
}
