package center

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
	"github.com/usher-cc/usher/journal"
)

// Trace gives the arrows of a sequence diagram, in order: of one interaction,
// or of the whole tenant if interaction is empty; from the sequence after on to
// the durable end, or without end if live. A live trace shows refused requests
// too, which are not recorded, as long as it keeps up; they come soon after the
// sequence at which they were decided. An error is the last thing given: a *CursorExpired without present state, ErrUnknownTenant,
// ErrClosed, that of ctx, or the journal's.
func (c *Center) Trace(ctx context.Context, tenant, interaction string, after uint64, live bool) iter.Seq2[*usherv1.TraceLine, error] {
	return func(yield func(*usherv1.TraceLine, error) bool) {
		if !c.view.Load().hasTenant(tenant) {
			yield(nil, ErrUnknownTenant)
			return
		}
		t := &tracer{center: c, tenant: tenant, interaction: interaction, after: after, from: c.submittedAt(ctx, tenant, interaction)}
		if live {
			var released uint64
			t.refused, released = c.rings.open(refusalsOf(tenant), c.clock.Elapsed())
			defer func() { c.rings.close(t.refused, c.clock.Elapsed()) }()
			t.next, _ = t.refused.join(released)
		}
		for {
			more, err := t.read(ctx, yield)
			if live && more && err == nil {
				more, err = t.readRefused(yield)
			}
			if live && more && err == nil {
				err = t.wait(ctx)
			}
			if err != nil {
				yield(nil, err)
			}
			if err != nil || !more || !live {
				return
			}
		}
	}
}

// submittedAt is where an interaction was submitted, if it is remembered; else
// 0, and its trace is searched in the whole journal.
func (c *Center) submittedAt(ctx context.Context, tenant, interaction string) (sequence uint64) {
	if interaction == "" {
		return 0
	}
	// Without the writer the search only takes longer.
	_ = c.ask(ctx, tenant, func(w *writer) {
		e, id := w.tenants[tenant].engine, engine.InteractionID(interaction)
		if i := e.Interaction(id); i != nil {
			sequence = uint64(i.EntrySequence())
		} else {
			sequence = e.Stopped(w.now, id).GetSubmittedSequence()
		}
	})
	return sequence
}

// tracer reads a trace from the journal.
type tracer struct {
	center              *Center
	tenant, interaction string
	after               uint64 // the journal was read up to here
	from                uint64 // nothing of the interaction is in a batch before this sequence's

	refused *ring                // encoded lines of refused requests; of a live trace
	next    position             // in it
	held    []*usherv1.TraceLine // taken from it, and what they follow was not read yet
}

// refusalsOf names the ring of a tenant's refused requests.
func refusalsOf(tenant string) recipient {
	return recipient{tenant, engine.Participant{Kind: usherv1.ParticipantKind_PARTICIPANT_KIND_SERVER, ID: "refusals"}}
}

// published tells whether a request's name is a published one: the requests of
// an external service are events.
func published(name string) bool {
	return strings.HasPrefix(name, "Request") || strings.HasPrefix(name, "Event")
}

// refusalLines are the arrows of a refused request.
func refusalLines(call *Call, err *usherv1.EventError, now engine.Millis) []*usherv1.TraceLine {
	from, server := call.request.From.Proto(), engine.Server.Proto()
	request := &usherv1.TraceLine{
		Sequence: err.Sequence, TimeMs: int64(now), From: from, To: []*usherv1.Participant{server}, Message: call.name,
		Protocol: call.request.Protocol, InteractionId: err.InteractionId, ReferenceId: err.ReferenceId,
	}
	return []*usherv1.TraceLine{request, {
		Sequence: err.Sequence, TimeMs: int64(now), From: server, To: []*usherv1.Participant{from}, Message: "EventError",
		Protocol: call.request.Protocol, InteractionId: err.InteractionId, ReferenceId: err.ReferenceId, Answer: true,
		Event: &usherv1.Event{
			TimeMs: int64(now), Protocol: call.request.Protocol, ReferenceId: err.ReferenceId, InteractionId: err.InteractionId,
			Actor: from, Message: &usherv1.Event_EventError{EventError: err},
		},
	}}
}

// readRefused gives the refused requests up to where the journal was read.
func (t *tracer) readRefused(yield func(*usherv1.TraceLine, error) bool) (more bool, err error) {
	taken, next, _, ok := t.refused.take(t.next, make([]queued, 0, takeAtOnce))
	if !ok {
		t.next = t.refused.last() // some are lost: they are not worth ending the trace
		return true, nil
	}
	t.next = next
	for _, m := range taken {
		line := &usherv1.TraceLine{}
		if err := proto.Unmarshal(m.Event, line); err != nil {
			return true, fmt.Errorf("trace of a refused request: %w", err)
		}
		if t.interaction == "" || line.InteractionId == t.interaction {
			t.held = append(t.held, line)
		}
	}
	for len(t.held) > 0 && t.held[0].Sequence <= t.after {
		if !yield(t.held[0], nil) {
			return false, nil
		}
		t.held = t.held[1:]
	}
	return true, nil
}

// wait waits until there is something to read.
func (t *tracer) wait(ctx context.Context) error {
	released, rises := t.center.rings.high()
	some, _, refused, ok := t.refused.take(t.next, make([]queued, 0, 1))
	if released > t.after || len(some) > 0 || !ok {
		return nil
	}
	select {
	case <-rises:
		return nil
	case <-refused:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-t.center.closed:
		return ErrClosed
	}
}

// read gives the lines up to the durable end; more is false when nobody wants
// any more.
func (t *tracer) read(ctx context.Context, yield func(*usherv1.TraceLine, error) bool) (more bool, err error) {
	for b, err := range t.center.o.Journal.Read(ctx, journal.Sequence(max(t.after+1, t.from))) {
		var trimmed *journal.TrimmedError
		if errors.As(err, &trimmed) {
			return true, &CursorExpired{Oldest: uint64(trimmed.Oldest)}
		}
		if err != nil {
			return true, fmt.Errorf("trace after sequence %d: %w", t.after, err)
		}
		more, failed := true, error(nil)
		err = eachRecord(b.Payload, uint64(b.First), func(r *storedRecord) bool {
			var lines []*usherv1.TraceLine
			if r.tenant == t.tenant {
				lines, failed = t.lines(r)
			}
			for _, line := range lines {
				more = more && (line.Sequence <= t.after || yield(line, nil))
			}
			return more && failed == nil
		})
		if err == nil {
			err = failed
		}
		if err != nil {
			return true, fmt.Errorf("trace at sequence %d: %w", b.First, err)
		}
		if !more {
			return false, nil
		}
		t.after = uint64(b.Last())
	}
	return true, nil
}

// lines gives the arrows of a record: its request, if it is a published one,
// and its messages.
func (t *tracer) lines(r *storedRecord) ([]*usherv1.TraceLine, error) {
	var lines []*usherv1.TraceLine
	timeMs := int64(0)
	for n := range r.entries {
		e := &r.entries[n]
		if n == 0 {
			timeMs = e.timeMs()
		}
		if e.event == nil || !t.concerns(e) {
			continue
		}
		ev := &usherv1.Event{}
		if err := proto.Unmarshal(e.event, ev); err != nil {
			return nil, err
		}
		line := &usherv1.TraceLine{
			Sequence: r.sequence(n), TimeMs: ev.TimeMs, From: engine.Server.Proto(), Message: messageName(ev),
			Protocol: ev.Protocol, InteractionId: ev.InteractionId, ReferenceId: ev.ReferenceId, Event: ev, Answer: e.answer,
		}
		for _, to := range e.to {
			line.To = append(line.To, to.Proto())
		}
		lines = append(lines, line)
	}
	c := r.cause
	if c == nil || !published(c.Request) || len(lines) == 0 && c.InteractionId != t.interaction && t.interaction != "" {
		return lines, nil
	}
	request := &usherv1.TraceLine{
		Sequence: r.first, TimeMs: timeMs, From: c.Principal, To: []*usherv1.Participant{engine.Server.Proto()},
		Message: c.Request, Protocol: c.Protocol, InteractionId: c.InteractionId, ReferenceId: c.ReferenceId,
	}
	return append([]*usherv1.TraceLine{request}, lines...), nil
}

// concerns tells whether a message belongs to the traced interaction.
func (t *tracer) concerns(e *storedEntry) bool {
	if t.interaction == "" {
		return true
	}
	g := peek(e.event)
	if g.interaction == t.interaction {
		return true
	}
	for _, id := range g.pulled {
		if id == t.interaction {
			return true
		}
	}
	return false
}

// messageName is a message's published name.
func messageName(ev *usherv1.Event) string {
	m := ev.ProtoReflect()
	field := m.WhichOneof(m.Descriptor().Oneofs().ByName("message"))
	if field == nil {
		return ""
	}
	return string(field.Message().Name())
}
