package vector

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of a vector's text.
const (
	maxTextBytes = 64 << 10
	maxLineBytes = 1000
	maxSteps     = 999
)

// Parse reads a vector. The first line is
//
//	vector NAME "Title"
//
// with a number or a name of letters, digits and . _ - @; the title may be
// left out. Every other line is a step: its number or none, the step as the
// comment of its type writes it, and a comment from " #" on. Lines that are
// empty or only a comment may stand anywhere. Keywords may be in upper case. A
// name with other characters than letters, digits and . _ @ + * / : % & -
// stands in double quotes, with Go's escapes; so does one that would be taken
// for a keyword, as an announcement of the name none.
//
// The expression of `set` and of `if expression` is the rest of the line, up to
// " #" outside of quotes. After `agent expression` and `with` it stands in
// backquotes, or in double quotes with Go's escapes.
//
// `best` stands instead of `skill S pri P` after queue-to, check,
// `expected-wait for` and `wait-improved for`; it is no name of a skill.
// Priorities are l, m, h and t, also low, medium, high and top. Times are in
// secs, mins or hrs, also sec, seconds, min, minutes, hr and hours. After goto
// and route-to a condition may be left out, as may `passing none and none`,
// `adjust-by 0`, and `after announcement none`. After check a condition that
// names no place gets the step's, with its priority.
//
// All that is wrong is told, each bad line once, and the vector is nil then.
// Errors are: what can't be read; a number or time out of its range; step
// numbers that do not count from 1; an expression that does not compile; more
// than 64 KiB of text, 999 steps or 1,000 bytes in a line. Warnings come from
// Check alone.
func Parse(text string) (*Vector, Problems) {
	p := &parser{vector: &Vector{}}
	if len(text) > maxTextBytes {
		r := &reader{line: 1}
		r.fail(1, "", "the text has %d bytes, at most %d", len(text), maxTextBytes)
		return nil, Problems{*r.problem}
	}
	for n, line := range strings.Split(strings.TrimPrefix(text, "\ufeff"), "\n") {
		p.line(&reader{line: n + 1}, line)
	}
	if !p.headed {
		p.headed = true
		p.keep(missingHeader(&reader{line: 1}))
	}
	if len(p.problems) > 0 {
		return nil, p.problems
	}
	p.vector.Below = p.above
	return p.vector, nil
}

// parser reads one line after the other.
type parser struct {
	vector   *Vector
	problems Problems
	headed   bool
	// steps counts those that were read, bad ones too; number is the one that
	// the last of them was given.
	steps, number int
	// above are the lines of comment since the last step.
	above []string
}

// keep takes over what was wrong in a line.
func (p *parser) keep(r *reader) {
	if r.problem != nil {
		p.problems = append(p.problems, *r.problem)
	}
}

func (p *parser) line(r *reader, text string) {
	code, comment, commented := cutComment(text)
	if code == "" && !commented || p.steps > maxSteps {
		return
	}
	defer p.keep(r)
	switch {
	case len(text) > maxLineBytes:
		r.fail(1, "", "the line has %d bytes, at most %d", len(text), maxLineBytes)
	case !utf8.ValidString(text):
		r.fail(utf8.RuneCountInString(text[:firstInvalid(text)])+1, "", "this is no UTF-8")
	}
	switch {
	case code == "":
		p.above = append(p.above, comment)
	case !p.headed && !beginsStep(code):
		p.headed = true
		p.header(r, code, comment)
	default:
		if !p.headed {
			p.headed = true
			missingHeader(r)
		}
		p.step(r, code, comment)
	}
}

func firstInvalid(text string) int {
	for i, c := range text {
		if _, n := utf8.DecodeRuneInString(text[i:]); c == utf8.RuneError && n == 1 {
			return i
		}
	}
	return len(text)
}

func missingHeader(r *reader) *reader {
	r.fail(1, write(headerForms), "the first line is missing")
	return r
}

// cutComment divides a line into what is said and the comment. Inside of
// quotes # is a character as any other; they are those of the language and of
// CEL, where r'\' is a whole text.
func cutComment(line string) (code, comment string, commented bool) {
	var quote rune
	escapes, escaped, previous := false, false, ' '
	for i, c := range line {
		switch {
		case escaped:
			escaped = false
		case quote != 0 && c == '\\':
			escaped = escapes
		case c == quote:
			quote = 0
		case quote != 0:
		case c == '"' || c == '\'' || c == '`':
			quote, escapes = c, c != '`' && previous != 'r' && previous != 'R'
		case c == '#' && unicode.IsSpace(previous):
			return strings.TrimRightFunc(line[:i], unicode.IsSpace), strings.TrimSpace(line[i+1:]), true
		}
		previous = c
	}
	return strings.TrimRightFunc(line, unicode.IsSpace), "", false
}

// beginsStep tells whether a line is meant as a step, however wrong.
func beginsStep(code string) bool {
	first := strings.ToLower(strings.Fields(code)[0])
	_, err := strconv.Atoi(first)
	return err == nil || len(formsOf(stepForms, first)) > 0
}

func (p *parser) header(r *reader, code, comment string) {
	if r.problem != nil {
		return
	}
	line, err := headers.ParseString("", code)
	if err != nil {
		r.explainHeader(err)
		return
	}
	p.vector.Name, p.vector.Title = r.vector(line.Name), r.text(line.Title)
	p.vector.Comment, p.vector.Above, p.above = comment, p.above, nil
}

// step reads a step. A bad one is counted too, so that those below it have
// their right numbers.
func (p *parser) step(r *reader, code, comment string) {
	p.steps++
	p.number++
	if p.steps > maxSteps {
		r.fail(1, "", "there are more than %d steps", maxSteps)
	}
	if r.problem != nil {
		return
	}
	line, err := lines.ParseString("", code)
	if err != nil {
		r.explain(err, code)
		return
	}
	p.numbered(r, line.Number)
	p.vector.Steps = append(p.vector.Steps, Step{At: r.at(line.Body.Pos), Action: line.Body.Step.action(r), Comment: comment, Above: p.above})
	p.above = nil
}

// numbered checks a step's number. After a wrong one it may count on from that,
// or right again.
func (p *parser) numbered(r *reader, t token) {
	if isMissing(t) {
		return
	}
	given, err := strconv.Atoi(t.Value)
	if err == nil && (given == p.steps || given == p.number) {
		p.number = given
		return
	}
	if err == nil {
		p.number = given
	}
	r.failAt(t.Pos, "write "+stepNumber(p.steps)+", or leave the number out", "step %d has the number %s", p.steps, t.Value)
}
