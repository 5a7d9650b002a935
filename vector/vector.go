// Package vector is the routing language: numbered steps that say, one after
// the other, what becomes of an interaction that waits (telephony.md,
// "Vectors"). It promises to be a function of its input: no clock, no
// randomness, no goroutine, no input or output. What a vector asks and what it
// changes goes through World and usherv1.VectorState.
//
//	text --Parse--> Vector --Check--> problems
//	                   |
//	                   +--Run(state, World)--> state where it suspends, Outcome
//	                   +--Format--> text as the field writes it
package vector

import (
	"github.com/usher-cc/usher/expression"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// Name names a vector: a number ("12") or a name ("billing-chat").
type Name string

// Vector is a parsed vector. It is never changed, so that many interactions
// may be in it.
type Vector struct {
	Name  Name
	Title string
	// Steps are in order; Steps[n] has the number n+1.
	Steps []Step
	// Comment follows the title; Above and Below are the lines of comment
	// before it and after the last step.
	Comment      string
	Above, Below []string
}

// Position is where something stands in a text; both count from 1.
type Position struct{ Line, Column int }

// Step is one step.
type Step struct {
	At     Position
	Action Action
	// Comment follows "#" to the end of the line; Above are the lines of
	// comment before the step.
	Comment string
	Above   []string
}

// Action is what a step does: one of the types below that are said to be
// steps.
type Action interface{ action() }

// Place is a skill or a target in a step.
type Place struct {
	// Skill is a skill's name, or "1st", "2nd" or "3rd" of the VDN, or "best".
	Skill string
	// Target is a target's name; Skill is empty then.
	Target string
	At     Position
}

// The words that stand for a skill.
const (
	First  = "1st"
	Second = "2nd"
	Third  = "3rd"
	Best   = "best"
)

// Millis is a time span in milliseconds.
type Millis int64

// The steps.
type (
	// QueueTo is `queue-to skill S|1st|2nd|3rd pri P`, `queue-to target T pri
	// P` or `queue-to best`, with `preferring last-agent|agent A|agent expression E
	// for N secs` at its end.
	QueueTo struct {
		Place      Place
		Priority   usherv1.VectorPriority
		Preferring *Preference
	}
	// Check is `check skill S pri P if COND`: queue-to under a condition.
	Check struct {
		Place    Place
		Priority usherv1.VectorPriority
		If       Condition
	}
	// GotoStep is `goto step N if COND`.
	GotoStep struct {
		Step int
		If   Condition
	}
	// GotoVector is `goto vector V [@step N] if COND`; Step is 1 if not given.
	GotoVector struct {
		Vector Name
		Step   int
		If     Condition
	}
	// Return is `return`.
	Return struct{}
	// WaitTime is `wait-time T secs hearing silence|ringback|music|SOURCE`, also
	// `T mins`, `T hrs`; 0 to 8 hours.
	WaitTime struct {
		For     Millis
		Hearing usherv1.TreatmentKind
		Source  string // of TREATMENT_KIND_SOURCE
	}
	// Announce is `announcement A`.
	Announce struct{ Source string }
	// Collect is `collect N digits after announcement A|none`; N is 1 to 16.
	Collect struct {
		Digits int
		After  string // empty for none
	}
	// RouteTo is `route-to number X|digits|queue Q|vdn V|workbin W|agent A [with cov
	// y|n] [if COND]`.
	RouteTo struct {
		To      RouteKind
		Name    string // empty for digits; a workbin's is NAME or NAME of OWNER
		Owner   string
		WithCov *bool
		If      Condition // Unconditionally if not given
		At      Position
	}
	// AdjunctRouting is `adjunct routing link L`.
	AdjunctRouting struct{ Link string }
	// ConverseOn is `converse-on skill S pri P passing A and B`; "none" for
	// nothing.
	ConverseOn struct {
		Place    Place
		Priority usherv1.VectorPriority
		Passing  []string // 0 to 2; "digits", "ani", "vdn", "wait", "qpos" or a text
	}
	// Messaging is `messaging skill S for M`: it leaves the interaction in the
	// workbin "messages" of M.
	Messaging struct {
		Place Place
		For   string
	}
	// Consider is `consider skill S pri P adjust-by N`; N is 0 to 100 percent.
	Consider struct {
		Place    Place
		Priority usherv1.VectorPriority
		AdjustBy int
	}
	// Set is `set VAR = EXPR`; the expression is the rest of the line.
	Set struct {
		Variable string
		To       *expression.Program
	}
	// CallService is `call-service S|type T method M [with EXPR] within N secs`;
	// EXPR makes a map.
	CallService struct {
		Service, Type, Method string
		With                  *expression.Program // nil for none
		Within                Millis
	}
	// Busy is `busy`.
	Busy struct{}
	// Disconnect is `disconnect after announcement A|none`.
	Disconnect struct{ After string }
	// Stop is `stop`.
	Stop struct{}
)

func (QueueTo) action()        {}
func (Check) action()          {}
func (GotoStep) action()       {}
func (GotoVector) action()     {}
func (Return) action()         {}
func (WaitTime) action()       {}
func (Announce) action()       {}
func (Collect) action()        {}
func (RouteTo) action()        {}
func (AdjunctRouting) action() {}
func (ConverseOn) action()     {}
func (Messaging) action()      {}
func (Consider) action()       {}
func (Set) action()            {}
func (CallService) action()    {}
func (Busy) action()           {}
func (Disconnect) action()     {}
func (Stop) action()           {}

// Preference lets one agent have an interaction first.
type Preference struct {
	// LastAgent is who handled it last.
	LastAgent bool
	// Agent is an agent's id.
	Agent string
	// Expression gives an agent's id.
	Expression *expression.Program
	For        Millis
}

// RouteKind is where route-to leads.
type RouteKind int

// The kinds of destinations.
const (
	ToNumber RouteKind = iota + 1 // a VDN or an agent's id
	ToDigits                      // the number that was collected
	ToQueue
	ToVdn
	ToWorkbin
	ToAgent
)

// Subject is what a condition asks for.
type Subject int

// The subjects of conditions.
const (
	Unconditionally Subject = iota + 1
	AvailableAgents         // in skill S
	StaffedAgents           // in skill S
	CallsQueued             // in skill S pri P
	OldestCallWait          // in skill S pri P; seconds
	RollingASA              // for skill S | vdn V; seconds
	CountedCalls            // to vdn V
	ExpectedWait            // for skill S pri P | call | best; seconds
	WaitImproved            // for skill S pri P | best; seconds
	InterflowQpos           // places
	Digits                  // = X, in table T
	Ani                     // = X, in table T
	TimeOfDay               // is DAY HH:MM to DAY HH:MM
	HolidayInTable          // holiday in table H
	ServiceHoursIn          // service-hours in table T
	Variable                // variable VAR = X
	ExpressionHolds         // expression EXPR
)

// Comparison compares a subject with a number or a text.
type Comparison int

// The comparisons, and how they are written: =, <>, <, <=, >, >=, in table,
// not-in table.
const (
	Equal Comparison = iota + 1
	NotEqual
	Less
	LessOrEqual
	Greater
	GreaterOrEqual
	InTable
	NotInTable
)

// Condition is what follows "if".
type Condition struct {
	Subject Subject
	At      Position
	// Place is the skill or target; of ExpectedWait for a call it is empty.
	// After `check skill S pri P` and `queue-to` it is the step's own if the
	// condition names none.
	Place    Place
	Priority usherv1.VectorPriority
	Vdn      string // "active" for the interaction's own
	// Comparison with Number, or with Text (digits, ani, variable), or with the
	// table named by Text.
	Comparison Comparison
	Number     int64
	Text       string
	// Negated: `time-of-day is not`, `holiday not-in table`, ...
	Negated bool
	// Of TimeOfDay.
	From, To WeekTime
	// Of Variable.
	Variable string
	// Of ExpressionHolds.
	Expression *expression.Program
}

// WeekTime is a minute of the week; Day 0 is every day, 1 Monday, 7 Sunday.
type WeekTime struct{ Day, Minute int }
