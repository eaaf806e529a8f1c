package reproduce

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"layerwise/internal/atomicfile"
	"layerwise/llfc"
	"layerwise/plotting"
	"layerwise/plotting/report"
)

// Write writes the report to a folder, from which it takes an earlier report away:
//
//	index.html         the whole report, in one file
//	README.md          its claims and tables, with the figures beside them
//	scorecard.json     the claims
//	study.json         the settings, policies and seeds, and where and when they were measured
//	figures/           every figure as SVG, PNG and CSV
//	path.csv barriers.csv layers.csv conditions.csv networks.csv
//	layerwise.sha256   the list of these files
func (s *ConvStudy) Write(dir string) (llfc.Scorecard, error) {
	figs, err := s.Figures()
	if err != nil {
		return nil, err
	}
	tables, err := s.tables()
	if err != nil {
		return nil, err
	}
	claims := s.Claims()
	text, err := s.markdown(claims, figs)
	if err != nil {
		return nil, err
	}
	names := slices.Concat(figureFiles(figs), convTables, []string{"study.json", "README.md"}, publicFiles)
	return claims, refill(dir, names, func() error {
		if err := save(figs, filepath.Join(dir, figuresFolder)); err != nil {
			return err
		}
		for _, name := range convTables {
			if err := atomicfile.Write(filepath.Join(dir, name), tables[name].CSV); err != nil {
				return err
			}
		}
		if err := atomicfile.Write(filepath.Join(dir, "study.json"), s.WriteJSON); err != nil {
			return err
		}
		if err := atomicfile.Write(filepath.Join(dir, "README.md"), func(w io.Writer) error { _, err := io.WriteString(w, text); return err }); err != nil {
			return err
		}
		return publish(dir, claims, s.page(claims, figs))
	})
}

// WriteJSON writes the settings and where they were measured.
func (s *ConvStudy) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(struct {
		Scale                            ConvScale
		Data                             string `json:",omitempty"`
		Machine, Backend, Versions, Date string
		Seconds                          float64
	}{s.Scale, s.note(), llfc.Machine(), s.Lab.Info.String(), llfc.Versions(), s.Began.UTC().Format(time.RFC3339), s.Took.Seconds()})
}

func (s *ConvStudy) title() string {
	var names, sets []string
	for _, n := range s.Scale.Nets {
		names, sets = append(names, n.Name), append(sets, n.Setting.Data)
	}
	return "Convolutional networks: " + strings.Join(names, ", ") + " on " + strings.Join(distinct(sets), ", ")
}

func (s *ConvStudy) about() string {
	seeds := "one seed"
	if n := len(s.Scale.Seeds); n > 1 {
		seeds = fmt.Sprintf("%d seeds", n)
	}
	return fmt.Sprintf("%s: %s; %s.", s.Scale.Name, s.Scale.About, seeds)
}

func (s *ConvStudy) summary(claims llfc.Scorecard) string {
	holds, fails, open := claims.Count()
	return fmt.Sprintf("%d of %d claims hold on every seed, %d fail, %d were not measured. Every number was computed by the run described under Provenance.\n\n"+
		"θ_α = αθ_A + (1−α)θ_B, made by the policy that stands beside each number; θ_0 and θ_1 are made by it too, so a reset moves the ends. "+
		"The barrier is the largest error along the line over the mean of its ends. Lines of claims were fixed before measuring.", holds, len(claims), fails, open)
}

func (s *ConvStudy) page(claims llfc.Scorecard, figs []figure) report.Page {
	p := report.Page{
		Title: s.title(), Subtitle: s.noted("scale " + s.about()),
		Summary: s.summary(claims), Claims: claimRows(claims), Provenance: s.provenance(),
	}
	p.Sections = s.sections(figs)
	return p
}

// sections has one for each network, one for the permuted against width, and the networks themselves.
func (s *ConvStudy) sections(figs []figure) []report.Section {
	var out []report.Section
	for _, n := range s.Scale.Nets {
		sec := section(n.Name, figs)
		sec.Tables = []plotting.Table{s.Table(n)}
		out = append(out, sec)
	}
	if sec := section(sectionWidth, figs); len(sec.Figures) > 0 {
		sec.Tables = []plotting.Table{s.MatchTable()}
		out = append(out, sec)
	}
	return append(out, report.Section{Title: "The networks", Tables: []plotting.Table{s.Networks()}})
}

func (s *ConvStudy) provenance() []report.Pair {
	var settings []llfc.Setting
	for _, n := range s.Scale.Nets {
		settings = append(settings, n.Setting)
	}
	var ends []llfc.Checkpoint
	var sets []string
	for _, t := range s.Trials {
		ends = append(ends, t.Ends[0], t.Ends[1])
		sets = append(sets, fmt.Sprintf("%s, %d samples", t.Set, t.Samples))
	}
	return provenance(s.Lab, settings, s.Scale.Seeds, ends, strings.Join(distinct(sets), "; "), s.Began, s.Took)
}

// markdown is the report in GitHub's notation.
func (s *ConvStudy) markdown(claims llfc.Scorecard, figs []figure) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s\n\n%s\n\n", s.title(), s.noted("Scale "+s.about()), s.summary(claims))
	var card bytes.Buffer
	if err := claims.WriteJSON(&card); err != nil {
		return "", err
	}
	text, err := Markdown(&card)
	if err != nil {
		return "", err
	}
	b.WriteString(text)
	for _, sec := range s.sections(figs) {
		fmt.Fprintf(&b, "\n## %s\n", sec.Title)
		for _, t := range sec.Tables {
			text, err := t.Markdown()
			if err != nil {
				return "", err
			}
			fmt.Fprintf(&b, "\n%s\n\n%s", t.Title, text)
		}
		for _, f := range figs {
			if f.section == sec.Title {
				fmt.Fprintf(&b, "\n![%s](figures/%s.png)\n\n%s\n", f.Title, f.file, f.caption)
			}
		}
	}
	b.WriteString("\n## Provenance\n\n")
	for _, p := range s.provenance() {
		fmt.Fprintf(&b, "- %s: `%s`\n", p.Name, p.Value)
	}
	return b.String(), nil
}

// distinct keeps the first of each.
func distinct(all []string) []string {
	var out []string
	for _, v := range all {
		if !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}
