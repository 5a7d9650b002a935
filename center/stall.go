package center

import (
	"time"

	"github.com/usher-cc/usher/engine"
)

// The pause of a tenant whose deadline or router asks for more than a record
// holds. It doubles from the first to the longest.
const (
	firstStallMs = engine.Millis(time.Second / time.Millisecond)
	longestStall = engine.Millis(time.Hour / time.Millisecond)
)

// stall is a pause of one tenant's deadlines and router. His requests and the
// other tenants go on.
type stall struct {
	until engine.Millis
	wait  engine.Millis
}

// stall lets a tenant's deadlines and router pause, longer each time.
func (w *writer) stall(tenant string) {
	s := w.stalled[tenant]
	if s.wait == 0 || w.now > s.until+longestStall {
		s.wait = firstStallMs
		w.center.o.Logger.Error("a deadline or the router changes too much at once: the deadlines and the routing of the tenant pause", "tenant", tenant, "most_bytes", w.maxRecord)
	} else {
		s.wait = min(2*s.wait, longestStall)
	}
	s.until = w.now + s.wait
	w.stalled[tenant] = s
}

// pauses tells whether a tenant's deadlines and router pause.
func (w *writer) pauses(t *tenant) bool { return w.now < w.stalled[t.id].until }

// dueOf is when something is to be done for a tenant; 0 for never.
func (w *writer) dueOf(t *tenant) engine.Millis {
	if !w.pauses(t) {
		return t.due
	}
	if t.due == 0 && !t.unrouted {
		return 0
	}
	return max(t.due, w.stalled[t.id].until)
}
