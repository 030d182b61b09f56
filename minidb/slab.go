package minidb

import (
	"sync"

	"github.com/livetables/livetables/lqp"
)

// slabs are pieces of memory for the values of some hundred rows, for those who write many and would leave them behind as garbage
// otherwise.
var slabs sync.Pool

// takeSlab is memory for n values. What is in it is of no meaning.
func takeSlab(n int) []lqp.Value {
	if s, ok := slabs.Get().(*[]lqp.Value); ok && cap(*s) >= n {
		return (*s)[:n]
	}
	return make([]lqp.Value, n)
}

// giveSlab gives it back once nobody looks at it any more.
func giveSlab(s []lqp.Value) { slabs.Put(&s) }

// imageRoom is room for the images of rows that are made one after the other.
type imageRoom struct {
	buf  []byte
	size int // that an image is expected to have
	rows int // how many are to come
}

// roomRows is how many images share a piece of memory at most: who keeps one of them keeps it all.
const roomRows = 32

// add makes the image of a row.
func (r *imageRoom) add(l *layout, row []lqp.Value) []byte {
	if cap(r.buf)-len(r.buf) < r.size {
		r.buf = make([]byte, 0, r.size*min(max(r.rows, 1), roomRows))
	}
	start := len(r.buf)
	r.buf = l.appendImage(r.buf, row)
	r.size = max(r.size, len(r.buf)-start)
	return r.buf[start:len(r.buf):len(r.buf)]
}
