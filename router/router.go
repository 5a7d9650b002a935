// Package router decides who gets an interaction that waits in a queue with a
// built-in strategy: "longest-idle", or "vector". It promises to be an index
// over the engine's state and nothing else: no clock, no randomness, no
// goroutine, no input or output, and no truth of its own. It can be thrown
// away and rebuilt from the engine at any moment, and decides the same.
//
// An interaction waits in pools. A pool is a class of agents and a media type;
// a class is an agent group, a skill, a target's expression, or one agent. In
// a queue with "longest-idle" it waits in the pool of the queue's group; under
// a vector wherever queue-to and check have put it (claims.go).
//
// What is decided, at any moment:
//
//   - An interaction can be had by the agents of its pools who are available
//     there: ready, in a work mode that takes something, with capacity left,
//     and not kept from more by the skill's multiple call handling; unless it
//     is in back-off with them (models.md 6).
//   - The next match begins with the first of all waiting interactions that
//     somebody can have: direct-agent interactions, then by priority (low -1,
//     medium 0, high 1, top 2, or the interaction's own), then by time, then by
//     entry. With the option priority_aging_ms a step of priority is worth so
//     much waiting.
//   - It goes to the agent whom the pool's skill selects of those who can have
//     it: who is idle longest, or least occupied, by level or not; but he gets
//     what he prefers of all that waits for him, if his preference is skill
//     level or percent allocation.
//   - While nothing matches, agents come back from AUX that a skill may
//     interrupt (interrupt.go), and vectors run whose time has come (vectors.go).
//
// So an interaction that nobody can have yet holds back no other, and no
// later interaction takes an agent whom an earlier one could have had.
//
//	engine --Changed--> Update --> pools   --> Next --> RequestRouteCall, Suspend
//	   ^                           vectors                       |
//	   +------------------------------ center -------------------+
//
// The cost of an interaction that comes or goes, and of an agent who becomes
// available or busy, is O(log n) in each pool concerned, whatever waits
// there. An agent's own refusals cost the square of a logarithm
// (index.firstFor); an interaction that returns costs one step for each agent
// who refused it within the last minute.
package router

import (
	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
)

// Router is the built-in router of one tenant.
type Router struct {
	engine  *engine.Engine
	index   *index
	version uint64 // of the configuration that the index was built with
	// now is the time of the engine, or of Next if that is later: after a restart
	// nothing may have been asked of the engine yet.
	now     engine.Millis
	targets []targetStage
	due     tree[appointment] // when a vector goes on
	widens  tree[appointment] // when an interaction's claims change by themselves
	waiting map[engine.InteractionID]*waiting
	seated  map[engine.AgentID]*seating
	resting resting
	claims  []claimItem // used again
}

// New is a router that has not seen its engine yet.
func New() *Router { return &Router{index: newIndex(0)} }

// Update looks again at what changed in the engine: at everything on first
// use and after a change of configuration.
func (r *Router) Update(e *engine.Engine) {
	agents, interactions := e.Changed()
	r.now = max(r.now, e.Now())
	if r.engine != e || r.version != e.ConfigurationVersion() {
		r.rebuild(e)
		return
	}
	for _, a := range agents {
		r.updateAgent(a)
	}
	for _, i := range interactions {
		r.updateInteraction(i)
	}
}

// rebuild takes in the interactions before the agents, so that none has to be
// looked at for itself.
func (r *Router) rebuild(e *engine.Engine) {
	*r = Router{
		engine: e, version: e.ConfigurationVersion(), now: r.now, claims: r.claims,
		index:   newIndex(engine.Millis(e.Options().GetPriorityAgingMs())),
		waiting: map[engine.InteractionID]*waiting{}, seated: map[engine.AgentID]*seating{},
		targets: compileTargets(e),
		resting: newResting(e),
	}
	for i := range e.EachInteraction {
		r.updateInteraction(i)
	}
	for a := range e.EachAgent {
		r.updateAgent(a)
	}
}

// Next is what the router asks for next, if anything: a RequestRouteCall for a
// match or the end of a vector, an engine.InterruptAux, or an engine.Suspend.
// It is to be handed to the engine; then either Update is called, or Refused.
// Called again without, it answers the same.
func (r *Router) Next(now engine.Millis) (request any, ok bool) {
	r.now = max(r.now, now)
	for r.widens.len() > 0 && r.widens.first().at <= now {
		r.updateInteraction(r.widens.first().waiting.interaction)
	}
	if m, ok := r.index.next(now); ok {
		return r.deliver(m, now), true
	}
	if back, ok := r.interrupt(); ok {
		return back, true
	}
	if r.due.len() > 0 && r.due.first().at <= now {
		return r.runVector(r.due.first().waiting, now), true
	}
	return nil, false
}

// deliver is the request to invite an agent.
func (r *Router) deliver(m match, now engine.Millis) *usherv1.RequestRouteCall {
	target := &usherv1.AgentTarget{AgentId: string(m.agent)}
	w := r.waiting[m.interaction]
	for k := range w.claims {
		if c := &w.claims[k]; c.item.pool == m.pool {
			target.Skill = r.skillOf(c, m.agent)
			target.Served = r.served(c, now)
		}
	}
	return &usherv1.RequestRouteCall{
		InteractionId: string(m.interaction), Target: &usherv1.RequestRouteCall_Agent{Agent: target},
	}
}

// Refused says that the engine refused a request. Whatever the reason, a match
// isn't tried again before the engine names the agent or the interaction as
// changed; a vector goes on with its next step.
func (r *Router) Refused(request any, _ *usherv1.EventError) {
	call, _ := request.(*usherv1.RequestRouteCall)
	if call.GetAgent() != nil {
		r.index.refused(engine.InteractionID(call.InteractionId), engine.AgentID(call.GetAgent().GetAgentId()))
		return
	}
	r.vectorRefused(request)
}

// NextDeadline is when Next is to be asked again though nothing changes: a
// back-off ends then, a vector goes on, a target widens. It holds after Next
// has answered that there is nothing. It is never later than the first of
// them; it is earlier when a back-off's agent has gone meanwhile, and Next has
// nothing then.
func (r *Router) NextDeadline() (engine.Millis, bool) {
	at, ok := r.index.deadline()
	for _, appointments := range []*tree[appointment]{&r.due, &r.widens} {
		if appointments.len() > 0 && (!ok || appointments.first().at < at) {
			at, ok = appointments.first().at, true
		}
	}
	return at, ok
}
