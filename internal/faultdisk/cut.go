package faultdisk

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
)

// sector is the unit that a disk writes. One of them may be torn.
const sector = 512

// Cut turns the power off: every call fails from now on, and into an existing directory is written what the machine could
// find when it has power again. Of what was not synced any part may be there: of every sector what it held after any of
// the writes to it, and sometimes half of one; of every name what it was after any of the changes to it. Which, is chosen
// by the seed. A second Cut of the same disk gives another possible outcome of the same failure.
func (d *Disk) Cut(seed uint64, into string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.down = true
	r := rand.New(rand.NewPCG(seed, 3))
	names := maps.Clone(d.durable)
	switch r.IntN(4) {
	case 0: // nothing of the changes
	case 1:
		for _, c := range d.names {
			d.rename(names, c)
		}
	default:
		d.someNames(r, names)
	}
	for _, path := range slices.Sorted(maps.Keys(names)) {
		text := names[path].after(r)
		if err := os.WriteFile(filepath.Join(into, filepath.Base(path)), text, 0o600); err != nil {
			return fmt.Errorf("cut power: %w", err)
		}
	}
	return nil
}

// someNames does a random number of the changes to each name.
func (d *Disk) someNames(r *rand.Rand, names map[string]*node) {
	left := map[string]int{}
	for _, c := range d.names {
		left[c.path]++
	}
	for _, path := range slices.Sorted(maps.Keys(left)) {
		left[path] = r.IntN(left[path] + 1)
	}
	for _, c := range d.names {
		if left[c.path] > 0 {
			left[c.path]--
			d.rename(names, c)
		}
	}
}

// after is what the file may contain after a power failure.
func (n *node) after(r *rand.Rand) []byte {
	text := slices.Clone(n.synced)
	switch r.IntN(5) {
	case 0:
		return text
	case 1: // all of it
		for _, c := range n.pending {
			text = c.apply(text, 0, int64(len(c.data)))
		}
		return text
	case 2: // in the order of the program, up to a point in the middle of a write
		return n.prefix(r, text)
	}
	return n.scattered(r, text)
}

func (n *node) prefix(r *rand.Rand, text []byte) []byte {
	if len(n.pending) == 0 {
		return text
	}
	last := r.IntN(len(n.pending))
	for _, c := range n.pending[:last] {
		text = c.apply(text, 0, int64(len(c.data)))
	}
	if c := n.pending[last]; c.data != nil {
		text = c.apply(text, 0, r.Int64N(int64(len(c.data))+1))
	}
	return text
}

// scattered writes sectors in any order. Changes of the size are kept in theirs, and with them what lies before and after:
// that is what journals of file systems are for.
func (n *node) scattered(r *rand.Rand, text []byte) []byte {
	kept := len(n.pending)
	for i, c := range n.pending { // where the journal ends
		if c.data == nil && r.IntN(3) == 0 {
			kept = i
			break
		}
	}
	often := 1 + r.IntN(10) // of ten sectors so many are written
	lasts := map[int64]int{}
	for i, c := range n.pending[:kept] {
		if c.data == nil {
			text = c.apply(text, 0, 0)
			continue
		}
		end := c.off + int64(len(c.data))
		text = resize(text, max(int64(len(text)), end))
		for at := c.off; at < end; {
			next := min(end, (at/sector+1)*sector)
			last, ok := lasts[at/sector]
			if !ok {
				last = kept
				if r.IntN(10) >= often { // this sector stays as it was before one of the writes
					last = i + r.IntN(kept-i)
				}
				lasts[at/sector] = last
			}
			if i < last && !c.lost {
				until := next
				if i+1 == last && r.IntN(50) == 0 { // torn
					until = at + r.Int64N(next-at)
				}
				copy(text[at:until], c.data[at-c.off:until-c.off])
			}
			at = next
		}
	}
	return text
}
