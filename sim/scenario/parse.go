package scenario

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// Load reads every scenario of a folder, sorted by name.
func Load(folder fs.FS) ([]*Scenario, error) {
	files, err := fs.Glob(folder, "*.seq")
	if err != nil {
		return nil, err
	}
	var all []*Scenario
	for _, name := range files {
		f, err := folder.Open(name)
		if err != nil {
			return nil, err
		}
		s, err := Parse(name, f)
		if err := errors.Join(err, f.Close()); err != nil {
			return nil, err
		}
		if s.Name != strings.TrimSuffix(path.Base(name), ".seq") {
			return nil, &SyntaxError{File: name, Line: s.Line, Column: 1,
				Message: "the scenario is not named as its file", Hint: "rename one of them"}
		}
		if err := s.readConfigurations(folder); err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// Parse reads a scenario; name is the file's name for errors, which are
// *SyntaxError unless r fails. The configurations that it names are not read.
func Parse(name string, r io.Reader) (*Scenario, error) {
	p := &parser{file: name, scenario: &Scenario{}}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		p.line++
		if err := p.parseLine(strings.TrimSuffix(lines.Text(), "\r")); err != nil {
			return nil, err
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s:%d: %w", name, p.line+1, err)
	}
	p.line++
	if err := p.finish(); err != nil {
		return nil, err
	}
	return p.scenario, nil
}

// parser reads one file, line by line.
type parser struct {
	file     string
	line     int
	comments []string // since the last line that is none
	scenario *Scenario
	phase    *Phase
}

// validName is what scenarios and phases may be called, validFile what files
// with configurations may.
var (
	validName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	validFile = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*\.yaml$`)
)

func (p *parser) fail(column int, hint, format string, args ...any) error {
	return &SyntaxError{File: p.file, Line: p.line, Column: column, Message: fmt.Sprintf(format, args...), Hint: hint}
}

func (p *parser) parseLine(line string) error {
	if !utf8.ValidString(line) {
		return p.fail(1, "save the file as UTF-8", "the line is not UTF-8")
	}
	trimmed := strings.TrimSpace(line)
	switch {
	case trimmed == "":
		return nil
	case trimmed[0] == '#':
		p.comments = append(p.comments, strings.TrimSpace(trimmed[1:]))
		return nil
	}
	words, comment, err := split(line)
	if err != nil {
		err.File, err.Line = p.file, p.line
		return err
	}
	source := Source{File: p.file, Line: p.line, Above: p.comments, Beside: comment}
	p.comments = nil
	switch words[0].text {
	case "scenario", "title", "spec", "tenant", "phase":
		source.Beside = ""
		return p.parseHeader(source, words, line)
	case "option":
		return p.parseOption(source, words)
	case "given":
		return p.parseGiven(source, words)
	default:
		return p.parseStepLine(source, words)
	}
}

// parseHeader reads the lines that name things. What they say goes to the end
// of the line.
func (p *parser) parseHeader(source Source, words []token, line string) error {
	key := words[0]
	if len(words) < 2 {
		return p.fail(key.column, "write what it is after it", "%s is empty", key.text)
	}
	at := words[1].column
	value := strings.Join(strings.Fields(line[at-1:]), " ")
	if key.text == "scenario" || key.text == "phase" {
		if !validName.MatchString(value) {
			return p.fail(at, "use lower case letters, digits and -", "%q is no name", value)
		}
	}
	if (key.text != "scenario") == (p.scenario.Name == "") {
		return p.fail(key.column, "the first line is: scenario NAME, and only the first", "%s stands at a wrong place", key.text)
	}
	if key.text == "tenant" && !validFile.MatchString(value) {
		return p.fail(at, "name a file beside it, such as eas.yaml", "%q is no file with a configuration", value)
	}
	if key.text != "scenario" && key.text != "phase" && len(source.Above) > 0 {
		return p.fail(key.column, "move it above the scenario or phase", "a comment stands inside a header")
	}
	switch {
	case key.text == "scenario":
		p.scenario.Source, p.scenario.Name = source, value
	case key.text == "phase":
		return p.beginPhase(source, value, at)
	case key.text == "spec":
		if p.phase != nil || p.scenario.Spec != "" {
			return p.fail(key.column, "write it once, below scenario", "spec stands at a wrong place")
		}
		p.scenario.Spec = value
	case key.text == "tenant":
		if p.phase != nil || p.scenario.Tenant != "" {
			return p.fail(key.column, "write it once, below spec", "tenant stands at a wrong place")
		}
		p.scenario.Tenant = value
	case p.phase == nil:
		return p.setTitle(&p.scenario.Title, value, key)
	default:
		return p.setTitle(&p.phase.Title, value, key)
	}
	return nil
}

func (p *parser) setTitle(title *string, value string, key token) error {
	if *title != "" {
		return p.fail(key.column, "write one", "there is a title already")
	}
	*title = value
	return nil
}

func (p *parser) beginPhase(source Source, phase string, column int) error {
	if p.scenario.Phase(phase) != nil {
		return p.fail(column, "phases of a scenario have names of their own", "there is a phase %q already", phase)
	}
	p.phase = &Phase{Source: source, Scenario: p.scenario.Name, Name: phase}
	p.scenario.Phases = append(p.scenario.Phases, p.phase)
	return nil
}

func (p *parser) finish() error {
	switch {
	case p.scenario.Name == "":
		return p.fail(1, "the first line is: scenario NAME", "the file is empty")
	case len(p.comments) > 0:
		return p.fail(1, "move it above what it explains", "a comment stands at the end of the file")
	case p.scenario.Title == "" || p.scenario.Spec == "":
		return p.fail(1, "write both below scenario", "the scenario has no title or no spec")
	}
	for _, phase := range p.scenario.Phases {
		if phase.Title == "" || len(phase.Steps) == 0 {
			p.line = phase.Line
			return p.fail(1, "write what happens in it", "phase %s has no title or no steps", phase.Name)
		}
	}
	return nil
}

// needPhase refuses a line outside of the part of a phase where it may stand.
func (p *parser) needPhase(word token) error {
	switch {
	case p.phase == nil:
		return p.fail(word.column, "begin a phase before it: phase NAME", "%s stands outside of a phase", word.text)
	case len(p.phase.Steps) > 0 && (word.text == "option" || word.text == "given"):
		return p.fail(word.column, "move it up, before the first step", "%s stands between steps", word.text)
	}
	return nil
}

func (p *parser) parseOption(source Source, words []token) error {
	if err := p.needPhase(words[0]); err != nil {
		return err
	}
	options := (&usherv1.Options{}).ProtoReflect().Descriptor()
	attributes, err := p.parseAttributes(words[1:], false, options)
	if err != nil {
		return err
	}
	if len(attributes) == 0 {
		return p.fail(words[0].column, "write name=value after it", "option is empty")
	}
	p.phase.Options = append(p.phase.Options, &Option{Source: source, Attributes: attributes})
	return nil
}

func (p *parser) parseStepLine(source Source, words []token) error {
	if err := p.needPhase(words[0]); err != nil {
		return err
	}
	step, err := p.parseStep(source, words)
	if err != nil {
		return err
	}
	if e, ok := step.(*Expect); ok && e.From == server && len(p.phase.Steps) == 0 {
		return p.fail(words[0].column, "begin with what causes it", "the first step is an expectation")
	}
	p.phase.Steps = append(p.phase.Steps, step)
	return nil
}

// parseStep reads a line of what happens or must come of it.
func (p *parser) parseStep(source Source, words []token) (Step, error) {
	switch first := words[0]; {
	case strings.HasPrefix(first.text, "+"):
		return p.parseAdvance(source, words)
	case first.text == "*":
		return p.parseCircumstance(source, words)
	case len(words) > 1 && words[1].text == ">":
		return p.parseArrow(source, words)
	default:
		return nil, p.fail(first.column, "write FROM > TO MESSAGE PROTOCOL, +DURATION, or * and what happens", "%q begins no line", first.text)
	}
}

func (p *parser) parseAdvance(source Source, words []token) (Step, error) {
	d, err := time.ParseDuration(words[0].text[1:])
	if err != nil || d <= 0 || len(words) > 1 {
		return nil, p.fail(words[0].column, "write + and a duration such as 30s, 180m or 24h", "this is no step in time")
	}
	return &Advance{Source: source, Text: words[0].text[1:], Duration: d}, nil
}

// parseCircumstance reads a line that begins with *.
func (p *parser) parseCircumstance(source Source, words []token) (Step, error) {
	const hint = "write * WHO connects, * WHO disconnects, * FILE is applied or * server restarts"
	if len(words) < 3 {
		return nil, p.fail(words[0].column, hint, "the line is not complete")
	}
	who, what := words[1], words[2]
	if who.text == "server" && what.text == "restarts" && len(words) == 3 {
		return &Restart{Source: source}, nil
	}
	if validFile.MatchString(who.text) && what.text == "is" && len(words) == 4 && words[3].text == "applied" {
		return &Apply{Source: source, Name: who.text}, nil
	}
	if !slices.Contains(senders, who.text) {
		return nil, p.fail(who.column, didYouMean(who.text, senders), "there is no participant %q", who.text)
	}
	c := &Connection{Source: source, Participant: who.text, Open: what.text == "connects"}
	isAgent := slices.Contains(agents, who.text)
	switch {
	case what.text != "connects" && what.text != "disconnects":
		return nil, p.fail(what.column, hint, "%q is nothing that happens", what.text)
	case len(words) == 4 && isAgent && slices.Contains(connections, words[3].text):
		c.Kind = words[3].text
	case len(words) > 3:
		return nil, p.fail(words[3].column, "only agents have kinds of connections: "+strings.Join(connections, ", "), "%q is too much", words[3].text)
	case c.Open && isAgent:
		c.Kind = connections[0]
	}
	return c, nil
}

// parseArrow reads a request or an expectation.
func (p *parser) parseArrow(source Source, words []token) (Step, error) {
	from := words[0]
	to, rest, err := p.parseRecipients(words[2:], from)
	if err != nil {
		return nil, err
	}
	if len(rest) < 2 {
		return nil, p.fail(from.column, "write FROM > TO MESSAGE PROTOCOL", "message or protocol is missing")
	}
	message, protocol := rest[0], rest[1]
	if !slices.Contains(protocols, protocol.text) {
		return nil, p.fail(protocol.column, didYouMean(protocol.text, protocols), "there is no protocol %q", protocol.text)
	}
	if from.text == server {
		return p.parseEvent(source, to, message, protocol.text, rest[2:])
	}
	if !slices.Contains(recipients, from.text) {
		return nil, p.fail(from.column, didYouMean(from.text, append(recipients, server)), "there is no participant %q", from.text)
	}
	if !slices.Equal(to, []string{server}) {
		return nil, p.fail(from.column, "write "+from.text+" > ixn", "requests go to the server")
	}
	return p.parseRequest(source, from.text, message, protocol.text, rest[2:])
}

// parseRecipients reads names with commas between them.
func (p *parser) parseRecipients(words []token, from token) (to []string, rest []token, err error) {
	known := append(slices.Clone(recipients), server)
	for more := true; more; words = words[1:] {
		if len(words) == 0 {
			return nil, nil, p.fail(from.column, "write FROM > TO MESSAGE PROTOCOL", "the recipient is missing")
		}
		var text string
		text, more = strings.CutSuffix(words[0].text, ",")
		for n := range strings.SplitSeq(text, ",") {
			if !slices.Contains(known, n) {
				return nil, nil, p.fail(words[0].column, didYouMean(n, known), "there is no participant %q", n)
			}
			if slices.Contains(to, n) || n == server && from.text == server {
				return nil, nil, p.fail(words[0].column, "name each recipient once", "%s can't hear it", n)
			}
			to = append(to, n)
		}
	}
	return to, words, nil
}

func (p *parser) parseEvent(source Source, to []string, message token, protocol string, rest []token) (Step, error) {
	field, ok := eventFields[message.text]
	if !ok {
		return nil, p.fail(message.column, didYouMean(message.text, eventNames), "the server has no message %q", message.text)
	}
	attributes, err := p.parseAttributes(rest, true, field.Message(), envelope)
	if err != nil {
		return nil, err
	}
	return &Expect{Source: source, From: server, To: to, Name: message.text, Protocol: protocol,
		Attributes: attributes, descriptor: field.Message()}, nil
}

// parseRequest reads a request; the built-in router's is an expectation.
func (p *parser) parseRequest(source Source, from string, message token, protocol string, rest []token) (Step, error) {
	descriptor := requestDescriptor(message.text)
	if descriptor == nil {
		return nil, p.fail(message.column, didYouMean(message.text, requestNames), "there is no request %q", message.text)
	}
	attributes, err := p.parseAttributes(rest, from == builtinRouter, descriptor)
	if err != nil {
		return nil, err
	}
	if from == builtinRouter {
		return &Expect{Source: source, From: from, To: []string{server}, Name: message.text, Protocol: protocol,
			Attributes: attributes, descriptor: descriptor}, nil
	}
	return &Request{Source: source, From: from, Name: message.text, Protocol: protocol,
		Attributes: attributes, descriptor: descriptor}, nil
}
