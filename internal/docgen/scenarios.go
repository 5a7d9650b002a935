package main

import (
	"fmt"
	"strings"

	"github.com/usher-cc/usher/scenarios"
	"github.com/usher-cc/usher/sim/scenario"
)

const scenarioFolder = "docs/scenarios"

const scenariosIntroduction = `# The golden scenarios

What the server says in every phase of every model, message by message: typed by
hand in [scenarios/](../../scenarios), played in the tests against the engine alone
and, by the same files, against a running server over the network, and drawn here.

In the diagrams ixn is the interaction server, media a media server, agent1 and
agent2 agents, urs an external router, router the built-in one, svc an external
service and report every reporting engine. Behind each message stands its
protocol: im, rpt, tlib or esp.

| scenario | phases |
|---|---|
`

// addScenarios makes a page for each scenario, and their list.
func addScenarios(_ *protoComments, pages map[string][]byte) error {
	all, err := scenario.Load(scenarios.Files)
	if err != nil {
		return err
	}
	var index strings.Builder
	fmt.Fprintf(&index, generated, "scenarios/*.seq")
	index.WriteString(scenariosIntroduction)
	for _, s := range all {
		page := s.Name + ".md"
		pages[scenarioFolder+"/"+page] = []byte(scenario.Markdown(s))
		var phases []string
		for _, p := range s.Phases {
			phases = append(phases, p.Name)
		}
		fmt.Fprintf(&index, "| [%s](%s) (%s) | %s |\n", s.Title, page, s.Spec, strings.Join(phases, ", "))
	}
	pages[scenarioFolder+"/README.md"] = []byte(index.String())
	return nil
}
