package engine

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

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
	return pick(c.Rand, "inbound", "second", "external", "routed", "sales", "vectored", "other", "__BACK__", "no")
}
func (c chooser) vdn() string     { return pick(c.Rand, "4001", "4002", "4003", "no") }
func (c chooser) skill() string   { return pick(c.Rand, "billing", "orders", "german", "direct") }
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

// line is one that may be said, or not.
func (c chooser) line() *usherv1.Line {
	l := &usherv1.Line{
		Kind: usherv1.LineKind(c.IntN(5)), Text: pick(c.Rand, "hello", "hello", "hello", ""), Visibility: usherv1.LineVisibility(c.IntN(4)),
	}
	if l.Kind == lineAttachment || c.IntN(10) == 0 {
		l.Attachment = &usherv1.Attachment{Id: anAttachment, Name: pick(c.Rand, "a.png", "b.png", "b/c.png"), ContentType: "image/png", Size: 5}
	}
	return l
}

func (c chooser) addLine() *usherv1.RequestAddLine {
	return &usherv1.RequestAddLine{InteractionId: c.interaction(), Line: c.line(), AuthorName: pick(c.Rand, "", "", "Mr Jones")}
}

func (c chooser) view() string { return pick(c.Rand, "vips", "held", "online", "no") }

func (c chooser) toAgent(interaction, skill string) *usherv1.RequestRouteCall {
	target := &usherv1.AgentTarget{AgentId: c.agent(), Skill: skill}
	if c.IntN(2) == 0 {
		target.Served = &usherv1.ServedPlace{
			Kind: pick(c.Rand, ServedSkill, ServedTarget, ServedGroup, ServedAgent), Name: skill,
			WaitedMs: int64(c.IntN(100_000)), Working: 1, Staffed: 2, Waiting: c.Int32N(2), Rank: c.Int32N(4) - 1,
		}
	}
	return &usherv1.RequestRouteCall{InteractionId: interaction, ReferenceId: "r", Target: &usherv1.RequestRouteCall_Agent{Agent: target}}
}

func (c chooser) service(interaction string) *usherv1.RequestPrivateService {
	r := &usherv1.RequestPrivateService{InteractionId: interaction, Method: "ask", ReferenceId: "p", TimeoutMs: int64(c.IntN(3)) * 4_000}
	r.Of = &usherv1.RequestPrivateService_Type{Type: pick(c.Rand, "crm", "reply", "no")}
	if c.IntN(2) == 0 {
		r.Of = &usherv1.RequestPrivateService_Service{Service: pick(c.Rand, "crm1", "bot", "no")}
	}
	return r
}

// request is mostly an open request to an external service.
func (c chooser) request() uint64 {
	ids := sortedKeys(c.w.e.serviceRequests)
	if len(ids) == 0 || c.IntN(10) == 0 {
		return uint64(c.IntN(int(c.w.next)))
	}
	return pick(c.Rand, ids...)
}

// suspend is for an interaction that is in a vector; others the router leaves
// alone.
func (c chooser) suspend(interaction string) *Suspend {
	if i := c.w.e.interactions[InteractionID(interaction)]; i == nil || i.strategy != Vectored {
		interaction = ""
	}
	return &Suspend{InteractionID: InteractionID(interaction), State: c.vectorState(interaction)}
}

// vectorState is where a vector may suspend an interaction next.
func (c chooser) vectorState(interaction string) *usherv1.VectorState {
	now := int64(c.w.now)
	s := &usherv1.VectorState{Vector: pick(c.Rand, "v1", "v2"), Step: int32(1 + c.IntN(4)), Executed: 3}
	if i := c.w.e.interactions[InteractionID(interaction)]; i != nil && i.vector != nil {
		s = proto.CloneOf(i.vector)
		s.Executed += 2
	} else {
		_, s.Version = c.w.e.PresentVector(s.Vector)
	}
	if c.IntN(3) == 0 {
		s.Returns = append(s.Returns, &usherv1.VectorReturn{Vector: s.Vector, Version: s.Version, Step: s.Step})
		s.Vector = pick(c.Rand, "v1", "v2")
		_, s.Version = c.w.e.PresentVector(s.Vector)
	}
	if len(s.Returns) > 2 {
		s.Returns = s.Returns[1:]
	}
	s.ResumeAtMs = pick(c.Rand, 0, now+1, now+30_000)
	if s.Queueings = nil; c.IntN(4) > 0 {
		s.Queueings = []*usherv1.Queueing{{Skill: c.skill(), Priority: 2, QueuedAtMs: now}, {Target: "experts", Priority: 3, QueuedAtMs: now}, {Agent: "agent1", Priority: 4, QueuedAtMs: now}}[:1+c.IntN(3)]
	}
	s.Adjuncts = pick(c.Rand, nil, nil, []string{"link1"}, []string{"link2"}, []string{"link1", "link2"}, []string{"down"})
	s.Treatment = pick(c.Rand, nil, s.Treatment, &usherv1.Treatment{Kind: usherv1.TreatmentKind_TREATMENT_KIND_MUSIC})
	s.Conversing = len(s.Queueings) > 0 && c.IntN(6) == 0
	s.Ended = !s.Conversing && c.IntN(8) == 0
	if call := s.ServiceCall; c.IntN(4) == 0 && (call == nil || call.Answered) {
		s.ServiceCall = &usherv1.VectorServiceCall{Type: pick(c.Rand, "crm", "reply", "no"), Method: "ask", DeadlineMs: now + 4_000}
	}
	return s
}

// requests makes one random request of every type that agents, media servers
// and routers may send.
func (c chooser) requests() []any {
	return append(c.stateRequests(), append(c.interactionRequests(), c.otherRequests()...)...)
}

// login has a work mode at times, legal or not.
func (c chooser) login(place string) *usherv1.RequestAgentLogin {
	r := login(place)
	r.Extension = pick(c.Rand, "", "", "", "100", "200", "*2#", "no")
	if c.IntN(2) == 0 {
		r.WorkMode = usherv1.WorkMode(c.IntN(6))
	}
	if r.WorkMode == modeAux {
		r.ReasonCode = int32(c.IntN(3))
	}
	return r
}

func (c chooser) workMode(agent string) *usherv1.RequestSetAgentState {
	r := &usherv1.RequestSetAgentState{WorkMode: usherv1.WorkMode(c.IntN(6)), AgentId: agent, Reason: c.reason()}
	if r.WorkMode == modeAux {
		r.ReasonCode = int32(c.IntN(102))
	}
	return r
}

func (c chooser) stateRequests() []any {
	return []any{
		c.login(pick(c.Rand, "", "place1", "place2", "place4", "place9")),
		&usherv1.RequestAgentLogout{Force: c.IntN(2) == 0, AgentId: c.another()},
		&usherv1.RequestAddMedia{MediaType: c.media(), Ready: true, AgentId: c.another()},
		&usherv1.RequestRemoveMedia{MediaType: c.media(), AgentId: c.another()},
		&usherv1.RequestNotReadyForMedia{MediaType: c.media(), Reason: c.reason(), AgentId: c.another()},
		&usherv1.RequestCancelNotReadyForMedia{MediaType: c.media(), AgentId: c.another()},
		&usherv1.RequestChangeMediaStateReason{MediaType: c.media(), Reason: "r", AgentId: c.another()},
		&usherv1.RequestChangeAgentStateReason{Reason: "r", AgentId: c.another()},
		c.workMode(c.another()),
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
		&usherv1.RequestSubmit{InteractionId: i, MediaType: c.media(), Vdn: c.vdn(), Queue: pick(c.Rand, "", "", "inbound")},
		&usherv1.RequestAccept{Ticket: c.ticket()},
		&usherv1.RequestReject{Ticket: c.ticket(), Reason: c.reason()},
		&usherv1.RequestPull{Source: &usherv1.RequestPull_Queue{Queue: c.queue()}, Count: int32(c.IntN(3))},
		&usherv1.RequestPull{Source: &usherv1.RequestPull_Workbin{Workbin: c.workbin()}, InteractionId: pick(c.Rand, "", i)},
		&usherv1.RequestPull{Source: &usherv1.RequestPull_View{View: c.view()}, Count: int32(c.IntN(3))},
		&usherv1.RequestPlaceInQueue{InteractionId: i, Queue: c.queue(), Reason: c.reason()},
		&usherv1.RequestPlaceInQueue{InteractionId: i, Vdn: c.vdn()},
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
		c.toAgent(i, ""), c.toAgent(i, c.skill()),
		&usherv1.RequestRouteCall{InteractionId: i, Target: &usherv1.RequestRouteCall_Vdn{Vdn: c.vdn()}},
		&usherv1.RequestRouteCall{InteractionId: i, Target: &usherv1.RequestRouteCall_Queue{Queue: c.queue()}},
		&usherv1.RequestRouteCall{InteractionId: i, Target: &usherv1.RequestRouteCall_Workbin{Workbin: c.workbin()}},
		&usherv1.RequestRouteCall{InteractionId: i, Target: &usherv1.RequestRouteCall_Stop{Stop: true}},
		&usherv1.RequestRouteCall{InteractionId: i},
		&usherv1.RequestUpdateUserData{InteractionId: i, UserData: data(c.w.t, map[string]any{"r": 1}), ExpectedVersion: uint64(c.IntN(3))},
		c.service(i),
		c.suspend(i), &InterruptAux{AgentID: AgentID(c.agent())},
		c.addLine(), &usherv1.RequestTyping{InteractionId: i, Stopped: c.IntN(2) == 0},
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
		Connect{ConnectionID: fmt.Sprintf("c%d", c.IntN(4)), Kind: pick(c.Rand, "", "telephone", wallKind)},
		Connect{ConnectionID: fmt.Sprintf("c%d", c.IntN(4)), Kind: pick(c.Rand, "", "telephone", wallKind)},
		Disconnect{ConnectionID: fmt.Sprintf("c%d", c.IntN(4))},
		Disconnect{ConnectionID: pick(c.Rand, "urs-c", "agent1-c", "chat1-c")},
		&usherv1.Event3RdServerResponse{RequestId: c.request(), Response: data(c.w.t, map[string]any{"answer": c.IntN(3)})},
		&usherv1.Event3RdServerFault{RequestId: c.request(), Fault: c.reason()},
		&usherv1.RequestPull{}, &usherv1.RequestSubmit{}, &usherv1.Event{},
	}
}
