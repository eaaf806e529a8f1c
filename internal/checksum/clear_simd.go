//go:build goexperiment.simd && amd64

package checksum

import "simd/archsimd"

func clearUpper() {
	if archsimd.X86.AVX() {
		archsimd.ClearAVXUpperBits()
	}
}
