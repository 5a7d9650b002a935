package engine

import (
	"cmp"
	"maps"

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

// dayMs is a day.
const dayMs = 86_400_000

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
	"priority_aging_ms":             {0, dayMs},
	"rona_reason_code":              {0, maxReasonCode},
	"max_acw_ms":                    {0, dayMs},
	"max_acw_reason_code":           {0, maxReasonCode},
	"forced_logout_reason_code":     {0, maxReasonCode},
	"unreachable_reason_code":       {0, maxReasonCode},
	"rona_rings":                    {0, maxRings},
	"timed_acw_ms":                  {0, dayMs},
	"max_queued":                    {0, 1_000_000},
	"interrupt_aux_queued":          {0, 1_000_000},
	"duration_ms":                   {0, 3_600_000},
	"timeout_ms":                    {100, 3_600_000},

	"customer_connection_grace_ms":  {5_000, 3_600_000},
	"service_level_within_ms":       {0, dayMs},
	"service_level_target_percent":  {0, maxPercent},
	"priority":                      {int64(-maxPriority), int64(maxPriority)},
	"anonymous_sessions_per_minute": {0, maxSessionsPerMinute},
	"code":                          {0, maxReasonCode},
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

	skills           map[string]*usherv1.Skill
	targets          map[string]*usherv1.Target
	vectors          map[string]*usherv1.Vector
	vdns             map[string]*usherv1.Vdn
	tables           map[string]*usherv1.Table
	holidayTables    map[string]*usherv1.HolidayTable
	timetables       map[string]*usherv1.Timetable
	announcements    map[string]*usherv1.Announcement
	capacityRules    map[string]*usherv1.CapacityRule
	views            map[string]*usherv1.View
	externalServices map[string]*usherv1.ThirdServer

	requestTypes map[string]*usherv1.RequestType
	sites        map[string]*usherv1.Site
	reasons      map[string]*usherv1.Reason
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

		skills:           map[string]*usherv1.Skill{},
		targets:          map[string]*usherv1.Target{},
		vectors:          map[string]*usherv1.Vector{},
		vdns:             map[string]*usherv1.Vdn{},
		tables:           map[string]*usherv1.Table{},
		holidayTables:    map[string]*usherv1.HolidayTable{},
		timetables:       map[string]*usherv1.Timetable{},
		announcements:    map[string]*usherv1.Announcement{},
		capacityRules:    map[string]*usherv1.CapacityRule{},
		views:            map[string]*usherv1.View{},
		externalServices: map[string]*usherv1.ThirdServer{},

		requestTypes: map[string]*usherv1.RequestType{},
		sites:        map[string]*usherv1.Site{},
		reasons:      map[string]*usherv1.Reason{},
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

		skills:           maps.Clone(c.skills),
		targets:          maps.Clone(c.targets),
		vectors:          maps.Clone(c.vectors),
		vdns:             maps.Clone(c.vdns),
		tables:           maps.Clone(c.tables),
		holidayTables:    maps.Clone(c.holidayTables),
		timetables:       maps.Clone(c.timetables),
		announcements:    maps.Clone(c.announcements),
		capacityRules:    maps.Clone(c.capacityRules),
		views:            maps.Clone(c.views),
		externalServices: maps.Clone(c.externalServices),

		requestTypes: maps.Clone(c.requestTypes),
		sites:        maps.Clone(c.sites),
		reasons:      maps.Clone(c.reasons),
	}
}

// Configuration is a copy of the configuration, with password hashes, and its
// version.
func (e *Engine) Configuration() (*usherv1.Configuration, uint64) {
	return proto.CloneOf(e.config.export()), e.config.version
}

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
