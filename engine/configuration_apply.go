package engine

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// A change of the configuration: all or nothing.

// difference is what differs between two configurations: for the answer, and
// for the journal.
type difference struct {
	changes []*usherv1.Change
	applied *usherv1.ConfigurationApplied
}

// apply changes the configuration, all or nothing, and says what differs;
// for a dry run it only says so.
func (e *Engine) apply(a Apply) refusal {
	r, present := a.Request, e.config
	if r.GetExpectedVersion() != 0 && r.GetExpectedVersion() != present.version {
		return refuse(errVersionMismatch, "the configuration has version %d, not %d", present.version, r.GetExpectedVersion())
	}
	next, why := present.with(r)
	if why == nil {
		why = present.check(next)
	}
	var warnings []string
	if why == nil {
		warnings, why = e.checkVectors(next)
	}
	if why != nil {
		return why
	}
	d := present.compare(next)
	if why := e.checkUnused(next, d); why != nil {
		return why
	}
	e.changes = &usherv1.ApplyConfigurationResponse{Changes: d.changes, Version: present.version, Warnings: warnings}
	if r.GetDryRun() || len(d.changes) == 0 {
		return nil
	}
	d.applied.Version, d.applied.Changes = present.version+1, abridged(d.changes)
	e.changes.Version = d.applied.Version
	e.changes.Sequence = uint64(e.next) + uint64(len(e.entries))
	e.record(Entry{Fact: &usherv1.Fact{Fact: &usherv1.Fact_ConfigurationApplied{ConfigurationApplied: d.applied}}})
	e.setLogoutTime()
	return nil
}

// maxChangeBytes is how much of what a field was and is goes to the journal, in
// words: the objects themselves are there.
const maxChangeBytes = 256

// abridged are changes as the journal keeps them: a vector's text, twice, is too
// long for a line that tells of it.
func abridged(changes []*usherv1.Change) []*usherv1.Change {
	short := make([]*usherv1.Change, len(changes))
	for n, c := range changes {
		short[n] = &usherv1.Change{Kind: c.Kind, Object: c.Object, Fields: slices.Clone(c.Fields)}
		for i, field := range short[n].Fields {
			if len(field) > maxChangeBytes {
				short[n].Fields[i] = strings.ToValidUTF8(field[:maxChangeBytes], "") + "..."
			}
		}
	}
	return short
}

// with is the configuration after a request.
func (c *configuration) with(r *usherv1.ApplyConfigurationRequest) (*configuration, refusal) {
	given := r.GetConfiguration()
	if given == nil {
		given = &usherv1.Configuration{}
	}
	next := c.copy()
	if o := given.GetOptions(); o != nil && !proto.Equal(o, c.options) {
		next.options = proto.CloneOf(o)
	}
	seen := map[objectKey]bool{}
	for _, k := range kinds {
		if why := k.merge(next, given, seen); why != nil {
			return nil, why
		}
	}
	if why := c.removeNamed(next, r.GetRemove(), seen); why != nil {
		return nil, why
	}
	if r.GetReplaceAll() {
		for _, k := range kinds {
			k.keepOnly(next, seen)
		}
	}
	return next, nil
}

// removeNamed takes out of next what a request names; given is what it gives.
func (c *configuration) removeNamed(next *configuration, names []*usherv1.ObjectName, given map[objectKey]bool) refusal {
	for n, o := range names {
		k := kindNamed(o.GetKind())
		switch {
		case k == nil:
			return refuse(errInvalidArgument, "remove: %.128q: kind is none of %s", o.GetKind(), kindNames())
		case given[objectKey{o.GetKind(), o.GetName()}]:
			return refuse(errInvalidArgument, "remove: %s %q is given too", o.GetKind(), o.GetName())
		case !k.has(c, o.GetName()):
			return refuse(errUnknownObject, "remove: there is no %s %.128q", o.GetKind(), o.GetName())
		case !k.has(next, o.GetName()):
			return refuse(errInvalidArgument, "remove: %s %q is named twice, again as number %d", o.GetKind(), o.GetName(), n+1)
		}
		k.remove(next, o.GetName())
	}
	return nil
}

func kindNames() string {
	names := make([]string, len(kinds))
	for n, k := range kinds {
		names[n] = k.called()
	}
	return strings.Join(names, ", ")
}

// check refuses a next configuration that does not hold together.
func (c *configuration) check(next *configuration) refusal {
	if next.options != c.options {
		if why := checkOptions(next); why != nil {
			return why
		}
	}
	if name := next.options.GetCapacityRule(); name != "" && next.capacityRules[name] == nil {
		return refuse(errInUse, "capacity_rule %q is in use: capacity_rule of the options has it", name)
	}
	// Only what is gone can make an object wrong that is as before.
	all := slices.ContainsFunc(kinds, func(k kind) bool { return k.loses(c, next) })
	for _, k := range kinds {
		if why := k.check(c, next, all); why != nil {
			return why
		}
	}
	for _, name := range sortedKeys(next.queues) {
		if view := next.views[next.queues[name].GetView()]; view != nil && view.GetQueue() != name {
			return refuse(errInvalidArgument, "queue %q: view %q is of queue %q", name, view.GetName(), view.GetQueue())
		}
	}
	return next.checkOnline()
}

// compare is the difference to a next configuration, in order of kind and
// name.
func (c *configuration) compare(next *configuration) *difference {
	d := &difference{applied: &usherv1.ConfigurationApplied{Configuration: &usherv1.Configuration{}}}
	if next.options != c.options {
		d.applied.Configuration.Options = next.options
		d.changes = append(d.changes, &usherv1.Change{
			Kind:   usherv1.ChangeKind_CHANGE_KIND_CHANGED,
			Object: &usherv1.ObjectName{Kind: "options"},
			Fields: changedFields(c.options, next.options),
		})
	}
	for _, k := range kinds {
		k.compare(c, next, d)
	}
	return d
}

// checkUnused refuses to remove what is in use. A workbin whose owners become
// of another kind loses its former owners' workbins, as if removed.
func (e *Engine) checkUnused(next *configuration, d *difference) refusal {
	gone := slices.Clone(d.applied.Removed)
	for _, w := range d.applied.Configuration.GetWorkbins() {
		if former := e.config.workbins[w.GetName()]; former != nil && former.GetOwnerKind() != w.GetOwnerKind() {
			gone = append(gone, &usherv1.ObjectName{Kind: "workbin", Name: w.GetName()})
		}
	}
	if len(gone) == 0 {
		return nil // no need to look at every interaction
	}
	used := e.uses()
	for _, o := range gone {
		if by, ok := used[objectKey{o.GetKind(), o.GetName()}]; ok {
			return refuse(errInUse, "%s %q is in use: %s", o.GetKind(), o.GetName(), by)
		}
	}
	return nil
}

// uses says of objects that agents and interactions need who needs them.
type uses map[objectKey]string

// add keeps the first user of an object; the sentence is made for it alone.
func (u uses) add(kind, name, sentence, by string) {
	key := objectKey{kind, name}
	if _, known := u[key]; !known && name != "" {
		u[key] = fmt.Sprintf(sentence, by)
	}
}

// uses looks at every logged-in agent and every live interaction. Who owns a
// workbin that is in use can't go either: nobody could reach it any more.
func (e *Engine) uses() uses {
	u := uses{}
	for a := range e.EachAgent {
		u.add("agent", string(a.id), "agent %q is logged in", string(a.id))
		u.add("place", a.place, "agent %q sits there", string(a.id))
		for _, m := range a.media {
			u.add("media_type", string(m.media), "agent %q is logged in with it", string(a.id))
		}
	}
	for _, id := range sortedKeys(e.serviceRequests) {
		open := e.serviceRequests[id]
		u.add("external_service", open.body().Service, "interaction %q waits for its answer", open.requested.InteractionId)
	}
	for i := range e.EachInteraction {
		id := i.props.InteractionId
		u.add("media_type", i.props.MediaType, "interaction %q is of it", id)
		u.add("vdn", i.props.Vdn, "interaction %q came through it", id)
		for _, q := range i.vector.GetQueueings() {
			u.add("skill", q.Skill, "interaction %q waits for it", id)
			u.add("target", q.Target, "interaction %q waits for it", id)
			u.add("agent", q.Agent, "interaction %q waits for him", id)
		}
		if i.props.State == stateQueued || i.props.State == stateRouting {
			u.add("queue", i.props.Queue, "interaction %q is in it", id)
		}
		u.add("queue", string(i.formerQueue), "it is the former location of interaction %q", id)
		e.addWorkbinUse(u, i.props.Workbin, "interaction %q is in it", id)
		e.addWorkbinUse(u, i.formerWorkbin, "it is the former location of interaction %q", id)
	}
	return u
}

func (e *Engine) addWorkbinUse(u uses, w *usherv1.Workbin, sentence, id string) {
	if w != nil {
		u.add("workbin", w.GetName(), sentence, id)
		u.add(ownerKinds[e.config.workbins[w.GetName()].GetOwnerKind()], w.GetOwner(), "of its workbin, "+sentence, id)
	}
}

// foldConfigurationApplied is the only place that changes the configuration.
func (e *Engine) foldConfigurationApplied(f *usherv1.ConfigurationApplied) {
	c := e.config
	former := map[QueueName]string{}
	for _, name := range sortedKeys(e.queues) {
		former[name] = c.queues[string(name)].GetStrategy()
	}
	c.load(f.GetConfiguration())
	for _, o := range f.GetRemoved() {
		kindNamed(o.GetKind()).remove(c, o.GetName())
		switch o.GetKind() {
		case "queue":
			delete(e.queues, QueueName(o.GetName()))
		case "vector":
			e.dropVector(o.GetName())
		}
	}
	c.version = f.GetVersion()
	for _, v := range f.GetConfiguration().GetVectors() {
		e.addVector(v, c.version)
	}
	e.parsed = nil
	e.setZone()
	e.setViews()

	for a := range e.EachAgent {
		a.config = c.agents[string(a.id)]
		e.touchAgent(a)
	}
	for i := range e.EachInteraction {
		e.endVectorless(i)
		e.touchInteraction(i)
	}
	for _, name := range sortedKeys(e.queues) {
		q := e.queues[name]
		q.restrategized = q.restrategized || former[name] != c.queues[string(name)].GetStrategy()
		e.serve(q)
	}
	e.endSubscriptions()
}

// endSubscriptions ends the subscriptions to workbins that are no more, or
// that the subscriber may no longer use.
func (e *Engine) endSubscriptions() {
	c := e.config
	maps.DeleteFunc(e.workbins, func(key workbinKey, w *workbin) bool {
		workbin := c.workbins[key.name]
		if workbin == nil || !kindNamed(ownerKinds[workbin.GetOwnerKind()]).has(c, key.owner) {
			return true
		}
		w.subscribers = slices.DeleteFunc(w.subscribers, func(id AgentID) bool {
			place := ""
			if a := e.agents[id]; a != nil {
				place = a.place
			}
			return !c.mayUse(workbin, key.owner, c.agents[string(id)], place)
		})
		return false
	})
}
