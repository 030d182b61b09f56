package mysql

import (
	"bytes"
	"database/sql/driver"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/livetables/livetables/adapter/internal/failure"
	"github.com/livetables/livetables/adapter/internal/sqlgen"
	"github.com/livetables/livetables/lqp"
)

// column decodes one result column.
type column struct {
	kind lqp.Kind
	bits bool           // bytes are a number, most significant first
	zone *time.Location // of datetimes, nil for UTC
}

// decoders matches the plan's columns with what the server says it will send.
func decoders(outputs []sqlgen.Output, rows driver.Rows, zone *time.Location) ([]column, error) {
	if len(outputs) == 0 {
		return nil, nil
	}
	if n := len(rows.Columns()); n != len(outputs) {
		return nil, fmt.Errorf("%w: %d columns instead of %d", failure.ErrUnknown, n, len(outputs))
	}
	types, _ := rows.(driver.RowsColumnTypeDatabaseTypeName)
	cols := make([]column, len(outputs))
	for i := range outputs {
		out := &outputs[i]
		c := column{kind: out.Type.Kind, bits: out.Storage.Rep.Form == bitForm || out.Storage.Rep.Form == bitBoolForm}
		if out.Storage.Rep.Form == rawTimeForm && zone != time.UTC {
			c.zone = zone
		}
		if out.Column != nil && types != nil && !delivers(types.ColumnTypeDatabaseTypeName(i), c.kind) {
			return nil, fmt.Errorf("%w: column %d is not a %s any more", failure.ErrUnknown, i+1, out.Type)
		}
		cols[i] = c
	}
	return cols, nil
}

// delivers reports whether a column of the server's type can hold values of a kind.
func delivers(native string, k lqp.Kind) bool {
	switch native {
	case "TINYINT", "UNSIGNED TINYINT", "SMALLINT", "UNSIGNED SMALLINT", "MEDIUMINT", "UNSIGNED MEDIUMINT", "INT", "UNSIGNED INT",
		"BIGINT", "UNSIGNED BIGINT", "BIT":
		return k == lqp.Number || k == lqp.Bool
	case "YEAR", "DECIMAL":
		return k == lqp.Number
	case "FLOAT", "DOUBLE":
		return k == lqp.Float
	case "DATE":
		return k == lqp.Date
	case "DATETIME", "TIMESTAMP":
		return k == lqp.DateTime
	case "GEOMETRY", "VECTOR":
		return k == lqp.Bytes
	case "NULL", "":
		return true
	}
	return k == lqp.Text || k == lqp.JSON || k == lqp.Bytes
}

// value decodes a cell. What is malformed or outside the domain of values is NULL.
func (c *column) value(cell driver.Value) lqp.Value {
	b, isBytes := cell.([]byte)
	switch c.kind {
	case lqp.Bool:
		if n, ok := c.integer(cell); ok {
			return lqp.BoolValue(n != 0)
		}
	case lqp.Number:
		if d, ok := c.decimal(cell); ok {
			return lqp.NumberValue(d)
		}
	case lqp.Float:
		if f, ok := float(cell); ok {
			return lqp.FloatValue(f)
		}
	case lqp.Date:
		if days, ok := date(b); ok {
			return lqp.DateValue(days)
		}
	case lqp.DateTime:
		if millis, ok := c.millis(b); ok {
			return lqp.DateTimeValue(millis)
		}
	case lqp.Text:
		if isBytes {
			return lqp.TextValue(string(b))
		}
	case lqp.JSON:
		if isBytes {
			return lqp.JSONValue(string(b))
		}
	case lqp.Bytes:
		if isBytes {
			return lqp.BytesValue(b)
		}
	}
	return lqp.NullValue
}

// appendJSON appends what value(cell).AppendJSON would, without making the value.
func (c *column) appendJSON(dst []byte, cell driver.Value) []byte {
	b, isBytes := cell.([]byte)
	switch c.kind {
	case lqp.Number:
		if n, ok := cell.(int64); ok {
			return strconv.AppendInt(dst, n, 10)
		}
		if d, ok := c.decimal(cell); ok {
			return d.AppendText(dst)
		}
	case lqp.Text:
		// A server's bytes are checked even though it promised UTF-8.
		if isBytes && utf8.Valid(b) && bytes.IndexByte(b, 0) < 0 && (len(b) <= lqp.MaxText || utf8.RuneCount(b) <= lqp.MaxText) {
			return lqp.AppendJSONString(dst, b)
		}
	case lqp.JSON:
		if isBytes && utf8.Valid(b) && json.Valid(b) {
			return append(dst, b...)
		}
	case lqp.Bytes:
		if isBytes {
			return append(base64.StdEncoding.AppendEncode(append(dst, '"'), b), '"')
		}
	default: // these values hold no pointers: making them costs nothing
		return c.value(cell).AppendJSON(dst)
	}
	return append(dst, "null"...)
}

func (c *column) integer(cell driver.Value) (int64, bool) {
	switch v := cell.(type) {
	case int64:
		return v, true
	case []byte:
		if c.bits {
			n, ok := bits(v)
			return int64(n), ok
		}
		n, err := strconv.ParseInt(string(v), 10, 64)
		return n, err == nil
	}
	return 0, false
}

func bits(b []byte) (n uint64, ok bool) {
	for _, x := range b {
		n = n<<8 | uint64(x)
	}
	return n, len(b) <= 8
}

func (c *column) decimal(cell driver.Value) (lqp.Decimal, bool) {
	switch v := cell.(type) {
	case int64:
		return lqp.DecimalFromInt(v), true
	case uint64:
		return decimalOf(v), true
	case []byte:
		if c.bits {
			n, ok := bits(v)
			return decimalOf(n), ok
		}
		return decimalText(v)
	}
	return lqp.Decimal{}, false
}

func decimalOf(n uint64) lqp.Decimal {
	if int64(n) >= 0 {
		return lqp.DecimalFromInt(int64(n))
	}
	d, _ := lqp.ParseDecimal(strconv.FormatUint(n, 10))
	return d
}

// decimalText reads digits with a point. Up to eighteen of them are an integer.
func decimalText(b []byte) (lqp.Decimal, bool) {
	var n int64
	scale, count, point := 0, 0, false
	rest := b
	negative := len(rest) > 0 && rest[0] == '-'
	if negative {
		rest = rest[1:]
	}
	for _, ch := range rest {
		switch {
		case ch == '.' && !point:
			point = true
			continue
		case ch < '0' || ch > '9':
			return lqp.Decimal{}, false
		}
		if count++; count > 18 {
			d, err := lqp.ParseDecimal(string(b))
			return d, err == nil
		}
		n = n*10 + int64(ch-'0')
		if point {
			scale++
		}
	}
	if negative {
		n = -n
	}
	return lqp.DecimalFromScaled(n, scale), count > 0
}

func float(cell driver.Value) (float64, bool) {
	switch v := cell.(type) {
	case float64:
		return v, true
	case float32:
		return float64(v), true
	case int64:
		return float64(v), true
	case []byte:
		f, err := strconv.ParseFloat(string(v), 64)
		return f, err == nil
	}
	return 0, false
}

// date reads YYYY-MM-DD.
func date(b []byte) (days int64, ok bool) {
	if len(b) != 10 {
		return 0, false
	}
	return lqp.ParseDate(string(b))
}

// millis reads YYYY-MM-DD hh:mm:ss with a fraction, which is cut to milliseconds, and reads it in the zone.
func (c *column) millis(b []byte) (int64, bool) {
	if len(b) < 19 || b[10] != ' ' || b[13] != ':' || b[16] != ':' || len(b) > 19 && b[19] != '.' {
		return 0, false
	}
	days, ok := date(b[:10])
	hour, ok1 := two(b[11:])
	minute, ok2 := two(b[14:])
	second, ok3 := two(b[17:])
	if !ok || !ok1 || !ok2 || !ok3 || hour > 23 || minute > 59 || second > 59 {
		return 0, false
	}
	millis := days*dayMillis + hour*3_600_000 + minute*60_000 + second*1000
	for i, unit := 20, int64(100); i < len(b) && unit > 0; i, unit = i+1, unit/10 {
		if b[i] < '0' || b[i] > '9' {
			return 0, false
		}
		millis += int64(b[i]-'0') * unit
	}
	if c.zone != nil && !lqp.DateTimeValue(millis).IsNull() {
		millis = lqp.InstantOf(c.zone, millis)
	}
	return millis, true
}

func two(b []byte) (int64, bool) {
	hi, lo := b[0]-'0', b[1]-'0'
	return int64(hi)*10 + int64(lo), hi <= 9 && lo <= 9
}
