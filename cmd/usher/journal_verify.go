package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/journal"
)

func verifyCommand(data *string) *cobra.Command {
	return &cobra.Command{
		Use:   "verify",
		Short: "Read everything, check the chain and name what is damaged",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return verifyJournal(cmd.Context(), *data, cmd.OutOrStdout())
		},
	}
}

// verifyJournal reads all there is. Damage is the error.
func verifyJournal(ctx context.Context, dir string, w io.Writer) error {
	return withJournal(dir, func(j journal.Journal) error {
		var first, last *journal.Batch
		var batches, records int
		err := eachBatch(ctx, j, func(b *journal.Batch, content *usherv1.RecordBatch) error {
			if first == nil {
				first = b
			}
			last = b
			batches++
			records += len(content.GetRecords())
			return nil
		})
		if err != nil {
			if last != nil {
				fmt.Fprintf(w, "good up to  sequence %d\n", last.Last())
			}
			return err
		}
		if err := verifySnapshots(ctx, j, w); err != nil {
			return err
		}
		if last == nil {
			_, err := fmt.Fprintln(w, "the journal is empty")
			return err
		}
		_, err = fmt.Fprintf(w, "head        sequence %d\nhash        %x\nrecords     %d in %d batches, entries %d to %d\ntimes       %s to %s\n",
			last.Last(), last.Hash, records, batches, first.First, last.Last(), stamp(first.Time), stamp(last.Time))
		return err
	})
}

func stamp(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.RFC3339Nano) }

// verifySnapshots names damaged snapshots, and the good one that replaces
// them: without one only a journal that reaches back to its beginning is whole.
func verifySnapshots(ctx context.Context, j journal.Journal, w io.Writer) error {
	snapshot, err := j.LoadSnapshot(ctx)
	if err != nil {
		return err
	}
	if snapshot == nil {
		_, err := fmt.Fprintln(w, "snapshot    none")
		return err
	}
	if _, err := fmt.Fprintf(w, "snapshot    of sequence %d\n", snapshot.Head.Next-1); err != nil {
		return err
	}
	if err := proto.Unmarshal(snapshot.Payload, &usherv1.StateSnapshot{}); err != nil {
		return fmt.Errorf("the snapshot of sequence %d can't be read: %w", snapshot.Head.Next-1, err)
	}
	var damaged []error
	for _, skipped := range snapshot.Skipped {
		damaged = append(damaged, skipped)
	}
	return errors.Join(damaged...)
}
