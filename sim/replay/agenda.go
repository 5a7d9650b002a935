package replay

import "github.com/usher-cc/usher/engine"

// agenda is what is going to happen, the earliest first; at one time in the
// order in which it was noted.
type agenda struct {
	items []appointment
	noted int
}

type appointment struct {
	at    engine.Millis
	noted int
	do    func()
}

// Len, Less, Swap, Push and Pop are for container/heap.
func (a *agenda) Len() int { return len(a.items) }
func (a *agenda) Less(i, j int) bool {
	x, y := a.items[i], a.items[j]
	return x.at < y.at || x.at == y.at && x.noted < y.noted
}
func (a *agenda) Swap(i, j int) { a.items[i], a.items[j] = a.items[j], a.items[i] }
func (a *agenda) Push(x any)    { a.items = append(a.items, x.(appointment)) }
func (a *agenda) Pop() any {
	last := a.items[len(a.items)-1]
	a.items = a.items[:len(a.items)-1]
	return last
}
