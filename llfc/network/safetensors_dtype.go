package network

import (
	"encoding/binary"
	"math"

	"github.com/gomlx/compute/dtypes/bfloat16"
	"github.com/gomlx/compute/dtypes/float16"

	"layerwise/internal/finite"
)

// dtype is a kind of number that is read.
type dtype struct {
	size int // bytes
	// floats fills out from bytes and returns −1, or the position of a number that is too large for a float32.
	floats func(out []float32, b []byte) int
}

// float32Name is the dtype that is written.
const float32Name = "F32"

const dtypesRead = "F32, F64, F16 and BF16"

func dtypeNamed(name string) (dtype, bool) {
	switch name {
	case float32Name:
		return dtype{4, func(out []float32, b []byte) int {
			for i := range out {
				out[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
			}
			return -1
		}}, true
	case "F64":
		return dtype{8, func(out []float32, b []byte) int {
			for i := range out {
				v := math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:]))
				if out[i] = float32(v); finite.Is(v) && !finite.Is(out[i]) {
					return i
				}
			}
			return -1
		}}, true
	case "F16":
		return dtype{2, func(out []float32, b []byte) int {
			for i := range out {
				out[i] = float16.Float16(binary.LittleEndian.Uint16(b[2*i:])).Float32()
			}
			return -1
		}}, true
	case "BF16":
		return dtype{2, func(out []float32, b []byte) int {
			for i := range out {
				out[i] = bfloat16.FromBits(binary.LittleEndian.Uint16(b[2*i:])).Float32()
			}
			return -1
		}}, true
	}
	return dtype{}, false
}
