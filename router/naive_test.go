package router

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/usher-cc/usher/engine"
)

// world is what an engine would know, and the naive router: lists and loops
// that say what the published order demands and nothing about how.
type world struct {
	agents []*worldAgent
	works  []*worldWork
	// What the engine refused, until one of the two changes.
	refused map[[2]string]bool
}

type worldAgent struct {
	id        engine.AgentID
	groups    []engine.GroupName
	media     []engine.MediaName
	ready     map[engine.MediaName]bool
	capacity  int
	busy      int
	idleSince engine.Millis
}

type worldWork struct {
	id       engine.InteractionID
	group    engine.GroupName
	media    engine.MediaName
	priority int32
	movedAt  engine.Millis
	entry    engine.Sequence
	waits    bool
	backOffs map[engine.AgentID]engine.Millis
}

func (w *worldWork) NotBefore(id engine.AgentID) engine.Millis { return w.backOffs[id] }

func (a *worldAgent) available(m engine.MediaName) bool {
	return slices.Contains(a.media, m) && a.ready[m] && a.busy < a.capacity
}

func (a *worldAgent) item() agentItem {
	item := agentItem{id: a.id}
	for _, g := range a.groups {
		for _, m := range a.media {
			item.seats = append(item.seats, seatItem{
				pool: groupPool(g, m), available: a.available(m), order: [3]int64{int64(a.idleSince)},
			})
		}
	}
	return item
}

func (w *worldWork) item() workItem {
	claim := claimItem{groupPool(w.group, w.media), w.priority, w.movedAt}
	return workItem{w.id, w.entry, []claimItem{claim}, w}
}

// inOrder is the waiting interactions, the first to be served first.
func (w *world) inOrder() []*worldWork {
	var waiting []*worldWork
	for _, i := range w.works {
		if i.waits {
			waiting = append(waiting, i)
		}
	}
	slices.SortFunc(waiting, func(a, b *worldWork) int {
		return cmp.Or(cmp.Compare(b.priority, a.priority), cmp.Compare(a.movedAt, b.movedAt), cmp.Compare(a.entry, b.entry))
	})
	return waiting
}

// candidates are the agents who could have an interaction but for back-offs,
// longest idle first.
func (w *world) candidates(i *worldWork) []*worldAgent {
	var agents []*worldAgent
	for _, a := range w.agents {
		if slices.Contains(a.groups, i.group) && a.available(i.media) && !w.refused[pair(i.id, a.id)] {
			agents = append(agents, a)
		}
	}
	slices.SortFunc(agents, func(a, b *worldAgent) int {
		return cmp.Or(cmp.Compare(a.idleSince, b.idleSince), strings.Compare(string(a.id), string(b.id)))
	})
	return agents
}

func pair(i engine.InteractionID, a engine.AgentID) [2]string { return [2]string{string(i), string(a)} }

// next is the naive router's next match.
func (w *world) next(now engine.Millis) (*worldWork, *worldAgent) {
	for _, i := range w.inOrder() {
		for _, a := range w.candidates(i) {
			if i.NotBefore(a.id) <= now {
				return i, a
			}
		}
	}
	return nil, nil
}

// deadline is the naive router's: the first back-off that could end waiting.
func (w *world) deadline(now engine.Millis) (engine.Millis, bool) {
	earliest := never
	for _, i := range w.inOrder() {
		for _, a := range w.candidates(i) {
			if until := i.NotBefore(a.id); until > now {
				earliest = min(earliest, until)
			}
		}
	}
	return earliest, earliest != never
}

// forget ends the engine's refusals of whom changed.
func (w *world) forget(changed string) {
	for key := range w.refused {
		if key[0] == changed || key[1] == changed {
			delete(w.refused, key)
		}
	}
}

func someWorld(random *rand.Rand) *world {
	w := &world{refused: map[[2]string]bool{}}
	for n := range 1 + random.IntN(12) {
		a := &worldAgent{
			id: engine.AgentID(fmt.Sprintf("a%02d", n)), ready: map[engine.MediaName]bool{},
			capacity: 1 + random.IntN(3), idleSince: engine.Millis(random.IntN(5)),
		}
		a.groups = some(random, engine.GroupName("sales"), "service", "spanish")
		a.media = some(random, engine.MediaName("voice"), "chat")
		for _, m := range a.media {
			a.ready[m] = random.IntN(2) == 0
		}
		w.agents = append(w.agents, a)
	}
	return w
}

func some[T any](random *rand.Rand, of ...T) []T {
	var picked []T
	for _, x := range of {
		if random.IntN(3) > 0 {
			picked = append(picked, x)
		}
	}
	return picked
}
