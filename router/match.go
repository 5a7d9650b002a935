package router

import (
	"slices"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
)

// next is the next match. The first of all claims that an available agent of
// its pool can have names the agent: the first of those who can have it. He
// gets what he prefers of all that he can have.
func (x *index) next(now engine.Millis) (match, bool) {
	for x.wakes.len() > 0 && x.wakes.first().at <= now {
		x.end(x.wakes.first().work, now)
	}
	for _, p := range x.dirty {
		p.dirty = false
		x.look(p, now)
	}
	x.dirty = x.dirty[:0]
	if x.found.len() == 0 {
		return match{}, false
	}
	c := x.preferred(x.found.first(), now)
	return match{c.place.claim.work.id, c.seat.agent.id, c.seat.pool.name}, true
}

// deadline is when next has to be asked again though nothing changes.
func (x *index) deadline() (engine.Millis, bool) {
	if x.wakes.len() == 0 {
		return 0, false
	}
	return x.wakes.first().at, true
}

// preferred is what an agent gets for whom something was found: that, if it is
// direct or greatest need is his preference.
func (x *index) preferred(found candidate, now engine.Millis) candidate {
	a := found.seat.agent
	switch {
	case found.place.rank == directRank:
		return found
	case a.preference != usherv1.CallPreference_CALL_PREFERENCE_SKILL_LEVEL &&
		a.preference != usherv1.CallPreference_CALL_PREFERENCE_PERCENT_ALLOCATION:
		return found
	}
	best := found
	for k := range a.seats {
		s := &a.seats[k]
		if !s.available {
			continue
		}
		c := s.pool.found
		if c.seat != s {
			first, ok := x.firstFor(s, now)
			if !ok {
				continue
			}
			c = candidate{first, s}
		}
		if c.preferredTo(best) {
			best = c
		}
	}
	return best
}

// preferredTo says whether an agent whose preference is skill level or percent
// allocation prefers one match to another one of his.
func (c candidate) preferredTo(d candidate) bool {
	a, b := c.seat, d.seat
	switch byShare := a.agent.preference == usherv1.CallPreference_CALL_PREFERENCE_PERCENT_ALLOCATION; {
	case byShare && a.deficit != b.deficit:
		return a.deficit > b.deficit
	case a.level != b.level:
		return a.level < b.level
	default:
		return c.before(d)
	}
}

// look finds the next match of a pool.
func (x *index) look(p *pool, now engine.Millis) {
	x.unfind(p)
	if p.idle.len() == 0 || p.waiting.len() == 0 {
		p.arrived.clear()
		p.came.clear()
		return
	}
	a, b := x.lookAtArrived(p, now), x.lookAtCame(p, now)
	if a.seat == nil || b.seat != nil && b.before(a) {
		a = b
	}
	if a.seat != nil {
		p.found = a
		x.found.insert(a)
	}
}

// unfind takes back the match of a pool.
func (x *index) unfind(p *pool) {
	if p.found.seat != nil {
		x.found.delete(p.found)
		p.found = candidate{}
	}
}

// lookAtArrived finds the first of the arrived claims that somebody can have.
// It passes over as many agents as refused that interaction lately.
func (x *index) lookAtArrived(p *pool, now engine.Millis) candidate {
	for p.arrived.len() > 0 {
		first := p.arrived.first()
		w := first.claim.work
		var found candidate
		earliest := never
		for k := 0; k < p.idle.len() && found.seat == nil; k++ {
			s := p.idle.at(k).seat
			if until := w.keptFrom(s); until <= now {
				found = candidate{first, s}
			} else {
				earliest = min(earliest, until)
			}
		}
		if earliest != never {
			x.wakeBy(w, earliest)
		}
		if found.seat != nil {
			return found
		}
		p.arrived.delete(first)
	}
	return candidate{}
}

// lookAtCame finds the first claim that one of the agents who came can have.
// It passes over as many agents as refused the pool's first interaction
// lately.
//
// A claim that is not in arrived can't be had by others than these, so that
// the first of them who can have it is the first of all.
func (x *index) lookAtCame(p *pool, now engine.Millis) candidate {
	var best candidate
	for k := 0; k < p.came.len(); {
		t := p.came.at(k)
		first, ok := x.firstFor(t.seat, now)
		if !ok {
			p.came.delete(t)
			continue
		}
		if best.seat == nil || first.before(best.place) {
			best = candidate{first, t.seat}
		}
		if !p.waiting.first().before(first) {
			break
		}
		k++
	}
	return best
}

// firstFor is the first claim in a seat's pool that its agent can have. Those
// that are known to be kept apart from him cost nothing: as long as they are
// the first of the pool, the rank of each in the pool is its rank among them.
func (x *index) firstFor(s *seat, now engine.Millis) (place, bool) {
	waiting := &s.pool.waiting
	for {
		low, high := 0, s.apart.len()
		for low < high {
			mid := int(uint(low+high) >> 1)
			if waiting.rank(s.apart.at(mid)) == mid {
				low = mid + 1
			} else {
				high = mid
			}
		}
		if low == waiting.len() {
			return place{}, false
		}
		first := waiting.at(low)
		until := first.claim.work.keptFrom(s)
		if until <= now {
			return first, true
		}
		x.keepApart(first.claim, s, until)
	}
}

// keptFrom is when a seat's agent can have the interaction.
func (w *work) keptFrom(s *seat) engine.Millis {
	if w.refusals > 0 && slices.ContainsFunc(w.apart, func(b apart) bool { return b.seat == s && b.until == never }) {
		return never
	}
	return w.of.NotBefore(s.agent.id)
}

// keepApart remembers that a seat's agent can't have a claim.
func (x *index) keepApart(c *claim, s *seat, until engine.Millis) {
	w := c.work
	w.apart = append(w.apart, apart{c, s, until})
	s.apart.insert(c.place)
	if until == never {
		w.refusals++
		s.agent.refusals = append(s.agent.refusals, w)
		return
	}
	x.wakeBy(w, until)
}

// unlist takes a seat from those that the interaction is kept from, and says
// whether the engine had refused the two.
func (w *work) unlist(s *seat) (refused bool) {
	k := slices.IndexFunc(w.apart, func(b apart) bool { return b.seat == s })
	if k < 0 {
		return false
	}
	if refused = w.apart[k].until == never; refused {
		w.refusals--
	}
	w.apart = slices.Delete(w.apart, k, k+1)
	return refused
}

// end ends what kept an interaction apart until now, and lets it be looked at.
func (x *index) end(w *work, now engine.Millis) {
	x.setWake(w, 0)
	still := w.apart[:0]
	for _, b := range w.apart {
		if b.until <= now {
			b.seat.apart.delete(b.claim.place)
			continue
		}
		still = append(still, b)
		if b.until != never {
			x.wakeBy(w, b.until)
		}
	}
	w.apart = still
	for k := range w.claims {
		x.lookAgain(&w.claims[k])
	}
}

// refused notes that the engine doesn't let the agent have the interaction.
func (x *index) refused(id engine.InteractionID, agentID engine.AgentID) {
	w, a := x.works[id], x.agents[agentID]
	if w == nil || a == nil {
		return
	}
	for k := range a.seats {
		s := &a.seats[k]
		if c := w.claimIn(s.pool); c != nil {
			w.unlist(s)
			x.keepApart(c, s, never)
			x.touch(s.pool)
		}
	}
}

func (w *work) claimIn(p *pool) *claim {
	for k := range w.claims {
		if w.claims[k].pool == p {
			return &w.claims[k]
		}
	}
	return nil
}

// forgetRefusals lets an agent who has changed be tried again.
func (x *index) forgetRefusals(a *agent) {
	for _, w := range a.refusals {
		for k := range a.seats {
			x.forgetRefusal(w, &a.seats[k])
		}
	}
	clear(a.refusals)
	a.refusals = a.refusals[:0]
}

func (x *index) forgetRefusal(w *work, s *seat) {
	refused := func(b apart) bool { return b.seat == s && b.until == never }
	if k := slices.IndexFunc(w.apart, refused); k >= 0 {
		c := w.apart[k].claim
		w.unlist(s)
		s.apart.delete(c.place)
		x.lookAgain(c)
	}
}
