package engine

import (
	"fmt"
	"maps"
	"slices"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// What must hold of routing at any time, counted anew.

// mayHave tells whether an agent's capacity allows something of a media type
// beside all that he has, that included. Numbers count each media type for
// itself, so that what he pulled of another one is of no matter.
func (w *world) mayHave(a *Agent, media string) bool {
	has := map[string]int32{}
	for _, i := range a.handling {
		has[i.props.MediaType]++
	}
	for _, inv := range a.invitations {
		has[inv.interaction.props.MediaType]++
	}
	c := w.e.config
	name := a.config.GetCapacityRule()
	if name == "" {
		name = c.places[a.place].GetCapacityRule()
	}
	if name == "" {
		name = c.options.GetCapacityRule()
	}
	rule := c.capacityRules[name]
	if rule == nil {
		return int(has[media]) <= c.capacity(a.config, MediaName(media))
	}
	return slices.ContainsFunc(rule.AnyOf, func(alternative *usherv1.CapacityAlternative) bool {
		for media, n := range has {
			if n > alternative.Media[media] {
				return false
			}
		}
		return true
	})
}

// checkVector: only what a vectored queue has, or what converses with an
// agent, is in a vector, and only that asks routers.
func (w *world) checkVector(i *Interaction) {
	w.t.Helper()
	var links []string
	for _, asked := range i.adjuncts {
		links = append(links, asked.Link)
	}
	if i.vector == nil {
		if len(links) > 0 {
			w.t.Fatalf("interaction %s is in no vector and asks %v", i.ID(), links)
		}
		return
	}
	strategy := w.e.config.queues[i.props.Queue].GetStrategy()
	inQueue := strategy == Vectored && i.props.Workbin == nil && (i.props.State == stateQueued || i.props.State == stateRouting)
	if !inQueue && !(i.props.State == stateHandling && i.vector.Conversing) {
		w.t.Fatalf("interaction %s is %s in queue %q of strategy %q, and in %v", i.ID(), i.props.State, i.props.Queue, strategy, i.vector)
	}
	slices.Sort(links)
	if !slices.Equal(links, slices.Sorted(slices.Values(i.vector.Adjuncts))) || len(links) > 0 && i.strategy != Vectored {
		w.t.Fatalf("interaction %s with strategy %q asks %v, its vector %v", i.ID(), i.strategy, links, i.vector.Adjuncts)
	}
}

// checkVersions: a vector's version is there while it is the present one or
// something is in it, and it knows how much.
func (w *world) checkVersions() {
	w.t.Helper()
	users := map[vectorKey]int{}
	for i := range w.e.EachInteraction {
		if i.vector == nil {
			continue
		}
		users[vectorKey{i.vector.Vector, i.vector.Version}]++
		for _, r := range i.vector.Returns {
			users[vectorKey{r.Vector, r.Version}]++
		}
	}
	for key, v := range w.e.vectors {
		if v.users != users[key] || v.users == 0 && !v.present {
			w.t.Fatalf("vector %v has %d users, present %v; counted %d", key, v.users, v.present, users[key])
		}
		if present := w.e.presentVectors[key.name] == key.version; v.present != present || v.parsed == nil {
			w.t.Fatalf("vector %v is present: %v, should be %v", key, v.present, present)
		}
		delete(users, key)
	}
	if len(users) > 0 {
		w.t.Fatalf("interactions are in vectors that are forgotten: %v", users)
	}
	for name := range w.e.config.vectors {
		if w.e.VectorAt(name, w.e.presentVectors[name]) == nil {
			w.t.Fatalf("vector %q is not there", name)
		}
	}
	if len(w.e.presentVectors) != len(w.e.config.vectors) {
		w.t.Fatalf("present are %v", w.e.presentVectors)
	}
}

// checkViews: a view has exactly what it shows of its queue, in its order.
func (w *world) checkViews() {
	w.t.Helper()
	views := 0
	for name, q := range w.e.queues {
		for _, v := range q.views {
			views++
			if w.e.config.views[v.name].GetQueue() != string(name) {
				w.t.Fatalf("view %s is at queue %s", v.name, name)
			}
			for _, routing := range []bool{false, true} {
				w.checkView(q, v, routing)
			}
		}
	}
	if views != len(w.e.config.views) {
		w.t.Fatalf("%d views are kept, %d configured", views, len(w.e.config.views))
	}
}

func (w *world) checkView(q *queue, v *view, routing bool) {
	w.t.Helper()
	var want, got []*Interaction
	q.tree(routing).Ascend(func(i *Interaction) bool {
		if v.shows(i) {
			want = append(want, i)
		}
		return true
	})
	v.tree(routing).Ascend(func(i *Interaction) bool {
		got = append(got, i)
		return true
	})
	slices.SortFunc(want, func(a, b *Interaction) int { return orderOf(v.less(a, b), v.less(b, a)) })
	if !slices.Equal(want, got) {
		w.t.Fatalf("view %s has %v, should have %v", v.name, idsOf(got), idsOf(want))
	}
}

func idsOf(all []*Interaction) (ids []InteractionID) {
	for _, i := range all {
		ids = append(ids, i.ID())
	}
	return ids
}

// checkCounters: what is counted is what there is.
func (w *world) checkCounters() {
	w.t.Helper()
	calls, routing, asked := map[string]int{}, map[string]int{}, map[string]int{}
	for i := range w.e.EachInteraction {
		if i.props.Vdn != "" {
			calls[i.props.Vdn]++
		}
		if i.strategy != "" && i.router != BuiltinRouter {
			routing[i.router.ID]++
		}
	}
	for id, open := range w.e.serviceRequests {
		asked[open.body().Service]++
		if open.id != id || open.deadline.place == 0 {
			w.t.Fatalf("service request %d has id %d and its deadline place %d", id, open.id, open.deadline.place)
		}
	}
	counted := func(of func(*client) int) map[string]int {
		all := map[string]int{}
		for who, c := range w.e.clients {
			if n := of(c); n != 0 {
				all[who.ID] = n
			}
		}
		return all
	}
	got := []map[string]int{w.e.calls, counted(func(c *client) int { return c.routing }), counted(func(c *client) int { return c.asked })}
	waiting := map[serviceKey]int{}
	for i := range w.e.EachInteraction {
		if len(i.invitations) > 0 {
			continue // it rings already
		}
		for _, q := range i.vector.GetQueueings() {
			if key, counts := serviceOf(q, i.props.MediaType); counts {
				waiting[key]++
			}
		}
	}
	if !maps.Equal(waiting, w.e.waiting) {
		w.t.Fatalf("counted as waiting are %v, there are %v", w.e.waiting, waiting)
	}
	want := []map[string]int{calls, routing, asked}
	if !slices.EqualFunc(got, want, maps.Equal) {
		w.t.Fatalf("counted are %v, there are %v (calls, routing, asked)", got, want)
	}
}

// checkWork: nothing is pending for who is free, and time counted is no more
// than what has passed.
func (w *world) checkWork(a *Agent) {
	w.t.Helper()
	s, free := &a.work, len(a.handling) == 0
	timed := s.mode == modeAcw && s.pending == modeAuto
	fault := ""
	switch {
	case len(w.e.ended) > 0 || s.ended != nil:
		fault = "what ended was not dealt with"
	case free && s.logoutPending:
		fault = "is free and still logged in"
	case free && s.pending != noWorkMode && !timed:
		fault = "is free and something is pending"
	case s.mode == noWorkMode && s.pending != noWorkMode:
		fault = "has no work mode and one is pending"
	case s.acwUntil.at != 0 && s.mode != modeAcw, (s.acwUntil.place != 0) != (s.acwUntil.at != 0):
		fault = fmt.Sprintf("has a deadline of after-call work at %d, place %d", s.acwUntil.at, s.acwUntil.place)
	case timed && s.acwUntil.at == 0:
		fault = "is in timed after-call work without end"
	case s.worked+s.available > w.now-s.loggedInAt, s.countedUntil > w.now, s.occupancy < 0, s.occupancy > 1_000_000:
		fault = fmt.Sprintf("worked %d and was available %d since %d", s.worked, s.available, s.loggedInAt)
	}
	if fault != "" {
		w.t.Fatalf("agent %s (%s, pending %s) %s", a.id, s.mode, s.pending, fault)
	}
}
