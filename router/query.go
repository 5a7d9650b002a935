package router

import (
	"iter"
	"math"

	"github.com/usher-cc/usher/engine"
)

// staffed is how many agents a class has.
func (x *index) staffed(name className) int {
	if c := x.classes[name]; c != nil {
		return c.staffed
	}
	return 0
}

// idle is how many agents of a pool are available.
func (x *index) idle(name poolName) int {
	if p := x.pools[name]; p != nil {
		return p.idle.len()
	}
	return 0
}

// working is how many agents of a pool work.
func (x *index) working(name poolName) int {
	if p := x.pools[name]; p != nil {
		return p.working
	}
	return 0
}

// idleAgents are the available agents of a pool in their order. The index must
// stay as it is meanwhile.
func (x *index) idleAgents(name poolName) iter.Seq[engine.AgentID] {
	return func(yield func(engine.AgentID) bool) {
		p := x.pools[name]
		if p == nil {
			return
		}
		for t := range p.idle.all() {
			if !yield(t.seat.agent.id) {
				return
			}
		}
	}
}

// reaches says whether an available agent of a pool could take an interaction
// with these back-offs. It passes over as many agents as refused it lately.
func (x *index) reaches(name poolName, of backOffs, now engine.Millis) bool {
	for id := range x.idleAgents(name) {
		if of.NotBefore(id) <= now {
			return true
		}
	}
	return false
}

// byRank is the claims of a pool by rank.
func (x *index) byRank(name poolName) *tree[place] {
	p := x.pools[name]
	switch {
	case p == nil:
		return &tree[place]{}
	case x.agingMs > 0:
		return &p.ranked
	default:
		return &p.waiting
	}
}

// waiting is how many claims of a pool have at least a rank.
func (x *index) waiting(name poolName, rank int32) int {
	return x.byRank(name).rank(lastOf(rank))
}

// lastOf is behind all places of a rank.
func lastOf(rank int32) place {
	return place{at: math.MaxInt64, entry: math.MaxUint64, rank: rank, number: math.MaxInt32}
}

// oldest is when the oldest of a pool's claims came that have at least a rank.
// It takes one step for each of their ranks.
func (x *index) oldest(name poolName, rank int32) (at engine.Millis, ok bool) {
	places := x.byRank(name)
	end := places.rank(lastOf(rank))
	for k := 0; k < end; {
		first := places.at(k)
		if !ok || first.at < at {
			at, ok = first.at, true
		}
		k = places.rank(lastOf(first.rank))
	}
	return at, ok
}

// position is the place of an interaction's claim in a pool, counting itself.
func (x *index) position(id engine.InteractionID, name poolName) (position int, ok bool) {
	w, p := x.works[id], x.pools[name]
	if w == nil || p == nil {
		return 0, false
	}
	c := w.claimIn(p)
	if c == nil {
		return 0, false
	}
	return p.waiting.rank(c.place) + 1, true
}
