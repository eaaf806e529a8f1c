package network

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// Symmetry is every way in which the hidden units of a network can be permuted without changing its function. It is derived from the
// forward function: units that were made by the same operations, and joined in the same way, form a group.
type Symmetry struct {
	Groups  []Group
	Buffers []string // tensors that move with their units but have no vote in a matching: running statistics
}

// Group is a set of Size interchangeable units and all the places where they live.
type Group struct {
	Name      string // the operation that made the units
	Size      int
	Places    []Place // in parameters
	TapPlaces []Place // in features
}

// Place is one axis of one parameter or tap. Unit u sits at the positions At[u] of that axis, equally many for every unit. The axes
// of a tap are those of one sample.
type Place struct {
	Tensor string
	Axis   int
	At     [][]int
}

// Permutation holds for each group p, where the new unit u is the old unit p[u]: in the paper's letters P h = h[p].
type Permutation map[string][]int

// Symmetry derives the permutation symmetry of the network.
func (n Network) Symmetry() (Symmetry, error) {
	t, err := n.Describe()
	if err != nil {
		return Symmetry{}, err
	}
	return t.symmetry()
}

func (t *Trace) symmetry() (Symmetry, error) {
	s, where := t.equivalents()
	for _, p := range t.Params {
		if p.Buffer() {
			s.Buffers = append(s.Buffers, p.Name)
		}
		for axis, ids := range t.layouts[p.Name] {
			s.place(where, t.units.root, Place{Tensor: p.Name, Axis: axis}, ids, false)
		}
	}
	for i, tap := range t.Taps {
		s.place(where, t.units.root, Place{Tensor: tap.Name, Axis: len(tap.Dims) - 1}, t.tapped[i].units, true)
	}
	for _, g := range s.Groups {
		for _, p := range slices.Concat(g.Places, g.TapPlaces) {
			for _, at := range p.At {
				if len(at) != len(p.At[0]) || len(at) == 0 {
					return Symmetry{}, fmt.Errorf("symmetry: the units of group %q are laid out unevenly along axis %d of %q", g.Name, p.Axis, p.Tensor)
				}
			}
		}
	}
	return s, nil
}

// unitOf is the place of a class of units: group, −1 for a fixed class, and index within it.
type unitOf struct{ group, unit int }

// equivalents groups the classes of joined units by the operations they came from; a class that holds an input or output unit is fixed.
func (t *Trace) equivalents() (s Symmetry, where []unitOf) {
	u := &t.units
	members := make([][]int, len(u.parent)) // root → operations
	fixed := make([]bool, len(u.parent))
	where = make([]unitOf, len(u.parent))
	var roots []int // in the order of the network
	for i := range u.parent {
		r := u.root(i)
		if len(members[r]) == 0 {
			roots = append(roots, r)
		}
		members[r] = append(members[r], u.origin[i])
		fixed[r] = fixed[r] || u.pinned[i]
	}
	groups := map[string]int{}
	taken := map[string]bool{}
	for _, r := range roots {
		if fixed[r] {
			where[r].group = -1
			continue
		}
		slices.Sort(members[r])
		key := fmt.Sprint(members[r])
		g, seen := groups[key]
		if !seen {
			g = len(s.Groups)
			groups[key] = g
			s.Groups = append(s.Groups, Group{Name: u.nameOf(members[r], taken)})
		}
		where[r] = unitOf{g, s.Groups[g].Size}
		s.Groups[g].Size++
	}
	return s, where
}

// nameOf is the first operation that made units of a class and has not given its name to another group, which is then taken.
func (u *units) nameOf(operations []int, taken map[string]bool) string {
	name := u.origins[operations[0]]
	for _, o := range operations {
		if !taken[u.origins[o]] {
			name = u.origins[o]
			break
		}
	}
	for first, n := name, 2; taken[name]; n++ {
		name = fmt.Sprintf("%s#%d", first, n)
	}
	taken[name] = true
	return name
}

// place adds one axis to every group whose units lie on it.
func (s *Symmetry) place(where []unitOf, root func(int) int, p Place, ids []int, tap bool) {
	found := map[int]Place{}
	for position, id := range ids {
		at := where[root(id)]
		if at.group < 0 {
			continue
		}
		q, seen := found[at.group]
		if !seen {
			q = Place{p.Tensor, p.Axis, make([][]int, s.Groups[at.group].Size)}
			found[at.group] = q
		}
		q.At[at.unit] = append(q.At[at.unit], position)
	}
	for i, q := range found {
		if g := &s.Groups[i]; tap {
			g.TapPlaces = append(g.TapPlaces, q)
		} else {
			g.Places = append(g.Places, q)
		}
	}
}

// Group returns the group of that name.
func (s Symmetry) Group(name string) (Group, bool) {
	i := slices.IndexFunc(s.Groups, func(g Group) bool { return g.Name == name })
	if i < 0 {
		return Group{}, false
	}
	return s.Groups[i], true
}

// Identity returns the permutation that moves nothing.
func (s Symmetry) Identity() Permutation {
	p := Permutation{}
	for _, g := range s.Groups {
		p[g.Name] = make([]int, g.Size)
		for u := range g.Size {
			p[g.Name][u] = u
		}
	}
	return p
}

// Random returns a uniformly random permutation of every group.
func (s Symmetry) Random(seed int64) Permutation {
	rng := rand.New(rand.NewPCG(uint64(seed), 0x7065726d)) // "perm"
	p := Permutation{}
	for _, g := range s.Groups {
		p[g.Name] = rng.Perm(g.Size)
	}
	return p
}

// Inverse returns π⁻¹, for which π⁻¹(π(θ)) = θ.
func (s Symmetry) Inverse(p Permutation) Permutation {
	q := Permutation{}
	for name, old := range p {
		q[name] = make([]int, len(old))
		for u, v := range old {
			q[name][v] = u
		}
	}
	return q
}

// Compose returns p after q: Apply(Compose(p, q), θ) = Apply(p, Apply(q, θ)).
func (s Symmetry) Compose(p, q Permutation) Permutation {
	out := Permutation{}
	for name, old := range p {
		out[name] = make([]int, len(old))
		for u, v := range old {
			out[name][u] = q[name][v]
		}
	}
	return out
}

// Check returns nil if p permutes every group of the symmetry and nothing else.
func (s Symmetry) Check(p Permutation) error {
	for _, g := range s.Groups {
		q, ok := p[g.Name]
		if !ok {
			return fmt.Errorf("permutation: group %q is missing; the groups are %s", g.Name, s)
		}
		seen := make([]bool, g.Size)
		for _, v := range q {
			if len(q) != g.Size || v < 0 || v >= g.Size || seen[v] {
				return fmt.Errorf("permutation: group %q needs each of 0…%d once, got %d values with %d among them", g.Name, g.Size-1, len(q), v)
			}
			seen[v] = true
		}
		if len(q) != g.Size {
			return fmt.Errorf("permutation: group %q has %d values, expected %d", g.Name, len(q), g.Size)
		}
	}
	if len(p) != len(s.Groups) {
		return fmt.Errorf("permutation: %d groups, expected %d: %s", len(p), len(s.Groups), s)
	}
	return nil
}

// String lists the groups with their sizes: "fc1 512, fc2 512".
func (s Symmetry) String() string {
	out := make([]string, len(s.Groups))
	for i, g := range s.Groups {
		out[i] = fmt.Sprintf("%s %d", g.Name, g.Size)
	}
	return strings.Join(out, ", ")
}

// Apply returns π(θ), the weights of the network whose unit u is unit p[u] of θ: f(π(θ); x) = f(θ; x).
func (s Symmetry) Apply(p Permutation, theta Params) (Params, error) {
	if err := s.Check(p); err != nil {
		return nil, err
	}
	out := theta.Clone()
	at := make(map[string]int, len(out))
	for i, t := range out {
		at[t.Name] = i
	}
	for _, g := range s.Groups {
		for _, place := range g.Places {
			i, ok := at[place.Tensor]
			if !ok {
				return nil, fmt.Errorf("permutation: the weights have no tensor %q, which group %q permutes", place.Tensor, g.Name)
			}
			moved, err := place.permute(p[g.Name], out[i])
			if err != nil {
				return nil, err
			}
			out[i] = moved
		}
	}
	return out, nil
}

// ApplyTap returns π(h) for the features [batch, dims...] of a tap, in the layout of t with the tap's name.
func (s Symmetry) ApplyTap(p Permutation, h Tensor) (Tensor, error) {
	if err := s.Check(p); err != nil {
		return Tensor{}, err
	}
	for _, g := range s.Groups {
		for _, place := range g.TapPlaces {
			if place.Tensor != h.Name {
				continue
			}
			place.Axis++ // after the batch
			var err error
			if h, err = place.permute(p[g.Name], h); err != nil {
				return Tensor{}, err
			}
		}
	}
	return h, nil
}

// permute moves the slices of one axis: the slice of unit u becomes that of unit p[u].
func (place Place) permute(p []int, t Tensor) (Tensor, error) {
	if place.Axis >= len(t.Dims) {
		return Tensor{}, fmt.Errorf("permutation: tensor %q has shape %v, without the axis %d", t.Name, t.Dims, place.Axis)
	}
	size := t.Dims[place.Axis]
	from := make([]int, size)
	for i := range from {
		from[i] = i
	}
	for u, at := range place.At {
		for j, i := range at {
			if i >= size {
				return Tensor{}, fmt.Errorf("permutation: axis %d of tensor %q has size %d, expected more than %d", place.Axis, t.Name, size, i)
			}
			from[i] = place.At[p[u]][j]
		}
	}
	inner := 1
	for _, d := range t.Dims[place.Axis+1:] {
		inner *= d
	}
	data := make([]float32, len(t.Data))
	for start := 0; start < len(data); start += size * inner {
		for i, j := range from {
			copy(data[start+i*inner:start+(i+1)*inner], t.Data[start+j*inner:start+(j+1)*inner])
		}
	}
	return Tensor{t.Name, t.Dims, data}, nil
}

// Tensors returns the names of the parameters that the symmetry moves, sorted.
func (s Symmetry) Tensors() []string {
	var out []string
	for _, g := range s.Groups {
		for _, p := range g.Places {
			out = append(out, p.Tensor)
		}
	}
	slices.SortFunc(out, cmp.Compare[string])
	return slices.Compact(out)
}
