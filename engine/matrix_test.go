package engine

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// states brings interaction "i0" into each of its states; agent1 has ref "t"
// or "c" pending where an invitation is open.
var states = map[string]func(*world){
	"unknown": func(*world) {},
	"queued":  func(w *world) { submitTo(w, "inbound") },
	"held": func(w *world) {
		submitTo(w, "inbound")
		w.must(media, &usherv1.RequestHold{InteractionId: "i0"})
	},
	"locked": func(w *world) {
		submitTo(w, "inbound")
		w.must(media, &usherv1.RequestTakeSnapshot{Lock: true})
	},
	"routing":          func(w *world) { submitTo(w, "external") },
	"invited":          func(w *world) { submitTo(w, "external"); routeTo(w, "agent1") },
	"built-in routing": func(w *world) { submitTo(w, "routed") },
	"handling":         func(w *world) { submitTo(w, "inbound"); pullFrom(w, "inbound") },
	"handling, own": func(w *world) {
		w.must(agent1, &usherv1.RequestSubmit{InteractionId: "i0", MediaType: "chat"})
	},
	"transferring": func(w *world) {
		submitTo(w, "inbound")
		pullFrom(w, "inbound")
		w.must(agent1, &usherv1.RequestTransfer{InteractionId: "i0", AgentId: "agent2", ReferenceId: "t"})
	},
	"waiting, transferring": func(w *world) {
		suspendIn(w, nil)
		w.must(supervisor, &usherv1.RequestTransfer{InteractionId: "i0", AgentId: "agent2", ReferenceId: "t"})
	},
	"in workbin, transferring": func(w *world) {
		submitTo(w, "inbound")
		pullFrom(w, "inbound")
		w.must(agent1, &usherv1.RequestPlaceInWorkbin{InteractionId: "i0", Workbin: &usherv1.Workbin{Name: "drafts"}})
		w.must(supervisor, &usherv1.RequestTransfer{InteractionId: "i0", AgentId: "agent2", ReferenceId: "t"})
	},
	"conferring": func(w *world) {
		submitTo(w, "inbound")
		pullFrom(w, "inbound")
		w.must(agent1, &usherv1.RequestConference{InteractionId: "i0", AgentId: "agent2", ReferenceId: "c"})
	},
	"in conference": func(w *world) {
		submitTo(w, "inbound")
		pullFrom(w, "inbound")
		w.must(agent1, &usherv1.RequestConference{InteractionId: "i0", AgentId: "agent2", ReferenceId: "c"})
		w.must(agent2, &usherv1.RequestAccept{Ticket: uint64(w.e.agents["agent2"].invitations[0].ticket)})
	},
	"in workbin": func(w *world) {
		submitTo(w, "inbound")
		pullFrom(w, "inbound")
		w.must(agent1, &usherv1.RequestPlaceInWorkbin{InteractionId: "i0", Workbin: &usherv1.Workbin{Name: "drafts"}})
	},
	"in a vector": func(w *world) { suspendIn(w, nil) },
	"in a vector, ringing": func(w *world) {
		suspendIn(w, nil)
		w.must(BuiltinRouter, toAgent1(w, "billing"))
	},
	"asked by adjunct routing": func(w *world) {
		suspendIn(w, func(s *usherv1.VectorState) { s.Adjuncts = []string{"link1", "link2"} })
	},
	"calling a service": func(w *world) {
		suspendIn(w, func(s *usherv1.VectorState) {
			s.ServiceCall = &usherv1.VectorServiceCall{Type: "crm", Method: "ask", DeadlineMs: int64(w.now) + 10_000}
		})
	},
	"routing, asking a service": func(w *world) {
		submitTo(w, "external")
		w.must(w.e.interactions["i0"].router, private("crm1"))
	},
	"conversing": func(w *world) {
		suspendIn(w, func(s *usherv1.VectorState) { s.Conversing = true })
		w.must(BuiltinRouter, toAgent1(w, "billing"))
		w.must(agent1, &usherv1.RequestAccept{Ticket: ticketOf(w)})
	},
	"stopped, asked of a service": func(w *world) {
		submitTo(w, "external")
		w.must(w.e.interactions["i0"].router, private("crm1"))
		w.must(media, &usherv1.RequestStopProcessing{InteractionId: "i0"})
	},
	"handling, AUX is pending": func(w *world) {
		submitTo(w, "inbound")
		pullFrom(w, "inbound")
		w.must(agent1, &usherv1.RequestSetAgentState{WorkMode: modeAux})
	},
	"stopped": func(w *world) {
		submitTo(w, "inbound")
		w.must(media, &usherv1.RequestStopProcessing{InteractionId: "i0", Reason: "done"})
	},
	"handling, after some words": func(w *world) {
		submitTo(w, "inbound")
		w.must(media, saying("i0", "Is somebody there?"))
		pullFrom(w, "inbound")
		w.must(agent1, saying("i0", "Hello"))
	},
	"stopped, after some words": func(w *world) {
		submitTo(w, "inbound")
		w.must(media, saying("i0", "Is somebody there?"))
		w.must(media, &usherv1.RequestStopProcessing{InteractionId: "i0"})
	},
}

func submitTo(w *world, queue string) {
	w.must(media, &usherv1.RequestSubmit{InteractionId: "i0", Queue: queue, MediaType: "chat"})
}

// suspendIn submits to the vector of VDN 4001, where it waits.
func suspendIn(w *world, more func(*usherv1.VectorState)) {
	w.must(media, &usherv1.RequestSubmit{InteractionId: "i0", Vdn: "4001", MediaType: "chat"})
	w.must(BuiltinRouter, &Suspend{"i0", inVector(w, more)})
}

func pullFrom(w *world, queue string) {
	w.must(agent1, &usherv1.RequestPull{Source: &usherv1.RequestPull_Queue{Queue: queue}})
}

func routeTo(w *world, agent string) {
	w.must(w.e.interactions["i0"].router, &usherv1.RequestRouteCall{
		InteractionId: "i0", ReferenceId: "r", Target: &usherv1.RequestRouteCall_Agent{Agent: &usherv1.AgentTarget{AgentId: agent}},
	})
}

// TestEveryRequestInEveryState sends every request, as everybody, in every
// state of an interaction. world.ask holds that a refusal is precise and
// changes nothing and that whatever is carried out keeps the invariants; here
// is held which code a refusal may have.
func TestEveryRequestInEveryState(t *testing.T) {
	everybody := []Participant{media, agent1, agent2, agent3, supervisor, urs, urs2, BuiltinRouter, crm1, crm2, Report, admin}
	for name, bring := range states {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			saved := savedState(t, inState(t, bring))
			for _, who := range everybody {
				c := chooser{rand.New(rand.NewPCG(uint64(len(name)), uint64(who.Kind))), nil}
				c.w = reopened(t, saved)
				for n := 0; ; n++ {
					requests := append(about(c.requests(), "i0"), c.suspend("i0"), c.configuration())
					if n == len(requests) {
						break
					}
					if !refused(t, c.w, who, requests[n]) {
						c.w = reopened(t, saved)
					}
				}
			}
		})
	}
}

// inState is a centre where agents 1 and 2 and the supervisor are logged in
// and interaction "i0" is in a state.
func inState(t *testing.T, bring func(*world)) *world {
	w := centre(t)
	for n, agent := range []Participant{agent1, agent2, supervisor} {
		w.must(agent, login(fmt.Sprintf("place%d", n+1)))
	}
	bring(w)
	return w
}

// savedState is the state as it is read back from a snapshot.
func savedState(t testing.TB, w *world) *usherv1.TenantState {
	saved := &usherv1.TenantState{}
	if err := proto.Unmarshal(w.state(), saved); err != nil {
		t.Fatal(err)
	}
	return saved
}

// reopened is a world that goes on from a saved state.
func reopened(t *testing.T, saved *usherv1.TenantState) *world {
	w := newWorld(t)
	w.next, w.now = 10_000, w.now+1
	w.e = Load(proto.CloneOf(saved))
	for i := range w.e.EachInteraction {
		for _, inv := range i.invitations {
			w.open[inv.ticket] = true
		}
		w.said[string(i.ID())] = &saidLines{lines: slices.Clone(i.lines), attachments: i.attachments}
	}
	for _, s := range saved.Stopped {
		w.stopped[s.InteractionId] = Millis(s.StoppedAtMs)
	}
	return w
}

// about points every request at one interaction.
func about(requests []any, id string) []any {
	for _, r := range requests {
		if m, ok := r.(proto.Message); ok {
			if f := m.ProtoReflect().Descriptor().Fields().ByName("interaction_id"); f != nil {
				m.ProtoReflect().Set(f, protoreflect.ValueOfString(id))
			}
		}
	}
	return requests
}

// refused tells whether a request is, and checks how.
func refused(t *testing.T, w *world, who Participant, request any) bool {
	t.Helper()
	out := w.ask(who, request)
	if out.Err == nil {
		return false
	}
	code := out.Err.Code
	if code == usherv1.ErrorCode_ERROR_CODE_INTERNAL || strings.Contains(out.Err.Description, "%!") {
		t.Errorf("%s: %T: %v", describe(who), request, out.Err)
	}
	if _, stopped := w.stopped["i0"]; stopped && out.Err.InteractionId == "i0" && who == media && !isSubmit(request) && code != errAlreadyStopped &&
		code != errPermissionDenied && code != errInvalidArgument && code != errUnknownSnapshot {
		t.Errorf("%T about a stopped interaction: %v", request, out.Err)
	}
	return true
}

func isSubmit(request any) bool { _, ok := request.(*usherv1.RequestSubmit); return ok }
