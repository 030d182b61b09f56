package sqlite

import (
	"github.com/ncruces/go-sqlite3"

	"github.com/livetables/livetables/adapter/internal/sqlgen"
	"github.com/livetables/livetables/lqp"
)

// Aggregate emits counts, extremes and sums of integers natively and the rest through the registered runtime. SQLite's
// sum of integers is exact or an error (adapter.ErrData), upon which the engine runs the query in memory.
func (d *dialect) Aggregate(e *sqlgen.Emitter, a *lqp.Aggregate) (sqlgen.Rep, bool) {
	start := e.Len()
	if a.Func == "countall" {
		e.WriteString("count(*)")
		return intRep(0), e.Filter(a)
	}
	if a.Arg == nil {
		return sqlgen.Rep{}, e.Fail(a.Func + " has no argument")
	}
	r, ok := e.Value(a.Arg)
	if !ok {
		return r, false
	}
	switch a.Func {
	case "count":
		e.Wrap(start, "count(", ")")
		return intRep(0), e.Filter(a)
	case "counta":
		switch r.Kind {
		case lqp.Text:
			e.Wrap(start, "count(NULLIF(", ", ''))")
			return intRep(0), e.Filter(a)
		case lqp.List:
			return d.runtimeAggregate(e, a, start, r)
		}
		e.Wrap(start, "count(", ")")
		return intRep(0), e.Filter(a)
	case "count_unique":
		if r.Kind == lqp.List {
			return d.runtimeAggregate(e, a, start, r)
		}
		d.Equals(e, start, r)
		e.Wrap(start, "count(DISTINCT ", ")")
		return intRep(0), e.Filter(a)
	case "min", "max":
		d.Ordered(e, start, r)
		e.Wrap(start, a.Func+"(", ")")
		return r, e.Filter(a)
	case "sum":
		if isInt(r) {
			e.Wrap(start, "sum(", ")")
			if !e.Filter(a) {
				return r, false
			}
			e.Wrap(start, "COALESCE(", ", 0)")
			return r, true
		}
	}
	return d.runtimeAggregate(e, a, start, r)
}

func (d *dialect) runtimeAggregate(e *sqlgen.Emitter, a *lqp.Aggregate, start int, r sqlgen.Rep) (sqlgen.Rep, bool) {
	switch f, ok := lqp.LookupAggregate(a.Func); {
	case !ok:
		return r, e.Fail("an unknown aggregate")
	case f.Ordered:
		return r, e.Fail(a.Func + " depends on the order of the rows and is computed in memory")
	}
	out, ok := kindRep(a.Type())
	if !ok {
		return out, e.Fail(a.Func + " has no type")
	}
	name := aggregatePrefix + a.Func
	if r.Kind == lqp.Float {
		name += floatSuffix
	}
	e.Wrap(start, name+"('"+repSpec(r)+">"+repSpec(out)+"', ", ")")
	return out, e.Filter(a)
}

// aggregatePrefix begins the names of aggregates: some functions of one row have the same names.
const aggregatePrefix = "lt_agg_"

// floatSuffix ends the name of an aggregate over floats: its answer over no rows must be a float, and then no argument
// has told.
const floatSuffix = "_float"

// accumulator runs one aggregate of the catalogue over the rows of one group.
type accumulator struct {
	fn    *lqp.AggregateFunction
	kind  lqp.Kind // of the argument, or Number
	cache signatures
	sig   *signature
	acc   lqp.Accumulator
}

// Step adds the value of a row.
func (a *accumulator) Step(ctx sqlite3.Context, arg ...sqlite3.Value) {
	if a.acc == nil {
		if a.sig = signatureOf(ctx, a.cache, arg, 1); a.sig == nil {
			return
		}
		in := a.sig.args[0]
		a.acc = a.fn.NewAccumulator(lqp.Type{Kind: formKinds[in.form], Elem: in.elem})
	}
	a.acc.Add(cell(arg[1], a.sig.args[0], false))
}

// Value answers with the aggregate of the rows so far.
func (a *accumulator) Value(ctx sqlite3.Context) {
	if a.acc == nil { // no row came
		result(ctx, storage{form: formKey}, a.fn.NewAccumulator(lqp.Type{Kind: a.kind}).Result())
		return
	}
	result(ctx, a.sig.result, a.acc.Result())
}
