package scenario

import (
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// The messages whose fields are made up by their users.
const (
	structName = "google.protobuf.Struct"
	valueName  = "google.protobuf.Value"
)

// leaf is the end of a path: a field, or a place in user data.
type leaf struct {
	// field is the last field; nil in user data.
	field protoreflect.FieldDescriptor
	// element is true when the path names one element of a list.
	element bool
}

// problem is a mistake in a path, with a hint.
type problem struct{ message, hint string }

func (p *problem) Error() string { return p.message + "; " + p.hint }

// resolve follows a path through the descriptors.
func resolve(d protoreflect.MessageDescriptor, path string) (leaf, error) {
	segments := strings.Split(path, ".")
	for i := 0; ; {
		field := d.Fields().ByName(protoreflect.Name(segments[i]))
		if field == nil {
			return leaf{}, &problem{fmt.Sprintf("%s has no field %q", d.Name(), segments[i]),
				didYouMean(segments[i], fieldNames(d))}
		}
		end := leaf{field: field}
		if i++; field.IsList() && i < len(segments) {
			if _, err := listIndex(segments[i]); err != nil {
				return leaf{}, &problem{fmt.Sprintf("%s is a list", field.Name()), err.Error()}
			}
			end.element = true
			i++
		}
		if i == len(segments) {
			return end, nil
		}
		if field.IsMap() || field.Message() == nil {
			return leaf{}, &problem{fmt.Sprintf("%s has no fields", field.Name()), "end the path here"}
		}
		if d = field.Message(); isUserData(d) {
			return leaf{}, emptyKey(segments[i:])
		}
	}
}

func isUserData(d protoreflect.MessageDescriptor) bool {
	return d.FullName() == structName || d.FullName() == valueName
}

func emptyKey(segments []string) error {
	for _, s := range segments {
		if s == "" {
			return &problem{"a key of user data is empty", "write user_data.key"}
		}
	}
	return nil
}

// maxListIndex bounds what a path may make of a list.
const maxListIndex = 99

func listIndex(segment string) (int, error) {
	index, err := strconv.Atoi(segment)
	if err != nil || index < 0 || index > maxListIndex || strconv.Itoa(index) != segment {
		return 0, fmt.Errorf("write its name, a dot and an index from 0 to %d", maxListIndex)
	}
	return index, nil
}

func fieldNames(d protoreflect.MessageDescriptor) []string {
	fields := d.Fields()
	names := make([]string, fields.Len())
	for i := range names {
		names[i] = string(fields.Get(i).Name())
	}
	return names
}

// isMessage is true when the leaf holds fields of its own, so that only its
// presence can be asked.
func (l leaf) isMessage() bool {
	if l.field == nil || l.field.Message() == nil {
		return false
	}
	if l.field.IsMap() {
		return true
	}
	return l.field.Message().FullName() != valueName
}

// check says whether the value can stand at the leaf.
func (l leaf) check(v Value) error {
	switch {
	case v.Kind == Variable || v.Kind == Present || v.Kind == Absent:
		return nil
	case l.isMessage():
		return &problem{fmt.Sprintf("%s is a message", l.field.Name()), "write a path to one of its fields, or * or -"}
	case l.field == nil || l.field.Message() != nil:
		return nil
	case l.field.IsList() && !l.element:
		if v.Kind != List {
			return &problem{fmt.Sprintf("%s is a list", l.field.Name()), "write [a,b], or the path with an index"}
		}
		for _, e := range v.List {
			if err := l.checkScalar(e); err != nil {
				return err
			}
		}
		return nil
	case v.Kind == List:
		return &problem{fmt.Sprintf("%s is no list", l.field.Name()), "write one value"}
	default:
		return l.checkScalar(v)
	}
}

func (l leaf) checkScalar(v Value) error {
	if v.Kind == Variable {
		return nil
	}
	_, err := scalar(l.field, v.Text)
	return err
}

// scalar is the value of a field for a literal.
func scalar(field protoreflect.FieldDescriptor, text string) (protoreflect.Value, error) {
	wrong := func(what string) error {
		return &problem{fmt.Sprintf("%q does not fit %s", text, field.Name()), "it is " + what}
	}
	switch field.Kind() {
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(text), nil
	case protoreflect.BoolKind:
		if text != "true" && text != "false" {
			return protoreflect.Value{}, wrong("true or false")
		}
		return protoreflect.ValueOfBool(text == "true"), nil
	case protoreflect.Int32Kind:
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			return protoreflect.Value{}, wrong("a number of 32 bits")
		}
		return protoreflect.ValueOfInt32(int32(n)), nil
	case protoreflect.Int64Kind:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return protoreflect.Value{}, wrong("a number")
		}
		return protoreflect.ValueOfInt64(n), nil
	case protoreflect.Uint64Kind:
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return protoreflect.Value{}, wrong("a number, not negative")
		}
		return protoreflect.ValueOfUint64(n), nil
	case protoreflect.EnumKind:
		return enumValue(field.Enum(), text)
	default:
		return protoreflect.Value{}, wrong("of a type that scenarios can't write")
	}
}

func enumValue(enum protoreflect.EnumDescriptor, text string) (protoreflect.Value, error) {
	prefix := enumPrefix(enum)
	if v := enum.Values().ByName(protoreflect.Name(prefix + text)); v != nil {
		return protoreflect.ValueOfEnum(v.Number()), nil
	}
	var names []string
	for i := range enum.Values().Len() {
		names = append(names, enumName(enum, enum.Values().Get(i).Number()))
	}
	return protoreflect.Value{}, &problem{fmt.Sprintf("%s has no value %q", enum.Name(), text), didYouMean(text, names)}
}

// enumPrefix is what the names of an enum's values begin with.
func enumPrefix(enum protoreflect.EnumDescriptor) string {
	return strings.TrimSuffix(string(enum.Values().Get(0).Name()), "UNSPECIFIED")
}

// enumName is the name of an enum's value without its prefix.
func enumName(enum protoreflect.EnumDescriptor, n protoreflect.EnumNumber) string {
	v := enum.Values().ByNumber(n)
	if v == nil {
		return strconv.Itoa(int(n))
	}
	return strings.TrimPrefix(string(v.Name()), enumPrefix(enum))
}
