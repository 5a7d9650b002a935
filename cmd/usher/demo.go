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
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Play all published models against a server, then keep it busy",
		Long: `Start a server with an embedded journal in a temporary folder, play every phase
of every published model over its public API, each shown as the sequence of its
messages, take two chats on a tour through a small contact centre with skills and
vectors, and then keep that contact centre busy until interrupted.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if asJSON && !once {
				return errors.New("--json goes with --once")
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGTERM, syscall.SIGINT)
			defer stop()
			context.AfterFunc(ctx, stop) // the second signal ends it at once
			return runDemo(ctx, cmd.OutOrStdout(), once, asJSON)
		},
	}
	cmd.Flags().BoolVar(&once, "once", false, "end after the models and the tour")
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
	var viewer viewer = &pages{out: buffered}
	if asJSON {
		viewer = &objects{out: json.NewEncoder(buffered), Writer: buffered}
	}
	err = play(ctx, d, viewer, buffered, asJSON)
	err = errors.Join(err, buffered.Flush())
	if ctx.Err() != nil {
		return nil
	}
	if err != nil || once {
		return err
	}
	whereToLook(out, d)
	return d.Traffic(ctx, &pages{out: bufio.NewWriter(out)})
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

func whereToLook(out io.Writer, d *demo.Demo) {
	fmt.Fprintf(out, `
Now it is kept busy: two VDNs with their vectors, agents ana, ben and cleo with
their skills, and customers who come, wait and sometimes give up. Interrupt to end.

  protocols   %s
  metrics     %s/metrics
  agents      tenant %s, password %s
  admin key   %s

  usher trace --all --live --url %s --tenant %s --api-key %s

`, d.URL(), d.AdminURL(), demo.TrafficTenant, demo.Password, d.Key(), d.URL(), demo.TrafficTenant, d.Key())
}
