package engine

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
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
	admin      = Participant{Kind: usherv1.ParticipantKind_PARTICIPANT_KIND_ADMIN, ID: "root"}
)

func fixture() *usherv1.Configuration {
	capacity := map[string]int32{"chat": 1, "mail": 2, "voice": 1}
	return &usherv1.Configuration{
		MediaTypes:  []*usherv1.MediaType{{Name: "chat"}, {Name: "mail", Offline: true}, {Name: "voice"}},
		Places:      []*usherv1.Place{{Name: "place1"}, {Name: "place2"}, {Name: "place3"}, {Name: "place4"}},
		PlaceGroups: []*usherv1.PlaceGroup{{Name: "desks", Places: []string{"place1", "place2"}}},
		AgentGroups: []*usherv1.AgentGroup{{Name: "support"}, {Name: "sales"}},
		Agents: []*usherv1.Agent{
			{AgentId: "agent1", AgentGroups: []string{"support"}, Capacity: capacity},
			{AgentId: "agent2", AgentGroups: []string{"support"}, Capacity: capacity},
			{AgentId: "agent3", AgentGroups: []string{"sales"}, Capacity: capacity},
			{AgentId: "supervisor", Supervisor: true, Capacity: capacity},
		},
		Queues: []*usherv1.Queue{
			{Name: "inbound"}, {Name: "second"}, {Name: "external", Strategy: "test"},
			{Name: "routed", Strategy: LongestIdle, AgentGroup: "support"},
			{Name: "sales", Strategy: LongestIdle, AgentGroup: "sales"},
		},
		Workbins: []*usherv1.WorkbinType{
			{Name: "drafts", OwnerKind: usherv1.OwnerKind_OWNER_KIND_AGENT},
			{Name: "team", OwnerKind: usherv1.OwnerKind_OWNER_KIND_AGENT_GROUP},
			{Name: "desk", OwnerKind: usherv1.OwnerKind_OWNER_KIND_PLACE},
			{Name: "floor", OwnerKind: usherv1.OwnerKind_OWNER_KIND_PLACE_GROUP},
		},
	}
}

// centre is a world with everybody registered and connected.
func centre(t testing.TB) *world {
	w := newWorld(t)
	w.must(admin, Apply{&usherv1.ApplyConfigurationRequest{Configuration: fixture()}})
	for _, who := range []Participant{media, agent1, agent2, agent3, supervisor, urs, urs2} {
		w.must(who, registration(who))
		w.must(who, Connect{ConnectionID: who.ID + "-c"})
	}
	return w
}

func registration(who Participant) *usherv1.RequestRegisterClient {
	r := &usherv1.RequestRegisterClient{ClientType: clientTypes[who.Kind], Name: who.ID}
	if who.Kind == urs.Kind {
		r.Strategies = []string{"test"}
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

// pick is a random choice.
func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

// chooser makes random requests about few objects, so that they meet.
type chooser struct {
	*rand.Rand
	w *world
}

func (c chooser) interaction() string {
	if c.IntN(20) == 0 {
		return pick(c.Rand, "", "nobody", "i-stopped")
	}
	live := slices.Collect(c.w.e.EachInteraction)
	if len(live) == 0 || c.IntN(10) == 0 {
		return fmt.Sprintf("i%d", c.IntN(12))
	}
	return string(pick(c.Rand, live...).ID())
}

func (c chooser) agent() string {
	return pick(c.Rand, "agent1", "agent2", "agent3", "supervisor", "nobody")
}
func (c chooser) media() string { return pick(c.Rand, "chat", "mail", "voice", "fax") }
func (c chooser) queue() string {
	return pick(c.Rand, "inbound", "second", "external", "routed", "sales", "__BACK__", "no")
}
func (c chooser) reason() string  { return pick(c.Rand, "", "lunch") }
func (c chooser) another() string { return pick(c.Rand, "", "", "", "agent1", "agent2") }

func (c chooser) workbin() *usherv1.Workbin {
	return &usherv1.Workbin{
		Name:  pick(c.Rand, "drafts", "drafts", "team", "desk", "floor", "no"),
		Owner: pick(c.Rand, "", "", "agent1", "support", "place1", "desks", "no"),
	}
}

func (c chooser) ticket() uint64 {
	var open []Ticket
	for i := range c.w.e.EachInteraction {
		for _, inv := range i.invitations {
			open = append(open, inv.ticket)
		}
	}
	if len(open) == 0 || c.IntN(10) == 0 {
		return uint64(c.IntN(int(c.w.next)))
	}
	return uint64(pick(c.Rand, open...))
}

func (c chooser) snapshot() uint64 {
	ids := sortedKeys(c.w.e.snapshots)
	if len(ids) == 0 {
		return 1
	}
	return pick(c.Rand, ids...)
}

// requests makes one random request of every type that agents, media servers
// and routers may send.
func (c chooser) requests() []any {
	return append(c.stateRequests(), append(c.interactionRequests(), c.otherRequests()...)...)
}

func (c chooser) stateRequests() []any {
	return []any{
		login(pick(c.Rand, "", "place1", "place2", "place9")),
		&usherv1.RequestAgentLogout{Force: c.IntN(2) == 0, AgentId: c.another()},
		&usherv1.RequestAddMedia{MediaType: c.media(), Ready: true, AgentId: c.another()},
		&usherv1.RequestRemoveMedia{MediaType: c.media(), AgentId: c.another()},
		&usherv1.RequestNotReadyForMedia{MediaType: c.media(), Reason: c.reason(), AgentId: c.another()},
		&usherv1.RequestCancelNotReadyForMedia{MediaType: c.media(), AgentId: c.another()},
		&usherv1.RequestChangeMediaStateReason{MediaType: c.media(), Reason: "r", AgentId: c.another()},
		&usherv1.RequestChangeAgentStateReason{Reason: "r", AgentId: c.another()},
		&usherv1.RequestDoNotDisturbOn{AgentId: c.another()},
		&usherv1.RequestDoNotDisturbOff{AgentId: c.another()},
		registration(pick(c.Rand, media, agent1, urs)),
	}
}

func (c chooser) interactionRequests() []any {
	i := c.interaction()
	return []any{
		&usherv1.RequestSubmit{InteractionId: i, Queue: c.queue(), MediaType: c.media(), IsOnline: c.IntN(2) == 0, Priority: int32(c.IntN(3))},
		&usherv1.RequestSubmit{InteractionId: i, MediaType: c.media()},
		&usherv1.RequestAccept{Ticket: c.ticket()},
		&usherv1.RequestReject{Ticket: c.ticket(), Reason: c.reason()},
		&usherv1.RequestPull{Source: &usherv1.RequestPull_Queue{Queue: c.queue()}, Count: int32(c.IntN(3))},
		&usherv1.RequestPull{Source: &usherv1.RequestPull_Workbin{Workbin: c.workbin()}, InteractionId: pick(c.Rand, "", i)},
		&usherv1.RequestPlaceInQueue{InteractionId: i, Queue: c.queue(), Reason: c.reason()},
		&usherv1.RequestPlaceInWorkbin{InteractionId: i, Workbin: c.workbin()},
		&usherv1.RequestTransfer{InteractionId: i, AgentId: c.agent(), ReferenceId: "t"},
		&usherv1.RequestConference{InteractionId: i, AgentId: c.agent(), Visibility: usherv1.VisibilityMode(c.IntN(5)), ReferenceId: "c"},
		&usherv1.RequestCancelInvitation{InteractionId: i, AgentId: c.agent()},
		&usherv1.RequestLeaveInteraction{InteractionId: i},
		&usherv1.RequestChangeProperties{
			InteractionId: i, UserData: data(c.w.t, map[string]any{"k": c.IntN(5)}),
			Properties: data(c.w.t, map[string]any{pick(c.Rand, "priority", "is_online", "external_id", "no"): pick[any](c.Rand, 1, true, "x")}),
		},
		&usherv1.RequestStopProcessing{InteractionId: i, Reason: c.reason()},
		&usherv1.RequestIntrude{InteractionId: i, Visibility: usherv1.VisibilityMode(c.IntN(4))},
		&usherv1.RequestHold{InteractionId: i},
		&usherv1.RequestResume{InteractionId: i},
		&usherv1.RequestRouteCall{InteractionId: i, Target: &usherv1.RequestRouteCall_Agent{Agent: &usherv1.AgentTarget{AgentId: c.agent()}}, ReferenceId: "r"},
		&usherv1.RequestRouteCall{InteractionId: i, Target: &usherv1.RequestRouteCall_Agent{Agent: &usherv1.AgentTarget{AgentId: c.agent()}}, ReferenceId: "r"},
		&usherv1.RequestRouteCall{InteractionId: i, Target: &usherv1.RequestRouteCall_Queue{Queue: c.queue()}},
		&usherv1.RequestRouteCall{InteractionId: i, Target: &usherv1.RequestRouteCall_Workbin{Workbin: c.workbin()}},
		&usherv1.RequestRouteCall{InteractionId: i, Target: &usherv1.RequestRouteCall_Stop{Stop: true}},
		&usherv1.RequestRouteCall{InteractionId: i},
		&usherv1.RequestUpdateUserData{InteractionId: i, UserData: data(c.w.t, map[string]any{"r": 1}), ExpectedVersion: uint64(c.IntN(3))},
		&usherv1.RequestGetInteractionProperties{InteractionId: i},
		&usherv1.RequestCustomReporting{InteractionId: i, Name: pick(c.Rand, "", "n")},
	}
}

func (c chooser) otherRequests() []any {
	i := c.interaction()
	conditions := []*usherv1.Condition{{
		Property: pick(c.Rand, "queue", "state", "priority", "user_data.k", "no", "parties"), Comparison: usherv1.Comparison(c.IntN(9)),
		Value: pick(c.Rand, structpb.NewStringValue("inbound"), structpb.NewNumberValue(1), nil),
	}}
	order := []*usherv1.Order{{Property: pick(c.Rand, "priority", "user_data.k", "interaction_id", "no"), Descending: c.IntN(2) == 0}}
	return []any{
		&usherv1.RequestGetWorkbinContent{Workbin: c.workbin()},
		&usherv1.RequestWorkbinNotifications{Workbin: c.workbin(), Cancel: c.IntN(2) == 0},
		&usherv1.RequestTakeSnapshot{Lock: c.IntN(2) == 0, Conditions: conditions[c.IntN(2):], Order: order[c.IntN(2):], Limit: 5},
		&usherv1.RequestGetSnapshotInteractions{SnapshotId: c.snapshot(), Start: int32(c.IntN(3)), Count: int32(c.IntN(3))},
		&usherv1.RequestLockInteraction{SnapshotId: c.snapshot(), InteractionId: i},
		&usherv1.RequestUnlockInteraction{SnapshotId: c.snapshot(), InteractionId: i},
		&usherv1.RequestMoveInteractions{SnapshotId: c.snapshot(), Queue: c.queue()},
		&usherv1.RequestReleaseSnapshot{SnapshotId: c.snapshot()},
		&usherv1.RequestFindInteractions{Conditions: conditions[c.IntN(2):], Order: order[c.IntN(2):]},
		Connect{ConnectionID: fmt.Sprintf("c%d", c.IntN(4)), Kind: pick(c.Rand, "", "telephone")},
		Connect{ConnectionID: fmt.Sprintf("c%d", c.IntN(4)), Kind: pick(c.Rand, "", "telephone")},
		Disconnect{ConnectionID: fmt.Sprintf("c%d", c.IntN(4))},
		Disconnect{ConnectionID: pick(c.Rand, "urs-c", "agent1-c", "chat1-c")},
		&usherv1.RequestPull{}, &usherv1.RequestSubmit{}, &usherv1.Event{},
	}
}

// likely are requests that the participant may well succeed with; without
// them random work would mostly be refused.
func (c chooser) likely(from Participant) []any {
	submit := &usherv1.RequestSubmit{
		Queue: pick(c.Rand, "inbound", "second", "external", "routed"), MediaType: pick(c.Rand, "chat", "mail"),
	}
	var routed, handled []string
	for i := range c.w.e.EachInteraction {
		if i.State() == stateRouting {
			routed = append(routed, string(i.ID()))
		}
		if i.party(AgentID(from.ID)) != nil {
			handled = append(handled, string(i.ID()))
		}
	}
	switch {
	case from.Kind == media.Kind && len(c.w.e.interactions) < 20:
		return []any{submit}
	case from.Kind == urs.Kind && len(routed) > 0:
		return about([]any{
			&usherv1.RequestRouteCall{Target: &usherv1.RequestRouteCall_Agent{Agent: &usherv1.AgentTarget{AgentId: c.agent()}}, ReferenceId: "r"},
			&usherv1.RequestUpdateUserData{UserData: data(c.w.t, map[string]any{"r": 1})},
		}, pick(c.Rand, routed...))
	case from.Kind != agent1.Kind:
		return c.requests()
	}
	if c.w.e.agents[AgentID(from.ID)] == nil {
		return []any{login(""), Connect{ConnectionID: from.ID + "-c"}}
	}
	requests := []any{
		Connect{ConnectionID: from.ID + "-c"}, &usherv1.RequestDoNotDisturbOff{}, &usherv1.RequestCancelNotReadyForMedia{MediaType: c.media()},
		&usherv1.RequestAccept{Ticket: c.ticket()}, &usherv1.RequestAccept{Ticket: c.ticket()}, &usherv1.RequestReject{Ticket: c.ticket()},
		&usherv1.RequestPull{Source: &usherv1.RequestPull_Queue{Queue: pick(c.Rand, "inbound", "second", "external")}},
	}
	if from == supervisor {
		requests = append(requests, &usherv1.RequestIntrude{InteractionId: c.interaction()})
	}
	if len(handled) > 0 {
		requests = append(requests, about([]any{
			&usherv1.RequestTransfer{AgentId: c.agent(), ReferenceId: "t"}, &usherv1.RequestConference{AgentId: c.agent(), ReferenceId: "c"},
			&usherv1.RequestConference{AgentId: c.agent(), ReferenceId: "d"}, &usherv1.RequestCancelInvitation{AgentId: c.agent()},
			&usherv1.RequestLeaveInteraction{}, &usherv1.RequestPlaceInWorkbin{Workbin: c.workbin()},
		}, pick(c.Rand, handled...))...)
	}
	return requests
}

// TestRandomWork lets everybody ask anything, with time passing, and holds
// every step against the invariants and the whole against the fold.
func TestRandomWork(t *testing.T) {
	steps, taken, mu := 4_000, map[string]int{}, sync.Mutex{}
	if testing.Short() {
		steps = 500
	}
	t.Run("seeds", func(t *testing.T) {
		for seed := range uint64(8) {
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				t.Parallel()
				carriedOut := randomWork(t, seed, steps)
				mu.Lock()
				defer mu.Unlock()
				for name, n := range carriedOut {
					taken[name] += n
				}
			})
		}
	})
	c := chooser{rand.New(rand.NewPCG(0, 0)), centre(t)}
	for _, request := range c.requests() {
		if name := fmt.Sprintf("%T", request); taken[name] == 0 && name != "*usherv1.Event" && !testing.Short() {
			t.Errorf("no %s was ever carried out: the work is not random enough", name)
		}
	}
}

func randomWork(t *testing.T, seed uint64, steps int) map[string]int {
	w := centre(t)
	c := chooser{rand.New(rand.NewPCG(seed, 1)), w}
	for n, who := range []Participant{agent1, agent2, agent3, supervisor} {
		w.must(who, login(fmt.Sprintf("place%d", n+1)))
	}
	carriedOut := map[string]int{}
	for range steps {
		from := pick(c.Rand, media, media, agent1, agent1, agent2, agent3, supervisor, urs, urs2, BuiltinRouter)
		requests := c.requests()
		if c.IntN(3) > 0 {
			requests = c.likely(from)
		}
		if request := pick(c.Rand, requests...); w.ask(from, request).Err == nil {
			carriedOut[fmt.Sprintf("%T", request)]++
		}
		if c.IntN(8) == 0 {
			w.pass(Millis(pick(c.Rand, 100, 5_000, 40_000, 90_000)))
		}
		if c.IntN(400) == 0 {
			w.pass(13 * 60 * 60 * 1000)
		}
	}
	w.checkFold()
	return carriedOut
}
