package main

import (
	"context"
	"errors"
	"log"
	"os"
	"strings"
	"testing"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/client"
	"github.com/usher-cc/usher/internal/server"
)

// lines is a log whose lines somebody waits for.
type lines chan string

func (l lines) Write(line []byte) (int, error) {
	l <- strings.TrimSpace(string(line))
	return len(line), nil
}

// contactCentre is a server with the agents alice and bob.
type contactCentre struct {
	t      *testing.T
	server *server.Server
	keys   server.DevKeys
	// answered are the outcomes of the agents' answers to invitations.
	answered chan error
}

func start(t *testing.T) *contactCentre {
	t.Helper()
	s, err := server.Start(t.Context(), server.Config{Listen: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Shutdown(context.Background()) })
	keys, err := s.SetUpForDevelopment(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c := &contactCentre{t, s, keys, make(chan error, 100)}
	_, err = c.dial(client.WithAPIKey(keys.Admin)).Administration().ApplyConfiguration(t.Context(), &usherv1.ApplyConfigurationRequest{
		Configuration: &usherv1.Configuration{Queues: []*usherv1.Queue{{Name: "turns", Strategy: "in-turn"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *contactCentre) dial(credential client.Option) *client.Client {
	c.t.Helper()
	dialled, err := client.Dial(c.server.URL(), credential)
	if err != nil {
		c.t.Fatal(err)
	}
	return dialled
}

// agent logs an agent in who answers every invitation as he is told.
func (c *contactCentre) agent(ctx context.Context, id string, answer func(*client.AgentSession, uint64) error) {
	c.t.Helper()
	agent, err := c.dial(client.WithAgent("", id, server.DevPassword)).Agent(ctx, client.Login{Media: []*usherv1.MediaLogin{client.Ready("chat")}})
	if err != nil {
		c.t.Fatal(err)
	}
	go func() {
		for event, err := range agent.Events(ctx) {
			if invite := event.GetEventInvite(); invite != nil {
				err = answer(agent, invite.GetTicket())
				c.answered <- err
			}
			if err != nil {
				return
			}
		}
	}()
}

// TestInTurn has alice, whose turn it is, reject what then bob takes; and stops
// an interaction while both are away.
func TestInTurn(t *testing.T) {
	c := start(t)
	ctx, cancel := context.WithCancel(t.Context())
	said := make(lines, 100)
	log.SetOutput(said)
	log.SetFlags(0)
	defer log.SetOutput(os.Stderr)
	ran := make(chan error)
	go func() {
		ran <- run(ctx, c.dial(client.WithAPIKey(c.keys.Router)), []string{"bob", "alice"})
	}()
	c.agent(ctx, "alice", func(a *client.AgentSession, ticket uint64) error {
		return errors.Join(a.Reject(ctx, ticket, "busy"), a.NotReady(ctx, "chat", "lunch"))
	})
	c.agent(ctx, "bob", func(a *client.AgentSession, ticket uint64) error {
		return errors.Join(a.Accept(ctx, ticket), a.NotReady(ctx, "chat", "enough"))
	})
	media, err := c.dial(client.WithAPIKey(c.keys.Media)).MediaServer(ctx, "chat")
	if err != nil {
		t.Fatal(err)
	}
	defer media.Close()
	submit := func(id string) {
		t.Helper()
		if _, err := media.Submit(ctx, &usherv1.RequestSubmit{InteractionId: id, MediaType: "chat", Queue: "turns"}); err != nil {
			t.Fatal(err)
		}
	}
	submit("first")
	for _, want := range []string{"first alice ROUTE_OUTCOME_REJECTED", "first bob ROUTE_OUTCOME_DELIVERED"} {
		if got := <-said; got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
	for range 2 {
		if err := <-c.answered; err != nil {
			t.Fatal(err)
		}
	}
	submit("second") // for nobody
	if _, err := media.StopProcessing(ctx, &usherv1.RequestStopProcessing{InteractionId: "second"}); err != nil {
		t.Fatal(err)
	}
	if got := <-said; got != "second abandoned" {
		t.Errorf("%q", got)
	}
	cancel()
	if err := <-ran; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
