package replay

import (
	"cmp"
	"container/heap"
	"fmt"

	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
	"github.com/usher-cc/usher/router"
)

// player plays a recording once.
type player struct {
	*Recording
	engine  *engine.Engine
	router  *router.Router
	now     engine.Millis
	next    engine.Sequence
	agenda  agenda
	known   map[engine.Participant]bool       // who has registered
	skilled map[engine.AgentID]*usherv1.Agent // who has skills

	outcomes map[engine.InteractionID]*Outcome
	order    []*Outcome
	// How often an interaction was given to an agent, and to anybody, and how
	// often a method was called.
	invited map[invitee]int
	handled map[engine.InteractionID]int
	called  map[methodOf]int
	agents  map[engine.AgentID]*person
}

type invitee struct {
	interaction engine.InteractionID
	agent       engine.AgentID
}

// person is an agent who plays.
type person struct {
	available usherv1.WorkMode // in which he was last available
	changes   int              // of his work mode
	last      handling
}

// Play plays what came from outside with the present configuration after some
// changes to it.
func (r *Recording) Play(changes ...*usherv1.ApplyConfigurationRequest) (*Result, error) {
	p := &player{
		Recording: r, engine: engine.New(r.tenant), router: router.New(), now: r.from, next: 1,
		known: map[engine.Participant]bool{}, skilled: map[engine.AgentID]*usherv1.Agent{}, outcomes: map[engine.InteractionID]*Outcome{},
		invited: map[invitee]int{}, handled: map[engine.InteractionID]int{}, called: map[methodOf]int{}, agents: map[engine.AgentID]*person{},
	}
	present := &usherv1.ApplyConfigurationRequest{Configuration: r.Configuration()}
	for _, change := range append([]*usherv1.ApplyConfigurationRequest{present}, changes...) {
		if out := p.handle(administrator, engine.Apply{Request: harmless(change)}); out.Err != nil {
			return nil, &RefusedError{out.Err}
		}
	}
	configuration, _ := p.engine.Configuration()
	for _, agent := range configuration.GetAgents() {
		if len(agent.GetSkills()) > 0 {
			p.skilled[engine.AgentID(agent.GetAgentId())] = agent
		}
	}
	for _, in := range r.inputs {
		p.at(in.at, func() { p.play(in) })
	}
	p.run()
	return p.result(), nil
}

var administrator = engine.Participant{Kind: usherv1.ParticipantKind_PARTICIPANT_KIND_ADMIN, ID: "replay"}

// harmless is a change that is carried out whatever the version is, without
// passwords.
func harmless(change *usherv1.ApplyConfigurationRequest) *usherv1.ApplyConfigurationRequest {
	change = proto.CloneOf(change)
	change.DryRun, change.ExpectedVersion = false, 0
	for _, agent := range change.GetConfiguration().GetAgents() {
		agent.Password = ""
	}
	return change
}

// RefusedError says that a configuration is refused.
type RefusedError struct{ Event *usherv1.EventError }

// Error is what is wrong with it.
func (e *RefusedError) Error() string { return e.Event.GetName() + ": " + e.Event.GetDescription() }

func (p *player) at(at engine.Millis, do func()) {
	p.agenda.noted++
	heap.Push(&p.agenda, appointment{at, p.agenda.noted, do})
}

// run lets time pass up to the end of the recording.
func (p *player) run() {
	for {
		at, due := p.engine.NextDeadline()
		if again, waits := p.router.NextDeadline(); waits && (!due || again < at) {
			at, due = again, true
		}
		coming := len(p.agenda.items) > 0
		switch {
		case due && at <= p.to && (!coming || at <= p.agenda.items[0].at):
			p.now = max(p.now, at)
			p.take(p.engine.Tick(p.now, p.next))
			p.route()
		case coming && p.agenda.items[0].at <= p.to:
			next := heap.Pop(&p.agenda).(appointment)
			p.now = max(p.now, next.at)
			next.do()
		default:
			return
		}
	}
}

// handle lets the engine decide, and then the router as often as it has
// something to route.
func (p *player) handle(from engine.Participant, request any) engine.Output {
	out := p.engine.Handle(engine.Input{
		Now: p.now, Next: p.next, NewID: engine.InteractionID(fmt.Sprintf("made-%d", p.next)), From: from, Request: request,
	})
	if out.Err == nil {
		p.take(out)
		p.route()
	}
	return out
}

func (p *player) route() {
	for {
		p.router.Update(p.engine)
		request, ok := p.router.Next(p.now)
		if !ok {
			return
		}
		out := p.engine.Handle(engine.Input{Now: p.now, Next: p.next, From: engine.BuiltinRouter, Request: request})
		if out.Err != nil {
			p.router.Refused(request, out.Err)
			continue
		}
		p.take(out)
	}
}

// send sends a request of somebody who plays. What is refused was sensible only
// then, and is passed over.
func (p *player) send(from engine.Participant, request any) (carriedOut bool) {
	switch request.(type) {
	case *usherv1.RequestRegisterClient:
		p.known[from] = true
	case engine.Connect, engine.Disconnect:
	default:
		p.introduce(from)
	}
	return p.handle(from, request).Err == nil
}

// introduce registers and connects somebody who did so before the journal
// begins.
func (p *player) introduce(who engine.Participant) {
	if p.known[who] {
		return
	}
	p.send(who, &usherv1.RequestRegisterClient{ClientType: clientTypes[who.Kind]})
	p.send(who, engine.Connect{ConnectionID: "introduced " + who.ID})
}

// play does what came from outside.
func (p *player) play(in input) {
	switch r := in.request.(type) {
	case giveUp:
		if o := p.outcomes[r.interaction]; o != nil && !o.handled {
			p.send(in.from, &usherv1.RequestStopProcessing{InteractionId: string(r.interaction), Reason: r.reason})
		}
	case *usherv1.RequestSubmit:
		p.submit(in.from, proto.CloneOf(r))
	case *usherv1.RequestAgentLogin:
		p.send(in.from, p.login(engine.AgentID(in.from.ID), r))
	default:
		p.send(in.from, in.request)
	}
}

// login is how an agent logs in. Who had no work modes then and has skills now
// would be in AUX for ever; he is taken to be available.
func (p *player) login(id engine.AgentID, r *usherv1.RequestAgentLogin) *usherv1.RequestAgentLogin {
	agent := p.skilled[id]
	if agent == nil || r.GetWorkMode() != usherv1.WorkMode_WORK_MODE_UNSPECIFIED || available(agent.GetLoginWorkMode()) {
		return r
	}
	r = proto.CloneOf(r)
	r.WorkMode = usherv1.WorkMode_WORK_MODE_AUTO_IN
	return r
}

// submit submits, and follows what becomes of it.
func (p *player) submit(from engine.Participant, r *usherv1.RequestSubmit) {
	byAgent := from.Kind == usherv1.ParticipantKind_PARTICIPANT_KIND_AGENT
	if byAgent {
		r.Queue, r.Vdn = "", ""
	}
	o := &Outcome{
		InteractionID: r.GetInteractionId(), MediaType: r.GetMediaType(), Entered: cmp.Or(r.GetVdn(), r.GetQueue()),
		Queue: r.GetQueue(), SubmittedAtMs: int64(p.now), Kind: Waiting,
	}
	p.outcomes[engine.InteractionID(r.GetInteractionId())] = o
	if !byAgent {
		p.order = append(p.order, o)
	}
	if !p.send(from, r) {
		o.Kind = Refused
	}
}

// take looks at what came of a request: who is invited answers, who has
// accepted hangs up at some time.
func (p *player) take(out engine.Output) {
	p.next += engine.Sequence(len(out.Entries))
	for _, entry := range out.Entries {
		switch ev := entry.Event; {
		case ev.GetProtocol() != usherv1.Protocol_PROTOCOL_RPT:
		case ev.GetInteractionId() == "":
			p.takeAgent(ev)
		case p.outcomes[engine.InteractionID(ev.GetInteractionId())] != nil:
			p.takeInteraction(p.outcomes[engine.InteractionID(ev.GetInteractionId())], ev)
		}
	}
}

func (p *player) takeInteraction(o *Outcome, ev *usherv1.Event) {
	switch m := ev.GetMessage().(type) {
	case *usherv1.Event_EventPlacedInQueue:
		if o.Kind == Waiting {
			o.Queue = m.EventPlacedInQueue.GetQueue()
		}
	case *usherv1.Event_EventAgentInvited:
		p.answer(o, ev.GetSequence(), engine.AgentID(m.EventAgentInvited.GetAgentId()))
	case *usherv1.Event_EventPartyAdded:
		if m.EventPartyAdded.GetParty().GetKind() == usherv1.ParticipantKind_PARTICIPANT_KIND_AGENT {
			p.converse(o, engine.AgentID(m.EventPartyAdded.GetParty().GetId()))
		}
	case *usherv1.Event_EventPartyRemoved:
		if m.EventPartyRemoved.GetParty().GetKind() == usherv1.ParticipantKind_PARTICIPANT_KIND_AGENT {
			o.handled = false
		}
	case *usherv1.Event_EventExternalServiceRequested:
		p.respond(engine.InteractionID(o.InteractionID), m.EventExternalServiceRequested)
	case *usherv1.Event_EventProcessingStopped:
		if o.Kind == Waiting {
			o.WaitMs, o.Kind = int64(p.now)-o.SubmittedAtMs, Ended
			if ev.GetActor().GetKind() == usherv1.ParticipantKind_PARTICIPANT_KIND_MEDIA {
				o.Kind = Abandoned
			}
		}
	}
}

// answer lets an invited agent do what he did then.
func (p *player) answer(o *Outcome, ticket uint64, agent engine.AgentID) {
	key := invitee{engine.InteractionID(o.InteractionID), agent}
	nth := p.invited[key]
	p.invited[key]++
	a := p.answerOf(key.interaction, agent, nth)
	who := engine.Participant{Kind: usherv1.ParticipantKind_PARTICIPANT_KIND_AGENT, ID: string(agent)}
	switch a.how {
	case accepted:
		p.at(p.now+a.after, func() { p.send(who, &usherv1.RequestAccept{Ticket: ticket}) })
	case rejected:
		p.at(p.now+a.after, func() { p.send(who, &usherv1.RequestReject{Ticket: ticket}) })
	}
}

// converse lets an agent handle an interaction for as long as it took then.
func (p *player) converse(o *Outcome, agent engine.AgentID) {
	id := engine.InteractionID(o.InteractionID)
	if o.Kind == Waiting {
		o.Kind, o.Agent, o.WaitMs = Answered, string(agent), int64(p.now)-o.SubmittedAtMs
	}
	o.handled = true
	h := p.handlingOf(id, p.handled[id])
	p.handled[id]++
	nth := p.handled[id]
	if !h.over {
		return
	}
	who := engine.Participant{Kind: usherv1.ParticipantKind_PARTICIPANT_KIND_AGENT, ID: string(agent)}
	p.at(p.now+h.lasted, func() {
		if p.handled[id] != nth {
			return // it has been taken from him, and somebody else has it
		}
		p.agent(agent).last = h
		switch {
		case h.workbin != nil:
			p.send(who, &usherv1.RequestPlaceInWorkbin{InteractionId: string(id), Workbin: h.workbin})
		case h.vdn != "":
			p.send(who, &usherv1.RequestPlaceInQueue{InteractionId: string(id), Vdn: h.vdn})
		case h.queue != "":
			p.send(who, &usherv1.RequestPlaceInQueue{InteractionId: string(id), Queue: h.queue})
		default:
			p.send(who, &usherv1.RequestStopProcessing{InteractionId: string(id)})
		}
	})
}

func (p *player) agent(id engine.AgentID) *person {
	if p.agents[id] == nil {
		p.agents[id] = &person{available: usherv1.WorkMode_WORK_MODE_AUTO_IN}
	}
	return p.agents[id]
}

// takeAgent lets an agent end his after-call work when it took so long.
func (p *player) takeAgent(ev *usherv1.Event) {
	m := ev.GetEventAgentStateReasonChanged()
	if login := ev.GetEventAgentLogin(); available(login.GetWorkMode()) {
		p.agent(engine.AgentID(login.GetAgentId())).available = login.GetWorkMode()
	}
	if m.GetWorkMode() == usherv1.WorkMode_WORK_MODE_UNSPECIFIED {
		return
	}
	a := p.agent(engine.AgentID(m.GetAgentId()))
	a.changes++
	if available(m.GetWorkMode()) {
		a.available = m.GetWorkMode()
	}
	if m.GetWorkMode() != usherv1.WorkMode_WORK_MODE_ACW {
		return
	}
	this := a.changes
	who := engine.Participant{Kind: usherv1.ParticipantKind_PARTICIPANT_KIND_AGENT, ID: m.GetAgentId()}
	after := p.afterCallOf(a.last, a.available)
	p.at(p.now+after.lasted, func() {
		if a.changes == this && after.over {
			p.send(who, &usherv1.RequestSetAgentState{WorkMode: after.then})
		}
	})
}
