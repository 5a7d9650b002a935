package center

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/usher-cc/usher/engine"
	"github.com/usher-cc/usher/journal/memory"
	"github.com/usher-cc/usher/router"
)

// TestRealClock lets the machine's clock run, in the time of a bubble.
func TestRealClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := Open(t.Context(), Options{Journal: memory.New(), NewRouter: func() Router { return router.New() }})
		if err != nil {
			t.Fatal(err)
		}
		w := (&world{t: t, c: c}).setUp()
		w.logIn(ada)
		report := w.subscribe(engine.Report, nil)
		w.submit("support")
		begun := time.Now()
		for ev := w.next(report); ev.GetEventRevoked() == nil; ev = w.next(report) {
			// The stream brings it when it is due.
		}
		if took := time.Since(begun); took < 30*time.Second || took > 30*time.Second+5*time.Millisecond {
			t.Errorf("revoked after %s", took)
		}
		if err := c.Drain(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

func TestTimeNeverGoesBack(t *testing.T) {
	w := newWorld(t, nil).setUp()
	w.clock.Advance(time.Hour)
	before := w.must(chat, submit("", "pull")).TimeMs
	w.clock.Jump(-24 * time.Hour)
	w.crash()
	if after := w.must(chat, submit("", "pull")).TimeMs; after < before {
		t.Fatalf("%d after %d", after, before)
	}
	w.clock.Advance(time.Second)
	if after := w.must(chat, submit("", "pull")).TimeMs; after != before+1000 {
		t.Fatalf("a second after %d it is %d", before, after)
	}
}

func TestManualClock(t *testing.T) {
	m := NewManualClock(beginning)
	var rung []time.Duration
	var a, b Alarm
	a = m.NewAlarm(func(done func()) {
		rung = append(rung, m.Elapsed())
		if len(rung) < 3 {
			a.Set(m.Elapsed() + 10) // within the same step
		}
		done()
	})
	b = m.NewAlarm(func(done func()) { t.Error("an alarm that was stopped rang"); done() })
	a.Set(5)
	b.Set(6)
	b.Stop()
	m.Advance(17)
	if len(rung) != 2 || rung[0] != 5 || rung[1] != 15 || m.Elapsed() != 17 || m.Now() != beginning.Add(17) {
		t.Fatalf("rang at %v, now %s", rung, m.Elapsed())
	}
	m.Jump(-time.Hour)
	if m.Elapsed() != 17 || m.Now() != beginning.Add(17-time.Hour) {
		t.Fatal("a jump of the wall clock made time elapse")
	}
	m.Advance(8)
	if len(rung) != 3 || rung[2] != 25 {
		t.Fatalf("rang at %v", rung)
	}
}

func TestSlewIsNoJump(t *testing.T) {
	m := NewManualClock(beginning)
	k := newTimekeeper(m, 0)
	for range 100 {
		m.Advance(time.Minute)
		m.Jump(30 * time.Millisecond)
		if jump := k.look(); jump != 0 {
			t.Fatalf("slewing was taken for a jump of %s", jump)
		}
	}
	if offset, jumps := k.state(); offset != 3*time.Second || jumps != 0 {
		t.Fatalf("offset %s, %d jumps", offset, jumps)
	}
	if now := k.now(); now != engine.Millis(beginning.Add(100*time.Minute).UnixMilli()) {
		t.Fatalf("now %d", now)
	}
}

// TestIdleTenantIsNotWoken: once what a restart leaves to look at has been
// looked at, nothing rings for a tenant in which nothing is due.
func TestIdleTenantIsNotWoken(t *testing.T) {
	w := newWorld(t, nil).setUp()
	w.submit("pull")
	w.saved()
	w.crash()
	w.clock.Advance(2 * time.Minute) // the grace of who was connected is over
	until := w.clock.Elapsed() + time.Hour
	for rang := 0; ; rang++ {
		alarm := w.clock.next(until)
		if alarm == nil {
			return
		}
		if rang == 3 {
			t.Fatal("alarms ring although nothing is due")
		}
		done := make(chan struct{})
		alarm.ring(func() { close(done) })
		<-done
	}
}
