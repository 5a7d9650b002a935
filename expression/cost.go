package expression

import (
	"errors"
	"regexp"

	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"cel.dev/cel-go/interpreter"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// Prices. A unit stands for 100 ns of work, or less.
const (
	// bytesPerUnit are the bytes of a text that are read or copied for a unit.
	bytesPerUnit = 50
	// elementUnits is the price of comparing one element of a list or map.
	elementUnits = 10
	// lookUnits is the price of looking at one element of a list for a number
	// or a text, or of copying it into another list.
	lookUnits = 2
	// bytesPerUnitOfNumber are the bytes of a text that are read as a double.
	bytesPerUnitOfNumber = 10
	// messageUnits is the price of comparing a message, without its fields.
	messageUnits = 100
	// regexPerUnit are the bytes times instructions of a pattern for a unit.
	regexPerUnit = 5
)

// typicalSizes let the cost of an expression be estimated before it meets any
// text; evaluation holds the true cost to its limit.
type typicalSizes struct{}

// typicalSize is how many characters or elements are counted with.
const typicalSize = 1000

// EstimateSize is part of cost.Estimator.
func (typicalSizes) EstimateSize(cost.AstNode) *cost.SizeEstimate {
	return &cost.SizeEstimate{Max: typicalSize}
}

// EstimateCallCost is part of cost.Estimator: calls cost what CEL says.
func (typicalSizes) EstimateCallCost(string, string, *cost.AstNode, []cost.AstNode) *cost.CallEstimate {
	return nil
}

// trueCost is the price of a call, once it is made; those that one call could
// overdraw are paid before (paidFirst).
type trueCost struct{}

// CallCost is part of cost.ActualCostEstimator.
func (trueCost) CallCost(function, _ string, args []ref.Val, result ref.Val) *uint64 {
	per := bytesPerUnit
	if function == "double" {
		per = bytesPerUnitOfNumber
	}
	units := uint64(1 + length(result)/bytesPerUnit)
	for _, arg := range args {
		units += uint64(length(arg) / per)
	}
	return &units
}

// length is how many bytes a text has; 0 for what is none.
func length(v ref.Val) int {
	switch v := v.(type) {
	case types.String:
		return len(v)
	case types.Bytes:
		return len(v)
	}
	return 0
}

// purse pays out of what an evaluation may cost.
type purse struct {
	tracker *cost.Tracker
	id      int64
}

// pay ends the evaluation when its cost is used up: the tracker panics, and
// CEL makes an error of it.
func (p purse) pay(units int) {
	for range units {
		p.tracker.Qualify(p.id)
	}
}

// payFor pays for all that is in a value. It never stops early, so that the
// sum does not depend on the order of maps.
func (p purse) payFor(v ref.Val) {
	p.pay(length(v) / bytesPerUnit)
	switch v := v.(type) {
	case traits.Lister:
		p.pay(elementUnits * sizeOf(v))
		for it := v.Iterator(); it.HasNext() == types.True; {
			p.payFor(it.Next())
		}
	case traits.Mapper:
		p.pay(elementUnits * sizeOf(v))
		for it := v.Iterator(); it.HasNext() == types.True; {
			key := it.Next()
			p.pay(length(key) / bytesPerUnit)
			p.payFor(v.Get(key))
		}
	default:
		if message, ok := v.Value().(proto.Message); ok {
			p.pay(messageUnits)
			rest, data := withoutUserData(message)
			p.pay(proto.Size(rest))
			p.payFor(data)
		}
	}
}

// sizeOf is how many elements a list or map has.
func sizeOf(v traits.Sizer) int { return int(v.Size().(types.Int)) }

// withoutUserData is a message and apart from it the user data, which is the
// only part of an interaction that may be large.
func withoutUserData(message proto.Message) (rest proto.Message, data traits.Mapper) {
	interaction, ok := message.(*usherv1.InteractionProperties)
	if !ok {
		return message, types.NewJSONStruct(types.DefaultTypeAdapter, nil)
	}
	from, to := interaction.ProtoReflect(), interaction.ProtoReflect().New()
	from.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		if field.Name() != userData {
			to.Set(field, value)
		}
		return true
	})
	return to.Interface(), types.NewJSONStruct(types.DefaultTypeAdapter, interaction.GetUserData())
}

// paidCall is a call of two operands that is paid before it is made.
type paidCall struct {
	id          int64
	left, right interpreter.InterpretableV2
	price       func(p purse, left, right ref.Val)
	do          func(left, right ref.Val) ref.Val
}

// ID is part of interpreter.InterpretableV2.
func (c *paidCall) ID() int64 { return c.id }

// Eval is part of interpreter.InterpretableV2.
func (c *paidCall) Eval(vars interpreter.Activation) ref.Val {
	return interpreter.EvalActivation(vars, c.Exec)
}

// Exec is part of interpreter.InterpretableV2.
func (c *paidCall) Exec(frame *interpreter.ExecutionFrame) ref.Val {
	left := c.left.Exec(frame)
	if types.IsUnknownOrError(left) {
		return left
	}
	right := c.right.Exec(frame)
	if types.IsUnknownOrError(right) {
		return right
	}
	p := purse{frame.CostTracker(), c.id}
	p.pay(1)
	c.price(p, left, right)
	return types.LabelErrNode(c.id, c.do(left, right))
}

// paidFirst makes paidCalls of the calls whose price grows with what is in
// their operands: ==, !=, in, + and matches.
func paidFirst(node interpreter.InterpretableV2) (interpreter.InterpretableV2, error) {
	call, ok := node.(interpreter.InterpretableCall)
	if !ok || len(call.Args()) != 2 {
		return node, nil
	}
	paid := &paidCall{id: call.ID(), left: call.Args()[0], right: call.Args()[1]}
	switch call.Function() {
	case operators.Equals:
		paid.price, paid.do = priceOfEqual, types.Equal
	case operators.NotEquals:
		paid.price, paid.do = priceOfEqual, func(left, right ref.Val) ref.Val { return types.Bool(types.Equal(left, right) != types.True) }
	case operators.In:
		paid.price, paid.do = priceOfIn, in
	case operators.Add:
		paid.price, paid.do = priceOfAdd, add
	case "matches":
		return paid, paid.match()
	default:
		return node, nil
	}
	return paid, nil
}

// priceOfEqual: values of different lengths differ at once; others are
// compared as far as the left one goes.
func priceOfEqual(p purse, left, right ref.Val) {
	l, sized := left.(traits.Sizer)
	r, both := right.(traits.Sizer)
	if length(left) != length(right) || length(left) == 0 && sized && both && l.Size() != r.Size() {
		return
	}
	p.payFor(left)
}

// priceOfIn: a key is looked up, a list is looked through; a plain value
// differs from most elements at once.
func priceOfIn(p purse, left, right ref.Val) {
	p.pay(length(left) / bytesPerUnit)
	list, ok := right.(traits.Lister)
	if !ok {
		return
	}
	if types.IsPrimitiveType(left) {
		p.pay(sizeOf(list) * (lookUnits + length(left)/bytesPerUnit))
	} else {
		p.payFor(list)
	}
}

func in(left, right ref.Val) ref.Val {
	container, ok := right.(traits.Container)
	if !ok {
		return types.MaybeNoSuchOverloadErr(right)
	}
	return container.Contains(left)
}

// priceOfAdd: texts and lists are copied.
func priceOfAdd(p purse, left, right ref.Val) {
	p.pay((length(left) + length(right)) / bytesPerUnit)
	l, isList := left.(traits.Lister)
	r, both := right.(traits.Lister)
	if isList && both {
		p.pay(lookUnits * (sizeOf(l) + sizeOf(r)))
	}
}

// add makes one list of two, where CEL would keep a chain of them, in which an
// element is the dearer the longer the chain.
func add(left, right ref.Val) ref.Val {
	l, isList := left.(traits.Lister)
	r, both := right.(traits.Lister)
	if isList && both {
		elements := make([]ref.Val, 0, sizeOf(l)+sizeOf(r))
		for _, list := range []traits.Lister{l, r} {
			for it := list.Iterator(); it.HasNext() == types.True; {
				elements = append(elements, it.Next())
			}
		}
		return types.NewRefValList(types.DefaultTypeAdapter, elements)
	}
	adder, ok := left.(traits.Adder)
	if !ok {
		return types.MaybeNoSuchOverloadErr(left)
	}
	return adder.Add(right)
}

// match prepares a call of matches, whose pattern is a constant (refused).
func (c *paidCall) match() error {
	constant, ok := c.right.(interpreter.InterpretableConst)
	if !ok {
		return errors.New("the pattern of matches is not constant")
	}
	pattern, ok := constant.Value().(types.String)
	if !ok {
		return errors.New("the pattern of matches is not a text")
	}
	instructions, err := types.RegexProgramSize(string(pattern))
	if err != nil {
		return err
	}
	compiled, err := regexp.Compile(string(pattern))
	if err != nil {
		return err
	}
	c.price = func(p purse, text, _ ref.Val) { p.pay(length(text) * instructions / regexPerUnit) }
	c.do = func(text, _ ref.Val) ref.Val {
		s, ok := text.(types.String)
		if !ok {
			return types.MaybeNoSuchOverloadErr(text)
		}
		return types.Bool(compiled.MatchString(string(s)))
	}
	return nil
}
