package router

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"google.golang.org/protobuf/types/known/structpb"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
)

// floor is an engine and its router, brought together as the center does it.
type floor struct {
	t      *testing.T
	e      *engine.Engine
	router *Router
	now    engine.Millis
	next   engine.Sequence
	open   []invitation // some may be closed
	routed []string     // "interaction>agent"
	judge  bool         // judge decides what is right
	asked  map[string]int
}

type invitation struct {
	agent  string
	ticket uint64
}

func participant(kind usherv1.ParticipantKind, id string) engine.Participant {
	return engine.Participant{Kind: kind, ID: id}
}

func agentNamed(id string) engine.Participant {
	return participant(usherv1.ParticipantKind_PARTICIPANT_KIND_AGENT, id)
}

var (
	chat  = participant(usherv1.ParticipantKind_PARTICIPANT_KIND_MEDIA, "chat")
	admin = participant(usherv1.ParticipantKind_PARTICIPANT_KIND_ADMIN, "root")
)

func newFloor(t *testing.T, agents int) *floor {
	f := &floor{t: t, e: engine.New("acme"), router: New(), now: 1_000_000, next: 1}
	config := &usherv1.Configuration{
		MediaTypes:  []*usherv1.MediaType{{Name: "chat", DefaultCapacity: 2}, {Name: "voice"}},
		AgentGroups: []*usherv1.AgentGroup{{Name: "sales"}, {Name: "service"}},
		Queues: []*usherv1.Queue{
			{Name: "sales", Strategy: engine.LongestIdle, AgentGroup: "sales"},
			{Name: "service", Strategy: engine.LongestIdle, AgentGroup: "service"},
			{Name: "pulled"},
		},
	}
	for n := range agents {
		config.Agents = append(config.Agents, &usherv1.Agent{
			AgentId: fmt.Sprint("agent", n), AgentGroups: [][]string{{"sales"}, {"service"}, {"sales", "service"}}[n%3],
		})
	}
	f.must(admin, engine.Apply{Request: &usherv1.ApplyConfigurationRequest{Configuration: config}})
	f.must(chat, &usherv1.RequestRegisterClient{ClientType: usherv1.ClientType_CLIENT_TYPE_MEDIA_SERVER, Name: "chat"})
	for _, a := range config.Agents {
		who := agentNamed(a.AgentId)
		f.must(who, &usherv1.RequestRegisterClient{
			ClientType: usherv1.ClientType_CLIENT_TYPE_AGENT_APPLICATION, Name: a.AgentId,
		})
		f.must(who, engine.Connect{ConnectionID: a.AgentId})
		f.must(who, &usherv1.RequestAgentLogin{Media: []*usherv1.MediaLogin{
			{MediaType: "chat", Ready: true}, {MediaType: "voice", Ready: true},
		}})
	}
	return f
}

// ask hands a request to the engine; it may be refused.
func (f *floor) ask(from engine.Participant, request any) *usherv1.EventError {
	out := f.e.Handle(engine.Input{
		Now: f.now, Next: f.next, From: from, Request: request, NewID: engine.InteractionID(fmt.Sprint("i", f.next)),
	})
	f.took(out)
	return out.Err
}

func (f *floor) must(from engine.Participant, request any) {
	f.t.Helper()
	if why := f.ask(from, request); why != nil {
		f.t.Fatalf("%T: %v", request, why)
	}
	f.route()
}

func (f *floor) took(out engine.Output) {
	f.next += engine.Sequence(len(out.Entries))
	for _, entry := range out.Entries {
		if m := entry.Event.GetEventInvite(); m != nil {
			f.open = append(f.open, invitation{entry.To[0].ID, m.Ticket})
		}
	}
}

// pass lets time go by until the deadlines of engine and router are behind.
func (f *floor) pass(ms engine.Millis) {
	end := f.now + ms
	for {
		f.now = end
		for _, deadline := range []func() (engine.Millis, bool){f.e.NextDeadline, f.router.NextDeadline} {
			if at, ok := deadline(); ok {
				f.now = min(f.now, at)
			}
		}
		for out := f.e.Tick(f.now, f.next); len(out.Entries) > 0; out = f.e.Tick(f.now, f.next) {
			f.took(out)
		}
		f.route()
		if f.now == end {
			return
		}
	}
}

// route lets the router react. Whatever it asks for, the naive router asks for
// and a new router, and the engine must agree to it.
func (f *floor) route() {
	f.router.Update(f.e)
	for {
		request, ok := f.router.Next(f.now)
		fresh := New()
		fresh.Update(f.e)
		if again, _ := fresh.Next(f.now); !sameRequest(request, again) {
			f.t.Fatalf("the router asks for %v, a new one for %v", request, again)
		}
		f.compare(request)
		if !ok {
			break
		}
		f.count(request)
		if why := f.ask(engine.BuiltinRouter, request); why != nil {
			f.t.Fatalf("the engine refuses %v: %v", request, why)
		}
		f.router.Update(f.e)
	}
	if at, ok := f.router.NextDeadline(); ok && at <= f.now {
		f.t.Fatalf("at %d the deadline is %d", f.now, at)
	}
}

// compare holds a request against the naive router's.
func (f *floor) compare(request any) {
	if f.judge {
		if naive := (judge{f}).next(); !sameRequest(request, naive) {
			f.t.Fatalf("at %d the router asks for\n%v\nthe judge for\n%v", f.now, request, naive)
		}
		return
	}
	call, _ := request.(*usherv1.RequestRouteCall)
	interaction, agent := f.naive()
	if call.GetInteractionId() != interaction || call.GetAgent().GetAgentId() != agent {
		f.t.Fatalf("match %v, naive router %s to %s", call, interaction, agent)
	}
	if call != nil {
		f.routed = append(f.routed, interaction+">"+agent)
	}
}

// naive is what the engine's state says: lists and loops.
func (f *floor) naive() (interaction, agent string) {
	var waiting []*engine.Interaction
	for i := range f.e.EachInteraction {
		if i.WaitsFor(engine.BuiltinRouter) {
			waiting = append(waiting, i)
		}
	}
	slices.SortStableFunc(waiting, func(a, b *engine.Interaction) int {
		return cmp.Or(cmp.Compare(b.Priority(), a.Priority()), cmp.Compare(a.MovedToQueueAt(), b.MovedToQueueAt()))
	})
	for _, i := range waiting {
		var best *engine.Agent
		for a := range f.e.EachAgent {
			if slices.Contains(a.Groups(), f.e.GroupOf(i.Queue())) && a.Available(i.MediaType()) &&
				i.NotBefore(a.ID()) <= f.now && (best == nil || a.IdleSince() < best.IdleSince()) {
				best = a
			}
		}
		if best != nil {
			return string(i.ID()), string(best.ID())
		}
	}
	return "", ""
}

// take is the last open invitation.
func (f *floor) take() invitation {
	last := f.open[len(f.open)-1]
	f.open = f.open[:len(f.open)-1]
	return last
}

// Through the real engine: routed, rejected, asked again in time, accepted.
func TestThroughEngine(t *testing.T) {
	f := newFloor(t, 1)
	submit := func(id string, priority int32) {
		f.must(chat, &usherv1.RequestSubmit{InteractionId: id, Queue: "sales", MediaType: "voice", Priority: priority})
	}
	submit("first", 0)
	submit("second", 0)
	f.must(agentNamed("agent0"), &usherv1.RequestReject{Ticket: f.take().ticket}) // takes the second at once
	submit("urgent", 5)
	f.must(agentNamed("agent0"), &usherv1.RequestReject{Ticket: f.take().ticket})
	f.must(agentNamed("agent0"), &usherv1.RequestReject{Ticket: f.take().ticket})
	f.pass(4_999)
	want := []string{"first>agent0", "second>agent0", "urgent>agent0"}
	if !slices.Equal(f.routed, want) {
		t.Fatalf("routed %q, want %q", f.routed, want)
	}
	f.pass(1)
	f.must(agentNamed("agent0"), &usherv1.RequestAccept{Ticket: f.take().ticket})
	if want = append(want, "urgent>agent0"); !slices.Equal(f.routed, want) {
		t.Fatalf("routed %q, want %q", f.routed, want)
	}
}

// Through the real engine, at random.
func TestThroughEngineAtRandom(t *testing.T) {
	matches := 0
	for seed := range uint64(20) {
		f := newFloor(t, 7)
		random := rand.New(rand.NewPCG(seed, 2))
		accepted := 0
		for range 400 {
			who, request := f.anything(random)
			if f.ask(who, request) == nil {
				accepted++
			}
			f.route()
			if random.IntN(4) == 0 {
				f.pass(engine.Millis(random.IntN(3_000)))
			}
		}
		matches += len(f.routed)
		if accepted < 150 {
			t.Errorf("seed %d: only %d requests were carried out", seed, accepted)
		}
	}
	t.Logf("%d matches", matches)
}

// anything is a request of somebody.
func (f *floor) anything(random *rand.Rand) (engine.Participant, any) {
	agent := fmt.Sprint("agent", random.IntN(7))
	media := []string{"chat", "voice"}[random.IntN(2)]
	queue := []string{"sales", "service", "pulled"}[random.IntN(3)]
	interaction := ""
	for i := range f.e.EachInteraction {
		if interaction == "" || random.IntN(4) == 0 {
			interaction = string(i.ID())
		}
	}
	who := agentNamed(agent)
	switch random.IntN(22) {
	case 0, 1, 2, 3, 4:
		return chat, &usherv1.RequestSubmit{Queue: queue, MediaType: media, Priority: random.Int32N(3)}
	case 5, 6, 7, 8:
		if len(f.open) > 0 {
			inv := f.take()
			if random.IntN(2) == 0 {
				return agentNamed(inv.agent), &usherv1.RequestReject{Ticket: inv.ticket}
			}
			return agentNamed(inv.agent), &usherv1.RequestAccept{Ticket: inv.ticket}
		}
	case 9:
		return who, &usherv1.RequestNotReadyForMedia{MediaType: media}
	case 10, 11:
		return who, &usherv1.RequestCancelNotReadyForMedia{MediaType: media}
	case 12:
		return who, &usherv1.RequestAgentLogout{Force: true}
	case 13:
		return who, &usherv1.RequestAgentLogin{Media: []*usherv1.MediaLogin{{MediaType: media, Ready: true}}}
	case 14:
		return who, &usherv1.RequestAddMedia{MediaType: media, Ready: true}
	case 15:
		return who, engine.Disconnect{ConnectionID: agent}
	case 16:
		return who, engine.Connect{ConnectionID: agent}
	}
	return f.anythingOf(random, interaction, queue)
}

// anythingOf is a request about an interaction, or a change of configuration.
func (f *floor) anythingOf(random *rand.Rand, interaction, queue string) (engine.Participant, any) {
	holder := chat
	if i := f.e.Interaction(engine.InteractionID(interaction)); i != nil {
		if id := i.Properties(engine.Report, true).AssignedTo; id != "" {
			holder = agentNamed(id)
		}
	}
	switch random.IntN(7) {
	case 0:
		return chat, &usherv1.RequestHold{InteractionId: interaction}
	case 1:
		return chat, &usherv1.RequestResume{InteractionId: interaction}
	case 2:
		priority := structpb.NewNumberValue(float64(random.IntN(5)))
		return chat, &usherv1.RequestChangeProperties{
			InteractionId: interaction,
			Properties:    &structpb.Struct{Fields: map[string]*structpb.Value{"priority": priority}},
		}
	case 3:
		return holder, &usherv1.RequestPlaceInQueue{InteractionId: interaction, Queue: queue}
	case 4:
		return admin, engine.Apply{Request: &usherv1.ApplyConfigurationRequest{Configuration: &usherv1.Configuration{
			Queues: []*usherv1.Queue{{
				Name: "service", Strategy: engine.LongestIdle, AgentGroup: []string{"sales", "service"}[random.IntN(2)],
			}},
		}}}
	}
	return holder, &usherv1.RequestStopProcessing{InteractionId: interaction}
}
