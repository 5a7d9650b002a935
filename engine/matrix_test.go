package engine

import (
	"fmt"
	"math/rand/v2"
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
	"stopped": func(w *world) {
		submitTo(w, "inbound")
		w.must(media, &usherv1.RequestStopProcessing{InteractionId: "i0", Reason: "done"})
	},
}

func submitTo(w *world, queue string) {
	w.must(media, &usherv1.RequestSubmit{InteractionId: "i0", Queue: queue, MediaType: "chat"})
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
	asked := 0
	for name, bring := range states {
		t.Run(name, func(t *testing.T) {
			for _, who := range []Participant{media, agent1, agent2, agent3, supervisor, urs, urs2, BuiltinRouter, Report, admin} {
				for seed := range uint64(4) {
					base := chooser{rand.New(rand.NewPCG(seed, 7)), nil}
					for n := range 60 {
						w := centre(t)
						for n, agent := range []Participant{agent1, agent2, supervisor} {
							w.must(agent, login(fmt.Sprintf("place%d", n+1)))
						}
						bring(w)
						c := chooser{base.Rand, w}
						all := about(c.requests(), "i0")
						if n >= len(all) {
							break
						}
						asked++
						checkRefusal(t, w, who, all[n])
					}
				}
			}
		})
	}
	t.Logf("%d requests in %d states", asked, len(states))
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

func checkRefusal(t *testing.T, w *world, who Participant, request any) {
	t.Helper()
	out := w.ask(who, request)
	if out.Err == nil {
		w.checkFold()
		return
	}
	code := out.Err.Code
	if code == usherv1.ErrorCode_ERROR_CODE_INTERNAL || strings.Contains(out.Err.Description, "%!") {
		t.Errorf("%s: %T: %v", describe(who), request, out.Err)
	}
	if w.stopped["i0"] && out.Err.InteractionId == "i0" && who == media && !isSubmit(request) && code != errAlreadyStopped &&
		code != errPermissionDenied && code != errInvalidArgument && code != errUnknownSnapshot {
		t.Errorf("%T about a stopped interaction: %v", request, out.Err)
	}
}

func isSubmit(request any) bool { _, ok := request.(*usherv1.RequestSubmit); return ok }
