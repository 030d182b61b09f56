package postgres

import (
	"encoding/binary"
	"strconv"
)

// arrayReader walks over the elements of a flat array in binary format.
type arrayReader struct {
	rest []byte
	left int
}

// openArray reads the header. An array of several dimensions is no list.
func openArray(b []byte) (arrayReader, bool) {
	if len(b) < 12 {
		return arrayReader{}, false
	}
	switch binary.BigEndian.Uint32(b) {
	case 0:
		return arrayReader{}, true
	case 1:
	default:
		return arrayReader{}, false
	}
	if len(b) < 20 {
		return arrayReader{}, false
	}
	n := binary.BigEndian.Uint32(b[12:])
	if uint64(n)*4 > uint64(len(b)) { // every element has a length of four bytes
		return arrayReader{}, false
	}
	return arrayReader{rest: b[20:], left: int(n)}, true
}

// next is the next element, nil for NULL.
func (a *arrayReader) next() ([]byte, bool) {
	if len(a.rest) < 4 {
		return nil, false
	}
	n := int32(binary.BigEndian.Uint32(a.rest))
	a.rest = a.rest[4:]
	a.left--
	if n < 0 {
		return nil, true
	}
	if int(n) > len(a.rest) {
		return nil, false
	}
	elem := a.rest[:n:n]
	a.rest = a.rest[n:]
	return elem, true
}

func appendInt(dst []byte, n int64) []byte { return strconv.AppendInt(dst, n, 10) }
