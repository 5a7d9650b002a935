package edge

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/anypb"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/center"
)

// h2c is a client that speaks HTTP/2 without TLS.
func h2c(t testing.TB) *http.Client {
	t.Helper()
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: protocols}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// serve starts a server for a test.
func serve(t testing.TB, o Options) (*Server, string) {
	t.Helper()
	s := New(o)
	server := httptest.NewUnstartedServer(s.Handler())
	server.Config = s.http
	server.Start()
	t.Cleanup(func() {
		s.open.endAll(errClosing)
		server.Close()
	})
	return s, server.URL
}

// grpc calls a method with an empty message and gives the EventError.
func grpc(t *testing.T, client *http.Client, url, procedure, credential string) *usherv1.EventError {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, url+procedure, strings.NewReader("\x00\x00\x00\x00\x00"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/grpc+proto")
	if credential != "" {
		r.Header.Set("Authorization", "Bearer "+credential)
	}
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		t.Fatal(err)
	}
	details := answer.Trailer.Get("Grpc-Status-Details-Bin") + answer.Header.Get("Grpc-Status-Details-Bin")
	return eventErrorIn(t, details)
}

func eventErrorIn(t *testing.T, details string) *usherv1.EventError {
	t.Helper()
	e := &usherv1.EventError{}
	if details == "" {
		return e
	}
	raw, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(details, "="))
	if err != nil {
		t.Fatal(err)
	}
	// google.rpc.Status: code 1, message 2, details 3.
	status := &statusMessage{}
	status.unmarshal(t, raw)
	for _, detail := range status.details {
		if err := detail.UnmarshalTo(e); err != nil {
			t.Fatal(err)
		}
	}
	return e
}

// TestEveryMethodEveryRole compares what the server lets through with what the
// protocol says, for every method, every role, no credential and a wrong one.
func TestEveryMethodEveryRole(t *testing.T) {
	fake := newFake()
	fake.answer = func(center.Request) center.Reply {
		return center.Reply{Err: &usherv1.EventError{Code: usherv1.ErrorCode_ERROR_CODE_NOT_REGISTERED}}
	}
	fake.subscribe = func(*uint64) (Subscription, error) { return nil, center.ErrClosed }
	_, url := serve(t, Options{Center: fake, Sessions: newFakeSessions(), Limits: Limits{LoginBurstAddress: 1000, LoginBurstAgent: 1000}})
	client := h2c(t)
	credentials := map[usherv1.Role]string{
		usherv1.Role_ROLE_MEDIA:      fake.key(DefaultTenant, "chat", usherv1.Role_ROLE_MEDIA),
		usherv1.Role_ROLE_ROUTER:     fake.key(DefaultTenant, "urs", usherv1.Role_ROLE_ROUTER),
		usherv1.Role_ROLE_SERVICE:    fake.key(DefaultTenant, "crm", usherv1.Role_ROLE_SERVICE),
		usherv1.Role_ROLE_REPORTING:  fake.key(DefaultTenant, "report", usherv1.Role_ROLE_REPORTING),
		usherv1.Role_ROLE_ADMIN:      fake.key(center.SystemTenant, "admin", usherv1.Role_ROLE_ADMIN),
		usherv1.Role_ROLE_AGENT:      fake.agent(DefaultTenant, "ann", false),
		usherv1.Role_ROLE_SUPERVISOR: fake.agent(DefaultTenant, "sue", true),
		usherv1.Role_ROLE_CUSTOMER:   fakeCustomer,
		usherv1.Role_ROLE_SITE:       fake.key(DefaultTenant, "shop", usherv1.Role_ROLE_SITE),
	}
	everyRoleIsTried(t, credentials)
	unauthenticated := usherv1.ErrorCode_ERROR_CODE_UNAUTHENTICATED
	denied := usherv1.ErrorCode_ERROR_CODE_PERMISSION_DENIED
	methods := 0
	for _, service := range services() {
		for i := range service.Methods().Len() {
			method := service.Methods().Get(i)
			methods++
			option := proto.GetExtension(method.Options(), usherv1.E_Permission).(*usherv1.Permission)
			if option == nil {
				t.Errorf("%s has no permission", method.FullName())
			}
			if option.GetAnonymous() {
				if got := grpc(t, client, url, procedure(method), ""); strings.Contains(got.GetDescription(), "Bearer") {
					t.Errorf("%s without credential: %v", method.FullName(), got)
				}
				continue
			}
			// CloseSession comes last: it makes the credential useless.
			if method.Name() == "CloseSession" {
				continue
			}
			for _, credential := range []string{"", "nonsense", "usk_abc_def", "ust_abc"} {
				if got := grpc(t, client, url, procedure(method), credential); got.GetCode() != unauthenticated || got.GetName() != "Unauthenticated" {
					t.Errorf("%s with %q: %v", method.FullName(), credential, got)
				}
			}
			for role, credential := range credentials {
				allowed := false
				for _, r := range option.GetRoles() {
					allowed = allowed || r == role
				}
				got := grpc(t, client, url, procedure(method), credential).GetCode()
				if got == unauthenticated || (got == denied) == allowed {
					t.Errorf("%s with %v: %v, allowed by the protocol: %v", method.FullName(), role, got, allowed)
				}
			}
		}
	}
	if methods < 50 {
		t.Errorf("only %d methods", methods)
	}
	for role, credential := range credentials {
		allowed := role == usherv1.Role_ROLE_AGENT || role == usherv1.Role_ROLE_SUPERVISOR
		if got := grpc(t, client, url, "/usher.v1.Authentication/CloseSession", credential).GetCode(); (got == denied) == allowed {
			t.Errorf("CloseSession with %v: %v", role, got)
		}
	}
}

// everyRoleIsTried holds that there is a credential for every role that a method
// of the server is for, and for all that API keys are made for.
func everyRoleIsTried(t *testing.T, credentials map[usherv1.Role]string) {
	t.Helper()
	methods := permissions(services())
	for number, name := range usherv1.Role_name {
		role := usherv1.Role(number)
		_, needed := participantKinds[role]
		for _, p := range methods {
			needed = needed || p.allows(role)
		}
		if needed && credentials[role] == "" {
			t.Errorf("%s is not tried", name)
		}
	}
}

// TestMethodWithoutPermissionIsDenied makes a service whose method lacks the
// option.
func TestMethodWithoutPermissionIsDenied(t *testing.T) {
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: proto.String("x.proto"), Syntax: proto.String("proto3"), Package: proto.String("x"),
		MessageType: []*descriptorpb.DescriptorProto{{Name: proto.String("M")}},
		Service: []*descriptorpb.ServiceDescriptorProto{{
			Name:   proto.String("S"),
			Method: []*descriptorpb.MethodDescriptorProto{{Name: proto.String("Forgotten"), InputType: proto.String(".x.M"), OutputType: proto.String(".x.M")}},
		}},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	fake := newFake()
	s := New(Options{Center: fake})
	s.permissions = permissions([]protoreflect.ServiceDescriptor{file.Services().Get(0)})
	for _, procedure := range []string{"/x.S/Forgotten", "/x.S/Unknown"} {
		for role := range participantKinds {
			header := http.Header{"Authorization": {"Bearer " + fake.key(DefaultTenant, fmt.Sprint("k", role), role)}}
			_, err := s.gate(context.Background(), connect.Spec{Procedure: procedure}, connect.Peer{}, header)
			if connect.CodeOf(err) != connect.CodePermissionDenied {
				t.Errorf("%s with %v: %v", procedure, role, err)
			}
		}
		if _, err := s.gate(context.Background(), connect.Spec{Procedure: procedure}, connect.Peer{}, http.Header{}); connect.CodeOf(err) != connect.CodeUnauthenticated {
			t.Errorf("%s without credential: %v", procedure, err)
		}
	}
}

// statusMessage is google.rpc.Status, as far as it matters here.
type statusMessage struct{ details []*anypb.Any }

func (s *statusMessage) unmarshal(t *testing.T, raw []byte) {
	t.Helper()
	for len(raw) > 0 {
		number, value, n := consumeField(raw)
		if n <= 0 {
			t.Fatal("malformed status")
		}
		if number == 3 {
			detail := &anypb.Any{}
			if err := proto.Unmarshal(value, detail); err != nil {
				t.Fatal(err)
			}
			s.details = append(s.details, detail)
		}
		raw = raw[n:]
	}
}
