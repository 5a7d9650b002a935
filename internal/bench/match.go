package bench

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"time"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
)

// The crowds among whom matches are made.
var (
	crowdMedia  = [2]string{"voice", "chat"}
	crowdGroups = []string{"sales", "service", "spanish", "french", "billing", "gold", "claims", "orders"}
)

const (
	matchShare = 20  // by how much shorter this is than a measurement over the network
	minMatches = 100 // whatever time they take
)

// groupsOfAgent is how many groups an agent of a crowd is in.
const groupsOfAgent = 3

// The sizes of the crowds, and what of the result says how long a match takes.
var crowds = []struct {
	waiting int
	figures []crowdFigure
}{
	{1_000, []crowdFigure{
		{10, func(r *Result) *float64 { return &r.MatchNs1k10 }},
		{1_000, func(r *Result) *float64 { return &r.MatchNs1k }},
		{10_000, func(r *Result) *float64 { return &r.MatchNs1k10k }},
	}},
	{100_000, []crowdFigure{
		{10, func(r *Result) *float64 { return &r.MatchNs100k10 }},
		{1_000, func(r *Result) *float64 { return &r.MatchNs100k }},
		{10_000, func(r *Result) *float64 { return &r.MatchNs100k10k }},
	}},
	{1_000_000, []crowdFigure{
		{10, func(r *Result) *float64 { return &r.MatchNs1m10 }},
		{1_000, func(r *Result) *float64 { return &r.MatchNs1m }},
		{10_000, func(r *Result) *float64 { return &r.MatchNs1m10k }},
	}},
}

type crowdFigure struct {
	agents int
	of     func(*Result) *float64
}

// memoryCrowd is in which of the crowds the memory is measured.
const memoryCrowd = 1

// inRouter measures matches, and the memory of those who wait for one.
func (r *run) inRouter(ctx context.Context) error {
	for n, size := range crowds {
		w := newCrowd(r.agents(size.figures[len(size.figures)-1].agents))
		before := heapBytes()
		w.wait(r.interactions(size.waiting))
		if n == memoryCrowd {
			r.result.BytesPerWaiting = float64(heapBytes()-before) / float64(r.interactions(size.waiting))
		}
		for _, figure := range size.figures {
			if err := ctx.Err(); err != nil {
				return err
			}
			w.grow(r.agents(figure.agents))
			*figure.of(&r.result) = w.measureMatch(r.Duration / matchShare)
		}
	}
	return nil
}

// heapBytes is how much memory is in use.
func heapBytes() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// crowd is a busy contact centre: interactions of two media wait for eight
// groups of agents, each of whom is in three and has one interaction of each
// medium already.
type crowd struct {
	*contact
	has       [][2]string // the interactions of the agents, by medium
	submitted int
}

// newCrowd is a contact centre to which nobody has come yet.
func newCrowd(agents int) *crowd {
	return &crowd{contact: newContact(crowdedCentre(agents))}
}

// wait lets interactions wait, for any of the groups.
func (w *crowd) wait(interactions int) {
	for n := range uint64(interactions) {
		random := n * 0x9e3779b97f4a7c15 >> 32
		w.submit(crowdGroups[random%8], crowdMedia[random>>3%2])
	}
	w.router.Update(w.engine)
}

func crowdedCentre(agents int) *usherv1.Configuration {
	c := &usherv1.Configuration{}
	for _, medium := range crowdMedia {
		c.MediaTypes = append(c.MediaTypes, &usherv1.MediaType{Name: medium})
	}
	for _, group := range crowdGroups {
		c.AgentGroups = append(c.AgentGroups, &usherv1.AgentGroup{Name: group})
		c.Queues = append(c.Queues, &usherv1.Queue{Name: group, Strategy: engine.LongestIdle, AgentGroup: group})
	}
	for n := range agents {
		a := &usherv1.Agent{AgentId: string(agentID(n))}
		for k := range groupsOfAgent {
			a.AgentGroups = append(a.AgentGroups, crowdGroups[(n+k*k)%len(crowdGroups)])
		}
		c.Agents = append(c.Agents, a)
	}
	return c
}

// submit lets one more interaction wait; one in four has a priority of its
// own, and goes before others.
func (w *crowd) submit(queue, medium string) {
	w.submitted++
	w.now++
	r := &usherv1.RequestSubmit{
		ReferenceId: "s" + strconv.Itoa(w.submitted), InteractionId: fmt.Sprintf("%020d", w.submitted),
		Queue: queue, MediaType: medium,
	}
	if w.submitted%4 == 0 {
		r.Priority = int32(w.submitted / 4 % 10)
	}
	w.ask(aMedia, r)
}

// grow lets agents come until there are so many, each of whom gets what he can
// take.
func (w *crowd) grow(agents int) {
	for n := len(w.has); n < agents; n++ {
		w.has = append(w.has, [2]string{})
		w.logIn(n, crowdMedia[:]...)
		w.router.Update(w.engine)
		for {
			call, ok := w.router.Next(w.now)
			if !ok {
				break
			}
			w.deliver(call.(*usherv1.RequestRouteCall))
			w.router.Update(w.engine)
		}
	}
}

// deliver lets the agent of a match accept it, and another interaction take
// its place.
func (w *crowd) deliver(call *usherv1.RequestRouteCall) {
	var agent int
	_, err := fmt.Sscanf(call.GetAgent().AgentId, "agent-%d", &agent)
	i := w.engine.Interaction(engine.InteractionID(call.InteractionId))
	medium := slices.Index(crowdMedia[:], string(i.MediaType()))
	if err != nil || w.has[agent][medium] != "" {
		panic("bench: the router picked somebody who is busy")
	}
	ticket := ticketIn(w.ask(engine.BuiltinRouter, call))
	w.ask(agentParticipant(agent), &usherv1.RequestAccept{ReferenceId: "a" + call.InteractionId, Ticket: ticket})
	w.has[agent][medium] = call.InteractionId
	w.submit(string(i.Queue()), string(i.MediaType()))
}

// measureMatch gives the router's time for one match: an agent stops an
// interaction, which is not timed, and the router finds him the next; he
// accepts it and another one arrives, which is not timed, and the router takes
// note.
func (w *crowd) measureMatch(duration time.Duration) (ns float64) {
	runtime.GC()
	var times samples
	for began := time.Now(); len(times) < minMatches || time.Since(began) < duration; {
		agent, medium := len(times)/2%len(w.has), len(times)%2
		w.ask(agentParticipant(agent), &usherv1.RequestStopProcessing{
			ReferenceId: "z" + w.has[agent][medium], InteractionId: w.has[agent][medium],
		})
		w.has[agent][medium] = ""
		call, found := w.match(true)
		w.deliver(call)
		_, noted := w.match(false)
		times = append(times, found+noted)
	}
	return times.mean()
}

// match times the router while it looks at what changed, and for a match.
func (w *crowd) match(expected bool) (*usherv1.RequestRouteCall, time.Duration) {
	start := time.Now()
	w.router.Update(w.engine)
	request, ok := w.router.Next(w.now)
	took := time.Since(start)
	if ok != expected {
		panic(fmt.Sprintf("bench: a match: %v; to be expected: %v", ok, expected))
	}
	call, _ := request.(*usherv1.RequestRouteCall)
	return call, took
}
