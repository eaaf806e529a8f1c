package study

import (
	"slices"

	"layerwise/llfc/merge"
)

// group is what claims, figures and tables are on: trials that belong together, and the beginning of the sentences about them.
type group struct {
	what     what
	id, name string // before the ids of claims, and before their statements
	subjects []Subject
	kind     Kind         // of onePair
	policy   merge.Policy // of onePair, onePolicy and widths
}

type what int

const (
	onePair    what = iota // one kind of pair of a subject, under one policy
	oneSubject             // a subject, over its kinds and policies
	onePolicy              // a subject under one policy, over its kinds
	plainOnes              // all plain subjects side by side
	allWidths              // a network at several widths
	widths                 // the same under one policy
	allPairs               // every pair whose weights are only blended
	theorem1               // the pairs that are built to satisfy the premises of Theorem 1
)

// groups lists all groups, in the order of the report.
func (s *Study) groups() []group {
	var out []group
	if plain := s.plain(); len(plain) > 0 {
		out = append(out, group{what: plainOnes, subjects: plain})
	}
	for _, sub := range s.Subjects {
		for _, p := range sub.Policies {
			for _, k := range sub.Kinds {
				id, name := sub.called(k, p)
				out = append(out, group{onePair, id, name, []Subject{sub}, k, p})
			}
		}
		out = append(out, group{what: oneSubject, id: sub.ID, name: sub.Name, subjects: []Subject{sub}})
		for _, p := range sub.Policies {
			out = append(out, group{what: onePolicy, id: sub.ID, name: sub.Name, subjects: []Subject{sub}, policy: p})
		}
	}
	if wide := s.wide(); len(wide) > 0 {
		out = append(out, group{what: allWidths, subjects: wide})
		for _, p := range wide[0].Policies {
			out = append(out, group{what: widths, id: wide[0].nearest().ID + "/" + slug(p), name: wide[0].nearest().Method + " matching (" + label(p) + ")", subjects: wide, policy: p})
		}
	}
	out = append(out, group{what: allPairs, id: "exact", name: "any pair", subjects: s.Subjects})
	if len(s.Theorem) > 0 {
		out = append(out, group{what: theorem1, id: "exact", name: "a pair built to satisfy weak additivity and commutativity", subjects: s.Subjects})
	}
	return out
}

// plain are the subjects that stand side by side in the figures of the paper.
func (s *Study) plain() []Subject { return s.those(func(sub Subject) bool { return sub.Plain }) }

// wide are the subjects that are compared over widths, narrow first.
func (s *Study) wide() []Subject {
	out := s.those(func(sub Subject) bool { return sub.Width > 0 })
	slices.SortFunc(out, func(a, b Subject) int { return a.Width - b.Width })
	return out
}

func (s *Study) those(are func(Subject) bool) []Subject {
	var out []Subject
	for _, sub := range s.Subjects {
		if are(sub) {
			out = append(out, sub)
		}
	}
	return out
}

// kinds lists the kinds of pairs of a group's subjects.
func (g group) kinds() []subjectKind {
	var out []subjectKind
	for _, sub := range g.subjects {
		for _, k := range sub.Kinds {
			out = append(out, subjectKind{sub, k})
		}
	}
	return out
}

// subjectKind is the pairs of one kind of a subject.
type subjectKind struct {
	subject Subject
	Kind
}

// ofFirst are the trials of a kind of pair under the first policy of its subject.
func (s *Study) ofFirst(k subjectKind) []Trial {
	return s.of(k.subject.ID, k.ID, k.subject.Policies[0])
}

// seedsOf is the least number of seeds of a group's subjects.
func (g group) seedsOf() int {
	least := len(g.subjects[0].Seeds)
	for _, sub := range g.subjects {
		least = min(least, len(sub.Seeds))
	}
	return least
}

// trials are those of a group that is one kind of pair, every pair whose weights are only blended, or those of Theorem 1.
func (s *Study) trials(g group) []Trial {
	switch g.what {
	case onePair:
		return s.of(g.subjects[0].ID, g.kind.ID, g.policy)
	case allPairs:
		return slices.DeleteFunc(slices.Clone(s.Trials), func(t Trial) bool { return !blends(t.Policy) })
	case theorem1:
		return s.Theorem
	}
	return nil
}

// plain says whether a group is of plain subjects.
func (g group) plain() bool { return g.subjects[0].Plain }

// single says whether a group is about a subject that is neither plain nor compared over widths.
func (g group) single() bool { return !g.plain() && g.subjects[0].Width == 0 }

// claimed says whether claims are made on single kinds of pairs of a subject under a policy: the papers' policies, blending and a reset.
func (g group) claimed() bool {
	return g.what == onePair && g.subjects[0].Width == 0 && (blends(g.policy) || g.policy.Name == "reset")
}

// connected says whether the pairs of a group are claimed to be linearly connected: of a subject with many spawned kinds those that share most,
// of a plain one all.
func (g group) connected() bool {
	return g.claimed() && g.kind.Connected() && (g.plain() || g.kind.ID == g.subjects[0].nearest().ID)
}

// apart says whether the pairs of a group share nothing.
func (g group) apart() bool { return g.claimed() && !g.kind.Connected() }
