package router

import (
	"cmp"
	"math"
	"slices"

	"github.com/usher-cc/usher/engine"
)

// never is the end of a refusal by the engine, which lasts until the agent or
// the interaction changes.
const never = engine.Millis(math.MaxInt64)

// agentItem is what the index knows of an agent.
type agentItem struct {
	id        engine.AgentID
	groups    []engine.GroupName
	media     []mediaItem
	idleSince engine.Millis
}

// mediaItem is one of an agent's media, and whether he has capacity left.
type mediaItem struct {
	name      engine.MediaName
	available bool
}

// workItem is what the index knows of an interaction that waits.
type workItem struct {
	id       engine.InteractionID
	pool     poolName
	priority int32
	movedAt  engine.Millis
	entry    engine.Sequence
	of       backOffs
}

// backOffs says until when an interaction isn't offered to an agent again;
// *engine.Interaction does.
type backOffs interface {
	NotBefore(engine.AgentID) engine.Millis
}

// poolName names the agents and the interactions that can come together.
type poolName struct {
	group engine.GroupName
	media engine.MediaName
}

// pool is where agents of a group and interactions of a media type that wait
// for the group come together.
//
// Nearly always nothing can be matched, and one event makes one match
// possible. So a pool keeps who it has to look at. Of every pair of a waiting
// interaction and an idle agent one of these is true:
//
//   - the interaction is in arrived,
//   - the agent is in came,
//   - they are kept apart, and the interaction is looked at again (index.wakes)
//     when that ends, if it ends by itself.
type pool struct {
	waiting tree[place] // the interactions
	arrived tree[place] // those to be looked at
	idle    tree[turn]  // the available agents
	came    tree[turn]  // those to be looked at
	dirty   bool        // it is in index.dirty
	found   match       // its next match, which is in index.matches
}

// place is an interaction's place among all that wait.
type place struct {
	priority int32
	movedAt  engine.Millis
	entry    engine.Sequence
	work     *work
}

func (a place) before(b place) bool {
	switch {
	case a.priority != b.priority:
		return a.priority > b.priority
	case a.movedAt != b.movedAt:
		return a.movedAt < b.movedAt
	default:
		return a.entry < b.entry
	}
}

// turn is an agent's place in a pool: who is idle longest comes first.
type turn struct {
	idleSince engine.Millis
	id        engine.AgentID
	seat      *seat
}

func (a turn) before(b turn) bool {
	if a.idleSince != b.idleSince {
		return a.idleSince < b.idleSince
	}
	return a.id < b.id
}

// match is an interaction and the agent who gets it. Matches are made in the
// order of the interactions.
type match struct {
	place place
	seat  *seat
}

func (a match) before(b match) bool { return a.place.before(b.place) }

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
	id       engine.AgentID
	groups   []engine.GroupName
	media    []engine.MediaName
	seats    []*seat // by group, then media
	refusals []*work // that the engine refused for him; may be outdated
}

// seat is an agent in one pool.
type seat struct {
	agent     *agent
	pool      *pool
	available bool
	turn      turn
	apart     tree[place] // waiting interactions known to be kept apart from him
}

// work is an interaction that waits.
type work struct {
	id       engine.InteractionID
	pool     *pool
	place    place
	of       backOffs
	apart    []apart // in whose seats' apart it is
	refusals int     // how many of them have no end
	wake     engine.Millis
}

// apart keeps an interaction from a seat until a time.
type apart struct {
	seat  *seat
	until engine.Millis
}

// index holds the pools. Its maps are only looked up, never walked.
type index struct {
	agents  map[engine.AgentID]*agent
	works   map[engine.InteractionID]*work
	pools   map[poolName]*pool
	dirty   []*pool // to be looked at, in the order in which they changed
	matches tree[match]
	wakes   tree[wake]
}

func newIndex() *index {
	return &index{
		agents: map[engine.AgentID]*agent{},
		works:  map[engine.InteractionID]*work{},
		pools:  map[poolName]*pool{},
	}
}

func (x *index) pool(name poolName) *pool {
	p := x.pools[name]
	if p == nil {
		p = &pool{}
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
	if !a.sitsAs(item) {
		x.reseat(a, item)
	}
	x.forgetRefusals(a)
	for k, s := range a.seats {
		x.setSeat(s, item.media[k%len(item.media)].available, item.idleSince)
	}
}

func (a *agent) sitsAs(item agentItem) bool {
	sameName := func(name engine.MediaName, m mediaItem) bool { return name == m.name }
	return slices.Equal(a.groups, item.groups) && slices.EqualFunc(a.media, item.media, sameName)
}

// reseat gives an agent the seats of his groups and media.
func (x *index) reseat(a *agent, item agentItem) {
	for _, s := range a.seats {
		x.setSeat(s, false, 0)
		for p := range s.apart.all() {
			p.work.unlist(s)
		}
	}
	a.groups = slices.Clone(item.groups)
	a.media = a.media[:0]
	for _, m := range item.media {
		a.media = append(a.media, m.name)
	}
	a.seats = nil
	for _, g := range a.groups {
		for _, m := range a.media {
			a.seats = append(a.seats, &seat{agent: a, pool: x.pool(poolName{g, m})})
		}
	}
}

// setSeat makes a seat available or not.
func (x *index) setSeat(s *seat, available bool, idleSince engine.Millis) {
	if s.available == available && (!available || s.turn.idleSince == idleSince) {
		return
	}
	p := s.pool
	if s.available {
		p.idle.delete(s.turn)
		p.came.delete(s.turn)
	}
	s.available = available
	if available {
		s.turn = turn{idleSince, s.agent.id, s}
		p.idle.insert(s.turn)
		p.came.insert(s.turn)
	}
	x.touch(p)
}

// setWork takes in an interaction that waits, as it is now.
func (x *index) setWork(item workItem) {
	x.dropWork(item.id)
	w := &work{id: item.id, pool: x.pool(item.pool), of: item.of}
	w.place = place{item.priority, item.movedAt, item.entry, w}
	x.works[w.id] = w
	w.pool.waiting.insert(w.place)
	x.lookAgain(w)
}

// dropWork takes out an interaction, if it was waiting.
func (x *index) dropWork(id engine.InteractionID) {
	w := x.works[id]
	if w == nil {
		return
	}
	delete(x.works, id)
	w.pool.waiting.delete(w.place)
	w.pool.arrived.delete(w.place)
	x.touch(w.pool)
	x.setWake(w, 0)
	for _, b := range w.apart {
		b.seat.apart.delete(w.place)
	}
	w.apart, w.refusals = nil, 0
}

// lookAgain puts an interaction among those to be looked at, unless there is
// nobody: then the next agent who comes looks at it.
func (x *index) lookAgain(w *work) {
	if w.pool.idle.len() > 0 {
		w.pool.arrived.insert(w.place)
		x.touch(w.pool)
	}
}

// next is the next match: the first of all waiting interactions that an idle
// agent can have, and of these agents the one who is idle longest.
func (x *index) next(now engine.Millis) (match, bool) {
	for x.wakes.len() > 0 && x.wakes.first().at <= now {
		x.end(x.wakes.first().work, now)
	}
	for _, p := range x.dirty {
		p.dirty = false
		x.look(p, now)
	}
	x.dirty = x.dirty[:0]
	if x.matches.len() == 0 {
		return match{}, false
	}
	return x.matches.first(), true
}

// deadline is when next has to be asked again though nothing changes.
func (x *index) deadline() (engine.Millis, bool) {
	if x.wakes.len() == 0 {
		return 0, false
	}
	return x.wakes.first().at, true
}

// look finds the next match of a pool.
func (x *index) look(p *pool, now engine.Millis) {
	if p.found.seat != nil {
		x.matches.delete(p.found)
		p.found = match{}
	}
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
		x.matches.insert(a)
	}
}

// lookAtArrived finds the first of the arrived interactions that somebody can
// have. It passes over as many agents as refused that interaction lately.
func (x *index) lookAtArrived(p *pool, now engine.Millis) match {
	for p.arrived.len() > 0 {
		w := p.arrived.first().work
		var found match
		earliest := never
		for t := range p.idle.all() {
			until := w.keptFrom(t.seat)
			if until <= now {
				found = match{w.place, t.seat}
				break
			}
			earliest = min(earliest, until)
		}
		if earliest != never {
			x.wakeBy(w, earliest)
		}
		if found.seat != nil {
			return found
		}
		p.arrived.delete(w.place)
	}
	return match{}
}

// lookAtCame finds the first interaction that one of the agents who came can
// have. It passes over as many agents as refused the pool's first interaction
// lately.
//
// An interaction that is not in arrived can't be had by others than these, so
// that the first of them who can have it is the one who is idle longest.
func (x *index) lookAtCame(p *pool, now engine.Millis) match {
	var best match
	var without []turn
	for t := range p.came.all() {
		w, ok := x.firstFor(t.seat, now)
		if !ok {
			without = append(without, t)
			continue
		}
		if best.seat == nil || w.before(best.place) {
			best = match{w, t.seat}
		}
		if !p.waiting.first().before(w) {
			break
		}
	}
	for _, t := range without {
		p.came.delete(t)
	}
	return best
}

// firstFor is the first interaction that an agent can have. Those that are
// known to be kept apart from him cost nothing: as long as they are the first
// of the pool, the rank of each in the pool is its rank among them.
func (x *index) firstFor(s *seat, now engine.Millis) (place, bool) {
	for {
		waiting := &s.pool.waiting
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
		until := first.work.keptFrom(s)
		if until <= now {
			return first, true
		}
		x.keepApart(first.work, s, until)
	}
}

// keptFrom is when a seat's agent can have the interaction.
func (w *work) keptFrom(s *seat) engine.Millis {
	if w.refusals > 0 && slices.Contains(w.apart, apart{s, never}) {
		return never
	}
	return w.of.NotBefore(s.agent.id)
}

// keepApart remembers that a seat's agent can't have the interaction.
func (x *index) keepApart(w *work, s *seat, until engine.Millis) {
	w.apart = append(w.apart, apart{s, until})
	s.apart.insert(w.place)
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
			b.seat.apart.delete(w.place)
			continue
		}
		still = append(still, b)
		if b.until != never {
			x.wakeBy(w, b.until)
		}
	}
	w.apart = still
	x.lookAgain(w)
}

// refused notes that the engine doesn't let the agent have the interaction.
func (x *index) refused(id engine.InteractionID, agentID engine.AgentID) {
	w, a := x.works[id], x.agents[agentID]
	if w == nil || a == nil {
		return
	}
	for _, s := range a.seats {
		if s.pool == w.pool {
			w.unlist(s)
			x.keepApart(w, s, never)
			x.touch(w.pool)
		}
	}
}

// forgetRefusals lets an agent who has changed be tried again.
func (x *index) forgetRefusals(a *agent) {
	for _, w := range a.refusals {
		for _, s := range a.seats {
			if s.pool == w.pool && slices.Contains(w.apart, apart{s, never}) {
				w.unlist(s)
				s.apart.delete(w.place)
				x.lookAgain(w)
			}
		}
	}
	a.refusals = nil
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
		x.wakes.delete(wake{w.wake, w.place.entry, w})
	}
	w.wake = at
	if at != 0 {
		x.wakes.insert(wake{at, w.place.entry, w})
	}
}
