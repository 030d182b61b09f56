package parquet

import (
	"fmt"
	"math/bits"
	"reflect"

	"github.com/parquet-go/parquet-go"

	"github.com/livetables/livetables/lqp"
)

// A number whose digits are not known is kept with all digits that there can be: twenty before the point, ten after it.
const (
	widePrecision = 30
	wideScale     = 10
	wideBytes     = 16 // of the two's complement that holds them
	narrowDigits  = 18 // that fit 64 bits
)

// column is one column of the file: what its values are written as.
type column struct {
	name  string
	node  parquet.Node // of one value, without its being optional
	value func(lqp.Value) (parquet.Value, error)
	list  bool // a list of such values
}

func columnOf(c lqp.Column) (column, error) {
	t := c.Type
	if t.Kind == lqp.List {
		t = lqp.Type{Kind: t.Elem} // facets are those of the list
	}
	out := column{name: c.Name, list: c.Type.Kind == lqp.List}
	switch t.Kind {
	case lqp.Bool:
		out.node = parquet.Leaf(parquet.BooleanType)
		out.value = func(v lqp.Value) (parquet.Value, error) { return parquet.BooleanValue(v.Bool()), nil }
	case lqp.Number:
		out.node, out.value = number(t)
	case lqp.Float:
		out.node = parquet.Leaf(parquet.DoubleType)
		out.value = func(v lqp.Value) (parquet.Value, error) { return parquet.DoubleValue(v.Float()), nil }
	case lqp.Text, lqp.Null:
		out.node = parquet.String()
		out.value = text
	case lqp.Date:
		out.node = parquet.Date()
		out.value = func(v lqp.Value) (parquet.Value, error) { return parquet.Int32Value(int32(v.Days())), nil } // of years 1 to 9999
	case lqp.DateTime:
		out.node = parquet.Timestamp(parquet.Millisecond)
		out.value = func(v lqp.Value) (parquet.Value, error) { return parquet.Int64Value(v.Millis()), nil }
	case lqp.JSON:
		out.node = parquet.JSON()
		out.value = text
	case lqp.Bytes:
		out.node = parquet.Leaf(parquet.ByteArrayType)
		out.value = text
	default:
		return out, fmt.Errorf("parquet column %q: there is no form for %s", c.Name, c.Type)
	}
	return out, nil
}

func text(v lqp.Value) (parquet.Value, error) { return parquet.ByteArrayValue([]byte(v.Text())), nil }

// number chooses 64 bits where the column's facets promise that they are enough.
func number(t lqp.Type) (parquet.Node, func(lqp.Value) (parquet.Value, error)) {
	switch {
	case t.Integer():
		return parquet.Int(64), func(v lqp.Value) (parquet.Value, error) {
			n, ok := v.Decimal().Int64()
			return whole(v, n, ok)
		}
	case t.Precision > 9 && t.Precision <= narrowDigits: // fewer digits would want 32 bits
		return parquet.Decimal(t.Scale, t.Precision, parquet.Int64Type), func(v lqp.Value) (parquet.Value, error) {
			n, ok := v.Decimal().Scaled(t.Scale)
			return whole(v, n, ok)
		}
	}
	return parquet.Decimal(wideScale, widePrecision, parquet.FixedLenByteArrayType(wideBytes)), func(v lqp.Value) (parquet.Value, error) {
		b := unscaled(v.Decimal())
		return parquet.FixedLenByteArrayValue(b[:]), nil
	}
}

func whole(v lqp.Value, n int64, ok bool) (parquet.Value, error) {
	if !ok {
		return parquet.Value{}, fmt.Errorf("%s has more digits than its column", v)
	}
	return parquet.Int64Value(n), nil
}

// unscaled is the number times 10^wideScale in big-endian two's complement.
func unscaled(d lqp.Decimal) (b [wideBytes]byte) {
	var digits [64]byte
	var hi, lo uint64
	fraction, point := 0, false
	for _, c := range d.Abs().AppendText(digits[:0]) {
		if c == '.' {
			point = true
			continue
		}
		hi, lo = timesTen(hi, lo, uint64(c-'0'))
		if point {
			fraction++
		}
	}
	for ; fraction < wideScale; fraction++ {
		hi, lo = timesTen(hi, lo, 0)
	}
	if d.Sign() < 0 {
		var borrow uint64
		lo, borrow = bits.Sub64(0, lo, 0)
		hi, _ = bits.Sub64(0, hi, borrow)
	}
	for i := range 8 {
		b[i], b[8+i] = byte(hi>>(56-8*i)), byte(lo>>(56-8*i))
	}
	return b
}

func timesTen(hi, lo, plus uint64) (uint64, uint64) {
	carry, low := bits.Mul64(lo, 10)
	low, more := bits.Add64(low, plus, 0)
	return hi*10 + carry + more, low
}

// record is the root of the file's schema: its columns in their order, which parquet.Group would sort, and without a Go
// type, which the library would make of people's titles and keep for ever.
type record struct {
	parquet.Group
	fields []parquet.Field
}

func (r record) Fields() []parquet.Field { return r.fields }

func (record) GoType() reflect.Type { return reflect.TypeFor[struct{}]() }

// field is a column in the schema.
type field struct {
	parquet.Node
	name string
}

func (f field) Name() string { return f.name }

// Value implements parquet.Field for writers of Go structs, of which there are none.
func (field) Value(reflect.Value) reflect.Value { return reflect.Value{} }
