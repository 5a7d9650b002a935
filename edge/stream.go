package edge

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"time"

	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/center"
	"github.com/usher-cc/usher/engine"
)

// disconnectTimeout is how long the end of a stream waits for the center to
// hear of it.
const disconnectTimeout = 10 * time.Second

// cursorTries is how often a stream begins anew because the journal was
// trimmed away under it.
const cursorTries = 3

// stream is one open event stream.
type stream struct {
	s    *Server
	who  *caller
	from engine.Participant
	// connection is the id of a client's connection; empty for reporting.
	connection string
	// send passes a message on; sequence is 0 for what is not recorded.
	send func(event *usherv1.Event, sequence uint64) error

	sub        Subscription
	lastSent   time.Time
	registerBy time.Time // zero once the client has registered
}

// serveClient runs the event stream of an agent, a media server, a router or an
// external service, which is his sign of life: the center hears of its beginning
// and its end, unless that is the server's own: then nobody could come back within
// his grace, and the next start makes up the end.
func (s *Server) serveClient(ctx context.Context, who *caller, open *usherv1.RequestEvents, send func(*usherv1.Event, uint64) error) error {
	kind, err := connectionKind(who, open.GetConnectionKind())
	if err != nil {
		return err
	}
	st := &stream{
		s: s, who: who, from: who.from, connection: rand.Text(), send: send,
		registerBy: time.Now().Add(s.limits.Registration),
	}
	first, err := st.begin(ctx, open)
	if err != nil {
		return err
	}
	defer func() { st.sub.Close() }()
	// A Connect of unknown outcome may have happened.
	defer func() {
		if context.Cause(ctx) != errClosing {
			st.disconnect(ctx)
		}
	}()
	connect := center.Request{
		Tenant: who.tenant, From: who.from, Protocol: im,
		Body: engine.Connect{ConnectionID: st.connection, Kind: kind},
	}
	if _, err := outcome(s.center.Do(ctx, connect)); err != nil {
		return err
	}
	return st.run(ctx, first)
}

// begin opens the subscription where the client wants it, and gives the message
// to send first, if there is one.
func (st *stream) begin(ctx context.Context, open *usherv1.RequestEvents) (*usherv1.Event, error) {
	if !open.GetPresentState() {
		return st.subscribe(open.AfterSequence)
	}
	if open.AfterSequence != nil {
		return nil, refuse(usherv1.ErrorCode_ERROR_CODE_INVALID_ARGUMENT, "after_sequence must be absent where present_state is set")
	}
	present, err := st.s.center.Present(ctx, st.who.tenant, st.from)
	if err != nil {
		return nil, streamRefusal(err)
	}
	// If the journal is trimmed meanwhile, there is a later state.
	later, err := st.subscribe(&present.SequenceReached)
	if later != nil {
		present = later.GetEventCursorExpired().GetPresent()
	}
	return st.message(&usherv1.Event{Message: &usherv1.Event_EventPresentState{EventPresentState: present}}), err
}

// message completes a message that is not recorded.
func (st *stream) message(event *usherv1.Event) *usherv1.Event {
	event.TimeMs, event.Protocol = st.s.center.Status().TimeMs, im
	return event
}

// connectionKind checks the kind of an agent's connection; other clients have
// none.
func connectionKind(who *caller, kind string) (string, error) {
	if who.from.Kind != usherv1.ParticipantKind_PARTICIPANT_KIND_AGENT {
		return "", nil
	}
	switch kind {
	case "":
		return "desktop", nil
	case "desktop", "telephone", "supervisor":
		return kind, nil
	}
	return "", refuse(usherv1.ErrorCode_ERROR_CODE_INVALID_ARGUMENT, "connection_kind must be desktop, telephone or supervisor")
}

func (st *stream) disconnect(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), disconnectTimeout)
	defer cancel()
	reply, err := st.s.center.Do(ctx, center.Request{
		Tenant: st.who.tenant, From: st.who.from, Protocol: im,
		Body: engine.Disconnect{ConnectionID: st.connection},
	})
	if _, err := outcome(reply, err); err != nil {
		st.s.log.Warn("the end of a stream was not recorded", "principal", st.who.principal(), "error", err)
	}
}

// serveReports runs the stream of a reporting engine.
func (s *Server) serveReports(ctx context.Context, who *caller, after *uint64, send func(*usherv1.Event, uint64) error) error {
	st := &stream{s: s, who: who, from: engine.Report, send: send}
	present, err := st.subscribe(after)
	if err != nil {
		return err
	}
	defer func() { st.sub.Close() }()
	return st.run(ctx, present)
}

// subscribe opens the subscription. If the journal does not reach back to
// where it was to begin, it begins with the client's present state instead,
// which is the message to send first.
func (st *stream) subscribe(after *uint64) (*usherv1.Event, error) {
	var present *usherv1.Event
	for range cursorTries {
		sub, err := st.s.center.Subscribe(st.who.tenant, st.from, after)
		if err == nil {
			st.sub = sub
			return present, nil
		}
		var expired *center.CursorExpired
		if !errors.As(err, &expired) || st.connection == "" {
			return nil, streamRefusal(err)
		}
		present = st.message(&usherv1.Event{Message: &usherv1.Event_EventCursorExpired{
			EventCursorExpired: &usherv1.EventCursorExpired{OldestSequence: expired.Oldest, Present: expired.Present},
		}})
		reached := expired.Present.GetSequenceReached()
		after = &reached
	}
	return nil, refuse(usherv1.ErrorCode_ERROR_CODE_UNAVAILABLE, "the journal is trimmed faster than it can be read; try again")
}

// run passes messages on until the stream ends. The first message is sent at
// once, so that the client knows where it stands even if it loses the stream
// before anything has happened.
func (st *stream) run(ctx context.Context, first *usherv1.Event) error {
	if first == nil {
		first = st.heartbeat()
	}
	if err := st.pass(first, 0); err != nil {
		return err
	}
	for {
		wake, cancel := context.WithDeadline(ctx, st.wakeAt())
		ended, err := st.pump(wake)
		cancel()
		switch {
		case ended:
			return err
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, context.DeadlineExceeded):
			err = st.wake(ctx)
		default:
			err = st.recover(err)
		}
		if err != nil {
			return err
		}
	}
}

// wakeAt is when the stream has something to do although nothing happens.
func (st *stream) wakeAt() time.Time {
	at := st.lastSent.Add(st.s.limits.Heartbeat)
	if !st.registerBy.IsZero() && st.registerBy.Before(at) {
		return st.registerBy
	}
	return at
}

// pump passes messages on until the stream has ended or Next fails.
func (st *stream) pump(ctx context.Context) (ended bool, err error) {
	for {
		m, err := st.sub.Next(ctx)
		if err != nil {
			return false, err
		}
		if err := st.pass(encodedEvent(m.Event, m.Show), m.Sequence); err != nil {
			return true, err
		}
		st.s.metrics.delivered.Inc()
		if st.closes(m.Event) {
			return true, nil
		}
	}
}

func (st *stream) pass(event *usherv1.Event, sequence uint64) error {
	err := st.send(event, sequence)
	st.lastSent = time.Now()
	return err
}

// closes tells whether a message says that this connection is closed. Only
// one that contains the connection's id is decoded.
func (st *stream) closes(encoded []byte) bool {
	if st.connection == "" || !bytes.Contains(encoded, []byte(st.connection)) {
		return false
	}
	event := &usherv1.Event{}
	if proto.Unmarshal(encoded, event) != nil {
		return false
	}
	return event.GetEventAgentConnectionClosed().GetConnectionId() == st.connection
}

// wake does what is due: it sees whether the client has registered and whether
// its credential is still valid, and breaks the silence.
func (st *stream) wake(ctx context.Context) error {
	now := time.Now()
	if !st.registerBy.IsZero() && !now.Before(st.registerBy) {
		if err := st.s.registered(ctx, st.who); err != nil {
			return err
		}
		st.registerBy = time.Time{}
	}
	if !st.s.valid(st.who) {
		return errRevoked
	}
	if now.Sub(st.lastSent) < st.s.limits.Heartbeat {
		return nil
	}
	return st.pass(st.heartbeat(), 0)
}

func (st *stream) heartbeat() *usherv1.Event {
	return &usherv1.Event{
		TimeMs:  st.s.center.Status().TimeMs,
		Message: &usherv1.Event_EventHeartbeat{EventHeartbeat: &usherv1.EventHeartbeat{SequenceReached: st.sub.Reached()}},
	}
}

// recover goes on after an error of the subscription, if that is possible.
func (st *stream) recover(err error) error {
	if !errors.As(err, new(*center.CursorExpired)) || st.connection == "" {
		return streamRefusal(err)
	}
	reached := st.sub.Reached()
	st.sub.Close()
	present, err := st.subscribe(&reached)
	if err != nil {
		return err
	}
	return st.pass(present, 0)
}

// registered refuses a client that has not registered. Only the center knows,
// and it says so in answer to any read.
func (s *Server) registered(ctx context.Context, who *caller) error {
	_, err := outcome(s.center.Do(ctx, center.Request{
		Tenant: who.tenant, From: who.from, Protocol: im,
		Body: &usherv1.RequestGetInteractionProperties{},
	}))
	var refusal *Refusal
	if errors.As(err, &refusal) && refusal.Event.GetCode() == usherv1.ErrorCode_ERROR_CODE_NOT_REGISTERED {
		refusal.Event.Description = "the client has not registered in time"
		return refusal
	}
	return nil
}

// errRevoked ends the streams of a credential that is no longer valid.
var errRevoked = refuse(usherv1.ErrorCode_ERROR_CODE_UNAUTHENTICATED, "the credential was revoked or has expired")

// valid tells whether the credential still stands for the same principal.
func (s *Server) valid(who *caller) bool {
	now := caller{hash: who.hash}
	return s.recognize(&now) && now.tenant == who.tenant && now.from == who.from
}

// streamRefusal says why a stream can't begin or go on.
func streamRefusal(err error) error {
	var slow *center.SlowReader
	var expired *center.CursorExpired
	switch {
	case errors.As(err, &slow):
		r := refuse(usherv1.ErrorCode_ERROR_CODE_SLOW_READER, "the reader was too slow; resume after sequence %d", slow.Resume)
		r.Event.Sequence = slow.Resume
		return r
	case errors.As(err, &expired):
		r := refuse(usherv1.ErrorCode_ERROR_CODE_CURSOR_EXPIRED,
			"the journal begins at sequence %d; what came before is in the history", expired.Oldest)
		r.Event.Sequence = max(expired.Oldest, 1) - 1
		return r
	case errors.Is(err, center.ErrAhead):
		return refuse(usherv1.ErrorCode_ERROR_CODE_INVALID_ARGUMENT, "after_sequence: the journal does not reach that far")
	case errors.Is(err, center.ErrUnknownTenant):
		return refuse(usherv1.ErrorCode_ERROR_CODE_UNKNOWN_TENANT, "there is no such tenant")
	case errors.Is(err, center.ErrClosed):
		return refuse(usherv1.ErrorCode_ERROR_CODE_UNAVAILABLE, "the server is shutting down or has lost its journal; try again")
	}
	return err
}
