package router

import (
	"github.com/usher-cc/usher/vector"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
)

// Running vectors (telephony.md, "Vectors"): from where an interaction
// suspended to where it suspends next, is routed elsewhere, or dropped.

// runVector runs an interaction's vector and gives the request for what came
// of it.
func (r *Router) runVector(w *waiting, now engine.Millis) any {
	i := w.interaction
	if w.instead != nil {
		return &engine.Suspend{InteractionID: i.ID(), State: w.instead}
	}
	next, outcome := vector.Run(r.stateOf(i), &sight{r, i, now})
	call := &usherv1.RequestRouteCall{InteractionId: string(i.ID()), Reason: outcome.Reason}
	switch outcome.Kind {
	case vector.Routed:
		switch outcome.To {
		case vector.ToQueue:
			call.Target = &usherv1.RequestRouteCall_Queue{Queue: outcome.Name}
		case vector.ToVdn:
			call.Target = &usherv1.RequestRouteCall_Vdn{Vdn: outcome.Name}
		case vector.ToWorkbin:
			call.Target = &usherv1.RequestRouteCall_Workbin{Workbin: &usherv1.Workbin{Name: outcome.Name, Owner: outcome.Owner}}
		}
	case vector.Dropped:
		call.Target = &usherv1.RequestRouteCall_Stop{Stop: true}
	default:
		return &engine.Suspend{InteractionID: i.ID(), State: next}
	}
	return call
}

// stateOf is where an interaction is in its vector; at the beginning of its
// queue's if it is in none.
func (r *Router) stateOf(i *engine.Interaction) *usherv1.VectorState {
	if state := i.Vector(); state != nil {
		return state
	}
	name := r.engine.QueueNamed(i.Queue()).GetVector()
	_, version := r.engine.PresentVector(name)
	state := vector.Begin(vector.Name(name), version)
	state.Executed, state.SincePause = i.Executed()
	return state
}

// vectorRefused lets a vector go on whose request was refused: with the step
// after it, by a suspension. If that is refused, too, the interaction waits
// until it changes.
func (r *Router) vectorRefused(request any) {
	switch refused := request.(type) {
	case *usherv1.RequestRouteCall:
		if w := r.waiting[engine.InteractionID(refused.InteractionId)]; w != nil {
			former := r.stateOf(w.interaction)
			w.instead, _ = vector.Run(former, &sight{r, w.interaction, r.now})
			w.instead.Step++
			w.instead.Queueings, w.instead.Ended, w.instead.ResumeAtMs = former.Queueings, false, int64(r.now)
		}
	case *engine.Suspend:
		if w := r.waiting[refused.InteractionID]; w != nil {
			r.appoint(&r.due, w, &w.due, 0)
		}
	}
}
