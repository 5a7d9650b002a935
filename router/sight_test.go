package router

import (
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/structpb"

	"github.com/usher-cc/usher/vector"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
)

// sees is what the vector of an interaction sees at a time.
func (f *floor) sees(id string, at engine.Millis) *sight {
	f.t.Helper()
	i := f.e.Interaction(engine.InteractionID(id))
	if i == nil {
		f.t.Fatalf("there is no interaction %q", id)
	}
	return &sight{f.router, i, at}
}

// lookout is where one interaction "wanted" looks around.
func lookout(t *testing.T, config *usherv1.Configuration) *floor {
	t.Helper()
	config.MediaTypes = []*usherv1.MediaType{{Name: "chat"}}
	vectored(config, "music", "wait-time 50 secs hearing music")
	f := newOffice(t, config)
	f.submit("wanted", "music", "chat")
	return f
}

func TestTables(t *testing.T) {
	for _, test := range []struct {
		entry, text string
		want        bool
	}{
		{"4711", "4711", true}, {"4711", "471", false}, {"4711", "47110", false}, {"4711", "", false},
		{"47?1", "4711", true}, {"47?1", "47x1", true}, {"47?1", "47ü1", true}, {"47?1", "471", false}, {"????", "123", false},
		{"47+", "47", true}, {"47+", "4711", true}, {"47+", "4", false}, {"47+", "5711", false},
		{"+49+", "+49", true}, {"+49+", "+4989123", true}, {"+49+", "4989123", false}, {"+4989", "+4989", true}, {"+4989", "4989", false},
		{"+", "+", true}, {"+", "", false}, {"+", "1", false}, {"++", "+", true}, {"++", "+1", true}, {"++", "1", false},
		{"?+", "", false}, {"?+", "1", true}, {"?+", "12", true}, {"0?0+", "0x0yz", true}, {"0?0+", "0x1yz", false},
	} {
		f := lookout(t, &usherv1.Configuration{Tables: []*usherv1.Table{{Name: "numbers", Entries: []string{"no such", test.entry}}, {Name: "empty"}}})
		w := f.sees("wanted", f.now)
		if got := w.InTable("numbers", test.text); got != test.want {
			t.Errorf("%q in a table with %q: %t", test.text, test.entry, got)
		}
		if w.InTable("empty", test.text) || w.InTable("unheard-of", test.text) {
			t.Errorf("%q is in a table that has no entries", test.text)
		}
	}
}

// at is a time in UTC.
func at(t *testing.T, text string) engine.Millis {
	t.Helper()
	when, err := time.Parse("2006-01-02 15:04:05.999", text)
	if err != nil {
		t.Fatal(err)
	}
	return engine.Millis(when.UnixMilli())
}

func TestHolidays(t *testing.T) {
	for _, test := range []struct {
		from, to string
		want     map[string]bool
	}{
		{"12-25", "", map[string]bool{
			"2026-12-24 23:59:59.999": false, "2026-12-25 00:00:00": true, "2031-12-25 23:59:59.999": true, "2026-12-26 00:00:00": false,
		}},
		{"12-25", "12-26", map[string]bool{"2026-12-24 12:00:00": false, "2026-12-25 12:00:00": true, "2027-12-26 12:00:00": true, "2026-12-27 12:00:00": false}},
		{"09-30", "10-02", map[string]bool{"2026-09-29 12:00:00": false, "2026-09-30 12:00:00": true, "2026-10-02 12:00:00": true, "2026-10-03 12:00:00": false}},
		{"12-30", "01-02", map[string]bool{
			"2026-12-29 23:59:59": false, "2026-12-30 00:00:00": true, "2026-12-31 23:59:59": true, "2027-01-01 00:00:00": true,
			"2027-01-02 23:59:59": true, "2027-01-03 00:00:00": false, "2026-07-01 12:00:00": false,
		}},
		{"02-29", "", map[string]bool{"2028-02-29 12:00:00": true, "2026-02-28 12:00:00": false, "2026-03-01 12:00:00": false}},
		{"2026-05-14", "", map[string]bool{"2026-05-14 12:00:00": true, "2027-05-14 12:00:00": false, "2026-05-15 00:00:00": false}},
		{"2026-12-30", "2027-01-02", map[string]bool{
			"2026-12-29 23:59:59": false, "2026-12-30 00:00:00": true, "2027-01-02 23:59:59": true, "2027-01-03 00:00:00": false,
			"2027-12-31 12:00:00": false, "2026-01-01 12:00:00": false,
		}},
	} {
		f := lookout(t, &usherv1.Configuration{HolidayTables: []*usherv1.HolidayTable{{Name: "feasts", Holidays: []*usherv1.Holiday{
			{From: "2001-01-01"}, {From: test.from, To: test.to},
		}}}})
		for when, want := range test.want {
			if got := f.sees("wanted", at(t, when)).Holiday("feasts"); got != want {
				t.Errorf("%s to %q: %s is a holiday: %t", test.from, test.to, when, got)
			}
			if f.sees("wanted", at(t, when)).Holiday("unheard-of") {
				t.Errorf("%s is a holiday of no table", when)
			}
		}
	}
}

// 2026-11-16 is a Monday.
func TestServiceHours(t *testing.T) {
	for _, test := range []struct {
		day, from, to string
		want          map[string]bool
	}{
		{"mon", "08:00", "17:30", map[string]bool{
			"2026-11-16 07:59:59.999": false, "2026-11-16 08:00:00": true, "2026-11-16 17:29:59.999": true, "2026-11-16 17:30:00": false,
			"2026-11-17 12:00:00": false, "2026-11-15 12:00:00": false,
		}},
		{"sun", "00:00", "24:00", map[string]bool{
			"2026-11-14 23:59:59.999": false, "2026-11-15 00:00:00": true, "2026-11-15 23:59:59.999": true, "2026-11-16 00:00:00": false,
		}},
		{"all", "09:00", "10:00", map[string]bool{
			"2026-11-16 09:00:00": true, "2026-11-17 09:00:00": true, "2026-11-18 09:00:00": true, "2026-11-19 09:00:00": true,
			"2026-11-20 09:00:00": true, "2026-11-21 09:00:00": true, "2026-11-22 09:00:00": true, "2026-11-22 10:00:00": false,
		}},
		{"tue", "09:00", "10:00", map[string]bool{"2026-11-17 09:30:00": true, "2026-11-18 09:30:00": false}},
		{"wed", "09:00", "10:00", map[string]bool{"2026-11-18 09:30:00": true, "2026-11-19 09:30:00": false}},
		{"thu", "09:00", "10:00", map[string]bool{"2026-11-19 09:30:00": true, "2026-11-20 09:30:00": false}},
		{"fri", "09:00", "10:00", map[string]bool{"2026-11-20 09:30:00": true, "2026-11-21 09:30:00": false}},
		{"sat", "09:00", "10:00", map[string]bool{"2026-11-21 09:30:00": true, "2026-11-22 09:30:00": false}},
	} {
		f := lookout(t, &usherv1.Configuration{Timetables: []*usherv1.Timetable{{Name: "open", Hours: []*usherv1.ServiceHours{
			{Day: "mon", From: "06:00", To: "06:01"}, {Day: test.day, From: test.from, To: test.to},
		}}}})
		for when, want := range test.want {
			w := f.sees("wanted", at(t, when))
			if got := w.ServiceHours("open"); got != want || w.ServiceHours("unheard-of") {
				t.Errorf("%s %s to %s: %s is in service hours: %t", test.day, test.from, test.to, when, got)
			}
		}
	}
}

// TestTimeZone: a tenant's days, hours and minutes of the week are those of
// its clocks, in winter an hour after UTC, in summer two.
func TestTimeZone(t *testing.T) {
	f := lookout(t, &usherv1.Configuration{
		Options:       &usherv1.Options{TimeZone: "Europe/Berlin"},
		HolidayTables: []*usherv1.HolidayTable{{Name: "feasts", Holidays: []*usherv1.Holiday{{From: "12-25"}, {From: "2026-07-02"}}}},
		Timetables:    []*usherv1.Timetable{{Name: "open", Hours: []*usherv1.ServiceHours{{Day: "all", From: "08:00", To: "17:00"}}}},
	})
	for _, test := range []struct {
		when         string
		minute       int
		feasts, open bool
	}{
		{"2026-12-24 22:59:59", 3*minutesOfDay + 23*60 + 59, false, false},
		{"2026-12-24 23:00:00", 4 * minutesOfDay, true, false},
		{"2026-12-25 06:59:59", 4*minutesOfDay + 7*60 + 59, true, false},
		{"2026-12-25 07:00:00", 4*minutesOfDay + 8*60, true, true},
		{"2026-12-25 16:00:00", 4*minutesOfDay + 17*60, true, false},
		{"2026-12-25 23:00:00", 5 * minutesOfDay, false, false},
		{"2026-07-01 22:00:00", 3 * minutesOfDay, true, false},
		{"2026-07-02 06:00:00", 3*minutesOfDay + 8*60, true, true},
		{"2026-07-02 15:00:00", 3*minutesOfDay + 17*60, true, false},
		{"2026-07-05 22:00:00", 0, false, false}, // a Sunday in UTC
		{"2026-10-25 00:30:00", 6*minutesOfDay + 2*60 + 30, false, false},
		{"2026-10-25 01:30:00", 6*minutesOfDay + 2*60 + 30, false, false}, // the same hour again
	} {
		w := f.sees("wanted", at(t, test.when))
		if minute, feasts, open := w.WeekMinute(), w.Holiday("feasts"), w.ServiceHours("open"); minute != test.minute || feasts != test.feasts || open != test.open {
			t.Errorf("%s: minute %d, holiday %t, open %t; want %d, %t, %t", test.when, minute, feasts, open, test.minute, test.feasts, test.open)
		}
	}
}

func TestAni(t *testing.T) {
	f := lookout(t, &usherv1.Configuration{})
	for want, data := range map[string]map[string]any{"+4989123": {"ani": "+4989123"}, "": {"name": "Ann"}} {
		user, err := structpb.NewStruct(data)
		if err != nil {
			t.Fatal(err)
		}
		id := "of" + want[min(1, len(want)):]
		f.must(chat, &usherv1.RequestSubmit{InteractionId: id, Queue: "music", MediaType: "chat", UserData: user})
		if got := f.sees(id, f.now).Ani(); got != want {
			t.Errorf("%v: ani %q", data, got)
		}
	}
	if got := f.sees("wanted", f.now).Ani(); got != "" {
		t.Errorf("without user data: ani %q", got)
	}
}

// colours is where ann has skill red, of which two may wait.
func colours(t *testing.T) *floor {
	c := &usherv1.Configuration{
		Skills:  []*usherv1.Skill{{Name: "red", MaxQueued: 2}, {Name: "blue"}},
		Targets: []*usherv1.Target{{Name: "reddish", Expression: "skill.red == 1"}},
		Agents:  []*usherv1.Agent{{AgentId: "ann", Skills: []*usherv1.AgentSkill{{Skill: "red"}}}},
		Queues:  []*usherv1.Queue{{Name: "slow"}, {Name: "quick"}, {Name: "endless"}},
	}
	vectored(c, "red", "queue-to skill red pri m")
	vectored(c, "blue", "queue-to skill blue pri m")
	vectored(c, "reddish", "queue-to target reddish pri m")
	vectored(c, "impatient", "queue-to skill red pri l\n02  route-to queue endless if expected-wait for call > 9999"+
		"\n03  route-to queue slow if expected-wait for call > 200\n04  route-to queue quick if expected-wait for call > 50")
	return lookout(t, c)
}

func TestLastAgent(t *testing.T) {
	f := colours(t)
	f.login("ann", autoIn, "chat")
	f.submit("mine", "red", "chat")
	if got := f.sees("mine", f.now).LastAgent(); got != "" {
		t.Errorf("invited: last agent %q", got)
	}
	f.must(agentNamed("ann"), &usherv1.RequestAccept{Ticket: f.take().ticket})
	f.must(agentNamed("ann"), &usherv1.RequestPlaceInQueue{InteractionId: "mine", Queue: "music"})
	if got := f.sees("mine", f.now).LastAgent(); got != "ann" {
		t.Errorf("given back: last agent %q", got)
	}
}

func TestFull(t *testing.T) {
	f := colours(t)
	red, blue, reddish := vector.Place{Skill: "red"}, vector.Place{Skill: "blue"}, vector.Place{Target: "reddish"}
	for n, want := range []bool{false, false, true} {
		w := f.sees("wanted", f.now)
		if w.Full(red) != want || w.Full(blue) || w.Full(reddish) || w.Full(vector.Place{Skill: "unheard-of"}) {
			t.Errorf("with %d: red is full: %t", n, !want)
		}
		id := string(rune('a' + n))
		f.submit(id, "red", "chat")
		f.submit("blue-"+id, "blue", "chat")
		f.submit("reddish-"+id, "reddish", "chat")
	}
	if got := f.e.Interaction("c"); got != nil {
		t.Errorf("the third waits: %v", got.Vector())
	}
	if _, infinite := f.sees("wanted", f.now).ExpectedWaitMs(red, 0); !infinite {
		t.Error("a full skill has an expected wait")
	}
	f.must(chat, &usherv1.RequestStopProcessing{InteractionId: "a"})
	if f.sees("wanted", f.now).Full(red) {
		t.Error("one has gone, and it is full")
	}
}

// TestReaches: an agent who refused an interaction is available, and does not
// reach it until his back-off ends.
func TestReaches(t *testing.T) {
	f := colours(t)
	red := &usherv1.Queueing{Skill: "red"}
	if f.sees("wanted", f.now).Reaches(red) {
		t.Error("nobody is there, and reaches it")
	}
	f.login("ann", autoIn, "chat")
	f.submit("mine", "red", "chat")
	if f.sees("wanted", f.now).Reaches(red) {
		t.Error("she is invited elsewhere, and reaches it")
	}
	f.must(agentNamed("ann"), &usherv1.RequestReject{Ticket: f.take().ticket})
	for _, test := range []struct {
		id    string
		after engine.Millis
		want  bool
	}{{"wanted", 0, true}, {"mine", 0, false}, {"mine", 4_999, false}, {"mine", 5_000, true}} {
		w := f.sees(test.id, f.now+test.after)
		for _, q := range []*usherv1.Queueing{red, {Target: "reddish"}, {Agent: "ann"}} {
			if got := w.Reaches(q); got != test.want {
				t.Errorf("%s after %d ms: %v reaches it: %t", test.id, test.after, q, got)
			}
		}
		if w.Reaches(&usherv1.Queueing{Skill: "blue"}) || w.AvailableAgents(vector.Place{Skill: "red"}) != 1 {
			t.Errorf("%s: %d available", test.id, w.AvailableAgents(vector.Place{Skill: "red"}))
		}
	}
}

// TestExpectedWaitInTheSameRun: where a vector has queued a moment ago, it sees
// the wait of the last one there.
func TestExpectedWaitInTheSameRun(t *testing.T) {
	for _, test := range []struct {
		name    string
		happens func(*floor)
		want    string
	}{
		{"nobody there", func(*floor) {}, "endless"},
		{"first", func(f *floor) { f.login("ann", autoIn, "chat"); f.accepted("first", "red", "chat") }, "quick"},
		{"second", func(f *floor) {
			f.login("ann", autoIn, "chat")
			f.accepted("first", "red", "chat")
			f.submit("second", "red", "chat")
		}, "slow"},
	} {
		f := colours(t)
		test.happens(f)
		f.submit("mine", "impatient", "chat")
		if got := f.e.Interaction("mine").Values().GetQueue(); got != test.want {
			t.Errorf("%s: it went to %q, want %q", test.name, got, test.want)
		}
	}
	f := colours(t)
	f.login("ann", autoIn, "chat")
	f.accepted("first", "red", "chat")
	f.submit("second", "red", "chat")
	w, q := f.sees("wanted", f.now), &usherv1.Queueing{Skill: "red", Priority: usherv1.VectorPriority_VECTOR_PRIORITY_HIGH}
	got, _ := w.ExpectedWaitAsMs(q)
	if want, _ := f.e.Service(engine.ServedSkill, "blue", "chat").ExpectedMs(1, 1, 1, 0, 1); got != want {
		t.Errorf("ahead of the others: %d ms, want %d", got, want)
	}
	second := f.sees("second", f.now)
	for _, test := range []struct {
		of   *sight
		q    []*usherv1.Queueing
		want int
	}{
		{w, nil, 0},
		{second, second.interaction.Vector().GetQueueings(), 1},
		{w, []*usherv1.Queueing{{Skill: "red", Priority: usherv1.VectorPriority_VECTOR_PRIORITY_LOW}}, 2}, // queued in this run
		{w, []*usherv1.Queueing{q}, 1},
	} {
		if got := test.of.QueuePosition(test.q); got != test.want {
			t.Errorf("%v: position %d, want %d", test.q, got, test.want)
		}
	}
}
