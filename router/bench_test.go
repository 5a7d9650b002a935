package router

import (
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/usher-cc/usher/engine"
)

// crowd is a busy tenant: interactions of two media in eight groups, agents
// with both media in three groups each, all busy.
type crowd struct {
	index   *index
	agents  []agentItem
	entry   engine.Sequence
	backOff engine.Millis
}

func (c *crowd) NotBefore(engine.AgentID) engine.Millis { return c.backOff }

func newCrowd(waiting, agents int) *crowd {
	c := &crowd{index: newIndex(0)}
	for n := range agents {
		a := agentItem{id: engine.AgentID(fmt.Sprintf("agent-%05d", n))}
		for k := range 3 {
			a.sit(groups[(n+k*k)%len(groups)])
		}
		c.agents = append(c.agents, a)
		c.index.setAgent(a)
	}
	for range waiting {
		c.arrive()
	}
	return c
}

// sit gives an agent the seats of a group.
func (a *agentItem) sit(g engine.GroupName) {
	a.seats = append(a.seats, seatItem{pool: groupPool(g, "voice")}, seatItem{pool: groupPool(g, "chat")})
}

var groups = []engine.GroupName{"sales", "service", "spanish", "french", "billing", "gold", "claims", "orders"}

// arrive lets one more interaction wait, at random by a counter: three in four
// at the end of their pool, the others anywhere.
func (c *crowd) arrive() {
	c.entry++
	random := uint64(c.entry) * 0x9e3779b97f4a7c15 >> 32
	w := workItem{
		id:     engine.InteractionID(fmt.Sprintf("%020d", c.entry)),
		entry:  c.entry,
		claims: []claimItem{{groupPool(groups[random%8], [2]engine.MediaName{"voice", "chat"}[random>>3%2]), 0, engine.Millis(c.entry)}},
		of:     c,
	}
	if random>>4%4 == 0 {
		w.claims[0].at = engine.Millis(random % uint64(c.entry))
		w.claims[0].rank = int32(random >> 6 % 10)
	}
	c.index.setWork(w)
}

func (c *crowd) setAgent(n int, available bool) {
	a := &c.agents[n%len(c.agents)]
	for k := range a.seats {
		a.seats[k].available, a.seats[k].order[0] = available, int64(n)
	}
	c.index.setAgent(*a)
}

var sizes = struct{ waiting, agents []int }{[]int{1_000, 100_000, 1_000_000}, []int{10, 1_000, 10_000}}

func perMatch(b *testing.B) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N), "ns/match")
}

// BenchmarkMatch is a tenant whose agents are all busy: an agent becomes
// available, gets the first interaction of his queues, is busy; another one
// arrives.
func BenchmarkMatch(b *testing.B) {
	for _, waiting := range sizes.waiting {
		for _, agents := range sizes.agents {
			b.Run(fmt.Sprintf("waiting=%d/agents=%d", waiting, agents), func(b *testing.B) {
				c := newCrowd(waiting, agents)
				n := 0
				runtime.GC()
				for b.Loop() {
					n++
					c.setAgent(n, true)
					m, ok := c.index.next(engine.Millis(n))
					if !ok {
						b.Fatal("nothing for a free agent")
					}
					c.index.dropWork(m.interaction)
					c.setAgent(n, false)
					c.arrive()
				}
				perMatch(b)
			})
		}
	}
}

// BenchmarkMatchIdle is a quiet tenant whose agents are all idle: an
// interaction arrives and goes to who is idle longest, who has no time and is
// idle again at once.
func BenchmarkMatchIdle(b *testing.B) {
	for _, agents := range sizes.agents {
		b.Run(fmt.Sprintf("agents=%d", agents), func(b *testing.B) {
			c := newCrowd(0, agents)
			for n := range agents {
				c.setAgent(n, true)
			}
			n := agents
			runtime.GC()
			for b.Loop() {
				c.arrive()
				m, ok := c.index.next(engine.Millis(n))
				if !ok {
					if agents > 10 {
						b.Fatal("nobody for an interaction")
					}
					continue
				}
				c.index.dropWork(m.interaction)
				number, _ := strconv.Atoi(strings.TrimPrefix(string(m.agent), "agent-"))
				n += agents
				c.setAgent(n-n%agents+number, true)
			}
			perMatch(b)
		})
	}
}

// BenchmarkRefusals is one agent who refused everything that waits, becomes
// available, and is asked for the one that has arrived since.
func BenchmarkRefusals(b *testing.B) {
	for _, waiting := range sizes.waiting {
		b.Run(fmt.Sprintf("refused=%d", waiting), func(b *testing.B) {
			c := newCrowd(0, 1)
			c.agents[0].seats = nil
			for _, g := range groups {
				c.agents[0].sit(g)
			}
			c.backOff = 60_000
			for range waiting {
				c.arrive()
			}
			c.setAgent(0, true)
			c.index.next(0)
			n := 0
			claims := []claimItem{{groupPool(groups[0], "voice"), 0, engine.Millis(waiting)}}
			fresh := &worldWork{id: "fresh", claims: claims}
			runtime.GC()
			for b.Loop() {
				n++
				c.setAgent(n, false)
				fresh.entry = c.entry + engine.Sequence(n)
				c.index.setWork(fresh.item())
				c.setAgent(n, true)
				if _, ok := c.index.next(1); !ok {
					b.Fatal("refusals hide what arrived")
				}
				c.index.dropWork(fresh.id)
			}
			perMatch(b)
		})
	}
}

// BenchmarkRebuild is the first Update after a start, per interaction.
func BenchmarkRebuild(b *testing.B) {
	for _, waiting := range sizes.waiting {
		b.Run(fmt.Sprintf("waiting=%d", waiting), func(b *testing.B) {
			for b.Loop() {
				newCrowd(waiting, 1_000)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(waiting), "ns/interaction")
		})
	}
}
