package study

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"layerwise/internal/atomicfile"
	"layerwise/llfc"
	"layerwise/llfc/measure"
	"layerwise/plotting"
	"layerwise/plotting/report"
)

// section is a part of the report.
type section struct {
	title   string
	figures []figure
	tables  []table
	of      map[string]string // what each figure is of, by its file: setting, number of pairs and of images, scale
}

// sections draws everything that was measured.
func (s *Study) sections() ([]section, error) {
	var out []section
	at := func(title string) *section {
		i := slices.IndexFunc(out, func(sec section) bool { return sec.title == title })
		if i < 0 {
			i, out = len(out), append(out, section{title: title, of: map[string]string{}})
		}
		return &out[i]
	}
	for _, g := range s.groups() {
		for _, d := range s.drawings(g) {
			if !d.applies {
				continue
			}
			figs, err := d.draw(g)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", d.section, err)
			}
			sec := at(d.section)
			for _, f := range figs {
				if s.wants(func(i Item) []string { return i.Figures }, f.file) {
					f.caption = s.noted(f.caption, g.subjects...)
					sec.figures = append(sec.figures, f)
					sec.of[f.file] = s.setting(g)
				}
			}
		}
		for _, l := range s.listings(g) {
			if l.applies && s.wants(func(i Item) []string { return append(slices.Clone(i.Tables), "networks") }, l.id) {
				sec := at(l.section)
				sec.tables = append(sec.tables, table{l.id, l.table(g)})
			}
		}
	}
	return slices.DeleteFunc(out, func(sec section) bool { return len(sec.figures)+len(sec.tables) == 0 }), nil
}

// Write writes the report to a folder, from which it takes an earlier report away:
//
//	index.html         the whole report, in one file
//	README.md          its claims and tables, with the figures beside them
//	scorecard.json     the claims
//	study.json         the subjects and settings, and where and when they were measured
//	figures/           every figure as SVG, PNG and PDF, its numbers as CSV, LaTeX and Markdown under its caption
//	path.csv barriers.csv layers.csv conditions.csv networks.csv
//	pairs/             path.csv, layers.csv, calibration.csv and conditions.csv of every trial, at every α and on every split
//	layerwise.sha256   the list of these files
func (s *Study) Write(dir string) (llfc.Scorecard, error) {
	sections, err := s.sections()
	if err != nil {
		return nil, err
	}
	tables, err := s.longTables()
	if err != nil {
		return nil, err
	}
	claims := s.Claims()
	text, err := s.markdown(claims, sections)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, sec := range sections {
		for _, f := range sec.figures {
			for _, ending := range plotting.Exports() {
				names = append(names, filepath.Join(figuresFolder, f.file+ending))
			}
		}
	}
	for _, t := range s.Trials {
		names = append(names, measure.Files(s.pairFolder(t))...)
	}
	return claims, refill(dir, append(names, topFiles()...), func() error {
		for _, sec := range sections {
			if err := sec.save(filepath.Join(dir, figuresFolder), s.Theme); err != nil {
				return err
			}
		}
		for _, t := range s.Trials {
			r := t.WithoutSamples() // layerwise measure --per-sample writes them
			if err := r.Save(filepath.Join(dir, s.pairFolder(t))); err != nil {
				return err
			}
		}
		for _, t := range tables {
			if err := atomicfile.Write(filepath.Join(dir, t.name), t.CSV); err != nil {
				return err
			}
		}
		for _, f := range []struct {
			name  string
			write func(io.Writer) error
		}{
			{"study.json", s.WriteJSON},
			{"README.md", func(w io.Writer) error { _, err := io.WriteString(w, text); return err }},
			{"scorecard.json", claims.WriteJSON},
			{"index.html", s.page(claims, sections).Write},
		} {
			if err := atomicfile.Write(filepath.Join(dir, f.name), f.write); err != nil {
				return err
			}
		}
		return nil
	})
}

// pairFolder is where the numbers of a trial are written.
func (s *Study) pairFolder(t Trial) string {
	name := fmt.Sprintf("%s-%s-%s-seed%d", t.Subject, t.Kind, slug(t.Policy), t.Seed)
	if slices.ContainsFunc(s.plain(), func(sub Subject) bool { return sub.ID == t.Subject }) {
		name = fmt.Sprintf("%s-seed%d", t.Kind, t.Seed)
	}
	return filepath.Join(pairsFolder, name)
}

// save writes every figure to a folder, in a theme and in all formats, under a caption that can stand alone.
func (sec section) save(folder string, theme plotting.Theme) error {
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return err
	}
	for _, f := range sec.figures {
		fig := f.Figure
		if theme != (plotting.Theme{}) {
			fig = f.In(theme)
		}
		if err := fig.Export(folder, f.file, f.caption+" "+sec.of[f.file]); err != nil {
			return err
		}
	}
	return nil
}

// setting says what the numbers of a group are of: "MLP/digits, quick; 3 trained pairs of each kind; 360 test images; scale quick."
func (s *Study) setting(g group) string {
	var settings, images []string
	for _, sub := range g.subjects {
		settings = append(settings, sub.Setting.Title())
	}
	for _, t := range s.Trials {
		if slices.ContainsFunc(g.subjects, func(sub Subject) bool { return sub.ID == t.Subject }) {
			images = append(images, fmt.Sprint(t.Result.Samples))
		}
	}
	pairs := "one trained pair"
	if n := g.seedsOf(); n > 1 {
		pairs = fmt.Sprintf("%d trained pairs", n)
	}
	return fmt.Sprintf("%s; %s of each kind; %s test images; scale %s.", strings.Join(distinct(settings), " and "), pairs, strings.Join(distinct(images), " or "), s.Scale)
}

// WriteJSON writes the subjects and where they were measured.
func (s *Study) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(struct {
		Scale                            string
		Items                            []string `json:",omitempty"`
		Subjects                         []Subject
		Data                             string `json:",omitempty"`
		Machine, Backend, Versions, Date string
		Seconds                          float64
	}{s.Scale, IDs(s.Items), s.Subjects, s.note(s.Subjects...), llfc.Machine(), s.Lab.Info.String(), llfc.Versions(), s.Began.UTC().Format(time.RFC3339), s.Took.Seconds()})
}

func (s *Study) title() string {
	var names, sets []string
	for _, sub := range s.Subjects {
		names, sets = append(names, sub.Name), append(sets, sub.Setting.Data)
	}
	text := "Layerwise linear feature connectivity: "
	for _, i := range s.Items {
		text += i.Name + ", "
	}
	return text + strings.Join(names, ", ") + " on " + strings.Join(distinct(sets), ", ")
}

// subtitle is the scale, and what it makes of every subject.
func (s *Study) subtitle() string {
	text := "Scale " + s.Scale + "."
	for _, sub := range s.Subjects {
		text += " " + sub.String() + "."
	}
	return s.noted(text, s.Subjects...)
}

func (s *Study) summary(claims llfc.Scorecard) string {
	holds, fails, open := claims.Count()
	return fmt.Sprintf("%d of %d claims hold on every seed, %d fail, %d were not measured. Every number was computed by the run described under Provenance.%s\n\n"+
		"θ_α = αθ_A + (1−α)θ_B, made by the policy that stands beside each number, or else from nothing but the weights; θ_0 and θ_1 are made by it too, so a reset moves the ends. "+
		"The barrier is the largest error along the line over the mean of its ends. Intervals are 95 %% intervals of the mean over seeds (Student's t). "+
		"Lines of claims were fixed before measuring.", holds, len(claims), fails, open, s.besides(claims))
}

func (s *Study) page(claims llfc.Scorecard, sections []section) report.Page {
	p := report.Page{Title: s.title(), Subtitle: s.subtitle(), Summary: s.summary(claims), Provenance: s.provenance(), Overview: overviewTitle, Elsewhere: elsewhereTitle}
	for _, c := range claims {
		claim := onPage(c)
		if !c.Exploratory { // the sections of the items say it of the others
			claim.Since = ""
		}
		p.Claims = append(p.Claims, claim)
	}
	shown := map[string]bool{} // figures and tables that stand in the section of an item
	for _, v := range s.views(claims, sections) {
		p.Sections = append(p.Sections, s.itemSection(v, shown))
	}
	for _, sec := range sections {
		out := report.Section{Title: sec.title}
		for _, f := range sec.figures {
			if !shown[f.file] {
				out.Figures = append(out.Figures, f.onPage())
			}
		}
		for _, t := range sec.tables {
			if !shown[t.Title] {
				out.Tables = append(out.Tables, t.Table)
			}
		}
		if len(out.Figures)+len(out.Tables) > 0 {
			p.Sections = append(p.Sections, out)
		}
	}
	return p
}

// provenance says where the numbers come from: settings, seeds, the runs that are the ends of the pairs, data, machine.
func (s *Study) provenance() []report.Pair {
	var out []report.Pair
	add := func(name, format string, args ...any) {
		out = append(out, report.Pair{Name: name, Value: fmt.Sprintf(format, args...)})
	}
	for _, sub := range s.Subjects {
		text, err := json.Marshal(sub.Setting)
		if err != nil {
			panic(err) // plain data marshals
		}
		add("setting "+sub.Setting.Title(), "%s", text)
	}
	var counts, data, sets []string
	for _, sub := range s.Subjects {
		counts = append(counts, fmt.Sprint(sub.Seeds))
	}
	add("seeds", "%s, and each + %d for the second network of a pair", strings.Join(distinct(counts), ", "), llfc.SiblingSeed)
	seen := map[string]bool{}
	for _, t := range s.Trials {
		sets = append(sets, fmt.Sprintf("%s, %d samples", t.Set, t.Result.Samples))
		for _, c := range t.Ends {
			if c.Run == nil || seen[c.Run.Name()] {
				continue
			}
			seen[c.Run.Name()] = true
			add("run", "%s: init seed %d, streams %v, trained in %s s on %s", c.Run.Name(), c.Run.InitSeed, c.Run.Train.Streams, c.Meta["seconds"], c.Meta["backend"])
			d := c.Run.Data
			data = append(data, fmt.Sprintf("%s, training split of %d, SHA-256 %s %s", d.Name, d.Samples, d.SHA256, d.Note))
		}
	}
	for _, d := range distinct(data) {
		add("data", "%s", d)
	}
	add("measured on", "%s", strings.Join(distinct(sets), "; "))
	add("machine", "%s", llfc.Machine())
	add("backend", "%s", s.Lab.Info)
	add("versions", "%s", llfc.Versions())
	add("measured", "%s, in %s including what training was missing", s.Began.UTC().Format(time.RFC3339), s.Took.Round(time.Second))
	return out
}

// markdown is the report in GitHub's notation.
func (s *Study) markdown(claims llfc.Scorecard, sections []section) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%s\n\n%s\n\n", s.title(), s.subtitle(), s.summary(claims))
	b.WriteString(claimsTable(claims))
	overview, err := overviewTable(s.views(claims, sections)).Markdown()
	if err != nil {
		return "", err
	}
	fmt.Fprintf(&b, "\n## %s\n\n%s", overviewTitle, overview)
	for _, sec := range sections {
		fmt.Fprintf(&b, "\n## %s\n", sec.title)
		for _, t := range sec.tables {
			text, err := t.Markdown()
			if err != nil {
				return "", err
			}
			fmt.Fprintf(&b, "\n%s\n\n%s", t.Title, text)
		}
		for _, f := range sec.figures {
			alt := f.Title
			if alt == "" {
				alt = f.file
			}
			fmt.Fprintf(&b, "\n![%s](figures/%s.png)\n\n%s\n", alt, f.file, f.caption)
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
