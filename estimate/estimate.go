// Package estimate foresees how long an interaction waits. It promises to be
// a function of what it was told: no clock, no randomness, integers only, and
// so the same on every machine and on every replay.
//
// It does not measure how long interactions take, but how fast a queue
// advances while there is one:
//
//   - Agent time per answer: the time between two answers, times the agents
//     who worked. It has in it what an average of handling times does not know
//     of: after-call work, ringing, refusals, what agents do for other skills,
//     and how many they handle at once. Divided by the agents who work now, it
//     follows at once when some come or go.
//   - How many of those logged in work: pauses end, so that a long wait sees
//     more of the usual crew than of the present one.
//   - How many of a higher rank are answered meanwhile: they overtake.
//   - How many leave unanswered: their places are free before their turn.
//
// Time without a queue counts nowhere: then agents wait, not interactions.
// Handling times serve while there are few answers, and steady the agent time,
// which by its nature depends on the few interactions that ended lately.
//
// Short waits are mostly shorter than their mean, and seldom much longer. So
// what is foreseen is the middle of the likeliest half, as a rule two thirds
// of a turn before the mean.
//
// Package sim/waits measures how good that is.
package estimate

const (
	// one is a count of one, and the whole of a share: sums that fade need
	// parts.
	one = 1_000_000

	// recentMemory and longMemory are how many observations a sum remembers.
	recentMemory = 128
	longMemory   = 1024

	// handlingWeight is how many answers the average handling time stands for.
	handlingWeight = 8

	// defaultHandlingUs is taken before anything was handled.
	defaultHandlingUs = 180_000_000

	// pauseUs is how long a pause of an agent lasts, about.
	pauseUs = 300_000_000

	// defaultWaitUs of waiting without anybody leaving are taken for seen
	// before: the first who leaves does not make everybody impatient.
	defaultWaitUs = 300_000_000

	// outlier is how many agent times may pass between two events: a night or
	// a jump of the clock is not work.
	outlier = 8

	// overtakenMax is the greatest share of answers that goes to others: with
	// more, a low rank advances only by chance.
	overtakenMax = one * 7 / 8

	// Beyond these limits all inputs are alike, and nothing overflows.
	maxUs       = 86_400_000_000
	maxWaitUs   = 30 * maxUs
	maxCrew     = 100_000
	maxCrewUs   = maxUs * maxCrew
	maxPosition = 1_000_000
)

// ranks are low, medium, high and top.
const ranks = 4

// Service is what was measured of those who serve a skill, target or group,
// for one media type. The zero value is ready.
//
// Of agents it is told how many are logged in for it (staffed), how many of
// those are neither in AUX nor not ready (working), and how many of those
// could have one now (available). An agent who goes to AUX when his
// interaction ends works no more: he will take no other.
type Service struct {
	// While answers followed each other in a queue: time of agents who worked
	// and who were logged in, time, and answers by rank.
	queue span
	// The same since the last answer from a queue, which is not in queue yet.
	open    span
	answers [ranks]int64

	// What was so at the last event.
	lastMs  int64
	crew    crew
	backlog bool

	patience       mean // time waited, for each who left
	speed          mean // from entry to answer
	ringing        mean // from invitation to answer
	handling       mean // from answer to end, over a long time
	recentHandling mean // the same, over as many as queue
}

// Answered is told when an agent accepted one that waited for waitedMs, for
// the last ringingMs of it invited. Rank is its priority, low -1 to top 2;
// backlog is whether others wait still who are not invited.
func (s *Service) Answered(nowMs, waitedMs, ringingMs int64, staffed, working int, rank int32, backlog bool) {
	waitedUs := clampedUs(waitedMs)
	ringingUs := min(clampedUs(ringingMs), waitedUs)
	s.speed.add(waitedUs, one, recentMemory)
	s.ringing.add(ringingUs, one, recentMemory)
	queuedUs := waitedUs - ringingUs
	s.advance(nowMs, queuedUs, newCrew(staffed, working), backlog)
	if queuedUs == 0 {
		return // somebody was free: that says nothing of a queue
	}
	s.patience.add(queuedUs, 0, longMemory)
	s.queue.fade()
	s.queue.add(s.open)
	s.open = span{}
	for r := range s.answers {
		s.answers[r] -= s.answers[r] / recentMemory
	}
	s.answers[index(rank)] += one
}

// Left is told when one left unanswered that had waited for waitedMs: its
// customer gave up, or others served it.
func (s *Service) Left(nowMs, waitedMs int64, staffed, working int, backlog bool) {
	waitedUs := clampedUs(waitedMs)
	s.patience.add(waitedUs, one, longMemory)
	s.advance(nowMs, waitedUs, newCrew(staffed, working), backlog)
}

// Gone is Left where nobody has counted the agents: they are taken to be those
// of the last event.
func (s *Service) Gone(nowMs, waitedMs int64, backlog bool) {
	s.Left(nowMs, waitedMs, int(s.crew.staffed), int(s.crew.working), backlog)
}

// Handled is told when one ended, durationMs after its answer.
func (s *Service) Handled(durationMs int64) {
	us := clampedUs(durationMs)
	s.handling.add(us, one, longMemory)
	s.recentHandling.add(us, one, recentMemory)
}

// advance adds the time of a queue since the last event. If there was none
// then, there is one since that came which was answered or left now.
func (s *Service) advance(nowMs, queuedUs int64, now crew, backlog bool) {
	us := elapsedUs(s.lastMs, nowMs)
	if !s.backlog {
		us = min(us, queuedUs)
		s.crew = now
	}
	// Of a crew that changed somewhere between, the mean is taken.
	working, staffed := s.crew.working+now.working, s.crew.staffed+now.staffed
	us = min(us, 2*outlier*s.agentTimeUs()/max(working, 1))
	s.open.add(span{workingUs: us * working / 2, staffedUs: us * staffed / 2, us: us})
	s.lastMs, s.crew, s.backlog = nowMs, now, backlog
}

// ExpectedMs is how long one waits that has this position, counting itself,
// and this rank. It is 0 if an agent is available for it, and infinite if
// nobody works.
func (s *Service) ExpectedMs(position, staffed, working, available int, rank int32) (ms int64, infinite bool) {
	position = max(position, 1)
	if position <= available {
		return 0, false
	}
	if working <= 0 {
		return 0, true
	}
	places := int64(min(position-max(available, 0), maxPosition))
	present := newCrew(staffed, working)
	turnUs := max(s.agentTimeUs()/present.working, 1)
	ours := one - s.overtaken(rank, turnUs)
	leaving := mulDiv(s.patience.count, turnUs, s.patience.sumUs+defaultWaitUs)
	us := likely(places, ours, advanceUs(places, turnUs, ours, leaving))
	us = s.withUsualCrew(min(us, maxWaitUs), present) + s.ringing.us(0)
	return min(us, maxWaitUs) / 1000, false
}

// AverageAnswerMs is how long the latest waited until they were answered.
func (s *Service) AverageAnswerMs() int64 {
	return mulDiv(s.speed.sumUs, one/1000, max(s.speed.count, 1))
}

// agentTimeUs is the agent time of an answer. Those handled lately tell by how
// much it is off the usual by chance.
func (s *Service) agentTimeUs() int64 {
	usualUs := s.handling.us(defaultHandlingUs)
	recentUs := s.recentHandling.us(usualUs)
	answers := int64(handlingWeight * one)
	for _, n := range s.answers {
		answers += n
	}
	us := mulDiv(s.queue.workingUs+handlingWeight*recentUs, one, answers)
	return min(max(mulDiv(us, usualUs, recentUs), 1), maxUs)
}

// overtaken is the share of answers that goes to later ones of higher ranks,
// if there is one in each turnUs.
func (s *Service) overtaken(rank int32, turnUs int64) int64 {
	higher := int64(0)
	for _, n := range s.answers[index(rank)+1:] {
		higher += n
	}
	return min(mulDiv(higher, turnUs, s.queue.us+handlingWeight*turnUs), overtakenMax)
}

// advanceUs is the mean time until the last of so many places had its turn.
// In each turnUs there is an answer, of which a share is ours, and of each
// place ahead that is still taken a share leaves. Far places are summed up in
// groups, as if all were as the one in the middle.
func advanceUs(places, turnUs, ours, leaving int64) int64 {
	us := int64(0)
	for done := int64(0); done < places; {
		group := min(max(1, done/8), places-done)
		twice := 2*ours + leaving*(2*done+group-1)
		us += mulDiv(2*group*one, turnUs, twice)
		done += group
	}
	return us
}

// likely is the middle of the likeliest half of waits with that mean. A wait
// for many turns has the gamma distribution, where that is two thirds of a
// turn before the mean. Being overtaken spreads it as it does the busy time of
// a queue: by (1+share)/(1-share).
func likely(places, ours, meanUs int64) int64 {
	thirds := 3 * places * ours
	return mulDiv(meanUs, thirds, thirds+2*(2*one-ours))
}

// withUsualCrew corrects a wait that was reckoned with the present crew: the
// longer it is, the more of it passes with the usual one.
func (s *Service) withUsualCrew(us int64, present crew) int64 {
	seenUs := handlingWeight * s.agentTimeUs()
	staffedUs := s.queue.staffedUs + mulDiv(seenUs, present.staffed, present.working)
	share := mulDiv(s.queue.workingUs+seenUs, one, staffedUs)
	usual := mulDiv(present.staffed, share, present.working) // of one at present
	return mulDiv(us, pauseUs+us, pauseUs+mulDiv(us, usual, one))
}
