package projection

import (
	"sort"
	"strings"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/zone"
)

const (
	minuteMs = 60_000
	hourMs   = 60 * minuteMs
	dayMs    = 24 * hourMs

	// keptMinutes are the minutes of which figures are kept: more than the
	// longest day between two midnights.
	keptMinutes = 26 * 60

	// defaultWithinMs and defaultTargetPercent are the service level of a queue
	// that sets none.
	defaultWithinMs      = 20_000
	defaultTargetPercent = 80
)

// Figures are what happened in a queue.
type Figures struct {
	Entered        int64 // came in, to be waited for
	Answered       int64 // an agent joined while it waited
	AnsweredWithin int64 // so many of them within the service level's time
	Abandoned      int64 // were stopped while they waited
	AnsweredWaitMs int64 // how long the answered waited, in all
	Handled        int64 // the last agent left
	HandledMs      int64 // from the first agent's joining to the last's leaving, in all
}

func (f *Figures) add(g Figures) {
	f.Entered += g.Entered
	f.Answered += g.Answered
	f.AnsweredWithin += g.AnsweredWithin
	f.Abandoned += g.Abandoned
	f.AnsweredWaitMs += g.AnsweredWaitMs
	f.Handled += g.Handled
	f.HandledMs += g.HandledMs
}

// Statistics are the figures of the queues of one tenant: a fold of his
// reporting events and configurations. It knows no clock: time comes with the
// events, and by Advance. What happened is counted in the minute in which it
// happened, whenever that is heard. The zero value is not ready: use
// NewStatistics.
type Statistics struct {
	beginMs int64
	minute  int64 // the minute that is not over: Unix time in minutes
	zone    zone.Zone
	queues  map[string]*queueStatistics
	live    map[string]*interaction
}

// queueStatistics are those of one queue.
type queueStatistics struct {
	withinMs      int64
	targetPercent int32

	waiting int      // what is being delivered does not wait
	line    []*stay  // who was not answered yet, in order of entry; some have gone
	pending int      // how many of them have not gone
	minutes []minute // in order; only those in which there was something

	day   int64 // the minute with which today began
	today Figures
}

// stay is one waiting of one interaction in one queue.
type stay struct {
	queue   *queueStatistics
	sinceMs int64
	invited int // open invitations
	over    bool
}

// minute is what happened in a minute, and what was at its end.
type minute struct {
	at int64 // Unix time in minutes
	Figures
	waiting   int32
	longestMs int64
}

// interaction is one that waits or is handled.
type interaction struct {
	stay           *stay            // while it waits
	agents         int              // parties
	handled        *queueStatistics // the queue that it was answered from
	handledSinceMs int64            // since when it has agents
}

// NewStatistics begins a fold at a time. An interaction that turns out to have
// waited before that counts as waiting since then.
func NewStatistics(beginMs int64) *Statistics {
	return &Statistics{
		beginMs: beginMs, minute: beginMs / minuteMs, zone: zone.UTC,
		queues: map[string]*queueStatistics{}, live: map[string]*interaction{},
	}
}

// Configure folds objects of the configuration that are new or changed, from
// now on; those that it does not hold stay as they are.
func (s *Statistics) Configure(c *usherv1.Configuration) {
	if o := c.GetOptions(); o != nil {
		if z, err := zone.Load(o.GetTimeZone()); err == nil { // the engine refuses unknown ones
			s.zone = z
		}
	}
	for _, q := range c.GetQueues() {
		of := s.queue(q.GetName())
		of.withinMs, of.targetPercent = defaultWithinMs, defaultTargetPercent
		if ms := q.GetServiceLevelWithinMs(); ms != 0 {
			of.withinMs = ms
		}
		if percent := q.GetServiceLevelTargetPercent(); percent != 0 {
			of.targetPercent = percent
		}
	}
}

func (s *Statistics) queue(name string) *queueStatistics {
	q := s.queues[name]
	if q == nil {
		q = &queueStatistics{withinMs: defaultWithinMs, targetPercent: defaultTargetPercent}
		s.queues[name] = q
	}
	return q
}

// Advance says that it is now at least so late, in Unix milliseconds: the
// minutes before are over, and who waits at their end is known.
func (s *Statistics) Advance(nowMs int64) {
	now := nowMs / minuteMs
	if now <= s.minute {
		return
	}
	for _, q := range s.queues {
		for at := max(s.minute, now-keptMinutes); at < now && q.waiting > 0; at++ {
			m := q.at(at, now)
			m.waiting, m.longestMs = int32(q.waiting), (at+1)*minuteMs-q.oldestMs()
		}
	}
	s.minute = now
}

// Apply folds a reporting event.
func (s *Statistics) Apply(ev *usherv1.Event) {
	s.Advance(ev.GetTimeMs())
	id, at := ev.GetInteractionId(), ev.GetTimeMs()
	switch m := ev.GetMessage().(type) {
	case *usherv1.Event_EventPlacedInQueue:
		s.placed(id, m.EventPlacedInQueue.GetQueue(), at)
	case *usherv1.Event_EventTakenFromQueue:
		s.waitedBefore(ev)
	case *usherv1.Event_EventPartyAdded:
		if isStrategy(m.EventPartyAdded.GetParty()) || m.EventPartyAdded.GetOperation() == usherv1.Operation_OPERATION_ROUTE {
			s.waitedBefore(ev)
		}
		if !isStrategy(m.EventPartyAdded.GetParty()) {
			s.joined(id, at)
		}
	case *usherv1.Event_EventPartyRemoved:
		if isStrategy(m.EventPartyRemoved.GetParty()) {
			s.waitedBefore(ev)
		} else {
			s.left(id, at)
		}
	case *usherv1.Event_EventAgentInvited:
		if m.EventAgentInvited.GetOperation() == usherv1.Operation_OPERATION_ROUTE {
			s.waitedBefore(ev)
		}
		s.invited(id, 1)
	case *usherv1.Event_EventRejected:
		s.invited(id, -1)
	case *usherv1.Event_EventRevoked:
		if m.EventRevoked.GetTicket() != 0 { // else it was taken from a party
			s.invited(id, -1)
		}
	case *usherv1.Event_EventProcessingStopped:
		s.stopped(id, at)
	}
}

func isStrategy(p *usherv1.Participant) bool {
	return p.GetKind() == usherv1.ParticipantKind_PARTICIPANT_KIND_STRATEGY
}

// private tells whether a queue is one of the server's own, such as that
// behind all workbins: who is there waits in no queue.
func private(queue string) bool { return strings.HasPrefix(queue, "__") }

// waitedBefore notices an interaction that began to wait before the fold did:
// it is heard of first where it leaves its queue, or where a router has it.
func (s *Statistics) waitedBefore(ev *usherv1.Event) {
	if s.live[ev.GetInteractionId()] == nil && !private(ev.GetQueue()) {
		s.wait(s.interaction(ev.GetInteractionId()), s.queue(ev.GetQueue()), s.beginMs)
	}
}

func (s *Statistics) interaction(id string) *interaction {
	i := s.live[id]
	if i == nil {
		i = &interaction{}
		s.live[id] = i
	}
	return i
}

// placed is the entry into a queue. One that comes back from a router without
// having been answered has never stopped waiting.
func (s *Statistics) placed(id, name string, at int64) {
	i := s.interaction(id)
	if private(name) {
		i.endStay()
		return
	}
	q := s.queue(name)
	if i.stay != nil && i.stay.queue == q {
		return
	}
	i.endStay()
	s.wait(i, q, at)
	q.count(at, s.minute, Figures{Entered: 1})
}

func (s *Statistics) wait(i *interaction, q *queueStatistics, sinceMs int64) {
	i.stay = &stay{queue: q, sinceMs: sinceMs}
	q.waiting++
	q.pending++
	q.line = append(q.line, i.stay)
}

// invited counts the open invitations to one that waits: while there is one it
// is being delivered.
func (s *Statistics) invited(id string, by int) {
	i := s.live[id]
	if i == nil || i.stay == nil || i.stay.invited+by < 0 {
		return // nobody waits for its answer, or it was made before the fold began
	}
	stay := i.stay
	stay.queue.waiting -= stay.waits()
	stay.invited += by
	stay.queue.waiting += stay.waits()
}

// waits is 1 for one that waits, and 0 for one that is being delivered, or is
// gone.
func (s *stay) waits() int {
	if s.over || s.invited > 0 {
		return 0
	}
	return 1
}

// joined is a new agent: the first of one that waits answers it.
func (s *Statistics) joined(id string, at int64) {
	i := s.interaction(id)
	if stay := i.stay; stay != nil {
		i.endStay()
		answer := Figures{Answered: 1, AnsweredWaitMs: at - stay.sinceMs}
		if answer.AnsweredWaitMs <= stay.queue.withinMs {
			answer.AnsweredWithin = 1
		}
		stay.queue.count(at, s.minute, answer)
		i.handled = stay.queue
	}
	if i.agents++; i.agents == 1 {
		i.handledSinceMs = at
	}
}

// left is an agent who goes; with the last one the handling ends.
func (s *Statistics) left(id string, at int64) {
	i := s.live[id]
	if i == nil || i.agents == 0 {
		return // he came before the fold began
	}
	if i.agents--; i.agents == 0 && i.handled != nil {
		i.handled.count(at, s.minute, Figures{Handled: 1, HandledMs: at - i.handledSinceMs})
		i.handled = nil
	}
}

func (s *Statistics) stopped(id string, at int64) {
	i := s.live[id]
	if i == nil {
		return
	}
	if stay := i.stay; stay != nil {
		i.endStay()
		stay.queue.count(at, s.minute, Figures{Abandoned: 1})
	}
	delete(s.live, id)
}

// endStay ends the waiting, if it waits.
func (i *interaction) endStay() {
	if i.stay == nil {
		return
	}
	q := i.stay.queue
	q.waiting -= i.stay.waits()
	q.pending--
	i.stay.over = true
	i.stay = nil
	for len(q.line) > 0 && q.line[0].over {
		q.line[0] = nil
		q.line = q.line[1:]
	}
	if len(q.line) > 2*q.pending+64 { // one waits for ever, many have gone behind it
		kept := make([]*stay, 0, 2*q.pending)
		for _, of := range q.line {
			if !of.over {
				kept = append(kept, of)
			}
		}
		q.line = kept
	}
}

// oldestMs is since when the one waits that waits longest; there must be one.
func (q *queueStatistics) oldestMs() int64 {
	n := 0
	for q.line[n].waits() == 0 {
		n++
	}
	return q.line[n].sinceMs
}

// count adds to the minute of a time, and to today.
func (q *queueStatistics) count(atMs, now int64, f Figures) {
	at := atMs / minuteMs
	if at <= now-keptMinutes {
		return
	}
	q.at(at, now).add(f)
	if at >= q.day {
		q.today.add(f)
	}
}

// at is a minute's figures, made if need be. It drops what is kept no longer.
func (q *queueStatistics) at(at, now int64) *minute {
	for len(q.minutes) > 0 && q.minutes[0].at < now-keptMinutes {
		q.minutes = q.minutes[1:]
	}
	n := len(q.minutes)
	if n > 0 && q.minutes[n-1].at >= at { // it is nearly always the last
		n = sort.Search(n, func(n int) bool { return q.minutes[n].at >= at })
	}
	if n == len(q.minutes) || q.minutes[n].at != at {
		q.minutes = append(q.minutes, minute{})
		copy(q.minutes[n+1:], q.minutes[n:])
		q.minutes[n] = minute{at: at}
	}
	return &q.minutes[n]
}

// Today gives a queue's figures since midnight in the tenant's time zone.
func (s *Statistics) Today(queue string, nowMs int64) Figures {
	q := s.queues[queue]
	if q == nil {
		return Figures{}
	}
	if day := s.zone.Midnight(nowMs) / minuteMs; day != q.day {
		q.day, q.today = day, Figures{}
		for n := range q.minutes {
			if q.minutes[n].at >= day {
				q.today.add(q.minutes[n].Figures)
			}
		}
	}
	return q.today
}

// Level gives a queue's service level: within how long an interaction is to be
// answered, and of how many that is wanted.
func (s *Statistics) Level(queue string) (withinMs int64, percent int32) {
	if q := s.queues[queue]; q != nil {
		return q.withinMs, q.targetPercent
	}
	return defaultWithinMs, defaultTargetPercent
}

// Knows tells whether a queue is configured, or was lately.
func (s *Statistics) Knows(queue string) bool { return s.queues[queue] != nil }

// History gives a queue's figures, or those of all together if queue is empty,
// in steps of whole minutes. The first begins with the minute of fromMs, the
// last contains nowMs; what is at its end is what is now.
func (s *Statistics) History(queue string, fromMs, stepMs, nowMs int64) *usherv1.EventHistory {
	first, step := fromMs/minuteMs, stepMs/minuteMs
	h := &usherv1.EventHistory{}
	for at := first; at <= nowMs/minuteMs; at += step {
		h.AtMs = append(h.AtMs, at*minuteMs)
	}
	n := len(h.AtMs)
	h.Waiting, h.LongestWaitMs = make([]int32, n), make([]int64, n)
	h.Entered, h.Answered, h.AnsweredWithin, h.Abandoned = make([]int32, n), make([]int32, n), make([]int32, n), make([]int32, n)
	for name, q := range s.queues {
		if queue == "" || queue == name {
			q.addTo(h, first, step, s.minute, nowMs)
		}
	}
	return h
}

// addTo adds a queue to a history; minute is the one that is not over.
func (q *queueStatistics) addTo(h *usherv1.EventHistory, first, step, minute, nowMs int64) {
	for i := range q.minutes {
		m := &q.minutes[i]
		n := (m.at - first) / step
		if m.at < first || n >= int64(len(h.AtMs)) {
			continue
		}
		h.Entered[n] += int32(m.Entered)
		h.Answered[n] += int32(m.Answered)
		h.AnsweredWithin[n] += int32(m.AnsweredWithin)
		h.Abandoned[n] += int32(m.Abandoned)
		if m.at == first+(n+1)*step-1 {
			h.Waiting[n] += m.waiting
			h.LongestWaitMs[n] = max(h.LongestWaitMs[n], m.longestMs)
		}
	}
	for n := range h.AtMs {
		if first+int64(n+1)*step-1 >= minute && q.waiting > 0 {
			h.Waiting[n] += int32(q.waiting)
			h.LongestWaitMs[n] = max(h.LongestWaitMs[n], nowMs-q.oldestMs())
		}
	}
}
