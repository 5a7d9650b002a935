package scenario

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// Driver is the server under test, with a new tenant that has the phase's
// Configuration and nothing else. Participants are named as in scenarios; a
// driver maps them to the participants of the tenant.
type Driver interface {
	// Send sends a request as participant and returns its direct answer: nil
	// if it is pending or has none. A refusal comes back as an Event holding
	// EventError; an error is a failure of the driver.
	Send(ctx context.Context, from string, req proto.Message) (*usherv1.Event, error)
	// Connect opens the participant's event stream; kind is that of an
	// agent's application, empty for others. A refusal is an error that
	// wraps *Refusal.
	Connect(ctx context.Context, participant, kind string) error
	// Disconnect ends the participant's event streams of a kind; all of them
	// if kind is empty.
	Disconnect(ctx context.Context, participant, kind string) error
	// Restart stops the server and starts it again from its journal. Clients
	// that were connected are connected again afterwards.
	Restart(ctx context.Context) error
	// Apply adds or replaces objects of the tenant's configuration.
	Apply(ctx context.Context, configuration *usherv1.Configuration) error
	// Advance lets time pass; every deadline in it fires at its time, in
	// order.
	Advance(ctx context.Context, d time.Duration) error
	// Observe returns what was sent since the last call, in the order of the
	// journal, once all that the last step causes has been sent.
	Observe(ctx context.Context) ([]Observed, error)
}

// Observed is a message of the server with its recipients, or a request of
// the built-in router.
type Observed struct {
	// From is "ixn", or "router" for a request.
	From string
	// To are the recipients; "ixn" of a request.
	To []string
	// Event is the message; nil for a request.
	Event *usherv1.Event
	// Request is the built-in router's request; nil for a message.
	Request proto.Message
	// Answer is true for a message that answers a request.
	Answer bool
}

// Refusal is the error of a Connect that the server refused.
type Refusal struct{ Event *usherv1.Event }

// Error is the refusal's sentence.
func (r *Refusal) Error() string {
	return "connection refused: " + r.Event.GetEventError().GetDescription()
}

// Line is one arrow of a phase as it was played.
type Line struct {
	// Scenario and Phase name the sequence.
	Scenario string `json:"scenario"`
	Phase    string `json:"phase"`
	// Seq counts from 1 in each phase.
	Seq int `json:"seq"`
	// From and To are participants; a message to several makes several lines.
	From string `json:"from"`
	To   string `json:"to"`
	// Message is its name as published.
	Message string `json:"message"`
	// Protocol is im, rpt, tlib or esp.
	Protocol string `json:"protocol"`
}

// Play plays a phase and compares: after every step exactly the expected
// messages, in their order. emit gets each arrow once it has been compared.
func Play(ctx context.Context, d Driver, p *Phase, emit func(Line)) error {
	pl := &player{driver: d, phase: p, vars: Vars{}, emit: emit}
	if err := pl.prepare(ctx); err != nil {
		return err
	}
	for _, s := range p.Steps {
		if err := pl.play(ctx, s); err != nil {
			return err
		}
	}
	return pl.quiet(ctx, "the end of the phase")
}

// player is a phase at work.
type player struct {
	driver Driver
	phase  *Phase
	vars   Vars
	emit   func(Line)
	seq    int
	// seen has happened and was not expected yet.
	seen []Observed
}

// prepare registers those who are always there and does what is given.
func (pl *player) prepare(ctx context.Context) error {
	steps, err := pl.phase.preparation()
	if err != nil {
		return err
	}
	for _, s := range steps {
		if e, ok := s.(*Expect); ok {
			err = pl.find(e)
		} else if err = pl.do(ctx, s); err == nil {
			err = pl.refused(s)
		}
		if err != nil {
			return fmt.Errorf("given: %w", err)
		}
	}
	pl.seen = nil
	return nil
}

// preparation is what happens silently before the first step.
func (p *Phase) preparation() ([]Step, error) {
	var steps []Step
	for _, who := range []string{media, report} {
		away := func(g *Given) bool { return g.Absent == who }
		if slices.ContainsFunc(p.Givens, away) {
			continue
		}
		always := &parser{file: p.File, line: p.Line}
		registration, err := always.expand(p.Source, []token{{who, 1}, {"registered", 1}})
		if err != nil {
			return nil, err
		}
		steps = append(steps, registration...)
	}
	for _, g := range p.Givens {
		steps = append(steps, g.Steps...)
	}
	return steps, nil
}

// find binds the names of an expectation to the first message that fits.
func (pl *player) find(e *Expect) error {
	for _, o := range pl.seen {
		if e.match(pl.vars, o) == nil {
			return nil
		}
	}
	return fmt.Errorf("%s: there was no %s", e.Position(), strings.TrimSpace(e.String()))
}

// refused says whether what is given came to nothing.
func (pl *player) refused(s Step) error {
	for _, o := range pl.seen {
		if e := o.Event.GetEventError(); e != nil {
			return fmt.Errorf("%s: %s was refused: %s: %s", s.Position(), s, e.GetCode(), e.GetDescription())
		}
	}
	return nil
}

// play does one step, or compares it.
func (pl *player) play(ctx context.Context, s Step) error {
	if e, ok := s.(*Expect); ok {
		return pl.expect(ctx, e)
	}
	if err := pl.quiet(ctx, s.Position()); err != nil {
		return err
	}
	if r, ok := s.(*Request); ok {
		pl.tell(r.From, server, r.Name, r.Protocol)
	}
	return pl.do(ctx, s)
}

// do carries a step out and takes in what comes of it.
func (pl *player) do(ctx context.Context, s Step) error {
	var answer Observed
	var err error
	switch s := s.(type) {
	case *Request:
		answer, err = pl.send(ctx, s)
	case *Advance:
		err = pl.driver.Advance(ctx, s.Duration)
	case *Apply:
		err = pl.driver.Apply(ctx, proto.CloneOf(s.configuration))
	case *Restart:
		err = pl.driver.Restart(ctx)
	case *Connection:
		answer, err = pl.connect(ctx, s)
	}
	if err != nil {
		return fmt.Errorf("%s: %s: %w", s.Position(), s, err)
	}
	return pl.observe(ctx, s, answer)
}

func (pl *player) send(ctx context.Context, r *Request) (Observed, error) {
	message, err := r.Message(pl.vars)
	if err != nil {
		return Observed{}, err
	}
	event, err := pl.driver.Send(ctx, r.From, message)
	return Observed{From: server, To: []string{r.From}, Event: event, Answer: true}, err
}

func (pl *player) connect(ctx context.Context, c *Connection) (Observed, error) {
	if !c.Open {
		return Observed{}, pl.driver.Disconnect(ctx, c.Participant, c.Kind)
	}
	err := pl.driver.Connect(ctx, c.Participant, c.Kind)
	var refusal *Refusal
	if errors.As(err, &refusal) {
		return Observed{From: server, To: []string{c.Participant}, Event: refusal.Event, Answer: true}, nil
	}
	return Observed{}, err
}

// observe takes in what the step caused. An answer that the journal does not
// hold, or not among what is new (the answer of a repeated request), comes
// first.
func (pl *player) observe(ctx context.Context, s Step, answer Observed) error {
	seen, err := pl.driver.Observe(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", s.Position(), err)
	}
	recorded := func(o Observed) bool {
		return o.Answer && o.Event.GetSequence() == answer.Event.GetSequence() && o.Event.GetSequence() != 0
	}
	if answer.Event != nil && !slices.ContainsFunc(seen, recorded) {
		pl.seen = append(pl.seen, answer)
	}
	pl.seen = append(pl.seen, seen...)
	return nil
}

// expect compares what came next.
func (pl *player) expect(ctx context.Context, e *Expect) error {
	if len(pl.seen) == 0 {
		if err := pl.observe(ctx, e, Observed{}); err != nil {
			return err
		}
	}
	if len(pl.seen) == 0 {
		return fmt.Errorf("%s: want %s, got nothing more", e.Position(), strings.TrimSpace(e.String()))
	}
	vars := maps.Clone(pl.vars)
	if err := e.match(vars, pl.seen[0]); err != nil {
		return err
	}
	pl.vars, pl.seen = vars, pl.seen[1:]
	for _, to := range e.To {
		pl.tell(e.From, to, e.Name, e.Protocol)
	}
	return nil
}

// quiet says what happened besides what was expected.
func (pl *player) quiet(ctx context.Context, before string) error {
	late, err := pl.driver.Observe(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", before, err)
	}
	if pl.seen = append(pl.seen, late...); len(pl.seen) == 0 {
		return nil
	}
	return fmt.Errorf("%s: phase %s: want nothing more before %s, got %s", pl.phase.Position(), pl.phase.Name, before, pl.seen[0])
}

// tell emits an arrow.
func (pl *player) tell(from, to, message, protocol string) {
	pl.seq++
	if pl.emit != nil {
		pl.emit(Line{Scenario: pl.phase.Scenario, Phase: pl.phase.Name, Seq: pl.seq,
			From: from, To: to, Message: message, Protocol: protocol})
	}
}
