package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/usher-cc/usher/internal/bench"
	"github.com/usher-cc/usher/sim/waits"
)

func benchCommand() *cobra.Command {
	var o bench.Options
	var w waitsOptions
	var c bench.ChatOptions
	var chats bool
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure disk, journal, engine, router and the whole server",
		Long: `Measure, in one run on this machine, what disk, journal, engine, router and the
whole server do, as ratios to each other. Absolute figures change from machine
to machine and from hour to hour; the ratios stay.

A life is all of an interaction: submit, route, invite, accept, stop.

With --waits it measures how well waits are foreseen instead: simulated days of
a contact centre are played through engine and router, and what was foreseen is
compared with what came, and with two plain formulas. The figures are the same
on every machine.

With --chats it measures customers and agents who chat at once instead: lines,
how long they are on their way, and the memory of a connection.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if w.measure {
				return runWaits(cmd.OutOrStdout(), w)
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGTERM, syscall.SIGINT)
			defer stop()
			if chats {
				c.Agents, c.Duration, c.Dir = o.Agents, o.Duration, o.Dir
				return runChats(ctx, cmd.OutOrStdout(), cmd.ErrOrStderr(), c, asJSON)
			}
			return runBench(ctx, cmd.OutOrStdout(), cmd.ErrOrStderr(), o, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "one JSON object")
	cmd.Flags().DurationVar(&o.Duration, "duration", bench.DefaultDuration, "how long server and empty service are measured each; the rest takes shares of it")
	cmd.Flags().IntVar(&o.Media, "media", bench.DefaultMedia, "media servers that submit")
	cmd.Flags().IntVar(&o.Agents, "agents", bench.DefaultAgents, "agents, with one interaction each")
	cmd.Flags().BoolVar(&w.measure, "waits", false, "measure how well waits are foreseen, and nothing else")
	cmd.Flags().Uint64Var(&w.seed, "seed", 1, "which days are played for --waits")
	cmd.Flags().IntVar(&w.days, "days", waits.Days, fmt.Sprintf("how many days of each pattern are played for --waits, at most %d", waits.Days))
	cmd.Flags().BoolVar(&chats, "chats", false, "measure customers and agents who chat, and nothing else")
	cmd.Flags().IntVar(&c.Customers, "customers", bench.DefaultCustomers, "customers who chat at once for --chats")
	cmd.Flags().DurationVar(&c.Every, "every", bench.DefaultEvery, "how often a customer says something, on average, for --chats")
	cmd.MarkFlagsMutuallyExclusive("waits", "json")
	cmd.MarkFlagsMutuallyExclusive("waits", "chats")
	cmd.Flags().StringVar(&o.Dir, "dir", "", "where the data folders are made, on the disk to be measured; default the system's place for temporary files")
	return cmd
}

// waitsOptions say how well waits foreseen are measured.
type waitsOptions struct {
	measure bool
	seed    uint64
	days    int
}

// runWaits prints how well waits are foreseen, as Markdown.
func runWaits(out io.Writer, o waitsOptions) error {
	if o.days < 1 || o.days > waits.Days {
		return fmt.Errorf("--days: %d, 1 to %d", o.days, waits.Days)
	}
	fmt.Fprintf(out, `usher bench --waits --seed %d --days %d

Engine and router, %d days of each pattern. For each call that had to wait, when
it came and each minute after: the median of the absolute errors of what was
foreseen, in seconds. naive is position x average handling time / agents logged
in; informed, the same with the agents who are not in AUX. Below 1 is better.

%s`, o.seed, o.days, o.days, waits.Table(o.seed, o.days))
	return nil
}

func runChats(ctx context.Context, out, progress io.Writer, o bench.ChatOptions, asJSON bool) error {
	o.Progress = func(what string) {
		if !asJSON {
			fmt.Fprintf(progress, "measuring %s ...\n", what)
		}
	}
	r, err := bench.RunChats(ctx, o)
	if err != nil {
		return err
	}
	if asJSON {
		return json.NewEncoder(out).Encode(r)
	}
	_, err = fmt.Fprintf(out, `usher bench --chats --customers %d --agents %d --every %v --duration %v

All chats connected after                   %8.1f s
Lines said, durable and heard               %8.0f a second
From a customer to his agent, median        %8.1f ms   99 of 100 %8.1f ms
From an agent to his customer, median       %8.1f ms   99 of 100 %8.1f ms
Processors' time, server and clients        %8.0f µs a line
Memory of an open stream of a browser       %8.1f KiB
`, o.Customers, o.Agents, o.Every, o.Duration, r.ConnectedS, r.LinesPerS, r.ToAgentP50Ms, r.ToAgentP99Ms,
		r.ToCustomerP50Ms, r.ToCustomerP99Ms, r.CPUUsPerLine, r.BytesPerConnection/1024)
	return err
}

func runBench(ctx context.Context, out, progress io.Writer, o bench.Options, asJSON bool) error {
	if !asJSON {
		o.Progress = func(what string) { fmt.Fprintf(progress, "measuring %s ...\n", what) }
	}
	r, err := bench.Run(ctx, o)
	if err != nil {
		return err
	}
	if asJSON {
		return json.NewEncoder(out).Encode(r)
	}
	printBench(out, o, r)
	return nil
}

// printBench prints the figures, and what they are to each other.
func printBench(out io.Writer, o bench.Options, r *bench.Result) {
	line := func(what string, figure float64, unit, ratio string, args ...any) {
		text := fmt.Sprintf("  %-40s %11s %-9s  %s", what, grouped(figure), unit, fmt.Sprintf(ratio, args...))
		fmt.Fprintln(out, strings.TrimRight(text, " "))
	}
	fmt.Fprintf(out, "usher bench --duration %v --media %d --agents %d   (%.0f s)\n", o.Duration, o.Media, o.Agents, r.TookS)

	fmt.Fprintf(out, "\nDisk: the server's batches, of %s bytes, each synced\n", grouped(r.BytesPerFsync))
	line("written to a file", r.RawAppendsPerS, "appends/s", "")
	line("appended to the journal", r.JournalAppendsPerS, "appends/s", "%.2f of the file", r.JournalAppendsPerS/r.RawAppendsPerS)

	fmt.Fprintf(out, "\nOne processor, in memory\n")
	line("engine", r.EngineLivesPerS, "lives/s", "%.0f times the server", r.EngineLivesPerS/r.APILivesPerS)
	line("engine and router", r.EngineRouterLivesPerS, "lives/s", "%.2f of the engine", r.EngineRouterLivesPerS/r.EngineLivesPerS)

	fmt.Fprintf(out, "\nOver the network, with the clients on the same processors\n")
	line("server, durable", r.APILivesPerS, "lives/s", "%.2f of the empty service", r.APILivesPerS/r.EmptyRPCLivesPerS)
	line("empty service, same calls and messages", r.EmptyRPCLivesPerS, "lives/s", "")
	line("server, processors' time", r.CPUUsPerLife, "µs/life", "%.2f times the empty service", r.CPUUsPerLife/r.EmptyRPCCPUUsPerLife)
	line("empty service, processors' time", r.EmptyRPCCPUUsPerLife, "µs/life", "")
	line("journal", r.BytesPerLife, "bytes", "a life")
	line("synced", r.FsyncsPerS, "fsyncs/s", "%.1f lives each, %.2f of what the journal can", r.LivesPerFsync, r.FsyncsPerS/r.JournalAppendsPerS)

	fmt.Fprintf(out, "\nFrom submit to the agent's EventInvite, at half of that load\n")
	fmt.Fprintf(out, "  %-40s %11.2f ms\n  %-40s %11.2f ms\n", "median", r.InviteP50Ms, "99 of 100", r.InviteP99Ms)

	fmt.Fprintf(out, "\nThe router's time for one match, in ns\n")
	fmt.Fprintf(out, "  %-25s %14s %14s %14s\n", "waiting", "10 agents", "1,000 agents", "10,000 agents")
	for _, row := range [][4]float64{
		{1_000, r.MatchNs1k10, r.MatchNs1k, r.MatchNs1k10k},
		{100_000, r.MatchNs100k10, r.MatchNs100k, r.MatchNs100k10k},
		{1_000_000, r.MatchNs1m10, r.MatchNs1m, r.MatchNs1m10k},
	} {
		fmt.Fprintf(out, "  %-25s %14s %14s %14s\n", grouped(row[0]), grouped(row[1]), grouped(row[2]), grouped(row[3]))
	}

	printSkills(out, r, line)

	fmt.Fprintf(out, "\n100,000 interactions that wait, and 1,000 agents\n")
	line("start", r.Start100kMs, "ms", "from a snapshot and %s entries", grouped(r.StartReplayedEntries))
	line("memory", r.BytesPerWaiting, "bytes", "an interaction without user data")
}

// printSkills prints the figures of matches by skill.
func printSkills(out io.Writer, r *bench.Result, line func(what string, figure float64, unit, ratio string, args ...any)) {
	fmt.Fprintf(out, "\nMatches by skill, one processor, in engine and router: 1,000 agents, 50 skills, 100,000 wait\n")
	line("a match through engine and router: the router's time", r.SkillMatchesPerS, "matches/s", "%.1f times a bare heap for each skill", r.SkillMatchToHeaps)
	line("a vector, until it suspends", r.VectorRunsPerS, "runs/s", "engine and router")

	fmt.Fprintf(out, "\nThe router's time with 10,000 agents and 500 skills, in ns\n")
	fmt.Fprintf(out, "  %-25s %29s %29s\n", "waiting", "an arrival, with its vector", "an agent becomes free")
	for _, row := range [][3]float64{
		{100, r.SkillArrivalNs100, r.SkillFreeNs100},
		{1_000, r.SkillArrivalNs1k, r.SkillFreeNs1k},
		{10_000, r.SkillArrivalNs10k, r.SkillFreeNs10k},
		{100_000, r.SkillArrivalNs100k, r.SkillFreeNs100k},
		{1_000_000, r.SkillArrivalNs1m, r.SkillFreeNs1m},
	} {
		fmt.Fprintf(out, "  %-25s %29s %29s\n", grouped(row[0]), grouped(row[1]), grouped(row[2]))
	}
}

// grouped is a figure without fraction, with commas for its thousands.
func grouped(figure float64) string {
	digits := fmt.Sprintf("%.0f", figure)
	var groups []string
	for len(digits) > 3 {
		groups = append([]string{digits[len(digits)-3:]}, groups...)
		digits = digits[:len(digits)-3]
	}
	return strings.Join(append([]string{digits}, groups...), ",")
}
