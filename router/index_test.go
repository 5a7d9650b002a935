package router

import (
	"fmt"
	"math/rand/v2"
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

	matched, rejected, refused, ended, rebuilt int
}

func (p *player) tellAgent(a *worldAgent) {
	p.world.forget(string(a.id))
	p.index.setAgent(a.item())
}

func (p *player) tellWork(w *worldWork) {
	p.world.forget(string(w.id))
	if w.waits {
		p.index.setWork(w.item())
	} else {
		p.index.dropWork(w.id)
	}
}

// The index decides as the naive router does, decision for decision, and so
// keeps its order, starves nobody and loses nothing.
func TestIndexAgainstNaive(t *testing.T) {
	seeds := uint64(300)
	if testing.Short() {
		seeds = 60
	}
	var sum player
	for seed := range seeds {
		p := &player{t: t, seed: seed, random: rand.New(rand.NewPCG(seed, 1)), index: newIndex(0)}
		p.world = someWorld(p.random)
		for _, a := range p.world.agents {
			p.tellAgent(a)
		}
		for range 250 {
			for range 1 + p.random.IntN(3) {
				p.step()
			}
			p.drain()
			checkIndex(t, p.index)
		}
		p.serveAll()
		sum.matched += p.matched
		sum.rejected += p.rejected
		sum.refused += p.refused
		sum.ended += p.ended
		sum.rebuilt += p.rebuilt
	}
	t.Logf("%d matches, %d rejected, %d refused by the engine, %d allowed by the end of a back-off, %d rebuilds",
		sum.matched, sum.rejected, sum.refused, sum.ended, sum.rebuilt)
	if min(sum.matched, sum.rejected, sum.refused, sum.ended, sum.rebuilt) == 0 {
		t.Error("the workload leaves something out")
	}
}

// step changes something.
func (p *player) step() {
	r := p.random
	a := p.world.agents[r.IntN(len(p.world.agents))]
	switch r.IntN(12) {
	case 0, 1, 2:
		p.arrive()
	case 3, 4:
		for _, m := range a.media {
			a.ready[m] = r.IntN(3) > 0
		}
		p.tellAgent(a)
	case 5:
		a.media = some(r, engine.MediaName("chat"), "voice", "mail")
		p.tellAgent(a)
	case 6, 7:
		if a.busy > 0 {
			a.busy--
			a.idleSince = p.now
			p.tellAgent(a)
		}
	case 8, 9:
		p.now += engine.Millis(r.IntN(4_000))
	case 10:
		if len(p.world.works) > 0 {
			p.change(p.world.works[r.IntN(len(p.world.works))])
		}
	case 11:
		p.rebuild()
	}
}

func (p *player) arrive() {
	p.entry++
	w := &worldWork{
		id:    engine.InteractionID(fmt.Sprint("i", p.entry)),
		group: []engine.GroupName{"sales", "service", "spanish", ""}[p.random.IntN(4)], media: "voice",
		priority: int32(p.random.IntN(3)), movedAt: p.now - engine.Millis(p.random.IntN(3)), entry: p.entry,
		waits: true, backOffs: map[engine.AgentID]engine.Millis{},
	}
	if p.random.IntN(2) == 0 {
		w.media = "chat"
	}
	p.world.works = append(p.world.works, w)
	p.tellWork(w)
}

// change holds an interaction, lets it go on, or gives it another priority or
// queue.
func (p *player) change(w *worldWork) {
	switch p.random.IntN(4) {
	case 0:
		w.waits = !w.waits
	case 1:
		w.priority = int32(p.random.IntN(5))
	case 2:
		w.group, w.movedAt = "sales", p.now
	}
	p.tellWork(w)
}

// rebuild goes on with a new index, of which nothing but the engine's
// refusals has to be told.
func (p *player) rebuild() {
	p.rebuilt++
	p.index = newIndex(0)
	p.feed(p.index)
}

func (p *player) feed(x *index) {
	agents := func() {
		for _, a := range p.world.agents {
			x.setAgent(a.item())
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
}

// drain takes matches until there are no more, and compares each.
func (p *player) drain() {
	for {
		_, early := p.index.next(p.now)
		wantWork, wantAgent := p.world.next(p.now)
		got, ok := p.index.next(p.now)
		if ok != early || ok != (wantWork != nil) {
			p.t.Fatalf("seed %d: match %v, then %v, naive router %v", p.seed, early, ok, wantWork != nil)
		}
		if !ok {
			break
		}
		if got.interaction != wantWork.id || got.agent != wantAgent.id {
			p.t.Fatalf("seed %d: %s to %s, naive router %s to %s", p.seed,
				got.interaction, got.agent, wantWork.id, wantAgent.id)
		}
		p.matched++
		if wantWork.backOffs[wantAgent.id] > 0 {
			p.ended++
		}
		p.outcome(wantWork, wantAgent)
	}
	want, wanted := p.world.deadline(p.now)
	got, ok := p.index.deadline()
	if wanted && (!ok || got > want) || ok && got <= p.now {
		p.t.Fatalf("seed %d: at %d deadline %d %v, naive router %d %v", p.seed, p.now, got, ok, want, wanted)
	}
}

// outcome is what became of a match: accepted, rejected, or refused by the
// engine.
func (p *player) outcome(w *worldWork, a *worldAgent) {
	switch p.random.IntN(4) {
	case 0:
		p.refused++
		p.world.refused[pair(w.id, a.id)] = true
		p.index.refused(w.id, a.id)
		return
	case 1:
		p.rejected++
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

// serveAll makes every agent ready for all, and expects that everything that
// anybody may have gets served: nothing is lost, nothing starves.
func (p *player) serveAll() {
	for _, a := range p.world.agents {
		a.groups, a.media = []engine.GroupName{"sales", "service", "spanish"}, []engine.MediaName{"voice", "chat"}
		a.ready = map[engine.MediaName]bool{"voice": true, "chat": true}
		a.busy, a.capacity = 0, len(p.world.works)+1
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
	for _, w := range p.world.inOrder() {
		if w.group != "" && len(p.world.candidates(w)) > 0 {
			p.t.Fatalf("seed %d: %s was left behind", p.seed, w.id)
		}
	}
}

// checkIndex checks what the index's parts say of each other.
func checkIndex(t *testing.T, x *index) {
	t.Helper()
	pairs, claims, waiting, idle := 0, 0, 0, 0
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
			if c := &w.claims[k]; !c.pool.waiting.has(c.place) {
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
		waiting += p.waiting.len()
		idle -= p.idle.len()
	}
	if pairs != 0 || waiting != claims || idle != 0 {
		t.Fatalf("%d pairs, %d seats and %d claims left over", pairs, idle, waiting-claims)
	}
}
