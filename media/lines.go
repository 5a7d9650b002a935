package media

import (
	"context"
	"errors"

	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/center"
)

// scoped is the reference id of a customer's request: all customers of a tenant
// ask through one media server, and each counts for himself.
func scoped(session, reference string) string {
	if reference == "" {
		return ""
	}
	return session + "/" + reference
}

// ackOf is the answer to a customer.
func ackOf(session, reference string, reply center.Reply) *usherv1.EventAck {
	return &usherv1.EventAck{Sequence: reply.Sequence, TimeMs: reply.TimeMs, ReferenceId: reference, InteractionId: session}
}

// SendLine says something for the customer of a session. The refusals are
// AlreadyStopped, UnknownInteraction, InvalidArgument, TooLarge and
// Unavailable.
func (s *Server) SendLine(ctx context.Context, tenant, session string, r *usherv1.RequestSendLine) (*usherv1.EventAck, error) {
	c, err := s.ready(ctx, tenant)
	if err != nil {
		return nil, err
	}
	line := &usherv1.Line{Kind: r.GetLine().GetKind(), Text: r.GetLine().GetText(), Visibility: r.GetLine().GetVisibility()}
	switch {
	case line.Kind == usherv1.LineKind_LINE_KIND_NOTICE:
		return nil, refuse(errInvalid, "line.kind: customers send no notices")
	case line.Kind == usherv1.LineKind_LINE_KIND_ATTACHMENT:
		if line.Attachment, err = s.Uploaded(tenant, session, r.GetLine().GetAttachment()); err != nil {
			return nil, err
		}
	case r.GetLine().GetAttachment() != nil:
		return nil, refuse(errInvalid, "line.attachment: the line is none")
	}
	reply, err := c.do(ctx, icm, &usherv1.RequestAddLine{
		ReferenceId: scoped(session, r.GetReferenceId()), InteractionId: session, Line: line, AuthorName: c.nameOf(session),
	})
	if err != nil {
		return nil, unscoped(err, r.GetReferenceId())
	}
	return ackOf(session, r.GetReferenceId(), reply), nil
}

// unscoped is a refusal as its customer is told: with his own reference id, and
// without the name of whoever has ended the session.
func unscoped(err error, reference string) error {
	var refused *center.Refused
	if !errors.As(err, &refused) {
		return err
	}
	told := proto.CloneOf(refused.Err) // the center's may be shared
	told.ReferenceId = reference
	if isGone(err) {
		told = refuse(errStopped, "the session has ended").Err
		told.ReferenceId = reference
	}
	return &center.Refused{Err: told}
}

// nameOf is the name of a session's customer.
func (c *client) nameOf(session string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if se := c.sessions[session]; se != nil {
		return se.customer.name
	}
	return ""
}

// Typing says that the customer of a session is writing, or has stopped. Of a
// session that has ended there is nothing to say, and no error.
func (s *Server) Typing(ctx context.Context, tenant, session string, r *usherv1.RequestCustomerTyping) error {
	c, err := s.ready(ctx, tenant)
	if err != nil {
		return err
	}
	_, err = c.do(ctx, icm, &usherv1.RequestTyping{InteractionId: session, Stopped: r.GetStopped(), AuthorName: c.nameOf(session)})
	if isGone(err) {
		return nil
	}
	return err
}

// Drop ends a session for its customer. If it has ended already, the answer
// says so by its sequence 0.
func (s *Server) Drop(ctx context.Context, tenant, session string, r *usherv1.RequestDropSession) (*usherv1.EventAck, error) {
	c, err := s.ready(ctx, tenant)
	if err != nil {
		return nil, err
	}
	reply, err := c.leave(ctx, session, scoped(session, r.GetReferenceId()))
	if isGone(err) {
		reply.Sequence = 0
	} else if err != nil {
		return nil, unscoped(err, r.GetReferenceId())
	}
	return ackOf(session, r.GetReferenceId(), reply), nil
}
