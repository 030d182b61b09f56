package adaptertest_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/adaptertest"
	"github.com/livetables/livetables/adapter/memory"
	"github.com/livetables/livetables/lqp"
)

// liar is a correct adapter with one lie put in: it changes the query that is run, the rows that come, or more.
type liar struct {
	adapter.Adapter
	query  func(q lqp.Query) lqp.Query
	rows   func(r adapter.Rows, q *lqp.Query) adapter.Rows
	tables func(cat lqp.Catalog) lqp.Catalog
	close  func(n int) error
	closed int
}

func (l *liar) Scan(ctx context.Context, q *lqp.Query) (adapter.Rows, error) {
	run := q
	if l.query != nil {
		changed := l.query(*q)
		run = &changed
	}
	r, err := l.Adapter.Scan(ctx, run)
	if err == nil && l.rows != nil {
		r = l.rows(r, q)
	}
	return r, err
}

func (l *liar) Tables(ctx context.Context) (lqp.Catalog, error) {
	cat, err := l.Adapter.Tables(ctx)
	if err == nil && l.tables != nil {
		cat = l.tables(cat)
	}
	return cat, err
}

func (l *liar) Close() error {
	l.closed++
	if l.close != nil {
		return l.close(l.closed)
	}
	return l.Adapter.Close()
}

func (l *liar) harness() adaptertest.Harness {
	opts := memory.Options{Prover: memory.Everything}
	return adaptertest.Harness{
		Open: func(testing.TB) adapter.Adapter {
			fresh := *l
			fresh.Adapter = memory.New(nil, opts)
			return &fresh
		},
		Load: func(_ testing.TB, a adapter.Adapter, fixtures []*adaptertest.Fixture) {
			var tables []memory.Table
			for _, f := range fixtures {
				t := &lqp.Table{Name: f.Name, Path: []string{f.Name}, Kind: lqp.BaseTable, Key: f.Key, Uniques: f.Unique, ForeignKeys: f.ForeignKeys}
				for _, c := range f.Columns {
					t.Columns = append(t.Columns, lqp.Column{ID: c.Name, Name: c.Name, Type: c.Type})
				}
				tables = append(tables, memory.Table{Schema: t, Rows: f.Rows})
			}
			a.(*liar).Adapter = memory.New(tables, opts)
		},
		Random: 60, Seed: 1,
	}
}

// TestTheSuiteCatchesLies runs the suite over adapters that each tell one lie.
func TestTheSuiteCatchesLies(t *testing.T) {
	for name, c := range map[string]struct {
		liar    liar
		subject string // where it must be caught
	}{
		"negations drop rows with NULL":   {liar{query: threeValued}, "Operators"},
		"equality ignores case":           {liar{query: foldEquality}, "Operators"},
		"NULLs sort on the wrong side":    {liar{query: swapNulls}, "Sorting"},
		"pages are short":                 {liar{rows: shortPages}, "Keyset"},
		"sums are floats":                 {liar{rows: floatSums}, "Groups"},
		"the position is ignored":         {liar{query: forgetAfter}, "Keyset"},
		"the last sort key is ignored":    {liar{query: forgetKey}, "Sorting"},
		"NULL keys do not join":           {liar{query: strictJoins}, "Joins"},
		"left joins are inner":            {liar{query: innerJoins}, "Joins"},
		"AppendJSON differs":              {liar{rows: otherJSON}, "Rows"},
		"texts are trimmed":               {liar{rows: trimTexts}, "Rows"},
		"a promise of NOT NULL is broken": {liar{tables: promiseNotNull}, "Discovery"},
		"the key is wrong":                {liar{tables: otherKey}, "Discovery"},
		"closing twice fails":             {liar{close: closeOnce}, "Lifecycle"},
		"offset is ignored":               {liar{query: forgetOffset}, "Paging"},
		"errors end like results":         {liar{rows: swallowErrors}, "Cancellation"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRecorder(t)
			h := c.liar.harness()
			h.Only = []string{c.subject}
			r.Run("", func(s adaptertest.T) { adaptertest.RunT(s, h) })
			if !r.notes.in(c.subject) {
				t.Fatalf("not caught by %s; failures: %d %.300s", c.subject, len(r.notes.lines), strings.Join(r.notes.lines, "\n"))
			}
		})
	}
}

// TestTheSuiteBelievesTheTruth makes sure that the wrapper itself is not what is caught.
func TestTheSuiteBelievesTheTruth(t *testing.T) {
	r := newRecorder(t)
	r.Run("", func(s adaptertest.T) { adaptertest.RunT(s, (&liar{}).harness()) })
	if r.Failed() {
		t.Fatalf("failures: %.2000s", strings.Join(r.notes.lines, "\n"))
	}
}

// every rewrites all expressions of a query.
func every(q lqp.Query, f func(lqp.Expr) lqp.Expr) lqp.Query {
	q.Where = lqp.Rewrite(q.Where, f)
	q.Joins = append([]lqp.Join(nil), q.Joins...)
	for i := range q.Joins {
		q.Joins[i].On = lqp.Rewrite(q.Joins[i].On, f)
	}
	return q
}

func foldEquality(q lqp.Query) lqp.Query {
	return every(q, func(e lqp.Expr) lqp.Expr {
		c, ok := e.(*lqp.Call)
		if !ok || c.Func != "eq" || c.Args[0].Type().Kind != lqp.Text || c.Args[1].Type().Kind != lqp.Text {
			return e
		}
		return lqp.NewCall("eq", lqp.NewCall("lower", c.Args[0]), lqp.NewCall("lower", c.Args[1]))
	})
}

func strictJoins(q lqp.Query) lqp.Query {
	q.Joins = append([]lqp.Join(nil), q.Joins...)
	for i := range q.Joins {
		for _, c := range lqp.Columns(q.Joins[i].On) {
			q.Joins[i].On = lqp.And(q.Joins[i].On, lqp.NewCall("not", lqp.NewCall("is_null", c)))
		}
	}
	return q
}

func innerJoins(q lqp.Query) lqp.Query {
	q.Joins = append([]lqp.Join(nil), q.Joins...)
	for i := range q.Joins {
		q.Joins[i].Kind = lqp.Inner
	}
	return q
}

func swapNulls(q lqp.Query) lqp.Query {
	q.OrderBy = append([]lqp.Order(nil), q.OrderBy...)
	for i := range q.OrderBy {
		q.OrderBy[i].Nulls = lqp.NullsFirst + lqp.NullsLast - q.OrderBy[i].Nulls
	}
	return q
}

func forgetAfter(q lqp.Query) lqp.Query  { q.Page.After = nil; return q }
func forgetOffset(q lqp.Query) lqp.Query { q.Page.Offset = 0; return q }

func forgetKey(q lqp.Query) lqp.Query {
	if n := len(q.OrderBy); n > 1 && len(q.Page.After) == 0 {
		q.OrderBy = q.OrderBy[:n-1]
	}
	return q
}

// falseRows changes the rows of a correct adapter.
type falseRows struct {
	adapter.Rows
	q     *lqp.Query
	next  func(r *falseRows) bool
	value func(v lqp.Value, i int) lqp.Value
	err   func(error) error
	n     int
	json  bool // AppendJSON lies too
}

func (r *falseRows) Next() bool {
	if r.next != nil {
		return r.next(r)
	}
	return r.Rows.Next()
}

func (r *falseRows) Value(i int) lqp.Value {
	if r.value != nil {
		return r.value(r.Rows.Value(i), i)
	}
	return r.Rows.Value(i)
}

func (r *falseRows) AppendJSON(dst []byte, i int) []byte {
	if r.json {
		return append(dst, '0')
	}
	return r.Value(i).AppendJSON(dst)
}

func (r *falseRows) Err() error {
	if r.err != nil {
		return r.err(r.Rows.Err())
	}
	return r.Rows.Err()
}

// threeValued answers a negated condition like a database that compares in three values: rows with NULL are not there.
func threeValued(q lqp.Query) lqp.Query {
	c, ok := q.Where.(*lqp.Call)
	if !ok || c.Func != "not" && c.Func != "ne" {
		return q
	}
	for _, col := range lqp.Columns(c) {
		q.Where = lqp.And(q.Where, lqp.NewCall("not", lqp.NewCall("is_null", col)))
	}
	return q
}

func shortPages(r adapter.Rows, q *lqp.Query) adapter.Rows {
	return &falseRows{Rows: r, q: q, next: func(f *falseRows) bool {
		f.n++
		return f.Rows.Next() && (q.Page.Limit < 2 || f.n < q.Page.Limit)
	}}
}

func floatSums(r adapter.Rows, q *lqp.Query) adapter.Rows {
	return &falseRows{Rows: r, q: q, value: func(v lqp.Value, i int) lqp.Value {
		if len(q.Aggregates) == 0 || v.Kind() != lqp.Number {
			return v
		}
		d, ok := lqp.DecimalFromFloat(v.Decimal().Float())
		if !ok {
			return lqp.NullValue
		}
		return lqp.NumberValue(d)
	}}
}

func trimTexts(r adapter.Rows, q *lqp.Query) adapter.Rows {
	return &falseRows{Rows: r, q: q, value: func(v lqp.Value, _ int) lqp.Value {
		if v.Kind() == lqp.Text {
			return lqp.TextValue(strings.TrimRight(v.Text(), " "))
		}
		return v
	}}
}

func otherJSON(r adapter.Rows, q *lqp.Query) adapter.Rows {
	return &falseRows{Rows: r, q: q, json: true}
}

func swallowErrors(r adapter.Rows, q *lqp.Query) adapter.Rows {
	return &falseRows{Rows: r, q: q, err: func(error) error { return nil }}
}

func closeOnce(n int) error {
	if n > 1 {
		return errors.New("already closed")
	}
	return nil
}

func changeTables(cat lqp.Catalog, change func(t *lqp.Table)) lqp.Catalog {
	var out lqp.Catalog
	for _, t := range cat.Tables {
		cp := *t
		cp.Columns = append([]lqp.Column(nil), t.Columns...)
		change(&cp)
		out.Tables = append(out.Tables, &cp)
	}
	return out
}

func promiseNotNull(cat lqp.Catalog) lqp.Catalog {
	return changeTables(cat, func(t *lqp.Table) {
		for i := range t.Columns {
			t.Columns[i].Type.NotNull = true
		}
	})
}

func otherKey(cat lqp.Catalog) lqp.Catalog {
	return changeTables(cat, func(t *lqp.Table) { t.Key = []string{t.Columns[1].ID} })
}
