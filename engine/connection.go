package engine

import (
	"cmp"
	"slices"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// Model 3: connection loss and failover. A client is alive while its event
// stream is open; opening and losing a stream are inputs like requests.
//
//	agent:  grace; then EventRevoked for open invitations, EventPartyRemoved,
//	        EventPlacedIn..., EventAgentLogout; a supervisor's wall that
//	        stays open keeps no agent at work
//	urs:    its interactions go to another router, else back to the queue
//	media:  grace; then IsOnline=false, agents hear EventPropertiesChanged

// maxConnections bounds the connections of one client.
const maxConnections = 64

// wallKind is the kind of connection on which nobody takes offers: that of a
// supervisor's wall.
const wallKind = "supervisor"

func (e *Engine) connect(r Connect) refusal {
	c := e.client(e.from)
	if len(c.connections) >= maxConnections {
		return refuse(errConnectionRefused, "%s has %d connections already", describe(e.from), len(c.connections))
	}
	older := sameKind(c, r.Kind)
	mode := usherv1.MultipleConnections_MULTIPLE_CONNECTIONS_TRUE
	if e.from.Kind == usherv1.ParticipantKind_PARTICIPANT_KIND_AGENT {
		mode = e.config.multipleConnections()
	}
	if len(older) > 0 && mode == usherv1.MultipleConnections_MULTIPLE_CONNECTIONS_FALSE {
		return refuse(errConnectionRefused, "agent %q has a %s connection already", e.from.ID, r.Kind)
	}
	opened := &usherv1.ConnectionOpened{Client: e.actor, ConnectionId: r.ConnectionID, ConnectionKind: r.Kind}
	if a := e.agentWho(e.from); a != nil && !a.keptBy(opened) {
		opened.GraceUntilMs = int64(c.graceUntil.at)
	}
	e.fact(&usherv1.Fact{Fact: &usherv1.Fact_ConnectionOpened{ConnectionOpened: opened}})
	if mode != usherv1.MultipleConnections_MULTIPLE_CONNECTIONS_FORCE_LOGOUT {
		return nil
	}
	for _, old := range older {
		ev := e.agentEvent("")
		ev.Message = &usherv1.Event_EventAgentConnectionClosed{EventAgentConnectionClosed: &usherv1.EventAgentConnectionClosed{
			ConnectionId: old.ConnectionId, ConnectionKind: old.ConnectionKind,
		}}
		e.tell(im, ev, e.from)
		e.connectionLost(c, old.ConnectionId, c.graceUntil.at)
	}
	return nil
}

// agentWho is the logged-in agent that a participant is, or nil.
func (e *Engine) agentWho(who Participant) *Agent {
	if who.Kind != usherv1.ParticipantKind_PARTICIPANT_KIND_AGENT {
		return nil
	}
	return e.agents[AgentID(who.ID)]
}

// keptBy tells whether connections keep him logged in. A wall keeps only who
// is no more than a supervisor there: who has no media, and nothing but what he
// intruded into.
func (a *Agent) keptBy(connections ...*usherv1.ConnectionOpened) bool {
	atWork := len(a.media)+len(a.invitations) > 0 ||
		slices.ContainsFunc(a.handling, func(i *Interaction) bool { return i.party(a.id).info.Operation != opIntrude })
	return slices.ContainsFunc(connections, func(o *usherv1.ConnectionOpened) bool {
		return o.ConnectionKind != wallKind || !atWork
	})
}

// settleGraces begins the grace of those whom no connection keeps since this
// input: who logged in before he opened a stream has it to do so, and who came to
// be at work with nothing but a wall has it to open a window. It ends that of
// those who are no more than supervisors now, and have a wall.
func (e *Engine) settleGraces() {
	for _, a := range e.changedAgents {
		if a.loggedOut {
			continue
		}
		kept, runs := a.keptBy(a.client.connections...), a.client.graceUntil.at != 0
		switch {
		case !kept && !runs:
			e.loseWithGrace(a.client, "", e.config.agentGrace())
		case kept && runs:
			e.connectionLost(a.client, "", 0)
		}
	}
}

// sameKind are a client's connections of a kind.
func sameKind(c *client, kind string) []*usherv1.ConnectionOpened {
	var same []*usherv1.ConnectionOpened
	for _, o := range c.connections {
		if o.ConnectionKind == kind {
			same = append(same, o)
		}
	}
	return same
}

func (e *Engine) connectionLost(c *client, id string, graceUntil Millis) {
	e.fact(&usherv1.Fact{Fact: &usherv1.Fact_ConnectionLost{ConnectionLost: &usherv1.ConnectionLost{
		Client: c.proto, ConnectionId: id, GraceUntilMs: int64(graceUntil),
	}}})
}

// disconnect records the loss of a stream; of one that was replaced or is
// unknown there is nothing to say.
func (e *Engine) disconnect(r Disconnect) refusal {
	c := e.clients[e.from]
	left := slices.DeleteFunc(slices.Clone(c.getConnections()), func(o *usherv1.ConnectionOpened) bool {
		return o.ConnectionId == r.ConnectionID
	})
	if len(left) == len(c.getConnections()) {
		return nil
	}
	if a := e.agentWho(e.from); a != nil && c.graceUntil.at == 0 && !a.keptBy(left...) {
		e.loseWithGrace(c, r.ConnectionID, e.config.agentGrace())
		return nil
	}
	if len(left) > 0 {
		e.connectionLost(c, r.ConnectionID, c.graceUntil.at)
		return nil
	}
	switch e.from.Kind {
	case usherv1.ParticipantKind_PARTICIPANT_KIND_MEDIA:
		e.loseWithGrace(c, r.ConnectionID, e.config.mediaGrace())
	case usherv1.ParticipantKind_PARTICIPANT_KIND_ROUTER:
		if len(e.heldBy(c))+len(e.askedOf(c)) > maxHandedOver {
			e.connectionLost(c, r.ConnectionID, e.now) // the next Ticks deal with them
			return nil
		}
		e.connectionLost(c, r.ConnectionID, 0)
		e.routerGone(c)
	default:
		e.connectionLost(c, r.ConnectionID, c.graceUntil.at)
	}
	return nil
}

func (c *client) getConnections() []*usherv1.ConnectionOpened {
	if c == nil {
		return nil
	}
	return c.connections
}

// loseWithGrace begins a client's grace; one of no length ends at once.
func (e *Engine) loseWithGrace(c *client, id string, grace Millis) {
	if grace == 0 {
		e.connectionLost(c, id, 0)
		e.graceEnded(c)
		return
	}
	e.connectionLost(c, id, e.now+grace)
}

// graceEnded does what follows when nobody came back. What a media server or
// router had is dealt with in portions, one for each Tick.
func (e *Engine) graceEnded(c *client) {
	switch c.who.Kind {
	case usherv1.ParticipantKind_PARTICIPANT_KIND_AGENT:
		if a := e.agents[AgentID(c.who.ID)]; a != nil {
			e.dropEverything(a, opLost, reasonConnectionLost)
			e.becomeLoggedOut(a, reasonConnectionLost, e.config.options.GetUnreachableReasonCode())
			e.tellLoggedOut(a, reasonConnectionLost)
		}
	case usherv1.ParticipantKind_PARTICIPANT_KIND_MEDIA:
		if !e.mediaGone(c) {
			e.deadlines.set(&c.graceUntil, c.graceUntil.at)
			return
		}
		e.releaseSnapshotsOf(c.who)
	case usherv1.ParticipantKind_PARTICIPANT_KIND_ROUTER:
		if !e.routerGone(c) {
			e.deadlines.set(&c.graceUntil, c.graceUntil.at)
			return
		}
	}
	e.fact(&usherv1.Fact{Fact: &usherv1.Fact_GraceEnded{GraceEnded: &usherv1.GraceEnded{Client: c.proto}}})
}

// dropEverything takes from an agent whatever he has. Unless he asked for it
// he is told; an application that was lost hears it when it resumes, a wall of his
// at once.
func (e *Engine) dropEverything(a *Agent, op usherv1.Operation, reason string) {
	e.revokeAsNotAnswered(a, op, reason, func(*invitation) bool { return true })
	held := slices.Clone(a.handling)
	slices.SortFunc(held, func(x, y *Interaction) int { return cmp.Compare(x.entry, y.entry) })
	for _, i := range held {
		if op == opLost || e.from != agentParticipant(a.id) {
			e.tell(im, e.revokedEvent(i, &usherv1.EventRevoked{AgentId: string(a.id), Operation: op}, reason), agentParticipant(a.id))
		}
		e.takeFrom(i, a.id, op, reason)
	}
}

// takeFrom takes an agent out of an interaction as if he left; the last
// one's interaction returns to where it came from.
func (e *Engine) takeFrom(i *Interaction, id AgentID, op usherv1.Operation, reason string) {
	why := reasonCancelled
	if op == opLost {
		why = reason
	}
	e.revokeIssuedBy(i, id, why)
	removed := e.removeParty(i, i.party(id), op, reason)
	e.tellPartyRemoved(i, removed, reason)
	if i.firstPublic() == nil {
		// Coaches and monitors serve no customer.
		e.takeFromAll(i, op, reason)
		e.returnToFormer(i, op, reason)
	}
}

// routerGone gives a portion of a lost router's interactions to another
// router that has the strategy, else back to the queue, ends what it was asked
// by adjunct routing, and tells whether that was all. An open invitation stays: its outcome goes to the successor or,
// without one, waits for the router itself.
func (e *Engine) routerGone(c *client) (all bool) {
	held, asked := e.heldBy(c), e.askedOf(c)
	for n, i := range asked {
		if n == maxHandedOver {
			return false
		}
		e.unask(i, c.who)
	}
	for n, i := range held {
		if len(asked)+n >= maxHandedOver {
			return false
		}
		strategy := i.strategy
		successor, ok := e.pickRouter(strategy, c.who)
		e.endStrategy(i, opLost, reasonRouterGone)
		if ok {
			e.startStrategy(i, successor, strategy)
		} else {
			e.returnToFormer(i, opLost, reasonRouterGone)
		}
	}
	return true
}

// askedOf are the interactions about which a router has open adjunct requests,
// in order of entry.
func (e *Engine) askedOf(c *client) []*Interaction {
	var asked []*Interaction
	for i := range e.EachInteraction {
		if i.askedAsAdjunct(c.who) {
			asked = append(asked, i)
		}
	}
	return asked
}

// heldBy are a router's interactions that can be given to somebody else, in
// the order of a queue.
func (e *Engine) heldBy(c *client) []*Interaction {
	var held []*Interaction
	for i := range e.EachInteraction {
		if i.router != c.who {
			continue
		}
		if len(i.invitations) > 0 {
			if _, ok := e.pickRouter(i.strategy, c.who); !ok {
				continue
			}
		}
		held = append(held, i)
	}
	slices.SortFunc(held, func(x, y *Interaction) int {
		if inQueueOrder(x, y) {
			return -1
		}
		return 1
	})
	return held
}

// mediaGone marks a portion of a lost media server's live sessions as not
// online, and tells whether that was all.
func (e *Engine) mediaGone(c *client) (all bool) {
	var online []*Interaction
	for i := range e.EachInteraction {
		if i.props.IsOnline && ParticipantOf(i.props.SubmittedBy) == c.who {
			online = append(online, i)
		}
		if len(online) > maxHandedOver {
			break
		}
	}
	for _, i := range online[:min(maxHandedOver, len(online))] {
		e.becomeChanged(i, &change{isOnline: new(bool)}, reasonConnectionLost)
	}
	return len(online) <= maxHandedOver
}
