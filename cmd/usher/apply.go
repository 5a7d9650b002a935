package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/internal/configfile"
	"github.com/usher-cc/usher/internal/yamlfile"
)

func applyCommand() *cobra.Command {
	var to remote
	request := &usherv1.ApplyConfigurationRequest{}
	cmd := &cobra.Command{
		Use:   "apply FILE",
		Short: "Make a tenant's configuration what a YAML file says",
		Long: `Make a tenant's configuration what a YAML file says ("-" reads it from the
standard input), all of it or nothing, and print what changed:

  + queue sales          added
  ~ agent alice          changed, with the fields that differ
  - place desk9          removed

Objects that the file does not hold stay, unless --replace-all is given.
Applying the same file again changes nothing. "usher export" writes such a file.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			request.TenantId = to.tenant
			return apply(cmd, &to, args[0], request)
		},
	}
	to.flags(cmd)
	cmd.Flags().BoolVar(&request.DryRun, "dry-run", false, "print what would change, and change nothing")
	cmd.Flags().BoolVar(&request.ReplaceAll, "replace-all", false, "remove the objects that the file does not hold")
	return cmd
}

func apply(cmd *cobra.Command, to *remote, name string, request *usherv1.ApplyConfigurationRequest) error {
	server, err := to.dial()
	if err != nil {
		return err
	}
	text, name, err := readFile(name, cmd.InOrStdin())
	if err != nil {
		return err
	}
	configuration, positions, err := configfile.Parse(name, text)
	if err != nil {
		return err
	}
	request.Configuration = configuration
	answer, err := server.Administration().ApplyConfiguration(cmd.Context(), request)
	if err != nil {
		return located(to.explain(err), positions)
	}
	return printChanges(cmd.OutOrStdout(), answer, request.GetDryRun())
}

func readFile(name string, stdin io.Reader) (text []byte, shown string, err error) {
	if name == "-" {
		text, err = io.ReadAll(stdin)
		return text, "standard input", err
	}
	text, err = os.ReadFile(name)
	return text, name, err
}

// located puts the place of the object that the server refused before what the
// server said.
func located(err error, positions *configfile.Positions) error {
	_, sentence, _ := strings.Cut(err.Error(), ": ")
	if at, found := positions.Locate(sentence); found {
		return yamlfile.Errors{{Position: at, Message: err.Error()}}
	}
	return err
}

// printChanges prints the difference, and what became of it.
func printChanges(w io.Writer, answer *usherv1.ApplyConfigurationResponse, dryRun bool) error {
	var b strings.Builder
	for _, change := range answer.GetChanges() {
		fmt.Fprintf(&b, "%s %s\n", changeSigns[change.GetKind()],
			strings.TrimSpace(strings.ReplaceAll(change.GetObject().GetKind(), "_", " ")+" "+change.GetObject().GetName()))
		for _, field := range change.GetFields() {
			fmt.Fprintf(&b, "    %s\n", field)
		}
	}
	switch n := len(answer.GetChanges()); {
	case n == 0:
		fmt.Fprintf(&b, "nothing differs from version %d\n", answer.GetVersion())
	case dryRun:
		fmt.Fprintf(&b, "%s, not applied\n", counted(n, "change"))
	default:
		fmt.Fprintf(&b, "%s applied, now version %d\n", counted(n, "change"), answer.GetVersion())
	}
	_, err := io.WriteString(w, b.String())
	return err
}

var changeSigns = map[usherv1.ChangeKind]string{
	usherv1.ChangeKind_CHANGE_KIND_ADDED:   "+",
	usherv1.ChangeKind_CHANGE_KIND_CHANGED: "~",
	usherv1.ChangeKind_CHANGE_KIND_REMOVED: "-",
}

// counted is a number with its noun.
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
