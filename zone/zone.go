// Package zone knows the times of day of the world's time zones. It promises
// to be a function of a name and a time, but the rules are those of this
// machine's zone database, or of the one in the binary: what is decided by
// them is recorded, so that a replay does not ask again.
package zone

import (
	"time"
	_ "time/tzdata" // a machine may have none
)

// Zone is a time zone.
type Zone struct{ location *time.Location }

// Load is the zone with a name such as Europe/Berlin; "" is UTC.
func Load(name string) (Zone, error) {
	if name == "Local" {
		name = "" // the machine's zone is not the tenant's
	}
	location, err := time.LoadLocation(name)
	return Zone{location}, err
}

// UTC is the zone that is always there.
var UTC = Zone{time.UTC}

// Moment is a point in time as people of the zone read it.
type Moment struct {
	Year, Month, Day int
	// WeekMinute counts from Monday 00:00.
	WeekMinute int
}

const minutesOfDay = 24 * 60

// At reads a time in Unix milliseconds.
func (z Zone) At(ms int64) Moment {
	t := time.UnixMilli(ms).In(z.location)
	weekday := (int(t.Weekday()) + 6) % 7
	return Moment{t.Year(), int(t.Month()), t.Day(), weekday*minutesOfDay + t.Hour()*60 + t.Minute()}
}

// Next is the next time after ms, in Unix milliseconds, at which the clocks of
// the zone show a minute of the day; once a day, also where they show it twice
// or never.
func (z Zone) Next(ms int64, minute int) int64 {
	t := time.UnixMilli(ms).In(z.location)
	for day := range 3 {
		at := time.Date(t.Year(), t.Month(), t.Day()+day, minute/60, minute%60, 0, 0, z.location)
		if at.UnixMilli() > ms {
			return at.UnixMilli()
		}
	}
	return ms + minutesOfDay*60_000
}

// Midnight is when the day of ms began, in Unix milliseconds: the first moment
// whose date is that day's, also where the clocks skip 0 o'clock.
func (z Zone) Midnight(ms int64) int64 {
	t := time.UnixMilli(ms).In(z.location)
	at := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, z.location)
	if at.Day() != t.Day() {
		_, at = at.ZoneBounds() // still the day before, by the clocks of then
	}
	return at.UnixMilli()
}
