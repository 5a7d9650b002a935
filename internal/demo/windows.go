package demo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"golang.org/x/sync/errgroup"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/client"
	"github.com/usher-cc/usher/edge"
	"github.com/usher-cc/usher/internal/server"
)

// Windows is the small contact centre with windows for people, on a server of
// its own whose clock goes as time does.
type Windows struct {
	*centre
	server *server.Server
	key    string
	links  Links
}

// Links open windows in a browser; who follows one is logged in.
type Links struct {
	Agent, Customer, Supervisor, Admin string
}

// OpenWindows starts the server, and configures its default tenant.
func OpenWindows(ctx context.Context, dataDir, listen string, logger *slog.Logger) (_ *Windows, err error) {
	w, tickets := &Windows{}, &edge.Tickets{}
	w.server, err = server.Start(ctx, server.Config{
		DataDir: dataDir, Listen: listen, AdminListen: "127.0.0.1:0", Logger: logger, Tickets: tickets,
	})
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.Shutdown(context.WithoutCancel(ctx)))
		}
	}()
	guest, err := client.Dial(w.server.URL())
	if err != nil {
		return nil, err
	}
	made, err := guest.Authentication().SetUp(ctx, &usherv1.SetUpRequest{SetupToken: w.server.SetupToken()})
	if err != nil {
		return nil, fmt.Errorf("set up: %w", err)
	}
	w.key = made.GetKey()
	if w.centre, err = newCentre(ctx, w.server.URL(), w.key, edge.DefaultTenant, centreFile, windowsFile); err != nil {
		return nil, err
	}
	return w, w.open(ctx, guest, tickets)
}

// open makes the links: alice's, sam's, and the administrator's.
func (w *Windows) open(ctx context.Context, guest *client.Client, tickets *edge.Tickets) error {
	// A browser opens six connections of HTTP/1.1 to a host, and each window
	// holds some: customers and supervisor get another host than the agent.
	other := strings.Replace(w.URL(), "127.0.0.1", "localhost", 1)
	w.links.Customer = other + "/chat?site=" + siteName
	w.links.Admin = w.URL() + tickets.Issue("admin", w.key, "/admin")
	for _, window := range []struct {
		name, agent, url, path string
		link                   *string
	}{
		{"agent", "alice", w.URL(), "/agent", &w.links.Agent},
		{"supervisor", "sam", other, "/wall", &w.links.Supervisor},
	} {
		session, err := guest.Authentication().OpenSession(ctx, &usherv1.OpenSessionRequest{AgentId: window.agent, Password: Password})
		if err != nil {
			return fmt.Errorf("log %s in: %w", window.agent, err)
		}
		*window.link = window.url + tickets.Issue(window.name, session.GetToken(), window.path)
	}
	return nil
}

// Links are the windows, already logged in.
func (w *Windows) Links() Links { return w.links }

// URL is where the server listens for clients and browsers.
func (w *Windows) URL() string { return w.server.URL() }

// AdminURL is where it listens for operators.
func (w *Windows) AdminURL() string { return w.server.AdminURL() }

// Key is an API key of administration.
func (w *Windows) Key() string { return w.key }

// Shutdown stops the server.
func (w *Windows) Shutdown(ctx context.Context) error { return w.server.Shutdown(ctx) }

// Work lets bots work and customers come until ctx ends.
func (w *Windows) Work(ctx context.Context) error {
	all, working := errgroup.WithContext(ctx)
	all.Go(func() error { return w.lookUps(working) })
	for _, id := range bots {
		all.Go(func() error { return w.bot(working, id) })
	}
	all.Go(func() error { return w.customers(working) })
	err := all.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return err
}
