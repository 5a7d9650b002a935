package center

import (
	"sync"
	"time"
)

// Clock is where a center's time comes from.
type Clock interface {
	// Now is the wall clock, which may jump.
	Now() time.Time
	// Elapsed is the time since some fixed moment; it neither jumps nor goes
	// back.
	Elapsed() time.Duration
	// NewAlarm makes an alarm that is not set. When it is due the clock calls
	// ring, from any goroutine. Whatever is rung calls done when it has done
	// all that was due, durably, and has set the alarm again if need be; a
	// clock that is moved by hand waits for it.
	NewAlarm(ring func(done func())) Alarm
}

// Alarm rings once, when the Elapsed of its clock has reached the set time.
type Alarm interface {
	// Set sets it anew.
	Set(at time.Duration)
	// Stop makes it silent until it is set again.
	Stop()
}

// RealClock is the machine's clock.
func RealClock() Clock { return realClock{start: time.Now()} }

type realClock struct{ start time.Time }

// Now implements Clock; without the monotonic reading, which hides jumps.
func (realClock) Now() time.Time { return time.Now().Round(0) }

// Elapsed implements Clock.
func (r realClock) Elapsed() time.Duration { return time.Since(r.start) }

// NewAlarm implements Clock.
func (r realClock) NewAlarm(ring func(done func())) Alarm {
	t := time.AfterFunc(time.Hour, func() { ring(func() {}) })
	t.Stop()
	return realAlarm{r, t}
}

type realAlarm struct {
	clock realClock
	timer *time.Timer
}

func (a realAlarm) Set(at time.Duration) { a.timer.Reset(max(0, at-a.clock.Elapsed())) }
func (a realAlarm) Stop()                { a.timer.Stop() }

// ManualClock is moved by hand: for tests, and to play scenarios.
type ManualClock struct {
	advancing sync.Mutex // held by whoever advances

	mu      sync.Mutex // the fields below
	wall    time.Time
	elapsed time.Duration
	alarms  []*manualAlarm
}

type manualAlarm struct {
	clock *ManualClock
	ring  func(done func())
	at    time.Duration
	set   bool
}

// NewManualClock makes a clock that stands at a time.
func NewManualClock(at time.Time) *ManualClock { return &ManualClock{wall: at} }

// Advance moves the clock on, halting at every alarm on the way. Before it
// returns everything that was due has been done and is durable.
func (m *ManualClock) Advance(d time.Duration) {
	m.advancing.Lock()
	defer m.advancing.Unlock()
	target := m.Elapsed() + d
	for {
		a := m.next(target)
		if a == nil {
			return
		}
		done := make(chan struct{})
		a.ring(func() { close(done) })
		<-done
	}
}

// next moves to the earliest alarm that is set at or before target and takes
// it, or moves to target if there is none.
func (m *ManualClock) next(target time.Duration) *manualAlarm {
	m.mu.Lock()
	defer m.mu.Unlock()
	var first *manualAlarm
	for _, a := range m.alarms {
		if a.set && a.at <= target && (first == nil || a.at < first.at) {
			first = a
		}
	}
	to := target
	if first != nil {
		first.set = false
		to = first.at
	}
	if step := to - m.elapsed; step > 0 {
		m.elapsed += step
		m.wall = m.wall.Add(step)
	}
	return first
}

// Jump makes the wall clock jump, also back; nothing elapses.
func (m *ManualClock) Jump(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.wall = m.wall.Add(d)
}

// Now implements Clock.
func (m *ManualClock) Now() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.wall
}

// Elapsed implements Clock.
func (m *ManualClock) Elapsed() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.elapsed
}

// NewAlarm implements Clock.
func (m *ManualClock) NewAlarm(ring func(done func())) Alarm {
	m.mu.Lock()
	defer m.mu.Unlock()
	a := &manualAlarm{clock: m, ring: ring}
	m.alarms = append(m.alarms, a)
	return a
}

// Set implements Alarm.
func (a *manualAlarm) Set(at time.Duration) {
	a.clock.mu.Lock()
	defer a.clock.mu.Unlock()
	a.at, a.set = at, true
}

// Stop implements Alarm.
func (a *manualAlarm) Stop() {
	a.clock.mu.Lock()
	defer a.clock.mu.Unlock()
	a.set = false
}
