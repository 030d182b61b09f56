// Package decodetest holds what the fuzz targets of the adapters' decoders share.
package decodetest

import "runtime/metrics"

// Allocated is about how many bytes f allocates; small pieces may be counted later. Nothing else may allocate meanwhile: it
// is for fuzz targets, which prove by it that what a server sends cannot take more memory than a multiple of its own size.
func Allocated(f func()) uint64 {
	before := allocations()
	f()
	return allocations() - before
}

// allocations is what the process has allocated so far. Reading it does not stop the process, as runtime.ReadMemStats does.
func allocations() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

// Decoding is how many bytes the decoding of a reply of n bytes may allocate: values, JSON of escaped texts, lists of short
// elements, and whatever the testing package does besides.
func Decoding(n int) uint64 { return uint64(n)*1024 + 1<<20 }
