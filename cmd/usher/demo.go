package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/internal/demo"
	"github.com/usher-cc/usher/sim/scenario"
)

func demoCommand() *cobra.Command {
	var once, asJSON bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Play all published models against a server, then keep it busy",
		Long: `Start a server with an embedded journal in a temporary folder, play every phase
of every published model over its public API, each shown as the sequence of its
messages, and then keep two queues and three agents busy until interrupted.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if asJSON && !once {
				return errors.New("--json goes with --once")
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGTERM, syscall.SIGINT)
			defer stop()
			return runDemo(ctx, cmd.OutOrStdout(), once, asJSON)
		},
	}
	cmd.Flags().BoolVar(&once, "once", false, "end after the models")
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object for each arrow: scenario, phase, seq, from, to, message, protocol")
	return cmd
}

func runDemo(ctx context.Context, out io.Writer, once, asJSON bool) (err error) {
	dir, err := os.MkdirTemp("", "usher-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	d, err := demo.Start(ctx, dir, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer func() {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		err = errors.Join(err, d.Shutdown(ending))
	}()
	buffered := bufio.NewWriter(out)
	var viewer demo.Viewer = &pages{out: buffered}
	if asJSON {
		viewer = &objects{out: json.NewEncoder(buffered), Writer: buffered}
	}
	phases, err := d.PlayModels(ctx, viewer)
	err = errors.Join(err, buffered.Flush())
	if ctx.Err() != nil {
		return nil
	}
	if err != nil || asJSON {
		return err
	}
	fmt.Fprintf(out, "\n%d phases, each as published.\n", phases)
	if once {
		return nil
	}
	whereToLook(out, d)
	return d.Traffic(ctx, func(line *usherv1.TraceLine) error { return drawText(out, line) })
}

// pages shows phases as the spec prints them.
type pages struct {
	out      *bufio.Writer
	scenario *scenario.Scenario
}

// Phase implements demo.Viewer.
func (v *pages) Phase(s *scenario.Scenario, p *scenario.Phase) {
	v.out.Flush()
	if v.scenario != s {
		v.scenario = s
		fmt.Fprintf(v.out, "\n==== %s: %s (%s)\n", s.Name, s.Title, s.Spec)
	}
	fmt.Fprintf(v.out, "\n%s %s: %s\n", s.Name, p.Name, p.Title)
}

// Line implements demo.Viewer. What the server sends stands indented under
// what it was asked.
func (v *pages) Line(l scenario.Line) {
	indent := ""
	if l.From == "ixn" {
		indent = "    "
	}
	fmt.Fprintf(v.out, "  %s%-*s %-30s %s\n", indent, 26-len(indent), l.From+" > "+l.To, l.Message, l.Protocol)
}

// objects prints one JSON object for each arrow.
type objects struct {
	out *json.Encoder
	*bufio.Writer
}

// Phase implements demo.Viewer.
func (v *objects) Phase(*scenario.Scenario, *scenario.Phase) { v.Flush() }

// Line implements demo.Viewer.
func (v *objects) Line(l scenario.Line) {
	// A write that fails is reported when the writer is flushed.
	_ = v.out.Encode(l)
}

func whereToLook(out io.Writer, d *demo.Demo) {
	fmt.Fprintf(out, `
Now a small contact centre: queues chats and mails, agents ana, ben and cleo,
and customers who come, wait and sometimes give up. Interrupt to end.

  protocols   %s
  metrics     %s/metrics
  agents      tenant %s, password %s
  admin key   %s

  usher trace --all --live --url %s --tenant %s --api-key %s

`, d.URL(), d.AdminURL(), demo.TrafficTenant, demo.Password, d.Key(), d.URL(), demo.TrafficTenant, d.Key())
}
