//go:build !goexperiment.simd || !amd64

package checksum

func clearUpper() {} // no code of this build uses them
