// Command methods brings one checkpoint in line with another by every method of package match, and prints for each what became of the path between
// them: error barrier and error at the middle, the distances of weights and of features, and how far commutativity is from holding.
package main

import (
	"context"
	"flag"
	"fmt"
	"math"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"layerwise/benchmarks/harness"
	"layerwise/llfc"
	"layerwise/llfc/match"
	"layerwise/llfc/measure"
	"layerwise/llfc/network"
)

func main() { harness.Main("methods", run) }

func run() error {
	methods := flag.String("methods", strings.Join(match.MethodNames(), ","), "the methods, by name")
	restarts := flag.Int("restarts", 0, "further searches")
	samples := flag.Int("samples", 0, "training samples to look at; 0 is what the method says")
	steps := flag.Int("steps", 0, "steps; 0 is what the method says")
	mix := flag.Float64("mix", 0, "of mudsc")
	seed := flag.Int64("seed", 0, "of the searches")
	alphas := flag.Int("alphas", 11, "points on the path")
	flag.Parse()
	if flag.NArg() != 2 {
		return fmt.Errorf("usage: methods [flags] A.safetensors B.safetensors")
	}
	ctx := context.Background()
	l, err := llfc.Open()
	if err != nil {
		return err
	}
	defer l.Close()
	var ends [2]llfc.Checkpoint
	for i := range ends {
		if ends[i], err = llfc.LoadCheckpoint(flag.Arg(i)); err != nil {
			return err
		}
	}
	p := llfc.Pair{Name: "A and B", A: ends[0], B: ends[1]}
	if p.A.Run == nil {
		return fmt.Errorf("%s does not say what it was trained on", flag.Arg(0))
	}
	s := llfc.Setting{Data: p.A.Run.Data.Name}
	t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "method\tbarrier %\tmiddle %\tloss barrier\tΣ‖ΔW‖\tΣ Dist_W\tΣ Dist_H\tDist_com\tmean Dist_com\tobjective\tfrom\tsweeps\ttime s")
	for _, method := range append([]string{""}, strings.Split(*methods, ",")...) {
		moved, r, spent := p.B, match.Result{Objective: math.NaN(), Identity: math.NaN()}, time.Duration(0)
		if method != "" {
			begin := time.Now()
			if moved, r, err = l.Match(ctx, p, method, match.Config{Seed: *seed, Restarts: *restarts, Samples: *samples, Steps: *steps, Mix: *mix}); err != nil {
				return err
			}
			spent = time.Since(begin)
		} else {
			method = "(none)"
		}
		m, err := l.Test(ctx, s, llfc.Pair{Name: method, A: p.A, B: moved, Data: s.Data}, measure.Options{Alphas: measure.Alphas(*alphas), Conditions: true})
		if err != nil {
			return err
		}
		c, err := m.Commutativity()
		if err != nil {
			return err
		}
		var com []string
		dw, dh, dc := 0.0, 0.0, 0.0
		for i := range c.Com.Stats {
			dw, dh, dc = dw+c.W.Stats[i].Mean, dh+c.H.Stats[i].Mean, dc+c.Com.Stats[i].Mean
			if i > 0 {
				com = append(com, fmt.Sprintf("%.4f", c.Com.Stats[i].Mean))
			}
		}
		apart := 0.0
		for i, w := range p.A.Theta {
			if strings.HasSuffix(w.Name, "/w") {
				d, err := network.Distance(network.Params{w}, network.Params{moved.Theta[i]})
				if err != nil {
					return err
				}
				apart += d
			}
		}
		errs := m.Errors()
		b := m.Barrier()
		loss := m.Lines[0].LossBarrier()
		if len(com) > 8 {
			com = []string{"…"}
		}
		fmt.Fprintf(t, "%s\t%.2f\t%.2f\t%.4f\t%.2f\t%.3f\t%.3f\t%s\t%.4f\t%.5g\t%.5g\t%s\t%.2f\n", method, 100*b.Chord, 100*errs.Values[len(errs.Values)/2], loss.Chord,
			apart, dw, dh, strings.Join(com, " "), dc/float64(len(c.Com.Stats)), r.Objective, r.Identity, strings.Trim(fmt.Sprint(r.Sweeps), "[]"), spent.Seconds())
		if err := t.Flush(); err != nil {
			return err
		}
	}
	return nil
}
