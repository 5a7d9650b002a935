package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/edge"
	"github.com/usher-cc/usher/engine"
	"github.com/usher-cc/usher/journal"
	"github.com/usher-cc/usher/sim/replay"
)

// shownDifferences is how many interactions are listed without --all.
const shownDifferences = 20

// playRecorded plays recorded traffic with the present configuration and with
// the file's, and prints what differs.
func (a *application) playRecorded(cmd *cobra.Command, name string) error {
	name, positions, err := a.read(cmd, name)
	if err != nil {
		return err
	}
	recording, err := recorded(cmd.Context(), a.replay, cmp.Or(a.to.tenant, edge.DefaultTenant))
	if err != nil {
		return err
	}
	before, err := recording.Play()
	if err != nil {
		return fmt.Errorf("play the traffic with the present configuration: %w", err)
	}
	after, err := recording.Play(&a.request)
	var refused *replay.RefusedError
	if errors.As(err, &refused) {
		return located(refused.Event, name, positions)
	}
	comparison := recording.Compare(before, after)
	if a.json {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(comparison)
	}
	return printComparison(cmd.OutOrStdout(), comparison, a.all)
}

// recorded is what the journal of a data folder has of a tenant.
func recorded(ctx context.Context, dir, tenant string) (recording *replay.Recording, err error) {
	err = withJournal(dir, func(j journal.Journal) error {
		recording, err = recordingOf(ctx, j, tenant)
		return err
	})
	if err == nil && recording == nil {
		err = fmt.Errorf("the journal in %s has nothing about tenant %q", dir, tenant)
	}
	return recording, err
}

// recordingOf is what a journal has of a tenant; nil if it has nothing.
func recordingOf(ctx context.Context, j journal.Journal, tenant string) (*replay.Recording, error) {
	recorder := replay.NewRecorder(tenant)
	begin, err := beginRecording(ctx, j, recorder, tenant)
	if err != nil {
		return nil, err
	}
	known := begin > 1
	err = eachBatch(ctx, j, func(b *journal.Batch, content *usherv1.RecordBatch) error {
		sequence := b.First
		for _, record := range content.GetRecords() {
			if sequence < begin {
				withoutConfiguration(record)
			}
			known = known || record.GetTenantId() == tenant
			recorder.Take(engine.Sequence(sequence), engine.Millis(b.Time), record)
			sequence += journal.Sequence(len(record.GetEntries()))
		}
		return nil
	})
	if err != nil || !known {
		return nil, err
	}
	return recorder.Recording(), nil
}

// beginRecording takes the configuration from a snapshot if the journal does
// not reach back to the beginning, and says from where on its changes count.
func beginRecording(ctx context.Context, j journal.Journal, recorder *replay.Recorder, tenant string) (journal.Sequence, error) {
	oldest, err := j.Oldest(ctx)
	if err != nil || oldest == 1 {
		return 1, err
	}
	snapshot, err := j.LoadSnapshot(ctx)
	if err != nil || snapshot == nil {
		return 1, err
	}
	state := &usherv1.StateSnapshot{}
	if err := proto.Unmarshal(snapshot.Payload, state); err != nil {
		return 1, fmt.Errorf("the snapshot of sequence %d can't be read: %w", snapshot.Head.Next-1, err)
	}
	for _, of := range state.GetTenants() {
		if of.GetTenantId() == tenant {
			recorder.Begin(of)
			return snapshot.Head.Next, nil
		}
	}
	return 1, nil
}

// withoutConfiguration takes the changes of the configuration out of a record.
func withoutConfiguration(record *usherv1.Record) {
	for _, entry := range record.GetEntries() {
		if entry.GetFact().GetConfigurationApplied() != nil {
			entry.Fact = &usherv1.Fact{TimeMs: entry.GetFact().GetTimeMs()}
		}
	}
}

// printComparison prints what would have been routed otherwise.
func printComparison(w io.Writer, c *replay.Comparison, all bool) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "%s of tenant %s, %s to %s\n", counted(c.Interactions, "interaction"), c.Tenant, moment(c.FromMs), moment(c.ToMs))
	fmt.Fprintf(t, "with the present configuration %d of them went to the agent who had them\n\n", c.AsRecorded)
	fmt.Fprintln(t, "entered\tanswered\tabandoned\tended\twaiting\trefused\tmean wait\tp90 wait")
	for _, e := range append(c.Entries, c.All) {
		b, a := e.Before, e.After
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", e.Name,
			change(b.Answered, a.Answered), change(b.Abandoned, a.Abandoned), change(b.Ended, a.Ended),
			change(b.Waiting, a.Waiting), change(b.Refused, a.Refused),
			change(wait(b.MeanWaitMs), wait(a.MeanWaitMs)), change(wait(b.P90WaitMs), wait(a.P90WaitMs)))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	return printDifferences(w, c.Differences, all)
}

// printDifferences lists the interactions that go another way.
func printDifferences(w io.Writer, differences []replay.Difference, all bool) error {
	shown := differences
	if !all && len(shown) > shownDifferences {
		shown = shown[:shownDifferences]
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if len(differences) == 0 {
		fmt.Fprintln(t, "\nnone goes another way")
		return t.Flush()
	}
	fmt.Fprintf(t, "\n%s another way\n\n", counted(len(differences), "interaction goes", "interactions go"))
	fmt.Fprintln(t, "interaction\tsubmitted\tbefore\tafter")
	for _, d := range shown {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", d.Before.InteractionID, moment(d.Before.SubmittedAtMs), outcome(d.Before), outcome(d.After))
	}
	if n := len(differences) - len(shown); n > 0 {
		fmt.Fprintf(t, "and %d more; --all lists them\n", n)
	}
	return t.Flush()
}

// outcome says what became of an interaction.
func outcome(o *replay.Outcome) string {
	text := string(o.Kind)
	if o.Agent != "" {
		text += " by " + o.Agent
	}
	if o.Queue != "" {
		text += " in " + o.Queue
	}
	if o.Kind == replay.Waiting || o.Kind == replay.Refused {
		return text
	}
	return text + " after " + wait(o.WaitMs)
}

// change is a value before and after, once if it is the same.
func change[T comparable](before, after T) string {
	if before == after {
		return fmt.Sprint(before)
	}
	return fmt.Sprintf("%v -> %v", before, after)
}

// wait is a time span for people.
func wait(ms int64) string {
	return (time.Duration(ms) * time.Millisecond).Round(100 * time.Millisecond).String()
}

func moment(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02 15:04:05") }
