package study

import (
	"slices"
	"strings"

	"layerwise/llfc"
	"layerwise/results"
)

// compare sets what the committed run at the paper's own settings found beside each claim on the paper's MLPs at a smaller scale.
func (s *Study) compare(claims llfc.Scorecard) {
	of := map[string]string{} // the ids of kinds of pairs, here and there
	for _, sub := range s.plain() {
		for here, there := range atPaper(sub, s.Scale) {
			of[here] = there
		}
	}
	if len(of) == 0 {
		return
	}
	committed, err := results.PaperScale()
	if err != nil {
		panic(err) // embedded, and read by a test
	}
	for i, c := range claims {
		kind, rule, _ := strings.Cut(c.ID, "/")
		if there, ok := of[kind]; ok {
			kind = there
		} else if kind != "exact" {
			continue
		}
		if k := slices.IndexFunc(committed, func(p llfc.Claim) bool { return p.ID == kind+"/"+rule && p.Line == c.Line && p.Kind == c.Kind }); k >= 0 {
			claims[i].Elsewhere = committed[k].Found(results.MLP)
		}
	}
}

// atPaper maps the kinds of pairs of a subject at a smaller scale to those of the same subject at scale paper: spawned pairs by the order of
// their forks, since a fork is an epoch and a scale has its own number of them. At scale paper, and of subjects that the committed
// run does not have, there is nothing to compare.
func atPaper(sub Subject, scale string) map[string]string {
	here, err := Select(scale, sub.ID)
	if err != nil {
		return nil
	}
	there, err := Select("paper", sub.ID)
	if err != nil || there[0].Setting.Data != "mnist" || there[0].Setting.Title() == here[0].Setting.Title() {
		return nil
	}
	out := map[string]string{}
	for i, k := range here[0].spawned() {
		if all := there[0].spawned(); i < len(all) {
			out[k.ID] = all[i].ID
		}
	}
	for _, k := range there[0].Kinds {
		if k.Shared == nil {
			out[k.ID] = k.ID
		}
	}
	return out
}
