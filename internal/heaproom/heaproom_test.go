package heaproom

import (
	"runtime"
	"testing"
)

// The address space is there, the memory is not used.
func TestReserve(t *testing.T) {
	Reserve()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if m.HeapSys < size {
		t.Errorf("the heap spans %d bytes, expected at least %d", m.HeapSys, uint64(size))
	}
	if m.HeapAlloc > 100<<20 {
		t.Errorf("%d bytes are still in use", m.HeapAlloc)
	}
	if kept := m.HeapSys - m.HeapReleased; kept > size+100<<20 {
		t.Errorf("%d bytes are kept", kept)
	}
}
