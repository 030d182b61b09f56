package adaptertest_test

import (
	"context"
	"errors"
	"strings"
	"time"
	"unsafe"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// groupLies are databases that join, group and count in their own way.
var groupLies = []lie{
	{"NULL keys do not join", liar{query: strictJoins}, "Joins"},
	{"left joins are inner", liar{query: func(q lqp.Query) lqp.Query {
		q.Joins = append([]lqp.Join(nil), q.Joins...)
		for i := range q.Joins {
			q.Joins[i].Kind = lqp.Inner
		}
		return q
	}}, "Joins"},
	{"the group of NULL is dropped", liar{rows: dropNullGroups}, "Groups"},
	{"group keys ignore case", liar{query: func(q lqp.Query) lqp.Query {
		q.GroupBy = append([]lqp.Named(nil), q.GroupBy...)
		for i, k := range q.GroupBy {
			if isText(k.Expr) {
				q.GroupBy[i].Expr = lqp.NewCall("lower", k.Expr)
			}
		}
		return q
	}}, "Groups"},
	{"having is asked of the rows", liar{query: func(q lqp.Query) lqp.Query { q.Having = nil; return q }}, "Groups"},
	{"sums are doubles", liar{rows: aggregated("sum", throughDouble)}, "Groups"},
	{"sums wrap at 64 bits", liar{rows: aggregated("sum", wrap)}, "Groups"},
	{"sums of nothing are NULL", liar{rows: aggregated("sum", func(v lqp.Value) lqp.Value {
		if v.Kind() == lqp.Number && v.Decimal().Sign() == 0 {
			return lqp.NullValue
		}
		return v
	})}, "Groups"},
	{"averages of whole numbers are whole", liar{rows: aggregated("average", func(v lqp.Value) lqp.Value {
		if v.Kind() != lqp.Number {
			return v
		}
		d, _ := v.Decimal().RoundDown(0)
		return lqp.NumberValue(d)
	})}, "Groups"},
	{"counting counts NULLs", liar{query: aggregates("count_filled", func(a *lqp.Aggregate) { a.Func, a.Arg = "countall", nil })}, "Groups"},
	{"distinct by collation", liar{query: aggregates("count_unique", func(a *lqp.Aggregate) {
		if isText(a.Arg) {
			a.Arg = lqp.NewCall("lower", a.Arg)
		}
	})}, "Groups"},
	{"minima are those of another order", liar{query: aggregates("min", func(a *lqp.Aggregate) {
		if isText(a.Arg) {
			a.Arg = lqp.NewCall("lower", a.Arg)
		}
	})}, "Groups"},
	{"the filter of an aggregate is ignored", liar{query: func(q lqp.Query) lqp.Query {
		q.Aggregates = append([]lqp.Aggregate(nil), q.Aggregates...)
		for i := range q.Aggregates {
			q.Aggregates[i].Filter = nil
		}
		return q
	}}, "Groups"},
}

// valueLies are adapters that decode what comes in a wrong way.
var valueLies = []lie{
	{"AppendJSON differs", liar{rows: func(r adapter.Rows, q *lqp.Query) adapter.Rows { return &falseRows{Rows: r, q: q, json: true} }}, "Rows"},
	{"texts are trimmed", liar{rows: ofKind(lqp.Text, func(v lqp.Value) lqp.Value { return lqp.TextValue(strings.TrimRight(v.Text(), " ")) })}, "Rows"},
	{"empty texts are NULL", liar{rows: ofKind(lqp.Text, func(v lqp.Value) lqp.Value {
		if v.Text() == "" {
			return lqp.NullValue
		}
		return v
	})}, "Rows"},
	{"numbers go through doubles", liar{rows: ofKind(lqp.Number, throughDouble)}, "Rows"},
	{"days are shifted by a time zone", liar{rows: ofKind(lqp.Date, func(v lqp.Value) lqp.Value { return lqp.DateValue(v.Days() - 1) })}, "Rows"},
	{"the time zone is dropped", liar{rows: ofKind(lqp.DateTime, func(v lqp.Value) lqp.Value { return lqp.DateTimeValue(v.Millis() + 3_600_000) })}, "Rows"},
	{"milliseconds are dropped", liar{rows: ofKind(lqp.DateTime, func(v lqp.Value) lqp.Value { return lqp.DateTimeValue(v.Millis() / 1000 * 1000) })}, "Rows"},
	{"values share memory", liar{rows: sharedMemory}, "Rows"},
}

// otherLies are about tables, errors and resources.
var otherLies = []lie{
	{"a promise of NOT NULL is broken", discovered(func(t *lqp.Table) {
		for i := range t.Columns {
			t.Columns[i].Type.NotNull = true
		}
	}), "Discovery"},
	{"a promise of length is broken", discovered(func(t *lqp.Table) {
		for i := range t.Columns {
			t.Columns[i].Type.MaxLen = min(t.Columns[i].Type.MaxLen, 1)
		}
	}), "Discovery"},
	{"the key is wrong", discovered(func(t *lqp.Table) { t.Key = []string{t.Columns[1].ID} }), "Discovery"},
	{"unique keys are missed", discovered(func(t *lqp.Table) { t.Uniques = nil }), "Discovery"},
	{"foreign keys lead elsewhere", discovered(func(t *lqp.Table) {
		t.ForeignKeys = append([]lqp.ForeignKey(nil), t.ForeignKeys...)
		for i := range t.ForeignKeys {
			t.ForeignKeys[i].RefColumns = []string{"grade"}
		}
	}), "Discovery"},
	{"the schema is stale", discovered(func(t *lqp.Table) {
		for i := range t.Columns {
			if t.Columns[i].Type.Kind == lqp.Date {
				t.Columns[i].Type.Kind = lqp.Text
			}
		}
	}), "Discovery"},
	{"views are tables", discovered(func(t *lqp.Table) { t.Kind = lqp.BaseTable }), "Discovery"},
	{"estimates are wild", discovered(func(t *lqp.Table) { t.Rows = 1_000_000_000 }), "Discovery"},
	{"comments are lost", discovered(func(t *lqp.Table) { t.Comment = "" }), "Discovery"},
	{"defaults are lost", discovered(func(t *lqp.Table) {
		for i := range t.Columns {
			t.Columns[i].HasDefault = false
		}
	}), "Discovery"},
	{"closing twice fails", liar{close: func(n int) error {
		if n > 1 {
			return errors.New("already closed")
		}
		return nil
	}}, "Lifecycle"},
	{"errors end like results", liar{rows: func(r adapter.Rows, q *lqp.Query) adapter.Rows {
		return &falseRows{Rows: r, q: q, err: func(error) error { return nil }}
	}}, "Cancellation"},
	{"cancellation is ignored", liar{scan: func(ctx context.Context, _ *lqp.Query) (context.Context, error) {
		if ctx.Err() != nil {
			return ctx, nil
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		_ = cancel // the lie is that nobody calls it
		return ctx, nil
	}}, "Cancellation"},
	{"a goroutine stays for each scan", liar{rows: func(r adapter.Rows, q *lqp.Query) adapter.Rows {
		never := make(chan struct{})
		go func() { <-never }()
		return r
	}}, "Leaks"},
	{"every failure is a data error", liar{scan: func(ctx context.Context, q *lqp.Query) (context.Context, error) {
		return ctx, errors.Join(adapter.ErrData, errLie)
	}}, "Rows"},
}

func strictJoins(q lqp.Query) lqp.Query {
	q.Joins = append([]lqp.Join(nil), q.Joins...)
	for i := range q.Joins {
		for _, c := range lqp.Columns(q.Joins[i].On) {
			q.Joins[i].On = lqp.And(q.Joins[i].On, notNull(c))
		}
	}
	return q
}

func dropNullGroups(r adapter.Rows, q *lqp.Query) adapter.Rows {
	return &falseRows{Rows: r, q: q, next: func(f *falseRows) bool {
		for f.Rows.Next() {
			if len(q.GroupBy) == 0 || !f.Rows.Value(0).IsNull() {
				return true
			}
		}
		return false
	}}
}

// aggregates changes the aggregates of a function.
func aggregates(fn string, change func(a *lqp.Aggregate)) func(lqp.Query) lqp.Query {
	return func(q lqp.Query) lqp.Query {
		q.Aggregates = append([]lqp.Aggregate(nil), q.Aggregates...)
		for i := range q.Aggregates {
			if q.Aggregates[i].Func == fn {
				change(&q.Aggregates[i])
			}
		}
		return q
	}
}

// ofKind makes a lie about the values of a kind.
func ofKind(k lqp.Kind, change func(lqp.Value) lqp.Value) func(adapter.Rows, *lqp.Query) adapter.Rows {
	return values(func(_ *lqp.Query, v lqp.Value, _ int) lqp.Value {
		if v.Kind() == k {
			return change(v)
		}
		return v
	})
}

func throughDouble(v lqp.Value) lqp.Value {
	if v.Kind() != lqp.Number {
		return v
	}
	d, ok := lqp.DecimalFromFloat(v.Decimal().Float())
	if !ok {
		return lqp.NullValue
	}
	return lqp.NumberValue(d)
}

func wrap(v lqp.Value) lqp.Value {
	if v.Kind() != lqp.Number {
		return v
	}
	limit, _ := lqp.ParseDecimal("9223372036854775808")
	if d := v.Decimal(); d.Cmp(limit) >= 0 {
		two, _ := lqp.ParseDecimal("18446744073709551616")
		wrapped, _ := d.Sub(two)
		return lqp.NumberValue(wrapped)
	}
	return v
}

// sharedMemory hands out texts whose bytes the next row overwrites.
func sharedMemory(r adapter.Rows, q *lqp.Query) adapter.Rows {
	buffer := make([]byte, 0, 1<<12)
	return &falseRows{Rows: r, q: q, next: func(f *falseRows) bool {
		for i := range buffer {
			buffer[i] = 'x'
		}
		buffer = buffer[:0]
		return f.Rows.Next()
	}, value: func(v lqp.Value, _ int) lqp.Value {
		if v.Kind() != lqp.Text || v.Text() == "" || len(buffer)+len(v.Text()) > cap(buffer) {
			return v
		}
		at := len(buffer)
		buffer = append(buffer, v.Text()...)
		return lqp.TextValue(unsafe.String(&buffer[at], len(v.Text())))
	}}
}
