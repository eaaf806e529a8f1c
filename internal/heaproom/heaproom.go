// Package heaproom keeps vector code of the pure-Go backend from reading past the end of Go's heap.
package heaproom

import (
	"runtime"
	"sync"
)

// size is more than the live heap of any run on the pure-Go backend measured so far (about 2 GB). It is address space: no page of it is
// touched, so no memory is used.
const size = 4 << 30

// Reserve makes the heap's address space larger than a program needs, once. Go 1.27's simd package loads the last few numbers of a
// slice as a full vector and masks afterwards; where a slice ends with the last page that the heap has mapped, that load
// faults. The allocator fills the lowest addresses first, so once the heap has been large, nothing lies at its end.
var Reserve = sync.OnceFunc(func() {
	room := make([]byte, size)
	runtime.KeepAlive(room)
	room = nil
	runtime.GC() // or the collector would wait for a heap of twice that size
})
