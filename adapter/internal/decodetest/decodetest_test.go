package decodetest

import "testing"

var sink []byte

// TestAllocated: what a decoder must not do is noticed.
func TestAllocated(t *testing.T) {
	if took := Allocated(func() { sink = make([]byte, 64<<20) }); took < 64<<20 {
		t.Errorf("%d bytes counted of 64 MB", took)
	}
	if took := Allocated(func() { sink = make([]byte, 100) }); took > Decoding(100) {
		t.Errorf("%d bytes counted of 100", took)
	}
}
