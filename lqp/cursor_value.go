package lqp

import (
	"encoding/binary"
	"fmt"
	"math"
)

// appendCursorValue writes a value with its kind, so that it reads back as itself.
func appendCursorValue(dst []byte, v Value) ([]byte, error) {
	dst = append(dst, byte(v.Kind()))
	switch v.Kind() {
	case Null:
	case Bool:
		if v.Bool() {
			return append(dst, 1), nil
		}
		return append(dst, 0), nil
	case Number:
		return appendCursorText(dst, v.String()), nil
	case Float:
		return binary.BigEndian.AppendUint64(dst, math.Float64bits(v.Float())), nil
	case Text:
		return appendCursorText(dst, v.Text()), nil
	case Date:
		return binary.AppendVarint(dst, v.Days()), nil
	case DateTime:
		return binary.AppendVarint(dst, v.Millis()), nil
	default:
		return nil, fmt.Errorf("a %s has no order", v.Kind())
	}
	return dst, nil
}

func appendCursorText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// cursorReader reads the content of a token. After a mistake everything it answers is zero.
type cursorReader struct {
	rest []byte
	bad  bool
}

func (r *cursorReader) bytes(n int) []byte {
	if r.bad || n < 0 || n > len(r.rest) {
		r.bad, r.rest = true, nil
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *cursorReader) uvarint(most uint64) uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 || v > most {
		r.bad, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *cursorReader) varint() int64 {
	v, n := binary.Varint(r.rest)
	if n <= 0 {
		r.bad, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *cursorReader) text() string { return string(r.bytes(int(r.uvarint(maxCursor)))) }

// value reads a value; one that is not what its kind promises is a mistake.
func (r *cursorReader) value() Value {
	kind := Null
	if b := r.bytes(1); b != nil {
		kind = Kind(b[0])
	}
	v := NullValue
	switch kind {
	case Null:
		return v
	case Bool:
		if b := r.bytes(1); b != nil && b[0] <= 1 {
			v = BoolValue(b[0] == 1)
		}
	case Number:
		if d, err := ParseDecimal(r.text()); err == nil {
			v = NumberValue(d)
		}
	case Float:
		if b := r.bytes(8); b != nil {
			v = FloatValue(math.Float64frombits(binary.BigEndian.Uint64(b)))
		}
	case Text:
		v = TextValue(r.text())
	case Date:
		v = DateValue(r.varint())
	case DateTime:
		v = DateTimeValue(r.varint())
	}
	r.bad = r.bad || v.IsNull()
	return v
}
