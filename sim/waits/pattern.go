package waits

import (
	"math"
	"math/rand/v2"
)

// pattern is what a day in a contact centre is like.
type pattern struct {
	name    string
	agents  []Agent
	streams []stream
	breaks  []recess
	// refused is the share of invitations that nobody answers.
	refused float64
	// mayEqualNaive is set where nothing is known but the average.
	mayEqualNaive bool
}

// stream is customers of one kind.
type stream struct {
	skill   SkillID
	rank    int32
	perHour load
	talks   []talk
	wrapS   float64 // mean of the after-call work
	// patienceS is the mean time after which one gives up, 0 for never.
	patienceS float64
}

// load is how many customers come in an hour, and how many else for a while.
type load struct {
	usual, other         float64
	fromMinute, toMinute int
}

func (l load) at(minute int) float64 {
	if l.fromMinute <= minute && minute < l.toMinute {
		return l.other
	}
	return l.usual
}

// talk is how long a share of the calls takes, from answer to end: lognormal.
type talk struct {
	share, meanS, sigma float64
}

// recess sends so many agents to AUX, the first ones.
type recess struct {
	agents               int
	fromMinute, toMinute int
}

// team is n agents with the same skills and one call at a time.
func team(n int, skills ...SkillID) []Agent { return jugglers(n, 1, skills...) }

func jugglers(n, slots int, skills ...SkillID) []Agent {
	agents := make([]Agent, n)
	for i := range agents {
		agents[i] = Agent{Skills: skills, Slots: slots}
	}
	return agents
}

func concat(teams ...[]Agent) (all []Agent) {
	for _, t := range teams {
		all = append(all, t...)
	}
	return all
}

// calls are usual calls: four minutes with their after-call work.
func calls(perHour load) stream {
	return stream{perHour: perHour, talks: []talk{{1, 220, 0.8}}, wrapS: 20}
}

func (s stream) of(skill SkillID, rank int32) stream {
	s.skill, s.rank = skill, rank
	return s
}

func (s stream) taking(talks ...talk) stream {
	s.talks = talks
	return s
}

func (s stream) leavingAfterS(mean float64) stream {
	s.patienceS = mean
	return s
}

// patterns are the days that are played. Twenty agents handle 270 calls an
// hour, with the pauses that all have.
var patterns = []pattern{
	{name: "steady at 95 %", agents: team(20, 0), streams: []stream{calls(load{usual: 256})}},
	{name: "surge, 2.5 times for 20 minutes", agents: team(20, 0),
		streams: []stream{calls(load{usual: 215, other: 540, fromMinute: 180, toMinute: 200})}},
	{name: "overload, then recovery", agents: team(20, 0),
		streams: []stream{calls(load{usual: 190, other: 320, fromMinute: 120, toMinute: 240})}},
	{name: "a third of the agents in AUX", agents: team(21, 0),
		streams: []stream{calls(load{usual: 240})}, breaks: []recess{{7, 120, 165}, {7, 300, 345}}},
	{name: "agents shared by two skills", agents: concat(team(12, 0, 1), team(4, 0), team(4, 1)),
		streams: []stream{calls(load{usual: 127}), calls(load{usual: 127}).of(1, 0)}},
	{name: "four priorities", agents: team(20, 0), streams: []stream{
		calls(load{usual: 64}).of(0, -1), calls(load{usual: 64}).of(0, 0),
		calls(load{usual: 64}).of(0, 1), calls(load{usual: 64}).of(0, 2)}},
	{name: "short and long calls", agents: team(20, 0),
		streams: []stream{calls(load{usual: 256}).taking(talk{0.8, 80, 0.5}, talk{0.2, 780, 0.5})}},
	// Of three the next to be free is a matter of chance, and naive profits from
	// the pauses that it does not know of: it foresees short waits, which are the
	// likelier ones.
	{name: "a team of three", agents: team(3, 0), streams: []stream{calls(load{usual: 36})}, mayEqualNaive: true},
	{name: "customers who give up", agents: team(20, 0),
		streams: []stream{calls(load{usual: 270}).leavingAfterS(300), calls(load{usual: 53})}},
	{name: "agents who do not answer", agents: team(20, 0),
		streams: []stream{calls(load{usual: 230})}, refused: 0.12},
	{name: "three chats at once", agents: jugglers(8, 3, 0),
		streams: []stream{calls(load{usual: 130}).taking(talk{1, 480, 0.8})}},
}

func (s *stream) talkMs(random *rand.Rand) int64 {
	x := random.Float64()
	for _, t := range s.talks[:len(s.talks)-1] {
		if x < t.share {
			return lognormalMs(random, t.meanS, t.sigma)
		}
		x -= t.share
	}
	last := s.talks[len(s.talks)-1]
	return lognormalMs(random, last.meanS, last.sigma)
}

func lognormalMs(random *rand.Rand, meanS, sigma float64) int64 {
	return 1 + int64(1000*meanS*math.Exp(sigma*random.NormFloat64()-sigma*sigma/2))
}

func exponentialMs(random *rand.Rand, meanS float64) int64 {
	return 1 + int64(1000*meanS*random.ExpFloat64())
}
