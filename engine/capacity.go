package engine

import (
	"cmp"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// Capacity: how many interactions of which media an agent may have at once
// (models.md, "Views, capacity, business process"). A capacity rule goes
// before the numbers of agent and media type; the agent's own before that of
// his place, that before the tenant's.

// capacityRule is the rule that binds an agent, or nil.
func (c *configuration) capacityRule(a *usherv1.Agent, place string) *usherv1.CapacityRule {
	name := cmp.Or(a.GetCapacityRule(), c.places[place].GetCapacityRule(), c.options.GetCapacityRule())
	return c.capacityRules[name]
}

// most is how many interactions of a media type an agent may have who has
// nothing else.
func (c *configuration) most(a *usherv1.Agent, place string, media MediaName) int {
	rule := c.capacityRule(a, place)
	if rule == nil {
		return c.capacity(a, media)
	}
	most := 0
	for _, alternative := range rule.GetAnyOf() {
		most = max(most, int(alternative.GetMedia()[string(media)]))
	}
	return most
}

// capacityLeft is how many interactions of the media type may still come;
// negative when he has more than that, by pulls or a lowered capacity.
func (a *Agent) capacityLeft(media MediaName) int { return a.capacityLeftBeside(media, nil) }

// capacityLeftBeside is capacityLeft when more interactions have come.
func (a *Agent) capacityLeftBeside(media MediaName, more []*Interaction) int {
	c, has := a.engine.config, a.has(media, more)
	rule := c.capacityRule(a.config, a.place)
	if rule == nil {
		return c.capacity(a.config, media) - has
	}
	left := -has
	for _, alternative := range rule.GetAnyOf() {
		if a.fits(alternative, more) {
			left = max(left, int(alternative.GetMedia()[string(media)])-has)
		}
	}
	return left
}

// has counts his interactions and invitations of a media type, and more ones.
func (a *Agent) has(media MediaName, more []*Interaction) (n int) {
	for i := range a.eachBeside(more) {
		if i.MediaType() == media {
			n++
		}
	}
	return n
}

// fits tells whether an alternative allows all that he has, and more.
func (a *Agent) fits(alternative *usherv1.CapacityAlternative, more []*Interaction) bool {
	for i := range a.eachBeside(more) {
		if a.has(i.MediaType(), more) > int(alternative.GetMedia()[i.props.MediaType]) {
			return false
		}
	}
	return true
}

// eachBeside gives what he handles, what he is invited to, and more.
func (a *Agent) eachBeside(more []*Interaction) func(yield func(*Interaction) bool) {
	return func(yield func(*Interaction) bool) {
		for _, i := range a.handling {
			if !yield(i) {
				return
			}
		}
		for _, inv := range a.invitations {
			if !yield(inv.interaction) {
				return
			}
		}
		for _, i := range more {
			if !yield(i) {
				return
			}
		}
	}
}
