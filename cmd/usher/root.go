package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/usher-cc/usher/internal/yamlfile"
)

// commands are all there are; cobra adds help and completion.
func commands() []*cobra.Command {
	return []*cobra.Command{
		serveCommand(),
		applyCommand(),
		exportCommand(),
		traceCommand(),
		explainCommand(),
		journalCommand(),
		doctorCommand(),
		demoCommand(),
		benchCommand(),
		versionCommand(),
	}
}

// environmentPrefix begins the names of environment variables.
const environmentPrefix = "USHER_"

// gcPercent gives memory for time: most of what a server makes is short-lived,
// and what it keeps is small. GOGC and GOMEMLIMIT say otherwise.
const gcPercent = 300

// run runs the command line and gives the exit status.
func run() int {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	root := &cobra.Command{
		Use:           "usher",
		Short:         "An open interaction server for contact centres",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(commands()...)
	if err := root.ExecuteContext(context.Background()); err != nil {
		report(os.Stderr, err)
		return 1
	}
	return 0
}

// report prints an error. Lines that name a place in a file stand for
// themselves, so that an editor finds the place; what has been said already is
// not said again.
func report(w io.Writer, err error) {
	var lines yamlfile.Errors
	switch {
	case errors.Is(err, errSaid):
	case errors.As(err, &lines):
		fmt.Fprintln(w, err)
	default:
		fmt.Fprintln(w, "usher:", err)
	}
}

// errSaid is the error of a command that has already printed what is wrong.
var errSaid = errors.New("said already")
