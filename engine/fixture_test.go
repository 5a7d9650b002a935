package engine

import (
	"testing"

	"google.golang.org/protobuf/types/known/structpb"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// The participants of the tests.
var (
	media      = mediaServer("chat1")
	agent1     = agentParticipant("agent1")
	agent2     = agentParticipant("agent2")
	agent3     = agentParticipant("agent3")
	supervisor = agentParticipant("supervisor")
	urs        = routerParticipant("urs")
	urs2       = routerParticipant("urs2")
	crm1       = serviceParticipant("crm1")
	crm2       = serviceParticipant("crm2")
	bot        = serviceParticipant("bot")
	admin      = Participant{Kind: usherv1.ParticipantKind_PARTICIPANT_KIND_ADMIN, ID: "root"}
)

func mediaServer(id string) Participant {
	return Participant{Kind: usherv1.ParticipantKind_PARTICIPANT_KIND_MEDIA, ID: id}
}

func fixture() *usherv1.Configuration {
	capacity := map[string]int32{"chat": 1, "mail": 2, "voice": 1}
	c := &usherv1.Configuration{
		MediaTypes:  []*usherv1.MediaType{{Name: "chat"}, {Name: "mail", Offline: true}, {Name: "voice"}},
		Places:      []*usherv1.Place{{Name: "place1"}, {Name: "place2"}, {Name: "place3"}, {Name: "place4", CapacityRule: "either"}},
		PlaceGroups: []*usherv1.PlaceGroup{{Name: "desks", Places: []string{"place1", "place2"}}},
		AgentGroups: []*usherv1.AgentGroup{{Name: "support"}, {Name: "sales"}},
		Agents: []*usherv1.Agent{
			{
				AgentId: "agent1", AgentGroups: []string{"support"}, Capacity: capacity, LoginWorkMode: modeAuto,
				Skills: []*usherv1.AgentSkill{{Skill: "billing", Percent: 70}, {Skill: "orders", Level: 2, Percent: 30}},
			},
			{
				AgentId: "agent2", AgentGroups: []string{"support"}, Capacity: capacity, LoginWorkMode: modeManual,
				Skills: []*usherv1.AgentSkill{{Skill: "billing", Level: 3}, {Skill: "german"}}, DirectAgentSkill: "direct",
			},
			{AgentId: "agent3", AgentGroups: []string{"sales"}, Capacity: capacity},
			{AgentId: "supervisor", Supervisor: true, Capacity: capacity},
		},
		Queues: []*usherv1.Queue{
			{Name: "inbound"}, {Name: "second"}, {Name: "external", Strategy: "test"},
			{Name: "routed", Strategy: LongestIdle, AgentGroup: "support"},
			{Name: "sales", Strategy: LongestIdle, AgentGroup: "sales"},
			{Name: "vectored", Strategy: Vectored, Vector: "v1"}, {Name: "other", Strategy: Vectored, Vector: "v2"},
		},
		Workbins: []*usherv1.WorkbinType{
			{Name: "drafts", OwnerKind: usherv1.OwnerKind_OWNER_KIND_AGENT},
			{Name: "team", OwnerKind: usherv1.OwnerKind_OWNER_KIND_AGENT_GROUP},
			{Name: "desk", OwnerKind: usherv1.OwnerKind_OWNER_KIND_PLACE},
			{Name: "floor", OwnerKind: usherv1.OwnerKind_OWNER_KIND_PLACE_GROUP},
		},
	}
	addRouting(c)
	return c
}

// addRouting adds something of every kind of routing objects.
func addRouting(c *usherv1.Configuration) {
	c.Options = &usherv1.Options{
		TimeZone: "Europe/Berlin", ForcedLogoutAt: "18:00", ForcedLogoutReasonCode: 3,
		MaxAcwMs: 300_000, MaxAcwReasonCode: 2, RonaReasonCode: 4, UnreachableReasonCode: 5,
		InterruptibleAuxCodes: []int32{1, 2, 4},
	}
	c.Skills = []*usherv1.Skill{
		{Name: "billing", RonaRings: 2}, {Name: "direct"},
		{Name: "orders", TimedAcwMs: 20_000, MultipleCallHandling: usherv1.MultipleCallHandling_MULTIPLE_CALL_HANDLING_ON_REQUEST},
		{Name: "german", RonaRings: 1, RonaVdn: "4002", MultipleCallHandling: usherv1.MultipleCallHandling_MULTIPLE_CALL_HANDLING_ONE_PER_SKILL},
	}
	c.Targets = []*usherv1.Target{{Name: "experts", Expression: `"billing" in skill`}}
	c.Vectors = []*usherv1.Vector{vectorNamed("v1", "billing"), vectorNamed("v2", "orders")}
	c.Vdns = []*usherv1.Vdn{
		{Name: "4001", Queue: "vectored", Skills: []string{"billing"}},
		{Name: "4002", Queue: "other", Skills: []string{"orders", "german"}, TimedAcwMs: 15_000},
		{Name: "4003", Queue: "vectored"},
	}
	c.CapacityRules = []*usherv1.CapacityRule{{Name: "either", AnyOf: []*usherv1.CapacityAlternative{
		{Media: map[string]int32{"chat": 1, "mail": 1}}, {Media: map[string]int32{"mail": 3}},
	}}}
	c.Views = []*usherv1.View{
		{Name: "vips", Queue: "inbound", Condition: "data.k >= 3.0", Order: []*usherv1.ViewOrder{{Property: "user_data.k", Descending: true}}},
		{Name: "held", Queue: "external", Condition: "interaction.is_held", Order: []*usherv1.ViewOrder{{Property: "priority"}}},
		{Name: "online", Queue: "vectored", Condition: `interaction.is_online || vdn == "4003"`},
	}
	c.ExternalServices = []*usherv1.ThirdServer{
		{Name: "bot", Type: "reply", TimeoutMs: 5_000}, {Name: "crm1", Type: "crm"}, {Name: "crm2", Type: "crm"},
	}
}

// vectorNamed is a vector that waits for a skill.
func vectorNamed(name, skill string) *usherv1.Vector {
	return &usherv1.Vector{Name: name, Text: "vector " + name + " \"test\"\n01 queue-to skill " + skill +
		" pri m\n02 wait-time 30 secs hearing music\n03 goto step 2 if unconditionally\n"}
}

// centre is a world with everybody registered and connected.
func centre(t testing.TB) *world {
	w := newWorld(t)
	w.must(admin, Apply{&usherv1.ApplyConfigurationRequest{Configuration: fixture()}})
	for _, who := range []Participant{media, agent1, agent2, agent3, supervisor, urs, urs2, crm1, crm2, bot} {
		w.must(who, registration(who))
		w.must(who, Connect{ConnectionID: who.ID + "-c"})
	}
	return w
}

func registration(who Participant) *usherv1.RequestRegisterClient {
	r := &usherv1.RequestRegisterClient{ClientType: clientTypes[who.Kind], Name: who.ID}
	switch who {
	case urs:
		r.Strategies = []string{"test", "link1"}
	case urs2:
		r.Strategies = []string{"test", "link1", "link2"}
	case media:
		r.Notify = []usherv1.Notify{usherv1.Notify_NOTIFY_TREATMENTS}
	}
	return r
}

func login(place string) *usherv1.RequestAgentLogin {
	return &usherv1.RequestAgentLogin{Place: place, Media: []*usherv1.MediaLogin{
		{MediaType: "chat", Ready: true}, {MediaType: "mail", Ready: true},
	}}
}

func data(t testing.TB, m map[string]any) *structpb.Struct {
	s, err := structpb.NewStruct(m)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
