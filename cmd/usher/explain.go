package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/client"
)

func explainCommand() *cobra.Command {
	var from remote
	var asJSON bool
	request := &usherv1.RequestWhyWaiting{}
	cmd := &cobra.Command{
		Use:   "explain INTERACTION",
		Short: "Print why an interaction waits",
		Long: `Print why an interaction waits: where, at which place and for how long, the step
of its vector, and which rule keeps it from which agents, those nearest to
getting it first. The key is one for reporting or administration.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			request.InteractionId, request.TenantId = args[0], from.tenant
			return explain(cmd, &from, request, asJSON)
		},
	}
	from.flags(cmd)
	cmd.Flags().Int32Var(&request.MaxAgents, "agents", 10, "how many agents to name for each rule, at most 10,000")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the answer as JSON, as the protocol spells it")
	return cmd
}

func explain(cmd *cobra.Command, from *remote, request *usherv1.RequestWhyWaiting, asJSON bool) error {
	server, err := from.dial()
	if err != nil {
		return err
	}
	why, err := server.Routing().WhyWaiting(cmd.Context(), request)
	if errors.Is(err, client.ErrorWith(usherv1.ErrorCode_ERROR_CODE_UNKNOWN_INTERACTION)) {
		return fmt.Errorf("there is no interaction %q; of one that has ended, \"usher trace\" tells the story", request.GetInteractionId())
	}
	if err != nil {
		return from.explain(err)
	}
	if asJSON {
		return printJSON(cmd.OutOrStdout(), why)
	}
	return printWhy(cmd.OutOrStdout(), why)
}

// printWhy prints an answer for people, without what it does not say:
//
//	Both agents of the skill "billing" are in AUX.
//	It has waited 31s. Expected: another 2m5s, at position 4.
//	It is in vector 12, step 3: wait-time 30 secs hearing music; it goes on in 12s.
//
//	WAITS FOR                      POSITION  STAFFED  AVAILABLE
//	skill "billing" at priority m  4         2        0
//
//	RULE      AGENTS  MEANING
//	WorkMode  2       They are in AUX or ACW.
//	                  ann  AUX 3 since 120 s
//	                  bob
func printWhy(w io.Writer, why *usherv1.EventWhyWaiting) error {
	var b strings.Builder
	b.WriteString(why.GetSummary() + "\n")
	if since := why.GetWaitingSinceMs(); since != 0 {
		fmt.Fprintf(&b, "It has waited %s.", seconds(why.GetTimeMs()-since))
		if expected := why.GetExpectedWait(); expected != nil && len(why.GetPlaces()) > 0 {
			b.WriteString(" Expected: " + expectedWait(expected) + ".")
		}
		b.WriteString("\n")
	}
	if state := why.GetVectorState(); state != nil {
		fmt.Fprintf(&b, "It is in %s.\n", vectorStep(state, why))
	}
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	if len(why.GetPlaces()) > 0 {
		fmt.Fprintln(table, "\nWAITS FOR\tPOSITION\tSTAFFED\tAVAILABLE")
	}
	for _, place := range why.GetPlaces() {
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\n", place.GetWhere(), place.GetPosition(), place.GetStaffed(), place.GetAvailable())
	}
	_ = table.Flush() // into memory
	if len(why.GetExclusions()) > 0 {
		fmt.Fprintln(table, "\nRULE\tAGENTS\tMEANING")
	}
	for _, rule := range why.GetExclusions() {
		printRule(table, rule)
	}
	_ = table.Flush()
	_, err := io.WriteString(w, b.String())
	return err
}

// printRule prints a rule, and below its meaning the agents, whose names are as
// wide as the longest.
func printRule(table io.Writer, rule *usherv1.Exclusion) {
	fmt.Fprintf(table, "%s\t%d\t%s\n", rule.GetRule(), rule.GetCount(), rule.GetDescription())
	width := 0
	for _, agent := range rule.GetAgents() {
		width = max(width, len(agent.GetAgentId()))
	}
	for _, agent := range rule.GetAgents() {
		line := fmt.Sprintf("%-*s  %s", width, agent.GetAgentId(), agent.GetDetail())
		fmt.Fprintf(table, "\t\t%s\n", strings.TrimRight(line, " "))
	}
	if more := int(rule.GetCount()) - len(rule.GetAgents()); more > 0 && len(rule.GetAgents()) > 0 {
		fmt.Fprintf(table, "\t\tand %d more\n", more)
	}
}

// expectedWait is how long the wait will be, in words.
func expectedWait(e *usherv1.EventExpectedWait) string {
	words := "another " + seconds(e.GetExpectedWaitMs())
	if e.GetInfinite() {
		words = "no end"
	}
	if e.GetPosition() > 0 {
		words += fmt.Sprintf(", at position %d", e.GetPosition())
	}
	return words
}

// vectorStep is where an interaction is in its vector, in words.
func vectorStep(state *usherv1.VectorState, why *usherv1.EventWhyWaiting) string {
	words := cmp.Or(why.GetStep(), "vector "+state.GetVector())
	switch at := state.GetResumeAtMs(); {
	case state.GetEnded():
		words += "; it executes nothing more"
	case at != 0:
		words += "; it goes on in " + seconds(max(at-why.GetTimeMs(), 0))
	}
	return words
}

// seconds is a duration as people read it.
func seconds(ms int64) string {
	return (time.Duration(ms) * time.Millisecond).Round(time.Second).String()
}
