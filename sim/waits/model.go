package waits

import (
	"cmp"
	"slices"

	"github.com/usher-cc/usher/estimate"
)

// model is the simplest Floor over the estimator: one list of calls, and the
// agent who has most room, of those the one longest idle.
type model struct {
	seats   []seat
	waiting []*held // by rank, then as they came
	held    map[CallID]*held
	service map[SkillID]*estimate.Service
	invited []Invitation
}

// seat is an agent at work.
type seat struct {
	Agent
	free        int // slots
	resting     bool
	idleSinceMs int64
}

// held is a call that the switch has.
type held struct {
	Call
	agent      AgentID
	offeredMs  int64
	invitedMs  int64
	answeredMs int64
}

// NewModel is a Floor over package estimate; all agents are free.
func NewModel(agents []Agent) Floor {
	m := &model{held: map[CallID]*held{}, service: map[SkillID]*estimate.Service{}}
	for _, a := range agents {
		m.seats = append(m.seats, seat{Agent: a, free: a.Slots})
		for _, s := range a.Skills {
			m.service[s] = &estimate.Service{}
		}
	}
	return m
}

func (m *model) Offer(nowMs int64, c Call) {
	m.held[c.ID] = &held{Call: c, offeredMs: nowMs}
	m.queue(nowMs, m.held[c.ID])
}

func (m *model) GiveUp(nowMs int64, c CallID) {
	h := m.held[c]
	delete(m.held, c)
	m.waiting = slices.DeleteFunc(m.waiting, func(w *held) bool { return w == h })
	staffed, working := m.crew(h.Skill)
	m.service[h.Skill].Left(nowMs, nowMs-h.offeredMs, staffed, working, m.backlog(h.Skill))
}

func (m *model) Accept(nowMs int64, c CallID) {
	h := m.held[c]
	h.answeredMs = nowMs
	staffed, working := m.crew(h.Skill)
	m.service[h.Skill].Answered(nowMs, nowMs-h.offeredMs, nowMs-h.invitedMs, staffed, working, h.Rank, m.backlog(h.Skill))
}

func (m *model) Refuse(nowMs int64, c CallID) {
	h := m.held[c]
	m.seats[h.agent].free++
	m.seats[h.agent].resting = true
	m.queue(nowMs, h)
}

func (m *model) End(nowMs int64, c CallID) {
	h := m.held[c]
	m.service[h.Skill].Handled(nowMs - h.answeredMs)
}

func (m *model) Wrapped(nowMs int64, c CallID) {
	agent := &m.seats[m.held[c].agent]
	delete(m.held, c)
	agent.free++
	agent.idleSinceMs = nowMs
	m.match(nowMs)
}

func (m *model) Rest(_ int64, a AgentID) { m.seats[a].resting = true }

func (m *model) Return(nowMs int64, a AgentID) {
	m.seats[a].resting = false
	m.seats[a].idleSinceMs = nowMs
	m.match(nowMs)
}

func (m *model) Invited() []Invitation {
	invited := m.invited
	m.invited = nil
	return invited
}

func (m *model) Outlook(c CallID) Outlook {
	h := m.held[c]
	o := Outlook{}
	for _, w := range m.waiting[:slices.Index(m.waiting, h)+1] {
		if w.Skill == h.Skill {
			o.Position++
		}
	}
	o.Staffed, o.Working = m.crew(h.Skill)
	o.ExpectedMs, o.Infinite = m.service[h.Skill].ExpectedMs(o.Position, o.Staffed, o.Working, 0, h.Rank)
	return o
}

// queue puts a call at its place.
func (m *model) queue(nowMs int64, h *held) {
	at, _ := slices.BinarySearchFunc(m.waiting, h, func(w, h *held) int {
		return cmp.Or(cmp.Compare(h.Rank, w.Rank), cmp.Compare(w.ID, h.ID))
	})
	m.waiting = slices.Insert(m.waiting, at, h)
	m.match(nowMs)
}

// match invites agents; the first call that somebody can have comes first.
func (m *model) match(nowMs int64) {
	m.waiting = slices.DeleteFunc(m.waiting, func(h *held) bool {
		a, found := m.agentFor(h.Skill)
		if found {
			m.seats[a].free--
			h.agent, h.invitedMs = a, nowMs
			m.invited = append(m.invited, Invitation{h.ID, a})
		}
		return found
	})
}

func (m *model) agentFor(skill SkillID) (best AgentID, found bool) {
	for i := range m.seats {
		a, b := &m.seats[i], &m.seats[best]
		if a.resting || a.free == 0 || !slices.Contains(a.Skills, skill) {
			continue
		}
		if !found || a.free > b.free || a.free == b.free && a.idleSinceMs < b.idleSinceMs {
			best, found = AgentID(i), true
		}
	}
	return best, found
}

// crew is who is logged in for a skill, and who of them is not in AUX. One who
// goes to AUX after his call counts no more: he takes no other.
func (m *model) crew(skill SkillID) (staffed, working int) {
	for _, a := range m.seats {
		if slices.Contains(a.Skills, skill) {
			staffed++
			if !a.resting {
				working++
			}
		}
	}
	return staffed, working
}

func (m *model) backlog(skill SkillID) bool {
	return slices.ContainsFunc(m.waiting, func(h *held) bool { return h.Skill == skill })
}
