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
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/internal/demo"
	"github.com/usher-cc/usher/sim/scenario"
)

func demoCommand() *cobra.Command {
	var once, asJSON bool
	var listen string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Open a small contact centre to try, or play all published models",
		Long: `Start a server with an embedded journal in a temporary folder, and on it a small
contact centre with skills and vectors, where bots chat with each other and with
you until interrupted: it prints a link to each window, already logged in.

With --once, instead, play every phase of every published model over the public
API, each shown as the sequence of its messages, and take two chats on a tour
through that contact centre, step by step.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if asJSON && !once {
				return errors.New("--json goes with --once")
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGTERM, syscall.SIGINT)
			defer stop()
			context.AfterFunc(ctx, stop) // the second signal ends it at once
			if once {
				return playOnce(ctx, cmd.OutOrStdout(), asJSON)
			}
			return openWindows(ctx, cmd.OutOrStdout(), listen)
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:8420", "host:port; another port if it is taken")
	cmd.Flags().BoolVar(&once, "once", false, "play the models and the tour, and end")
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object for each arrow: scenario, phase, seq, from, to, message, protocol")
	return cmd
}

// withFolder lends a temporary folder.
func withFolder(use func(dir string) error) (err error) {
	dir, err := os.MkdirTemp("", "usher-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	return use(dir)
}

// shutDown ends a server when what was shown on it is over.
func shutDown(ctx context.Context, server interface{ Shutdown(context.Context) error }) error {
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return server.Shutdown(ending)
}

// openWindows opens the contact centre until ctx ends.
func openWindows(ctx context.Context, out io.Writer, listen string) error {
	return withFolder(func(dir string) (err error) {
		w, err := demo.OpenWindows(ctx, dir, listen, slog.New(slog.DiscardHandler))
		if errors.Is(err, syscall.EADDRINUSE) {
			w, err = demo.OpenWindows(ctx, dir, "127.0.0.1:0", slog.New(slog.DiscardHandler))
		}
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, shutDown(ctx, w)) }()
		whereToLook(out, w)
		return w.Work(ctx)
	})
}

// playOnce plays the models and the tour.
func playOnce(ctx context.Context, out io.Writer, asJSON bool) error {
	return withFolder(func(dir string) (err error) {
		d, err := demo.Start(ctx, dir, slog.New(slog.DiscardHandler))
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, shutDown(ctx, d)) }()
		buffered := bufio.NewWriter(out)
		var viewer viewer = &pages{out: buffered}
		if asJSON {
			viewer = &objects{out: json.NewEncoder(buffered), Writer: buffered}
		}
		err = errors.Join(play(ctx, d, viewer, buffered, asJSON), buffered.Flush())
		if ctx.Err() != nil {
			return nil
		}
		return err
	})
}

// viewer is shown all that comes before the traffic.
type viewer interface {
	demo.Viewer
	demo.Watcher
}

// play plays the models and the tour.
func play(ctx context.Context, d *demo.Demo, v viewer, out io.Writer, asJSON bool) error {
	phases, err := d.PlayModels(ctx, v)
	if err != nil {
		return err
	}
	if !asJSON {
		fmt.Fprintf(out, "\n%d phases, each as published.\n", phases)
	}
	return d.Tour(ctx, v)
}

// pages shows phases as the spec prints them, and the contact centre as
// "usher trace" and "usher explain" do.
type pages struct {
	out      *bufio.Writer
	scenario *scenario.Scenario
	parts    int
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

// Part implements demo.Watcher.
func (v *pages) Part(title string) error {
	if v.parts++; v.parts == 1 {
		fmt.Fprint(v.out, "\n==== a small contact centre, step by step\n")
	}
	fmt.Fprintf(v.out, "\n%s %d: %s\n", tourName, v.parts, title)
	return v.out.Flush()
}

// Arrow implements demo.Watcher.
func (v *pages) Arrow(line *usherv1.TraceLine) error {
	return errors.Join(drawText(v.out, line), v.out.Flush())
}

// Why implements demo.Watcher: as "usher explain" answers, at the margin of the
// arrows.
func (v *pages) Why(why *usherv1.EventWhyWaiting) error {
	var b strings.Builder
	if err := printWhy(&b, why); err != nil {
		return err
	}
	fmt.Fprintf(v.out, "\n  usher explain %s\n", why.GetInteractionId())
	for line := range strings.Lines(b.String()) {
		if line != "\n" {
			fmt.Fprint(v.out, "  | ", line)
		}
	}
	return v.out.Flush()
}

// tourName is the tour's name beside those of the scenarios.
const tourName = "contact-centre"

// objects prints one JSON object for each arrow.
type objects struct {
	out *json.Encoder
	*bufio.Writer
	parts, seq int
}

// Phase implements demo.Viewer.
func (v *objects) Phase(*scenario.Scenario, *scenario.Phase) { v.Flush() }

// Line implements demo.Viewer.
func (v *objects) Line(l scenario.Line) {
	// A write that fails is reported when the writer is flushed.
	_ = v.out.Encode(l)
}

// Part implements demo.Watcher.
func (v *objects) Part(string) error {
	v.parts, v.seq = v.parts+1, 0
	return v.Flush()
}

// Arrow implements demo.Watcher.
func (v *objects) Arrow(line *usherv1.TraceLine) error {
	for _, to := range line.GetTo() {
		if err := v.out.Encode(v.line(participant(line.GetFrom()), participant(to), line.GetMessage(), protocol(line))); err != nil {
			return err
		}
	}
	return nil
}

// Why implements demo.Watcher.
func (v *objects) Why(why *usherv1.EventWhyWaiting) error {
	return v.out.Encode(struct {
		scenario.Line
		Summary string `json:"summary"`
	}{v.line("ixn", "admin", "EventWhyWaiting", "routing"), why.GetSummary()})
}

func (v *objects) line(from, to, message, protocol string) scenario.Line {
	v.seq++
	return scenario.Line{
		Scenario: tourName, Phase: strconv.Itoa(v.parts), Seq: v.seq, From: from, To: to, Message: message, Protocol: protocol,
	}
}

func whereToLook(out io.Writer, w *demo.Windows) {
	links := w.Links()
	fmt.Fprintf(out, `
A small contact centre is open. Open these in a browser: you are logged in, and
bots chat and work beside you. Interrupt to end.

  customer    %[6]s
  agent       %[5]s
  supervisor  %[7]s
  admin       %[8]s

  agents      alice (you), ana, ben, cleo (bots), sam (supervisor): password %[3]s
  metrics     %[2]s/metrics
  admin key   %[4]s

  usher trace --all --live --url %[1]s --api-key %[4]s

`, w.URL(), w.AdminURL(), demo.Password, w.Key(), links.Agent, links.Customer, links.Supervisor, links.Admin)
}
