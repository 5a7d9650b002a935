package waits

import (
	"fmt"
	"slices"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
	"github.com/usher-cc/usher/router"
)

// beginning is when an engine's day begins.
const beginning engine.Millis = 1_800_000_000_000

// mediaType is that of all calls; a chat is told by its agents' slots.
const mediaType = "voice"

// switchboard is the media server that brings the calls.
var switchboard = engine.Participant{Kind: usherv1.ParticipantKind_PARTICIPANT_KIND_MEDIA, ID: "switchboard"}

// priorities are how vectors write ranks, low -1 to top 2.
var priorities = [...]string{"l", "m", "h", "t"}

// engineFloor is the engine with its router, brought together as the center
// does it. A call enters by a VDN whose vector queues it to one skill.
//
// Who handles one call at a time works in manual-in: after-call work follows
// by itself, and he asks for manual-in when it has ended. Who handles several
// works in auto-in, and keeps a chat open until its after-call work is done:
// manual-in would give him nothing new until all have ended.
type engineFloor struct {
	engine  *engine.Engine
	router  *router.Router
	now     engine.Millis
	next    engine.Sequence
	desks   []desk
	tickets map[CallID]ticketOf // of those that ring
	handled map[CallID]AgentID
	invited []Invitation
}

// desk is an agent's telephone, and what he is about to do.
type desk struct {
	Agent
	who        engine.Participant
	rests      bool // he is in AUX, or will be
	restsLater bool // he goes to AUX as soon as he has answered
	wraps      bool // he does after-call work
	unanswered bool // he is not ready, because he did not answer
	handles    int  // calls that he has answered
}

// ticketOf is an invitation as the agent got it.
type ticketOf struct {
	agent  AgentID
	ticket uint64
}

// NewEngine is a Floor that is the engine and its router; all agents are free.
func NewEngine(agents []Agent) Floor {
	f := &engineFloor{
		engine: engine.New("waits"), router: router.New(), now: beginning, next: 1,
		tickets: map[CallID]ticketOf{}, handled: map[CallID]AgentID{},
	}
	for n, a := range agents {
		who := engine.Participant{Kind: usherv1.ParticipantKind_PARTICIPANT_KIND_AGENT, ID: fmt.Sprintf("agent-%03d", n)}
		f.desks = append(f.desks, desk{Agent: a, who: who})
	}
	f.ask(engine.Server, engine.Apply{Request: &usherv1.ApplyConfigurationRequest{Configuration: f.configuration()}})
	f.ask(switchboard, &usherv1.RequestRegisterClient{ClientType: usherv1.ClientType_CLIENT_TYPE_MEDIA_SERVER})
	f.ask(switchboard, engine.Connect{ConnectionID: switchboard.ID})
	for n := range f.desks {
		d := &f.desks[n]
		f.ask(d.who, &usherv1.RequestRegisterClient{ClientType: usherv1.ClientType_CLIENT_TYPE_AGENT_APPLICATION})
		f.ask(d.who, engine.Connect{ConnectionID: d.who.ID})
		f.ask(d.who, &usherv1.RequestAgentLogin{WorkMode: d.atWork(), Media: []*usherv1.MediaLogin{{MediaType: mediaType, Ready: true}}})
	}
	return f
}

// configuration is that of the agents and all their skills.
func (f *engineFloor) configuration() *usherv1.Configuration {
	longest := int64(dayMs)
	c := &usherv1.Configuration{
		Options:    &usherv1.Options{HandlingTimeoutMs: &longest},
		MediaTypes: []*usherv1.MediaType{{Name: mediaType, DeliveringTimeoutMs: unansweredMs}},
	}
	seen := map[SkillID]bool{}
	for n := range f.desks {
		d := &f.desks[n]
		a := &usherv1.Agent{AgentId: d.who.ID, Capacity: map[string]int32{mediaType: int32(d.Slots)}}
		for _, skill := range d.Skills {
			a.Skills = append(a.Skills, &usherv1.AgentSkill{Skill: skillName(skill)})
			if !seen[skill] {
				seen[skill] = true
				addSkill(c, skill)
			}
		}
		c.Agents = append(c.Agents, a)
	}
	return c
}

// addSkill adds a skill, with a VDN, queue and vector for each priority.
func addSkill(c *usherv1.Configuration, skill SkillID) {
	c.Skills = append(c.Skills, &usherv1.Skill{Name: skillName(skill)})
	for n, priority := range priorities {
		name := vdn(skill, int32(n-1))
		text := fmt.Sprintf("vector %s\n01  queue-to skill %s pri %s\n", name, skillName(skill), priority)
		c.Vectors = append(c.Vectors, &usherv1.Vector{Name: name, Text: text})
		c.Queues = append(c.Queues, &usherv1.Queue{Name: name, Strategy: engine.Vectored, Vector: name})
		c.Vdns = append(c.Vdns, &usherv1.Vdn{Name: name, Queue: name})
	}
}

func skillName(s SkillID) string { return fmt.Sprintf("skill-%d", s) }

// vdn is the number for a skill and rank; queue and vector have it, too.
func vdn(s SkillID, rank int32) string { return fmt.Sprintf("%d%d", 5+s, rank+1) }

func callName(c CallID) string { return fmt.Sprintf("call-%d", c) }

// atWork is the work mode in which the agent takes calls.
func (d *desk) atWork() usherv1.WorkMode {
	if d.Slots > 1 {
		return usherv1.WorkMode_WORK_MODE_AUTO_IN
	}
	return usherv1.WorkMode_WORK_MODE_MANUAL_IN
}

func (f *engineFloor) Offer(nowMs int64, c Call) {
	f.pass(nowMs)
	f.ask(switchboard, &usherv1.RequestSubmit{InteractionId: callName(c.ID), MediaType: mediaType, Vdn: vdn(c.Skill, c.Rank)})
}

func (f *engineFloor) GiveUp(nowMs int64, c CallID) {
	f.pass(nowMs)
	f.ask(switchboard, &usherv1.RequestStopProcessing{InteractionId: callName(c)})
}

func (f *engineFloor) Accept(nowMs int64, c CallID) {
	f.pass(nowMs)
	t := f.tickets[c]
	delete(f.tickets, c)
	d := &f.desks[t.agent]
	f.ask(d.who, &usherv1.RequestAccept{Ticket: t.ticket})
	f.handled[c] = t.agent
	d.handles++
	if d.restsLater && !f.rings(t.agent) {
		d.restsLater = false
		f.rest(d)
	}
}

// Refuse lets the invitation expire; its agent is not ready then.
func (f *engineFloor) Refuse(nowMs int64, c CallID) {
	f.pass(nowMs)
	d := &f.desks[f.tickets[c].agent]
	delete(f.tickets, c)
	f.tick()
	d.unanswered, d.restsLater = true, false
}

func (f *engineFloor) End(nowMs int64, c CallID) {
	f.pass(nowMs)
	if d := &f.desks[f.handled[c]]; d.Slots == 1 {
		f.stop(d, c)
		d.wraps = true
	}
}

func (f *engineFloor) Wrapped(nowMs int64, c CallID) {
	f.pass(nowMs)
	d := &f.desks[f.handled[c]]
	delete(f.handled, c)
	if d.Slots > 1 {
		f.stop(d, c)
		return
	}
	d.wraps = false
	if !d.rests {
		f.setMode(d, d.atWork())
	}
}

func (f *engineFloor) stop(d *desk, c CallID) {
	f.ask(d.who, &usherv1.RequestStopProcessing{InteractionId: callName(c)})
	d.handles--
}

// Rest waits for the answer while his telephone rings: AUX, also while it is
// pending, would stop it.
func (f *engineFloor) Rest(nowMs int64, a AgentID) {
	f.pass(nowMs)
	d := &f.desks[a]
	if f.rings(a) {
		d.restsLater = true
		return
	}
	f.rest(d)
}

func (f *engineFloor) rest(d *desk) {
	d.rests = true
	f.setMode(d, usherv1.WorkMode_WORK_MODE_AUX)
}

func (f *engineFloor) rings(a AgentID) bool {
	for _, t := range f.tickets {
		if t.agent == a {
			return true
		}
	}
	return false
}

func (f *engineFloor) Return(nowMs int64, a AgentID) {
	f.pass(nowMs)
	d := &f.desks[a]
	if d.rests {
		mode := d.atWork()
		if d.wraps {
			mode = usherv1.WorkMode_WORK_MODE_ACW
		}
		f.setMode(d, mode)
	}
	if d.unanswered {
		f.ask(d.who, &usherv1.RequestCancelNotReadyForMedia{MediaType: mediaType})
	}
	d.rests, d.restsLater, d.unanswered = false, false, false
}

func (f *engineFloor) setMode(d *desk, mode usherv1.WorkMode) {
	f.ask(d.who, &usherv1.RequestSetAgentState{WorkMode: mode})
}

func (f *engineFloor) Invited() []Invitation {
	invited := f.invited
	f.invited = nil
	return invited
}

func (f *engineFloor) Outlook(c CallID) Outlook {
	expected, why := f.router.ExpectedWait(f.engine, f.now, &usherv1.RequestExpectedWait{
		Of: &usherv1.RequestExpectedWait_InteractionId{InteractionId: callName(c)},
	})
	if why != nil {
		panic("waits: no expected wait: " + why.Description)
	}
	o := Outlook{Position: int(expected.Position), ExpectedMs: expected.ExpectedWaitMs, Infinite: expected.Infinite}
	skill := f.engine.Interaction(engine.InteractionID(callName(c))).Vector().GetQueueings()[0].Skill
	for a := range f.engine.EachAgent {
		if slices.ContainsFunc(a.Configured().GetSkills(), func(s *usherv1.AgentSkill) bool { return s.GetSkill() == skill }) {
			o.Staffed++
			if a.Works(mediaType) {
				o.Working++
			}
		}
	}
	return o
}

// ask has a request decided, and then what the router makes of it. Those of a
// day have to succeed.
func (f *engineFloor) ask(from engine.Participant, request any) {
	f.handle(from, request)
	f.route()
}

func (f *engineFloor) handle(from engine.Participant, request any) {
	out := f.engine.Handle(engine.Input{Now: f.now, Next: f.next, From: from, Request: request})
	if out.Err != nil {
		panic(fmt.Sprintf("waits: %T of %s is refused: %s", request, from.ID, out.Err.Description))
	}
	f.take(out)
}

func (f *engineFloor) route() {
	f.router.Update(f.engine)
	for {
		request, ok := f.router.Next(f.now)
		if !ok {
			return
		}
		f.handle(engine.BuiltinRouter, request)
		f.router.Update(f.engine)
	}
}

// take notes who is invited.
func (f *engineFloor) take(out engine.Output) {
	f.next += engine.Sequence(len(out.Entries))
	for _, entry := range out.Entries {
		invite := entry.Event.GetEventInvite()
		if invite == nil {
			continue
		}
		var call CallID
		var agent AgentID
		if _, err := fmt.Sscanf(entry.Event.InteractionId+" "+entry.To[0].ID, "call-%d agent-%d", &call, &agent); err != nil {
			panic("waits: an invitation to nothing: " + err.Error())
		}
		f.tickets[call] = ticketOf{agent, invite.Ticket}
		f.invited = append(f.invited, Invitation{call, agent})
	}
}

// pass lets time go by. What is due at the very end is so after what happens
// then.
func (f *engineFloor) pass(nowMs int64) {
	end := beginning + engine.Millis(nowMs)
	for {
		at, due := f.engine.NextDeadline()
		if again, ok := f.router.NextDeadline(); ok && (!due || again < at) {
			at, due = again, true
		}
		if !due || at >= end {
			break
		}
		f.now = max(f.now, at)
		f.tick()
	}
	f.now = end
}

// tick does what is due.
func (f *engineFloor) tick() {
	for {
		out := f.engine.Tick(f.now, f.next)
		f.take(out)
		f.route()
		if len(out.Entries) == 0 {
			return
		}
	}
}
