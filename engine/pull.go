package engine

import (
	"slices"

	"github.com/google/btree"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// Model 7: an agent pulls.
//
//	agent1 > ixn  RequestPull
//	    ixn > urs     EventAbandoned              if a router had it
//	    ixn > report  EventPartyRemoved(strategy)
//	    ixn > agent1  EventPulledInteractions
//	    ixn > report  EventTakenFromQueue
//	    ixn > report  EventTakenFromWorkbin       workbin only
//	    ixn > subscribers  EventWorkbinContentChanged
//	    ixn > report  EventPartyAdded(agent1)     handling-timeout begins
//
// Handling timeout:
//
//	    ixn > agent1  EventRevoked
//	    ixn > report  EventPartyRemoved, EventPlacedIn...

const maxPull = 100

func (e *Engine) pull(a *Agent, r *usherv1.RequestPull) refusal {
	count := int(max(r.Count, 1))
	if r.Count < 0 || count > maxPull {
		return refuse(errInvalidArgument, "count: %d, 0 to %d", r.Count, maxPull)
	}
	var found []*Interaction
	var why refusal
	switch source := r.Source.(type) {
	case *usherv1.RequestPull_Queue:
		found, why = e.pullableFromQueue(QueueName(source.Queue), r.InteractionId, count)
	case *usherv1.RequestPull_View:
		found, why = e.pullableFromView(source.View, r.InteractionId, count)
	case *usherv1.RequestPull_Workbin:
		found, why = e.pullableFromWorkbin(a, source.Workbin, r.InteractionId, count)
	default:
		why = refuse(errInvalidArgument, "source is missing: queue, view or workbin")
	}
	if why != nil {
		return why
	}
	if e.config.pullObeysCapacity() {
		if found, why = withinCapacity(a, found); why != nil {
			return why
		}
	}
	e.takePulled(a, found)
	return nil
}

func (e *Engine) takePulled(a *Agent, found []*Interaction) {
	wasRouting := map[*Interaction]bool{}
	for _, i := range found {
		if router := i.router; i.props.State == stateRouting {
			wasRouting[i] = true
			e.abandon(i, router, reasonPulled)
			e.endStrategy(i, opPull, reasonPulled)
		}
	}
	body := &usherv1.EventPulledInteractions{}
	for _, i := range found {
		body.InteractionIds = append(body.InteractionIds, i.props.InteractionId)
	}
	answer := &usherv1.Event{Actor: e.actor, Message: &usherv1.Event_EventPulledInteractions{EventPulledInteractions: body}}
	if len(found) == 1 {
		answer = e.about(found[0])
		answer.Message = &usherv1.Event_EventPulledInteractions{EventPulledInteractions: body}
	}
	if len(found) == 0 {
		e.read(answer)
		return
	}
	e.answer(im, answer, found...)
	for _, i := range found {
		if !wasRouting[i] {
			e.leavePlace(i, opPull, "")
		}
		e.tellPartyAdded(i, e.becomeHandling(i, a, opPull, usherv1.VisibilityMode_VISIBILITY_MODE_CONFERENCE, 0, ""), a.id)
	}
}

// pullableFromQueue is what an agent may take from a queue, in its order.
func (e *Engine) pullableFromQueue(name QueueName, id string, count int) ([]*Interaction, refusal) {
	if !e.config.hasQueue(string(name)) && name != unplacedQueue {
		return nil, refuse(errUnknownQueue, "queue: there is no queue %q", name)
	}
	if id != "" {
		return nil, refuse(errInvalidArgument, "interaction_id: from a queue agents pull in its order; name one only in a workbin")
	}
	q := e.queue(name)
	trees := []*interactionTree{q.queued}
	if e.config.pullWhileRouting() {
		trees = append(trees, q.routing)
	}
	return firstPullable(trees, count, newInteractionTree(inQueueOrder)), nil
}

// pullableFromView is what an agent may take from a view, in its order.
func (e *Engine) pullableFromView(name, id string, count int) ([]*Interaction, refusal) {
	v := e.view(name)
	if v == nil {
		return nil, refuse(errUnknownObject, "view: there is no view %q", name)
	}
	if id != "" {
		return nil, refuse(errInvalidArgument, "interaction_id: from a view agents pull in its order; name one only in a workbin")
	}
	trees := []*interactionTree{v.queued}
	if e.config.pullWhileRouting() {
		trees = append(trees, v.routing)
	}
	return firstPullable(trees, count, newInteractionTree(v.less)), nil
}

// firstPullable merges trees of one order into an empty one and takes the
// first that can be pulled.
func firstPullable(trees []*interactionTree, count int, merged *interactionTree) []*Interaction {
	var found []*Interaction
	for _, tree := range trees {
		left := count
		tree.Ascend(func(i *Interaction) bool {
			if i.pullable() {
				found = append(found, i)
				left--
			}
			return left > 0
		})
	}
	for _, i := range found {
		merged.ReplaceOrInsert(i)
	}
	found = found[:0]
	merged.Ascend(btree.ItemIteratorG[*Interaction](func(i *Interaction) bool {
		found = append(found, i)
		return len(found) < count
	}))
	return found
}

// pullable tells whether it is neither held nor locked nor being delivered.
func (i *Interaction) pullable() bool {
	return !i.props.IsHeld && i.lockedBy == 0 && len(i.invitations) == 0
}

// pullableFromWorkbin is what an agent may take from a workbin: a named
// interaction, or the first ones.
func (e *Engine) pullableFromWorkbin(a *Agent, named *usherv1.Workbin, id string, count int) ([]*Interaction, refusal) {
	w, why := e.usableWorkbin(named, a)
	if why != nil {
		return nil, why
	}
	if id == "" {
		var found []*Interaction
		e.workbin(keyOf(w)).content.Ascend(func(i *Interaction) bool {
			if i.pullable() {
				found = append(found, i)
			}
			return len(found) < count
		})
		return found, nil
	}
	i, why := e.interaction(id)
	switch {
	case why != nil:
		return nil, why
	case i.props.Workbin == nil || keyOf(i.props.Workbin) != keyOf(w):
		return nil, refuse(errWrongState, "interaction %q is not in workbin %q of %q", id, w.Name, w.Owner)
	}
	return []*Interaction{i}, i.unclaimed()
}

// withinCapacity cuts what was found to what the agent has capacity for.
func withinCapacity(a *Agent, found []*Interaction) ([]*Interaction, refusal) {
	for n, i := range found {
		if a.capacityLeftBeside(i.MediaType(), found[:n]) > 0 {
			continue
		}
		if n == 0 {
			return nil, refuse(errNoCapacity, "agent %q has no capacity left for %s", a.id, i.MediaType())
		}
		return found[:n], nil
	}
	return found, nil
}

// handlingTimedOut takes an interaction from agents who kept it too long
// without changing anything.
func (e *Engine) handlingTimedOut(i *Interaction) {
	e.takeFromAll(i, opTimeout, reasonHandlingTimeout)
	e.returnToFormer(i, opTimeout, reasonHandlingTimeout)
}

// takeFromAll takes an interaction from all its agents, who hear EventRevoked.
func (e *Engine) takeFromAll(i *Interaction, op usherv1.Operation, reason string) {
	for _, inv := range slices.Clone(i.invitations) {
		e.revokeInvitation(inv, op, reason)
		e.failLater(inv, refuse(errAbandoned, "the interaction was taken from its agents (%s)", reason))
	}
	e.tell(im, e.revokedEvent(i, &usherv1.EventRevoked{Operation: op}, reason), i.agents()...)
	e.takeBack(i, op, reason)
}

// agents are the agent parties, in order of joining.
func (i *Interaction) agents() []Participant {
	var who []Participant
	for _, p := range i.parties {
		who = append(who, agentParticipant(p.agent))
	}
	return who
}

func (i *Interaction) partyIDs() []AgentID {
	var ids []AgentID
	for _, p := range i.parties {
		ids = append(ids, p.agent)
	}
	return ids
}

// keep resets the handling timer, because an agent changed something.
func (e *Engine) keep(i *Interaction) {
	if i.props.State != stateHandling {
		return
	}
	e.fact(&usherv1.Fact{Fact: &usherv1.Fact_HandlingTimerReset{HandlingTimerReset: &usherv1.HandlingTimerReset{
		InteractionId: i.props.InteractionId,
		DeadlineMs:    int64(e.now + e.config.handlingTimeout(i.timeouts, i.MediaType())),
	}}})
}
