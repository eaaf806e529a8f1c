package figures_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"layerwise/llfc"
	"layerwise/llfc/figures"
	"layerwise/llfc/measure"
	"layerwise/llfc/merge"
	"layerwise/plotting"
	"layerwise/plotting/report"
)

var galleryPath = flag.String("gallery", "", "write the gallery to this file, to look at it in a browser")

// gallery is what the gallery's figures are made of: a spawned and an independent pair on the embedded digits, measured.
type gallery struct {
	lab     *llfc.Lab
	s       llfc.Setting
	spawned llfc.Pair
	pairs   []figures.Pair // spawned, independent
}

// The gallery. What stands in a function is shown beside its figure, so each reads as in a notebook: g.pairs are measured pairs.
var galleryFigures = []struct {
	title string
	draw  func(g gallery) (*plotting.Figure, error)
}{
	{"Error along the line (Definition 1)", func(g gallery) (*plotting.Figure, error) {
		return figures.Paths("Test error along the line", g.pairs...)
	}},
	{"The bound of Lemma 1, one panel for each pair", func(g gallery) (*plotting.Figure, error) {
		return figures.Beside(figures.Lemma1, g.pairs...)
	}},
	{"1 − cos by layer (Figures 2 and 3)", func(g gallery) (*plotting.Figure, error) {
		return figures.LLFC("Spawned", g.pairs[0].Result)
	}},
	{"1 − cos after the nonlinearities only", func(g gallery) (*plotting.Figure, error) {
		return figures.Kinds{"act"}.LLFC("Spawned, after each ReLU", g.pairs[0].Result)
	}},
	{"Connected or not (Figure 4)", func(g gallery) (*plotting.Figure, error) {
		fig, err := figures.Half("1 − cos in the middle", g.pairs...)
		fig.LogY = true
		return fig, err
	}},
	{"How far the ends are from each other", func(g gallery) (*plotting.Figure, error) {
		return figures.Baselines("1 − cos of A and B", g.pairs...)
	}},
	{"Size of the features on the line (App. B.2)", func(g gallery) (*plotting.Figure, error) {
		return figures.Coef("coef, spawned", g.pairs[0].Result)
	}},
	{"The same in the middle, of several pairs", func(g gallery) (*plotting.Figure, error) {
		return figures.CoefHalf("coef in the middle", g.pairs...)
	}},
	{"Weak additivity over images (Figures 5 and 6)", func(g gallery) (*plotting.Figure, error) {
		return figures.Weak("Weak additivity", g.pairs...)
	}},
	{"Weak additivity by layer", func(g gallery) (*plotting.Figure, error) {
		return figures.WeakLayers("Weak additivity by layer", g.pairs...)
	}},
	{"Commutativity (Figure 7)", func(g gallery) (*plotting.Figure, error) {
		return figures.Commutativity("Commutativity, spawned", g.pairs[0].Result)
	}},
	{"Commutativity, pairs side by side", func(g gallery) (*plotting.Figure, error) {
		return figures.Beside(figures.CommutativityOf, g.pairs...)
	}},
	{"Policies on batch statistics", func(g gallery) (*plotting.Figure, error) {
		rescaled, err := g.lab.TestPath(context.Background(), g.s, g.spawned, measure.Options{Alphas: measure.Alphas(5), Policy: merge.Policy{Name: "rescale"}})
		if err != nil {
			return nil, err
		}
		return figures.Policies("Two policies on one pair", g.pairs[0].Lines[0], rescaled)
	}},
	{"Feature maps (Figure 1)", func(g gallery) (*plotting.Figure, error) {
		_, test, err := g.lab.Sets(context.Background(), g.s.Data, 0, 0)
		if err != nil {
			return nil, err
		}
		f, err := g.lab.Features(context.Background(), g.spawned, test, []int{0, 1, 2}, []string{"fc1/relu"}, 0.5)
		if err != nil {
			return nil, err
		}
		return figures.FeatureMaps("Units of fc1/relu", f, 0, 0)
	}},
	{"Images of a data set", func(g gallery) (*plotting.Figure, error) {
		_, test, err := g.lab.Sets(context.Background(), g.s.Data, 0, 0)
		if err != nil {
			return nil, err
		}
		return figures.Samples("Ten test images", test, 10)
	}},
	{"Anything that has Len and XY, over a number", func(g gallery) (*plotting.Figure, error) {
		return plotting.Lines("Loss along the line", "α (0 is B, 1 is A)", "test loss (nats)", plotting.Series{Name: "spawned", Data: g.pairs[0].Losses()})
	}},
	{"Over layers, with its deviation", func(g gallery) (*plotting.Figure, error) {
		base := g.pairs[1].Baseline()
		return plotting.Layers("1 − cos of the ends, independent", "E[1 − cos]", base.Layers, plotting.Series{Data: base})
	}},
	{"As bars", func(g gallery) (*plotting.Figure, error) {
		c, err := g.pairs[1].Commutativity()
		if err != nil {
			return nil, err
		}
		return plotting.Bars("Distance of the weights", "Dist_W", c.W.Layers, plotting.Series{Data: c.W})
	}},
	{"A distribution", func(g gallery) (*plotting.Figure, error) {
		values, err := g.pairs[0].PerSample("dist_sigma_max", math.NaN()) // by layer
		if err != nil {
			return nil, err
		}
		return plotting.ECDF("Dist_σ at fc1/relu over images", "Dist_σ, largest over α", plotting.Sample{Values: values[0]})
	}},
	{"Side by side", func(g gallery) (*plotting.Figure, error) {
		a, err := figures.LLFC("spawned", g.pairs[0].Result)
		if err != nil {
			return nil, err
		}
		b, err := figures.LLFC("independent", g.pairs[1].Result)
		if err != nil {
			return nil, err
		}
		return plotting.Row(a, b)
	}},
	{"For a paper: 5.5 inches wide, in Times", func(g gallery) (*plotting.Figure, error) {
		fig, err := figures.Beside(figures.CommutativityOf, g.pairs...)
		if err != nil {
			return nil, err
		}
		return fig.In(plotting.Paper()), nil
	}},
}

// galleryApart are what the gallery shows as part of something else: pictures and maps are what Samples and FeatureMaps draw.
var galleryApart = []string{"plotting.Images", "plotting.Maps"}

// TestGallery builds the gallery: every figure with the lines of Go that make it. Every function of this package and of plotting that
// makes a figure stands in it.
func TestGallery(t *testing.T) {
	g := newGallery(t)
	page := report.Page{Title: "Gallery", Subtitle: "Every figure, and the lines of Go that make it",
		Summary: "g.pairs are a spawned and an independent pair of small networks on the embedded digits, measured once; g.lab is an llfc.Lab. A figure is shown in a notebook by nb.Show, and written by Export."}
	code := galleryCode(t)
	all := ""
	for i, f := range galleryFigures {
		fig, err := f.draw(g)
		if err != nil {
			t.Errorf("%s: %v", f.title, err)
			continue
		}
		all += code[i]
		page.Sections = append(page.Sections, report.Section{ID: fmt.Sprintf("figure-%d", i+1), Title: f.title, Figures: []report.Figure{{Figure: fig, Code: code[i]}}})
	}
	var out bytes.Buffer
	if err := page.Write(&out); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(out.String(), "<pre"); n != len(galleryFigures) || strings.Count(out.String(), "<figure") != n {
		t.Errorf("%d programs and %d figures of %d", n, strings.Count(out.String(), "<figure"), len(galleryFigures))
	}
	for _, name := range append(makers(t, ".", "figures."), makers(t, "../../plotting", "plotting.")...) {
		called := regexp.MustCompile(regexp.QuoteMeta(name) + `\b`).MatchString(all)
		if called == slices.Contains(galleryApart, name) {
			t.Errorf("%s is in the gallery: %v", name, called)
		}
	}
	if *galleryPath != "" {
		if err := os.WriteFile(*galleryPath, out.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

func newGallery(t *testing.T) gallery {
	t.Helper()
	ctx := context.Background()
	g := gallery{lab: value[*llfc.Lab](t)(llfc.OpenOn("go"))}
	t.Cleanup(g.lab.Close)
	g.lab.Runs = t.TempDir()
	g.s = value[llfc.Setting](t)(llfc.MLPMNIST().At("smoke"))
	g.spawned = value[llfc.Pair](t)(g.lab.Spawned(ctx, g.s, 0, 1))
	apart := value[llfc.Pair](t)(g.lab.Independent(ctx, g.s, 1))
	g.spawned.Name, apart.Name = "spawned", "independent"
	for _, p := range []llfc.Pair{g.spawned, apart} {
		o := measure.Options{Alphas: measure.Alphas(5), Conditions: true, Samples: []string{"dist_sigma_max"}}
		g.pairs = append(g.pairs, figures.Pair{p.Name, value[*measure.Result](t)(g.lab.Test(ctx, g.s, p, o))})
	}
	return g
}

// galleryCode is what stands in the functions of galleryFigures, as a notebook would have it.
func galleryCode(t *testing.T) (out []string) {
	t.Helper()
	source, err := os.ReadFile("gallery_test.go")
	if err != nil {
		t.Fatal(err)
	}
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, "gallery_test.go", source, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || spec.Names[0].Name != "galleryFigures" {
			return true
		}
		for _, e := range spec.Values[0].(*ast.CompositeLit).Elts {
			body := e.(*ast.CompositeLit).Elts[1].(*ast.FuncLit).Body
			text := string(source[set.Position(body.Lbrace).Offset+1 : set.Position(body.Rbrace).Offset])
			out = append(out, strings.ReplaceAll(strings.Trim(text, "\n\t"), "\n\t\t", "\n"))
		}
		return false
	})
	return out
}

// makers are the exported functions of a package that return a figure, with a prefix.
func makers(t *testing.T, dir, prefix string) (out []string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv != nil || !f.Name.IsExported() || f.Type.Results == nil {
				continue
			}
			star, ok := f.Type.Results.List[0].Type.(*ast.StarExpr)
			if !ok {
				continue
			}
			name := ""
			switch x := star.X.(type) {
			case *ast.Ident:
				name = x.Name
			case *ast.SelectorExpr:
				name = x.Sel.Name
			}
			if name == "Figure" {
				out = append(out, prefix+f.Name.Name)
			}
		}
	}
	if len(out) < 5 {
		t.Errorf("%s: only %v make figures", dir, out)
	}
	return out
}

func value[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
