package adaptertest_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/adaptertest"
	"github.com/livetables/livetables/adapter/memory"
	"github.com/livetables/livetables/lqp"
)

// liar is a correct adapter with one lie put in: it changes the query that is run, the rows that come, or more.
type liar struct {
	adapter.Adapter
	plan   func(q *lqp.Query) adapter.Split
	query  func(q lqp.Query) lqp.Query
	scan   func(ctx context.Context, q *lqp.Query) (context.Context, error)
	rows   func(r adapter.Rows, q *lqp.Query) adapter.Rows
	tables func(cat lqp.Catalog) lqp.Catalog
	close  func(n int) error
	closed int
}

func (l *liar) Plan(q *lqp.Query) adapter.Split {
	if l.plan != nil {
		return l.plan(q)
	}
	return l.Adapter.Plan(q)
}

func (l *liar) Scan(ctx context.Context, q *lqp.Query) (adapter.Rows, error) {
	if l.scan != nil {
		var err error
		if ctx, err = l.scan(ctx, q); err != nil {
			return nil, err
		}
	}
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
				tables = append(tables, memory.Table{Schema: f.Table(), Rows: f.Rows})
			}
			a.(*liar).Adapter = memory.New(tables, opts)
		},
		Facts:  adaptertest.Facts{Comments: true, Defaults: true, Views: true, Rows: true},
		Random: 60, Seed: 1, Patience: time.Second,
	}
}

// lie is one mutant and the subject of the suite that has to catch it.
type lie struct {
	name    string
	liar    liar
	subject string
}

// TestTheSuiteCatchesLies runs the suite over adapters that each tell one lie. The log names what caught each of them.
func TestTheSuiteCatchesLies(t *testing.T) {
	lies := append(append(append(append([]lie(nil), conditionLies...), orderLies...), groupLies...), append(valueLies, otherLies...)...)
	if len(lies) < 28 {
		t.Errorf("only %d lies", len(lies))
	}
	for _, l := range lies {
		t.Run(l.name, func(t *testing.T) {
			r := newRecorder(t)
			h := l.liar.harness()
			h.Only = []string{l.subject}
			r.Run("", func(s adaptertest.T) { adaptertest.RunT(s, h) })
			caught := r.notes.in(l.subject)
			if len(caught) == 0 {
				t.Fatalf("not caught by %s; failures: %d %.300s", l.subject, len(r.notes.lines), strings.Join(r.notes.lines, "\n"))
			}
			first, _, _ := strings.Cut(caught[0], "\n")
			t.Logf("caught by %s, %d times: %.200s", l.subject, len(caught), first)
		})
	}
}

// TestTheSuiteBelievesTheTruth makes sure that the wrapper itself is not what is caught, and that an adapter may do what is
// allowed: guess wrongly how many rows there are, deliver in an odd order where none is asked for, take less than it could.
func TestTheSuiteBelievesTheTruth(t *testing.T) {
	for name, honest := range map[string]liar{
		"nothing changed": {},
		"no estimates":    {tables: func(cat lqp.Catalog) lqp.Catalog { return changeTables(cat, func(t *lqp.Table) { t.Rows = -1 }) }},
		"scans only":      {plan: adapter.ScanOnly},
		"half of it":      {plan: memory.New(nil, memory.Options{Prover: memory.Coin(3)}).Plan},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRecorder(t)
			r.Run("", func(s adaptertest.T) { adaptertest.RunT(s, honest.harness()) })
			if r.Failed() {
				t.Fatalf("failures: %.2000s", strings.Join(r.notes.lines, "\n"))
			}
		})
	}
}

// every rewrites all expressions of a query, those of nested ones too.
func every(q lqp.Query, f func(lqp.Expr) lqp.Expr) lqp.Query {
	return *q.MapExprs(func(e lqp.Expr) lqp.Expr { return lqp.Rewrite(e, f) })
}

// calls rewrites the calls of a function.
func calls(fn string, change func(c *lqp.Call) lqp.Expr) func(lqp.Query) lqp.Query {
	return func(q lqp.Query) lqp.Query {
		return every(q, func(e lqp.Expr) lqp.Expr {
			if c, ok := e.(*lqp.Call); ok && c.Func == fn {
				return change(c)
			}
			return e
		})
	}
}

// call makes a call of literals with its type; one of columns, whose types nobody asks for here, stays without.
func call(fn string, args ...lqp.Expr) lqp.Expr {
	c := lqp.NewCall(fn, args...)
	bound, err := lqp.BindExpr(c, nil, lqp.Env{})
	if err != nil {
		return c
	}
	return bound
}

func textLit(s string) lqp.Expr { return lqp.Literal(lqp.TextValue(s)) }

func isText(e lqp.Expr) bool { return e.Type().Kind == lqp.Text }

// falseRows changes the rows of a correct adapter.
type falseRows struct {
	adapter.Rows
	q     *lqp.Query
	next  func(r *falseRows) bool
	value func(v lqp.Value, i int) lqp.Value
	err   func(error) error
	close func(r *falseRows) error
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

func (r *falseRows) Close() error {
	if r.close != nil {
		return r.close(r)
	}
	return r.Rows.Close()
}

// values makes a lie about every value; q says what is asked.
func values(change func(q *lqp.Query, v lqp.Value, i int) lqp.Value) func(adapter.Rows, *lqp.Query) adapter.Rows {
	return func(r adapter.Rows, q *lqp.Query) adapter.Rows {
		return &falseRows{Rows: r, q: q, value: func(v lqp.Value, i int) lqp.Value { return change(q, v, i) }}
	}
}

// aggregated makes a lie about the values of one aggregate function.
func aggregated(fn string, change func(v lqp.Value) lqp.Value) func(adapter.Rows, *lqp.Query) adapter.Rows {
	return values(func(q *lqp.Query, v lqp.Value, i int) lqp.Value {
		c, ok := q.Select[i].Expr.(*lqp.Col)
		for _, a := range q.Aggregates {
			if ok && a.Func == fn && a.Name == c.Column {
				return change(v)
			}
		}
		return v
	})
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

// discovered makes a lie about every table.
func discovered(change func(t *lqp.Table)) liar {
	return liar{tables: func(cat lqp.Catalog) lqp.Catalog { return changeTables(cat, change) }}
}

var errLie = fmt.Errorf("a lie")
