package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/journal"
	"github.com/usher-cc/usher/journal/pebble"
)

func journalCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "journal",
		Short: "Check, print or repair the journal of a server that is stopped",
	}
	var data string
	cmd.PersistentFlags().StringVar(&data, "data", "", "the data folder")
	_ = cmd.MarkPersistentFlagRequired("data")
	cmd.AddCommand(verifyCommand(&data), exportJournalCommand(&data), repairCommand(&data))
	return cmd
}

// withJournal opens the journal of a data folder for as long as use takes.
func withJournal(dir string, use func(journal.Journal) error) error {
	if err := hasJournal(dir); err != nil {
		return err
	}
	j, err := pebble.Open(pebble.Options{Dir: dir, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return locked(err, dir)
	}
	return errors.Join(use(j), j.Close())
}

// hasJournal refuses a folder without a journal, where opening would make one.
func hasJournal(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, "journal")); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no journal in %s", dir)
	}
	return nil
}

// locked says so when the journal could not be opened because a server has it.
func locked(err error, dir string) error {
	if errors.Is(err, syscall.EAGAIN) {
		return fmt.Errorf("the data folder %s is in use by a running server; stop it first (%w)", dir, err)
	}
	return err
}

// eachBatch reads all batches, verified, and decodes them.
func eachBatch(ctx context.Context, j journal.Journal, f func(*journal.Batch, *usherv1.RecordBatch) error) error {
	oldest, err := j.Oldest(ctx)
	if err != nil {
		return err
	}
	for b, err := range j.Read(ctx, oldest) {
		if err != nil {
			return err
		}
		content := &usherv1.RecordBatch{}
		if err := proto.Unmarshal(b.Payload, content); err != nil {
			return fmt.Errorf("the batch of sequences %d to %d can't be read: %w", b.First, b.Last(), err)
		}
		held := 0
		for _, r := range content.GetRecords() {
			held += len(r.GetEntries())
		}
		if held != int(b.Count) {
			return fmt.Errorf("the batch of sequences %d to %d holds %d entries", b.First, b.Last(), held)
		}
		if err := f(b, content); err != nil {
			return err
		}
	}
	return nil
}
