package notebook

import (
	"fmt"
	"strconv"
	"strings"

	"layerwise/llfc"
	"layerwise/llfc/figures"
	"layerwise/llfc/match"
	"layerwise/llfc/measure"
	"layerwise/llfc/network"
)

// The functions here return headers and rows, for Table.

// Name is what tables and figures call a setting's network: "vgg-16, width 16".
func Name(s llfc.Setting) string {
	if n := s.Network; n.Width > 0 {
		return fmt.Sprintf("%s-%d, width %d", n.Architecture, n.Depth, n.Width)
	}
	return s.Network.Architecture
}

// Ends is how good the two networks of each pair are on the test images.
func Ends(lab *llfc.Lab, s llfc.Setting, pairs ...llfc.Pair) (headers []string, rows [][]string) {
	ctx := Ctx()
	for _, p := range pairs {
		row := []string{p.Name}
		for _, c := range []llfc.Checkpoint{p.A, p.B} {
			loss, wrong, err := lab.Evaluate(ctx, c, s.Data)
			Check(err)
			row = append(row, fmt.Sprintf("%.4f", loss), figures.Percent(wrong))
		}
		rows = append(rows, row)
	}
	return []string{"pair", "test loss of A (nats)", "test error of A", "test loss of B (nats)", "test error of B"}, rows
}

// Networks sets the networks of settings side by side: how large they are, and what they are made of.
func Networks(lab *llfc.Lab, settings ...llfc.Setting) (headers []string, rows [][]string) {
	headers = []string{"network"}
	rows = [][]string{{"parameters"}, {"running statistics"}, {"FLOP a picture, forward"}, {"ReLUs"}, {"symmetry groups"}}
	for _, s := range settings {
		d := description(Must(lab.Network(Must(lab.Run(Ctx(), s, 1)).Network)))
		relus := 0
		for _, t := range d.Taps {
			if t.Kind == "act" {
				relus++
			}
		}
		headers = append(headers, Name(s))
		for i, n := range []int{d.Count, d.Buffers, int(d.FLOPs), relus, len(d.Groups)} {
			rows[i] = append(rows[i], strconv.Itoa(n))
		}
	}
	return headers, rows
}

// placesShown is how many axes of a group are spelled out.
const placesShown = 3

// Groups lists the groups of units that may change places with one another, and the axes that move with them.
func Groups(n network.Spec) (headers []string, rows [][]string) {
	for _, g := range description(Must(network.New(n))).Groups {
		places := strings.Join(g.Places, ", ")
		if last := len(g.Places) - 1; last >= placesShown {
			places = g.Places[0] + " … " + g.Places[last]
		}
		rows = append(rows, []string{g.Name, strconv.Itoa(g.Size), strconv.Itoa(len(g.Places)), places})
	}
	return []string{"group", "units", "axes that move together", "which"}, rows
}

// Searches is how the searches of a weight matching went.
func Searches(r match.Result) (headers []string, rows [][]string) {
	rows = [][]string{{"unmatched", fmt.Sprintf("%.2f", r.Identity), "–", "–"}}
	for i, v := range r.Objectives {
		rows = append(rows, []string{fmt.Sprintf("search %d", i+1), fmt.Sprintf("%.2f", v), strconv.Itoa(r.Sweeps[i]), figures.Percent(1 - v/r.Objective)})
	}
	return []string{"order of B's units", "Σ ⟨A, π(B)⟩", "sweeps", "below the best"}, rows
}

// Methods lists the ways of matching two networks.
func Methods() (headers []string, rows [][]string) {
	for _, m := range match.Methods() {
		rows = append(rows, []string{m.Name, m.Doc, m.Source})
	}
	return []string{"method", "what it does", "source"}, rows
}

// Matchings sets measured pairs beside one another that were matched by different methods: what their lines do, the two factors of commutativity and
// their product summed over the linear maps, how far features are from interpolating linearly, and how long each search took. Pairs
// without a search come last.
func Matchings(pairs []figures.Pair, found []match.Result) (headers []string, rows [][]string) {
	sum := func(p measure.Profile) (out float64) {
		for _, s := range p.Stats {
			out += s.Mean
		}
		return out
	}
	for i, p := range pairs {
		c, half, seconds := Must(p.Commutativity()), Must(p.LLFC(0.5)), "–"
		if i < len(found) {
			seconds = fmt.Sprintf("%.2f", found[i].Seconds)
		}
		row := []string{p.Name, figures.Percent(p.Barrier().Mean), figures.Percent(p.Barrier().Middle + (p.Errors().Values[0]+p.Errors().Values[p.Errors().Len()-1])/2)}
		for _, v := range []float64{sum(c.W), sum(c.H), sum(c.Com), sum(half) / float64(half.Len())} {
			row = append(row, fmt.Sprintf("%.3g", v))
		}
		rows = append(rows, append(row, seconds))
	}
	return []string{"method", "error barrier", "error at ½", "Σ Dist_W", "Σ Dist_H", "Σ Dist_com", "1 − cos at ½, mean", "seconds"}, rows
}
