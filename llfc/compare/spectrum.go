package compare

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
)

// Spectra are the leading singular values of two matrices and the angles between their leading singular subspaces.
type Spectra struct {
	A, B        []float64 // singular values, the largest first: up to Leading of them, from below where Rounds is small
	StableA     float64   // ‖A‖_F² / σ₁²: how many directions the matrix uses
	StableB     float64
	Left, Right []float64 // principal angles in degrees between the spans of the first Directions singular vectors of the outputs' and the inputs' side, the smallest first
	Rounds      int
}

const (
	// Leading is the number of singular values that are looked for.
	Leading = width
	// Directions is the number of singular vectors whose spans are compared.
	Directions = 4

	width  = 8 // of the block; SIMD code counts on it
	budget = 1 << 20
)

// spectra looks at matrices [m, n] by block power iteration (Halko, Martinsson & Tropp 2011, algorithm 4.4): 3 rounds, and up to 40 where the matrix is small, so
// the time is that of a few passes over the numbers.
func spectra(a, b []float32, m, n int) *Spectra {
	rounds := min(40, max(3, budget/(m*n)))
	s := &Spectra{Rounds: rounds}
	ua, va, sa := leading(a, m, n, rounds)
	ub, vb, sb := leading(b, m, n, rounds)
	s.A, s.B = sa, sb
	if sa[0] > 0 {
		s.StableA = square(a) / (sa[0] * sa[0])
	}
	if sb[0] > 0 {
		s.StableB = square(b) / (sb[0] * sb[0])
	}
	k := min(Directions, len(sa))
	s.Left, s.Right = angles(ua, ub, m, k), angles(va, vb, n, k)
	return s
}

// leading returns orthonormal u [m, 8] and v [n, 8] and singular values. Columns beyond the rank are zero.
func leading(w []float32, m, n, rounds int) (u, v []float32, sigma []float64) {
	k := min(width, m, n)
	rng := rand.New(rand.NewPCG(uint64(m), uint64(n)))
	u, v = make([]float32, m*width), make([]float32, n*width)
	for j := range n {
		for c := range k {
			v[j*width+c] = float32(rng.NormFloat64())
		}
	}
	orthonormal(v, n)
	for range rounds {
		right(w, v, u, m, n)
		left(w, u, v, m, n)
		orthonormal(v, n)
	}
	right(w, v, u, m, n)
	// Rayleigh–Ritz: W v = u, so the singular values of u are those of W within the span of v.
	gram := mat.NewSymDense(k, nil)
	for c := range k {
		for d := c; d < k; d++ {
			s := 0.0
			for i := range m {
				s += float64(u[i*width+c]) * float64(u[i*width+d])
			}
			gram.SetSym(c, d, s)
		}
	}
	var e mat.EigenSym
	if !e.Factorize(gram, true) {
		return u, v, make([]float64, k)
	}
	var q mat.Dense
	e.VectorsTo(&q)
	values := e.Values(nil) // the smallest first
	sigma = make([]float64, k)
	for c := range k {
		sigma[c] = math.Sqrt(max(0, values[k-1-c]))
	}
	turn(u, m, k, &q)
	turn(v, n, k, &q)
	for c, s := range sigma {
		for i := range m {
			if s > 1e-7*sigma[0] && s > 0 {
				u[i*width+c] /= float32(s)
			} else {
				u[i*width+c] = 0
			}
		}
	}
	return u, v, sigma
}

// turn replaces the k columns of x by their combinations q, in reversed order.
func turn(x []float32, rows, k int, q *mat.Dense) {
	for i := range rows {
		var out [width]float64
		for c := range k {
			for d := range k {
				out[c] += float64(x[i*width+d]) * q.At(d, k-1-c)
			}
		}
		for c := range k {
			x[i*width+c] = float32(out[c])
		}
	}
}

// orthonormal makes the columns of x [n, 8] orthonormal, twice through (Gram–Schmidt); one that depends on those before it becomes zero.
func orthonormal(x []float32, n int) {
	for range 2 {
		for c := range width {
			before := 0.0
			for i := range n {
				before += float64(x[i*width+c]) * float64(x[i*width+c])
			}
			for d := range c {
				s := 0.0
				for i := range n {
					s += float64(x[i*width+c]) * float64(x[i*width+d])
				}
				for i := range n {
					x[i*width+c] -= float32(s) * x[i*width+d]
				}
			}
			norm := 0.0
			for i := range n {
				norm += float64(x[i*width+c]) * float64(x[i*width+c])
			}
			scale := float32(0)
			if norm > 1e-10*before && norm > 0 {
				scale = float32(1 / math.Sqrt(norm))
			}
			for i := range n {
				x[i*width+c] *= scale
			}
		}
	}
}

// angles are the principal angles between the spans of the first k columns (Björck & Golub 1973). Small ones are taken from sines, which cosines do not tell.
func angles(x, y []float32, n, k int) []float64 {
	a, b := mat.NewDense(n, k, nil), mat.NewDense(n, k, nil)
	for i := range n {
		for c := range k {
			a.Set(i, c, float64(x[i*width+c]))
			b.Set(i, c, float64(y[i*width+c]))
		}
	}
	var cosines, rest mat.Dense
	cosines.Mul(a.T(), b)
	rest.Mul(a, &cosines)
	rest.Sub(b, &rest) // (1 − A Aᵀ) B
	var c, s mat.SVD
	if !c.Factorize(&cosines, mat.SVDNone) || !s.Factorize(&rest, mat.SVDNone) {
		return nil
	}
	cos, sin := c.Values(nil), s.Values(nil)
	out := make([]float64, k)
	for i := range out {
		sine := 1.0
		if k-1-i < len(sin) {
			sine = sin[k-1-i]
		}
		out[i] = math.Atan2(min(1, sine), min(1, cos[i])) * 180 / math.Pi
	}
	return out
}

// rightPlain sets u [m, 8] to W v, for W [m, n] and v [n, 8].
func rightPlain(w, v, u []float32, m, n int) {
	for i := range m {
		var s [width]float32
		for j, x := range w[i*n : (i+1)*n] {
			y := (*[width]float32)(v[j*width:])
			for c := range s {
				s[c] += x * y[c]
			}
		}
		copy(u[i*width:(i+1)*width], s[:])
	}
}

// leftPlain sets v to Wᵀ u.
func leftPlain(w, u, v []float32, m, n int) {
	clear(v)
	for i := range m {
		y := (*[width]float32)(u[i*width:])
		for j, x := range w[i*n : (i+1)*n] {
			z := (*[width]float32)(v[j*width:])
			for c := range z {
				z[c] += x * y[c]
			}
		}
	}
}
