package client

import (
	"context"
	"iter"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// MediaServer brings interactions in. Its requests and events share one
// stream. All methods may be called concurrently.
type MediaServer struct{ s *session }

// MediaServer registers the client as a media server that wants to hear these
// messages besides, and opens its stream.
func (c *Client) MediaServer(ctx context.Context, name string, notify ...usherv1.Notify) (*MediaServer, error) {
	ack, err := c.Register(ctx, &usherv1.RequestRegisterClient{
		ClientType: usherv1.ClientType_CLIENT_TYPE_MEDIA_SERVER, Name: name, Notify: notify,
	})
	if err != nil {
		return nil, err
	}
	return &MediaServer{c.openSession(ack.GetSequence())}, nil
}

// Close ends the stream, which the server takes for the loss of the media
// server.
func (m *MediaServer) Close() { m.s.close() }

// Events gives what happens to the media server's interactions since it
// registered. The loop ends when the media server is closed. There is one
// reader.
func (m *MediaServer) Events(ctx context.Context) iter.Seq2[*usherv1.Event, error] {
	return m.s.events(ctx)
}

// Submit brings an interaction in, to a queue or through a VDN; the answer names
// it.
func (m *MediaServer) Submit(ctx context.Context, r *usherv1.RequestSubmit) (*usherv1.EventAck, error) {
	return ackOf(ask(ctx, m.s, r, func(r *usherv1.RequestSubmit) *usherv1.SessionRequest {
		return &usherv1.SessionRequest{Request: &usherv1.SessionRequest_Submit{Submit: r}}
	}))
}

// ExpectedWait asks how long an interaction, or a new one, is expected to wait,
// and at which place.
func (m *MediaServer) ExpectedWait(ctx context.Context, r *usherv1.RequestExpectedWait) (*usherv1.EventExpectedWait, error) {
	return m.s.c.routing.ExpectedWait(ctx, r)
}

// ChangeProperties changes properties and user data.
func (m *MediaServer) ChangeProperties(ctx context.Context, r *usherv1.RequestChangeProperties) (*usherv1.EventAck, error) {
	return ackOf(ask(ctx, m.s, r, func(r *usherv1.RequestChangeProperties) *usherv1.SessionRequest {
		return &usherv1.SessionRequest{Request: &usherv1.SessionRequest_ChangeProperties{ChangeProperties: r}}
	}))
}

// StopProcessing stops an interaction for good.
func (m *MediaServer) StopProcessing(ctx context.Context, r *usherv1.RequestStopProcessing) (*usherv1.EventAck, error) {
	return ackOf(ask(ctx, m.s, r, func(r *usherv1.RequestStopProcessing) *usherv1.SessionRequest {
		return &usherv1.SessionRequest{Request: &usherv1.SessionRequest_StopProcessing{StopProcessing: r}}
	}))
}

// Hold puts an interaction on hold.
func (m *MediaServer) Hold(ctx context.Context, r *usherv1.RequestHold) (*usherv1.EventAck, error) {
	return ackOf(ask(ctx, m.s, r, func(r *usherv1.RequestHold) *usherv1.SessionRequest {
		return &usherv1.SessionRequest{Request: &usherv1.SessionRequest_Hold{Hold: r}}
	}))
}

// Resume lets a held interaction go on.
func (m *MediaServer) Resume(ctx context.Context, r *usherv1.RequestResume) (*usherv1.EventAck, error) {
	return ackOf(ask(ctx, m.s, r, func(r *usherv1.RequestResume) *usherv1.SessionRequest {
		return &usherv1.SessionRequest{Request: &usherv1.SessionRequest_Resume{Resume: r}}
	}))
}
