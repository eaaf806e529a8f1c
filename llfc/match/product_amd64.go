package match

import "golang.org/x/sys/cpu"

//go:noescape
func tileAVX2(a, b *float32, k int, c *float64, stride int)

// tile adds the products of a panel of A and a panel of B to 12×16 totals, whose rows are stride apart. With
// vectors a sum runs over its columns in their order, rounded once for each.
func tile(a, b []float32, k int, c []float64, stride int) {
	_, _, _ = a[tileRows*k-1], b[tileColumns*k-1], c[(tileRows-1)*stride+tileColumns-1]
	if !cpu.X86.HasAVX2 || !cpu.X86.HasFMA {
		tilePlain(a, b, k, c, stride)
		return
	}
	tileAVX2(&a[0], &b[0], k, &c[0], stride)
	tileAVX2(&a[tileRows/2], &b[0], k, &c[tileRows/2*stride], stride)
}
