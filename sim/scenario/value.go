package scenario

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// ValueKind is the kind of a value.
type ValueKind int

// The kinds of a value.
const (
	// Literal is a text, number, truth value or enum name.
	Literal ValueKind = iota
	// List is a list of literals and variables.
	List
	// Variable is $name.
	Variable
	// Present is *: there, and not empty.
	Present
	// Absent is -: not there, or empty.
	Absent
)

// Value is the right side of an attribute.
type Value struct {
	// Kind says which of the others is meant.
	Kind ValueKind
	// Text is the literal, or the variable's name.
	Text string
	// Quoted is true for a literal that is a text although it looks like a
	// number or truth value.
	Quoted bool
	// List are the elements of a list.
	List []Value
}

var (
	bareText     = regexp.MustCompile(`^[^\s"\[\],#$*=][^\s"\[\],#]*$`)
	variableName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]*$`)
	number       = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?$`)
)

// looksTyped is true for what means something else without its quotes.
func looksTyped(text string) bool {
	return text == "true" || text == "false" || number.MatchString(text)
}

// parseValue reads the right side of an attribute.
func parseValue(text string) (Value, error) {
	switch {
	case text == "*":
		return Value{Kind: Present}, nil
	case text == "-":
		return Value{Kind: Absent}, nil
	case strings.HasPrefix(text, "["):
		return parseList(text)
	default:
		return parseElement(text)
	}
}

func parseElement(text string) (Value, error) {
	switch {
	case text == "":
		return Value{}, errors.New(`a value is missing; write "" for the empty text, - for absent`)
	case strings.HasPrefix(text, "$"):
		if !variableName.MatchString(text[1:]) {
			return Value{}, fmt.Errorf("%q is no name of a variable; write $ and letters, digits, _ or -", text)
		}
		return Value{Kind: Variable, Text: text[1:]}, nil
	case strings.HasPrefix(text, `"`):
		plain, err := strconv.Unquote(text)
		if err != nil {
			return Value{}, fmt.Errorf("%s is not quoted rightly", text)
		}
		return Value{Text: plain, Quoted: looksTyped(plain)}, nil
	case !bareText.MatchString(text) || text == "-":
		return Value{}, fmt.Errorf("%s must stand in quotes", text)
	default:
		return Value{Text: text}, nil
	}
}

func parseList(text string) (Value, error) {
	if !strings.HasSuffix(text, "]") || len(text) < 2 {
		return Value{}, errors.New("a list ends with ]")
	}
	list := Value{Kind: List}
	rest := text[1 : len(text)-1]
	for rest != "" {
		end := elementEnd(rest)
		element, err := parseElement(rest[:end])
		if err != nil {
			return Value{}, err
		}
		list.List = append(list.List, element)
		if end == len(rest) {
			break
		}
		if rest = rest[end+1:]; rest == "" {
			return Value{}, errors.New("a list has no comma at its end")
		}
	}
	return list, nil
}

// elementEnd is where the first element of a list's inside ends: at its
// comma, or at the end.
func elementEnd(text string) int {
	quoted := false
	for i := 0; i < len(text); i++ {
		switch {
		case quoted && text[i] == '\\':
			i++
		case text[i] == '"':
			quoted = !quoted
		case text[i] == ',' && !quoted:
			return i
		}
	}
	return len(text)
}

// String is the value in canonical form.
func (v Value) String() string {
	switch v.Kind {
	case Variable:
		return "$" + v.Text
	case Present:
		return "*"
	case Absent:
		return "-"
	case List:
		elements := make([]string, len(v.List))
		for i, e := range v.List {
			elements[i] = e.String()
		}
		return "[" + strings.Join(elements, ",") + "]"
	default:
		if v.Quoted || v.Text == "-" || !bareText.MatchString(v.Text) {
			return strconv.Quote(v.Text)
		}
		return v.Text
	}
}

// literal gives the value with its variable replaced by what it is bound to.
func (v Value) literal(vars Vars) (Value, error) {
	if v.Kind != Variable {
		return v, nil
	}
	text, bound := vars[v.Text]
	if !bound {
		return Value{}, fmt.Errorf("$%s is not bound yet; an expectation before must hold it", v.Text)
	}
	return Value{Text: text}, nil
}
