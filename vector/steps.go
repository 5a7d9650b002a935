package vector

import (
	"slices"
	"strings"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/expression"
)

func (n queueToNode) action(r *reader) Action {
	to := r.ranked(n.To)
	return QueueTo{to.place, to.priority, r.preference(n.Preferring)}
}

func (r *reader) preference(n *preferenceNode) *Preference {
	if n == nil {
		return nil
	}
	p := &Preference{LastAgent: !isMissing(n.LastAgent), For: r.span(n.For, "the time of preferring", second, maxPreferring)}
	if !isMissing(n.Expression) {
		p.Expression = r.compile(n.Expression, expression.Compile)
	} else if !p.LastAgent {
		p.Agent = r.name(n.Agent)
	}
	return p
}

func (n checkNode) action(r *reader) Action {
	to := r.ranked(n.To)
	return Check{to.place, to.priority, r.condition(&n.If, to)}
}

func (n gotoNode) action(r *reader) Action {
	if isMissing(n.Vector) {
		return GotoStep{int(r.number(n.Step, "a step", 1, maxSteps)), r.condition(n.If, ranked{})}
	}
	return GotoVector{r.vector(n.Vector), int(r.number(n.At, "a step", 1, maxSteps)), r.condition(n.If, ranked{})}
}

func (returnNode) action(*reader) Action { return Return{} }

func (n waitTimeNode) action(r *reader) Action {
	wait := WaitTime{For: r.span(n.For, "wait-time", 0, maxWait)}
	switch {
	case is(n.Hearing, "silence"):
		wait.Hearing = usherv1.TreatmentKind_TREATMENT_KIND_SILENCE
	case is(n.Hearing, "ringback"):
		wait.Hearing = usherv1.TreatmentKind_TREATMENT_KIND_RINGBACK
	case is(n.Hearing, "music"):
		wait.Hearing = usherv1.TreatmentKind_TREATMENT_KIND_MUSIC
	default:
		wait.Hearing, wait.Source = usherv1.TreatmentKind_TREATMENT_KIND_SOURCE, r.name(n.Hearing)
	}
	return wait
}

func (n announceNode) action(r *reader) Action { return Announce{r.name(n.Source)} }

func (n collectNode) action(r *reader) Action {
	return Collect{int(r.number(n.Digits, "the count of digits", 1, maxDigits)), r.nameOr(n.After, "none")}
}

// routeKinds are the words of the destinations.
var routeKinds = []string{ToNumber: "number", ToDigits: "digits", ToQueue: "queue", ToVdn: "vdn", ToWorkbin: "workbin", ToAgent: "agent"}

func (n routeToNode) action(r *reader) Action {
	route := RouteTo{
		To: RouteKind(slices.Index(routeKinds, strings.ToLower(n.To.Value))), Name: r.name(n.Name), Owner: r.name(n.Owner),
		If: r.condition(n.If, ranked{}), At: r.at(n.To.Pos),
	}
	if route.Owner != "" && route.To != ToWorkbin {
		r.failAt(n.Owner.Pos, "", "only a workbin has an owner")
	}
	if !isMissing(n.Cov) {
		with := is(n.Cov, "y") || is(n.Cov, "yes")
		route.WithCov = &with
	}
	return route
}

func (n adjunctNode) action(r *reader) Action { return AdjunctRouting{r.name(n.Link)} }

func (n converseOnNode) action(r *reader) Action {
	converse := ConverseOn{Place: r.place(n.Place), Priority: r.priority(n.Priority)}
	for _, t := range []token{n.First, n.Second} {
		if isMissing(t) {
			t.Value = nothing
		}
		converse.Passing = append(converse.Passing, r.passed(t))
	}
	for last := 1; last >= 0 && converse.Passing[last] == nothing; last-- {
		converse.Passing = converse.Passing[:last]
	}
	return converse
}

// nothing is what is passed where nothing is.
const nothing = "none"

// passedWords are what else can be passed than a text.
var passedWords = []string{nothing, "digits", "ani", "vdn", "wait", "qpos"}

func (r *reader) passed(t token) string {
	for _, word := range passedWords {
		if is(t, word) {
			return word
		}
	}
	return r.name(t)
}

func (n messagingNode) action(r *reader) Action { return Messaging{r.place(n.Place), r.name(n.For)} }

func (n considerNode) action(r *reader) Action {
	return Consider{r.place(n.Place), r.priority(n.Priority), int(r.number(n.AdjustBy, "adjust-by", 0, maxAdjustBy))}
}

func (n setNode) action(r *reader) Action {
	return Set{r.variable(n.Variable), r.compile(n.To, expression.Compile)}
}

func (n callServiceNode) action(r *reader) Action {
	call := CallService{Service: r.name(n.Service), Type: r.name(n.Type), Method: r.name(n.Method)}
	if !isMissing(n.With) {
		call.With = r.compile(n.With, expression.Compile)
	}
	call.Within = r.span(n.Within, "the time of call-service", second, maxServiceCall)
	return call
}

func (busyNode) action(*reader) Action { return Busy{} }

func (n disconnectNode) action(r *reader) Action { return Disconnect{r.nameOr(n.After, "none")} }

func (stopNode) action(*reader) Action { return Stop{} }
