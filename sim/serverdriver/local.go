package serverdriver

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/center"
	"github.com/usher-cc/usher/edge"
	"github.com/usher-cc/usher/internal/server"
)

// Local is a Host in this process whose clock stands still until Advance. It
// listens on loopback.
type Local struct {
	config server.Config
	clock  *center.ManualClock
	server *server.Server
}

// StartLocal starts a server on a data folder and sets it up; the key is of
// the tenant "system".
func StartLocal(ctx context.Context, dataDir string, logger *slog.Logger) (_ *Local, key string, err error) {
	l := &Local{clock: center.NewManualClock(time.Now())}
	l.config = server.Config{
		DataDir: dataDir, Listen: "127.0.0.1:0", AdminListen: "127.0.0.1:0", Clock: l.clock, Logger: logger, Limits: unlimited(),
	}
	if l.server, err = server.Start(ctx, l.config); err != nil {
		return nil, "", err
	}
	l.config.Listen, l.config.AdminListen = hostPort(l.server.URL()), hostPort(l.server.AdminURL())
	setup := &usherv1.SetUpResponse{}
	err = caller{url: l.URL}.call(ctx, &usherv1.SetUpRequest{SetupToken: l.server.SetupToken()}, setup)
	if err != nil {
		return nil, "", fmt.Errorf("set up: %w", err)
	}
	return l, setup.Key, nil
}

// unlimited lets one address log in and ask as often as scenarios do, with
// passwords that are cheap to check because they guard nothing.
func unlimited() edge.Limits {
	const many = 1e6
	return edge.Limits{
		RequestsPerSecond: many, RequestBurst: many, LoginsPerAgent: many, LoginBurstAgent: many,
		LoginsPerAddress: many, LoginBurstAddress: many, PasswordKiB: 64,
	}
}

func hostPort(url string) string { return strings.TrimPrefix(url, "http://") }

// Clock is the server's clock.
func (l *Local) Clock() *center.ManualClock { return l.clock }

// URL implements Host.
func (l *Local) URL() string { return l.server.URL() }

// AdminURL implements Host.
func (l *Local) AdminURL() string { return l.server.AdminURL() }

// Advance implements Host.
func (l *Local) Advance(_ context.Context, d time.Duration) error {
	l.clock.Advance(d)
	return nil
}

// Restart implements Host.
func (l *Local) Restart(ctx context.Context) error {
	if err := l.server.Shutdown(ctx); err != nil {
		return fmt.Errorf("stop the server: %w", err)
	}
	transport.CloseIdleConnections()
	restarted, err := server.Start(ctx, l.config)
	if err != nil {
		return fmt.Errorf("start the server again: %w", err)
	}
	l.server = restarted
	return nil
}

// Shutdown stops the server.
func (l *Local) Shutdown(ctx context.Context) error { return l.server.Shutdown(ctx) }
