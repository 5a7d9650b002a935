package scenario

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/scenarios"
)

func golden(t *testing.T, scenario, phase string) *Phase {
	t.Helper()
	all, err := Load(scenarios.Files)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		if p := s.Phase(phase); s.Name == scenario && p != nil {
			return p
		}
	}
	t.Fatalf("there is no phase %s of %s", phase, scenario)
	return nil
}

func is(o Observed, name string) bool { return o.name() == name }

// invites changes every EventInvite.
func invites(seen []Observed, change func(*Observed)) []Observed {
	for i := range seen {
		if is(seen[i], "EventInvite") {
			change(&seen[i])
		}
	}
	return seen
}

// TestPlayFindsDifferences holds that every difference from the expectation
// is found, and named with its line.
func TestPlayFindsDifferences(t *testing.T) {
	p := golden(t, "transfer", "accepted")
	for _, c := range []struct {
		name, want string
		change     func([]Observed) []Observed
	}{
		{"missing", "want ixn > agent1  EventAck  im    reference_id=t1 interaction_id=i1, got nothing more", func(seen []Observed) []Observed {
			return slices.DeleteFunc(seen, func(o Observed) bool {
				return is(o, "EventAck") && o.To[0] == "agent1" && o.Event.GetEventAck().GetReferenceId() == "t1"
			})
		}},
		{"too many", "want nothing more before", func(seen []Observed) []Observed {
			if is(seen[len(seen)-1], "EventInvite") {
				return append(seen, seen[len(seen)-1])
			}
			return seen
		}},
		{"other order", "want ixn > report EventPartyAdded, got ixn > report EventPartyRemoved", func(seen []Observed) []Observed {
			if len(seen) > 3 && is(seen[1], "EventPartyAdded") {
				seen[1], seen[2] = seen[2], seen[1]
			}
			return seen
		}},
		{"other recipient", "want ixn > agent2 EventInvite, got ixn > agent3 EventInvite", func(seen []Observed) []Observed {
			return invites(seen, func(o *Observed) { o.To = []string{"agent3"} })
		}},
		{"other protocol", "EventInvite: protocol is tlib, want im", func(seen []Observed) []Observed {
			return invites(seen, func(o *Observed) { o.Event.Protocol = usherv1.Protocol_PROTOCOL_TLIB })
		}},
		{"other value", `operation is "ROUTE", want "TRANSFER"`, func(seen []Observed) []Observed {
			return invites(seen, func(o *Observed) { o.Event.GetEventInvite().Operation = usherv1.Operation_OPERATION_ROUTE })
		}},
		{"other ticket", `ticket is "5", want $ticket, which is "`, func(seen []Observed) []Observed {
			return invites(seen, func(o *Observed) { o.Event.GetEventInvite().Ticket = 5 })
		}},
		{"refused", "want ixn > report EventAgentInvited, got ixn > agent1 EventError", func(seen []Observed) []Observed {
			if is(seen[0], "EventAgentInvited") {
				return []Observed{{From: server, To: []string{"agent1"}, Event: &usherv1.Event{
					Message: &usherv1.Event_EventError{EventError: &usherv1.EventError{Code: 45}}}}}
			}
			return seen
		}},
	} {
		d := newEcho(t, p)
		d.change = c.change
		err := Play(t.Context(), d, p, nil)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "transfer.seq:") {
			t.Errorf("%s: got %v, want %s", c.name, err, c.want)
		}
	}
}

// scripted is a driver that answers from a list, one entry for each action.
type scripted struct {
	answers []answer
	seen    []Observed
}

type answer struct {
	event *usherv1.Event
	err   error
	seen  []Observed
}

func (d *scripted) act() (*usherv1.Event, error) {
	if len(d.answers) == 0 {
		return nil, nil
	}
	a := d.answers[0]
	d.answers, d.seen = d.answers[1:], append(d.seen, a.seen...)
	return a.event, a.err
}

func (d *scripted) Send(context.Context, string, proto.Message) (*usherv1.Event, error) {
	return d.act()
}

func (d *scripted) Connect(context.Context, string, string) error {
	_, err := d.act()
	return err
}

func (d *scripted) Disconnect(context.Context, string, string) error {
	_, err := d.act()
	return err
}

func (d *scripted) Restart(context.Context) error {
	_, err := d.act()
	return err
}

func (d *scripted) Apply(context.Context, *usherv1.Configuration) error { return nil }

func (d *scripted) Advance(context.Context, time.Duration) error {
	_, err := d.act()
	return err
}

func (d *scripted) Observe(context.Context) ([]Observed, error) {
	seen := d.seen
	d.seen = nil
	return seen, nil
}

func ack(sequence uint64, interaction string) *usherv1.Event {
	return &usherv1.Event{Sequence: sequence, Protocol: usherv1.Protocol_PROTOCOL_IM, InteractionId: interaction,
		Message: &usherv1.Event_EventAck{EventAck: &usherv1.EventAck{}}}
}

func refusal(code usherv1.ErrorCode) *usherv1.Event {
	return &usherv1.Event{Message: &usherv1.Event_EventError{EventError: &usherv1.EventError{Code: code, Description: "No."}}}
}

// nobody begins a phase in which nobody is registered, so that its steps are
// all that a driver is asked to do.
const nobody = head + "given media unregistered\ngiven report unregistered\n"

// TestPlayAnswers holds where answers come from: from the journal if they are
// new in it, from the call if they are refusals, reads or repeated.
func TestPlayAnswers(t *testing.T) {
	recorded := Observed{From: server, To: []string{"agent1"}, Event: ack(7, "i1"), Answer: true}
	p := parse(t, nobody+`agent1 > ixn RequestHold im interaction_id=i1 reference_id=r
    ixn > agent1 EventAck im interaction_id=i1 sequence=$first
agent1 > ixn RequestHold im interaction_id=i1 reference_id=r
    ixn > agent1 EventAck im interaction_id=i1 sequence=$first
agent1 > ixn RequestHold im interaction_id=i1
    ixn > agent1 EventError im code=HELD
* agent1 connects desktop
    ixn > agent1 EventError im code=CONNECTION_REFUSED
* agent1 disconnects
* server restarts
+5s
`).Phases[0]
	d := &scripted{answers: []answer{
		{event: ack(7, "i1"), seen: []Observed{recorded}},
		{event: ack(7, "i1")},
		{event: refusal(usherv1.ErrorCode_ERROR_CODE_HELD)},
		{err: &Refusal{refusal(usherv1.ErrorCode_ERROR_CODE_CONNECTION_REFUSED)}},
	}}
	var lines []Line
	if err := Play(t.Context(), d, p, func(l Line) { lines = append(lines, l) }); err != nil {
		t.Fatal(err)
	}
	want := Line{"x", "p", 6, "ixn", "agent1", "EventError", "im"}
	if len(lines) != 7 || lines[5] != want {
		t.Errorf("got %v", lines)
	}
}

// TestPlayFails holds that failures of the driver and of what is given are
// told with their line.
func TestPlayFails(t *testing.T) {
	broken := errors.New("broken")
	for _, c := range []struct {
		text, want string
		answers    []answer
	}{
		{"agent1 > ixn RequestHold im interaction_id=i1\n", "x.seq:9: agent1 > ixn  RequestHold  im    interaction_id=i1: broken", []answer{{err: broken}}},
		{"agent1 > ixn RequestAccept im ticket=$t\n", "x.seq:9: agent1 > ixn  RequestAccept  im    ticket=$t: x.seq:9: ticket: $t is not bound yet", nil},
		{"* agent1 connects\n", "x.seq:9: * agent1 connects desktop: broken", []answer{{err: broken}}},
		{"+5s\n    ixn > agent1 EventAck im\n", "x.seq:10: want ixn > agent1  EventAck  im, got nothing more", nil},
		{"given > agent1 RequestHold interaction_id=i1\n+5s\n", "given: x.seq:9: agent1 > ixn  RequestHold  im    interaction_id=i1 was refused: ERROR_CODE_HELD: No.",
			[]answer{{event: refusal(usherv1.ErrorCode_ERROR_CODE_HELD)}}},
		{"given agent2 joins i1 with agent1\n+5s\n", "given: x.seq:9: there was no ", nil},
	} {
		p := parse(t, nobody+c.text).Phases[0]
		err := Play(t.Context(), &scripted{answers: c.answers}, p, nil)
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("got %v\nwant %s", err, c.want)
		}
	}
}

// TestMatch holds how values are compared.
func TestMatch(t *testing.T) {
	event := &usherv1.Event{Sequence: 5, Protocol: usherv1.Protocol_PROTOCOL_RPT, InteractionId: "i1", Queue: "outer",
		Message: &usherv1.Event_EventPlacedInQueue{EventPlacedInQueue: &usherv1.EventPlacedInQueue{
			Queue: "inner", Operation: usherv1.Operation_OPERATION_PLACE}}}
	for _, c := range []struct{ attributes, want string }{
		{"queue=inner interaction_id=i1 sequence=5 operation=PLACE", ""},
		{"queue=$q parent_id=- moved_to_queue_at_ms=0 queue_at=-", "has no field"},
		{"queue=$q parent_id=- moved_to_queue_at_ms=0 actor.id=- actor=-", ""},
		{"queue=outer", `queue is "inner", want "outer"`},
		{"media_type=*", "media_type is empty, want anything"},
		{"operation=-", `operation is "PLACE", want it empty`},
		{"media_type=$m", "media_type is empty, want something to bind $m to"},
		{"interaction_id=$known", `interaction_id is "i1", want $known, which is "i9"`},
		{"interactions.0.in_queues=[a]", "interactions.0.in_queues is [], want [a]"},
		{"interactions.0.user_data.a=x", `interactions.0.user_data.a is "", want "x"`},
	} {
		s, err := Parse("x.seq", strings.NewReader(head+"+5s\nixn > report EventPlacedInQueue rpt "+c.attributes+"\n"))
		if err == nil {
			vars := Vars{"known": "i9"}
			err = s.Phases[0].Steps[1].(*Expect).Match(vars, "ixn", []string{"report"}, event)
			if bound := vars["q"] != ""; bound != (err == nil && strings.Contains(c.attributes, "$q")) {
				t.Errorf("%s: $q is %q after %v", c.attributes, vars["q"], err)
			}
		}
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %v, want %s", c.attributes, err, c.want)
		}
	}
}

// TestUserData holds that texts, numbers, truth values, lists and maps of
// user data are told apart.
func TestUserData(t *testing.T) {
	p := parse(t, nobody+`agent1 > ixn RequestCustomReporting im name=n data.text="5" data.number=5 data.yes=true data.list=[a,5,"6"] data.map.key=x
    ixn > report EventCustomReporting rpt data.text="5" data.number=5 data.yes=true data.list=[a,5,"6"] data.map.key=x data.map=* data.none=-
`).Phases[0]
	m, err := p.Steps[0].(*Request).Message(nil)
	if err != nil {
		t.Fatal(err)
	}
	data := m.(*usherv1.RequestCustomReporting).GetData()
	event := &usherv1.Event{Protocol: usherv1.Protocol_PROTOCOL_RPT,
		Message: &usherv1.Event_EventCustomReporting{EventCustomReporting: &usherv1.EventCustomReporting{Data: data}}}
	e := p.Steps[1].(*Expect)
	if err := e.Match(Vars{}, "ixn", []string{"report"}, event); err != nil {
		t.Error(err)
	}
	data.Fields["text"] = data.Fields["number"]
	if err := e.Match(Vars{}, "ixn", []string{"report"}, event); err == nil || !strings.Contains(err.Error(), `data.text is "5", want "\"5\""`) {
		t.Errorf("a number passed for a text: %v", err)
	}
}
