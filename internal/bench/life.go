package bench

import (
	"context"
	"runtime"
	"strconv"
	"time"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
)

// livesBetween is how many lives are lived between two looks at the clock.
const livesBetween = 256

// inEngine measures the engine, alone and with its router.
func (r *run) inEngine(context.Context) error {
	r.result.EngineLivesPerS = measureEngine(r.Duration/2, false)
	r.result.EngineRouterLivesPerS = measureEngine(r.Duration/2, true)
	return nil
}

// measureEngine counts the lives that the engine alone decides in a second of
// one core's time, the collection of garbage included: submit, hand to the
// router, invite, accept, stop, with all facts and messages. With the router,
// it is the router that picks the agent.
func measureEngine(duration time.Duration, withRouter bool) float64 {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	w := newContact(centre(1))
	w.logIn(0, mediaType)
	w.router.Update(w.engine)
	runtime.GC()
	lives, began, used := 0, time.Now(), cpuTime()
	for time.Since(began) < duration {
		for range livesBetween {
			w.live(lives, withRouter)
			lives++
		}
	}
	return float64(lives) / (cpuTime() - used).Seconds()
}

// live lives one life.
func (w *contact) live(n int, withRouter bool) {
	id := lifePrefix + strconv.Itoa(n)
	agent := agentParticipant(0)
	w.now++
	w.ask(aMedia, &usherv1.RequestSubmit{ReferenceId: "s" + id, InteractionId: id, Queue: queueName, MediaType: mediaType})
	var call any = &usherv1.RequestRouteCall{
		InteractionId: id, Target: &usherv1.RequestRouteCall_Agent{Agent: &usherv1.AgentTarget{AgentId: agent.ID}},
	}
	w.look(withRouter)
	if withRouter {
		call, _ = w.router.Next(w.now)
	}
	ticket := ticketIn(w.ask(engine.BuiltinRouter, call))
	w.look(withRouter)
	w.ask(agent, &usherv1.RequestAccept{ReferenceId: "a" + id, Ticket: ticket})
	w.look(withRouter)
	w.ask(agent, &usherv1.RequestStopProcessing{ReferenceId: "z" + id, InteractionId: id})
	w.look(withRouter)
}

// look lets the router look at what changed, or forgets that it did.
func (w *contact) look(withRouter bool) {
	if withRouter {
		w.router.Update(w.engine)
	} else {
		w.engine.Changed()
	}
}
