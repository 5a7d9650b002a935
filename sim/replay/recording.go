// Package replay answers what another configuration would have made of a day
// that has been: it takes from a journal what came from outside, and plays it
// through an engine and a router of its own, in virtual time, with the present
// configuration and with the other one. It promises that both are played alike
// and give the same every time, and that the journal is only read.
//
//	journal --Recorder--> Recording --Play--> Result before --+
//	                          |                               +--Compare--> Comparison
//	                          +-----Play with changes--> Result after
//
// What came from outside is when and how interactions were submitted, when
// customers gave up, who was logged in and available, and how people behaved:
// how long an agent took to answer an invitation and whether he accepted, how
// long the conversation and the work after it took, and where it went then. An
// agent who gets an interaction that another had takes as long as that one.
//
// What nobody can know is assumed: who was answered would have waited for ever;
// who has not been answered would have talked for the usual time; agents keep
// their hours. A conversation of several agents counts as one of the first.
// Routers outside of the server take no part; external services answer as they
// did.
package replay

import (
	"maps"
	"slices"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
)

// Recording is what a journal has of one tenant.
type Recording struct {
	tenant   string
	present  *engine.Engine // with the configuration alone
	from, to engine.Millis
	inputs   []input
	conducts map[engine.InteractionID]*conduct
	usual    usual
}

// input is a request that came from outside.
type input struct {
	at      engine.Millis
	from    engine.Participant
	request any
}

// Configuration is the tenant's at the end of the journal, with password
// hashes.
func (r *Recording) Configuration() *usherv1.Configuration {
	c, _ := r.present.Configuration()
	return c
}

// Recorder makes a Recording of the records of a journal.
type Recorder struct {
	recording *Recording
	invited   map[engine.Ticket]invitation
	called    map[uint64]*call
	modes     map[engine.AgentID]*worked
	// closed are the conversations that ended in the record at work.
	closed map[engine.InteractionID]*handling
}

// invitation is an open invitation.
type invitation struct {
	conduct *conduct
	agent   engine.AgentID
	since   engine.Millis
}

// worked is what an agent's work mode is, his latest conversation, and that
// which his after-call work follows.
type worked struct {
	mode        usherv1.WorkMode
	since       engine.Millis
	last, after *handling
}

// NewRecorder records one tenant.
func NewRecorder(tenant string) *Recorder {
	return &Recorder{
		recording: &Recording{tenant: tenant, present: engine.New(tenant), conducts: map[engine.InteractionID]*conduct{}},
		invited:   map[engine.Ticket]invitation{},
		called:    map[uint64]*call{},
		modes:     map[engine.AgentID]*worked{},
	}
}

// Begin takes the configuration from a snapshot, where the journal does not
// reach back to the tenant's beginning. Changes before it are not to be taken.
func (r *Recorder) Begin(state *usherv1.TenantState) {
	r.recording.present = engine.Load(&usherv1.TenantState{
		TenantId: state.GetTenantId(), Configuration: state.GetConfiguration(), ConfigurationVersion: state.GetConfigurationVersion(),
	})
}

// Recording is what was taken. What is open then stays so.
func (r *Recorder) Recording() *Recording {
	for _, ticket := range slices.Sorted(maps.Keys(r.invited)) {
		r.takeAnswer(ticket, undecided, r.recording.to)
	}
	r.recording.summarize()
	return r.recording
}

// Take takes the next record; first is the sequence of its first entry, at the
// time of its batch.
func (r *Recorder) Take(first engine.Sequence, at engine.Millis, record *usherv1.Record) {
	if record.GetTenantId() != r.recording.tenant {
		return
	}
	if r.recording.from == 0 {
		r.recording.from = at
	}
	r.recording.to = at
	r.takeRequest(at, record)
	r.closed = map[engine.InteractionID]*handling{}
	for n, entry := range record.GetEntries() {
		sequence := first + engine.Sequence(n)
		switch ev := entry.GetEvent(); {
		case entry.GetFact() != nil:
			r.takeFact(sequence, at, entry.GetFact())
		case ev.GetProtocol() != usherv1.Protocol_PROTOCOL_RPT:
		case ev.GetInteractionId() != "":
			r.takeInteraction(engine.Ticket(sequence), ev)
		default:
			r.takeAgent(ev)
		}
	}
	r.takeEnds(record)
}

func (r *Recorder) ask(at engine.Millis, from engine.Participant, request any) {
	r.recording.inputs = append(r.recording.inputs, input{at, from, request})
}

// takeFact takes who connected and disconnected, and the configuration.
func (r *Recorder) takeFact(sequence engine.Sequence, at engine.Millis, fact *usherv1.Fact) {
	switch f := fact.GetFact().(type) {
	case *usherv1.Fact_ConfigurationApplied:
		r.recording.present.Fold(sequence, &engine.Entry{Fact: fact})
	case *usherv1.Fact_ClientRegistered:
		m := f.ClientRegistered
		if who := engine.ParticipantOf(m.GetClient()); takesPart(who) {
			r.ask(at, who, &usherv1.RequestRegisterClient{ClientType: m.GetClientType(), Name: m.GetName()})
		}
	case *usherv1.Fact_ConnectionOpened:
		m := f.ConnectionOpened
		if who := engine.ParticipantOf(m.GetClient()); takesPart(who) {
			r.ask(at, who, engine.Connect{ConnectionID: m.GetConnectionId(), Kind: m.GetConnectionKind()})
		}
	case *usherv1.Fact_ConnectionLost:
		m := f.ConnectionLost
		if who := engine.ParticipantOf(m.GetClient()); takesPart(who) {
			r.ask(at, who, engine.Disconnect{ConnectionID: m.GetConnectionId()})
		}
	}
}

// takesPart tells whether somebody's conduct is played.
func takesPart(who engine.Participant) bool {
	_, takes := clientTypes[who.Kind]
	return takes
}

// clientTypes are those who take part, and as what they register.
var clientTypes = map[usherv1.ParticipantKind]usherv1.ClientType{
	usherv1.ParticipantKind_PARTICIPANT_KIND_AGENT:   usherv1.ClientType_CLIENT_TYPE_AGENT_APPLICATION,
	usherv1.ParticipantKind_PARTICIPANT_KIND_MEDIA:   usherv1.ClientType_CLIENT_TYPE_MEDIA_SERVER,
	usherv1.ParticipantKind_PARTICIPANT_KIND_SERVICE: usherv1.ClientType_CLIENT_TYPE_EXTERNAL_SERVICE,
}

// takeInteraction takes how people behaved.
func (r *Recorder) takeInteraction(sequence engine.Ticket, ev *usherv1.Event) {
	id, at := engine.InteractionID(ev.GetInteractionId()), engine.Millis(ev.GetTimeMs())
	c := r.recording.conducts[id]
	if m := ev.GetEventInteractionSubmitted(); m != nil {
		c = &conduct{media: engine.MediaName(m.GetProperties().GetMediaType())}
		r.recording.conducts[id] = c
	}
	if c == nil {
		return // it was submitted before the journal begins
	}
	switch m := ev.GetMessage().(type) {
	case *usherv1.Event_EventAgentInvited:
		if m.EventAgentInvited.GetOperation() != usherv1.Operation_OPERATION_ROUTE {
			return
		}
		r.invited[sequence] = invitation{c, engine.AgentID(m.EventAgentInvited.GetAgentId()), at}
	case *usherv1.Event_EventPartyAdded:
		r.takeJoined(c, m.EventPartyAdded, at)
	case *usherv1.Event_EventPartyRemoved:
		r.takeLeft(id, c, m.EventPartyRemoved, at)
	case *usherv1.Event_EventRejected:
		r.takeAnswer(engine.Ticket(m.EventRejected.GetTicket()), rejected, at)
	case *usherv1.Event_EventRevoked:
		how := undecided
		if ev.GetReason() == "Expired" {
			how = silent
		}
		r.takeAnswer(engine.Ticket(m.EventRevoked.GetTicket()), how, at)
	case *usherv1.Event_EventExternalServiceRequested:
		r.takeCall(c, m.EventExternalServiceRequested, at)
	case *usherv1.Event_EventExternalServiceResponded:
		r.takeResponse(m.EventExternalServiceResponded, at)
	case *usherv1.Event_EventProcessingStopped:
		if ev.GetActor().GetKind() == usherv1.ParticipantKind_PARTICIPANT_KIND_MEDIA && c.parties == 0 && r.closed[id] == nil {
			r.ask(at, engine.ParticipantOf(ev.GetActor()), giveUp{id, ev.GetReason()})
		}
	}
}

// giveUp is a customer's leaving before he was answered; if he is answered in
// time, it does not happen.
type giveUp struct {
	interaction engine.InteractionID
	reason      string
}

// takeAnswer takes what became of an invitation.
func (r *Recorder) takeAnswer(ticket engine.Ticket, how answerKind, at engine.Millis) {
	if i, open := r.invited[ticket]; open {
		delete(r.invited, ticket)
		i.conduct.answers = append(i.conduct.answers, answer{i.agent, how, at - i.since})
	}
}

func (r *Recorder) takeJoined(c *conduct, m *usherv1.EventPartyAdded, at engine.Millis) {
	if m.GetParty().GetKind() != usherv1.ParticipantKind_PARTICIPANT_KIND_AGENT {
		return
	}
	r.takeAnswer(engine.Ticket(m.GetTicket()), accepted, at)
	c.parties++
	if c.parties == 1 {
		c.handlings = append(c.handlings, &handling{agent: engine.AgentID(m.GetParty().GetId()), since: at})
	}
}

func (r *Recorder) takeLeft(id engine.InteractionID, c *conduct, m *usherv1.EventPartyRemoved, at engine.Millis) {
	if m.GetParty().GetKind() != usherv1.ParticipantKind_PARTICIPANT_KIND_AGENT || c.parties == 0 {
		return
	}
	last := c.handlings[len(c.handlings)-1]
	r.worked(engine.AgentID(m.GetParty().GetId())).last = last
	c.parties--
	if c.parties == 0 {
		last.lasted, last.over = at-last.since, true
		r.closed[id] = last
	}
}

// takeEnds says of the conversations that ended in a record where they went.
func (r *Recorder) takeEnds(record *usherv1.Record) {
	for _, entry := range record.GetEntries() {
		h := r.closed[engine.InteractionID(entry.GetEvent().GetInteractionId())]
		if h == nil || entry.GetEvent().GetProtocol() != usherv1.Protocol_PROTOCOL_RPT {
			continue
		}
		switch m := entry.GetEvent().GetMessage().(type) {
		case *usherv1.Event_EventPlacedInQueue:
			if h.workbin == nil {
				h.queue, h.vdn = m.EventPlacedInQueue.GetQueue(), m.EventPlacedInQueue.GetVdn()
			}
		case *usherv1.Event_EventPlacedInWorkbin:
			h.workbin, h.queue, h.vdn = m.EventPlacedInWorkbin.GetWorkbin(), "", ""
		}
	}
}

func (r *Recorder) worked(agent engine.AgentID) *worked {
	if r.modes[agent] == nil {
		r.modes[agent] = &worked{}
	}
	return r.modes[agent]
}

// takeAgent takes how long after-call work lasted.
func (r *Recorder) takeAgent(ev *usherv1.Event) {
	at := engine.Millis(ev.GetTimeMs())
	switch m := ev.GetMessage().(type) {
	case *usherv1.Event_EventAgentLogin:
		w := r.worked(engine.AgentID(m.EventAgentLogin.GetAgentId()))
		*w = worked{mode: m.EventAgentLogin.GetWorkMode(), since: at}
	case *usherv1.Event_EventAgentStateReasonChanged:
		w := r.worked(engine.AgentID(m.EventAgentStateReasonChanged.GetAgentId()))
		mode := m.EventAgentStateReasonChanged.GetWorkMode()
		if mode == usherv1.WorkMode_WORK_MODE_UNSPECIFIED || mode == w.mode {
			return
		}
		switch {
		case mode == usherv1.WorkMode_WORK_MODE_ACW:
			if w.after = w.last; w.after != nil {
				w.after.afterCall = work{begun: true}
			}
		case w.mode == usherv1.WorkMode_WORK_MODE_ACW && available(mode) && w.after != nil:
			w.after.afterCall = work{begun: true, over: true, lasted: at - w.since, then: mode}
		}
		w.mode, w.since = mode, at
	}
}

// available tells whether an agent in a work mode gets something.
func available(mode usherv1.WorkMode) bool {
	return slices.Contains([]usherv1.WorkMode{usherv1.WorkMode_WORK_MODE_AUTO_IN, usherv1.WorkMode_WORK_MODE_MANUAL_IN}, mode)
}
