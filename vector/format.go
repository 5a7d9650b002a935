package vector

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// Format writes a vector as the field does. Parse reads the same vector from
// it, but for positions. Empty lines are gone, what may be left out is written,
// and of a time the largest unit in which it is whole.
func (v *Vector) Format() string {
	var b strings.Builder
	writeAbove(&b, v.Above)
	b.WriteString("vector " + string(v.Name))
	if v.Title != "" {
		b.WriteString(" " + strconv.Quote(v.Title))
	}
	writeComment(&b, v.Comment)
	for i, s := range v.Steps {
		writeAbove(&b, s.Above)
		b.WriteString(stepNumber(i+1) + "  " + FormatAction(s.Action))
		writeComment(&b, s.Comment)
	}
	writeAbove(&b, v.Below)
	return b.String()
}

func writeAbove(b *strings.Builder, comments []string) {
	for _, c := range comments {
		b.WriteString(strings.TrimRight("# "+c, " ") + "\n")
	}
}

func writeComment(b *strings.Builder, comment string) {
	if comment != "" {
		b.WriteString("  # " + comment)
	}
	b.WriteString("\n")
}

// stepNumber is a step's number as the field writes it.
func stepNumber(n int) string { return fmt.Sprintf("%02d", n) }

// FormatAction writes a step without its number and comment.
func FormatAction(a Action) string {
	switch a := a.(type) {
	case QueueTo:
		return "queue-to " + formatRanked(a.Place, a.Priority) + formatPreference(a.Preferring)
	case Check:
		return "check " + formatRanked(a.Place, a.Priority) + formatIf(a.If, ranked{a.Place, a.Priority})
	case GotoStep:
		return fmt.Sprintf("goto step %d", a.Step) + formatIf(a.If, ranked{})
	case GotoVector:
		at := ""
		if a.Step != 1 {
			at = fmt.Sprintf(" @step %d", a.Step)
		}
		return "goto vector " + string(a.Vector) + at + formatIf(a.If, ranked{})
	case Return:
		return "return"
	case WaitTime:
		return "wait-time " + formatSpan(a.For) + " hearing " + formatHearing(a)
	case Announce:
		return "announcement " + quoted(a.Source)
	case Collect:
		return fmt.Sprintf("collect %d digits after announcement %s", a.Digits, formatOr(a.After, "none"))
	case RouteTo:
		return formatRoute(a)
	case AdjunctRouting:
		return "adjunct routing link " + quoted(a.Link)
	case ConverseOn:
		return "converse-on " + formatRanked(a.Place, a.Priority) + formatPassing(a.Passing)
	case Messaging:
		return "messaging " + formatPlace(a.Place) + " for " + quoted(a.For)
	case Consider:
		return fmt.Sprintf("consider %s adjust-by %d", formatRanked(a.Place, a.Priority), a.AdjustBy)
	case Set:
		return "set " + a.Variable + " = " + a.To.Source()
	case CallService:
		return formatCall(a)
	case Busy:
		return "busy"
	case Disconnect:
		return "disconnect after announcement " + formatOr(a.After, "none")
	case Stop:
		return "stop"
	}
	panic(fmt.Sprintf("%T is no step", a))
}

// quoted writes a name, in quotes if it has characters that words have not, or
// if it would be taken for one of the keywords that may stand in its place.
func quoted(name string, keywords ...string) string {
	plain := name != "" && !strings.ContainsFunc(name, func(c rune) bool {
		return !unicode.In(c, unicode.L, unicode.M, unicode.N) && !strings.ContainsRune("._@+*/:%&-", c)
	})
	if plain && !slices.ContainsFunc(keywords, func(k string) bool { return strings.EqualFold(k, name) }) {
		return name
	}
	return strconv.Quote(name)
}

// formatOr writes a name, or the keyword that stands for none.
func formatOr(name, none string) string {
	if name == "" {
		return none
	}
	return quoted(name, none)
}

// inQuotes writes an expression that does not end the line.
func inQuotes(source string) string {
	if strconv.CanBackquote(source) {
		return "`" + source + "`"
	}
	return strconv.Quote(source)
}

// formatSpan writes a time in the largest unit in which it is whole.
func formatSpan(of Millis) string {
	switch {
	case of != 0 && of%hour == 0:
		return fmt.Sprintf("%d hrs", of/hour)
	case of != 0 && of%minute == 0:
		return fmt.Sprintf("%d mins", of/minute)
	}
	return fmt.Sprintf("%d secs", of/second)
}

func formatPlace(p Place) string {
	switch {
	case p.Target != "":
		return "target " + quoted(p.Target)
	case p.Skill == Best:
		return Best
	}
	return "skill " + quoted(p.Skill)
}

// formatRanked writes a place with a priority, which best has not.
func formatRanked(p Place, priority usherv1.VectorPriority) string {
	if p.Skill == Best {
		return Best
	}
	return formatPlace(p) + " pri " + priorities[priority][:1]
}

func formatPreference(p *Preference) string {
	if p == nil {
		return ""
	}
	whom := "agent " + quoted(p.Agent, "expression")
	if p.LastAgent {
		whom = "last-agent"
	} else if p.Expression != nil {
		whom = "agent expression " + inQuotes(p.Expression.Source())
	}
	return " preferring " + whom + " for " + formatSpan(p.For)
}

// hearings are the keywords of what is heard.
var hearings = []string{
	usherv1.TreatmentKind_TREATMENT_KIND_SILENCE:  "silence",
	usherv1.TreatmentKind_TREATMENT_KIND_RINGBACK: "ringback",
	usherv1.TreatmentKind_TREATMENT_KIND_MUSIC:    "music",
}

func formatHearing(w WaitTime) string {
	if w.Hearing == usherv1.TreatmentKind_TREATMENT_KIND_SOURCE {
		return quoted(w.Source, hearings...)
	}
	return hearings[w.Hearing]
}

func formatRoute(a RouteTo) string {
	text := "route-to " + routeKinds[a.To]
	if a.To != ToDigits {
		text += " " + quoted(a.Name)
	}
	if a.Owner != "" {
		text += " of " + quoted(a.Owner)
	}
	if a.WithCov != nil && *a.WithCov {
		text += " with cov y"
	} else if a.WithCov != nil {
		text += " with cov n"
	}
	return text + formatIf(a.If, ranked{})
}

func formatPassing(what []string) string {
	passed := [2]string{nothing, nothing}
	copy(passed[:], what)
	return " passing " + quoted(passed[0]) + " and " + quoted(passed[1])
}

func formatCall(a CallService) string {
	text := "call-service " + quoted(a.Service, "type")
	if a.Type != "" {
		text = "call-service type " + quoted(a.Type)
	}
	text += " method " + quoted(a.Method)
	if a.With != nil {
		text += " with " + inQuotes(a.With.Source())
	}
	return text + " within " + formatSpan(a.Within)
}

func formatIf(c Condition, own ranked) string { return " if " + formatCondition(c, own) }

// formatCondition writes a condition of a step that names a place, or none.
func formatCondition(c Condition, own ranked) string {
	switch c.Subject {
	case Unconditionally:
		return "unconditionally"
	case InterflowQpos:
		return fmt.Sprintf("interflow-qpos %s %d", comparisons[c.Comparison], c.Number)
	case Digits, Ani:
		return dialled[c.Subject] + " " + formatDialled(c)
	case TimeOfDay:
		return fmt.Sprintf("time-of-day is %s%s to %s", orNot(c.Negated, "", "not "), formatWeekTime(c.From), formatWeekTime(c.To))
	case HolidayInTable:
		return "holiday " + orNot(c.Negated, "in", "not-in") + " table " + quoted(c.Text)
	case ServiceHoursIn:
		return "service-hours " + orNot(c.Negated, "in", "not-in") + " table " + quoted(c.Text)
	case Variable:
		return fmt.Sprintf("variable %s %s %s", c.Variable, comparisons[c.Comparison], quoted(c.Text))
	case ExpressionHolds:
		return "expression " + c.Expression.Source()
	}
	return formatPlaceCondition(c, own)
}

// dialled are the keywords of what is dialled.
var dialled = map[Subject]string{Digits: "digits", Ani: "ani"}

func formatDialled(c Condition) string {
	switch c.Comparison {
	case InTable:
		return "in table " + quoted(c.Text)
	case NotInTable:
		return "not-in table " + quoted(c.Text)
	}
	return comparisons[c.Comparison] + " " + quoted(c.Text)
}

func orNot(negated bool, yes, no string) string {
	if negated {
		return no
	}
	return yes
}

func formatWeekTime(t WeekTime) string {
	return fmt.Sprintf("%s %02d:%02d", Days[t.Day], t.Minute/60, t.Minute%60)
}

func formatPlaceCondition(c Condition, own ranked) string {
	of := placeSubjects[slices.IndexFunc(placeSubjects, func(s placeSubject) bool { return s.subject == c.Subject })]
	text := of.word
	if whose := formatWhose(c, of, own); whose != "" {
		text += " " + of.link + " " + whose
	}
	return fmt.Sprintf("%s %s %d%s", text, comparisons[c.Comparison], c.Number, of.unit)
}

// formatWhose is what a condition names; nothing if it is the step's own place.
func formatWhose(c Condition, of placeSubject, own ranked) string {
	c.Place.At, own.place.At = Position{}, Position{}
	switch {
	case c.Vdn != "":
		return "vdn " + quoted(c.Vdn)
	case c.Place == (Place{}):
		return "call"
	case c.Place == own.place && (!of.priority || c.Priority == own.priority):
		return ""
	case of.priority:
		return formatRanked(c.Place, c.Priority)
	}
	return formatPlace(c.Place)
}
