package scenario

import (
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/structpb"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// Message builds the request, with variables replaced by what they are bound
// to.
func (r *Request) Message(vars Vars) (proto.Message, error) {
	m, err := newMessage(r.descriptor)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.Position(), err)
	}
	if err := setAll(m, r.Attributes, vars); err != nil {
		return nil, fmt.Errorf("%s: %w", r.Position(), err)
	}
	return m, nil
}

// TenantOptions are the options that the phase sets; all others are unset.
func (p *Phase) TenantOptions() (*usherv1.Options, error) {
	options := &usherv1.Options{}
	for _, o := range p.Options {
		if err := setAll(options, o.Attributes, nil); err != nil {
			return nil, fmt.Errorf("%s: %w", o.Position(), err)
		}
	}
	return options, nil
}

func setAll(m proto.Message, attributes []Attribute, vars Vars) error {
	for _, a := range attributes {
		if err := set(m.ProtoReflect(), strings.Split(a.Path, "."), a.Value, vars); err != nil {
			return fmt.Errorf("%s: %w", a.Path, err)
		}
	}
	return nil
}

// set writes a value at a path that has been resolved before.
func set(m protoreflect.Message, path []string, v Value, vars Vars) error {
	field := m.Descriptor().Fields().ByName(protoreflect.Name(path[0]))
	path = path[1:]
	switch {
	case field.IsList() && len(path) == 0:
		return appendAll(m.Mutable(field).List(), field, v, vars)
	case field.IsList():
		element, err := listElement(m.Mutable(field).List(), path[0])
		if err != nil {
			return err
		}
		return set(element, path[1:], v, vars)
	case field.Message() != nil && isUserData(field.Message()):
		return setUserData(m.Mutable(field).Message().Interface(), path, v, vars)
	case field.Message() != nil:
		return set(m.Mutable(field).Message(), path, v, vars)
	}
	literal, err := v.literal(vars)
	if err != nil {
		return err
	}
	value, err := scalar(field, literal.Text)
	if err != nil {
		return err
	}
	m.Set(field, value)
	return nil
}

func appendAll(list protoreflect.List, field protoreflect.FieldDescriptor, v Value, vars Vars) error {
	for _, e := range v.List {
		literal, err := e.literal(vars)
		if err != nil {
			return err
		}
		value, err := scalar(field, literal.Text)
		if err != nil {
			return err
		}
		list.Append(value)
	}
	return nil
}

// listElement is the element of a list of messages; the one after the last is
// made.
func listElement(list protoreflect.List, segment string) (protoreflect.Message, error) {
	index, err := listIndex(segment)
	if err != nil {
		return nil, err
	}
	if index > list.Len() {
		return nil, fmt.Errorf("element %d is missing before it", list.Len())
	}
	if index == list.Len() {
		list.AppendMutable()
	}
	return list.Get(index).Message(), nil
}

func setUserData(m proto.Message, path []string, v Value, vars Vars) error {
	value, err := userDataValue(v, vars)
	if err != nil {
		return err
	}
	switch m := m.(type) {
	case *structpb.Value:
		proto.Merge(m, value)
		return nil
	case *structpb.Struct:
		return setInStruct(m, path, value)
	default:
		return fmt.Errorf("%T is not user data", m)
	}
}

func setInStruct(s *structpb.Struct, path []string, value *structpb.Value) error {
	if s.Fields == nil {
		s.Fields = map[string]*structpb.Value{}
	}
	key := path[0]
	if len(path) == 1 {
		s.Fields[key] = value
		return nil
	}
	if s.Fields[key].GetStructValue() == nil {
		s.Fields[key] = structpb.NewStructValue(&structpb.Struct{})
	}
	return setInStruct(s.Fields[key].GetStructValue(), path[1:], value)
}

// userDataValue types a literal by its look: numbers, true and false, texts.
func userDataValue(v Value, vars Vars) (*structpb.Value, error) {
	if v.Kind == List {
		list := &structpb.ListValue{}
		for _, e := range v.List {
			value, err := userDataValue(e, vars)
			if err != nil {
				return nil, err
			}
			list.Values = append(list.Values, value)
		}
		return structpb.NewListValue(list), nil
	}
	literal, err := v.literal(vars)
	if err != nil {
		return nil, err
	}
	switch {
	case literal.Quoted:
		return structpb.NewStringValue(literal.Text), nil
	case literal.Text == "true" || literal.Text == "false":
		return structpb.NewBoolValue(literal.Text == "true"), nil
	case number.MatchString(literal.Text):
		n, err := strconv.ParseFloat(literal.Text, 64)
		if err != nil {
			return nil, err
		}
		return structpb.NewNumberValue(n), nil
	default:
		return structpb.NewStringValue(literal.Text), nil
	}
}
