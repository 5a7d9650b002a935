// Package server is a whole Usher in one process: journal, center and edge,
// wired together.
//
// It promises that Start returns a server that serves, or nothing: neither a
// listener nor a data folder stays occupied after an error. And that Shutdown
// loses nothing: new requests are refused, those under way are answered, the
// streams end, the state is saved, and only then the journal is closed.
//
//	Listen      --> edge --> center --> journal (DataDir, or memory)
//	                 +-----> projection --+ (follows it)
//	AdminListen --> health, metrics, profiles, status
package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/usher-cc/usher/center"
	"github.com/usher-cc/usher/edge"
	"github.com/usher-cc/usher/engine"
	"github.com/usher-cc/usher/journal"
	"github.com/usher-cc/usher/journal/memory"
	"github.com/usher-cc/usher/journal/pebble"
	"github.com/usher-cc/usher/media"
	"github.com/usher-cc/usher/projection"
	"github.com/usher-cc/usher/router"
	"github.com/usher-cc/usher/web"
)

// closeTimeout is how long saving the state may take once the requests under
// way are answered or given up.
const closeTimeout = 30 * time.Second

// Config says how a Server works. Only Listen is necessary.
type Config struct {
	DataDir     string      // where the journal is; empty for one in memory, which ends with the process
	Listen      string      // host:port for clients; port 0 for any
	AdminListen string      // host:port for operators; empty for none
	TLS         *tls.Config // for clients; nil for plain HTTP
	Plaintext   bool        // allow plain HTTP beyond this machine
	Limits      edge.Limits
	Proxies     []netip.Prefix // from where X-Forwarded-For is believed
	Sessions    media.Limits   // of customers
	Tickets     *edge.Tickets  // login links, for a demo; nil for none

	Retention     time.Duration // how long the journal is kept, and attachments a day longer; 0 for ever
	LowSpaceBytes uint64        // free disk below which submits are refused; 0 for the default

	Logger *slog.Logger  // none by default
	Clock  center.Clock  // the machine's by default
	NewID  func() string // random by default
}

// Server is a running Usher. Make it with Start.
type Server struct {
	journal  journal.Journal
	center   *center.Center
	sessions *media.Server
	view     *projection.View
	edge     *edge.Server
	admin    *http.Server
	log      *slog.Logger

	url, adminURL string
	setup         setup
	failed        chan error

	shutdown    sync.Once
	shutdownErr error
}

// Start starts a server. It serves when Start returns. ctx ends only the
// starting.
func Start(ctx context.Context, c Config) (_ *Server, err error) {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	var undo []func() error
	defer func() {
		if err == nil {
			return
		}
		for _, f := range slices.Backward(undo) {
			err = errors.Join(err, f())
		}
	}()
	s := &Server{log: c.Logger, failed: make(chan error, 2)}
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen for clients: %w", err)
	}
	undo = append(undo, listener.Close)
	var adminListener net.Listener
	if c.AdminListen != "" {
		if adminListener, err = net.Listen("tcp", c.AdminListen); err != nil {
			return nil, fmt.Errorf("listen for operators: %w", err)
		}
		undo = append(undo, adminListener.Close)
	}
	if s.journal, err = openJournal(c); err != nil {
		return nil, err
	}
	undo = append(undo, s.journal.Close)
	if s.center, err = openCenter(ctx, c, s.journal); err != nil {
		return nil, err
	}
	undo = append(undo, func() error { return s.drainCenter() })
	if s.sessions, err = startSessions(ctx, c, s.center); err != nil {
		return nil, err
	}
	undo = append(undo, func() error { return s.endSessions() })
	s.view = projection.Open(s.center, c.Logger)
	undo = append(undo, func() error { s.view.Close(); return nil })
	if err = s.prepare(ctx, c); err != nil {
		return nil, err
	}
	s.serve(listener, adminListener, c)
	return s, nil
}

// openJournal opens the journal in the data folder, or one in memory.
func openJournal(c Config) (journal.Journal, error) {
	if c.DataDir == "" {
		return memory.New(), nil
	}
	j, err := pebble.Open(pebble.Options{Dir: c.DataDir, LowSpaceBytes: c.LowSpaceBytes, Logger: c.Logger})
	if err != nil {
		return nil, err
	}
	return j, nil
}

func openCenter(ctx context.Context, c Config, j journal.Journal) (*center.Center, error) {
	opened, err := center.Open(ctx, center.Options{
		Journal:   j,
		NewRouter: func() center.Router { return router.New() },
		Clock:     c.Clock,
		Logger:    c.Logger,
		NewID:     c.NewID,
		Retention: c.Retention,
	})
	if err != nil {
		return nil, fmt.Errorf("open the journal's state: %w", err)
	}
	return opened, nil
}

// startSessions starts the media server of customers' sessions.
func startSessions(ctx context.Context, c Config, over *center.Center) (*media.Server, error) {
	key, err := media.Key(c.DataDir)
	if err != nil {
		return nil, err
	}
	s, err := media.New(media.Options{
		Center: media.Over(over), Key: key, Dir: c.DataDir, Logger: c.Logger, Limits: c.Sessions, Retention: c.Retention,
	})
	if err != nil {
		return nil, err
	}
	if err := s.Start(ctx); err != nil {
		return nil, errors.Join(err, s.Shutdown(ctx))
	}
	return s, nil
}

func (s *Server) endSessions() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	return s.sessions.Shutdown(ctx)
}

// prepare makes what every server has: the default tenant, a way to set it up,
// and the edge.
func (s *Server) prepare(ctx context.Context, c Config) error {
	if !slices.Contains(s.center.Tenants(), edge.DefaultTenant) {
		reply, err := s.center.CreateTenant(ctx, engine.Server, edge.DefaultTenant)
		if err := outcome(reply, err); err != nil {
			return fmt.Errorf("make the tenant %q: %w", edge.DefaultTenant, err)
		}
	}
	s.setup = setup{dir: c.DataDir, log: c.Logger}
	if err := s.setup.begin(s.hasKeys()); err != nil {
		return err
	}
	s.edge = edge.New(edge.Options{
		Center:            s.settingUp(),
		Sessions:          s.sessions,
		Statistics:        s.view,
		Logger:            c.Logger,
		Limits:            c.Limits,
		TLS:               c.TLS,
		PlaintextAnywhere: c.Plaintext,
		TrustedProxies:    c.Proxies,
		SetupTokenHash:    s.setup.hash,
		Tickets:           c.Tickets,
		Other:             web.Handler(),
	})
	return nil
}

// serve begins to serve on both listeners.
func (s *Server) serve(listener, adminListener net.Listener, c Config) {
	scheme := "http"
	if c.TLS != nil {
		scheme = "https"
	}
	s.url = address(scheme, listener)
	go s.watch(func() error { return s.edge.Serve(listener) })
	if adminListener == nil {
		return
	}
	s.adminURL = address("http", adminListener)
	s.admin = &http.Server{
		Handler:           s.adminHandler(),
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	go s.watch(func() error {
		if err := s.admin.Serve(adminListener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
}

// watch reports when serving ends although nobody asked for it.
func (s *Server) watch(serve func() error) {
	if err := serve(); err != nil {
		s.failed <- err
	}
}

// address is the URL of a listener, as somebody on this machine can open it.
func address(scheme string, l net.Listener) string {
	host, port, _ := net.SplitHostPort(l.Addr().String())
	if ip := net.ParseIP(host); ip.IsUnspecified() {
		host = "localhost"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

// URL is where clients reach the server.
func (s *Server) URL() string { return s.url }

// AdminURL is where operators reach the server; empty if nowhere.
func (s *Server) AdminURL() string { return s.adminURL }

// Handler serves the protocols without a network, for tests.
func (s *Server) Handler() http.Handler { return s.edge.Handler() }

// Center is the single writer, for those who measure or play in process.
func (s *Server) Center() *center.Center { return s.center }

// SetupToken is the one-time token with which the first API key is made. Only
// the first start of a data folder knows it; it is empty otherwise.
func (s *Server) SetupToken() string { return s.setup.token }

// Failed tells that a listener has failed and the server should be shut down.
func (s *Server) Failed() <-chan error { return s.failed }

// Shutdown ends the server. It refuses new clients, ends the streams, and
// waits until the requests under way are answered or ctx ends; what was
// acknowledged is kept in either case.
func (s *Server) Shutdown(ctx context.Context) error {
	s.shutdown.Do(func() {
		err := s.edge.Shutdown(ctx)
		if err != nil && ctx.Err() != nil {
			s.log.Warn("gave up requests that were not finished in time", "error", err)
			err = nil
		}
		s.view.Close()
		err = errors.Join(err, s.endSessions(), s.drainCenter(), s.journal.Close())
		if s.admin != nil {
			err = errors.Join(err, s.admin.Close())
		}
		s.shutdownErr = err
	})
	return s.shutdownErr
}

func (s *Server) drainCenter() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	if err := s.center.Drain(ctx); err != nil {
		return fmt.Errorf("save the state: %w", err)
	}
	return nil
}

// outcome is a reply's refusal, or err, as one error.
func outcome(reply center.Reply, err error) error {
	if err == nil && reply.Err != nil {
		return fmt.Errorf("%s: %s", reply.Err.GetName(), reply.Err.GetDescription())
	}
	return err
}
