package media

import (
	"maps"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// Why a session ended, as its customer is told.
const (
	reasonCustomerLeft = "CustomerLeft"
	reasonAgentEnded   = "AgentEnded"
	reasonStopped      = "Stopped"
)

// The keys of user data that the server sets.
const (
	keyName       = "customer_name"
	keyCustomer   = "customer_id"
	keySubject    = "subject"
	keySite       = "site"
	keyType       = "request_type"
	keyCallback   = "callback_to"
	keyCallbackAt = "callback_at_ms"
)

// customer is whose session it is.
type customer struct {
	site string
	id   string // empty for an anonymous one
	name string
}

// customerOf reads the customer from the user data of his interaction. His
// name may have been changed by an agent, which is well.
func customerOf(p *usherv1.InteractionProperties) customer {
	data := p.GetUserData().GetFields()
	return customer{
		site: data[keySite].GetStringValue(), id: data[keyCustomer].GetStringValue(), name: data[keyName].GetStringValue(),
	}
}

// session is one customer's live session: a fold of what is told about its
// interaction. The client's mu guards it.
type session struct {
	c        *client
	id       string
	customer customer
	born     uint64 // sequence of the submit; 0 until it is known
	over     bool

	agents    map[string]string // whom the customer speaks with: names by id
	alerting  map[string]bool   // the agents who are asked
	held      bool
	treatment string
	position  int32
	expected  *int64    // nil if there is no end to it
	looked    time.Time // when place and wait were last asked for
	stale     bool      // something has happened since

	streams   map[*stream]bool
	lost      *time.Timer   // while no stream is open
	leaving   chan struct{} // while it is being ended for its lost customer; then closed
	uploads   map[string]*usherv1.Attachment
	uploading int // files that are being sent
}

// become takes the present properties over.
func (se *session) become(p *usherv1.InteractionProperties) {
	before := se.progress()
	clear(se.agents)
	clear(se.alerting)
	for _, open := range p.GetInvitations() { // of those whom the customer will see
		se.alerting[open.GetAgentId()] = true
	}
	for _, party := range p.GetParties() {
		if who := party.GetParticipant(); isAgent(who) && party.GetVisibility() == usherv1.VisibilityMode_VISIBILITY_MODE_CONFERENCE {
			se.agents[who.GetId()] = se.c.s.center.AgentName(se.c.tenant, who.GetId())
		}
	}
	se.held = p.GetIsHeld()
	se.tellProgress(before, 0, 0)
}

func isAgent(p *usherv1.Participant) bool {
	return p.GetKind() == usherv1.ParticipantKind_PARTICIPANT_KIND_AGENT
}

// take takes one message into account and tells the customer what it means for
// him.
func (se *session) take(ev *usherv1.Event) {
	before := se.progress()
	if se.born == 0 {
		se.born = ev.GetSequence()
	}
	switch m := ev.Message.(type) {
	case *usherv1.Event_EventLineAdded:
		se.tell(lineEvent(se.id, ev.GetSequence(), ev.GetTimeMs(), m.EventLineAdded), true)
		return
	case *usherv1.Event_EventTyping:
		typing := &usherv1.EventTyping{AuthorName: m.EventTyping.GetAuthorName(), Stopped: m.EventTyping.GetStopped()} // whose id is none of the customer's business
		se.tell(&usherv1.SessionEvent{TimeMs: ev.GetTimeMs(), Message: &usherv1.SessionEvent_Typing{Typing: typing}}, false)
		return
	case *usherv1.Event_EventProcessingStopped:
		se.c.end(se, ev.GetSequence())
		return
	case *usherv1.Event_EventPartyAdded:
		who := m.EventPartyAdded.GetParty()
		if isAgent(who) && m.EventPartyAdded.GetVisibility() == usherv1.VisibilityMode_VISIBILITY_MODE_CONFERENCE {
			se.agents[who.GetId()] = se.c.s.center.AgentName(se.c.tenant, who.GetId())
			se.treatment = ""
		}
		delete(se.alerting, who.GetId())
	case *usherv1.Event_EventPartyRemoved:
		delete(se.agents, m.EventPartyRemoved.GetParty().GetId())
	case *usherv1.Event_EventAgentInvited:
		se.alerting[m.EventAgentInvited.GetAgentId()] = true
	case *usherv1.Event_EventRejected:
		delete(se.alerting, m.EventRejected.GetAgentId())
	case *usherv1.Event_EventRevoked:
		delete(se.alerting, m.EventRevoked.GetAgentId())
	case *usherv1.Event_EventHeld:
		se.held = true
	case *usherv1.Event_EventResumed:
		se.held = false
	case *usherv1.Event_EventTreatmentApplied:
		se.treatment = m.EventTreatmentApplied.GetText()
	}
	se.stale = true
	se.tellProgress(before, ev.GetSequence(), ev.GetTimeMs())
}

// reasonOf is why a session ended, for its customer.
func reasonOf(s *usherv1.StoppedInteraction) string {
	switch {
	case isAgent(s.GetActor()) && len(s.GetAgents()) > 0: // not a supervisor, while he waited
		return reasonAgentEnded
	case s.GetReason() == reasonCustomerLeft:
		return reasonCustomerLeft
	}
	return reasonStopped
}

// state is how far the session is.
func (se *session) state() usherv1.SessionState {
	switch {
	case se.held:
		return usherv1.SessionState_SESSION_STATE_HELD
	case len(se.agents) > 0:
		return usherv1.SessionState_SESSION_STATE_CONNECTED
	case len(se.alerting) > 0:
		return usherv1.SessionState_SESSION_STATE_ALERTING
	}
	return usherv1.SessionState_SESSION_STATE_QUEUED
}

// waits tells whether the customer waits for an agent.
func (se *session) waits() bool {
	state := se.state()
	return state == usherv1.SessionState_SESSION_STATE_QUEUED || state == usherv1.SessionState_SESSION_STATE_ALERTING
}

// progress is how far the session is, for its customer.
func (se *session) progress() *usherv1.EventSessionProgress {
	p := &usherv1.EventSessionProgress{State: se.state()}
	for _, id := range slices.Sorted(maps.Keys(se.agents)) {
		p.Agents = append(p.Agents, se.agents[id])
	}
	if se.waits() {
		p.Position, p.ExpectedWaitMs, p.Treatment = se.position, se.expected, se.treatment
	}
	return p
}

// tellProgress tells the customer how far the session is, if that has changed.
func (se *session) tellProgress(before *usherv1.EventSessionProgress, sequence uint64, timeMs int64) {
	now := se.progress()
	if now.State != before.State && !se.waits() {
		se.position, se.expected = 0, nil
	}
	if proto.Equal(now, before) {
		return
	}
	if now.State != before.State {
		se.looked = time.Time{}
		se.askPlace()
	}
	if timeMs == 0 {
		timeMs = se.c.s.now().UnixMilli()
	}
	se.tell(&usherv1.SessionEvent{Sequence: sequence, TimeMs: timeMs, Message: &usherv1.SessionEvent_Progress{Progress: now}}, true)
}

// tell sends a message to every stream of the session. One that has no room is
// cut off, unless the message may be missed.
func (se *session) tell(ev *usherv1.SessionEvent, necessary bool) {
	for st := range se.streams {
		st.put(ev, necessary)
	}
}

// lineEvent is a line of a session as its customer sees it; only of his own he
// learns the reference id, as he gave it.
func lineEvent(session string, sequence uint64, timeMs int64, added *usherv1.EventLineAdded) *usherv1.SessionEvent {
	own := added.GetAuthor().GetKind() == usherv1.ParticipantKind_PARTICIPANT_KIND_CUSTOMER
	line := &usherv1.EventSessionLine{Own: own, Line: added.GetLine()}
	if added.GetLine().GetKind() != usherv1.LineKind_LINE_KIND_NOTICE {
		line.AuthorName = added.GetAuthorName()
	}
	if own {
		line.ReferenceId = strings.TrimPrefix(added.GetReferenceId(), session+"/")
	}
	return &usherv1.SessionEvent{Sequence: sequence, TimeMs: timeMs, Message: &usherv1.SessionEvent_Line{Line: line}}
}

// wait begins the time in which a customer whose browser is gone may come
// back.
func (se *session) wait(grace time.Duration) {
	if se.lost != nil {
		se.lost.Stop()
	}
	se.lost = time.AfterFunc(grace, se.customerLost)
}

// retryLeave is the pause before the end of a session is tried again.
const retryLeave = 5 * time.Second

// customerLost ends the session, unless the customer has come back. If that
// fails it is tried again: nobody else will.
func (se *session) customerLost() {
	c := se.c
	c.mu.Lock()
	gone := !se.over && len(se.streams) == 0 && se.leaving == nil && c.s.ctx.Err() == nil
	if gone {
		se.leaving = make(chan struct{}) // who comes back now waits for what becomes of it
	}
	c.mu.Unlock()
	if !gone {
		return
	}
	_, err := c.leave(c.s.ctx, se.id, "")
	defer se.stay()
	if err == nil || c.s.ctx.Err() != nil {
		return
	}
	if !isGone(err) {
		c.s.log.Warn("a session whose customer has left could not be ended", "tenant", c.tenant, "interaction", se.id, "error", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if se.over || len(se.streams) > 0 {
		return
	}
	if isGone(err) {
		c.end(se, 0)
		return
	}
	se.wait(retryLeave)
}

// stay lets those go on who have waited while the session was being ended.
func (se *session) stay() {
	se.c.mu.Lock()
	defer se.c.mu.Unlock()
	close(se.leaving)
	se.leaving = nil
}
