package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/usher-cc/usher/journal"
	"github.com/usher-cc/usher/journal/pebble"
)

func repairCommand(data *string) *cobra.Command {
	var acceptLoss bool
	cmd := &cobra.Command{
		Use:   "repair",
		Short: "Make a journal that has lost its end one that a server starts on",
		Long: `Make a journal that has lost its end one that a server starts on. Without
--accept-loss nothing is changed; it only says what is lost. A backup of the
data folder is better than a repair.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return repairJournal(*data, acceptLoss, cmd.OutOrStdout()) },
	}
	cmd.Flags().BoolVar(&acceptLoss, "accept-loss", false, "go on without the entries that are lost")
	return cmd
}

// repairJournal says what is lost, and with acceptLoss goes on without it.
func repairJournal(dir string, acceptLoss bool, w io.Writer) error {
	if err := hasJournal(dir); err != nil {
		return err
	}
	wrong := pebble.Repair(dir, false)
	var tail *pebble.LostTailError
	var corrupt *journal.CorruptError
	switch {
	case wrong == nil:
		_, err := fmt.Fprintln(w, "nothing to repair")
		return err
	case !errors.As(wrong, &tail) && !errors.As(wrong, &corrupt):
		return locked(wrong, dir)
	case !acceptLoss:
		return wrong
	}
	if err := pebble.Repair(dir, true); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "repaired; given up: %v\n", wrong)
	return err
}
