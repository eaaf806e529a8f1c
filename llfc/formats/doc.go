// Package formats reads the weights in files that others wrote, without running anything that a file holds:
//
//	safetensors, one file or sharded with an index
//	PyTorch's .pt, .pth, .ckpt and .bin: zip archives, the older files of pickles, and TorchScript as a container of tensors
//	ONNX: initialisers and constants, also in external files and in sub-graphs
//	numpy's .npz and .npy
//
// [Open] reads what a file says of its tensors, [Tensor.Floats] the numbers of one, widened to float32, so memory is that of the tensor
// at hand. [File.Notes] tell what was chosen and what was left out: wrappers around a state dict, prefixes of names, optimiser state.
// Whatever a file claims is checked against its size before memory is asked for.
//
//	f, err := formats.Open("a.pt", "")
//	defer f.Close()
//	for _, t := range f.Tensors {
//		w := make([]float32, t.Count())
//		err := t.Floats(w)
//	}
package formats
