package bench

import (
	"fmt"
	"slices"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
	"github.com/usher-cc/usher/router"
)

// nowMs is the time in the engines that are measured without a server.
const nowMs engine.Millis = 1_700_000_000_000

// aMedia is the media server of these engines.
var aMedia = engine.Participant{Kind: usherv1.ParticipantKind_PARTICIPANT_KIND_MEDIA, ID: "media"}

func agentParticipant(n int) engine.Participant {
	return engine.Participant{Kind: usherv1.ParticipantKind_PARTICIPANT_KIND_AGENT, ID: string(agentID(n))}
}

// contact is an engine with a router, and no server around them. Requests that
// are refused panic: they are those of a benchmark, and have to succeed.
type contact struct {
	engine *engine.Engine
	router *router.Router
	now    engine.Millis
	next   engine.Sequence
}

func newContact(c *usherv1.Configuration) *contact {
	w := &contact{engine: engine.New("default"), router: router.New(), now: nowMs, next: 1}
	w.ask(engine.Server, engine.Apply{Request: &usherv1.ApplyConfigurationRequest{Configuration: c}})
	w.ask(aMedia, &usherv1.RequestRegisterClient{ReferenceId: "register", ClientType: usherv1.ClientType_CLIENT_TYPE_MEDIA_SERVER})
	w.ask(aMedia, engine.Connect{ConnectionID: "media"})
	return w
}

// ask has a request decided.
func (w *contact) ask(from engine.Participant, request any) []engine.Entry {
	out := w.engine.Handle(engine.Input{Now: w.now, Next: w.next, From: from, Request: request})
	if out.Err != nil {
		panic(fmt.Sprintf("bench: %T of %s was refused: %s", request, from.ID, out.Err.Description))
	}
	w.next += engine.Sequence(len(out.Entries))
	return out.Entries
}

// logIn connects an agent, who is ready at once.
func (w *contact) logIn(n int, media ...string) {
	from := agentParticipant(n)
	for _, request := range arrival(n, media...) {
		w.ask(from, request)
	}
}

// arrival is what an agent asks for when he comes.
func arrival(n int, media ...string) []any {
	login := &usherv1.RequestAgentLogin{ReferenceId: fmt.Sprintf("login-%d", n)}
	for _, m := range media {
		login.Media = append(login.Media, &usherv1.MediaLogin{MediaType: m, Ready: true})
	}
	return []any{
		&usherv1.RequestRegisterClient{
			ReferenceId: fmt.Sprintf("register-%d", n), ClientType: usherv1.ClientType_CLIENT_TYPE_AGENT_APPLICATION,
		},
		engine.Connect{ConnectionID: fmt.Sprintf("connection-%d", n), Kind: "desktop"},
		login,
	}
}

// ticketIn is the ticket of the invitation that entries open.
func ticketIn(entries []engine.Entry) uint64 {
	k := slices.IndexFunc(entries, func(e engine.Entry) bool { return e.Event.GetEventInvite() != nil })
	return entries[k].Event.GetEventInvite().Ticket
}
