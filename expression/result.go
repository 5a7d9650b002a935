package expression

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
)

// converter makes a value to be kept of what an expression gives; nothing of
// it is shared with the data that it came from. It counts while it goes, and
// stops at the limits.
type converter struct {
	values, bytes int
}

// keptMessage is how many values a message counts as, for its own.
const keptMessage = 20

// kept converts a result.
func kept(result ref.Val) (*structpb.Value, error) {
	value, err := (&converter{}).value(result, resultLevels)
	if err == nil && proto.Size(value) > resultBytes {
		return nil, errTooLarge
	}
	return value, err
}

var (
	errTooLarge  = fmt.Errorf("the value has more than %d bytes", resultBytes)
	errTooMany   = fmt.Errorf("the value holds more than %d values", resultValues)
	errTooDeep   = fmt.Errorf("the value has more than %d levels", resultLevels)
	errNotNumber = errors.New("the value holds what is not a number")
)

func (c *converter) count(values, bytes int) error {
	c.values += values
	c.bytes += bytes
	switch {
	case c.values > resultValues:
		return errTooMany
	case c.bytes > resultBytes:
		return errTooLarge
	}
	return nil
}

// value converts a value that may have so many levels.
func (c *converter) value(v ref.Val, levels int) (*structpb.Value, error) {
	if levels == 0 {
		return nil, errTooDeep
	}
	if err := c.count(1, length(v)); err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case traits.Lister:
		return c.list(v, levels)
	case traits.Mapper:
		return c.fields(v, levels)
	case types.Double:
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return nil, errNotNumber
		}
	}
	if _, ok := v.Value().(proto.Message); ok {
		return c.message(v, levels)
	}
	native, err := v.ConvertToNative(types.JSONValueType)
	if err != nil {
		return nil, err
	}
	return native.(*structpb.Value), nil
}

func (c *converter) list(l traits.Lister, levels int) (*structpb.Value, error) {
	if c.values+sizeOf(l) > resultValues {
		return nil, errTooMany
	}
	elements := make([]*structpb.Value, 0, sizeOf(l))
	for it := l.Iterator(); it.HasNext() == types.True; {
		element, err := c.value(it.Next(), levels-1)
		if err != nil {
			return nil, err
		}
		elements = append(elements, element)
	}
	return structpb.NewListValue(&structpb.ListValue{Values: elements}), nil
}

// fields takes the keys in their order, so that of two errors it is always the
// same that is found.
func (c *converter) fields(m traits.Mapper, levels int) (*structpb.Value, error) {
	if c.values+sizeOf(m) > resultValues {
		return nil, errTooMany
	}
	keys := make([]types.String, 0, sizeOf(m))
	for it := m.Iterator(); it.HasNext() == types.True; {
		key := it.Next()
		text, ok := key.(types.String)
		if !ok {
			return nil, fmt.Errorf("the value has a key that is %s; keys are texts", key.Type().TypeName())
		}
		keys = append(keys, text)
	}
	slices.Sort(keys)
	fields := make(map[string]*structpb.Value, len(keys))
	for _, key := range keys {
		if err := c.count(0, len(key)); err != nil {
			return nil, err
		}
		value, err := c.value(m.Get(key), levels-1)
		if err != nil {
			return nil, err
		}
		fields[string(key)] = value
	}
	return structpb.NewStructValue(&structpb.Struct{Fields: fields}), nil
}

// message converts as protocol buffers do to JSON, but for the user data, which
// is counted while it goes.
func (c *converter) message(v ref.Val, levels int) (*structpb.Value, error) {
	rest, data := withoutUserData(v.Value().(proto.Message))
	if err := c.count(keptMessage, proto.Size(rest)); err != nil {
		return nil, err
	}
	if whole, ok := v.(interaction); ok {
		v = whole.adapter.NativeToValue(rest)
	}
	native, err := v.ConvertToNative(types.JSONValueType)
	if err != nil {
		return nil, err
	}
	object := native.(*structpb.Value).GetStructValue()
	value, err := c.fields(types.NewJSONStruct(types.DefaultTypeAdapter, object), levels)
	if err != nil || sizeOf(data) == 0 {
		return value, err
	}
	value.GetStructValue().Fields["userData"], err = c.value(data, levels-1)
	return value, err
}
