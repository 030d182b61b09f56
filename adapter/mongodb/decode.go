package mongodb

import (
	"bytes"
	"encoding/hex"
	"math"
	"strconv"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/livetables/livetables/lqp"
)

// value decodes a value of the reply.
func (o *output) value(r raw) lqp.Value {
	switch o.kind {
	case counted, summed:
		if r.kind == 0 { // no documents at all
			return lqp.IntValue(0)
		}
		return decodeNumber(r, true)
	case mean:
		return decodeMean(r)
	}
	if o.form == arrayForm {
		return decodeList(o.elem, r)
	}
	return o.form.decode(r)
}

// decode is the canonical value of a stored one: NULL unless it is of the form.
func (f form) decode(r raw) lqp.Value {
	switch f {
	case stringForm:
		if r.kind == bson.TypeString {
			return lqp.TextValue(string(r.text()))
		}
	case objectIDForm, uuidForm:
		var id [36]byte
		if text := f.appendID(id[:0], r); len(text) > 0 {
			return lqp.TextValue(string(text))
		}
	case intForm:
		if r.kind == bson.TypeInt32 || r.kind == bson.TypeInt64 {
			return lqp.IntValue(r.int64())
		}
	case decimalForm:
		return decodeNumber(r, false)
	case doubleForm:
		if x, ok := double(r); ok {
			return lqp.FloatValue(x)
		}
	case boolForm:
		if r.kind == bson.TypeBoolean {
			return lqp.BoolValue(r.data[0] != 0)
		}
	case dateForm:
		if r.kind == bson.TypeDateTime {
			return lqp.DateTimeValue(r.int64())
		}
	case bytesForm:
		if r.kind == bson.TypeBinary {
			_, data := r.binary()
			return lqp.BytesValue(data)
		}
	case jsonForm:
		switch r.kind {
		case 0, bson.TypeNull, bson.TypeUndefined:
		default:
			return lqp.JSONValue(string(appendDocument(nil, r, 0)))
		}
	}
	return lqp.NullValue
}

// decodeNumber reads integers and decimals, and doubles that are whole where a count may have become one.
func decodeNumber(r raw, doubles bool) lqp.Value {
	switch r.kind {
	case bson.TypeInt32, bson.TypeInt64:
		return lqp.IntValue(r.int64())
	case bson.TypeDecimal128:
		if d, ok := r.shortDecimal(); ok {
			return lqp.NumberValue(d)
		}
		if d, err := lqp.ParseDecimal(r.decimal().String()); err == nil {
			return lqp.NumberValue(d)
		}
	case bson.TypeDouble:
		x := math.Float64frombits(r.uint64())
		if doubles && x == math.Trunc(x) && math.Abs(x) < exactIntegers {
			return lqp.IntValue(int64(x))
		}
	}
	return lqp.NullValue
}

func double(r raw) (float64, bool) {
	switch r.kind {
	case bson.TypeDouble:
		return math.Float64frombits(r.uint64()), true
	case bson.TypeInt32, bson.TypeInt64:
		return float64(r.int64()), true
	}
	return 0, false
}

// decodeMean divides a sum by its count as our division does.
func decodeMean(r raw) lqp.Value {
	if r.kind != bson.TypeEmbeddedDocument {
		return lqp.NullValue
	}
	var sum, count lqp.Value
	for w := walk(r.data); w.next(); {
		switch string(w.key) {
		case "s":
			sum = decodeNumber(w.val, false)
		case "n":
			count = decodeNumber(w.val, true)
		}
	}
	if sum.IsNull() || count.IsNull() {
		return lqp.NullValue
	}
	if d, ok := sum.Decimal().Div(count.Decimal()); ok {
		return lqp.NumberValue(d)
	}
	return lqp.NullValue
}

func decodeList(elem form, r raw) lqp.Value {
	if r.kind != bson.TypeArray {
		return lqp.NullValue
	}
	var items []lqp.Value
	for w := walk(r.data); w.next(); {
		items = append(items, elem.decode(w.val))
	}
	return lqp.ListValue(items)
}

// appendID appends the text of an identifier, nothing for anything else.
func (f form) appendID(dst []byte, r raw) []byte {
	if f == objectIDForm {
		if r.kind == bson.TypeObjectID {
			return hex.AppendEncode(dst, r.data)
		}
		return dst
	}
	if r.kind != bson.TypeBinary {
		return dst
	}
	if subtype, data := r.binary(); subtype == bson.TypeBinaryUUID && len(data) == 16 {
		return appendUUID(dst, data)
	}
	return dst
}

func appendUUID(dst, data []byte) []byte {
	for i, part := range [][]byte{data[:4], data[4:6], data[6:8], data[8:10], data[10:]} {
		if i > 0 {
			dst = append(dst, '-')
		}
		dst = hex.AppendEncode(dst, part)
	}
	return dst
}

// appendJSON appends a value of the reply as canonical JSON. It equals value(r).AppendJSON(dst).
func (o *output) appendJSON(dst []byte, r raw) []byte {
	if o.kind != stored {
		return o.value(r).AppendJSON(dst)
	}
	if o.form != arrayForm {
		return o.form.appendJSON(dst, r)
	}
	if r.kind != bson.TypeArray {
		return append(dst, "null"...)
	}
	dst = append(dst, '[')
	n := len(dst)
	for w := walk(r.data); w.next(); {
		if len(dst) > n {
			dst = append(dst, ',')
		}
		dst = o.elem.appendJSON(dst, w.val)
	}
	return append(dst, ']')
}

func (f form) appendJSON(dst []byte, r raw) []byte {
	switch {
	case f == stringForm && r.kind == bson.TypeString:
		if text := r.text(); validText(text) {
			return lqp.AppendJSONString(dst, text)
		}
	case f == objectIDForm && r.kind == bson.TypeObjectID:
		dst = hex.AppendEncode(append(dst, '"'), r.data)
		return append(dst, '"')
	case (f == intForm || f == decimalForm) && (r.kind == bson.TypeInt32 || r.kind == bson.TypeInt64):
		return strconv.AppendInt(dst, r.int64(), 10)
	case f == decimalForm && r.kind == bson.TypeDecimal128:
		if d, ok := r.shortDecimal(); ok {
			return d.AppendText(dst)
		}
		return f.decode(r).AppendJSON(dst)
	case f == doubleForm:
		if x, ok := double(r); ok {
			return lqp.AppendJSONFloat(dst, x)
		}
	case f == jsonForm && r.kind != 0:
		return appendDocument(dst, r, 0)
	default:
		return f.decode(r).AppendJSON(dst)
	}
	return append(dst, "null"...)
}

func validText(b []byte) bool {
	return utf8.Valid(b) && bytes.IndexByte(b, 0) < 0 && (len(b) <= lqp.MaxText || utf8.RuneCount(b) <= lqp.MaxText)
}
