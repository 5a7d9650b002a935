package projection

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/center"
)

// life is one interaction's, read from end to end: where it waited from when to
// when, and how that ended.
type life struct {
	waits  []span
	rings  []span // open invitations while a router had it
	handle []span
}

type span struct {
	queue    string
	from, to int64 // to is 0 for one that has not ended
	how      string
}

func (s span) at(ms int64) bool { return s.from <= ms && (s.to == 0 || ms < s.to) }

// lives reads the lives of all interactions: the naive model of the figures. It
// knows who is where by name, and looks at nothing but one interaction at once.
func lives(events []*usherv1.Event) map[string]*life {
	byID := map[string][]*usherv1.Event{}
	for _, ev := range events {
		byID[ev.InteractionId] = append(byID[ev.InteractionId], ev)
	}
	all := map[string]*life{}
	for id, of := range byID {
		all[id] = lifeOf(of)
	}
	return all
}

func lifeOf(events []*usherv1.Event) *life {
	l, here, from := &life{}, map[string]bool{}, ""
	end := func(spans []span, at int64, how string) {
		if n := len(spans) - 1; n >= 0 && spans[n].to == 0 {
			spans[n].to, spans[n].how = at, how
		}
	}
	open := func(spans []span) bool { return len(spans) > 0 && spans[len(spans)-1].to == 0 }
	for _, ev := range events {
		at := ev.TimeMs
		switch m := ev.Message.(type) {
		case *usherv1.Event_EventPlacedInQueue:
			q := m.EventPlacedInQueue.Queue
			if open(l.waits) && l.waits[len(l.waits)-1].queue != q {
				end(l.waits, at, "moved")
			}
			if !open(l.waits) && !strings.HasPrefix(q, "__") {
				l.waits = append(l.waits, span{queue: q, from: at})
			}
		case *usherv1.Event_EventAgentInvited:
			if open(l.waits) {
				l.rings = append(l.rings, span{from: at})
			}
		case *usherv1.Event_EventRejected:
			end(l.rings, at, "")
		case *usherv1.Event_EventRevoked:
			if m.EventRevoked.Ticket != 0 {
				end(l.rings, at, "")
			}
		case *usherv1.Event_EventPartyAdded:
			if m.EventPartyAdded.Party.Kind == usherv1.ParticipantKind_PARTICIPANT_KIND_AGENT {
				if open(l.waits) {
					from = l.waits[len(l.waits)-1].queue
					end(l.waits, at, "answered")
					end(l.rings, at, "")
				}
				if here[m.EventPartyAdded.Party.Id] = true; len(here) == 1 {
					l.handle = append(l.handle, span{queue: from, from: at})
				}
			}
		case *usherv1.Event_EventPartyRemoved:
			delete(here, m.EventPartyRemoved.Party.Id)
			if len(here) == 0 && open(l.handle) {
				end(l.handle, at, "")
				from = ""
			}
		case *usherv1.Event_EventProcessingStopped:
			end(l.rings, at, "")
			end(l.waits, at, "stopped")
		}
	}
	return l
}

// naive gives figures of a queue between two times.
func naive(all map[string]*life, queue string, from, to, withinMs int64) (f Figures) {
	in := func(at int64) bool { return from <= at && at < to }
	for _, l := range all {
		for _, w := range l.waits {
			if w.queue != queue {
				continue
			}
			if in(w.from) {
				f.Entered++
			}
			if in(w.to) && w.how == "answered" {
				f.Answered++
				f.AnsweredWaitMs += w.to - w.from
				if w.to-w.from <= withinMs {
					f.AnsweredWithin++
				}
			}
			if in(w.to) && w.how == "stopped" {
				f.Abandoned++
			}
		}
		for _, h := range l.handle {
			if h.queue == queue && in(h.to) {
				f.Handled++
				f.HandledMs += h.to - h.from
			}
		}
	}
	return f
}

// naiveWaiting gives how many wait in a queue at a time, and how long at most.
func naiveWaiting(all map[string]*life, queue string, at int64) (n int32, longest int64) {
	for _, l := range all {
		ringing := false
		for _, r := range l.rings {
			ringing = ringing || r.at(at)
		}
		for _, w := range l.waits {
			if w.queue == queue && w.at(at) && !ringing {
				n, longest = n+1, max(longest, at-w.from)
			}
		}
	}
	return n, longest
}

// TestRandomWork lets people work at random for hours, and compares the fold
// with the naive model at the end, in every minute, after a restart, and with
// what the engine counts on the way.
func TestRandomWork(t *testing.T) {
	steps := 1_500
	if testing.Short() {
		steps = 300
	}
	var total Figures
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w, r := byHand(t), rand.New(rand.NewPCG(seed, 7))
			w.logIn(ana, bob, sue)
			for n := range steps {
				w.randomStep(r)
				if n%20 == 0 {
					w.compareWithRows()
				}
			}
			w.compareWithNaive()
			total.add(w.today("support"))
			total.add(w.today("pull"))
			w.restart()
			w.compareWithNaive()
		})
	}
	for _, n := range []int64{total.Entered, total.Answered, total.AnsweredWithin, total.Answered - total.AnsweredWithin, total.Abandoned, total.Handled} {
		if n < 40 && !testing.Short() {
			t.Errorf("%+v: the work is not random enough", total)
		}
	}
}

// compareWithRows holds who waits and is handled against what the engine counts.
func (w *world) compareWithRows() {
	w.t.Helper()
	rows, refusal, err := w.c.Rows(w.t.Context(), "default", center.Look{})
	if refusal != nil || err != nil {
		w.t.Fatal(refusal, err)
	}
	w.statistics(func(s *Statistics, now int64) {
		for _, row := range rows.Queues {
			h := s.History(row.Queue, now, minuteMs, now)
			if h.Waiting[0] != row.Waiting {
				w.t.Fatalf("%d wait in %s, the engine says %v", h.Waiting[0], row.Queue, row)
			}
		}
	})
}

// compareWithNaive holds all figures against the naive model.
func (w *world) compareWithNaive() {
	w.t.Helper()
	all := lives(w.reported())
	w.statistics(func(s *Statistics, now int64) {
		for queue, within := range map[string]int64{"support": 20_000, "pull": 60_000} {
			midnight := now - now%dayMs
			if got, want := s.Today(queue, now), naive(all, queue, midnight, now+1, within); got != want {
				w.t.Fatalf("%s today: %+v\nnaive %+v", queue, got, want)
			}
			begin := max(noon, now-dayMs)
			h := s.History(queue, begin, minuteMs, now)
			for n, at := range h.AtMs[:len(h.AtMs)-2] { // the last are not over
				f := naive(all, queue, at, at+minuteMs, within)
				waiting, longest := naiveWaiting(all, queue, at+minuteMs-1)
				if longest > 0 {
					longest++ // at the end of the minute, not in its last millisecond
				}
				got := Figures{Entered: int64(h.Entered[n]), Answered: int64(h.Answered[n]), AnsweredWithin: int64(h.AnsweredWithin[n]), Abandoned: int64(h.Abandoned[n])}
				f.AnsweredWaitMs, f.Handled, f.HandledMs = 0, 0, 0
				if got != f || h.Waiting[n] != waiting || h.LongestWaitMs[n] != longest {
					w.t.Fatalf("%s, minute %d: %+v, %d wait %d ms\nnaive %+v, %d wait %d ms", queue, n, got, h.Waiting[n], h.LongestWaitMs[n], f, waiting, longest)
				}
			}
		}
	})
}
