package waits

// CallID is a call, numbered in the order in which they come.
type CallID int

// AgentID is an agent, numbered as in the pattern.
type AgentID int

// SkillID is a skill; waits are measured for skill 0.
type SkillID int

// Call is a call as the switch sees it.
type Call struct {
	ID    CallID
	Skill SkillID
	Rank  int32 // low -1, medium 0, high 1, top 2
}

// Agent is what an agent can do.
type Agent struct {
	Skills []SkillID
	Slots  int // how many he handles at once
}

// Invitation is a call that rings at an agent.
type Invitation struct {
	Call  CallID
	Agent AgentID
}

// Outlook is what the switch knows of a call that waits.
type Outlook struct {
	Position   int // its place in its skill, counting itself
	Staffed    int // agents logged in for its skill
	Working    int // those of them who are not in AUX
	ExpectedMs int64
	Infinite   bool
}

// Floor is the switch under test: it is told what customers and agents do,
// says who is invited to what, and foresees waits. All agents are logged in
// and none is in AUX when it begins; time never goes back.
type Floor interface {
	// Offer brings a call.
	Offer(nowMs int64, c Call)
	// GiveUp takes away a call that waits and is not invited.
	GiveUp(nowMs int64, c CallID)
	// Accept answers an invitation.
	Accept(nowMs int64, c CallID)
	// Refuse ends an invitation without answer: the call waits again at its
	// place, the agent goes to AUX.
	Refuse(nowMs int64, c CallID)
	// End ends a call that was answered; its after-call work begins.
	End(nowMs int64, c CallID)
	// Wrapped ends the after-call work of a call.
	Wrapped(nowMs int64, c CallID)
	// Rest sends an agent to AUX, when he has ended what he has.
	Rest(nowMs int64, a AgentID)
	// Return brings him back.
	Return(nowMs int64, a AgentID)
	// Invited are the invitations since it was last asked.
	Invited() []Invitation
	// Outlook tells of a call that waits.
	Outlook(c CallID) Outlook
}
