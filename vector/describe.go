package vector

import (
	"fmt"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// Describe says for people on which step an interaction waits, e.g. `vector 12
// "Billing chat", step 3: wait-time 30 secs hearing music`; of one that has
// ended only which vector it was.
func Describe(state *usherv1.VectorState, w World) string {
	v := w.VectorAt(Name(state.GetVector()), state.GetVersion())
	if v == nil {
		return fmt.Sprintf("vector %s, which is gone", state.GetVector())
	}
	where := "vector " + string(v.Name)
	if v.Title != "" {
		where += fmt.Sprintf(" %q", v.Title)
	}
	if state.GetEnded() {
		return where
	}
	number, before := waitsOn(state, v)
	if number > len(v.Steps) {
		return where + ", after its last step"
	}
	if before {
		where += ", before"
	} else {
		where += ","
	}
	return fmt.Sprintf("%s step %d: %s", where, number, FormatAction(v.Steps[number-1].Action))
}

// waitsOn is the number of the step that has suspended: the one above the next,
// unless the next is where it stays. Before tells that none has: it pauses, or
// an agent is about to be invited.
func waitsOn(state *usherv1.VectorState, v *Vector) (number int, before bool) {
	next := int(state.GetStep())
	if next > len(v.Steps)+1 {
		return next, false
	}
	if next >= 2 {
		call := state.GetServiceCall()
		switch v.Steps[next-2].Action.(type) {
		case WaitTime, Announce:
			if state.GetResumeAtMs() > 0 {
				return next - 1, false
			}
		case ConverseOn:
			if state.GetConversing() {
				return next - 1, false
			}
		case CallService:
			if call != nil && !call.GetAnswered() {
				return next - 1, false
			}
		}
	}
	if next > len(v.Steps) {
		return next, false
	}
	switch v.Steps[next-1].Action.(type) {
	case Stop, Disconnect:
		return next, false
	}
	return next, true
}
