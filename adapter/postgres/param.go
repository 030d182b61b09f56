package postgres

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/internal/sqlgen"
	"github.com/livetables/livetables/lqp"
)

// The ids of types that parameters have. Like all of PostgreSQL's own they never change.
const (
	oidBool        = 16
	oidBytea       = 17
	oidInt8        = 20
	oidInt2        = 21
	oidInt4        = 23
	oidText        = 25
	oidFloat4      = 700
	oidFloat8      = 701
	oidDate        = 1082
	oidTimestamp   = 1114
	oidTimestamptz = 1184
	oidNumeric     = 1700
)

// elementOf is the type of the elements of an array type, by the ids that arrays has.
var elementOf = map[uint32]uint32{
	1000: 16, 1001: 17, 1005: 21, 1007: 23, 1016: 20, 1021: 700, 1022: 701, 1231: 1700, 1009: 25, 1015: 1043, 1003: 19,
	1014: 1042, 2951: 2950, 1182: 1082, 1115: 1114, 1185: 1184, 199: 114, 3807: 3802,
}

// params are the parameters of one statement in the protocol's form.
type params struct {
	values  [][]byte
	formats []int16
	buf     []byte
}

// bind encodes values for parameters whose types the server has inferred from the statement.
func (p *params) bind(types []uint32, args []lqp.Value) error {
	if len(types) != len(args) {
		return fmt.Errorf("%w: statement has %d parameters, %d values given", adapter.ErrData, len(types), len(args))
	}
	p.reserve(len(args))
	for i, v := range args {
		if err := p.add(types[i], v); err != nil {
			return fmt.Errorf("parameter %d: %w", i+1, err)
		}
	}
	return nil
}

func (p *params) reserve(n int) {
	p.values = make([][]byte, 0, n)
	p.formats = make([]int16, 0, n)
	p.buf = make([]byte, 0, 24*n)
}

// args takes the parameters of a compiled statement, which spells their types.
func (p *params) args(args []sqlgen.Arg) error {
	var b binder
	if err := b.bind(args); err != nil {
		return err
	}
	p.values, p.formats = b.values, b.formats
	return nil
}

// add encodes one value.
func (p *params) add(oid uint32, v lqp.Value) error {
	if v.IsNull() {
		p.values, p.formats = append(p.values, nil), append(p.formats, textFormat)
		return nil
	}
	start := len(p.buf)
	format, err := p.append(oid, v)
	if err != nil {
		return err
	}
	// Growing the buffer later moves only what is appended then: this slice keeps its bytes.
	p.values = append(p.values, p.buf[start:len(p.buf):len(p.buf)])
	p.formats = append(p.formats, format)
	return nil
}

// append encodes a value that is not NULL for a type. What the type cannot hold is an adapter.ErrData.
func (p *params) append(oid uint32, v lqp.Value) (int16, error) {
	switch oid {
	case oidInt2, oidInt4, oidInt8:
		return binaryFormat, p.integer(oid, v)
	case oidBool:
		switch v.Kind() {
		case lqp.Bool:
			return binaryFormat, p.truth(v.Bool())
		case lqp.Number:
			return binaryFormat, p.truth(v.Decimal().Sign() != 0)
		}
	case oidFloat8:
		if v.Kind().Numeric() {
			p.buf = binary.BigEndian.AppendUint64(p.buf, math.Float64bits(floatOf(v)))
			return binaryFormat, nil
		}
	case oidFloat4:
		if v.Kind().Numeric() {
			p.buf = binary.BigEndian.AppendUint32(p.buf, math.Float32bits(float32(floatOf(v))))
			return binaryFormat, nil
		}
	case oidDate:
		if v.Kind() == lqp.Date {
			p.buf = binary.BigEndian.AppendUint32(p.buf, uint32(int32(v.Days()-epochDays)))
			return binaryFormat, nil
		}
	case oidTimestamp, oidTimestamptz:
		if v.Kind() == lqp.DateTime {
			p.buf = binary.BigEndian.AppendUint64(p.buf, uint64((v.Millis()-epochMillis)*1000))
			return binaryFormat, nil
		}
	case oidBytea:
		if v.Kind() == lqp.Bytes || v.Kind() == lqp.Text {
			p.buf = append(p.buf, v.Text()...)
			return binaryFormat, nil
		}
	case oidNumeric:
		if v.Kind() == lqp.Number {
			p.buf = v.Decimal().AppendText(p.buf)
			return textFormat, nil
		}
	}
	if elem, ok := elementOf[oid]; ok && v.Kind() == lqp.List {
		return p.array(elem, v.Items())
	}
	switch v.Kind() {
	case lqp.Text, lqp.JSON:
		p.buf = append(p.buf, v.Text()...)
	case lqp.Bool:
		if v.Bool() {
			p.buf = append(p.buf, '1')
		} else {
			p.buf = append(p.buf, '0')
		}
	case lqp.Number, lqp.Float, lqp.List:
		p.buf = v.AppendJSON(p.buf)
	case lqp.Date, lqp.DateTime:
		p.buf = append(p.buf, v.String()...)
	default:
		return 0, fmt.Errorf("%w: a %s for a type of the server that takes none", adapter.ErrData, v.Kind())
	}
	return textFormat, nil
}

func floatOf(v lqp.Value) float64 {
	if v.Kind() == lqp.Float {
		return v.Float()
	}
	return v.Decimal().Float()
}

func (p *params) truth(b bool) error {
	if b {
		p.buf = append(p.buf, 1)
	} else {
		p.buf = append(p.buf, 0)
	}
	return nil
}

func (p *params) integer(oid uint32, v lqp.Value) error {
	var n int64
	ok := true
	switch v.Kind() {
	case lqp.Number:
		n, ok = v.Decimal().Int64()
	case lqp.Bool:
		if v.Bool() {
			n = 1
		}
	default:
		ok = false
	}
	switch oid {
	case oidInt8:
		p.buf = binary.BigEndian.AppendUint64(p.buf, uint64(n))
	case oidInt4:
		ok = ok && n == int64(int32(n))
		p.buf = binary.BigEndian.AppendUint32(p.buf, uint32(int32(n)))
	default:
		ok = ok && n == int64(int16(n))
		p.buf = binary.BigEndian.AppendUint16(p.buf, uint16(int16(n)))
	}
	if !ok {
		return fmt.Errorf("%w: %s is no integer of that size", adapter.ErrData, v.Kind())
	}
	return nil
}

// array encodes a one-dimensional array. Its elements are in binary, those of types that are sent as text in the text
// format of arrays.
func (p *params) array(elem uint32, items []lqp.Value) (int16, error) {
	if !binaryElements(elem) {
		return textFormat, p.arrayText(elem, items)
	}
	nulls := uint32(0)
	for _, v := range items {
		if v.IsNull() {
			nulls = 1
		}
	}
	dims := uint32(min(len(items), 1))
	p.buf = binary.BigEndian.AppendUint32(p.buf, dims)
	p.buf = binary.BigEndian.AppendUint32(p.buf, nulls)
	p.buf = binary.BigEndian.AppendUint32(p.buf, elem)
	if dims > 0 {
		p.buf = binary.BigEndian.AppendUint32(p.buf, uint32(len(items)))
		p.buf = binary.BigEndian.AppendUint32(p.buf, 1)
	}
	for _, v := range items {
		at := len(p.buf)
		p.buf = append(p.buf, 0xff, 0xff, 0xff, 0xff) // NULL
		if v.IsNull() {
			continue
		}
		if _, err := p.append(elem, v); err != nil {
			return 0, err
		}
		binary.BigEndian.PutUint32(p.buf[at:], uint32(len(p.buf)-at-4))
	}
	return binaryFormat, nil
}

// binaryElements tells types whose elements are the same bytes in both formats or are encoded in binary.
func binaryElements(elem uint32) bool { return elem != oidNumeric && elem != 2950 && elem != 3802 }

func (p *params) arrayText(elem uint32, items []lqp.Value) error {
	p.buf = append(p.buf, '{')
	for i, v := range items {
		if i > 0 {
			p.buf = append(p.buf, ',')
		}
		if v.IsNull() {
			p.buf = append(p.buf, "NULL"...)
			continue
		}
		var item params
		if _, err := item.append(elem, v); err != nil {
			return err
		}
		p.buf = append(p.buf, '"')
		for _, c := range item.buf {
			if c == '"' || c == '\\' {
				p.buf = append(p.buf, '\\')
			}
			p.buf = append(p.buf, c)
		}
		p.buf = append(p.buf, '"')
	}
	p.buf = append(p.buf, '}')
	return nil
}
