package client_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/structpb"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/api/usher/v1/usherv1connect"
	"github.com/usher-cc/usher/client"
)

// scripted is a server without an engine: what it says on a session, and what
// it answers to the requests there, the test says.
type scripted struct {
	usherv1connect.UnimplementedInteractionManagementHandler
	usherv1connect.UnimplementedRoutingHandler
	says    []*usherv1.Event
	answers func(*usherv1.SessionRequest) *usherv1.Event // nil for none
	agent   []*usherv1.RequestSetAgentState
	waits   int // how often somebody asked how long
}

// client is a client of it.
func (s *scripted) client(t *testing.T) *client.Client {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle(usherv1connect.NewInteractionManagementHandler(s))
	mux.Handle(usherv1connect.NewRoutingHandler(s))
	server := httptest.NewUnstartedServer(mux)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	t.Cleanup(server.Close)
	c, err := client.Dial(server.URL, client.WithAPIKey("usk_x"), client.WithBackOff(time.Millisecond, time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	return c
}

func (s *scripted) RegisterClient(context.Context, *usherv1.RequestRegisterClient) (*usherv1.EventAck, error) {
	return &usherv1.EventAck{Sequence: 1}, nil
}

func (s *scripted) AgentLogin(context.Context, *usherv1.RequestAgentLogin) (*usherv1.EventAck, error) {
	return &usherv1.EventAck{}, nil
}

func (s *scripted) SetAgentState(_ context.Context, r *usherv1.RequestSetAgentState) (*usherv1.EventAck, error) {
	s.agent = append(s.agent, r)
	return &usherv1.EventAck{}, nil
}

// ExpectedWait is not available at first.
func (s *scripted) ExpectedWait(_ context.Context, r *usherv1.RequestExpectedWait) (*usherv1.EventExpectedWait, error) {
	if s.waits++; s.waits == 1 {
		return nil, connect.NewError(connect.CodeUnavailable, errors.New("starting"))
	}
	return &usherv1.EventExpectedWait{Position: int32(len(r.GetSkill()))}, nil
}

func (s *scripted) Session(_ context.Context, both *connect.BidiStream[usherv1.SessionRequest, usherv1.Event]) error {
	if _, err := both.Receive(); err != nil {
		return err
	}
	for _, event := range s.says {
		if err := both.Send(event); err != nil {
			return err
		}
	}
	for {
		r, err := both.Receive()
		if err != nil {
			return err
		}
		if answer := s.answers(r); answer != nil {
			if err := both.Send(answer); err != nil {
				return err
			}
		}
	}
}

func acknowledged(reference string) *usherv1.Event {
	return &usherv1.Event{ReferenceId: reference, Message: &usherv1.Event_EventAck{EventAck: &usherv1.EventAck{}}}
}

func refused(reference string, code usherv1.ErrorCode) *usherv1.Event {
	return &usherv1.Event{ReferenceId: reference, Message: &usherv1.Event_EventError{EventError: &usherv1.EventError{Code: code, Name: "Refused"}}}
}

// TestExternalServiceAnswersEachRequest has a service asked by different
// methods, and compares what the server hears of it.
func TestExternalServiceAnswersEachRequest(t *testing.T) {
	methods := []string{"greet", "fail", "bulky", "late", "endless"}
	s := &scripted{}
	for n, method := range methods {
		left := int64(time.Hour / time.Millisecond)
		if method == "endless" {
			left = 1
		}
		s.says = append(s.says, &usherv1.Event{
			Sequence: uint64(n + 2), TimeMs: 5000, InteractionId: "i",
			Message: &usherv1.Event_Request_3RdServer{Request_3RdServer: &usherv1.Request3RdServer{
				RequestId: uint64(n), Method: method, DeadlineMs: 5000 + left,
			}},
		})
	}
	heard := make(chan string, 10)
	s.answers = func(r *usherv1.SessionRequest) *usherv1.Event {
		if response := r.GetServiceResponse(); response != nil {
			switch method := methods[response.GetRequestId()]; method {
			case "bulky":
				return refused(response.GetReferenceId(), usherv1.ErrorCode_ERROR_CODE_TOO_LARGE)
			case "late":
				heard <- method + ": response"
				return refused(response.GetReferenceId(), usherv1.ErrorCode_ERROR_CODE_UNKNOWN_REQUEST)
			default:
				heard <- method + ": " + response.GetResponse().GetFields()["text"].GetStringValue()
				return acknowledged(response.GetReferenceId())
			}
		}
		heard <- methods[r.GetServiceFault().GetRequestId()] + " fails: " + r.GetServiceFault().GetFault()
		return acknowledged(r.GetServiceFault().GetReferenceId())
	}
	service, err := s.client(t).ExternalService(t.Context(), "crm")
	if err != nil {
		t.Fatal(err)
	}
	defer service.Close()
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error)
	go func() {
		served <- service.Serve(ctx, func(ctx context.Context, request *usherv1.Event) (*structpb.Struct, error) {
			switch request.GetRequest_3RdServer().GetMethod() {
			case "fail":
				return nil, errors.New(strings.Repeat("x", 1023) + "\u00e9")
			case "endless":
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return structpb.NewStruct(map[string]any{"text": "hello"})
		})
	}()
	want := map[string]bool{
		"greet: hello": true, "fail fails: " + strings.Repeat("x", 1023): true, "bulky fails: usher: Refused: ": true,
		"late: response": true, "endless fails: context deadline exceeded": true,
	}
	for range methods {
		if got := <-heard; !want[got] {
			t.Errorf("heard %q", got)
		}
	}
	cancel()
	if err := <-served; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if len(heard) != 0 {
		t.Errorf("heard besides %q", <-heard)
	}
}

// TestRouterAsksAService gets the answer to a question, and a refusal.
func TestRouterAsksAService(t *testing.T) {
	s := &scripted{answers: func(r *usherv1.SessionRequest) *usherv1.Event {
		asked := r.GetPrivateService()
		if asked.GetService() == "nobody" {
			return refused(asked.GetReferenceId(), usherv1.ErrorCode_ERROR_CODE_NO_SERVICE)
		}
		return &usherv1.Event{ReferenceId: asked.GetReferenceId(), Message: &usherv1.Event_EventPrivateInfo{
			EventPrivateInfo: &usherv1.EventPrivateInfo{Method: asked.GetMethod(), Outcome: &usherv1.EventPrivateInfo_Fault{Fault: "no"}},
		}}
	}}
	router, err := s.client(t).Router(t.Context(), "urs")
	if err != nil {
		t.Fatal(err)
	}
	defer router.Close()
	info, err := router.PrivateService(t.Context(), &usherv1.RequestPrivateService{Method: "greet"})
	if err != nil || info.GetMethod() != "greet" || info.GetFault() != "no" {
		t.Error(info, err)
	}
	info, err = router.PrivateService(t.Context(), &usherv1.RequestPrivateService{
		Of: &usherv1.RequestPrivateService_Service{Service: "nobody"},
	})
	if info != nil || client.CodeOf(err) != usherv1.ErrorCode_ERROR_CODE_NO_SERVICE {
		t.Error(info, err)
	}
}

// TestExpectedWait asks again when the server is not available: it is a read.
func TestExpectedWait(t *testing.T) {
	s := &scripted{}
	media, err := s.client(t).MediaServer(t.Context(), "chat")
	if err != nil {
		t.Fatal(err)
	}
	defer media.Close()
	wait, err := media.ExpectedWait(t.Context(), &usherv1.RequestExpectedWait{Of: &usherv1.RequestExpectedWait_Skill{Skill: "billing"}})
	if err != nil || wait.GetPosition() != 7 || s.waits != 2 {
		t.Error(wait, err, s.waits)
	}
}

func TestSetAgentState(t *testing.T) {
	s := &scripted{}
	agent, err := s.client(t).Agent(t.Context(), client.Login{})
	if err != nil {
		t.Fatal(err)
	}
	if err := agent.SetAgentState(t.Context(), usherv1.WorkMode_WORK_MODE_AUX, 3); err != nil {
		t.Fatal(err)
	}
	if len(s.agent) != 1 || s.agent[0].GetWorkMode() != usherv1.WorkMode_WORK_MODE_AUX || s.agent[0].GetReasonCode() != 3 || s.agent[0].GetReferenceId() == "" {
		t.Error(s.agent)
	}
}
