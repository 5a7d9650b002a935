package engine

import (
	"slices"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// Whose workbin a request means, and who may look into it (models.md 9).

// usableWorkbin finds the workbin that an agent's request names, and refuses
// it if he may not look into it. Placing something in another's workbin is no
// such use.
func (e *Engine) usableWorkbin(named *usherv1.Workbin, asker *Agent) (*usherv1.Workbin, refusal) {
	w, why := e.workbinOwner(named, asker)
	if why != nil {
		return nil, why
	}
	if !e.config.mayUse(e.config.workbins[w.Name], w.Owner, asker.config, asker.place) {
		return nil, refuse(errPermissionDenied, "agent %q may not use workbin %q of %q", asker.id, w.Name, w.Owner)
	}
	return w, nil
}

// workbinOwner finds the workbin that a request names, with its owner. A
// router, with asker nil, has none of its own and must name the owner.
func (e *Engine) workbinOwner(w *usherv1.Workbin, asker *Agent) (*usherv1.Workbin, refusal) {
	c := e.config
	workbin := c.workbins[w.GetName()]
	if workbin == nil {
		return nil, refuse(errUnknownWorkbin, "there is no workbin %.128q", w.GetName())
	}
	kind := ownerKinds[workbin.GetOwnerKind()]
	owner := w.GetOwner()
	if owner == "" && asker == nil {
		return nil, refuse(errUnknownWorkbin, "workbin %q: owner is missing: name the %s", w.GetName(), kind)
	}
	if owner == "" {
		if owner = c.ownOwner(workbin, asker); owner == "" {
			return nil, refuse(errUnknownWorkbin, "workbin %q: agent %q has no %s of his own", w.GetName(), asker.id, kind)
		}
	}
	if !kindNamed(kind).has(c, owner) {
		return nil, refuse(errUnknownWorkbin, "workbin %q: there is no %s %.128q", w.GetName(), kind, owner)
	}
	return &usherv1.Workbin{Name: w.GetName(), Owner: owner}, nil
}

// ownOwner is whose workbin the agent means if he names no owner: himself, his
// place, his first group, or the first group of places that holds his.
func (c *configuration) ownOwner(workbin *usherv1.WorkbinType, a *Agent) string {
	switch workbin.GetOwnerKind() {
	case usherv1.OwnerKind_OWNER_KIND_AGENT:
		return string(a.id)
	case usherv1.OwnerKind_OWNER_KIND_AGENT_GROUP:
		if groups := a.config.GetAgentGroups(); len(groups) > 0 {
			return groups[0]
		}
	case usherv1.OwnerKind_OWNER_KIND_PLACE:
		return a.place
	case usherv1.OwnerKind_OWNER_KIND_PLACE_GROUP:
		for _, name := range sortedKeys(c.placeGroups) {
			if slices.Contains(c.placeGroups[name].GetPlaces(), a.place) {
				return name
			}
		}
	}
	return ""
}

// mayUse tells whether an agent at a place may use an owner's workbin: his
// own, his groups', his place's; a supervisor every one.
func (c *configuration) mayUse(workbin *usherv1.WorkbinType, owner string, a *usherv1.Agent, place string) bool {
	if a.GetSupervisor() {
		return true
	}
	switch workbin.GetOwnerKind() {
	case usherv1.OwnerKind_OWNER_KIND_AGENT:
		return a.GetAgentId() == owner
	case usherv1.OwnerKind_OWNER_KIND_AGENT_GROUP:
		return slices.Contains(a.GetAgentGroups(), owner)
	case usherv1.OwnerKind_OWNER_KIND_PLACE:
		return place == owner
	case usherv1.OwnerKind_OWNER_KIND_PLACE_GROUP:
		return slices.Contains(c.placeGroups[owner].GetPlaces(), place)
	}
	return false
}
