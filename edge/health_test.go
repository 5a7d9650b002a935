package edge

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"connectrpc.com/grpcreflect"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/wrapperspb"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

func TestAdminPort(t *testing.T) {
	fake := newFake()
	var broken error
	s, url := serve(t, Options{Center: fake, Ready: func() error { return broken }})
	grpc(t, h2c(t), url, "/usher.v1.InteractionManagement/Submit", "wrong")
	grpc(t, h2c(t), url, "/usher.v1.InteractionManagement/Submit", fake.key(DefaultTenant, "chat", usherv1.Role_ROLE_MEDIA))
	get := func(path string) (int, string) {
		answer := httptest.NewRecorder()
		s.AdminHandler().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
		body, _ := io.ReadAll(answer.Body)
		return answer.Code, string(body)
	}
	for _, path := range []string{"/healthz", "/readyz", "/debug/pprof/", "/debug/pprof/cmdline"} {
		if code, body := get(path); code != http.StatusOK {
			t.Error(path, code, body)
		}
	}
	_, metrics := get("/metrics")
	for _, want := range []string{
		`usher_requests_total{code="Unauthenticated",method="/usher.v1.InteractionManagement/Submit"} 1`,
		`usher_requests_total{code="ok",method="/usher.v1.InteractionManagement/Submit"} 1`,
		`usher_request_seconds_count{method="/usher.v1.InteractionManagement/Submit"} 1`,
		"usher_durable_sequence 0", "usher_batches_total 0", "usher_events_delivered_total 0", "usher_slow_readers_total 0",
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("no %s", want)
		}
	}
	broken = errors.New("no disk")
	if code, body := get("/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(body, "no disk") {
		t.Error(code, body)
	}
	broken = nil
	s.Drain()
	if code, _ := get("/readyz"); code != http.StatusServiceUnavailable {
		t.Error(code)
	}
	if code, _ := get("/healthz"); code != http.StatusOK {
		t.Error(code)
	}
}

func TestHealthService(t *testing.T) {
	s, url := serve(t, Options{Center: newFake()})
	check := connect.NewClient[wrapperspb.StringValue, wrapperspb.Int32Value](h2c(t), url+"/grpc.health.v1.Health/Check", connect.WithGRPC())
	call := func(service string) int32 {
		answer, err := check.CallUnary(t.Context(), connect.NewRequest(wrapperspb.String(service)))
		if err != nil {
			return -int32(connect.CodeOf(err))
		}
		return answer.Msg.GetValue()
	}
	if call("") != healthServing || call("usher.v1.Reporting") != healthServing || call("nothing") != -int32(connect.CodeNotFound) {
		t.Error(call(""), call("nothing"))
	}
	watch := connect.NewClient[wrapperspb.StringValue, wrapperspb.Int32Value](h2c(t), url+"/grpc.health.v1.Health/Watch", connect.WithGRPC())
	stream, err := watch.CallServerStream(t.Context(), connect.NewRequest(wrapperspb.String("nothing")))
	if err != nil || !stream.Receive() || stream.Msg().GetValue() != healthServiceUnknown {
		t.Fatal(err, stream.Err())
	}
	_ = stream.Close()
	s.Drain()
	if call("") != healthNotServing {
		t.Error(call(""))
	}
}

// TestReflection sees to it that every service of the api is served.
func TestReflection(t *testing.T) {
	want := []string{healthService}
	protoregistry.GlobalFiles.RangeFilesByPackage("usher.v1", func(file protoreflect.FileDescriptor) bool {
		for n := range file.Services().Len() {
			want = append(want, string(file.Services().Get(n).FullName()))
		}
		return true
	})
	_, url := serve(t, Options{Center: newFake()})
	stream := grpcreflect.NewClient(h2c(t), url, connect.WithGRPC()).NewStream(t.Context())
	defer stream.Close()
	names, err := stream.ListServices()
	var got []string
	for _, name := range names {
		got = append(got, string(name))
	}
	slices.Sort(got)
	slices.Sort(want)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, not %v: %v", got, want, err)
	}
}
