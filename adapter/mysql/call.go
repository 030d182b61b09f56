package mysql

import (
	"github.com/livetables/livetables/adapter/internal/sqlgen"
	"github.com/livetables/livetables/lqp"
)

// Call implements sqlgen.Dialect. Functions that are missing here have no proven equal on these servers.
func (d *dialect) Call(e *sqlgen.Emitter, c *lqp.Call, ctx sqlgen.Context) (sqlgen.Rep, bool) {
	switch c.Func {
	case "add", "sub", "mul", "div", "mod", "neg", "abs", "sign", "round", "rounddown", "trunc", "int", "floor", "ceiling", "sum", "sqrt":
		return d.math(e, c)
	case "concat", "left", "right", "mid", "len", "upper", "lower", "fold", "substitute", "to_text", "trim", "reverse":
		return d.text(e, c)
	case "contains", "starts_with", "ends_with", "icontains", "find", "search":
		return d.search(e, c, ctx)
	case "year", "month", "day", "hour", "minute", "second", "weekday", "quarter", "day_of_year", "weeknum", "isoweeknum",
		"date_trunc", "to_date", "to_datetime", "dateadd", "datetime_diff", "eomonth", "timestr":
		return d.date(e, c)
	}
	return sqlgen.Rep{}, false
}
