package engine

import (
	"slices"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// Fold rebuilds the state from the journal, entry by entry. A router that
// follows must begin anew afterwards.
func (e *Engine) Fold(sequence Sequence, entry *Entry) {
	e.fold(sequence, entry)
	for len(e.ended) > 0 {
		e.nextEnded() // what followed is in the journal
	}
	e.Changed()
}

// fold changes the state as an entry says. It is the only way in which the
// state changes: entries that have just been made and entries read back from
// the journal take it alike. Only reporting events and private facts count;
// what other protocols carry follows from them.
func (e *Engine) fold(sequence Sequence, entry *Entry) {
	switch {
	case entry.Fact != nil:
		e.foldFact(sequence, entry.Fact)
	case entry.Event.Protocol == rpt && entry.Event.InteractionId != "":
		e.foldInteraction(sequence, entry.Event)
	case entry.Event.Protocol == rpt:
		e.foldAgent(entry.Event)
	}
	e.showAgents(entry)
}

// foldInteraction folds a reporting event about an interaction.
func (e *Engine) foldInteraction(sequence Sequence, ev *usherv1.Event) {
	if m, ok := ev.Message.(*usherv1.Event_EventInteractionSubmitted); ok {
		e.foldSubmitted(sequence, m.EventInteractionSubmitted)
		return
	}
	if m := ev.GetEventExternalServiceResponded(); m != nil {
		e.foldServiceResponded(m)
		return
	}
	i := e.interactions[InteractionID(ev.InteractionId)]
	if i == nil {
		return // a custom fact about an interaction that is no more
	}
	if m := ev.GetEventLineAdded(); m != nil {
		i.foldSaid(sequence, m)
		return // it changes nothing for the router
	}
	e.touchInteraction(i)
	at := Millis(ev.TimeMs)
	switch m := ev.Message.(type) {
	case *usherv1.Event_EventPlacedInQueue:
		e.foldPlacedInQueue(i, m.EventPlacedInQueue, at)
	case *usherv1.Event_EventPlacedInWorkbin:
		e.queue(i.Queue()).leave(i, false)
		i.props.Workbin = m.EventPlacedInWorkbin.Workbin
		e.workbin(keyOf(i.props.Workbin)).content.ReplaceOrInsert(i)
	case *usherv1.Event_EventTakenFromQueue:
		if i.props.Workbin == nil {
			e.queue(i.Queue()).leave(i, false)
			i.formerQueue, i.formerMovedAt, i.formerWorkbin = i.Queue(), i.MovedToQueueAt(), nil
		}
	case *usherv1.Event_EventTakenFromWorkbin:
		w := i.props.Workbin
		e.workbin(keyOf(w)).content.Delete(i)
		i.formerWorkbin = w // the former queue still tells since when it was there
		i.props.Workbin = nil
	case *usherv1.Event_EventAgentInvited:
		e.foldInvited(i, sequence, ev)
	case *usherv1.Event_EventRejected:
		e.foldInvitationClosed(i, Ticket(m.EventRejected.Ticket), ev, true)
	case *usherv1.Event_EventRevoked:
		e.foldInvitationClosed(i, Ticket(m.EventRevoked.Ticket), ev, ev.Reason == reasonExpired)
	case *usherv1.Event_EventPartyAdded:
		e.foldPartyAdded(i, m.EventPartyAdded, ev, at)
	case *usherv1.Event_EventPartyRemoved:
		e.foldPartyRemoved(i, m.EventPartyRemoved, at)
	case *usherv1.Event_EventPropertiesChanged:
		e.foldProperties(i, m.EventPropertiesChanged)
	case *usherv1.Event_EventHeld:
		e.reorder(i, func() { i.props.IsHeld, i.props.HeldAtMs = true, int64(at) })
	case *usherv1.Event_EventResumed:
		e.reorder(i, func() { i.props.IsHeld, i.props.HeldAtMs = false, 0 })
		e.serve(e.queue(i.Queue()))
	case *usherv1.Event_EventExternalServiceRequested:
		e.foldServiceRequested(ev)
	case *usherv1.Event_EventProcessingStopped:
		e.foldStopped(i, ev)
	}
}

func (e *Engine) foldSubmitted(sequence Sequence, m *usherv1.EventInteractionSubmitted) {
	i := &Interaction{props: copyProperties(m.Properties), timeouts: m.Timeouts, entry: sequence}
	i.deadline = deadline{kind: interactionDeadline, interaction: i}
	e.interactions[i.ID()] = i
	e.submitted.ReplaceOrInsert(i)
	e.touchInteraction(i)
}

func (e *Engine) foldPlacedInQueue(i *Interaction, m *usherv1.EventPlacedInQueue, at Millis) {
	e.countHandling(i, -1)
	i.props.State = stateQueued
	i.props.Queue = m.Queue
	i.props.PlacedInQueueAtMs, i.props.MovedToQueueAtMs = int64(at), m.MovedToQueueAtMs
	e.deadlines.set(&i.deadline, 0)
	if QueueName(m.Queue) != i.formerQueue {
		i.backOffs = nil
		e.setVector(i, nil, nil)
	}
	e.endVectorless(i)
	e.setVdn(i, m.Vdn)
	e.queue(i.Queue()).enter(i, false)
	e.serve(e.queue(i.Queue()))
}

func (e *Engine) foldInvited(i *Interaction, sequence Sequence, ev *usherv1.Event) {
	body := ev.GetEventAgentInvited()
	inv := &invitation{
		ticket: Ticket(sequence), interaction: i, agent: AgentID(body.AgentId), invited: body,
		since: Millis(ev.TimeMs), asker: ParticipantOf(body.Inviter), ref: ev.ReferenceId,
	}
	e.addInvitation(inv)
	if a := e.agents[inv.agent]; a != nil && body.Operation == opRoute {
		a.work.oneMore = false
	}
}

func (e *Engine) addInvitation(inv *invitation) {
	inv.deadline = deadline{kind: invitationDeadline, invitation: inv}
	e.deadlines.set(&inv.deadline, Millis(inv.invited.DeadlineMs))
	i := inv.interaction
	e.countWaiting(i, i.vector, -1)
	i.invitations = append(i.invitations, inv)
	if len(i.invitations) == 1 {
		e.countRinging(i, 1)
	}
	if a := e.agents[inv.agent]; a != nil {
		a.invitations = append(a.invitations, inv)
		e.touchAgent(a)
	}
}

// foldInvitationClosed takes an invitation away, and remembers a refusal of a
// routed one so that its agent is not asked again at once.
func (e *Engine) foldInvitationClosed(i *Interaction, ticket Ticket, ev *usherv1.Event, refused bool) {
	n := slices.IndexFunc(i.invitations, func(inv *invitation) bool { return inv.ticket == ticket })
	if n < 0 {
		return
	}
	inv := i.invitations[n]
	if len(i.invitations) == 1 {
		e.countRinging(i, -1)
	}
	i.invitations = slices.Delete(i.invitations, n, n+1)
	if i.props.State == stateQueued {
		e.serve(e.queue(i.Queue()))
	}
	e.countWaiting(i, i.vector, 1)
	e.deadlines.set(&inv.deadline, 0)
	e.closedTickets.add(ticket, ev)
	if a := e.agents[inv.agent]; a != nil {
		a.invitations = slices.DeleteFunc(a.invitations, func(other *invitation) bool { return other == inv })
		e.touchAgent(a)
	}
	if refused && inv.routed() {
		i.backOff(inv.agent, Millis(ev.TimeMs))
	}
}

// backOff keeps the agent from being asked again too soon: 5 s, doubled each
// time up to 60 s (models.md 6).
func (i *Interaction) backOff(agent AgentID, at Millis) {
	n := slices.IndexFunc(i.backOffs, func(b *usherv1.BackOff) bool { return b.AgentId == string(agent) })
	if n < 0 {
		i.backOffs = append(i.backOffs, &usherv1.BackOff{AgentId: string(agent)})
		n = len(i.backOffs) - 1
	}
	b := i.backOffs[n]
	pause := min(firstBackOffMs<<min(b.Count, 8), longestBackOffMs)
	b.Count++
	b.UntilMs = int64(at + pause)
}

func (e *Engine) foldPartyAdded(i *Interaction, m *usherv1.EventPartyAdded, ev *usherv1.Event, at Millis) {
	e.deadlines.set(&i.deadline, Millis(m.DeadlineMs))
	if m.Party.Kind == usherv1.ParticipantKind_PARTICIPANT_KIND_STRATEGY {
		i.props.State = stateRouting
		i.props.SubmittedToRouterAtMs = int64(at)
		i.strategy, i.router = m.Party.Id, routerParticipant(m.Place)
		if i.strategy != Vectored {
			e.setVector(i, nil, nil)
		}
		e.queue(i.Queue()).enter(i, true)
		e.countRinging(i, 1)
		if i.router != BuiltinRouter {
			e.client(i.router).routing++
		}
		return
	}
	invited := e.invitedBy(i, Ticket(m.Ticket))
	if m.Ticket != 0 {
		e.foldInvitationClosed(i, Ticket(m.Ticket), ev, false)
	}
	e.foldAnswered(i, invited, at)
	skill := ""
	if invited != nil {
		skill = invited.invited.Skill
	}
	if i.props.State != stateHandling {
		i.props.State = stateHandling
		e.countHandling(i, 1)
	}
	i.backOffs = nil
	i.executed, i.sincePause = 0, 0
	e.setVector(i, afterDelivery(i.vector, invited), i.adjuncts)
	if a := e.agents[AgentID(m.Party.Id)]; a != nil {
		a.count(at)
		if skill != "" {
			a.work.delivered[skill]++
		}
	}
	e.addParty(i, &usherv1.PartyInfo{
		Participant: m.Party, Place: m.Place, Visibility: m.Visibility, Operation: m.Operation, SinceMs: int64(at),
		Skill: skill,
	})
	i.assign()
	if p := i.firstPublic(); p != nil && string(p.agent) == m.Party.Id {
		i.props.DeliveredAtMs = int64(at)
	}
}

// assign keeps who handles the interaction, as everybody sees it.
func (i *Interaction) assign() {
	i.props.AssignedTo, i.props.AssignedAtMs = "", 0
	if p := i.firstPublic(); p != nil {
		i.props.AssignedTo, i.props.AssignedAtMs = string(p.agent), p.info.SinceMs
	}
}

func (e *Engine) addParty(i *Interaction, info *usherv1.PartyInfo) {
	p := &party{agent: AgentID(info.Participant.Id), info: info}
	i.parties = append(i.parties, p)
	if a := e.agents[p.agent]; a != nil {
		a.handling = append(a.handling, i)
		e.touchAgent(a)
	}
}

func (e *Engine) foldPartyRemoved(i *Interaction, m *usherv1.EventPartyRemoved, at Millis) {
	if m.Party.Kind == usherv1.ParticipantKind_PARTICIPANT_KIND_STRATEGY {
		e.queue(i.Queue()).leave(i, true)
		e.countRinging(i, -1)
		if m.Operation == opStop || m.Operation == opPull || m.Operation == opPlace {
			e.foldLeft(i, nil, at)
		}
		if i.strategy == Vectored && m.Operation == opPlace {
			i.foldLeftVector()
		}
		if i.router != BuiltinRouter {
			r := e.client(i.router)
			r.routing--
			if r.routing+1 == e.room(r) {
				e.serveStrategiesOf(r)
			}
		}
		i.strategy, i.router = "", Participant{}
		return
	}
	id := AgentID(m.Party.Id)
	p := i.party(id)
	i.parties = slices.DeleteFunc(i.parties, func(p *party) bool { return p.agent == id })
	if m.Operation == opStop {
		i.stoppedWith = append(i.stoppedWith, m.Party.Id)
	}
	if p.public() {
		i.props.LastAgent = m.Party.Id
		e.foldHandled(i, p, at)
	}
	if a := e.agents[id]; a != nil {
		a.count(at)
		a.handling = slices.DeleteFunc(a.handling, func(other *Interaction) bool { return other == i })
		a.becameIdle(at)
		e.foldEnded(a, i, p)
		e.touchAgent(a)
	}
	i.assign()
}

func (e *Engine) foldStopped(i *Interaction, ev *usherv1.Event) {
	e.setVector(i, nil, nil)
	e.setVdn(i, "")
	e.countHandling(i, -1)
	i.props.State = stateStopped
	i.props.CompletedAtMs = ev.TimeMs
	e.deadlines.set(&i.deadline, 0)
	delete(e.interactions, i.ID())
	e.submitted.Delete(i)
	if len(i.stoppedWith) == 0 && i.props.LastAgent != "" {
		i.stoppedWith = []string{i.props.LastAgent}
	}
	e.stopped.add(&usherv1.StoppedInteraction{
		InteractionId: ev.InteractionId, Actor: ev.Actor, Reason: ev.Reason, StoppedAtMs: ev.TimeMs,
		Lines: exportLines(i.lines), SubmittedBy: i.props.SubmittedBy, Agents: i.stoppedWith, MediaType: i.props.MediaType,
		SubmittedSequence: uint64(i.entry),
	})
}

// foldAgent folds a reporting event about an agent.
func (e *Engine) foldAgent(ev *usherv1.Event) {
	switch m := ev.Message.(type) {
	case *usherv1.Event_EventAgentLogin:
		e.foldLogin(m.EventAgentLogin, ev)
	case *usherv1.Event_EventAgentLogout:
		e.foldLogout(AgentID(m.EventAgentLogout.AgentId))
	case *usherv1.Event_EventMediaAdded:
		if a := e.touched(m.EventMediaAdded.AgentId); a != nil {
			a.media = append(a.media, &mediaState{media: MediaName(ev.MediaType), ready: m.EventMediaAdded.Ready, reason: ev.Reason})
		}
	case *usherv1.Event_EventMediaRemoved:
		if a := e.touched(m.EventMediaRemoved.AgentId); a != nil {
			a.media = slices.DeleteFunc(a.media, func(s *mediaState) bool { return s.media == MediaName(ev.MediaType) })
		}
	case *usherv1.Event_EventNotReadyForMedia:
		if s := e.touched(m.EventNotReadyForMedia.AgentId).mediaState(MediaName(ev.MediaType)); s != nil {
			s.ready, s.reason = false, ev.Reason
		}
	case *usherv1.Event_EventReadyForMedia:
		a := e.touched(m.EventReadyForMedia.AgentId)
		if s := a.mediaState(MediaName(ev.MediaType)); s != nil {
			s.ready, s.reason = true, ev.Reason
			a.idleSince = Millis(ev.TimeMs)
		}
	case *usherv1.Event_EventMediaStateReasonChanged:
		if s := e.touched(m.EventMediaStateReasonChanged.AgentId).mediaState(MediaName(ev.MediaType)); s != nil {
			s.reason = ev.Reason
		}
	case *usherv1.Event_EventAgentStateReasonChanged:
		a := e.touched(m.EventAgentStateReasonChanged.AgentId)
		a.reason = ev.Reason
		if c := m.EventAgentStateReasonChanged; c.WorkMode != noWorkMode || c.LogoutPending {
			e.foldWorking(a, c, Millis(ev.TimeMs))
		}
	case *usherv1.Event_EventDoNotDisturbOn:
		e.touched(m.EventDoNotDisturbOn.AgentId).dnd = true
	case *usherv1.Event_EventDoNotDisturbOff:
		e.touched(m.EventDoNotDisturbOff.AgentId).dnd = false
	}
}

// touched is the logged-in agent whom an event changes.
func (e *Engine) touched(id string) *Agent {
	a := e.agents[AgentID(id)]
	e.touchAgent(a)
	return a
}

func (e *Engine) foldLogin(m *usherv1.EventAgentLogin, ev *usherv1.Event) {
	a := &Agent{id: AgentID(m.AgentId), place: m.Place, extension: m.Extension, reason: ev.Reason, idleSince: Millis(ev.TimeMs)}
	for _, s := range m.Media {
		a.media = append(a.media, &mediaState{media: MediaName(s.MediaType), ready: s.Ready, reason: s.Reason})
	}
	at := Millis(ev.TimeMs)
	a.work = working{mode: m.WorkMode, reasonCode: m.ReasonCode, since: at, loggedInAt: at, countedUntil: at}
	e.addAgent(a)
}

func (e *Engine) addAgent(a *Agent) {
	a.engine = e
	a.work.acwUntil = deadline{kind: acwDeadline, agent: a}
	if a.work.delivered == nil {
		a.work.delivered = map[string]int64{}
	}
	a.config = e.config.agents[string(a.id)]
	a.client = e.client(agentParticipant(a.id))
	e.agents[a.id] = a
	if a.place != "" {
		e.places[a.place] = a
	}
	if a.extension != "" {
		e.extensions[a.extension] = a
	}
	e.touchAgent(a)
}

func (e *Engine) foldLogout(id AgentID) {
	a := e.touched(string(id))
	a.loggedOut = true
	delete(e.agents, id)
	delete(e.places, a.place)
	delete(e.extensions, a.extension)
	for _, w := range e.workbins {
		if n, found := slices.BinarySearch(w.subscribers, id); found {
			w.subscribers = slices.Delete(w.subscribers, n, n+1)
		}
	}
	e.deadlines.set(&a.client.graceUntil, 0)
	e.deadlines.set(&a.work.acwUntil, 0)
}

// foldFact folds a private fact.
func (e *Engine) foldFact(sequence Sequence, f *usherv1.Fact) {
	switch m := f.Fact.(type) {
	case *usherv1.Fact_ClientRegistered:
		e.foldRegistered(m.ClientRegistered)
	case *usherv1.Fact_ConnectionOpened:
		c := e.client(ParticipantOf(m.ConnectionOpened.Client))
		c.connections = append(c.connections, m.ConnectionOpened)
		e.deadlines.set(&c.graceUntil, Millis(m.ConnectionOpened.GraceUntilMs))
		e.connectionsChanged(c)
	case *usherv1.Fact_ConnectionLost:
		c := e.client(ParticipantOf(m.ConnectionLost.Client))
		c.connections = slices.DeleteFunc(c.connections, func(o *usherv1.ConnectionOpened) bool {
			return o.ConnectionId == m.ConnectionLost.ConnectionId
		})
		e.deadlines.set(&c.graceUntil, Millis(m.ConnectionLost.GraceUntilMs))
		e.connectionsChanged(c)
	case *usherv1.Fact_GraceEnded:
		c := e.client(ParticipantOf(m.GraceEnded.Client))
		e.deadlines.set(&c.graceUntil, 0)
	case *usherv1.Fact_HandlingTimerReset:
		if i := e.interactions[InteractionID(m.HandlingTimerReset.InteractionId)]; i != nil {
			e.deadlines.set(&i.deadline, Millis(m.HandlingTimerReset.DeadlineMs))
		}
	case *usherv1.Fact_WorkbinSubscription:
		e.foldSubscription(m.WorkbinSubscription)
	case *usherv1.Fact_SnapshotTaken:
		e.foldSnapshotTaken(uint64(sequence), m.SnapshotTaken)
	case *usherv1.Fact_SnapshotReleased:
		delete(e.snapshots, m.SnapshotReleased.SnapshotId)
	case *usherv1.Fact_LockChanged:
		if i := e.interactions[InteractionID(m.LockChanged.InteractionId)]; i != nil {
			e.lock(i, m.LockChanged.SnapshotId)
		}
	case *usherv1.Fact_LogoutTimeSet:
		e.deadlines.set(&e.logoutAt, Millis(m.LogoutTimeSet.AtMs))
	case *usherv1.Fact_VectorSuspended:
		e.foldSuspended(m.VectorSuspended)
	case *usherv1.Fact_ConfigurationApplied:
		e.foldConfigurationApplied(m.ConfigurationApplied)
	}
}

func (e *Engine) foldRegistered(m *usherv1.ClientRegistered) {
	c := e.client(ParticipantOf(m.Client))
	c.registration = m
	e.connectionsChanged(c)
}

// connectionsChanged keeps what depends on a client's connections.
func (e *Engine) connectionsChanged(c *client) {
	switch c.who.Kind {
	case usherv1.ParticipantKind_PARTICIPANT_KIND_AGENT:
		if a := e.agents[AgentID(c.who.ID)]; a != nil {
			e.touchAgent(a)
		}
	case usherv1.ParticipantKind_PARTICIPANT_KIND_ROUTER:
		e.routers = slices.DeleteFunc(e.routers, func(r *client) bool { return r == c })
		if c.registration != nil && len(c.connections) > 0 {
			at, _ := slices.BinarySearchFunc(e.routers, c.who.ID, func(r *client, id string) int {
				if r.who.ID < id {
					return -1
				}
				return 1
			})
			e.routers = slices.Insert(e.routers, at, c)
			e.serveStrategiesOf(c)
		}
	}
}

func (e *Engine) foldSubscription(m *usherv1.WorkbinSubscription) {
	w := e.workbin(keyOf(m.Workbin))
	n, found := slices.BinarySearch(w.subscribers, AgentID(m.AgentId))
	switch {
	case m.Cancelled && found:
		w.subscribers = slices.Delete(w.subscribers, n, n+1)
	case !m.Cancelled && !found:
		w.subscribers = slices.Insert(w.subscribers, n, AgentID(m.AgentId))
	}
}

func (e *Engine) foldSnapshotTaken(id uint64, m *usherv1.SnapshotTaken) {
	e.snapshots[id] = &usherv1.SnapshotState{SnapshotId: id, Client: m.Client, InteractionIds: m.InteractionIds}
	if !m.Lock {
		return
	}
	for _, name := range m.InteractionIds {
		e.lock(e.interactions[InteractionID(name)], id)
	}
}

// lock locks an interaction for a snapshot, or unlocks it; views may show it
// by that.
func (e *Engine) lock(i *Interaction, snapshot uint64) {
	e.reorder(i, func() { i.lockedBy, i.props.IsLocked = snapshot, snapshot != 0 })
	e.touchInteraction(i)
}

func (e *Engine) touchAgent(a *Agent) {
	if !a.changed {
		a.changed = true
		e.changedAgents = append(e.changedAgents, a)
	}
	if !a.toShow {
		a.toShow = true
		e.toShow = append(e.toShow, a)
	}
}

func (e *Engine) touchInteraction(i *Interaction) {
	if !i.changed {
		i.changed = true
		e.changedInteractions = append(e.changedInteractions, i)
	}
}
