package engine

import (
	"slices"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// Model 16: snapshots. Locked interactions are invisible to routing and
// pulls.
//
//	client > ixn  RequestTakeSnapshot (condition, order, lock)
//	    ixn > client  EventSnapshotTaken
//	client > ixn  RequestGetSnapshotInteractions
//	    ixn > client  EventSnapshotInteractions
//	client > ixn  RequestLockInteraction, RequestUnlockInteraction
//	    ixn > client  EventAck
//	client > ixn  RequestMoveInteractions
//	    ixn > urs     EventAbandoned                  for each that a router had
//	    ixn > report  EventPartyRemoved(strategy)
//	    ixn > client  EventInteractionMoved
//	    ixn > report  EventTakenFromQueue, EventPlacedInQueue   for each
//	client > ixn  RequestReleaseSnapshot
//	    ixn > client  EventAck

// maxSnapshotsOfClient bounds what one client may hold.
const maxSnapshotsOfClient = 16

func (e *Engine) takeSnapshot(r *usherv1.RequestTakeSnapshot) refusal {
	limit := int(r.Limit)
	if limit == 0 {
		limit = e.config.maxPerSnapshot()
	}
	if limit < 0 || limit > e.config.maxPerSnapshot() {
		return refuse(errInvalidArgument, "limit: %d, 0 to %d", r.Limit, e.config.maxPerSnapshot())
	}
	if r.Lock && len(e.clients[e.from].connections) == 0 {
		return refuse(errWrongState, "lock: %s has no event stream open, whose loss would end the lock", describe(e.from))
	}
	if n := len(e.snapshotsOf(e.from)); n >= maxSnapshotsOfClient {
		return refuse(errInvalidArgument, "%s has %d snapshots already; release one", describe(e.from), n)
	}
	found, _, why := e.find(r.Conditions, r.Order, limit, func(i *Interaction) bool { return !r.Lock || i.lockable() })
	if why != nil {
		return why
	}
	taken := &usherv1.SnapshotTaken{Client: e.actor, Lock: r.Lock}
	for _, i := range found {
		taken.InteractionIds = append(taken.InteractionIds, i.props.InteractionId)
	}
	id := uint64(e.next)
	e.fact(&usherv1.Fact{Fact: &usherv1.Fact_SnapshotTaken{SnapshotTaken: taken}})
	e.answer(im, &usherv1.Event{Actor: e.actor, Message: &usherv1.Event_EventSnapshotTaken{
		EventSnapshotTaken: &usherv1.EventSnapshotTaken{SnapshotId: id, Count: int32(len(found))},
	}})
	return nil
}

// lockable tells whether nobody works on the interaction, but perhaps a
// router that has invited nobody.
func (i *Interaction) lockable() bool {
	return i.lockedBy == 0 && len(i.invitations) == 0 && (i.props.State == stateQueued || i.props.State == stateRouting)
}

// snapshot is a snapshot of the asker.
func (e *Engine) snapshot(id uint64) (*usherv1.SnapshotState, refusal) {
	s := e.snapshots[id]
	if s == nil || ParticipantOf(s.Client) != e.from {
		return nil, refuse(errUnknownSnapshot, "%s has no snapshot %d", describe(e.from), id)
	}
	return s, nil
}

func (e *Engine) snapshotsOf(who Participant) []uint64 {
	var ids []uint64
	for _, id := range sortedKeys(e.snapshots) {
		if ParticipantOf(e.snapshots[id].Client) == who {
			ids = append(ids, id)
		}
	}
	return ids
}

func (e *Engine) getSnapshotInteractions(r *usherv1.RequestGetSnapshotInteractions) refusal {
	s, why := e.snapshot(r.SnapshotId)
	if why != nil {
		return why
	}
	start, count := int(r.Start), int(r.Count)
	if start < 0 || count < 0 {
		return refuse(errInvalidArgument, "start, count: negative")
	}
	ids := s.InteractionIds[min(start, len(s.InteractionIds)):]
	if count > 0 {
		ids = ids[:min(count, len(ids))]
	}
	body := &usherv1.EventSnapshotInteractions{SnapshotId: r.SnapshotId}
	for _, id := range ids {
		if i := e.interactions[InteractionID(id)]; i != nil {
			body.Interactions = append(body.Interactions, i.Properties(e.from, e.askerIsSupervisor()))
		}
	}
	e.read(&usherv1.Event{Message: &usherv1.Event_EventSnapshotInteractions{EventSnapshotInteractions: body}})
	return nil
}

func (e *Engine) askerIsSupervisor() bool {
	return e.from.Kind == usherv1.ParticipantKind_PARTICIPANT_KIND_AGENT && e.isSupervisor(AgentID(e.from.ID))
}

func (e *Engine) lockInteraction(r *usherv1.RequestLockInteraction) refusal {
	i, why := e.inSnapshot(r.SnapshotId, r.InteractionId)
	switch {
	case why != nil:
		return why
	case len(e.clients[e.from].connections) == 0:
		return refuse(errWrongState, "%s has no event stream open, whose loss would end the lock", describe(e.from))
	case i.lockedBy != 0:
		return refuse(errLocked, "interaction %q is locked by snapshot %d", i.ID(), i.lockedBy)
	case !i.lockable():
		return refuse(errWrongState, "interaction %q is with an agent", i.ID())
	}
	e.ackAbout(i)
	e.setLock(i, r.SnapshotId)
	return nil
}

func (e *Engine) unlockInteraction(r *usherv1.RequestUnlockInteraction) refusal {
	i, why := e.inSnapshot(r.SnapshotId, r.InteractionId)
	switch {
	case why != nil:
		return why
	case i.lockedBy != r.SnapshotId:
		return refuse(errWrongState, "interaction %q is not locked by snapshot %d", i.ID(), r.SnapshotId)
	}
	e.ackAbout(i)
	e.setLock(i, 0)
	return nil
}

// inSnapshot is an interaction of a snapshot of the asker.
func (e *Engine) inSnapshot(snapshot uint64, id string) (*Interaction, refusal) {
	s, why := e.snapshot(snapshot)
	if why != nil {
		return nil, why
	}
	i, why := e.interaction(id)
	if why != nil {
		return nil, why
	}
	if !slices.Contains(s.InteractionIds, id) {
		return nil, refuse(errWrongState, "interaction %q is not in snapshot %d", id, snapshot)
	}
	return i, nil
}

func (e *Engine) setLock(i *Interaction, snapshot uint64) {
	e.fact(&usherv1.Fact{Fact: &usherv1.Fact_LockChanged{LockChanged: &usherv1.LockChanged{
		InteractionId: i.props.InteractionId, SnapshotId: snapshot,
	}}})
}

func (e *Engine) moveInteractions(r *usherv1.RequestMoveInteractions) refusal {
	s, why := e.snapshot(r.SnapshotId)
	if why != nil {
		return why
	}
	if !e.config.hasQueue(r.Queue) {
		return refuse(errUnknownQueue, "queue: there is no queue %q", r.Queue)
	}
	if why := checkReason(r.Reason); why != nil {
		return why
	}
	moved, why := e.movable(s, r.InteractionIds)
	if why != nil {
		return why
	}
	body := &usherv1.EventInteractionMoved{Queue: r.Queue}
	for _, i := range moved {
		body.InteractionIds = append(body.InteractionIds, i.props.InteractionId)
		if router := i.router; i.strategy != "" {
			e.abandon(i, router, reasonMoved)
			e.endStrategy(i, opMove, reasonMoved)
		}
	}
	e.answer(im, &usherv1.Event{Actor: e.actor, Message: &usherv1.Event_EventInteractionMoved{EventInteractionMoved: body}})
	for _, i := range moved {
		if i.props.State == stateQueued {
			e.leavePlace(i, opMove, r.Reason)
		}
		e.becomeQueued(i, QueueName(r.Queue), opMove, r.Reason)
	}
	return nil
}

// movable are the named interactions, or all, that the snapshot locks.
func (e *Engine) movable(s *usherv1.SnapshotState, named []string) ([]*Interaction, refusal) {
	var found []*Interaction
	if len(named) == 0 {
		for _, id := range s.InteractionIds {
			if i := e.interactions[InteractionID(id)]; i != nil && i.lockedBy == s.SnapshotId {
				found = append(found, i)
			}
		}
		return found, nil
	}
	for n, id := range named {
		i, why := e.inSnapshot(s.SnapshotId, id)
		if why != nil {
			return nil, why
		}
		if i.lockedBy != s.SnapshotId {
			return nil, refuse(errWrongState, "interaction %q is not locked by snapshot %d", id, s.SnapshotId)
		}
		if slices.Contains(named[:n], id) {
			return nil, refuse(errInvalidArgument, "interaction_ids: %q is named twice", id)
		}
		found = append(found, i)
	}
	return found, nil
}

func (e *Engine) releaseSnapshot(r *usherv1.RequestReleaseSnapshot) refusal {
	if _, why := e.snapshot(r.SnapshotId); why != nil {
		return why
	}
	e.ack()
	e.forgetSnapshot(r.SnapshotId)
	return nil
}

// forgetSnapshot unlocks what a snapshot locked, and forgets it.
func (e *Engine) forgetSnapshot(id uint64) {
	for _, name := range e.snapshots[id].InteractionIds {
		if i := e.interactions[InteractionID(name)]; i != nil && i.lockedBy == id {
			e.setLock(i, 0)
		}
	}
	e.fact(&usherv1.Fact{Fact: &usherv1.Fact_SnapshotReleased{SnapshotReleased: &usherv1.SnapshotReleased{SnapshotId: id}}})
}

// releaseSnapshotsOf forgets the snapshots of a client that is gone.
func (e *Engine) releaseSnapshotsOf(who Participant) {
	for _, id := range e.snapshotsOf(who) {
		e.forgetSnapshot(id)
	}
}
