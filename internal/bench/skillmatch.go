package bench

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"
)

// The centres in which matches by skill are made.
const (
	skilledAgents, skilledSkills, skilledWaiting = 1_000, 50, 100_000

	// In the large one half of the agents is available, and all that waits,
	// waits for skills of the others.
	largeAgents, largeSkills = 10_000, 500
	largeWanted              = largeSkills/2 - secondSkill
)

// skilledSizes are how many wait in the large centre, and what of the result
// says how long an arrival and a free agent take.
var skilledSizes = []struct {
	waiting       int
	arrival, free func(*Result) *float64
}{
	{100, func(r *Result) *float64 { return &r.SkillArrivalNs100 }, func(r *Result) *float64 { return &r.SkillFreeNs100 }},
	{1_000, func(r *Result) *float64 { return &r.SkillArrivalNs1k }, func(r *Result) *float64 { return &r.SkillFreeNs1k }},
	{10_000, func(r *Result) *float64 { return &r.SkillArrivalNs10k }, func(r *Result) *float64 { return &r.SkillFreeNs10k }},
	{100_000, func(r *Result) *float64 { return &r.SkillArrivalNs100k }, func(r *Result) *float64 { return &r.SkillFreeNs100k }},
	{1_000_000, func(r *Result) *float64 { return &r.SkillArrivalNs1m }, func(r *Result) *float64 { return &r.SkillFreeNs1m }},
}

// bySkill measures matches by skill: beside bare heaps, and by how much waits.
func (r *run) bySkill(ctx context.Context) error {
	if err := r.besideHeaps(); err != nil {
		return err
	}
	w := newSkilled(r.agents(largeAgents), largeSkills)
	for agent := 1; agent < len(w.has); agent += 2 {
		w.stop(agent)
		w.asks(false)
	}
	for _, size := range skilledSizes {
		if err := ctx.Err(); err != nil {
			return err
		}
		w.wait(r.interactions(size.waiting), largeWanted)
		*size.arrival(&r.result), *size.free(&r.result) = w.measureSize(r.Duration / matchShare)
	}
	return nil
}

// besideHeaps measures the router's time for a match: an agent becomes free,
// gets what he prefers, is busy, and another interaction takes its place, whose
// vector is measured by itself. The heaps make the same in turns with it, and
// have to come to the same.
func (r *run) besideHeaps() error {
	w := newSkilled(r.agents(skilledAgents), skilledSkills)
	w.wait(r.interactions(skilledWaiting), skilledSkills)
	h := newHeaps(w)
	runtime.GC()
	var matches, bare, vectors samples
	for began := time.Now(); len(matches) < minMatches || time.Since(began) < r.Duration/4; {
		agent := len(matches) % len(w.has)
		free := w.free(agent)
		next := w.arrive(needOf(w.submitted+1, skilledSkills))
		matches, vectors = append(matches, free+next.place), append(vectors, next.run+next.suspend+next.place)

		start := time.Now()
		number := h.next(agent)
		h.arrive(w.submitted)
		bare = append(bare, time.Since(start))
		if number != w.has[agent] {
			return fmt.Errorf("the router gives agent %d interaction %d, heaps %d", agent, w.has[agent], number)
		}
	}
	ns := matches.mean()
	r.result.SkillMatchesPerS = 1e9 / ns
	r.result.SkillMatchToHeaps = ns / bare.mean()
	r.result.VectorRunsPerS = 1e9 / vectors.mean()
	return nil
}

// measureSize gives the router's time for an arrival that finds nobody, and for
// an agent who becomes free and finds something: at least that arrival.
func (w *skilled) measureSize(duration time.Duration) (arrivalNs, freeNs float64) {
	runtime.GC()
	var arrivals, frees samples
	for began := time.Now(); len(frees) < minMatches || time.Since(began) < duration; {
		agent := 2 * len(frees) % len(w.has)
		wanted := needOf(w.submitted+1, largeWanted)
		if wanted.skill = skillOfAgent(agent, w.submitted%skillsOfAgent, w.skills); wanted.skill >= largeWanted {
			wanted.vector &^= 1 // its second skill is one of those available
		}
		next := w.arrive(wanted)
		arrivals, frees = append(arrivals, next.run+next.place), append(frees, w.free(agent))
	}
	return arrivals.mean(), frees.mean()
}

// samples are times of the same thing.
type samples []time.Duration

// mean is the mean without the slowest hundredth, in which the machine did
// something else.
func (s samples) mean() float64 {
	slices.Sort(s)
	s = s[:len(s)-len(s)/100]
	sum := time.Duration(0)
	for _, took := range s {
		sum += took
	}
	return float64(sum) / float64(len(s))
}
