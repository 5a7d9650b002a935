package scenario

import (
	"fmt"
	"slices"
	"strings"
)

// Mermaid draws a phase as a sequence diagram of Mermaid.
func Mermaid(p *Phase) string {
	var b strings.Builder
	b.WriteString("sequenceDiagram\n")
	for _, who := range p.participants() {
		fmt.Fprintf(&b, "    participant %s\n", who)
	}
	for _, s := range p.Steps {
		drawStep(&b, s)
	}
	return b.String()
}

// participants are those who appear in the phase, in order, the server second
// so that its clients stand on both sides of it.
func (p *Phase) participants() []string {
	var all []string
	add := func(names ...string) {
		for _, n := range names {
			if n != server && !slices.Contains(all, n) {
				all = append(all, n)
			}
		}
	}
	for _, s := range p.Steps {
		switch s := s.(type) {
		case *Request:
			add(s.From)
		case *Expect:
			add(s.From)
			add(s.To...)
		case *Connection:
			add(s.Participant)
		}
	}
	return slices.Insert(all, min(1, len(all)), server)
}

func drawStep(b *strings.Builder, s Step) {
	switch s := s.(type) {
	case *Request:
		fmt.Fprintf(b, "    %s->>ixn: %s\n", s.From, label(s.Name, s.Protocol, s.Attributes))
	case *Expect:
		for _, to := range s.To {
			drawn := "-->>"
			if s.From != server {
				drawn = "->>"
			}
			fmt.Fprintf(b, "    %s%s%s: %s\n", s.From, drawn, to, label(s.Name, s.Protocol, s.Attributes))
		}
	case *Advance:
		fmt.Fprintf(b, "    Note over ixn: +%s\n", s.Text)
	case *Connection:
		fmt.Fprintf(b, "    Note over %s: %s\n", s.Participant, strings.TrimPrefix(s.String(), "* "+s.Participant+" "))
	case *Apply:
		fmt.Fprintf(b, "    Note over ixn: %s is applied\n", s.Name)
	case *Restart:
		b.WriteString("    Note over ixn: restarts\n")
	}
}

// shown are the attributes that tell arrows with the same message apart.
var shown = []string{
	"code", "outcome", "agent_id", "agent.agent_id", "party.id", "vdn", "queue", "workbin.name", "stop", "skill", "strategy", "service",
	"method", "fault", "work_mode", "pending_work_mode", "treatment.kind", "reason",
}

// label is what stands at an arrow.
func label(message, protocol string, attributes []Attribute) string {
	var details []string
	for _, a := range attributes {
		if slices.Contains(shown, a.Path) && (a.Value.Kind == Literal) {
			details = append(details, a.Value.Text)
		}
	}
	text := message
	if len(details) > 0 {
		text += "(" + strings.Join(details, ", ") + ")"
	}
	return mermaidText.Replace(text) + " " + protocol
}

// mermaidText writes the characters that end a line of Mermaid as entities.
var mermaidText = strings.NewReplacer("#", "#35;", ";", "#59;", "\n", " ")

// Markdown is the page of a scenario: every phase with what it begins with,
// its diagram and its text.
func Markdown(s *Scenario) string {
	var b strings.Builder
	fmt.Fprintf(&b, "<!-- Generated from scenarios/%s.seq. -->\n\n# %s\n\n", s.Name, s.Title)
	fmt.Fprintf(&b, "The golden scenario `%s` (%s). Every phase is played against the server in its tests, message by message.\n", s.Name, s.Spec)
	if s.Tenant != "" {
		fmt.Fprintf(&b, "Its tenant has what [%[1]s](../../scenarios/%[1]s) holds besides the fixture.\n", s.Tenant)
	}
	for _, p := range s.Phases {
		fmt.Fprintf(&b, "\n## %s: %s\n\n", p.Name, p.Title)
		for _, c := range p.Above {
			fmt.Fprintf(&b, "%s\n", c)
		}
		if len(p.Above) > 0 {
			b.WriteString("\n")
		}
		writeBeginning(&b, p)
		fmt.Fprintf(&b, "```mermaid\n%s```\n\n", Mermaid(p))
		fmt.Fprintf(&b, "<details><summary>As it is tested</summary>\n\n```\n%s```\n\n</details>\n", p)
	}
	return b.String()
}

// writeBeginning lists options and givens.
func writeBeginning(b *strings.Builder, p *Phase) {
	for _, o := range p.Options {
		fmt.Fprintf(b, "- with `%s`\n", formatAttributes(o.Attributes))
	}
	for _, g := range p.Givens {
		fmt.Fprintf(b, "- given `%s`\n", g.Text)
	}
	if len(p.Options)+len(p.Givens) > 0 {
		b.WriteString("\n")
	}
}
