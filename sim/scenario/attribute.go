package scenario

import (
	"errors"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// parseAttributes reads path=value words. A path is looked up in each of the
// messages in turn; the values * and - mean something only in expectations.
func (p *parser) parseAttributes(words []token, expected bool, in ...protoreflect.MessageDescriptor) ([]Attribute, error) {
	var attributes []Attribute
	seen := map[string]bool{}
	for _, w := range words {
		path, text, ok := strings.Cut(w.text, "=")
		if !ok {
			return nil, p.fail(w.column, "write path=value", "%q is no attribute", w.text)
		}
		if seen[path] {
			return nil, p.fail(w.column, "name each path once", "%s stands here twice", path)
		}
		seen[path] = true
		value, err := parseValue(text)
		if err != nil {
			return nil, p.fail(w.column+len(path)+1, "see the package's page for values", "%s", err)
		}
		if !expected && (value.Kind == Present || value.Kind == Absent) {
			return nil, p.fail(w.column+len(path)+1, `quote it, or leave the attribute out`, "%s is not a value to send", value)
		}
		if err := p.resolveAttribute(w, path, value, in); err != nil {
			return nil, err
		}
		attributes = append(attributes, Attribute{Path: path, Value: value})
	}
	return attributes, nil
}

// resolveAttribute checks path and value against the first message that has
// such a field; a mistake is told of the message in which the path comes
// nearest, which is the first.
func (p *parser) resolveAttribute(w token, path string, value Value, in []protoreflect.MessageDescriptor) error {
	var first error
	for _, d := range in {
		end, err := resolve(d, path)
		if err == nil {
			err = end.check(value)
		}
		if err == nil {
			return nil
		}
		if first == nil {
			first = err
		}
	}
	var wrong *problem
	if errors.As(first, &wrong) {
		if len(in) > 1 && strings.HasPrefix(wrong.hint, "one of") {
			wrong.hint += ", or of the envelope " + strings.Join(fieldNames(in[1]), ", ")
		}
		return p.fail(w.column, wrong.hint, "%s", wrong.message)
	}
	return p.fail(w.column, "", "%s", first)
}
