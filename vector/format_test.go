package vector

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/expression"
)

// maker makes random vectors that Parse could have made.
type maker struct {
	*rand.Rand
	t *testing.T
}

func pick[T any](m maker, of ...T) T { return of[m.IntN(len(of))] }

// name is any name, those that need quotes first of all.
func (m maker) name() string {
	return pick(m, "billing", "12", "none", "music", "Silence", "ringback", "type", "expression", "if", "if expression", "call", "active", "skill", "@step",
		"1st", "two words", "a#b", "#", " # ", `"`, `\`, "'", "`", "ä", "日本", "\u00a0", "a,b", "(", "é\u0301", "\u200b", "<", "=", "+49/89:1%&*", "last-agent", "digits", "Passing")
}

func (m maker) text() string { return pick(m, "", m.name()) }

func (m maker) source() string {
	return pick(m, `digits == "#"`, "1 + 2", `"a # b"`, "'`'", `r"\d+" == "x" // no`, `data["it's"] == "\"# "`, "variable.x", `{"a": [1]}`, "\"\u200b\"", "1 // b")
}

func (m maker) compile(compile func(expression.Kind, string) (*expression.Program, *expression.Fault), source string) *expression.Program {
	program, fault := compile(expression.OfInteraction, source)
	if fault != nil {
		m.t.Fatalf("%s: %s", source, fault)
	}
	return program
}

func (m maker) place() Place {
	if m.IntN(3) == 0 {
		return Place{Target: m.name()}
	}
	return Place{Skill: pick(m, First, Second, Third, m.name())}
}

func (m maker) priority() usherv1.VectorPriority { return usherv1.VectorPriority(1 + m.IntN(4)) }

// ranked is best, or a place with its priority.
func (m maker) ranked() ranked {
	if m.IntN(5) == 0 {
		return ranked{place: Place{Skill: Best}}
	}
	return ranked{m.place(), m.priority()}
}

func (m maker) span(most Millis) Millis { return Millis(1+m.IntN(int(most/second))) * second }

func (m maker) preference() *Preference {
	switch p := (&Preference{For: m.span(maxPreferring)}); m.IntN(4) {
	case 0:
		p.LastAgent = true
		return p
	case 1:
		p.Agent = m.name()
		return p
	case 2:
		p.Expression = m.compile(expression.Compile, m.source())
		return p
	}
	return nil
}

func (m maker) action() Action {
	step := 1 + m.IntN(999)
	r := m.ranked()
	switch m.IntN(19) {
	case 0, 1:
		return QueueTo{r.place, r.priority, m.preference()}
	case 2, 3:
		return Check{r.place, r.priority, m.condition(r)}
	case 4, 5:
		return GotoStep{step, m.condition(ranked{})}
	case 6:
		return GotoVector{pick[Name](m, "1", "@step", "a.b_c-d@e", "if", "ß"), step, m.condition(ranked{})}
	case 7:
		if m.IntN(2) == 0 {
			return WaitTime{0, usherv1.TreatmentKind(1 + m.IntN(3)), ""}
		}
		return WaitTime{m.span(maxWait), usherv1.TreatmentKind_TREATMENT_KIND_SOURCE, m.name()}
	case 8:
		return Announce{m.name()}
	case 9:
		return Collect{1 + m.IntN(16), m.text()}
	case 10, 11:
		return m.route()
	case 12:
		return AdjunctRouting{m.name()}
	case 13:
		return ConverseOn{m.place(), m.priority(), pick(m, nil, []string{"qpos"}, []string{"none", "wait"}, []string{m.name() + "x", m.name() + " "})}
	case 14:
		return Messaging{m.place(), m.name()}
	case 15:
		return Consider{m.place(), m.priority(), m.IntN(101)}
	case 16:
		return Set{pick(m, "a", "_", "set", "B9"), m.compile(expression.Compile, m.source())}
	case 17:
		return m.call()
	}
	return pick[Action](m, Return{}, Busy{}, Stop{}, Disconnect{m.text()})
}

func (m maker) route() Action {
	yes := m.IntN(2) == 0
	a := RouteTo{To: RouteKind(1 + m.IntN(6)), WithCov: pick(m, nil, &yes), If: m.condition(ranked{})}
	if a.To != ToDigits {
		a.Name = m.name()
	}
	if a.To == ToWorkbin {
		a.Owner = m.text()
	}
	return a
}

func (m maker) call() Action {
	a := CallService{Method: m.name(), Within: m.span(maxServiceCall)}
	if m.IntN(2) == 0 {
		a.Service = m.name()
	} else {
		a.Type = m.name()
	}
	if m.IntN(2) == 0 {
		a.With = m.compile(expression.Compile, m.source())
	}
	return a
}

func (m maker) condition(own ranked) Condition {
	c := Condition{Subject: Subject(1 + m.IntN(17))}
	switch c.Subject {
	case Unconditionally:
	case InterflowQpos:
		c.Comparison, c.Number = Comparison(1+m.IntN(6)), int64(m.IntN(maxNumber+1))
	case Digits, Ani:
		c.Comparison, c.Text = pick(m, Equal, NotEqual), m.text()
		if m.IntN(2) == 0 {
			c.Comparison, c.Text = pick(m, InTable, NotInTable), m.name()
		}
	case TimeOfDay:
		all := m.IntN(2)
		c.From, c.To = WeekTime{all * (1 + m.IntN(7)), m.IntN(1440)}, WeekTime{all * (1 + m.IntN(7)), m.IntN(1440)}
		c.Negated = m.IntN(2) == 0
	case HolidayInTable, ServiceHoursIn:
		c.Negated, c.Text = m.IntN(2) == 0, m.name()
	case Variable:
		c.Variable, c.Comparison, c.Text = "tries", Comparison(1+m.IntN(6)), m.text()
	case ExpressionHolds:
		c.Expression = m.compile(expression.CompileBool, pick(m, "digits == '#'", "data.vip", `"# # #" == vdn`))
	default:
		m.asked(&c, own)
	}
	return c
}

// asked makes a condition about a place, a VDN or the interaction.
func (m maker) asked(c *Condition, own ranked) {
	c.Comparison, c.Number = Comparison(1+m.IntN(6)), int64(m.IntN(maxNumber+1))
	vdn := c.Subject == CountedCalls || c.Subject == RollingASA && m.IntN(2) == 0
	ranks := c.Subject != AvailableAgents && c.Subject != StaffedAgents && c.Subject != RollingASA
	switch {
	case vdn:
		c.Vdn = m.name()
	case own.place != (Place{}) && m.IntN(2) == 0:
		c.Place = own.place
		if ranks {
			c.Priority = own.priority
		}
	case c.Subject == ExpectedWait && m.IntN(3) == 0:
	case (c.Subject == ExpectedWait || c.Subject == WaitImproved) && m.IntN(3) == 0:
		c.Place = Place{Skill: Best}
	default:
		c.Place = m.place()
		if ranks {
			c.Priority = m.priority()
		}
	}
}

func (m maker) comments() []string {
	var comments []string
	for range max(0, m.IntN(5)-2) {
		comments = append(comments, pick(m, "", "a comment", "# # '", `"`, "01  stop"))
	}
	return comments
}

func (m maker) vector() *Vector {
	v := &Vector{Name: "a1", Title: m.text(), Comment: pick(m, "", "c"), Above: m.comments(), Below: m.comments()}
	for range m.IntN(20) {
		v.Steps = append(v.Steps, Step{Action: m.action(), Comment: pick(m, "", "c", "# c", `'`), Above: m.comments()})
	}
	return v
}

// TestRoundTrip: what is formatted is read as the same vector, and formatted
// the same again.
func TestRoundTrip(t *testing.T) {
	for seed := range uint64(2000) {
		m := maker{rand.New(rand.NewPCG(seed, 0)), t}
		v := m.vector()
		text := v.Format()
		again, problems := Parse(text)
		if again == nil {
			t.Fatalf("seed %d: %s\n%s", seed, problems, text)
		}
		if got, want := dump(again), dump(v); got != want {
			t.Fatalf("seed %d: got\n%s, want\n%s", seed, got, want)
		}
		if got := again.Format(); got != text {
			t.Fatalf("seed %d: got\n%s, want\n%s", seed, got, text)
		}
	}
}

// TestStepNumbersGrow: from step 100 on a number has three digits.
func TestStepNumbersGrow(t *testing.T) {
	v := &Vector{Name: "1"}
	for range 100 {
		v.Steps = append(v.Steps, Step{Action: Stop{}})
	}
	lines := strings.Split(v.Format(), "\n")
	if lines[9] != "09  stop" || lines[99] != "99  stop" || lines[100] != "100  stop" {
		t.Errorf("got %q, %q, %q", lines[9], lines[99], lines[100])
	}
}

// FuzzParse: no text brings Parse, Format or Check down, and what is read
// stays the same when it is formatted.
func FuzzParse(f *testing.F) {
	f.Add(example)
	for _, c := range actions(f) {
		f.Add("vector 1\n" + c.good + " # good\n" + c.bad)
	}
	for _, c := range conditions(f) {
		f.Add(fmt.Sprintf("# if\nvector 1 \"x\"\n01 check best if %s\ngoto step 1 if %s", c.good, c.bad))
		f.Add("vector 1\nroute-to digits if " + c.good + "\n#")
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, problems := Parse(text)
		if v == nil {
			if !problems.Refused() || problems.String() == "" {
				t.Fatal("it is refused without a reason")
			}
			return
		}
		if len(problems) > 0 {
			t.Fatalf("it is read in spite of %s", problems)
		}
		v.Check(known)
		formatted := v.Format()
		again, problems := Parse(formatted)
		if again == nil {
			if strings.Contains(problems.String(), "bytes, at most") {
				return // What was left out was written, and the text grew.
			}
			t.Fatalf("%q is formatted as %q: %s", text, formatted, problems)
		}
		if dump(v) != dump(again) {
			t.Fatalf("%q is formatted as %q: got\n%s, want\n%s", text, formatted, dump(again), dump(v))
		}
		if twice := again.Format(); twice != formatted {
			t.Fatalf("%q is formatted as %q, and then as %q", text, formatted, twice)
		}
	})
}
