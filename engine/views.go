package engine

import (
	"cmp"

	"github.com/usher-cc/usher/expression"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// Views (models.md, "Views, capacity, business process"): a part of a queue in
// an order of its own. An interaction is looked at when it enters the queue or
// changes, never while somebody waits for it.

// view is a view and what is in it: those in the queue, and those that came
// from it and are with a router.
type view struct {
	name      string
	condition *expression.Program // nil for all, or none if hidden
	hidden    bool
	less      func(a, b *Interaction) bool
	queued    *interactionTree
	routing   *interactionTree
}

// newView compiles a view that has been checked when it was applied.
func newView(config *usherv1.View) *view {
	v := &view{name: config.GetName()}
	if source := config.GetCondition(); source != "" {
		v.condition, _ = expression.Compile(expression.OfView, source)
		v.hidden = v.condition == nil // this version of the server refuses it
	}
	compare, why := compileOrder(ordersOf(config))
	if why != nil {
		panic("engine: recorded view has no order: " + why.Description)
	}
	v.less = inQueueOrder
	if compare != nil {
		v.less = func(a, b *Interaction) bool {
			return cmp.Or(compare(a, b), orderOf(inQueueOrder(a, b), inQueueOrder(b, a))) < 0
		}
	}
	v.queued, v.routing = newInteractionTree(v.less), newInteractionTree(v.less)
	return v
}

func orderOf(before, after bool) int {
	switch {
	case before:
		return -1
	case after:
		return 1
	}
	return 0
}

// shows tells whether an interaction is in the view. One that its condition
// can't be told of is not.
func (v *view) shows(i *Interaction) bool {
	if v.condition == nil {
		return !v.hidden
	}
	holds, err := v.condition.Bool(&expression.Values{Interaction: i.props, Vdn: i.props.Vdn})
	return err == nil && holds
}

// enter puts an interaction among those of a queue that are queued, or
// routing, in the queue's own order and in its views.
func (q *queue) enter(i *Interaction, routing bool) {
	q.tree(routing).ReplaceOrInsert(i)
	for _, v := range q.views {
		if v.shows(i) {
			v.tree(routing).ReplaceOrInsert(i)
		}
	}
}

// leave takes it out; nothing by which it is ordered may have changed since it
// entered.
func (q *queue) leave(i *Interaction, routing bool) {
	q.tree(routing).Delete(i)
	for _, v := range q.views {
		v.tree(routing).Delete(i)
	}
}

func (q *queue) tree(routing bool) *interactionTree {
	if routing {
		return q.routing
	}
	return q.queued
}

func (v *view) tree(routing bool) *interactionTree {
	if routing {
		return v.routing
	}
	return v.queued
}

// reorder changes something by which an interaction is ordered, or by which
// views show it.
func (e *Engine) reorder(i *Interaction, change func()) {
	routing := i.strategy != ""
	if !routing && (i.props.State != stateQueued || i.props.Workbin != nil) {
		change()
		return
	}
	q := e.queue(i.Queue())
	q.leave(i, routing)
	change()
	q.enter(i, routing)
	e.serve(q)
}

// served is the view of the queue that is handed to the router, or the queue
// itself.
func (q *queue) served(name string) *interactionTree {
	for _, v := range q.views {
		if v.name == name {
			return v.queued
		}
	}
	return q.queued
}

// setViews gives the queues the views that are configured, with what they
// show.
func (e *Engine) setViews() {
	for _, name := range sortedKeys(e.queues) {
		e.queues[name].views = nil
	}
	for _, name := range sortedKeys(e.config.views) {
		v := newView(e.config.views[name])
		q := e.queue(QueueName(e.config.views[name].GetQueue()))
		q.views = append(q.views, v)
		for _, routing := range []bool{false, true} {
			q.tree(routing).Ascend(func(i *Interaction) bool {
				if v.shows(i) {
					v.tree(routing).ReplaceOrInsert(i)
				}
				return true
			})
		}
	}
}

// view is a configured view, or nil.
func (e *Engine) view(name string) *view {
	config := e.config.views[name]
	if config == nil {
		return nil
	}
	for _, v := range e.queue(QueueName(config.GetQueue())).views {
		if v.name == name {
			return v
		}
	}
	return nil
}
