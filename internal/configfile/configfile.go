// Package configfile reads and writes a tenant's configuration as YAML: the
// message Configuration with its own field names.
//
// It promises that nothing in a file is passed over: a key that is not known,
// a value of the wrong type and a name that stands twice are errors, all of
// them at once, each with file, line and column; and that every object can be
// found again in the file by its kind and name, so that what the server has to
// say about it can be told at the line where it stands. What Format writes,
// Parse reads back.
//
// Beyond the field names, enums go by their short names (owner_kind: agent),
// and a field like delivering_timeout_ms may be written delivering_timeout: 30s.
package configfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/reflect/protoreflect"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// Position is a place in a file; lines and columns are counted from 1.
type Position struct {
	File         string
	Line, Column int
}

// String is file:line:column.
func (p Position) String() string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column) }

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

// Positions tell where in a file the objects of a configuration stand.
type Positions struct {
	file   string
	fields map[place]Position
}

// place is an object, or a field of it.
type place struct{ kind, name, field string }

// Object is where an object begins. Kinds are those of usherv1.ObjectName; the
// options are the object "options" without a name.
func (p *Positions) Object(kind, name string) (Position, bool) {
	at, found := p.fields[place{kind, name, ""}]
	return at, found
}

// Field is where a field of an object stands, or the object if the field is
// not in the file.
func (p *Positions) Field(kind, name, field string) (Position, bool) {
	if at, found := p.fields[place{kind, name, field}]; found {
		return at, true
	}
	return p.Object(kind, name)
}

// Parse reads a configuration. name is the file's, for errors. If anything is
// wrong the error is an Errors, and the configuration is nil.
func Parse(name string, b []byte) (*usherv1.Configuration, *Positions, error) {
	d := &decoder{positions: &Positions{file: name, fields: map[place]Position{}}}
	root, err := document(name, b)
	if err != nil {
		return nil, nil, Errors{err}
	}
	configuration := &usherv1.Configuration{}
	d.configuration(root, configuration.ProtoReflect())
	if len(d.errors) > 0 {
		slices.SortStableFunc(d.errors, func(a, b *Error) int {
			if a.Line != b.Line {
				return a.Line - b.Line
			}
			return a.Column - b.Column
		})
		return nil, nil, d.errors
	}
	return configuration, d.positions, nil
}

// document is the one document of a file.
func document(name string, b []byte) (*yaml.Node, *Error) {
	reader := yaml.NewDecoder(bytes.NewReader(b))
	var first, second yaml.Node
	switch err := reader.Decode(&first); {
	case errors.Is(err, io.EOF):
		return nil, &Error{Position{name, 1, 1}, "the file is empty"}
	case err != nil:
		return nil, syntax(name, err)
	}
	switch err := reader.Decode(&second); {
	case err == nil:
		return nil, &Error{Position{name, second.Line, second.Column}, "a second document begins here, and a file has one"}
	case !errors.Is(err, io.EOF):
		return nil, syntax(name, err)
	}
	return first.Content[0], nil
}

// syntax turns "yaml: line 3: ..." into an error at that line.
func syntax(name string, err error) *Error {
	at := Position{name, 1, 1}
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if _, scan := fmt.Sscanf(text, "line %d:", &at.Line); scan == nil {
		_, text, _ = strings.Cut(text, ": ")
	}
	return &Error{at, text}
}

// kinds are the kinds of objects by the field of Configuration that holds
// them, with the field that is an object's name.
var kinds = map[protoreflect.Name]struct {
	kind string
	key  protoreflect.Name
}{
	"options":      {kind: "options"},
	"media_types":  {"media_type", "name"},
	"places":       {"place", "name"},
	"place_groups": {"place_group", "name"},
	"agent_groups": {"agent_group", "name"},
	"agents":       {"agent", "agent_id"},
	"queues":       {"queue", "name"},
	"workbins":     {"workbin", "name"},
}

// notWritten tells the fields that the server makes: they stand in no file.
func notWritten(field protoreflect.FieldDescriptor) bool { return field.Name() == "password_hash" }

// durationKey is the key under which a field in milliseconds may be written as
// a duration; empty for other fields.
func durationKey(field protoreflect.FieldDescriptor) string {
	key, found := strings.CutSuffix(string(field.Name()), "_ms")
	if !found || field.Kind() != protoreflect.Int64Kind || field.IsList() {
		return ""
	}
	return key
}

// shortName is an enum value's name without the enum's: agent-group for
// OWNER_KIND_AGENT_GROUP.
func shortName(value protoreflect.EnumValueDescriptor) string {
	values := value.Parent().(protoreflect.EnumDescriptor).Values()
	prefix := strings.TrimSuffix(string(values.Get(0).Name()), "UNSPECIFIED")
	return strings.ReplaceAll(strings.ToLower(strings.TrimPrefix(string(value.Name()), prefix)), "_", "-")
}
