package replay

import (
	"maps"
	"slices"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
)

// answerKind is what an agent did with an invitation.
type answerKind int

// What an agent does with an invitation.
const (
	accepted answerKind = iota
	rejected
	silent    // until it expired
	undecided // until it was taken back, as when the customer gave up
)

// answer is what an agent did with an invitation, and when.
type answer struct {
	agent engine.AgentID
	how   answerKind
	after engine.Millis
}

// handling is a conversation, from the first agent who joins to the last who
// leaves; queue or workbin is where it went then, or it was stopped.
type handling struct {
	agent         engine.AgentID
	since, lasted engine.Millis
	over          bool // it ended in the journal
	queue, vdn    string
	workbin       *usherv1.Workbin
	afterCall     work
}

// work is after-call work. What is begun and not over went on until the journal
// ended, or until something that is played.
type work struct {
	begun, over bool
	lasted      engine.Millis
	then        usherv1.WorkMode // in which he was available again
}

// conduct is how people behaved towards one interaction.
type conduct struct {
	media     engine.MediaName
	answers   []answer
	handlings []*handling
	calls     []*call
	parties   int // agents at the moment
}

// What is taken for usual where the journal shows nothing.
const (
	unknownAnswer    engine.Millis = 5_000
	unknownHandling  engine.Millis = 180_000
	unknownAfterCall engine.Millis = 30_000
)

// usual is what is taken for an interaction that was never answered or
// handled: the medians of those that were.
type usual struct {
	answer    map[engine.AgentID]engine.Millis
	anyAnswer engine.Millis
	handling  map[engine.MediaName]engine.Millis
	afterCall engine.Millis
}

// summarize finds what is usual.
func (r *Recording) summarize() {
	answers, lasted := map[engine.AgentID][]engine.Millis{}, map[engine.MediaName][]engine.Millis{}
	var allAnswers, afterCalls []engine.Millis
	for _, c := range r.conducts {
		for _, a := range c.answers {
			if a.how == accepted {
				answers[a.agent] = append(answers[a.agent], a.after)
				allAnswers = append(allAnswers, a.after)
			}
		}
		for _, h := range c.handlings {
			if h.over {
				lasted[c.media] = append(lasted[c.media], h.lasted)
			}
			if h.afterCall.over {
				afterCalls = append(afterCalls, h.afterCall.lasted)
			}
		}
	}
	r.usual = usual{
		answer: medians(answers), anyAnswer: median(allAnswers, unknownAnswer),
		handling: medians(lasted), afterCall: median(afterCalls, unknownAfterCall),
	}
}

func medians[K comparable](of map[K][]engine.Millis) map[K]engine.Millis {
	all := map[K]engine.Millis{}
	for key := range maps.Keys(of) {
		all[key] = median(of[key], 0)
	}
	return all
}

func median(of []engine.Millis, otherwise engine.Millis) engine.Millis {
	if len(of) == 0 {
		return otherwise
	}
	return slices.Sorted(slices.Values(of))[len(of)/2]
}

// answerOf is what an agent does with his nth invitation to an interaction:
// what he did then; what the one did who took it; what he usually does. Who was
// undecided then would have accepted later.
func (r *Recording) answerOf(id engine.InteractionID, agent engine.AgentID, nth int) answer {
	c := r.conducts[id]
	var own []answer
	var taken *answer
	for n, a := range c.answers {
		if a.agent == agent {
			own = append(own, a)
		}
		if a.how == accepted && taken == nil {
			taken = &c.answers[n]
		}
	}
	usually := r.usual.anyAnswer
	if after, known := r.usual.answer[agent]; known {
		usually = after
	}
	switch {
	case len(own) == 0 && taken != nil:
		return answer{agent, accepted, taken.after}
	case len(own) == 0:
		return answer{agent, accepted, usually}
	}
	did := own[min(nth, len(own)-1)]
	if did.how == undecided {
		return answer{agent, accepted, max(usually, did.after+1)}
	}
	return did
}

// handlingOf is how an interaction is handled for the nth time: as it was, or
// for the usual time.
func (r *Recording) handlingOf(id engine.InteractionID, nth int) handling {
	c := r.conducts[id]
	if nth < len(c.handlings) && c.handlings[nth].over {
		return *c.handlings[nth]
	}
	if nth < len(c.handlings) {
		return handling{lasted: r.to, over: false} // it went on when the journal ended
	}
	lasted, known := r.usual.handling[c.media]
	if !known {
		lasted = unknownHandling
	}
	return handling{lasted: lasted, over: true}
}

// afterCallOf is the work that an agent does after a conversation.
func (r *Recording) afterCallOf(h handling, mode usherv1.WorkMode) work {
	switch {
	case h.afterCall.over:
		return h.afterCall
	case h.afterCall.begun:
		return work{begun: true, lasted: r.to}
	}
	return work{begun: true, over: true, lasted: r.usual.afterCall, then: mode}
}
