package replay

import (
	"cmp"
	"maps"
	"slices"

	"github.com/usher-cc/usher/engine"
)

// OutcomeKind is what became of an interaction.
type OutcomeKind string

// What becomes of an interaction.
const (
	// Answered by an agent.
	Answered OutcomeKind = "answered"
	// Abandoned: the customer gave up before.
	Abandoned OutcomeKind = "abandoned"
	// Ended by the server, as by the step disconnect of a vector.
	Ended OutcomeKind = "ended"
	// Waiting still when the recording ends.
	Waiting OutcomeKind = "waiting"
	// Refused when it was submitted.
	Refused OutcomeKind = "refused"
)

// Outcome is what became of one interaction.
type Outcome struct {
	InteractionID string `json:"interaction_id"`
	MediaType     string `json:"media_type"`
	// Entered is the queue or VDN to which it was submitted.
	Entered       string `json:"entered"`
	SubmittedAtMs int64  `json:"submitted_at_ms"`

	Kind OutcomeKind `json:"outcome"`
	// Queue is where it was answered, or was last.
	Queue string `json:"queue"`
	// Agent is who answered.
	Agent string `json:"agent,omitempty"`
	// WaitMs is how long it waited for the answer, or for its end.
	WaitMs int64 `json:"wait_ms"`

	handled bool // somebody has it
}

// Result is what became of all interactions that were submitted.
type Result struct {
	Outcomes []*Outcome // in order of submission
	// AsRecorded counts those that went to the agent who had them.
	AsRecorded int
}

func (p *player) result() *Result {
	r := &Result{Outcomes: p.order}
	for _, o := range p.order {
		recorded := ""
		if all := p.conducts[engine.InteractionID(o.InteractionID)].handlings; len(all) > 0 {
			recorded = string(all[0].agent)
		}
		if o.Agent == recorded {
			r.AsRecorded++
		}
	}
	return r
}

// Figures are what became of the interactions that entered one queue or VDN.
type Figures struct {
	Answered  int `json:"answered"`
	Abandoned int `json:"abandoned"`
	Ended     int `json:"ended"`
	Waiting   int `json:"waiting"`
	Refused   int `json:"refused"`
	// Of those that were answered.
	MeanWaitMs int64 `json:"mean_wait_ms"`
	P90WaitMs  int64 `json:"p90_wait_ms"`
}

// Entry compares what became of what entered one queue or VDN.
type Entry struct {
	Name string `json:"name"`
	// With the present configuration, and with the other one.
	Before Figures `json:"before"`
	After  Figures `json:"after"`
}

// Difference is an interaction whose agent, queue or outcome is another one.
type Difference struct {
	Before *Outcome `json:"before"`
	After  *Outcome `json:"after"`
}

// Comparison is what another configuration changes.
type Comparison struct {
	Tenant string `json:"tenant"`
	FromMs int64  `json:"from_ms"`
	ToMs   int64  `json:"to_ms"`
	// Interactions were submitted; AsRecorded of them go to the agent who had
	// them when they are played with the present configuration.
	Interactions int          `json:"interactions"`
	AsRecorded   int          `json:"as_recorded"`
	Entries      []Entry      `json:"entries"` // by name
	All          Entry        `json:"all"`
	Differences  []Difference `json:"differences"` // in order of submission
}

// Compare compares two results of a recording.
func (r *Recording) Compare(before, after *Result) *Comparison {
	c := &Comparison{
		Tenant: r.tenant, FromMs: int64(r.from), ToMs: int64(r.to),
		Interactions: len(before.Outcomes), AsRecorded: before.AsRecorded,
		All: Entry{"all", figures(before.Outcomes), figures(after.Outcomes)},
	}
	entered := map[string][2][]*Outcome{}
	for n, o := range before.Outcomes {
		other := after.Outcomes[n]
		both := entered[o.Entered]
		entered[o.Entered] = [2][]*Outcome{append(both[0], o), append(both[1], other)}
		if o.Agent != other.Agent || o.Queue != other.Queue || o.Kind != other.Kind {
			c.Differences = append(c.Differences, Difference{o, other})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(entered)) {
		c.Entries = append(c.Entries, Entry{name, figures(entered[name][0]), figures(entered[name][1])})
	}
	return c
}

func figures(of []*Outcome) (f Figures) {
	var waits []int64
	var sum int64
	for _, o := range of {
		switch o.Kind {
		case Answered:
			f.Answered++
			waits = append(waits, o.WaitMs)
			sum += o.WaitMs
		case Abandoned:
			f.Abandoned++
		case Ended:
			f.Ended++
		case Waiting:
			f.Waiting++
		case Refused:
			f.Refused++
		}
	}
	if len(waits) > 0 {
		slices.SortFunc(waits, cmp.Compare[int64])
		f.MeanWaitMs = sum / int64(len(waits))
		f.P90WaitMs = waits[(len(waits)*9+9)/10-1]
	}
	return f
}
