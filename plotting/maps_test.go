package plotting_test

import (
	"math"
	"testing"

	"gonum.org/v1/plot/cmpimg"

	"layerwise/plotting"
)

// waves is a map of numbers from −1 to 1.
func waves(rows, columns int, size float64) plotting.Tile {
	var t plotting.Tile
	for y := range rows {
		t.Values = append(t.Values, nil)
		for x := range columns {
			t.Values[y] = append(t.Values[y], size*math.Sin(float64(x+2*y)))
		}
	}
	return t
}

func ExampleMaps() {
	board := plotting.Tile{Picture: checker(8, 8)}
	f, err := plotting.Maps("Two images and their maps", []string{"image", "f(θ_A)", "f(θ_½)"}, []string{"seven", "three"},
		[][]plotting.Tile{{board, board}, {waves(4, 8, 1), waves(4, 8, 1)}, {waves(4, 8, 0.5), waves(4, 8, 1)}})
	save("maps.png", nil, f, err)
	// Output:
}

func TestMaps(t *testing.T) {
	cmpimg.CheckPlotApprox(ExampleMaps, t, 0.01, "maps.png")
	one := [][]plotting.Tile{{waves(1, 2, 1)}}
	f, err := plotting.Maps("", []string{"row"}, []string{"column"}, one)
	if err != nil {
		t.Fatal(err)
	}
	if r := f.Table().Rows; len(r) != 2 || r[1][0] != "row" || r[1][3] != "1" || r[1][4] != "0.8414709848078965" { // sin 1
		t.Errorf("%v", r)
	}
	for name, f := range map[string]func() (*plotting.Figure, error){
		"no rows":          func() (*plotting.Figure, error) { return plotting.Maps("", nil, []string{"a"}, nil) },
		"a column missing": func() (*plotting.Figure, error) { return plotting.Maps("", []string{"a"}, []string{"b", "c"}, one) },
		"an empty tile": func() (*plotting.Figure, error) {
			return plotting.Maps("", []string{"a"}, []string{"b"}, [][]plotting.Tile{{{}}})
		},
		"not finite": func() (*plotting.Figure, error) {
			return plotting.Maps("", []string{"a"}, []string{"b"}, [][]plotting.Tile{{waves(1, 2, math.Inf(1))}})
		},
	} {
		if _, err := f(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
