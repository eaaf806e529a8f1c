// Package native has kernels of our own for what XLA's CPU plugin does slowly: convolutions, their gradients, and the sums of batch norm. XLA calls
// them, inside its executables and on its threads.
//
// A graph marks an operation by calling a function with a name from [Op.Function], see [Call]; the function's body computes the same in plain
// operations. [Load] loads the plugin with its compile call replaced by one that first rewrites the program: calls of marked functions become custom
// calls of our handlers. Nothing else of a program is touched, and without Load the bodies run.
//
// The kernels are C, compiled for AVX2 and for AVX-512, which must be asked for until somebody has run it. A convolution is a matrix product whose rows are read
// where they lie in a padded image; conv.c says how, tile.h is the innermost loop. Work is cut up by shapes alone and sums are added in a fixed order, so
// the same program on the same processor gives the same bits, whatever else runs and however many threads there are.
//
//	Op              per place in a graph: target and attributes
//	Has, Call       for builders of graphs
//	Kernels, Load   for package backend
//	abi.h           the parts of PJRT and of XLA's foreign functions that are used
//	hook.c          the replaced compile call; handler.c checks tensors and calls conv.c and norm.c
//	crew.c          shares work with XLA's threads; scratch.c keeps memory between calls
package native
