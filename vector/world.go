package vector

import (
	"github.com/usher-cc/usher/expression"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
)

// World is what a vector can see. All questions about a skill or target mean
// interactions of the same media type as the one that is in the vector, and
// the agents who could take it. Resolved places have no "1st" and no "best".
type World interface {
	// NowMs is the server's time, Unix milliseconds.
	NowMs() int64
	// WeekMinute is the minute of the week, 0 for Monday 00:00, in the tenant's
	// time zone.
	WeekMinute() int
	// Vector is the present version of a vector, with its version; nil if there
	// is none.
	Vector(name Name) (*Vector, uint64)
	// VectorAt is a version of a vector that some interaction is in.
	VectorAt(name Name, version uint64) *Vector
	// VdnSkill is the interaction's VDN's 1st, 2nd or 3rd skill; empty if none.
	VdnSkill(number int) string
	// Vdn is the interaction's VDN; empty if it has none.
	Vdn() string

	// HasPlace tells whether there is such a skill or target.
	HasPlace(p Place) bool
	// Full tells whether no more may wait there.
	Full(p Place) bool
	// Reaches tells whether an agent could take the interaction there at once.
	Reaches(q *usherv1.Queueing) bool
	AvailableAgents(p Place) int
	StaffedAgents(p Place) int
	// CallsQueued counts those who wait at this priority or a higher one.
	CallsQueued(p Place, priority usherv1.VectorPriority) int
	// OldestCallWaitMs is how long the oldest of them waits; 0 if none does.
	OldestCallWaitMs(p Place, priority usherv1.VectorPriority) int64
	RollingASAMs(p Place) int64
	RollingASAOfVdnMs(vdn string) int64
	CountedCalls(vdn string) int
	// ExpectedWaitMs is that of a new interaction there; infinite tells that
	// there is no end.
	ExpectedWaitMs(p Place, priority usherv1.VectorPriority) (ms int64, infinite bool)
	// ExpectedWaitAsMs is that of the interaction where it waits so.
	ExpectedWaitAsMs(q *usherv1.Queueing) (ms int64, infinite bool)
	// QueuePosition is the interaction's least place where it waits so, counting
	// itself; 0 if it waits nowhere.
	QueuePosition(queueings []*usherv1.Queueing) int

	// Announcement is how long an announcement takes; false if there is none.
	Announcement(name string) (ms int64, ok bool)
	// HasVoice tells whether the interaction has a voice leg.
	HasVoice() bool
	// Ani is who calls, if known.
	Ani() string
	LastAgent() string
	InTable(table, text string) bool
	Holiday(table string) bool
	ServiceHours(table string) bool
	// LinkUp tells whether a router that answers for the link is connected.
	LinkUp(link string) bool
	// ServiceUp tells whether such an external service is connected.
	ServiceUp(service, kind string) bool
	// AgentKnown tells whether there is such an agent and he is logged in.
	AgentKnown(agent string) bool
	// QueueKnown, VdnKnown and WorkbinKnown tell whether there is such a
	// destination.
	QueueKnown(queue string) bool
	VdnKnown(vdn string) bool
	WorkbinKnown(workbin, owner string) bool
	// Values are what expressions see: the interaction's properties and user
	// data; the vector adds its own variables, digits and response.
	Values() *expression.Values
}

// OutcomeKind is how a run of a vector ended.
type OutcomeKind int

// The outcomes.
const (
	// Suspended: it goes on at state.ResumeAtMs, or when something happens.
	// Having ended, it waits in its queues.
	Suspended OutcomeKind = iota + 1
	// Routed: it leaves all queues for another place.
	Routed
	// Dropped: it is stopped.
	Dropped
)

// Outcome is how a run of a vector ended.
type Outcome struct {
	Kind OutcomeKind
	// To, Name and Owner are where it is routed: ToQueue, ToVdn or ToWorkbin.
	To          RouteKind
	Name, Owner string
	// Reason of a drop: "busy", "disconnect" or "stop".
	Reason string
}
