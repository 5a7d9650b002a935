package projection

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/center"
	"github.com/usher-cc/usher/engine"
	"github.com/usher-cc/usher/journal/memory"
	"github.com/usher-cc/usher/router"
)

// The participants of the tests.
var (
	chat  = engine.Participant{Kind: usherv1.ParticipantKind_PARTICIPANT_KIND_MEDIA, ID: "chat-1"}
	admin = engine.Participant{Kind: usherv1.ParticipantKind_PARTICIPANT_KIND_ADMIN, ID: "admin"}
	ana   = agentNamed("ana")
	bob   = agentNamed("bob")
	sue   = agentNamed("sue") // supervises
)

func agentNamed(id string) engine.Participant {
	return engine.Participant{Kind: usherv1.ParticipantKind_PARTICIPANT_KIND_AGENT, ID: id}
}

// world is a center on a journal in memory, with a clock moved by hand, and a
// view of it.
type world struct {
	t     testing.TB
	disk  *memory.Disk
	clock center.Clock
	hand  *center.ManualClock // nil if the clock is not moved by hand
	c     *center.Center
	v     *View

	events []*usherv1.Event // that have been read so far
	after  uint64
}

func newWorld(t testing.TB, clock center.Clock) *world {
	w := &world{t: t, disk: memory.NewDisk(), clock: clock}
	w.hand, _ = clock.(*center.ManualClock)
	w.open()
	if r, err := w.c.CreateTenant(t.Context(), admin, "default"); err != nil || r.Err != nil {
		t.Fatal(err, r.Err)
	}
	w.must(admin, engine.Apply{Request: &usherv1.ApplyConfigurationRequest{Configuration: &usherv1.Configuration{
		MediaTypes:  []*usherv1.MediaType{{Name: "chat", DefaultCapacity: 3}},
		AgentGroups: []*usherv1.AgentGroup{{Name: "support"}},
		Agents: []*usherv1.Agent{
			{AgentId: "ana", AgentGroups: []string{"support"}, PasswordHash: "hash of ana"}, {AgentId: "bob", AgentGroups: []string{"support"}},
			{AgentId: "sue", Supervisor: true},
		},
		Queues: []*usherv1.Queue{
			{Name: "support", Strategy: engine.LongestIdle, AgentGroup: "support"}, {Name: "pull", ServiceLevelWithinMs: 60_000},
		},
		Workbins: []*usherv1.WorkbinType{{Name: "drafts", OwnerKind: usherv1.OwnerKind_OWNER_KIND_AGENT}},
	}}})
	w.must(chat, &usherv1.RequestRegisterClient{ClientType: usherv1.ClientType_CLIENT_TYPE_MEDIA_SERVER})
	return w
}

// byHand is a world whose clock is moved by hand.
func byHand(t testing.TB) *world { return newWorld(t, center.NewManualClock(time.UnixMilli(noon))) }

func (w *world) open() {
	w.t.Helper()
	j, err := w.disk.Open()
	if err != nil {
		w.t.Fatal(err)
	}
	if w.c, err = center.Open(w.t.Context(), center.Options{Journal: j, NewRouter: func() center.Router { return router.New() }, Clock: w.clock}); err != nil {
		w.t.Fatal(err)
	}
	w.v = Open(w.c, nil)
	c, v := w.c, w.v
	w.t.Cleanup(func() { v.Close(); _ = c.Drain(context.Background()) })
}

// restart ends the process without a farewell, and starts it again.
func (w *world) restart() {
	w.t.Helper()
	w.v.Close()
	w.disk.Crash()
	w.open()
}

func (w *world) do(from engine.Participant, body any) center.Reply {
	w.t.Helper()
	r, err := w.c.Do(w.t.Context(), center.Request{Tenant: "default", From: from, Body: body, Protocol: usherv1.Protocol_PROTOCOL_IM})
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *world) must(from engine.Participant, body any) center.Reply {
	w.t.Helper()
	r := w.do(from, body)
	if r.Err != nil {
		w.t.Fatalf("%T by %s: %s %s", body, from.ID, r.Err.Name, r.Err.Description)
	}
	return r
}

// start asks, and waits until it is decided, not until it is answered.
func (w *world) start(from engine.Participant, body any) {
	w.t.Helper()
	w.c.Start(center.Request{Tenant: "default", From: from, Body: body, Protocol: usherv1.Protocol_PROTOCOL_IM})
	if err := w.c.Flush(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) logIn(agents ...engine.Participant) {
	w.t.Helper()
	for _, a := range agents {
		w.must(a, &usherv1.RequestRegisterClient{ClientType: usherv1.ClientType_CLIENT_TYPE_AGENT_APPLICATION})
		w.must(a, engine.Connect{ConnectionID: "of-" + a.ID, Kind: "desktop"})
		w.must(a, &usherv1.RequestAgentLogin{Media: []*usherv1.MediaLogin{{MediaType: "chat", Ready: true}}})
	}
}

func (w *world) submit(queue string) string {
	w.t.Helper()
	return w.must(chat, &usherv1.RequestSubmit{Queue: queue, MediaType: "chat"}).Event.InteractionId
}

func (w *world) pull(who engine.Participant, queue string) {
	w.t.Helper()
	w.must(who, &usherv1.RequestPull{Source: &usherv1.RequestPull_Queue{Queue: queue}})
}

// statistics are the figures of the tenant, up to now.
func (w *world) statistics(look func(s *Statistics, now int64)) {
	w.t.Helper()
	t, now, unlock, refusal, err := w.v.known(w.t.Context(), "default")
	if refusal != nil || err != nil {
		w.t.Fatal(refusal, err)
	}
	defer unlock()
	look(t.statistics, now)
}

func (w *world) today(queue string) (f Figures) {
	w.t.Helper()
	w.statistics(func(s *Statistics, now int64) { f = s.Today(queue, now) })
	return f
}

// randomStep lets somebody ask something; mostly it is refused.
func (w *world) randomStep(r *rand.Rand) {
	agents := []engine.Participant{ana, bob, sue}
	who := agents[r.IntN(3)]
	other := agents[r.IntN(3)].ID
	id, ticket := w.someInteraction(r)
	queue := []string{"support", "pull", "__BACK__"}[r.IntN(3)]
	workbin := &usherv1.Workbin{Name: "drafts", Owner: who.ID}
	switch r.IntN(16) {
	case 0, 1, 2:
		w.do(chat, &usherv1.RequestSubmit{Queue: []string{"support", "pull"}[r.IntN(2)], MediaType: "chat"})
	case 3, 4:
		w.do(who, &usherv1.RequestPull{Source: &usherv1.RequestPull_Queue{Queue: []string{"support", "pull"}[r.IntN(2)]}})
	case 5:
		w.do(who, &usherv1.RequestPull{Source: &usherv1.RequestPull_Workbin{Workbin: workbin}})
	case 6, 7, 8:
		w.do(ticket.who, &usherv1.RequestAccept{Ticket: ticket.ticket, InteractionId: ticket.interaction})
	case 9:
		w.do(ticket.who, &usherv1.RequestReject{Ticket: ticket.ticket, InteractionId: ticket.interaction})
	case 10:
		w.start(who, &usherv1.RequestTransfer{InteractionId: id, AgentId: other})
	case 11:
		w.do(who, &usherv1.RequestPlaceInQueue{InteractionId: id, Queue: queue})
	case 12:
		w.do(who, &usherv1.RequestPlaceInWorkbin{InteractionId: id, Workbin: workbin})
	case 13:
		w.do(chat, &usherv1.RequestStopProcessing{InteractionId: id})
	case 14:
		w.do(who, &usherv1.RequestLeaveInteraction{InteractionId: id})
	case 15:
		w.do(sue, &usherv1.RequestIntrude{InteractionId: id, Visibility: usherv1.VisibilityMode_VISIBILITY_MODE_MONITOR})
	}
	if r.IntN(3) == 0 {
		w.hand.Advance(time.Duration(r.IntN(40_000)) * time.Millisecond)
	}
}

type openTicket struct {
	who         engine.Participant
	ticket      uint64
	interaction string
}

// someInteraction is one that is not stopped, and an invitation that may be
// open.
func (w *world) someInteraction(r *rand.Rand) (string, openTicket) {
	ids, ticket := []string{"none"}, openTicket{who: ana}
	for _, ev := range w.reported() {
		switch m := ev.Message.(type) {
		case *usherv1.Event_EventInteractionSubmitted:
			ids = append(ids, ev.InteractionId)
		case *usherv1.Event_EventProcessingStopped:
			ids = slices.DeleteFunc(ids, func(id string) bool { return id == ev.InteractionId })
		case *usherv1.Event_EventAgentInvited:
			ticket = openTicket{agentNamed(m.EventAgentInvited.AgentId), ev.Sequence, ev.InteractionId}
		}
	}
	return ids[r.IntN(len(ids))], ticket
}

// reported are all reporting events.
func (w *world) reported() []*usherv1.Event {
	w.t.Helper()
	for r, err := range w.c.Follow(w.t.Context(), w.after, false) {
		if err != nil {
			w.t.Fatal(err)
		}
		for _, e := range r.Entries {
			if e.Reports() != 0 {
				ev, err := decode(e.Event, &usherv1.Event{})
				if err != nil {
					w.t.Fatal(err)
				}
				w.events = append(w.events, ev)
			}
		}
		w.after = r.First + uint64(len(r.Entries)) - 1
	}
	return w.events
}
