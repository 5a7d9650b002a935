package estimate

import (
	"encoding/binary"
	"math"
	"testing"

	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

const secondMs = 1000

// busy is a service whose ten agents, all logged in and working, answer one
// every six seconds out of a queue: a minute of agent time for each.
func busy(answers int, rank func(n int) int32) *Service {
	s := &Service{}
	for n := range answers {
		s.Answered(int64(n)*6*secondMs, 60*secondMs, 0, 10, 10, rank(n), true)
		s.Handled(60 * secondMs)
	}
	return s
}

func medium(int) int32 { return 0 }

// near tells whether a wait is what it should be, to a tenth.
func near(t *testing.T, what string, gotMs, wantMs int64) {
	t.Helper()
	if difference := gotMs - wantMs; difference > wantMs/10 || -difference > wantMs/10 {
		t.Errorf("%s: %d ms, want about %d", what, gotMs, wantMs)
	}
}

func expected(t *testing.T, s *Service, position, staffed, working int, rank int32) int64 {
	t.Helper()
	ms, infinite := s.ExpectedMs(position, staffed, working, 0, rank)
	if infinite {
		t.Fatalf("position %d, %d working: infinite", position, working)
	}
	return ms
}

func TestNothingKnown(t *testing.T) {
	s := &Service{}
	// Two thirds of a turn are taken off: 10 x 10/(10+2/3) turns of 18 s.
	near(t, "ten places, ten agents", expected(t, s, 10, 10, 10, 0), 169*secondMs)
	near(t, "the first of one agent", expected(t, s, 1, 1, 1, 0), 108*secondMs)
	for range 100 {
		s.Handled(30 * secondMs)
	}
	near(t, "after calls of 30 s", expected(t, s, 10, 10, 10, 0), 29*secondMs)
	if ms := s.AverageAnswerMs(); ms != 0 {
		t.Errorf("answered after %d ms though nothing was answered", ms)
	}
}

func TestAgentTimeNotHandlingTime(t *testing.T) {
	// They handle for 20 s, but one is answered in each minute of an agent: the
	// rest goes to other skills.
	s := &Service{}
	for n := range 300 {
		s.Answered(int64(n)*6*secondMs, 60*secondMs, 0, 10, 10, 0, true)
		s.Handled(20 * secondMs)
	}
	near(t, "20 places", expected(t, s, 20, 10, 10, 0), 116*secondMs)
}

func TestChanceIsEvenedOut(t *testing.T) {
	// Of late calls were short, and so answers came fast: not for long.
	s := busy(2000, medium)
	for n := range 128 {
		s.Answered(2000*6*secondMs+int64(n)*4*secondMs, 60*secondMs, 0, 10, 10, 0, true)
		s.Handled(40 * secondMs)
	}
	near(t, "20 places", expected(t, s, 20, 10, 10, 0), 111*secondMs)
}

func TestFollowsTheCrewAtOnce(t *testing.T) {
	s := busy(300, medium)
	near(t, "ten agents", expected(t, s, 20, 10, 10, 0), 116*secondMs)
	near(t, "five have logged out", expected(t, s, 20, 5, 5, 0), 232*secondMs)
	near(t, "ten more have logged in", expected(t, s, 20, 20, 20, 0), 58*secondMs)
	now := expected(t, s, 20, 10, 5, 0)
	if now <= 130*secondMs || now >= 232*secondMs {
		t.Errorf("five are in AUX for a while: %d ms, want more than with ten and less than with five", now)
	}
}

func TestIdleTimeDoesNotCount(t *testing.T) {
	s := &Service{}
	now := int64(0)
	for range 300 {
		// An hour without calls, then two come that wait, and the queue is empty.
		now += 3600 * secondMs
		s.Answered(now, 6*secondMs, 0, 10, 10, 0, true)
		now += 6 * secondMs
		s.Answered(now, 12*secondMs, 0, 10, 10, 0, false)
		s.Handled(60 * secondMs)
		s.Handled(60 * secondMs)
	}
	near(t, "20 places", expected(t, s, 20, 10, 10, 0), 116*secondMs)
}

func TestAnsweredAtOnceSaysNothing(t *testing.T) {
	s := busy(300, medium)
	before := expected(t, s, 20, 10, 10, 0)
	for n := range 1000 {
		s.Answered(int64(2000+n)*secondMs, 0, 0, 10, 10, 0, false)
	}
	if after := expected(t, s, 20, 10, 10, 0); after != before {
		t.Errorf("%d ms, before %d", after, before)
	}
}

func TestRingingIsAddedOnce(t *testing.T) {
	s := &Service{}
	for n := range 300 {
		s.Answered(int64(n)*6*secondMs, 60*secondMs, 5*secondMs, 10, 10, 0, true)
		s.Handled(60 * secondMs)
	}
	queued := busy(300, medium)
	ringing := expected(t, s, 20, 10, 10, 0) - expected(t, queued, 20, 10, 10, 0)
	near(t, "of 20 places, ringing", ringing, 5*secondMs)
	near(t, "average", s.AverageAnswerMs(), 60*secondMs)

	// Somebody is free, and rings: that is no queue.
	s = queued
	agentTime := s.agentTimeUs()
	s.Answered(1e9, 5*secondMs, 5*secondMs, 10, 10, 0, false)
	if s.agentTimeUs() != agentTime {
		t.Errorf("ringing of the first changes the agent time")
	}
}

func TestHigherRanksOvertake(t *testing.T) {
	// Every second is of high rank: from medium on, half of the turns are lost.
	s := busy(1000, func(n int) int32 { return int32(n % 2) })
	near(t, "top", expected(t, s, 20, 10, 10, 2), 116*secondMs)
	near(t, "high", expected(t, s, 20, 10, 10, 1), 116*secondMs)
	near(t, "medium", expected(t, s, 20, 10, 10, 0), 218*secondMs)
	// All others are above low; it is left an eighth.
	near(t, "low", expected(t, s, 20, 10, 10, -1), 640*secondMs)
	for _, rank := range []int32{math.MinInt32, -2} {
		if expected(t, s, 20, 10, 10, rank) != expected(t, s, 20, 10, 10, -1) {
			t.Errorf("rank %d is not taken as low", rank)
		}
	}
	if expected(t, s, 20, 10, 10, math.MaxInt32) != expected(t, s, 20, 10, 10, 2) {
		t.Error("the greatest rank is not taken as top")
	}
}

func TestThoseWhoLeaveMakeRoom(t *testing.T) {
	s := &Service{}
	for n := range 2000 {
		// Of two one leaves after 30 s, so 60 s are waited for each who leaves.
		s.Left(int64(n)*6*secondMs+1, 30*secondMs, 10, 10, true)
		s.Answered(int64(n+1)*6*secondMs, 30*secondMs, 0, 10, 10, 0, true)
		s.Handled(60 * secondMs)
	}
	// A tenth of each place leaves per turn: 6 s x sum of 1/(1+k/10), k < 20.
	near(t, "20 places", expected(t, s, 20, 10, 10, 0), 65*secondMs)
	near(t, "first", expected(t, s, 1, 10, 10, 0), 3600)
}

func TestClockJumps(t *testing.T) {
	const day = 86_400 * secondMs
	for name, jump := range map[string]int64{"a day on": day, "ten years on": 3650 * day, "back": -day, "to the end": math.MaxInt64 - 1e9, "to the beginning": math.MinInt64 + 1e9} {
		s := busy(300, medium)
		s.Answered(300*6*secondMs+jump, 60*secondMs, 0, 10, 10, 0, true)
		if ms := expected(t, s, 20, 10, 10, 0); ms > 130*secondMs || ms < 100*secondMs {
			t.Errorf("after a jump %s: %d ms, want about 116000", name, ms)
		}
	}
}

func TestAverageAnswerFades(t *testing.T) {
	s := busy(1000, medium)
	if ms := s.AverageAnswerMs(); ms < 59*secondMs || ms > 60*secondMs {
		t.Errorf("all waited a minute: %d ms", ms)
	}
	for range 1000 {
		s.Answered(0, 10*secondMs, 0, 10, 10, 0, false)
	}
	if ms := s.AverageAnswerMs(); ms < 9*secondMs || ms > 11*secondMs {
		t.Errorf("then all waited ten seconds: %d ms", ms)
	}
}

func TestAvailable(t *testing.T) {
	s := busy(300, medium)
	for _, c := range []struct {
		position, working, available int
		zero, infinite               bool
	}{
		{position: 1, working: 3, available: 1, zero: true},
		{position: 3, working: 3, available: 3, zero: true},
		{position: 4, working: 3, available: 3},
		{position: 1, working: 1},
		{position: 1, infinite: true},
		{position: 1, working: -1, infinite: true},
		{position: 0, working: 0, infinite: true},
		{position: 0, working: 1, available: 1, zero: true},
	} {
		ms, infinite := s.ExpectedMs(c.position, 3, c.working, c.available, 0)
		if infinite != c.infinite || !infinite && (ms == 0) != c.zero {
			t.Errorf("%+v: %d ms, infinite %t", c, ms, infinite)
		}
	}
	second := expected(t, s, 2, 3, 3, 0)
	if fifth, _ := s.ExpectedMs(5, 3, 3, 3, 0); fifth != second {
		t.Errorf("the fifth with three available waits %d ms, the second with none %d", fifth, second)
	}
}

// toldMax is how many bytes of events are looked at.
const toldMax = 1 << 12

// FuzzService: whatever is told, waits are not negative nor beyond the limit,
// rise with the position, are zero if somebody is free and infinite only if nobody works;
// and what is kept is what is loaded.
func FuzzService(f *testing.F) {
	f.Add([]byte{})
	f.Add(binary.BigEndian.AppendUint64([]byte{0, 1, 2, 3, 4, 5, 6, 7}, math.MaxUint64))
	f.Fuzz(func(t *testing.T, told []byte) {
		s := &Service{}
		told = told[:min(len(told), toldMax)]
		for len(told) > 0 {
			tell(s, &told)
		}
		check(t, s)
		loaded := Load(keep(t, s.Export()))
		if loaded != *s {
			t.Errorf("loaded %+v, kept %+v", loaded, *s)
		}
	})
}

// FuzzLoad: nothing that is loaded does harm.
func FuzzLoad(f *testing.F) {
	f.Add([]byte{}, []byte{})
	hostile, err := proto.Marshal(&usherv1.ServiceStatistics{
		Working: math.MaxInt32, Staffed: -1, Backlog: true, LastAtMs: math.MinInt64,
		Queue:          &usherv1.QueueTime{WorkingUs: math.MaxInt64, StaffedUs: math.MinInt64, Us: -1},
		Open:           &usherv1.QueueTime{WorkingUs: math.MaxInt64, StaffedUs: math.MaxInt64, Us: math.MaxInt64},
		Answers:        []int64{math.MaxInt64, math.MinInt64, math.MaxInt64, math.MaxInt64, math.MaxInt64},
		Patience:       &usherv1.FadingMean{SumUs: math.MinInt64, Count: math.MaxInt64},
		Handling:       &usherv1.FadingMean{SumUs: math.MaxInt64, Count: math.MinInt64},
		RecentHandling: &usherv1.FadingMean{SumUs: math.MinInt64, Count: math.MaxInt64},
		Speed:          &usherv1.FadingMean{SumUs: math.MaxInt64},
		Ringing:        &usherv1.FadingMean{SumUs: math.MaxInt64},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(hostile, []byte{1, 2, 3})
	day := &usherv1.FadingMean{SumUs: maxUs * longMemory, Count: one * longMemory}
	slow, err := proto.Marshal(&usherv1.ServiceStatistics{
		Queue:    &usherv1.QueueTime{WorkingUs: math.MaxInt64, StaffedUs: math.MaxInt64, Us: math.MaxInt64},
		Patience: &usherv1.FadingMean{Count: math.MaxInt64},
		Handling: day, RecentHandling: day,
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(slow, []byte{})
	patient, err := proto.Marshal(&usherv1.ServiceStatistics{Queue: &usherv1.QueueTime{WorkingUs: math.MaxInt64, StaffedUs: math.MaxInt64}, Handling: day})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(patient, []byte{})
	f.Fuzz(func(t *testing.T, kept, told []byte) {
		statistics := &usherv1.ServiceStatistics{}
		if proto.Unmarshal(kept, statistics) != nil {
			t.Skip()
		}
		s := Load(statistics)
		check(t, &s)
		told = told[:min(len(told), toldMax)]
		for len(told) > 0 {
			tell(&s, &told)
		}
		check(t, &s)
	})
}

// keep is what comes back from where it was kept.
func keep(t *testing.T, statistics *usherv1.ServiceStatistics) *usherv1.ServiceStatistics {
	t.Helper()
	bytes, err := proto.Marshal(statistics)
	if err != nil {
		t.Fatal(err)
	}
	kept := &usherv1.ServiceStatistics{}
	if err := proto.Unmarshal(bytes, kept); err != nil {
		t.Fatal(err)
	}
	return kept
}

// tell takes one event from the bytes, of any size of numbers.
func tell(s *Service, told *[]byte) {
	number := func() int64 {
		var all [8]byte
		if len(*told) == 0 {
			return 0
		}
		size := copy(all[:], (*told)[1:min(len(*told), 1+int((*told)[0])%9)])
		*told = (*told)[1+size:]
		return int64(binary.LittleEndian.Uint64(all[:]))
	}
	switch kind := number(); kind % 3 {
	case 0:
		s.Handled(number())
	case 1:
		s.Left(number(), number(), int(number()), int(number()), kind&4 == 0)
	default:
		s.Answered(number(), number(), number(), int(number()), int(number()), int32(number()), kind&4 == 0)
	}
}

func check(t *testing.T, s *Service) {
	t.Helper()
	if s.AverageAnswerMs() < 0 {
		t.Fatalf("answered after %d ms: %+v", s.AverageAnswerMs(), s)
	}
	for _, working := range []int{math.MinInt, 0, 1, 7, 1000, math.MaxInt} {
		for _, rank := range []int32{math.MinInt32, 0, math.MaxInt32} {
			checkPositions(t, s, 10, working, math.MinInt, rank)
			checkPositions(t, s, math.MaxInt, working, 0, rank)
			checkPositions(t, s, math.MinInt, working, min(3, max(working, 0)), rank)
		}
	}
}

func checkPositions(t *testing.T, s *Service, staffed, working, available int, rank int32) {
	t.Helper()
	before := int64(0)
	for _, position := range []int{math.MinInt, 0, 1, 2, 3, 4, 8, 9, 10, 100, 101, 999_999, 1_000_000, 1_000_001, math.MaxInt} {
		ms, infinite := s.ExpectedMs(position, staffed, working, available, rank)
		free := max(position, 1) <= available
		switch {
		case infinite != (working <= 0 && !free):
			t.Fatalf("position %d, working %d, available %d: infinite %t", position, working, available, infinite)
		case free && ms != 0:
			t.Fatalf("position %d, available %d: %d ms", position, available, ms)
		case ms > maxWaitUs/1000:
			t.Fatalf("position %d, working %d: %d ms", position, working, ms)
		case ms < before:
			t.Fatalf("position %d, working %d, rank %d: %d ms, a better one %d: %+v", position, working, rank, ms, before, s)
		}
		before = ms
	}
}
