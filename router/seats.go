package router

import (
	"slices"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
)

// From the engine's agents to seats.

// seating is where an agent sits. In which pools follows from his configuration
// and his media types, so that expressions of targets are asked once; the rest
// changes with what he does.
type seating struct {
	agent *engine.Agent
	media []engine.MediaName
	seats []seatItem
	of    []seatOf // of the seats
}

// seatOf is what does not change of a seat.
type seatOf struct {
	selection usherv1.AgentSelection
	skill     string // that it is of; empty for none
	percent   int32  // of it that he is to get
	rules     string // the skill whose multiple call handling can keep him from more; empty for none
}

// updateAgent gives an agent his seats as they are now.
func (r *Router) updateAgent(a *engine.Agent) {
	switch present := r.engine.Agent(a.ID()); {
	case present == nil:
		delete(r.seated, a.ID())
		r.index.dropAgent(a.ID())
		r.resting.update(a)
		return
	case present != a:
		return // he has logged out and in again, and is named himself
	}
	s, media := r.seated[a.ID()], a.Media()
	if s == nil || s.agent != a || !slices.Equal(s.media, media) {
		s = r.seat(a, media)
		r.seated[a.ID()] = s
	}
	s.update()
	r.resting.update(a)
	r.index.setAgent(agentItem{id: a.ID(), preference: a.Configured().GetCallPreference(), seats: s.seats})
}

// seat gives an agent seats in the pools that he belongs to.
func (r *Router) seat(a *engine.Agent, media []engine.MediaName) *seating {
	s := &seating{agent: a, media: media}
	for _, m := range media {
		sit := func(class className, level int32, of seatOf) {
			s.seats = append(s.seats, seatItem{pool: poolName{class, m}, level: level})
			s.of = append(s.of, of)
		}
		for _, g := range a.Groups() {
			sit(className{kindGroup, string(g)}, 0, seatOf{})
		}
		for _, his := range a.Configured().GetSkills() {
			name := his.GetSkill()
			sit(className{kindSkill, name}, max(his.GetLevel(), 1), seatOf{
				selection: r.engine.Skill(name).GetAgentSelection(), skill: name, percent: his.GetPercent(), rules: r.rulesOf(name),
			})
		}
		for k := range r.targets {
			t := &r.targets[k]
			if t.fits(a.Configured()) {
				of := seatOf{}
				if t.class.kind == kindTargetLOA {
					of.selection = usherv1.AgentSelection_AGENT_SELECTION_UCD_LOA
				}
				sit(t.class, 0, of)
			}
		}
		for _, rules := range r.allRules(a.Configured()) {
			sit(agentClass(string(a.ID()), rules), 0, seatOf{rules: rules})
		}
	}
	return s
}

// allRules are the rules by which an agent may get something himself, directly
// or preferred: none, and those of his skills that have some.
func (r *Router) allRules(a *usherv1.Agent) []string {
	all := []string{""}
	add := func(skill string) {
		if rules := r.rulesOf(skill); !slices.Contains(all, rules) {
			all = append(all, rules)
		}
	}
	add(a.GetDirectAgentSkill())
	for _, s := range a.GetSkills() {
		add(s.GetSkill())
	}
	return all
}

// rulesOf is a skill if its multiple call handling can keep agents from more.
func (r *Router) rulesOf(skill string) string {
	if r.engine.Limits(skill) {
		return skill
	}
	return ""
}

// update brings the seats up to what the agent does now.
func (s *seating) update() {
	a := s.agent
	shares := a.Configured().GetCallPreference() == usherv1.CallPreference_CALL_PREFERENCE_PERCENT_ALLOCATION
	available, works := false, false
	for k := range s.seats {
		seat, of := &s.seats[k], &s.of[k]
		if media := seat.pool.media; k == 0 || media != s.seats[k-1].pool.media {
			available, works = a.Available(media), a.Works(media)
		}
		seat.works = works
		seat.available = available && (of.rules == "" || a.AllowsAnother(of.rules))
		seat.order = selection(of.selection, seat.level, a)
		if shares && of.skill != "" {
			ofSkill, all := a.Delivered(of.skill)
			seat.deficit = deficit(of.percent, ofSkill, all)
		}
	}
}

// selection is the key by which a skill selects among free agents.
func selection(s usherv1.AgentSelection, level int32, a *engine.Agent) [3]int64 {
	key := [3]int64{0, int64(a.IdleSince()), 0}
	if byOccupation(s) {
		key = [3]int64{0, a.Occupancy(), int64(a.IdleSince())}
	}
	if byLevel(s) {
		key[0] = int64(level)
	}
	return key
}

// deficit is how far an agent is below his share of a skill, in millionths.
func deficit(percent int32, ofSkill, all int64) int64 {
	if all == 0 {
		return int64(percent) * 10_000
	}
	return int64(percent)*10_000 - ofSkill*1_000_000/all
}
