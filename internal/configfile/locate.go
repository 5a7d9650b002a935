package configfile

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/internal/yamlfile"
)

// mention finds an object that a sentence of the server names, and the field
// of it that follows or goes before:
//
//	queue "inbound": strategy ...
//	agent_group "sales" is in use: agent_group of queue "inbound" has it
var mention = regexp.MustCompile(`(?:(\w+) of )?\b(` + strings.Join(kindNames(), "|") + `) ("(?:[^"\\]|\\.)*")(?:: (\w+))?`)

// within finds a place in a text of an object: of a vector, or of the field
// that is named.
//
//	vector "12": line 3, column 14: unknown step
//	target "good": stages[0].expression line 1, column 3: undeclared reference
var within = regexp.MustCompile(`^(\w+ "(?:[^"\\]|\\.)*": (?:([\w\[\].]+)(?::? ))?)line (\d+), column (\d+): `)

// problemsMax is the most that is told of one text.
const problemsMax = 200

// Problems are the errors of Parse for those who know the text, not a file.
func Problems(err error) []*usherv1.TextProblem {
	var wrong yamlfile.Errors
	if !errors.As(err, &wrong) {
		return []*usherv1.TextProblem{{Message: err.Error()}}
	}
	var problems []*usherv1.TextProblem
	for _, one := range wrong[:min(len(wrong), problemsMax)] {
		problems = append(problems, problem(one.Position, one.Message))
	}
	return problems
}

// Problems are sentences of the server, each with its place; what is about
// nothing that stands in the text is about the text as a whole.
func (p *Positions) Problems(sentences []string) []*usherv1.TextProblem {
	var problems []*usherv1.TextProblem
	for _, sentence := range sentences[:min(len(sentences), problemsMax)] {
		at, says, _ := p.Locate(sentence)
		problems = append(problems, problem(at, strings.Replace(says, ": warning: ", ": ", 1)))
	}
	return problems
}

func problem(at yamlfile.Position, says string) *usherv1.TextProblem {
	return &usherv1.TextProblem{Line: int32(at.Line), Column: int32(at.Column), Message: says}
}

func kindNames() (names []string) {
	for _, k := range kinds {
		if k.key != "" {
			names = append(names, k.kind)
		}
	}
	slices.Sort(names)
	return names
}

// Locate finds the place that a sentence of the server is about: that of the
// first object in it that stands in the file. What it says is the sentence,
// without the line and column of a text if they are in the place.
func (p *Positions) Locate(sentence string) (at yamlfile.Position, says string, found bool) {
	if rest, options := strings.CutPrefix(sentence, "options: "); options {
		field, _, _ := strings.Cut(rest, ":")
		at, found = p.Field("options", "", field)
		return at, sentence, found
	}
	if at, says, found = p.inText(sentence); found {
		return at, says, true
	}
	for _, m := range mention.FindAllStringSubmatch(sentence, -1) {
		name, err := strconv.Unquote(m[3])
		if err != nil {
			continue
		}
		if _, known := p.Object(m[2], name); known {
			at, found = p.Field(m[2], name, m[1]+m[4])
			return at, sentence, found
		}
	}
	return yamlfile.Position{}, sentence, false
}

// inText finds the place in the file of a line and column of a text.
func (p *Positions) inText(sentence string) (at yamlfile.Position, says string, found bool) {
	m := within.FindStringSubmatch(sentence)
	if m == nil {
		return at, sentence, false
	}
	var kind, name string
	if _, err := fmt.Sscanf(m[1], "%s %q:", &kind, &name); err != nil {
		return at, sentence, false
	}
	field := cmp.Or(m[2], "text")
	line, _ := strconv.Atoi(m[3])
	column, _ := strconv.Atoi(m[4])
	if at, found = p.texts[place{kind, name, field}]; !found {
		return at, sentence, false
	}
	at.Line += line - 1
	at.Column += column - 1
	said := strings.TrimRight(m[1], ": ")
	return at, said + ": " + strings.TrimPrefix(sentence, m[0]), true
}
