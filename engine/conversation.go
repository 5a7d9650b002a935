package engine

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// Conversations (telephony.md, "Internet sessions"): what is said in an
// interaction.
//
//	agent1 > ixn  RequestAddLine
//	    ixn > agent1  EventAck
//	    ixn > report  EventLineAdded
//	    ixn > parties, media  EventLineAdded     not media if it is for agents alone
//	media > ixn  RequestAddLine                  what the customer says, or a notice
//	    ixn > media   EventAck
//	    ixn > report  EventLineAdded
//	    ixn > parties, media  EventLineAdded
//	agent1 > ixn  RequestTyping                  nothing of it is recorded
//	    ixn > other parties, media  EventTyping
//	client > ixn  RequestGetTranscript           what is found here is read from the journal
//	    ixn > client  EventTranscript

// Limits of a conversation.
const (
	maxLines               = 10_000
	maxAttachments         = 20
	maxLineBytes           = 16_384
	maxAttachmentNameBytes = 255
	maxContentTypeBytes    = 127
	maxTranscriptLines     = 1_000
	attachmentIDDigits     = 64
)

// line is where a line of a conversation is found in the journal.
type line struct {
	sequence Sequence
	agents   bool // it is for agents alone
}

// The kinds and visibilities of lines, in short.
const (
	lineText       = usherv1.LineKind_LINE_KIND_TEXT
	lineAttachment = usherv1.LineKind_LINE_KIND_ATTACHMENT
	lineNotice     = usherv1.LineKind_LINE_KIND_NOTICE
	forEverybody   = usherv1.LineVisibility_LINE_VISIBILITY_EVERYBODY
	forAgents      = usherv1.LineVisibility_LINE_VISIBILITY_AGENTS
)

// addLineByAgent adds what an agent says himself. It keeps the interaction his,
// as a change of its properties does.
func (e *Engine) addLineByAgent(a *Agent, r *usherv1.RequestAddLine) refusal {
	i, why := e.interaction(r.InteractionId)
	if why != nil {
		return why
	}
	p, why := i.speaker(a.id)
	switch {
	case why != nil:
		return why
	case r.AuthorName != "":
		return refuse(errInvalidArgument, "author_name: an agent's name is that of his configuration")
	case r.Line.GetKind() == lineNotice:
		return refuse(errInvalidArgument, "line.kind: only media servers send notices")
	}
	usual := forEverybody
	if !p.public() {
		usual = forAgents
	}
	l, why := i.checkLine(r.Line, usual)
	if why != nil {
		return why
	}
	if !p.public() {
		l.Visibility = forAgents
	}
	e.becomeSaid(i, &usherv1.EventLineAdded{Author: e.actor, AuthorName: a.config.GetName(), Line: l})
	e.keep(i)
	return nil
}

// addLineByMedia adds what the customer says, or a notice.
func (e *Engine) addLineByMedia(r *usherv1.RequestAddLine) refusal {
	i, why := e.submittedByAsker(r.InteractionId)
	switch {
	case why != nil:
		return why
	case r.Line.GetVisibility() == forAgents:
		return refuse(errInvalidArgument, "line.visibility: only agents speak to agents alone")
	}
	if why := checkAuthorName(r.AuthorName); why != nil {
		return why
	}
	l, why := i.checkLine(r.Line, forEverybody)
	if why != nil {
		return why
	}
	author := i.customer()
	if l.Kind == lineNotice {
		author = e.actor
	}
	e.becomeSaid(i, &usherv1.EventLineAdded{Author: author, AuthorName: r.AuthorName, Line: l})
	return nil
}

// becomeSaid adds a line that was checked. The message that people get follows
// its report at once; the conversation is found by it.
func (e *Engine) becomeSaid(i *Interaction, said *usherv1.EventLineAdded) {
	said.Number, said.ReferenceId = int32(len(i.lines))+1, e.refID
	body := &usherv1.Event_EventLineAdded{EventLineAdded: said}
	event := func() *usherv1.Event {
		ev := e.about(i)
		ev.Message = body
		return ev
	}
	e.answer(icm, e.ackEvent(i))
	e.report(event())
	to := i.agents()
	if owner := e.owner(i); owner != nil && said.Line.Visibility != forAgents {
		to = append(to, owner.who)
	}
	e.tell(icm, event(), to...)
}

// foldSaid remembers a line by the message that follows its report.
func (i *Interaction) foldSaid(sequence Sequence, said *usherv1.EventLineAdded) {
	i.lines = append(i.lines, line{sequence + 1, said.Line.Visibility == forAgents})
	if said.Line.Kind == lineAttachment {
		i.attachments++
	}
}

// speaker is the agent's part in the interaction, if he may speak in it.
func (i *Interaction) speaker(id AgentID) (*party, refusal) {
	p := i.party(id)
	switch {
	case p == nil:
		return nil, refuse(errNotAParty, "agent %q is not a party of interaction %q", id, i.ID())
	case p.info.Visibility == usherv1.VisibilityMode_VISIBILITY_MODE_MONITOR:
		return nil, refuse(errNotAParty, "agent %q only monitors interaction %q and may not speak in it", id, i.ID())
	}
	return p, nil
}

// submittedByAsker finds a live interaction that the asker, a media server, has
// submitted.
func (e *Engine) submittedByAsker(id string) (*Interaction, refusal) {
	i, why := e.interaction(id)
	if why != nil {
		return nil, why
	}
	if ParticipantOf(i.props.SubmittedBy) != e.from {
		return nil, refuse(errNotAParty, "interaction %q was not submitted by %s", i.ID(), describe(e.from))
	}
	return i, nil
}

func (i *Interaction) customer() *usherv1.Participant {
	return &usherv1.Participant{Kind: usherv1.ParticipantKind_PARTICIPANT_KIND_CUSTOMER, Id: i.props.InteractionId}
}

// checkLine gives a line as it is recorded: what was left out of it filled in.
func (i *Interaction) checkLine(asked *usherv1.Line, usual usherv1.LineVisibility) (*usherv1.Line, refusal) {
	l := &usherv1.Line{
		Kind: cmp.Or(asked.GetKind(), lineText), Text: asked.GetText(),
		Attachment: asked.GetAttachment(), Visibility: cmp.Or(asked.GetVisibility(), usual),
	}
	switch {
	case l.Kind < lineText || l.Kind > lineNotice:
		return nil, refuse(errInvalidArgument, "line.kind: unknown kind %d", l.Kind)
	case l.Visibility < forEverybody || l.Visibility > forAgents:
		return nil, refuse(errInvalidArgument, "line.visibility: unknown visibility %d", l.Visibility)
	case len(l.Text) > maxLineBytes:
		return nil, refuse(errTooLarge, "line.text: %d bytes, at most %d", len(l.Text), maxLineBytes)
	case !utf8.ValidString(l.Text) || strings.ContainsRune(l.Text, 0):
		return nil, refuse(errInvalidArgument, "line.text: a NUL, or not UTF-8")
	case l.Kind == lineAttachment && l.Attachment == nil:
		return nil, refuse(errInvalidArgument, "line.attachment: missing")
	case l.Kind != lineAttachment && l.Attachment != nil:
		return nil, refuse(errInvalidArgument, "line.attachment: the line is none")
	case l.Kind != lineAttachment && l.Text == "":
		return nil, refuse(errInvalidArgument, "line.text: missing")
	case len(i.lines) >= maxLines:
		return nil, refuse(errTooLarge, "the conversation of interaction %q has %d lines, as many as there may be", i.ID(), maxLines)
	case l.Kind == lineAttachment && i.attachments >= maxAttachments:
		return nil, refuse(errTooLarge, "the conversation of interaction %q has %d attachments, as many as there may be", i.ID(), maxAttachments)
	case l.Kind == lineAttachment:
		return l, checkAttachment(l.Attachment)
	}
	return l, nil
}

// checkAttachment checks the form of an attachment; what is in it, who stores
// it has checked.
func checkAttachment(a *usherv1.Attachment) refusal {
	switch {
	case len(a.Id) != attachmentIDDigits || strings.Trim(a.Id, "0123456789abcdef") != "":
		return refuse(errInvalidArgument, "line.attachment.id: not %d hexadecimal digits", attachmentIDDigits)
	case a.Name == "" || len(a.Name) > maxAttachmentNameBytes:
		return refuse(errInvalidArgument, "line.attachment.name: %d bytes, 1 to %d", len(a.Name), maxAttachmentNameBytes)
	case !printable(a.Name) || strings.ContainsAny(a.Name, `/\`) || a.Name == "." || a.Name == "..":
		return refuse(errInvalidArgument, "line.attachment.name: a path, control characters, or not UTF-8")
	case a.ContentType == "" || len(a.ContentType) > maxContentTypeBytes:
		return refuse(errInvalidArgument, "line.attachment.content_type: %d bytes, 1 to %d", len(a.ContentType), maxContentTypeBytes)
	case !printable(a.ContentType):
		return refuse(errInvalidArgument, "line.attachment.content_type: control characters, or not UTF-8")
	case a.Size < 0:
		return refuse(errInvalidArgument, "line.attachment.size: %d", a.Size)
	}
	return nil
}

// checkAuthorName checks the name that a media server gives a customer.
func checkAuthorName(name string) refusal {
	switch {
	case len(name) > maxNameBytes:
		return refuse(errInvalidArgument, "author_name: %d bytes, at most %d", len(name), maxNameBytes)
	case !printable(name):
		return refuse(errInvalidArgument, "author_name: control characters, or not UTF-8")
	}
	return nil
}

// printable tells whether a text is UTF-8 without control characters.
func printable(text string) bool {
	return utf8.ValidString(text) && strings.IndexFunc(text, unicode.IsControl) < 0
}

// typing tells who is concerned that somebody writes.
func (e *Engine) typing(a *Agent, r *usherv1.RequestTyping) refusal {
	if a == nil {
		i, why := e.submittedByAsker(r.InteractionId)
		if why == nil {
			why = checkAuthorName(r.AuthorName)
		}
		if why == nil {
			e.tellTyping(i, &usherv1.EventTyping{Author: i.customer(), AuthorName: r.AuthorName, Stopped: r.Stopped}, i.agents())
		}
		return why
	}
	i, why := e.interaction(r.InteractionId)
	if why != nil {
		return why
	}
	p, why := i.speaker(a.id)
	if why != nil {
		return why
	}
	to := slices.DeleteFunc(i.agents(), func(who Participant) bool { return who == e.from })
	if owner := e.owner(i); owner != nil && p.public() {
		to = append(to, owner.who)
	}
	e.tellTyping(i, &usherv1.EventTyping{Author: e.actor, AuthorName: a.config.GetName(), Stopped: r.Stopped}, to)
	return nil
}

// tellTyping tells that somebody writes, unless there is nobody to tell.
func (e *Engine) tellTyping(i *Interaction, typing *usherv1.EventTyping, to []Participant) {
	if len(to) == 0 {
		return
	}
	ev := e.about(i)
	ev.TimeMs, ev.Protocol = int64(e.now), icm
	ev.Message = &usherv1.Event_EventTyping{EventTyping: typing}
	e.unrecorded = &Entry{To: to, Event: ev}
}

// Transcript finds the lines of a conversation that somebody may read: the
// sequences of their messages in the journal, in order, of those between the
// sequences that he names the latest, at most as many as he wants. It tells whether there are earlier ones that he has not asked for.
func (e *Engine) Transcript(now Millis, who Participant, r *usherv1.RequestGetTranscript) (lines []Sequence, more bool, why *usherv1.EventError) {
	limit := int(cmp.Or(r.Limit, maxTranscriptLines))
	if limit < 0 || limit > maxTranscriptLines {
		return nil, false, refuse(errInvalidArgument, "limit: %d, 0 to %d", r.Limit, maxTranscriptLines)
	}
	if c := e.clients[who]; c == nil || c.registration == nil {
		return nil, false, refuse(errNotRegistered, "%s has not sent RequestRegisterClient", describe(who))
	}
	all, readable, why := e.conversation(now, who, r.InteractionId)
	if why != nil {
		return nil, false, why
	}
	if !readable {
		return nil, false, refuse(errNotAParty, "the conversation of interaction %q is not for %s", r.InteractionId, describe(who))
	}
	forMedia := who.Kind == usherv1.ParticipantKind_PARTICIPANT_KIND_MEDIA
	for _, l := range slices.Backward(all) {
		if uint64(l.sequence) <= r.AfterSequence {
			break
		}
		later := r.BeforeSequence != 0 && uint64(l.sequence) >= r.BeforeSequence
		if later || forMedia && l.agents {
			continue
		}
		if len(lines) == limit {
			more = true
			break
		}
		lines = append(lines, l.sequence)
	}
	slices.Reverse(lines)
	return lines, more, nil
}

// conversation is that of an interaction, live or stopped within the last 24
// hours, and whether somebody may read it.
func (e *Engine) conversation(now Millis, who Participant, id string) (lines []line, readable bool, why refusal) {
	agent := AgentID(who.ID)
	supervises := who.Kind == usherv1.ParticipantKind_PARTICIPANT_KIND_AGENT && e.isSupervisor(agent)
	if i := e.interactions[InteractionID(id)]; i != nil {
		had := i.party(agent) != nil || i.invites(agent) || i.props.LastAgent == who.ID
		return i.lines, supervises || may(who, had, i.props.SubmittedBy), nil
	}
	s := e.stopped.find(InteractionID(id), now)
	if s == nil {
		return nil, false, refuse(errUnknownInteraction, "there is no interaction %q, nor was there within 24 hours", id)
	}
	return loadLines(s.Lines), supervises || may(who, slices.Contains(s.Agents, who.ID), s.SubmittedBy), nil
}

// may tells whether somebody may read a conversation: an agent that he had, a
// media server that it submitted.
func may(who Participant, had bool, submittedBy *usherv1.Participant) bool {
	if who.Kind == usherv1.ParticipantKind_PARTICIPANT_KIND_AGENT {
		return had
	}
	return who == ParticipantOf(submittedBy)
}

// invites tells whether an invitation of the agent is open.
func (i *Interaction) invites(agent AgentID) bool {
	return slices.ContainsFunc(i.invitations, func(inv *invitation) bool { return inv.agent == agent })
}

// exportLines gives lines as they stand in a snapshot.
func exportLines(lines []line) []*usherv1.LineRef {
	if len(lines) == 0 {
		return nil
	}
	all, refs := make([]usherv1.LineRef, len(lines)), make([]*usherv1.LineRef, len(lines))
	for n, l := range lines {
		all[n].Sequence, all[n].Agents = uint64(l.sequence), l.agents
		refs[n] = &all[n]
	}
	return refs
}

// loadLines reads what exportLines gave.
func loadLines(refs []*usherv1.LineRef) []line {
	lines := make([]line, len(refs))
	for n, ref := range refs {
		lines[n] = line{Sequence(ref.Sequence), ref.Agents}
	}
	return lines
}
