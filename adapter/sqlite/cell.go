package sqlite

import (
	"fmt"
	"strings"
	"unsafe"

	"github.com/ncruces/go-sqlite3"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// bind gives parameter i (from 1) the value v in the form of a column. A value that the form cannot hold is an
// adapter.ErrData.
func bind(s *statement, i int, st storage, v lqp.Value) error {
	if v.IsNull() {
		return s.BindNull(i)
	}
	switch v.Kind() {
	case lqp.Bool:
		return s.BindBool(i, v.Bool())
	case lqp.Number:
		return bindNumber(s, i, st, v)
	case lqp.Float:
		return s.BindFloat(i, v.Float())
	case lqp.Text, lqp.JSON:
		return s.BindText(i, v.Text())
	case lqp.Date, lqp.DateTime:
		var buf [40]byte
		if st.form == formStamp && v.Kind() == lqp.DateTime {
			text, ok := appendLayout(buf[:0], st.scale, v.Millis())
			if !ok {
				return fmt.Errorf("%w: a point in time is finer than those of a column", adapter.ErrData)
			}
			return s.BindText(i, string(text))
		}
		return s.BindText(i, string(appendInstant(buf[:0], v)))
	case lqp.List:
		return s.BindText(i, string(v.AppendJSON(nil)))
	case lqp.Bytes:
		return s.BindBlob(i, []byte(v.Text()))
	}
	return fmt.Errorf("%w: value of kind %v", adapter.ErrData, v.Kind())
}

func bindNumber(s *statement, i int, st storage, v lqp.Value) error {
	d := v.Decimal()
	switch st.form {
	case formInt:
		n, ok := d.Scaled(st.scale)
		if !ok {
			return fmt.Errorf("%w: %s does not fit 64 bits with %d decimal places", adapter.ErrData, d.String(), st.scale)
		}
		return s.BindInt64(i, n)
	case formDecimal:
		return s.BindText(i, string(d.AppendText(nil)))
	case formKey:
		return s.BindText(i, string(appendNumKey(nil, d)))
	case formFloat:
		return s.BindFloat(i, d.Float())
	}
	// In SQL of the store's own, and in a DECIMAL column, a whole number is an integer.
	if n, ok := d.Scaled(0); ok {
		return s.BindInt64(i, n)
	}
	if st.form == formNumeric {
		// SQLite would keep this as a real. What does not come back as the same number must not be stored.
		f := d.Float()
		if back, ok := lqp.DecimalFromFloat(f); !ok || back != d {
			return fmt.Errorf("%w: %s has more digits than a column of this file keeps", adapter.ErrData, d.String())
		}
		return s.BindFloat(i, f)
	}
	return s.BindText(i, string(d.AppendText(nil)))
}

// cell decodes a stored value. With borrow the value's text is SQLite's own memory and must not outlive the row: it is for
// appending JSON only.
func cell(v sqlite3.Value, st storage, borrow bool) lqp.Value {
	class := v.Type()
	switch class {
	case sqlite3.NULL:
		return lqp.NullValue
	case sqlite3.INTEGER:
		switch st.form {
		case formBool:
			return lqp.BoolValue(v.Int64() != 0)
		case formInt:
			return lqp.NumberValue(lqp.DecimalFromScaled(v.Int64(), st.scale))
		case formNumeric, formAny:
			return lqp.IntValue(v.Int64())
		}
	case sqlite3.FLOAT:
		switch st.form {
		case formNumeric:
			return realNumber(v.Float())
		case formFloat, formAny:
			return lqp.FloatValue(v.Float())
		}
	case sqlite3.BLOB:
		if st.form == formBytes || st.form == formAny {
			return lqp.BytesValue(v.RawBlob())
		}
	case sqlite3.TEXT:
		return textCell(v.RawText(), st, borrow)
	}
	return lqp.NullValue
}

// realNumber reads the double of a DECIMAL column as the number that was meant: its shortest digits.
func realNumber(f float64) lqp.Value {
	d, ok := lqp.DecimalFromFloat(f)
	if !ok {
		return lqp.NullValue
	}
	return lqp.NumberValue(d)
}

// textCell reads a value whose storage class is TEXT. The constructors of values refuse what no value may be.
func textCell(raw []byte, st storage, borrow bool) lqp.Value {
	switch st.form {
	case formDate:
		if days, ok := parseDate(raw); ok {
			return lqp.DateValue(days)
		}
	case formDateTime, formStamp:
		if ms, ok := parseDateTime(raw); ok {
			return lqp.DateTimeValue(ms)
		}
	case formKey:
		return keyValue(raw)
	case formDecimal:
		if d, err := lqp.ParseDecimal(borrowed(raw)); err == nil {
			return lqp.NumberValue(d)
		}
	case formList:
		elem := st.elem
		if elem == lqp.Null { // of a list without elements or with NULLs only
			elem = lqp.Text
		}
		if v, err := lqp.ParseValue(lqp.Type{Kind: lqp.List, Elem: elem}, raw); err == nil {
			return v
		}
	case formText, formJSON, formAny:
		text := borrowed(raw)
		if !borrow {
			text = strings.Clone(text)
		}
		if st.form == formJSON {
			return lqp.JSONValue(text)
		}
		return lqp.TextValue(text)
	}
	return lqp.NullValue
}

// borrowed is the text of raw without a copy, valid as long as raw.
func borrowed(raw []byte) string { return unsafe.String(unsafe.SliceData(raw), len(raw)) }
