package expression

import (
	"cmp"
	"fmt"
	"maps"
	"math"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"google.golang.org/protobuf/types/known/structpb"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// Values are what expressions see. What is missing counts as empty.
type Values struct {
	// Of an interaction; its user data is data.
	Interaction *usherv1.InteractionProperties
	Variables   *structpb.Struct
	Digits      string
	// Response and Fault are the answer of the last external service.
	Response *structpb.Struct
	Fault    string
	Vdn      string
	WaitS    int64

	// Of an agent.
	Agent *usherv1.Agent
}

// variable is a name that expressions may use.
type variable struct {
	name string
	is   *cel.Type
	of   func(*Values) any
}

var (
	interactionType = cel.ObjectType(string((&usherv1.InteractionProperties{}).ProtoReflect().Descriptor().FullName()))
	anyMap          = cel.MapType(cel.StringType, cel.DynType)
)

// variables are what expressions of each kind know.
var variables = map[Kind][]variable{
	OfInteraction: {
		{"interaction", interactionType, (*Values).interaction},
		{"data", anyMap, (*Values).data},
		{"variable", anyMap, func(v *Values) any { return cmp.Or(v.Variables, &structpb.Struct{}) }},
		{"digits", cel.StringType, func(v *Values) any { return v.Digits }},
		{"response", anyMap, (*Values).response},
		{"vdn", cel.StringType, func(v *Values) any { return v.Vdn }},
		{"wait_s", cel.IntType, func(v *Values) any { return v.WaitS }},
	},
	OfView: {
		{"interaction", interactionType, (*Values).interaction},
		{"data", anyMap, (*Values).data},
		{"vdn", cel.StringType, func(v *Values) any { return v.Vdn }},
	},
	OfAgent: {
		{"agent", cel.StringType, func(v *Values) any { return v.Agent.GetAgentId() }},
		{"skill", cel.MapType(cel.StringType, cel.IntType), (*Values).skill},
		{"attribute", cel.MapType(cel.StringType, cel.StringType), func(v *Values) any { return v.Agent.GetAttributes() }},
		{"group", cel.ListType(cel.StringType), func(v *Values) any { return v.Agent.GetAgentGroups() }},
	},
}

func (v *Values) interaction() any {
	return cmp.Or(v.Interaction, &usherv1.InteractionProperties{})
}

func (v *Values) data() any {
	return userDataOf(v.Interaction)
}

// response has the fault under its name, whatever the service answered.
func (v *Values) response() any {
	fields := make(map[string]*structpb.Value, len(v.Response.GetFields())+1)
	maps.Copy(fields, v.Response.GetFields())
	fields["fault"] = structpb.NewStringValue(v.Fault)
	return &structpb.Struct{Fields: fields}
}

// skill are the agent's levels.
func (v *Values) skill() any {
	levels := make(map[string]int64, len(v.Agent.GetSkills()))
	for _, s := range v.Agent.GetSkills() {
		levels[s.GetSkill()] = int64(cmp.Or(s.GetLevel(), 1))
	}
	return levels
}

// activation gives CEL the values by their names, for one evaluation. Each is
// made once, however often the expression names it.
type activation struct {
	kind   Kind
	values *Values
	made   [maxVariables]any
}

// maxVariables is how many variables a kind of expression has at most.
const maxVariables = 7

// Parent is part of cel.Activation: there is none.
func (*activation) Parent() cel.Activation { return nil }

// ResolveName is part of cel.Activation.
func (a *activation) ResolveName(name string) (any, bool) {
	for n, v := range variables[a.kind] {
		if v.name == name {
			if a.made[n] == nil {
				a.made[n] = v.of(a.values)
			}
			return a.made[n], true
		}
	}
	return nil, false
}

// adapter makes int of whole numbers, so that people can count with them;
// protocol buffers have but one kind of number in a Struct.
type adapter struct{ types.Adapter }

// exactInteger is the largest whole number that a double holds exactly.
const exactInteger = 1 << 53

// NativeToValue is part of types.Adapter.
func (a adapter) NativeToValue(value any) ref.Val {
	switch v := value.(type) {
	case *structpb.Struct:
		return types.NewJSONStruct(a, v)
	case *usherv1.InteractionProperties:
		if object, ok := a.Adapter.NativeToValue(v).(object); ok {
			return interaction{object, a}
		}
	case *structpb.ListValue:
		return types.NewJSONList(a, v)
	case *structpb.Value:
		switch kind := v.GetKind().(type) {
		case *structpb.Value_NumberValue:
			if n := kind.NumberValue; n == math.Trunc(n) && math.Abs(n) <= exactInteger {
				return types.Int(n)
			}
		case *structpb.Value_StructValue:
			return a.NativeToValue(kind.StructValue)
		case *structpb.Value_ListValue:
			return a.NativeToValue(kind.ListValue)
		}
	}
	return a.Adapter.NativeToValue(value)
}

// object is what CEL makes of a message.
type object interface {
	ref.Val
	traits.Indexer
	traits.FieldTester
	traits.Zeroer
}

// interaction is an object whose user data is taken as it is; CEL would copy
// all of it, each time that it is named.
type interaction struct {
	object
	adapter types.Adapter
}

// Get is part of traits.Indexer.
func (i interaction) Get(field ref.Val) ref.Val {
	if field == types.String(userData) {
		return i.adapter.NativeToValue(userDataOf(i.Value().(*usherv1.InteractionProperties)))
	}
	return i.object.Get(field)
}

// provider gives CEL the fields of an interaction, the user data as it is.
type provider struct{ *types.Registry }

// FindStructFieldType is part of types.Provider.
func (p provider) FindStructFieldType(message, field string) (*types.FieldType, bool) {
	found, ok := p.Registry.FindStructFieldType(message, field)
	if !ok || message != interactionType.TypeName() || field != userData {
		return found, ok
	}
	whole := *found
	whole.GetFrom = func(target any) (any, error) {
		if v, ok := target.(ref.Val); ok {
			target = v.Value()
		}
		properties, ok := target.(*usherv1.InteractionProperties)
		if !ok {
			return nil, fmt.Errorf("%T has no user data", target)
		}
		return userDataOf(properties), nil
	}
	return &whole, true
}

// userData is the field of an interaction that holds its user data.
const userData = "user_data"

func userDataOf(of *usherv1.InteractionProperties) *structpb.Struct {
	return cmp.Or(of.GetUserData(), &structpb.Struct{})
}
