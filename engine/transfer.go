package engine

import (
	"cmp"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// Model 11: transfer. The answer to RequestTransfer comes when the outcome
// is known; until then agent1 keeps the interaction.
//
// Issued:
//
//	agent1 > ixn  RequestTransfer
//	    ixn > report  EventAgentInvited
//	    ixn > agent2  EventInvite
//
// Accepted:
//
//	agent2 > ixn  RequestAccept
//	    ixn > agent2  EventAck
//	    ixn > report  EventPartyAdded(agent2), EventPartyRemoved(agent1)
//	    ixn > other parties  EventPartyAdded, EventPartyRemoved
//	    ixn > agent1  EventAck
//
// A supervisor who is no party, or only listens or coaches, asks for it in the
// place of the agent who has it longest: that one hears EventRevoked, and the
// supervisor the outcome.
//
// What waits a supervisor gives to an agent likewise:
//
//	supervisor > ixn  RequestTransfer
//	    ixn > urs     EventAbandoned              if a router had it
//	    ixn > report  EventPartyRemoved(strategy), EventPlacedInQueue
//	    ixn > report  EventAgentInvited
//	    ixn > agent2  EventInvite
//	agent2 > ixn  RequestAccept
//	    ixn > agent2  EventAck
//	    ixn > report  EventTakenFromQueue, EventPartyAdded(agent2)
//	    ixn > supervisor  EventAck
//
// It stays in its queue until then, and is routed again if nothing comes of it.
//
// Rejected: EventAck to agent2, EventRejected to report, EventError to agent1.
// Not answered: EventRevoked to agent2 and report, EventError to agent1.
// Invalid: EventError to agent1.

func (e *Engine) transfer(a *Agent, r *usherv1.RequestTransfer) refusal {
	i, why := e.transferable(a, r.InteractionId)
	if why != nil {
		return why
	}
	for _, inv := range i.invitations {
		if inv.invited.Operation == opTransfer {
			return refuse(errAlreadyInvited, "interaction %q is being transferred to agent %q", i.ID(), inv.agent)
		}
	}
	to, why := e.invitable(i, r.AgentId, r.Place, e.config.transferObeysCapacity())
	if why != nil {
		return why
	}
	if why := checkReason(r.Reason); why != nil {
		return why
	}
	inPlaceOf := AgentID("")
	p := i.party(a.id)
	switch {
	case i.props.State != stateHandling:
		e.takeFromRouter(i, r.Reason)
	case p == nil || e.isSupervisor(a.id) && !p.public():
		inPlaceOf = i.firstPublic().agent
	}
	e.openInvitation(i, to, opTransfer, usherv1.VisibilityMode_VISIBILITY_MODE_CONFERENCE, inPlaceOf, r.Reason)
	e.keep(i)
	return nil
}

// transferable is the interaction that an agent may transfer: one of which he
// disposes, for a supervisor also one that waits.
func (e *Engine) transferable(a *Agent, id string) (*Interaction, refusal) {
	i := e.interactions[InteractionID(id)]
	switch {
	case i == nil || i.props.State == stateHandling || !e.isSupervisor(a.id):
		return e.disposedBy(a, id)
	}
	return i, i.unclaimed()
}

// takeFromRouter takes an interaction that waits back into its queue, so that
// its router does not decide meanwhile.
func (e *Engine) takeFromRouter(i *Interaction, reason string) {
	if router := i.router; i.strategy != "" {
		e.abandon(i, router, reasonTransferred)
		e.endStrategy(i, opTransfer, reasonTransferred)
		e.returnToFormer(i, opTransfer, reason)
	}
}

// transferAccepted is the phase "accepted", after the EventAck to agent2.
func (e *Engine) transferAccepted(inv *invitation, a *Agent) {
	i := inv.interaction
	if i.props.State == stateQueued {
		e.leavePlace(i, opTransfer, "")
		e.tellPartyAdded(i, e.becomeHandling(i, a, opTransfer, inv.invited.Visibility, inv.ticket, ""), a.id)
		e.answerLater(im, e.ackEvent(i), inv.ref, inv.asker)
		return
	}
	from := i.whosePlace(inv)
	added := e.becomeHandling(i, a, opTransfer, inv.invited.Visibility, inv.ticket, "")
	e.revokeIssuedBy(i, from, reasonCancelled)
	removed := e.removeParty(i, i.party(from), opTransfer, "")
	if inv.asker != agentParticipant(from) {
		e.tell(im, e.revokedEvent(i, &usherv1.EventRevoked{AgentId: string(from), Operation: opTransfer}, reasonTransferred), agentParticipant(from))
	}
	e.tellPartyAdded(i, added, a.id, from)
	e.tellPartyRemoved(i, removed, "", a.id)
	e.answerLater(im, e.ackEvent(i), inv.ref, inv.asker)
}

// whosePlace is whose place an agent takes who accepts a transfer: the
// inviter's, or that which a supervisor meant; of one who has gone meanwhile that
// of the agent who has it longest.
func (i *Interaction) whosePlace(inv *invitation) AgentID {
	id := AgentID(cmp.Or(inv.invited.InPlaceOf, inv.asker.ID))
	if i.party(id) == nil {
		id = i.firstPublic().agent
	}
	return id
}

// cancelInvitation takes back what the agent issued.
func (e *Engine) cancelInvitation(a *Agent, r *usherv1.RequestCancelInvitation) refusal {
	i, why := e.interaction(r.InteractionId)
	if why != nil {
		return why
	}
	for _, inv := range i.invitations {
		if inv.agent == AgentID(r.AgentId) && inv.asker == e.from {
			e.revokeInvitation(inv, opLeave, reasonCancelled)
			e.ackAbout(i)
			e.failLater(inv, refuse(errCancelled, "agent %q cancelled it", a.id))
			e.keep(i)
			return nil
		}
	}
	return refuse(errWrongTicket, "agent %q has no open invitation of agent %q to interaction %q", a.id, r.AgentId, i.ID())
}
