package edge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"

	"connectrpc.com/connect"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
)

// watch is around every call: it looks at the shape of requests, counts, logs
// what is refused, and sees to it that whatever goes wrong leaves as an
// EventError.
type watch struct{ s *Server }

// WrapUnary implements connect.Interceptor.
func (w *watch) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, request connect.AnyRequest) (answer connect.AnyResponse, err error) {
		start := time.Now()
		procedure := request.Spec().Procedure
		reference := referenceID(request.Any())
		defer func() {
			if v := recover(); v != nil {
				err = w.s.panicked(procedure, v)
			}
			if err != nil {
				answer, err = nil, w.s.refused(ctx, procedure, reference, err)
			} else {
				w.s.metrics.answered(procedure, "ok")
			}
			w.s.metrics.took(procedure, time.Since(start))
			if guard := writerOf(ctx); guard != nil {
				guard.last()
			}
		}()
		if refusal := w.s.misshapen(request.Any()); refusal != nil {
			return nil, refusal
		}
		return next(ctx, request)
	}
}

// WrapStreamingClient implements connect.Interceptor.
func (w *watch) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

// WrapStreamingHandler implements connect.Interceptor.
func (w *watch) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) (err error) {
		procedure := conn.Spec().Procedure
		who := callerOf(ctx)
		defer func() {
			if v := recover(); v != nil {
				err = w.s.panicked(procedure, v)
			}
			if err != nil {
				err = w.s.refused(ctx, procedure, "", err)
			} else {
				w.s.metrics.answered(procedure, "ok")
			}
			if guard := writerOf(ctx); guard != nil {
				guard.last()
			}
		}()
		streams := w.s.streamsOf(who)
		if !streams.open(who.limitKey()) {
			return refuse(usherv1.ErrorCode_ERROR_CODE_TOO_MANY_REQUESTS, "too many streams are open; close one or try again later")
		}
		defer streams.close(who.limitKey())
		ctx, remove := w.s.open.add(ctx, who)
		defer remove()
		w.s.metrics.streams.WithLabelValues(procedure).Inc()
		defer w.s.metrics.streams.WithLabelValues(procedure).Dec()
		err = next(ctx, &watchedConn{StreamingHandlerConn: conn, s: w.s, guard: writerOf(ctx)})
		if cause := context.Cause(ctx); err != nil && errors.As(cause, new(*Refusal)) {
			return cause
		}
		return err
	}
}

// watchedConn is a stream on which every message sent has a deadline, and
// every message that can't be read is a refusal.
type watchedConn struct {
	connect.StreamingHandlerConn
	s     *Server
	guard *writer
}

// Receive reads a message.
func (c *watchedConn) Receive(message any) error {
	if err := c.StreamingHandlerConn.Receive(message); err != nil {
		return err
	}
	if refusal := c.s.misshapen(message); refusal != nil {
		return refusal
	}
	return nil
}

// Send writes a message, or cuts the client off.
func (c *watchedConn) Send(message any) error {
	if c.guard != nil {
		c.guard.begin()
		defer c.guard.end()
	}
	return c.StreamingHandlerConn.Send(message)
}

// misshapen says what is wrong with the form of a request.
func (s *Server) misshapen(message any) *Refusal {
	if refusal := refusalIn(message); refusal != nil {
		return refusal
	}
	if n := len(referenceID(message)); n > s.limits.ReferenceIDBytes {
		return refuse(usherv1.ErrorCode_ERROR_CODE_INVALID_ARGUMENT,
			"reference_id: %d bytes, at most %d", n, s.limits.ReferenceIDBytes)
	}
	return nil
}

func referenceID(message any) string {
	if m, ok := message.(interface{ GetReferenceId() string }); ok {
		return m.GetReferenceId()
	}
	return ""
}

// refused counts and logs a refusal, and is the error that leaves. The log has
// no word of the request but its reference id: anything else could be a secret.
func (s *Server) refused(ctx context.Context, procedure, reference string, err error) error {
	refusal := asRefusal(err)
	if refusal.Event.ReferenceId == "" && len(reference) <= s.limits.ReferenceIDBytes {
		refusal.Event.ReferenceId = reference
	}
	code := refusal.Event.GetCode()
	s.metrics.answered(procedure, engine.ErrorName(code))
	level := slog.LevelDebug
	switch code {
	case usherv1.ErrorCode_ERROR_CODE_INTERNAL:
		level = slog.LevelError
	case usherv1.ErrorCode_ERROR_CODE_UNAUTHENTICATED, usherv1.ErrorCode_ERROR_CODE_PERMISSION_DENIED,
		usherv1.ErrorCode_ERROR_CODE_TOO_MANY_REQUESTS, usherv1.ErrorCode_ERROR_CODE_SLOW_READER:
		level = slog.LevelInfo
	}
	who := callerOf(ctx)
	attributes := []slog.Attr{
		slog.String("method", procedure), slog.String("principal", who.principal()), slog.String("peer", who.peer),
		slog.String("code", refusal.Event.GetName()), slog.String("reference_id", refusal.Event.GetReferenceId()),
	}
	if code == usherv1.ErrorCode_ERROR_CODE_INTERNAL && !errors.As(err, new(*Refusal)) {
		attributes = append(attributes, slog.String("error", err.Error()))
	}
	s.log.LogAttrs(ctx, level, "refused", attributes...)
	return refusal
}

// panicked logs a fault of ours where it happened.
func (s *Server) panicked(procedure string, v any) error {
	s.log.Error("panic", "method", procedure, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
	return refuse(usherv1.ErrorCode_ERROR_CODE_INTERNAL, "a fault of the server; it was logged")
}

func splitProcedure(procedure string) (service, method string) {
	service, method, _ = strings.Cut(strings.TrimPrefix(procedure, "/"), "/")
	return service, method
}

// roleName is a role's name for people, e.g. media.
func roleName(role usherv1.Role) string {
	return strings.ToLower(strings.TrimPrefix(role.String(), "ROLE_"))
}
