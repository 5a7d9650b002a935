package waits

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

// engineDays are played of each pattern: a part, for it takes longer than with the
// model.
const engineDays = 8

// clearlyBetter are the patterns of which more is known than the average.
var clearlyBetter = []string{
	"surge, 2.5 times for 20 minutes", "overload, then recovery", "a third of the agents in AUX",
	"agents shared by two skills", "four priorities", "short and long calls", "agents who do not answer", "three chats at once",
}

// TestEngineBetterThanNaive: what the product foresees errs less than position x
// average handling time / agents.
func TestEngineBetterThanNaive(t *testing.T) {
	if testing.Short() {
		t.Skip("plays too many days")
	}
	results := Measure(seed, engineDays, NewEngine)
	t.Logf("\n%s", Format(results))
	for _, name := range clearlyBetter {
		k := slices.IndexFunc(results, func(r Result) bool { return r.Pattern == name })
		if ratio := results[k].all.ratio(naive); ratio >= 0.96 {
			t.Errorf("%s: %.2f of the errors of naive", name, ratio)
		}
	}
	for i := range results {
		if ratio := results[i].all.ratio(naive); ratio >= nearNaive {
			t.Errorf("%s: %.2f of the errors of naive", results[i].Pattern, ratio)
		}
	}
}

// twins are the engine and the model, told the same. What they answer has to
// be the same, and what they foresee nearly so: the engine counts the agents
// when a telephone begins to ring, the model when it is answered.
type twins struct {
	*testing.T
	engine, model Floor
	apart         []float64 // how far they were apart, as a share of the model's
}

func (f *twins) both(do func(Floor)) { do(f.engine); do(f.model) }

func (f *twins) Offer(nowMs int64, c Call)     { f.both(func(g Floor) { g.Offer(nowMs, c) }) }
func (f *twins) GiveUp(nowMs int64, c CallID)  { f.both(func(g Floor) { g.GiveUp(nowMs, c) }) }
func (f *twins) Accept(nowMs int64, c CallID)  { f.both(func(g Floor) { g.Accept(nowMs, c) }) }
func (f *twins) Refuse(nowMs int64, c CallID)  { f.both(func(g Floor) { g.Refuse(nowMs, c) }) }
func (f *twins) End(nowMs int64, c CallID)     { f.both(func(g Floor) { g.End(nowMs, c) }) }
func (f *twins) Wrapped(nowMs int64, c CallID) { f.both(func(g Floor) { g.Wrapped(nowMs, c) }) }
func (f *twins) Rest(nowMs int64, a AgentID)   { f.both(func(g Floor) { g.Rest(nowMs, a) }) }
func (f *twins) Return(nowMs int64, a AgentID) { f.both(func(g Floor) { g.Return(nowMs, a) }) }

func (f *twins) Invited() []Invitation {
	engine, model := f.engine.Invited(), f.model.Invited()
	if !slices.Equal(engine, model) {
		f.Fatalf("the engine invites %v, the model %v", engine, model)
	}
	return engine
}

func (f *twins) Outlook(c CallID) Outlook {
	engine, model := f.engine.Outlook(c), f.model.Outlook(c)
	if engine.Position != model.Position || engine.Staffed != model.Staffed || engine.Working != model.Working || engine.Infinite != model.Infinite {
		f.Fatalf("call %d: the engine's outlook is %+v, the model's %+v", c, engine, model)
	}
	f.apart = append(f.apart, math.Abs(float64(engine.ExpectedMs-model.ExpectedMs))/float64(max(model.ExpectedMs, 1)))
	return engine
}

// apartAtMost is how far the engine and the model may be apart.
const apartAtMost = 0.02

// TestEngineIsTheModel: wherever agents have one call at a time, the product
// does what the model does, call by call. Of several the product gives the next
// to whom is idle longest, the model to who has most room.
func TestEngineIsTheModel(t *testing.T) {
	for i := range patterns {
		p := &patterns[i]
		if p.agents[0].Slots > 1 {
			continue
		}
		t.Run(p.name, func(t *testing.T) {
			f := &twins{T: t, engine: NewEngine(p.agents), model: NewModel(p.agents)}
			play(p, seed, f)
			if len(f.apart) < 100 {
				t.Fatalf("only %d waits were foreseen", len(f.apart))
			}
			if farthest := slices.Max(f.apart); farthest > apartAtMost {
				t.Errorf("%.3f apart", farthest)
			}
		})
	}
}

// TestWorkingAgents: an agent who goes to AUX after his call works no more, and
// one in after-call work does.
func TestWorkingAgents(t *testing.T) {
	f := NewEngine(team(2, 0))
	expect := func(step string, working int) {
		t.Helper()
		if o := f.Outlook(2); o.Staffed != 2 || o.Working != working || o.Infinite != (working == 0) {
			t.Errorf("%s: %+v, want %d at work", step, o, working)
		}
	}
	for n := range CallID(3) {
		f.Offer(int64(n), Call{ID: n})
	}
	if got := fmt.Sprint(f.Invited()); got != "[{0 0} {1 1}]" {
		t.Fatalf("invited: %s", got)
	}
	f.Accept(1_000, 0)
	f.Accept(1_000, 1)
	expect("both talk", 2)
	f.Rest(2_000, 0)
	expect("the first is about to rest", 1)
	f.Rest(2_000, 1)
	expect("both are about to rest", 0)
	f.Return(3_000, 1)
	f.End(4_000, 1)
	expect("the second does after-call work", 1)
}
