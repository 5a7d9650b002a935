package client

import (
	"context"
	"iter"

	"connectrpc.com/connect"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// CustomerSession is a customer's session. All methods may be called
// concurrently.
type CustomerSession struct {
	c        *Client
	launched *usherv1.EventSessionLaunched
}

// LaunchSession asks for a session as a customer. The client needs no
// credential: a customer token goes with the request. The same reference id
// gives the same session again.
func (c *Client) LaunchSession(ctx context.Context, r *usherv1.RequestLaunchSession) (*CustomerSession, error) {
	launched, err := c.icm.LaunchSession(ctx, r)
	if err != nil {
		return nil, err
	}
	return &CustomerSession{c: c.withToken(launched.GetSessionToken()), launched: launched}, nil
}

// Launched is how the session began: its id, its token, the expected wait.
func (s *CustomerSession) Launched() *usherv1.EventSessionLaunched { return s.launched }

// Events gives what the customer is told, after a sequence: 0 for the whole
// conversation. It begins with the progress; heartbeats are kept back. A broken
// stream goes on where it broke off. The open stream is the customer's sign of
// life.
func (s *CustomerSession) Events(ctx context.Context, after uint64) iter.Seq2[*usherv1.SessionEvent, error] {
	open := func(ctx context.Context, after *uint64) (*connect.ServerStreamForClient[usherv1.SessionEvent], error) {
		return s.c.icm.SessionEvents(ctx, &usherv1.RequestSessionEvents{AfterSequence: *after})
	}
	return follow(ctx, s.c, &after, open, func(at *cursor, event *usherv1.SessionEvent) bool {
		if event.GetSequence() != 0 {
			at.reach(event.GetSequence())
		}
		return event.GetHeartbeat() == nil
	})
}

// Say says a line.
func (s *CustomerSession) Say(ctx context.Context, text string) error {
	_, err := s.c.icm.SendLine(ctx, &usherv1.RequestSendLine{Line: &usherv1.Line{Text: text}})
	return err
}

// Typing says that the customer is writing, or has stopped.
func (s *CustomerSession) Typing(ctx context.Context, stopped bool) error {
	_, err := s.c.icm.CustomerTyping(ctx, &usherv1.RequestCustomerTyping{Stopped: stopped})
	return err
}

// Drop ends the session; that it has already ended makes no difference.
func (s *CustomerSession) Drop(ctx context.Context) error {
	_, err := s.c.icm.DropSession(ctx, &usherv1.RequestDropSession{})
	return err
}
