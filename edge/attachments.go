package edge

import (
	"context"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/center"
	"github.com/usher-cc/usher/engine"
)

// attachmentsPath is where files are sent, and below which they are fetched
// (docs/sessions.md, "Attachments").
const attachmentsPath = "/sessions/attachments"

// uploadTimeout is how long a file may take to come.
const uploadTimeout = 2 * time.Minute

// uploadsEach is how many files the customers of one address may send at once,
// so that they leave places for others.
const uploadsEach = 16

// serveAttachments stores and gives files.
func (s *Server) serveAttachments(w http.ResponseWriter, r *http.Request) {
	if r = s.serveOrigin(w, r); r == nil {
		return
	}
	guard := &writer{
		controller: http.NewResponseController(w), timeout: s.limits.WriteTimeout,
		http1: r.ProtoMajor < 2, stuck: s.metrics.stuck.Inc,
	}
	if guard.http1 {
		_ = guard.controller.SetWriteDeadline(time.Time{}) // of the answer before
	}
	start := time.Now()
	ctx, err := s.attachment(w, r, guard)
	if err != nil {
		err = s.refused(ctx, attachmentsPath, "", err)
		if err := s.errorWriter.Write(w, r, err); err != nil {
			s.log.Debug("writing a refusal", "error", err)
		}
	} else {
		s.metrics.answered(attachmentsPath, "ok")
	}
	s.metrics.took(attachmentsPath, time.Since(start))
}

// attachment carries one request out, as who has been recognized.
func (s *Server) attachment(w http.ResponseWriter, r *http.Request, guard *writer) (context.Context, error) {
	ctx := r.Context()
	who, refusal := s.authenticate(r)
	ctx = context.WithValue(ctx, callerKey{}, who)
	if refusal != nil {
		return ctx, refusal
	}
	if !who.isCustomer() {
		keepConn(ctx)
	}
	if s.customers == nil {
		return ctx, errNoSessions
	}
	interaction, as, err := s.conversation(ctx, who, r.URL.Query().Get("interaction_id"))
	if err != nil {
		return ctx, err
	}
	id, below := strings.CutPrefix(r.URL.Path, attachmentsPath+"/")
	switch {
	case r.Method == http.MethodPost && !below:
		return ctx, s.upload(ctx, w, r, who, interaction, as, guard)
	case r.Method == http.MethodGet && below:
		return ctx, s.download(ctx, w, r, who, interaction, as, id)
	}
	return ctx, refuse(usherv1.ErrorCode_ERROR_CODE_INVALID_ARGUMENT,
		"a file is sent with POST to %s and fetched with GET from %s/ID", attachmentsPath, attachmentsPath)
}

// conversation is the one that a request is about, and as whom the asker looks
// at it: a customer at his own, as the media server that has it.
func (s *Server) conversation(ctx context.Context, who *caller, asked string) (interaction string, as engine.Participant, err error) {
	switch who.role {
	case usherv1.Role_ROLE_CUSTOMER:
		if _, err := s.customer(ctx); err != nil {
			return "", as, err
		}
		if asked != "" && asked != who.from.ID {
			return "", as, refuse(usherv1.ErrorCode_ERROR_CODE_PERMISSION_DENIED, "interaction_id: the token is for another session")
		}
		as = center.SessionPrincipal
		return who.from.ID, as, nil
	case usherv1.Role_ROLE_AGENT, usherv1.Role_ROLE_SUPERVISOR:
		if asked == "" {
			return "", as, refuse(usherv1.ErrorCode_ERROR_CODE_INVALID_ARGUMENT, "interaction_id: is missing")
		}
		return asked, who.from, nil
	}
	return "", as, refuse(usherv1.ErrorCode_ERROR_CODE_PERMISSION_DENIED, "attachments are for customers and agents")
}

// authenticate finds who sends a request that is no call of a method.
func (s *Server) authenticate(r *http.Request) (*caller, *Refusal) {
	who := &caller{peer: address(r.RemoteAddr)}
	return who, s.recognized(r.Header, who)
}

// fillAttachment puts what is known of a file that an agent says in place of
// what he says of it. What other media servers have stored is theirs to know.
func (s *Server) fillAttachment(ctx context.Context, who *caller, r *usherv1.RequestAddLine) error {
	said := r.GetLine().GetAttachment()
	if said == nil || s.customers == nil || who.from.Kind != usherv1.ParticipantKind_PARTICIPANT_KIND_AGENT {
		return nil
	}
	if ours, err := s.customers.Has(ctx, who.tenant, r.GetInteractionId()); err != nil || !ours {
		return err
	}
	attachment, err := s.customers.Uploaded(ctx, who.tenant, r.GetInteractionId(), who.from, said)
	r.Line.Attachment = attachment
	return err
}

// upload stores a file.
func (s *Server) upload(ctx context.Context, w http.ResponseWriter, r *http.Request, who *caller, interaction string, as engine.Participant, guard *writer) error {
	rate := s.fileRate
	if who.isCustomer() {
		if rate = s.lineRate; !s.uploads.open(who.peer) {
			return refuse(usherv1.ErrorCode_ERROR_CODE_TOO_MANY_REQUESTS, "%d files are being sent from this address; try again", uploadsEach)
		}
		defer s.uploads.close(who.peer)
	}
	if !rate.allow(who.limitKey()) {
		return refuse(usherv1.ErrorCode_ERROR_CODE_TOO_MANY_REQUESTS, "too many files; try again in a second")
	}
	name, err := url.PathUnescape(r.Header.Get("X-Usher-File-Name"))
	if err != nil {
		return refuse(usherv1.ErrorCode_ERROR_CODE_INVALID_ARGUMENT, "X-Usher-File-Name: is not url-encoded")
	}
	timer := time.AfterFunc(uploadTimeout, func() { _ = guard.controller.SetReadDeadline(past) })
	defer timer.Stop()
	attachment, err := s.customers.Upload(ctx, who.tenant, interaction, as, who.peer, name, r.Body)
	if err != nil {
		return err
	}
	answer, err := writeJSON(nil, attachment)
	if err != nil {
		return fmt.Errorf("encode an attachment: %w", err)
	}
	guard.last()
	defer guard.end()
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(answer) // who is gone hears nothing
	return nil
}

// download gives a file, so that no browser does more with it than show it.
func (s *Server) download(ctx context.Context, w http.ResponseWriter, r *http.Request, who *caller, interaction string, as engine.Participant, id string) error {
	attachment, file, err := s.customers.Download(ctx, who.tenant, interaction, as, id)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	kind := attachment.GetContentType()
	disposition := "attachment"
	if strings.HasPrefix(kind, "image/") && r.URL.Query().Get("inline") == "1" {
		disposition = "inline"
	}
	if kind == "text/plain" {
		kind += "; charset=utf-8"
	}
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Length", strconv.FormatInt(attachment.GetSize(), 10))
	h.Set("Content-Disposition", mime.FormatMediaType(disposition, map[string]string{"filename": attachment.GetName()}))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "private, no-store")
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(uploadTimeout))
	http.ServeContent(w, r, "", time.Time{}, file)
	return nil
}
