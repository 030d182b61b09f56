package postgres

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/livetables/livetables/adapter/internal/sqlgen"
	"github.com/livetables/livetables/lqp"
)

// The differences between our epoch, 1970-01-01, and PostgreSQL's, 2000-01-01.
const (
	epochDays   = 10957
	epochMillis = epochDays * 86_400_000
)

// binder turns arguments into the protocol's parameters. Every parameter's type is spelled in the statement, so its
// format is enough.
type binder struct {
	values  [][]byte
	formats []int16
	buf     []byte
}

const (
	textFormat   int16 = 0
	binaryFormat int16 = 1
)

func (b *binder) bind(args []sqlgen.Arg) error {
	if len(args) == 0 {
		return nil
	}
	b.values = make([][]byte, len(args))
	b.formats = make([]int16, len(args))
	b.buf = make([]byte, 0, 24*len(args))
	for i, a := range args {
		start := len(b.buf)
		var format int16
		var ok bool
		if a.Rep.Kind == lqp.List {
			format, ok = b.array(a.Value.Items(), a.Rep.Form)
		} else {
			format, ok = b.scalar(a.Value, a.Rep.Form)
		}
		if !ok {
			return fmt.Errorf("bind parameter %d: a %s has no such form", i+1, a.Value.Kind())
		}
		// Growing the buffer later moves only what is appended then: this slice keeps its bytes.
		b.values[i] = b.buf[start:len(b.buf):len(b.buf)]
		b.formats[i] = format
	}
	return nil
}

// scalar appends one value in a form.
func (b *binder) scalar(v lqp.Value, form uint8) (format int16, ok bool) {
	switch form {
	case intForm:
		n, ok := v.Decimal().Int64()
		b.buf = binary.BigEndian.AppendUint64(b.buf, uint64(n))
		return binaryFormat, ok && v.Kind() == lqp.Number
	case numericForm:
		b.buf = v.Decimal().AppendText(b.buf)
		return textFormat, v.Kind() == lqp.Number
	case float8Form:
		b.buf = binary.BigEndian.AppendUint64(b.buf, math.Float64bits(v.Float()))
		return binaryFormat, v.Kind().Numeric()
	case boolForm:
		if v.Bool() {
			b.buf = append(b.buf, 1)
		} else {
			b.buf = append(b.buf, 0)
		}
		return binaryFormat, v.Kind() == lqp.Bool
	case textForm, binaryForm, uuidForm, charForm:
		b.buf = append(b.buf, v.Text()...)
		return textFormat, v.Kind() == lqp.Text
	case dateForm:
		b.buf = binary.BigEndian.AppendUint32(b.buf, uint32(int32(v.Days()-epochDays)))
		return binaryFormat, v.Kind() == lqp.Date
	case instantForm, localForm:
		b.buf = binary.BigEndian.AppendUint64(b.buf, uint64((v.Millis()-epochMillis)*1000))
		return binaryFormat, v.Kind() == lqp.DateTime
	}
	return 0, false
}

// The type ids of array elements that are sent in binary.
var elementOIDs = map[uint8]uint32{
	intForm: 20, float8Form: 701, boolForm: 16, textForm: 25, binaryForm: 25, charForm: 1042, dateForm: 1082,
	instantForm: 1184, localForm: 1114,
}

// array appends a one-dimensional array. Numerics and UUIDs, which are sent as text, make a text array literal.
func (b *binder) array(items []lqp.Value, form uint8) (format int16, ok bool) {
	oid, inBinary := elementOIDs[form]
	if !inBinary {
		b.buf = append(b.buf, '{')
		for i, v := range items {
			if i > 0 {
				b.buf = append(b.buf, ',')
			}
			if _, ok := b.scalar(v, form); !ok { // digits and UUIDs need no quotes
				return 0, false
			}
		}
		b.buf = append(b.buf, '}')
		return textFormat, true
	}
	dims := uint32(1)
	if len(items) == 0 {
		dims = 0
	}
	b.buf = binary.BigEndian.AppendUint32(b.buf, dims)
	b.buf = binary.BigEndian.AppendUint32(b.buf, 0) // no NULLs
	b.buf = binary.BigEndian.AppendUint32(b.buf, oid)
	if dims > 0 {
		b.buf = binary.BigEndian.AppendUint32(b.buf, uint32(len(items)))
		b.buf = binary.BigEndian.AppendUint32(b.buf, 1)
	}
	for _, v := range items {
		at := len(b.buf)
		b.buf = append(b.buf, 0, 0, 0, 0)
		if _, ok := b.scalar(v, form); !ok {
			return 0, false
		}
		binary.BigEndian.PutUint32(b.buf[at:], uint32(len(b.buf)-at-4))
	}
	return binaryFormat, true
}
