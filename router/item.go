package router

import (
	"math"
	"strings"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
)

// directRank is the rank of a direct claim, which goes before all others.
const directRank = math.MaxInt32

// classKind is by what the agents of a class belong together.
type classKind uint8

const (
	kindGroup     classKind = iota + 1 // the agents of an agent group
	kindSkill                          // the agents with a skill
	kindTarget                         // the agents who fit an expression
	kindTargetLOA                      // the same, the least occupied first
	kindAgent                          // one agent: as direct agent, or preferred
)

func (k classKind) String() string {
	switch k {
	case kindGroup:
		return "group"
	case kindSkill:
		return "skill"
	case kindTarget, kindTargetLOA:
		return "target"
	case kindAgent:
		return "agent"
	default:
		return "unknown"
	}
}

// className names a set of agents. The name of a target is its expression's
// text, that of an agent his id; with a "/" and a skill behind it if that
// skill's multiple call handling can keep him from more (agentClass).
type className struct {
	kind classKind
	name string
}

// agentClass is the class of one agent who gets something by the rules of a
// skill; empty for none that could keep him from more.
func agentClass(id, rules string) className {
	if rules != "" {
		id += "/" + rules
	}
	return className{kindAgent, id}
}

// isTarget tells whether the class is of those who fit an expression.
func (c className) isTarget() bool { return c.kind == kindTarget || c.kind == kindTargetLOA }

// agent is the id of a class of one agent.
func (c className) agent() string {
	id, _, _ := strings.Cut(c.name, "/")
	return id
}

// poolName names the agents and the interactions that can come together.
type poolName struct {
	class className
	media engine.MediaName
}

// agentItem is what the index is told of an agent.
type agentItem struct {
	id         engine.AgentID
	preference usherv1.CallPreference
	seats      []seatItem // no two in one pool
}

// seatItem is an agent in one of the pools that he belongs to.
type seatItem struct {
	pool      poolName
	available bool
	works     bool     // he is ready, and not in AUX
	level     int32    // 1 is the best
	order     [3]int64 // of two agents of a pool the smaller goes first, then the smaller id
	deficit   int64    // how far he is below his share; the largest goes first
}

// workItem is what the index is told of an interaction that waits.
type workItem struct {
	id     engine.InteractionID
	entry  engine.Sequence
	claims []claimItem // no two in one pool
	of     backOffs
}

// claimItem is an interaction in one of the pools in which it waits.
type claimItem struct {
	pool poolName
	rank int32 // the larger goes first
	at   engine.Millis
}

// backOffs says until when an interaction isn't offered to an agent again;
// *engine.Interaction does.
type backOffs interface {
	NotBefore(engine.AgentID) engine.Millis
}

// match is an interaction, the agent who gets it, and the pool in which they
// came together.
type match struct {
	interaction engine.InteractionID
	agent       engine.AgentID
	pool        poolName
}
