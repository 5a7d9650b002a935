// Package expression is the language of conditions: CEL over an interaction
// or an agent, e.g. `data.vip == true` or `skill.billing <= 4`. It promises to
// be a function of its input: no clock, no randomness, no goroutine, no input
// or output, and an end, since it has no loops and every evaluation a limit.
//
//	source --Compile, when configuration is applied--> Program
//	Program + Values --Bool, Text, Value, Map--> result, or an error
//
// What an expression over an interaction knows:
//
//	interaction  its properties, e.g. interaction.media_type
//	data         its user data, e.g. data.vip
//	variable     the variables of its vector, e.g. variable.tries
//	digits       the digits that were collected
//	response     the answer of the last external service; response.fault is
//	             why it failed, "" if it did not
//	vdn          the VDN it came through, "" if none
//	wait_s       the seconds it waits
//
// The condition of a view knows of these only interaction, data and vdn; the
// others belong to a vector, or change without an event.
//
// What an expression over an agent knows:
//
//	agent        his id
//	skill        his levels by skill, e.g. skill.billing <= 4
//	attribute    his attributes, e.g. attribute.language == "de"
//	group        the agent groups he is in, e.g. "sales" in group
//
// A misspelt name or property is refused by Compile. A key that is not there
// is an error of the evaluation, and callers take an error as "no". So
// `skill.billing <= 4` alone does not hold for an agent without that skill;
// the long form is `"billing" in skill && skill.billing <= 4`. CEL's || and &&
// absorb errors: `skill.billing <= 4 || skill.sales <= 2` holds for who has
// only one of them. Not so !: `!(skill.billing <= 4)` is an error again, and
// so "no", for who lacks the skill; write `!("billing" in skill)`.
//
// Whole numbers of data, variable and response are int, others double.
package expression

import (
	"fmt"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"google.golang.org/protobuf/types/known/structpb"
)

// Limits of an expression and of what it gives.
const (
	// sourceBytes is how long an expression may be.
	sourceBytes = 2048
	// estimatedCost is what CEL may estimate that an expression costs with
	// texts and lists of typicalSize; so what can never work is refused early.
	estimatedCost = 100_000
	// evaluationCost is what one evaluation may cost. A name, an operator or a
	// function costs one unit, what they read is priced in cost.go. With the
	// limits of results it makes that no expression over 64 KiB of user data
	// takes longer than some 2 ms on a server of two cores (BenchmarkWorst),
	// about half of it for a result that is kept.
	evaluationCost = 20_000
	// regexInstructions is how large a pattern of matches may be, compiled.
	regexInstructions = 200
	// resultBytes and resultLevels bound a value, as they do user data.
	resultBytes  = 64 << 10
	resultLevels = 16
	// resultValues is how many values it may hold, with those inside others.
	resultValues = 2000
)

// Kind is what an expression is over.
type Kind int

// The kinds of expressions.
const (
	// OfInteraction is over an interaction in a vector.
	OfInteraction Kind = iota
	// OfAgent is over an agent.
	OfAgent
	// OfView is over an interaction, wherever it is: without what only its
	// vector knows.
	OfView
)

// Program is a compiled expression. It is never changed.
type Program struct {
	source  string
	kind    Kind
	result  *cel.Type
	program cel.Program
}

// Fault is why an expression is refused, and where; line and column count
// from 1, columns in characters.
type Fault struct {
	Line, Column int
	Message      string
}

// Error is the fault with its position.
func (f *Fault) Error() string {
	return fmt.Sprintf("%d:%d: %s", f.Line, f.Column, f.Message)
}

// CompileBool compiles a condition: an expression that gives true or false,
// as far as can be known.
func CompileBool(kind Kind, source string) (*Program, *Fault) {
	p, fault := Compile(kind, source)
	if fault == nil && !p.IsBool() {
		return nil, &Fault{1, 1, fmt.Sprintf("the expression gives %s; a condition gives bool", cel.FormatCELType(p.result))}
	}
	return p, fault
}

// Source is the text it was compiled from.
func (p *Program) Source() string { return p.source }

// IsBool tells whether it may give true or false: its type is bool, or not
// known before it is evaluated.
func (p *Program) IsBool() bool {
	return p.result.IsExactType(cel.BoolType) || p.result.IsExactType(cel.DynType)
}

// Bool evaluates a condition.
func (p *Program) Bool(v *Values) (bool, error) {
	result, err := p.evaluate(v)
	if err != nil {
		return false, err
	}
	holds, ok := result.(types.Bool)
	if !ok {
		return false, p.unfit(result, "bool")
	}
	return bool(holds), nil
}

// Text evaluates to a text of at most 64 KiB; numbers and booleans become their
// text.
func (p *Program) Text(v *Values) (string, error) {
	result, err := p.evaluate(v)
	if err != nil {
		return "", err
	}
	switch result.(type) {
	case types.String, types.Int, types.Uint, types.Double, types.Bool:
		text := string(result.ConvertToType(types.StringType).(types.String))
		if len(text) > resultBytes {
			return "", fmt.Errorf("expression %q: %w", p.source, errTooLarge)
		}
		return text, nil
	}
	return "", p.unfit(result, "a text")
}

// Value evaluates to a value, of at most 64 KiB encoded, 16 levels and 2,000
// values.
func (p *Program) Value(v *Values) (*structpb.Value, error) {
	result, err := p.evaluate(v)
	if err != nil {
		return nil, err
	}
	value, err := kept(result)
	if err != nil {
		return nil, fmt.Errorf("expression %q: %w", p.source, err)
	}
	return value, nil
}

// Map evaluates to a map.
func (p *Program) Map(v *Values) (*structpb.Struct, error) {
	value, err := p.Value(v)
	if err != nil {
		return nil, err
	}
	if value.GetStructValue() == nil {
		return nil, fmt.Errorf("expression %q: it gives no map", p.source)
	}
	return value.GetStructValue(), nil
}

func (p *Program) evaluate(v *Values) (ref.Val, error) {
	result, _, err := p.program.Eval(&activation{kind: p.kind, values: v})
	if err != nil {
		return nil, fmt.Errorf("expression %q: %w", p.source, err)
	}
	return result, nil
}

func (p *Program) unfit(result ref.Val, wanted string) error {
	return fmt.Errorf("expression %q: it gives %s, not %s", p.source, result.Type().TypeName(), wanted)
}
