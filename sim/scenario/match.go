package scenario

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/structpb"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// Match compares a message of the server with the expectation and binds its
// new variables. The error says what differs, and at which line; vars are
// then as before.
func (e *Expect) Match(vars Vars, from string, to []string, ev *usherv1.Event) error {
	return e.match(vars, Observed{From: from, To: to, Event: ev})
}

// match compares what was seen with the expectation.
func (e *Expect) match(vars Vars, o Observed) error {
	if o.name() != e.Name || o.From != e.From || !sameSet(o.To, e.To) {
		return fmt.Errorf("%s: want %s > %s %s, got %s", e.Position(), e.From, strings.Join(e.To, ", "), e.Name, o)
	}
	if o.Event != nil && !e.rightProtocol(o.Event) {
		return fmt.Errorf("%s: %s: protocol is %s, want %s", e.Position(), e.Name, protocolName(o.Event.GetProtocol()), e.Protocol)
	}
	bound := Vars{}
	for _, a := range e.Attributes {
		if err := a.match(o.lookup(a.Path), vars, bound); err != nil {
			return fmt.Errorf("%s: %s to %s: %s %w, in %s", e.Position(), e.Name, strings.Join(e.To, ", "), a.Path, err, o)
		}
	}
	for name, text := range bound {
		vars[name] = text
	}
	return nil
}

// rightProtocol compares protocols. An answer that is not recorded may carry
// none: it comes back on the call, in the protocol of its request.
func (e *Expect) rightProtocol(ev *usherv1.Event) bool {
	unrecorded := ev.GetSequence() == 0 && ev.GetProtocol() == usherv1.Protocol_PROTOCOL_UNSPECIFIED
	return unrecorded || protocolName(ev.GetProtocol()) == e.Protocol
}

func sameSet(a, b []string) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}

// found is what stands at a path of a message.
type found struct {
	// empty is true for what is not there, and for zero, "" and an empty list.
	empty bool
	// text is a scalar in the form that literals have.
	text string
	// list are the elements of a list of scalars.
	list   []string
	isList bool
	// field is the field; nil in user data.
	field protoreflect.FieldDescriptor
}

// match compares what stands at the attribute's path with its value.
func (a Attribute) match(f found, vars, bound Vars) error {
	switch a.Value.Kind {
	case Present:
		if f.empty {
			return fmt.Errorf("is empty, want anything")
		}
		return nil
	case Absent:
		if !f.empty {
			return fmt.Errorf("is %s, want it empty", f)
		}
		return nil
	case List:
		return matchList(f, a.Value, vars, bound)
	default:
		return matchText(f.field, f.text, f.empty, a.Value, vars, bound)
	}
}

func matchList(f found, want Value, vars, bound Vars) error {
	if len(f.list) != len(want.List) || !f.isList && len(want.List) > 0 {
		return fmt.Errorf("is %s, want %s", f, want)
	}
	for i, v := range want.List {
		if err := matchText(f.field, f.list[i], f.list[i] == "", v, vars, bound); err != nil {
			return fmt.Errorf("element %d %w", i, err)
		}
	}
	return nil
}

func matchText(field protoreflect.FieldDescriptor, got string, empty bool, want Value, vars, bound Vars) error {
	if want.Kind == Variable {
		return matchVariable(got, empty, want.Text, vars, bound)
	}
	text := literalText(field, want)
	if got != text {
		return fmt.Errorf("is %q, want %q", got, text)
	}
	return nil
}

func matchVariable(got string, empty bool, name string, vars, bound Vars) error {
	want, known := vars[name]
	if !known {
		want, known = bound[name]
	}
	switch {
	case known && got != want:
		return fmt.Errorf("is %q, want $%s, which is %q", got, name, want)
	case !known && empty:
		return fmt.Errorf("is empty, want something to bind $%s to", name)
	case !known:
		bound[name] = got
	}
	return nil
}

// literalText is a literal in the form that values of the field have.
func literalText(field protoreflect.FieldDescriptor, v Value) string {
	if field != nil && field.Message() == nil {
		if value, err := scalar(field, v.Text); err == nil {
			return scalarText(field, value)
		}
		return v.Text
	}
	if v.Quoted {
		return strconv.Quote(v.Text)
	}
	return v.Text
}

// String shows what was found.
func (f found) String() string {
	switch {
	case f.isList:
		return "[" + strings.Join(f.list, ",") + "]"
	case f.empty:
		return "empty"
	case f.text == "":
		return "a message"
	default:
		return strconv.Quote(f.text)
	}
}

// lookup finds what stands at a path: in the message, or else in the envelope.
func (o Observed) lookup(path string) found {
	segments := strings.Split(path, ".")
	if o.Event == nil {
		return get(o.Request.ProtoReflect(), segments)
	}
	body := o.Event.ProtoReflect()
	if field := body.WhichOneof(envelope.Oneofs().ByName("message")); field != nil {
		inside := body.Get(field).Message()
		if _, err := resolve(inside.Descriptor(), path); err == nil {
			f := get(inside, segments)
			if _, err := resolve(envelope, path); err != nil || !f.empty {
				return f
			}
		}
	}
	return get(body, segments)
}

// get follows a path through a message.
func get(m protoreflect.Message, path []string) found {
	field := m.Descriptor().Fields().ByName(protoreflect.Name(path[0]))
	if field == nil {
		return found{empty: true}
	}
	path = path[1:]
	value := m.Get(field)
	switch {
	case field.IsList() && len(path) == 0:
		return listFound(field, value.List())
	case field.IsList():
		index, err := listIndex(path[0])
		if err != nil || index >= value.List().Len() {
			return zero(field, path[1:])
		}
		return inside(field, value.List().Get(index), true, path[1:])
	case field.IsMap():
		return found{field: field, empty: value.Map().Len() == 0}
	default:
		return inside(field, value, field.Message() == nil || m.Has(field), path)
	}
}

// inside goes on with what stands in a field, or in one element of it.
func inside(field protoreflect.FieldDescriptor, value protoreflect.Value, there bool, path []string) found {
	switch {
	case field.Message() == nil:
		text := scalarText(field, value)
		return found{field: field, text: text, empty: text == "" || text == "0" || text == "false" || text == "UNSPECIFIED"}
	case !there:
		return zero(field, path)
	case isUserData(field.Message()):
		return userDataFound(value.Message().Interface(), path)
	case len(path) == 0:
		return found{field: field, empty: proto.Size(value.Message().Interface()) == 0}
	default:
		return get(value.Message(), path)
	}
}

// zero is what stands at a path through a message that is not there.
func zero(field protoreflect.FieldDescriptor, path []string) found {
	if field.Message() == nil || isUserData(field.Message()) || len(path) == 0 {
		return found{field: field, empty: true}
	}
	empty, err := newMessage(field.Message())
	if err != nil {
		return found{field: field, empty: true}
	}
	return get(empty.ProtoReflect(), path)
}

func listFound(field protoreflect.FieldDescriptor, list protoreflect.List) found {
	f := found{field: field, isList: true, empty: list.Len() == 0}
	for i := range list.Len() {
		if field.Message() != nil {
			f.list = append(f.list, "a message")
			continue
		}
		f.list = append(f.list, scalarText(field, list.Get(i)))
	}
	return f
}

// scalarText is a scalar in the form that literals have.
func scalarText(field protoreflect.FieldDescriptor, value protoreflect.Value) string {
	if field.Kind() == protoreflect.EnumKind {
		return enumName(field.Enum(), value.Enum())
	}
	return value.String()
}

func userDataFound(m proto.Message, path []string) found {
	value := &structpb.Value{}
	switch m := m.(type) {
	case *structpb.Struct:
		value = structpb.NewStructValue(m)
	case *structpb.Value:
		value = m
	}
	for _, key := range path {
		value = value.GetStructValue().GetFields()[key]
	}
	switch kind := value.GetKind().(type) {
	case *structpb.Value_ListValue:
		f := found{isList: true, empty: len(kind.ListValue.GetValues()) == 0}
		for _, v := range kind.ListValue.GetValues() {
			f.list = append(f.list, userDataText(v))
		}
		return f
	case *structpb.Value_StructValue:
		return found{empty: len(kind.StructValue.GetFields()) == 0}
	default:
		return found{text: userDataText(value), empty: userDataText(value) == ""}
	}
}

// userDataText is a scalar of user data in the form that literals have there.
func userDataText(v *structpb.Value) string {
	switch kind := v.GetKind().(type) {
	case *structpb.Value_StringValue:
		if looksTyped(kind.StringValue) {
			return strconv.Quote(kind.StringValue)
		}
		return kind.StringValue
	case *structpb.Value_NumberValue:
		return strconv.FormatFloat(kind.NumberValue, 'f', -1, 64)
	case *structpb.Value_BoolValue:
		return strconv.FormatBool(kind.BoolValue)
	default:
		return ""
	}
}

// name is the name of the message or request that was seen.
func (o Observed) name() string {
	if o.Event == nil {
		return string(o.Request.ProtoReflect().Descriptor().Name())
	}
	body := o.Event.ProtoReflect()
	field := body.WhichOneof(envelope.Oneofs().ByName("message"))
	if field == nil {
		return "an empty Event"
	}
	return string(field.Message().Name())
}

// String shows what was seen in one line.
func (o Observed) String() string {
	var m proto.Message = o.Event
	if o.Event == nil {
		m = o.Request
	}
	text := strings.Join(strings.Fields(prototext.MarshalOptions{}.Format(m)), " ")
	return fmt.Sprintf("%s > %s %s {%s}", o.From, strings.Join(o.To, ", "), o.name(), text)
}
