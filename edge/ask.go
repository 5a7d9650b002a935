package edge

import (
	"context"
	"errors"

	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/center"
)

// The protocols, in short.
const (
	im   = usherv1.Protocol_PROTOCOL_IM
	tlib = usherv1.Protocol_PROTOCOL_TLIB
	esp  = usherv1.Protocol_PROTOCOL_ESP
	icm  = usherv1.Protocol_PROTOCOL_ICM
)

// ask has the center carry out a request of the caller.
func (s *Server) ask(ctx context.Context, protocol usherv1.Protocol, request proto.Message) (center.Reply, error) {
	who := callerOf(ctx)
	if mayPend(request) {
		// It may wait for people; the server does not wait for it to end.
		waiting := *who
		var done func()
		ctx, done = s.open.add(ctx, &waiting)
		defer done()
	}
	reply, err := s.center.Do(ctx, center.Request{
		Tenant: who.tenant, From: who.from, Body: request, Protocol: protocol,
	})
	if cause := context.Cause(ctx); err != nil && errors.As(cause, new(*Refusal)) {
		return reply, cause
	}
	return outcome(reply, err)
}

// mayPend tells whether the answer to a request may come later, when another
// agent has answered an invitation, or an external service has answered.
func mayPend(request proto.Message) bool {
	switch request.(type) {
	case *usherv1.RequestTransfer, *usherv1.RequestConference, *usherv1.RequestRouteCall, *usherv1.RequestPrivateService:
		return true
	}
	return false
}

// outcome makes the center's refusal an error.
func outcome(reply center.Reply, err error) (center.Reply, error) {
	if err != nil {
		return reply, err
	}
	if reply.Err != nil {
		refusal := refusalOf(proto.CloneOf(reply.Err)) // the center's may be shared
		if refusal.Event.Sequence == 0 {
			refusal.Event.Sequence = reply.Sequence
		}
		return reply, refusal
	}
	return reply, nil
}

// askAck is ask for the methods that answer EventAck, whose fields the
// envelope carries.
func (s *Server) askAck(ctx context.Context, protocol usherv1.Protocol, request proto.Message) (*usherv1.EventAck, error) {
	reply, err := s.ask(ctx, protocol, request)
	if err != nil {
		return nil, err
	}
	return &usherv1.EventAck{
		Sequence:      reply.Sequence,
		TimeMs:        reply.TimeMs,
		ReferenceId:   reply.Event.GetReferenceId(),
		InteractionId: reply.Event.GetInteractionId(),
	}, nil
}

// askEvent is ask for the methods that answer with the event itself.
func (s *Server) askEvent(ctx context.Context, protocol usherv1.Protocol, request proto.Message) (*usherv1.Event, error) {
	reply, err := s.ask(ctx, protocol, request)
	if err != nil {
		return nil, err
	}
	if reply.Event == nil {
		return nil, refuse(usherv1.ErrorCode_ERROR_CODE_INTERNAL, "the request has no answer")
	}
	return reply.Event, nil
}

// askMessage is ask for the reads that answer with what the event carries.
func askMessage[M proto.Message](ctx context.Context, s *Server, request proto.Message, message func(*usherv1.Event) M) (M, error) {
	var none M
	event, err := s.askEvent(ctx, im, request)
	if err != nil {
		return none, err
	}
	m := message(event)
	if !m.ProtoReflect().IsValid() {
		return none, refuse(usherv1.ErrorCode_ERROR_CODE_INTERNAL, "the request has another answer")
	}
	return m, nil
}
