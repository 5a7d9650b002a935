package edge_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"testing"
	"time"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/api/usher/v1/usherv1connect"
	"github.com/usher-cc/usher/center"
	"github.com/usher-cc/usher/edge"
	"github.com/usher-cc/usher/engine"
	"github.com/usher-cc/usher/journal/memory"
	"github.com/usher-cc/usher/router"
)

// TestLongStop: an agent with an open stream, and an orderly stop that is longer
// than his grace. He is still logged in after the start, for a grace.
func TestLongStop(t *testing.T) {
	disk, now := memory.NewDisk(), time.UnixMilli(1_700_000_000_000)
	clock := center.NewManualClock(now)
	c, end := openedAt(t, disk, clock)
	ann := engine.Participant{Kind: usherv1.ParticipantKind_PARTICIPANT_KIND_AGENT, ID: "ann"}
	must := func(r center.Reply, err error) {
		t.Helper()
		if err != nil || r.Err != nil {
			t.Fatal(r.Err, err)
		}
	}
	ask := func(from engine.Participant, body any) {
		t.Helper()
		must(c.Do(t.Context(), center.Request{Tenant: "default", From: from, Body: body}))
	}
	admin := engine.Participant{Kind: usherv1.ParticipantKind_PARTICIPANT_KIND_ADMIN, ID: "admin"}
	must(c.CreateTenant(t.Context(), admin, "default"))
	ask(admin, engine.Apply{Request: &usherv1.ApplyConfigurationRequest{Configuration: &usherv1.Configuration{
		MediaTypes: []*usherv1.MediaType{{Name: "chat"}}, Agents: []*usherv1.Agent{{AgentId: "ann"}},
	}}})
	ask(ann, &usherv1.RequestRegisterClient{ClientType: usherv1.ClientType_CLIENT_TYPE_AGENT_APPLICATION})
	token := "a-token-of-ann"
	must(c.OpenAgentSession(t.Context(), center.Session{Tenant: "default", Agent: "ann", ExpiresAtMs: now.Add(time.Hour).UnixMilli()}, center.Hash(edge.HashCredential(token))))
	s := edge.New(edge.Options{Center: edge.Over(c)})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error)
	go func() { served <- s.Serve(l) }()
	events, err := usherv1connect.NewInteractionManagementClient(http.DefaultClient, "http://"+l.Addr().String()).Events(with(t, token), &usherv1.RequestEvents{})
	if err != nil || !events.Receive() {
		t.Fatal(err, events.Err())
	}
	defer events.Close()
	ask(ann, &usherv1.RequestAgentLogin{Media: []*usherv1.MediaLogin{{MediaType: "chat", Ready: true}}})
	if err := errors.Join(s.Shutdown(context.Background()), <-served); err != nil {
		t.Error(err)
	}
	end()

	clock = center.NewManualClock(now.Add(61 * time.Second))
	c, end = openedAt(t, disk, clock)
	defer end()
	loggedIn := func() bool {
		t.Helper()
		present, err := c.Present(t.Context(), "default", ann)
		if err != nil {
			t.Fatal(err)
		}
		return len(present.GetAgentStatus().GetMedia()) > 0
	}
	if !loggedIn() {
		t.Error("he is logged out by the stop")
	}
	clock.Advance(59 * time.Second)
	if !loggedIn() {
		t.Error("he is logged out within his grace")
	}
	clock.Advance(2 * time.Second)
	if loggedIn() {
		t.Error("he is logged in after his grace")
	}
}

// openedAt opens a center on a journal; end drains it.
func openedAt(t *testing.T, disk *memory.Disk, clock center.Clock) (c *center.Center, end func()) {
	t.Helper()
	j, err := disk.Open()
	if err != nil {
		t.Fatal(err)
	}
	if c, err = center.Open(t.Context(), center.Options{Journal: j, Clock: clock, NewRouter: func() center.Router { return router.New() }}); err != nil {
		t.Fatal(err)
	}
	return c, func() {
		if err := errors.Join(c.Drain(context.Background()), j.Close()); err != nil {
			t.Error(err)
		}
	}
}
