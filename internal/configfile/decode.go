package configfile

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/reflect/protoreflect"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/internal/nearest"
	"github.com/usher-cc/usher/internal/yamlfile"
)

// decoder fills messages from nodes and gathers what is wrong.
type decoder struct {
	yamlfile.Reader
	source    []string // the lines of the file
	positions *Positions
	// noted are the fields and texts of the object at work, whose name stands
	// among them; below is what leads to the message at work, in it.
	noted Positions
	below string
}

// configuration reads the whole file, and remembers where its objects stand.
func (d *decoder) configuration(n *yaml.Node, to protoreflect.Message) {
	d.message(n, "the configuration", to, func(field protoreflect.FieldDescriptor, key, value *yaml.Node) {
		object := kinds[field.Name()]
		if field.Name() == "options" {
			d.begin(key)
			d.object(value, object.kind, to.Mutable(field).Message())
			d.keep(object.kind, "")
			return
		}
		for _, item := range d.Items(value, string(field.Name())) {
			element := to.Mutable(field).List().AppendMutable().Message()
			d.begin(item)
			if vector, is := element.Interface().(*usherv1.Vector); is && yamlfile.Resolved(item).Kind == yaml.ScalarNode {
				if !d.vector(item, vector) {
					continue
				}
			} else {
				d.object(item, object.kind, element)
			}
			d.named(item, element, object.kind, object.key)
		}
	})
}

// begin notes where an object begins.
func (d *decoder) begin(n *yaml.Node) {
	d.noted = newPositions()
	d.noted.fields[place{}] = d.At(n)
}

// keep gives what was noted of an object its name.
func (d *decoder) keep(kind, name string) {
	for at, position := range d.noted.fields {
		d.positions.fields[place{kind, name, at.field}] = position
	}
	for at, position := range d.noted.texts {
		d.positions.texts[place{kind, name, at.field}] = position
	}
}

// object reads one object.
func (d *decoder) object(n *yaml.Node, kind string, to protoreflect.Message) {
	d.message(n, kindWords(kind), to, func(field protoreflect.FieldDescriptor, key, value *yaml.Node) {
		d.note(string(field.Name()), key, value)
		d.field(value, key.Value, field, to)
	})
}

// note notes where a field stands, and its text.
func (d *decoder) note(field string, key, value *yaml.Node) {
	at := place{field: d.below + field}
	d.noted.fields[at] = d.At(key)
	if text, asItIs := d.textAt(value); asItIs {
		d.noted.texts[at] = text
	}
}

// named keeps what was noted of an object under its name, which must be there
// and stand only once.
func (d *decoder) named(n *yaml.Node, object protoreflect.Message, kind string, key protoreflect.Name) {
	name := object.Get(object.Descriptor().Fields().ByName(key)).String()
	before, twice := d.positions.Object(kind, name)
	switch {
	case twice && name != "":
		d.Fail(n, "%s %q stands in line %d already", kindWords(kind), name, before.Line)
	case name == "" && !hasKey(n, string(key)):
		d.Fail(n, "%s without %s", kindWords(kind), key)
	}
	d.keep(kind, name)
}

func hasKey(n *yaml.Node, key string) bool {
	n = yamlfile.Resolved(n)
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Kind == yaml.MappingNode && n.Content[i].Value == key {
			return true
		}
	}
	return false
}

func kindWords(kind string) string { return strings.ReplaceAll(kind, "_", " ") }

// message calls set with the field of every key that is known.
func (d *decoder) message(n *yaml.Node, what string, to protoreflect.Message, set func(field protoreflect.FieldDescriptor, key, value *yaml.Node)) {
	fields := to.Descriptor().Fields()
	known := map[string]protoreflect.FieldDescriptor{}
	var names []string
	for i := range fields.Len() {
		field := fields.Get(i)
		if notWritten(field) {
			continue
		}
		known[string(field.Name())] = field
		names = append(names, string(field.Name()))
		if key := durationKey(field); key != "" {
			known[key] = field
			names = append(names, key)
		}
	}
	given := map[protoreflect.Name]string{}
	d.Pairs(n, what, func(key, value *yaml.Node) {
		field := known[key.Value]
		if field == nil {
			d.Fail(key, "unknown key %q%s", key.Value, nearest.Hint(key.Value, names))
			return
		}
		if other, twice := given[field.Name()]; twice {
			d.Fail(key, "%s and %s are the same", key.Value, other)
			return
		}
		given[field.Name()] = key.Value
		set(field, key, value)
	})
}

// field sets a field of any type; what is the key under which it stands.
func (d *decoder) field(n *yaml.Node, what string, field protoreflect.FieldDescriptor, to protoreflect.Message) {
	switch {
	case what == durationKey(field):
		d.duration(n, what, field, to)
	case field.IsMap():
		d.Pairs(n, what, func(key, value *yaml.Node) {
			if v, ok := d.scalar(value, what+"."+key.Value, field.MapValue()); ok {
				to.Mutable(field).Map().Set(protoreflect.ValueOfString(key.Value).MapKey(), v)
			}
		})
	case isSkills(field):
		d.agentSkills(n, what, to.Mutable(field).List())
	case field.IsList():
		for i, item := range d.Items(n, what) {
			d.below = fmt.Sprintf("%s[%d].", field.Name(), i)
			d.item(item, what, field, to.Mutable(field).List())
			d.below = ""
		}
	default:
		if v, ok := d.scalar(n, what, field); ok {
			to.Set(field, v)
		}
	}
}

// item appends an element of a list; several if it stands for them.
func (d *decoder) item(n *yaml.Node, what string, field protoreflect.FieldDescriptor, to protoreflect.List) {
	switch {
	case field.Message() == nil:
		if v, ok := d.scalar(n, what, field); ok {
			to.Append(v)
		}
	case !d.short(n, what, to):
		d.fields(n, what, to.AppendMutable().Message())
	}
}

// fields reads a message that is no object of its own.
func (d *decoder) fields(n *yaml.Node, what string, to protoreflect.Message) {
	d.message(n, what, to, func(field protoreflect.FieldDescriptor, key, value *yaml.Node) {
		d.note(string(field.Name()), key, value)
		d.field(value, key.Value, field, to)
	})
}

// scalar is the value of a node for a field that is text, a number, a boolean
// or an enum.
func (d *decoder) scalar(n *yaml.Node, what string, field protoreflect.FieldDescriptor) (protoreflect.Value, bool) {
	n = yamlfile.Resolved(n)
	tag := n.ShortTag()
	scalar := n.Kind == yaml.ScalarNode
	switch field.Kind() {
	case protoreflect.StringKind:
		if isText(n) {
			return protoreflect.ValueOfString(n.Value), true
		}
		hint := ""
		if scalar && tag != "!!null" {
			hint = fmt.Sprintf("; put it in quotes: %q", n.Value)
		}
		d.Fail(n, "%s: expected text, found %s%s", what, yamlfile.Found(n), hint)
	case protoreflect.BoolKind:
		var b bool
		if scalar && tag == "!!bool" && n.Decode(&b) == nil {
			return protoreflect.ValueOfBool(b), true
		}
		d.Fail(n, "%s: expected true or false, found %s", what, yamlfile.Found(n))
	case protoreflect.EnumKind:
		return d.enum(n, what, field.Enum())
	default:
		return d.number(n, what, field.Kind())
	}
	return protoreflect.Value{}, false
}

// isText tells whether a value is text; a date is text here.
func isText(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && (n.ShortTag() == "!!str" || n.ShortTag() == "!!timestamp")
}

func (d *decoder) number(n *yaml.Node, what string, kind protoreflect.Kind) (protoreflect.Value, bool) {
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!int" {
		d.Fail(n, "%s: expected a whole number, found %s", what, yamlfile.Found(n))
		return protoreflect.Value{}, false
	}
	bits := 64
	if kind == protoreflect.Int32Kind {
		bits = 32
	}
	v, err := strconv.ParseInt(n.Value, 0, bits)
	switch {
	case err != nil:
		d.Fail(n, "%s: %s is out of range", what, n.Value)
		return protoreflect.Value{}, false
	case bits == 32:
		return protoreflect.ValueOfInt32(int32(v)), true
	}
	return protoreflect.ValueOfInt64(v), true
}

// enum takes the short name, also with underscores, and the whole one.
func (d *decoder) enum(n *yaml.Node, what string, enum protoreflect.EnumDescriptor) (protoreflect.Value, bool) {
	if n.Kind != yaml.ScalarNode {
		d.Fail(n, "%s: expected a name, found %s", what, yamlfile.Found(n))
		return protoreflect.Value{}, false
	}
	var names []string
	values := enum.Values()
	for i := 1; i < values.Len(); i++ {
		value := values.Get(i)
		short := shortName(value)
		if n.Value == string(value.Name()) || strings.ReplaceAll(n.Value, "_", "-") == short {
			return protoreflect.ValueOfEnum(value.Number()), true
		}
		names = append(names, short)
	}
	d.Fail(n, "%s: %q is none of %s%s", what, n.Value, strings.Join(names, ", "), nearest.Hint(n.Value, names))
	return protoreflect.Value{}, false
}

// duration sets a field in milliseconds from text like 30s.
func (d *decoder) duration(n *yaml.Node, key string, field protoreflect.FieldDescriptor, to protoreflect.Message) {
	n = yamlfile.Resolved(n)
	v, err := time.ParseDuration(n.Value)
	switch {
	case n.Kind != yaml.ScalarNode || err != nil:
		d.Fail(n, "%s: expected a duration such as 30s, 15m or 2h, found %s; for milliseconds write %s", key, yamlfile.Found(n), field.Name())
	case v%time.Millisecond != 0:
		d.Fail(n, "%s: %s is finer than a millisecond", key, n.Value)
	default:
		to.Set(field, protoreflect.ValueOfInt64(v.Milliseconds()))
	}
}
