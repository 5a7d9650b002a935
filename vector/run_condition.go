package vector

import (
	"cmp"
	"math"
	"strconv"

	"google.golang.org/protobuf/types/known/structpb"
)

// holds tells whether a condition is met. One that can't be answered, as its
// place does not exist or its expression has no value, is not.
func (r *run) holds(c Condition) bool {
	switch c.Subject {
	case Unconditionally:
		return true
	case Digits:
		return r.matches(c, r.state.GetDigits())
	case Ani:
		return r.matches(c, r.world.Ani())
	case TimeOfDay:
		return within(r.world.WeekMinute(), c.From, c.To) != c.Negated
	case HolidayInTable:
		return r.world.Holiday(c.Text) != c.Negated
	case ServiceHoursIn:
		return r.world.ServiceHours(c.Text) != c.Negated
	case Variable:
		return r.variableHolds(c)
	case ExpressionHolds:
		holds, err := c.Expression.Bool(r.values())
		return err == nil && holds
	}
	amount, ok := r.amount(c)
	return ok && compared(cmp.Compare(amount, float64(c.Number)*scale(c.Subject)), c.Comparison)
}

// scale makes of a number what its subject is measured in.
func scale(s Subject) float64 {
	switch s {
	case OldestCallWait, RollingASA, ExpectedWait, WaitImproved:
		return float64(second)
	}
	return 1
}

// amount is what a condition compares with its number; false if it can't be
// told. Times are in milliseconds.
func (r *run) amount(c Condition) (float64, bool) {
	switch {
	case c.Subject == InterflowQpos:
		position := r.world.QueuePosition(r.state.GetQueueings())
		return float64(position), position > 0
	case c.Subject == CountedCalls:
		return float64(r.world.CountedCalls(r.vdn(c.Vdn))), true
	case c.Subject == RollingASA && c.Vdn != "":
		return float64(r.world.RollingASAOfVdnMs(r.vdn(c.Vdn))), true
	case c.Subject == ExpectedWait && c.Place == Place{}:
		return r.waitOfCall(math.Inf(1)), true
	}
	of, ok := r.resolve(c.Place, c.Priority)
	if !ok {
		return 0, false
	}
	switch c.Subject {
	case AvailableAgents:
		return float64(r.world.AvailableAgents(of.place)), true
	case StaffedAgents:
		return float64(r.world.StaffedAgents(of.place)), true
	case CallsQueued:
		return float64(r.world.CallsQueued(of.place, of.priority)), true
	case OldestCallWait:
		return float64(r.world.OldestCallWaitMs(of.place, of.priority)), true
	case RollingASA:
		return float64(r.world.RollingASAMs(of.place)), true
	case ExpectedWait:
		return r.expectedWait(of), true
	}
	return r.waitImproved(of), true
}

func (r *run) vdn(name string) string {
	if name == active {
		return r.world.Vdn()
	}
	return name
}

// waitOfCall is the least expected wait of the interaction where it waits now.
func (r *run) waitOfCall(nowhere float64) float64 {
	queueings := r.state.GetQueueings()
	if len(queueings) == 0 {
		return nowhere
	}
	least := math.Inf(1)
	for _, q := range queueings {
		least = min(least, orInfinite(r.world.ExpectedWaitAsMs(q)))
	}
	return least
}

// waitImproved is how much sooner it is served at a place; nothing is improved
// by an endless wait.
func (r *run) waitImproved(there ranked) float64 {
	wait := r.expectedWait(there)
	if math.IsInf(wait, 1) {
		return math.Inf(-1)
	}
	return r.waitOfCall(0) - wait
}

// matches compares digits or a caller's number.
func (r *run) matches(c Condition, text string) bool {
	switch c.Comparison {
	case InTable:
		return r.world.InTable(c.Text, text)
	case NotInTable:
		return !r.world.InTable(c.Text, text)
	}
	return compared(cmp.Compare(text, c.Text), c.Comparison)
}

// variableHolds compares as numbers if both are, else as texts. A variable
// that is not set is unlike everything, a list or map too.
func (r *run) variableHolds(c Condition) bool {
	text, ok := textOf(r.state.GetVariables().GetFields()[c.Variable])
	if !ok {
		return c.Comparison == NotEqual
	}
	x, errX := strconv.ParseFloat(text, 64)
	y, errY := strconv.ParseFloat(c.Text, 64)
	if errX == nil && errY == nil {
		return compared(cmp.Compare(x, y), c.Comparison)
	}
	return compared(cmp.Compare(text, c.Text), c.Comparison)
}

func textOf(v *structpb.Value) (string, bool) {
	switch v := v.GetKind().(type) {
	case *structpb.Value_StringValue:
		return v.StringValue, true
	case *structpb.Value_NumberValue:
		return strconv.FormatFloat(v.NumberValue, 'f', -1, 64), true
	case *structpb.Value_BoolValue:
		return strconv.FormatBool(v.BoolValue), true
	}
	return "", false
}

// compared tells whether an order, as cmp.Compare gives it, is the one asked
// for.
func compared(order int, c Comparison) bool {
	switch c {
	case Equal:
		return order == 0
	case NotEqual:
		return order != 0
	case Less:
		return order < 0
	case LessOrEqual:
		return order <= 0
	case Greater:
		return order > 0
	case GreaterOrEqual:
		return order >= 0
	}
	return false
}

const (
	minutesOfDay  = 24 * 60
	minutesOfWeek = 7 * minutesOfDay
)

// within tells whether a minute of the week lies in a time that may pass over
// midnight, or over the end of the week. The end does not belong to it; a time
// that ends where it begins is the whole day or week.
func within(now int, from, to WeekTime) bool {
	round := minutesOfWeek
	if from.Day == 0 || to.Day == 0 {
		round = minutesOfDay
	}
	begin, end, now := from.minute()%round, to.minute()%round, now%round
	if begin < end {
		return begin <= now && now < end
	}
	return begin <= now || now < end
}

// minute is the minute of the week; of every day it is that of Monday.
func (t WeekTime) minute() int { return max(t.Day-1, 0)*minutesOfDay + t.Minute }
