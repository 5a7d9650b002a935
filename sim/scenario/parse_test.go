package scenario

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/scenarios"
)

const head = "scenario x\ntitle X\nspec models.md 0\n\nphase p\ntitle P\n"

func parse(t *testing.T, text string) *Scenario {
	t.Helper()
	s, err := Parse("x.seq", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestCanonicalForm holds how lines are aligned, and that comments stay.
func TestCanonicalForm(t *testing.T) {
	const loose = "# About X.\nscenario   x\n title The  title\nspec models.md 0\ntenant  x.yaml\n\n\n# About P.\nphase p\ntitle P #1\n" +
		"option  delivering_timeout_ms=5000   pull_while_routing=false\n# why\ngiven agent1   ready chat #there\n" +
		"given > media RequestSubmit queue=inbound user_data.name=\"Ann\" user_data.n=\"5\"\n" +
		"agent1 > ixn RequestAccept im ticket=5   # now\n" +
		" # quiet\n ixn > agent1,agent2   EventAck im interaction_id=\"a b\"\n"
	s := parse(t, loose+"+1m30s\n*  server  restarts\n*  y.yaml is  applied\n* agent1 connects\n* agent1  disconnects supervisor\n* media disconnects\n")
	const want = `# About X.
scenario x
title    The title
spec     models.md 0
tenant   x.yaml

# About P.
phase p
title   P #1
option  delivering_timeout_ms=5000 pull_while_routing=false
# why
given   agent1 ready chat  # there
given   > media RequestSubmit queue=inbound user_data.name=Ann user_data.n="5"
agent1 > ixn              RequestAccept  im    ticket=5  # now
    # quiet
    ixn > agent1, agent2  EventAck       im    interaction_id="a b"
+1m30s
* server restarts
* y.yaml is applied
* agent1 connects desktop
* agent1 disconnects supervisor
* media disconnects
`
	if got := Format(s); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestSyntaxErrors holds that a mistake is answered with its place and a hint.
func TestSyntaxErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "x.seq:1:1: the file is empty; the first line is: scenario NAME"},
		{"title X", "x.seq:1:1: title stands at a wrong place"},
		{"scenario X y", `x.seq:1:10: "X y" is no name`},
		{"scenario", "x.seq:1:1: scenario is empty"},
		{"scenario x\ntitle X\ntitle Y", "x.seq:3:1: there is a title already"},
		{"scenario x\n# why\ntitle X", "x.seq:3:1: a comment stands inside a header"},
		{"scenario x\ntitle X", "x.seq:3:1: the scenario has no title or no spec"},
		{"scenario x\n+5s", "x.seq:2:1: +5s stands outside of a phase"},
		{head, "x.seq:5:1: phase p has no title or no steps"},
		{head + "+5s\n# end", "x.seq:9:1: a comment stands at the end of the file"},
		{head + "+5s\nphase p", `x.seq:8:7: there is a phase "p" already`},
		{head + "spec models.md 1", "x.seq:7:1: spec stands at a wrong place"},
		{"scenario x\ntenant eas", `x.seq:2:8: "eas" is no file with a configuration; name a file beside it`},
		{"scenario x\ntenant a.yaml\ntenant b.yaml", "x.seq:3:1: tenant stands at a wrong place; write it once"},
		{head + "* a.yaml was applied", `x.seq:7:3: there is no participant "a.yaml"`},
		{head + "option", "x.seq:7:1: option is empty"},
		{head + "option delivering_timeout=5", `x.seq:7:8: Options has no field "delivering_timeout"; did you mean delivering_timeout_ms?`},
		{head + "option pull_while_routing=yes", `x.seq:7:8: "yes" does not fit pull_while_routing; it is true or false`},
		{head + "given", "x.seq:7:1: given is empty"},
		{head + "given agent9 ready chat", "x.seq:7:7: this given is unknown; write WHO registered"},
		{head + "given agent1 ready", "x.seq:7:7: this given is unknown"},
		{head + "given agent1 joins i1 with agent2 as COACHH", `x.seq:7:7: VisibilityMode has no value "COACHH"; did you mean COACH?`},
		{head + "given > nobody RequestPull", "x.seq:7:7: the line is not complete, or nobody can send it"},
		{head + "given > agent1 RequestPul", `x.seq:7:16: there is no request "RequestPul"; did you mean RequestPull?`},
		{head + "+5s\ngiven agent1 ready chat", "x.seq:8:1: given stands between steps"},
		{head + "+5", "x.seq:7:1: this is no step in time"},
		{head + "+-5s", "x.seq:7:1: this is no step in time"},
		{head + "* agent1", "x.seq:7:1: the line is not complete"},
		{head + "* agnt1 connects", `x.seq:7:3: there is no participant "agnt1"; did you mean agent1?`},
		{head + "* agent1 sleeps", `x.seq:7:10: "sleeps" is nothing that happens`},
		{head + "* media connects desktop", `x.seq:7:18: "desktop" is too much`},
		{head + "* media disconnects desktop", `x.seq:7:21: "desktop" is too much`},
		{head + "agent1 says hello", `x.seq:7:1: "agent1" begins no line`},
		{head + "agent1 > ixn RequestAccept", "x.seq:7:1: message or protocol is missing"},
		{head + "agent1 > ixn,", "x.seq:7:1: the recipient is missing"},
		{head + "agent1 > agent2 RequestAccept im", "x.seq:7:1: requests go to the server"},
		{head + "agnt1 > ixn RequestAccept im", `x.seq:7:1: there is no participant "agnt1"; did you mean agent1?`},
		{head + "agent1 > ixn RequestAccpt im", `x.seq:7:14: there is no request "RequestAccpt"; did you mean RequestAccept?`},
		{head + "agent1 > ixn RequestAccept imm", `x.seq:7:28: there is no protocol "imm"; did you mean im?`},
		{head + "agent1 > ixn RequestAccept im ticket", `x.seq:7:31: "ticket" is no attribute; write path=value`},
		{head + "agent1 > ixn RequestAccept im tickt=5", `x.seq:7:31: RequestAccept has no field "tickt"; did you mean ticket?`},
		{head + "agent1 > ixn RequestAccept im ticket=five", `x.seq:7:31: "five" does not fit ticket; it is a number, not negative`},
		{head + "agent1 > ixn RequestAccept im ticket=5 ticket=6", `x.seq:7:40: ticket stands here twice`},
		{head + "agent1 > ixn RequestAccept im ticket=*", "x.seq:7:38: * is not a value to send"},
		{head + "agent1 > ixn RequestAccept im ticket=", "x.seq:7:38: a value is missing"},
		{head + "agent1 > ixn RequestAccept im ticket=$", `x.seq:7:38: "$" is no name of a variable`},
		{head + `agent1 > ixn RequestAccept im interaction_id="i1`, "x.seq:7:31: a quote is not closed"},
		{head + `agent1 > ixn RequestAccept im interaction_id="\q"`, "x.seq:7:46: \"\\q\" is not quoted rightly"},
		{head + "agent1 > ixn RequestAccept im interaction_id=a[b", "x.seq:7:46: a[b must stand in quotes"},
		{head + "media > ixn RequestSubmit im in_queues=a", "x.seq:7:30: in_queues is a list"},
		{head + "media > ixn RequestSubmit im in_queues=[a,]", "x.seq:7:40: a list has no comma at its end"},
		{head + "media > ixn RequestSubmit im in_queues=[a", "x.seq:7:40: a list ends with ]"},
		{head + "media > ixn RequestSubmit im queue=[a]", "x.seq:7:30: queue is no list"},
		{head + "media > ixn RequestSubmit im queue.name=a", "x.seq:7:30: queue has no fields"},
		{head + "media > ixn RequestSubmit im timeouts=a", "x.seq:7:30: timeouts is a message"},
		{head + "media > ixn RequestSubmit im user_data..x=a", "x.seq:7:30: a key of user data is empty"},
		{head + "agent1 > ixn RequestAgentLogin im media.x.ready=true", "x.seq:7:35: media is a list; write its name, a dot and an index"},
		{head + "ixn > agent1 EventAck im", "x.seq:7:1: the first step is an expectation"},
		{head + "+5s\nixn > agent1 EventAkc im", `x.seq:8:14: the server has no message "EventAkc"; did you mean EventAck?`},
		{head + "+5s\nixn > agent1, agent1 EventAck im", "x.seq:8:15: agent1 can't hear it"},
		{head + "+5s\nixn > agent1 EventAck im colour=red", "x.seq:8:26: EventAck has no field \"colour\""},
		{head + "+5s\nixn > agent1 EventError im code=NOPE", "x.seq:8:28: ErrorCode has no value \"NOPE\""},
		{head + "\xff", "x.seq:7:1: the line is not UTF-8"},
	} {
		_, err := Parse("x.seq", strings.NewReader(c.text))
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%q:\n got %v\nwant %s", c.text, err, c.want)
		}
	}
}

// TestLoad holds that a scenario is named as its file.
func TestLoad(t *testing.T) {
	folder := fstest.MapFS{"y.seq": {Data: []byte(head + "+5s\n")}}
	if _, err := Load(folder); err == nil || !strings.Contains(err.Error(), "not named as its file") {
		t.Errorf("got %v", err)
	}
	folder = fstest.MapFS{"x.seq": {Data: []byte(head + "+5s\n")}}
	all, err := Load(folder)
	if err != nil || len(all) != 1 || all[0].Phase("p") == nil || all[0].Phase("q") != nil {
		t.Errorf("got %v, %v", all, err)
	}
}

// TestConfigurations holds that a phase begins with the fixture and with what
// its tenant has besides, and that the files are read.
func TestConfigurations(t *testing.T) {
	const named = "scenario x\ntitle X\nspec s\ntenant more.yaml\n\nphase p\ntitle P\noption delivering_timeout_ms=5000\n+5s\n* new.yaml is applied\n"
	folder := fstest.MapFS{
		"x.seq":     {Data: []byte(named)},
		"more.yaml": {Data: []byte("options: {capacity_rule: one}\nqueues: [{name: a, strategy: s}, {name: c}]\n")},
	}
	if _, err := Load(folder); err == nil || !strings.Contains(err.Error(), "x.seq:10: open new.yaml") {
		t.Errorf("got %v", err)
	}
	folder["new.yaml"] = &fstest.MapFile{Data: []byte("queues: [{name: d}]")}
	all, err := Load(folder)
	if err != nil {
		t.Fatal(err)
	}
	c, err := all[0].Phase("p").Configuration([]byte("queues: [{name: a, description: A}, {name: b}]"))
	if err != nil {
		t.Fatal(err)
	}
	want := &usherv1.Configuration{
		Options: &usherv1.Options{CapacityRule: "one", DeliveringTimeoutMs: proto.Int64(5000)},
		Queues:  []*usherv1.Queue{{Name: "a", Description: "A", Strategy: "s"}, {Name: "b"}, {Name: "c"}},
	}
	if !proto.Equal(c, want) {
		t.Errorf("got %v, want %v", c, want)
	}
	if a := all[0].Phases[0].Steps[1].(*Apply); len(a.configuration.GetQueues()) != 1 {
		t.Errorf("new.yaml holds %v", a.configuration)
	}
	folder["more.yaml"] = &fstest.MapFile{Data: []byte("queue: []")}
	if _, err := Load(folder); err == nil || !strings.Contains(err.Error(), `read more.yaml: `) {
		t.Errorf("got %v", err)
	}
}

// FuzzParse holds that no file makes the parser fail otherwise than with an
// error, and that the canonical form of what parses parses to the same.
func FuzzParse(f *testing.F) {
	// One small file: large ones make the fuzzer slow.
	small, err := fs.ReadFile(scenarios.Files, "custom-reporting.seq")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(small))
	f.Add(head + "option pull_while_routing=false\n# why\ngiven agent1 handles i1 from inbound\ngiven agent2 joins i1 with agent1 as COACH\n" +
		"* agent1 connects telephone\n* server restarts\n+1m30s\nixn > agent1, agent2 EventRevoked im ticket=$t reason=- # x\n")
	f.Add(head + "agent1 > ixn RequestPull im interaction_id=\"a \\\" b\" # why\nixn > agent1 EventAck im interaction_id=\"-\"\n")
	f.Add(head + "media > ixn RequestSubmit im user_data.a=[\"x,y\",5,\"5\"] user_data.b=\"true\" in_queues=[]\n")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse("x.seq", strings.NewReader(text))
		if err != nil {
			return
		}
		canonical := Format(s)
		again, err := Parse("x.seq", strings.NewReader(canonical))
		if err != nil {
			t.Fatalf("the canonical form does not parse: %v\n%s", err, canonical)
		}
		if Format(again) != canonical {
			t.Fatalf("it parses to something else:\n%s\n%s", canonical, Format(again))
		}
		for _, p := range s.Phases {
			_ = Mermaid(p)
			for _, step := range p.Steps {
				if r, ok := step.(*Request); ok {
					_, _ = r.Message(Vars{})
				}
			}
		}
	})
}
