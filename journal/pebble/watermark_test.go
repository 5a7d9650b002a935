package pebble

import (
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/usher-cc/usher/journal"
)

// witness records what a watermark writes, and when.
type witness struct {
	mu    sync.Mutex
	start time.Time
	next  []journal.Sequence
	at    []time.Duration
	err   error
}

func (w *witness) write(h journal.Head) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return w.err
	}
	w.next = append(w.next, h.Next)
	w.at = append(w.at, time.Since(w.start))
	return nil
}

func (w *witness) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.err = err
}

func (w *witness) last() journal.Sequence {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.next) == 0 {
		return 0
	}
	return w.next[len(w.next)-1]
}

// Idle, the head is written at once; under load within 100 ms and no more often
// than needed; the last one when it is closed.
func TestWatermark(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &witness{start: time.Now()}
		mark := newWatermark(journal.Genesis, w.write, slog.New(slog.DiscardHandler))
		mark.follow(journal.Head{Next: 2})
		synctest.Wait()
		if !slices.Equal(w.next, []journal.Sequence{2}) || w.at[0] != 0 {
			t.Fatalf("wrote %v at %v, want the first at once", w.next, w.at)
		}
		for next := journal.Sequence(3); next <= 1002; next++ {
			mark.follow(journal.Head{Next: next})
			time.Sleep(time.Millisecond)
			synctest.Wait()
			if behind := next - w.last(); behind > 100 {
				t.Fatalf("%d ms behind", behind)
			}
		}
		if len(w.next) > 25 {
			t.Fatalf("wrote %d times in a second", len(w.next))
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if w.last() != 1002 {
			t.Fatalf("wrote %d when idle, want 1002", w.last())
		}
		writes := len(w.next)
		mark.follow(journal.Head{Next: 1003})
		synctest.Wait()
		mark.follow(journal.Head{Next: 1004})
		if err := mark.close(); err != nil || w.last() != 1004 || len(w.next) != writes+2 {
			t.Fatalf("closed with %v after %v", err, w.next)
		}
	})
}

func TestWatermarkTriesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &witness{err: errors.New("no room")}
		mark := newWatermark(journal.Genesis, w.write, slog.New(slog.DiscardHandler))
		mark.follow(journal.Head{Next: 2})
		time.Sleep(time.Second)
		w.fail(nil)
		time.Sleep(100 * time.Millisecond)
		if w.last() != 2 {
			t.Fatalf("wrote %d, want 2", w.last())
		}
		w.fail(errors.New("no room again"))
		mark.follow(journal.Head{Next: 3})
		if err := mark.close(); err == nil {
			t.Fatal("closed without a word about the head that is not written")
		}
	})
}
