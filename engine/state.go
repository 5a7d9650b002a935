package engine

import (
	"cmp"
	"slices"

	"github.com/google/btree"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// Queues of the server's own, which need no configuration.
const (
	// workbinQueue is the private queue behind every workbin.
	workbinQueue QueueName = "__workbin__"
	// unplacedQueue takes interactions that have no former location when their
	// last agent is taken from them; agents pull from it.
	unplacedQueue QueueName = "__unplaced__"
	// back names the former location in requests.
	back QueueName = "__BACK__"
)

// Interaction is a live interaction.
type Interaction struct {
	// props is what was submitted and has become of it. Its user data is
	// never changed in place, so that copies may share it.
	props    *usherv1.InteractionProperties
	timeouts *usherv1.Timeouts
	entry    Sequence

	// The former location: a queue, or a workbin.
	formerQueue   QueueName
	formerMovedAt Millis
	formerWorkbin *usherv1.Workbin

	parties     []*party
	invitations []*invitation
	// The strategy that works on it, and the router that runs it.
	strategy string
	router   Participant
	// deadline is that of routing or handling.
	deadline deadline
	backOffs []*usherv1.BackOff
	lockedBy uint64
	// Where it is in its vector, and which adjunct requests are open.
	vector   *usherv1.VectorState
	adjuncts []*usherv1.AdjunctRequest
	// executed and sincePause count its steps in the vectors that it left by
	// themselves: the next one goes on counting, so that no two can send it to
	// and fro without end.
	executed, sincePause int32
	// called is the request to an external service by which its vector called
	// last.
	called uint64
	// served is where it waited before it went to the agent who handles it.
	served *usherv1.ServedPlace
	// The lines of its conversation, and how many of them are attachments.
	lines       []line
	attachments int
	// stoppedWith are the agents from whom its end took it.
	stoppedWith []string
	changed     bool
}

// party is an agent who is a party of an interaction.
type party struct {
	agent AgentID
	info  *usherv1.PartyInfo
}

// invitation is an open invitation.
type invitation struct {
	ticket      Ticket
	interaction *Interaction
	agent       AgentID
	invited     *usherv1.EventAgentInvited
	since       Millis
	// asker waits for the outcome under the reference id ref.
	asker    Participant
	ref      string
	deadline deadline
}

// Agent is an agent who is logged in.
type Agent struct {
	id          AgentID
	config      *usherv1.Agent
	place       string
	extension   string
	media       []*mediaState
	dnd         bool
	reason      string
	idleSince   Millis
	work        working
	handling    []*Interaction
	invitations []*invitation
	client      *client
	engine      *Engine
	changed     bool
	loggedOut   bool
	// shown is what a grid shows of him, since when, and whether it is to be
	// looked at again.
	shown      usherv1.AgentRowState
	shownSince Millis
	toShow     bool
}

// mediaState is one media type in an agent's session.
type mediaState struct {
	media  MediaName
	ready  bool
	reason string
}

// client is a client that has registered, or is connected.
type client struct {
	who          Participant
	proto        *usherv1.Participant // names who
	to           []Participant        // only who
	registration *usherv1.ClientRegistered
	connections  []*usherv1.ConnectionOpened
	graceUntil   deadline
	// routing counts the interactions that a router has; asked the open
	// requests to an external service.
	routing, asked int
}

// queue is a queue and what is in it, or came from it and is with a router.
type queue struct {
	name    QueueName
	queued  *interactionTree
	routing *interactionTree
	views   []*view // sorted by name
	// unserved is true while something in it may have to be handed to a
	// router; restrategized while something is with the router of a strategy
	// that is no longer the queue's.
	unserved, restrategized bool
	// ringing counts those in both to which somebody is invited; handling
	// those that came through it and are with agents.
	ringing, handling int
}

// workbinKey names a workbin of one owner.
type workbinKey struct{ name, owner string }

// workbin is what is in one owner's workbin, and who wants to know.
type workbin struct {
	content     *interactionTree
	subscribers []AgentID // sorted
}

// interactionTree keeps interactions in an order.
type interactionTree = btree.BTreeG[*Interaction]

func newInteractionTree(less btree.LessFunc[*Interaction]) *interactionTree {
	return btree.NewG(16, less)
}

func inOrderOfEntry(a, b *Interaction) bool { return a.entry < b.entry }

// inQueueOrder is the order in a queue: priority, then MovedToQueueAt, then
// sequence (models.md 17).
func inQueueOrder(a, b *Interaction) bool {
	if a.props.Priority != b.props.Priority {
		return a.props.Priority > b.props.Priority
	}
	if a.props.MovedToQueueAtMs != b.props.MovedToQueueAtMs {
		return a.props.MovedToQueueAtMs < b.props.MovedToQueueAtMs
	}
	return a.entry < b.entry
}

func inOrderOfPlacing(a, b *Interaction) bool {
	if a.props.PlacedInQueueAtMs != b.props.PlacedInQueueAtMs {
		return a.props.PlacedInQueueAtMs < b.props.PlacedInQueueAtMs
	}
	return a.entry < b.entry
}

// queue is the named queue's content; it exists as soon as it is asked for,
// because only configured names and the server's own are ever asked for.
func (e *Engine) queue(name QueueName) *queue {
	q := e.queues[name]
	if q == nil {
		q = &queue{name: name, queued: newInteractionTree(inQueueOrder), routing: newInteractionTree(inQueueOrder)}
		e.queues[name] = q
	}
	return q
}

func keyOf(w *usherv1.Workbin) workbinKey { return workbinKey{w.GetName(), w.GetOwner()} }

func (e *Engine) workbin(key workbinKey) *workbin {
	w := e.workbins[key]
	if w == nil {
		w = &workbin{content: newInteractionTree(inOrderOfPlacing)}
		e.workbins[key] = w
	}
	return w
}

func (e *Engine) client(who Participant) *client {
	c := e.clients[who]
	if c == nil {
		c = &client{who: who, proto: who.Proto(), to: []Participant{who}}
		c.graceUntil = deadline{kind: graceDeadline, client: c}
		e.clients[who] = c
	}
	return c
}

// ---- what the router and readers see ----

// ID is the interaction's id.
func (i *Interaction) ID() InteractionID { return InteractionID(i.props.InteractionId) }

// MediaType is its media type.
func (i *Interaction) MediaType() MediaName { return MediaName(i.props.MediaType) }

// Queue is where it is, or came from while it is with a router.
func (i *Interaction) Queue() QueueName { return QueueName(i.props.Queue) }

// Priority is its priority; larger goes first.
func (i *Interaction) Priority() int32 { return i.props.Priority }

// MovedToQueueAt is its first entry into the queue.
func (i *Interaction) MovedToQueueAt() Millis { return Millis(i.props.MovedToQueueAtMs) }

// EntrySequence is the number of its submission.
func (i *Interaction) EntrySequence() Sequence { return i.entry }

// State is its state.
func (i *Interaction) State() usherv1.InteractionState { return i.props.State }

// WaitsFor tells whether the router has it and may route it now: nobody is
// invited, it is neither held nor locked.
func (i *Interaction) WaitsFor(router Participant) bool {
	return i.props.State == stateRouting && i.router == router && len(i.invitations) == 0 &&
		!i.props.IsHeld && i.lockedBy == 0
}

// NotBefore is when the agent may be asked again after he refused or did not
// answer; 0 for at any time.
func (i *Interaction) NotBefore(agent AgentID) Millis {
	for _, b := range i.backOffs {
		if b.AgentId == string(agent) {
			return Millis(b.UntilMs)
		}
	}
	return 0
}

// Properties are the properties as the viewer may see them.
func (i *Interaction) Properties(viewer Participant, supervisor bool) *usherv1.InteractionProperties {
	p := copyProperties(i.props)
	for _, party := range i.parties {
		if party.visibleTo(viewer, supervisor) {
			p.Parties = append(p.Parties, party.info)
		}
	}
	for _, inv := range i.invitations {
		if inv.visibleTo(viewer, supervisor) {
			p.Invitations = append(p.Invitations, inv.shownTo(viewer, supervisor))
		}
	}
	return p
}

// party is the agent's part in the interaction, or nil.
func (i *Interaction) party(id AgentID) *party {
	for _, p := range i.parties {
		if p.agent == id {
			return p
		}
	}
	return nil
}

// visibleTo tells whether the viewer may see the party.
func (p *party) visibleTo(viewer Participant, supervisor bool) bool {
	return visible(p.agent, p.info.Visibility, viewer, supervisor)
}

// visibleTo tells whether the viewer may see who is invited: whoever will see
// him as a party, and who asked.
func (inv *invitation) visibleTo(viewer Participant, supervisor bool) bool {
	return viewer == inv.asker || visible(inv.agent, inv.invited.Visibility, viewer, supervisor)
}

// shownTo is the invitation as the viewer may see it: not by whom, if that is
// a party hidden from him.
func (inv *invitation) shownTo(viewer Participant, supervisor bool) *usherv1.OpenInvitation {
	shown := &usherv1.OpenInvitation{
		AgentId: inv.invited.AgentId, Operation: inv.invited.Operation, Visibility: inv.invited.Visibility,
		Inviter: inv.invited.Inviter, SinceMs: int64(inv.since), DeadlineMs: inv.invited.DeadlineMs,
	}
	if inv.asker.Kind == usherv1.ParticipantKind_PARTICIPANT_KIND_AGENT {
		if p := inv.interaction.party(AgentID(inv.asker.ID)); p != nil && !p.visibleTo(viewer, supervisor) {
			shown.Inviter = Server.Proto()
		}
	}
	return shown
}

// visible applies the visibility modes (models.md 12).
func visible(agent AgentID, mode usherv1.VisibilityMode, viewer Participant, supervisor bool) bool {
	switch mode {
	case usherv1.VisibilityMode_VISIBILITY_MODE_MONITOR:
		return supervisor || viewer == agentParticipant(agent) || viewer == Report
	case usherv1.VisibilityMode_VISIBILITY_MODE_COACH:
		return viewer.Kind != usherv1.ParticipantKind_PARTICIPANT_KIND_MEDIA
	}
	return true
}

// public tells whether everybody sees the party.
func (p *party) public() bool {
	return p.info.Visibility == usherv1.VisibilityMode_VISIBILITY_MODE_CONFERENCE
}

// firstPublic is the agent who handles the interaction as everybody sees it;
// nil while only coaches and monitors are left.
func (i *Interaction) firstPublic() *party {
	for _, p := range i.parties {
		if p.public() {
			return p
		}
	}
	return nil
}

// lastPublic tells whether nobody whom everybody sees stays without the agent.
func (i *Interaction) lastPublic(id AgentID) bool {
	for _, p := range i.parties {
		if p.public() && p.agent != id {
			return false
		}
	}
	return i.party(id).public()
}

// hiddenParty is the asker's part in an interaction, if not everybody sees it.
func (e *Engine) hiddenParty(id InteractionID, who Participant) *party {
	i := e.interactions[id]
	if i == nil || who.Kind != usherv1.ParticipantKind_PARTICIPANT_KIND_AGENT {
		return nil
	}
	if p := i.party(AgentID(who.ID)); p != nil && !p.public() {
		return p
	}
	return nil
}

// copyProperties copies all but parties and invitations, which depend on the
// reader. What is behind its pointers is never changed in place.
func copyProperties(p *usherv1.InteractionProperties) *usherv1.InteractionProperties {
	return &usherv1.InteractionProperties{
		InteractionId: p.InteractionId, ExternalId: p.ExternalId, ParentId: p.ParentId, TenantId: p.TenantId,
		MediaType: p.MediaType, InteractionType: p.InteractionType, InteractionSubtype: p.InteractionSubtype,
		Queue: p.Queue, Workbin: p.Workbin, State: p.State,
		IsOnline: p.IsOnline, IsHeld: p.IsHeld, IsLocked: p.IsLocked, HeldAtMs: p.HeldAtMs,
		ReceivedAtMs: p.ReceivedAtMs, SubmittedAtMs: p.SubmittedAtMs, SubmittedBy: p.SubmittedBy,
		PlacedInQueueAtMs: p.PlacedInQueueAtMs, MovedToQueueAtMs: p.MovedToQueueAtMs,
		SubmittedToRouterAtMs: p.SubmittedToRouterAtMs, DeliveredAtMs: p.DeliveredAtMs,
		AssignedTo: p.AssignedTo, AssignedAtMs: p.AssignedAtMs,
		AbandonedAtMs: p.AbandonedAtMs, CompletedAtMs: p.CompletedAtMs,
		InQueues: p.InQueues, OutQueues: p.OutQueues,
		Priority: p.Priority, ServiceObjectiveS: p.ServiceObjectiveS,
		UserData: p.UserData, Version: p.Version, Vdn: p.Vdn, LastAgent: p.LastAgent,
	}
}

// ID is the agent's id.
func (a *Agent) ID() AgentID { return a.id }

// Groups are the agent groups that he is in.
func (a *Agent) Groups() []GroupName {
	groups := make([]GroupName, len(a.config.GetAgentGroups()))
	for n, g := range a.config.GetAgentGroups() {
		groups[n] = GroupName(g)
	}
	return groups
}

// Media are the media types of his session, in order of adding.
func (a *Agent) Media() []MediaName {
	media := make([]MediaName, len(a.media))
	for n, m := range a.media {
		media[n] = m.media
	}
	return media
}

// IdleSince is since when he has had nothing.
func (a *Agent) IdleSince() Millis { return a.idleSince }

// Available tells whether a routed invitation may be opened for him now.
func (a *Agent) Available(media MediaName) bool {
	return a.attends(media) && a.work.takes() && a.capacityLeft(media) > 0
}

// attends tells whether he is there and ready for a media type, whatever his
// work mode is.
func (a *Agent) attends(media MediaName) bool {
	m := a.mediaState(media)
	return !a.loggedOut && m != nil && m.ready && !a.dnd && a.connected()
}

// connected tells whether somebody can take something for him: while his grace
// runs there may be no more than a wall.
func (a *Agent) connected() bool {
	return a.client != nil && len(a.client.connections) > 0 && a.client.graceUntil.at == 0
}

func (a *Agent) mediaState(media MediaName) *mediaState {
	for _, m := range a.media {
		if m.media == media {
			return m
		}
	}
	return nil
}

func (a *Agent) status() []*usherv1.MediaStatus {
	status := make([]*usherv1.MediaStatus, len(a.media))
	for n, m := range a.media {
		status[n] = &usherv1.MediaStatus{
			MediaType: string(m.media), Ready: m.ready, Reason: m.reason,
			CapacityLeft: int32(max(0, a.capacityLeft(m.media))),
		}
	}
	return status
}

func (a *Agent) currentStatus() *usherv1.EventCurrentAgentStatus {
	return &usherv1.EventCurrentAgentStatus{
		AgentId: string(a.id), Place: a.place, Media: a.status(), DoNotDisturb: a.dnd, Reason: a.reason,
		WorkMode: a.work.mode, PendingWorkMode: a.work.pending, ReasonCode: a.work.reasonCode, AcwUntilMs: int64(a.work.acwUntil.at),
		Extension: a.extension,
	}
}

// EachAgent gives the agents who are logged in, sorted by id.
func (e *Engine) EachAgent(yield func(*Agent) bool) {
	for _, id := range sortedKeys(e.agents) {
		if !yield(e.agents[id]) {
			return
		}
	}
}

// EachInteraction gives the live interactions in order of entry.
func (e *Engine) EachInteraction(yield func(*Interaction) bool) {
	e.submitted.Ascend(yield)
}

// Interaction is the live interaction with this id, or nil.
func (e *Engine) Interaction(id InteractionID) *Interaction { return e.interactions[id] }

// GroupOf is the agent group from which the built-in router picks for the
// queue.
func (e *Engine) GroupOf(name QueueName) GroupName {
	return GroupName(e.config.queues[string(name)].GetAgentGroup())
}

// ConfigurationVersion is raised by one with every change of configuration.
func (e *Engine) ConfigurationVersion() uint64 { return e.config.version }

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// The states of an interaction, in short.
const (
	stateQueued   = usherv1.InteractionState_INTERACTION_STATE_QUEUED
	stateRouting  = usherv1.InteractionState_INTERACTION_STATE_ROUTING
	stateHandling = usherv1.InteractionState_INTERACTION_STATE_HANDLING
	stateStopped  = usherv1.InteractionState_INTERACTION_STATE_STOPPED
)

// The operations, in short.
const (
	opRoute      = usherv1.Operation_OPERATION_ROUTE
	opTransfer   = usherv1.Operation_OPERATION_TRANSFER
	opConference = usherv1.Operation_OPERATION_CONFERENCE
	opIntrude    = usherv1.Operation_OPERATION_INTRUDE
	opPull       = usherv1.Operation_OPERATION_PULL
	opSubmit     = usherv1.Operation_OPERATION_SUBMIT
	opPlace      = usherv1.Operation_OPERATION_PLACE
	opLeave      = usherv1.Operation_OPERATION_LEAVE
	opStop       = usherv1.Operation_OPERATION_STOP
	opTimeout    = usherv1.Operation_OPERATION_TIMEOUT
	opLost       = usherv1.Operation_OPERATION_CONNECTION_LOST
	opReject     = usherv1.Operation_OPERATION_REJECT
	opMove       = usherv1.Operation_OPERATION_MOVE
	opLogout     = usherv1.Operation_OPERATION_LOGOUT
)

// hasQueue tells whether interactions may be placed in the queue.
func (c *configuration) hasQueue(name string) bool { return c.queues[name] != nil }
