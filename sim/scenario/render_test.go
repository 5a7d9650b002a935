package scenario

import (
	"strings"
	"testing"

	"github.com/usher-cc/usher/scenarios"
)

// TestMermaid holds how a phase is drawn.
func TestMermaid(t *testing.T) {
	p := parse(t, head+`media > ixn RequestSubmit im queue=inbound interaction_id=i1
    ixn > agent1, agent2 EventRevoked im reason="#1; gone"
router > ixn RequestRouteCall tlib agent.agent_id=agent1
+30s
* agent1 disconnects
* agent1 connects telephone
* server restarts
* eas.yaml is applied
`).Phases[0]
	const want = `sequenceDiagram
    participant media
    participant ixn
    participant agent1
    participant agent2
    participant router
    media->>ixn: RequestSubmit(inbound) im
    ixn-->>agent1: EventRevoked(#35;1#59; gone) im
    ixn-->>agent2: EventRevoked(#35;1#59; gone) im
    router->>ixn: RequestRouteCall(agent1) tlib
    Note over ixn: +30s
    Note over agent1: disconnects
    Note over agent1: connects telephone
    Note over ixn: restarts
    Note over ixn: eas.yaml is applied
`
	if got := Mermaid(p); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestMarkdown holds that a page shows every phase, with what it begins with.
func TestMarkdown(t *testing.T) {
	all, err := Load(scenarios.Files)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		page := Markdown(s)
		if !strings.Contains(page, "\n# "+s.Title+"\n") || strings.Count(page, "```mermaid\nsequenceDiagram\n") != len(s.Phases) {
			t.Errorf("%s: the page is not complete:\n%s", s.Name, page)
		}
		for _, p := range s.Phases {
			if !strings.Contains(page, "\n## "+p.Name+": "+p.Title+"\n") || !strings.Contains(page, p.String()) {
				t.Errorf("%s: phase %s is not on the page", s.Name, p.Name)
			}
		}
	}
	page := Markdown(parse(t, "scenario x\ntitle X\nspec s\n\n# Why.\nphase p\ntitle P\noption pull_while_routing=false\ngiven media unregistered\n+5s\n"))
	if !strings.Contains(page, "Why.\n\n- with `pull_while_routing=false`\n- given `media unregistered`\n\n```mermaid\n") {
		t.Errorf("the beginning of a phase is missing:\n%s", page)
	}
}
