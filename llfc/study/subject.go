package study

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"layerwise/llfc"
	"layerwise/llfc/match"
	"layerwise/llfc/merge"
)

// Subject is a network on data, and what is measured of it: kinds of pairs, each of every seed, under every policy.
type Subject struct {
	ID, Name string
	Plain    bool `json:",omitempty"` // ids and sentences name only the kind of a pair: the paper's MLPs, each under one policy
	Setting  llfc.Setting
	Kinds    []Kind
	Policies []merge.Policy // how θ_α is made
	Seeds    []int64
	Alphas   int       // points of the path, both ends counted; odd, so that ½ is among them
	Layers   []float64 `json:",omitempty"` // further α, at which layers are drawn
	Train    bool      `json:",omitempty"` // the path is measured on training samples too,
	TrainOn  int       `json:",omitempty"` // this many; 0 is all
	Theorem1 bool      `json:",omitempty"` // a pair that satisfies the premises of Theorem 1 is built from each seed's network and measured
	Samples  []string  `json:",omitempty"` // quantities whose values by sample are kept, for the first seed
	Width    int       `json:",omitempty"` // of a network whose pairs are compared over widths: how many times as wide as the narrowest
}

// String says what is measured of a subject, in one line.
func (s Subject) String() string {
	var kinds, policies []string
	for _, k := range s.Kinds {
		kinds = append(kinds, k.Name)
	}
	for _, p := range s.Policies {
		policies = append(policies, label(p))
	}
	images := "all images"
	if n := s.Setting.TrainSamples; n > 0 {
		images = fmt.Sprintf("%d images", n)
	}
	text := fmt.Sprintf("%s on %s, %d epochs of %s: pairs %s; by %s; %s", s.Name, s.Setting.Data, s.Setting.Train.Epochs, images,
		strings.Join(kinds, ", "), strings.Join(policies, ", "), seeds(len(s.Seeds)))
	if s.Theorem1 {
		text += "; Theorem 1"
	}
	return text
}

func seeds(n int) string {
	if n == 1 {
		return "one seed"
	}
	return fmt.Sprintf("%d seeds", n)
}

// Kind is one way to make a pair of networks. Without epochs that are shared, and without a method, its two are independent.
type Kind struct {
	ID, Name string
	Shared   *float64 `json:",omitempty"` // the epochs that the two of a spawned pair share
	Method   string   `json:",omitempty"` // of package match: brings the second of an independent pair in line with the first
	Against  string   `json:",omitempty"` // the id of the kind that it is compared with
}

// Spawned pairs share their first epochs.
func Spawned(epochs float64) Kind {
	return Kind{ID: fmt.Sprintf("spawned-%g", epochs), Name: fmt.Sprintf("spawned (k = %g)", epochs), Shared: &epochs, Against: "independent"}
}

// Independent pairs share only their setting.
func Independent(id string) Kind { return Kind{ID: id, Name: id} }

// Permuted pairs are independent ones of which a method of package match has permuted the second network.
func Permuted(method, against string) Kind {
	k := Kind{ID: "permuted", Name: "permuted", Method: method, Against: against}
	if method != weightMatching { // the papers' method, which they do not name each time
		k.ID, k.Name = k.ID+"-"+method, k.Name+" ("+method+")"
	}
	return k
}

const weightMatching = "weight"

// Connected says whether the papers claim that such pairs are linearly connected.
func (k Kind) Connected() bool { return k.Shared != nil || k.Method != "" }

// K is the epoch at which a spawned pair parts, else NaN.
func (k Kind) K() float64 {
	if k.Shared == nil {
		return math.NaN()
	}
	return *k.Shared
}

// pair trains or loads a pair.
func (k Kind) pair(ctx context.Context, l *llfc.Lab, s llfc.Setting, seed int64) (llfc.Pair, *match.Result, error) {
	if k.Shared != nil {
		p, err := l.Spawned(ctx, s, *k.Shared, seed)
		return p, nil, err
	}
	p, err := l.Independent(ctx, s, seed)
	if err != nil || k.Method == "" {
		return p, nil, err
	}
	p, r, err := l.Matched(ctx, p, k.Method, match.Config{Seed: seed, Restarts: llfc.MatchRestarts})
	return p, &r, err
}

// kinds lists the pairs of a network that parts at some epochs. Later forks come first: each takes the parent's state on its way, and the parent
// goes on from there.
func kinds(at []float64, then ...Kind) []Kind {
	var out []Kind
	for _, k := range slices.Backward(slices.Sorted(slices.Values(at))) {
		out = append(out, Spawned(k))
	}
	return append(out, then...)
}

// spawned lists the kinds of spawned pairs, those that share least first.
func (s Subject) spawned() []Kind {
	var out []Kind
	for _, k := range s.Kinds {
		if k.Shared != nil {
			out = append(out, k)
		}
	}
	slices.SortFunc(out, func(a, b Kind) int {
		if a.K() < b.K() {
			return -1
		}
		return 1
	})
	return out
}

// nearest is the kind of the pairs that are closest to one another: those that share most, else the permuted ones; the zero Kind
// where all are independent.
func (s Subject) nearest() Kind {
	if all := s.spawned(); len(all) > 0 {
		return all[len(all)-1]
	}
	if i := slices.IndexFunc(s.Kinds, Kind.Connected); i >= 0 {
		return s.Kinds[i]
	}
	return Kind{}
}

// called is a kind of pair under a policy, as ids and sentences have it.
func (s Subject) called(k Kind, p merge.Policy) (id, sentence string) {
	article := "a "
	if !k.Connected() {
		article = "an "
	}
	switch {
	case s.Plain:
		return k.ID, article + k.Name + " pair"
	case k.Shared != nil:
		return s.ID + "/" + k.ID + "/" + slug(p), fmt.Sprintf("a %s pair spawned at k = %g (%s)", s.Name, *k.Shared, label(p))
	}
	return s.ID + "/" + k.ID + "/" + slug(p), article + k.ID + " " + s.Name + " pair (" + label(p) + ")"
}

const interpolate = "interpolate"

// label names a policy where there is no room for its samples.
func label(p merge.Policy) string { return merge.Policy{Name: p.Name, Folded: p.Folded}.String() }

// slug is a policy in the name of a file or a claim.
func slug(p merge.Policy) string { return strings.ReplaceAll(label(p), " ", "-") }

// blends says whether θ_α is nothing but the blend of A and B, raw or folded.
func blends(p merge.Policy) bool { return p.Name == interpolate }

// raw says whether the weights that are blended are those that were trained.
func raw(p merge.Policy) bool { return blends(p) && !p.Folded }
