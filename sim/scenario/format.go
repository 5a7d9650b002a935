package scenario

import (
	"fmt"
	"strings"
)

// Format prints a scenario in its canonical form: parsed again it is the same
// scenario.
func Format(s *Scenario) string { return s.String() }

// String is the scenario in canonical form.
func (s *Scenario) String() string {
	var b strings.Builder
	writeComments(&b, s.Above, "")
	fmt.Fprintf(&b, "scenario %s\ntitle    %s\nspec     %s\n", s.Name, s.Title, s.Spec)
	if s.Tenant != "" {
		fmt.Fprintf(&b, "tenant   %s\n", s.Tenant)
	}
	for _, p := range s.Phases {
		b.WriteString("\n")
		b.WriteString(p.String())
	}
	return b.String()
}

// String is the phase in canonical form.
func (p *Phase) String() string {
	var b strings.Builder
	writeComments(&b, p.Above, "")
	fmt.Fprintf(&b, "phase %s\ntitle   %s\n", p.Name, p.Title)
	for _, o := range p.Options {
		writeLine(&b, &o.Source, "option  "+formatAttributes(o.Attributes))
	}
	for _, g := range p.Givens {
		writeLine(&b, &g.Source, "given   "+g.Text)
	}
	w := widthsOf(p.Steps)
	for _, s := range p.Steps {
		writeLine(&b, s.source(), w.format(s))
	}
	return b.String()
}

// widths are the widths of the columns of a phase.
type widths struct{ route, message int }

func widthsOf(steps []Step) widths {
	var w widths
	for _, s := range steps {
		if route, message, _, _, ok := arrow(s); ok {
			w.route, w.message = max(w.route, len(route)), max(w.message, len(message))
		}
	}
	return w
}

// protocolWidth is that of tlib, the longest protocol.
const protocolWidth = 4

func (w widths) format(s Step) string {
	route, message, protocol, attributes, ok := arrow(s)
	if !ok {
		return s.String()
	}
	line := fmt.Sprintf("%-*s  %-*s  %-*s  %s", w.route, route, w.message, message, protocolWidth, protocol,
		formatAttributes(attributes))
	return strings.TrimRight(line, " ")
}

// arrow takes a request or expectation apart; what the server sends is
// indented.
func arrow(s Step) (route, message, protocol string, attributes []Attribute, ok bool) {
	switch s := s.(type) {
	case *Request:
		return s.From + " > ixn", s.Name, s.Protocol, s.Attributes, true
	case *Expect:
		route = s.From + " > " + strings.Join(s.To, ", ")
		if s.From == server {
			route = "    " + route
		}
		return route, s.Name, s.Protocol, s.Attributes, true
	}
	return "", "", "", nil, false
}

func writeLine(b *strings.Builder, s *Source, line string) {
	indent := line[:len(line)-len(strings.TrimLeft(line, " "))]
	writeComments(b, s.Above, indent)
	b.WriteString(line)
	if s.Beside != "" {
		b.WriteString("  # " + s.Beside)
	}
	b.WriteString("\n")
}

func writeComments(b *strings.Builder, comments []string, indent string) {
	for _, c := range comments {
		b.WriteString(strings.TrimRight(indent+"# "+c, " ") + "\n")
	}
}

func formatAttributes(attributes []Attribute) string {
	texts := make([]string, len(attributes))
	for i, a := range attributes {
		texts[i] = a.String()
	}
	return strings.Join(texts, " ")
}

// String is path=value.
func (a Attribute) String() string { return a.Path + "=" + a.Value.String() }

// String is the line in canonical form.
func (r *Request) String() string { return widthsOf([]Step{r}).format(r) }

// String is the line in canonical form.
func (e *Expect) String() string { return widthsOf([]Step{e}).format(e) }

// String is the line in canonical form.
func (a *Advance) String() string { return "+" + a.Text }

// String is the line in canonical form.
func (r *Restart) String() string { return "* server restarts" }

// String is the line in canonical form.
func (a *Apply) String() string { return "* " + a.Name + " is applied" }

// String is the line in canonical form.
func (c *Connection) String() string {
	what := " disconnects"
	if c.Open {
		what = " connects"
	}
	return strings.TrimSpace("* " + c.Participant + what + " " + c.Kind)
}
