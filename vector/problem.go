package vector

import (
	"fmt"
	"slices"
	"strings"
)

// Severity is what a problem means: with an error a vector is refused.
type Severity int

// The severities.
const (
	Error Severity = iota + 1
	Warning
)

// Problem is something wrong in the text of a vector, and where.
type Problem struct {
	At       Position
	Severity Severity
	Message  string
	// Hint is how to right it, if known.
	Hint string
}

// String is the problem with its position and its hint.
func (p Problem) String() string {
	text := fmt.Sprintf("line %d, column %d: ", p.At.Line, p.At.Column)
	if p.Severity == Warning {
		text += "warning: "
	}
	text += p.Message
	if p.Hint != "" {
		text += "; " + p.Hint
	}
	return text
}

// Problems are in the order of the text.
type Problems []Problem

// Refused tells whether there is an error among them.
func (p Problems) Refused() bool {
	return slices.ContainsFunc(p, func(p Problem) bool { return p.Severity == Error })
}

// String has a line for each.
func (p Problems) String() string {
	lines := make([]string, len(p))
	for i := range p {
		lines[i] = p[i].String()
	}
	return strings.Join(lines, "\n")
}
