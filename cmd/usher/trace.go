package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/client"
)

// traceSettings are the flags of trace.
type traceSettings struct {
	from   remote
	format string
	live   bool
	all    bool
}

func traceCommand() *cobra.Command {
	var s traceSettings
	cmd := &cobra.Command{
		Use:   "trace INTERACTION",
		Short: "Print the sequence of messages of an interaction",
		Long: `Print every request and every message of an interaction, in order, as arrows
(text), as a sequence diagram of Mermaid, or as one JSON object a line. The key
is one for reporting or administration.`,
		Args: func(_ *cobra.Command, args []string) error {
			if s.all == (len(args) == 1) || len(args) > 1 {
				return errors.New("name one interaction, or give --all for all of the tenant")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			request := &usherv1.RequestTrace{TenantId: s.from.tenant, Live: s.live}
			if !s.all {
				request.InteractionId = args[0]
			}
			return trace(ctx, &s, request, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	s.from.flags(cmd)
	cmd.Flags().StringVar(&s.format, "format", "text", "text, mermaid or json")
	cmd.Flags().BoolVar(&s.live, "live", false, "go on as things happen, until interrupted")
	cmd.Flags().BoolVar(&s.all, "all", false, "all interactions of the tenant, its agents and other clients")
	_ = cmd.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(
		[]string{"text", "mermaid", "json"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// trace prints the lines as they come.
func trace(ctx context.Context, s *traceSettings, request *usherv1.RequestTrace, stdout, stderr io.Writer) error {
	draw, err := drawing(s.format, stdout)
	if err != nil {
		return err
	}
	server, err := s.from.dial()
	if err != nil {
		return err
	}
	lines, err := traceOnce(ctx, server, request, draw)
	var refusal *client.Error
	if errors.As(err, &refusal) && lines == 0 && refusal.Event.GetCode() == usherv1.ErrorCode_ERROR_CODE_CURSOR_EXPIRED {
		request.AfterSequence = refusal.Event.GetSequence()
		fmt.Fprintf(stderr, "usher: the journal begins after sequence %d; what came before is not shown\n", request.GetAfterSequence())
		lines, err = traceOnce(ctx, server, request, draw)
	}
	switch {
	case ctx.Err() != nil:
		return nil // interrupted: a live trace has no other end
	case err != nil:
		return s.from.explain(err)
	case lines == 0 && request.GetInteractionId() != "":
		return fmt.Errorf("the journal has nothing about interaction %q", request.GetInteractionId())
	}
	return nil
}

// traceOnce draws one stream to its end and counts the lines.
func traceOnce(ctx context.Context, server *client.Client, request *usherv1.RequestTrace, draw func(*usherv1.TraceLine) error) (lines int, err error) {
	for line, err := range server.Trace(ctx, request) {
		if err != nil {
			return lines, err
		}
		if err := draw(line); err != nil {
			return lines, err
		}
		lines++
	}
	return lines, nil
}
