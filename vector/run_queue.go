package vector

import (
	"math"
	"slices"
	"strconv"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// resolve finds the place that a step means, with its priority, which best
// brings along; false if there is no such place.
func (r *run) resolve(p Place, priority usherv1.VectorPriority) (ranked, bool) {
	to := ranked{Place{Skill: p.Skill, Target: p.Target}, priority}
	switch p.Skill {
	case First, Second, Third:
		to.place.Skill = r.world.VdnSkill(slices.Index([]string{First, Second, Third}, p.Skill) + 1)
	case Best:
		to = rankedOf(r.state.GetBest())
	}
	return to, to.place != Place{} && r.world.HasPlace(to.place)
}

func rankedOf(q *usherv1.Queueing) ranked {
	return ranked{Place{Skill: q.GetSkill(), Target: q.GetTarget()}, q.GetPriority()}
}

// queueing is how the interaction waits at a place; nil if it does not.
func (r *run) queueing(p Place) *usherv1.Queueing {
	for _, q := range r.state.GetQueueings() {
		if rankedOf(q).place == p {
			return q
		}
	}
	return nil
}

// queue lets the interaction wait at a place where it does not yet; nil if
// there is no room.
func (r *run) queue(to ranked) *usherv1.Queueing {
	if len(r.state.GetQueueings()) >= maxQueueings || r.world.Full(to.place) {
		return nil
	}
	q := &usherv1.Queueing{Skill: to.place.Skill, Target: to.place.Target, Priority: to.priority, QueuedAtMs: r.world.NowMs()}
	r.state.Queueings = append(r.state.Queueings, q)
	return q
}

// queueTo queues, or requeues at another priority. If an agent is there the
// run suspends, so that he gets the interaction before it goes on.
func (r *run) queueTo(p Place, priority usherv1.VectorPriority, preferring *Preference) course {
	to, ok := r.resolve(p, priority)
	if !ok {
		return proceed
	}
	q := r.queueing(to.place)
	switch {
	case q == nil:
		if q = r.queue(to); q == nil {
			return proceed
		}
	case q.GetPriority() == to.priority:
		return proceed
	default:
		q.Priority = to.priority
	}
	r.prefer(q, preferring)
	if r.world.Reaches(q) {
		return r.suspendFor(0)
	}
	return proceed
}

// prefer lets an agent have it first, if he is there.
func (r *run) prefer(q *usherv1.Queueing, p *Preference) {
	if p == nil {
		return
	}
	agent := p.Agent
	switch {
	case p.LastAgent:
		agent = r.world.LastAgent()
	case p.Expression != nil:
		agent, _ = p.Expression.Text(r.values()) // No agent if it has no value.
	}
	if p.For > 0 && r.world.AgentKnown(agent) {
		q.PreferredAgent, q.PreferredUntilMs = agent, r.world.NowMs()+int64(p.For)
	}
}

func (r *run) check(a Check) course {
	if !r.holds(a.If) {
		return proceed
	}
	return r.queueTo(a.Place, a.Priority, nil)
}

// consider remembers the better of a place and the former best.
func (r *run) consider(a Consider) course {
	to, ok := r.resolve(a.Place, a.Priority)
	if !ok {
		return proceed
	}
	former, there := r.resolve(Place{Skill: Best}, 0)
	if !there || r.better(to, a.AdjustBy, former) {
		r.state.Best = &usherv1.Queueing{Skill: to.place.Skill, Target: to.place.Target, Priority: to.priority}
	}
	return proceed
}

// better compares a place with the former best: an available agent decides,
// then the expected wait, which adjust-by makes look worse.
func (r *run) better(to ranked, adjustBy int, former ranked) bool {
	free, formerFree := r.world.AvailableAgents(to.place) > 0, r.world.AvailableAgents(former.place) > 0
	if free != formerFree {
		return free
	}
	return r.expectedWait(to)*adjusted(adjustBy) < r.expectedWait(former)*adjusted(r.adjustmentOf(former))
}

func adjusted(percent int) float64 { return float64(100+percent) / 100 }

// adjustmentOf is the adjust-by of the nearest step above that considered a
// place.
func (r *run) adjustmentOf(former ranked) int {
	above := r.vector().Steps[:r.state.GetStep()-1]
	for _, s := range slices.Backward(above) {
		if c, ok := s.Action.(Consider); ok {
			if to, ok := r.resolve(c.Place, c.Priority); ok && to == former {
				return c.AdjustBy
			}
		}
	}
	return 0
}

// expectedWait is that of a new interaction there, in milliseconds.
func (r *run) expectedWait(to ranked) float64 {
	return orInfinite(r.world.ExpectedWaitMs(to.place, to.priority))
}

func orInfinite(ms int64, infinite bool) float64 {
	if infinite {
		return math.Inf(1)
	}
	return float64(ms)
}

// converse queues for an agent, or a machine, who gives the interaction back.
func (r *run) converse(a ConverseOn) course {
	to, ok := r.resolve(a.Place, a.Priority)
	if !ok || r.queueing(to.place) != nil || r.queue(to) == nil {
		return proceed
	}
	r.state.Conversing = true
	for _, what := range a.Passing {
		r.state.Passing = append(r.state.Passing, r.passed(what))
	}
	return r.suspendUntilCalled()
}

// passed is what a word of passing stands for.
func (r *run) passed(what string) string {
	switch what {
	case "digits":
		return r.state.GetDigits()
	case "ani":
		return r.world.Ani()
	case "vdn":
		return r.world.Vdn()
	case "wait":
		return strconv.FormatInt(r.values().WaitS, 10)
	case "qpos":
		return strconv.Itoa(r.world.QueuePosition(r.state.GetQueueings()))
	case nothing:
		return ""
	}
	return what
}

// endConverse takes back what converse-on did.
func (r *run) endConverse() {
	r.state.Conversing, r.state.Passing = false, nil
	step, ok := r.before.(ConverseOn)
	if !ok {
		return
	}
	to, _ := r.resolve(step.Place, step.Priority)
	r.state.Queueings = slices.DeleteFunc(r.state.GetQueueings(), func(q *usherv1.Queueing) bool { return rankedOf(q).place == to.place })
}
