package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/client"
	"github.com/usher-cc/usher/internal/configfile"
	"github.com/usher-cc/usher/internal/yamlfile"
)

// application is what "usher apply" is asked to do.
type application struct {
	to      remote
	request usherv1.ApplyConfigurationRequest
	json    bool
	// replay is a data folder whose traffic is played with the file instead.
	replay string
	all    bool
}

func applyCommand() *cobra.Command {
	a := &application{}
	cmd := &cobra.Command{
		Use:   "apply FILE",
		Short: "Make a tenant's configuration what a YAML file says",
		Long: `Make a tenant's configuration what a YAML file says ("-" reads it from the
standard input), all of it or nothing, and print what changed:

  + queue sales          added
  ~ agent alice          changed, with the fields that differ
  - place desk9          removed

Objects that the file does not hold stay, unless --replace-all is given.
Applying the same file again changes nothing. "usher export" writes such a file.
What is wrong, also inside of a vector, is told with file, line and column.

With --replay nothing is applied and no server is asked: the traffic recorded in
a data folder (a copy of it, or of a server that is stopped) is played with the
present configuration and once more with the file's, and what would have been
routed otherwise is printed.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			a.request.TenantId = a.to.tenant
			if a.replay != "" {
				return a.playRecorded(cmd, args[0])
			}
			return a.apply(cmd, args[0])
		},
	}
	a.to.flags(cmd)
	cmd.Flags().BoolVar(&a.request.DryRun, "dry-run", false, "print what would change, and change nothing")
	cmd.Flags().BoolVar(&a.request.ReplaceAll, "replace-all", false, "remove the objects that the file does not hold")
	cmd.Flags().BoolVar(&a.json, "json", false, "print the server's answer, also a refusal, or the comparison, as JSON")
	cmd.Flags().StringVar(&a.replay, "replay", "", "play the traffic recorded in this data folder, and compare")
	cmd.Flags().BoolVar(&a.all, "all", false, "with --replay: list every interaction that goes another way, not only the first")
	return cmd
}

// read takes the file's configuration into the request. It tells the name by
// which faults are told, and where things stand.
func (a *application) read(cmd *cobra.Command, name string) (string, *configfile.Positions, error) {
	text, name, err := readFile(name, cmd.InOrStdin())
	if err != nil {
		return name, nil, err
	}
	configuration, positions, err := configfile.Parse(name, text)
	a.request.Configuration = configuration
	return name, positions, err
}

func (a *application) apply(cmd *cobra.Command, name string) error {
	server, err := a.to.dial()
	if err != nil {
		return err
	}
	name, positions, err := a.read(cmd, name)
	if err != nil {
		return err
	}
	answer, err := server.Administration().ApplyConfiguration(cmd.Context(), &a.request)
	var refusal *client.Error
	switch refused := errors.As(err, &refusal); {
	case refused && a.json:
		return errors.Join(errSaid, printJSON(cmd.OutOrStdout(), refusal.Event))
	case refused:
		return located(refusal.Event, name, positions)
	case err != nil:
		return a.to.explain(err)
	case a.json:
		return printJSON(cmd.OutOrStdout(), answer)
	}
	printWarnings(cmd.ErrOrStderr(), answer.GetWarnings(), positions)
	return printChanges(cmd.OutOrStdout(), answer, a.request.GetDryRun())
}

func readFile(name string, stdin io.Reader) (text []byte, shown string, err error) {
	if name == "-" {
		text, err = io.ReadAll(stdin)
		return text, "standard input", err
	}
	text, err = os.ReadFile(name)
	return text, name, err
}

// located puts before each sentence of a refusal the place in the file that it
// is about. The error's name is left out where the sentence is about a line of
// a text: it stands there as a compiler's would.
func located(refusal *usherv1.EventError, name string, positions *configfile.Positions) error {
	var lines yamlfile.Errors
	known := false
	for sentence := range strings.SplitSeq(refusal.GetDescription(), "\n") {
		at, says, found := positions.Locate(sentence)
		if !found {
			at.File = name
		}
		if says == sentence {
			says = refusal.GetName() + ": " + sentence
		}
		known = known || found
		lines = append(lines, &yamlfile.Error{Position: at, Message: says})
	}
	if !known {
		return fmt.Errorf("%s: %s", refusal.GetName(), refusal.GetDescription())
	}
	return lines
}

// printWarnings prints what is allowed but hardly meant, each at its place.
func printWarnings(w io.Writer, warnings []string, positions *configfile.Positions) {
	for _, warning := range warnings {
		at, says, found := positions.Locate(warning)
		says = strings.Replace(says, ": warning: ", ": ", 1)
		if !found {
			fmt.Fprintln(w, "usher: warning:", says)
			continue
		}
		fmt.Fprintf(w, "%s: warning: %s\n", at, says)
	}
}

// printJSON prints a message in one line, always alike.
func printJSON(w io.Writer, m proto.Message) error {
	raw, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(m)
	if err != nil {
		return err
	}
	var line bytes.Buffer // protojson changes its spaces from run to run
	if err := json.Compact(&line, raw); err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n", &line)
	return err
}
