package engine

import (
	"fmt"
	"slices"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// The transitions of an interaction. State changes only here and in
// invitation.go, and only here are the messages made that go with a
// transition, so that no path forgets one. Each checks its legal sources
// first: a wrong one is a fault of ours, never of a client.

func (i *Interaction) mustBe(transition string, states ...usherv1.InteractionState) {
	if !slices.Contains(states, i.props.State) {
		panic(fmt.Sprintf("engine: %s of interaction %s in state %s", transition, i.props.InteractionId, i.props.State))
	}
}

// becomeSubmitted brings an interaction into being.
func (e *Engine) becomeSubmitted(props *usherv1.InteractionProperties, timeouts *usherv1.Timeouts) *Interaction {
	e.report(&usherv1.Event{
		InteractionId: props.InteractionId, ParentId: props.ParentId, MediaType: props.MediaType, Queue: props.Queue,
		Actor: e.actor,
		Message: &usherv1.Event_EventInteractionSubmitted{EventInteractionSubmitted: &usherv1.EventInteractionSubmitted{
			Properties: props, Timeouts: timeouts,
		}},
	})
	return e.interactions[InteractionID(props.InteractionId)]
}

// becomeQueuedBy puts an interaction that nobody works on any more, or that is
// new, in a queue; a queue with a strategy then hands it to a router. An
// interaction that returns to its former queue keeps its place in time.
func (e *Engine) becomeQueuedBy(i *Interaction, name QueueName, vdn string, op usherv1.Operation, reason string) {
	i.mustBe("becomeQueued", stateQueued, stateRouting, stateHandling)
	if len(i.parties) != 0 || len(i.invitations) != 0 || i.strategy != "" {
		panic("engine: becomeQueued of interaction " + i.props.InteractionId + " with parties or invitations")
	}
	movedAt := e.now
	if i.formerQueue == name && i.formerMovedAt != 0 && name != workbinQueue {
		movedAt = i.formerMovedAt
	}
	ev := e.about(i)
	ev.Queue, ev.Reason = string(name), reason
	ev.Message = &usherv1.Event_EventPlacedInQueue{EventPlacedInQueue: &usherv1.EventPlacedInQueue{
		Queue: string(name), Operation: op, MovedToQueueAtMs: int64(movedAt), Vdn: vdn,
	}}
	e.report(ev)
}

// becomeQueued puts an interaction in a queue, through no VDN; one that
// returns came through that which it came through.
func (e *Engine) becomeQueued(i *Interaction, name QueueName, op usherv1.Operation, reason string) {
	vdn := ""
	if i.formerQueue == name {
		vdn = i.props.Vdn
	}
	e.becomeQueuedBy(i, name, vdn, op, reason)
}

// becomeInWorkbin puts an interaction that nobody works on any more in a
// workbin: in its private queue, then in the workbin itself.
func (e *Engine) becomeInWorkbin(i *Interaction, w *usherv1.Workbin, op usherv1.Operation, reason string) {
	e.becomeQueued(i, workbinQueue, op, reason)
	ev := e.about(i)
	ev.Reason = reason
	ev.Message = &usherv1.Event_EventPlacedInWorkbin{EventPlacedInWorkbin: &usherv1.EventPlacedInWorkbin{Workbin: w, Operation: op}}
	e.report(ev)
	e.tellSubscribers(i, w, true, op)
}

// returnToFormer puts an interaction back where it was last taken from.
func (e *Engine) returnToFormer(i *Interaction, op usherv1.Operation, reason string) {
	switch {
	case i.formerWorkbin != nil:
		e.becomeInWorkbin(i, i.formerWorkbin, op, reason)
	case i.formerQueue != "":
		e.becomeQueued(i, i.formerQueue, op, reason)
	default:
		e.becomeQueued(i, unplacedQueue, op, reason)
	}
}

// hasFormer tells whether there is a former location.
func (i *Interaction) hasFormer() bool { return i.formerQueue != "" || i.formerWorkbin != nil }

// leavePlace takes a queued interaction out of its queue or workbin.
func (e *Engine) leavePlace(i *Interaction, op usherv1.Operation, reason string) {
	i.mustBe("leavePlace", stateQueued)
	w := i.props.Workbin
	ev := e.about(i)
	ev.Reason = reason
	ev.Message = &usherv1.Event_EventTakenFromQueue{EventTakenFromQueue: &usherv1.EventTakenFromQueue{Queue: i.props.Queue, Operation: op}}
	e.report(ev)
	if w == nil {
		return
	}
	ev = e.about(i)
	ev.Reason = reason
	ev.Message = &usherv1.Event_EventTakenFromWorkbin{EventTakenFromWorkbin: &usherv1.EventTakenFromWorkbin{Workbin: w, Operation: op}}
	e.report(ev)
	e.tellSubscribers(i, w, false, op)
}

// becomeRouting hands a queued interaction to a router that runs the queue's
// strategy.
func (e *Engine) becomeRouting(i *Interaction, router Participant, strategy string) {
	e.leavePlace(i, opRoute, "")
	e.startStrategy(i, router, strategy)
}

// startStrategy makes a strategy the party that works on an interaction.
func (e *Engine) startStrategy(i *Interaction, router Participant, strategy string) {
	e.report(e.partyAddedEvent(i, &usherv1.EventPartyAdded{
		Party:      e.strategyParty(strategy),
		Place:      router.ID,
		Operation:  opRoute,
		DeadlineMs: int64(e.now + e.config.routingTimeout(i.timeouts, i.MediaType())),
	}))
	e.routeRequest(i, router, strategy, false)
}

// routeRequest asks a router to route an interaction.
func (e *Engine) routeRequest(i *Interaction, router Participant, strategy string, adjunct bool) {
	ev := e.about(i)
	ev.Protocol = tlib
	ev.Message = &usherv1.Event_EventRouteRequest{EventRouteRequest: &usherv1.EventRouteRequest{
		Strategy: strategy, Version: i.props.Version, Adjunct: adjunct,
	}}
	e.record(Entry{To: e.only(router), Event: ev, Show: []*Interaction{i}})
}

// strategyParty names a strategy; there are few, and each is named often.
func (e *Engine) strategyParty(strategy string) *usherv1.Participant {
	p := e.strategies[strategy]
	if p == nil {
		p = &usherv1.Participant{Kind: usherv1.ParticipantKind_PARTICIPANT_KIND_STRATEGY, Id: strategy}
		e.strategies[strategy] = p
	}
	return p
}

// only is one recipient.
func (e *Engine) only(who Participant) []Participant {
	if c := e.clients[who]; c != nil {
		return c.to
	}
	return []Participant{who}
}

// endStrategy ends the work of the strategy on an interaction; the caller
// tells the router.
func (e *Engine) endStrategy(i *Interaction, op usherv1.Operation, reason string) {
	e.endAdjuncts(i)
	e.report(e.partyRemovedEvent(i, &usherv1.EventPartyRemoved{
		Party:     e.strategyParty(i.strategy),
		Place:     i.router.ID,
		Operation: op,
	}, reason))
}

// becomeHandling makes an agent a party. The ticket is that of the
// invitation that he accepts, 0 if there was none.
func (e *Engine) becomeHandling(i *Interaction, a *Agent, op usherv1.Operation, visibility usherv1.VisibilityMode, ticket Ticket, reason string) *usherv1.EventPartyAdded {
	body := &usherv1.EventPartyAdded{
		Party:      a.client.proto,
		Place:      a.place,
		Operation:  op,
		Visibility: visibility,
		Ticket:     uint64(ticket),
		DeadlineMs: int64(e.now + e.config.handlingTimeout(i.timeouts, i.MediaType())),
	}
	ev := e.partyAddedEvent(i, body)
	ev.Reason = reason
	e.report(ev)
	return body
}

// removeParty takes an agent out. His own open invitations are revoked first.
func (e *Engine) removeParty(i *Interaction, p *party, op usherv1.Operation, reason string) *usherv1.EventPartyRemoved {
	i.mustBe("removeParty", stateHandling)
	body := &usherv1.EventPartyRemoved{
		Party: agentParticipant(p.agent).Proto(), Place: p.info.Place, Operation: op, Visibility: p.info.Visibility,
	}
	e.report(e.partyRemovedEvent(i, body, reason))
	return body
}

// removeAllParties takes every agent out, in order of joining.
func (e *Engine) removeAllParties(i *Interaction, op usherv1.Operation, reason string) {
	for len(i.parties) > 0 {
		e.removeParty(i, i.parties[0], op, reason)
	}
}

// takeBack takes every agent out, because the interaction goes back or on;
// the media server hears it.
func (e *Engine) takeBack(i *Interaction, op usherv1.Operation, reason string) {
	agents := i.partyIDs()
	for len(i.parties) > 0 {
		e.tellPartyRemoved(i, e.removeParty(i, i.parties[0], op, reason), reason, agents...)
	}
}

// becomeStopped ends an interaction for good.
func (e *Engine) becomeStopped(i *Interaction, reason string) {
	ev := e.about(i)
	ev.Reason = reason
	ev.Message = &usherv1.Event_EventProcessingStopped{EventProcessingStopped: &usherv1.EventProcessingStopped{}}
	e.report(ev)
}

// tellSubscribers tells those who subscribed to a workbin what changed in it.
func (e *Engine) tellSubscribers(i *Interaction, w *usherv1.Workbin, added bool, op usherv1.Operation) {
	var to []Participant
	for _, id := range e.workbin(keyOf(w)).subscribers {
		to = append(to, agentParticipant(id))
	}
	ev := e.about(i)
	ev.Message = &usherv1.Event_EventWorkbinContentChanged{EventWorkbinContentChanged: &usherv1.EventWorkbinContentChanged{
		Workbin: w, Added: added, Operation: op,
	}}
	e.tell(im, ev, to...)
}

// tellPartyAdded tells the agents and the media server that a party joined,
// as the visibility mode allows (models.md 12); except names who hears it
// otherwise.
func (e *Engine) tellPartyAdded(i *Interaction, body *usherv1.EventPartyAdded, except ...AgentID) {
	e.tell(im, e.partyAddedEvent(i, body), e.observers(i, AgentID(body.Party.Id), body.Visibility, except)...)
}

// tellPartyRemoved tells those who saw a party that it left.
func (e *Engine) tellPartyRemoved(i *Interaction, body *usherv1.EventPartyRemoved, reason string, except ...AgentID) {
	e.tell(im, e.partyRemovedEvent(i, body, reason), e.observers(i, AgentID(body.Party.Id), body.Visibility, except)...)
}

// observers are the parties who see an agent come and go, and the media
// server if it registered for that.
func (e *Engine) observers(i *Interaction, of AgentID, visibility usherv1.VisibilityMode, except []AgentID) []Participant {
	probe := party{agent: of, info: &usherv1.PartyInfo{Visibility: visibility}}
	var to []Participant
	for _, p := range i.parties {
		who := agentParticipant(p.agent)
		if !slices.Contains(except, p.agent) && probe.visibleTo(who, e.isSupervisor(p.agent)) {
			to = append(to, who)
		}
	}
	if owner := e.owner(i); owner != nil && owner.registration.GetNotifyParties() && probe.visibleTo(owner.who, false) {
		to = append(to, owner.who)
	}
	return to
}

// owner is the registered media server that submitted the interaction.
func (e *Engine) owner(i *Interaction) *client {
	by := ParticipantOf(i.props.SubmittedBy)
	if c := e.clients[by]; by.Kind == usherv1.ParticipantKind_PARTICIPANT_KIND_MEDIA && c != nil && c.registration != nil {
		return c
	}
	return nil
}

func (e *Engine) isSupervisor(id AgentID) bool { return e.config.agents[string(id)].GetSupervisor() }

// maxHandedOver bounds what one input hands to routers or takes back, so that
// no record gets larger than a journal takes. What is left goes on with the
// next Tick, which is due at once.
const maxHandedOver = 500

// settle does what a change has made possible: it hands queued interactions
// to routers, each queue in its order. It ends every input, so that a model's
// own messages come first.
func (e *Engine) settle() {
	e.settleGraces()
	e.workEnded()
	for left := maxHandedOver; left > 0 && len(e.unserved) > 0; left-- {
		if e.takeBackOne() {
			continue
		}
		first, router := e.firstToServe()
		if first == nil {
			break
		}
		e.becomeRouting(first, router, e.config.queues[first.props.Queue].GetStrategy())
	}
}

// serve flags a queue: an interaction in it may have become routable, or a
// router may have got room. A queue stays flagged until nothing in it can be
// handed over.
func (e *Engine) serve(q *queue) {
	if !q.unserved {
		q.unserved = true
		e.unserved = append(e.unserved, q)
	}
}

// serveStrategiesOf flags the queues whose strategies a router has.
func (e *Engine) serveStrategiesOf(r *client) {
	for _, name := range sortedKeys(e.queues) {
		strategy := e.config.queues[string(name)].GetStrategy()
		if q := e.queues[name]; strategy != "" && q.queued.Len() > 0 && slices.Contains(r.registration.GetStrategies(), strategy) {
			e.serve(q)
		}
	}
}

// firstToServe is, of all flagged queues, the interaction that is first in the
// order of a queue and has a router with room; queues with none are flagged no
// more.
func (e *Engine) firstToServe() (first *Interaction, router Participant) {
	flagged := e.unserved[:0]
	for _, q := range e.unserved {
		i, r := e.firstOf(q)
		if q.unserved = i != nil; !q.unserved {
			continue
		}
		flagged = append(flagged, q)
		if first == nil || inQueueOrder(i, first) {
			first, router = i, r
		}
	}
	e.unserved = flagged
	return first, router
}

func (e *Engine) firstOf(q *queue) (first *Interaction, router Participant) {
	strategy := e.config.queues[string(q.name)].GetStrategy()
	if strategy == "" {
		return nil, router
	}
	router, found := e.pickRouter(strategy, Participant{})
	if !found {
		return nil, router
	}
	q.served(e.config.queues[string(q.name)].GetView()).Ascend(func(i *Interaction) bool {
		if i.props.Workbin == nil && i.pullable() {
			first = i
		}
		return first == nil
	})
	return first, router
}

// takeBackOne takes an interaction back from the router of a strategy that is
// no longer its queue's; one that is being delivered comes back by itself or
// not at all.
func (e *Engine) takeBackOne() bool {
	for _, q := range e.unserved {
		if !q.restrategized {
			continue
		}
		var former *Interaction
		q.routing.Ascend(func(i *Interaction) bool {
			if i.strategy != e.config.queues[string(q.name)].GetStrategy() && len(i.invitations) == 0 {
				former = i
			}
			return former == nil
		})
		if former != nil {
			router := former.router
			e.endStrategy(former, opMove, reasonStrategyChanged)
			e.abandon(former, router, reasonStrategyChanged)
			e.returnToFormer(former, opMove, reasonStrategyChanged)
			return true
		}
		q.restrategized = false
	}
	return false
}

// pickRouter is the connected router with this strategy that has the fewest
// interactions and room for one more.
func (e *Engine) pickRouter(strategy string, except Participant) (Participant, bool) {
	if builtin(strategy) {
		return BuiltinRouter, except != BuiltinRouter
	}
	var best *client
	for _, r := range e.routers {
		if r.who != except && slices.Contains(r.registration.GetStrategies(), strategy) && r.routing < e.room(r) &&
			(best == nil || r.routing < best.routing) {
			best = r
		}
	}
	if best == nil {
		return Participant{}, false
	}
	return best.who, true
}

// room is how many interactions a router may have at once: what it asked for,
// and never more than the tenant's option.
func (e *Engine) room(r *client) int {
	if n := int(r.registration.GetMaxSubmitted()); n > 0 {
		return min(n, e.config.maxPerRouter())
	}
	return e.config.maxPerRouter()
}
