package engine

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// The kinds of objects of a configuration, each described once: where it is
// kept, what it refers to, what can be wrong with it.

// objectKey names an object of a configuration.
type objectKey struct{ kind, name string }

// reference is an object that another object names in a field.
type reference struct {
	field string
	to    objectKey
}

// kind is one kind of objects. Methods with two configurations compare the
// present one with the next.
type kind interface {
	called() string
	load(c *configuration, from *usherv1.Configuration)
	export(c *configuration, to *usherv1.Configuration)
	has(c *configuration, name string) bool
	remove(c *configuration, name string)
	merge(c *configuration, given *usherv1.Configuration, seen map[objectKey]bool) refusal
	keepOnly(c *configuration, seen map[objectKey]bool)
	loses(present, next *configuration) bool
	check(present, next *configuration, all bool) refusal
	compare(present, next *configuration, d *difference)
	missing() usherv1.ErrorCode
}

// object is a pointer to a message of the api.
type object interface {
	comparable
	proto.Message
}

// kindOf describes a kind of objects.
type kindOf[T object] struct {
	name    string
	idField string
	id      func(T) string
	table   func(*configuration) map[string]T
	list    func(*usherv1.Configuration) *[]T
	// unknown is the error when such an object is named and does not exist.
	unknown usherv1.ErrorCode
	// inherit takes over from the former object what the given one leaves out.
	inherit func(given, former T)
	// fault is what is wrong with an object beside what every field must
	// keep, and in which field.
	fault func(T) (field, what string)
	// references are the objects that an object names.
	references func(T) []reference
}

// kinds are the kinds of objects, in the order of a difference.
var kinds = slices.Concat([]kind{
	&kindOf[*usherv1.MediaType]{
		name: "media_type", idField: "name", id: (*usherv1.MediaType).GetName,
		table:   func(c *configuration) map[string]*usherv1.MediaType { return c.mediaTypes },
		list:    func(c *usherv1.Configuration) *[]*usherv1.MediaType { return &c.MediaTypes },
		unknown: errUnknownMediaType,
	},
	&kindOf[*usherv1.Place]{
		name: "place", idField: "name", id: (*usherv1.Place).GetName,
		table:   func(c *configuration) map[string]*usherv1.Place { return c.places },
		list:    func(c *usherv1.Configuration) *[]*usherv1.Place { return &c.Places },
		unknown: errUnknownPlace,
		references: func(p *usherv1.Place) []reference {
			return referOne(nil, "capacity_rule", "capacity_rule", p.GetCapacityRule())
		},
	},
	&kindOf[*usherv1.PlaceGroup]{
		name: "place_group", idField: "name", id: (*usherv1.PlaceGroup).GetName,
		table:   func(c *configuration) map[string]*usherv1.PlaceGroup { return c.placeGroups },
		list:    func(c *usherv1.Configuration) *[]*usherv1.PlaceGroup { return &c.PlaceGroups },
		unknown: errUnknownObject,
		references: func(g *usherv1.PlaceGroup) []reference {
			return refer(nil, "places", "place", g.GetPlaces()...)
		},
	},
	&kindOf[*usherv1.AgentGroup]{
		name: "agent_group", idField: "name", id: (*usherv1.AgentGroup).GetName,
		table:   func(c *configuration) map[string]*usherv1.AgentGroup { return c.agentGroups },
		list:    func(c *usherv1.Configuration) *[]*usherv1.AgentGroup { return &c.AgentGroups },
		unknown: errUnknownObject,
	},
	&kindOf[*usherv1.Agent]{
		name: "agent", idField: "agent_id", id: (*usherv1.Agent).GetAgentId,
		table:   func(c *configuration) map[string]*usherv1.Agent { return c.agents },
		list:    func(c *usherv1.Configuration) *[]*usherv1.Agent { return &c.Agents },
		unknown: errUnknownAgent,
		inherit: inheritPassword,
		fault:   agentFault,
		references: func(a *usherv1.Agent) []reference {
			refs := refer(nil, "agent_groups", "agent_group", a.GetAgentGroups()...)
			refs = refer(refs, "capacity", "media_type", sortedKeys(a.GetCapacity())...)
			for _, s := range a.GetSkills() {
				refs = refer(refs, "skills", "skill", s.GetSkill())
			}
			refs = referOne(refs, "direct_agent_skill", "skill", a.GetDirectAgentSkill())
			return referOne(refs, "capacity_rule", "capacity_rule", a.GetCapacityRule())
		},
	},
	&kindOf[*usherv1.Queue]{
		name: "queue", idField: "name", id: (*usherv1.Queue).GetName,
		table:   func(c *configuration) map[string]*usherv1.Queue { return c.queues },
		list:    func(c *usherv1.Configuration) *[]*usherv1.Queue { return &c.Queues },
		unknown: errUnknownQueue,
		fault:   queueFault,
		references: func(q *usherv1.Queue) []reference {
			refs := referOne(nil, "agent_group", "agent_group", q.GetAgentGroup())
			refs = referOne(refs, "vector", "vector", q.GetVector())
			return referOne(refs, "view", "view", q.GetView())
		},
	},
	&kindOf[*usherv1.WorkbinType]{
		name: "workbin", idField: "name", id: (*usherv1.WorkbinType).GetName,
		table:   func(c *configuration) map[string]*usherv1.WorkbinType { return c.workbins },
		list:    func(c *usherv1.Configuration) *[]*usherv1.WorkbinType { return &c.Workbins },
		unknown: errUnknownWorkbin,
		fault: func(w *usherv1.WorkbinType) (field, what string) {
			if w.GetOwnerKind() == usherv1.OwnerKind_OWNER_KIND_UNSPECIFIED {
				return "owner_kind", "is missing"
			}
			return "", ""
		},
	},
}, routingKinds, sessionKinds)

func refer(refs []reference, field, kind string, names ...string) []reference {
	for _, name := range names {
		refs = append(refs, reference{field, objectKey{kind, name}})
	}
	return refs
}

// kindNamed is the kind with this name, or nil.
func kindNamed(name string) kind {
	for _, k := range kinds {
		if k.called() == name {
			return k
		}
	}
	return nil
}

// inheritPassword keeps the password of an agent who is given without one.
func inheritPassword(given, former *usherv1.Agent) {
	if given.GetPasswordHash() == "" {
		given.PasswordHash = former.GetPasswordHash()
	}
}

func agentFault(a *usherv1.Agent) (field, what string) {
	if a.GetPassword() != "" {
		// It would end in the journal.
		return "password", "has not been replaced by its hash"
	}
	for _, media := range sortedKeys(a.GetCapacity()) {
		if n := a.GetCapacity()[media]; n < 0 || n > maxCapacity {
			return "capacity", fmt.Sprintf("%d for %.128q is not between 0 and %d", n, media, maxCapacity)
		}
	}
	return agentSkillFault(a)
}

func queueFault(q *usherv1.Queue) (field, what string) {
	switch {
	case q.GetStrategy() == LongestIdle && q.GetAgentGroup() == "":
		return "agent_group", fmt.Sprintf("is missing: strategy %q picks from one", LongestIdle)
	case q.GetStrategy() == Vectored && q.GetVector() == "":
		return "vector", fmt.Sprintf("is missing: strategy %q runs one", Vectored)
	case len(q.GetStrategy()) > maxStrategyBytes:
		return "strategy", fmt.Sprintf("has %d bytes, more than %d", len(q.GetStrategy()), maxStrategyBytes)
	}
	return "", ""
}

func (k *kindOf[T]) called() string { return k.name }

func (k *kindOf[T]) missing() usherv1.ErrorCode { return k.unknown }

func (k *kindOf[T]) load(c *configuration, from *usherv1.Configuration) {
	if from == nil {
		return
	}
	for _, o := range *k.list(from) {
		k.table(c)[k.id(o)] = o
	}
}

func (k *kindOf[T]) export(c *configuration, to *usherv1.Configuration) {
	table, list := k.table(c), k.list(to)
	for _, name := range sortedKeys(table) {
		*list = append(*list, table[name])
	}
}

func (k *kindOf[T]) has(c *configuration, name string) bool {
	_, ok := k.table(c)[name]
	return ok
}

func (k *kindOf[T]) remove(c *configuration, name string) { delete(k.table(c), name) }

// merge lays the given objects over those of c. An object that is given as it
// is stays itself, so that identity tells what differs.
func (k *kindOf[T]) merge(c *configuration, given *usherv1.Configuration, seen map[objectKey]bool) refusal {
	table := k.table(c)
	for _, o := range *k.list(given) {
		name := k.id(o)
		if what := nameFault(name); what != "" {
			return refuse(errInvalidArgument, "%s %.128q: %s %s", k.name, name, k.idField, what)
		}
		if seen[objectKey{k.name, name}] {
			return refuse(errInvalidArgument, "%s %q: %s is given twice", k.name, name, k.idField)
		}
		seen[objectKey{k.name, name}] = true
		o = proto.CloneOf(o)
		former, had := table[name]
		if k.inherit != nil {
			k.inherit(o, former)
		}
		if !had || !proto.Equal(former, o) {
			table[name] = o
		}
	}
	return nil
}

// keepOnly removes what has not been seen.
func (k *kindOf[T]) keepOnly(c *configuration, seen map[objectKey]bool) {
	maps.DeleteFunc(k.table(c), func(name string, _ T) bool { return !seen[objectKey{k.name, name}] })
}

// differing are the names of what is new or another in next, and of what is
// gone from present, each sorted. Most objects are the same, so that only
// these names are sorted: the writer waits for it.
func (k *kindOf[T]) differing(present, next *configuration) (changed, gone []string) {
	table, former := k.table(next), k.table(present)
	for name, o := range table {
		if o != former[name] {
			changed = append(changed, name)
		}
	}
	for name := range former {
		if _, ok := table[name]; !ok {
			gone = append(gone, name)
		}
	}
	slices.Sort(changed)
	slices.Sort(gone)
	return changed, gone
}

func (k *kindOf[T]) loses(present, next *configuration) bool {
	_, gone := k.differing(present, next)
	return len(gone) > 0
}

// check refuses what is new if it is wrong in itself or names what is not
// there; with all, also what is as before and names what is gone.
func (k *kindOf[T]) check(present, next *configuration, all bool) refusal {
	table := k.table(next)
	names, _ := k.differing(present, next)
	for _, name := range names {
		if why := k.checkObject(name, table[name]); why != nil {
			return why
		}
	}
	if k.references == nil {
		return nil
	}
	if all {
		names = sortedKeys(table)
	}
	for _, name := range names {
		for _, r := range k.references(table[name]) {
			if why := k.checkReference(name, r, present, next); why != nil {
				return why
			}
		}
	}
	return nil
}

func (k *kindOf[T]) checkObject(name string, o T) refusal {
	if why := checkFields(fmt.Sprintf("%s %q", k.name, name), o); why != nil {
		return why
	}
	if k.fault != nil {
		if field, what := k.fault(o); what != "" {
			return refuse(errInvalidArgument, "%s %q: %s %s", k.name, name, field, what)
		}
	}
	if k.references != nil {
		seen := map[reference]bool{}
		for _, r := range k.references(o) {
			if seen[r] {
				return refuse(errInvalidArgument, "%s %q: %s has %.128q twice", k.name, name, r.field, r.to.name)
			}
			seen[r] = true
		}
	}
	return nil
}

// checkReference refuses a reference to what is not there: either it never
// was, or the request removes it.
func (k *kindOf[T]) checkReference(name string, r reference, present, next *configuration) refusal {
	to := kindNamed(r.to.kind)
	switch {
	case to.has(next, r.to.name):
		return nil
	case to.has(present, r.to.name):
		return refuse(errInUse, "%s %q is in use: %s of %s %q has it", r.to.kind, r.to.name, r.field, k.name, name)
	}
	return refuse(to.missing(), "%s %q: %s: there is no %s %.128q", k.name, name, r.field, r.to.kind, r.to.name)
}

// compare adds to a difference what is new, another or gone.
func (k *kindOf[T]) compare(present, next *configuration, d *difference) {
	table, former := k.table(next), k.table(present)
	changed, gone := k.differing(present, next)
	names := slices.Concat(changed, gone)
	slices.Sort(names)
	for _, name := range names {
		before, had := former[name]
		after, has := table[name]
		key := &usherv1.ObjectName{Kind: k.name, Name: name}
		switch {
		case !has:
			d.changes = append(d.changes, &usherv1.Change{Kind: usherv1.ChangeKind_CHANGE_KIND_REMOVED, Object: key})
			d.applied.Removed = append(d.applied.Removed, proto.CloneOf(key))
			continue
		case !had:
			d.changes = append(d.changes, &usherv1.Change{Kind: usherv1.ChangeKind_CHANGE_KIND_ADDED, Object: key})
		default:
			d.changes = append(d.changes, &usherv1.Change{
				Kind: usherv1.ChangeKind_CHANGE_KIND_CHANGED, Object: key, Fields: changedFields(before, after),
			})
		}
		list := k.list(d.applied.Configuration)
		*list = append(*list, after)
	}
}

// nameFault is what is wrong with a name; empty if nothing is.
func nameFault(name string) string {
	switch {
	case name == "":
		return "is missing"
	case len(name) > maxNameChars:
		return fmt.Sprintf("has more than %d characters", maxNameChars)
	case strings.HasPrefix(name, "__"):
		return `begins with "__", as only the server's own names do`
	}
	for _, r := range name {
		if !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("._-@", r)) {
			return fmt.Sprintf("has %q; only letters a-z and A-Z, digits and . _ - @ are allowed", r)
		}
	}
	return ""
}

// ownLimit are the texts that have a limit of their own.
var ownLimit = map[protoreflect.FullName]bool{
	"usher.v1.Vector.text": true, "usher.v1.Target.expression": true, "usher.v1.View.condition": true,
}

// checkFields checks what every field must keep: numbers their range, enums
// their values, texts their length. It shows no texts: they may be secret.
func checkFields(what string, o proto.Message) refusal {
	m := o.ProtoReflect()
	fields := m.Descriptor().Fields()
	for n := range fields.Len() {
		f := fields.Get(n)
		if f.IsList() || f.IsMap() || !m.Has(f) {
			continue
		}
		v := m.Get(f)
		switch f.Kind() {
		case protoreflect.Int32Kind, protoreflect.Int64Kind:
			if r, ok := ranges[f.Name()]; ok && (v.Int() < r.from || v.Int() > r.to) {
				return refuse(errInvalidArgument, "%s: %s: %d is not between %d and %d", what, f.Name(), v.Int(), r.from, r.to)
			}
		case protoreflect.EnumKind:
			if f.Enum().Values().ByNumber(v.Enum()) == nil {
				return refuse(errInvalidArgument, "%s: %s: %d is none of its values", what, f.Name(), v.Enum())
			}
		case protoreflect.StringKind:
			if !ownLimit[f.FullName()] && len(v.String()) > maxTextBytes {
				return refuse(errInvalidArgument, "%s: %s has %d bytes, more than %d", what, f.Name(), len(v.String()), maxTextBytes)
			}
		}
	}
	return nil
}

// changedFields are the lines of a Change. What is marked as secret is shown
// only as changed, a hash under the name of what it is the hash of.
func changedFields(from, to proto.Message) []string {
	a, b := from.ProtoReflect(), to.ProtoReflect()
	fields := a.Descriptor().Fields()
	var lines []string
	for n := range fields.Len() {
		f := fields.Get(n)
		if a.Has(f) == b.Has(f) && a.Get(f).Equal(b.Get(f)) {
			continue
		}
		if proto.GetExtension(f.Options(), usherv1.E_Secret).(bool) {
			lines = append(lines, strings.TrimSuffix(string(f.Name()), "_hash")+": changed")
			continue
		}
		lines = append(lines, fmt.Sprintf("%s: %s -> %s", f.Name(), show(a, f), show(b, f)))
	}
	return lines
}

// show writes a field for people, always alike; all maps here are from text.
func show(m protoreflect.Message, f protoreflect.FieldDescriptor) string {
	v := m.Get(f)
	var parts []string
	switch {
	case f.IsList():
		for n := range v.List().Len() {
			parts = append(parts, showValue(f, v.List().Get(n)))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case f.IsMap():
		v.Map().Range(func(key protoreflect.MapKey, value protoreflect.Value) bool {
			parts = append(parts, strconv.Quote(key.String())+": "+showValue(f.MapValue(), value))
			return true
		})
		slices.Sort(parts)
		return "{" + strings.Join(parts, ", ") + "}"
	case f.HasPresence() && !m.Has(f):
		return "default"
	}
	return showValue(f, v)
}

func showValue(f protoreflect.FieldDescriptor, v protoreflect.Value) string {
	switch f.Kind() {
	case protoreflect.StringKind:
		return strconv.Quote(v.String())
	case protoreflect.EnumKind:
		return string(f.Enum().Values().ByNumber(v.Enum()).Name())
	case protoreflect.MessageKind:
		return showMessage(v.Message())
	}
	return v.String()
}

// showMessage writes the fields of a message that are set.
func showMessage(m protoreflect.Message) string {
	var parts []string
	for n := range m.Descriptor().Fields().Len() {
		if f := m.Descriptor().Fields().Get(n); m.Has(f) {
			parts = append(parts, fmt.Sprintf("%s: %s", f.Name(), show(m, f)))
		}
	}
	return "{" + strings.Join(parts, ", ") + "}"
}
