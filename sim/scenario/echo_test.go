package scenario

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// echo is a driver that sends what the phase expects: whatever it is asked to
// do, it answers with the expectations that follow.
type echo struct {
	steps []Step
	vars  Vars
	next  int
	// change may alter what is sent after a step; nil for nothing.
	change func([]Observed) []Observed
}

func newEcho(t *testing.T, p *Phase) *echo {
	t.Helper()
	before, err := p.preparation()
	if err != nil {
		t.Fatal(err)
	}
	return &echo{steps: append(before, p.Steps...), vars: Vars{}}
}

// act moves on to the action that the player takes.
func (d *echo) act(want Step) error {
	if d.next >= len(d.steps) || fmt.Sprintf("%T", d.steps[d.next]) != fmt.Sprintf("%T", want) {
		return fmt.Errorf("step %d is not a %T", d.next, want)
	}
	d.next++
	return nil
}

func (d *echo) Send(_ context.Context, from string, req proto.Message) (*usherv1.Event, error) {
	r, ok := d.steps[d.next].(*Request)
	if !ok || r.From != from || r.Name != string(req.ProtoReflect().Descriptor().Name()) {
		return nil, fmt.Errorf("%s sent %T, want %v", from, req, d.steps[d.next])
	}
	return nil, d.act(r)
}

func (d *echo) Connect(context.Context, string, string) error        { return d.act(&Connection{}) }
func (d *echo) Disconnect(context.Context, string, string) error     { return d.act(&Connection{}) }
func (d *echo) Restart(context.Context) error                        { return d.act(&Restart{}) }
func (d *echo) Apply(context.Context, *usherv1.Configuration) error  { return d.act(&Apply{}) }
func (d *echo) Advance(_ context.Context, _ time.Duration) error     { return d.act(&Advance{}) }
func (d *echo) Observe(context.Context) (seen []Observed, err error) { return d.observe() }

func (d *echo) observe() (seen []Observed, err error) {
	for ; d.next < len(d.steps); d.next++ {
		e, ok := d.steps[d.next].(*Expect)
		if !ok {
			break
		}
		o, err := d.make(e)
		if err != nil {
			return nil, err
		}
		seen = append(seen, o)
	}
	if d.change != nil && len(seen) > 0 {
		seen = d.change(seen)
	}
	return seen, nil
}

// make builds the message that an expectation describes.
func (d *echo) make(e *Expect) (Observed, error) {
	body, err := newMessage(e.descriptor)
	if err != nil {
		return Observed{}, err
	}
	o := Observed{From: e.From, To: e.To}
	event := &usherv1.Event{Sequence: 1}
	if e.From == server {
		protocol := "PROTOCOL_" + strings.ToUpper(e.Protocol)
		event.Protocol = usherv1.Protocol(usherv1.Protocol_value[protocol])
		event.ProtoReflect().Set(eventFields[e.Name], protoreflect.ValueOfMessage(body.ProtoReflect()))
		o.Event = event
	} else {
		o.Request = body
	}
	for _, a := range e.Attributes {
		into := body
		if _, err := resolve(e.descriptor, a.Path); err != nil {
			into = event
		}
		if err := d.fill(into, a); err != nil {
			return Observed{}, fmt.Errorf("%s: %w", e.Position(), err)
		}
	}
	return o, nil
}

func (d *echo) fill(m proto.Message, a Attribute) error {
	value := a.Value
	switch value.Kind {
	case Absent:
		return nil
	case Present:
		value = Value{Text: "7"}
	case Variable:
		if _, bound := d.vars[value.Text]; !bound {
			d.vars[value.Text] = fmt.Sprint(1000 + len(d.vars))
		}
	}
	return set(m.ProtoReflect(), strings.Split(a.Path, "."), value, d.vars)
}
