package router

import (
	"fmt"
	"slices"
	"strings"

	"github.com/usher-cc/usher/vector"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
)

// Questions about interactions that wait: why, and how long still. They are
// computed when they are asked, from the same state that decides.

// Limits of an explanation.
const (
	defaultNamed = 10
	maxNamed     = 10_000
)

// expected is how long an interaction at a position of a pool is expected to
// wait.
func (r *Router) expected(pool poolName, target string, position int, rank int32) (ms int64, infinite bool) {
	kind, name := pool.class.kind.String(), pool.class.name
	if pool.class.isTarget() {
		name = target
	}
	return r.engine.Service(kind, name, pool.media).ExpectedMs(
		position, r.index.staffed(pool.class), r.index.working(pool), r.index.idle(pool), min(rank, 2))
}

// ExpectedWait says how long an interaction, or a new one, is expected to
// wait.
func (r *Router) ExpectedWait(e *engine.Engine, now engine.Millis, q *usherv1.RequestExpectedWait) (*usherv1.EventExpectedWait, *usherv1.EventError) {
	r.Update(e)
	if why := checkQuestion(e, q); why != nil {
		return nil, why
	}
	switch of := q.GetOf().(type) {
	case *usherv1.RequestExpectedWait_InteractionId:
		i, why := e.Find(of.InteractionId)
		if why != nil {
			return nil, why
		}
		return r.expectedOf(i), nil
	case *usherv1.RequestExpectedWait_Skill:
		if e.Skill(of.Skill) == nil {
			return nil, engine.Refuse(usherv1.ErrorCode_ERROR_CODE_UNKNOWN_OBJECT, "skill: there is no skill %q", of.Skill)
		}
		class := className{kindSkill, of.Skill}
		return r.expectedOfNew(class, "", e.Skill(of.Skill).GetMaxQueued(), engine.MediaName(q.GetMediaType()), rankOfPriority(q.GetPriority())), nil
	case *usherv1.RequestExpectedWait_Queue:
		queue := e.QueueNamed(engine.QueueName(of.Queue))
		if queue == nil {
			return nil, engine.Refuse(usherv1.ErrorCode_ERROR_CODE_UNKNOWN_QUEUE, "queue: there is no queue %q", of.Queue)
		}
		return r.expectedOfQueue(queue, nil, engine.MediaName(q.GetMediaType()), rankOfPriority(q.GetPriority())), nil
	case *usherv1.RequestExpectedWait_Vdn:
		vdn := e.VdnNamed(of.Vdn)
		if vdn == nil {
			return nil, engine.Refuse(usherv1.ErrorCode_ERROR_CODE_UNKNOWN_OBJECT, "vdn: there is no VDN %q", of.Vdn)
		}
		queue := e.QueueNamed(engine.QueueName(vdn.GetQueue()))
		return r.expectedOfQueue(queue, vdn.GetSkills(), engine.MediaName(q.GetMediaType()), rankOfPriority(q.GetPriority())), nil
	}
	return nil, engine.Refuse(usherv1.ErrorCode_ERROR_CODE_INVALID_ARGUMENT, "of is missing: interaction_id, skill, queue or vdn")
}

// checkQuestion refuses a question about new interactions of what there is not.
func checkQuestion(e *engine.Engine, q *usherv1.RequestExpectedWait) *usherv1.EventError {
	if _, waits := q.GetOf().(*usherv1.RequestExpectedWait_InteractionId); waits {
		return nil
	}
	for media := range e.EachMediaType {
		if string(media) == q.GetMediaType() {
			if _, known := usherv1.VectorPriority_name[int32(q.GetPriority())]; !known {
				return engine.Refuse(usherv1.ErrorCode_ERROR_CODE_INVALID_ARGUMENT, "priority: %d is unknown", q.GetPriority())
			}
			return nil
		}
	}
	return engine.Refuse(usherv1.ErrorCode_ERROR_CODE_UNKNOWN_MEDIA_TYPE, "media_type: there is no media type %q", q.GetMediaType())
}

// expectedOf is the least wait over all places where an interaction waits.
func (r *Router) expectedOf(i *engine.Interaction) *usherv1.EventExpectedWait {
	best := &usherv1.EventExpectedWait{Infinite: true}
	w := r.waiting[i.ID()]
	if w == nil {
		return best
	}
	for k := range w.claims {
		c := &w.claims[k]
		position, _ := r.index.position(i.ID(), c.item.pool)
		ms, infinite := r.expected(c.item.pool, c.queueing.GetTarget(), position, c.item.rank)
		if best.Position == 0 || int32(position) < best.Position {
			best.Position = int32(position)
		}
		if !infinite && (best.Infinite || ms < best.ExpectedWaitMs) {
			best.ExpectedWaitMs, best.Infinite = ms, false
		}
	}
	return best
}

func (r *Router) expectedOfNew(class className, target string, most int32, media engine.MediaName, rank int32) *usherv1.EventExpectedWait {
	pool := poolName{class, media}
	position := r.index.waiting(pool, rank) + 1
	answer := &usherv1.EventExpectedWait{Position: int32(position)}
	if most > 0 && r.index.waiting(pool, -directRank) >= int(most) {
		answer.Infinite = true
		return answer
	}
	answer.ExpectedWaitMs, answer.Infinite = r.expected(pool, target, position, rank)
	return answer
}

// expectedOfQueue is that of the queue's group, or the least of the skills and
// targets that its vector names; ofVdn are the VDN's skills.
func (r *Router) expectedOfQueue(queue *usherv1.Queue, ofVdn []string, media engine.MediaName, rank int32) *usherv1.EventExpectedWait {
	if queue.GetStrategy() == engine.LongestIdle {
		return r.expectedOfNew(className{kindGroup, queue.GetAgentGroup()}, "", 0, media, rank)
	}
	best := &usherv1.EventExpectedWait{Infinite: true}
	parsed, _ := r.engine.PresentVector(queue.GetVector())
	for _, place := range placesOf(parsed, ofVdn) {
		class, most := className{kindSkill, place.Skill}, r.engine.Skill(place.Skill).GetMaxQueued()
		if place.Target != "" {
			target := r.engine.Target(place.Target)
			class, most = targetClass(target, target.GetExpression()), 0
		}
		answer := r.expectedOfNew(class, place.Target, most, media, rank)
		if !answer.Infinite && (best.Infinite || answer.ExpectedWaitMs < best.ExpectedWaitMs) || best.Position == 0 {
			best = answer
		}
	}
	return best
}

// placesOf are the skills and targets that a vector names to queue to; the best
// may be any that it considers.
func placesOf(v *vector.Vector, ofVdn []string) []vector.Place {
	if v == nil {
		return nil
	}
	var named, considered, places []vector.Place
	for _, step := range v.Steps {
		switch action := step.Action.(type) {
		case vector.QueueTo:
			named = append(named, action.Place)
		case vector.Check:
			named = append(named, action.Place)
		case vector.Consider:
			considered = append(considered, action.Place)
		}
	}
	if slices.ContainsFunc(named, func(p vector.Place) bool { return p.Skill == vector.Best }) {
		named = append(named, considered...)
	}
	for _, p := range named {
		n := slices.Index([]string{vector.First, vector.Second, vector.Third}, p.Skill)
		switch {
		case p.Skill == vector.Best, n >= len(ofVdn):
			continue
		case n >= 0:
			p.Skill = ofVdn[n]
		}
		places = append(places, p)
	}
	return places
}

// WhyWaiting says for every agent which rule keeps a waiting interaction from
// him.
func (r *Router) WhyWaiting(e *engine.Engine, now engine.Millis, q *usherv1.RequestWhyWaiting) (*usherv1.EventWhyWaiting, *usherv1.EventError) {
	r.Update(e)
	i, why := e.Find(q.GetInteractionId())
	if why != nil {
		return nil, why
	}
	named := int(q.GetMaxAgents())
	if named < 0 || named > maxNamed {
		return nil, engine.Refuse(usherv1.ErrorCode_ERROR_CODE_INVALID_ARGUMENT, "max_agents: %d, 0 to %d", named, maxNamed)
	}
	if named == 0 {
		named = defaultNamed
	}
	x := &explanation{r: r, interaction: i, now: now, named: named, rules: map[string]*usherv1.Exclusion{}}
	answer := &usherv1.EventWhyWaiting{
		InteractionId: string(i.ID()), VectorState: i.Vector(), TimeMs: int64(now),
	}
	if i.State() != usherv1.InteractionState_INTERACTION_STATE_HANDLING {
		answer.WaitingSinceMs, answer.ExpectedWait = int64(i.MovedToQueueAt()), r.expectedOf(i)
	}
	if state := i.Vector(); state != nil {
		answer.Step = vector.Describe(state, &sight{r, i, now})
	}
	answer.Summary, answer.Places = x.summary(), x.places()
	if x.waits() {
		answer.Exclusions = x.exclusions()
	}
	return answer, nil
}

// explanation explains why one interaction waits.
type explanation struct {
	r           *Router
	interaction *engine.Interaction
	now         engine.Millis
	named       int
	rules       map[string]*usherv1.Exclusion
}

// waits tells whether agents could have it at all.
func (x *explanation) waits() bool { return x.r.waiting[x.interaction.ID()] != nil }

func (x *explanation) claims() []claimOf {
	if w := x.r.waiting[x.interaction.ID()]; w != nil {
		return w.claims
	}
	return nil
}

// summary says in one sentence how things stand.
func (x *explanation) summary() string {
	i, p := x.interaction, x.interaction.Values()
	switch {
	case p.State == usherv1.InteractionState_INTERACTION_STATE_HANDLING:
		return fmt.Sprintf("It does not wait: agent %s handles it.", p.AssignedTo)
	case p.IsHeld:
		return "It is held, and routing passes over it until it is resumed."
	case p.IsLocked:
		return "It is locked by a snapshot, and routing passes over it until it is unlocked."
	case i.InvitedAgent() != "":
		return fmt.Sprintf("It is being delivered: agent %s is invited.", i.InvitedAgent())
	case p.Workbin != nil:
		return fmt.Sprintf("It is in workbin %s of %s, where agents pull.", p.Workbin.Name, p.Workbin.Owner)
	case p.State == usherv1.InteractionState_INTERACTION_STATE_QUEUED && x.r.engine.QueueNamed(i.Queue()).GetStrategy() == "":
		return fmt.Sprintf("Queue %s has no strategy: agents pull.", p.Queue)
	case p.State == usherv1.InteractionState_INTERACTION_STATE_QUEUED:
		return fmt.Sprintf("It is in queue %s and not handed to a router: none with strategy %q has room, or the queue's view does not show it.",
			p.Queue, x.r.engine.QueueNamed(i.Queue()).GetStrategy())
	case !x.waits():
		return fmt.Sprintf("It is with external router %s, which decides.", i.Router())
	case len(x.claims()) == 0:
		return "Its vector has queued it to no skill yet."
	}
	return x.summaryOfAgents()
}

// summaryOfAgents says why nobody has it of those who could.
func (x *explanation) summaryOfAgents() string {
	staffed, working, available := 0, 0, 0
	for _, c := range x.claims() {
		staffed += x.r.index.staffed(c.item.pool.class)
		working += x.r.index.working(c.item.pool)
		available += x.r.index.idle(c.item.pool)
	}
	switch {
	case staffed == 0:
		return "Nobody is logged in who could have it."
	case working == 0:
		return "All who could have it are in AUX or not ready."
	case available == 0:
		return "All who could have it are busy."
	}
	return "Those who are available have refused it lately, and are not asked again at once."
}

// places says where it waits.
func (x *explanation) places() []*usherv1.WaitingPlace {
	var places []*usherv1.WaitingPlace
	for _, c := range x.claims() {
		position, _ := x.r.index.position(x.interaction.ID(), c.item.pool)
		places = append(places, &usherv1.WaitingPlace{
			Where:    fmt.Sprintf("%s for %d s", x.where(&c), (x.now-c.item.at)/1000),
			Position: int32(position), Staffed: int32(x.r.index.staffed(c.item.pool.class)), Available: int32(x.r.index.idle(c.item.pool)),
		})
	}
	return places
}

func (x *explanation) where(c *claimOf) string {
	class := c.item.pool.class
	switch {
	case c.queueing == nil:
		return fmt.Sprintf("group %q at priority %d", class.name, c.item.rank)
	case c.queueing.GetAgent() != "":
		return fmt.Sprintf("agent %q, directly", class.agent())
	case class.kind == kindAgent:
		return fmt.Sprintf("agent %q, preferred until others may have it", class.agent())
	case class.isTarget():
		return fmt.Sprintf("target %q (%s) at priority %s", c.queueing.GetTarget(), class.name, letter(c.queueing.GetPriority()))
	}
	return fmt.Sprintf("skill %q at priority %s", class.name, letter(c.queueing.GetPriority()))
}

// letter is a priority as vectors write it.
func letter(p usherv1.VectorPriority) string {
	return strings.ToLower(strings.TrimPrefix(p.String(), "VECTOR_PRIORITY_"))[:1]
}

// order is the order of the rules, those nearest to an assignment first.
var order = []string{
	"Eligible", "BackOff", "MultipleCallHandling", "CapacityUsed", "PendingWorkMode", "WorkMode", "MediaNotReady",
	"MediaNotLoggedIn", "DoNotDisturb", "ConnectionLost", "NotLoggedIn", "NotPreferred", "NotInSkill", "NotInTarget", "NotInGroup",
}

// exclusions gathers the rules over all agents.
func (x *explanation) exclusions() []*usherv1.Exclusion {
	for config := range x.r.engine.EachConfiguredAgent {
		rule, description, detail := x.ruleFor(config)
		e := x.rules[rule]
		if e == nil {
			e = &usherv1.Exclusion{Rule: rule, Description: description}
			x.rules[rule] = e
		}
		if e.Count++; len(e.Agents) < x.named {
			e.Agents = append(e.Agents, &usherv1.ExcludedAgent{AgentId: config.GetAgentId(), Detail: detail})
		}
	}
	var all []*usherv1.Exclusion
	for _, rule := range order {
		if e := x.rules[rule]; e != nil {
			all = append(all, e)
		}
	}
	return all
}

// ruleFor is the rule that keeps the interaction from an agent. Of several
// places the nearest to an assignment counts; only skills' multiple call
// handling is another in each.
func (x *explanation) ruleFor(config *usherv1.Agent) (rule, description, detail string) {
	claims, rule, description := x.claimsFor(config)
	if len(claims) == 0 {
		return rule, description, ""
	}
	a := x.r.engine.Agent(engine.AgentID(config.GetAgentId()))
	if a == nil {
		return "NotLoggedIn", "They are not logged in.", ""
	}
	skills, allowed := x.skillsOf(claims, a)
	switch why := a.WhyNot(x.interaction.MediaType(), x.now); {
	case why.Rule != "":
		return why.Rule, why.Description, why.Detail
	case !allowed:
		return "MultipleCallHandling", "They have something, and a skill gives them no more.", fmt.Sprintf("skill %s: %s", skills, a.Has())
	case x.interaction.NotBefore(a.ID()) > x.now:
		return "BackOff", "They refused it, or did not answer, and are not asked again at once.",
			fmt.Sprintf("not before %d ms", x.interaction.NotBefore(a.ID())-x.now)
	}
	return "Eligible", "They can have it now.", ""
}

// skillsOf names the skills whose rules an agent would follow, and tells
// whether one of them lets him have something more.
func (x *explanation) skillsOf(claims []*claimOf, a *engine.Agent) (names string, allowed bool) {
	var quoted []string
	for _, c := range claims {
		skill := x.r.skillOf(c, a.ID())
		allowed = allowed || a.AllowsAnother(skill)
		quoted = append(quoted, fmt.Sprintf("%q", skill))
	}
	return strings.Join(quoted, ", "), allowed
}

// claimsFor are the claims by which an agent could have the interaction; if
// there are none, the rule that leaves him out.
func (x *explanation) claimsFor(config *usherv1.Agent) (his []*claimOf, rule, description string) {
	claims := x.claims()
	var sentences []string
	for k := range claims {
		c := &claims[k]
		if x.r.belongs(config, c.item.pool.class) {
			his = append(his, c)
		}
		name, sentence := x.notIn(c)
		if k == 0 {
			rule = name
		}
		sentences = append(sentences, sentence)
	}
	return his, rule, strings.Join(sentences, " ")
}

// notIn is the rule that leaves out those who don't belong to a claim's class.
func (x *explanation) notIn(c *claimOf) (rule, sentence string) {
	class := c.item.pool.class
	switch class.kind {
	case kindAgent:
		return "NotPreferred", fmt.Sprintf("It waits for agent %q.", class.agent())
	case kindSkill:
		return "NotInSkill", fmt.Sprintf("They do not have skill %q.", class.name)
	case kindTarget, kindTargetLOA:
		return "NotInTarget", fmt.Sprintf("They do not fit target %q (%s).", c.queueing.GetTarget(), class.name)
	}
	return "NotInGroup", fmt.Sprintf("They are not in agent group %q.", class.name)
}

// belongs tells whether an agent belongs to a class, logged in or not.
func (r *Router) belongs(config *usherv1.Agent, class className) bool {
	switch class.kind {
	case kindGroup:
		return slices.Contains(config.GetAgentGroups(), class.name)
	case kindSkill:
		return hasSkill(config, class.name)
	case kindAgent:
		return config.GetAgentId() == class.agent()
	}
	return r.fits(config, class)
}
