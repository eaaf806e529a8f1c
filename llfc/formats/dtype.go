package formats

import (
	"encoding/binary"
	"math"

	"github.com/gomlx/compute/dtypes/bfloat16"
	"github.com/gomlx/compute/dtypes/float16"

	"layerwise/internal/finite"
)

// floats are the types of weights.
var floats = []string{"F32", "F16", "BF16", "F64", "F8_E4M3", "F8_E5M2", "F8_E4M3FNUZ", "F8_E5M2FNUZ"}

// widening fills out from little-endian bytes, for each type that is read. It returns −1, or the position of a number beyond float32.
var widening = map[string]func(out []float32, b []byte) int{
	"F32": func(out []float32, b []byte) int {
		for i := range out {
			out[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
		}
		return -1
	},
	"F64": func(out []float32, b []byte) int {
		for i := range out {
			v := math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:]))
			if out[i] = float32(v); finite.Is(v) && !finite.Is(out[i]) {
				return i
			}
		}
		return -1
	},
	"F16": func(out []float32, b []byte) int {
		for i := range out {
			out[i] = float16.Float16(binary.LittleEndian.Uint16(b[2*i:])).Float32()
		}
		return -1
	},
	"BF16": func(out []float32, b []byte) int {
		for i := range out {
			out[i] = bfloat16.FromBits(binary.LittleEndian.Uint16(b[2*i:])).Float32()
		}
		return -1
	},
	"F8_E4M3":     float8(4, 7, false, false),
	"F8_E5M2":     float8(5, 15, true, false),
	"F8_E4M3FNUZ": float8(4, 8, false, true),
	"F8_E5M2FNUZ": float8(5, 16, false, true),
	"I8":          integers(1, func(b []byte) float32 { return float32(int8(b[0])) }),
	"U8":          integers(1, func(b []byte) float32 { return float32(b[0]) }),
	"BOOL":        integers(1, func(b []byte) float32 { return float32(min(b[0], 1)) }),
	"I16":         integers(2, func(b []byte) float32 { return float32(int16(binary.LittleEndian.Uint16(b))) }),
	"U16":         integers(2, func(b []byte) float32 { return float32(binary.LittleEndian.Uint16(b)) }),
	"I32":         integers(4, func(b []byte) float32 { return float32(int32(binary.LittleEndian.Uint32(b))) }),
	"U32":         integers(4, func(b []byte) float32 { return float32(binary.LittleEndian.Uint32(b)) }),
	"I64":         integers(8, func(b []byte) float32 { return float32(int64(binary.LittleEndian.Uint64(b))) }),
	"U64":         integers(8, func(b []byte) float32 { return float32(binary.LittleEndian.Uint64(b)) }),
}

func integers(size int, one func(b []byte) float32) func([]float32, []byte) int {
	return func(out []float32, b []byte) int {
		for i := range out {
			out[i] = one(b[size*i:])
		}
		return -1
	}
}

// float8 is a type of one sign bit, exponent bits and the rest (Micikevicius et al. 2022, arXiv 2209.05433). ieee has infinities; without,
// only the largest code of either sign is NaN. fnuz has no negative zero, whose code is the only NaN.
func float8(exponent, bias int, ieee, fnuz bool) func([]float32, []byte) int {
	mantissa := 7 - exponent
	var table [256]float32
	for code := range 256 {
		sign, e, m := 1.0, code>>mantissa&(1<<exponent-1), code&(1<<mantissa-1)
		if code >= 128 {
			sign = -1
		}
		v := math.Ldexp(float64(m), 1-bias-mantissa)
		if e > 0 {
			v = math.Ldexp(float64(m|1<<mantissa), e-bias-mantissa)
		}
		switch top := e == 1<<exponent-1; {
		case fnuz && code == 128, ieee && top && m > 0, !ieee && !fnuz && top && m == 1<<mantissa-1:
			v = math.NaN()
		case ieee && top:
			v = math.Inf(1)
		}
		table[code] = float32(math.Copysign(v, sign))
		if v != v {
			table[code] = float32(math.NaN())
		}
	}
	return func(out []float32, b []byte) int {
		for i := range out {
			out[i] = table[b[i]]
		}
		return -1
	}
}
