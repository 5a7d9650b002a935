package client

import (
	"context"
	"errors"
	"testing"

	"connectrpc.com/connect"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// TestReaderBehind leaves events unread until they are no longer kept: they are
// asked for again from where the reader is.
func TestReaderBehind(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	s := &session{changed: make(chan struct{}), pending: map[string]*call{}}
	s.begin(cancel)
	for n := range uint64(queueMax + 10) {
		s.take(&usherv1.Event{Sequence: n + 1})
	}
	if len(s.queue) != queueMax || !s.behind {
		t.Fatal(len(s.queue), s.behind)
	}
	for n := range uint64(queueMax) {
		if event, _, err := s.nextEvent(); event.GetSequence() != n+1 || err != nil {
			t.Fatal(event, err)
		}
	}
	if event, _, err := s.nextEvent(); event != nil || err != nil || context.Cause(ctx) != errBehind || *s.read.after != queueMax {
		t.Error(event, err, context.Cause(ctx), *s.read.after)
	}
}

func TestUnansweredAreSentAgainInOrder(t *testing.T) {
	s := &session{changed: make(chan struct{}), pending: map[string]*call{"c": {number: 3}, "a": {number: 1}, "b": {number: 2}}}
	s.begin(nil)
	for n, c := range s.unsent {
		if c.number != uint64(n+1) {
			t.Error(n, c.number)
		}
	}
}

func TestCursor(t *testing.T) {
	var c cursor
	beat := &usherv1.Event{Message: &usherv1.Event_EventHeartbeat{EventHeartbeat: &usherv1.EventHeartbeat{SequenceReached: 5}}}
	expired := &usherv1.Event{Message: &usherv1.Event_EventCursorExpired{EventCursorExpired: &usherv1.EventCursorExpired{Present: &usherv1.EventPresentState{SequenceReached: 3}}}}
	for _, step := range []struct {
		event *usherv1.Event
		mine  bool
		after uint64
	}{
		{beat, false, 5}, {&usherv1.Event{Sequence: 7}, true, 7}, {&usherv1.Event{}, true, 7}, {beat, false, 7}, {expired, true, 3},
	} {
		if mine := c.moved(step.event); mine != step.mine || *c.after != step.after {
			t.Error(step, mine, *c.after)
		}
	}
}

func TestPasses(t *testing.T) {
	for _, test := range []struct {
		err  error
		want bool
	}{
		{connect.NewError(connect.CodeUnavailable, errors.New("x")), true},
		{connect.NewError(connect.CodeUnknown, errors.New("the connection broke")), true},
		{connect.NewWireError(connect.CodeInternal, errors.New("the server says so")), false},
		{connect.NewError(connect.CodeDeadlineExceeded, context.DeadlineExceeded), false},
		{connect.NewError(connect.CodeCanceled, context.Canceled), false},
		{connect.NewError(connect.CodeCanceled, errors.New("connection reset by peer")), true},
		{ErrorWith(usherv1.ErrorCode_ERROR_CODE_UNAVAILABLE), true},
		{ErrorWith(usherv1.ErrorCode_ERROR_CODE_TOO_MANY_REQUESTS), false},
	} {
		if got := passes(test.err); got != test.want {
			t.Errorf("%v: %v", test.err, got)
		}
	}
}
