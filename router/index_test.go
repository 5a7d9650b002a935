package router

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/usher-cc/usher/engine"
)

// player plays a random workload to a world and to the index.
type player struct {
	t      *testing.T
	seed   uint64
	random *rand.Rand
	world  *world
	index  *index
	now    engine.Millis
	entry  engine.Sequence

	did map[string]int
}

func (p *player) tellAgent(a *worldAgent) {
	p.world.forget(string(a.id))
	if a.loggedIn {
		item := a.item()
		p.index.setAgent(item)
		clear(item.seats)
	} else {
		p.index.dropAgent(a.id)
	}
}

func (p *player) tellWork(w *worldWork) {
	p.world.forget(string(w.id))
	if w.waits {
		p.index.setWork(w.item())
	} else {
		p.index.dropWork(w.id)
	}
}

// The index decides as the naive router does, decision for decision, whatever
// it has seen before, and so keeps its order, starves nobody and loses nothing.
func TestIndexAgainstNaive(t *testing.T) {
	seeds := uint64(100)
	if testing.Short() {
		seeds = 20
	}
	did := map[string]int{}
	for seed := range seeds {
		p := &player{t: t, seed: seed, random: rand.New(rand.NewPCG(seed, 1)), did: did}
		p.world = someWorld(p.random)
		p.index = newIndex(p.world.agingMs)
		for _, a := range p.world.agents {
			p.tellAgent(a)
		}
		for round := range 150 {
			for range 1 + p.random.IntN(3) {
				p.step()
			}
			p.drain()
			checkIndex(t, p.index)
			if round%5 == 0 {
				checkQueries(t, p.index, p.world, p.now)
			}
		}
		p.serveAll()
	}
	t.Log(did)
	for _, what := range []string{
		"matched", "rejected", "refused by the engine", "allowed by the end of a back-off", "rebuilt", "logged out",
		"preferred to the first", "direct", "by age before rank", "matched in its second pool",
	} {
		if did[what] < 50 {
			t.Errorf("%s: only %d times", what, did[what])
		}
	}
}

// step changes something.
func (p *player) step() {
	r := p.random
	a := p.world.agents[r.IntN(len(p.world.agents))]
	switch r.IntN(14) {
	case 0, 1, 2:
		p.arrive()
	case 3, 4, 5:
		for k := range a.seats {
			p.changeSeat(&a.seats[k])
		}
		p.tellAgent(a)
	case 6:
		a.sit(r)
		a.preference = preferences[r.IntN(4)]
		p.tellAgent(a)
	case 7, 8:
		if a.busy > 0 {
			a.busy--
			p.tellAgent(a)
		}
	case 9, 10:
		p.now += engine.Millis(r.IntN(4_000))
	case 11:
		if len(p.world.works) > 0 {
			p.change(p.world.works[r.IntN(len(p.world.works))])
		}
	case 12:
		p.rebuild()
	case 13:
		if a.loggedIn = !a.loggedIn || r.IntN(2) == 0; !a.loggedIn {
			p.did["logged out"]++
		}
		p.tellAgent(a)
	}
}

func (p *player) changeSeat(s *seatItem) {
	switch p.random.IntN(6) {
	case 0, 1:
		s.available = !s.available
	case 2:
		s.order[1] = int64(p.now)
	case 3:
		s.order[2] = int64(p.random.IntN(2))
	case 4:
		s.deficit, s.level = int64(p.random.IntN(3)), int32(1+p.random.IntN(3))
	}
}

func (p *player) arrive() {
	p.entry++
	w := &worldWork{
		id:    engine.InteractionID(fmt.Sprint("i", p.entry)),
		entry: p.entry, claims: p.someClaims(), waits: true, backOffs: map[engine.AgentID]engine.Millis{},
	}
	p.world.works = append(p.world.works, w)
	p.tellWork(w)
}

// someClaims is one claim to four, of which one may be direct.
func (p *player) someClaims() []claimItem {
	r := p.random
	pools := []poolName{poolOf(p.world.agents[r.IntN(len(p.world.agents))].id)}
	for _, k := range r.Perm(len(worldPools)) {
		pools = append(pools, worldPools[k])
	}
	if r.IntN(4) > 0 {
		pools = pools[1:]
	}
	var claims []claimItem
	for _, name := range pools[:1+r.IntN(4)] {
		claims = append(claims, claimItem{name, int32(r.IntN(4) - 1), p.now - engine.Millis(r.IntN(3))})
	}
	if r.IntN(8) == 0 || r.IntN(2) == 0 && claims[0].pool.class.kind == kindAgent {
		claims[0].rank = directRank
	}
	return claims
}

// change holds an interaction, lets it go on, or has it wait elsewhere.
func (p *player) change(w *worldWork) {
	switch p.random.IntN(4) {
	case 0:
		w.waits = !w.waits
	case 1:
		w.claims[0].rank = int32(p.random.IntN(5))
	case 2:
		w.claims = p.someClaims()
	}
	p.tellWork(w)
}

// rebuild goes on with a new index.
func (p *player) rebuild() {
	p.did["rebuilt"]++
	p.index = p.rebuilt()
}

// rebuilt is a new index, of which nothing but the engine's refusals has to be
// told.
func (p *player) rebuilt() *index {
	x := newIndex(p.world.agingMs)
	agents := func() {
		for _, a := range p.world.agents {
			if a.loggedIn {
				x.setAgent(a.item())
			}
		}
	}
	agentsFirst := p.random.IntN(2) == 0
	if agentsFirst {
		agents()
	}
	for _, w := range p.world.works {
		if w.waits {
			x.setWork(w.item())
		}
	}
	if !agentsFirst {
		agents()
	}
	for key := range p.world.refused {
		x.refused(engine.InteractionID(key[0]), engine.AgentID(key[1]))
	}
	return x
}

// drain takes matches until there are no more, and compares each.
func (p *player) drain() {
	for {
		early, _ := p.index.next(p.now)
		want, ok := p.world.next(p.now)
		got, found := p.index.next(p.now)
		fresh, _ := p.rebuilt().next(p.now)
		if got != early || got != fresh || found != ok {
			p.t.Fatalf("seed %d: match %v, then %v, of a new index %v; naive router %v", p.seed, early, got, fresh, want)
		}
		if !ok {
			break
		}
		if want := (match{want.work.id, want.agent.id, want.claim.pool}); got != want {
			p.t.Fatalf("seed %d: match %v, naive router %v", p.seed, got, want)
		}
		p.checkOrder(want)
		p.outcome(want)
	}
	want, wanted := p.world.deadline(p.now)
	got, ok := p.index.deadline()
	if wanted && (!ok || got > want) || ok && got <= p.now {
		p.t.Fatalf("seed %d: at %d deadline %d %v, naive router %d %v", p.seed, p.now, got, ok, want, wanted)
	}
}

// checkOrder checks what the order promises to those who could have had this
// match's agent in the same pool: one of the same rank came later, and one of
// a smaller rank would have had to come so much earlier.
func (p *player) checkOrder(got option) {
	p.did["matched"]++
	if got.claim.rank == directRank {
		p.did["direct"]++
	}
	if len(got.work.claims) > 1 && got.claim == got.work.claims[1] {
		p.did["matched in its second pool"]++
	}
	first := true
	for _, o := range p.world.options(p.now) {
		if o.agent != got.agent || o.work == got.work {
			continue
		}
		first = first && p.world.compare(got, o) < 0
		if o.claim.pool != got.claim.pool {
			continue
		}
		earlier := o.claim.at < got.claim.at || o.claim.at == got.claim.at && o.work.entry < got.work.entry
		ahead := got.claim.at - o.claim.at // by how much the other one came earlier
		ranks := engine.Millis(got.claim.rank) - engine.Millis(o.claim.rank)
		switch aging := p.world.agingMs; {
		case ranks == 0 && earlier,
			aging == 0 && ranks < 0,
			aging > 0 && got.claim.rank != directRank && (o.claim.rank == directRank || ahead > ranks*aging):
			p.t.Fatalf("seed %d: %v passed %v", p.seed, got, o)
		case aging > 0 && ranks < 0:
			p.did["by age before rank"]++
		}
	}
	if !first {
		p.did["preferred to the first"]++
	}
}

// outcome is what became of a match: accepted, rejected, or refused by the
// engine.
func (p *player) outcome(o option) {
	w, a := o.work, o.agent
	if w.backOffs[a.id] > 0 {
		p.did["allowed by the end of a back-off"]++
	}
	switch p.random.IntN(4) {
	case 0:
		p.did["refused by the engine"]++
		p.world.refused[pair(w.id, a.id)] = true
		p.index.refused(w.id, a.id)
		return
	case 1:
		p.did["rejected"]++
		w.backOffs[a.id] = p.now + 5_000*engine.Millis(1+p.random.IntN(3))
	default:
		w.waits = false
		a.busy++
	}
	if p.random.IntN(2) == 0 {
		p.tellAgent(a)
		p.tellWork(w)
		return
	}
	p.tellWork(w)
	p.tellAgent(a)
}

// serveAll makes every agent ready for all, and expects that everything gets
// served: nothing is lost, nothing starves.
func (p *player) serveAll() {
	for _, a := range p.world.agents {
		a.seats = nil
		for _, pool := range append(worldPools, poolOf(a.id)) {
			a.seats = append(a.seats, seatItem{pool: pool, available: true})
		}
		a.loggedIn, a.busy, a.capacity = true, 0, len(p.world.works)+1
		p.tellAgent(a)
	}
	for {
		p.drain()
		next, ok := p.index.deadline()
		if !ok {
			break
		}
		p.now = next
	}
	for _, o := range p.world.inOrder() {
		if len(p.world.candidates(o)) > 0 {
			p.t.Fatalf("seed %d: %s was left behind", p.seed, o.work.id)
		}
	}
}

// checkQueries compares what the index answers with what lists say.
func checkQueries(t *testing.T, x *index, w *world, now engine.Millis) {
	t.Helper()
	for _, name := range append(worldPools, poolOf("a01"), poolName{}) {
		var idle []engine.AgentID
		for _, o := range w.candidates(option{work: &worldWork{}, claim: claimItem{pool: name}}) {
			idle = append(idle, o.agent.id)
		}
		if got := slices.Collect(x.idleAgents(name)); !slices.Equal(got, idle) || x.idle(name) != len(idle) {
			t.Fatalf("%v: idle %v (%d), want %v", name, got, x.idle(name), idle)
		}
		staffed := 0
		for _, a := range w.agents {
			inClass := func(s seatItem) bool { return s.pool.class == name.class }
			if a.loggedIn && slices.ContainsFunc(a.seats, inClass) {
				staffed++
			}
		}
		if got := x.staffed(name.class); got != staffed {
			t.Fatalf("%v: staffed %d, want %d", name, got, staffed)
		}
		checkWaiting(t, x, w, name)
		for _, i := range w.works {
			reaches := slices.ContainsFunc(idle, func(id engine.AgentID) bool { return i.NotBefore(id) <= now })
			if got := x.reaches(name, i, now); got != reaches {
				t.Fatalf("%v: reaches %s %v, want %v", name, i.id, got, reaches)
			}
		}
	}
}

// checkWaiting compares what the index answers about a pool's claims.
func checkWaiting(t *testing.T, x *index, w *world, name poolName) {
	t.Helper()
	inPool := slices.DeleteFunc(w.inOrder(), func(o option) bool { return o.claim.pool != name })
	for k, o := range inPool {
		if got, ok := x.position(o.work.id, name); got != k+1 || !ok {
			t.Fatalf("%v: %s has position %d %v, want %d", name, o.work.id, got, ok, k+1)
		}
	}
	if got, ok := x.position("nobody", name); ok {
		t.Fatalf("%v: an unknown interaction has position %d", name, got)
	}
	for _, rank := range []int32{-2, -1, 0, 1, 3, directRank} {
		count, oldest := 0, never
		for _, o := range inPool {
			if o.claim.rank >= rank {
				count++
				oldest = min(oldest, o.claim.at)
			}
		}
		got, ok := x.oldest(name, rank)
		if x.waiting(name, rank) != count || ok != (count > 0) || ok && got != oldest {
			t.Fatalf("%v: %d wait at %d, the oldest since %d; want %d, %d", name, x.waiting(name, rank), rank, got, count, oldest)
		}
	}
}

// checkIndex checks what the index's parts say of each other.
func checkIndex(t *testing.T, x *index) {
	t.Helper()
	pairs, claims, idle := 0, 0, 0
	for _, w := range x.works {
		refusals := 0
		for _, b := range w.apart {
			if b.seat.pool != b.claim.pool || b.claim.work != w || !b.seat.apart.has(b.claim.place) {
				t.Fatalf("%s: apart from a seat that does not know", w.id)
			}
			if b.until == never {
				refusals++
			} else if w.wake == 0 || w.wake > b.until {
				t.Fatalf("%s: wakes at %d, after %d", w.id, w.wake, b.until)
			}
		}
		for k := range w.claims {
			claims++
			if c := &w.claims[k]; !c.pool.waiting.has(c.place) || c.pool.ranked.has(c.ranked) != (x.agingMs > 0) {
				t.Fatalf("%s: not in its pool", w.id)
			}
		}
		if refusals != w.refusals || (w.wake != 0) != x.wakes.has(wake{w.wake, w.entry, w}) {
			t.Fatalf("%s: %d refusals, want %d; or not in the trees", w.id, w.refusals, refusals)
		}
		pairs += len(w.apart)
	}
	for _, a := range x.agents {
		for k := range a.seats {
			s := &a.seats[k]
			pairs -= s.apart.len()
			if s.available != s.pool.idle.has(s.turn) {
				t.Fatalf("%s: available %v, and in the pool otherwise", a.id, s.available)
			}
			if s.available {
				idle++
			}
		}
	}
	for _, p := range x.pools {
		claims -= p.waiting.len()
		idle -= p.idle.len()
		if x.agingMs == 0 && p.ranked.len() > 0 || x.agingMs > 0 && p.ranked.len() != p.waiting.len() {
			t.Fatalf("%v: %d by rank, %d wait", p.name, p.ranked.len(), p.waiting.len())
		}
		if p.arrived.len() > p.waiting.len() || p.came.len() > p.idle.len() || (p.found.seat != nil) != x.found.has(p.found) {
			t.Fatalf("%v: looks at who is not there", p.name)
		}
	}
	if pairs != 0 || claims != 0 || idle != 0 {
		t.Fatalf("%d pairs, %d seats and %d claims left over", pairs, idle, claims)
	}
}
