package client_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/client"
)

func started(t *testing.T) *server {
	t.Helper()
	s, err := start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.stop)
	return s
}

func TestDialRefusesBadAddresses(t *testing.T) {
	for _, address := range []string{"", "usher.example.com", "ftp://x", "http://", "http://%"} {
		if _, err := client.Dial(address); err == nil {
			t.Errorf("%q was taken", address)
		}
	}
}

func TestErrors(t *testing.T) {
	s := started(t)
	ctx := t.Context()
	_, err := s.as(client.WithAPIKey("usk_wrong")).Register(ctx, &usherv1.RequestRegisterClient{})
	var refusal *client.Error
	if !errors.As(err, &refusal) || refusal.Event.GetName() != "Unauthenticated" || client.CodeOf(err) != usherv1.ErrorCode_ERROR_CODE_UNAUTHENTICATED {
		t.Error(err)
	}
	_, err = s.as(client.WithAgent("default", "ann", "wrong password")).Agent(ctx, client.Login{})
	if client.CodeOf(err) != usherv1.ErrorCode_ERROR_CODE_UNAUTHENTICATED {
		t.Error(err)
	}
	media := s.as(client.WithAPIKey(s.media))
	_, err = media.InteractionManagement().Submit(ctx, &usherv1.RequestSubmit{ReferenceId: "r1"})
	if !errors.Is(err, client.ErrorWith(usherv1.ErrorCode_ERROR_CODE_NOT_REGISTERED)) || !errors.As(err, &refusal) || refusal.Event.GetReferenceId() != "r1" {
		t.Error(err)
	}
	if client.CodeOf(nil) != 0 || client.CodeOf(context.Canceled) != 0 {
		t.Error("no refusals have codes")
	}
	unreachable, err := client.Dial("http://127.0.0.1:1", client.WithAPIKey("usk_x"), client.WithAttempts(1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := unreachable.Register(ctx, &usherv1.RequestRegisterClient{}); err == nil || client.CodeOf(err) != 0 {
		t.Error(err)
	}
}

// TestNothingIsLostOrDoubled breaks every connection again and again while
// interactions are submitted and reported: each is there once, and in order.
func TestNothingIsLostOrDoubled(t *testing.T) {
	s := started(t)
	const each, submitters = 60, 4
	media, err := s.as(client.WithAPIKey(s.media)).MediaServer(t.Context(), "chat")
	if err != nil {
		t.Fatal(err)
	}
	defer media.Close()
	var answered atomic.Int32
	var wait sync.WaitGroup
	for n := range submitters {
		wait.Go(func() {
			for i := range each {
				id := fmt.Sprintf("%d-%d", n, i)
				ack, err := media.Submit(t.Context(), &usherv1.RequestSubmit{InteractionId: id, MediaType: "chat", Queue: "pull"})
				if err != nil || ack.GetInteractionId() != id || ack.GetSequence() == 0 {
					t.Error(id, ack, err)
					return
				}
				if answered.Add(1)%25 == 0 {
					s.conns.breakAll()
				}
			}
		})
	}
	seen := map[string]bool{}
	var beginning, last uint64
	for event, err := range s.as(client.WithAPIKey(s.report)).Reports(t.Context(), &beginning) {
		if err != nil {
			t.Fatal(err)
		}
		if event.GetSequence() <= last {
			t.Fatalf("sequence %d after %d", event.GetSequence(), last)
		}
		last = event.GetSequence()
		if event.GetEventInteractionSubmitted() == nil {
			continue
		}
		if seen[event.GetInteractionId()] {
			t.Error(event.GetInteractionId(), "twice")
		}
		seen[event.GetInteractionId()] = true
		if len(seen)%40 == 0 {
			s.conns.breakAll()
		}
		if len(seen) == each*submitters {
			break
		}
	}
	wait.Wait()
}

// TestAgentSurvivesBreaks loses the agent's connection at every event.
func TestAgentSurvivesBreaks(t *testing.T) {
	s := started(t)
	agent, err := s.as(client.WithAgent("", "ann", "correct horse")).Agent(t.Context(), client.Login{Media: []*usherv1.MediaLogin{client.Ready("chat")}})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		submitOne(s, "support")
	}
	invited := 0
	for event, err := range agent.Events(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		s.conns.breakAll()
		if invite := event.GetEventInvite(); invite != nil {
			if len(event.GetInteractions()) != 1 {
				t.Error("an invitation shows the interaction:", event)
			}
			if err := agent.Accept(t.Context(), invite.GetTicket()); err != nil {
				t.Error(err)
			}
			if invited++; invited == 3 {
				break
			}
		}
	}
}

// TestAgentStartsAgain begins where an earlier run of the application ended.
func TestAgentStartsAgain(t *testing.T) {
	s := started(t)
	login := client.Login{Media: []*usherv1.MediaLogin{client.Ready("chat")}}
	run := func() uint64 {
		agent, err := s.as(client.WithAgent("", "ann", "correct horse")).Agent(t.Context(), login)
		if err != nil {
			t.Fatal(err)
		}
		for event, err := range agent.Events(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			if invite := event.GetEventInvite(); invite != nil {
				return invite.GetTicket()
			}
			login.After = event.GetSequence()
			if event.GetEventCurrentAgentStatus() != nil {
				submitOne(s, "support")
			}
		}
		return 0
	}
	first := run() // dies before it has dealt with the invitation
	if second := run(); first == 0 || second != first {
		t.Error(first, second)
	}
}

// TestLoginAgain ends the session under a client, which logs in again.
func TestLoginAgain(t *testing.T) {
	s := started(t)
	c := s.as(client.WithAgent("", "ann", "correct horse"))
	agent, err := c.Agent(t.Context(), client.Login{Media: []*usherv1.MediaLogin{client.NotReady("chat")}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Authentication().CloseSession(t.Context(), &usherv1.CloseSessionRequest{}); err != nil {
		t.Fatal(err)
	}
	if err := agent.Ready(t.Context(), "chat"); err != nil {
		t.Error(err)
	}
	first := true
	for event, err := range agent.Events(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if first {
			first = false
			if _, err := c.Authentication().CloseSession(t.Context(), &usherv1.CloseSessionRequest{}); err != nil {
				t.Fatal(err)
			}
			submitOne(s, "support")
		}
		if event.GetEventInvite() != nil {
			break
		}
	}
	if err := c.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestNewerApplicationTakesOver ends the events of the older one, without
// error.
func TestNewerApplicationTakesOver(t *testing.T) {
	s := started(t)
	open := func() *client.AgentSession {
		agent, err := s.as(client.WithAgent("", "ann", "correct horse")).Agent(t.Context(), client.Login{})
		if err != nil {
			t.Fatal(err)
		}
		return agent
	}
	first, second := open(), open()
	var wait sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	opened := false
	for event, err := range first.Events(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if !opened {
			opened = true
			wait.Go(func() {
				for _, err := range second.Events(ctx) {
					if err != nil && ctx.Err() == nil {
						t.Error(err)
					}
				}
			})
		}
		if closed := event.GetEventAgentConnectionClosed(); closed != nil && closed.GetConnectionKind() != "desktop" {
			t.Error(event)
		}
	}
	cancel()
	wait.Wait()
}

// TestRouterHearsWhatIsAbandoned takes an interaction from a router that works
// on it.
func TestRouterHearsWhatIsAbandoned(t *testing.T) {
	s := started(t)
	router, err := s.as(client.WithAPIKey(s.router)).Router(t.Context(), "urs", "by-name")
	if err != nil {
		t.Fatal(err)
	}
	defer router.Close()
	media, err := s.as(client.WithAPIKey(s.media)).MediaServer(t.Context(), "chat")
	if err != nil {
		t.Fatal(err)
	}
	defer media.Close()
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := media.Submit(ctx, &usherv1.RequestSubmit{InteractionId: "i", MediaType: "chat", Queue: "by-name"}); err != nil {
		t.Fatal(err)
	}
	err = router.Serve(ctx, func(ctx context.Context, request *usherv1.Event) {
		defer cancel()
		if _, err := media.StopProcessing(ctx, &usherv1.RequestStopProcessing{InteractionId: "i"}); err != nil && ctx.Err() == nil {
			t.Error(err)
		}
		<-ctx.Done()
		_, err := router.RouteToAgent(t.Context(), "i", "ann")
		if client.CodeOf(err) != usherv1.ErrorCode_ERROR_CODE_ALREADY_STOPPED {
			t.Error(err)
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestClosedSession sees to it that nothing waits for ever.
func TestClosedSession(t *testing.T) {
	s := started(t)
	media, err := s.as(client.WithAPIKey(s.media)).MediaServer(t.Context(), "chat")
	if err != nil {
		t.Fatal(err)
	}
	media.Close()
	if _, err := media.Submit(t.Context(), &usherv1.RequestSubmit{}); err == nil {
		t.Error("a closed media server submits")
	}
	for event, err := range media.Events(t.Context()) {
		t.Error(event, err)
	}
}

func TestRevokedKeyEndsTheSession(t *testing.T) {
	s := started(t)
	media, err := s.as(client.WithAPIKey(s.media)).MediaServer(t.Context(), "chat")
	if err != nil {
		t.Fatal(err)
	}
	defer media.Close()
	admin := s.as(client.WithAPIKey(s.admin)).Administration()
	keys, err := admin.ListApiKeys(t.Context(), &usherv1.ListApiKeysRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := admin.RevokeApiKey(t.Context(), &usherv1.RevokeApiKeyRequest{Id: keys.ApiKeys[0].GetId()}); err != nil {
		t.Fatal(err)
	}
	for _, err := range media.Events(t.Context()) {
		if err != nil && client.CodeOf(err) != usherv1.ErrorCode_ERROR_CODE_UNAUTHENTICATED {
			t.Error(err)
		}
	}
	if _, err := media.Submit(t.Context(), &usherv1.RequestSubmit{}); client.CodeOf(err) != usherv1.ErrorCode_ERROR_CODE_UNAUTHENTICATED {
		t.Error(err)
	}
}

func TestTrace(t *testing.T) {
	s := started(t)
	submitOne(s, "pull")
	var names []string
	for line, err := range s.as(client.WithAPIKey(s.admin)).Trace(t.Context(), &usherv1.RequestTrace{}) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, line.GetMessage())
	}
	if len(names) == 0 || names[len(names)-1] != "EventPlacedInQueue" {
		t.Error(names)
	}
}
