package vector

import (
	"slices"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// routeTo leads to another place, or to one agent. With cov has no effect: it
// is for voice.
func (r *run) routeTo(a RouteTo) course {
	if !r.holds(a.If) {
		return proceed
	}
	switch a.To {
	case ToNumber:
		return r.routeToNumber(a.Name)
	case ToDigits:
		return r.routeToNumber(r.state.GetDigits())
	case ToQueue:
		return r.route(ToQueue, a.Name, "", r.world.QueueKnown(a.Name))
	case ToVdn:
		return r.route(ToVdn, a.Name, "", r.world.VdnKnown(a.Name))
	case ToWorkbin:
		return r.route(ToWorkbin, a.Name, a.Owner, r.world.WorkbinKnown(a.Name, a.Owner))
	}
	return r.routeToAgent(a.Name)
}

// routeToNumber leads to a VDN or an agent.
func (r *run) routeToNumber(number string) course {
	if r.world.VdnKnown(number) {
		return r.route(ToVdn, number, "", true)
	}
	return r.routeToAgent(number)
}

// route leaves for a place that is known.
func (r *run) route(to RouteKind, name, owner string, known bool) course {
	if !known {
		return proceed
	}
	return r.end(Outcome{Kind: Routed, To: to, Name: name, Owner: owner})
}

// routeToAgent waits for one agent only, ahead of what his skills bring, and
// executes nothing more.
func (r *run) routeToAgent(agent string) course {
	if !r.world.AgentKnown(agent) {
		return proceed
	}
	r.state.Queueings = []*usherv1.Queueing{{
		Agent: agent, Priority: usherv1.VectorPriority_VECTOR_PRIORITY_TOP, QueuedAtMs: r.world.NowMs(),
	}}
	r.state.Ended = true
	return stay
}

// askAdjunct asks a router; several may be asked at once.
func (r *run) askAdjunct(link string) course {
	if r.world.LinkUp(link) && !slices.Contains(r.state.GetAdjuncts(), link) {
		r.state.Adjuncts = append(r.state.Adjuncts, link)
	}
	return proceed
}

// cancelsAdjuncts tells whether a step takes back what routers were asked,
// even if the step fails.
func cancelsAdjuncts(a Action) bool {
	switch a.(type) {
	case Busy, Check, QueueTo, Collect, ConverseOn, Disconnect, Messaging, RouteTo:
		return true
	}
	return false
}
