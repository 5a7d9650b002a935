package router

import (
	"math/rand/v2"
	"slices"
	"testing"
)

type number int

func (a number) before(b number) bool { return a < b }

// The tree against a sorted list, growing and shrinking through several
// levels.
func TestTreeAgainstList(t *testing.T) {
	for seed := range uint64(6) {
		random := rand.New(rand.NewPCG(seed, 0))
		var set tree[number]
		var list []number
		for step := range 30_000 {
			growing := step/7_500%2 == 0
			item := number(random.IntN(20_000))
			switch {
			case seed%3 == 1 && growing:
				item = number(step) // as a queue grows
			case seed%3 == 2 && growing:
				item = number(-step) // as when each goes before all others
			}
			pos, found := slices.BinarySearch(list, item)
			if random.IntN(10) < 8 == growing {
				set.insert(item)
				if !found {
					list = slices.Insert(list, pos, item)
				}
			} else {
				if len(list) > 0 && random.IntN(2) == 0 {
					pos, found = random.IntN(len(list)), true
					if seed%3 == 1 {
						pos = 0
					}
					item = list[pos]
				}
				if set.delete(item) != found {
					t.Fatalf("seed %d step %d: delete(%d) is not %v", seed, step, item, found)
				}
				if found {
					list = slices.Delete(list, pos, pos+1)
				}
			}
			checkTree(t, &set, list, number(random.IntN(20_000)), step%1_000 == 0)
		}
	}
}

func checkTree(t *testing.T, set *tree[number], list []number, item number, whole bool) {
	t.Helper()
	pos, found := slices.BinarySearch(list, item)
	if set.len() != len(list) || set.rank(item) != pos || set.has(item) != found {
		t.Fatalf("len %d rank %d has %v, want %d %d %v", set.len(), set.rank(item), set.has(item), len(list), pos, found)
	}
	if len(list) > 0 && (set.first() != list[0] || set.at(int(item)%len(list)) != list[int(item)%len(list)]) {
		t.Fatalf("first or at differs")
	}
	if !whole {
		return
	}
	if !slices.Equal(slices.Collect(set.all()), list) {
		t.Fatalf("items differ")
	}
	for k, item := range list {
		if !set.has(item) || set.rank(item) != k {
			t.Fatalf("%d is in the set %v, at %d; want it at %d", item, set.has(item), set.rank(item), k)
		}
	}
}

// A set that shrinks gives its nodes back, however the items go.
func TestTreeShrinks(t *testing.T) {
	var set tree[number]
	for i := range number(100_000) {
		set.insert(i)
	}
	for i := range number(100_000) {
		if i%64 != 0 {
			set.delete(i)
		}
	}
	if got, most := countNodes(&set.root), 4*set.len()/nodeItems*2; got > most {
		t.Errorf("%d items in %d nodes, want at most %d", set.len(), got, most)
	}
}

func countNodes(n *node[number]) int {
	count := 1
	for _, c := range n.children {
		count += countNodes(c)
	}
	return count
}
