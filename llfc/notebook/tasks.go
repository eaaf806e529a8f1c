package notebook

import (
	"fmt"
	"slices"

	"layerwise/data"
	"layerwise/llfc"
	"layerwise/llfc/figures"
	"layerwise/llfc/measure"
	"layerwise/llfc/study"
)

// Tasks adds data sets made of one of the lab's, and returns their names.
func Tasks(lab *llfc.Lab, of string, make ...func(*data.Set) *data.Set) (names []string) {
	train, test, err := lab.Sets(Ctx(), of, 0, 0)
	Check(err)
	for _, make := range make {
		made := make(train)
		Check(lab.AddData(made, make(test)))
		names = append(names, made.Name)
	}
	return names
}

// Crossed measures every pair of networks, of[i] trained on tasks[i], on the test images of its first task.
func Crossed(lab *llfc.Lab, tasks []string, of []llfc.Checkpoint) (out []figures.Pair) {
	for i, a := range of {
		for j, b := range of[:i] {
			p := llfc.Pair{Name: tasks[i] + " and " + tasks[j], A: a, B: b}
			out = append(out, Tested(lab, llfc.Setting{Data: tasks[i]}, measure.Options{Alphas: measure.Alphas(5)}, p)...)
		}
	}
	return out
}

// CrossTask are the study's claims on pairs of fine-tuned networks, for rising shares of common training.
func CrossTask(pairs ...[]figures.Pair) llfc.Scorecard {
	var results [][]*measure.Result
	for _, of := range pairs {
		var at []*measure.Result
		for _, p := range of {
			at = append(at, p.Result)
		}
		results = append(results, at)
	}
	return Must(study.CrossTask(results...))
}

// Departures is how far pairs are from linear, for each share of common training: (1 − cos_½) / (1 − cos_AB), the largest over layers.
func Departures(shares []float64, pairs ...[]figures.Pair) (headers []string, rows [][]string) {
	for k, of := range pairs {
		var r []float64
		for _, p := range of {
			_, share, err := study.Departure(p.Result)
			Check(err)
			r = append(r, share)
		}
		slices.Sort(r)
		rows = append(rows, []string{figures.Percent(shares[k]), fmt.Sprintf("%.3f", r[0]), fmt.Sprintf("%.3f", r[len(r)/2]), fmt.Sprintf("%.3f", r[len(r)-1])})
	}
	return []string{"common training", "smallest r of the pairs", "median", "largest"}, rows
}

// Tuned is how good the start, and each network, is on the test images of each task.
func Tuned(lab *llfc.Lab, tasks []string, start llfc.Checkpoint, of []llfc.Checkpoint) (headers []string, rows [][]string) {
	for i, c := range of {
		_, before, err := lab.Evaluate(Ctx(), start, tasks[i])
		Check(err)
		_, after, err := lab.Evaluate(Ctx(), c, tasks[i])
		Check(err)
		rows = append(rows, []string{tasks[i], figures.Percent(before), figures.Percent(after)})
	}
	return []string{"task", "test error of the start", "after fine-tuning"}, rows
}
