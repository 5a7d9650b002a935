package media

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/center"
	"github.com/usher-cc/usher/engine"
)

const (
	attachmentIDDigits     = 64
	attachmentNameMaxBytes = 255
)

// fileName makes a name of what was said to be one: without its path, and
// without what can't be printed or could lead elsewhere.
func fileName(name string) string {
	name = path.Base(strings.ReplaceAll(strings.ToValidUTF8(name, ""), `\`, "/"))
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp) {
			return -1 // the second kind makes exe.png of gnp.exe
		}
		return r
	}, name)
	for len(name) > attachmentNameMaxBytes {
		_, first := utf8.DecodeRuneInString(name)
		name = name[first:] // the ending says more
	}
	if name == "" || name == "." || name == ".." || name == "/" {
		return "file"
	}
	return name
}

// Upload stores a file for the conversation of an interaction, which somebody
// who may speak in it will say in a line. as is who asks: Principal for a
// customer, or an agent; address is whence. The refusals are
// UnsupportedAttachment, TooLarge, TooManyRequests, NoSpace, NotAParty,
// AlreadyStopped and UnknownInteraction.
func (s *Server) Upload(ctx context.Context, tenant, interaction string, as engine.Participant, address, name string, from io.Reader) (*usherv1.Attachment, error) {
	c, err := s.ready(ctx, tenant)
	if err != nil {
		return nil, err
	}
	done, err := c.beginUpload(ctx, interaction, as)
	if err != nil {
		return nil, err
	}
	defer done()
	id, kind, size, err := s.files.keep(tenant, sender{customer: as == Principal, address: address}, from)
	if err != nil {
		return nil, err
	}
	attachment := &usherv1.Attachment{Id: id, Name: fileName(name), ContentType: kind, Size: size}
	return attachment, c.uploaded(interaction, attachment)
}

// beginUpload takes up a place for a file that is about to come, or tells why
// somebody may not upload: who sends slowly is not to take up more than his. The
// caller calls done.
func (c *client) beginUpload(ctx context.Context, interaction string, as engine.Participant) (done func(), err error) {
	if err := c.maySpeak(ctx, interaction, as); err != nil {
		return nil, err
	}
	if c.s.center.Status().LowSpace {
		return nil, refuse(errNoSpace, "there is too little room for files")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	se := c.sessions[interaction]
	if se == nil {
		return nil, refuse(errUnknown, "there is no session %.128q going on", interaction)
	}
	if n := len(se.uploads) + se.uploading; n >= c.s.limits.Attachments {
		return nil, refuse(errTooMany, "the session has %d attachments with those that are being sent, as many as there may be", n)
	}
	if se.uploading >= c.s.limits.UploadsEach {
		return nil, refuse(errTooMany, "%d files are being sent for the session, as many as there may be at once; try again", se.uploading)
	}
	se.uploading++
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		se.uploading--
	}, nil
}

// maySpeak refuses an agent who could not say what he uploads.
func (c *client) maySpeak(ctx context.Context, interaction string, as engine.Participant) error {
	if as == Principal {
		return nil
	}
	reply, err := c.s.center.Do(ctx, center.Request{
		Tenant: c.tenant, From: as, Protocol: im, Body: &usherv1.RequestGetInteractionProperties{InteractionId: interaction},
	})
	if err := outcome(reply.Err, err); err != nil {
		return err
	}
	for _, party := range reply.Event.GetEventInteractionProperties().GetProperties().GetParties() {
		if engine.ParticipantOf(party.GetParticipant()) == as && party.GetVisibility() != usherv1.VisibilityMode_VISIBILITY_MODE_MONITOR {
			return nil
		}
	}
	return refuse(errNotAParty, "agent %q does not speak in interaction %.128q", as.ID, interaction)
}

// uploaded remembers that a file was uploaded for a session. Nothing else
// depends on it than that it can be said: after a restart it is uploaded again.
func (c *client) uploaded(interaction string, a *usherv1.Attachment) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	se := c.sessions[interaction]
	if se == nil {
		return refuse(errStopped, "the session has ended")
	}
	if se.uploads == nil {
		se.uploads = map[string]*usherv1.Attachment{}
	}
	se.uploads[a.GetId()] = a
	return nil
}

// Has tells whether an interaction is a session or callback, also one that has
// ended within 24 hours. The refusal is Unavailable.
func (s *Server) Has(ctx context.Context, tenant, interaction string) (bool, error) {
	s.mu.Lock()
	known := s.clients[tenant] != nil
	s.mu.Unlock()
	if !known {
		return false, nil // the tenant has none
	}
	c, err := s.ready(ctx, tenant)
	if err != nil {
		return false, err
	}
	_, _, err = c.conversation(interaction, Principal).page(ctx, math.MaxUint64, 0)
	var refused *center.Refused
	if errors.As(err, &refused) {
		code := refused.Err.GetCode()
		if code == errNotAParty || code == errUnknown {
			return false, nil
		}
	}
	return err == nil, err
}

// Uploaded is the attachment that was uploaded for an interaction and is about
// to be said by somebody, with what is known of it rather than what a client
// says. One that was said before is known by that, so that a repeated line is
// what it was. The refusals are InvalidArgument, AlreadyStopped, and those of
// who may not read the conversation.
func (s *Server) Uploaded(ctx context.Context, tenant, interaction string, as engine.Participant, said *usherv1.Attachment) (*usherv1.Attachment, error) {
	c, err := s.ready(ctx, tenant)
	if err != nil {
		return nil, err
	}
	attachment, live := c.upload(interaction, said.GetId())
	if attachment == nil {
		if attachment, err = c.conversation(interaction, as).attachment(ctx, said.GetId()); err != nil {
			return nil, err
		}
	}
	there := false
	if attachment != nil {
		if there, err = s.files.say(tenant, attachment.GetId()); err != nil {
			return nil, fmt.Errorf("keep the attachment: %w", err)
		}
	}
	switch {
	case there:
		return attachment, nil
	case !live && strings.HasPrefix(interaction, sessionPrefix):
		return nil, refuse(errStopped, "the session has ended")
	}
	return nil, refuse(errInvalid, "line.attachment.id: no such file was uploaded for this session; upload it again")
}

// upload is a file that was uploaded for a session, nil if none was, and whether
// the session goes on.
func (c *client) upload(interaction, id string) (a *usherv1.Attachment, live bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if se := c.sessions[interaction]; se != nil {
		return se.uploads[id], true
	}
	return nil, false
}

// Download opens an attachment that was said in the conversation of an
// interaction, as far as the asker may read it: Principal for a customer, or an
// agent. The caller closes the file. The refusals are UnknownObject, NotAParty
// and UnknownInteraction.
func (s *Server) Download(ctx context.Context, tenant, interaction string, as engine.Participant, id string) (*usherv1.Attachment, *os.File, error) {
	c, err := s.ready(ctx, tenant)
	if err != nil {
		return nil, nil, err
	}
	attachment, err := c.conversation(interaction, as).attachment(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	if attachment != nil {
		file, err := s.files.open(tenant, id)
		if err == nil {
			return attachment, file, nil
		}
		s.log.Error("an attachment is not there", "tenant", tenant, "attachment", id, "error", err)
	}
	return nil, nil, refuse(errUnknownObject, "the conversation has no such attachment")
}
