package center

import "time"

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
func RealClock() Clock { return nil }

// ManualClock is moved by hand: for tests, and to play scenarios.
type ManualClock struct{}

// NewManualClock makes a clock that stands at a time.
func NewManualClock(at time.Time) *ManualClock { return nil }

// Advance moves the clock on, halting at every alarm on the way. Before it
// returns everything that was due has been done and is durable.
func (m *ManualClock) Advance(d time.Duration) {}

// Jump makes the wall clock jump, also back; nothing elapses.
func (m *ManualClock) Jump(d time.Duration) {}

// Now implements Clock.
func (m *ManualClock) Now() time.Time { return time.Time{} }

// Elapsed implements Clock.
func (m *ManualClock) Elapsed() time.Duration { return 0 }

// NewAlarm implements Clock.
func (m *ManualClock) NewAlarm(ring func(done func())) Alarm { return nil }
