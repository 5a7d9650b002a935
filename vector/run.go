package vector

import (
	"slices"

	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// Limits of a run.
const (
	// maxExecuted is how many steps an interaction may execute; then it stops.
	maxExecuted = 10_000
	// maxUnpaused is how many steps it may execute at once; then it pauses.
	maxUnpaused = 7
	pauseMs     = 1000
	// maxQueueings is in how many places it may wait.
	maxQueueings = 3
	// maxReturns is how deep vectors may call each other and return.
	maxReturns = 100
	// maxVariableBytes bounds all its variables, encoded.
	maxVariableBytes = 64 << 10
)

// Begin is the state of an interaction that enters a vector.
func Begin(name Name, version uint64) *usherv1.VectorState {
	return &usherv1.VectorState{Vector: string(name), Version: version, Step: 1}
}

// Run executes steps until the interaction suspends, leaves or is dropped, and
// gives its new state; the given one is not changed. Who has ended, or waits
// for an external service, stays as he is. Who converses has come back.
//
// A step that fails or does not apply is skipped. Seven steps that did not
// suspend are followed by a pause, the last step by a stop.
func Run(state *usherv1.VectorState, w World) (*usherv1.VectorState, Outcome) {
	r := &run{state: proto.CloneOf(state), world: w, outcome: Outcome{Kind: Suspended}}
	if call := state.GetServiceCall(); state.GetEnded() || call != nil && !call.GetAnswered() {
		r.state.ResumeAtMs = 0
		return r.state, r.outcome
	}
	r.wake()
	for r.step() {
	}
	return r.state, r.outcome
}

// run is an interaction on its way through a vector.
type run struct {
	state   *usherv1.VectorState
	world   World
	outcome Outcome
	// before is the step that was executed before the present one.
	before Action
}

// course is how a vector goes on after a step.
type course int

const (
	// proceed with the next step; also when this one has failed.
	proceed course = iota
	// jump to the step that the state names now.
	jump
	// suspend; the next step is for later.
	suspend
	// stay at this step, suspended; it is executed again later.
	stay
	// leave the vector.
	leave
)

// wake begins a run where the last one suspended. Its step is taken for the
// one executed before, as a pause between two steps changes nothing.
func (r *run) wake() {
	r.state.ResumeAtMs = 0
	if last := int(r.state.GetStep()) - 2; last >= 0 {
		if v := r.vector(); v != nil && last < len(v.Steps) {
			r.before = v.Steps[last].Action
		}
	}
	switch r.before.(type) {
	case WaitTime, Announce:
		r.state.Adjuncts = nil // that was the time for an answer
	}
	if r.state.GetConversing() {
		r.endConverse()
	}
}

// vector is the text that the interaction is in; nil if it is gone.
func (r *run) vector() *Vector {
	return r.world.VectorAt(Name(r.state.GetVector()), r.state.GetVersion())
}

// step executes one step, and tells whether another is to follow at once.
func (r *run) step() bool {
	switch {
	case r.state.GetExecuted() >= maxExecuted:
		r.stop()
		return false
	case r.state.GetSincePause() >= maxUnpaused:
		r.suspendFor(pauseMs)
		return false
	}
	v := r.vector()
	if v == nil {
		r.state.Ended = true // nobody is dropped because his vector is gone
		return false
	}
	if int(r.state.GetStep()) > len(v.Steps) {
		r.stop()
		return false
	}
	action := v.Steps[r.state.GetStep()-1].Action
	r.state.Executed++
	r.state.SincePause++
	if cancelsAdjuncts(action) {
		r.state.Adjuncts = nil
	}
	then := r.execute(action)
	r.before = action
	if then == proceed || then == suspend {
		r.state.Step++
	}
	return then == proceed || then == jump
}

// execute leads to the step.
func (r *run) execute(action Action) course {
	switch a := action.(type) {
	case QueueTo:
		return r.queueTo(a.Place, a.Priority, a.Preferring)
	case Check:
		return r.check(a)
	case GotoStep:
		return r.gotoStep(a)
	case GotoVector:
		return r.gotoVector(a)
	case Return:
		return r.comeBack()
	case WaitTime:
		return r.wait(a)
	case Announce:
		return r.announce(a.Source)
	case Collect:
		return proceed // Without voice it fails at once, and there is no voice yet.
	case RouteTo:
		return r.routeTo(a)
	case AdjunctRouting:
		return r.askAdjunct(a.Link)
	case ConverseOn:
		return r.converse(a)
	case Messaging:
		return r.route(ToWorkbin, "messages", a.For, r.world.WorkbinKnown("messages", a.For))
	case Consider:
		return r.consider(a)
	case Set:
		return r.set(a)
	case CallService:
		return r.callService(a)
	case Busy:
		return r.drop("busy")
	case Disconnect:
		return r.disconnect(a.After)
	case Stop:
		return r.stop()
	}
	return proceed
}

// suspendFor suspends for a time. To suspend for none lets only others go
// first, and is no pause: else a vector could go round and round at one
// instant.
func (r *run) suspendFor(ms int64) course {
	r.state.ResumeAtMs = r.world.NowMs() + ms
	if ms > 0 {
		r.state.SincePause = 0
	}
	return suspend
}

// suspendUntilCalled suspends until something happens.
func (r *run) suspendUntilCalled() course {
	r.state.SincePause = 0
	return suspend
}

// stop is the end of the vector: who waits somewhere keeps waiting, who waits
// nowhere is dropped. While a router owes an answer there is still hope.
func (r *run) stop() course {
	switch {
	case len(r.state.GetAdjuncts()) > 0:
		r.suspendUntilCalled()
		return stay
	case len(r.state.GetQueueings()) > 0:
		r.state.Ended = true
		return stay
	}
	return r.drop("stop")
}

func (r *run) drop(reason string) course {
	return r.end(Outcome{Kind: Dropped, Reason: reason})
}

// end leaves all queues.
func (r *run) end(outcome Outcome) course {
	r.state.Queueings, r.state.Ended = nil, true
	r.outcome = outcome
	return leave
}

// gotoStep keeps queues and treatment.
func (r *run) gotoStep(a GotoStep) course {
	if !r.holds(a.If) {
		return proceed
	}
	r.state.Step = int32(a.Step)
	return jump
}

// gotoVector goes to the present version of a vector, and notes where to
// return.
func (r *run) gotoVector(a GotoVector) course {
	if !r.holds(a.If) {
		return proceed
	}
	v, version := r.world.Vector(a.Vector)
	if v == nil {
		return proceed
	}
	if len(r.state.GetReturns()) >= maxReturns {
		r.state.Returns = slices.Delete(r.state.Returns, 0, 1) // the oldest is forgotten
	}
	r.state.Returns = append(r.state.Returns, &usherv1.VectorReturn{
		Vector: r.state.GetVector(), Version: r.state.GetVersion(), Step: r.state.GetStep() + 1,
	})
	r.state.Vector, r.state.Version, r.state.Step = string(a.Vector), version, int32(max(a.Step, 1))
	return jump
}

// comeBack is return; where there is nothing to return to it is a stop.
func (r *run) comeBack() course {
	levels := r.state.GetReturns()
	if len(levels) == 0 {
		return r.stop()
	}
	to := levels[len(levels)-1]
	r.state.Returns = slices.Delete(levels, len(levels)-1, len(levels))
	r.state.Vector, r.state.Version, r.state.Step = to.GetVector(), to.GetVersion(), to.GetStep()
	return jump
}
