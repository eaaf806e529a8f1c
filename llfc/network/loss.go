package network

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
)

// CrossEntropy returns −log softmax(logits)[y] of each sample, [batch], in nats. logits [batch, classes], y [batch] Int32.
func CrossEntropy(logits, y *graph.Node) *graph.Node {
	k := logits.Shape().Dim(-1)
	picked := graph.OneHot(y, k, logits.DType())
	shifted := graph.Sub(logits, graph.StopGradient(graph.ReduceAndKeep(logits, graph.ReduceMax, -1)))
	return graph.Sub(graph.Log(graph.ReduceSum(graph.Exp(shifted), -1)), graph.ReduceSum(graph.Mul(shifted, picked), -1))
}

// Wrong returns 1 for each sample whose largest logit is not that of its class and 0 elsewhere, [batch] Int32.
func Wrong(logits, y *graph.Node) *graph.Node {
	return graph.ConvertDType(graph.NotEqual(graph.ArgMax(logits, -1, dtypes.Int32), y), dtypes.Int32)
}
