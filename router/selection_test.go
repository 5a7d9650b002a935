package router

import (
	"fmt"
	"testing"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
)

// switchboard is an engine with its router and an external router, brought
// together as the center does it.
type switchboard struct {
	t       *testing.T
	engine  *engine.Engine
	router  *Router
	now     engine.Millis
	next    engine.Sequence
	tickets map[string]uint64 // of open invitations, by interaction
	invited map[string]string // agents, by interaction
}

var urs = participant(usherv1.ParticipantKind_PARTICIPANT_KIND_ROUTER, "urs")

// newSwitchboard has agents who are logged in for chat, in AUX.
func newSwitchboard(t *testing.T, config *usherv1.Configuration) *switchboard {
	s := &switchboard{
		t: t, engine: engine.New("acme"), router: New(), now: 1_000_000, next: 1,
		tickets: map[string]uint64{}, invited: map[string]string{},
	}
	s.ask(admin, engine.Apply{Request: &usherv1.ApplyConfigurationRequest{Configuration: config}})
	s.ask(chat, &usherv1.RequestRegisterClient{ClientType: usherv1.ClientType_CLIENT_TYPE_MEDIA_SERVER})
	s.ask(urs, &usherv1.RequestRegisterClient{ClientType: usherv1.ClientType_CLIENT_TYPE_ROUTER, Strategies: []string{"ext"}})
	s.ask(urs, engine.Connect{ConnectionID: "urs"})
	for _, a := range config.Agents {
		who := agentNamed(a.AgentId)
		s.ask(who, &usherv1.RequestRegisterClient{ClientType: usherv1.ClientType_CLIENT_TYPE_AGENT_APPLICATION})
		s.ask(who, engine.Connect{ConnectionID: a.AgentId})
		s.ask(who, &usherv1.RequestAgentLogin{Media: []*usherv1.MediaLogin{{MediaType: "chat", Ready: true}}})
	}
	return s
}

func (s *switchboard) ask(from engine.Participant, request any) {
	s.t.Helper()
	s.take(from, request)
	s.router.Update(s.engine)
	for {
		request, ok := s.router.Next(s.now)
		if !ok {
			return
		}
		s.take(engine.BuiltinRouter, request)
		s.router.Update(s.engine)
	}
}

func (s *switchboard) take(from engine.Participant, request any) {
	s.t.Helper()
	out := s.engine.Handle(engine.Input{Now: s.now, Next: s.next, From: from, Request: request})
	if out.Err != nil {
		s.t.Fatalf("%T: %v", request, out.Err)
	}
	s.next += engine.Sequence(len(out.Entries))
	for _, entry := range out.Entries {
		if m := entry.Event.GetEventInvite(); m != nil {
			s.tickets[entry.Event.InteractionId], s.invited[entry.Event.InteractionId] = m.Ticket, entry.To[0].ID
		}
	}
}

func (s *switchboard) submit(id, queue string) {
	s.t.Helper()
	s.ask(chat, &usherv1.RequestSubmit{InteractionId: id, Queue: queue, MediaType: "chat"})
}

func (s *switchboard) autoIn(agent string) {
	s.t.Helper()
	s.ask(agentNamed(agent), &usherv1.RequestSetAgentState{WorkMode: usherv1.WorkMode_WORK_MODE_AUTO_IN})
}

// works lets an agent handle something that the external router gives him.
func (s *switchboard) works(agent string) {
	s.t.Helper()
	s.submit("of-"+agent, "ext")
	s.ask(urs, &usherv1.RequestRouteCall{
		InteractionId: "of-" + agent, Target: &usherv1.RequestRouteCall_Agent{Agent: &usherv1.AgentTarget{AgentId: agent}},
	})
	s.ask(agentNamed(agent), &usherv1.RequestAccept{Ticket: s.tickets["of-"+agent]})
}

func (s *switchboard) ends(agent string) {
	s.t.Helper()
	s.ask(agentNamed(agent), &usherv1.RequestStopProcessing{InteractionId: "of-" + agent})
}

// vectored is a queue whose vector has one step.
func vectored(c *usherv1.Configuration, name, step string) {
	c.Queues = append(c.Queues, &usherv1.Queue{Name: name, Strategy: engine.Vectored, Vector: name})
	c.Vectors = append(c.Vectors, &usherv1.Vector{Name: name, Text: fmt.Sprintf("vector %s\n01  %s\n", name, step)})
}

// TestSelectionExample is the worked example of telephony.md, "EAS": A level 1,
// 90 % occupied, idle 5 s; B level 1, 95 %, 10 s; C level 2, 64 %, 30 s.
func TestSelectionExample(t *testing.T) {
	for selection, want := range map[usherv1.AgentSelection]string{
		usherv1.AgentSelection_AGENT_SELECTION_EAD_LOA:     "A",
		usherv1.AgentSelection_AGENT_SELECTION_UCD_LOA:     "C",
		usherv1.AgentSelection_AGENT_SELECTION_EAD_MIA:     "B",
		usherv1.AgentSelection_AGENT_SELECTION_UCD_MIA:     "C",
		usherv1.AgentSelection_AGENT_SELECTION_UNSPECIFIED: "C",
	} {
		config := &usherv1.Configuration{
			MediaTypes: []*usherv1.MediaType{{Name: "chat"}},
			Queues:     []*usherv1.Queue{{Name: "ext", Strategy: "ext"}},
			Skills:     []*usherv1.Skill{{Name: "billing", AgentSelection: selection}},
		}
		vectored(config, "in", "queue-to skill billing pri m")
		for agent, level := range map[string]int32{"A": 1, "B": 1, "C": 2} {
			config.Agents = append(config.Agents, &usherv1.Agent{
				AgentId: agent, Skills: []*usherv1.AgentSkill{{Skill: "billing", Level: level}},
			})
		}
		s := newSwitchboard(t, config)
		begin := s.now
		for _, step := range []struct {
			at    engine.Millis // in seconds
			agent string
			does  func(string)
		}{
			{870, "C", s.autoIn},
			{890, "B", s.autoIn},
			{895, "A", s.autoIn},
			{895, "B", s.works}, // 5 s available
			{905, "A", s.works}, // 10 s available
			{906, "C", s.works}, // 36 s available
			{970, "C", s.ends},  // 64 s worked
			{990, "B", s.ends},  // 95 s worked
			{995, "A", s.ends},  // 90 s worked
		} {
			s.now = begin + step.at*1000
			step.does(step.agent)
		}
		s.now = begin + 1_000_000
		s.submit("i1", "in")
		if got := s.invited["i1"]; got != want {
			t.Errorf("%s: got %s, want %s", selection, got, want)
		}
	}
}

// TestNextIsLaterThanTheEngine holds that a router may be asked at a time of
// which its engine has not heard, as it is after a restart.
func TestNextIsLaterThanTheEngine(t *testing.T) {
	config := &usherv1.Configuration{
		MediaTypes: []*usherv1.MediaType{{Name: "chat"}},
		Skills:     []*usherv1.Skill{{Name: "billing"}},
		Agents:     []*usherv1.Agent{{AgentId: "A", Skills: []*usherv1.AgentSkill{{Skill: "billing", Level: 6}}}},
		Targets: []*usherv1.Target{{Name: "good", Expression: "skill.billing <= 4", Stages: []*usherv1.TargetStage{
			{AfterMs: 30_000, Expression: "skill.billing <= 8"},
		}}},
	}
	vectored(config, "in", "queue-to target good pri m")
	s := newSwitchboard(t, config)
	s.autoIn("A")
	s.submit("i1", "in")
	for _, r := range []*Router{s.router, New()} {
		r.Update(s.engine)
		request, _ := r.Next(s.now + 30_000)
		if call, ok := request.(*usherv1.RequestRouteCall); !ok || call.GetAgent().GetAgentId() != "A" {
			t.Errorf("got %v, want i1 for A", request)
		}
	}
}

// TestTargetsOfOneExpression: two targets that want the same agents may select
// among them by different rules.
func TestTargetsOfOneExpression(t *testing.T) {
	for queue, want := range map[string]string{"idle": "A", "occupied": "B"} {
		config := &usherv1.Configuration{
			MediaTypes: []*usherv1.MediaType{{Name: "chat"}},
			Queues:     []*usherv1.Queue{{Name: "ext", Strategy: "ext"}},
			Skills:     []*usherv1.Skill{{Name: "billing"}},
			Targets: []*usherv1.Target{
				{Name: "idle", Expression: `"billing" in skill`},
				{Name: "occupied", Expression: `"billing" in skill`, AgentSelection: usherv1.AgentSelection_AGENT_SELECTION_UCD_LOA},
			},
		}
		vectored(config, "idle", "queue-to target idle pri m")
		vectored(config, "occupied", "queue-to target occupied pri m")
		for _, agent := range []string{"A", "B"} {
			config.Agents = append(config.Agents, &usherv1.Agent{AgentId: agent, Skills: []*usherv1.AgentSkill{{Skill: "billing"}}})
		}
		s := newSwitchboard(t, config)
		begin := s.now
		s.autoIn("A")
		s.autoIn("B")
		s.works("A")
		s.now = begin + 60_000
		s.ends("A") // idle longer, and worked all the time
		s.now = begin + 80_000
		s.works("B")
		s.now = begin + 90_000
		s.ends("B")
		s.submit("i1", queue)
		if got := s.invited["i1"]; got != want {
			t.Errorf("target %s: got %s, want %s", queue, got, want)
		}
	}
}
