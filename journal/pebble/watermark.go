package pebble

import (
	"log/slog"
	"sync"
	"time"

	"github.com/usher-cc/usher/journal"
)

// watermarkPause is the least time between two writes of the HEAD file under
// load. With the time that a write takes it stays within the promised 100 ms.
const watermarkPause = 50 * time.Millisecond

// watermark keeps the durable head outside of the journal, so that a journal
// that has lost its end cannot pass for a whole one. It is written in the
// background: the first append after a pause at once, then every
// watermarkPause, and the last when it is closed. It is never ahead of what is
// durable, and so may always be held against the journal.
type watermark struct {
	write func(journal.Head) error
	log   *slog.Logger
	wake  chan struct{} // holds one if there may be something to write
	stop  chan struct{}
	done  chan struct{}

	mu      sync.Mutex
	latest  journal.Head
	writing sync.Mutex // guards written, and orders the writes
	written journal.Head
}

// newWatermark starts to follow from the head that is written already.
func newWatermark(written journal.Head, write func(journal.Head) error, log *slog.Logger) *watermark {
	w := &watermark{
		write: write, log: log, latest: written, written: written,
		wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}),
	}
	go w.run()
	return w
}

// follow has h written soon. It does not wait.
func (w *watermark) follow(h journal.Head) {
	w.mu.Lock()
	w.latest = h
	w.mu.Unlock()
	w.nudge()
}

func (w *watermark) nudge() {
	select {
	case w.wake <- struct{}{}:
	default: // one is waiting already, and will write the latest
	}
}

func (w *watermark) run() {
	defer close(w.done)
	for {
		select {
		case <-w.wake:
		case <-w.stop:
			return
		}
		if err := w.flush(); err != nil {
			// The journal itself is whole; only its witness is late.
			w.log.Warn("journal: the HEAD file could not be written, trying again", "error", err)
			w.nudge()
		}
		select {
		case <-time.After(watermarkPause):
		case <-w.stop:
			return
		}
	}
}

// flush writes the latest head unless it stands there already.
func (w *watermark) flush() error {
	w.writing.Lock()
	defer w.writing.Unlock()
	w.mu.Lock()
	latest := w.latest
	w.mu.Unlock()
	if latest == w.written {
		return nil
	}
	if err := w.write(latest); err != nil {
		return err
	}
	w.written = latest
	return nil
}

// close ends the following and writes the last head.
func (w *watermark) close() error {
	close(w.stop)
	<-w.done
	return w.flush()
}
