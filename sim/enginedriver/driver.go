// Package enginedriver plays scenarios against the engine and the built-in
// router alone: no goroutine, no journal, no network, and time that passes at
// once. It promises that Restart goes through the fold of the journal, as a
// real restart does.
package enginedriver

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
	"github.com/usher-cc/usher/router"
	"github.com/usher-cc/usher/sim/scenario"
)

// beginning is when every phase begins.
const beginning engine.Millis = 1_800_000_000_000

// remembered is how long a reference id is (models.md 17).
const remembered engine.Millis = 15 * 60 * 1000

// Driver is an engine with its router.
type Driver struct {
	engine   *engine.Engine
	router   *router.Router
	now      engine.Millis
	next     engine.Sequence
	made     int
	journal  []*usherv1.Entry
	observed []scenario.Observed
	// connections are the open connections, by participant.
	connections map[string][]engine.Connect
	// asked are the requests that were carried out or are pending, by client
	// and reference id: what the center remembers, in its simplest form.
	asked map[string]*asked
}

// asked is a request with its answer; nil while it is pending.
type asked struct {
	at      engine.Millis
	request proto.Message
	answer  *usherv1.Event
}

// New is a tenant with a configuration.
func New(configuration *usherv1.Configuration) (*Driver, error) {
	d := &Driver{
		engine: engine.New("default"), router: router.New(), now: beginning, next: 1,
		connections: map[string][]engine.Connect{}, asked: map[string]*asked{},
	}
	return d, d.Apply(context.Background(), configuration)
}

// Apply implements scenario.Driver.
func (d *Driver) Apply(_ context.Context, configuration *usherv1.Configuration) error {
	admin := engine.Participant{Kind: usherv1.ParticipantKind_PARTICIPANT_KIND_ADMIN, ID: "admin"}
	out := d.ask(admin, engine.Apply{Request: &usherv1.ApplyConfigurationRequest{Configuration: configuration}})
	if out.Err != nil {
		return fmt.Errorf("apply the configuration: %s", out.Err.Description)
	}
	return nil
}

// ask lets the engine decide, and then the router as often as it has
// something to route.
func (d *Driver) ask(from engine.Participant, request any) engine.Output {
	d.made++
	out := d.engine.Handle(engine.Input{
		Now: d.now, Next: d.next, NewID: engine.InteractionID(fmt.Sprintf("made-%d", d.made)), From: from, Request: request,
	})
	d.take(out)
	return out
}

func (d *Driver) take(out engine.Output) {
	for _, entry := range out.Entries {
		d.next++
		d.journal = append(d.journal, stored(entry))
		if entry.Answer {
			if a := d.asked[key(Name(entry.To[0]), entry.Event.ReferenceId)]; a != nil {
				a.answer = entry.Event
			}
		}
		if entry.Event != nil {
			d.observed = append(d.observed, d.observe(entry))
		}
	}
	d.route()
}

func (d *Driver) route() {
	d.router.Update(d.engine)
	request, ok := d.router.Next(d.now)
	if !ok {
		return
	}
	if published, ok := request.(proto.Message); ok {
		d.observed = append(d.observed, scenario.Observed{From: "router", To: []string{"ixn"}, Request: published})
	}
	out := d.engine.Handle(engine.Input{Now: d.now, Next: d.next, From: engine.BuiltinRouter, Request: request})
	if out.Err != nil {
		panic("the engine refuses its own router: " + out.Err.Description)
	}
	d.take(out)
}

// stored is an entry as it would be read back from a journal.
func stored(entry engine.Entry) *usherv1.Entry {
	return proto.Clone(&usherv1.Entry{Event: entry.Event, Fact: entry.Fact, Answer: entry.Answer}).(*usherv1.Entry)
}

// observe gives a message as its recipients get it: with the properties that
// delivery attaches.
func (d *Driver) observe(entry engine.Entry) scenario.Observed {
	o := scenario.Observed{From: "ixn", Answer: entry.Answer}
	for _, to := range entry.To {
		o.To = append(o.To, Name(to))
	}
	o.Event = proto.Clone(entry.Event).(*usherv1.Event)
	for _, i := range entry.Show {
		o.Event.Interactions = append(o.Event.Interactions, i.Properties(entry.To[0], false))
	}
	return o
}

// Participants are the clients that take part in scenarios, in the order in
// which they come back after a restart.
var Participants = []string{"media", "report", "agent1", "agent2", "agent3", "supervisor", "urs", "urs2", "svc", "svc2"}

// Name is how scenarios call a participant.
func Name(p engine.Participant) string {
	switch p {
	case engine.Server:
		return "ixn"
	case engine.Report:
		return "report"
	case engine.BuiltinRouter:
		return "router"
	}
	return p.ID
}

// Participant is whom scenarios call by a name.
func Participant(name string) engine.Participant {
	switch name {
	case "report":
		return engine.Report
	case "router":
		return engine.BuiltinRouter
	case "media":
		return engine.Participant{Kind: usherv1.ParticipantKind_PARTICIPANT_KIND_MEDIA, ID: name}
	case "urs", "urs2":
		return engine.Participant{Kind: usherv1.ParticipantKind_PARTICIPANT_KIND_ROUTER, ID: name}
	case "svc", "svc2":
		return engine.Participant{Kind: usherv1.ParticipantKind_PARTICIPANT_KIND_SERVICE, ID: name}
	}
	return engine.Participant{Kind: usherv1.ParticipantKind_PARTICIPANT_KIND_AGENT, ID: name}
}

func key(client, reference string) string { return client + " " + reference }

// Send implements scenario.Driver.
func (d *Driver) Send(_ context.Context, from string, request proto.Message) (*usherv1.Event, error) {
	if r, ok := request.(interface{ GetReferenceId() string }); ok && r.GetReferenceId() != "" {
		return d.once(from, r.GetReferenceId(), request), nil
	}
	return d.send(from, request), nil
}

// once carries a request out unless it has been, or is pending.
func (d *Driver) once(from, reference string, request proto.Message) *usherv1.Event {
	before := d.asked[key(from, reference)]
	switch {
	case before == nil || before.at+remembered <= d.now:
		d.asked[key(from, reference)] = &asked{at: d.now, request: request}
		answer := d.send(from, request)
		if answer.GetEventError() != nil {
			delete(d.asked, key(from, reference))
		}
		return answer
	case !proto.Equal(before.request, request):
		code := usherv1.ErrorCode_ERROR_CODE_REFERENCE_ID_REUSED
		return refused(from, request, &usherv1.EventError{
			Code: code, Name: engine.ErrorName(code), Description: "another request had this reference id", ReferenceId: reference,
		})
	}
	return before.answer
}

func (d *Driver) send(from string, request proto.Message) *usherv1.Event {
	out := d.ask(Participant(from), request)
	if out.Err != nil {
		return refused(from, request, out.Err)
	}
	return out.Reply
}

// ProtocolOf is the protocol in which a refusal travels: to a router over tlib,
// to a service that has answered over esp, about a line over icm.
func ProtocolOf(from string, request proto.Message) usherv1.Protocol {
	switch request.(type) {
	case *usherv1.Event3RdServerResponse, *usherv1.Event3RdServerFault:
		return usherv1.Protocol_PROTOCOL_ESP
	case *usherv1.RequestAddLine:
		return usherv1.Protocol_PROTOCOL_ICM
	}
	if Participant(from).Kind == usherv1.ParticipantKind_PARTICIPANT_KIND_ROUTER {
		return usherv1.Protocol_PROTOCOL_TLIB
	}
	return usherv1.Protocol_PROTOCOL_IM
}

// refused is a refusal as the edge answers it.
func refused(from string, request proto.Message, why *usherv1.EventError) *usherv1.Event {
	return &usherv1.Event{
		Protocol: ProtocolOf(from, request), ReferenceId: why.ReferenceId, InteractionId: why.InteractionId,
		Message: &usherv1.Event_EventError{EventError: why},
	}
}

// Connect implements scenario.Driver.
func (d *Driver) Connect(_ context.Context, participant, kind string) error {
	d.made++
	open := engine.Connect{ConnectionID: fmt.Sprintf("connection-%d", d.made), Kind: kind}
	if out := d.ask(Participant(participant), open); out.Err != nil {
		return &scenario.Refusal{Event: refused(participant, nil, out.Err)}
	}
	d.connections[participant] = append(d.connections[participant], open)
	return nil
}

// Disconnect implements scenario.Driver.
func (d *Driver) Disconnect(_ context.Context, participant, kind string) error {
	var left []engine.Connect
	for _, open := range d.connections[participant] {
		if kind != "" && open.Kind != kind {
			left = append(left, open)
			continue
		}
		d.ask(Participant(participant), engine.Disconnect{ConnectionID: open.ConnectionID})
	}
	d.connections[participant] = left
	return nil
}

// Restart implements scenario.Driver: the state is folded from the journal,
// every open connection is lost, and opened again.
func (d *Driver) Restart(ctx context.Context) error {
	d.engine, d.router = engine.New("default"), router.New()
	for n, entry := range d.journal {
		d.engine.Fold(engine.Sequence(n+1), &engine.Entry{Event: entry.Event, Fact: entry.Fact, Answer: entry.Answer})
	}
	was := d.connections
	d.connections = map[string][]engine.Connect{}
	for _, participant := range Participants {
		for _, open := range was[participant] {
			d.ask(Participant(participant), engine.Disconnect{ConnectionID: open.ConnectionID})
		}
		for _, open := range was[participant] {
			if err := d.Connect(ctx, participant, open.Kind); err != nil {
				return err
			}
		}
	}
	return nil
}

// Advance implements scenario.Driver.
func (d *Driver) Advance(_ context.Context, by time.Duration) error {
	end := d.now + engine.Millis(by.Milliseconds())
	for {
		at, due := d.engine.NextDeadline()
		if again, ok := d.router.NextDeadline(); ok && (!due || again < at) {
			at, due = again, true
		}
		if !due || at > end {
			break
		}
		d.now = max(d.now, at)
		d.take(d.engine.Tick(d.now, d.next))
	}
	d.now = end
	return nil
}

// Observe implements scenario.Driver.
func (d *Driver) Observe(context.Context) ([]scenario.Observed, error) {
	seen := d.observed
	d.observed = nil
	return seen, nil
}
