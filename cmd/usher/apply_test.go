package main

import (
	"bytes"
	"testing"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/internal/configfile"
)

const processFile = `queues:
  - name: billing
    strategy: vector
    vector: "12"
vectors:
  - |
    vector 12 "Billing chat"
    01  queue-to skill billing pri m
    02  dance
`

// TestRefusalsAreLocated: every sentence of a refusal stands at its place, and
// what is about a text as a compiler would say it.
func TestRefusalsAreLocated(t *testing.T) {
	_, positions, err := configfile.Parse("p.yaml", []byte(processFile))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ description, want string }{
		{`vector "12": line 3, column 5: unknown step dance`, `p.yaml:9:9: vector "12": unknown step dance`},
		{
			"vector \"12\": line 3, column 5: unknown step dance\nvector \"12\": line 2, column 20: there is no skill \"billing\"\nqueue \"billing\": vector: there is no vector \"12\"\nsomething else",
			"p.yaml:9:9: vector \"12\": unknown step dance\np.yaml:8:24: vector \"12\": there is no skill \"billing\"\n" +
				"p.yaml:4:5: UnknownObject: queue \"billing\": vector: there is no vector \"12\"\np.yaml: UnknownObject: something else",
		},
		{`vector "13": line 3, column 5: unknown step dance`, `UnknownObject: vector "13": line 3, column 5: unknown step dance`},
	} {
		got := located(&usherv1.EventError{Name: "UnknownObject", Description: test.description}, "p.yaml", positions)
		if got.Error() != test.want {
			t.Errorf("got\n%v\nwant\n%s", got, test.want)
		}
	}
}

func TestWarningsAreLocated(t *testing.T) {
	_, positions, err := configfile.Parse("p.yaml", []byte(processFile))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	printWarnings(&out, []string{`vector "12": line 3, column 1: warning: step 2 is never reached`, `vector "9": line 1, column 1: odd`}, positions)
	want := "p.yaml:9:5: warning: vector \"12\": step 2 is never reached\nusher: warning: vector \"9\": line 1, column 1: odd\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", &out, want)
	}
}

func TestChangedFields(t *testing.T) {
	for _, test := range []struct{ field, want string }{
		{`strategy: "" -> "vector"`, `strategy: "" -> "vector"`},
		{`handling_timeout_ms: default -> 60000`, `handling_timeout_ms: default -> 60000`},
		{`agent_groups: ["a\nb"] -> []`, `agent_groups: ["a\nb"] -> []`},
		{`password: changed`, `password: changed`},
		{
			`text: "vector 12\n01  stop\n02  busy\n" -> "vector 12\n01  wait-time 2 secs hearing music\n02  busy"`,
			"text:\n  @@ -1,3 +1,3 @@\n   vector 12\n  -01  stop\n  +01  wait-time 2 secs hearing music\n   02  busy",
		},
		{`text: "vector 12\n01  stop\n" -> "vector 12\n01  stop"`, "text: only the end of the last line"},
		{`text: "" -> "vector \"12\"\n01  stop"`, "text:\n  @@ -0,0 +1,2 @@\n  +vector \"12\"\n  +01  stop"},
	} {
		if got := changedField(test.field); got != test.want {
			t.Errorf("got\n%s\nwant\n%s", got, test.want)
		}
	}
}
