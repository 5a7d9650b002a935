package configfile

import (
	"bytes"
	"math"
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
	var text bytes.Buffer
	writer := yaml.NewEncoder(&text)
	writer.SetIndent(2)
	if err := writer.Encode(message(configuration.ProtoReflect())); err != nil {
		return nil, err
	}
	if err := writer.Close(); err != nil {
		return nil, err
	}
	return text.Bytes(), nil
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
	case field.IsList():
		n := &yaml.Node{Kind: yaml.SequenceNode}
		for i := range v.List().Len() {
			n.Content = append(n.Content, single(field, v.List().Get(i)))
		}
		if field.Message() == nil {
			n.Style = yaml.FlowStyle
		}
		return n
	}
	return single(field, v)
}

// mapping is a map with text for keys, sorted.
func mapping(field protoreflect.FieldDescriptor, m protoreflect.Map) *yaml.Node {
	n := &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle}
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
	return n
}

func single(field protoreflect.FieldDescriptor, v protoreflect.Value) *yaml.Node {
	switch field.Kind() {
	case protoreflect.MessageKind:
		return message(v.Message())
	case protoreflect.EnumKind:
		if value := field.Enum().Values().ByNumber(v.Enum()); value != nil {
			return &yaml.Node{Kind: yaml.ScalarNode, Value: shortName(value)}
		}
		return &yaml.Node{Kind: yaml.ScalarNode, Value: strconv.Itoa(int(v.Enum()))}
	case protoreflect.StringKind:
		return textNode(v.String())
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Value: v.String()}
}

// textNode is text, in quotes where it would be read as something else.
func textNode(text string) *yaml.Node {
	n := &yaml.Node{}
	n.SetString(text)
	return n
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
