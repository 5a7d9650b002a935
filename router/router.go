// Package router decides who gets an interaction that waits in a queue with
// the built-in strategy, "longest-idle". It promises to be an index over the
// engine's state and nothing else: no clock, no randomness, no goroutine, no
// input or output, and no truth of its own. It can be thrown away and rebuilt
// from the engine at any moment, and decides the same.
//
// What it decides, at any moment:
//
//   - An interaction can be had by the agents of its queue's group who have
//     capacity left for its media type, unless it is in back-off with them
//     (models.md 6).
//   - The next match is the first of all waiting interactions that somebody
//     can have, in the order priority, MovedToQueueAt, entry (models.md 17),
//     and the agent who is idle longest of those who can have it, then the one
//     with the smaller id.
//
// So an interaction that nobody can have yet holds back no other, and no
// later interaction takes an agent whom an earlier one could have had.
//
//	engine --Changed--> Update --> pools (agent group, media) --> Next --> RequestRouteCall
//	   ^                                                                        |
//	   +------------------------------ center ---------------------------------+
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
//
// Strategies join here: "longest-idle" is a pool per agent group and media
// type, in which whoever is idle longest may have whatever is first. A
// strategy with requirements (skills, vectors) names its pools more finely, by
// requirement set, and gives each agent a seat in those that he fits when he
// or the configuration changes; what pools do with their agents and
// interactions stays the same.
type Router struct {
	index   *index
	built   bool
	version uint64      // of the configuration that the index was built with
	seats   []seatItem  // used again
	claims  []claimItem // used again
}

// New is a router that has not seen its engine yet.
func New() *Router { return &Router{index: newIndex(0)} }

// Update looks again at what changed in the engine: at everything on first
// use and after a change of configuration.
func (r *Router) Update(e *engine.Engine) {
	agents, interactions := e.Changed()
	if !r.built || r.version != e.ConfigurationVersion() {
		r.rebuild(e)
		return
	}
	for _, a := range agents {
		r.updateAgent(a)
	}
	for _, i := range interactions {
		r.updateInteraction(e, i)
	}
}

// rebuild takes in the interactions before the agents, so that none has to be
// looked at for itself.
func (r *Router) rebuild(e *engine.Engine) {
	r.index, r.built, r.version = newIndex(0), true, e.ConfigurationVersion()
	for i := range e.EachInteraction {
		r.updateInteraction(e, i)
	}
	for a := range e.EachAgent {
		r.updateAgent(a)
	}
}

func (r *Router) updateAgent(a *engine.Agent) {
	r.seats = r.seats[:0]
	order := [3]int64{int64(a.IdleSince())}
	for _, g := range a.Groups() {
		for _, m := range a.Media() {
			r.seats = append(r.seats, seatItem{pool: groupPool(g, m), available: a.Available(m), order: order})
		}
	}
	r.index.setAgent(agentItem{id: a.ID(), seats: r.seats})
}

func (r *Router) updateInteraction(e *engine.Engine, i *engine.Interaction) {
	if !i.WaitsFor(engine.BuiltinRouter) {
		r.index.dropWork(i.ID())
		return
	}
	claim := claimItem{groupPool(e.GroupOf(i.Queue()), i.MediaType()), i.Priority(), i.MovedToQueueAt()}
	r.claims = append(r.claims[:0], claim)
	r.index.setWork(workItem{i.ID(), i.EntrySequence(), r.claims, i})
}

// groupPool is where the interactions of a queue with an agent group wait.
func groupPool(g engine.GroupName, m engine.MediaName) poolName {
	return poolName{className{kindGroup, string(g)}, m}
}

// Next is the next match, if there is one. It is to be handed to the engine;
// then either Update is called, or Refused. Called again without, it answers
// the same.
func (r *Router) Next(now engine.Millis) (request any, ok bool) {
	m, ok := r.index.next(now)
	if !ok {
		return nil, false
	}
	return &usherv1.RequestRouteCall{
		InteractionId: string(m.interaction),
		Target: &usherv1.RequestRouteCall_Agent{
			Agent: &usherv1.AgentTarget{AgentId: string(m.agent)},
		},
	}, true
}

// Refused says that the engine refused a match. Whatever the reason, it isn't
// tried again before the engine names the agent or the interaction as changed.
func (r *Router) Refused(request any, _ *usherv1.EventError) {
	call := request.(*usherv1.RequestRouteCall)
	r.index.refused(engine.InteractionID(call.GetInteractionId()), engine.AgentID(call.GetAgent().GetAgentId()))
}

// NextDeadline is when Next is to be asked again though nothing changes: a
// back-off ends then. It holds after Next has answered that there is no match.
// It is never later than the first back-off that allows a match; it is earlier
// when that one's agent has gone meanwhile, and Next has no match then.
func (r *Router) NextDeadline() (engine.Millis, bool) { return r.index.deadline() }
