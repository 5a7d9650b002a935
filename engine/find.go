package engine

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/structpb"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// Model 16: get and find. Reads are not recorded.
//
//	client > ixn  RequestGetInteractionProperties
//	    ixn > client  EventInteractionProperties
//	client > ixn  RequestFindInteractions (condition, order)
//	    ixn > client  EventInteractionsFound

// Limits of a search.
const (
	maxConditions = 16
	maxOrders     = 8
	defaultFound  = 100
	maxFound      = 1_000
)

func (e *Engine) getInteractionProperties(r *usherv1.RequestGetInteractionProperties) refusal {
	i, why := e.interaction(r.InteractionId)
	if why != nil {
		return why
	}
	ev := e.about(i)
	ev.Actor = nil
	ev.Message = &usherv1.Event_EventInteractionProperties{EventInteractionProperties: &usherv1.EventInteractionProperties{
		Properties: i.Properties(e.from, e.askerIsSupervisor()), Sequence: uint64(e.next) - 1,
	}}
	e.read(ev)
	return nil
}

func (e *Engine) findInteractions(r *usherv1.RequestFindInteractions) refusal {
	limit := cmp.Or(int(r.Limit), defaultFound)
	if limit < 0 || limit > maxFound {
		return refuse(errInvalidArgument, "limit: %d, 0 to %d", r.Limit, maxFound)
	}
	found, more, why := e.find(r.Conditions, r.Order, limit, func(*Interaction) bool { return true })
	if why != nil {
		return why
	}
	body := &usherv1.EventInteractionsFound{More: more, Sequence: uint64(e.next) - 1}
	for _, i := range found {
		body.Interactions = append(body.Interactions, i.Properties(e.from, e.askerIsSupervisor()))
	}
	e.read(&usherv1.Event{Message: &usherv1.Event_EventInteractionsFound{EventInteractionsFound: body}})
	return nil
}

// find gives the first interactions that meet all conditions, in the wanted
// order, and whether there were more.
func (e *Engine) find(conditions []*usherv1.Condition, order []*usherv1.Order, limit int, also func(*Interaction) bool) ([]*Interaction, bool, refusal) {
	meets, why := compileConditions(conditions)
	if why != nil {
		return nil, false, why
	}
	compare, why := compileOrder(order)
	if why != nil {
		return nil, false, why
	}
	var found []*Interaction
	e.candidates(conditions, func(i *Interaction) bool {
		if meets(i) && also(i) {
			found = append(found, i)
		}
		return compare != nil || len(found) <= limit
	})
	if compare != nil {
		slices.SortStableFunc(found, compare)
	}
	if len(found) > limit {
		return found[:limit], true, nil
	}
	return found, false, nil
}

// candidates gives, in order of entry, the interactions among which to look.
func (e *Engine) candidates(conditions []*usherv1.Condition, yield func(*Interaction) bool) {
	for _, c := range conditions {
		if c.Property == "interaction_id" && c.Comparison <= usherv1.Comparison_COMPARISON_EQUAL {
			if i := e.interactions[InteractionID(c.Value.GetStringValue())]; i != nil {
				yield(i)
			}
			return
		}
	}
	e.submitted.Ascend(yield)
}

// getter reads a property: a text, an integer (as float64) or a boolean; nil
// if it is absent.
type getter func(*Interaction) any

const userDataPrefix = "user_data."

// compileProperty finds how to read a property by name.
func compileProperty(name string) (getter, refusal) {
	if key, ok := strings.CutPrefix(name, userDataPrefix); ok {
		return func(i *Interaction) any { return plain(i.props.UserData.GetFields()[key]) }, nil
	}
	fields := (*usherv1.InteractionProperties)(nil).ProtoReflect().Descriptor().Fields()
	field := fields.ByName(protoreflect.Name(name))
	if name == "state" {
		return func(i *Interaction) any { return stateName(i.props.State) }, nil
	}
	if name == "workbin" {
		return func(i *Interaction) any { return i.props.Workbin.GetName() }, nil
	}
	if field == nil || field.IsList() || field.Kind() == protoreflect.MessageKind {
		return nil, refuse(errInvalidArgument, "property: there is no property %q to compare", name)
	}
	return func(i *Interaction) any {
		v := i.props.ProtoReflect().Get(field)
		switch field.Kind() {
		case protoreflect.StringKind:
			return v.String()
		case protoreflect.BoolKind:
			return v.Bool()
		case protoreflect.Uint64Kind:
			return float64(v.Uint())
		}
		return float64(v.Int())
	}, nil
}

func stateName(s usherv1.InteractionState) string {
	return strings.ToLower(strings.TrimPrefix(s.String(), "INTERACTION_STATE_"))
}

// plain is a text, number or boolean, or nil.
func plain(v *structpb.Value) any {
	switch kind := v.GetKind().(type) {
	case *structpb.Value_StringValue:
		return kind.StringValue
	case *structpb.Value_NumberValue:
		return kind.NumberValue
	case *structpb.Value_BoolValue:
		return kind.BoolValue
	}
	return nil
}

// compileConditions makes one function of all conditions.
func compileConditions(conditions []*usherv1.Condition) (func(*Interaction) bool, refusal) {
	if len(conditions) > maxConditions {
		return nil, refuse(errInvalidArgument, "conditions: %d, at most %d", len(conditions), maxConditions)
	}
	var all []func(*Interaction) bool
	for n, c := range conditions {
		get, why := compileProperty(c.Property)
		if why != nil {
			why.Description = fmt.Sprintf("conditions[%d].%s", n, why.Description)
			return nil, why
		}
		want := plain(c.Value)
		if want == nil {
			return nil, refuse(errInvalidArgument, "conditions[%d].value: a text, number or boolean is needed", n)
		}
		if _, known := usherv1.Comparison_name[int32(c.Comparison)]; !known {
			return nil, refuse(errInvalidArgument, "conditions[%d].comparison: %d is unknown", n, c.Comparison)
		}
		all = append(all, func(i *Interaction) bool { return meets(get(i), c.Comparison, want) })
	}
	return func(i *Interaction) bool {
		for _, one := range all {
			if !one(i) {
				return false
			}
		}
		return true
	}, nil
}

func meets(have any, comparison usherv1.Comparison, want any) bool {
	order, comparable := compareValues(have, want)
	switch comparison {
	case usherv1.Comparison_COMPARISON_UNSPECIFIED, usherv1.Comparison_COMPARISON_EQUAL:
		return comparable && order == 0
	case usherv1.Comparison_COMPARISON_NOT_EQUAL:
		return !comparable || order != 0
	case usherv1.Comparison_COMPARISON_LESS:
		return comparable && order < 0
	case usherv1.Comparison_COMPARISON_LESS_OR_EQUAL:
		return comparable && order <= 0
	case usherv1.Comparison_COMPARISON_GREATER:
		return comparable && order > 0
	case usherv1.Comparison_COMPARISON_GREATER_OR_EQUAL:
		return comparable && order >= 0
	}
	text, isText := have.(string)
	prefix, wantsText := want.(string)
	return isText && wantsText && strings.HasPrefix(text, prefix)
}

// compareValues orders two values of one kind.
func compareValues(a, b any) (order int, comparable bool) {
	switch a := a.(type) {
	case string:
		b, ok := b.(string)
		return strings.Compare(a, b), ok
	case float64:
		b, ok := b.(float64)
		return cmp.Compare(a, b), ok
	case bool:
		b, ok := b.(bool)
		return cmp.Compare(rank(a), rank(b)), ok
	}
	return 0, false
}

func rank(v any) int {
	switch v := v.(type) {
	case bool:
		if v {
			return 1
		}
		return 0
	case float64:
		return 2
	case string:
		return 3
	}
	return -1
}

// compileOrder makes one comparison of all orders; nil for none. Values of
// different kinds are ordered: absent, booleans, numbers, texts.
func compileOrder(orders []*usherv1.Order) (func(a, b *Interaction) int, refusal) {
	if len(orders) > maxOrders {
		return nil, refuse(errInvalidArgument, "order: %d, at most %d", len(orders), maxOrders)
	}
	if len(orders) == 0 {
		return nil, nil
	}
	getters := make([]getter, len(orders))
	for n, o := range orders {
		get, why := compileProperty(o.Property)
		if why != nil {
			return nil, why
		}
		getters[n] = get
	}
	return func(a, b *Interaction) int {
		for n, get := range getters {
			x, y := get(a), get(b)
			order, comparable := compareValues(x, y)
			if !comparable {
				order = cmp.Compare(rank(x), rank(y))
			}
			if orders[n].Descending {
				order = -order
			}
			if order != 0 {
				return order
			}
		}
		return 0
	}, nil
}
