package edge

import (
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"connectrpc.com/connect"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// envelopeBytes is what the protocols add to a message.
const envelopeBytes = 64

// pageTimeout is how long a client may take to fetch a page or one of its files.
const pageTimeout = time.Minute

// past is a deadline that has gone by: setting it cuts off whoever waits.
var past = time.Unix(1, 0)

// writer guards what is written to one client. The deadline of the connection
// itself is touched only when time is up: for HTTP/2 setting it costs as much
// as sending a small message does.
type writer struct {
	controller *http.ResponseController
	timeout    time.Duration
	timer      *time.Timer
	http1      bool
	// stuck counts the clients that are cut off.
	stuck func()
}

// begin starts the time in which a message must be written.
func (w *writer) begin() {
	if w.timer == nil {
		w.timer = time.AfterFunc(w.timeout, func() {
			w.stuck()
			_ = w.controller.SetWriteDeadline(past)
		})
		return
	}
	w.timer.Reset(w.timeout)
}

// end says that it is written.
func (w *writer) end() {
	if w.timer != nil {
		w.timer.Stop()
	}
}

// last starts the time for an answer that is written after the handler has
// returned, which for HTTP/1.1 may be after the guard has gone home.
func (w *writer) last() {
	if w.http1 {
		_ = w.controller.SetWriteDeadline(time.Now().Add(w.timeout))
		return
	}
	w.begin()
}

type writerKey struct{}

func writerOf(ctx context.Context) *writer {
	w, _ := ctx.Value(writerKey{}).(*writer)
	return w
}

// body is a request's body that ends with a refusal when it is too large, and
// is cut off when it takes too long.
type body struct {
	io.ReadCloser
	left  int
	limit int
	timer *time.Timer
	// refusal is what a reader was told who read too far.
	refusal *Refusal
}

// Read reads, up to the limit. At its end, to which connect reads before it
// calls a method, the time stops: the client may wait as long as the answer
// takes.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= n; b.left < 0 {
		b.timer.Stop()
		b.refusal = tooLarge(b.limit)
		return n, b.refusal
	}
	if err != nil {
		b.timer.Stop()
	}
	return n, err
}

// Close ends the reading. For HTTP/1.1 it waits for a part of what is left.
func (b *body) Close() error {
	defer b.timer.Stop()
	return b.ReadCloser.Close()
}

// wire is the outermost handler: it bounds time and size of what comes in, and
// refuses what no service would answer properly.
func (s *Server) wire(services http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor < 2 && r.ContentLength != 0 {
			// net/http waits for what is left of a body before it answers. The
			// next request has a time of its own.
			defer func(c *http.ResponseController) {
				_ = c.SetReadDeadline(time.Now().Add(s.limits.ReadTimeout))
			}(http.NewResponseController(w))
		}
		r, refusal := fromWindow(r)
		if refusal != nil {
			s.refuseHTTP(w, r, refusal)
			return
		}
		allowed, known := s.permissions[r.URL.Path]
		if !known {
			s.serveOther(w, r, services)
			return
		}
		if embedded[r.URL.Path] {
			if r = s.serveOrigin(w, r); r == nil {
				return
			}
		}
		if refusal := s.unfit(r, allowed); refusal != nil {
			s.refuseHTTP(w, r, refusal)
			return
		}
		guard := &writer{
			controller: http.NewResponseController(w), timeout: s.limits.WriteTimeout,
			http1: r.ProtoMajor < 2, stuck: s.metrics.stuck.Inc,
		}
		if guard.http1 {
			_ = guard.controller.SetWriteDeadline(time.Time{}) // of the answer before
		}
		defer guard.end()
		r = r.WithContext(context.WithValue(r.Context(), writerKey{}, guard))
		if allowed.streaming {
			services.ServeHTTP(w, r)
			return
		}
		limit := s.maxBytes(r.URL.Path)
		timer := time.AfterFunc(s.limits.ReadTimeout, func() { _ = guard.controller.SetReadDeadline(past) })
		defer timer.Stop()
		in := &body{ReadCloser: r.Body, limit: limit, left: limit + envelopeBytes, timer: timer}
		r.Body = in
		services.ServeHTTP(w, r)
		if in.refusal != nil { // connect has answered with it, and told nobody
			_ = s.refused(r.Context(), r.URL.Path, "", in.refusal)
		}
	})
}

// unfit says why no service can answer the request.
func (s *Server) unfit(r *http.Request, allowed permission) *Refusal {
	switch {
	case r.Method != http.MethodPost:
		return refuse(usherv1.ErrorCode_ERROR_CODE_INVALID_ARGUMENT, "the method is called with POST, not %s", r.Method)
	case !s.errorWriter.IsSupported(r):
		return refuse(usherv1.ErrorCode_ERROR_CODE_INVALID_ARGUMENT,
			"the content type must be that of gRPC, gRPC-Web or Connect, such as application/json")
	case allowed.streaming && r.ProtoMajor < 2:
		return refuse(usherv1.ErrorCode_ERROR_CODE_INVALID_ARGUMENT, "a stream in both directions needs HTTP/2")
	}
	return nil
}

// serveOther is for everything that is not a method of the services.
func (s *Server) serveOther(w http.ResponseWriter, r *http.Request, services http.Handler) {
	switch {
	case strings.HasPrefix(r.URL.Path, "/grpc."):
		if r.ProtoMajor < 2 { // who has no credential is not waited for
			controller := http.NewResponseController(w)
			timer := time.AfterFunc(s.limits.ReadTimeout, func() { _ = controller.SetReadDeadline(past) })
			defer timer.Stop()
			named := *r
			named.Body = &body{ReadCloser: r.Body, limit: s.limits.RequestBytes, left: s.limits.RequestBytes + envelopeBytes, timer: timer}
			r = &named
		}
		services.ServeHTTP(w, r)
	case r.URL.Path == attachmentsPath, strings.HasPrefix(r.URL.Path, attachmentsPath+"/"):
		s.serveAttachments(w, r)
	case strings.HasPrefix(r.URL.Path, windowsPath):
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(pageTimeout))
		s.serveWindow(w, r)
	case s.other != nil && !strings.HasPrefix(r.URL.Path, "/usher."):
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(pageTimeout))
		s.other.ServeHTTP(w, r)
	default:
		refusal := refuse(usherv1.ErrorCode_ERROR_CODE_INVALID_ARGUMENT, "there is no such method")
		refusal.Code = connect.CodeUnimplemented
		s.refuseHTTP(w, r, refusal)
	}
}

// refuseHTTP refuses what never reached a service. The path is not counted by
// name: anybody can make up as many as he likes.
func (s *Server) refuseHTTP(w http.ResponseWriter, r *http.Request, refusal *Refusal) {
	err := s.refused(r.Context(), "unknown", "", refusal)
	if err := s.errorWriter.Write(w, r, err); err != nil {
		s.log.Debug("writing a refusal", "error", err)
	}
}
