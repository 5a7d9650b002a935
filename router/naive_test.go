package router

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
)

// world is what an engine would know, and the naive router: lists and loops
// that say what the published order demands and nothing about how.
type world struct {
	agingMs engine.Millis
	agents  []*worldAgent
	works   []*worldWork
	// What the engine refused, until one of the two changes.
	refused map[[2]string]bool
}

type worldAgent struct {
	id         engine.AgentID
	preference usherv1.CallPreference
	seats      []seatItem // available: he is ready there
	capacity   int
	busy       int
	loggedIn   bool
}

type worldWork struct {
	id       engine.InteractionID
	entry    engine.Sequence
	claims   []claimItem
	waits    bool
	backOffs map[engine.AgentID]engine.Millis
}

func (w *worldWork) NotBefore(id engine.AgentID) engine.Millis { return w.backOffs[id] }

func (w *worldWork) item() workItem { return workItem{w.id, w.entry, w.claims, w} }

func (a *worldAgent) item() agentItem {
	item := agentItem{a.id, a.preference, slices.Clone(a.seats)}
	for k := range item.seats {
		item.seats[k].available = item.seats[k].available && a.busy < a.capacity
	}
	return item
}

// seat is the agent's available seat in a pool.
func (a *worldAgent) seat(name poolName) (seatItem, bool) {
	if a.loggedIn {
		for _, s := range a.item().seats {
			if s.pool == name && s.available {
				return s, true
			}
		}
	}
	return seatItem{}, false
}

// option is a claim, and the seat of somebody who may have it.
type option struct {
	work  *worldWork
	claim claimItem
	agent *worldAgent
	seat  seatItem
}

// inOrder is all claims that wait, the first to be served first.
func (w *world) inOrder() []option {
	var claims []option
	for _, i := range w.works {
		for _, c := range i.claims {
			if i.waits {
				claims = append(claims, option{work: i, claim: c})
			}
		}
	}
	slices.SortStableFunc(claims, func(a, b option) int { return w.compare(a, b) })
	return claims
}

// compare says which of two claims is to be served first.
func (w *world) compare(a, b option) int {
	rank := cmp.Compare(b.claim.rank, a.claim.rank)
	at := cmp.Compare(a.claim.at, b.claim.at)
	entry := cmp.Compare(a.work.entry, b.work.entry)
	if w.agingMs == 0 || (a.claim.rank == directRank) != (b.claim.rank == directRank) {
		return cmp.Or(rank, at, entry)
	}
	if a.claim.rank == directRank {
		return cmp.Or(at, entry)
	}
	ranks := engine.Millis(a.claim.rank) - engine.Millis(b.claim.rank)
	return cmp.Or(cmp.Compare(a.claim.at-b.claim.at, ranks*w.agingMs), entry)
}

// candidates are the agents who could have a claim but for back-offs.
func (w *world) candidates(o option) []option {
	var options []option
	for _, a := range w.agents {
		if s, ok := a.seat(o.claim.pool); ok && !w.refused[pair(o.work.id, a.id)] {
			options = append(options, option{o.work, o.claim, a, s})
		}
	}
	slices.SortFunc(options, func(a, b option) int {
		return cmp.Or(slices.Compare(a.seat.order[:], b.seat.order[:]), strings.Compare(string(a.agent.id), string(b.agent.id)))
	})
	return options
}

func pair(i engine.InteractionID, a engine.AgentID) [2]string { return [2]string{string(i), string(a)} }

// options are the claims that somebody can have, in their order, each with
// those who can have it in theirs.
func (w *world) options(now engine.Millis) []option {
	var options []option
	for _, c := range w.inOrder() {
		for _, o := range w.candidates(c) {
			if o.work.NotBefore(o.agent.id) <= now {
				options = append(options, o)
			}
		}
	}
	return options
}

// next is the naive router's next match.
func (w *world) next(now engine.Millis) (option, bool) {
	options := w.options(now)
	if len(options) == 0 {
		return option{}, false
	}
	his := slices.DeleteFunc(slices.Clone(options), func(o option) bool { return o.agent != options[0].agent })
	keep := func(by func(a, b option) int) {
		best := slices.MinFunc(his, by)
		his = slices.DeleteFunc(his, func(o option) bool { return by(best, o) < 0 })
	}
	if his[0].claim.rank != directRank {
		switch his[0].agent.preference {
		case usherv1.CallPreference_CALL_PREFERENCE_PERCENT_ALLOCATION:
			keep(func(a, b option) int { return cmp.Compare(b.seat.deficit, a.seat.deficit) })
			fallthrough
		case usherv1.CallPreference_CALL_PREFERENCE_SKILL_LEVEL:
			keep(func(a, b option) int { return cmp.Compare(a.seat.level, b.seat.level) })
		}
	}
	return his[0], true
}

// deadline is the naive router's: the first back-off that could end waiting.
func (w *world) deadline(now engine.Millis) (engine.Millis, bool) {
	earliest := never
	for _, c := range w.inOrder() {
		for _, o := range w.candidates(c) {
			if until := o.work.NotBefore(o.agent.id); until > now {
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

// worldPools are the pools of a world, but for those of its single agents.
var worldPools = []poolName{
	{className{kindSkill, "billing"}, "voice"}, {className{kindSkill, "billing"}, "chat"},
	{className{kindSkill, "orders"}, "voice"}, {className{kindSkill, "orders"}, "chat"},
	{className{kindTarget, "level >= 3"}, "voice"}, {className{kindGroup, "orders"}, "chat"},
}

// poolOf is an agent's own.
func poolOf(id engine.AgentID) poolName {
	return poolName{className{kindAgent, string(id)}, "voice"}
}

var preferences = []usherv1.CallPreference{
	usherv1.CallPreference_CALL_PREFERENCE_UNSPECIFIED,
	usherv1.CallPreference_CALL_PREFERENCE_SKILL_LEVEL,
	usherv1.CallPreference_CALL_PREFERENCE_GREATEST_NEED,
	usherv1.CallPreference_CALL_PREFERENCE_PERCENT_ALLOCATION,
}

func someWorld(random *rand.Rand) *world {
	w := &world{agingMs: []engine.Millis{0, 0, 1, 1_000}[random.IntN(4)], refused: map[[2]string]bool{}}
	for n := range 1 + random.IntN(12) {
		a := &worldAgent{
			id: engine.AgentID(fmt.Sprintf("a%02d", n)), preference: preferences[random.IntN(4)],
			capacity: 1 + random.IntN(3), loggedIn: true,
		}
		a.sit(random)
		w.agents = append(w.agents, a)
	}
	return w
}

// sit gives an agent seats at random.
func (a *worldAgent) sit(random *rand.Rand) {
	a.seats = nil
	since := int64(random.IntN(5))
	for _, pool := range append(worldPools, poolOf(a.id)) {
		if random.IntN(3) > 0 {
			level := int32(1 + random.IntN(3))
			a.seats = append(a.seats, seatItem{
				pool: pool, available: random.IntN(2) == 0, level: level,
				order: [3]int64{int64(level) * int64(random.IntN(2)), since}, deficit: int64(random.IntN(3)),
			})
		}
	}
}
