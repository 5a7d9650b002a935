package engine

import (
	"github.com/usher-cc/usher/estimate"
	"github.com/usher-cc/usher/vector"
	"github.com/usher-cc/usher/zone"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// The identifiers of a tenant's objects.
type (
	// InteractionID names an interaction.
	InteractionID string
	// AgentID names an agent.
	AgentID string
	// QueueName names a queue.
	QueueName string
	// MediaName names a media type.
	MediaName string
	// GroupName names an agent group.
	GroupName string
	// Ticket names an invitation: the sequence of its EventAgentInvited.
	Ticket uint64
	// Millis is a point in time, Unix milliseconds.
	Millis int64
	// Sequence is the number of an entry in the journal.
	Sequence uint64
)

// Participant is one participant of the protocols; it can be a map's key.
type Participant struct {
	Kind usherv1.ParticipantKind
	ID   string
}

// The participants that are the same in every tenant.
var (
	// Server is the interaction server itself.
	Server = Participant{Kind: usherv1.ParticipantKind_PARTICIPANT_KIND_SERVER}
	// Report stands for every reporting engine of the tenant.
	Report = Participant{Kind: usherv1.ParticipantKind_PARTICIPANT_KIND_REPORT}
	// BuiltinRouter is the router inside the server.
	BuiltinRouter = Participant{Kind: usherv1.ParticipantKind_PARTICIPANT_KIND_ROUTER, ID: "builtin"}
)

// The strategies of the built-in router.
const (
	// LongestIdle gives an interaction to whoever of a group is idle longest.
	LongestIdle = "longest-idle"
	// Vectored runs the queue's vector.
	Vectored = "vector"
)

// builtin tells whether the built-in router runs a strategy.
func builtin(strategy string) bool { return strategy == LongestIdle || strategy == Vectored }

func agentParticipant(id AgentID) Participant {
	return Participant{Kind: usherv1.ParticipantKind_PARTICIPANT_KIND_AGENT, ID: string(id)}
}

func routerParticipant(id string) Participant {
	return Participant{Kind: usherv1.ParticipantKind_PARTICIPANT_KIND_ROUTER, ID: id}
}

// ParticipantOf is the Participant that a message names.
func ParticipantOf(p *usherv1.Participant) Participant {
	return Participant{Kind: p.GetKind(), ID: p.GetId()}
}

// Proto is the message that names p.
func (p Participant) Proto() *usherv1.Participant {
	return &usherv1.Participant{Kind: p.Kind, Id: p.ID}
}

// Input is one request, with what the engine may not make itself.
type Input struct {
	// Now is the server's time; never less than in the input before.
	Now Millis
	// Next is the sequence that the first entry gets.
	Next Sequence
	// NewID is the id of a submitted interaction that has none.
	NewID InteractionID
	// From is who asks: the principal of the credential.
	From Participant
	// Request is a Request message of the api, or a Connect, Disconnect,
	// Apply or Suspend.
	Request any
}

// Connect says that a client's event stream opened. It is refused when the
// option allow-multiple-agent-connections forbids it.
type Connect struct {
	// ConnectionID is unique in the tenant.
	ConnectionID string
	// Kind is desktop, telephone or supervisor for an agent's application.
	Kind string
}

// Disconnect says that a client's event stream ended.
type Disconnect struct {
	ConnectionID string
}

// Apply changes the configuration. Passwords have been replaced by their
// hashes before.
type Apply struct {
	Request *usherv1.ApplyConfigurationRequest
}

// Entry is one entry for the journal: a message with its recipients, or a
// private fact.
type Entry struct {
	// To are the recipients of the message.
	To []Participant
	// Answer is true if the message answers the request with its reference
	// id, which To[0] sent.
	Answer bool
	// Event is the message; its sequence is set.
	Event *usherv1.Event
	// Fact is the private fact.
	Fact *usherv1.Fact
	// Show names the interactions whose present properties go with the
	// message when it is delivered.
	Show []*Interaction
}

// Output is what came of an input.
type Output struct {
	// Entries are to be appended to the journal, in this order.
	Entries []Entry
	// Reply is the answer; nil if it is pending or there is an Err. It is one
	// of the entries' events, or the answer to a read, which is not recorded.
	Reply *usherv1.Event
	// Err is the refusal; nothing was changed then and there are no entries.
	Err *usherv1.EventError
	// Pending is true when the answer comes later, as an entry that answers
	// the request's reference id.
	Pending bool
	// Unrecorded is a message for those who listen at the moment, such as that
	// somebody is writing; nil for none. It has no sequence and is no part of the
	// journal.
	Unrecorded *Entry
	// Changes is what an Apply changes, also a dry run.
	Changes *usherv1.ApplyConfigurationResponse
}

// Engine is the state of one tenant and decides what becomes of it.
type Engine struct {
	tenant        string
	config        *configuration
	interactions  map[InteractionID]*Interaction
	submitted     *interactionTree // every live interaction, in order of entry
	queues        map[QueueName]*queue
	workbins      map[workbinKey]*workbin
	agents        map[AgentID]*Agent
	places        map[string]*Agent // who sits there
	extensions    map[string]*Agent // who is logged in at it
	clients       map[Participant]*client
	routers       []*client // connected routers, sorted by id
	snapshots     map[uint64]*usherv1.SnapshotState
	strategies    map[string]*usherv1.Participant // as messages name them
	stopped       stoppedMemory
	closedTickets closedMemory
	deadlines     deadlineHeap
	unserved      []*queue // flagged queues

	vectors         map[vectorKey]*vectorVersion
	presentVectors  map[string]uint64                  // by name, the version
	parsed          map[*usherv1.Vector]*vector.Vector // by the latest check, to be added
	serviceRequests map[uint64]*serviceRequest
	services        map[serviceKey]*estimate.Service
	waiting         map[serviceKey]int // queueings of interactions in vectors to which nobody is invited
	direct          map[AgentID]int    // those for one agent directly
	calls           map[string]int     // live interactions by VDN
	zone            zone.Zone          // of the tenant's times of day
	logoutAt        deadline           // when agents are logged out next

	// ended are the agents from whom something was taken in this input.
	ended []*Agent

	// What the router looks at again.
	changedAgents       []*Agent
	changedInteractions []*Interaction
	// toShow are the agents whom the entry at work changes.
	toShow []*Agent

	// The input at work.
	now     Millis
	next    Sequence
	from    Participant
	actor   *usherv1.Participant
	toAsker []Participant // only From
	hidden  *party        // From, if he is a coach or monitor of the interaction concerned
	refID   string
	entries []Entry
	reply   *usherv1.Event
	pending bool
	newID   InteractionID
	changes *usherv1.ApplyConfigurationResponse
	// unrecorded is what is told and not recorded.
	unrecorded *Entry
}

// usualEntries is how many entries most inputs make at most.
const usualEntries = 8

// New is a tenant without configuration.
func New(tenant string) *Engine {
	e := &Engine{
		tenant:       tenant,
		config:       newConfiguration(),
		interactions: map[InteractionID]*Interaction{},
		submitted:    newInteractionTree(inOrderOfEntry),
		queues:       map[QueueName]*queue{},
		workbins:     map[workbinKey]*workbin{},
		agents:       map[AgentID]*Agent{},
		places:       map[string]*Agent{},
		extensions:   map[string]*Agent{},
		clients:      map[Participant]*client{},
		snapshots:    map[uint64]*usherv1.SnapshotState{},
		strategies:   map[string]*usherv1.Participant{},

		vectors:         map[vectorKey]*vectorVersion{},
		presentVectors:  map[string]uint64{},
		serviceRequests: map[uint64]*serviceRequest{},
		services:        map[serviceKey]*estimate.Service{},
		waiting:         map[serviceKey]int{},
		direct:          map[AgentID]int{},
		calls:           map[string]int{},
		zone:            zone.UTC,
	}
	e.logoutAt.kind = logoutDeadline
	e.stopped.init()
	return e
}

// Tenant is the tenant's id.
func (e *Engine) Tenant() string { return e.tenant }

// Handle decides one request.
func (e *Engine) Handle(in Input) Output {
	e.begin(in.Now, in.Next, in.From)
	e.newID = in.NewID
	if m, ok := in.Request.(interface{ GetReferenceId() string }); ok {
		e.refID = m.GetReferenceId()
	}
	if m, ok := in.Request.(interface{ GetInteractionId() string }); ok {
		e.hidden = e.hiddenParty(InteractionID(m.GetInteractionId()), in.From)
	}
	if refusal := e.dispatch(in.Request); refusal != nil {
		if len(e.entries) != 0 {
			panic("engine: a refused request has changed something: " + refusal.Description)
		}
		refusal.ReferenceId = e.refID
		if refusal.InteractionId == "" {
			if m, ok := in.Request.(interface{ GetInteractionId() string }); ok {
				refusal.InteractionId = m.GetInteractionId()
			}
		}
		return Output{Err: refusal}
	}
	e.settle()
	return e.output()
}

// Tick fires the earliest deadline that is due, if there is one; call it until
// it answers no entries. One deadline is one record of the journal.
func (e *Engine) Tick(now Millis, next Sequence) Output {
	e.begin(now, next, Server)
	for {
		e.settle() // what an input before has left
		if len(e.entries) > 0 {
			return e.output()
		}
		d := e.deadlines.due(now)
		if d == nil {
			return Output{}
		}
		e.deadlines.remove(d)
		d.fire(e)
	}
}

// NextDeadline is when Tick is to be called next; false if nothing waits.
func (e *Engine) NextDeadline() (Millis, bool) {
	if len(e.unserved) > 0 {
		return e.now, true
	}
	return e.deadlines.next()
}

func (e *Engine) begin(now Millis, next Sequence, from Participant) {
	e.now, e.next, e.from = now, next, from
	if c := e.clients[from]; c != nil {
		e.actor, e.toAsker = c.proto, c.to
	} else {
		e.actor, e.toAsker = from.Proto(), []Participant{from}
	}
	e.refID, e.newID, e.hidden = "", "", nil
	e.entries, e.reply, e.pending, e.changes, e.unrecorded = make([]Entry, 0, usualEntries), nil, false, nil, nil
}

func (e *Engine) output() Output {
	out := Output{Entries: e.entries, Reply: e.reply, Pending: e.pending, Unrecorded: e.unrecorded, Changes: e.changes}
	e.entries, e.reply, e.unrecorded = nil, nil, nil
	return out
}

// record appends an entry and folds it into the state: the one way in which
// the state changes.
func (e *Engine) record(entry Entry) *usherv1.Event {
	sequence := e.next + Sequence(len(e.entries))
	if entry.Event != nil {
		entry.Event.Sequence = uint64(sequence)
		entry.Event.TimeMs = int64(e.now)
	} else {
		entry.Fact.TimeMs = int64(e.now)
	}
	e.entries = append(e.entries, entry)
	last := &e.entries[len(e.entries)-1]
	e.fold(sequence, last)
	return last.Event
}

// Changed gives the agents and interactions whose availability may differ
// from what it was at the last call. The slices are valid until the next
// input.
func (e *Engine) Changed() ([]*Agent, []*Interaction) {
	agents, interactions := e.changedAgents, e.changedInteractions
	for _, a := range agents {
		a.changed = false
	}
	for _, i := range interactions {
		i.changed = false
	}
	e.changedAgents, e.changedInteractions = agents[:0], interactions[:0]
	return agents, interactions
}
