package router

import (
	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
)

// What a look at all queues is told of those who serve them.

// serving counts the agents who serve a queue, each once.
type serving struct {
	row                *usherv1.QueueRow
	media              engine.MediaName // only seats for it count; empty for all
	counted, available *agent           // the last who was counted
}

// FillQueues fills in, in rows of queues, what the router knows: the agents who
// could be asked for what waits there, and how long a new interaction of the media
// type that media gives for a queue is expected to wait; none for no expected wait.
// It takes time
// in proportion to the seats of all agents and to the skills that the queues'
// vectors name, whatever waits.
func (r *Router) FillQueues(e *engine.Engine, now engine.Millis, rows []*usherv1.QueueRow, media func(queue string) engine.MediaName) {
	r.Update(e)
	r.now = max(r.now, now)
	skills := map[string][][]string{}
	for vdn := range e.EachVdn {
		skills[vdn.GetQueue()] = append(skills[vdn.GetQueue()], vdn.GetSkills())
	}
	served := map[*class][]*serving{}
	for _, row := range rows {
		queue := e.QueueNamed(engine.QueueName(row.GetQueue()))
		s, seen := &serving{row: row, media: media(row.GetQueue())}, map[className]bool{}
		for _, name := range r.classesOf(queue, skills[row.GetQueue()]) {
			if c := r.index.classes[name]; c != nil && !seen[name] {
				seen[name] = true
				served[c] = append(served[c], s)
			}
		}
		if s.media != "" {
			if answer := r.expectedOfQueue(queue, nil, s.media, 0); !answer.Infinite {
				row.ExpectedWaitMs = &answer.ExpectedWaitMs
			}
		}
	}
	for a := range e.EachAgent {
		if seated := r.index.agents[a.ID()]; seated != nil {
			seated.countAs(served)
		}
	}
}

// countAs counts an agent at the queues that the classes of his seats serve.
func (a *agent) countAs(served map[*class][]*serving) {
	for k := range a.seats {
		seat := &a.seats[k]
		for _, s := range served[seat.pool.class] {
			if s.media != "" && s.media != seat.pool.name.media {
				continue
			}
			if s.counted != a {
				s.counted = a
				s.row.AgentsStaffed++
			}
			if seat.available && s.available != a {
				s.available = a
				s.row.AgentsAvailable++
			}
		}
	}
}

// classesOf are the classes of agents who serve a queue: its group, or those
// that its vector names; ofVdns are the skills of the VDNs that lead to it.
func (r *Router) classesOf(queue *usherv1.Queue, ofVdns [][]string) []className {
	if queue.GetStrategy() == engine.LongestIdle {
		return []className{{kindGroup, queue.GetAgentGroup()}}
	}
	if queue.GetStrategy() != engine.Vectored {
		return nil
	}
	var classes []className
	parsed, _ := r.engine.PresentVector(queue.GetVector())
	for _, skills := range append(ofVdns, nil) {
		for _, place := range placesOf(parsed, skills) {
			class := className{kindSkill, place.Skill}
			if place.Target != "" {
				target := r.engine.Target(place.Target)
				class = targetClass(target, target.GetExpression())
			}
			classes = append(classes, class)
		}
	}
	return classes
}
