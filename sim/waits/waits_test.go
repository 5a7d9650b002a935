package waits

import (
	"slices"
	"sync"
	"testing"
)

const seed = 1

// measured is not to be changed.
var measured = sync.OnceValue(func() []Result { return Measure(seed, Days, NewModel) })

// TestBetterThanNaive: what is foreseen errs less than position x average
// handling time / agents, in every pattern.
func TestBetterThanNaive(t *testing.T) {
	results := measured()
	t.Logf("\n%s", Format(results))
	for _, name := range notBetter(results) {
		t.Errorf("%s: no better than naive", name)
	}
	for i := range results {
		r := &results[i]
		if len(r.waitsMs) < 1000 {
			t.Errorf("%s: only %d calls waited", r.Pattern, len(r.waitsMs))
		}
		// Knowing who is in AUX naive errs less, and still more than ours.
		if ratio := r.all.ratio(informed); ratio > 1.05 {
			t.Errorf("%s: %.2f of the errors of informed", r.Pattern, ratio)
		}
	}
}

// nearNaive is how much above naive's our errors may be where nothing is known
// but the average.
const nearNaive = 1.1

// notBetter are the patterns in which we do not err less than naive.
func notBetter(results []Result) (names []string) {
	for i := range results {
		r := &results[i]
		ratio := r.all.ratio(naive)
		if ratio >= nearNaive || ratio >= 1 && !r.mayEqualNaive {
			names = append(names, r.Pattern)
		}
	}
	return names
}

// TestNaiveIsNotBetter: an estimator that gives what naive gives, and one that
// gives what informed gives, would not pass.
func TestNaiveIsNotBetter(t *testing.T) {
	for _, like := range []way{naive, informed} {
		results := slices.Clone(measured())
		for i := range results {
			results[i].all[ours] = results[i].all[like]
		}
		failed := notBetter(results)
		for _, r := range results {
			fails := slices.Contains(failed, r.Pattern)
			if like == naive && fails == r.mayEqualNaive {
				t.Errorf("%s: fails %t with the errors of naive", r.Pattern, fails)
			}
		}
		if len(failed) == 0 {
			t.Errorf("passes with the errors of way %d", like)
		}
	}
}

// TestSameSeedSameDay: and another seed is another day.
func TestSameSeedSameDay(t *testing.T) {
	for i := range patterns {
		p := &patterns[i]
		first := play(p, seed, NewModel(p.agents))
		if again := play(p, seed, NewModel(p.agents)); !slices.Equal(first.waitsMs, again.waitsMs) || !slices.Equal(first.all[ours], again.all[ours]) {
			t.Errorf("%s: the same seed makes another day", p.name)
		}
		if other := play(p, seed+1, NewModel(p.agents)); slices.Equal(first.waitsMs, other.waitsMs) {
			t.Errorf("%s: another seed makes the same day", p.name)
		}
	}
}

// TestModelServesInOrder: by rank, then as they came, by the agent longest
// idle; whoever refuses gets nothing until he returns.
func TestModelServesInOrder(t *testing.T) {
	m := NewModel(team(2, 0))
	expect := func(step string, want ...Invitation) {
		t.Helper()
		if got := m.Invited(); !slices.Equal(got, want) {
			t.Fatalf("%s: invited %v, want %v", step, got, want)
		}
	}
	for i, rank := range []int32{0, 0, 0, 1, 0} {
		m.Offer(int64(i), Call{ID: CallID(i), Rank: rank})
	}
	expect("five calls", Invitation{0, 0}, Invitation{1, 1})
	if o := m.Outlook(4); o.Position != 3 || o.Staffed != 2 || o.Working != 2 {
		t.Errorf("the fifth call: %+v", o)
	}
	m.Accept(10, 0)
	m.Refuse(20, 1)
	expect("a refusal")
	if o := m.Outlook(1); o.Position != 2 || o.Staffed != 2 || o.Working != 1 {
		t.Errorf("the refused call: %+v", o)
	}
	m.End(30, 0)
	m.Wrapped(40, 0)
	expect("the first is done", Invitation{3, 0})
	m.GiveUp(50, 1)
	m.Return(60, 1)
	expect("the refuser is back", Invitation{2, 1})
}
