package livetables

import (
	"errors"
	"slices"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/internal/rewrite"
	"github.com/livetables/livetables/lqp"
)

// resumed are rows that go on in memory, behind the last one delivered, when a source meets a data error on its way: an
// overflow that only the thousandth row has, say. What a source cannot compute is never an answer, not even half of one.
type resumed struct {
	adapter.Rows
	plan *rewrite.Plan
	// again runs a plan with sources that only deliver rows; nil once it did.
	again func(*rewrite.Plan) (adapter.Rows, error)
	at    []int       // of the sort keys in a row
	last  []lqp.Value // sort keys of the row delivered last
	seen  int
	err   error
}

// resumable makes rows of a plan go on after a data error. Only an order that is total says where: other plans end with the
// error, unless it came before the first row.
func resumable(rows adapter.Rows, plan *rewrite.Plan, again func(*rewrite.Plan) (adapter.Rows, error)) adapter.Rows {
	if !plan.Total() || !computes(plan.Query()) {
		return rows
	}
	at := plan.SortKeys()
	return &resumed{Rows: rows, plan: plan, again: again, at: at, last: make([]lqp.Value, len(at))}
}

// Next implements adapter.Rows.
func (r *resumed) Next() bool {
	if r.err != nil {
		return false
	}
	if r.Rows.Next() {
		r.seen++
		for i, at := range r.at {
			r.last[i] = r.Rows.Value(at)
		}
		return true
	}
	if r.again == nil || !errors.Is(r.Rows.Err(), adapter.ErrData) {
		return false
	}
	page := r.plan.Query().Page
	if r.seen > 0 {
		page.After, page.Offset = slices.Clone(r.last), 0
	}
	if page.Limit > 0 {
		page.Limit -= r.seen
	}
	_ = r.Rows.Close() // its error was read by Err
	rows, err := r.again(r.plan.WithPage(page))
	r.again = nil
	if err != nil {
		r.err = err
		return false
	}
	r.Rows = rows
	return r.Rows.Next()
}

// Err implements adapter.Rows.
func (r *resumed) Err() error {
	if r.err != nil {
		return r.err
	}
	return r.Rows.Err()
}

// computes reports whether something of a query may fail at a source: anything but comparisons.
func computes(q *lqp.Query) bool {
	if len(q.Aggregates) > 0 {
		return true
	}
	exprs := []lqp.Expr{q.Where, q.Having}
	for _, n := range slices.Concat(q.GroupBy, q.Select) {
		exprs = append(exprs, n.Expr)
	}
	for _, o := range q.OrderBy {
		exprs = append(exprs, o.Expr)
	}
	nested := q.From.Query != nil && computes(q.From.Query)
	for i := range q.Joins {
		exprs = append(exprs, q.Joins[i].On)
		nested = nested || q.Joins[i].Source.Query != nil && computes(q.Joins[i].Source.Query)
	}
	return nested || slices.ContainsFunc(exprs, func(e lqp.Expr) (found bool) {
		lqp.Walk(e, func(e lqp.Expr) bool {
			if c, ok := e.(*lqp.Call); ok {
				found = found || !slices.Contains(comparing, c.Func)
			}
			return !found
		})
		return found
	})
}

// comparing are the functions that no value makes fail anywhere.
var comparing = []string{"and", "or", "not", "eq", "ne", "lt", "le", "gt", "ge", "in", "between", "is_null", "is_not_null"}
