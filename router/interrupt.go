package router

import (
	"cmp"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
)

// Interruptible AUX (telephony.md, "EAS"): when too many wait for a skill, its
// agents who rest come back, who rests longest first.

// pressed is a skill that interrupts AUX when so many wait for it.
type pressed struct {
	skill  string
	queued int
}

// rester is an agent who may be interrupted.
type rester struct {
	since engine.Millis
	agent engine.AgentID
}

func (a rester) before(b rester) bool {
	return cmp.Or(cmp.Compare(a.since, b.since), cmp.Compare(a.agent, b.agent)) < 0
}

// resting are those who may be interrupted, by pool; only for skills that
// interrupt.
type resting struct {
	skills []pressed // sorted by skill
	pools  map[poolName]*tree[rester]
	places map[engine.AgentID][]restingPlace
}

type restingPlace struct {
	pool   poolName
	rester rester
}

func newResting(e *engine.Engine) resting {
	r := resting{pools: map[poolName]*tree[rester]{}, places: map[engine.AgentID][]restingPlace{}}
	for s := range e.EachSkill {
		if n := s.GetInterruptAuxQueued(); n > 0 {
			r.skills = append(r.skills, pressed{s.GetName(), int(n)})
		}
	}
	return r
}

// update notes where an agent rests now.
func (r *resting) update(a *engine.Agent) {
	if len(r.skills) == 0 {
		return
	}
	for _, p := range r.places[a.ID()] {
		r.pools[p.pool].delete(p.rester)
	}
	delete(r.places, a.ID())
	for _, m := range a.Media() {
		since, ok := a.Interruptible(m)
		if !ok {
			continue
		}
		for _, s := range r.skills {
			if hasSkill(a.Configured(), s.skill) {
				r.add(restingPlace{poolName{className{kindSkill, s.skill}, m}, rester{since, a.ID()}})
			}
		}
	}
}

func (r *resting) add(p restingPlace) {
	if r.pools[p.pool] == nil {
		r.pools[p.pool] = &tree[rester]{}
	}
	r.pools[p.pool].insert(p.rester)
	r.places[p.rester.agent] = append(r.places[p.rester.agent], p)
}

// interrupt is the agent who is to come back next, if any.
func (r *Router) interrupt() (*engine.InterruptAux, bool) {
	for _, s := range r.resting.skills {
		for m := range r.engine.EachMediaType {
			pool := poolName{className{kindSkill, s.skill}, m}
			if at := r.resting.pools[pool]; at != nil && at.len() > 0 && r.index.waiting(pool, -directRank) >= s.queued {
				return &engine.InterruptAux{AgentID: at.first().agent}, true
			}
		}
	}
	return nil, false
}

func hasSkill(config *usherv1.Agent, skill string) bool {
	for _, s := range config.GetSkills() {
		if s.GetSkill() == skill {
			return true
		}
	}
	return false
}
