package edge

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/api/usher/v1/usherv1connect"
	"github.com/usher-cc/usher/center"
	"github.com/usher-cc/usher/engine"
	"github.com/usher-cc/usher/journal/memory"
	"github.com/usher-cc/usher/router"
)

type bidi = connect.BidiStreamForClientSimple[usherv1.SessionRequest, usherv1.Event]

func send(t *testing.T, session *bidi, r *usherv1.SessionRequest) {
	t.Helper()
	if err := session.Send(r); err != nil {
		t.Fatal(err)
	}
}

func receive(t *testing.T, session *bidi) *usherv1.Event {
	t.Helper()
	event, err := session.Receive()
	if err != nil {
		t.Fatal(err)
	}
	return event
}

func opening() *usherv1.SessionRequest {
	return &usherv1.SessionRequest{Request: &usherv1.SessionRequest_Open{Open: &usherv1.RequestEvents{}}}
}

func submitting(reference string) *usherv1.SessionRequest {
	return &usherv1.SessionRequest{Request: &usherv1.SessionRequest_Submit{Submit: &usherv1.RequestSubmit{ReferenceId: reference}}}
}

// slowCenter answers when the test says so.
type slowCenter struct {
	*fakeCenter
	release map[string]chan struct{}
}

func (c *slowCenter) Start(r center.Request) Call {
	call := c.fakeCenter.Start(r).(fakeCall)
	if m, ok := r.Body.(interface{ GetReferenceId() string }); ok && c.release[m.GetReferenceId()] != nil {
		call.done = c.release[m.GetReferenceId()]
	}
	return call
}

func TestSession(t *testing.T) {
	fake := newFake()
	key := fake.key(DefaultTenant, "chat", usherv1.Role_ROLE_MEDIA)
	inBubble(t, fake, Limits{InFlight: 2}, func(t *testing.T, s *Server, client *http.Client) {
		slow := &slowCenter{fake, map[string]chan struct{}{"a": make(chan struct{}), "b": make(chan struct{})}}
		s.center = slow
		im := usherv1connect.NewInteractionManagementClient(client, "http://usher", connect.WithGRPC(), withCredential(key))
		session, err := im.Session(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		send(t, session, opening())
		if receive(t, session).GetEventHeartbeat() == nil {
			t.Error("a session begins with a heartbeat")
		}
		// Two may be unanswered; the third waits, and so does the client.
		for _, reference := range []string{"a", "b", "c"} {
			send(t, session, submitting(reference))
		}
		synctest.Wait()
		if n := submitted(fake); n != 2 {
			t.Errorf("%d were put in line", n)
		}
		close(slow.release["b"])
		for _, want := range []string{"b", "c"} {
			if got := receive(t, session); got.ReferenceId != want || got.GetEventAck() == nil {
				t.Errorf("%v, not %s", got, want)
			}
		}
		close(slow.release["a"])
		if got := receive(t, session); got.ReferenceId != "a" {
			t.Error(got)
		}
		// What the role may not send is refused; the session goes on.
		send(t, session, &usherv1.SessionRequest{Request: &usherv1.SessionRequest_RouteCall{RouteCall: &usherv1.RequestRouteCall{ReferenceId: "r", InteractionId: "i"}}})
		if got := receive(t, session); got.GetEventError().GetName() != "PermissionDenied" || got.ReferenceId != "r" || got.Protocol != tlib {
			t.Error(got)
		}
		send(t, session, submitting(strings.Repeat("x", 129)))
		send(t, session, &usherv1.SessionRequest{})
		for range 2 {
			if got := receive(t, session); got.GetEventError().GetName() != "InvalidArgument" {
				t.Error(got)
			}
		}
		if err := session.CloseRequest(); err != nil {
			t.Fatal(err)
		}
		if _, err := session.Receive(); !errors.Is(err, io.EOF) {
			t.Error(err)
		}
		synctest.Wait()
		asked := fake.requests()
		if _, ok := asked[len(asked)-1].Body.(engine.Disconnect); !ok {
			t.Error("the end was not told")
		}
		_ = session.CloseResponse()
	})
}

// TestEverySessionRequestHasAMethod holds SessionRequest to the services: every
// request of it but the opening is one of a method, and travels in the protocol
// of that method's service.
func TestEverySessionRequestHasAMethod(t *testing.T) {
	methods := sessionMethods(permissions(services()))
	protocols := map[string]usherv1.Protocol{}
	fields := (&usherv1.SessionRequest{}).ProtoReflect().Descriptor().Oneofs().Get(0).Fields()
	for n := range fields.Len() {
		request := fields.Get(n).Message()
		method, known := methods[request.FullName()]
		if known == (request.Name() == "RequestEvents") || known && (method.roles == 0 || method.protocol != protocolOf(method.procedure)) {
			t.Errorf("%s: %+v, %v", request.Name(), method, known)
		}
		protocols[string(request.Name())] = method.protocol
	}
	for name, want := range map[string]usherv1.Protocol{
		"RequestSetAgentState": im, "RequestAddLine": icm, "RequestPrivateService": tlib, "Event3rdServerResponse": esp, "Event3rdServerFault": esp,
	} {
		if protocols[name] != want {
			t.Errorf("%s travels in %v, not %v", name, protocols[name], want)
		}
	}
}

// TestServiceOnASession answers what an external service was asked: in its own
// protocol, also when it is refused.
func TestServiceOnASession(t *testing.T) {
	fake := newFake()
	fake.answer = func(r center.Request) center.Reply {
		if fault, ok := r.Body.(*usherv1.Event3RdServerFault); ok {
			return center.Reply{Err: &usherv1.EventError{Code: usherv1.ErrorCode_ERROR_CODE_UNKNOWN_REQUEST, ReferenceId: fault.GetReferenceId()}}
		}
		return center.Reply{Event: &usherv1.Event{Protocol: r.Protocol, Message: &usherv1.Event_EventAck{EventAck: &usherv1.EventAck{}}}}
	}
	key := fake.key(DefaultTenant, "crm", usherv1.Role_ROLE_SERVICE)
	inBubble(t, fake, Limits{}, func(t *testing.T, _ *Server, client *http.Client) {
		im := usherv1connect.NewInteractionManagementClient(client, "http://usher", connect.WithGRPC(), withCredential(key))
		session, err := im.Session(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		send(t, session, opening())
		receive(t, session) // the heartbeat
		send(t, session, &usherv1.SessionRequest{Request: &usherv1.SessionRequest_ServiceResponse{ServiceResponse: &usherv1.Event3RdServerResponse{ReferenceId: "a"}}})
		if got := receive(t, session); got.GetEventAck() == nil || got.Protocol != esp {
			t.Error(got)
		}
		send(t, session, &usherv1.SessionRequest{Request: &usherv1.SessionRequest_ServiceFault{ServiceFault: &usherv1.Event3RdServerFault{ReferenceId: "b"}}})
		if got := receive(t, session); got.GetEventError().GetName() != "UnknownRequest" || got.ReferenceId != "b" || got.Protocol != esp {
			t.Error(got)
		}
		if from := fake.requests()[0].From; from.Kind != usherv1.ParticipantKind_PARTICIPANT_KIND_SERVICE || from.ID != "crm" {
			t.Error(from)
		}
		_ = session.CloseRequest()
		_ = session.CloseResponse()
	})
}

func submitted(fake *fakeCenter) (n int) {
	for _, r := range fake.requests() {
		if _, ok := r.Body.(*usherv1.RequestSubmit); ok {
			n++
		}
	}
	return n
}

// TestSessionAnswersOnce sends the answer both ways, as the center does for
// agents, in either order.
func TestSessionAnswersOnce(t *testing.T) {
	fake := newFake()
	token := fake.agent(DefaultTenant, "ann", false)
	inBubble(t, fake, Limits{}, func(t *testing.T, s *Server, client *http.Client) {
		sub := one(fake)
		slow := &slowCenter{fake, map[string]chan struct{}{"b": make(chan struct{})}}
		s.center = slow
		im := usherv1connect.NewInteractionManagementClient(client, "http://usher", connect.WithGRPC(), withCredential(token))
		session, err := im.Session(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		send(t, session, opening())
		receive(t, session)
		send(t, session, submitting("a"))
		if got := receive(t, session); got.ReferenceId != "a" || got.Sequence != 2 {
			t.Error(got)
		}
		sub.messages <- encoded(t, 2, &usherv1.Event{ReferenceId: "a", Message: &usherv1.Event_EventAck{}})
		send(t, session, submitting("b"))
		synctest.Wait()
		sub.messages <- encoded(t, 3, &usherv1.Event{ReferenceId: "b", Message: &usherv1.Event_EventAck{}})
		if got := receive(t, session); got.ReferenceId != "b" || got.Sequence != 3 {
			t.Error(got)
		}
		close(slow.release["b"])
		synctest.Wait()
		start := time.Now()
		if got := receive(t, session); got.GetEventHeartbeat() == nil || time.Since(start) < 9*time.Second {
			t.Error("it was answered twice:", got)
		}
		_ = session.CloseRequest()
		_ = session.CloseResponse()
	})
}

func registering(reference string, as usherv1.ClientType) *usherv1.SessionRequest {
	return &usherv1.SessionRequest{Request: &usherv1.SessionRequest_RegisterClient{
		RegisterClient: &usherv1.RequestRegisterClient{ReferenceId: reference, ClientType: as},
	}}
}

// TestSessionAnswersARepeatedRequest: the same reference id with the same body
// gets the first answer again, with another body it is refused; by the real
// center, for a server, whose answers come as such alone, and for an agent,
// whose answers come by subscription too.
func TestSessionAnswersARepeatedRequest(t *testing.T) {
	const server, agent = usherv1.ClientType_CLIENT_TYPE_MEDIA_SERVER, usherv1.ClientType_CLIENT_TYPE_AGENT_APPLICATION
	for _, as := range []usherv1.ClientType{server, agent} {
		t.Run(as.String(), func(t *testing.T) {
			inBubble(t, newFake(), Limits{}, func(t *testing.T, s *Server, client *http.Client) {
				c, credential := withAnAgent(t, as == agent)
				defer func() { _ = c.Drain(t.Context()) }()
				s.center = Over(c)
				im := usherv1connect.NewInteractionManagementClient(client, "http://usher", connect.WithGRPC(), withCredential(credential))
				session, err := im.Session(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				send(t, session, opening())
				receive(t, session) // the heartbeat
				send(t, session, registering("r", as))
				first := receive(t, session)
				if first.GetEventAck() == nil || first.ReferenceId != "r" || first.Sequence == 0 {
					t.Fatal(first)
				}
				synctest.Wait() // a copy on the subscription has come
				for range 3 {
					send(t, session, registering("r", as))
				}
				for range 3 {
					if got := receive(t, session); !proto.Equal(got, first) {
						t.Errorf("the first answer was %v, then %v", first, got)
					}
				}
				send(t, session, registering("r", server+agent-as))
				if got := receive(t, session); got.GetEventError().GetName() != "ReferenceIdReused" || got.ReferenceId != "r" {
					t.Error(got)
				}
				if got := receive(t, session); got.GetEventHeartbeat() == nil {
					t.Error("there was more:", got)
				}
				_ = session.CloseRequest()
				_ = session.CloseResponse()
			})
		})
	}
}

// withAnAgent opens a center, with the agent ann, and makes the credential of an
// agent's session or of a media server.
func withAnAgent(t *testing.T, session bool) (*center.Center, string) {
	t.Helper()
	c, err := center.Open(t.Context(), center.Options{Journal: memory.New(), NewRouter: func() center.Router { return router.New() }})
	if err != nil {
		t.Fatal(err)
	}
	succeed := func(r center.Reply, err error) {
		t.Helper()
		if err != nil || r.Err != nil {
			t.Fatal(err, r.Err)
		}
	}
	admin := engine.Participant{Kind: usherv1.ParticipantKind_PARTICIPANT_KIND_ADMIN, ID: "admin"}
	succeed(c.CreateTenant(t.Context(), admin, DefaultTenant))
	succeed(c.Do(t.Context(), center.Request{Tenant: DefaultTenant, From: admin, Body: engine.Apply{Request: &usherv1.ApplyConfigurationRequest{
		Configuration: &usherv1.Configuration{Agents: []*usherv1.Agent{{AgentId: "ann"}}},
	}}}))
	if session {
		token, hash := newSessionToken()
		succeed(c.OpenAgentSession(t.Context(), center.Session{Tenant: DefaultTenant, Agent: "ann", ExpiresAtMs: time.Now().Add(time.Hour).UnixMilli()}, center.Hash(hash)))
		return c, token
	}
	id, key, hash := NewAPIKey()
	succeed(c.CreateAPIKey(t.Context(), admin, &usherv1.ApiKey{Id: id, TenantId: DefaultTenant, Name: "chat", Role: usherv1.Role_ROLE_MEDIA}, center.Hash(hash)))
	return c, key
}

// TestSessionAnswersAfterTheCopy: a copy that came before the client asked, of
// what another application of the agent asked for, or the client himself before
// he lost his connection, is not taken for the answer; nor does one copy stand
// for two answers.
func TestSessionAnswersAfterTheCopy(t *testing.T) {
	fake := newFake()
	token := fake.agent(DefaultTenant, "ann", false)
	inBubble(t, fake, Limits{}, func(t *testing.T, s *Server, client *http.Client) {
		sub := one(fake)
		slow := &slowCenter{fake, map[string]chan struct{}{"a": make(chan struct{})}}
		s.center = slow
		fake.answer = func(center.Request) center.Reply {
			return center.Reply{Event: &usherv1.Event{Sequence: 7, ReferenceId: "a", Message: &usherv1.Event_EventAck{EventAck: &usherv1.EventAck{}}}}
		}
		im := usherv1connect.NewInteractionManagementClient(client, "http://usher", connect.WithGRPC(), withCredential(token))
		session, err := im.Session(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		count := func(what string, want int) {
			t.Helper()
			for got := 0; ; got++ {
				if event := receive(t, session); event.GetEventHeartbeat() == nil && event.Sequence == 7 {
					continue
				}
				if got != want {
					t.Errorf("%s: %d times, not %d", what, got, want)
				}
				return
			}
		}
		send(t, session, opening())
		receive(t, session)
		for range 3 {
			send(t, session, submitting("a"))
		}
		synctest.Wait() // they wait for the same answer
		sub.messages <- encoded(t, 7, &usherv1.Event{ReferenceId: "a", Message: &usherv1.Event_EventAck{}})
		synctest.Wait()
		close(slow.release["a"])
		count("a copy and two answers", 3)
		sub.messages <- encoded(t, 8, &usherv1.Event{ReferenceId: "a", Message: &usherv1.Event_EventAck{}})
		if got := receive(t, session); got.Sequence != 8 {
			t.Error(got)
		}
		fake.answer = func(center.Request) center.Reply {
			return center.Reply{Event: &usherv1.Event{Sequence: 8, ReferenceId: "a", Message: &usherv1.Event_EventAck{EventAck: &usherv1.EventAck{}}}}
		}
		send(t, session, submitting("a"))
		if got := receive(t, session); got.Sequence != 8 {
			t.Error("the copy from before was taken for the answer:", got)
		}
		_ = session.CloseRequest()
		_ = session.CloseResponse()
	})
}

func TestSessionMustOpen(t *testing.T) {
	fake := newFake()
	key := fake.key(DefaultTenant, "chat", usherv1.Role_ROLE_MEDIA)
	inBubble(t, fake, Limits{}, func(t *testing.T, s *Server, client *http.Client) {
		im := usherv1connect.NewInteractionManagementClient(client, "http://usher", connect.WithGRPC(), withCredential(key))
		session, err := im.Session(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		send(t, session, submitting("a"))
		if _, err := session.Receive(); eventErrorOf(err).GetName() != "InvalidArgument" {
			t.Error(err)
		}
		_ = session.CloseResponse()
		silent, err := im.Session(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		send(t, silent, nil)
		start := time.Now()
		if _, err := silent.Receive(); err == nil || time.Since(start) != 10*time.Second {
			t.Error(err, time.Since(start))
		}
		_ = silent.CloseResponse()
	})
}

// TestSessionEndsWithItsEvents sees to it that the end of the event side ends
// the session although the client sends on.
func TestSessionEndsWithItsEvents(t *testing.T) {
	fake := newFake()
	key := fake.key(DefaultTenant, "chat", usherv1.Role_ROLE_MEDIA)
	inBubble(t, fake, Limits{}, func(t *testing.T, s *Server, client *http.Client) {
		sub := one(fake)
		im := usherv1connect.NewInteractionManagementClient(client, "http://usher", connect.WithGRPC(), withCredential(key))
		session, err := im.Session(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		send(t, session, opening())
		receive(t, session)
		sub.errs <- &center.SlowReader{Resume: 7}
		if _, err := session.Receive(); eventErrorOf(err).GetSequence() != 7 {
			t.Error(err)
		}
		_ = session.CloseRequest()
		_ = session.CloseResponse()
	})
}

func TestSentSequences(t *testing.T) {
	var s sentSequences
	for n := uint64(1); n <= 3*sentMax; n += 2 {
		if !s.pass(n) || s.pass(n) || s.answer(n, s.copies-1) {
			t.Fatal(n)
		}
		if !s.answer(n+1, s.copies) || s.pass(n+1) {
			t.Fatal(n + 1)
		}
		for _, again := range []uint64{n, n + 1} {
			if !s.answer(again, 0) || s.pass(again) {
				t.Fatal(again)
			}
		}
	}
	if len(s.of) != sentMax || len(s.order) != sentMax {
		t.Error(len(s.of), len(s.order))
	}
}

// TestSessionRequestsAreMethods sees to it that whatever a session can carry
// has a permission.
func TestSessionRequestsAreMethods(t *testing.T) {
	s := New(Options{Center: newFake()})
	fields := (&usherv1.SessionRequest{}).ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		name := fields.Get(i).Message().FullName()
		method, ok := s.sessions[name]
		if (ok && method.roles != 0) == (fields.Get(i).Name() == "open") {
			t.Errorf("%s: %+v", name, method)
		}
	}
}
