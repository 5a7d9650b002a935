package vector

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/alecthomas/participle/v2/lexer"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/expression"
)

// Ranges of numbers and times.
const (
	maxNumber      = 1_000_000 // of what conditions compare with, seconds too
	maxDigits      = 16
	maxAdjustBy    = 100 // percent
	maxWait        = 8 * hour
	maxPreferring  = 8 * hour
	maxServiceCall = hour
)

const (
	second = Millis(1000)
	minute = 60 * second
	hour   = 60 * minute
)

// reader makes a step of what the grammar found in a line. It keeps the first
// problem only: what follows a wrong word is often wrong because of it.
type reader struct {
	line    int
	problem *Problem
}

func (r *reader) fail(column int, hint, format string, args ...any) {
	if r.problem == nil {
		r.problem = &Problem{Position{r.line, column}, Error, fmt.Sprintf(format, args...), hint}
	}
}

func (r *reader) failAt(at lexer.Position, hint, format string, args ...any) {
	r.fail(at.Column, hint, format, args...)
}

// at is a position in the text; the grammar knows but one line.
func (r *reader) at(in lexer.Position) Position { return Position{r.line, in.Column} }

// is tells whether a word is a keyword; in quotes it is none.
func is(t token, keyword string) bool { return strings.EqualFold(t.Value, keyword) }

// name reads a name, in quotes or not.
func (r *reader) name(t token) string {
	text := r.text(t)
	if text == "" && !isMissing(t) {
		r.failAt(t.Pos, "", "a name has at least one character")
	}
	return text
}

// text reads what may be empty.
func (r *reader) text(t token) string {
	text := t.Value
	if strings.HasPrefix(text, `"`) {
		var err error
		if text, err = strconv.Unquote(text); err != nil {
			r.failAt(t.Pos, `write \\ for \ in quotes`, "%s has a \\ that means nothing", t.Value)
		}
	}
	if !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
		r.failAt(t.Pos, "", "%s has control characters", t.Value)
	}
	return text
}

// nameOr reads a name, or nothing for a keyword that stands for none.
func (r *reader) nameOr(t token, none string) string {
	if is(t, none) {
		return ""
	}
	return r.name(t)
}

// vector reads the name of a vector.
func (r *reader) vector(t token) Name {
	name := r.name(t)
	if strings.ContainsFunc(name, func(c rune) bool {
		return !unicode.IsLetter(c) && !unicode.IsDigit(c) && !strings.ContainsRune("._-@", c)
	}) {
		r.failAt(t.Pos, "", "the name %q of a vector has other characters than letters, digits and . _ - @", name)
	}
	return Name(name)
}

// variable reads the name of a variable, which expressions can use as
// variable.NAME.
func (r *reader) variable(t token) string {
	for i, c := range t.Value {
		if c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (i == 0 || c < '0' || c > '9') {
			r.failAt(t.Pos, "a variable has letters, digits and _, and begins with no digit", "%q is no name of a variable", t.Value)
			break
		}
	}
	return t.Value
}

func (r *reader) number(t token, what string, low, high int64) int64 {
	if isMissing(t) {
		return low
	}
	n, err := strconv.ParseInt(t.Value, 10, 64)
	if err != nil || n < low || n > high {
		r.failAt(t.Pos, "", "%s is a number from %d to %d, not %q", what, low, high, t.Value)
	}
	return n
}

// span reads a time; it is at most high.
func (r *reader) span(s spanNode, what string, low, high Millis) Millis {
	of := r.unit(s.Unit)
	n := r.number(s.Number, what, 0, int64(maxNumber))
	if span := Millis(n) * of; span >= low && span <= high {
		return span
	}
	r.failAt(s.Number.Pos, "", "%s is %s to %s, not %s %s", what, formatSpan(low), formatSpan(high), s.Number.Value, s.Unit.Word.Value)
	return low
}

func (r *reader) unit(u unitNode) Millis {
	first, _ := utf8.DecodeRuneInString(u.Word.Value)
	switch unicode.ToLower(first) {
	case 'm':
		return minute
	case 'h':
		return hour
	}
	return second
}

// priorities are the priorities' words; the first letters do.
var priorities = []string{
	usherv1.VectorPriority_VECTOR_PRIORITY_LOW:    "low",
	usherv1.VectorPriority_VECTOR_PRIORITY_MEDIUM: "medium",
	usherv1.VectorPriority_VECTOR_PRIORITY_HIGH:   "high",
	usherv1.VectorPriority_VECTOR_PRIORITY_TOP:    "top",
}

func (r *reader) priority(t token) usherv1.VectorPriority {
	for i, word := range priorities[1:] {
		if is(t, word) || is(t, word[:1]) {
			return usherv1.VectorPriority(i + 1)
		}
	}
	r.failAt(t.Pos, "", "a priority is l, m, h or t, not %q", t.Value)
	return 0
}

// ranked is where an interaction waits, and at which priority.
type ranked struct {
	place    Place
	priority usherv1.VectorPriority
}

func (r *reader) ranked(n rankedNode) ranked {
	if !isMissing(n.Best) {
		return ranked{place: r.best(n.Best)}
	}
	return ranked{r.place(n.Place), r.priority(n.Priority)}
}

func (r *reader) best(t token) Place { return Place{Skill: Best, At: r.at(t.Pos)} }

func (r *reader) place(n placeNode) Place {
	place := Place{At: r.at(n.Kind.Pos)}
	name := r.name(n.Name)
	switch {
	case is(n.Kind, "target"):
		place.Target = name
	case name == Best:
		r.failAt(n.Name.Pos, "", "no skill has the name %s, as it stands for the best of those that were considered", Best)
	default:
		place.Skill = name
		for _, word := range []string{First, Second, Third} {
			if is(n.Name, word) {
				place.Skill = word
			}
		}
	}
	return place
}

// compile reads an expression, as it is or in quotes.
func (r *reader) compile(t token, compile func(expression.Kind, string) (*expression.Program, *expression.Fault)) *expression.Program {
	source, column := t.Value, t.Pos.Column
	if t.Type == kinds["Raw"] || t.Type == kinds["String"] {
		column++
		var err error
		if source, err = strconv.Unquote(source); err != nil {
			r.failAt(t.Pos, "write \\\\ for \\, or put the expression in backquotes", "%s has a \\ that means nothing", t.Value)
			return nil
		}
	}
	program, fault := compile(expression.OfInteraction, source)
	if fault != nil {
		if fault.Line == 1 {
			column += fault.Column - 1
		}
		r.fail(column, "", "%s", oneLine(fault.Message))
		return nil
	}
	return program
}

// oneLine is a message without line breaks.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// comparisons are how comparisons with a number or a text are written.
var comparisons = []string{Equal: "=", NotEqual: "<>", Less: "<", LessOrEqual: "<=", Greater: ">", GreaterOrEqual: ">="}

// comparison reads a comparison, also as other languages write it.
func comparison(t token) Comparison {
	switch t.Value {
	case "==":
		return Equal
	case "!=":
		return NotEqual
	}
	return Comparison(slices.Index(comparisons, t.Value))
}
