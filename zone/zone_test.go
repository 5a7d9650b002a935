package zone_test

import (
	"testing"
	"time"

	"github.com/usher-cc/usher/zone"
)

func ms(text string) int64 {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t.UnixMilli()
}

func TestAt(t *testing.T) {
	berlin, err := zone.Load("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]zone.Moment{
		"2026-11-22T22:59:59Z": {2026, 11, 22, 7*24*60 - 1}, // Sunday 23:59
		"2026-11-22T23:00:00Z": {2026, 11, 23, 0},           // Monday 00:00
		"2026-07-01T10:00:00Z": {2026, 7, 1, 2*24*60 + 12*60},
	} {
		if got := berlin.At(ms(text)); got != want {
			t.Errorf("At(%s) = %v, want %v", text, got, want)
		}
	}
	if _, err := zone.Load("Europe/Nowhere"); err == nil {
		t.Error("Europe/Nowhere is known")
	}
}

func TestNext(t *testing.T) {
	berlin, _ := zone.Load("Europe/Berlin")
	for _, c := range []struct {
		after  string
		minute int
		want   string
	}{
		{"2026-11-21T10:00:00Z", 18 * 60, "2026-11-21T17:00:00Z"},
		{"2026-11-21T17:00:00Z", 18 * 60, "2026-11-22T17:00:00Z"},
		{"2026-03-28T20:00:00Z", 18 * 60, "2026-03-29T16:00:00Z"}, // summer time begins
	} {
		if got := berlin.Next(ms(c.after), c.minute); got != ms(c.want) {
			t.Errorf("Next(%s, %d) = %s", c.after, c.minute, time.UnixMilli(got).UTC())
		}
	}
}

func TestMidnight(t *testing.T) {
	for _, c := range []struct{ zone, at, want string }{
		{"", "2026-11-21T10:00:00Z", "2026-11-21T00:00:00Z"},
		{"Europe/Berlin", "2026-11-21T23:00:00Z", "2026-11-21T23:00:00Z"},
		{"Europe/Berlin", "2026-11-21T22:59:59Z", "2026-11-20T23:00:00Z"},
		{"Europe/Berlin", "2026-10-25T20:00:00Z", "2026-10-24T22:00:00Z"}, // a day of 25 hours
		{"Asia/Beirut", "2026-03-29T10:00:00Z", "2026-03-28T22:00:00Z"},   // the clocks skip 0 o'clock
		{"Asia/Beirut", "2026-03-28T21:59:59Z", "2026-03-27T22:00:00Z"},
		{"America/Havana", "2026-03-08T20:00:00Z", "2026-03-08T05:00:00Z"},
	} {
		z, err := zone.Load(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		if got := z.Midnight(ms(c.at)); got != ms(c.want) {
			t.Errorf("%s: the day of %s began at %s", c.zone, c.at, time.UnixMilli(got).UTC())
		}
	}
}
