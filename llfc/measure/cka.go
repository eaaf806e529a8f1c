package measure

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
)

// unbiasedKernel is the U-centred matrix [batch, batch] of the inner products of samples, float64, with zeros on the diagonal and at padding:
// half of an unbiased HSIC (Song et al. 2012; Székely and Rizzo 2014). Features are centred first, which the estimate does not depend on
// and float32 products do. Fewer than 4 samples have none, and give zeros.
func unbiasedKernel(x, samples *graph.Node) *graph.Node {
	x = flat(x)
	g, n := x.Graph(), x.Shape().Dim(0)
	index := graph.Iota(g, shapes.Make(dtypes.Float64, n), 0)
	counts := graph.ConvertDType(graph.LessThan(index, samples), dtypes.Float64) // [batch], 0 at padding
	single := graph.InsertAxes(graph.ConvertDType(counts, x.DType()), -1)
	mean := graph.Div(graph.ReduceSum(graph.Mul(x, single), 0), graph.ConvertDType(samples, x.DType()))
	x = graph.Mul(graph.Sub(x, graph.InsertAxes(mean, 0)), single)
	k := graph.ConvertDType(graph.MatMul(x, graph.Transpose(x, 0, 1)), dtypes.Float64)
	row, column := graph.InsertAxes(index, -1), graph.InsertAxes(index, 0)
	apart := graph.ConvertDType(graph.NotEqual(graph.BroadcastToDims(row, n, n), graph.BroadcastToDims(column, n, n)), dtypes.Float64)
	mask := graph.Mul(apart, graph.Mul(graph.InsertAxes(counts, -1), graph.InsertAxes(counts, 0)))
	k = graph.Mul(k, mask)
	rows := graph.ReduceSum(k, -1)
	total := graph.ReduceAllSum(k)
	share := graph.Div(rows, graph.AddScalar(samples, -2))
	whole := graph.Div(total, graph.Mul(graph.AddScalar(samples, -1), graph.AddScalar(samples, -2)))
	centred := graph.Add(graph.Sub(graph.Sub(k, graph.InsertAxes(share, -1)), graph.InsertAxes(share, 0)), whole)
	enough := graph.GreaterOrEqual(samples, graph.Scalar(g, dtypes.Float64, 4))
	return graph.Where(graph.BroadcastToDims(enough, n, n), graph.Mul(centred, mask), graph.ZerosLike(k))
}

// hsic is the unbiased HSIC of two kernels, its n-th part at each of the n samples [batch]: the sum over samples is that over batches.
func hsic(k, l, samples *graph.Node) *graph.Node {
	sum := graph.ReduceAllSum(graph.Mul(k, l))
	each := graph.Div(sum, graph.Mul(graph.Square(samples), graph.MaxScalar(graph.AddScalar(samples, -3), 1)))
	return graph.BroadcastToDims(each, k.Shape().Dim(0))
}
