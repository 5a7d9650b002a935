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

// capacityLeft is how many interactions of the media type may still come;
// negative when he has more than that, by pulls or a lowered capacity.
func (a *Agent) capacityLeft(media MediaName) int {
	c := a.engine.config
	rule := c.capacityRule(a.config, a.place)
	if rule == nil {
		return c.capacity(a.config, media) - a.has(media)
	}
	left := -a.has(media)
	for _, alternative := range rule.GetAnyOf() {
		if a.fits(alternative) {
			left = max(left, int(alternative.GetMedia()[string(media)])-a.has(media))
		}
	}
	return left
}

// has counts his interactions and invitations of a media type.
func (a *Agent) has(media MediaName) (n int) {
	for _, i := range a.handling {
		if i.MediaType() == media {
			n++
		}
	}
	for _, inv := range a.invitations {
		if inv.interaction.MediaType() == media {
			n++
		}
	}
	return n
}

// fits tells whether an alternative allows all that he has.
func (a *Agent) fits(alternative *usherv1.CapacityAlternative) bool {
	allows := func(media MediaName) bool { return a.has(media) <= int(alternative.GetMedia()[string(media)]) }
	for _, i := range a.handling {
		if !allows(i.MediaType()) {
			return false
		}
	}
	for _, inv := range a.invitations {
		if !allows(inv.interaction.MediaType()) {
			return false
		}
	}
	return true
}
