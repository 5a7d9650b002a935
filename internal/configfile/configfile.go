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
// Some objects are written as people write them on paper; whatever does not fit
// is written with its fields:
//
//	skills: {billing: 1, sales: {level: 3, percent: 40}}   of an agent
//	any_of: [{chat: 3, mail: 5}, {voice: 1}]               of a capacity rule
//	hours: [mon-fri 08:00-18:00, sat 09:00-13:00]          of a timetable
//	holidays: [12-25, 2026-12-24 to 2026-12-26]            of a holiday table
//	order: [priority descending, received_at_ms]              of a view
//	vectors: a text each, whose first line has the name
package configfile

import (
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/internal/yamlfile"
)

// Positions tell where in a file the objects of a configuration stand.
type Positions struct {
	fields map[place]yamlfile.Position
	// texts are where the texts begin that stand in the file as they are, line
	// for line.
	texts map[place]yamlfile.Position
}

// place is an object, or a field of it; stages[0].expression is one, too.
type place struct{ kind, name, field string }

func newPositions() Positions {
	return Positions{map[place]yamlfile.Position{}, map[place]yamlfile.Position{}}
}

// Object is where an object begins. Kinds are those of usherv1.ObjectName; the
// options are the object "options" without a name.
func (p *Positions) Object(kind, name string) (yamlfile.Position, bool) {
	at, found := p.fields[place{kind, name, ""}]
	return at, found
}

// Field is where a field of an object stands, or the object if the field is
// not in the file.
func (p *Positions) Field(kind, name, field string) (yamlfile.Position, bool) {
	if at, found := p.fields[place{kind, name, field}]; found {
		return at, true
	}
	return p.Object(kind, name)
}

// Parse reads a configuration. name is the file's, for errors. If anything is
// wrong the error is a yamlfile.Errors, and the configuration is nil.
func Parse(name string, b []byte) (*usherv1.Configuration, *Positions, error) {
	positions := newPositions()
	d := &decoder{Reader: yamlfile.Reader{File: name}, source: strings.Split(string(b), "\n"), positions: &positions}
	configuration := &usherv1.Configuration{}
	if root := d.Document(b); root != nil {
		d.configuration(root, configuration.ProtoReflect())
	}
	if err := d.Err(); err != nil {
		return nil, nil, err
	}
	return configuration, d.positions, nil
}

// kinds are the kinds of objects by the field of Configuration that holds
// them, with the field that is an object's name.
var kinds = map[protoreflect.Name]struct {
	kind string
	key  protoreflect.Name
}{
	"options":           {kind: "options"},
	"media_types":       {"media_type", "name"},
	"places":            {"place", "name"},
	"place_groups":      {"place_group", "name"},
	"agent_groups":      {"agent_group", "name"},
	"agents":            {"agent", "agent_id"},
	"queues":            {"queue", "name"},
	"workbins":          {"workbin", "name"},
	"skills":            {"skill", "name"},
	"targets":           {"target", "name"},
	"vectors":           {"vector", "name"},
	"vdns":              {"vdn", "name"},
	"tables":            {"table", "name"},
	"holiday_tables":    {"holiday_table", "name"},
	"timetables":        {"timetable", "name"},
	"announcements":     {"announcement", "name"},
	"capacity_rules":    {"capacity_rule", "name"},
	"views":             {"view", "name"},
	"external_services": {"external_service", "name"},
	"request_types":     {"request_type", "name"},
	"sites":             {"site", "name"},
	"reasons":           {"reason", "name"},
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
