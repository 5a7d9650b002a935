package vector

import (
	"fmt"
	"slices"
	"strings"
)

// flow is to which steps each step can lead, counted from 0; the number of
// steps stands for the way out of the vector. Where a goto leads to is the first.
type flow [][]int

func newFlow(v *Vector) flow {
	f := make(flow, len(v.Steps))
	returns := slices.ContainsFunc(v.Steps, func(s Step) bool {
		_, is := s.Action.(Return)
		return is
	})
	for i, s := range v.Steps {
		out, next := len(v.Steps), i+1
		switch a := s.Action.(type) {
		case GotoStep:
			f[i] = gone(min(a.Step-1, out), next, a.If.Subject != Unconditionally)
		case GotoVector:
			if a.Vector != v.Name {
				f[i] = []int{out, next}
			} else {
				f[i] = gone(min(a.Step-1, out), next, returns || a.If.Subject != Unconditionally)
			}
		case RouteTo, Messaging:
			f[i] = []int{out, next}
		case Return, Busy, Disconnect, Stop:
			f[i] = []int{out}
		default:
			f[i] = []int{next}
		}
	}
	return f
}

func gone(to, next int, orNext bool) []int {
	if orNext {
		return []int{to, next}
	}
	return []int{to}
}

// reach tells for each step, and for the way out, whether a step can lead
// there, over others or at once.
func (f flow) reach(from int) []bool {
	reached := make([]bool, len(f)+1)
	for todo := []int{from}; len(todo) > 0; {
		i := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if i == len(f) {
			continue
		}
		for _, to := range f[i] {
			if !reached[to] {
				reached[to] = true
				todo = append(todo, to)
			}
		}
	}
	return reached
}

// without is the flow if nothing leads on from some steps.
func (f flow) without(stops func(i int) bool) flow {
	rest := slices.Clone(f)
	for i := range rest {
		if stops(i) {
			rest[i] = nil
		}
	}
	return rest
}

// loops are the sets of steps which can all lead to each other.
func (f flow) loops() [][]int {
	reach := make([][]bool, len(f))
	for i := range f {
		reach[i] = f.reach(i)
	}
	var loops [][]int
	found := make([]bool, len(f))
	for i := range f {
		if found[i] || !reach[i][i] {
			continue
		}
		var loop []int
		for j := range f {
			if reach[i][j] && reach[j][i] {
				found[j] = true
				loop = append(loop, j)
			}
		}
		loops = append(loops, loop)
	}
	return loops
}

// leaves tells whether a way leads out of a loop.
func (f flow) leaves(loop []int) bool {
	return slices.ContainsFunc(loop, func(i int) bool {
		return slices.ContainsFunc(f[i], func(to int) bool { return !slices.Contains(loop, to) })
	})
}

// straightOn is where it goes on from a step if no condition of a goto holds
// and no destination takes the interaction.
func (f flow) straightOn(i int) int {
	if slices.Contains(f[i], i+1) {
		return i + 1
	}
	return f[i][0]
}

// areSteps is "step 3 is" or "steps 3, 5 to 7 are", for steps in order.
func areSteps(steps []int) string {
	if len(steps) == 1 {
		return fmt.Sprintf("step %d is", steps[0]+1)
	}
	var runs []string
	for i := 0; i < len(steps); {
		j := i
		for j+1 < len(steps) && steps[j+1] == steps[j]+1 {
			j++
		}
		run := fmt.Sprint(steps[i] + 1)
		if j > i {
			run += fmt.Sprintf(" to %d", steps[j]+1)
		}
		runs = append(runs, run)
		i = j + 1
	}
	return "steps " + strings.Join(runs, ", ") + " are"
}
