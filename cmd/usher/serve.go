package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/usher-cc/usher/internal/server"
	"github.com/usher-cc/usher/internal/settings"
)

func serveCommand() *cobra.Command {
	var s serveSettings
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the server",
		Long: `Run the server until it is told to stop (SIGTERM or SIGINT): it then ends the
streams, answers the requests under way and saves its state. A second signal
ends it at once; what was acknowledged is kept in either case.

Every setting is a flag (--log-level), an environment variable
(USHER_LOG_LEVEL) and a key of the file that --config names (log_level); a flag
wins over the environment, the environment over the file.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := settings.Fill(cmd.Flags(), environmentPrefix, os.LookupEnv); err != nil {
				return err
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGTERM, syscall.SIGINT)
			defer stop()
			context.AfterFunc(ctx, stop) // the second signal finds nobody who waits for it
			return serve(ctx, &s, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	s.flags(cmd.Flags())
	return cmd
}

// serve runs the server until ctx ends or it fails.
func serve(ctx context.Context, s *serveSettings, stdout, stderr io.Writer) error {
	config, err := s.config(stderr)
	if err != nil {
		return err
	}
	if s.dev && s.data == "" {
		if config.DataDir, err = os.MkdirTemp("", "usher-dev-"); err != nil {
			return fmt.Errorf("make a data folder for development: %w", err)
		}
		defer os.RemoveAll(config.DataDir)
	}
	running, err := server.Start(ctx, config)
	if errors.Is(err, context.Canceled) {
		return nil // told to stop before it had begun
	}
	if err != nil {
		return locked(err, config.DataDir)
	}
	err = s.introduce(ctx, running, config.DataDir, stdout, stderr)
	if err == nil {
		config.Logger.Info("serving", "url", running.URL(), "admin", running.AdminURL(), "data", config.DataDir)
		select {
		case <-ctx.Done():
			config.Logger.Info("stopping", "drain_timeout", s.drainTimeout)
		case err = <-running.Failed():
			config.Logger.Error("a listener failed", "error", err)
		}
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.drainTimeout)
	defer cancel()
	if stopped := running.Shutdown(drain); stopped != nil {
		return errors.Join(err, stopped)
	}
	config.Logger.Info("stopped")
	return err
}

// introduce prints what whoever started the server needs to use it.
func (s *serveSettings) introduce(ctx context.Context, running *server.Server, dir string, stdout, stderr io.Writer) error {
	if s.dev {
		return introduceDev(ctx, running, dir, stdout)
	}
	token := running.SetupToken()
	if token == "" {
		return nil
	}
	_, err := fmt.Fprintf(stderr, `
This server has no API key yet. Its one-time setup token, shown only now, gives
the first one, for administration:

  %[1]s

  curl -H 'Content-Type: application/json' -d '{"setup_token": "%[1]s"}' \
    %[2]s/usher.v1.Authentication/SetUp

`, token, running.URL())
	return err
}

// introduceDev sets the server up and prints what a shell can take over.
func introduceDev(ctx context.Context, running *server.Server, dir string, stdout io.Writer) error {
	keys, err := running.SetUpForDevelopment(ctx)
	if err != nil {
		return fmt.Errorf("set up for development: %w", err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# Usher for development, in %s.\n", dir)
	fmt.Fprintf(&b, "# The agents alice, bob and carol (a supervisor) have the password %s.\n", server.DevPassword)
	for _, line := range [][2]string{
		{"USHER_URL", running.URL()},
		{"USHER_ADMIN_URL", running.AdminURL()},
		{"USHER_API_KEY", keys.Admin},
		{"USHER_MEDIA_KEY", keys.Media},
		{"USHER_ROUTER_KEY", keys.Router},
		{"USHER_SERVICE_KEY", keys.Service},
		{"USHER_REPORTING_KEY", keys.Reporting},
	} {
		fmt.Fprintf(&b, "export %s=%s\n", line[0], line[1])
	}
	_, err = io.WriteString(stdout, b.String())
	return err
}
