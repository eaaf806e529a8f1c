package network

// units is a union-find over single units. Each unit, one index of one axis, is an element that remembers the operation it came from.
type units struct {
	parent  []int
	origin  []int    // element → operation
	origins []string // operation → name
	pinned  []bool   // by element; a class is fixed if any element of it is
}

// fresh makes n new units of an operation.
func (u *units) fresh(operation string, n int) []int {
	if n > maxUnits-len(u.parent) {
		panic(tooLarge("layer %q: %d units, and with those before it more than the %d that a network may have", operation, n, maxUnits))
	}
	u.origins = append(u.origins, operation)
	ids := make([]int, n)
	for i := range ids {
		ids[i] = len(u.parent)
		u.parent = append(u.parent, ids[i])
		u.origin = append(u.origin, len(u.origins)-1)
		u.pinned = append(u.pinned, false)
	}
	return ids
}

func (u *units) root(i int) int {
	for u.parent[i] != i {
		u.parent[i] = u.parent[u.parent[i]]
		i = u.parent[i]
	}
	return i
}

// join makes two units one; the older is the root, so that the order of a group follows the network.
func (u *units) join(i, j int) {
	i, j = u.root(i), u.root(j)
	u.parent[max(i, j)] = min(i, j)
}

func (u *units) pin(ids []int) {
	for _, i := range ids {
		u.pinned[i] = true
	}
}
