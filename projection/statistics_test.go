package projection

import (
	"fmt"
	"slices"
	"testing"
	"time"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// noon is when the tests begin: a Monday at noon, UTC.
var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC).UnixMilli()

// story feeds a fold with events of interactions; s is seconds since noon.
type story struct{ *Statistics }

func newStory() story {
	s := story{NewStatistics(noon)}
	s.Configure(&usherv1.Configuration{Queues: []*usherv1.Queue{
		{Name: "sales"}, {Name: "billing", ServiceLevelWithinMs: 60_000, ServiceLevelTargetPercent: 90},
	}})
	return s
}

func (s story) apply(at float64, id, queue string, ev *usherv1.Event) {
	ev.TimeMs, ev.InteractionId, ev.Queue, ev.Protocol = noon+int64(at*1000), id, queue, usherv1.Protocol_PROTOCOL_RPT
	s.Apply(ev)
}

func (s story) placed(at float64, id, queue string) {
	s.apply(at, id, queue, &usherv1.Event{Message: &usherv1.Event_EventPlacedInQueue{EventPlacedInQueue: &usherv1.EventPlacedInQueue{Queue: queue}}})
}

func (s story) taken(at float64, id, queue string) {
	s.apply(at, id, queue, &usherv1.Event{Message: &usherv1.Event_EventTakenFromQueue{EventTakenFromQueue: &usherv1.EventTakenFromQueue{Queue: queue}}})
}

func (s story) invited(at float64, id, agent string) {
	s.apply(at, id, "sales", &usherv1.Event{Message: &usherv1.Event_EventAgentInvited{EventAgentInvited: &usherv1.EventAgentInvited{
		AgentId: agent, Operation: usherv1.Operation_OPERATION_ROUTE,
	}}})
}

func (s story) revoked(at float64, id string, ticket uint64) {
	s.apply(at, id, "sales", &usherv1.Event{Message: &usherv1.Event_EventRevoked{EventRevoked: &usherv1.EventRevoked{Ticket: ticket}}})
}

func (s story) rejected(at float64, id string) {
	s.apply(at, id, "sales", &usherv1.Event{Message: &usherv1.Event_EventRejected{EventRejected: &usherv1.EventRejected{Ticket: 1}}})
}

// party names an agent, or a strategy by its +.
func party(name string) *usherv1.Participant {
	if name[0] == '+' {
		return &usherv1.Participant{Kind: usherv1.ParticipantKind_PARTICIPANT_KIND_STRATEGY, Id: name[1:]}
	}
	return &usherv1.Participant{Kind: usherv1.ParticipantKind_PARTICIPANT_KIND_AGENT, Id: name}
}

func (s story) added(at float64, id, queue, who string) {
	op := usherv1.Operation_OPERATION_PULL
	if who[0] == '+' {
		op = usherv1.Operation_OPERATION_ROUTE
	}
	s.apply(at, id, queue, &usherv1.Event{Message: &usherv1.Event_EventPartyAdded{EventPartyAdded: &usherv1.EventPartyAdded{Party: party(who), Operation: op}}})
}

func (s story) removed(at float64, id, queue, who string) {
	s.apply(at, id, queue, &usherv1.Event{Message: &usherv1.Event_EventPartyRemoved{EventPartyRemoved: &usherv1.EventPartyRemoved{Party: party(who)}}})
}

func (s story) stopped(at float64, id string) {
	s.apply(at, id, "", &usherv1.Event{Message: &usherv1.Event_EventProcessingStopped{EventProcessingStopped: &usherv1.EventProcessingStopped{}}})
}

func (s story) want(t *testing.T, what, queue string, at float64, want Figures) {
	t.Helper()
	if got := s.Today(queue, noon+int64(at*1000)); got != want {
		t.Errorf("%s: %+v\nwant %+v", what, got, want)
	}
}

// TestFigures tells one life after the other.
func TestFigures(t *testing.T) {
	s := newStory()
	s.placed(0, "a", "sales")
	s.taken(0, "a", "sales")
	s.added(0, "a", "sales", "+longest-idle")
	s.invited(1, "a", "ana")
	s.added(20, "a", "sales", "ana") // at the limit, which is still within it
	s.removed(20, "a", "sales", "+longest-idle")
	s.removed(140, "a", "sales", "ana")
	s.stopped(140, "a")
	want := Figures{Entered: 1, Answered: 1, AnsweredWithin: 1, AnsweredWaitMs: 20_000, Handled: 1, HandledMs: 120_000}
	s.want(t, "answered in time", "sales", 200, want)

	s.placed(200, "b", "sales")
	s.taken(221, "b", "sales")
	s.added(221, "b", "sales", "ana")
	want.Entered, want.Answered, want.AnsweredWaitMs = 2, 2, 41_000
	s.want(t, "answered too late, and still there", "sales", 230, want)

	s.added(240, "b", "sales", "bob") // transfer
	s.removed(240, "b", "sales", "ana")
	s.removed(250, "b", "sales", "bob")
	s.placed(250, "b", "sales") // bob puts it back
	want.Handled, want.HandledMs, want.Entered = 2, 149_000, 3
	s.want(t, "from hand to hand, and back", "sales", 260, want)

	s.taken(270, "b", "sales")
	s.added(270, "b", "sales", "+vector")
	s.removed(280, "b", "sales", "+vector")
	s.placed(280, "b", "sales") // the router gave it back
	s.taken(300, "b", "sales")
	s.stopped(300, "b")
	want.Abandoned = 1
	s.want(t, "given up while a router had it and gave it back", "sales", 310, want)

	s.placed(400, "c", "sales")
	s.taken(410, "c", "sales")
	s.placed(410, "c", "billing")
	s.taken(460, "c", "billing")
	s.added(460, "c", "billing", "ana")
	want.Entered++
	s.want(t, "sent on unanswered", "sales", 470, want)
	s.want(t, "answered where it was sent to, by its level", "billing", 470, Figures{Entered: 1, Answered: 1, AnsweredWithin: 1, AnsweredWaitMs: 50_000})
	s.removed(480, "c", "billing", "ana")
	s.placed(480, "c", "__workbin__")
	s.taken(900, "c", "__workbin__")
	s.added(900, "c", "__workbin__", "ana")
	s.stopped(901, "c")
	s.want(t, "a workbin is no queue", "billing", 910, Figures{
		Entered: 1, Answered: 1, AnsweredWithin: 1, AnsweredWaitMs: 50_000, Handled: 1, HandledMs: 20_000,
	})
	if len(s.live) != 0 {
		t.Errorf("%d are left", len(s.live))
	}
}

// TestWaitedBeforeTheBeginning: what the fold has not seen enter waits since its
// beginning, and does not count as entered.
func TestWaitedBeforeTheBeginning(t *testing.T) {
	for what, leave := range map[string]func(s story){
		"pulled": func(s story) { s.taken(5, "old", "sales"); s.added(5, "old", "sales", "ana") },
		"routed": func(s story) { s.added(5, "old", "sales", "+x"); s.added(5, "old", "sales", "ana") },
		"invited": func(s story) {
			s.invited(4, "old", "ana")
			s.added(5, "old", "sales", "ana")
		},
		"taken back from a router": func(s story) { s.removed(1, "old", "sales", "+x"); s.added(5, "old", "sales", "ana") },
	} {
		s := newStory()
		leave(s)
		s.want(t, what, "sales", 6, Figures{Answered: 1, AnsweredWithin: 1, AnsweredWaitMs: 5_000})
	}
	s := newStory()
	s.removed(5, "old", "sales", "ana")
	s.stopped(5, "old")
	s.taken(6, "mail", "__workbin__")
	s.want(t, "handled before, and in a workbin before", "sales", 6, Figures{})
}

// TestServiceLevelOfThatTime: an answer is judged by the configuration of its
// time.
func TestServiceLevelOfThatTime(t *testing.T) {
	s := newStory()
	answer := func(at float64, id string) {
		s.placed(at, id, "sales")
		s.added(at+30, id, "sales", "ana")
	}
	answer(0, "a")
	s.Configure(&usherv1.Configuration{Queues: []*usherv1.Queue{{Name: "sales", ServiceLevelWithinMs: 30_000}}})
	answer(60, "b")
	s.want(t, "one before and one after", "sales", 100, Figures{Entered: 2, Answered: 2, AnsweredWithin: 1, AnsweredWaitMs: 60_000})
	if within, percent := s.Level("sales"); within != 30_000 || percent != 80 {
		t.Error(within, percent)
	}
	if within, percent := s.Level("billing"); within != 60_000 || percent != 90 {
		t.Error(within, percent)
	}
}

func TestHistory(t *testing.T) {
	s := newStory()
	s.placed(30, "a", "sales")
	s.placed(70, "b", "sales")
	s.placed(80, "c", "billing")
	s.invited(100, "a", "ana") // is being delivered at the end of the second minute
	s.rejected(125, "a")
	s.added(130, "a", "sales", "+x") // nothing new
	s.invited(170, "b", "ana")
	s.revoked(175, "b", 7)
	s.revoked(176, "b", 0) // was taken from a party: no invitation
	s.added(190, "a", "sales", "ana")
	s.stopped(200, "b")
	s.Advance(noon + 240_000)
	got := s.History("sales", noon, 60_000, noon+250_000)
	want := &usherv1.EventHistory{
		AtMs:    []int64{noon, noon + 60_000, noon + 120_000, noon + 180_000, noon + 240_000},
		Waiting: []int32{1, 1, 2, 0, 0}, LongestWaitMs: []int64{30_000, 50_000, 150_000, 0, 0},
		Entered: []int32{1, 1, 0, 0, 0}, Answered: []int32{0, 0, 0, 1, 0}, AnsweredWithin: []int32{0, 0, 0, 0, 0}, Abandoned: []int32{0, 0, 0, 1, 0},
	}
	if got.String() != want.String() {
		t.Errorf("%v\nwant %v", got, want)
	}
	got = s.History("", noon, 120_000, noon+250_000)
	want = &usherv1.EventHistory{
		AtMs:    []int64{noon, noon + 120_000, noon + 240_000},
		Waiting: []int32{2, 1, 1}, LongestWaitMs: []int64{50_000, 160_000, 170_000},
		Entered: []int32{3, 0, 0}, Answered: []int32{0, 1, 0}, AnsweredWithin: []int32{0, 0, 0}, Abandoned: []int32{0, 1, 0},
	}
	if got.String() != want.String() {
		t.Errorf("%v\nwant %v", got, want)
	}
	if got := s.History("sales", noon+90_000, 60_000, noon+130_000); got.AtMs[0] != noon+60_000 || len(got.AtMs) != 2 || got.Entered[0] != 1 {
		t.Errorf("from the middle of a minute: %v", got)
	}
}

// TestLateEvent: what is heard after its minute is over counts in its minute.
func TestLateEvent(t *testing.T) {
	s := newStory()
	s.placed(10, "a", "sales")
	s.Advance(noon + 300_000)
	s.added(50, "a", "sales", "ana")
	if got := s.History("sales", noon, 60_000, noon+300_000); got.Answered[0] != 1 {
		t.Error(got)
	}
}

// TestMidnight: a day has as many hours as it has in the tenant's time zone.
func TestMidnight(t *testing.T) {
	for _, c := range []struct {
		zone, before, after string // the last second of a day, and the first of the next
	}{
		{"", "2026-11-23T23:59:59Z", "2026-11-24T00:00:00Z"},
		{"Europe/Berlin", "2026-11-23T22:59:59Z", "2026-11-23T23:00:00Z"},
		{"Asia/Kolkata", "2026-11-23T18:29:59Z", "2026-11-23T18:30:00Z"},
		{"Europe/Berlin", "2026-10-25T22:59:59Z", "2026-10-25T23:00:00Z"}, // 25 hours
		{"Europe/Berlin", "2026-03-29T21:59:59Z", "2026-03-29T22:00:00Z"}, // 23 hours
		{"Asia/Beirut", "2026-03-28T21:59:59Z", "2026-03-28T22:00:00Z"},   // the clocks skip 0 o'clock
	} {
		at := func(text string) int64 {
			at, err := time.Parse(time.RFC3339, text)
			if err != nil {
				t.Fatal(err)
			}
			return at.UnixMilli()
		}
		before, after := at(c.before), at(c.after)
		s := story{NewStatistics(before - dayMs)}
		s.Configure(&usherv1.Configuration{Options: &usherv1.Options{TimeZone: c.zone}})
		s.placed(float64(before-noon)/1000-3600, "a", "sales")
		s.placed(float64(before-noon)/1000, "b", "sales")
		if got := s.Today("sales", before).Entered; got != 2 {
			t.Errorf("%s %s: %d before midnight", c.zone, c.before, got)
		}
		if got := s.Today("sales", after).Entered; got != 0 {
			t.Errorf("%s %s: %d after midnight", c.zone, c.after, got)
		}
		s.placed(float64(after-noon)/1000, "c", "sales")
		s.placed(float64(before-noon)/1000, "heard of late", "sales")
		if got := s.Today("sales", after+1).Entered; got != 1 {
			t.Errorf("%s %s: %d of the new day", c.zone, c.after, got)
		}
	}
}

// TestZoneOfTheTenant: another time zone has another midnight, and today is
// counted anew.
func TestZoneOfTheTenant(t *testing.T) {
	s := newStory()
	s.placed(-11*3600, "a", "sales")
	s.placed(-14*3600, "b", "sales")
	s.want(t, "since midnight UTC", "sales", 0, Figures{Entered: 1})
	s.Configure(&usherv1.Configuration{Options: &usherv1.Options{TimeZone: "Europe/Berlin"}})
	s.placed(-3*3600, "c", "sales")
	s.want(t, "since midnight in Berlin", "sales", 0, Figures{Entered: 2})
	s.Configure(&usherv1.Configuration{Queues: []*usherv1.Queue{{Name: "other"}}})
	s.want(t, "options that did not change", "sales", 0, Figures{Entered: 2})
}

// TestKeptMinutes: a fold that runs for days keeps no more than it shows.
func TestKeptMinutes(t *testing.T) {
	s := newStory()
	s.placed(0, "for ever", "sales")
	for n := range 5_000 {
		id, at := fmt.Sprint(n), float64(n*60)
		s.placed(at, id, "sales")
		s.added(at+1, id, "sales", "ana")
		s.removed(at+2, id, "sales", "ana")
		s.stopped(at+3, id)
	}
	q := s.queues["sales"]
	if len(q.minutes) > keptMinutes+1 || len(q.line) > 70 || len(s.live) != 1 || q.oldestMs() != noon {
		t.Errorf("%d minutes, %d in line, %d live", len(q.minutes), len(q.line), len(s.live))
	}
	now := noon + 5_000*minuteMs
	h := s.History("sales", now-dayMs, minuteMs, now)
	if len(h.AtMs) != 24*60+1 || slices.Contains(h.Waiting, 0) || h.Entered[0] != 1 || h.Entered[24*60-1] != 1 {
		t.Errorf("%d steps: %v", len(h.AtMs), h.Entered)
	}
}
