package router

import (
	"container/heap"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/usher-cc/usher/engine"
)

// skillsOfAgent is how many skills an agent of a busy centre has.
const skillsOfAgent = 5

// busy is a busy contact centre of one medium: agents of all preferences, with
// five skills at different levels, and interactions that wait for one or two.
type busy struct {
	index   *index
	pools   []poolName
	agents  []agentItem
	skillsA [][]int    // of the agents, in pools
	works   []workItem // by number, which is used again when its interaction has gone
	skillsW [][]int    // of the interactions, in pools
	holders [][]int    // of the skills, in agents
	number  map[engine.InteractionID]int
	entry   engine.Sequence
	at      int // how often an agent became available
}

func (*busy) NotBefore(engine.AgentID) engine.Millis { return 0 }

// mixed gives a number that looks random.
func mixed(n uint64) uint64 {
	n = (n ^ n>>30) * 0xbf58476d1ce4e5b9
	n = (n ^ n>>27) * 0x94d049bb133111eb
	return n ^ n>>31
}

// newBusy is a centre with so many agents, who are all busy. Every second one
// has his skills in the second half of them.
func newBusy(agents, skills int) *busy {
	c := &busy{index: newIndex(0), number: map[engine.InteractionID]int{}}
	for k := range skills {
		c.pools = append(c.pools, poolName{className{kindSkill, fmt.Sprintf("skill-%03d", k)}, "voice"})
	}
	c.holders = make([][]int, skills)
	for n := range agents {
		a := agentItem{id: engine.AgentID(fmt.Sprintf("agent-%05d", n)), preference: preferences[n/2%len(preferences)]}
		var his []int
		for k := range skillsOfAgent {
			skill := n%2*skills/2 + (n+k*(1+n/2%7))%(skills/2)
			his = append(his, skill)
			c.holders[skill] = append(c.holders[skill], n)
			random := mixed(uint64(n*skillsOfAgent + k))
			a.seats = append(a.seats, seatItem{
				pool: c.pools[skill], level: int32(1 + random%16), deficit: int64(random >> 8 % 100),
			})
		}
		c.skillsA = append(c.skillsA, his)
		c.agents = append(c.agents, a)
		c.index.setAgent(a)
	}
	return c
}

// wait lets more interactions wait for some of the skills, until there are so
// many.
func (c *busy) wait(waiting, skills int) {
	for n := len(c.works); n < waiting; n++ {
		c.arrive(c.add(), skills)
	}
}

// add is the number of one more interaction.
func (c *busy) add() int {
	n := len(c.works)
	w := workItem{id: engine.InteractionID(fmt.Sprintf("%020d", n)), of: c}
	c.number[w.id] = n
	c.works, c.skillsW = append(c.works, w), append(c.skillsW, nil)
	return n
}

// renew makes a new interaction of a number, for one or two of the skills,
// every fourth at a higher rank.
func (c *busy) renew(n int, skills int) *workItem {
	c.entry++
	random := mixed(uint64(c.entry))
	w := &c.works[n]
	w.entry, w.claims, c.skillsW[n] = c.entry, w.claims[:0], c.skillsW[n][:0]
	rank := int32(0)
	if random>>40%4 == 0 {
		rank = 1
	}
	for k := range 1 + random>>42%2 {
		skill := int((random + 7*k) % uint64(skills))
		c.skillsW[n] = append(c.skillsW[n], skill)
		w.claims = append(w.claims, claimItem{c.pools[skill], rank, engine.Millis(c.entry)})
	}
	return w
}

func (c *busy) arrive(n, skills int) { c.index.setWork(*c.renew(n, skills)) }

// setAgent makes an agent available, or not.
func (c *busy) setAgent(n int, available bool) *agentItem {
	a := &c.agents[n%len(c.agents)]
	for k := range a.seats {
		s := &a.seats[k]
		s.available = available
		s.order[k%2] = int64(n) // skills that go by level first, and others
	}
	c.index.setAgent(*a)
	return a
}

// match lets the next agent become available, who gets what he prefers and is
// busy; another interaction takes its place.
func (c *busy) match(b testing.TB) (interaction int) {
	c.at++
	a := c.setAgent(c.at, true)
	m, ok := c.index.next(0)
	if !ok || m.agent != a.id {
		b.Fatal("nothing for a free agent")
	}
	c.index.dropWork(m.interaction)
	c.setAgent(c.at, false)
	n := c.number[m.interaction]
	c.arrive(n, len(c.pools))
	if _, ok := c.index.next(0); ok {
		b.Fatal("a match without agents")
	}
	return n
}

// bare is the least that makes the same matches as long as all agents are
// busy: a heap for each skill.
type bare struct {
	centre *busy
	heaps  []bareHeap
}

type bareWork struct {
	number int
	rank   int32
	at     engine.Millis
	entry  engine.Sequence
	gone   bool
}

type bareHeap []*bareWork

func (h bareHeap) Len() int           { return len(h) }
func (h bareHeap) Less(i, j int) bool { return h[i].before(h[j]) }
func (h bareHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *bareHeap) Push(w any)        { *h = append(*h, w.(*bareWork)) }
func (h *bareHeap) Pop() any {
	last := len(*h) - 1
	w := (*h)[last]
	*h = (*h)[:last]
	return w
}

func (a *bareWork) before(b *bareWork) bool {
	return place{rank: a.rank, at: a.at, entry: a.entry}.before(place{rank: b.rank, at: b.at, entry: b.entry})
}

func newBare(c *busy) *bare {
	b := &bare{c, make([]bareHeap, len(c.pools))}
	for n := range c.works {
		b.arrive(n)
	}
	return b
}

func (b *bare) arrive(n int) {
	of := &b.centre.works[n]
	w := &bareWork{number: n, rank: of.claims[0].rank, at: of.claims[0].at, entry: of.entry}
	for _, skill := range b.centre.skillsW[n] {
		heap.Push(&b.heaps[skill], w)
	}
}

// next is what an agent gets.
func (b *bare) next(n int) *bareWork {
	n %= len(b.centre.agents)
	a := &b.centre.agents[n]
	var best *bareWork
	var seat *seatItem
	for k, skill := range b.centre.skillsA[n] {
		h := &b.heaps[skill]
		for len(*h) > 0 && (*h)[0].gone {
			heap.Pop(h)
		}
		if s := &a.seats[k]; len(*h) > 0 && (best == nil || prefers(a, s, seat, (*h)[0], best)) {
			best, seat = (*h)[0], s
		}
	}
	best.gone = true
	return best
}

func prefers(a *agentItem, s, t *seatItem, v, w *bareWork) bool {
	switch {
	case a.preference == preferences[3] && s.deficit != t.deficit:
		return s.deficit > t.deficit
	case (a.preference == preferences[1] || a.preference == preferences[3]) && s.level != t.level:
		return s.level < t.level
	default:
		return v.before(w)
	}
}

// BenchmarkSkills is a match in a centre with 1,000 agents, 50 skills, and
// 100,000 interactions that wait, beside bare heaps that make the same.
func BenchmarkSkills(b *testing.B) {
	c := newBusy(1_000, 50)
	c.wait(100_000, 50)
	heaps := newBare(c)
	for range 10_000 {
		n := c.match(b)
		if want := heaps.next(c.at).number; want != n {
			b.Fatalf("%d; heaps would have picked %d", n, want)
		}
		heaps.arrive(n)
	}
	runtime.GC()
	b.ReportAllocs()
	for b.Loop() {
		c.match(b)
	}
	matches := float64(b.N) / b.Elapsed().Seconds()
	runtime.GC()
	began := time.Now()
	for range b.N {
		c.at++
		n := heaps.next(c.at).number
		c.renew(n, 50)
		heaps.arrive(n)
	}
	b.ReportMetric(matches, "matches/s")
	b.ReportMetric(float64(b.N)/time.Since(began).Seconds()/matches, "heaps/index")
}

// BenchmarkSizes is what one event costs among 10,000 agents, however much
// waits. All agents of the first 250 skills are busy, and all that waits, waits
// for them; all agents of the other 250 are available.
func BenchmarkSizes(b *testing.B) {
	c := newBusy(10_000, 500)
	for n := 1; n < len(c.agents); n += 2 {
		c.setAgent(n, true)
	}
	first := c.add()
	for _, waiting := range []int{100, 1_000, 10_000, 100_000, 1_000_000} {
		c.wait(waiting+1, 250)
		b.Run(fmt.Sprintf("waiting=%d", waiting), func(b *testing.B) { benchmarkSize(b, c, first) })
	}
}

func benchmarkSize(b *testing.B, c *busy, spare int) {
	next := func(expected bool) match {
		m, ok := c.index.next(0)
		if ok != expected {
			b.Fatalf("a match: %v; to be expected: %v", ok, expected)
		}
		return m
	}
	var found match
	timed(b, "arrival-finds-nobody",
		func(int) { c.renew(spare, 250) },
		func(int) { c.index.setWork(c.works[spare]); next(false) },
		func(int) { c.index.dropWork(c.works[spare].id) })
	timed(b, "arrival-finds-agent",
		func(int) {
			for k := range c.renew(spare, 250).claims {
				c.works[spare].claims[k].pool = c.pools[250+c.skillsW[spare][k]]
			}
		},
		func(int) { c.index.setWork(c.works[spare]); next(true) },
		func(int) { c.index.dropWork(c.works[spare].id) })
	agent := 0
	timed(b, "agent-finds-work",
		func(n int) {
			wanted := c.skillsW[1+mixed(uint64(n))%uint64(len(c.works)-1)][0]
			agent = c.holders[wanted][n%len(c.holders[wanted])]
		},
		func(int) { c.setAgent(agent, true); found = next(true) },
		func(int) {
			c.setAgent(agent, false)
			c.index.dropWork(found.interaction)
			c.arrive(c.number[found.interaction], 250)
		})
	timed(b, "agent-finds-nothing",
		func(n int) { c.setAgent(2*n+1, false) },
		func(n int) { c.setAgent(2*n+1, true); next(false) },
		func(int) {})
}

// A match in a busy centre leaves no garbage, but for the nodes of trees: of
// these one in many events needs a new one.
func TestMatchAllocatesNothing(t *testing.T) {
	c := newBusy(100, 20)
	c.wait(2_000, 20)
	for range 1_000 {
		c.match(t)
	}
	if allocations := testing.AllocsPerRun(1_000, func() { c.match(t) }); allocations > 0 {
		t.Errorf("%v allocations for each match", allocations)
	}
}

// BenchmarkUnchanged is an agent with 60 skills in two media who is told again
// as he was; and with one seat in another order.
func BenchmarkUnchanged(b *testing.B) {
	for _, changed := range []int{0, 1} {
		b.Run(fmt.Sprintf("seats=120/changed=%d", changed), func(b *testing.B) {
			c := newBusy(1_000, 120)
			a := agentItem{id: "all"}
			for _, name := range c.pools {
				a.seats = append(a.seats, seatItem{pool: name, available: true})
			}
			b.ReportAllocs()
			for b.Loop() {
				for k := range changed {
					a.seats[k].order[0]++
				}
				c.index.setAgent(a)
			}
		})
	}
}

// timed measures what is done, between what prepares it and undoes it.
func timed(b *testing.B, name string, prepare, do, undo func(n int)) {
	b.Run(name, func(b *testing.B) {
		n, sum := 0, time.Duration(0)
		runtime.GC()
		for b.Loop() {
			n++
			prepare(n)
			began := time.Now()
			do(n)
			sum += time.Since(began)
			undo(n)
		}
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(float64(sum.Nanoseconds())/float64(n), "ns/event")
	})
}
