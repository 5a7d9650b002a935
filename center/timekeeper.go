package center

import (
	"sync"
	"time"

	"github.com/usher-cc/usher/engine"
)

// jumpThreshold is how much the wall clock must move against the elapsed time
// between two looks to be called a jump; slewing stays below it.
const jumpThreshold = 2 * time.Second

// timekeeper makes the center's time: the later of the last recorded time and
// the wall clock's at the start, plus what has elapsed since. The wall clock
// is never asked again but to notice that it jumped.
type timekeeper struct {
	clock Clock
	base  engine.Millis // the center's time when Elapsed was 0

	mu     sync.Mutex
	offset time.Duration // wall clock minus center's time, at the last look
	jumps  uint64
}

func newTimekeeper(clock Clock, recorded engine.Millis) *timekeeper {
	elapsed := engine.Millis(clock.Elapsed().Milliseconds())
	t := &timekeeper{clock: clock}
	t.base = max(recorded, engine.Millis(clock.Now().UnixMilli())) - elapsed
	t.offset = t.measure()
	return t
}

func (t *timekeeper) now() engine.Millis {
	return t.base + engine.Millis(t.clock.Elapsed().Milliseconds())
}

// elapsedAt is the Elapsed of the clock at a time of the center.
func (t *timekeeper) elapsedAt(at engine.Millis) time.Duration {
	return time.Duration(at-t.base) * time.Millisecond
}

func (t *timekeeper) measure() time.Duration {
	return t.clock.Now().Sub(time.UnixMilli(int64(t.now())))
}

// look tells by how much the wall clock jumped since the last look; 0 if it
// did not.
func (t *timekeeper) look() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	offset := t.measure()
	jump := offset - t.offset
	t.offset = offset
	if jump.Abs() < jumpThreshold {
		return 0
	}
	t.jumps++
	return jump
}

func (t *timekeeper) state() (offset time.Duration, jumps uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.offset, t.jumps
}
