package estimate

import (
	"math"
	"math/bits"
)

// mean is an average in which old observations count ever less: both sums
// fade with each new one.
type mean struct{ sumUs, count int64 }

func (m *mean) add(us, count, memory int64) {
	m.sumUs += us - m.sumUs/memory
	m.count += count - m.count/memory
}

// us is the average, as if otherUs had been seen once before.
func (m *mean) us(otherUs int64) int64 { return mulDiv(m.sumUs+otherUs, one, m.count+one) }

// span is time with a queue.
type span struct{ workingUs, staffedUs, us int64 }

func (s *span) add(more span) {
	s.workingUs += more.workingUs
	s.staffedUs += more.staffedUs
	s.us += more.us
	*s = s.bounded()
}

func (s *span) fade() {
	s.workingUs -= s.workingUs / recentMemory
	s.staffedUs -= s.staffedUs / recentMemory
	s.us -= s.us / recentMemory
}

// bounded is a span within what can be: who works is logged in.
func (s *span) bounded() span {
	working := bounded(s.workingUs, maxCrewUs*recentMemory)
	return span{
		workingUs: working,
		staffedUs: max(working, bounded(s.staffedUs, maxCrewUs*recentMemory)),
		us:        bounded(s.us, maxUs*recentMemory),
	}
}

// crew are the agents at some moment.
type crew struct{ staffed, working int64 }

// newCrew is one within what can be: who works is logged in.
func newCrew(staffed, working int) crew {
	working = min(max(working, 0), maxCrew)
	return crew{staffed: int64(min(max(staffed, working), maxCrew)), working: int64(working)}
}

// index is where a rank is counted; those beyond the last are as the last.
func index(rank int32) int { return int(min(max(rank, -1), ranks-2)) + 1 }

// clampedUs are milliseconds in microseconds, none to a day.
func clampedUs(ms int64) int64 { return bounded(ms, maxUs/1000) * 1000 }

// elapsedUs is the time from one moment to another, up to a day; none if the
// clock went back.
func elapsedUs(fromMs, toMs int64) int64 {
	if toMs <= fromMs {
		return 0
	}
	// Without their sign the difference is right however far they are apart.
	return int64(min(uint64(toMs)-uint64(fromMs), maxUs/1000)) * 1000
}

func bounded(x, limit int64) int64 { return min(max(x, 0), limit) }

// mulDiv is a*b/c of numbers that are not negative, with c above 0; the
// greatest number if it is beyond that.
func mulDiv(a, b, c int64) int64 {
	high, low := bits.Mul64(uint64(a), uint64(b))
	if high >= uint64(c) {
		return math.MaxInt64
	}
	quotient, _ := bits.Div64(high, low, uint64(c))
	return int64(min(quotient, math.MaxInt64))
}
