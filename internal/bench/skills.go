package bench

import (
	"fmt"
	"strconv"
	"time"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
)

// skilled is a busy contact centre with skills. An agent has five of them at
// different levels, and prefers what comes first, his best level, or the skill
// furthest below its share. An interaction enters by a VDN, whose vector queues
// it to one or two skills; every fourth at priority h.
type skilled struct {
	*contact
	skills    int
	has       []int // the interactions of the agents, by number
	submitted int
}

// The media type and the vectors of a skilled centre.
const skilledMedium = "voice"

var skilledVectors = [...]string{
	"queue-to skill 1st pri m",
	"queue-to skill 1st pri m\nqueue-to skill 2nd pri m",
	"queue-to skill 1st pri h",
	"queue-to skill 1st pri h\nqueue-to skill 2nd pri h",
}

// secondSkill is how far the second skill of a VDN is from the first.
const secondSkill = 7

// skillsOfAgent is how many skills an agent has.
const skillsOfAgent = 5

// skillOfAgent is one of an agent's skills. Every second agent has his in the
// second half of all.
func skillOfAgent(n, k, skills int) int {
	return n%2*(skills/2) + (n/2+k*(1+n/2%7))%(skills/2)
}

// skillLevel is an agent's level in one of his skills, and his share of it.
func skillLevel(n, k int) (level, percent int32) {
	random := mixed(uint64(n*skillsOfAgent + k))
	return int32(1 + random%16), int32(random >> 8 % 100)
}

// What agents prefer.
const (
	preferGreatestNeed = usherv1.CallPreference_CALL_PREFERENCE_GREATEST_NEED
	preferLevels       = usherv1.CallPreference_CALL_PREFERENCE_SKILL_LEVEL
	preferShares       = usherv1.CallPreference_CALL_PREFERENCE_PERCENT_ALLOCATION
)

var preferences = [...]usherv1.CallPreference{preferGreatestNeed, preferLevels, preferShares}

func preferenceOf(n int) usherv1.CallPreference { return preferences[n/2%len(preferences)] }

// need is what an interaction needs: the vector that it enters, and its first
// skill.
type need struct{ vector, skill int }

// needOf is what an interaction needs that waits for some of the skills.
func needOf(number, skills int) need {
	random := mixed(uint64(number))
	vector := int(random >> 42 % 2)
	if random>>40%4 == 0 {
		vector += 2
	}
	return need{vector, int(random % uint64(skills))}
}

// queuedTo are the skills to which the vector queues it, and its rank there.
func (n need) queuedTo(skills int) (to []int, rank int) {
	to = append(to, n.skill)
	if n.vector%2 == 1 {
		to = append(to, (n.skill+secondSkill)%skills)
	}
	return to, n.vector / 2
}

// mixed gives a number that looks random.
func mixed(n uint64) uint64 {
	n = (n ^ n>>30) * 0xbf58476d1ce4e5b9
	n = (n ^ n>>27) * 0x94d049bb133111eb
	return n ^ n>>31
}

func skillName(n int) string          { return fmt.Sprintf("skill-%03d", n) }
func (n need) vdn() string            { return fmt.Sprintf("%d%03d", 5+n.vector, n.skill) }
func interactionID(n int) string      { return fmt.Sprintf("%020d", n) }
func numberOf(interaction string) int { n, _ := strconv.Atoi(interaction); return n }

// newSkilled is a centre in which every agent has something.
func newSkilled(agents, skills int) *skilled {
	w := &skilled{contact: newContact(skilledCentre(agents, skills)), skills: skills}
	for n := range agents {
		w.logIn(n, skilledMedium)
		w.router.Update(w.engine)
		w.submit(need{0, skillOfAgent(n, 0, skills)})
		suspend, _ := w.asks(true)
		w.ask(engine.BuiltinRouter, suspend)
		call, _ := w.asks(true)
		w.has = append(w.has, 0)
		w.deliver(n, call)
	}
	return w
}

func skilledCentre(agents, skills int) *usherv1.Configuration {
	c := &usherv1.Configuration{MediaTypes: []*usherv1.MediaType{{Name: skilledMedium}}}
	for n, text := range skilledVectors {
		name := strconv.Itoa(n)
		c.Vectors = append(c.Vectors, &usherv1.Vector{Name: name, Text: "vector " + name + "\n" + text})
		c.Queues = append(c.Queues, &usherv1.Queue{Name: name, Strategy: engine.Vectored, Vector: name})
	}
	for k := range skills {
		c.Skills = append(c.Skills, &usherv1.Skill{Name: skillName(k)})
		for n := range skilledVectors {
			c.Vdns = append(c.Vdns, &usherv1.Vdn{
				Name: need{n, k}.vdn(), Queue: strconv.Itoa(n), Skills: []string{skillName(k), skillName((k + secondSkill) % skills)},
			})
		}
	}
	for n := range agents {
		a := &usherv1.Agent{
			AgentId: string(agentID(n)), CallPreference: preferenceOf(n), LoginWorkMode: usherv1.WorkMode_WORK_MODE_AUTO_IN,
		}
		for k := range skillsOfAgent {
			level, percent := skillLevel(n, k)
			a.Skills = append(a.Skills, &usherv1.AgentSkill{Skill: skillName(skillOfAgent(n, k, skills)), Level: level, Percent: percent})
		}
		c.Agents = append(c.Agents, a)
	}
	return c
}

// submit brings one more interaction to its VDN.
func (w *skilled) submit(n need) {
	w.submitted++
	w.now++
	w.ask(aMedia, &usherv1.RequestSubmit{InteractionId: interactionID(w.submitted), MediaType: skilledMedium, Vdn: n.vdn()})
}

// asks is what the router asks for, if it is expected to, and how long it took
// to look at what changed and to decide.
func (w *skilled) asks(expected bool) (any, time.Duration) {
	began := time.Now()
	w.router.Update(w.engine)
	request, ok := w.router.Next(w.now)
	took := time.Since(began)
	if ok != expected {
		panic(fmt.Sprintf("bench: the router asks for %v; something is to be expected: %v", request, expected))
	}
	return request, took
}

// arrived is how long an arrival took: the router to run its vector, the
// engine to suspend it, the router to place the interaction where it waits.
type arrived struct{ run, suspend, place time.Duration }

// arrive lets one more interaction come, and its vector queue it where nobody
// is available.
func (w *skilled) arrive(n need) (took arrived) {
	w.submit(n)
	var suspend any
	suspend, took.run = w.asks(true)
	began := time.Now()
	w.ask(engine.BuiltinRouter, suspend)
	took.suspend = time.Since(began)
	_, took.place = w.asks(false)
	return took
}

// free lets an agent stop what he has and accept what he gets then, and gives
// the router's time for that.
func (w *skilled) free(agent int) time.Duration {
	w.stop(agent)
	call, found := w.asks(true)
	return found + w.deliver(agent, call)
}

func (w *skilled) stop(agent int) {
	w.ask(agentParticipant(agent), &usherv1.RequestStopProcessing{InteractionId: interactionID(w.has[agent])})
}

// deliver lets an agent accept what the router asks for, and gives the
// router's time for taking note.
func (w *skilled) deliver(agent int, request any) time.Duration {
	call := request.(*usherv1.RequestRouteCall)
	if call.GetAgent().GetAgentId() != string(agentID(agent)) {
		panic("bench: the router picked somebody who is busy")
	}
	entries := w.ask(engine.BuiltinRouter, call)
	_, invited := w.asks(false)
	w.ask(agentParticipant(agent), &usherv1.RequestAccept{Ticket: ticketIn(entries)})
	_, accepted := w.asks(false)
	w.has[agent] = numberOf(call.InteractionId)
	return invited + accepted
}

// wait lets interactions wait for some of the skills, until there are so many.
func (w *skilled) wait(waiting, skills int) {
	for w.submitted-len(w.has) < waiting {
		w.arrive(needOf(w.submitted+1, skills))
	}
}
