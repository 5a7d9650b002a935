package vector

import (
	"cmp"
	"fmt"
	"slices"
)

// Known is what there is that a vector may name.
type Known interface {
	HasSkill(name string) bool
	HasTarget(name string) bool
	// HasVector also tells how many steps a vector has.
	HasVector(name Name) (steps int, ok bool)
	HasVdn(name string) bool
	HasQueue(name string) bool
	// HasWorkbin is asked with an owner, or with an empty one.
	HasWorkbin(name, owner string) bool
	HasAgent(id string) bool
	HasTable(name string) bool
	HasHolidayTable(name string) bool
	HasTimetable(name string) bool
	// HasAnnouncement is asked for sources of music, too.
	HasAnnouncement(name string) bool
	HasService(name string) bool
	HasServiceType(name string) bool
	// Entries are the steps of a vector to which other vectors lead by @step.
	Entries(name Name) []int
}

// Check looks for what is wrong in a vector that could be read, by following
// its steps. That numbers are in their range Parse has seen to.
//
// Errors are:
//   - a vector without steps;
//   - a goto to a step that does not exist, here or in another vector;
//   - an unknown vector, skill, target, queue, VDN, workbin, table, service or
//     type of services;
//   - best where no way leads over a consider in this vector;
//   - a loop without a step that waits, if there is no way out of it.
//
// Warnings are:
//   - such a loop with a way out: a condition, or a step that may leave the
//     vector, as route-to, messaging and a goto to another vector;
//   - an unknown announcement or source, which is skipped, and an unknown agent
//     or number, of whom another system may know;
//   - steps that are never reached, as those after stop to which no goto leads,
//     unless another vector leads to them by @step;
//   - a fourth skill or target to queue to on one straight way, which is
//     skipped; a straight way begins with the first step or where a goto leads to,
//     and follows no goto that has a condition;
//   - collect, which fails at once where there is no voice.
//
// Steps that wait are wait-time but of 0, announcement if it is known, collect,
// converse-on and call-service; adjunct routing waits by the step behind it.
// A loop over another vector is not looked for. A step after a goto to
// another vector is reached, by return.
func (v *Vector) Check(k Known) Problems {
	c := &checker{vector: v, known: k}
	for _, s := range v.Steps {
		c.names(s)
	}
	f := newFlow(v)
	reached := f.reach(0)
	if len(v.Steps) > 0 {
		reached[0] = true
	} else {
		c.report(Error, Position{1, 1}, "a vector has at least one step", "the vector has no steps: what enters would be stopped at once")
	}
	inAll := c.enteredElsewhere(f, slices.Clone(reached))
	c.unreached(inAll)
	c.loops(f, inAll)
	c.bests(f, reached)
	c.fourths(f)
	slices.SortStableFunc(c.problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.At.Line, b.At.Line), cmp.Compare(a.At.Column, b.At.Column))
	})
	return c.problems
}

// enteredElsewhere adds the steps that are reached from other vectors.
func (c *checker) enteredElsewhere(f flow, reached []bool) []bool {
	for _, step := range c.known.Entries(c.vector.Name) {
		if step > len(f) {
			continue // that is the other vector's fault
		}
		reached[step-1] = true
		for j, after := range f.reach(step - 1) {
			reached[j] = reached[j] || after
		}
	}
	return reached
}

type checker struct {
	vector   *Vector
	known    Known
	problems Problems
}

func (c *checker) report(severity Severity, at Position, hint, format string, args ...any) {
	c.problems = append(c.problems, Problem{at, severity, fmt.Sprintf(format, args...), hint})
}

// need reports a name that nothing has.
func (c *checker) need(has bool, severity Severity, at Position, what, name string) {
	if !has {
		c.report(severity, at, "", "unknown %s %q", what, name)
	}
}

// names looks up what a step names.
func (c *checker) names(s Step) {
	switch a := s.Action.(type) {
	case QueueTo:
		c.place(a.Place)
		if a.Preferring != nil && a.Preferring.Agent != "" {
			c.need(c.known.HasAgent(a.Preferring.Agent), Warning, s.At, "agent", a.Preferring.Agent)
		}
	case Check:
		c.place(a.Place)
		c.condition(a.If, a.Place)
	case GotoStep:
		c.step(s.At, a.Step, len(c.vector.Steps), "")
		c.condition(a.If, Place{})
	case GotoVector:
		c.gotoVector(s.At, a)
		c.condition(a.If, Place{})
	case WaitTime:
		c.announcement(s.At, a.Source)
	case Announce:
		c.announcement(s.At, a.Source)
	case Collect:
		c.announcement(s.At, a.After)
		c.report(Warning, s.At, "", "collect fails at once for interactions without voice")
	case RouteTo:
		c.destination(a)
		c.condition(a.If, Place{})
	case ConverseOn:
		c.place(a.Place)
	case Messaging:
		c.place(a.Place)
		c.need(c.known.HasWorkbin("messages", a.For), Error, s.At, "workbin", "messages of "+a.For)
	case Consider:
		c.place(a.Place)
	case CallService:
		if a.Type != "" {
			c.need(c.known.HasServiceType(a.Type), Error, s.At, "type of services", a.Type)
		} else {
			c.need(c.known.HasService(a.Service), Error, s.At, "service", a.Service)
		}
	case Disconnect:
		c.announcement(s.At, a.After)
	}
}

// place looks up a skill or target, unless it is only known when it is needed.
func (c *checker) place(p Place) {
	switch {
	case p.Target != "":
		c.need(c.known.HasTarget(p.Target), Error, p.At, "target", p.Target)
	case !slices.Contains([]string{"", First, Second, Third, Best}, p.Skill):
		c.need(c.known.HasSkill(p.Skill), Error, p.At, "skill", p.Skill)
	}
}

func (c *checker) announcement(at Position, name string) {
	c.need(name == "" || c.known.HasAnnouncement(name), Warning, at, "announcement", name)
}

// step looks for a step of this vector or of another.
func (c *checker) step(at Position, step, steps int, of string) {
	if step > steps {
		c.report(Error, at, "", "there is no step %d%s; the last is %d", step, of, steps)
	}
}

func (c *checker) gotoVector(at Position, a GotoVector) {
	steps, ok := len(c.vector.Steps), true
	if a.Vector != c.vector.Name {
		steps, ok = c.known.HasVector(a.Vector)
	}
	c.need(ok, Error, at, "vector", string(a.Vector))
	if ok && a.Step > 1 {
		c.step(at, a.Step, steps, " in vector "+string(a.Vector))
	}
}

func (c *checker) destination(a RouteTo) {
	switch a.To {
	case ToNumber:
		c.need(c.known.HasVdn(a.Name) || c.known.HasAgent(a.Name), Warning, a.At, "number", a.Name)
	case ToQueue:
		c.need(c.known.HasQueue(a.Name), Error, a.At, "queue", a.Name)
	case ToVdn:
		c.need(c.known.HasVdn(a.Name), Error, a.At, "VDN", a.Name)
	case ToWorkbin:
		c.need(c.known.HasWorkbin(a.Name, a.Owner), Error, a.At, "workbin", a.Name)
	case ToAgent:
		c.need(c.known.HasAgent(a.Name), Warning, a.At, "agent", a.Name)
	}
}

// condition looks up what a condition names, but for the step's own place.
func (c *checker) condition(of Condition, own Place) {
	if of.Place != own {
		c.place(of.Place)
	}
	if of.Vdn != "" && of.Vdn != active {
		c.need(c.known.HasVdn(of.Vdn), Error, of.At, "VDN", of.Vdn)
	}
	switch {
	case of.Subject == HolidayInTable:
		c.need(c.known.HasHolidayTable(of.Text), Error, of.At, "holiday table", of.Text)
	case of.Subject == ServiceHoursIn:
		c.need(c.known.HasTimetable(of.Text), Error, of.At, "timetable", of.Text)
	case of.Comparison == InTable, of.Comparison == NotInTable:
		c.need(c.known.HasTable(of.Text), Error, of.At, "table", of.Text)
	}
}

// unreached reports steps to which nothing leads, those in a row together.
func (c *checker) unreached(reached []bool) {
	var row []int
	for i := range c.vector.Steps {
		if !reached[i] {
			row = append(row, i)
		}
		if len(row) > 0 && (reached[i] || i == len(c.vector.Steps)-1) {
			c.report(Warning, c.vector.Steps[row[0]].At, "", "%s never reached", areSteps(row))
			row = nil
		}
	}
}

// loops reports what goes round without waiting.
func (c *checker) loops(f flow, reached []bool) {
	quick := f.without(func(i int) bool { return c.waits(i) || !reached[i] })
	for _, loop := range quick.loops() {
		severity := Error
		if f.leaves(loop) {
			severity = Warning
		}
		c.report(severity, c.vector.Steps[loop[0]].At, "put a wait-time into the loop", "%s a loop that does not wait", areSteps(loop))
	}
}

// waits tells whether an interaction is suspended at a step; after a goto to
// another vector it may be.
func (c *checker) waits(i int) bool {
	switch a := c.vector.Steps[i].Action.(type) {
	case WaitTime:
		return a.For > 0
	case Announce:
		return c.known.HasAnnouncement(a.Source)
	case GotoVector:
		return a.Vector != c.vector.Name
	case Collect, ConverseOn, CallService:
		return true
	}
	return false
}

// bests reports where best is of nothing.
func (c *checker) bests(f flow, reached []bool) {
	considered := make([]bool, len(f)+1)
	for i, s := range c.vector.Steps {
		if _, is := s.Action.(Consider); is && reached[i] {
			for j, after := range f.reach(i) {
				considered[j] = considered[j] || after
			}
		}
	}
	for i, s := range c.vector.Steps {
		if reached[i] && !considered[i] && usesBest(s.Action) {
			c.report(Error, s.At, "put consider steps before it", "there is no best, as no step before has considered any")
		}
	}
}

func usesBest(a Action) bool {
	switch a := a.(type) {
	case QueueTo:
		return a.Place.Skill == Best
	case Check:
		return a.Place.Skill == Best || a.If.Place.Skill == Best
	case GotoStep:
		return a.If.Place.Skill == Best
	case GotoVector:
		return a.If.Place.Skill == Best
	case RouteTo:
		return a.If.Place.Skill == Best
	}
	return false
}

// places is in how many skills and targets an interaction waits at most.
const places = 3

// fourths reports places to queue to on a straight way behind three others.
func (c *checker) fourths(f flow) {
	told := make([]bool, len(f))
	for _, start := range c.starts(f) {
		var queued []Place
		seen := make([]bool, len(f))
		for i := start; i < len(f) && !seen[i]; i = f.straightOn(i) {
			seen[i] = true
			place, queues := queuedTo(c.vector.Steps[i].Action)
			if !queues || slices.Contains(queued, place) {
				continue
			}
			if len(queued) < places {
				queued = append(queued, place)
			} else if !told[i] {
				told[i] = true
				c.report(Warning, c.vector.Steps[i].At, "", "it waits in %d skills already, so this is skipped", places)
			}
		}
	}
}

// starts are where straight ways begin.
func (c *checker) starts(f flow) []int {
	starts := []int{0}
	for i, s := range c.vector.Steps {
		switch s.Action.(type) {
		case GotoStep, GotoVector:
			starts = append(starts, f[i][0])
		}
	}
	slices.Sort(starts)
	return slices.Compact(starts)
}

// queuedTo is where a step surely queues to.
func queuedTo(a Action) (Place, bool) {
	switch a := a.(type) {
	case QueueTo:
		return Place{Skill: a.Place.Skill, Target: a.Place.Target}, true
	case Check:
		return Place{Skill: a.Place.Skill, Target: a.Place.Target}, a.If.Subject == Unconditionally
	}
	return Place{}, false
}
