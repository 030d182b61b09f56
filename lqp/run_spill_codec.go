package lqp

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"slices"
)

// spillRow is a row in temporary storage or on its way there: sort keys, values, and what else decides its place.
type spillRow struct {
	keys []Value
	row  []Value
	seq  int64 // arrival
	sub  int64 // of rows with the same seq
}

func (r *spillRow) bytes() int64 { return rowBytes(r.keys) + rowBytes(r.row) }

// The tags of values. Numbers have three: whole ones and those of 64 bits, most of all there are, take few bytes.
const (
	tagWhole byte = 0x40 + iota
	tagNarrow
)

// appendSpillRow writes a row with the length of what follows in front. The counts of keys and values are known to the
// reader.
func appendSpillRow(dst []byte, r *spillRow) []byte {
	start := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	dst = binary.AppendVarint(dst, r.seq)
	dst = binary.AppendVarint(dst, r.sub)
	for i := range r.keys {
		dst = appendSpillValue(dst, r.keys[i])
	}
	for i := range r.row {
		dst = appendSpillValue(dst, r.row[i])
	}
	binary.LittleEndian.PutUint32(dst[start:], uint32(len(dst)-start-4))
	return dst
}

func appendSpillValue(dst []byte, v Value) []byte {
	switch v.kind {
	case Number:
		if v.num.hi == int64(v.num.lo)>>63 {
			k := int64(v.num.lo)
			if k%unit == 0 {
				return binary.AppendVarint(append(dst, tagWhole), k/unit)
			}
			return binary.AppendVarint(append(dst, tagNarrow), k)
		}
		dst = append(dst, byte(v.kind))
		dst = binary.LittleEndian.AppendUint64(dst, uint64(v.num.hi))
		return binary.LittleEndian.AppendUint64(dst, v.num.lo)
	case Float:
		return binary.LittleEndian.AppendUint64(append(dst, byte(v.kind)), v.num.lo)
	case Bool, Date, DateTime:
		return binary.AppendVarint(append(dst, byte(v.kind)), int64(v.num.lo))
	case Text, JSON, Bytes:
		dst = binary.AppendUvarint(append(dst, byte(v.kind)), uint64(len(v.str)))
		return append(dst, v.str...)
	case List:
		items := v.Items()
		dst = binary.AppendUvarint(append(dst, byte(v.kind)), uint64(len(items)))
		for i := range items {
			dst = appendSpillValue(dst, items[i])
		}
		return dst
	default:
		return append(dst, byte(v.kind))
	}
}

// spillWriter writes rows to a file.
type spillWriter struct {
	file *heldFile
	step string
	buf  []byte
	rows int64
}

// spillWriteBuffer is how many bytes of rows are collected before they are handed on.
const spillWriteBuffer = 8 << 10

func (a *account) newWriter(step string) (*spillWriter, error) {
	f, err := a.create(step)
	if err != nil {
		return nil, err
	}
	return &spillWriter{file: f, step: step}, nil
}

func (w *spillWriter) add(r *spillRow) error {
	w.rows++
	w.buf = appendSpillRow(w.buf, r)
	if len(w.buf) < spillWriteBuffer {
		return nil
	}
	return w.flush()
}

func (w *spillWriter) flush() error {
	if len(w.buf) == 0 {
		return nil
	}
	if _, err := w.file.Write(w.buf); err != nil {
		return spillFailure(err, w.step)
	}
	w.buf = w.buf[:0]
	return nil
}

// read ends the writing and reads the rows from the first.
func (w *spillWriter) read(keys, values int) (*spillReader, error) {
	if err := w.flush(); err != nil {
		return nil, err
	}
	w.buf = nil
	r, err := w.file.Reader()
	if err != nil {
		return nil, spillFailure(err, w.step)
	}
	s := &spillReader{step: w.step, in: bufio.NewReaderSize(r, spillWriteBuffer), left: w.rows}
	s.row.keys, s.row.row = make([]Value, keys), make([]Value, values)
	return s, nil
}

// close removes the file.
func (w *spillWriter) close() { _ = w.file.Close() } // what cannot be removed now is removed with the storage

// spillReader reads the rows of a file. A row is valid until the next one; its texts own their memory.
type spillReader struct {
	step string
	in   *bufio.Reader
	left int64
	row  spillRow
	buf  []byte
}

// next is the next row, nil at the end.
func (s *spillReader) next() (*spillRow, error) {
	if s.left == 0 {
		return nil, nil
	}
	s.left--
	var size [4]byte
	if _, err := io.ReadFull(s.in, size[:]); err != nil {
		return nil, spillFailure(err, s.step)
	}
	// The bytes are taken piece by piece, so that a damaged length does not allocate much.
	s.buf = s.buf[:0]
	for n := int(binary.LittleEndian.Uint32(size[:])); len(s.buf) < n; {
		at, piece := len(s.buf), min(n-len(s.buf), 1<<20)
		s.buf = slices.Grow(s.buf, piece)[:at+piece]
		if _, err := io.ReadFull(s.in, s.buf[at:]); err != nil {
			return nil, spillFailure(err, s.step)
		}
	}
	d := spillDecoder{rest: string(s.buf)}
	s.row.seq, s.row.sub = d.varint(), d.varint()
	for i := range s.row.keys {
		s.row.keys[i] = d.value(0)
	}
	for i := range s.row.row {
		s.row.row[i] = d.value(0)
	}
	if d.bad || d.rest != "" {
		return nil, spillFailure(fmt.Errorf("%w: a row is damaged", ErrSpill), s.step)
	}
	return &s.row, nil
}

// spillDecoder reads the values of a row. Texts are parts of rest, which owns its memory.
type spillDecoder struct {
	rest string
	bad  bool
}

func (d *spillDecoder) fail() { d.bad, d.rest = true, "" }

func (d *spillDecoder) uvarint() uint64 {
	var v uint64
	for i := range min(len(d.rest), binary.MaxVarintLen64) {
		b := d.rest[i]
		v |= uint64(b&0x7F) << (7 * i)
		if b < 0x80 {
			d.rest = d.rest[i+1:]
			return v
		}
	}
	d.fail()
	return 0
}

func (d *spillDecoder) varint() int64 {
	u := d.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

func (d *spillDecoder) word() uint64 {
	if len(d.rest) < 8 {
		d.fail()
		return 0
	}
	var v uint64
	for i := range 8 {
		v |= uint64(d.rest[i]) << (8 * i)
	}
	d.rest = d.rest[8:]
	return v
}

func (d *spillDecoder) value(depth int) Value {
	if d.rest == "" {
		d.fail()
		return Value{}
	}
	tag := d.rest[0]
	d.rest = d.rest[1:]
	switch kind := Kind(tag); {
	case tag == tagWhole:
		k := d.varint()
		if k > math.MaxInt64/unit || k < math.MinInt64/unit {
			d.fail()
			return Value{}
		}
		return narrowNumber(k * unit)
	case tag == tagNarrow:
		return narrowNumber(d.varint())
	case kind == Null:
		return Value{}
	case kind == Number:
		hi := int64(d.word())
		return Value{kind: Number, num: Decimal{hi: hi, lo: d.word()}}
	case kind == Float:
		return Value{kind: Float, num: Decimal{lo: d.word()}}
	case kind == Bool, kind == Date, kind == DateTime:
		return Value{kind: kind, num: Decimal{lo: uint64(d.varint())}}
	case kind == Text, kind == JSON, kind == Bytes:
		n := d.uvarint()
		if n > uint64(len(d.rest)) {
			d.fail()
			return Value{}
		}
		s := d.rest[:n]
		d.rest = d.rest[n:]
		return Value{kind: kind, str: s}
	case kind == List && depth == 0: // lists are flat
		n := d.uvarint()
		if n > uint64(len(d.rest)) { // an element takes a byte at least
			d.fail()
			return Value{}
		}
		items := make([]Value, n)
		for i := range items {
			items[i] = d.value(depth + 1)
		}
		return ListValue(items)
	}
	d.fail()
	return Value{}
}

func narrowNumber(k int64) Value {
	return Value{kind: Number, num: Decimal{hi: k >> 63, lo: uint64(k)}}
}
