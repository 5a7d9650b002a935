package edge

import (
	"context"
	"errors"
	"net/http"
	"net/http/pprof"
	"time"

	"connectrpc.com/connect"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// healthService is the health service of gRPC.
const healthService = "grpc.health.v1.Health"

// healthEvery is how often a watcher of the health looks.
const healthEvery = time.Second

// The answers of the health service.
const (
	healthServing        = 1
	healthNotServing     = 2
	healthServiceUnknown = 3
)

// Health says why requests can't be served; nil if they can.
func (s *Server) Health() error {
	if s.draining.Load() {
		return errors.New("the server is draining")
	}
	switch status := s.center.Status(); {
	case status.Draining:
		return errors.New("the center is draining")
	case !status.Leader:
		return errors.New("the journal is not led")
	}
	if s.ready != nil {
		return s.ready()
	}
	return nil
}

// health is what the gRPC health service answers about a service.
func (s *Server) healthOf(service string) int32 {
	known := service == ""
	for _, d := range services() {
		known = known || service == string(d.FullName())
	}
	switch {
	case !known:
		return healthServiceUnknown
	case s.Health() != nil:
		return healthNotServing
	}
	return healthServing
}

// mountHealth serves grpc.health.v1.Health. Its messages have one field each,
// a string and an enumeration with number 1: on the wire they are the wrappers
// of a string and an integer, which need no code generated for them.
func (s *Server) mountHealth(mux *http.ServeMux, options ...connect.HandlerOption) {
	check := "/" + healthService + "/Check"
	mux.Handle(check, connect.NewUnaryHandlerSimple(check,
		func(_ context.Context, service *wrapperspb.StringValue) (*wrapperspb.Int32Value, error) {
			health := s.healthOf(service.GetValue())
			if health == healthServiceUnknown {
				return nil, connect.NewError(connect.CodeNotFound, errors.New("there is no such service"))
			}
			return wrapperspb.Int32(health), nil
		}, options...))
	watch := "/" + healthService + "/Watch"
	mux.Handle(watch, connect.NewServerStreamHandlerSimple(watch,
		func(ctx context.Context, service *wrapperspb.StringValue, out *connect.ServerStream[wrapperspb.Int32Value]) error {
			return s.watchHealth(ctx, service.GetValue(), out)
		}, options...))
}

// watchHealth sends the health at once and whenever it differs.
func (s *Server) watchHealth(ctx context.Context, service string, out *connect.ServerStream[wrapperspb.Int32Value]) error {
	ctx, remove := s.open.add(ctx, &caller{})
	defer remove()
	ticker := time.NewTicker(healthEvery)
	defer ticker.Stop()
	last := int32(-1)
	for {
		if health := s.healthOf(service); health != last {
			if err := out.Send(wrapperspb.Int32(health)); err != nil {
				return err
			}
			last = health
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// The streams that are for anybody, who may have no credential: those of the
// health and of reflection.
const (
	anybodyStreamsEach = 64    // of one address
	anybodyStreamsAll  = 1_024 // in all
)

// forAnybody counts the streams that are for anybody, by address: they share no
// limit with those of a credential, and nobody takes up all.
type forAnybody struct{ s *Server }

// WrapUnary implements connect.Interceptor.
func (a *forAnybody) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc { return next }

// WrapStreamingClient implements connect.Interceptor.
func (a *forAnybody) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return next
}

// WrapStreamingHandler implements connect.Interceptor.
func (a *forAnybody) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return func(ctx context.Context, conn connect.StreamingHandlerConn) error {
		peer := address(conn.Peer().Addr)
		if !a.s.anybodyStreams.open(peer) {
			return connect.NewError(connect.CodeResourceExhausted, errors.New("too many streams are open"))
		}
		defer a.s.anybodyStreams.close(peer)
		return next(ctx, conn)
	}
}

// AdminHandler is for a port that only operators reach: /healthz (the process
// runs), /readyz (it serves), /metrics and /debug/pprof/.
func (s *Server) AdminHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if err := s.Health(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ok\n"))
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}
