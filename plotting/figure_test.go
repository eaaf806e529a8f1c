package plotting

import (
	"bytes"
	"encoding/csv"
	"encoding/xml"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

func values(v ...float64) plotter.XYs {
	out := make(plotter.XYs, len(v))
	for i := range v {
		out[i] = plotter.XY{X: float64(i), Y: v[i]}
	}
	return out
}

type withBars struct {
	plotter.XYs
	plotter.YErrors
}

func bytesOf(t *testing.T, f *Figure, format string) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := f.Write(&b, format); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// all makes one figure of each kind from the same numbers; those that refuse them are left out.
func all(name string, y ...float64) map[string]*Figure {
	names := make([]string, len(y))
	for i := range names {
		names[i] = fmt.Sprintf("layer%d", i)
	}
	errs := make(plotter.YErrors, len(y))
	for i := range errs {
		errs[i].Low, errs[i].High = 0.3*y[i], 0.3*y[i]
	}
	s := Series{Name: name, Data: withBars{values(y...), errs}}
	out := map[string]*Figure{}
	keep := func(kind string, f *Figure, err error) {
		if err == nil {
			out[kind] = f
		}
	}
	f, err := Lines("title", "x", "y", s)
	keep("lines", f, err)
	f, err = Layers("title", "y", names, s)
	keep("layers", f, err)
	f, err = Bars("title", "y", names, s)
	keep("bars", f, err)
	f, err = ECDF("title", "x", Sample{Name: name, Values: y})
	keep("ecdf", f, err)
	return out
}

// Whatever the numbers, a figure that could be made can be drawn, on linear and logarithmic axes, in every format.
func TestAnyNumbersDraw(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for name, y := range map[string][]float64{
		"one point":      {0.3},
		"one zero":       {0},
		"zeros":          {0, 0, 0},
		"constant":       {2, 2, 2},
		"gaps":           {nan, 1, nan, 2, 3, nan},
		"infinite":       {1, inf, 2},
		"tiny":           {1e-300, 3e-300},
		"subnormal":      {5e-324, 1},
		"huge":           {1e300, 3e300},
		"wide":           {1e-15, 1e15},
		"near the limit": {math.MaxFloat64 / 4, 1},
		"many":           make([]float64, 300),
	} {
		for kind, f := range all(name, y...) {
			for _, log := range []bool{false, true} {
				f.LogY, f.LogX = log, log
				formats := []string{"svg"}
				if name == "gaps" || name == "wide" { // rasters are slow
					formats = []string{"svg", "png", "pdf"}
				}
				for _, format := range formats {
					out := bytesOf(t, f, format)
					if format == "svg" && (bytes.Contains(out, []byte("NaN")) || bytes.Contains(out, []byte("Inf"))) {
						t.Errorf("%s %s, log %v: coordinates that are no numbers", name, kind, log)
					}
				}
			}
		}
	}
	if got := len(all("gaps", 1, nan)); got != 4 {
		t.Errorf("%d kinds of figure drawn with a NaN, want 4", got)
	}
}

func TestErrors(t *testing.T) {
	ok := Series{Name: "fine", Data: values(1, 2)}
	draws := func(f *Figure, err error) error {
		if err != nil {
			return err
		}
		return f.Write(io.Discard, "svg")
	}
	with := func(set func(*Figure)) error {
		f, err := Lines("named", "", "", ok)
		if err != nil {
			return err
		}
		set(f)
		return f.Write(io.Discard, "svg")
	}
	joined := func(lines ...[]int) error {
		f, err := Layers("l", "", []string{"a", "b"}, Series{Data: values(1, math.NaN())})
		if err != nil {
			return err
		}
		f.Joined = append([][]int{}, lines...)
		return f.Write(io.Discard, "svg")
	}
	row := func(figs ...*Figure) error { _, err := Row(figs...); return err }
	for _, c := range []struct {
		want string
		err  error
	}{
		{`Lines needs at least one series`, draws(Lines("", "", ""))},
		{`series "empty" has no points`, draws(Lines("", "", "", ok, Series{Name: "empty", Data: values()}))},
		{`series number 2 (unnamed) has no points`, draws(Bars("", "", []string{"a", "b"}, ok, Series{}))},
		{`series "lost" has no finite point among its 2`, draws(Layers("", "", []string{"a", "b"}, Series{Name: "lost", Data: values(math.NaN(), math.Inf(-1))}))},
		{`series "fine" has 2 points for 3 layer names`, draws(Layers("", "", []string{"a", "b", "c"}, ok))},
		{`sample "none" has no values (1 were NaN)`, draws(ECDF("", "", Sample{Name: "none", Values: []float64{math.NaN()}}))},
		{`sample "s" holds +Inf`, draws(ECDF("", "", Sample{Name: "s", Values: []float64{math.Inf(1)}}))},
		{`ECDF needs at least one sample`, draws(ECDF("", ""))},
		{`Row needs at least one figure`, row()},
		{`figure 1 is empty`, row(nil)},
		{`empty figure; make one with`, (*Figure)(nil).Write(io.Discard, "svg")},
		{`empty figure; make one with`, new(Figure).Save("x.svg")},
		{`format "gif"; want svg, png or pdf`, func() error { f, _ := Lines("", "", "", ok); return f.Write(io.Discard, "gif") }()},
		{`figure "named": YRange [1 0] is not an interval`, with(func(f *Figure) { f.YRange = [2]float64{1, 0} })},
		{`must be above 0`, with(func(f *Figure) { f.LogY, f.YRange = true, [2]float64{0, 1} })},
		{`Joined is for figures made by Layers`, with(func(f *Figure) { f.Joined = [][]int{{0}} })},
		{`figure "l": Joined [[0 2]]; give each of the names 0 to 1 once at most`, joined([]int{0, 2})},
		{`Joined [[0] [0 1]]; give each`, joined([]int{0}, []int{0, 1})},
		{`no series has a finite value at the names in Joined`, joined([]int{1})},
		{`no series has a finite value`, joined()},
		{`"named" is 1 × 8 cm`, with(func(f *Figure) { f.Width = vg.Centimeter })},
		{`reference line at NaN`, with(func(f *Figure) { f.Reference = []float64{math.NaN()} })},
		{`"n" has negative values (least -1) on a logarithmic axis`, func() error {
			f, _ := Lines("n", "", "", Series{Data: values(-1, 1)})
			f.LogY = true
			return f.Write(io.Discard, "svg")
		}()},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("error %v, want %q", c.err, c.want)
		}
	}
}

// A point that is NaN breaks the line there instead of being bridged.
func TestGap(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		y    []float64
		want string
	}{
		{[]float64{1, 2, 3}, "[3]"}, {[]float64{1, nan, 3}, "[1 1]"}, {[]float64{nan, 1, 2, nan, nan, 3, nan}, "[2 1]"}, {[]float64{nan}, "[]"},
	} {
		var points []point
		for _, y := range c.y {
			points = append(points, point{y: y})
		}
		sizes := []int{}
		for _, s := range segments(points) {
			sizes = append(sizes, len(s))
		}
		if got := fmt.Sprint(sizes); got != c.want {
			t.Errorf("%v: segments of %s points, want %s", c.y, got, c.want)
		}
	}
}

// A line joins the names of one entry of Joined only, in their order; the numbers keep every name.
func TestJoined(t *testing.T) {
	f, err := Layers("", "", []string{"conv1", "block1", "conv2", "block2", "conv3", "block3", "logits"},
		Series{Name: "s", Data: values(7, 1, 8, 2, 9, 3, 4)})
	if err != nil {
		t.Fatal(err)
	}
	f.Joined = [][]int{{5, 1, 3}, {6}}
	names, lines := f.content.(*layers).drawn(f)
	if got := fmt.Sprint(names); got != "[block1 block2 block3 logits]" {
		t.Errorf("names along x: %s", got)
	}
	var got [][]point
	for _, c := range lines[0] {
		got = append(got, nil)
		for _, p := range c.points {
			got[len(got)-1] = append(got[len(got)-1], point{x: p.x, y: p.y})
		}
	}
	if want := "[[{0 1 0 0} {1 2 0 0} {2 3 0 0}] [{3 4 0 0}]]"; fmt.Sprint(got) != want {
		t.Errorf("lines %v, want %s", got, want)
	}
	_, y, err := f.content.scales(f, vg.Point{X: 300, Y: 200})
	if err != nil || y.max > 5 {
		t.Errorf("the axis reaches to %g, for values that are not drawn (%v)", y.max, err)
	}
	if svg := string(bytesOf(t, f, "svg")); strings.Contains(svg, "conv1") || !strings.Contains(svg, "block1") {
		t.Error("the drawing names layers that it leaves out, or leaves out those it draws")
	}
	for _, table := range []Table{f.Table(), f.Numbers(3)} {
		if len(table.Rows) != 7 {
			t.Errorf("%d rows of numbers for 7 layers: %v", len(table.Rows), table.Rows)
		}
	}
}

// Level gives figures one y range, from the lowest to the highest that any has by itself.
func TestLevel(t *testing.T) {
	low, high := all("s", 1, 2)["bars"], all("s", -3, 40)["lines"]
	if err := Level(low, high); err != nil {
		t.Fatal(err)
	}
	if low.YRange != high.YRange || low.YRange[0] > -3 || low.YRange[1] < 40 {
		t.Errorf("ranges %v and %v", low.YRange, high.YRange)
	}
	a, b := all("s", 1e-3, 2)["lines"], all("s", 5, 200)["lines"]
	a.LogY, b.LogY = true, true
	if err := Level(a, b); err != nil || a.YRange != b.YRange || a.YRange[0] > 1e-3 || a.YRange[0] <= 0 || a.YRange[1] < 200 {
		t.Errorf("logarithmic: %v and %v, %v", a.YRange, b.YRange, err)
	}
	row, err := Row(low, high)
	if err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{"a row": Level(row), "nothing": Level(nil), "log and not": Level(a, low)} {
		if err == nil {
			t.Errorf("%s was levelled", name)
		}
	}
	if err := Level(); err != nil {
		t.Error(err)
	}
}

func TestECDFSteps(t *testing.T) {
	// 2 of 5 values are ≤ 1, 3 ≤ 2, all ≤ 7; the NaN is no value.
	f, err := ECDF("", "", Sample{Name: "s", Values: []float64{7, 1, 2, math.NaN(), 1, 7}})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(f.Table().Rows), "[[s 1 0.4] [s 2 0.6] [s 7 1]]"; got != want {
		t.Errorf("steps %s, want %s", got, want)
	}
	// Of many values the kept steps are exact, and no gap between them is larger than the promised 1/256.
	many := make([]float64, 10000)
	for i := range many {
		many[i] = float64((i * 7919) % 10000) // a permutation of 0 … 9999
	}
	f, err = ECDF("", "", Sample{Values: many})
	if err != nil {
		t.Fatal(err)
	}
	last := 0.0
	for _, r := range f.Table().Rows {
		x, _ := strconv.ParseFloat(r[1], 64)
		y, _ := strconv.ParseFloat(r[2], 64)
		if y != (x+1)/10000 {
			t.Errorf("F(%g) = %g", x, y)
		}
		if y-last > 1.0/256+1e-4 {
			t.Errorf("step from %g to %g", last, y)
		}
		last = y
	}
	if last != 1 {
		t.Errorf("ends at %g", last)
	}
}

// Reading the CSV back gives the numbers drawn, to the last bit, layer names kept.
func TestTable(t *testing.T) {
	y := []float64{0, 0.1, 1.0 / 3, math.NaN(), 6.02e23}
	f := all("a,\"b\"", y...)["layers"]
	var b bytes.Buffer
	if err := f.Table().CSV(&b); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(rows[0]); got != "[series layer y err_low err_high]" {
		t.Errorf("headers %s", got)
	}
	for i, want := range y {
		r := rows[i+1]
		got, err := strconv.ParseFloat(r[2], 64)
		if err != nil || math.Float64bits(got) != math.Float64bits(want) && !(math.IsNaN(got) && math.IsNaN(want)) {
			t.Errorf("y %d is %s, want %g", i, r[2], want)
		}
		if r[0] != "a,\"b\"" || r[1] != fmt.Sprintf("layer%d", i) {
			t.Errorf("row %d is of %q, %q", i, r[0], r[1])
		}
	}
	if got := f.Table(3).Rows[2][2]; got != "0.333" {
		t.Errorf("three digits of 1/3: %s", got)
	}
	plain, _ := Layers("p", "", []string{"fc1"}, Series{Name: "s", Data: values(1)})
	curve, _ := Lines("q", "", "", Series{Name: "s", Data: values(2)})
	r, err := Row(plain, curve)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(r.Table()), "{ [panel series layer/x y] [[p s fc1 1] [q s 0 2]]}"; got != want {
		t.Errorf("row's table %s, want %s", got, want)
	}
}

func TestMarkdown(t *testing.T) {
	got, err := Table{Headers: []string{"pair", "barrier"}, Rows: [][]string{{"a|b_c", "0.01 %"}, {"$\\theta_A$ ", "–"}}}.Markdown()
	want := "| pair | barrier |\n| --- | ---: |\n| a\\|b\\_c | 0.01 % |\n| $\\theta_A$ | – |\n"
	if err != nil || got != want {
		t.Errorf("got %q (%v), want %q", got, err, want)
	}
	if _, err := (Table{Title: "T", Headers: []string{"a"}, Rows: [][]string{{"1", "2"}}}).Markdown(); err == nil ||
		!strings.Contains(err.Error(), `"T": row 1 has 2 cells for 1 headers`) {
		t.Errorf("error %v", err)
	}
}

func TestFormats(t *testing.T) {
	f := all("α", 0.1, 0.4)["lines"]
	f.Title = `1 − cos_α < "baseline" & more`
	svg := bytesOf(t, f, "SVG")
	d := xml.NewDecoder(bytes.NewReader(svg))
	var text []string
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("SVG is not well-formed: %v", err)
		}
		if c, ok := tok.(xml.CharData); ok {
			text = append(text, string(c))
		}
	}
	for _, want := range []string{f.Title, "α"} {
		if n := strings.Count(strings.Join(text, "\n"), want); n == 0 {
			t.Errorf("SVG lacks the text %q", want)
		}
	}
	if !bytes.Contains(svg, []byte("Arial,Helvetica,sans-serif")) || !bytes.Contains(svg, []byte(`role="img"`)) {
		t.Error("SVG lacks fallback fonts or its role")
	}
	cfg, err := png.DecodeConfig(bytes.NewReader(bytesOf(t, f, "png")))
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Width != 907 || cfg.Height != 605 { // 12 × 8 cm at 192 dpi
		t.Errorf("PNG of %d × %d pixels, want 907 × 605", cfg.Width, cfg.Height)
	}
	if pdf := bytesOf(t, f, "pdf"); !bytes.HasPrefix(pdf, []byte("%PDF-")) || bytes.Contains(pdf, []byte("/FontFile")) {
		t.Error("PDF has no header, or embeds a font though its text is outlines")
	}
}

// The legend stands above the data, however many entries it has: no ink of a curve's colour is in its lines but its own
// samples, and the axes begin below it.
func TestLegendOutside(t *testing.T) {
	var series []Series
	for i := range 9 {
		series = append(series, Series{Name: fmt.Sprintf("a rather long name, number %d", i), Data: values(1, 1)})
	}
	f, err := Lines("", "", "", series...)
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(bytesOf(t, f, "png")))
	if err != nil {
		t.Fatal(err)
	}
	axis := 0 // the topmost pixel of the y axis: a dark vertical run in one column
	for x := range img.Bounds().Dx() / 3 {
		run := 0
		for y := img.Bounds().Dy() - 1; y >= 0; y-- {
			if r, _, _, _ := img.At(x, y).RGBA(); r < 0xa000 {
				run++
			} else if run > 150 {
				axis = y
				break
			} else {
				run = 0
			}
		}
	}
	legend := 5 * 1.35 * 10 * 192 / 72.0 // nine entries of which two fit on a line
	if float64(axis) < legend {
		t.Errorf("the axis begins at pixel %d, the legend ends at %.0f", axis, legend)
	}
	blank := img.(interface {
		SubImage(image.Rectangle) image.Image
	}).SubImage(image.Rect(0, 0, img.Bounds().Dx(), 8))
	for x := blank.Bounds().Min.X; x < blank.Bounds().Max.X; x++ {
		if r, _, _, _ := blank.At(x, 4).RGBA(); r < 0xf000 {
			t.Fatalf("ink in the margin at %d: the legend is clipped", x)
		}
	}
}

func TestSave(t *testing.T) {
	dir := t.TempDir()
	f := all("s", 1, 2)["bars"]
	for _, ext := range []string{"svg", "png", "PDF"} {
		path := filepath.Join(dir, "figure."+ext)
		if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := f.Save(path); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); err != nil || info.Size() < 500 || info.Mode().Perm() != 0o644 {
			t.Errorf("%s: %v %v", ext, info, err)
		}
	}
	if err := f.SaveCSV(filepath.Join(dir, "figure.csv")); err != nil {
		t.Error(err)
	}
	// A failure leaves the old file and no litter.
	path := filepath.Join(dir, "figure.svg")
	before, _ := os.ReadFile(path)
	f.YRange = [2]float64{2, 1}
	if err := f.Save(path); err == nil || !strings.Contains(err.Error(), "figure.svg") {
		t.Errorf("error %v does not name the file", err)
	}
	f.YRange = [2]float64{}
	if err := f.Save(filepath.Join(dir, "figure")); err == nil || !strings.Contains(err.Error(), `format ""`) {
		t.Errorf("no extension: %v", err)
	}
	if err := f.Save(filepath.Join(dir, "missing", "figure.svg")); err == nil {
		t.Error("saved into a folder that is not there")
	}
	if err := os.Mkdir(filepath.Join(dir, "folder.svg"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := f.Save(filepath.Join(dir, "folder.svg")); err == nil {
		t.Error("replaced a folder")
	}
	after, _ := os.ReadFile(path)
	if !bytes.Equal(before, after) {
		t.Error("a failed Save changed the file")
	}
	entries, _ := os.ReadDir(dir)
	if len(entries) != 5 {
		t.Errorf("%d files, want 3 figures, 1 CSV, 1 folder: %v", len(entries), entries)
	}
}
