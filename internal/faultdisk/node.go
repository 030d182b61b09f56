package faultdisk

import (
	"bytes"
	"math/rand/v2"
)

// node is a file, whatever its name is: what of it is durable, and what was done to it since.
type node struct {
	synced  []byte
	pending []change
	size    int64 // as a program sees it
}

// change is a write, or, without data, a change of the size.
type change struct {
	off  int64
	data []byte
	size int64
	lost bool // a sync failed, and the system forgot what it should have written
}

func (n *node) write(p []byte, off int64) {
	n.pending = append(n.pending, change{off: off, data: bytes.Clone(p)})
	n.size = max(n.size, off+int64(len(p)))
}

func (n *node) truncate(size int64) {
	n.pending = append(n.pending, change{size: size})
	n.size = size
}

// sync makes everything durable that was not forgotten.
func (n *node) sync() {
	for _, c := range n.pending {
		n.synced = c.apply(n.synced, 0, int64(len(c.data)))
	}
	n.pending = nil
}

// forget marks nothing, a random part or all of what is pending as forgotten: it is seen by whoever reads, and never
// written.
func (n *node) forget(r *rand.Rand) {
	of := r.IntN(3)
	for i := range n.pending {
		if n.pending[i].data != nil && r.IntN(2) < of {
			n.pending[i].lost = true
		}
	}
}

// apply does to the contents what the change does, of a write only its bytes from one to another. Those that were forgotten
// have made the file longer and nothing else.
func (c *change) apply(to []byte, from, until int64) []byte {
	if c.data == nil {
		return resize(to, c.size)
	}
	to = resize(to, max(int64(len(to)), c.off+until))
	if !c.lost {
		copy(to[c.off+from:], c.data[from:until])
	}
	return to
}

// resize makes contents longer with zeros, or shorter.
func resize(b []byte, size int64) []byte {
	if size <= int64(len(b)) {
		return b[:size:size]
	}
	return append(b, make([]byte, size-int64(len(b)))...)
}
