package engine

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// How a tenant's configuration is changed and read (models.md, "Options and
// defaults", 9 and 17):
//
//	present configuration + what is given - what is removed = next
//	next is checked as a whole, so that the order inside a request is of no
//	    matter, and nothing that is in use may be gone in it
//	next - present = difference --> fact ConfigurationApplied --> Fold
//
// An object of a configuration is never changed in place, only replaced by
// another; so present and next share what is equal, and the journal's fact
// holds the objects themselves. Deadlines that run are not moved.

// Limits of a configuration.
const (
	maxNameChars     = 128
	maxTextBytes     = 1_024
	maxStrategyBytes = 256 // it is the id of a participant
	maxCapacity      = 1_000
)

// Defaults of the options.
const (
	defaultDeliveringTimeoutMs  = 30_000
	defaultHandlingTimeoutMs    = 10_800_000
	defaultRoutingTimeoutMs     = 43_200_000
	defaultAgentGraceMs         = 60_000
	defaultMediaGraceMs         = 60_000
	defaultMaxPerSnapshot       = 500
	defaultMaxSubmittedToRouter = 50_000
)

// valueRange is what a number may be.
type valueRange struct{ from, to int64 }

// ranges are the ranges of numbers, by field; fields of one name have one
// range wherever they stand. A field that is not set is not checked.
var ranges = map[protoreflect.Name]valueRange{
	"delivering_timeout_ms":         {1_000, 86_400_000},
	"handling_timeout_ms":           {60_000, 86_400_000},
	"routing_timeout_ms":            {1_200_000, 31_536_000_000},
	"agent_connection_grace_ms":     {0, 3_600_000},
	"media_connection_grace_ms":     {0, 3_600_000},
	"max_interactions_per_snapshot": {100, 10_000},
	"max_submitted_per_router":      {0, 1_000_000},
	"default_capacity":              {0, maxCapacity},
}

// ownerKinds are the kinds of objects that own workbins.
var ownerKinds = map[usherv1.OwnerKind]string{
	usherv1.OwnerKind_OWNER_KIND_AGENT:       "agent",
	usherv1.OwnerKind_OWNER_KIND_AGENT_GROUP: "agent_group",
	usherv1.OwnerKind_OWNER_KIND_PLACE:       "place",
	usherv1.OwnerKind_OWNER_KIND_PLACE_GROUP: "place_group",
}

// configuration is a tenant's configuration, by name.
type configuration struct {
	version     uint64
	options     *usherv1.Options // never nil
	mediaTypes  map[string]*usherv1.MediaType
	places      map[string]*usherv1.Place
	placeGroups map[string]*usherv1.PlaceGroup
	agentGroups map[string]*usherv1.AgentGroup
	agents      map[string]*usherv1.Agent
	queues      map[string]*usherv1.Queue
	workbins    map[string]*usherv1.WorkbinType
}

func newConfiguration() *configuration {
	return &configuration{
		options:     &usherv1.Options{},
		mediaTypes:  map[string]*usherv1.MediaType{},
		places:      map[string]*usherv1.Place{},
		placeGroups: map[string]*usherv1.PlaceGroup{},
		agentGroups: map[string]*usherv1.AgentGroup{},
		agents:      map[string]*usherv1.Agent{},
		queues:      map[string]*usherv1.Queue{},
		workbins:    map[string]*usherv1.WorkbinType{},
	}
}

// loadConfiguration is what export gave. It shares the objects.
func loadConfiguration(from *usherv1.Configuration, version uint64) *configuration {
	c := newConfiguration()
	c.version = version
	c.load(from)
	return c
}

// load puts objects in, and the options if there are any.
func (c *configuration) load(from *usherv1.Configuration) {
	if from.GetOptions() != nil {
		c.options = from.GetOptions()
	}
	for _, k := range kinds {
		k.load(c, from)
	}
}

// export is the configuration, sorted by name, with password hashes. It
// shares the objects.
func (c *configuration) export() *usherv1.Configuration {
	to := &usherv1.Configuration{Options: c.options}
	for _, k := range kinds {
		k.export(c, to)
	}
	return to
}

func (c *configuration) copy() *configuration {
	return &configuration{
		version:     c.version,
		options:     c.options,
		mediaTypes:  maps.Clone(c.mediaTypes),
		places:      maps.Clone(c.places),
		placeGroups: maps.Clone(c.placeGroups),
		agentGroups: maps.Clone(c.agentGroups),
		agents:      maps.Clone(c.agents),
		queues:      maps.Clone(c.queues),
		workbins:    maps.Clone(c.workbins),
	}
}

// Configuration is a copy of the configuration, with password hashes, and its
// version.
func (e *Engine) Configuration() (*usherv1.Configuration, uint64) {
	return proto.CloneOf(e.config.export()), e.config.version
}

// ---- what the models ask ----

// capacity is how many routed interactions of a media type the agent may have
// at once: his own, even if it is none, or the media type's.
func (c *configuration) capacity(a *usherv1.Agent, media MediaName) int {
	if own, ok := a.GetCapacity()[string(media)]; ok {
		return int(own)
	}
	return int(cmp.Or(c.mediaTypes[string(media)].GetDefaultCapacity(), 1))
}

// deliveringTimeout is how long an agent may take to answer: the
// interaction's own, the media type's or the tenant's.
func (c *configuration) deliveringTimeout(own *usherv1.Timeouts, media MediaName) Millis {
	return Millis(cmp.Or(own.GetDeliveringTimeoutMs(), c.mediaTypes[string(media)].GetDeliveringTimeoutMs(),
		c.options.GetDeliveringTimeoutMs(), defaultDeliveringTimeoutMs))
}

// handlingTimeout is how long an agent may keep an interaction unchanged.
func (c *configuration) handlingTimeout(own *usherv1.Timeouts, media MediaName) Millis {
	return Millis(cmp.Or(own.GetHandlingTimeoutMs(), c.mediaTypes[string(media)].GetHandlingTimeoutMs(),
		c.options.GetHandlingTimeoutMs(), defaultHandlingTimeoutMs))
}

// routingTimeout is how long a router may keep an interaction.
func (c *configuration) routingTimeout(own *usherv1.Timeouts, media MediaName) Millis {
	return Millis(cmp.Or(own.GetRoutingTimeoutMs(), c.mediaTypes[string(media)].GetRoutingTimeoutMs(),
		c.options.GetRoutingTimeoutMs(), defaultRoutingTimeoutMs))
}

// agentGrace is how long a lost agent keeps his interactions.
func (c *configuration) agentGrace() Millis {
	return Millis(orDefault(c.options.AgentConnectionGraceMs, defaultAgentGraceMs))
}

// mediaGrace is how long a lost media server keeps its interactions online.
func (c *configuration) mediaGrace() Millis {
	return Millis(orDefault(c.options.MediaConnectionGraceMs, defaultMediaGraceMs))
}

// notReadyOnTimeout: an unanswered routed invitation makes the agent not ready.
func (c *configuration) notReadyOnTimeout() bool {
	return orDefault(c.options.NotReadyOnInvitationTimeout, true)
}

// multipleConnections is what a second connection of one kind does.
func (c *configuration) multipleConnections() usherv1.MultipleConnections {
	return cmp.Or(c.options.AllowMultipleAgentConnections,
		usherv1.MultipleConnections_MULTIPLE_CONNECTIONS_FORCE_LOGOUT)
}

// pullWhileRouting: agents may pull what a router has.
func (c *configuration) pullWhileRouting() bool { return orDefault(c.options.PullWhileRouting, true) }

func (c *configuration) pullObeysCapacity() bool       { return c.options.GetPullObeysCapacity() }
func (c *configuration) transferObeysCapacity() bool   { return c.options.GetTransferObeysCapacity() }
func (c *configuration) conferenceObeysCapacity() bool { return c.options.GetConferenceObeysCapacity() }
func (c *configuration) intrudeObeysCapacity() bool    { return c.options.GetIntrudeObeysCapacity() }

// maxPerSnapshot is how many interactions a snapshot may hold.
func (c *configuration) maxPerSnapshot() int {
	return int(orDefault(c.options.MaxInteractionsPerSnapshot, defaultMaxPerSnapshot))
}

// maxPerRouter is how many interactions one external router may have at once.
func (c *configuration) maxPerRouter() int {
	return int(orDefault(c.options.MaxSubmittedPerRouter, defaultMaxSubmittedToRouter))
}

func orDefault[T any](set *T, otherwise T) T {
	if set == nil {
		return otherwise
	}
	return *set
}

// checkTimeouts refuses timeouts of an interaction that are out of range.
func checkTimeouts(t *usherv1.Timeouts) refusal {
	if t == nil {
		return nil
	}
	return checkFields("timeouts", t)
}

// ---- workbins (models.md 9) ----

// usableWorkbin finds the workbin that an agent's request names, and refuses
// it if he may not look into it. Placing something in another's workbin is no
// such use.
func (e *Engine) usableWorkbin(named *usherv1.Workbin, asker *Agent) (*usherv1.Workbin, refusal) {
	w, why := e.workbinOwner(named, asker)
	if why != nil {
		return nil, why
	}
	if !e.config.mayUse(e.config.workbins[w.Name], w.Owner, asker.config, asker.place) {
		return nil, refuse(errPermissionDenied, "agent %q may not use workbin %q of %q", asker.id, w.Name, w.Owner)
	}
	return w, nil
}

// workbinOwner finds the workbin that a request names, with its owner. A
// router, with asker nil, has none of its own and must name the owner.
func (e *Engine) workbinOwner(w *usherv1.Workbin, asker *Agent) (*usherv1.Workbin, refusal) {
	c := e.config
	workbin := c.workbins[w.GetName()]
	if workbin == nil {
		return nil, refuse(errUnknownWorkbin, "there is no workbin %.128q", w.GetName())
	}
	kind := ownerKinds[workbin.GetOwnerKind()]
	owner := w.GetOwner()
	if owner == "" && asker == nil {
		return nil, refuse(errUnknownWorkbin, "workbin %q: owner is missing: name the %s", w.GetName(), kind)
	}
	if owner == "" {
		if owner = c.ownOwner(workbin, asker); owner == "" {
			return nil, refuse(errUnknownWorkbin, "workbin %q: agent %q has no %s of his own", w.GetName(), asker.id, kind)
		}
	}
	if !kindNamed(kind).has(c, owner) {
		return nil, refuse(errUnknownWorkbin, "workbin %q: there is no %s %.128q", w.GetName(), kind, owner)
	}
	return &usherv1.Workbin{Name: w.GetName(), Owner: owner}, nil
}

// ownOwner is whose workbin the agent means if he names no owner: himself, his
// place, his first group, or the first group of places that holds his.
func (c *configuration) ownOwner(workbin *usherv1.WorkbinType, a *Agent) string {
	switch workbin.GetOwnerKind() {
	case usherv1.OwnerKind_OWNER_KIND_AGENT:
		return string(a.id)
	case usherv1.OwnerKind_OWNER_KIND_AGENT_GROUP:
		if groups := a.config.GetAgentGroups(); len(groups) > 0 {
			return groups[0]
		}
	case usherv1.OwnerKind_OWNER_KIND_PLACE:
		return a.place
	case usherv1.OwnerKind_OWNER_KIND_PLACE_GROUP:
		for _, name := range sortedKeys(c.placeGroups) {
			if slices.Contains(c.placeGroups[name].GetPlaces(), a.place) {
				return name
			}
		}
	}
	return ""
}

// mayUse tells whether an agent at a place may use an owner's workbin: his
// own, his groups', his place's; a supervisor every one.
func (c *configuration) mayUse(workbin *usherv1.WorkbinType, owner string, a *usherv1.Agent, place string) bool {
	if a.GetSupervisor() {
		return true
	}
	switch workbin.GetOwnerKind() {
	case usherv1.OwnerKind_OWNER_KIND_AGENT:
		return a.GetAgentId() == owner
	case usherv1.OwnerKind_OWNER_KIND_AGENT_GROUP:
		return slices.Contains(a.GetAgentGroups(), owner)
	case usherv1.OwnerKind_OWNER_KIND_PLACE:
		return place == owner
	case usherv1.OwnerKind_OWNER_KIND_PLACE_GROUP:
		return slices.Contains(c.placeGroups[owner].GetPlaces(), place)
	}
	return false
}

// ---- the kinds of objects ----

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
var kinds = []kind{
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
			return refer(refs, "capacity", "media_type", sortedKeys(a.GetCapacity())...)
		},
	},
	&kindOf[*usherv1.Queue]{
		name: "queue", idField: "name", id: (*usherv1.Queue).GetName,
		table:   func(c *configuration) map[string]*usherv1.Queue { return c.queues },
		list:    func(c *usherv1.Configuration) *[]*usherv1.Queue { return &c.Queues },
		unknown: errUnknownQueue,
		fault:   queueFault,
		references: func(q *usherv1.Queue) []reference {
			if q.GetAgentGroup() == "" {
				return nil
			}
			return refer(nil, "agent_group", "agent_group", q.GetAgentGroup())
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
}

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
	return "", ""
}

func queueFault(q *usherv1.Queue) (field, what string) {
	switch {
	case q.GetStrategy() == LongestIdle && q.GetAgentGroup() == "":
		return "agent_group", fmt.Sprintf("is missing: strategy %q picks from one", LongestIdle)
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
			if len(v.String()) > maxTextBytes {
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
	}
	return v.String()
}

// ---- a change of the configuration ----

// difference is what differs between two configurations: for the answer, and
// for the journal.
type difference struct {
	changes []*usherv1.Change
	applied *usherv1.ConfigurationApplied
}

// apply changes the configuration, all or nothing, and says what differs;
// for a dry run it only says so.
func (e *Engine) apply(a Apply) refusal {
	r, present := a.Request, e.config
	if r.GetExpectedVersion() != 0 && r.GetExpectedVersion() != present.version {
		return refuse(errVersionMismatch, "the configuration has version %d, not %d", present.version, r.GetExpectedVersion())
	}
	next, why := present.with(r)
	if why == nil {
		why = present.check(next)
	}
	if why != nil {
		return why
	}
	d := present.compare(next)
	if why := e.checkUnused(next, d); why != nil {
		return why
	}
	e.changes = &usherv1.ApplyConfigurationResponse{Changes: d.changes, Version: present.version}
	if r.GetDryRun() || len(d.changes) == 0 {
		return nil
	}
	d.applied.Version = present.version + 1
	e.changes.Version = d.applied.Version
	e.changes.Sequence = uint64(e.next) + uint64(len(e.entries))
	restarted := e.withNewStrategy(next)
	e.record(Entry{Fact: &usherv1.Fact{Fact: &usherv1.Fact_ConfigurationApplied{ConfigurationApplied: d.applied}}})
	e.toRoute = append(e.toRoute, restarted...)
	return nil
}

// with is the configuration after a request.
func (c *configuration) with(r *usherv1.ApplyConfigurationRequest) (*configuration, refusal) {
	given := r.GetConfiguration()
	if given == nil {
		given = &usherv1.Configuration{}
	}
	next := c.copy()
	if o := given.GetOptions(); o != nil && !proto.Equal(o, c.options) {
		next.options = proto.CloneOf(o)
	}
	seen := map[objectKey]bool{}
	for _, k := range kinds {
		if why := k.merge(next, given, seen); why != nil {
			return nil, why
		}
	}
	if why := c.removeNamed(next, r.GetRemove(), seen); why != nil {
		return nil, why
	}
	if r.GetReplaceAll() {
		for _, k := range kinds {
			k.keepOnly(next, seen)
		}
	}
	return next, nil
}

// removeNamed takes out of next what a request names; given is what it gives.
func (c *configuration) removeNamed(next *configuration, names []*usherv1.ObjectName, given map[objectKey]bool) refusal {
	for n, o := range names {
		k := kindNamed(o.GetKind())
		switch {
		case k == nil:
			return refuse(errInvalidArgument, "remove: %.128q: kind is none of %s", o.GetKind(), kindNames())
		case given[objectKey{o.GetKind(), o.GetName()}]:
			return refuse(errInvalidArgument, "remove: %s %q is given too", o.GetKind(), o.GetName())
		case !k.has(c, o.GetName()):
			return refuse(errUnknownObject, "remove: there is no %s %.128q", o.GetKind(), o.GetName())
		case !k.has(next, o.GetName()):
			return refuse(errInvalidArgument, "remove: %s %q is named twice, again as number %d", o.GetKind(), o.GetName(), n+1)
		}
		k.remove(next, o.GetName())
	}
	return nil
}

func kindNames() string {
	names := make([]string, len(kinds))
	for n, k := range kinds {
		names[n] = k.called()
	}
	return strings.Join(names, ", ")
}

// check refuses a next configuration that does not hold together.
func (c *configuration) check(next *configuration) refusal {
	if next.options != c.options {
		if why := checkFields("options", next.options); why != nil {
			return why
		}
	}
	// Only what is gone can make an object wrong that is as before.
	all := slices.ContainsFunc(kinds, func(k kind) bool { return k.loses(c, next) })
	for _, k := range kinds {
		if why := k.check(c, next, all); why != nil {
			return why
		}
	}
	return nil
}

// compare is the difference to a next configuration, in order of kind and
// name.
func (c *configuration) compare(next *configuration) *difference {
	d := &difference{applied: &usherv1.ConfigurationApplied{Configuration: &usherv1.Configuration{}}}
	if next.options != c.options {
		d.applied.Configuration.Options = next.options
		d.changes = append(d.changes, &usherv1.Change{
			Kind:   usherv1.ChangeKind_CHANGE_KIND_CHANGED,
			Object: &usherv1.ObjectName{Kind: "options"},
			Fields: changedFields(c.options, next.options),
		})
	}
	for _, k := range kinds {
		k.compare(c, next, d)
	}
	return d
}

// checkUnused refuses to remove what is in use. A workbin whose owners become
// of another kind loses its former owners' workbins, as if removed.
func (e *Engine) checkUnused(next *configuration, d *difference) refusal {
	gone := slices.Clone(d.applied.Removed)
	for _, w := range d.applied.Configuration.GetWorkbins() {
		if former := e.config.workbins[w.GetName()]; former != nil && former.GetOwnerKind() != w.GetOwnerKind() {
			gone = append(gone, &usherv1.ObjectName{Kind: "workbin", Name: w.GetName()})
		}
	}
	if len(gone) == 0 {
		return nil // no need to look at every interaction
	}
	used := e.uses()
	for _, o := range gone {
		if by, ok := used[objectKey{o.GetKind(), o.GetName()}]; ok {
			return refuse(errInUse, "%s %q is in use: %s", o.GetKind(), o.GetName(), by)
		}
	}
	return nil
}

// uses says of objects that agents and interactions need who needs them.
type uses map[objectKey]string

// add keeps the first user of an object; the sentence is made for it alone.
func (u uses) add(kind, name, sentence, by string) {
	key := objectKey{kind, name}
	if _, known := u[key]; !known && name != "" {
		u[key] = fmt.Sprintf(sentence, by)
	}
}

// uses looks at every logged-in agent and every live interaction. Who owns a
// workbin that is in use can't go either: nobody could reach it any more.
func (e *Engine) uses() uses {
	u := uses{}
	for a := range e.EachAgent {
		u.add("agent", string(a.id), "agent %q is logged in", string(a.id))
		u.add("place", a.place, "agent %q sits there", string(a.id))
		for _, m := range a.media {
			u.add("media_type", string(m.media), "agent %q is logged in with it", string(a.id))
		}
	}
	for i := range e.EachInteraction {
		id := i.props.InteractionId
		u.add("media_type", i.props.MediaType, "interaction %q is of it", id)
		if i.props.State == stateQueued || i.props.State == stateRouting {
			u.add("queue", i.props.Queue, "interaction %q is in it", id)
		}
		u.add("queue", string(i.formerQueue), "it is the former location of interaction %q", id)
		e.addWorkbinUse(u, i.props.Workbin, "interaction %q is in it", id)
		e.addWorkbinUse(u, i.formerWorkbin, "it is the former location of interaction %q", id)
	}
	return u
}

func (e *Engine) addWorkbinUse(u uses, w *usherv1.Workbin, sentence, id string) {
	if w != nil {
		u.add("workbin", w.GetName(), sentence, id)
		u.add(ownerKinds[e.config.workbins[w.GetName()].GetOwnerKind()], w.GetOwner(), "of its workbin, "+sentence, id)
	}
}

// withNewStrategy are the queued interactions of the queues that get another
// strategy, in queue order; those that a router has stay with it.
func (e *Engine) withNewStrategy(next *configuration) []*Interaction {
	var waiting []*Interaction
	for _, name := range sortedKeys(next.queues) {
		q := e.queues[QueueName(name)]
		if q == nil || next.queues[name].GetStrategy() == e.config.queues[name].GetStrategy() {
			continue
		}
		q.queued.Ascend(func(i *Interaction) bool {
			waiting = append(waiting, i)
			return true
		})
	}
	return waiting
}

// foldConfigurationApplied is the only place that changes the configuration.
func (e *Engine) foldConfigurationApplied(f *usherv1.ConfigurationApplied) {
	c := e.config
	mostPerRouter := c.maxPerRouter()
	c.load(f.GetConfiguration())
	for _, o := range f.GetRemoved() {
		kindNamed(o.GetKind()).remove(c, o.GetName())
		if o.GetKind() == "queue" {
			delete(e.queues, QueueName(o.GetName()))
		}
	}
	c.version = f.GetVersion()

	for a := range e.EachAgent {
		a.config = c.agents[string(a.id)]
		e.touchAgent(a)
	}
	for i := range e.EachInteraction {
		e.touchInteraction(i)
	}
	for _, name := range sortedKeys(c.queues) {
		e.queue(QueueName(name)).config = c.queues[name]
	}
	if c.maxPerRouter() != mostPerRouter {
		for _, r := range e.routers {
			r.hungry = true
		}
	}
	e.endSubscriptions()
}

// endSubscriptions ends the subscriptions to workbins that are no more, or
// that the subscriber may no longer use.
func (e *Engine) endSubscriptions() {
	c := e.config
	maps.DeleteFunc(e.workbins, func(key workbinKey, w *workbin) bool {
		workbin := c.workbins[key.name]
		if workbin == nil || !kindNamed(ownerKinds[workbin.GetOwnerKind()]).has(c, key.owner) {
			return true
		}
		w.subscribers = slices.DeleteFunc(w.subscribers, func(id AgentID) bool {
			place := ""
			if a := e.agents[id]; a != nil {
				place = a.place
			}
			return !c.mayUse(workbin, key.owner, c.agents[string(id)], place)
		})
		return false
	})
}
