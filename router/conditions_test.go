package router

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
	"github.com/usher-cc/usher/estimate"
)

// crossing is where an interaction in queue "crossing" goes to "yes" or "no",
// after some steps, by a condition. Ann has skill red and bob blue.
func crossing(t *testing.T, steps, condition string) *floor {
	t.Helper()
	c := &usherv1.Configuration{
		Skills: []*usherv1.Skill{{Name: "red"}, {Name: "blue"}},
		Agents: []*usherv1.Agent{
			{AgentId: "ann", Skills: []*usherv1.AgentSkill{{Skill: "red"}}},
			{AgentId: "bob", Skills: []*usherv1.AgentSkill{{Skill: "blue"}}},
		},
		Targets:       []*usherv1.Target{{Name: "reddish", Expression: "skill.red == 1"}},
		Queues:        []*usherv1.Queue{{Name: "yes"}, {Name: "no"}},
		Vdns:          []*usherv1.Vdn{{Name: "1", Queue: "red"}, {Name: "2", Queue: "red"}, {Name: "3", Queue: "crossing"}},
		HolidayTables: []*usherv1.HolidayTable{{Name: "feasts", Holidays: []*usherv1.Holiday{{From: "12-25", To: "12-26"}}}},
		Timetables:    []*usherv1.Timetable{{Name: "open", Hours: []*usherv1.ServiceHours{{Day: "mon", From: "08:00", To: "17:30"}}}},
	}
	vectored(c, "red", "queue-to skill red pri m")
	vectored(c, "reddish", "queue-to target reddish pri m")
	vectored(c, "blue", "queue-to skill blue pri m")
	all := []string{}
	if steps != "" {
		all = strings.Split(steps, "; ")
	}
	all = append(all, fmt.Sprintf("goto step %d if %s", len(all)+3, condition),
		"route-to queue no if unconditionally", "route-to queue yes if unconditionally")
	vectored(c, "crossing", strings.Join(all, "\n"))
	return lookout(t, c)
}

// goes tells where an interaction goes that comes now; its vector may wait for
// a while before it asks.
func (f *floor) goes(request *usherv1.RequestSubmit, after engine.Millis) string {
	f.t.Helper()
	request.InteractionId, request.MediaType = "mine", "chat"
	f.must(chat, request)
	f.pass(after)
	return f.e.Interaction("mine").Values().GetQueue()
}

func toCrossing() *usherv1.RequestSubmit { return &usherv1.RequestSubmit{Queue: "crossing"} }
func throughVdn(vdn string) *usherv1.RequestSubmit {
	return &usherv1.RequestSubmit{Vdn: vdn}
}

// TestScheduleConditions: 2026-11-16 is a Monday.
func TestScheduleConditions(t *testing.T) {
	const days, night = "time-of-day is mon 09:00 to fri 17:00", "time-of-day is all 22:00 to all 06:00"
	for _, test := range []struct{ condition, when, want string }{
		{days, "2026-11-16 08:59:59.999", "no"}, {days, "2026-11-16 09:00:00", "yes"},
		{days, "2026-11-20 16:59:59.999", "yes"}, {days, "2026-11-20 17:00:00", "no"},
		{night, "2026-11-18 21:59:59.999", "no"}, {night, "2026-11-18 22:00:00", "yes"},
		{night, "2026-11-19 05:59:59.999", "yes"}, {night, "2026-11-19 06:00:00", "no"},
		{"service-hours in table open", "2026-11-16 07:59:59.999", "no"}, {"service-hours in table open", "2026-11-16 08:00:00", "yes"},
		{"service-hours in table open", "2026-11-16 17:29:59.999", "yes"}, {"service-hours in table open", "2026-11-16 17:30:00", "no"},
		{"service-hours not-in table open", "2026-11-16 17:29:59.999", "no"}, {"service-hours not-in table open", "2026-11-16 17:30:00", "yes"},
		{"holiday in table feasts", "2026-12-24 23:59:59.999", "no"}, {"holiday in table feasts", "2026-12-25 00:00:00", "yes"},
		{"holiday in table feasts", "2026-12-26 23:59:59.999", "yes"}, {"holiday in table feasts", "2026-12-27 00:00:00", "no"},
		{"holiday not-in table feasts", "2026-12-26 23:59:59.999", "no"}, {"holiday not-in table feasts", "2026-12-27 00:00:00", "yes"},
	} {
		f := crossing(t, "", test.condition)
		f.now = at(t, test.when)
		if got := f.goes(toCrossing(), 0); got != test.want {
			t.Errorf("%s, at %s: it went to %q, want %q", test.condition, test.when, got, test.want)
		}
	}
}

// TestCountedCalls: those who came before are held, so that they stay where
// they came to.
func TestCountedCalls(t *testing.T) {
	const named, active = "counted-calls to vdn 1 >= 3", "counted-calls to vdn active >= 3"
	for _, test := range []struct {
		condition string
		before    []string // the VDNs through which others came
		stopped   bool     // the first has gone
		request   *usherv1.RequestSubmit
		want      string
	}{
		{named, []string{"1", "1", "2", "3"}, false, toCrossing(), "no"},
		{named, []string{"1", "1", "2", "1"}, false, toCrossing(), "yes"},
		{named, []string{"1", "1", "2", "1"}, true, toCrossing(), "no"},
		{active, []string{"1", "1", "1", "3"}, false, throughVdn("3"), "no"},
		{active, []string{"3", "1", "3"}, false, throughVdn("3"), "yes"}, // it counts itself
		{active, []string{"3", "1", "3"}, true, throughVdn("3"), "no"},
		{active, []string{"3", "3", "3"}, false, toCrossing(), "no"}, // it came through none
	} {
		f := crossing(t, "wait-time 5 secs hearing music", test.condition)
		for k, vdn := range test.before {
			f.must(chat, &usherv1.RequestSubmit{InteractionId: fmt.Sprint(k), Vdn: vdn, MediaType: "chat"})
			f.must(chat, &usherv1.RequestHold{InteractionId: fmt.Sprint(k)})
		}
		if test.stopped {
			f.must(chat, &usherv1.RequestStopProcessing{InteractionId: "0"})
		}
		if got := f.goes(test.request, 5_000); got != test.want {
			t.Errorf("%s, after %q, stopped %t: it went to %q, want %q", test.condition, test.before, test.stopped, got, test.want)
		}
	}
}

// answered lets interactions wait for ann, one after the other.
func (f *floor) answered(queue, vdn string, waits []engine.Millis) {
	f.t.Helper()
	ann := agentNamed("ann")
	for k, wait := range waits {
		f.must(chat, &usherv1.RequestSubmit{InteractionId: fmt.Sprint(k), Queue: queue, Vdn: vdn, MediaType: "chat"})
		f.pass(wait)
		if k == 0 {
			f.login("ann", autoIn, "chat")
		} else {
			f.must(ann, &usherv1.RequestStopProcessing{InteractionId: fmt.Sprint(k - 1)})
		}
		f.must(ann, &usherv1.RequestAccept{Ticket: f.take().ticket})
	}
}

// TestRollingASA: the last answer counts 1 in the average, each before it a
// 128th less than the one after it.
func TestRollingASA(t *testing.T) {
	for _, test := range []struct {
		comparison string
		waits      []engine.Millis
		want       string
	}{
		{"> 0", nil, "no"},
		{">= 15", []engine.Millis{14_999}, "no"},
		{">= 15", []engine.Millis{15_000}, "yes"},
		{"> 15", []engine.Millis{15_000}, "no"},
		{"> 15", []engine.Millis{10_000, 20_000}, "yes"},    // 15.020 s
		{">= 15", []engine.Millis{20_000, 10_000}, "no"},    // 14.980 s
		{"> 20", []engine.Millis{10_000, 51_000, 0}, "yes"}, // 20.307 s
	} {
		by := estimate.Service{}
		for _, wait := range test.waits {
			by.Answered(0, int64(wait), 0, 0, 0, 0, false)
		}
		for _, of := range []struct{ subject, queue, vdn, others string }{
			{"skill red", "red", "", "skill blue"}, {"target reddish", "reddish", "", "skill red"}, {"vdn 1", "", "1", "vdn 2"},
		} {
			f := crossing(t, "", "rolling-asa for "+of.subject+" "+test.comparison)
			f.answered(of.queue, of.vdn, test.waits)
			if got := f.goes(toCrossing(), 0); got != test.want {
				t.Errorf("rolling-asa for %s %s, after %d ms: it went to %q, want %q; the average is %d ms",
					of.subject, test.comparison, test.waits, got, test.want, by.AverageAnswerMs())
			}
			f = crossing(t, "", "rolling-asa for "+of.others+" > 0")
			f.answered(of.queue, of.vdn, test.waits)
			if got := f.goes(toCrossing(), 0); got != "no" {
				t.Errorf("answers of %s count for %s", of.subject, of.others)
			}
		}
	}
}

// TestWaitConditions: nothing has ended yet, so that a service that was told
// nothing foresees the same. Ann and bob are busy, and two wait for red.
func TestWaitConditions(t *testing.T) {
	wait := func(position int, rank int32) int64 {
		ms, _ := (&estimate.Service{}).ExpectedMs(position, 1, 1, 0, rank)
		return ms
	}
	const queue = "queue-to skill red pri m"
	for _, test := range []struct {
		steps, subject string
		after          engine.Millis
		ms             int64
	}{
		{"", "expected-wait for skill red pri l", 0, wait(3, -1)},
		{"", "expected-wait for skill red pri h", 0, wait(1, 1)},
		{"", "expected-wait for skill blue pri m", 0, wait(1, 0)},
		{queue, "expected-wait for call", 0, wait(3, 0)},
		{queue + "; wait-time 5 secs hearing music", "expected-wait for call", 5_000, wait(3, 0)},
		{"queue-to skill red pri h; wait-time 5 secs hearing music", "expected-wait for call", 5_000, wait(1, 1)},
		{queue + "; queue-to skill blue pri m", "expected-wait for call", 0, wait(1, 0)},
		{queue, "wait-improved for skill blue pri m", 0, wait(3, 0) - wait(1, 0)},
		{queue + "; wait-time 5 secs hearing music", "wait-improved for skill blue pri m", 5_000, wait(3, 0) - wait(1, 0)},
	} {
		for more, want := range map[int64]string{0: "yes", 1: "no"} {
			condition := fmt.Sprintf("%s > %d", test.subject, (test.ms-1)/1000+more)
			f := crossing(t, test.steps, condition)
			f.login("ann", autoIn, "chat")
			f.login("bob", autoIn, "chat")
			f.accepted("of-ann", "red", "chat")
			f.accepted("of-bob", "blue", "chat")
			f.submit("first", "red", "chat")
			f.submit("second", "red", "chat")
			if got := f.goes(toCrossing(), test.after); got != want {
				t.Errorf("%s; %s: it went to %q, want %q; it is %d ms", test.steps, condition, got, want, test.ms)
			}
		}
	}
}

// TestInterruptLongestInAux: of three who rest, the one comes back first who
// has rested longest.
func TestInterruptLongestInAux(t *testing.T) {
	for _, order := range [][]string{{"bob", "cid", "ann"}, {"cid", "ann", "bob"}, {"ann", "bob", "cid"}, {"cid", "bob", "ann"}} {
		c := &usherv1.Configuration{
			Options: &usherv1.Options{InterruptibleAuxCodes: []int32{3}},
			Skills:  []*usherv1.Skill{{Name: "red", InterruptAuxQueued: 2}},
		}
		for _, agent := range []string{"ann", "bob", "cid", "dan"} {
			c.Agents = append(c.Agents, &usherv1.Agent{AgentId: agent, Skills: []*usherv1.AgentSkill{{Skill: "red"}}})
		}
		vectored(c, "red", "queue-to skill red pri m")
		f := lookout(t, c)
		for _, agent := range []string{"dan", "ann", "bob", "cid"} {
			f.login(agent, aux, "chat") // dan rests longest, and not so that he may be interrupted
		}
		f.pass(1_000)
		for _, agent := range order {
			f.works(agent, autoIn, 0)
			f.works(agent, aux, 3)
			f.pass(1_000)
		}
		for n := range 5 {
			f.submit(fmt.Sprint(n), "red", "chat")
			var back []string
			for _, inv := range f.open {
				back = append(back, inv.agent)
			}
			if want := order[:min(n, len(order))]; !slices.Equal(back, want) {
				t.Errorf("%q rest, %d came: %q are back", order, n+1, back)
			}
		}
	}
}
