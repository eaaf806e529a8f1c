//go:build !goexperiment.simd

package backend

// hasSIMD says whether the pure-Go backend was built with vector instructions.
const hasSIMD = false
