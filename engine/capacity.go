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
	var few [8]mediaCount // most have no more media, and so nothing is allocated
	c, has := a.engine.config, a.countMedia(few[:0], more)
	rule := c.capacityRule(a.config, a.place)
	if rule == nil {
		return c.capacity(a.config, media) - has.of(media)
	}
	left := -has.of(media)
	for _, alternative := range rule.GetAnyOf() {
		if has.fits(alternative) {
			left = max(left, int(alternative.GetMedia()[string(media)])-has.of(media))
		}
	}
	return left
}

// mediaCounts is how many interactions of which media somebody has.
type mediaCounts []mediaCount

type mediaCount struct {
	media MediaName
	n     int
}

// countMedia counts what he handles, what he is invited to, and more.
func (a *Agent) countMedia(counts mediaCounts, more []*Interaction) mediaCounts {
	for _, i := range a.handling {
		counts = counts.add(i.MediaType())
	}
	for _, inv := range a.invitations {
		counts = counts.add(inv.interaction.MediaType())
	}
	for _, i := range more {
		counts = counts.add(i.MediaType())
	}
	return counts
}

func (c mediaCounts) add(media MediaName) mediaCounts {
	for k := range c {
		if c[k].media == media {
			c[k].n++
			return c
		}
	}
	return append(c, mediaCount{media, 1})
}

func (c mediaCounts) of(media MediaName) int {
	for k := range c {
		if c[k].media == media {
			return c[k].n
		}
	}
	return 0
}

// fits tells whether an alternative allows all of it.
func (c mediaCounts) fits(alternative *usherv1.CapacityAlternative) bool {
	for k := range c {
		if c[k].n > int(alternative.GetMedia()[string(c[k].media)]) {
			return false
		}
	}
	return true
}
