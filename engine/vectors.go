package engine

import (
	"cmp"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/usher-cc/usher/vector"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// Vectors (telephony.md, "Vectors"). The built-in router runs them; here is
// where each interaction is in its vector. Steps are not recorded, only where
// a vector suspends:
//
//	router > engine  Suspend
//	    fact      VectorSuspended
//	    ixn > urs    EventRouteRequest          a new adjunct routing
//	    ixn > urs    EventAbandoned             one that ended
//	    ixn > media  EventTreatmentApplied      if what the caller is given changed
//	    ixn > svc    Request3rdServer           a new call of an external service
//
// The place in the vector stays while the interaction is invited, rejected,
// held or returned to its queue; it is gone when the interaction reaches an
// agent or leaves the queue.

// reasonRouteEnd is why an adjunct request ends without having been used.
const reasonRouteEnd = "RouteEnd"

// Suspend says where an interaction is in its vector. Only the built-in
// router sends it.
type Suspend struct {
	InteractionID InteractionID
	State         *usherv1.VectorState
}

// GetInteractionId is the interaction concerned.
func (s *Suspend) GetInteractionId() string { return string(s.InteractionID) }

// vectorKey names a vector as it was applied.
type vectorKey struct {
	name    string
	version uint64
}

// vectorVersion is a vector as it was applied. It is kept while it is the
// present one, or some interaction is in it.
type vectorVersion struct {
	key     vectorKey
	text    *usherv1.Vector
	parsed  *vector.Vector
	present bool
	users   int
}

func (e *Engine) suspend(s *Suspend) refusal {
	i, why := e.routedBy(string(s.InteractionID))
	if why != nil {
		return why
	}
	former := i.vector
	e.becomeSuspended(i, s.State, e.askAdjuncts(i, s.State))
	e.applyTreatment(i, former)
	if call := s.State.ServiceCall; call != nil && !call.Answered && !proto.Equal(call, former.GetServiceCall()) {
		e.callService(i, call)
	}
	return nil
}

// becomeSuspended records where an interaction is in its vector.
func (e *Engine) becomeSuspended(i *Interaction, state *usherv1.VectorState, adjuncts []*usherv1.AdjunctRequest) {
	e.fact(&usherv1.Fact{Fact: &usherv1.Fact_VectorSuspended{VectorSuspended: &usherv1.VectorSuspended{
		InteractionId: i.props.InteractionId, State: state, Adjuncts: adjuncts,
	}}})
}

// askAdjuncts asks the routers of new links, and tells those of ended ones;
// it gives the requests that are open then.
func (e *Engine) askAdjuncts(i *Interaction, state *usherv1.VectorState) []*usherv1.AdjunctRequest {
	var open []*usherv1.AdjunctRequest
	for _, asked := range i.adjuncts {
		if slices.Contains(state.Adjuncts, asked.Link) {
			open = append(open, asked)
		} else {
			e.abandon(i, routerParticipant(asked.Router), reasonRouteEnd)
		}
	}
	links := state.Adjuncts
	state.Adjuncts = nil
	for _, link := range links {
		known := slices.ContainsFunc(open, func(a *usherv1.AdjunctRequest) bool { return a.Link == link })
		if router, up := e.pickRouter(link, BuiltinRouter); !known && up {
			open = append(open, &usherv1.AdjunctRequest{Link: link, Router: router.ID})
			e.routeRequest(i, router, link, true)
			known = true
		}
		if known {
			state.Adjuncts = append(state.Adjuncts, link)
		}
	}
	return open
}

// endAdjuncts ends the open adjunct requests of an interaction, because one
// was answered or the interaction goes elsewhere. The asker knows it by his
// answer.
func (e *Engine) endAdjuncts(i *Interaction) {
	if len(i.adjuncts) == 0 {
		return
	}
	for _, asked := range i.adjuncts {
		if router := routerParticipant(asked.Router); router != e.from {
			e.abandon(i, router, reasonRouteEnd)
		}
	}
	state := proto.CloneOf(i.vector)
	if state != nil {
		state.Adjuncts = nil
		if waitsForNothing(state) {
			state.ResumeAtMs = int64(e.now) // should it come back
		}
	}
	e.becomeSuspended(i, state, nil)
}

// waitsForNothing tells whether a vector has not ended and nothing is there
// that would let it go on.
func waitsForNothing(state *usherv1.VectorState) bool {
	call := state.ServiceCall
	return !state.Ended && state.ResumeAtMs == 0 && !state.Conversing && len(state.Adjuncts) == 0 && (call == nil || call.Answered)
}

// unask ends the open adjunct requests to a router that is gone. If none is
// left the vector goes on at once: there is nothing to wait for.
func (e *Engine) unask(i *Interaction, router Participant) {
	state := proto.CloneOf(i.vector)
	state.Adjuncts = nil
	var open []*usherv1.AdjunctRequest
	for _, asked := range i.adjuncts {
		if routerParticipant(asked.Router) != router {
			open = append(open, asked)
			state.Adjuncts = append(state.Adjuncts, asked.Link)
		}
	}
	if len(open) == 0 && !state.Ended {
		state.ResumeAtMs = int64(e.now)
	}
	e.becomeSuspended(i, state, open)
}

// askedAsAdjunct tells whether a router has an open adjunct request.
func (i *Interaction) askedAsAdjunct(router Participant) bool {
	return slices.ContainsFunc(i.adjuncts, func(a *usherv1.AdjunctRequest) bool { return routerParticipant(a.Router) == router })
}

// applyTreatment tells the media server what the caller is given, if it
// changed.
func (e *Engine) applyTreatment(i *Interaction, former *usherv1.VectorState) {
	treatment := i.vector.GetTreatment()
	owner := e.owner(i)
	if owner == nil || !owner.registration.NotifyTreatments || proto.Equal(treatment, former.GetTreatment()) {
		return
	}
	ev := e.about(i)
	ev.Message = &usherv1.Event_EventTreatmentApplied{EventTreatmentApplied: &usherv1.EventTreatmentApplied{
		Treatment: treatment, Text: e.config.announcements[treatment.GetSource()].GetText(),
	}}
	e.tell(im, ev, owner.who)
}

// requeueUnanswered is RONA's part for the interaction: it waits in its skill
// at top priority, and its vector has ended. One that converses stays in its
// vector, and one for an agent directly stays his. The caller puts it back in
// its queue.
func (e *Engine) requeueUnanswered(i *Interaction, skill string) {
	state := proto.CloneOf(i.vector)
	top := &usherv1.Queueing{Skill: skill, QueuedAtMs: int64(e.now)}
	for _, q := range state.Queueings {
		switch {
		case q.Agent != "":
			return
		case q.Skill == skill:
			top = q
		}
	}
	top.Priority = usherv1.VectorPriority_VECTOR_PRIORITY_TOP
	if !state.Conversing {
		state.Queueings = []*usherv1.Queueing{top}
		state.Ended, state.ResumeAtMs, state.ServiceCall, state.Adjuncts = true, 0, nil, nil
	}
	e.becomeSuspended(i, state, nil)
}

// goOnWithout lets the vectors go on of those who wait for an agent directly
// who logs out.
func (e *Engine) goOnWithout(id AgentID) {
	if e.direct[id] == 0 {
		return
	}
	for i := range e.EachInteraction {
		queueings := i.vector.GetQueueings()
		if len(queueings) == 0 || queueings[0].Agent != string(id) {
			continue
		}
		state := proto.CloneOf(i.vector)
		state.Queueings, state.Ended, state.ResumeAtMs = nil, false, int64(e.now)
		e.becomeSuspended(i, state, nil)
	}
}

// leaveVector ends the vector of an interaction that is placed anew in the
// queue it came from; one that returns there goes on.
func (e *Engine) leaveVector(i *Interaction, to QueueName) {
	if i.vector != nil && to == i.formerQueue {
		e.becomeSuspended(i, nil, nil)
	}
}

// ---- folding ----

func (e *Engine) foldSuspended(m *usherv1.VectorSuspended) {
	i := e.interactions[InteractionID(m.InteractionId)]
	if i == nil {
		return
	}
	e.touchInteraction(i)
	e.setVector(i, m.State, m.Adjuncts)
}

// afterDelivery is where an interaction that has reached an agent is in its
// vector: in none, unless it converses with just him and comes back.
func afterDelivery(state *usherv1.VectorState, inv *invitation) *usherv1.VectorState {
	if !state.GetConversing() || len(state.Queueings) == 0 || inv == nil {
		return nil
	}
	with := state.Queueings[len(state.Queueings)-1] // converse-on queues last
	if with.Skill != inv.invited.Skill || with.Target != "" && with.Target != inv.invited.Served.GetName() {
		return nil
	}
	state = proto.CloneOf(state)
	state.ResumeAtMs = 1 // as soon as it is back
	return state
}

// foldLeftVector keeps the counts of a vector that leads elsewhere; the step
// that does counts, too.
func (i *Interaction) foldLeftVector() {
	if i.vector != nil {
		i.executed, i.sincePause = i.vector.Executed, i.vector.SincePause
	}
	i.executed++
	i.sincePause++
}

// setVector sets where an interaction is in its vector; nil for in none.
func (e *Engine) setVector(i *Interaction, state *usherv1.VectorState, adjuncts []*usherv1.AdjunctRequest) {
	former := i.vector
	i.vector, i.adjuncts = state, adjuncts
	e.countDirect(state, 1)
	e.countDirect(former, -1)
	e.countWaiting(i, state, 1)
	e.countWaiting(i, former, -1)
	e.useVectors(state, 1)
	e.useVectors(former, -1)
}

// endVectorless takes an interaction out of its vector if its queue runs none
// any more.
func (e *Engine) endVectorless(i *Interaction) {
	if i.props.State == stateQueued && e.config.queues[i.props.Queue].GetStrategy() != Vectored {
		e.setVector(i, nil, nil)
	}
}

// useVectors counts an interaction in or out of the vectors that it is in.
func (e *Engine) useVectors(state *usherv1.VectorState, n int) {
	if state == nil {
		return
	}
	e.useVector(vectorKey{state.Vector, state.Version}, n)
	for _, r := range state.Returns {
		e.useVector(vectorKey{r.Vector, r.Version}, n)
	}
}

func (e *Engine) useVector(key vectorKey, n int) {
	v := e.vectors[key]
	if v == nil {
		return
	}
	if v.users += n; v.users == 0 && !v.present {
		delete(e.vectors, key)
	}
}

// addVector takes in the present version of a vector.
func (e *Engine) addVector(text *usherv1.Vector, version uint64) {
	e.dropVector(text.Name)
	key, parsed := vectorKey{text.Name, version}, e.parsed[text]
	if parsed == nil {
		parsed = parsedVector(text)
	}
	e.vectors[key] = &vectorVersion{key: key, text: text, parsed: parsed, present: true}
	e.presentVectors[text.Name] = version
}

// dropVector makes the present version of a vector a former one.
func (e *Engine) dropVector(name string) {
	key := vectorKey{name, e.presentVectors[name]}
	delete(e.presentVectors, name)
	if v := e.vectors[key]; v != nil {
		v.present = false
		e.useVector(key, 0)
	}
}

// parsedVector parses a text that has been checked when it was applied. One
// that this version of the server refuses is as if it were gone.
func parsedVector(text *usherv1.Vector) *vector.Vector {
	parsed, _ := vector.Parse(text.Text)
	return parsed
}

// exportVectors gives the versions of the present vectors, and the former
// ones in which interactions are.
func (e *Engine) exportVectors() []*usherv1.VectorVersion {
	all := make([]*usherv1.VectorVersion, 0, len(e.vectors))
	for _, v := range e.vectors {
		saved := &usherv1.VectorVersion{Name: v.key.name, Version: v.key.version}
		if !v.present {
			saved.Text = v.text.Text
		}
		all = append(all, saved)
	}
	slices.SortFunc(all, func(a, b *usherv1.VectorVersion) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version))
	})
	return all
}

func (e *Engine) loadVectors(saved []*usherv1.VectorVersion) {
	for _, v := range saved {
		if v.Text == "" {
			e.addVector(e.config.vectors[v.Name], v.Version)
			continue
		}
		key, text := vectorKey{v.Name, v.Version}, &usherv1.Vector{Name: v.Name, Text: v.Text}
		e.vectors[key] = &vectorVersion{key: key, text: text, parsed: parsedVector(text)}
	}
}

// ---- what the router sees ----

// Vector is where the interaction is in its vector; nil if it is in none.
func (i *Interaction) Vector() *usherv1.VectorState { return i.vector }

// Executed is how many steps it executed in the vectors that it left, in all
// and since it last suspended.
func (i *Interaction) Executed() (all, sincePause int32) { return i.executed, i.sincePause }

// Vdn is the VDN through which it came to its queue; empty if none.
func (i *Interaction) Vdn() string { return i.props.Vdn }

// LastAgent is the agent who handled it last; empty if none.
func (i *Interaction) LastAgent() AgentID { return AgentID(i.props.LastAgent) }

// PresentVector is the present version of a vector; nil if there is none.
func (e *Engine) PresentVector(name string) (*vector.Vector, uint64) {
	version := e.presentVectors[name]
	return e.VectorAt(name, version), version
}

// VectorAt is a version of a vector; nil if there is none.
func (e *Engine) VectorAt(name string, version uint64) *vector.Vector {
	if v := e.vectors[vectorKey{name, version}]; v != nil {
		return v.parsed
	}
	return nil
}
