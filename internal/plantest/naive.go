package plantest

import (
	"slices"

	"github.com/livetables/livetables/lqp"
)

// relation is rows with the names of their columns.
type relation struct {
	cols []column
	rows [][]lqp.Value
}

type column struct{ source, id string }

// Answer is the answer of a bound query by the definition of every clause, rows in the order of arrival where OrderBy does
// not decide. It panics on queries that are not bound.
func Answer(q *lqp.Query, rows func(s *lqp.Source) [][]lqp.Value) [][]lqp.Value {
	rel := source(&q.From, rows)
	for i := range q.Joins {
		rel = join(rel, source(&q.Joins[i].Source, rows), &q.Joins[i])
	}
	rel = filter(rel, q.Where)
	if q.Grouped() {
		rel = filter(group(rel, q), q.Having)
	}
	rel = page(sorted(rel, q), q)
	out := [][]lqp.Value{}
	project := rel.each(len(q.Select), func(i int) lqp.Expr { return q.Select[i].Expr })
	for _, r := range rel.rows {
		out = append(out, project(r))
	}
	return out
}

func source(s *lqp.Source, rows func(s *lqp.Source) [][]lqp.Value) relation {
	var rel relation
	for _, c := range s.Columns() {
		rel.cols = append(rel.cols, column{s.Alias, c.ID})
	}
	if s.Query != nil {
		rel.rows = Answer(s.Query, rows)
	} else {
		rel.rows = rows(s)
	}
	return rel
}

// of is an expression as a function of the relation's rows; nil is the predicate that always holds.
func (rel relation) of(e lqp.Expr) func(row []lqp.Value) lqp.Value {
	if e == nil {
		return func([]lqp.Value) lqp.Value { return lqp.BoolValue(true) }
	}
	resolved, err := lqp.Resolve(e, func(c *lqp.Col) (int, error) {
		at := slices.Index(rel.cols, column{c.Source, c.Column})
		if at < 0 {
			panic("plantest: no column " + c.Source + "." + c.Column)
		}
		return at, nil
	})
	if err != nil {
		panic(err)
	}
	return func(row []lqp.Value) lqp.Value { return lqp.Eval(resolved, row) }
}

// each are several expressions as one function.
func (rel relation) each(n int, e func(i int) lqp.Expr) func(row []lqp.Value) []lqp.Value {
	fs := make([]func([]lqp.Value) lqp.Value, n)
	for i := range fs {
		fs[i] = rel.of(e(i))
	}
	return func(row []lqp.Value) []lqp.Value {
		out := make([]lqp.Value, n)
		for i, f := range fs {
			out[i] = f(row)
		}
		return out
	}
}

func join(left, right relation, j *lqp.Join) relation {
	out := relation{cols: slices.Concat(left.cols, right.cols)}
	matched := make([]bool, len(right.rows))
	on := out.of(j.On)
	for _, l := range left.rows {
		hit := false
		for i, r := range right.rows {
			if row := slices.Concat(l, r); lqp.Truth(on(row)) {
				out.rows = append(out.rows, row)
				hit, matched[i] = true, true
			}
		}
		if !hit && (j.Kind == lqp.Left || j.Kind == lqp.Full) {
			out.rows = append(out.rows, slices.Concat(l, make([]lqp.Value, len(right.cols))))
		}
	}
	if j.Kind == lqp.Right || j.Kind == lqp.Full {
		for i, r := range right.rows {
			if !matched[i] {
				out.rows = append(out.rows, slices.Concat(make([]lqp.Value, len(left.cols)), r))
			}
		}
	}
	return out
}

func filter(rel relation, e lqp.Expr) relation {
	out := relation{cols: rel.cols}
	holds := rel.of(e)
	for _, r := range rel.rows {
		if lqp.Truth(holds(r)) {
			out.rows = append(out.rows, r)
		}
	}
	return out
}

func group(rel relation, q *lqp.Query) relation {
	var out relation
	for _, k := range q.GroupBy {
		out.cols = append(out.cols, column{"", k.Name})
	}
	for _, a := range q.Aggregates {
		out.cols = append(out.cols, column{"", a.Name})
	}
	var keys, members [][][]lqp.Value // one element for each group; keys has one row each
	keyOf := rel.each(len(q.GroupBy), func(i int) lqp.Expr { return q.GroupBy[i].Expr })
	for _, r := range rel.rows {
		key := keyOf(r)
		at := slices.IndexFunc(keys, func(k [][]lqp.Value) bool { return slices.EqualFunc(k[0], key, lqp.Equal) })
		if at < 0 {
			at = len(keys)
			keys, members = append(keys, [][]lqp.Value{key}), append(members, nil)
		}
		members[at] = append(members[at], r)
	}
	if len(q.GroupBy) == 0 && len(keys) == 0 {
		keys, members = [][][]lqp.Value{{{}}}, [][][]lqp.Value{nil}
	}
	for i := range keys {
		row := slices.Clone(keys[i][0])
		for _, a := range q.Aggregates {
			var vals []lqp.Value
			holds, arg := rel.of(a.Filter), rel.of(a.Arg)
			for _, r := range ordered(rel, members[i], a.OrderBy) {
				if lqp.Truth(holds(r)) {
					vals = append(vals, arg(r))
				}
			}
			row = append(row, aggregate(a.Func, vals, a.Arg != nil && a.Arg.Type().Kind == lqp.Float))
		}
		out.rows = append(out.rows, row)
	}
	return out
}

// ordered is the rows of a group in the order in which a function sees them that depends on it.
func ordered(rel relation, rows [][]lqp.Value, order []lqp.Order) [][]lqp.Value {
	keysOf := rel.each(len(order), func(i int) lqp.Expr { return order[i].Expr })
	rows = slices.Clone(rows)
	slices.SortStableFunc(rows, func(a, b []lqp.Value) int { return compare(order, slices.Clone(keysOf(a)), keysOf(b)) })
	return rows
}

// sorted sorts, and keeps the rows after Page.After.
func sorted(rel relation, q *lqp.Query) relation {
	if len(q.OrderBy) == 0 {
		return rel
	}
	type keyed struct{ keys, row []lqp.Value }
	var all []keyed
	keysOf := rel.each(len(q.OrderBy), func(i int) lqp.Expr { return q.OrderBy[i].Expr })
	for _, r := range rel.rows {
		all = append(all, keyed{keysOf(r), r})
	}
	slices.SortStableFunc(all, func(a, b keyed) int { return compare(q.OrderBy, a.keys, b.keys) })
	out := relation{cols: rel.cols}
	for _, k := range all {
		if len(q.Page.After) == 0 || compare(q.OrderBy, k.keys, q.Page.After) > 0 {
			out.rows = append(out.rows, k.row)
		}
	}
	return out
}

func compare(order []lqp.Order, a, b []lqp.Value) int {
	for i, o := range order {
		c := lqp.CompareSort(a[i], b[i]) // NULL is the smallest
		if o.Whole {
			c = lqp.Compare(a[i], b[i])
		}
		if o.Whole {
			c = lqp.Compare(a[i], b[i])
		}
		one := a[i].IsNull() != b[i].IsNull()
		switch {
		case c == 0:
			continue
		case one && o.Nulls == lqp.NullsFirst:
			return c
		case one:
			return -c
		case o.Desc:
			return -c
		}
		return c
	}
	return 0
}

func page(rel relation, q *lqp.Query) relation {
	rel.rows = rel.rows[min(q.Page.Offset, len(rel.rows)):]
	if q.Page.Limit > 0 {
		rel.rows = rel.rows[:min(q.Page.Limit, len(rel.rows))]
	}
	return rel
}
