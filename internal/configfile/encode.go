package configfile

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/reflect/protoreflect"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// Format writes a configuration as Parse reads it. Passwords and their hashes
// are left out.
func Format(configuration *usherv1.Configuration) ([]byte, error) {
	m := configuration.ProtoReflect()
	var sections []string
	for i := range m.Descriptor().Fields().Len() {
		field := m.Descriptor().Fields().Get(i)
		if !m.Has(field) {
			continue
		}
		text, err := section(configuration, field)
		if err != nil {
			return nil, err
		}
		sections = append(sections, text)
	}
	if len(sections) == 0 {
		return []byte("{}\n"), nil
	}
	return []byte(strings.Join(sections, "\n")), nil
}

// Export is Format under a line that says of which tenant and version it is.
func Export(tenant string, stored *usherv1.GetConfigurationResponse) ([]byte, error) {
	text, err := Format(stored.GetConfiguration())
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(nil, "# Configuration of the tenant %s, version %d.\n%s", tenant, stored.GetVersion(), text), nil
}

// section is one key of the file with all its objects.
func section(configuration *usherv1.Configuration, field protoreflect.FieldDescriptor) (string, error) {
	if field.Name() == "vectors" {
		return vectorsText(configuration.GetVectors())
	}
	objects := configuration.ProtoReflect().Get(field)
	n := &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{textNode(string(field.Name()))}}
	if !field.IsList() {
		n.Content = append(n.Content, message(objects.Message()))
		return encoded(n)
	}
	list := &yaml.Node{Kind: yaml.SequenceNode}
	for i := range objects.List().Len() {
		list.Content = append(list.Content, message(objects.List().Get(i).Message()))
	}
	n.Content = append(n.Content, list)
	return encoded(n)
}

func encoded(n *yaml.Node) (string, error) {
	var text bytes.Buffer
	writer := yaml.NewEncoder(&text)
	writer.SetIndent(2)
	if err := writer.Encode(n); err != nil {
		return "", err
	}
	if err := writer.Close(); err != nil {
		return "", err
	}
	return text.String(), nil
}

// message is a mapping of the fields that are set, in the order of the
// protocol.
func message(m protoreflect.Message) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		if !m.Has(field) || notWritten(field) || field.Name() == "password" {
			continue
		}
		key, value := string(field.Name()), value(field, m.Get(field))
		if short := durationKey(field); short != "" {
			if text, fits := duration(m.Get(field).Int()); fits {
				key, value = short, &yaml.Node{Kind: yaml.ScalarNode, Value: text}
			}
		}
		n.Content = append(n.Content, textNode(key), value)
	}
	return n
}

func value(field protoreflect.FieldDescriptor, v protoreflect.Value) *yaml.Node {
	switch {
	case field.IsMap():
		return mapping(field, v.Map())
	case isSkills(field):
		return skillsNode(v.List())
	case !field.IsList():
		return single(field, v)
	case field.Message() == nil:
		n := &yaml.Node{Kind: yaml.SequenceNode}
		for i := range v.List().Len() {
			n.Content = append(n.Content, single(field, v.List().Get(i)))
		}
		return compact(n)
	}
	if short := shortNodes(v.List()); short != nil {
		return compact(&yaml.Node{Kind: yaml.SequenceNode, Content: short})
	}
	n := &yaml.Node{Kind: yaml.SequenceNode}
	for i := range v.List().Len() {
		element, _ := shortNode(v.List(), i)
		n.Content = append(n.Content, compact(cmp.Or(element, message(v.List().Get(i).Message()))))
	}
	return n
}

// mapping is a map with text for keys, sorted.
func mapping(field protoreflect.FieldDescriptor, m protoreflect.Map) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode}
	var keys []string
	m.Range(func(key protoreflect.MapKey, _ protoreflect.Value) bool {
		keys = append(keys, key.String())
		return true
	})
	slices.Sort(keys)
	for _, key := range keys {
		v := m.Get(protoreflect.ValueOfString(key).MapKey())
		n.Content = append(n.Content, textNode(key), single(field.MapValue(), v))
	}
	return compact(n)
}

func single(field protoreflect.FieldDescriptor, v protoreflect.Value) *yaml.Node {
	switch field.Kind() {
	case protoreflect.MessageKind:
		return message(v.Message())
	case protoreflect.EnumKind:
		if value := field.Enum().Values().ByNumber(v.Enum()); value != nil {
			return &yaml.Node{Kind: yaml.ScalarNode, Value: shortName(value)}
		}
		return numberNode(int64(v.Enum()))
	case protoreflect.StringKind:
		return textNode(v.String())
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Value: v.String()}
}

// date is what would be read as a time of its own, and is text here.
var date = regexp.MustCompile(`^\d{4}-\d\d-\d\d$`)

// textNode is text, in quotes where it would be read as something else.
func textNode(text string) *yaml.Node {
	if date.MatchString(text) {
		return &yaml.Node{Kind: yaml.ScalarNode, Value: text}
	}
	n := &yaml.Node{}
	n.SetString(text)
	if strange(text) {
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}

func numberNode(number int64) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Value: strconv.FormatInt(number, 10)}
}

// lineWidth is what fits a line.
const lineWidth = 80

// compact writes a list or mapping in one line if it fits.
func compact(n *yaml.Node) *yaml.Node {
	if width(n) <= lineWidth {
		n.Style = yaml.FlowStyle
	}
	return n
}

// width is about how long a line with a node is.
func width(n *yaml.Node) int {
	if n.Kind == yaml.ScalarNode {
		if strings.ContainsAny(n.Value, "\n:") { // a colon would need quotes there
			return lineWidth + 1
		}
		return len(n.Value)
	}
	sum := 0
	for _, part := range n.Content {
		sum += width(part) + len(", ")
	}
	return sum
}

// duration writes milliseconds as text like 2h30m, without the zeros that
// time.Duration adds.
func duration(ms int64) (string, bool) {
	if ms > longest || ms < -longest {
		return "", false
	}
	text := (time.Duration(ms) * time.Millisecond).String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text, true
}

// longest is the longest time that a time.Duration can hold, in milliseconds.
const longest = math.MaxInt64 / int64(time.Millisecond)
