package mysql

import (
	"database/sql/driver"
	"fmt"

	"github.com/livetables/livetables/adapter/internal/sqlgen"
	"github.com/livetables/livetables/lqp"
)

// bind turns arguments into what the driver sends. Every parameter's type is spelled in the statement; numbers with a
// fraction, dates and texts go as text.
func bind(args []sqlgen.Arg) ([]driver.NamedValue, error) {
	out := make([]driver.NamedValue, len(args))
	for i, a := range args {
		v, ok := parameter(a.Value, a.Rep.Form)
		if !ok {
			return nil, fmt.Errorf("bind parameter %d: a %s has no such form", i+1, a.Value.Kind())
		}
		out[i] = driver.NamedValue{Ordinal: i + 1, Value: v}
	}
	return out, nil
}

func parameter(v lqp.Value, form uint8) (driver.Value, bool) {
	switch form {
	case intForm:
		n, ok := v.Decimal().Int64()
		return n, ok && v.Kind() == lqp.Number
	case uintForm:
		n, ok := unsigned(v.Decimal())
		return n, ok && v.Kind() == lqp.Number
	case numericForm:
		return v.Decimal().String(), v.Kind() == lqp.Number
	case doubleForm:
		return v.Float(), v.Kind().Numeric()
	case boolForm:
		if v.Bool() {
			return int64(1), true
		}
		return int64(0), v.Kind() == lqp.Bool
	case noForm, textForm, uuidForm:
		return v.Text(), v.Kind() == lqp.Text
	case dateForm:
		return string(lqp.AppendDate(nil, v.Days())), v.Kind() == lqp.Date
	case instantForm:
		text := lqp.AppendDateTime(make([]byte, 0, 24), v.Millis())
		if len(text) != 24 {
			return nil, false
		}
		text[10] = ' '
		return string(text[:23]), v.Kind() == lqp.DateTime
	}
	return nil, false
}
