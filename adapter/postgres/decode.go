package postgres

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/livetables/livetables/adapter/internal/sqlgen"
	"github.com/livetables/livetables/lqp"
)

// codec says how a column's bytes are to be read.
type codec uint8

const (
	noCodec codec = iota
	boolCodec
	int2Codec
	int4Codec
	int8Codec
	float4Codec
	float8Codec
	numericCodec
	textCodec
	paddedCodec // character(n)
	uuidCodec
	dateCodec
	localCodec   // timestamp
	instantCodec // timestamptz
	jsonCodec
	jsonbCodec
	bytesCodec
)

// codecs and arrays are keyed by the ids of PostgreSQL's built-in types, which never change.
var codecs = map[uint32]codec{
	16: boolCodec, 21: int2Codec, 23: int4Codec, 20: int8Codec, 700: float4Codec, 701: float8Codec, 1700: numericCodec,
	25: textCodec, 1043: textCodec, 19: textCodec, 1042: paddedCodec, 2950: uuidCodec, 1082: dateCodec, 1114: localCodec,
	1184: instantCodec, 114: jsonCodec, 3802: jsonbCodec, 17: bytesCodec,
}

var arrays = map[uint32]codec{
	1000: boolCodec, 1005: int2Codec, 1007: int4Codec, 1016: int8Codec, 1021: float4Codec, 1022: float8Codec,
	1231: numericCodec, 1009: textCodec, 1015: textCodec, 1003: textCodec, 1014: paddedCodec, 2951: uuidCodec,
	1182: dateCodec, 1115: localCodec, 1185: instantCodec,
}

// kind is the kind of the values that a codec makes.
func (c codec) kind() lqp.Kind {
	switch c {
	case boolCodec:
		return lqp.Bool
	case int2Codec, int4Codec, int8Codec, numericCodec:
		return lqp.Number
	case float4Codec, float8Codec:
		return lqp.Float
	case textCodec, paddedCodec, uuidCodec:
		return lqp.Text
	case dateCodec:
		return lqp.Date
	case localCodec, instantCodec:
		return lqp.DateTime
	case jsonCodec, jsonbCodec:
		return lqp.JSON
	case bytesCodec:
		return lqp.Bytes
	}
	return lqp.Null
}

// column decodes one result column.
type column struct {
	codec codec
	list  bool
	zone  *time.Location // of timestamps without zone
}

// decoders matches the plan's columns with what the server says it will send.
func decoders(outputs []sqlgen.Output, fields []pgconn.FieldDescription, zone *time.Location) ([]column, error) {
	if len(outputs) == 0 {
		return nil, nil
	}
	if len(outputs) != len(fields) {
		return nil, fmt.Errorf("%w: %d columns instead of %d", errChanged, len(fields), len(outputs))
	}
	cols := make([]column, len(outputs))
	for i := range outputs {
		c := column{codec: codecs[fields[i].DataTypeOID], zone: zone}
		if c.codec == noCodec {
			if c.codec = arrays[fields[i].DataTypeOID]; c.codec != noCodec {
				c.list = true
			}
		}
		want := outputs[i].Type
		switch {
		case want.Kind == lqp.Text && c.codec == noCodec: // an extension type whose binary form is its text, such as citext
			c.codec = textCodec
		case want.Kind == lqp.Null:
		case c.list && want.Kind == lqp.List && c.codec.kind() == want.Elem:
		case !c.list && c.codec != noCodec && c.codec.kind() == want.Kind:
		default:
			return nil, fmt.Errorf("%w: column %d is not a %s any more", errChanged, i+1, want)
		}
		cols[i] = c
	}
	return cols, nil
}

// value decodes a cell. What is malformed or outside the domain of values is NULL.
func (c *column) value(b []byte) lqp.Value {
	if b == nil {
		return lqp.NullValue
	}
	if !c.list {
		return c.scalar(b)
	}
	a, ok := openArray(b)
	if !ok {
		return lqp.NullValue
	}
	items := make([]lqp.Value, 0, min(a.left, lqp.MaxList))
	for a.left > 0 {
		elem, ok := a.next()
		if !ok {
			return lqp.NullValue
		}
		if elem == nil {
			items = append(items, lqp.NullValue)
		} else {
			items = append(items, c.scalar(elem))
		}
	}
	return lqp.ListValue(items)
}

func (c *column) scalar(b []byte) lqp.Value {
	switch c.codec {
	case boolCodec:
		if len(b) == 1 {
			return lqp.BoolValue(b[0] != 0)
		}
	case int2Codec, int4Codec, int8Codec:
		if n, ok := integer(b, c.codec); ok {
			return lqp.IntValue(n)
		}
	case float4Codec, float8Codec:
		if f, ok := float(b, c.codec); ok {
			return lqp.FloatValue(f)
		}
	case numericCodec:
		if d, ok := numeric(b); ok {
			return lqp.NumberValue(d)
		}
	case textCodec:
		return lqp.TextValue(string(b))
	case paddedCodec:
		return lqp.TextValue(string(bytes.TrimRight(b, " ")))
	case uuidCodec:
		if len(b) == 16 {
			var buf [36]byte
			return lqp.TextValue(string(appendUUID(buf[:0], b)))
		}
	case dateCodec:
		if len(b) == 4 {
			return lqp.DateValue(int64(int32(binary.BigEndian.Uint32(b))) + epochDays)
		}
	case localCodec, instantCodec:
		if millis, ok := c.millis(b); ok {
			return lqp.DateTimeValue(millis)
		}
	case jsonCodec:
		return lqp.JSONValue(string(b))
	case jsonbCodec:
		if len(b) > 0 && b[0] == 1 {
			return lqp.JSONValue(string(b[1:]))
		}
	case bytesCodec:
		return lqp.BytesValue(b)
	}
	return lqp.NullValue
}

// appendJSON appends what value(b).AppendJSON would, without making the value.
func (c *column) appendJSON(dst, b []byte) []byte {
	if b == nil {
		return append(dst, "null"...)
	}
	if !c.list {
		return c.appendScalar(dst, b)
	}
	a, ok := openArray(b)
	if !ok {
		return append(dst, "null"...)
	}
	start := len(dst)
	dst = append(dst, '[')
	for first := true; a.left > 0; first = false {
		if !first {
			dst = append(dst, ',')
		}
		elem, ok := a.next()
		if !ok {
			return append(dst[:start], "null"...)
		}
		if elem == nil {
			dst = append(dst, "null"...)
		} else {
			dst = c.appendScalar(dst, elem)
		}
	}
	return append(dst, ']')
}

func (c *column) appendScalar(dst, b []byte) []byte {
	switch c.codec {
	case int2Codec, int4Codec, int8Codec:
		if n, ok := integer(b, c.codec); ok {
			return appendInt(dst, n)
		}
	case float4Codec, float8Codec:
		if f, ok := float(b, c.codec); ok {
			return lqp.AppendJSONFloat(dst, f)
		}
	case numericCodec:
		if d, ok := numeric(b); ok {
			return d.AppendText(dst)
		}
	case textCodec:
		return appendText(dst, b)
	case paddedCodec:
		return appendText(dst, bytes.TrimRight(b, " "))
	case uuidCodec:
		if len(b) == 16 {
			return append(appendUUID(append(dst, '"'), b), '"')
		}
	case jsonbCodec:
		if len(b) > 0 && b[0] == 1 {
			return appendDocument(dst, b[1:])
		}
	case jsonCodec:
		return appendDocument(dst, b)
	case bytesCodec:
		return append(base64.StdEncoding.AppendEncode(append(dst, '"'), b), '"')
	default: // these values hold no pointers: making them costs nothing
		return c.scalar(b).AppendJSON(dst)
	}
	return append(dst, "null"...)
}

func integer(b []byte, c codec) (int64, bool) {
	switch {
	case c == int8Codec && len(b) == 8:
		return int64(binary.BigEndian.Uint64(b)), true
	case c == int4Codec && len(b) == 4:
		return int64(int32(binary.BigEndian.Uint32(b))), true
	case c == int2Codec && len(b) == 2:
		return int64(int16(binary.BigEndian.Uint16(b))), true
	}
	return 0, false
}

func float(b []byte, c codec) (float64, bool) {
	switch {
	case c == float8Codec && len(b) == 8:
		return math.Float64frombits(binary.BigEndian.Uint64(b)), true
	case c == float4Codec && len(b) == 4:
		return float64(math.Float32frombits(binary.BigEndian.Uint32(b))), true
	}
	return 0, false
}

// millis cuts a timestamp to milliseconds since 1970. The infinities fall out of the range of values by themselves.
func (c *column) millis(b []byte) (int64, bool) {
	if len(b) != 8 {
		return 0, false
	}
	micros := int64(binary.BigEndian.Uint64(b))
	millis := micros / 1000
	if micros%1000 < 0 {
		millis--
	}
	millis += epochMillis
	if c.codec == localCodec && c.zone != time.UTC {
		if lqp.DateTimeValue(millis).IsNull() {
			return 0, false
		}
		millis = lqp.InstantOf(c.zone, millis)
	}
	return millis, true
}

// appendText appends a text as JSON. A server's bytes are checked even though it promised UTF-8.
func appendText(dst, b []byte) []byte {
	if !utf8.Valid(b) || bytes.IndexByte(b, 0) >= 0 || len(b) > lqp.MaxText && utf8.RuneCount(b) > lqp.MaxText {
		return append(dst, "null"...)
	}
	return lqp.AppendJSONString(dst, b)
}

func appendDocument(dst, b []byte) []byte {
	if !utf8.Valid(b) || !json.Valid(b) {
		return append(dst, "null"...)
	}
	return append(dst, b...)
}

func appendUUID(dst, b []byte) []byte {
	for i := 0; i < 16; {
		n := 2
		if i == 0 {
			n = 4
		} else {
			dst = append(dst, '-')
			if i == 10 {
				n = 6
			}
		}
		dst = hex.AppendEncode(dst, b[i:i+n])
		i += n
	}
	return dst
}
