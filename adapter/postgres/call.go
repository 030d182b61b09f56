package postgres

import (
	"github.com/livetables/livetables/adapter/internal/sqlgen"
	"github.com/livetables/livetables/lqp"
)

// The representations that functions answer in.
var (
	intRep     = sqlgen.Rep{Kind: lqp.Number, Form: intForm}
	numericRep = sqlgen.Rep{Kind: lqp.Number, Form: numericForm}
	floatRep   = sqlgen.Rep{Kind: lqp.Float, Form: float8Form}
	boolRep    = sqlgen.Rep{Kind: lqp.Bool, Form: boolForm}
	textRep    = sqlgen.Rep{Kind: lqp.Text, Form: binaryForm}
	dateRep    = sqlgen.Rep{Kind: lqp.Date, Form: dateForm}
	instantRep = sqlgen.Rep{Kind: lqp.DateTime, Form: instantForm}
)

// Call implements sqlgen.Dialect. Functions that are missing here have no proven equal in PostgreSQL.
func (d *dialect) Call(e *sqlgen.Emitter, c *lqp.Call, ctx sqlgen.Context) (sqlgen.Rep, bool) {
	switch c.Func {
	case "add", "sub", "mul", "div", "mod", "neg", "abs", "sign", "round", "rounddown", "trunc", "int", "floor", "ceiling", "sum", "sqrt":
		return d.math(e, c)
	case "concat", "left", "right", "mid", "len", "trim", "upper", "lower", "fold", "substitute", "to_text", "reverse":
		return d.text(e, c)
	case "contains", "starts_with", "ends_with", "icontains", "find", "search":
		return d.search(e, c, ctx)
	case "year", "month", "day", "hour", "minute", "second", "weekday", "quarter", "day_of_year", "weeknum", "isoweeknum",
		"date_trunc", "to_date", "to_datetime", "dateadd", "datetime_diff", "eomonth", "timestr":
		return d.date(e, c)
	}
	return sqlgen.Rep{}, false
}
