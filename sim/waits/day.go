package waits

import (
	"cmp"
	"container/heap"
	"math/rand/v2"
)

// The day, and the habits that agents have in all patterns.
const (
	minuteMs = 60_000
	dayMs    = 8 * 60 * minuteMs

	// measuredFromMs and measuredToMs are when a measured call comes: after
	// something was learned, and early enough to see it answered.
	measuredFromMs = 60 * minuteMs
	measuredToMs   = 7 * 60 * minuteMs

	// Telephones ring for some seconds; after some calls, about an hour, agents
	// rest.
	ringFromMs, ringToMs = 2_000, 8_000
	unansweredMs         = 20_000
	callsBetweenRests    = 14
	restMs               = 5 * minuteMs
	afterRefusalMs       = 2 * minuteMs
	wrapSigma            = 0.5

	// peakPerHour is above the rate of every stream.
	peakPerHour = 1_000
)

// day plays a pattern against a Floor.
type day struct {
	pattern *pattern
	floor   Floor
	random  *rand.Rand
	nowMs   int64
	agenda  agenda
	planned int // events so far: of two at the same time the older comes first
	callers []*caller
	away    []int // reasons for which an agent is in AUX

	handled, handledMs int64 // calls of skill 0, with after-call work
	result             Result
}

// caller is a call with what only the customer knows.
type caller struct {
	Call
	stream  *stream
	state   state
	guesses []guess
	talkMs  int64
	wrapMs  int64
}

type state int

const (
	waits state = iota
	rings
	gone
)

// guess is what was foreseen of a wait at some moment.
type guess struct {
	atMs   int64
	waitMs [ways]int64
}

// play is what was foreseen and what came on one day.
func play(p *pattern, seed uint64, floor Floor) Result {
	d := &day{pattern: p, floor: floor, random: rand.New(rand.NewPCG(seed, 0)), away: make([]int, len(p.agents))}
	for i := range p.streams {
		d.expectCaller(&p.streams[i])
	}
	for _, b := range p.breaks {
		for a := range AgentID(b.agents) {
			// Nobody leaves or comes to the second.
			d.after(int64(b.fromMinute)*minuteMs+d.random.Int64N(3*minuteMs), func() { d.leave(a) })
			d.after(int64(b.toMinute)*minuteMs+d.random.Int64N(3*minuteMs), func() { d.comeBack(a) })
		}
	}
	for len(d.agenda) > 0 && d.agenda[0].atMs < dayMs {
		next := heap.Pop(&d.agenda).(event)
		d.nowMs = next.atMs
		next.do()
	}
	return d.result
}

// after has something happen later.
func (d *day) after(ms int64, do func()) {
	d.planned++
	heap.Push(&d.agenda, event{atMs: d.nowMs + ms, order: d.planned, do: do})
}

// expectCaller has the next customer of a stream come. Of an even stream at
// the peak rate only as many come as there are at that time.
func (d *day) expectCaller(s *stream) {
	d.after(exponentialMs(d.random, 3600.0/peakPerHour), func() {
		if d.random.Float64()*peakPerHour < s.perHour.at(int(d.nowMs/minuteMs)) {
			d.call(s)
		}
		d.expectCaller(s)
	})
}

func (d *day) call(s *stream) {
	c := &caller{Call: Call{CallID(len(d.callers)), s.skill, s.rank}, stream: s}
	c.talkMs = s.talkMs(d.random)
	c.wrapMs = lognormalMs(d.random, s.wrapS, wrapSigma)
	patienceMs := exponentialMs(d.random, s.patienceS)
	d.callers = append(d.callers, c)
	d.floor.Offer(d.nowMs, c.Call)
	d.ring()
	if c.state != waits {
		return
	}
	if s.patienceS > 0 {
		d.after(patienceMs, func() { d.giveUp(c) })
	} else if c.Skill == 0 && measuredFromMs <= d.nowMs && d.nowMs < measuredToMs {
		// Those who give up are not measured: it would count short waits only.
		d.guess(c)
	}
}

func (d *day) giveUp(c *caller) {
	if c.state == waits {
		c.state = gone
		d.floor.GiveUp(d.nowMs, c.ID)
	}
}

// ring lets telephones ring that are to.
func (d *day) ring() {
	for _, i := range d.floor.Invited() {
		c := d.callers[i.Call]
		c.state = rings
		if d.random.Float64() < d.pattern.refused {
			d.after(unansweredMs, func() { d.refuse(c, i.Agent) })
			continue
		}
		d.after(ringFromMs+d.random.Int64N(ringToMs-ringFromMs), func() { d.answer(c, i.Agent) })
	}
}

func (d *day) refuse(c *caller, a AgentID) {
	c.state = waits
	d.away[a]++
	d.floor.Refuse(d.nowMs, c.ID)
	d.ring()
	d.after(afterRefusalMs, func() { d.comeBack(a) })
}

func (d *day) answer(c *caller, a AgentID) {
	c.state = gone
	d.floor.Accept(d.nowMs, c.ID)
	d.result.add(c, d.nowMs)
	d.after(c.talkMs, func() {
		d.floor.End(d.nowMs, c.ID)
		d.after(c.wrapMs, func() { d.wrapped(c, a) })
	})
}

func (d *day) wrapped(c *caller, a AgentID) {
	if c.Skill == 0 {
		d.handled++
		d.handledMs += c.talkMs + c.wrapMs
	}
	if d.random.IntN(callsBetweenRests) == 0 {
		d.leave(a)
		d.after(restMs, func() { d.comeBack(a) })
	}
	d.floor.Wrapped(d.nowMs, c.ID)
	d.ring()
}

func (d *day) leave(a AgentID) {
	if d.away[a]++; d.away[a] == 1 {
		d.floor.Rest(d.nowMs, a)
	}
}

func (d *day) comeBack(a AgentID) {
	if d.away[a]--; d.away[a] == 0 {
		d.floor.Return(d.nowMs, a)
		d.ring()
	}
}

// guess foresees the wait of a call, now and each minute.
func (d *day) guess(c *caller) {
	switch c.state {
	case gone:
		return
	case waits:
		o := d.floor.Outlook(c.ID)
		work := int64(o.Position) * d.handledMs / max(d.handled, 1)
		c.guesses = append(c.guesses, guess{d.nowMs, [ways]int64{
			ours:     o.ExpectedMs,
			naive:    work / int64(max(o.Staffed, 1)),
			informed: work / int64(max(o.Working, 1)),
		}})
	}
	d.after(minuteMs, func() { d.guess(c) })
}

// agenda is what will happen, the next first.
type agenda []event

type event struct {
	atMs  int64
	order int
	do    func()
}

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(a[i].atMs, a[j].atMs), cmp.Compare(a[i].order, a[j].order)) < 0
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)   { *a = append(*a, x.(event)) }
func (a *agenda) Pop() any {
	last := len(*a) - 1
	x := (*a)[last]
	*a = (*a)[:last]
	return x
}
