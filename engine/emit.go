package engine

import (
	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// The protocols, in short.
const (
	im   = usherv1.Protocol_PROTOCOL_IM
	rpt  = usherv1.Protocol_PROTOCOL_RPT
	tlib = usherv1.Protocol_PROTOCOL_TLIB
	icm  = usherv1.Protocol_PROTOCOL_ICM
)

// ackMessage is every EventAck: the envelope says all.
var ackMessage = &usherv1.Event_EventAck{EventAck: &usherv1.EventAck{}}

// toReport are the recipients of every reporting event.
var toReport = []Participant{Report}

// about begins an event about an interaction.
func (e *Engine) about(i *Interaction) *usherv1.Event {
	p := i.props
	return &usherv1.Event{
		InteractionId: p.InteractionId, ParentId: p.ParentId, MediaType: p.MediaType, Queue: p.Queue,
		Actor: e.actor,
	}
}

// report records a reporting event.
func (e *Engine) report(ev *usherv1.Event) {
	ev.Protocol = rpt
	e.record(Entry{To: toReport, Event: ev})
}

// reportProgress records a reporting event about how far an interaction is, and
// tells the media server that owns it, if it wants to know.
func (e *Engine) reportProgress(i *Interaction, ev *usherv1.Event) {
	e.report(ev)
	if owner := e.owner(i); owner != nil && owner.registration.NotifyProgress {
		told := e.about(i)
		told.Reason, told.Message = ev.Reason, ev.Message
		e.tell(im, told, owner.who)
	}
}

// reportInvitation is reportProgress for what becomes of an invitation, of
// which the media server hears if it may see who is invited.
func (e *Engine) reportInvitation(i *Interaction, visibility usherv1.VisibilityMode, ev *usherv1.Event) {
	if visibility == usherv1.VisibilityMode_VISIBILITY_MODE_CONFERENCE {
		e.reportProgress(i, ev)
		return
	}
	e.report(ev)
}

// tell records a message to participants; nothing if there are none.
func (e *Engine) tell(protocol usherv1.Protocol, ev *usherv1.Event, to ...Participant) {
	ev.Protocol = protocol
	if e.hidden != nil && ev.Actor == e.actor {
		to = e.tellUnnamed(ev, to)
	}
	if len(to) > 0 {
		e.record(Entry{To: to, Event: ev})
	}
}

// tellUnnamed records the message for those who may not see the asker, a coach
// or monitor, in the server's name; the others are left.
func (e *Engine) tellUnnamed(ev *usherv1.Event, to []Participant) (others []Participant) {
	var unseeing []Participant
	for _, who := range to {
		if e.hidden.visibleTo(who, e.isSupervisor(AgentID(who.ID))) || who.Kind == usherv1.ParticipantKind_PARTICIPANT_KIND_ROUTER {
			others = append(others, who)
		} else {
			unseeing = append(unseeing, who)
		}
	}
	if len(unseeing) > 0 {
		unnamed := proto.CloneOf(ev)
		unnamed.Actor = Server.Proto()
		e.record(Entry{To: unseeing, Event: unnamed})
	}
	return others
}

// answer records the answer to the request at work.
func (e *Engine) answer(protocol usherv1.Protocol, ev *usherv1.Event, show ...*Interaction) {
	ev.Protocol = protocol
	ev.ReferenceId = e.refID
	e.reply = e.record(Entry{To: e.toAsker, Answer: true, Event: ev, Show: show})
}

// answerLater records the answer to a request that was pending; others may
// hear it, too.
func (e *Engine) answerLater(protocol usherv1.Protocol, ev *usherv1.Event, ref string, asker Participant, others ...Participant) {
	ev.Protocol = protocol
	ev.ReferenceId = ref
	to := e.only(asker)
	if len(others) > 0 {
		to = append([]Participant{asker}, others...)
	}
	e.record(Entry{To: to, Answer: true, Event: ev})
}

// read gives the answer to a read, which is not recorded.
func (e *Engine) read(ev *usherv1.Event) {
	ev.Protocol = im
	ev.TimeMs = int64(e.now)
	ev.ReferenceId = e.refID
	e.reply = ev
}

// fact records a private fact.
func (e *Engine) fact(f *usherv1.Fact) { e.record(Entry{Fact: f}) }

// ack answers the request at work with EventAck.
func (e *Engine) ack() {
	e.answer(im, &usherv1.Event{Actor: e.actor, Message: ackMessage})
}

// ackAbout answers the request at work, which was about an interaction.
func (e *Engine) ackAbout(i *Interaction) {
	e.answer(im, e.ackEvent(i))
}

func (e *Engine) ackEvent(i *Interaction) *usherv1.Event {
	ev := e.about(i)
	ev.Message = ackMessage
	return ev
}

// failLater answers the pending request behind an invitation with EventError.
// The built-in router waits for no answer.
func (e *Engine) failLater(inv *invitation, why refusal) {
	if inv.asker == BuiltinRouter {
		return
	}
	protocol := im
	if inv.asker.Kind == usherv1.ParticipantKind_PARTICIPANT_KIND_ROUTER {
		protocol = tlib
	}
	why.ReferenceId, why.InteractionId = inv.ref, inv.interaction.props.InteractionId
	ev := e.about(inv.interaction)
	ev.Message = &usherv1.Event_EventError{EventError: why}
	e.answerLater(protocol, ev, inv.ref, inv.asker)
}

func (e *Engine) partyAddedEvent(i *Interaction, body *usherv1.EventPartyAdded) *usherv1.Event {
	ev := e.about(i)
	ev.Message = &usherv1.Event_EventPartyAdded{EventPartyAdded: body}
	return ev
}

func (e *Engine) partyRemovedEvent(i *Interaction, body *usherv1.EventPartyRemoved, reason string) *usherv1.Event {
	ev := e.about(i)
	ev.Reason = reason
	ev.Message = &usherv1.Event_EventPartyRemoved{EventPartyRemoved: body}
	return ev
}

// revokedEvent is an EventRevoked about an interaction or an invitation.
func (e *Engine) revokedEvent(i *Interaction, body *usherv1.EventRevoked, reason string) *usherv1.Event {
	ev := e.about(i)
	ev.Reason = reason
	ev.Message = &usherv1.Event_EventRevoked{EventRevoked: body}
	return ev
}

// agentEvent begins an event about an agent.
func (e *Engine) agentEvent(reason string) *usherv1.Event {
	return &usherv1.Event{Actor: e.actor, Reason: reason}
}

// mediaEvent begins an event about one media type of an agent.
func (e *Engine) mediaEvent(media MediaName, reason string) *usherv1.Event {
	return &usherv1.Event{Actor: e.actor, Reason: reason, MediaType: string(media)}
}
