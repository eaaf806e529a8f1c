package reproduce

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"layerwise/internal/atomicfile"
	"layerwise/llfc"
	"layerwise/llfc/measure"
	"layerwise/plotting"
	"layerwise/plotting/report"
)

// Write writes the report to a folder, from which it takes an earlier report away:
//
//	index.html         the whole report, in one file
//	scorecard.json     the claims
//	figures/           every figure as SVG, PNG and CSV
//	pairs/             path.csv, layers.csv and conditions.csv of every pair
//	layerwise.sha256   the list of these files
func (s *Study) Write(dir string) (claims llfc.Scorecard, err error) {
	figs, err := s.Figures()
	if err != nil {
		return nil, err
	}
	names := append(figureFiles(figs), publicFiles...)
	folder := func(m Measured) string { return filepath.Join(pairsFolder, fmt.Sprintf("%s-seed%d", m.Kind, m.Seed)) }
	for _, m := range s.Pairs {
		names = append(names, measure.Files(folder(m))...)
	}
	err = refill(dir, names, func() error {
		if err := save(figs, filepath.Join(dir, figuresFolder)); err != nil {
			return err
		}
		for _, m := range s.Pairs {
			r := m.Result.WithoutSamples() // layerwise measure --per-sample writes them
			if err := r.Save(filepath.Join(dir, folder(m))); err != nil {
				return err
			}
		}
		claims = s.Claims()
		return publish(dir, claims, s.page(claims, figs))
	})
	return claims, err
}

// publicFiles are what publish writes.
var publicFiles = []string{"scorecard.json", "index.html"}

// publish writes what every report has: the claims and the page.
func publish(dir string, claims llfc.Scorecard, page report.Page) error {
	if err := atomicfile.Write(filepath.Join(dir, "scorecard.json"), claims.WriteJSON); err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(dir, "index.html"), page.Write)
}

// save writes every figure to a folder as SVG, PNG and CSV.
func save(figs []figure, folder string) error {
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return err
	}
	for _, f := range figs {
		base := filepath.Join(folder, f.file)
		for _, save := range []func() error{
			func() error { return f.Save(base + ".svg") }, func() error { return f.Save(base + ".png") }, func() error { return f.SaveCSV(base + ".csv") },
		} {
			if err := save(); err != nil {
				return err
			}
		}
	}
	return nil
}

// figureFiles are what save writes, in the folder of a report.
func figureFiles(figs []figure) []string {
	var out []string
	for _, f := range figs {
		for _, ending := range []string{".svg", ".png", ".csv"} {
			out = append(out, filepath.Join(figuresFolder, f.file+ending))
		}
	}
	return out
}

func (s *Study) page(claims llfc.Scorecard, figs []figure) report.Page {
	holds, fails, open := claims.Count()
	p := report.Page{
		Title:    "Layerwise linear feature connectivity: " + s.Scale.Spawned.Name,
		Subtitle: fmt.Sprintf("scale %s: %s; %d seeds", s.Scale.Name, s.Scale.About, len(s.Scale.Seeds)),
		Summary: fmt.Sprintf("%d of %d claims hold on every seed, %d fail, %d were not measured. Every number on this page was computed by the run described under Provenance.\n\n"+
			"θ_α = αθ_A + (1−α)θ_B. Intervals are 95 %% intervals of the mean over seeds (Student's t). Lines were fixed before measuring.", holds, len(claims), fails, open),
		Claims: claimRows(claims), Provenance: s.provenance(),
	}
	for _, title := range []string{sectionPaths, sectionFeatures, sectionWeak, sectionCommute} {
		section := section(title, figs)
		if title == sectionPaths {
			section.Tables = []plotting.Table{s.Table(), s.LossTable(), s.MatchTable()}
		}
		p.Sections = append(p.Sections, section)
	}
	return p
}

// section is a section of the page with its figures.
func section(title string, figs []figure) report.Section {
	out := report.Section{Title: title}
	for _, f := range figs {
		if f.section == title {
			out.Figures = append(out.Figures, report.Figure{Figure: f.Figure, Caption: f.caption})
		}
	}
	return out
}

func claimRows(claims llfc.Scorecard) []report.Claim {
	verdicts := map[string]report.Verdict{llfc.Holds: report.Holds, llfc.Fails: report.Fails, llfc.NotMeasured: report.NotMeasured}
	out := make([]report.Claim, len(claims))
	for i, c := range claims {
		out[i] = report.Claim{ID: c.ID, Source: c.Source, Statement: c.Statement, Threshold: c.Threshold(), Measured: c.Measured(), Interval: c.Interval(),
			Verdict: verdicts[c.Verdict()], Note: c.Quantity}
	}
	return out
}

// provenance says where the numbers come from.
func (s *Study) provenance() []report.Pair {
	var ends []llfc.Checkpoint
	for _, m := range s.Pairs {
		ends = append(ends, m.Pair.A, m.Pair.B)
	}
	first := s.Pairs[0]
	return provenance(s.Lab, []llfc.Setting{s.Scale.Spawned, s.Scale.Permuted}, s.Scale.Seeds, ends,
		fmt.Sprintf("%s, %d samples", first.Set, first.Samples), s.Began, s.Took)
}

// provenance says of any study where its numbers come from: settings, seeds, the runs that are the ends of its pairs, data, machine.
func provenance(l *llfc.Lab, settings []llfc.Setting, seeds []int64, ends []llfc.Checkpoint, measuredOn string, began time.Time, took time.Duration) []report.Pair {
	var out []report.Pair
	add := func(name, value string) { out = append(out, report.Pair{Name: name, Value: value}) }
	for _, t := range settings {
		text, err := json.Marshal(t)
		if err != nil {
			panic(err) // plain data marshals
		}
		add("setting "+t.Name, string(text))
	}
	add("seeds", fmt.Sprintf("%v, and each + %d for the second network of a pair", seeds, llfc.SiblingSeed))
	seen := map[string]bool{}
	for _, c := range ends {
		if c.Run == nil || seen[c.Run.Name()] {
			continue
		}
		seen[c.Run.Name()] = true
		add("run", fmt.Sprintf("%s: init seed %d, streams %v, trained in %s s on %s", c.Run.Name(), c.Run.InitSeed, c.Run.Train.Streams, c.Meta["seconds"], c.Meta["backend"]))
	}
	d := ends[0].Run.Data
	add("data", fmt.Sprintf("%s, training split of %d, SHA-256 %s %s", d.Name, d.Samples, d.SHA256, d.Note))
	add("measured on", measuredOn)
	add("machine", llfc.Machine())
	add("backend", l.Info.String())
	add("versions", llfc.Versions())
	add("measured", fmt.Sprintf("%s, in %s including what training was missing", began.UTC().Format(time.RFC3339), took.Round(time.Second)))
	return out
}
