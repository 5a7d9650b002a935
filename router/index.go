package router

import (
	"cmp"
	"math"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
)

// never is the end of a refusal by the engine, which lasts until the agent or
// the interaction changes.
const never = engine.Millis(math.MaxInt64)

// pool is where agents of a class and interactions of a media type that wait
// for the class come together.
//
// Nearly always nothing can be matched, and one event makes one match
// possible. So a pool keeps who it has to look at. Of every pair of a waiting
// claim and an available seat one of these is true:
//
//   - the claim is in arrived,
//   - the seat is in came,
//   - they are kept apart, and the claim is looked at again (index.wakes) when
//     that ends, if it ends by itself.
type pool struct {
	name    poolName
	class   *class
	waiting tree[place] // the claims
	ranked  tree[place] // the same by rank, whatever their age; empty without aging
	arrived tree[place] // those to be looked at
	idle    tree[turn]  // the available seats
	came    tree[turn]  // those to be looked at
	working int         // the seats whose agents work: are ready, and not in AUX
	dirty   bool        // it is in index.dirty
	found   candidate   // its next match, which is in index.found
}

// class counts the agents of a class.
type class struct {
	staffed int
	counted uint64 // the last index.count that counted it
}

// place is a claim's place among all that wait.
type place struct {
	at     engine.Millis
	entry  engine.Sequence
	rank   int32
	number int32 // among the claims of its interaction
	claim  *claim
}

func (a place) before(b place) bool {
	switch {
	case a.rank != b.rank:
		return a.rank > b.rank
	case a.at != b.at:
		return a.at < b.at
	case a.entry != b.entry:
		return a.entry < b.entry
	default:
		return a.number < b.number
	}
}

// aged is the place that a claim has if age counts: a rank is worth so many
// milliseconds of waiting. So a place never changes while time goes by.
func (a place) aged(agingMs engine.Millis) place {
	if agingMs > 0 && a.rank != directRank {
		a.at -= engine.Millis(a.rank) * agingMs
		a.rank = 0
	}
	return a
}

// turn is an agent's place among the available agents of a pool.
type turn struct {
	order [3]int64
	seat  *seat
}

func (a turn) before(b turn) bool {
	for k, n := range a.order {
		if n != b.order[k] {
			return n < b.order[k]
		}
	}
	return a.seat.agent.id < b.seat.agent.id
}

// candidate is a claim and a seat that can be matched.
type candidate struct {
	place place
	seat  *seat
}

func (a candidate) before(b candidate) bool { return a.place.before(b.place) }

// wake is when an interaction is looked at again.
type wake struct {
	at    engine.Millis
	entry engine.Sequence
	work  *work
}

func (a wake) before(b wake) bool {
	return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.entry, b.entry)) < 0
}

// agent is an agent with a seat in each pool that he belongs to.
type agent struct {
	id         engine.AgentID
	preference usherv1.CallPreference
	seats      []seat
	refusals   []*work // that the engine refused for him; may be outdated
}

// seat is an agent in one pool.
type seat struct {
	agent     *agent
	pool      *pool
	available bool
	works     bool
	level     int32
	deficit   int64
	turn      turn
	apart     tree[place] // waiting claims known to be kept apart from him
}

// work is an interaction that waits.
type work struct {
	id       engine.InteractionID
	entry    engine.Sequence
	of       backOffs
	claims   []claim
	apart    []apart // in whose seats' apart it is
	refusals int     // how many of them have no end
	wake     engine.Millis
}

// claim is an interaction in one pool.
type claim struct {
	work   *work
	pool   *pool
	place  place // in pool.waiting
	ranked place // in pool.ranked
}

// apart keeps a claim from a seat of its pool until a time.
type apart struct {
	claim *claim
	seat  *seat
	until engine.Millis
}

// index holds the pools. Its maps are only looked up, never walked.
type index struct {
	agingMs engine.Millis // what a rank is worth; 0: ranks go before age
	agents  map[engine.AgentID]*agent
	works   map[engine.InteractionID]*work
	pools   map[poolName]*pool
	classes map[className]*class
	dirty   []*pool // to be looked at, in the order in which they changed
	found   tree[candidate]
	wakes   tree[wake]
	spare   []*work // to be used again
	count   uint64  // of agents who were counted in their classes
}

func newIndex(agingMs engine.Millis) *index {
	return &index{
		agingMs: agingMs,
		agents:  map[engine.AgentID]*agent{},
		works:   map[engine.InteractionID]*work{},
		pools:   map[poolName]*pool{},
		classes: map[className]*class{},
	}
}

func (x *index) pool(name poolName) *pool {
	p := x.pools[name]
	if p == nil {
		p = &pool{name: name, class: x.classes[name.class]}
		if p.class == nil {
			p.class = &class{}
			x.classes[name.class] = p.class
		}
		x.pools[name] = p
	}
	return p
}

func (x *index) touch(p *pool) {
	if !p.dirty {
		p.dirty = true
		x.dirty = append(x.dirty, p)
	}
}

// setAgent takes an agent in as he is now. The item's slices may be reused.
func (x *index) setAgent(item agentItem) {
	a := x.agents[item.id]
	if a == nil {
		a = &agent{id: item.id}
		x.agents[item.id] = a
	}
	a.preference = item.preference
	if !a.sitsAs(item.seats) {
		x.reseat(a, item.seats)
	}
	x.forgetRefusals(a)
	for k := range item.seats {
		x.setSeat(&a.seats[k], &item.seats[k])
	}
}

// dropAgent takes out an agent, if he is there.
func (x *index) dropAgent(id engine.AgentID) {
	if a := x.agents[id]; a != nil {
		x.reseat(a, nil)
		delete(x.agents, id)
	}
}

func (a *agent) sitsAs(items []seatItem) bool {
	if len(a.seats) != len(items) {
		return false
	}
	for k := range items {
		if a.seats[k].pool.name != items[k].pool {
			return false
		}
	}
	return true
}

// reseat gives an agent seats in other pools.
func (x *index) reseat(a *agent, items []seatItem) {
	x.forgetRefusals(a)
	for k := range a.seats {
		s := &a.seats[k]
		x.leave(s)
		s.setWorks(false)
		for p := range s.apart.all() {
			p.claim.work.unlist(s)
		}
	}
	x.staff(a, -1)
	a.seats = make([]seat, len(items))
	for k := range items {
		s := &a.seats[k]
		*s = seat{agent: a, pool: x.pool(items[k].pool), turn: turn{seat: s}}
	}
	x.staff(a, 1)
}

// staff counts an agent once in each of his classes.
func (x *index) staff(a *agent, by int) {
	x.count++
	for k := range a.seats {
		if c := a.seats[k].pool.class; c.counted != x.count {
			c.counted = x.count
			c.staffed += by
		}
	}
}

// setSeat takes a seat in as it is now.
func (x *index) setSeat(s *seat, item *seatItem) {
	s.level, s.deficit = item.level, item.deficit
	s.setWorks(item.works)
	if s.available == item.available && (!s.available || s.turn.order == item.order) {
		return
	}
	x.leave(s)
	if item.available {
		x.enter(s, item.order)
	}
}

// setWorks counts a seat among those whose agents work, or not.
func (s *seat) setWorks(works bool) {
	if s.works == works {
		return
	}
	s.works = works
	if works {
		s.pool.working++
	} else {
		s.pool.working--
	}
}

// enter makes a seat available.
func (x *index) enter(s *seat, order [3]int64) {
	p := s.pool
	s.available = true
	s.turn.order = order
	p.idle.insert(s.turn)
	if p.waiting.len() > 0 {
		p.came.insert(s.turn)
		x.touch(p)
	}
}

// leave makes a seat unavailable. A match with another one stays the first.
func (x *index) leave(s *seat) {
	if !s.available {
		return
	}
	p := s.pool
	s.available = false
	p.idle.delete(s.turn)
	p.came.delete(s.turn)
	if p.found.seat == s {
		x.touch(p)
	}
}

// setWork takes in an interaction that waits, as it is now. The item's slices
// may be reused.
func (x *index) setWork(item workItem) {
	x.dropWork(item.id)
	w := x.newWork(len(item.claims))
	w.id, w.entry, w.of = item.id, item.entry, item.of
	x.works[w.id] = w
	for k := range item.claims {
		of, c := &item.claims[k], &w.claims[k]
		p := x.pool(of.pool)
		c.work, c.pool = w, p
		c.ranked = place{of.at, item.entry, of.rank, int32(k), c}
		c.place = c.ranked.aged(x.agingMs)
		p.waiting.insert(c.place)
		if x.agingMs > 0 {
			p.ranked.insert(c.ranked)
		}
		x.lookAgain(c)
	}
}

// newWork is an interaction with so many claims, one that has gone if it has
// room for them.
func (x *index) newWork(claims int) *work {
	var w *work
	if last := len(x.spare) - 1; last >= 0 {
		w, x.spare = x.spare[last], x.spare[:last]
	} else {
		w = &work{}
	}
	if cap(w.claims) < claims {
		w.claims = make([]claim, claims)
	}
	w.claims = w.claims[:claims]
	return w
}

// dropWork takes out an interaction, if it was waiting.
func (x *index) dropWork(id engine.InteractionID) {
	w := x.works[id]
	if w == nil {
		return
	}
	delete(x.works, id)
	for k := range w.claims {
		x.dropClaim(&w.claims[k])
	}
	for _, b := range w.apart {
		b.seat.apart.delete(b.claim.place)
	}
	x.setWake(w, 0)
	clear(w.apart)
	clear(w.claims)
	*w = work{claims: w.claims[:0], apart: w.apart[:0]}
	x.spare = append(x.spare, w)
}

// dropClaim takes a claim out of its pool. A match of another one stays the
// first.
func (x *index) dropClaim(c *claim) {
	p := c.pool
	p.waiting.delete(c.place)
	p.ranked.delete(c.ranked)
	p.arrived.delete(c.place)
	if p.found.place.claim == c {
		x.unfind(p)
		x.touch(p)
	}
}

// lookAgain puts a claim among those to be looked at, unless there is nobody:
// then the next agent who comes looks at it.
func (x *index) lookAgain(c *claim) {
	if c.pool.idle.len() > 0 {
		c.pool.arrived.insert(c.place)
		x.touch(c.pool)
	}
}

// wakeBy has an interaction looked at again at a time, or before.
func (x *index) wakeBy(w *work, at engine.Millis) {
	if w.wake == 0 || at < w.wake {
		x.setWake(w, at)
	}
}

// setWake sets when an interaction is looked at again; 0 for not at all.
func (x *index) setWake(w *work, at engine.Millis) {
	if w.wake != 0 {
		x.wakes.delete(wake{w.wake, w.entry, w})
	}
	w.wake = at
	if at != 0 {
		x.wakes.insert(wake{at, w.entry, w})
	}
}
