package measure

import "math"

// Stat is a quantity over the samples of a set. Samples where it is not defined, because a vector is zero, are counted and left out.
type Stat struct {
	Mean    float64 // NaN where no sample was used
	Std     float64 // unbiased; NaN where fewer than two samples were used, or where the quantity is one number for the whole set
	Used    int
	Skipped int
}

// moments gathers a Stat in one pass (Welford), so memory does not grow with the samples.
type moments struct {
	mean, squares float64
	used, skipped int
}

func (m *moments) add(v float64) {
	if math.IsNaN(v) {
		m.skipped++
		return
	}
	m.used++
	d := v - m.mean
	m.mean += d / float64(m.used)
	m.squares += d * (v - m.mean)
}

func (m moments) stat() Stat {
	s := Stat{Mean: math.NaN(), Std: math.NaN(), Used: m.used, Skipped: m.skipped}
	if m.used > 0 {
		s.Mean = m.mean
	}
	if m.used > 1 {
		s.Std = math.Sqrt(m.squares / float64(m.used-1))
	}
	return s
}

// Profile is one quantity at every layer. It is a gonum plotter.XYer and YErrorer: x is the index of the layer, y the mean, the
// error the standard deviation over samples.
type Profile struct {
	Layers []string
	Stats  []Stat
}

// Len is the number of layers.
func (p Profile) Len() int { return len(p.Stats) }

// XY is the index of layer i and the mean there.
func (p Profile) XY(i int) (x, y float64) { return float64(i), p.Stats[i].Mean }

// YError is the standard deviation of layer i, downwards and upwards.
func (p Profile) YError(i int) (low, high float64) { return p.Stats[i].Std, p.Stats[i].Std }

// Curve is a quantity along α. It is a gonum plotter.XYer and YErrorer.
type Curve struct {
	Alphas, Values []float64
	Errors         []float64 // nil where the values carry none
}

// Len is the number of points.
func (c Curve) Len() int { return len(c.Alphas) }

// XY is point i: α and the value.
func (c Curve) XY(i int) (x, y float64) { return c.Alphas[i], c.Values[i] }

// YError is the error of point i, downwards and upwards; NaN where there is none.
func (c Curve) YError(i int) (low, high float64) {
	if c.Errors == nil {
		return math.NaN(), math.NaN()
	}
	return c.Errors[i], c.Errors[i]
}
