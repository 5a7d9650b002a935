package router

import (
	"iter"
	"slices"
)

// nodeItems is the most that a node of a tree holds: two kilobytes of keys.
const nodeItems = 64

// ordered is what a tree can hold. Two items of which neither is before the
// other are the same item.
type ordered[T any] interface{ before(T) bool }

// tree is an ordered set that knows the rank of its items: a B+ tree whose
// nodes know how many items are below them. Ranks are what lets an agent skip
// any number of interactions that he has refused (index.firstFor), and why
// this is not a library's tree. All but all is O(log n).
type tree[T ordered[T]] struct{ root node[T] }

// node is a leaf with items, or has children; then items[k] is not after what
// is in children[k], and after all that is in the children before.
type node[T ordered[T]] struct {
	size     int
	items    []T
	children []*node[T]
}

func (t *tree[T]) len() int { return t.root.size }

// clear takes all items out, and keeps the room of a few.
func (t *tree[T]) clear() {
	if t.root.children != nil {
		t.root = node[T]{}
		return
	}
	clear(t.root.items)
	t.root.items, t.root.size = t.root.items[:0], 0
}

// insert puts an item into the set; an item that is there stays.
func (t *tree[T]) insert(item T) {
	_, right := t.root.insert(item)
	if right == nil {
		return
	}
	left := t.root
	t.root = node[T]{
		size:     left.size + right.size,
		items:    []T{left.items[0], right.items[0]},
		children: []*node[T]{&left, right},
	}
}

// delete takes an item out of the set, and says whether it was there.
func (t *tree[T]) delete(item T) bool {
	deleted := t.root.delete(item)
	for len(t.root.children) == 1 {
		t.root = *t.root.children[0]
	}
	return deleted
}

func (t *tree[T]) has(item T) bool {
	n := &t.root
	for n.children != nil {
		n = n.children[n.child(item)]
	}
	_, found := n.find(item)
	return found
}

// rank is how many items of the set are before item.
func (t *tree[T]) rank(item T) int {
	n, rank := &t.root, 0
	for n.children != nil {
		k := n.child(item)
		for _, c := range n.children[:k] {
			rank += c.size
		}
		n = n.children[k]
	}
	pos, _ := n.find(item)
	return rank + pos
}

// at is the item with a rank, which must be less than len.
func (t *tree[T]) at(rank int) T {
	n := &t.root
	for n.children != nil {
		k := 0
		for ; rank >= n.children[k].size; k++ {
			rank -= n.children[k].size
		}
		n = n.children[k]
	}
	return n.items[rank]
}

// first is the first item; there must be one.
func (t *tree[T]) first() T {
	n := &t.root
	for n.children != nil {
		n = n.children[0]
	}
	return n.items[0]
}

// all gives the items in order. The set must stay as it is meanwhile.
func (t *tree[T]) all() iter.Seq[T] {
	return func(yield func(T) bool) { t.root.each(yield) }
}

func (n *node[T]) each(yield func(T) bool) bool {
	for _, c := range n.children {
		if !c.each(yield) {
			return false
		}
	}
	if n.children != nil {
		return true
	}
	for _, item := range n.items {
		if !yield(item) {
			return false
		}
	}
	return true
}

// find is where item is among the items of a leaf, or belongs.
func (n *node[T]) find(item T) (pos int, found bool) {
	low, high := 0, len(n.items)
	for low < high {
		mid := int(uint(low+high) >> 1)
		if n.items[mid].before(item) {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low, low < len(n.items) && !item.before(n.items[low])
}

// child is the index of the child to which item belongs.
func (n *node[T]) child(item T) int {
	pos, found := n.find(item)
	if found || pos == 0 {
		return pos
	}
	return pos - 1
}

// insert says whether the item is new, and gives the right half of a node
// that had to be split.
func (n *node[T]) insert(item T) (inserted bool, right *node[T]) {
	if n.children == nil {
		pos, found := n.find(item)
		if found {
			return false, nil
		}
		n.items = slices.Insert(n.items, pos, item)
		n.size++
		return true, n.split(pos)
	}
	k := n.child(item)
	if item.before(n.items[k]) {
		n.items[k] = item // the first of all below n
	}
	inserted, half := n.children[k].insert(item)
	if inserted {
		n.size++
	}
	if half == nil {
		return inserted, nil
	}
	n.items = slices.Insert(n.items, k+1, half.items[0])
	n.children = slices.Insert(n.children, k+1, half)
	return inserted, n.split(k + 1)
}

// split halves a node that is too large. What grows at its end, as a queue
// does, leaves full nodes behind.
func (n *node[T]) split(inserted int) (right *node[T]) {
	if len(n.items) <= nodeItems {
		return nil
	}
	mid := len(n.items) / 2
	if inserted == len(n.items)-1 {
		mid = inserted
	}
	right = &node[T]{items: append(make([]T, 0, nodeItems+1), n.items[mid:]...)}
	clear(n.items[mid:])
	n.items = n.items[:mid]
	right.size = len(right.items)
	if n.children != nil {
		right.children = append(make([]*node[T], 0, nodeItems+1), n.children[mid:]...)
		clear(n.children[mid:])
		n.children = n.children[:mid]
		right.size = 0
		for _, c := range right.children {
			right.size += c.size
		}
	}
	n.size -= right.size
	return right
}

func (n *node[T]) delete(item T) bool {
	if n.children == nil {
		pos, found := n.find(item)
		if found {
			n.items = slices.Delete(n.items, pos, pos+1)
			n.size--
		}
		return found
	}
	k := n.child(item)
	if !n.children[k].delete(item) {
		return false
	}
	n.size--
	if n.children[k].size == 0 {
		n.items = slices.Delete(n.items, k, k+1)
		n.children = slices.Delete(n.children, k, k+1)
		return true
	}
	n.merge(max(k-1, 0))
	return true
}

// merge makes one of child k and the next one, if both are small.
func (n *node[T]) merge(k int) {
	if k+1 == len(n.children) {
		return
	}
	left, right := n.children[k], n.children[k+1]
	if len(left.items)+len(right.items) > nodeItems/2 {
		return
	}
	if right.children != nil {
		right.items[0] = n.items[k+1]
	}
	left.items = append(left.items, right.items...)
	left.children = append(left.children, right.children...)
	left.size += right.size
	n.items = slices.Delete(n.items, k+1, k+2)
	n.children = slices.Delete(n.children, k+1, k+2)
}
