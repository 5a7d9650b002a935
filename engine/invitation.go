package engine

import (
	"slices"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// Back-off of an agent who refused or did not answer (models.md 6): the first
// pause, doubled each time up to the longest.
const (
	firstBackOffMs   Millis = 5_000
	longestBackOffMs Millis = 60_000
)

// Reasons of the server's own, in the envelope's reason.
const (
	reasonExpired           = "Expired"
	reasonStopped           = "Stopped"
	reasonCancelled         = "Cancelled"
	reasonPlaced            = "Placed"
	reasonPulled            = "Pulled"
	reasonTransferred       = "Transferred"
	reasonHandlingTimeout   = "HandlingTimeout"
	reasonRoutingTimeout    = "RoutingTimeout"
	reasonConnectionLost    = "ConnectionLost"
	reasonRouterGone        = "RouterGone"
	reasonInvitationTimeout = "InvitationTimeout"
	reasonDoNotDisturb      = "DoNotDisturb"
	reasonMediaRemoved      = "MediaRemoved"
	reasonNotReady          = "NotReady"
	reasonLoggedOut         = "LoggedOut"
	reasonMoved             = "Moved"
	reasonStrategyChanged   = "StrategyChanged"
)

// openInvitation invites an agent on behalf of the asker of the request at
// work, who gets the answer when the outcome is known; in whose place only if
// that is not the asker's.
func (e *Engine) openInvitation(i *Interaction, a *Agent, op usherv1.Operation, visibility usherv1.VisibilityMode, inPlaceOf AgentID, reason string) {
	e.invite(i, a, &usherv1.EventAgentInvited{
		Operation: op, Visibility: visibility, InPlaceOf: string(inPlaceOf),
		DeadlineMs: int64(e.now + e.config.deliveringTimeout(i.timeouts, i.MediaType())),
	}, reason)
}

// invite opens an invitation; what body leaves out is filled in.
func (e *Engine) invite(i *Interaction, a *Agent, body *usherv1.EventAgentInvited, reason string) {
	ev := e.about(i)
	ev.ReferenceId, ev.Reason = e.refID, reason
	body.AgentId, body.Place, body.Inviter = string(a.id), a.place, e.actor
	ev.Message = &usherv1.Event_EventAgentInvited{EventAgentInvited: body}
	e.reportInvitation(i, body.Visibility, ev)

	invite := e.about(i)
	invite.Protocol, invite.Reason = im, reason
	invite.Message = &usherv1.Event_EventInvite{EventInvite: &usherv1.EventInvite{
		Ticket: ev.Sequence, Operation: body.Operation, Visibility: body.Visibility, Inviter: e.actor,
		DeadlineMs: body.DeadlineMs, Version: i.props.Version,
		Skill: body.Skill, AutoAnswer: a.config.GetAutoAnswer(), Passing: i.vector.GetPassing(),
	}}
	e.record(Entry{To: a.client.to, Event: invite, Show: []*Interaction{i}})
	e.pending = true
}

// closeInvitation reports that an open invitation was taken back. Accepting
// and rejecting report it by their own events. What becomes of the request
// behind it is the caller's: invitationFailed or failLater.
func (e *Engine) closeInvitation(inv *invitation, op usherv1.Operation, reason string) {
	e.reportInvitation(inv.interaction, inv.invited.Visibility, e.revokedEvent(inv.interaction, &usherv1.EventRevoked{
		AgentId: string(inv.agent), Ticket: uint64(inv.ticket), Operation: op,
	}, reason))
}

// revokeInvitation takes an open invitation back: the agent hears it, and it
// is reported.
func (e *Engine) revokeInvitation(inv *invitation, op usherv1.Operation, reason string) {
	e.tell(im, e.revokedEvent(inv.interaction, &usherv1.EventRevoked{
		AgentId: string(inv.agent), Ticket: uint64(inv.ticket), Operation: op,
	}, reason), agentParticipant(inv.agent))
	e.closeInvitation(inv, op, reason)
}

// routed tells whether a router asked for it.
func (inv *invitation) routed() bool { return inv.invited.Operation == opRoute }

// invitationFailed tells the asker that a closed invitation came to nothing:
// a router's interaction returns to its queue, an agent keeps his.
func (e *Engine) invitationFailed(inv *invitation, outcome usherv1.RouteOutcome, op usherv1.Operation, reason string, why refusal) {
	if !inv.routed() {
		e.failLater(inv, why)
		return
	}
	i := inv.interaction
	router := i.router
	e.endStrategy(i, op, reason)
	e.routeUsed(i, router, inv, outcome)
	skill := e.config.skills[inv.invited.Skill]
	if outcome != usherv1.RouteOutcome_ROUTE_OUTCOME_NO_ANSWER || reason != reasonExpired || skill.GetRonaRings() == 0 {
		e.returnToFormer(i, op, reason)
		return
	}
	if vdn := e.config.vdns[skill.GetRonaVdn()]; vdn != nil {
		e.leaveVector(i, QueueName(vdn.Queue))
		e.becomeQueuedBy(i, QueueName(vdn.Queue), vdn.Name, op, reasonRona)
		return
	}
	if i.vector != nil {
		e.requeueUnanswered(i, skill.Name)
	}
	e.returnToFormer(i, op, reasonRona)
}

// routeUsed tells the router that asked that its request is filled, and its
// successor if it is gone.
func (e *Engine) routeUsed(i *Interaction, router Participant, inv *invitation, outcome usherv1.RouteOutcome) {
	ev := e.about(i)
	ev.Message = &usherv1.Event_EventRouteUsed{EventRouteUsed: &usherv1.EventRouteUsed{Outcome: outcome, AgentId: string(inv.agent)}}
	if router == inv.asker || router == BuiltinRouter { // whose vector asked the asker
		e.answerLater(tlib, ev, inv.ref, inv.asker)
		return
	}
	e.answerLater(tlib, ev, inv.ref, inv.asker, router)
}

// invitationExpired is model 6, "not answered in time" (and 11, 12).
func (e *Engine) invitationExpired(inv *invitation) {
	i, routed := inv.interaction, inv.routed()
	e.revokeInvitation(inv, opTimeout, reasonExpired)
	e.invitationFailed(inv, usherv1.RouteOutcome_ROUTE_OUTCOME_NO_ANSWER, opTimeout, reasonExpired,
		refuse(errNotAnswered, "agent %q did not answer in time", inv.agent))
	a := e.agents[inv.agent]
	if rona := e.config.skills[inv.invited.Skill].GetRonaRings() > 0; routed && rona && a != nil && a.work.mode != noWorkMode {
		e.unansweredOfSkill(a)
		return
	}
	if routed && e.config.notReadyOnTimeout() && a != nil {
		if m := a.mediaState(i.MediaType()); m != nil && m.ready {
			e.becomeNotReady(a, m.media, reasonInvitationTimeout)
			e.tellForced(a, reasonInvitationTimeout)
			e.revokeOfMedia(a, m.media, reasonNotReady)
		}
	}
}

// revokeOfMedia revokes an agent's open invitations of a media type.
func (e *Engine) revokeOfMedia(a *Agent, media MediaName, reason string) {
	e.revokeAsNotAnswered(a, opReject, reason, func(inv *invitation) bool { return inv.interaction.MediaType() == media })
}

// revokeAsNotAnswered revokes an agent's open invitations that match, because
// he can't take them any more.
func (e *Engine) revokeAsNotAnswered(a *Agent, op usherv1.Operation, reason string, matches func(*invitation) bool) {
	for _, inv := range slices.Clone(a.invitations) {
		if matches(inv) {
			e.revokeInvitation(inv, op, reason)
			e.invitationFailed(inv, usherv1.RouteOutcome_ROUTE_OUTCOME_NO_ANSWER, op, reason,
				refuse(errNotAnswered, "agent %q can't take it any more (%s)", inv.agent, reason))
		}
	}
}

// revokeIssuedBy revokes the open invitations that an agent issued, because
// he stops being a party.
func (e *Engine) revokeIssuedBy(i *Interaction, id AgentID, reason string) {
	for _, inv := range slices.Clone(i.invitations) {
		if inv.asker == agentParticipant(id) {
			e.revokeInvitation(inv, opLeave, reason)
			e.failLater(inv, refuse(errCancelled, "agent %q is no longer a party", id))
		}
	}
}

// invitationOf finds an agent's open invitation, or says what became of it.
func (e *Engine) invitationOf(a *Agent, ticket Ticket, interaction string) (*invitation, refusal) {
	for _, inv := range a.invitations {
		if inv.ticket == ticket && (interaction == "" || interaction == inv.interaction.props.InteractionId) {
			return inv, nil
		}
	}
	if what := e.closedTickets.find(ticket, a.id); what != "" {
		return nil, refuse(errWrongTicket, "invitation %d is closed: %s", ticket, what)
	}
	return nil, refuse(errWrongTicket, "agent %q has no open invitation %d", a.id, ticket)
}
