package engine

import (
	"fmt"
	"testing"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// BenchmarkLife is the engine alone: submit, hand to the router, invite,
// accept, stop, all facts and messages made, none encoded; with a number of
// interactions waiting besides.
func BenchmarkLife(b *testing.B) {
	for _, waiting := range []int{0, 1_000, 100_000} {
		b.Run(fmt.Sprintf("waiting=%d", waiting), func(b *testing.B) {
			e, next := lifeCentre(b, waiting)
			b.ReportAllocs()
			b.ResetTimer()
			for n := range b.N {
				next = life(b, e, next, InteractionID(fmt.Sprintf("life-%d", n)))
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lives/s")
		})
	}
}

// lifeCentre is an engine with one agent who is ready.
func lifeCentre(b *testing.B, waiting int) (*Engine, Sequence) {
	w := centre(b)
	w.must(agent1, login("place1"))
	e, next := w.e, w.next
	for n := range waiting {
		out := e.Handle(Input{Now: w.now, Next: next, From: media, Request: &usherv1.RequestSubmit{
			InteractionId: fmt.Sprintf("waiting-%d", n), Queue: "sales", MediaType: "chat",
		}})
		next += Sequence(len(out.Entries))
		e.Changed()
	}
	return e, next
}

func life(b *testing.B, e *Engine, next Sequence, id InteractionID) Sequence {
	const now = 1_700_000_000_000
	ask := func(from Participant, request any) {
		out := e.Handle(Input{Now: now, Next: next, NewID: id, From: from, Request: request})
		if out.Err != nil {
			b.Fatal(out.Err)
		}
		next += Sequence(len(out.Entries))
		e.Changed()
	}
	ask(media, &usherv1.RequestSubmit{Queue: "routed", MediaType: "chat", ReferenceId: "s"})
	ask(BuiltinRouter, &usherv1.RequestRouteCall{
		InteractionId: string(id), Target: &usherv1.RequestRouteCall_Agent{Agent: &usherv1.AgentTarget{AgentId: "agent1"}},
	})
	ask(agent1, &usherv1.RequestAccept{Ticket: uint64(e.agents["agent1"].invitations[0].ticket), ReferenceId: "a"})
	ask(agent1, &usherv1.RequestStopProcessing{InteractionId: string(id), ReferenceId: "z"})
	return next
}

// BenchmarkLine is the engine alone: something is said by an agent, and by the
// customer to him, in conversations of 100 lines.
func BenchmarkLine(b *testing.B) {
	for name, from := range map[string]Participant{"agent": agent1, "customer": media} {
		b.Run(name, func(b *testing.B) {
			w := centre(b)
			w.must(agent1, login("place1"))
			submitTo(w, "inbound")
			pullFrom(w, "inbound")
			i, next := w.e.interactions["i0"], w.next
			b.ReportAllocs()
			b.ResetTimer()
			for range b.N {
				if len(i.lines) == 100 {
					i.lines = nil
				}
				out := w.e.Handle(Input{Now: w.now, Next: next, From: from, Request: saying("i0", "What can I do for you?")})
				if out.Err != nil {
					b.Fatal(out.Err)
				}
				next += Sequence(len(out.Entries))
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "lines/s")
		})
	}
}
