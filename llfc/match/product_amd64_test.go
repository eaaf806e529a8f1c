package match

import (
	"math/rand/v2"
	"slices"
	"testing"

	"golang.org/x/sys/cpu"
)

func TestTilesAgreeBitForBit(t *testing.T) {
	if !cpu.X86.HasAVX512F || !cpu.X86.HasAVX2 || !cpu.X86.HasFMA {
		t.Skip("this processor has only one kind of vectors")
	}
	r := rand.New(rand.NewPCG(5, 6))
	for _, k := range []int{1, 2, 77, depth} {
		a, b := make([]float32, tileRows*k), make([]float32, tileColumns*k)
		for _, x := range [][]float32{a, b} {
			for i := range x {
				x[i] = float32(r.NormFloat64())
			}
		}
		x, y := make([]float64, tileRows*tileColumns), make([]float64, tileRows*tileColumns)
		tileAVX512(&a[0], &b[0], k, &x[0], tileColumns)
		tileAVX2(&a[0], &b[0], k, &y[0], tileColumns)
		tileAVX2(&a[tileRows/2], &b[0], k, &y[tileRows/2*tileColumns], tileColumns)
		if !slices.Equal(x, y) {
			t.Errorf("k = %d: AVX-512 and AVX2 differ", k)
		}
	}
}
