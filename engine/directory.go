package engine

import (
	"cmp"
	"math"
	"slices"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// What people look at: agents and queues as they stand, a row each. Whatever
// would need a walk through all interactions is counted while the journal is
// folded.

// countRinging counts an interaction, to which somebody is invited, among those
// that do not wait although they are in a queue or with its router.
func (e *Engine) countRinging(i *Interaction, by int) {
	waits := i.strategy != "" || i.props.State == stateQueued && i.props.Workbin == nil
	if waits && len(i.invitations) > 0 {
		e.queue(i.Queue()).ringing += by
	}
}

// countHandling counts an interaction that is with agents for the queue through
// which it came.
func (e *Engine) countHandling(i *Interaction, by int) {
	if i.props.State == stateHandling && i.Queue() != "" {
		e.queue(i.Queue()).handling += by
	}
}

// showAgents notes since when the agents whom an entry has changed are in the
// state that a grid shows.
func (e *Engine) showAgents(entry *Entry) {
	if len(e.toShow) == 0 {
		return
	}
	at := entry.Event.GetTimeMs()
	if entry.Fact != nil {
		at = entry.Fact.TimeMs
	}
	for _, a := range e.toShow {
		a.toShow = false
		if state := a.rowState(); state != a.shown {
			a.shown, a.shownSince = state, Millis(at)
		}
	}
	e.toShow = e.toShow[:0]
}

// showLoaded is showAgents for a state that is loaded: since when is in it.
func (e *Engine) showLoaded() {
	for _, a := range e.toShow {
		a.toShow, a.shown = false, a.rowState()
	}
	e.toShow = e.toShow[:0]
}

// rowState is the state that a grid shows, the first that holds.
func (a *Agent) rowState() usherv1.AgentRowState {
	switch {
	case a.loggedOut:
		return usherv1.AgentRowState_AGENT_ROW_STATE_LOGGED_OUT
	case !a.connected():
		return usherv1.AgentRowState_AGENT_ROW_STATE_CONNECTION_LOST
	case a.dnd:
		return usherv1.AgentRowState_AGENT_ROW_STATE_DO_NOT_DISTURB
	case len(a.handling) > 0:
		return usherv1.AgentRowState_AGENT_ROW_STATE_HANDLING
	case len(a.invitations) > 0:
		return usherv1.AgentRowState_AGENT_ROW_STATE_ALERTING
	case a.work.mode == modeAcw:
		return usherv1.AgentRowState_AGENT_ROW_STATE_ACW
	case a.work.mode == modeAux:
		return usherv1.AgentRowState_AGENT_ROW_STATE_AUX
	case !slices.ContainsFunc(a.media, func(m *mediaState) bool { return m.ready }):
		return usherv1.AgentRowState_AGENT_ROW_STATE_NOT_READY
	}
	return usherv1.AgentRowState_AGENT_ROW_STATE_READY
}

// Directory is the agents, if they are wanted, and the queues as they stand,
// and what else windows offer; workbins only if an agent asks, those that he
// may use. What a router knows of queues is left out: the agents who serve them,
// and expected waits. It shares with the engine only what never changes.
func (e *Engine) Directory(asker AgentID, agents bool) *usherv1.EventDirectory {
	c := e.config
	d := &usherv1.EventDirectory{Vdns: sortedKeys(c.vdns), MediaTypes: sortedKeys(c.mediaTypes), Workbins: e.workbinsFor(asker)}
	if agents {
		d.Agents = make([]*usherv1.AgentRow, 0, len(c.agents))
		for _, id := range sortedKeys(c.agents) {
			d.Agents = append(d.Agents, e.agentRow(c.agents[id]))
		}
	}
	for _, name := range sortedKeys(c.queues) {
		d.Queues = append(d.Queues, e.queueRow(c.queues[name]))
	}
	for _, name := range sortedKeys(c.reasons) {
		d.Reasons = append(d.Reasons, c.reasons[name])
	}
	slices.SortStableFunc(d.Reasons, func(a, b *usherv1.Reason) int { return cmp.Compare(a.Kind, b.Kind) })
	return d
}

// agentRow is an agent as others see him.
func (e *Engine) agentRow(config *usherv1.Agent) *usherv1.AgentRow {
	row := &usherv1.AgentRow{
		AgentId: config.GetAgentId(), Name: config.GetName(), State: usherv1.AgentRowState_AGENT_ROW_STATE_LOGGED_OUT,
		AgentGroups: config.GetAgentGroups(), Supervisor: config.GetSupervisor(),
	}
	a := e.agents[AgentID(config.GetAgentId())]
	if a == nil {
		return row
	}
	row.State, row.SinceMs = a.shown, int64(a.shownSince)
	row.Place, row.Extension, row.Media = a.place, a.extension, a.status()
	row.WorkMode, row.PendingWorkMode, row.ReasonCode = a.work.mode, a.work.pending, a.work.reasonCode
	row.Reason, row.Invitations, row.LoggedInAtMs = a.reason, int32(len(a.invitations)), int64(a.work.loggedInAt)
	for _, i := range a.handling {
		p := i.party(a.id)
		row.Handling = append(row.Handling, &usherv1.HandledRow{
			InteractionId: i.props.InteractionId, MediaType: i.props.MediaType, Queue: i.props.Queue,
			SinceMs: p.info.SinceMs, Visibility: p.info.Visibility,
		})
	}
	slices.SortStableFunc(row.Handling, func(a, b *usherv1.HandledRow) int {
		return cmp.Or(cmp.Compare(a.SinceMs, b.SinceMs), cmp.Compare(a.InteractionId, b.InteractionId))
	})
	return row
}

// queueRow is a queue as it stands. What is being delivered does not wait.
func (e *Engine) queueRow(config *usherv1.Queue) *usherv1.QueueRow {
	row := &usherv1.QueueRow{Queue: config.GetName(), Description: config.GetDescription()}
	q := e.queues[QueueName(config.GetName())]
	if q == nil {
		return row
	}
	row.Waiting, row.Handling = int32(q.queued.Len()+q.routing.Len()-q.ringing), int32(q.handling)
	if row.Waiting > 0 {
		row.OldestSinceMs = int64(min(oldest(q.queued), oldest(q.routing)))
	}
	return row
}

// oldest is when the interaction came that waits longest of those in a queue's
// order. It looks at the first that waits of each priority.
func oldest(tree *interactionTree) Millis {
	first := Millis(math.MaxInt64)
	from := &Interaction{props: &usherv1.InteractionProperties{Priority: math.MaxInt32, MovedToQueueAtMs: math.MinInt64}}
	for from != nil {
		var found *Interaction
		tree.AscendGreaterOrEqual(from, func(i *Interaction) bool {
			if len(i.invitations) == 0 {
				found = i
			}
			return found == nil
		})
		from = nil
		if found != nil {
			first = min(first, found.MovedToQueueAt())
			from = &Interaction{props: &usherv1.InteractionProperties{Priority: found.Priority() - 1, MovedToQueueAtMs: math.MinInt64}}
		}
	}
	return first
}

// workbinsFor are the workbins that an agent may use, by name and owner.
func (e *Engine) workbinsFor(id AgentID) []*usherv1.Workbin {
	c := e.config
	config, place := c.agents[string(id)], ""
	if config == nil {
		return nil
	}
	if a := e.agents[id]; a != nil {
		place = a.place
	}
	owners := map[usherv1.OwnerKind][]string{}
	var all []*usherv1.Workbin
	for _, name := range sortedKeys(c.workbins) {
		workbin := c.workbins[name]
		kind := workbin.GetOwnerKind()
		if owners[kind] == nil {
			owners[kind] = c.owners(kind, config)
		}
		for _, owner := range owners[kind] {
			if c.mayUse(workbin, owner, config, place) {
				all = append(all, &usherv1.Workbin{Name: name, Owner: owner})
			}
		}
	}
	return all
}

// owners are the objects of a kind whose workbins an agent may use, and others,
// sorted. Of agents, who are many and each ask, it is only himself unless he
// supervises.
func (c *configuration) owners(kind usherv1.OwnerKind, asker *usherv1.Agent) []string {
	switch kind {
	case usherv1.OwnerKind_OWNER_KIND_AGENT:
		if !asker.GetSupervisor() {
			return []string{asker.GetAgentId()}
		}
		return sortedKeys(c.agents)
	case usherv1.OwnerKind_OWNER_KIND_AGENT_GROUP:
		return sortedKeys(c.agentGroups)
	case usherv1.OwnerKind_OWNER_KIND_PLACE:
		return sortedKeys(c.places)
	}
	return sortedKeys(c.placeGroups)
}
