package engine

import (
	"cmp"
	"slices"

	"github.com/usher-cc/usher/estimate"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// What expected waits and average speeds of answer are made of (telephony.md,
// "Vectors"): measured when agents accept and when interactions end.

// serviceKey names those who serve interactions of a media type: a skill,
// target or group; or a VDN, of which only the speed of answer is measured.
type serviceKey struct{ kind, name, media string }

// The kinds of services, as ServedPlace names them.
const (
	ServedSkill  = "skill"
	ServedTarget = "target"
	ServedGroup  = "group"
	ServedAgent  = "agent"
	servedVdn    = "vdn"
)

// Service is what was measured of those who serve a skill, target or group for
// a media type.
func (e *Engine) Service(kind, name string, media MediaName) *estimate.Service {
	if s := e.services[serviceKey{kind, name, string(media)}]; s != nil {
		return s
	}
	return &estimate.Service{}
}

// AnswerOfVdnMs is the average speed of answer of a VDN.
func (e *Engine) AnswerOfVdnMs(vdn string) int64 {
	return e.Service(servedVdn, vdn, "").AverageAnswerMs()
}

// CallsOfVdn counts the live interactions that came through a VDN.
func (e *Engine) CallsOfVdn(vdn string) int { return e.calls[vdn] }

func (e *Engine) service(key serviceKey) *estimate.Service {
	s := e.services[key]
	if s == nil {
		s = &estimate.Service{}
		e.services[key] = s
	}
	return s
}

// invitedBy is what an agent was asked by an invitation; nil for no ticket.
func (e *Engine) invitedBy(i *Interaction, ticket Ticket) *invitation {
	for _, inv := range i.invitations {
		if inv.ticket == ticket {
			return inv
		}
	}
	return nil
}

// foldAnswered measures how long an interaction waited that an agent accepts.
// All is known from the interaction, so that a state loaded from a snapshot
// measures the same.
func (e *Engine) foldAnswered(i *Interaction, inv *invitation, at Millis) {
	if inv == nil || !inv.routed() {
		return
	}
	if i.props.Vdn != "" {
		waited := int64(at - i.MovedToQueueAt())
		e.service(serviceKey{servedVdn, i.props.Vdn, ""}).Answered(int64(at), waited, 0, 0, 0, 0, false)
	}
	served := inv.invited.Served
	e.foldLeft(i, served, at)
	if served == nil || served.Kind == ServedAgent {
		return
	}
	i.served = served
	key := serviceKey{served.Kind, served.Name, i.props.MediaType}
	since, backlog := i.MovedToQueueAt(), served.Waiting > 0
	for _, q := range i.vector.GetQueueings() {
		if of, _ := serviceOf(q, i.props.MediaType); of == key {
			since, backlog = Millis(q.QueuedAtMs), e.waiting[key] > 1
		}
	}
	waited := int64(at - since)
	e.service(key).Answered(int64(at), waited, waited-served.WaitedMs, int(served.Staffed), int(served.Working), served.Rank, backlog)
}

// foldLeft measures how long an interaction waited in vain that leaves the
// places where it waits; served is where it did not.
func (e *Engine) foldLeft(i *Interaction, served *usherv1.ServedPlace, at Millis) {
	for _, q := range i.vector.GetQueueings() {
		key, counts := serviceOf(q, i.props.MediaType)
		if counts && (key.kind != served.GetKind() || key.name != served.GetName()) {
			e.service(key).Gone(int64(at), int64(at)-q.QueuedAtMs, e.waiting[key] > 1)
		}
	}
	if i.strategy == LongestIdle && served.GetKind() != ServedGroup {
		key := serviceKey{ServedGroup, string(e.GroupOf(i.Queue())), i.props.MediaType}
		e.service(key).Gone(int64(at), int64(at-i.MovedToQueueAt()), e.queue(i.Queue()).routing.Len() > 1)
	}
}

// serviceOf names those who serve where an interaction is queued; false for
// one agent.
func serviceOf(q *usherv1.Queueing, media string) (key serviceKey, counts bool) {
	if q.Target != "" {
		return serviceKey{ServedTarget, q.Target, media}, true
	}
	return serviceKey{ServedSkill, q.Skill, media}, q.Skill != ""
}

// countDirect counts an interaction among those for one agent directly.
func (e *Engine) countDirect(state *usherv1.VectorState, n int) {
	for _, q := range state.GetQueueings() {
		if id := AgentID(q.Agent); id != "" {
			if e.direct[id] += n; e.direct[id] == 0 {
				delete(e.direct, id)
			}
		}
	}
}

// countWaiting counts an interaction in or out where it is queued; while
// somebody is invited to it, it does not count.
func (e *Engine) countWaiting(i *Interaction, state *usherv1.VectorState, n int) {
	if len(i.invitations) > 0 {
		return
	}
	for _, q := range state.GetQueueings() {
		if key, counts := serviceOf(q, i.props.MediaType); counts {
			if e.waiting[key] += n; e.waiting[key] == 0 {
				delete(e.waiting, key)
			}
		}
	}
}

// foldHandled measures how long an agent had an interaction that was delivered
// to him.
func (e *Engine) foldHandled(i *Interaction, p *party, at Millis) {
	if served := i.served; served != nil && p.info.Operation == opRoute {
		e.service(serviceKey{served.Kind, served.Name, i.props.MediaType}).Handled(int64(at) - p.info.SinceMs)
		i.served = nil
	}
}

// setVdn counts an interaction among those of a VDN.
func (e *Engine) setVdn(i *Interaction, vdn string) {
	if former := i.props.Vdn; former != "" {
		if e.calls[former]--; e.calls[former] == 0 {
			delete(e.calls, former)
		}
	}
	i.props.Vdn = vdn
	if vdn != "" {
		e.calls[vdn]++
	}
}

func (e *Engine) exportServices() []*usherv1.ServiceStatistics {
	all := make([]*usherv1.ServiceStatistics, 0, len(e.services))
	for key, s := range e.services {
		saved := s.Export()
		saved.Kind, saved.Name, saved.MediaType = key.kind, key.name, key.media
		all = append(all, saved)
	}
	slices.SortFunc(all, func(a, b *usherv1.ServiceStatistics) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name), cmp.Compare(a.MediaType, b.MediaType))
	})
	return all
}

func (e *Engine) loadServices(saved []*usherv1.ServiceStatistics) {
	for _, s := range saved {
		loaded := estimate.Load(s)
		e.services[serviceKey{s.Kind, s.Name, s.MediaType}] = &loaded
	}
}
