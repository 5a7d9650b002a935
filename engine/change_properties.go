package engine

import (
	"math"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// Model 13: change properties.
//
//	media > ixn  RequestChangeProperties
//	    ixn > media   EventAck
//	    ixn > report  EventPropertiesChanged
//	    ixn > agents  EventPropertiesChanged       while agents hold it
//	    ixn > urs     EventAttachedDataChanged     while the router holds it
//	agent1 > ixn  RequestChangeProperties
//	    ixn > agent1  EventAck
//	    ixn > report  EventPropertiesChanged
//	    ixn > other parties, media  EventPropertiesChanged
//	urs > ixn  RequestUpdateUserData
//	    ixn > urs     EventAttachedDataChanged     in place of EventAck
//	    ixn > report  EventPropertiesChanged
//	    ixn > media   EventPropertiesChanged       if it registered for it

// Limits of user data (models.md, "Interaction properties").
const (
	maxUserDataBytes = 64 << 10
	maxUserDataDepth = 16
	maxExactInteger  = 1 << 53
)

// change is what a request changes; nil fields stay.
type change struct {
	externalID, parentID *string
	priority, objective  *int32
	inQueues, outQueues  *[]string
	isOnline             *bool
	userData             *structpb.Struct
	deleted              []string
	properties           *structpb.Struct // as asked, for the message
}

func (e *Engine) changeProperties(a *Agent, r *usherv1.RequestChangeProperties) refusal {
	i, why := e.interaction(r.InteractionId)
	if why != nil {
		return why
	}
	if a != nil && i.party(a.id) == nil && !e.isSupervisor(a.id) {
		return refuse(errNotAParty, "agent %q is not a party of interaction %q", a.id, i.ID())
	}
	c, why := e.checkChange(i, r.Properties, a == nil)
	if why != nil {
		return why
	}
	c.userData, c.deleted = r.UserData, r.DeletedKeys
	if why := checkNewData(i, c, r.ExpectedVersion); why != nil {
		return why
	}
	e.ackAbout(i)
	e.becomeChanged(i, c, "")
	if a != nil {
		e.keep(i)
	}
	return nil
}

func (e *Engine) updateUserData(r *usherv1.RequestUpdateUserData) refusal {
	i, why := e.interaction(r.InteractionId)
	switch {
	case why != nil:
		return why
	case i.router != e.from && !i.askedAsAdjunct(e.from):
		return refuse(errNotRouting, "interaction %q is not with %s", i.ID(), describe(e.from))
	}
	c := &change{userData: r.UserData, deleted: r.DeletedKeys}
	if why := checkNewData(i, c, r.ExpectedVersion); why != nil {
		return why
	}
	e.answer(tlib, e.attachedDataChanged(i, c))
	e.becomeChanged(i, c, "")
	return nil
}

func (e *Engine) attachedDataChanged(i *Interaction, c *change) *usherv1.Event {
	ev := e.about(i)
	ev.Message = &usherv1.Event_EventAttachedDataChanged{EventAttachedDataChanged: &usherv1.EventAttachedDataChanged{
		UserData: c.userData, DeletedKeys: c.deleted, Version: i.props.Version + 1,
	}}
	return ev
}

// becomeChanged changes properties and tells everybody concerned but the
// asker.
func (e *Engine) becomeChanged(i *Interaction, c *change, reason string) {
	attached := e.attachedDataChanged(i, c)
	body := &usherv1.Event_EventPropertiesChanged{EventPropertiesChanged: &usherv1.EventPropertiesChanged{
		Properties: c.named(), UserData: c.userData, DeletedKeys: c.deleted, Version: i.props.Version + 1,
	}}
	event := func() *usherv1.Event {
		ev := e.about(i)
		ev.Reason, ev.Message = reason, body
		return ev
	}
	e.report(event())
	var to []Participant
	for _, who := range i.agents() {
		if who != e.from {
			to = append(to, who)
		}
	}
	if owner := e.owner(i); owner != nil && owner.who != e.from && owner.registration.NotifyProperties {
		to = append(to, owner.who)
	}
	e.tell(im, event(), to...)
	if i.strategy != "" && i.router != e.from {
		e.tell(tlib, attached, i.router)
	}
}

// named gives the changed properties by name.
func (c *change) named() *structpb.Struct {
	if c.properties == nil && c.isOnline != nil {
		return &structpb.Struct{Fields: map[string]*structpb.Value{"is_online": structpb.NewBoolValue(*c.isOnline)}}
	}
	return c.properties
}

// foldProperties applies an EventPropertiesChanged.
func (e *Engine) foldProperties(i *Interaction, m *usherv1.EventPropertiesChanged) {
	c, why := e.parseChange(m.Properties)
	if why != nil {
		panic("engine: recorded properties can't be read: " + why.Description)
	}
	e.reorder(i, func() { i.change(c, m) })
}

func (i *Interaction) change(c *change, m *usherv1.EventPropertiesChanged) {
	set(&i.props.Priority, c.priority)
	set(&i.props.ExternalId, c.externalID)
	set(&i.props.ParentId, c.parentID)
	set(&i.props.ServiceObjectiveS, c.objective)
	set(&i.props.InQueues, c.inQueues)
	set(&i.props.OutQueues, c.outQueues)
	set(&i.props.IsOnline, c.isOnline)
	i.props.UserData = mergedData(i.props.UserData, m.UserData, m.DeletedKeys)
	i.props.Version = m.Version
}

func set[T any](field *T, value *T) {
	if value != nil {
		*field = *value
	}
}

// mergedData is new user data; the old is never changed in place.
func mergedData(old, changed *structpb.Struct, deleted []string) *structpb.Struct {
	if len(changed.GetFields()) == 0 && len(deleted) == 0 {
		return old
	}
	merged := &structpb.Struct{Fields: map[string]*structpb.Value{}}
	for k, v := range old.GetFields() {
		merged.Fields[k] = v
	}
	for _, k := range deleted {
		delete(merged.Fields, k)
	}
	for k, v := range changed.GetFields() {
		merged.Fields[k] = v
	}
	return merged
}

// checkNewData checks the version and what the user data would become.
func checkNewData(i *Interaction, c *change, expected uint64) refusal {
	if expected != 0 && expected != i.props.Version {
		return refuse(errVersionMismatch, "expected_version: %d, but interaction %q is at version %d", expected, i.ID(), i.props.Version)
	}
	for _, k := range c.deleted {
		if _, both := c.userData.GetFields()[k]; both {
			return refuse(errInvalidArgument, "deleted_keys: %q is also set", k)
		}
	}
	if why := checkUserData("user_data", c.userData); why != nil {
		return why
	}
	return checkUserData("user_data, with what is there", mergedData(i.props.UserData, c.userData, c.deleted))
}

// checkUserData checks size, depth and kinds of values.
func checkUserData(field string, data *structpb.Struct) refusal {
	if data == nil {
		return nil
	}
	if n := proto.Size(data); n > maxUserDataBytes {
		return refuse(errTooLarge, "%s: %d bytes, at most %d", field, n, maxUserDataBytes)
	}
	return checkValue(field, structpb.NewStructValue(data), 0)
}

func checkValue(path string, v *structpb.Value, depth int) refusal {
	if depth > maxUserDataDepth {
		return refuse(errInvalidArgument, "%s: more than %d levels deep", path, maxUserDataDepth)
	}
	switch kind := v.GetKind().(type) {
	case *structpb.Value_StringValue, *structpb.Value_BoolValue:
		return nil
	case *structpb.Value_NumberValue:
		if n := kind.NumberValue; n != math.Trunc(n) || math.Abs(n) > maxExactInteger || math.IsNaN(n) {
			return refuse(errInvalidArgument, "%s: %v is not an integer of at most 2^53", path, n)
		}
		return nil
	case *structpb.Value_ListValue:
		for _, item := range kind.ListValue.GetValues() {
			if why := checkValue(path+"[]", item, depth+1); why != nil {
				return why
			}
		}
		return nil
	case *structpb.Value_StructValue:
		for _, key := range sortedKeys(kind.StructValue.GetFields()) {
			if why := checkValue(path+"."+key, kind.StructValue.Fields[key], depth+1); why != nil {
				return why
			}
		}
		return nil
	}
	return refuse(errInvalidArgument, "%s: null is no value; name the key in deleted_keys to remove it", path)
}

// checkChange reads the properties of a request and checks them.
func (e *Engine) checkChange(i *Interaction, properties *structpb.Struct, byMedia bool) (*change, refusal) {
	c, why := e.parseChange(properties)
	if why != nil {
		return nil, why
	}
	if c.isOnline != nil {
		if !byMedia {
			return nil, refuse(errInvalidArgument, "properties.is_online: only media servers change it")
		}
		if *c.isOnline && e.config.mediaTypes[i.props.MediaType].GetOffline() {
			return nil, refuse(errInvalidArgument, "properties.is_online: %s is never online", i.props.MediaType)
		}
	}
	var external, parent string
	set(&external, c.externalID)
	set(&parent, c.parentID)
	if why := checkID("properties.external_id", external); why != nil {
		return nil, why
	}
	if why := checkID("properties.parent_id", parent); why != nil {
		return nil, why
	}
	priority, objective, in, out := i.props.Priority, i.props.ServiceObjectiveS, []string(nil), []string(nil)
	set(&priority, c.priority)
	set(&objective, c.objective)
	set(&in, c.inQueues)
	set(&out, c.outQueues)
	return c, e.checkChangeable(priority, objective, in, out)
}

// parseChange reads properties by name.
func (e *Engine) parseChange(properties *structpb.Struct) (*change, refusal) {
	c := &change{properties: properties}
	for _, name := range sortedKeys(properties.GetFields()) {
		v := properties.Fields[name]
		ok := false
		switch name {
		case "external_id":
			c.externalID, ok = text(v)
		case "parent_id":
			c.parentID, ok = text(v)
		case "priority":
			c.priority, ok = integer(v)
		case "service_objective_s":
			c.objective, ok = integer(v)
		case "in_queues":
			c.inQueues, ok = texts(v)
		case "out_queues":
			c.outQueues, ok = texts(v)
		case "is_online":
			var b *structpb.Value_BoolValue
			if b, ok = v.GetKind().(*structpb.Value_BoolValue); ok {
				c.isOnline = &b.BoolValue
			}
		default:
			return nil, refuse(errInvalidArgument, "properties.%s: no changeable property", name)
		}
		if !ok {
			return nil, refuse(errInvalidArgument, "properties.%s: a value of the wrong kind", name)
		}
	}
	return c, nil
}

func text(v *structpb.Value) (*string, bool) {
	s, ok := v.GetKind().(*structpb.Value_StringValue)
	if !ok {
		return nil, false
	}
	return &s.StringValue, true
}

func integer(v *structpb.Value) (*int32, bool) {
	f, ok := v.GetKind().(*structpb.Value_NumberValue)
	if !ok || f.NumberValue != math.Trunc(f.NumberValue) || math.Abs(f.NumberValue) > math.MaxInt32 {
		return nil, false
	}
	n := int32(f.NumberValue)
	return &n, true
}

func texts(v *structpb.Value) (*[]string, bool) {
	l, ok := v.GetKind().(*structpb.Value_ListValue)
	if !ok {
		return nil, false
	}
	var list []string
	for _, item := range l.ListValue.GetValues() {
		s, ok := text(item)
		if !ok {
			return nil, false
		}
		list = append(list, *s)
	}
	list = slices.Clip(list)
	return &list, true
}
