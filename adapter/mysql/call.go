package mysql

import (
	"github.com/livetables/livetables/adapter/internal/sqlgen"
	"github.com/livetables/livetables/lqp"
)

// maxRepeat bounds the text that an emitter may write twice: guards repeat what they guard, and nested guards would
// double it at every level.
const maxRepeat = 2000

const tooLong = "the formula is too long for the source"

// Call implements sqlgen.Dialect. Functions that are missing here have no proven equal on these servers.
func (d *dialect) Call(e *sqlgen.Emitter, c *lqp.Call, ctx sqlgen.Context) (sqlgen.Rep, bool) {
	switch c.Func {
	case "add", "sub", "mul", "div", "mod", "neg", "abs", "sign", "round", "rounddown", "trunc", "int", "floor", "ceiling":
		return d.math(e, c)
	case "concat", "left", "right", "mid", "len", "upper", "lower", "fold", "substitute", "to_text":
		return d.text(e, c)
	case "contains", "starts_with", "ends_with", "icontains":
		return d.search(e, c, ctx)
	case "year", "month", "day", "hour", "minute", "second", "weekday", "date_trunc", "to_date", "to_datetime":
		return d.date(e, c)
	}
	return sqlgen.Rep{}, false
}

// literalInt is the whole number that an argument is, cut to what any position or count can mean.
func literalInt(x lqp.Expr, least, most int64) (int, bool) {
	l, ok := sqlgen.Fold(x).(*lqp.Lit)
	if !ok || l.Val.Kind() != lqp.Number {
		return 0, false
	}
	d, _ := l.Val.Decimal().RoundDown(0)
	n, ok := d.Int64()
	if !ok {
		return 0, false
	}
	return int(min(max(n, least), most)), true
}
