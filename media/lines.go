package media

import (
	"context"
	"errors"
	"strings"

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

// SendLine says something for the customer of a session. One that was said with
// the same reference id is answered as it was, also after the end. The refusals are
// AlreadyStopped, UnknownInteraction, InvalidArgument, TooLarge and
// Unavailable.
func (s *Server) SendLine(ctx context.Context, tenant, session string, r *usherv1.RequestSendLine) (*usherv1.EventAck, error) {
	c, err := s.ready(ctx, tenant)
	if err != nil {
		return nil, err
	}
	name, live := c.nameOf(session)
	if !live {
		return c.said(ctx, session, r, refuse(errStopped, "the session has ended"))
	}
	line := &usherv1.Line{Kind: r.GetLine().GetKind(), Text: r.GetLine().GetText(), Visibility: r.GetLine().GetVisibility()}
	switch {
	case line.Kind == usherv1.LineKind_LINE_KIND_NOTICE:
		return nil, refuse(errInvalid, "line.kind: customers send no notices")
	case line.Kind == usherv1.LineKind_LINE_KIND_ATTACHMENT:
		if line.Attachment, err = s.Uploaded(ctx, tenant, session, Principal, r.GetLine().GetAttachment()); err != nil {
			return nil, err
		}
	case r.GetLine().GetAttachment() != nil:
		return nil, refuse(errInvalid, "line.attachment: the line is none")
	}
	reply, err := c.do(ctx, icm, &usherv1.RequestAddLine{
		ReferenceId: scoped(session, r.GetReferenceId()), InteractionId: session, Line: line, AuthorName: name,
	})
	switch {
	case isReused(err): // his name may have been changed since
		return c.said(ctx, session, r, unscoped(err, session, r.GetReferenceId()))
	case err != nil:
		return nil, unscoped(err, session, r.GetReferenceId())
	}
	return ackOf(session, r.GetReferenceId(), reply), nil
}

// isReused tells whether a refusal says that the reference id was another
// request's.
func isReused(err error) bool {
	var refused *center.Refused
	return errors.As(err, &refused) && refused.Err.GetCode() == errReused
}

// afterAck is by how much the message with a line comes after its answer: the
// report is between them.
const afterAck = 2

// said answers for a line that was said before, with the same reference id; if
// there is none it is otherwise.
func (c *client) said(ctx context.Context, session string, r *usherv1.RequestSendLine, otherwise error) (*usherv1.EventAck, error) {
	if r.GetReferenceId() == "" {
		return nil, otherwise
	}
	found, err := c.conversation(session, Principal).withReference(ctx, scoped(session, r.GetReferenceId()))
	if err != nil && !isGone(err) {
		return nil, err
	}
	line, asked := found.GetAdded().GetLine(), r.GetLine()
	if found == nil || line.GetText() != asked.GetText() || line.GetAttachment().GetId() != asked.GetAttachment().GetId() {
		return nil, otherwise
	}
	return ackOf(session, r.GetReferenceId(), center.Reply{Sequence: found.GetSequence() - afterAck, TimeMs: found.GetTimeMs()}), nil
}

// unscoped is a refusal as its customer is told: with his own reference id, and
// without the name of whoever has ended the session.
func unscoped(err error, session, reference string) error {
	var refused *center.Refused
	if !errors.As(err, &refused) {
		return err
	}
	told := proto.CloneOf(refused.Err) // the center's may be shared
	told.ReferenceId = reference
	told.Description = strings.ReplaceAll(told.GetDescription(), session+"/", "")
	if isGone(err) {
		told = refuse(errStopped, "the session has ended").Err
		told.ReferenceId = reference
	}
	return &center.Refused{Err: told}
}

// nameOf is the name of a session's customer, and whether the session goes on.
func (c *client) nameOf(session string) (name string, live bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if se := c.sessions[session]; se != nil {
		return se.customer.name, true
	}
	return "", false
}

// Typing says that the customer of a session is writing, or has stopped. Of a
// session that has ended there is nothing to say, and no error.
func (s *Server) Typing(ctx context.Context, tenant, session string, r *usherv1.RequestCustomerTyping) error {
	c, err := s.ready(ctx, tenant)
	if err != nil {
		return err
	}
	name, live := c.nameOf(session)
	if !live {
		return nil
	}
	_, err = c.do(ctx, icm, &usherv1.RequestTyping{InteractionId: session, Stopped: r.GetStopped(), AuthorName: name})
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
		return nil, unscoped(err, session, r.GetReferenceId())
	}
	return ackOf(session, r.GetReferenceId(), reply), nil
}
