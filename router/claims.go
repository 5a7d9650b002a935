package router

import (
	"cmp"
	"slices"

	"github.com/usher-cc/usher/expression"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
)

// From the engine's interactions to claims.

// waiting is an interaction that the built-in router has.
type waiting struct {
	interaction *engine.Interaction
	claims      []claimOf
	due, widens engine.Millis // its appointments; 0 for none
	// instead is where the vector goes on, its request having been refused.
	instead *usherv1.VectorState
}

// claimOf is a claim and where it comes from.
type claimOf struct {
	item     claimItem
	queueing *usherv1.Queueing // nil for a queue's group
}

// appointment is when something about an interaction is due by itself.
type appointment struct {
	at      engine.Millis
	entry   engine.Sequence
	waiting *waiting
}

func (a appointment) before(b appointment) bool {
	return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.entry, b.entry)) < 0
}

// targetStage is one of the different expressions of all targets, by one of the
// two selections.
type targetStage struct {
	class   className
	program *expression.Program
}

// targetClass are the agents who fit an expression of a target.
func targetClass(t *usherv1.Target, source string) className {
	if byOccupation(t.GetAgentSelection()) {
		return className{kindTargetLOA, source}
	}
	return className{kindTarget, source}
}

// compileTargets gives the expressions of all targets, each once.
func compileTargets(e *engine.Engine) []targetStage {
	var stages []targetStage
	add := func(t *usherv1.Target, source string) {
		class := targetClass(t, source)
		if slices.ContainsFunc(stages, func(s targetStage) bool { return s.class == class }) {
			return
		}
		program, fault := expression.Compile(expression.OfAgent, source)
		if fault != nil {
			return // it was checked when it was applied; nobody fits it
		}
		stages = append(stages, targetStage{class, program})
	}
	for t := range e.EachTarget {
		add(t, t.GetExpression())
		for _, stage := range t.GetStages() {
			add(t, stage.GetExpression())
		}
	}
	return stages
}

// fits tells whether an agent is wanted. One of whom it can't be told is not.
func (t *targetStage) fits(config *usherv1.Agent) bool {
	fits, err := t.program.Bool(&expression.Values{Agent: config})
	return err == nil && fits
}

// fits tells whether an agent fits the expression of a target.
func (r *Router) fits(config *usherv1.Agent, class className) bool {
	for k := range r.targets {
		if r.targets[k].class == class {
			return r.targets[k].fits(config)
		}
	}
	return false
}

func byOccupation(s usherv1.AgentSelection) bool {
	return s == usherv1.AgentSelection_AGENT_SELECTION_UCD_LOA || s == usherv1.AgentSelection_AGENT_SELECTION_EAD_LOA
}

func byLevel(s usherv1.AgentSelection) bool {
	return s == usherv1.AgentSelection_AGENT_SELECTION_EAD_MIA || s == usherv1.AgentSelection_AGENT_SELECTION_EAD_LOA
}

// groupPool is where the interactions of a queue with an agent group wait.
func groupPool(g engine.GroupName, m engine.MediaName) poolName {
	return poolName{className{kindGroup, string(g)}, m}
}

// updateInteraction puts an interaction where it waits now.
func (r *Router) updateInteraction(i *engine.Interaction) {
	w := r.waiting[i.ID()]
	if w != nil {
		r.appoint(&r.due, w, &w.due, 0)
		r.appoint(&r.widens, w, &w.widens, 0)
	}
	if !i.WaitsFor(engine.BuiltinRouter) {
		if w != nil {
			r.index.dropWork(i.ID())
			delete(r.waiting, i.ID())
		}
		return
	}
	if w == nil {
		w = &waiting{interaction: i}
		r.waiting[i.ID()] = w
	}
	w.interaction, w.instead = i, nil
	w.claims = w.claims[:0]
	if i.Strategy() == engine.Vectored {
		r.claimsOfVector(w)
	} else {
		pool := groupPool(r.engine.GroupOf(i.Queue()), i.MediaType())
		w.claims = append(w.claims, claimOf{item: claimItem{pool, i.Priority(), i.MovedToQueueAt()}})
	}
	r.claims = r.claims[:0]
	for k := range w.claims {
		r.claims = append(r.claims, w.claims[k].item)
	}
	if len(r.claims) == 0 {
		r.index.dropWork(i.ID())
		return
	}
	r.index.setWork(workItem{i.ID(), i.EntrySequence(), r.claims, i})
}

// appoint moves an appointment; 0 for none.
func (r *Router) appoint(to *tree[appointment], w *waiting, at *engine.Millis, when engine.Millis) {
	if *at != 0 {
		to.delete(appointment{*at, w.interaction.EntrySequence(), w})
	}
	*at = when
	if when != 0 {
		to.insert(appointment{when, w.interaction.EntrySequence(), w})
	}
}

// claimsOfVector is where an interaction waits that is in a vector, and when
// that vector goes on.
func (r *Router) claimsOfVector(w *waiting) {
	state := w.interaction.Vector()
	if state == nil {
		if r.engine.QueueNamed(w.interaction.Queue()).GetStrategy() == engine.Vectored { // else it is about to be taken back
			r.appoint(&r.due, w, &w.due, 1) // it begins at once
		}
		return
	}
	if state.GetResumeAtMs() > 0 && !state.GetEnded() {
		r.appoint(&r.due, w, &w.due, engine.Millis(state.GetResumeAtMs()))
	}
	next := engine.Millis(0)
	for _, q := range state.GetQueueings() {
		class, until := r.classOf(q)
		if until > 0 && (next == 0 || until < next) {
			next = until
		}
		item := claimItem{poolName{class, w.interaction.MediaType()}, rankOf(q), engine.Millis(q.GetQueuedAtMs())}
		if !slices.ContainsFunc(w.claims, func(c claimOf) bool { return c.item.pool == item.pool }) {
			w.claims = append(w.claims, claimOf{item, q})
		}
	}
	if next > 0 {
		r.appoint(&r.widens, w, &w.widens, next)
	}
}

// rankOf is the rank of a queueing: direct agent before all, then t, h, m, l.
func rankOf(q *usherv1.Queueing) int32 {
	if q.GetAgent() != "" {
		return directRank
	}
	return rankOfPriority(q.GetPriority())
}

func rankOfPriority(p usherv1.VectorPriority) int32 {
	return int32(cmp.Or(p, usherv1.VectorPriority_VECTOR_PRIORITY_MEDIUM)) - int32(usherv1.VectorPriority_VECTOR_PRIORITY_MEDIUM)
}

// classOf is the class of agents that may have an interaction now that is
// queued so, and until when; 0 for without end.
func (r *Router) classOf(q *usherv1.Queueing) (className, engine.Millis) {
	now := r.now
	switch {
	case q.GetAgent() != "":
		return r.classOfAgent(q, q.GetAgent()), 0
	case engine.Millis(q.GetPreferredUntilMs()) > now:
		return r.classOfAgent(q, q.GetPreferredAgent()), engine.Millis(q.GetPreferredUntilMs())
	case q.GetTarget() == "":
		return className{kindSkill, q.GetSkill()}, 0
	}
	target := r.engine.Target(q.GetTarget())
	source := target.GetExpression()
	for _, stage := range target.GetStages() {
		at := engine.Millis(q.GetQueuedAtMs() + stage.GetAfterMs())
		if at > now {
			return targetClass(target, source), at
		}
		source = stage.GetExpression()
	}
	return targetClass(target, source), 0
}

// classOfAgent is one agent, who gets what is queued so by the rules of a skill.
func (r *Router) classOfAgent(q *usherv1.Queueing, agent string) className {
	return agentClass(agent, r.rulesOf(skillFor(q, r.engine.ConfiguredAgent(engine.AgentID(agent)))))
}

// skillOf is the skill whose rules an invitation follows.
func (r *Router) skillOf(c *claimOf, agent engine.AgentID) string {
	return skillFor(c.queueing, r.engine.Agent(agent).Configured())
}

// skillFor is the skill whose rules an agent follows who gets what is queued
// so: that of his direct-agent interactions, or that queued to if it is his.
func skillFor(q *usherv1.Queueing, config *usherv1.Agent) string {
	switch skill := q.GetSkill(); {
	case q.GetAgent() != "":
		return config.GetDirectAgentSkill()
	case hasSkill(config, skill):
		return skill
	}
	return ""
}

// served tells how things stand where an interaction waited that goes to an
// agent.
func (r *Router) served(c *claimOf, now engine.Millis) *usherv1.ServedPlace {
	class, p := c.item.pool.class, r.index.pool(c.item.pool)
	s := &usherv1.ServedPlace{
		Kind: class.kind.String(), Name: class.name, Rank: c.item.rank, WaitedMs: int64(now - c.item.at),
		Staffed: int32(p.class.staffed), Working: int32(p.working), Waiting: int32(p.waiting.len() - 1),
	}
	switch class.kind {
	case kindTarget, kindTargetLOA:
		s.Name = c.queueing.GetTarget()
	case kindAgent:
		s.Name = class.agent()
	}
	return s
}
