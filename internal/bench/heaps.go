package bench

import "container/heap"

// heaps are the least that makes the same matches as long as all agents are
// busy: a heap for each skill, from which what has gone is taken when it comes
// to its top.
type heaps struct {
	skills    int
	of        []skillHeap
	delivered [][skillsOfAgent]int64 // to the agents, by skill
}

// heapWork is an interaction in the heaps.
type heapWork struct {
	number, rank int
	gone         bool
}

// heapItem is an interaction in the heap of its first or second skill.
type heapItem struct {
	*heapWork
	place int
}

// before is the order in which interactions are served.
func (a heapItem) before(b heapItem) bool {
	switch {
	case a.rank != b.rank:
		return a.rank > b.rank
	case a.number != b.number:
		return a.number < b.number
	default:
		return a.place < b.place
	}
}

type skillHeap []heapItem

func (h skillHeap) Len() int           { return len(h) }
func (h skillHeap) Less(i, j int) bool { return h[i].before(h[j]) }
func (h skillHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *skillHeap) Push(item any)     { *h = append(*h, item.(heapItem)) }
func (h *skillHeap) Pop() any {
	last := len(*h) - 1
	item := (*h)[last]
	*h = (*h)[:last]
	return item
}

// newHeaps have what waits in a centre with which nothing has been done yet but
// wait.
func newHeaps(w *skilled) *heaps {
	h := &heaps{skills: w.skills, of: make([]skillHeap, w.skills), delivered: make([][skillsOfAgent]int64, len(w.has))}
	for n := range w.has {
		h.delivered[n][0] = 1
	}
	for number := len(w.has) + 1; number <= w.submitted; number++ {
		h.arrive(number)
	}
	return h
}

func (h *heaps) arrive(number int) {
	to, rank := needOf(number, h.skills).queuedTo(h.skills)
	work := &heapWork{number: number, rank: rank}
	for place, skill := range to {
		heap.Push(&h.of[skill], heapItem{work, place})
	}
}

// next is what an agent gets.
func (h *heaps) next(agent int) (number int) {
	best, seat := heapItem{}, -1
	for k := range skillsOfAgent {
		of := &h.of[skillOfAgent(agent, k, h.skills)]
		for len(*of) > 0 && (*of)[0].gone {
			heap.Pop(of)
		}
		if len(*of) > 0 && (seat < 0 || h.prefers(agent, k, seat, (*of)[0], best)) {
			best, seat = (*of)[0], k
		}
	}
	best.gone = true
	h.delivered[agent][seat]++
	return best.number
}

// prefers tells whether an agent prefers a of his skill k to b of his skill l.
func (h *heaps) prefers(agent, k, l int, a, b heapItem) bool {
	preference := preferenceOf(agent)
	if preference == preferGreatestNeed {
		return a.before(b)
	}
	levelK, percentK := skillLevel(agent, k)
	levelL, percentL := skillLevel(agent, l)
	if preference == preferShares {
		if x, y := h.deficit(agent, k, percentK), h.deficit(agent, l, percentL); x != y {
			return x > y
		}
	}
	if levelK != levelL {
		return levelK < levelL
	}
	return a.before(b)
}

// deficit is how far an agent is below his share of a skill, in millionths.
func (h *heaps) deficit(agent, k int, percent int32) int64 {
	all := int64(0)
	for _, n := range h.delivered[agent] {
		all += n
	}
	return int64(percent)*10_000 - h.delivered[agent][k]*1_000_000/all
}
