package engine

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// likely are requests that the participant may well succeed with; without
// them random work would mostly be refused.
func (c chooser) likely(from Participant) []any {
	switch from.Kind {
	case media.Kind:
		return c.likelyOfMedia(from)
	case urs.Kind:
		return c.likelyOfRouter(from)
	case crm1.Kind:
		return c.likelyOfService(from)
	case admin.Kind:
		return []any{c.configuration()}
	case agent1.Kind:
		return c.likelyOfAgent(from)
	}
	return c.requests()
}

func (c chooser) likelyOfMedia(from Participant) []any {
	submit := &usherv1.RequestSubmit{
		Queue: pick(c.Rand, "inbound", "second", "external", "routed", "vectored"), MediaType: pick(c.Rand, "chat", "mail"),
		UserData: data(c.w.t, map[string]any{"k": c.IntN(5)}),
	}
	if c.IntN(3) == 0 {
		submit.Queue, submit.Vdn = "", pick(c.Rand, "4001", "4002", "4003")
	}
	requests := c.likelyOfSnapshots(from)
	if len(c.w.e.interactions) < 20 {
		requests = append(requests, submit, submit, submit)
	}
	for i := range c.w.e.EachInteraction {
		if i.props.IsHeld {
			requests = append(requests, &usherv1.RequestResume{InteractionId: string(i.ID())})
		}
	}
	return append(requests, c.addLine(), &usherv1.RequestHold{InteractionId: c.interaction()}, &usherv1.RequestChangeProperties{
		InteractionId: c.interaction(), UserData: data(c.w.t, map[string]any{"k": c.IntN(5)}),
	})
}

// likelyOfService are answers to the requests that it has.
func (c chooser) likelyOfService(from Participant) []any {
	requests := c.otherRequests()
	for _, id := range sortedKeys(c.w.e.serviceRequests) {
		if c.w.e.serviceRequests[id].body().Service == from.ID {
			requests = []any{
				&usherv1.Event3RdServerResponse{RequestId: id, Response: data(c.w.t, map[string]any{"answer": 1})},
				&usherv1.Event3RdServerFault{RequestId: id},
			}
		}
	}
	return requests
}

// likelyOfSnapshots are requests about a snapshot that the client has.
func (c chooser) likelyOfSnapshots(from Participant) []any {
	ids := c.w.e.snapshotsOf(from)
	if len(ids) == 0 {
		return []any{&usherv1.RequestTakeSnapshot{Lock: c.IntN(3) == 0, Limit: 5}}
	}
	id := pick(c.Rand, ids...)
	in := c.w.e.snapshots[id].InteractionIds
	if len(in) == 0 {
		return []any{&usherv1.RequestReleaseSnapshot{SnapshotId: id}}
	}
	i := pick(c.Rand, in...)
	return []any{
		&usherv1.RequestLockInteraction{SnapshotId: id, InteractionId: i}, &usherv1.RequestUnlockInteraction{SnapshotId: id, InteractionId: i},
		&usherv1.RequestMoveInteractions{SnapshotId: id, Queue: c.queue()}, &usherv1.RequestGetSnapshotInteractions{SnapshotId: id},
		&usherv1.RequestReleaseSnapshot{SnapshotId: id},
	}
}

func (c chooser) likelyOfRouter(from Participant) []any {
	var has, vectored []string
	for i := range c.w.e.EachInteraction {
		if i.router == from || i.askedAsAdjunct(from) {
			has = append(has, string(i.ID()))
		}
		if from == BuiltinRouter && i.Strategy() == Vectored && i.WaitsFor(BuiltinRouter) {
			vectored = append(vectored, string(i.ID()))
		}
	}
	if len(has) == 0 {
		return c.requests()
	}
	requests := about([]any{
		c.toAgent("", ""), c.toAgent("", c.skill()), c.toAgent("", c.skill()), c.service(""),
		&usherv1.RequestUpdateUserData{UserData: data(c.w.t, map[string]any{"k": c.IntN(5)})},
		pick(c.Rand,
			&usherv1.RequestRouteCall{Target: &usherv1.RequestRouteCall_Vdn{Vdn: c.vdn()}},
			&usherv1.RequestRouteCall{Target: &usherv1.RequestRouteCall_Queue{Queue: c.queue()}},
			&usherv1.RequestRouteCall{Target: &usherv1.RequestRouteCall_Workbin{Workbin: &usherv1.Workbin{Name: "drafts", Owner: "agent1"}}},
			&usherv1.RequestRouteCall{Target: &usherv1.RequestRouteCall_Stop{Stop: true}},
		),
	}, pick(c.Rand, has...))
	if from == BuiltinRouter {
		for a := range c.w.e.EachAgent {
			requests = append(requests, &InterruptAux{AgentID: a.id})
		}
	}
	for range min(len(vectored), 4) {
		id := pick(c.Rand, vectored...)
		requests = append(requests, c.suspend(id))
	}
	return requests
}

func (c chooser) likelyOfAgent(from Participant) []any {
	a := c.w.e.agents[AgentID(from.ID)]
	if a == nil {
		return []any{c.login(""), Connect{ConnectionID: from.ID + "-c"}}
	}
	requests := []any{
		Connect{ConnectionID: from.ID + "-c"}, &usherv1.RequestDoNotDisturbOff{}, &usherv1.RequestCancelNotReadyForMedia{MediaType: c.media()},
		&usherv1.RequestAccept{Ticket: c.ticket()}, &usherv1.RequestAccept{Ticket: c.ticket()}, &usherv1.RequestReject{Ticket: c.ticket()},
		&usherv1.RequestPull{Source: &usherv1.RequestPull_Queue{Queue: pick(c.Rand, "inbound", "second", "external", "vectored")}},
		&usherv1.RequestPull{Source: &usherv1.RequestPull_View{View: c.view()}}, c.workMode(""),
		&usherv1.RequestSetAgentState{WorkMode: pick(c.Rand, modeAuto, modeManual)},
	}
	requests = append(requests, pick(c.Rand, c.likelyOfSnapshots(from)...), pick[any](c.Rand,
		&usherv1.RequestAddMedia{MediaType: "voice", Ready: true}, &usherv1.RequestRemoveMedia{MediaType: c.media()},
		&usherv1.RequestGetWorkbinContent{Workbin: c.workbin()}, &usherv1.RequestWorkbinNotifications{Workbin: &usherv1.Workbin{Name: "drafts"}, Cancel: c.IntN(2) == 0},
		&usherv1.RequestPull{Source: &usherv1.RequestPull_Workbin{Workbin: &usherv1.Workbin{Name: "drafts"}}},
		&usherv1.RequestChangeAgentStateReason{Reason: "r"}, &usherv1.RequestChangeMediaStateReason{MediaType: c.media()},
	))
	for _, inv := range a.invitations {
		accept, reject := &usherv1.RequestAccept{Ticket: uint64(inv.ticket)}, &usherv1.RequestReject{Ticket: uint64(inv.ticket)}
		requests = append(requests, accept, accept, accept, reject, reject)
	}
	if from == supervisor {
		requests = append(requests, c.workMode(c.agent()))
		for i := range c.w.e.EachInteraction {
			if len(i.parties) > 0 {
				requests = append(requests, &usherv1.RequestIntrude{InteractionId: string(i.ID())})
			}
		}
	}
	for _, i := range a.handling[:min(1, len(a.handling))] {
		requests = append(requests, about([]any{
			&usherv1.RequestTransfer{AgentId: c.agent(), ReferenceId: "t"}, &usherv1.RequestConference{AgentId: c.agent(), ReferenceId: "c"},
			&usherv1.RequestConference{AgentId: c.agent(), ReferenceId: "d"}, &usherv1.RequestLeaveInteraction{},
			&usherv1.RequestPlaceInWorkbin{Workbin: c.workbin()}, &usherv1.RequestPlaceInQueue{Queue: c.queue()},
			&usherv1.RequestPlaceInQueue{Vdn: c.vdn()}, &usherv1.RequestStopProcessing{},
			&usherv1.RequestAddLine{Line: c.line()}, &usherv1.RequestTyping{},
		}, string(i.ID()))...)
		for _, inv := range i.invitations {
			cancel := &usherv1.RequestCancelInvitation{InteractionId: string(i.ID()), AgentId: string(inv.agent)}
			requests = append(requests, slices.Repeat([]any{cancel}, 20)...)
		}
	}
	return requests
}

// configuration is a change of what interactions and agents depend on.
func (c chooser) configuration() Apply {
	given := &usherv1.Configuration{}
	switch c.IntN(7) {
	case 0, 1:
		given.Vectors = []*usherv1.Vector{vectorNamed(pick(c.Rand, "v1", "v2"), pick(c.Rand, "billing", "orders", "german"))}
	case 2:
		condition := pick(c.Rand, "", "data.k >= 2.0", "interaction.is_online", "!interaction.is_locked", "interaction.state == 2")
		given.Views = []*usherv1.View{{Name: "vips", Queue: pick(c.Rand, "inbound", "vectored", "external"), Condition: condition}}
	case 3:
		given.CapacityRules = []*usherv1.CapacityRule{{Name: "either", AnyOf: []*usherv1.CapacityAlternative{
			{Media: map[string]int32{"chat": c.Int32N(3), "mail": c.Int32N(3)}}, {Media: map[string]int32{"voice": 1}},
		}}}
	case 4:
		given.Options = proto.CloneOf(c.w.e.Options())
		soon := (c.w.e.Moment(c.w.e.Now()).WeekMinute + 1) % (24 * 60)
		given.Options.ForcedLogoutAt, given.Options.MaxAcwMs = fmt.Sprintf("%02d:%02d", soon/60, soon%60), int64(c.IntN(2))*60_000
	case 5:
		given.Skills = []*usherv1.Skill{{Name: "billing", RonaRings: c.Int32N(3), TimedAcwMs: int64(c.IntN(2)) * 10_000}}
	case 6:
		given.Queues = []*usherv1.Queue{{Name: "second", Strategy: pick(c.Rand, "", "test", Vectored), Vector: "v1"}}
	}
	return Apply{&usherv1.ApplyConfigurationRequest{Configuration: given}}
}
