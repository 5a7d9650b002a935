package configfile

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/internal/yamlfile"
)

// Vectors stand in the file as their texts, which are their own language: here
// only the name is read, from the first line.
//
//	vectors:
//	  - |
//	    vector 12 "Billing chat"
//	    01  queue-to skill billing pri m

// vectorName finds the name; comments may stand above it.
var vectorName = regexp.MustCompile(`(?i)^(?:[ \t]*(?:#.*)?\n)*[ \t]*vector[ \t]+([^ \t\r\n"]+)`)

// vector reads the text of a vector, and tells whether it is one.
func (d *decoder) vector(n *yaml.Node, to *usherv1.Vector) bool {
	d.note("text", n, n)
	text := yamlfile.Resolved(n)
	name := vectorName.FindStringSubmatch(text.Value)
	if !isText(text) || name == nil {
		first, _, _ := strings.Cut(text.Value, "\n")
		d.Fail(n, "vectors: expected a text that begins with a line such as vector 12, found %q", first)
		return false
	}
	to.Name, to.Text = name[1], text.Value
	return true
}

// textAt is where a text begins if it stands in the file as it is, so that its
// lines and columns can be found again.
func (d *decoder) textAt(n *yaml.Node) (yamlfile.Position, bool) {
	n = yamlfile.Resolved(n)
	at := d.At(n)
	if n.Kind != yaml.ScalarNode {
		return at, false
	}
	if n.Style&yaml.LiteralStyle == 0 {
		rest := d.line(at.Line, at.Column)
		if strings.HasPrefix(rest, `"`) || strings.HasPrefix(rest, "'") {
			at.Column, rest = at.Column+1, rest[1:]
		}
		return at, n.Value != "" && strings.HasPrefix(rest, n.Value)
	}
	at.Line, at.Column = n.Line+1, 1
	for i, text := range strings.Split(n.Value, "\n") {
		if source := strings.TrimRight(d.line(at.Line+i, 1), "\r"); text != "" && strings.HasSuffix(source, text) {
			at.Column += len(source) - len(text) // what indents it is spaces
			return at, true
		}
	}
	return at, false
}

// line is what stands in a line from a column on.
func (d *decoder) line(number, column int) string {
	if number > len(d.source) {
		return ""
	}
	line := []rune(d.source[number-1])
	return string(line[min(column-1, len(line)):])
}

// vectorsText writes the section of vectors. It is written by hand so that
// every text stands as it is, with the tabs and spaces it was written with.
func vectorsText(vectors []*usherv1.Vector) (string, error) {
	items := make([]string, len(vectors))
	for i, vector := range vectors {
		text, newline := strings.CutSuffix(vector.GetText(), "\n")
		switch {
		case !standsAsItIs(vector):
			whole := &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{message(vector.ProtoReflect())}}
			var err error
			if text, err = encoded(whole); err != nil {
				return "", err
			}
		case newline:
			text = "- |\n" + indented(text+"\n")
		default:
			text = "- |-\n" + indented(text+"\n")
		}
		items[i] = indented(text)
	}
	return "vectors:\n" + strings.Join(items, "\n"), nil
}

// standsAsItIs tells whether a vector can be read back from its bare text.
func standsAsItIs(vector *usherv1.Vector) bool {
	text := vector.GetText()
	name := vectorName.FindStringSubmatch(text)
	return name != nil && name[1] == vector.GetName() && !unicode.IsSpace(rune(text[0])) && !strange(text)
}

// strange tells whether a text has something that can't be seen, or empty lines
// at its end, and so is better written in quotes.
func strange(text string) bool {
	hidden := func(r rune) bool { return r != '\n' && r != '\t' && !unicode.IsPrint(r) }
	return !utf8.ValidString(text) || strings.ContainsFunc(text, hidden) || strings.HasSuffix("\n"+text, "\n\n")
}

// indented puts two spaces before every line that has something.
func indented(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if line != "\n" {
			b.WriteString("  ")
		}
		b.WriteString(line)
	}
	return b.String()
}
