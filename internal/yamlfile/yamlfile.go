// Package yamlfile reads YAML by hand: node by node, so that whatever is wrong
// can be told with file, line and column. It promises that errors come all at
// once and in order of the lines, and that a key which stands twice is one.
package yamlfile

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Position is a place in a file; lines and columns are counted from 1. Line 0
// is the file as a whole.
type Position struct {
	File         string
	Line, Column int
}

// String is file:line:column.
func (p Position) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Error is what is wrong at a place of a file.
type Error struct {
	Position
	Message string
}

// Error is file:line:column: message.
func (e *Error) Error() string { return e.Position.String() + ": " + e.Message }

// Errors are all that is wrong in a file, in order of the lines.
type Errors []*Error

// Error has one line for each.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for n, one := range e {
		lines[n] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// Reader reads one file and gathers what is wrong in it.
type Reader struct {
	File   string
	errors Errors
}

// Err is all that was wrong, as Errors; nil if nothing was.
func (r *Reader) Err() error {
	if len(r.errors) == 0 {
		return nil
	}
	slices.SortStableFunc(r.errors, func(a, b *Error) int {
		return cmp.Or(a.Line-b.Line, a.Column-b.Column)
	})
	return r.errors
}

// At is where a node stands.
func (r *Reader) At(n *yaml.Node) Position { return Position{r.File, n.Line, n.Column} }

// Fail notes what is wrong at a node.
func (r *Reader) Fail(n *yaml.Node, format string, args ...any) {
	r.errors = append(r.errors, &Error{r.At(n), fmt.Sprintf(format, args...)})
}

// Document is the root of the only document of a file, or nil if there is
// something wrong.
func (r *Reader) Document(b []byte) *yaml.Node {
	decoder := yaml.NewDecoder(bytes.NewReader(b))
	var first, second yaml.Node
	switch err := decoder.Decode(&first); {
	case errors.Is(err, io.EOF):
		r.Fail(&yaml.Node{Line: 1, Column: 1}, "the file is empty")
		return nil
	case err != nil:
		r.syntax(err)
		return nil
	}
	switch err := decoder.Decode(&second); {
	case err == nil:
		r.Fail(&second, "a second document begins here, and a file has one")
		return nil
	case !errors.Is(err, io.EOF):
		r.syntax(err)
		return nil
	}
	root := first.Content[0]
	if nodes(root, map[*yaml.Node]int{}) > nodesMax {
		r.Fail(root, "there are more than %d values, with those that aliases stand for", nodesMax)
		return nil
	}
	return root
}

// nodesMax is the most values of a file. A few lines of aliases of aliases
// could stand for more than any memory holds.
const nodesMax = 2_000_000

// nodes counts what a node stands for, nodesMax at most and one more. What has
// been counted is known, for those that aliases lead to.
func nodes(n *yaml.Node, known map[*yaml.Node]int) int {
	if n.Kind == yaml.AliasNode {
		return nodes(n.Alias, known)
	}
	if sum, counted := known[n]; counted {
		return sum
	}
	if n.Anchor != "" {
		known[n] = nodesMax + 1 // one that holds itself has no end
	}
	sum := 1
	for _, part := range n.Content {
		sum = min(sum+nodes(part, known), nodesMax+1)
	}
	if n.Anchor != "" {
		known[n] = sum
	}
	return sum
}

// syntax notes "yaml: line 3: ..." at that line.
func (r *Reader) syntax(err error) {
	at := &yaml.Node{Line: 1, Column: 1}
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if _, scan := fmt.Sscanf(text, "line %d:", &at.Line); scan == nil {
		_, text, _ = strings.Cut(text, ": ")
	}
	r.Fail(at, "%s", text)
}

// Pairs calls f with the keys and values of a mapping; with every key once. No
// value is an empty mapping.
func (r *Reader) Pairs(n *yaml.Node, what string, f func(key, value *yaml.Node)) {
	n = Resolved(n)
	if IsNull(n) {
		return
	}
	if n.Kind != yaml.MappingNode {
		r.Fail(n, "%s: expected keys with values, found %s", what, Found(n))
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		if line, twice := seen[key.Value]; twice {
			r.Fail(key, "%q stands in line %d already", key.Value, line)
			continue
		}
		seen[key.Value] = key.Line
		f(key, n.Content[i+1])
	}
}

// Items are the elements of a list. No value is an empty list.
func (r *Reader) Items(n *yaml.Node, what string) []*yaml.Node {
	n = Resolved(n)
	if IsNull(n) {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		r.Fail(n, "%s: expected a list, found %s", what, Found(n))
		return nil
	}
	return n.Content
}

// Resolved is what an alias stands for, or the node itself.
func Resolved(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

// IsNull tells whether there is no value.
func IsNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// Found names what stands where something else was expected.
func Found(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "keys with values"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case IsNull(n):
		return "nothing"
	case n.ShortTag() == "!!str":
		return fmt.Sprintf("the text %q", n.Value)
	case n.ShortTag() == "!!int", n.ShortTag() == "!!float":
		return "the number " + n.Value
	}
	return n.Value
}
