package engine

import (
	"cmp"
	"slices"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// Export gives the state as it stands in a snapshot. What it shares with the
// live state is never changed in place, so that it may be encoded elsewhere.
func (e *Engine) Export() *usherv1.TenantState {
	s := &usherv1.TenantState{TenantId: e.tenant, ConfigurationVersion: e.config.version, Configuration: e.config.export()}
	for _, c := range e.sortedClients() {
		if c.registration == nil && len(c.connections) == 0 {
			continue
		}
		s.Clients = append(s.Clients, &usherv1.ClientState{
			Registration: registrationOf(c), Connections: slices.Clone(c.connections),
			GraceUntilMs: int64(c.graceUntil.at),
		})
	}
	for a := range e.EachAgent {
		s.Agents = append(s.Agents, a.export())
	}
	for i := range e.EachInteraction {
		s.Interactions = append(s.Interactions, i.export())
	}
	// Encoded already, it travels as fields that need no decoding here.
	s.ProtoReflect().SetUnknown(e.stopped.encoded())
	s.ClosedInvitations = e.closedTickets.all()
	for _, id := range sortedKeys(e.snapshots) {
		s.Snapshots = append(s.Snapshots, e.snapshots[id])
	}
	s.WorkbinSubscriptions = e.exportSubscriptions()
	s.VectorVersions = e.exportVectors()
	s.ServiceStatistics = e.exportServices()
	s.ServiceRequests = e.exportServiceRequests()
	s.LogoutAtMs = int64(e.logoutAt.at)
	return s
}

// registrationOf is what a client registered as; of one that has not, only
// who it is.
func registrationOf(c *client) *usherv1.ClientRegistered {
	if c.registration == nil {
		return &usherv1.ClientRegistered{Client: c.who.Proto()}
	}
	return c.registration
}

func (e *Engine) sortedClients() []*client {
	all := make([]*client, 0, len(e.clients))
	for _, c := range e.clients {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b *client) int {
		return cmp.Or(cmp.Compare(a.who.Kind, b.who.Kind), cmp.Compare(a.who.ID, b.who.ID))
	})
	return all
}

func (a *Agent) export() *usherv1.AgentState {
	s := &usherv1.AgentState{
		AgentId: string(a.id), Place: a.place, Extension: a.extension, DoNotDisturb: a.dnd, Reason: a.reason,
		IdleSinceMs: int64(a.idleSince), ShownSinceMs: int64(a.shownSince),
	}
	a.work.export(s)
	for _, m := range a.media {
		s.Media = append(s.Media, &usherv1.MediaStatus{MediaType: string(m.media), Ready: m.ready, Reason: m.reason})
	}
	return s
}

func (i *Interaction) export() *usherv1.InteractionRecord {
	r := &usherv1.InteractionRecord{
		Properties: copyProperties(i.props), Timeouts: i.timeouts, SubmittedSequence: uint64(i.entry),
		FormerQueue: string(i.formerQueue), FormerWorkbin: i.formerWorkbin, FormerMovedToQueueAtMs: int64(i.formerMovedAt),
		Strategy: i.strategy, Router: i.router.ID, DeadlineMs: int64(i.deadline.at), LockedBy: i.lockedBy,
		Vector: i.vector, Adjuncts: i.adjuncts, Served: i.served,
		Executed: i.executed, SincePause: i.sincePause,
		Lines: exportLines(i.lines), Attachments: int32(i.attachments),
	}
	for _, p := range i.parties {
		r.Parties = append(r.Parties, p.info)
	}
	for _, inv := range i.invitations {
		r.Invitations = append(r.Invitations, &usherv1.InvitationState{
			Ticket: uint64(inv.ticket), Invited: inv.invited, ReferenceId: inv.ref, Asker: inv.asker.Proto(),
			SinceMs: int64(inv.since),
		})
	}
	for _, b := range i.backOffs {
		r.BackOffs = append(r.BackOffs, &usherv1.BackOff{AgentId: b.AgentId, UntilMs: b.UntilMs, Count: b.Count})
	}
	return r
}

func (e *Engine) exportSubscriptions() []*usherv1.WorkbinSubscription {
	keys := make([]workbinKey, 0, len(e.workbins))
	for key := range e.workbins {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b workbinKey) int {
		return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.owner, b.owner))
	})
	var all []*usherv1.WorkbinSubscription
	for _, key := range keys {
		for _, agent := range e.workbins[key].subscribers {
			all = append(all, &usherv1.WorkbinSubscription{
				AgentId: string(agent), Workbin: &usherv1.Workbin{Name: key.name, Owner: key.owner},
			})
		}
	}
	return all
}

// Load is the engine with the state of a snapshot, of which it becomes the
// owner.
func Load(s *usherv1.TenantState) *Engine {
	e := New(s.TenantId)
	e.config = loadConfiguration(s.Configuration, s.ConfigurationVersion)
	e.loadVectors(s.VectorVersions)
	e.loadServices(s.ServiceStatistics)
	e.setViews()
	e.setZone()
	e.deadlines.set(&e.logoutAt, Millis(s.LogoutAtMs))
	for _, saved := range s.Clients {
		c := e.client(ParticipantOf(saved.Registration.Client))
		if saved.Registration.ClientType != usherv1.ClientType_CLIENT_TYPE_UNSPECIFIED {
			c.registration = saved.Registration
		}
		c.connections = saved.Connections
		e.deadlines.set(&c.graceUntil, Millis(saved.GraceUntilMs))
		e.connectionsChanged(c)
	}
	for _, saved := range s.Agents {
		a := &Agent{
			id: AgentID(saved.AgentId), place: saved.Place, extension: saved.Extension, dnd: saved.DoNotDisturb, reason: saved.Reason,
			idleSince: Millis(saved.IdleSinceMs), shownSince: Millis(saved.ShownSinceMs),
		}
		for _, m := range saved.Media {
			a.media = append(a.media, &mediaState{media: MediaName(m.MediaType), ready: m.Ready, reason: m.Reason})
		}
		a.work.load(saved)
		e.addAgent(a)
		e.deadlines.set(&a.work.acwUntil, Millis(saved.AcwUntilMs))
	}
	for _, saved := range s.Interactions {
		e.loadInteraction(saved)
	}
	for _, saved := range s.ServiceRequests {
		e.foldServiceRequested(saved.Requested)
	}
	for _, a := range e.agents {
		slices.SortFunc(a.invitations, func(x, y *invitation) int { return cmp.Compare(x.ticket, y.ticket) })
	}
	for _, stopped := range s.Stopped {
		e.stopped.add(stopped)
	}
	for _, name := range sortedKeys(e.queues) {
		e.queues[name].restrategized = true
		e.serve(e.queues[name])
	}
	for _, by := range s.ClosedInvitations {
		ticket, _ := closedBy(by)
		e.closedTickets.add(ticket, by)
	}
	for _, snapshot := range s.Snapshots {
		e.snapshots[snapshot.SnapshotId] = snapshot
	}
	for _, subscription := range s.WorkbinSubscriptions {
		e.foldSubscription(subscription)
	}
	e.showLoaded()
	e.Changed()
	return e
}

func (e *Engine) loadInteraction(saved *usherv1.InteractionRecord) {
	i := &Interaction{
		props: saved.Properties, timeouts: saved.Timeouts, entry: Sequence(saved.SubmittedSequence),
		formerQueue: QueueName(saved.FormerQueue), formerWorkbin: saved.FormerWorkbin,
		formerMovedAt: Millis(saved.FormerMovedToQueueAtMs),
		strategy:      saved.Strategy, backOffs: saved.BackOffs, lockedBy: saved.LockedBy,
	}
	e.setVector(i, saved.Vector, saved.Adjuncts)
	i.served, i.executed, i.sincePause = saved.Served, saved.Executed, saved.SincePause
	if vdn := i.props.Vdn; vdn != "" {
		e.calls[vdn]++
	}
	i.lines, i.attachments = loadLines(saved.Lines), int(saved.Attachments)
	i.deadline = deadline{kind: interactionDeadline, interaction: i}
	e.interactions[i.ID()] = i
	e.submitted.ReplaceOrInsert(i)
	e.deadlines.set(&i.deadline, Millis(saved.DeadlineMs))
	if i.props.State == stateHandling {
		e.countHandling(i, 1)
	}
	for _, info := range saved.Parties {
		e.addParty(i, info)
	}
	for _, inv := range saved.Invitations {
		e.addInvitation(&invitation{
			ticket: Ticket(inv.Ticket), interaction: i, agent: AgentID(inv.Invited.AgentId), invited: inv.Invited,
			since: Millis(inv.SinceMs), asker: ParticipantOf(inv.Asker), ref: inv.ReferenceId,
		})
	}
	switch {
	case i.strategy != "":
		i.router = routerParticipant(saved.Router)
		e.queue(i.Queue()).enter(i, true)
		if i.router != BuiltinRouter {
			e.client(i.router).routing++
		}
	case i.props.Workbin != nil:
		e.workbin(keyOf(i.props.Workbin)).content.ReplaceOrInsert(i)
	case i.props.State == stateQueued:
		e.queue(i.Queue()).enter(i, false)
	}
}

// Present is what a client is given that knows nothing, or whose stream can't be
// resumed: its present state.
func (e *Engine) Present(who Participant) *usherv1.EventPresentState {
	present := &usherv1.EventPresentState{}
	switch who.Kind {
	case usherv1.ParticipantKind_PARTICIPANT_KIND_AGENT:
		present.AgentId, present.AgentName = who.ID, e.config.agents[who.ID].GetName()
		present.ConnectionGraceMs = int64(e.config.agentGrace())
		a := e.agents[AgentID(who.ID)]
		if a == nil {
			return present
		}
		present.AgentStatus = a.currentStatus()
		for _, i := range a.handling {
			present.Interactions = append(present.Interactions, i.Properties(who, e.isSupervisor(a.id)))
		}
		for _, inv := range a.invitations {
			present.Invitations = append(present.Invitations, e.presentInvitation(inv, who))
		}
	case usherv1.ParticipantKind_PARTICIPANT_KIND_MEDIA, usherv1.ParticipantKind_PARTICIPANT_KIND_ROUTER:
		for i := range e.EachInteraction {
			if i.router == who || i.askedAsAdjunct(who) || ParticipantOf(i.props.SubmittedBy) == who {
				present.Interactions = append(present.Interactions, i.Properties(who, false))
			}
		}
	}
	return present
}

func (e *Engine) presentInvitation(inv *invitation, who Participant) *usherv1.Event {
	i := inv.interaction
	return &usherv1.Event{
		Sequence: uint64(inv.ticket), Protocol: im, InteractionId: i.props.InteractionId, ParentId: i.props.ParentId,
		MediaType: i.props.MediaType, Queue: i.props.Queue, Actor: inv.invited.Inviter,
		Interactions: []*usherv1.InteractionProperties{i.Properties(who, false)},
		Message: &usherv1.Event_EventInvite{EventInvite: &usherv1.EventInvite{
			Ticket: uint64(inv.ticket), Operation: inv.invited.Operation, Visibility: inv.invited.Visibility,
			Inviter: inv.invited.Inviter, DeadlineMs: inv.invited.DeadlineMs, Version: i.props.Version,
			Skill: inv.invited.Skill, AutoAnswer: e.config.agents[string(inv.agent)].GetAutoAnswer(), Passing: i.vector.GetPassing(),
		}},
	}
}
