// Package finite tells numbers from NaN and the infinities.
package finite

import (
	"math"
	"slices"
)

// Is reports whether v is a number.
func Is[T float32 | float64](v T) bool { return !math.IsNaN(float64(v)) && !math.IsInf(float64(v), 0) }

// All reports whether all of them are numbers.
func All[T float32 | float64](v ...T) bool { return Except(v) < 0 }

// Except returns the position of the first value that is not a number, −1 if all are.
func Except[T float32 | float64](v []T) int {
	return slices.IndexFunc(v, func(x T) bool { return !Is(x) })
}
