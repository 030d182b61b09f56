package mysql

import (
	"slices"
	"strings"

	"github.com/livetables/livetables/adapter/internal/sqlgen"
	"github.com/livetables/livetables/lqp"
)

const approximate = "sums of floats depend on the order of the rows and are done in memory"

// Aggregate implements sqlgen.Dialect. There is no FILTER clause: what is filtered out becomes NULL, which aggregates
// skip.
func (d *dialect) Aggregate(e *sqlgen.Emitter, a *lqp.Aggregate) (sqlgen.Rep, bool) {
	a = sqlgen.DerivedAggregate(a)
	if a.Func == "countall" {
		if a.Filter == nil {
			e.WriteString("COUNT(*)")
			return intRep, true
		}
		return intRep, filtered(e, a, "COUNT(", func() bool { e.WriteString("1"); return true })
	}
	if a.Arg == nil {
		return sqlgen.Rep{}, false
	}
	kind := a.Arg.Type().Kind
	if _, call := a.Arg.(*lqp.Call); call && kind == lqp.Float && (strings.HasPrefix(a.Func, "count") || strings.HasPrefix(a.Func, "percent")) {
		return sqlgen.Rep{}, e.Fail(sqlgen.UnseenOverflow)
	}
	switch a.Func {
	case "count":
		if kind.Numeric() {
			return simple(e, a, "COUNT(", &intRep)
		}
	case "counta":
		switch {
		case kind == lqp.Text:
			return intRep, filtered(e, a, "COUNT(", func() bool {
				e.WriteString("NULLIF(")
				ok := e.ValueAs(a.Arg, textRep)
				e.WriteString(", '')")
				return ok
			})
		case kind.Orderable():
			return simple(e, a, "COUNT(", &intRep)
		}
	case "count_unique":
		if len(lqp.Columns(a.Arg)) == 0 { // MySQL counts a parameter that is not even reached
			return sqlgen.Rep{}, e.Fail("the distinct values of a constant are counted in memory")
		}
		if kind.Orderable() {
			return simple(e, a, "COUNT(DISTINCT ", &intRep)
		}
	case "sum":
		return d.sum(e, a)
	case "average":
		return d.average(e, a)
	case "min", "max":
		before := "MIN("
		if a.Func == "max" {
			before = "MAX("
		}
		if kind.Orderable() {
			var r sqlgen.Rep
			ok := filtered(e, a, before, func() (ok bool) {
				r, ok = e.Value(a.Arg)
				return ok && unindexed(e, a.Arg, r)
			})
			return r, ok
		}
	case "range":
		return numericRep, d.spread(e, a)
	case "percent_empty", "percent_filled":
		return numericRep, d.percent(e, a)
	case "join":
		return textRep, d.join(e, a)
	}
	return sqlgen.Rep{}, e.Fail(sqlgen.AggregatedInMemory(a.Func))
}

// filtered appends an aggregate of what arg appends.
func filtered(e *sqlgen.Emitter, a *lqp.Aggregate, before string, arg func() bool) bool {
	e.WriteString(before)
	if a.Filter != nil {
		e.WriteString("CASE WHEN ")
		if !e.Predicate(a.Filter, sqlgen.WhenTrue) {
			return false
		}
		e.WriteString(" THEN ")
	}
	if !arg() {
		return false
	}
	if a.Filter != nil {
		e.WriteString(" END")
	}
	e.WriteString(")")
	return true
}

// simple appends an aggregate of the argument's canonical value. The result has the argument's representation unless
// another one is given.
func simple(e *sqlgen.Emitter, a *lqp.Aggregate, before string, as *sqlgen.Rep) (sqlgen.Rep, bool) {
	var r sqlgen.Rep
	ok := filtered(e, a, before, func() (ok bool) {
		r, ok = e.Value(a.Arg)
		return ok
	})
	if as != nil {
		r = *as
	}
	return r, ok
}

// NullKey implements sqlgen.NullKeys: MariaDB, when it groups sorted rows, does not see that a computed decimal has become
// NULL, and counts the NULLs among the rows before them.
func (d *dialect) NullKey(r sqlgen.Rep) (reason string) {
	if d.facts.mariadb && r.Form == numericForm {
		return "computed decimals that may be NULL are grouped in memory"
	}
	return ""
}

// unindexed keeps MariaDB from taking an extreme of decimals from an index: it rounds the numbers of the condition to the
// digits of the column, and the smallest number above 0.3 is then 0.
func unindexed(e *sqlgen.Emitter, arg lqp.Expr, r sqlgen.Rep) bool {
	if _, ok := arg.(*lqp.Col); ok && r.Form == numericForm {
		e.WriteString(" + 0")
	}
	return true
}

// total appends the exact sum, NULL of nothing. The server adds integers and decimals as decimals.
func (d *dialect) total(e *sqlgen.Emitter, a *lqp.Aggregate) bool {
	if a.Arg.Type().Kind != lqp.Number {
		return e.Fail(approximate)
	}
	_, ok := simple(e, a, "SUM(", nil)
	return ok
}

// sum is 0 of nothing and NULL beyond the range of numbers.
func (d *dialect) sum(e *sqlgen.Emitter, a *lqp.Aggregate) (sqlgen.Rep, bool) {
	start := e.Len()
	if !d.total(e, a) {
		return numericRep, false
	}
	e.Wrap(start, "COALESCE(", ", 0)")
	return numericRep, fit(e, start, false)
}

// average is the sum divided by the count with one rounding, as div does it.
func (d *dialect) average(e *sqlgen.Emitter, a *lqp.Aggregate) (sqlgen.Rep, bool) {
	at := e.Len()
	e.WriteString(divBegin)
	start := e.Len()
	if !d.total(e, a) || !fit(e, start, false) {
		return numericRep, false
	}
	e.WriteString(divMiddle)
	if _, ok := simple(e, a, "COUNT(", nil); !ok {
		return numericRep, false
	}
	e.WriteString(divEnd)
	return numericRep, fit(e, at, true)
}

// spread is the largest number minus the smallest.
func (d *dialect) spread(e *sqlgen.Emitter, a *lqp.Aggregate) bool {
	if a.Arg.Type().Kind != lqp.Number {
		return e.Fail(approximate)
	}
	start := e.Len()
	for i, before := range [...]string{"MAX(", "MIN("} {
		if i > 0 {
			e.WriteString(" - ")
		}
		if !filtered(e, a, before, func() bool { return e.ValueAs(a.Arg, numericRep) && unindexed(e, a.Arg, numericRep) }) {
			return false
		}
	}
	e.Wrap(start, "(", ")")
	return fit(e, start, false)
}

// percent is a hundredfold count divided by that of all rows, with one rounding.
func (d *dialect) percent(e *sqlgen.Emitter, a *lqp.Aggregate) bool {
	at := e.Len()
	part, all := *a, *a
	part.Func = strings.Replace(a.Func, "percent", "count", 1)
	all.Func, all.Arg = "countall", nil
	e.WriteString(divBegin)
	if _, ok := d.Aggregate(e, &part); !ok {
		return false
	}
	e.WriteString(" * 100" + divMiddle)
	if _, ok := d.Aggregate(e, &all); !ok {
		return false
	}
	e.WriteString(divEnd)
	return fit(e, at, true)
}

// concatNulls: in GROUP_CONCAT a NULL decimal sorts as a zero, and next to a constant, which IS NULL of a column without NULLs
// becomes, the other keys sort as they like.
const concatNulls = "the server orders NULLs inside of aggregates otherwise"

// join puts texts together in the order of the rows. The server cuts the result after group_concat_max_len bytes, which
// hold more characters than a text may have: what was cut is NULL as it should be.
func (d *dialect) join(e *sqlgen.Emitter, a *lqp.Aggregate) bool {
	if !d.facts.order {
		return e.Fail(opaqueServer)
	}
	start := e.Len()
	ok := filtered(e, a, "GROUP_CONCAT(", func() bool { return d.toText(e, a.Arg, false) })
	if !ok {
		return false
	}
	e.Cut(1) // the parenthesis
	order := slices.Clone(a.OrderBy)
	for i := range order {
		if !e.NeverNull(order[i].Expr) {
			return e.Fail(concatNulls)
		}
		order[i].Nulls = lqp.NullsFirst // where they stand without being asked
		if order[i].Desc {
			order[i].Nulls = lqp.NullsLast
		}
	}
	if !e.AggregateOrder(order, false) {
		return false
	}
	e.WriteString(" SEPARATOR ', ')")
	e.Wrap(start, "(", d.collate+")")
	return bounded(e, start)
}
