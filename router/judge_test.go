package router

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/usher-cc/usher/expression"
	"github.com/usher-cc/usher/vector"

	usherv1 "github.com/usher-cc/usher/api/usher/v1"
	"github.com/usher-cc/usher/engine"
)

// judge decides from the engine's state by lists and loops what the router is
// to ask for next: who gets what, by skills, targets, preferences, priorities
// and work modes, and which vector runs. It takes from the engine whether an
// agent may have something more (engine's own tests hold that), and from the
// router the interpreter of vectors with what it knows but by the index; all
// that the index answers is counted here anew. Conditions on the clock and on
// averages have conditions_test.go.
type judge struct{ f *floor }

// bid is an interaction in one place where it waits.
type bid struct {
	i        *engine.Interaction
	kind     classKind
	name     string // the skill, expression, group or agent
	rank     int32
	at       engine.Millis
	queueing *usherv1.Queueing
}

func (j judge) waiting() []*engine.Interaction {
	var all []*engine.Interaction
	for i := range j.f.e.EachInteraction {
		if i.WaitsFor(engine.BuiltinRouter) {
			all = append(all, i)
		}
	}
	return all
}

// bids are all places where interactions wait, the first to be served first.
func (j judge) bids() []bid {
	var all []bid
	for _, i := range j.waiting() {
		all = append(all, j.bidsOf(i)...)
	}
	aging := engine.Millis(j.f.e.Options().GetPriorityAgingMs())
	slices.SortStableFunc(all, func(a, b bid) int {
		direct := cmp.Compare(isDirect(b), isDirect(a))
		if aging > 0 && direct == 0 && isDirect(a) == 0 {
			return cmp.Or(cmp.Compare(a.at-engine.Millis(a.rank)*aging, b.at-engine.Millis(b.rank)*aging), cmp.Compare(a.i.EntrySequence(), b.i.EntrySequence()))
		}
		return cmp.Or(direct, cmp.Compare(b.rank, a.rank), cmp.Compare(a.at, b.at), cmp.Compare(a.i.EntrySequence(), b.i.EntrySequence()))
	})
	return all
}

func isDirect(b bid) int {
	if b.queueing.GetAgent() != "" {
		return 1
	}
	return 0
}

func (j judge) bidsOf(i *engine.Interaction) []bid {
	if i.Strategy() == engine.LongestIdle {
		return []bid{{i, kindGroup, string(j.f.e.GroupOf(i.Queue())), i.Priority(), i.MovedToQueueAt(), nil}}
	}
	var all []bid
	for _, q := range i.Vector().GetQueueings() {
		b := bid{i: i, at: engine.Millis(q.QueuedAtMs), queueing: q, rank: int32(q.Priority) - 2}
		b.kind, b.name = j.wanted(q)
		if !slices.ContainsFunc(all, func(o bid) bool { return o.kind == b.kind && o.name == b.name }) {
			all = append(all, b)
		}
	}
	return all
}

// wanted is who is wanted now for a queueing.
func (j judge) wanted(q *usherv1.Queueing) (classKind, string) {
	switch {
	case q.Agent != "":
		return kindAgent, j.limited(q.Agent, j.f.e.ConfiguredAgent(engine.AgentID(q.Agent)).GetDirectAgentSkill())
	case q.PreferredUntilMs > int64(j.f.now):
		config := j.f.e.ConfiguredAgent(engine.AgentID(q.PreferredAgent))
		if slices.ContainsFunc(config.GetSkills(), func(s *usherv1.AgentSkill) bool { return s.Skill == q.Skill }) {
			return kindAgent, j.limited(q.PreferredAgent, q.Skill)
		}
		return kindAgent, q.PreferredAgent
	case q.Skill != "":
		return kindSkill, q.Skill
	}
	t := j.f.e.Target(q.Target)
	expr := t.Expression
	for _, s := range t.Stages {
		if int64(j.f.now)-q.QueuedAtMs >= s.AfterMs {
			expr = s.Expression
		}
	}
	return kindTarget, expr
}

// limited is an agent, by the rules of a skill if that has some.
func (j judge) limited(agent, skill string) string {
	if h := j.f.e.Skill(skill).GetMultipleCallHandling(); h == 0 || h == usherv1.MultipleCallHandling_MULTIPLE_CALL_HANDLING_MANY_FORCED {
		return agent
	}
	return agent + "/" + skill
}

// belongs tells whether a logged-in agent is one of those wanted.
func (j judge) belongs(a *engine.Agent, kind classKind, name string) bool {
	return j.wants(a.Configured(), kind, name)
}

// wants is belongs for agents who need not be logged in.
func (j judge) wants(a *usherv1.Agent, kind classKind, name string) bool {
	switch kind {
	case kindGroup:
		return slices.Contains(a.AgentGroups, name)
	case kindSkill:
		return slices.ContainsFunc(a.Skills, func(s *usherv1.AgentSkill) bool { return s.Skill == name })
	case kindAgent:
		return a.AgentId == strings.Split(name, "/")[0]
	}
	program, fault := expression.Compile(expression.OfAgent, name)
	if fault != nil {
		j.f.t.Fatal(fault)
	}
	fits, err := program.Bool(&expression.Values{Agent: a})
	return err == nil && fits
}

func (j judge) skill(a *engine.Agent, name string) *usherv1.AgentSkill {
	for _, s := range a.Configured().Skills {
		if s.Skill == name {
			return s
		}
	}
	return nil
}

// rules is the skill whose rules bind an agent if he takes a bid.
func (j judge) rules(a *engine.Agent, b bid) string {
	switch {
	case b.queueing.GetAgent() != "":
		return a.Configured().DirectAgentSkill
	case b.queueing.GetSkill() != "" && j.skill(a, b.queueing.GetSkill()) != nil:
		return b.queueing.GetSkill()
	}
	return ""
}

// available tells whether an agent could take something there at once.
func (j judge) available(a *engine.Agent, kind classKind, name string, media engine.MediaName) bool {
	if !a.Available(media) || !slices.Contains(a.Media(), media) || !j.belongs(a, kind, name) {
		return false
	}
	switch kind {
	case kindSkill:
		return a.AllowsAnother(name)
	case kindAgent:
		_, skill, limited := strings.Cut(name, "/")
		return !limited || a.AllowsAnother(skill)
	}
	return true
}

// candidates are the agents who could have a bid, as they are selected.
func (j judge) candidates(b bid) []*engine.Agent {
	var all []*engine.Agent
	for a := range j.f.e.EachAgent {
		if j.available(a, b.kind, b.name, b.i.MediaType()) && b.i.NotBefore(a.ID()) <= j.f.now {
			all = append(all, a)
		}
	}
	selection := j.f.e.Skill(b.name).GetAgentSelection()
	if b.kind == kindTarget {
		selection = j.f.e.Target(b.queueing.Target).GetAgentSelection()
	}
	if b.kind != kindSkill && b.kind != kindTarget {
		selection = 0
	}
	slices.SortStableFunc(all, func(x, y *engine.Agent) int {
		level, occupied := 0, 0
		switch selection {
		case usherv1.AgentSelection_AGENT_SELECTION_EAD_MIA, usherv1.AgentSelection_AGENT_SELECTION_EAD_LOA:
			level = cmp.Compare(max(j.skill(x, b.name).Level, 1), max(j.skill(y, b.name).Level, 1))
		}
		switch selection {
		case usherv1.AgentSelection_AGENT_SELECTION_UCD_LOA, usherv1.AgentSelection_AGENT_SELECTION_EAD_LOA:
			occupied = cmp.Compare(x.Occupancy(), y.Occupancy())
		}
		return cmp.Or(level, occupied, cmp.Compare(x.IdleSince(), y.IdleSince()), cmp.Compare(x.ID(), y.ID()))
	})
	return all
}

// next is what the router is to ask for.
func (j judge) next() any {
	bids := j.bids()
	for _, b := range bids {
		if who := j.candidates(b); len(who) > 0 {
			return j.give(who[0], j.preferred(who[0], b, bids))
		}
	}
	if back := j.interrupt(); back != nil {
		return back
	}
	return j.run()
}

// interrupt is who is to come back from AUX, because many wait for a skill of
// his.
func (j judge) interrupt() any {
	for s := range j.f.e.EachSkill {
		for m := range j.f.e.EachMediaType {
			waiting := j.waits(kindSkill, s.Name, m, func(bid) bool { return true })
			if s.InterruptAuxQueued == 0 || waiting < int(s.InterruptAuxQueued) {
				continue
			}
			var longest *engine.Agent
			var since engine.Millis
			for a := range j.f.e.EachAgent {
				if at, ok := a.Interruptible(m); ok && j.skill(a, s.Name) != nil && (longest == nil || at < since) {
					longest, since = a, at
				}
			}
			if longest != nil {
				return &engine.InterruptAux{AgentID: longest.ID()}
			}
		}
	}
	return nil
}

// preferred is what an agent takes of all that he could have; first is the
// first of these.
func (j judge) preferred(a *engine.Agent, first bid, bids []bid) bid {
	preference := a.Configured().CallPreference
	if isDirect(first) == 1 || preference != usherv1.CallPreference_CALL_PREFERENCE_SKILL_LEVEL &&
		preference != usherv1.CallPreference_CALL_PREFERENCE_PERCENT_ALLOCATION {
		return first
	}
	best, found := first, false
	for _, b := range bids {
		if !j.available(a, b.kind, b.name, b.i.MediaType()) || b.i.NotBefore(a.ID()) > j.f.now {
			continue
		}
		if !found || j.better(a, b, best) {
			best, found = b, true
		}
	}
	return best
}

// better tells whether an agent prefers b to c, which comes before it.
func (j judge) better(a *engine.Agent, b, c bid) bool {
	if a.Configured().CallPreference == usherv1.CallPreference_CALL_PREFERENCE_PERCENT_ALLOCATION {
		if x, y := j.below(a, b), j.below(a, c); x != y {
			return x > y
		}
	}
	return j.level(a, b) < j.level(a, c)
}

// below is how far he is below his share, in millionths.
func (j judge) below(a *engine.Agent, b bid) int64 {
	s := j.skill(a, b.name)
	if b.kind != kindSkill {
		return 0
	}
	ofSkill, all := a.Delivered(b.name)
	if all == 0 {
		return int64(s.Percent) * 10_000
	}
	return int64(s.Percent)*10_000 - ofSkill*1_000_000/all
}

func (j judge) level(a *engine.Agent, b bid) int32 {
	if b.kind != kindSkill {
		return 0
	}
	return max(j.skill(a, b.name).Level, 1)
}

func (j judge) give(a *engine.Agent, b bid) any {
	served := &usherv1.ServedPlace{
		Kind: b.kind.String(), Name: b.name, Rank: b.rank, WaitedMs: int64(j.f.now - b.at),
		Staffed: int32(j.staffed(b.kind, b.name)), Working: int32(j.works(b.kind, b.name, b.i.MediaType())),
		Waiting: int32(j.waits(b.kind, b.name, b.i.MediaType(), func(bid) bool { return true }) - 1),
	}
	if isDirect(b) == 1 {
		served.Rank = directRank
	}
	if b.kind == kindTarget {
		served.Name = b.queueing.Target
	}
	if b.kind == kindAgent {
		served.Name = string(a.ID())
	}
	return &usherv1.RequestRouteCall{
		InteractionId: string(b.i.ID()),
		Target: &usherv1.RequestRouteCall_Agent{Agent: &usherv1.AgentTarget{
			AgentId: string(a.ID()), Skill: j.rules(a, b), Served: served,
		}},
	}
}

func (j judge) staffed(kind classKind, name string) (n int) {
	for a := range j.f.e.EachAgent {
		if len(a.Media()) > 0 && j.belongs(a, kind, name) {
			n++
		}
	}
	return n
}

func (j judge) works(kind classKind, name string, media engine.MediaName) (n int) {
	for a := range j.f.e.EachAgent {
		if a.Works(media) && j.belongs(a, kind, name) {
			n++
		}
	}
	return n
}

func (j judge) waits(kind classKind, name string, media engine.MediaName, counts func(bid) bool) (n int) {
	for _, b := range j.bids() {
		if b.kind == kind && b.name == name && b.i.MediaType() == media && counts(b) {
			n++
		}
	}
	return n
}

// run runs the vector whose time came first.
func (j judge) run() any {
	var first *engine.Interaction
	var at int64
	for _, i := range j.waiting() {
		if i.Strategy() != engine.Vectored {
			continue
		}
		if i.Vector().GetEnded() {
			continue
		}
		due := int64(1)
		if i.Vector() != nil {
			due = i.Vector().ResumeAtMs
		}
		if due > 0 && due <= int64(j.f.now) && (first == nil || due < at) {
			first, at = i, due
		}
	}
	if first == nil {
		return nil
	}
	state := first.Vector()
	if state == nil {
		name := j.f.e.QueueNamed(first.Queue()).Vector
		_, version := j.f.e.PresentVector(name)
		state = vector.Begin(vector.Name(name), version)
		state.Executed, state.SincePause = first.Executed()
	}
	next, outcome := vector.Run(state, naiveSight{&sight{j.f.router, first, j.f.now}, j})
	call := &usherv1.RequestRouteCall{InteractionId: string(first.ID()), Reason: outcome.Reason}
	switch {
	case outcome.Kind == vector.Suspended:
		return &engine.Suspend{InteractionID: first.ID(), State: next}
	case outcome.Kind == vector.Dropped:
		call.Target = &usherv1.RequestRouteCall_Stop{Stop: true}
	case outcome.To == vector.ToQueue:
		call.Target = &usherv1.RequestRouteCall_Queue{Queue: outcome.Name}
	case outcome.To == vector.ToVdn:
		call.Target = &usherv1.RequestRouteCall_Vdn{Vdn: outcome.Name}
	default:
		call.Target = &usherv1.RequestRouteCall_Workbin{Workbin: &usherv1.Workbin{Name: outcome.Name, Owner: outcome.Owner}}
	}
	return call
}

// naiveSight is what a vector sees; what the index answers is counted.
type naiveSight struct {
	*sight
	j judge
}

func (n naiveSight) place(p vector.Place) (classKind, string) {
	return n.j.wanted(&usherv1.Queueing{Skill: p.Skill, Target: p.Target, QueuedAtMs: int64(n.j.f.now)})
}

func (n naiveSight) media() engine.MediaName { return n.sight.interaction.MediaType() }

func (n naiveSight) AvailableAgents(p vector.Place) (count int) {
	kind, name := n.place(p)
	for a := range n.j.f.e.EachAgent {
		if n.j.available(a, kind, name, n.media()) {
			count++
		}
	}
	return count
}

func (n naiveSight) StaffedAgents(p vector.Place) int { return n.j.staffed(n.place(p)) }

func (n naiveSight) CallsQueued(p vector.Place, priority usherv1.VectorPriority) int {
	kind, name := n.place(p)
	return n.j.waits(kind, name, n.media(), func(b bid) bool { return priority == 0 || b.rank >= int32(priority)-2 })
}

func (n naiveSight) Full(p vector.Place) bool {
	most := n.j.f.e.Skill(p.Skill).GetMaxQueued()
	return p.Target == "" && most > 0 && n.CallsQueued(p, 0) >= int(most)
}

func (n naiveSight) OldestCallWaitMs(p vector.Place, priority usherv1.VectorPriority) (ms int64) {
	kind, name := n.place(p)
	for _, b := range n.j.bids() {
		if b.kind == kind && b.name == name && b.i.MediaType() == n.media() && (priority == 0 || b.rank >= int32(priority)-2) {
			ms = max(ms, int64(n.j.f.now-b.at))
		}
	}
	return ms
}

func (n naiveSight) Reaches(q *usherv1.Queueing) bool {
	kind, name := n.j.wanted(q)
	for a := range n.j.f.e.EachAgent {
		if n.j.available(a, kind, name, n.media()) && n.sight.interaction.NotBefore(a.ID()) <= n.j.f.now {
			return true
		}
	}
	return false
}

func (n naiveSight) QueuePosition(queueings []*usherv1.Queueing) (least int) {
	for _, q := range queueings {
		kind, name := n.j.wanted(q)
		position, found := 0, false
		for _, b := range n.j.bids() {
			if b.kind == kind && b.name == name && b.i.MediaType() == n.media() && !found {
				position++
				found = b.i == n.sight.interaction && b.queueing.Priority == q.Priority
			}
		}
		if !found {
			position = 1 + n.j.waits(kind, name, n.media(), func(b bid) bool { return b.rank >= int32(q.Priority)-2 })
		}
		if least == 0 || position < least {
			least = position
		}
	}
	return least
}

// ---- the random contact centre ----

const centreVectors = 5

var vectorTexts = [centreVectors]string{
	`vector 1 "Two skills"
01  queue-to skill 1st pri m
02  wait-time 5 secs hearing music
03  check skill 2nd pri l if calls-queued < 3
04  wait-time 10 secs hearing music
05  queue-to skill 1st pri h
06  wait-time 20 secs hearing silence
07  goto step 4 if interflow-qpos > 2
08  route-to vdn 5001 if oldest-call-wait in skill red pri l > 30`,
	`vector 2 "Best of three"
01  consider skill red pri m adjust-by 10
02  consider skill green pri h adjust-by 0
03  queue-to best
04  wait-time 7 secs hearing music
05  queue-to target wide pri l
06  wait-time 8 secs hearing music
07  queue-to skill blue pri t
08  wait-time 3 secs hearing music
09  queue-to skill green pri m
10  wait-time 2 secs hearing music
11  route-to queue pulled`,
	`vector 3 "Preferred"
01  goto step 5 if expression data.n == 1
02  queue-to skill green pri l preferring last-agent for 6 secs
03  wait-time 9 secs hearing ringback
04  goto step 7 if staffed-agents in skill blue = 0
05  queue-to target wide pri m preferring agent agent2 for 4 secs
06  wait-time 30 secs hearing music
07  disconnect after announcement none`,
	`vector 4 "Direct and counting"
01  set tries = 0
02  set tries = variable.tries + 1
03  route-to agent agent1 if expression data.n == 2
04  goto step 8 if available-agents in skill red > 0
05  wait-time 2 secs hearing music
06  goto step 2 if variable tries < 3
07  goto vector 5 @step 2 if unconditionally
08  queue-to skill red pri t
09  busy`,
	`vector 5 "Short"
01  goto step 2 if unconditionally
02  queue-to skill blue pri l
03  wait-time 0 secs hearing music
04  queue-to skill blue pri h
05  route-to vdn 5004 if expression data.n == 3
06  return`,
}

func newCentre(t *testing.T, seed uint64) *floor {
	random := rand.New(rand.NewPCG(seed, 7))
	f := &floor{t: t, e: engine.New("acme"), router: New(), now: 1_000_000, next: 1, judge: true}
	config := &usherv1.Configuration{
		Options:     &usherv1.Options{PriorityAgingMs: []int64{0, 4_000}[seed%2], RonaReasonCode: 9, InterruptibleAuxCodes: []int32{3}},
		MediaTypes:  []*usherv1.MediaType{{Name: "chat", DefaultCapacity: 2}, {Name: "voice"}},
		AgentGroups: []*usherv1.AgentGroup{{Name: "sales"}},
		Targets: []*usherv1.Target{{
			Name: "wide", Expression: "skill.red <= 2", AgentSelection: usherv1.AgentSelection([]int32{1, 3}[random.IntN(2)]),
			Stages: []*usherv1.TargetStage{
				{AfterMs: 4_000, Expression: `skill.red <= 8 || skill.green <= 2`}, {AfterMs: 9_000, Expression: `"sales" in group || agent == "agent0"`},
			},
		}},
		Queues: []*usherv1.Queue{{Name: "pulled"}, {Name: "sales", Strategy: engine.LongestIdle, AgentGroup: "sales"}},
		CapacityRules: []*usherv1.CapacityRule{{Name: "mixed", AnyOf: []*usherv1.CapacityAlternative{
			{Media: map[string]int32{"chat": 3}}, {Media: map[string]int32{"voice": 1, "chat": 1}},
		}}},
	}
	for _, name := range []string{"red", "green", "blue"} {
		config.Skills = append(config.Skills, &usherv1.Skill{
			Name: name, AgentSelection: usherv1.AgentSelection(random.IntN(5)), MultipleCallHandling: usherv1.MultipleCallHandling(random.IntN(6)),
			RonaRings: random.Int32N(2), MaxQueued: random.Int32N(2) * 6, TimedAcwMs: random.Int64N(2) * 3_000,
			InterruptAuxQueued: random.Int32N(2) * 3,
		})
	}
	for n := range centreVectors {
		name := fmt.Sprint(n + 1)
		config.Vectors = append(config.Vectors, &usherv1.Vector{Name: name, Text: vectorTexts[n]})
		config.Queues = append(config.Queues, &usherv1.Queue{Name: "q" + name, Strategy: engine.Vectored, Vector: name})
		config.Vdns = append(config.Vdns, &usherv1.Vdn{Name: "500" + fmt.Sprint(n), Queue: "q" + name, Skills: []string{"red", "green", "blue"}[n%3 : n%3+1]})
	}
	config.Vdns[0].Skills = []string{"green", "blue"}
	for n := range 7 {
		a := &usherv1.Agent{AgentId: fmt.Sprint("agent", n), CallPreference: usherv1.CallPreference(random.IntN(4))}
		for _, s := range []string{"red", "green", "blue"} {
			if random.IntN(3) > 0 {
				a.Skills = append(a.Skills, &usherv1.AgentSkill{Skill: s, Level: random.Int32N(17), Percent: random.Int32N(101)})
			}
		}
		if n%3 == 0 {
			a.AgentGroups = []string{"sales"}
		}
		if n%2 == 0 {
			a.CapacityRule = "mixed"
		}
		if n%3 == 1 {
			a.DirectAgentSkill = "red"
		}
		config.Agents = append(config.Agents, a)
	}
	f.must(admin, engine.Apply{Request: &usherv1.ApplyConfigurationRequest{Configuration: config}})
	f.must(chat, &usherv1.RequestRegisterClient{ClientType: usherv1.ClientType_CLIENT_TYPE_MEDIA_SERVER, Name: "chat"})
	for _, a := range config.Agents {
		who := agentNamed(a.AgentId)
		f.must(who, &usherv1.RequestRegisterClient{ClientType: usherv1.ClientType_CLIENT_TYPE_AGENT_APPLICATION, Name: a.AgentId})
		f.must(who, engine.Connect{ConnectionID: a.AgentId})
		f.must(who, &usherv1.RequestAgentLogin{WorkMode: usherv1.WorkMode_WORK_MODE_AUTO_IN, Media: []*usherv1.MediaLogin{
			{MediaType: "chat", Ready: true}, {MediaType: "voice", Ready: true},
		}})
	}
	return f
}

// TestAgainstJudge lets anything happen in a contact centre with skills,
// targets, vectors, work modes and capacity rules. Whatever the router asks for,
// the judge asks for, and a router that is made anew; and the engine agrees.
func TestAgainstJudge(t *testing.T) {
	seeds := uint64(24)
	if testing.Short() {
		seeds = 4
	}
	total := map[string]int{}
	for seed := range seeds {
		f := newCentre(t, seed)
		random := rand.New(rand.NewPCG(seed, 3))
		for range 300 {
			who, request := f.anythingInCentre(random)
			f.ask(who, request)
			f.route()
			if random.IntN(3) == 0 {
				f.pass(engine.Millis(random.IntN(4_000)))
			}
		}
		for what, n := range f.asked {
			total[what] += n
		}
	}
	t.Log(total)
	for _, what := range []string{"agent", "queue", "vdn", "stop", "suspend", "interrupt", "skill", "target", "group", "direct"} {
		if total[what] == 0 {
			t.Errorf("the router never asked for %q: the work is not random enough", what)
		}
	}
}

// count counts what kinds of requests the router makes.
func (f *floor) count(request any) {
	if f.asked == nil {
		f.asked = map[string]int{}
	}
	call, ok := request.(*usherv1.RequestRouteCall)
	_, interrupts := request.(*engine.InterruptAux)
	switch {
	case interrupts:
		f.asked["interrupt"]++
	case !ok:
		f.asked["suspend"]++
	case call.GetAgent() != nil:
		f.asked["agent"]++
		f.asked[call.GetAgent().Served.Kind]++
		if call.GetAgent().Served.Rank == directRank {
			f.asked["direct"]++
		}
	case call.GetVdn() != "":
		f.asked["vdn"]++
	case call.GetQueue() != "":
		f.asked["queue"]++
	case call.GetStop():
		f.asked["stop"]++
	}
}

// anythingInCentre is a request of somebody.
func (f *floor) anythingInCentre(random *rand.Rand) (engine.Participant, any) {
	agent := fmt.Sprint("agent", random.IntN(7))
	media := []string{"chat", "voice"}[random.IntN(2)]
	data, _ := structpb.NewStruct(map[string]any{"n": random.IntN(4)})
	who := agentNamed(agent)
	switch random.IntN(20) {
	case 0, 1, 2, 3, 4, 5:
		submit := &usherv1.RequestSubmit{MediaType: media, UserData: data, Priority: random.Int32N(3)}
		if n := random.IntN(7); n < centreVectors {
			submit.Vdn = fmt.Sprint("500", n)
		} else {
			submit.Queue = []string{"sales", "q1"}[n-centreVectors]
		}
		return chat, submit
	case 6, 7, 8, 9:
		if len(f.open) > 0 {
			inv := f.take()
			if random.IntN(3) == 0 {
				return agentNamed(inv.agent), &usherv1.RequestReject{Ticket: inv.ticket}
			}
			return agentNamed(inv.agent), &usherv1.RequestAccept{Ticket: inv.ticket}
		}
	case 10, 11, 12, 13:
		mode, code := []usherv1.WorkMode{1, 2, 3, 3, 3, 4, 4}[random.IntN(7)], int32(0)
		if mode == usherv1.WorkMode_WORK_MODE_AUX {
			code = []int32{0, 3}[random.IntN(2)]
		}
		return who, &usherv1.RequestSetAgentState{WorkMode: mode, ReasonCode: code}
	case 14:
		return who, &usherv1.RequestCancelNotReadyForMedia{MediaType: media}
	case 15:
		return who, &usherv1.RequestAgentLogout{Force: true}
	case 16:
		return who, &usherv1.RequestAgentLogin{WorkMode: usherv1.WorkMode_WORK_MODE_MANUAL_IN, Media: []*usherv1.MediaLogin{{MediaType: media, Ready: true}}}
	case 17:
		return who, &usherv1.RequestAddMedia{MediaType: media, Ready: true}
	}
	var ids []string
	for i := range f.e.EachInteraction {
		ids = append(ids, string(i.ID()))
	}
	if len(ids) == 0 {
		return who, &usherv1.RequestDoNotDisturbOff{}
	}
	id := ids[random.IntN(len(ids))]
	if to := f.e.Interaction(engine.InteractionID(id)).Values().AssignedTo; to != "" {
		who = agentNamed(to)
		switch random.IntN(3) {
		case 0:
			return who, &usherv1.RequestPlaceInQueue{InteractionId: id, Vdn: fmt.Sprint("500", random.IntN(centreVectors))}
		case 1:
			return who, &usherv1.RequestLeaveInteraction{InteractionId: id}
		}
		return who, &usherv1.RequestStopProcessing{InteractionId: id}
	}
	switch random.IntN(4) {
	case 0:
		return chat, &usherv1.RequestHold{InteractionId: id}
	case 1, 2:
		return chat, &usherv1.RequestResume{InteractionId: id}
	}
	return chat, &usherv1.RequestStopProcessing{InteractionId: id}
}

// sameRequest compares two requests of routers.
func sameRequest(a, b any) bool {
	switch a := a.(type) {
	case nil:
		return b == nil
	case *engine.InterruptAux:
		b, ok := b.(*engine.InterruptAux)
		return ok && *a == *b
	case *engine.Suspend:
		b, ok := b.(*engine.Suspend)
		return ok && a.InteractionID == b.InteractionID && proto.Equal(a.State, b.State)
	case *usherv1.RequestRouteCall:
		b, ok := b.(*usherv1.RequestRouteCall)
		return ok && proto.Equal(a, b)
	}
	return false
}
