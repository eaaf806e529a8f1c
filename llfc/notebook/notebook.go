// Package notebook is what every notebook repeats: results without their errors, a context that an interrupted cell ends, the lab,
// figures with their numbers, tables. Where a package returns an error, here the cell ends with one line that says what is wrong, so a
// notebook imports it, as nb, and a package does not.
//
//	import nb "layerwise/llfc/notebook"
//	var ctx = nb.Ctx()
//
//	%%
//	lab := nb.Open()
//	s := nb.Afford(lab, llfc.MLPMNIST())
//	p := nb.Must(lab.Spawned(ctx, s, 0, 1))
//	r := nb.Tested(lab, s, measure.Options{Alphas: figures.Alphas()}, p)[0]
//	nb.Show(nb.Must(figures.LLFC("Spawned", r.Result)))
package notebook

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"

	"layerwise/llfc"
	"layerwise/plotting"
)

// Must returns v; where there is an error the cell ends as Check says.
func Must[T any](v T, err error) T {
	Check(err)
	return v
}

// Check ends the cell with the error as its last line, where there is one.
func Check(err error) {
	switch {
	case err == nil:
		return
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(os.Stderr, "Interrupted; run the cell again and training goes on where it was.")
	default:
		fmt.Fprintln(os.Stderr, "Error:", err)
	}
	os.Exit(1)
}

// Ctx returns a context that ends when the cell is interrupted: what was trained by then is kept.
func Ctx() context.Context {
	ctx, _ := signal.NotifyContext(context.Background(), os.Interrupt) // the process ends with the cell
	return ctx
}

// scale is what LAYERWISE_SCALE says: "", "quick" or "smoke".
func scale() string { return os.Getenv("LAYERWISE_SCALE") }

// Smoke reports whether the notebook only has to show that it runs.
func Smoke() bool { return scale() == "smoke" }

// Open opens the best backend found and the store of runs. At scale smoke the backend is pure Go unless GOMLX_BACKEND names another:
// networks so tiny have run before XLA has compiled them.
func Open() *llfc.Lab {
	if Smoke() && os.Getenv("GOMLX_BACKEND") == "" {
		return Must(llfc.OpenOn("go"))
	}
	return Must(llfc.Open())
}

// Afford is the setting as the machine and the scale in LAYERWISE_SCALE allow it; see [llfc.Lab.Afford].
func Afford(lab *llfc.Lab, s llfc.Setting) llfc.Setting {
	return Must(lab.Afford(Ctx(), s, scale()))
}

// Show displays figures, each with its numbers folded away below it.
func Show(figures ...*plotting.Figure) {
	for _, f := range figures {
		Check(plotting.Show(f))
		Check(plotting.ShowNumbers(f, 3))
	}
}

// Table displays a table.
func Table(headers []string, rows [][]string) { Check(plotting.ShowTable(headers, rows)) }
