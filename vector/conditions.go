package vector

import (
	"slices"
	"strconv"
	"strings"

	"github.com/usher-cc/usher/expression"
)

func (r *reader) condition(n *ifNode, own ranked) Condition {
	if n == nil {
		return Condition{Subject: Unconditionally}
	}
	if n.Condition == nil {
		return Condition{Subject: ExpressionHolds, At: r.at(n.Expression.Pos), Expression: r.compile(n.Expression, expression.CompileBool)}
	}
	return n.Condition.condition(r, own)
}

func (n unconditionallyNode) condition(r *reader, _ ranked) Condition {
	return Condition{Subject: Unconditionally, At: r.at(n.Keyword.Pos)}
}

func (n placeConditionNode) condition(r *reader, own ranked) Condition {
	of := placeSubjects[slices.IndexFunc(placeSubjects, func(s placeSubject) bool { return is(n.Subject, s.word) })]
	c := Condition{Subject: of.subject, At: r.at(n.Subject.Pos), Comparison: comparison(n.Compare)}
	asked := n.place(r, of, own)
	c.Place, c.Priority = asked.place, asked.priority
	if n.Asked != nil {
		c.Vdn = r.vdn(n.Asked.Vdn)
	}
	c.Number = r.number(n.Number, "what "+of.word+" is compared with", 0, maxNumber)
	if !isMissing(n.Unit.Word) && !of.seconds {
		r.refuseIn(n.Unit.Word, of)
	}
	if c.Number *= int64(r.unit(n.Unit) / second); c.Number > maxNumber {
		r.failAt(n.Number.Pos, "", "what %s is compared with is at most %d secs", of.word, maxNumber)
	}
	return c
}

// place is the place that a condition asks about; there is none if it asks
// about a VDN or the interaction itself.
func (n placeConditionNode) place(r *reader, of placeSubject, own ranked) ranked {
	asked := n.Asked
	switch {
	case asked == nil && of.place && own.place != (Place{}):
		if !of.priority {
			own.priority = 0
		}
		return own
	case asked == nil:
		r.failAt(n.Compare.Pos, write(formsOf(conditionForms, of.word)), "it is not said whose %s", of.word)
	case asked.Place != nil && of.place:
		return n.named(r, of)
	case is(asked.Word, "best") && of.best:
		return ranked{place: r.best(asked.Word)}
	case is(asked.Word, "call") && of.call, !isMissing(asked.Vdn) && of.vdn:
	default:
		r.refuseIn(asked.Tokens[0], of)
	}
	return ranked{}
}

// named is the place that a condition names.
func (n placeConditionNode) named(r *reader, of placeSubject) ranked {
	named := ranked{place: r.place(*n.Asked.Place)}
	switch {
	case of.priority && isMissing(n.Asked.Priority):
		r.failAt(n.Compare.Pos, write(formsOf(conditionForms, of.word)), "the priority is missing")
	case of.priority:
		named.priority = r.priority(n.Asked.Priority)
	case !isMissing(n.Asked.Priority):
		r.refuseIn(n.Asked.Priority, of)
	}
	return named
}

// refuseIn refuses a word that the grammar lets pass in the condition of
// another subject.
func (r *reader) refuseIn(t token, of placeSubject) {
	r.failAt(t.Pos, write(formsOf(conditionForms, of.word)), "unexpected %q", t.Value)
}

// active stands for the interaction's own VDN.
const active = "active"

func (r *reader) vdn(t token) string {
	if is(t, active) {
		return active
	}
	return r.name(t)
}

func (n interflowNode) condition(r *reader, _ ranked) Condition {
	return Condition{
		Subject: InterflowQpos, At: r.at(n.Keyword.Pos), Comparison: comparison(n.Compare),
		Number: r.number(n.Number, "a place", 0, maxNumber),
	}
}

func (n dialledNode) condition(r *reader, _ ranked) Condition {
	c := Condition{Subject: Digits, At: r.at(n.Subject.Pos)}
	if is(n.Subject, "ani") {
		c.Subject = Ani
	}
	switch {
	case is(n.In, "in"):
		c.Comparison, c.Text = InTable, r.name(n.Table)
	case is(n.In, "not-in"):
		c.Comparison, c.Text = NotInTable, r.name(n.Table)
	default:
		c.Comparison, c.Text = comparison(n.Compare), r.text(n.Text)
		if c.Comparison != Equal && c.Comparison != NotEqual {
			r.failAt(n.Compare.Pos, "", "%s are not larger or smaller; compare them by = or <>", strings.ToLower(n.Subject.Value))
		}
	}
	return c
}

// Days are the days of a WeekTime, as they are written; 0 is every day.
var Days = []string{"all", "mon", "tue", "wed", "thu", "fri", "sat", "sun"}

func (n timeOfDayNode) condition(r *reader, _ ranked) Condition {
	c := Condition{Subject: TimeOfDay, At: r.at(n.Keyword.Pos), Negated: !isMissing(n.Not)}
	c.From, c.To = r.weekTime(n.FromDay, n.From), r.weekTime(n.ToDay, n.To)
	if (c.From.Day == 0) != (c.To.Day == 0) {
		r.failAt(n.ToDay.Pos, "", "either both days are all, or none is")
	}
	return c
}

func (r *reader) weekTime(day, t token) WeekTime {
	at := WeekTime{Day: slices.Index(Days, strings.ToLower(day.Value))}
	if at.Day < 0 {
		r.failAt(day.Pos, meant(day.Value, Days), "a day is one of %s, not %q", strings.Join(Days, ", "), day.Value)
	}
	hours, minutes, _ := strings.Cut(t.Value, ":")
	h, errH := strconv.ParseUint(hours, 10, 8)
	m, errM := strconv.ParseUint(minutes, 10, 8)
	if errH != nil || errM != nil || h > 23 || m > 59 || len(hours) > 2 || len(minutes) != 2 {
		r.failAt(t.Pos, "", "a time is HH:MM from 00:00 to 23:59, not %q", t.Value)
	}
	at.Minute = int(60*h + m)
	return at
}

func (n scheduleNode) condition(r *reader, _ ranked) Condition {
	c := Condition{Subject: HolidayInTable, At: r.at(n.Subject.Pos), Text: r.name(n.Table), Negated: is(n.In, "not-in")}
	if is(n.Subject, "service-hours") {
		c.Subject = ServiceHoursIn
	}
	return c
}

func (n variableNode) condition(r *reader, _ ranked) Condition {
	return Condition{
		Subject: Variable, At: r.at(n.Keyword.Pos), Variable: r.variable(n.Variable),
		Comparison: comparison(n.Compare), Text: r.text(n.Text),
	}
}
