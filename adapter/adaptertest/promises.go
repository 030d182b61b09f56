package adaptertest

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// promises takes an adapter by its word where it says that its rows come sorted: the engine then does not sort again, and
// reads the source in chunks, each continuing after the last row of the one before, with the sort keys added to the
// columns. Where the adapter promises nothing there is nothing to check.
func (s *suite) promises(t T) {
	filters := []lqp.Expr{nil, call("gt", ref("id"), whole(10)),
		call("regex_match", ref("s"), text(`^(a|A\b|\W)`)), // which hardly any source takes
		lqp.And(call("gt", ref("n"), whole(0)), call("eq", call("power", ref("n"), whole(2)), whole(4)))}
	kept := 0
	for n := range 8 {
		for i, where := range filters {
			q := &lqp.Query{From: s.from(walks, ""), Select: idOnly(), OrderBy: walkOrder(n), Where: where}
			t.Run(fmt.Sprintf("order %d filter %d", n, i), func(t T) {
				bound, err := s.bind(q)
				if err != nil {
					t.Fatalf("the suite's query does not bind: %v", err)
				}
				split := s.a.Plan(bound)
				if split.Page && !split.Sorted {
					t.Errorf("the plan takes the page of a query whose order it does not keep\n%s", s.describe(bound))
				}
				if split.Pushed == nil || !split.Sorted {
					return
				}
				kept++
				s.trust(t, bound, split)
			})
		}
	}
	if kept == 0 {
		t.Logf("the adapter never promises sorted rows")
	}
}

func (s *suite) trust(t T, q *lqp.Query, split adapter.Split) {
	want, ok := s.expect(t, q)
	if !ok {
		return
	}
	if len(split.Pushed.OrderBy) != len(q.OrderBy) {
		t.Errorf("the plan says Sorted and Pushed has %d of %d sort keys\n%s", len(split.Pushed.OrderBy), len(q.OrderBy), s.describe(q))
		return
	}
	rows, err := s.chunked(t, split.Pushed, 4)
	if err != nil {
		t.Errorf("read in chunks: %v\n%s", err, s.describe(q))
		return
	}
	var r lqp.RowReader = &rowsRead{rows: rows}
	if split.Residual != nil {
		if r, err = lqp.Run(ctxOf(t), split.Residual, readOnce{r}, lqp.RunOptions{Sorted: len(q.OrderBy)}); err != nil {
			t.Errorf("residual: %v\n%s", err, s.describe(q))
			return
		}
	}
	got, err := collect(r, q)
	if err != nil {
		t.Errorf("residual: %v\n%s", err, s.describe(q))
		return
	}
	if diff := difference(want, got, true); diff != "" {
		t.Errorf("trusting Split.Sorted, read in chunks of 4: %s\n%s", diff, s.describe(q))
	}
}

// chunked reads a sorted query in chunks, as the engine does.
func (s *suite) chunked(t T, pushed *lqp.Query, size int) (all [][]lqp.Value, err error) {
	q := *pushed
	q.Select = slices.Clone(q.Select)
	var keys []int
	for _, o := range q.OrderBy {
		at := slices.IndexFunc(q.Select, func(n lqp.Named) bool { return lqp.EqualExpr(n.Expr, o.Expr) })
		if at < 0 {
			at = len(q.Select)
			q.Select = append(q.Select, lqp.Named{Name: fmt.Sprintf("key %d", at), Expr: o.Expr})
		}
		keys = append(keys, at)
	}
	v := via{a: s.a, t: t, plan: s.a.Plan}
	for q.Page = (lqp.Page{Limit: size}); ; {
		r, err := v.scan(ctxOf(t), &q)
		if err != nil {
			return nil, err
		}
		n := len(all)
		for r.Next() {
			row := make([]lqp.Value, len(q.Select))
			for i := range row {
				row[i] = r.Value(i)
			}
			all = append(all, row)
		}
		if err := errors.Join(r.Err(), r.Close()); err != nil {
			return nil, err
		}
		if len(all)-n < size {
			return all, nil
		}
		if len(all) > 1000 {
			return nil, errors.New("chunks do not come to an end: a chunk does not begin after the one before")
		}
		last := all[len(all)-1]
		q.Page.After = make([]lqp.Value, len(keys))
		for i, at := range keys {
			q.Page.After[i] = last[at]
		}
	}
}

// rowsRead delivers rows that were read before.
type rowsRead struct {
	rows [][]lqp.Value
	at   int
}

func (r *rowsRead) Next() bool            { r.at++; return r.at <= len(r.rows) }
func (r *rowsRead) Value(i int) lqp.Value { return r.rows[r.at-1][i] }
func (r *rowsRead) Err() error            { return nil }
func (r *rowsRead) Close() error          { return nil }

// readOnce gives a residual query its one source.
type readOnce struct{ r lqp.RowReader }

func (o readOnce) Open(context.Context, *lqp.Source) (lqp.RowReader, error) { return o.r, nil }

func (o readOnce) Lookup(context.Context, *lqp.Source, []lqp.Expr, [][]lqp.Value) (lqp.RowReader, error) {
	return nil, lqp.ErrNoLookup
}
