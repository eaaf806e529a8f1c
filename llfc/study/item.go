package study

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"layerwise/llfc/merge"
)

// Item is a figure, a table or a statement of the paper, and how it is made here. It is plain data: what it names is drawn, measured and
// claimed elsewhere in this package, once, and may serve several items.
type Item struct {
	ID     string // "figure-7", the anchor of its section in the report
	Name   string // "Figure 7"
	Source string // where the paper has it
	About  string // what it shows, in a few words

	Kind    string // ItemFigure, ItemTable or ItemStatement
	Numbers []int  // the figures or tables of the paper that it stands for; several where it is not known which of them shows what

	States  string // what the paper states
	Expect  string // what is drawn, and what is to be seen where the statement is true
	Certain string // how sure it is that the paper shows this: its full text was not at hand for every caption

	Subjects []string // ids of the subjects that show it, those of its default first
	Policies []string // ids of the policies that it needs; the first alone is the authors' code
	Measures []string // quantities: names in measure.Quantities, or "error" and "loss" along the line

	// Figures, Tables and Claims are patterns of path.Match, for the files of figures, the titles of tables up to their first comma or
	// colon, and the ids of claims. In the first and the last {spawned} is the id of each subject with spawned pairs, and {permuted} of each
	// with permuted ones, but for the paper's MLPs, whose ids stand without.
	Figures, Tables, Claims []string

	Needs string // what is missing to make it; empty where it is made
	Note  string // what a reader must know: scale, data, what differs from the paper
}

// The kinds of items.
const (
	ItemFigure    = "figure"
	ItemTable     = "table"
	ItemStatement = "statement"
)

// String is an item in one line.
func (i Item) String() string {
	text := i.About + " (" + i.Source + ")"
	if i.Needs != "" {
		return text + "; not yet made: needs " + i.Needs
	}
	if len(i.Subjects) > 0 {
		text += "; subjects " + strings.Join(i.Subjects, ", ")
	}
	return text
}

// Items finds the entries of the registry with these ids, each once and in the paper's order. "figure-9" is also found where one entry stands for
// several figures, and "figure-8-15" by its own id.
func Items(ids ...string) ([]Item, error) {
	wanted := map[string]bool{}
	for _, id := range ids {
		i := slices.IndexFunc(Registry(), func(i Item) bool { return i.is(id) })
		if i < 0 {
			var known []string
			for _, i := range Registry() {
				known = append(known, i.ID)
			}
			return nil, fmt.Errorf("the paper has no %q here; known: %s", id, strings.Join(known, ", "))
		}
		wanted[Registry()[i].ID] = true
	}
	return slices.DeleteFunc(Registry(), func(i Item) bool { return !wanted[i.ID] }), nil
}

func (i Item) is(id string) bool {
	if i.ID == id {
		return true
	}
	kind, number, _ := strings.Cut(id, "-")
	n, err := strconv.Atoi(number)
	return err == nil && kind == i.Kind && slices.Contains(i.Numbers, n)
}

// SelectFor finds the subjects of a scale that show some items, each under the policies that they need. Without ids these are the paper's MLPs
// where they show any, else the first subject of each item that the scale has.
func SelectFor(scale string, items []Item, ids ...string) ([]Subject, error) {
	for _, i := range items {
		if i.Needs != "" {
			return nil, fmt.Errorf("%s: not yet made, needs %s", i.Name, i.Needs)
		}
	}
	all, err := Subjects(scale)
	if err != nil {
		return nil, err
	}
	has := func(id string) bool { return slices.ContainsFunc(all, func(s Subject) bool { return s.ID == id }) }
	shown := func(id string) bool {
		return slices.ContainsFunc(items, func(i Item) bool { return slices.Contains(i.Subjects, id) })
	}
	if len(ids) == 0 {
		for _, i := range items {
			var some []string
			for _, id := range i.Subjects {
				if has(id) && (slices.Contains(usual(), id) || len(some) == 0) {
					some = append(some, id)
				}
			}
			ids = append(ids, some...)
		}
		slices.Sort(ids)
		ids = slices.Compact(ids)
		if len(ids) == 0 {
			return nil, fmt.Errorf("no subject of scale %s shows what is asked for", scale)
		}
	}
	for _, id := range ids {
		if has(id) && !shown(id) {
			return nil, fmt.Errorf("the subject %q does not show what is asked for; of %s: %s", id, items[0].Name, strings.Join(items[0].Subjects, ", "))
		}
	}
	out, err := Select(scale, ids...)
	for k := range out {
		out[k].Policies = slices.DeleteFunc(slices.Clone(out[k].Policies), func(p merge.Policy) bool {
			return !slices.ContainsFunc(items, func(i Item) bool { return slices.Contains(i.Policies, slug(p)) })
		})
	}
	return out, err
}

// matches says whether a name is one of those that some patterns stand for, in a study of these subjects.
func matches(patterns []string, name string, subjects []Subject) bool {
	for _, p := range patterns {
		for _, q := range expand(p, subjects) {
			if ok, err := path.Match(q, name); err != nil {
				panic(err) // a pattern of ours
			} else if ok {
				return true
			}
		}
	}
	return false
}

// expand puts the ids of subjects into a pattern.
func expand(pattern string, subjects []Subject) []string {
	for place, kind := range map[string]func(Subject) bool{"{spawned}": func(s Subject) bool { return len(s.spawned()) > 0 }, "{permuted}": Subject.permutes} {
		if !strings.Contains(pattern, place) {
			continue
		}
		var out []string
		for _, s := range subjects {
			if !s.Plain && kind(s) {
				out = append(out, strings.ReplaceAll(pattern, place, s.ID))
			}
		}
		return out
	}
	return []string{pattern}
}

// permutes says whether a subject has pairs that a method brings in line.
func (s Subject) permutes() bool {
	return slices.ContainsFunc(s.Kinds, func(k Kind) bool { return k.Method != "" })
}

// wants says whether what some patterns of an item stand for belongs in the report.
func (s *Study) wants(patterns func(Item) []string, name string) bool {
	return len(s.Items) == 0 || slices.ContainsFunc(s.Items, func(i Item) bool { return matches(patterns(i), name, s.Subjects) })
}
