package configfile

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/internal/yamlfile"
)

const everything = `# A comment.
options:
  delivering_timeout: 45s
  handling_timeout_ms: 7_200_000
  agent_connection_grace: 0
  not_ready_on_invitation_timeout: false
  allow_multiple_agent_connections: true
  max_interactions_per_snapshot: 1000
media_types:
  - name: chat
  - {name: mail, offline: true, default_capacity: 3, handling_timeout: 4h, routing_timeout: 24h0m0.5s}
places: [{name: "1"}]
place_groups:
  - name: desks
    places: ["1"]
agent_groups:
  - name: sales
agents:
  - agent_id: agent1
    name: 'Ann: "the first"'
    agent_groups: &groups [sales]
    capacity: {chat: 2, mail: 5}
    password: correct horse
  - agent_id: agent2
    agent_groups: *groups
    supervisor: true
queues:
  - name: inbound
    description: |
      Two
      lines.
    strategy: longest-idle
    agent_group: sales
workbins:
  - name: drafts
    owner_kind: agent
  - name: team
    owner_kind: agent_group
  - name: floor
    owner_kind: OWNER_KIND_PLACE_GROUP
`

func TestParse(t *testing.T) {
	got, _, err := Parse("usher.yaml", []byte(everything))
	if err != nil {
		t.Fatal(err)
	}
	want := &usherv1.Configuration{}
	if err := prototext.Unmarshal([]byte(`
		options {
			delivering_timeout_ms: 45000 handling_timeout_ms: 7200000 agent_connection_grace_ms: 0
			not_ready_on_invitation_timeout: false
			allow_multiple_agent_connections: MULTIPLE_CONNECTIONS_TRUE max_interactions_per_snapshot: 1000
		}
		media_types { name: "chat" }
		media_types { name: "mail" offline: true default_capacity: 3 handling_timeout_ms: 14400000 routing_timeout_ms: 86400500 }
		places { name: "1" }
		place_groups { name: "desks" places: "1" }
		agent_groups { name: "sales" }
		agents {
			agent_id: "agent1" name: "Ann: \"the first\"" agent_groups: "sales"
			capacity { key: "chat" value: 2 } capacity { key: "mail" value: 5 } password: "correct horse"
		}
		agents { agent_id: "agent2" agent_groups: "sales" supervisor: true }
		queues { name: "inbound" description: "Two\nlines.\n" strategy: "longest-idle" agent_group: "sales" }
		workbins { name: "drafts" owner_kind: OWNER_KIND_AGENT }
		workbins { name: "team" owner_kind: OWNER_KIND_AGENT_GROUP }
		workbins { name: "floor" owner_kind: OWNER_KIND_PLACE_GROUP }
	`), want); err != nil {
		t.Fatal(err)
	}
	if !proto.Equal(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
}

func TestFormatIsReadBack(t *testing.T) {
	files := map[string][]byte{"everything": []byte(everything)}
	fixture, err := os.ReadFile("../../scenarios/fixture.yaml")
	if err != nil {
		t.Fatal(err)
	}
	files["fixture"] = fixture
	for name, text := range files {
		first, _, err := Parse(name, text)
		if err != nil {
			t.Fatal(err)
		}
		written, err := Format(first)
		if err != nil {
			t.Fatal(err)
		}
		second, _, err := Parse(name+" written", written)
		if err != nil {
			t.Fatalf("%v in\n%s", err, written)
		}
		for _, agent := range first.Agents {
			agent.Password = "" // not written
		}
		if !proto.Equal(first, second) {
			t.Errorf("%s: first %v\nthen %v\nwritten\n%s", name, first, second, written)
		}
		if strings.Contains(string(written), "0m0s") || strings.Contains(string(written), "password") {
			t.Errorf("%s is written as\n%s", name, written)
		}
	}
}

func TestErrors(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"empty", "# nothing\n", `f:1:1: the file is empty`},
		{"syntax", "queues:\n  - name: [\n", `f:2:1: did not find expected node content`},
		{"two documents", "places: []\n---\nplaces: []\n", `f:2:1: a second document begins here, and a file has one`},
		{"not a mapping", "- name: x\n", `f:1:1: the configuration: expected keys with values, found a list`},
		{"unknown section", "queue:\n  - name: x\n", `f:1:1: unknown key "queue"; did you mean queues?`},
		{"unknown key", "queues:\n  - name: x\n    stategy: y\n", `f:3:5: unknown key "stategy"; did you mean strategy?`},
		{"nothing near", "queues:\n  - name: x\n    zzzzzz: y\n", `f:3:5: unknown key "zzzzzz"`},
		{"made by the server", "agents:\n  - agent_id: a\n    password_hash: x\n", `f:3:5: unknown key "password_hash"; did you mean password?`},
		{"text", "agents:\n  - agent_id: 1001\n", `f:2:15: agent_id: expected text, found the number 1001; put it in quotes: "1001"`},
		{"nothing", "queues:\n  - name:\n", `f:2:10: name: expected text, found nothing`},
		{"boolean", "media_types:\n  - name: m\n    offline: maybe\n", `f:3:14: offline: expected true or false, found the text "maybe"`},
		{"number", "media_types:\n  - name: m\n    default_capacity: 1.5\n", `f:3:23: default_capacity: expected a whole number, found the number 1.5`},
		{"range", "media_types:\n  - name: m\n    default_capacity: 3000000000\n", `f:3:23: default_capacity: 3000000000 is out of range`},
		{"map", "agents:\n  - agent_id: a\n    capacity: {chat: many}\n", `f:3:22: capacity.chat: expected a whole number, found the text "many"`},
		{"list", "agents:\n  - agent_id: a\n    agent_groups: sales\n", `f:3:19: agent_groups: expected a list, found the text "sales"`},
		{"enum", "workbins:\n  - name: w\n    owner_kind: agents\n",
			`f:3:17: owner_kind: "agents" is none of agent, agent-group, place, place-group; did you mean agent?`},
		{"enum without a name", "workbins:\n  - name: w\n    owner_kind: [agent]\n", `f:3:17: owner_kind: expected a name, found a list`},
		{"duration without unit", "options:\n  delivering_timeout: 30\n",
			`f:2:23: delivering_timeout: expected a duration such as 30s, 15m or 2h, found the number 30; for milliseconds write delivering_timeout_ms`},
		{"too fine", "options:\n  delivering_timeout: 1500us\n", `f:2:23: delivering_timeout: 1500us is finer than a millisecond`},
		{"both", "options:\n  delivering_timeout: 30s\n  delivering_timeout_ms: 1\n", `f:3:3: delivering_timeout_ms and delivering_timeout are the same`},
		{"key twice", "places: []\nplaces: []\n", `f:2:1: "places" stands in line 1 already`},
		{"object twice", "places:\n  - name: p\n  - name: q\n  - name: p\n", `f:4:5: place "p" stands in line 2 already`},
		{"without name", "agents:\n  - name: x\n", `f:2:5: agent without agent_id`},
		{"all at once", "queues:\n  - nam: x\noptions:\n  pull_obeys_capacity: 1\n",
			"f:2:5: unknown key \"nam\"; did you mean name?\nf:2:5: queue without name\nf:4:24: pull_obeys_capacity: expected true or false, found the number 1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, _, err := Parse("f", []byte(test.text))
			var all yamlfile.Errors
			if !errors.As(err, &all) || got != nil {
				t.Fatalf("got %v, %v", got, err)
			}
			if err.Error() != test.want {
				t.Errorf("got\n%s\nwant\n%s", err, test.want)
			}
		})
	}
}

func TestLocate(t *testing.T) {
	_, positions, err := Parse("f", []byte(everything))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ sentence, want string }{
		{`options: delivering_timeout_ms: 1 is not between 1000 and 86400000`, "f:3:3"},
		{`options: pull_obeys_capacity: 7 is none of its values`, "f:2:1"},
		{`media_type "mail": handling_timeout_ms: 1 is not between 60000 and 86400000`, "f:11:54"},
		{`agent "agent1": agent_groups: there is no agent_group "gone"`, "f:21:5"},
		{`agent "agent1": a password has 8 to 256 bytes`, "f:19:5"},
		{`agent_group "gone" is in use: agent_group of queue "inbound" has it`, "f:33:5"},
		{`queue "inbound": name has ' '; only letters`, "f:28:5"},
	} {
		at, says, found := positions.Locate(test.sentence)
		if !found || at.String() != test.want || says != test.sentence {
			t.Errorf("%s: got %v, %q, %v, want %s", test.sentence, at, says, found, test.want)
		}
	}
	if at, _, found := positions.Locate(`queue "other" is in use: interaction "i" is in it`); found {
		t.Errorf("found what is not in the file at %v", at)
	}
}

// TestAliasesStandForLimits: a short text whose aliases stand for very much, or
// for themselves, is refused before anything is made of it.
func TestAliasesStandForLimits(t *testing.T) {
	var bomb strings.Builder
	bomb.WriteString("skills:\n  - &s0 {name: a}\nqueues:\n  - name: &l0 [x, x]\n")
	for n := range 30 {
		fmt.Fprintf(&bomb, "  - name: &l%d [*l%d, *l%d]\n", n+1, n, n)
	}
	for _, text := range []string{bomb.String(), "agents: &all [*all]\n"} {
		_, _, err := Parse("p.yaml", []byte(text))
		if err == nil || !strings.Contains(err.Error(), "values, with those that aliases stand for") {
			t.Errorf("%.60s: %.200v", text, err)
		}
	}
	if _, _, err := Parse("p.yaml", []byte("agent_groups: [{name: a}]\nagents: [{agent_id: x, agent_groups: &g [a]}, {agent_id: y, agent_groups: *g}]\n")); err != nil {
		t.Error(err)
	}
}

func TestProblems(t *testing.T) {
	text := "queues:\n  - name: billing\n    vector: \"12\"\nvectors:\n  - |\n    vector 12 \"Billing\"\n    01  dance\n"
	_, positions, err := Parse("", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	sentences := []string{
		`vector "12": line 2, column 5: unknown step dance`,
		`vector "12": line 2, column 1: warning: step 1 is odd`,
		`queue "billing": vector: there is no vector "13"`,
		`queue "old" is in use: interaction "i" is in it`,
	}
	for _, problem := range positions.Problems(sentences) {
		fmt.Fprintf(&got, "%d:%d %s\n", problem.Line, problem.Column, problem.Message)
	}
	_, _, err = Parse("", []byte("queues:\n  - {name: a, stratgy: b}\n  - {nam: a}\n"))
	for _, problem := range Problems(err) {
		fmt.Fprintf(&got, "%d:%d %s\n", problem.Line, problem.Column, problem.Message)
	}
	want := `7:9 vector "12": unknown step dance
7:5 vector "12": step 1 is odd
3:5 queue "billing": vector: there is no vector "13"
0:0 queue "old" is in use: interaction "i" is in it
2:15 unknown key "stratgy"; did you mean strategy?
3:5 queue without name
3:6 unknown key "nam"; did you mean name?
`
	if got.String() != want {
		t.Errorf("got\n%swant\n%s", &got, want)
	}
}
