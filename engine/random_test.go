package engine

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// seldom is how often each request is to be carried out at least, so that one
// lucky case is not taken for a test.
const seldom = 20

// TestRandomWork lets everybody ask anything, with time passing, and holds
// every step against the invariants and the whole against the fold.
func TestRandomWork(t *testing.T) {
	steps, taken, mu := 6_000, map[string]int{}, sync.Mutex{}
	if testing.Short() {
		steps = 500
	}
	t.Run("seeds", func(t *testing.T) {
		for seed := range uint64(8) {
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				t.Parallel()
				carriedOut := randomWork(t, seed, steps)
				mu.Lock()
				defer mu.Unlock()
				for name, n := range carriedOut {
					taken[name] += n
				}
			})
		}
	})
	if t.Failed() || testing.Short() {
		return
	}
	c := chooser{rand.New(rand.NewPCG(0, 0)), centre(t)}
	for _, request := range append(c.requests(), c.configuration()) {
		name := kindOfRequest(request)
		legal := name != "Event" && !strings.HasSuffix(name, "<nil>")
		if legal && taken[name] < seldom {
			t.Errorf("%s was carried out %d times: the work is not random enough", name, taken[name])
		}
	}
}

// kindOfRequest names the type of a request, and by which of its ways it
// goes.
func kindOfRequest(request any) string {
	name := strings.TrimLeft(fmt.Sprintf("%T", request), "*")
	name = name[strings.Index(name, ".")+1:]
	switch r := request.(type) {
	case *usherv1.RequestPull:
		return fmt.Sprintf("%s %T", name, r.Source)
	case *usherv1.RequestRouteCall:
		if r.GetAgent().GetSkill() != "" {
			return name + " with a skill"
		}
		return fmt.Sprintf("%s %T", name, r.Target)
	case interface{ GetVdn() string }:
		if r.GetVdn() != "" {
			return name + " by a VDN"
		}
	}
	return name
}

func randomWork(t *testing.T, seed uint64, steps int) map[string]int {
	w := centre(t)
	w.sample = 4
	c := chooser{rand.New(rand.NewPCG(seed, 1)), w}
	for n, who := range []Participant{agent1, agent2, agent3, supervisor} {
		w.must(who, login(fmt.Sprintf("place%d", n+1)))
	}
	everybody := []Participant{
		media, media, agent1, agent1, agent2, agent2, agent3, supervisor, urs, urs2,
		BuiltinRouter, BuiltinRouter, BuiltinRouter, crm1, crm2, bot,
	}
	carriedOut := map[string]int{}
	saved, from := savedState(t, w), w.next
	for n := range steps {
		who := pick(c.Rand, everybody...)
		if c.IntN(100) == 0 {
			who = admin
		}
		requests := c.requests()
		if c.IntN(3) > 0 || who == admin {
			requests = c.likely(who)
		}
		if request := pick(c.Rand, requests...); w.ask(who, request).Err == nil {
			carriedOut[kindOfRequest(request)]++
		}
		if c.IntN(8) == 0 {
			w.pass(Millis(pick(c.Rand, 100, 5_000, 40_000, 90_000)))
		}
		if c.IntN(400) == 0 {
			w.pass(13 * 60 * 60 * 1000)
		}
		if n%200 == 0 {
			w.checkFoldFrom(saved, from)
			saved, from = savedState(t, w), w.next
		}
	}
	w.checkFold()
	return carriedOut
}

// checkFoldFrom holds the live state against that of a snapshot, which it
// uses up, with the journal from there on.
func (w *world) checkFoldFrom(saved *usherv1.TenantState, from Sequence) {
	w.t.Helper()
	e := Load(saved)
	for n, stored := range w.journal[from-1:] {
		var entry usherv1.Entry
		if err := proto.Unmarshal(stored, &entry); err != nil {
			w.t.Fatal(err)
		}
		e.Fold(from+Sequence(n), &Entry{Event: entry.Event, Fact: entry.Fact})
	}
	w.sameDeadlines(e)
	if live, got := w.state(), encodeState(w.t, e); string(got) != string(live) {
		w.t.Fatalf("a snapshot with the journal after it differs from the live state:\n%s\nlive:\n%s", describeState(got), describeState(live))
	}
}
