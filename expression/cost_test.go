package expression

import (
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// large is an interaction with some 64 KiB of user data: x a text, l a list, m
// a map.
func large(x string, elements, keys int) *Values {
	list := &structpb.ListValue{}
	for range elements {
		list.Values = append(list.Values, structpb.NewStringValue("abcd"))
	}
	fields := map[string]*structpb.Value{}
	for n := range keys {
		fields[fmt.Sprint(n)] = structpb.NewNullValue()
	}
	data := &structpb.Struct{Fields: map[string]*structpb.Value{
		"x": structpb.NewStringValue(x),
		"l": structpb.NewListValue(list),
		"m": structpb.NewStructValue(&structpb.Struct{Fields: fields}),
	}}
	return &Values{
		Interaction: &usherv1.InteractionProperties{InteractionId: "chat-1", UserData: data},
		Variables:   proto.CloneOf(data),
		Response:    proto.CloneOf(data),
	}
}

// repeated is the longest source of the kind that is accepted: before, part
// and part again, after.
func repeated(t testing.TB, before, part, after string) *Program {
	t.Helper()
	for n := (sourceBytes - len(before) - len(after)) / len(part); n > 0; n = n * 9 / 10 {
		if p, fault := Compile(OfInteraction, before+strings.Repeat(part, n)+after); fault == nil {
			return p
		}
	}
	t.Fatalf("%s is never accepted", part)
	return nil
}

// TestEndsAtItsLimit: what would take long over large data ends with an error,
// and before the call that would.
func TestEndsAtItsLimit(t *testing.T) {
	text, list, fields := large(strings.Repeat("a", 60<<10), 0, 0), large("a", 6000, 0), large("a", 0, 6000)
	tooCostly, tooMany, tooLarge := "cost limit exceeded", "more than 2000 values", "more than 65536 bytes"
	for _, test := range []struct {
		before, part, after string
		over                *Values
		want                string
	}{
		{"", "data == data && ", "true", list, tooCostly},
		{"", "data != variable || ", "false", fields, tooCostly},
		{"", "interaction == interaction && ", "true", fields, tooCostly},
		{"", "data.l == variable.l && ", "true", list, tooCostly},
		{"", "[data] == [data] && ", "true", list, tooCostly},
		{"", "data in [data.m, data] || ", "false", fields, tooCostly},
		{"", "dyn([1]) in data.l || ", "false", list, tooCostly},
		{"", "'z' in data.l || ", "false", list, tooCostly},
		{"", "'z' in data.l + data.l + ", "[]", list, tooCostly},
		{"", "data.x == variable.x && ", "true", text, tooCostly},
		{"", "data.x in [variable.x] && ", "true", text, tooCostly},
		{"", "data.x.matches('(.*a){30}b') || ", "false", text, tooCostly},
		{"", "data.x.matches('(a|aa|aaa)*b') || ", "false", text, tooCostly},
		{"", "data.x.contains('aab') || ", "false", text, tooCostly},
		{"", "size(data.x) == 1 || ", "false", text, tooCostly},
		{"", "double(data.x) == 1.0 || ", "false", text, tooCostly},
		{"size(", "data.l + ", "[])", list, tooCostly},
		{"size(", "data.x + ", "'')", text, tooCostly},
		{"[", "data.l, ", "1]", list, tooMany},
		{"[", "data.m, ", "1]", fields, tooMany},
		{"[", "interaction, ", "1]", fields, tooMany},
		{"[", "data.x, ", "1]", text, tooLarge},
		{"[", "interaction, ", "1]", text, tooLarge},
	} {
		p := repeated(t, test.before, test.part, test.after)
		if _, err := p.Value(test.over); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%.60s: %v, want %s", p.Source(), err, test.want)
		}
	}
}

// TestLargeDataIsNoError: what reads large data once stays below the limit.
func TestLargeDataIsNoError(t *testing.T) {
	v := large(strings.Repeat("a", 50<<10), 1500, 300)
	for _, source := range []string{
		`!("z" in data.l)`,
		`data.x == variable.x && data.x.contains("a") && !data.x.startsWith("b")`,
		`data.m == variable.m && data.m == data.m`,
		`"+49" + data.x != "" || data.x.matches("^a")`,
		`interaction.user_data.x == dyn(interaction).user_data.x`,
		`size(data.l + ["one more"]) == 1501`,
	} {
		p, fault := CompileBool(OfInteraction, source)
		if fault != nil {
			t.Fatal(fault)
		}
		if holds, err := p.Bool(v); !holds {
			t.Errorf("%s: %v", source, err)
		}
	}
	p, _ := Compile(OfInteraction, `data.l + ["one more"]`)
	if value, err := p.Value(v); err != nil || len(value.GetListValue().GetValues()) != 1501 {
		t.Error(err)
	}
}

// TestErrorsDoNotDependOnTheOrderOfMaps: a journal is played back on other
// machines.
func TestErrorsDoNotDependOnTheOrderOfMaps(t *testing.T) {
	for source, want := range map[string]string{
		`{"b": 0.0/0.0, "a": type(1), "c": [[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}`: "type conversion not supported",
		`{"a": 0.0/0.0, "b": type(1)}`:                                         "not a number",
	} {
		p, fault := Compile(OfInteraction, source)
		if fault != nil {
			t.Fatal(fault)
		}
		for range 50 {
			if _, err := p.Value(values(t)); err == nil || !strings.Contains(err.Error(), want) {
				t.Fatalf("%s: %v, want %s", source, err, want)
			}
		}
	}
}

// TestResultsShareNothing: a variable does not change with the user data that
// it was set from.
func TestResultsShareNothing(t *testing.T) {
	p, _ := Compile(OfInteraction, `[data, data.list, interaction]`)
	v := values(t)
	v.Interaction.UserData.Fields["long"] = structpb.NewNullValue()
	value, err := p.Value(v)
	if err != nil {
		t.Fatal(err)
	}
	before := proto.CloneOf(value)
	v.Interaction.UserData.Fields["list"].GetListValue().Values[1].GetStructValue().Fields["deep"] = structpb.NewNullValue()
	v.Interaction.UserData.Fields["new"] = structpb.NewNullValue()
	if !proto.Equal(value, before) {
		t.Errorf("%v became %v", before, value)
	}
	if got := value.GetListValue().GetValues()[2].GetStructValue().GetFields(); got["interactionId"].GetStringValue() != "chat-1" || !got["userData"].GetStructValue().GetFields()["vip"].GetBoolValue() {
		t.Errorf("the interaction became %v", got)
	}
}

// BenchmarkWorst is what takes longest of all that is accepted.
func BenchmarkWorst(b *testing.B) {
	text, digits := large(strings.Repeat("a", 64<<10), 0, 0), large(strings.Repeat("7", 64<<10), 0, 0)
	for _, test := range []struct {
		before, part, after string
		over                *Values
	}{
		{"", "data == variable && ", "true", large("a", 0, 1900)},
		{"", "data.l == variable.l && ", "true", large("a", 1900, 0)},
		{"", "[interaction] == [interaction] && ", "true", large("a", 0, 30)},
		{"", "'z' in data.l || ", "true", large("a", 9000, 0)},
		{"", "data in [data, variable] && ", "true", large("a", 0, 400)},
		{"", "data.x == variable.x && ", "true", text},
		{"", "data.x.contains('aab') || ", "true", text},
		{"", "data.x.matches('(.*a){30}b') || ", "true", large(strings.Repeat("a", 500), 0, 0)},
		{"", "data.x.matches('(a|aa|aaa)*b') || ", "true", large(strings.Repeat("a", 2000), 0, 0)},
		{"", "double(data.x) == 1.0 || ", "true", digits},
		{"", "bool(data.x) || ", "true", text},
		{"", "interaction.user_data.x == '' || ", "true", large("a", 0, 6000)},
		{"size(", "data.l + ", "[])", large("a", 1900, 0)},
		{"[", "response, ", "1]", large("a", 0, 1900)},
		{"[", "interaction, ", "1]", large("a", 0, 30)},
		{"[", "data.m, ", "1]", large("a", 0, 1900)},
		{"data == variable && data != variable ? [] : [", "data.m, ", "1]", large("a", 0, 900)},
	} {
		p := repeated(b, test.before, test.part, test.after)
		b.Run(strings.ReplaceAll(test.before+test.part, " ", ""), func(b *testing.B) {
			for b.Loop() {
				p.Value(test.over)
			}
		})
	}
}
