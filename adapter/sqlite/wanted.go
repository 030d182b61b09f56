package sqlite

import (
	"github.com/livetables/livetables/lqp"
)

// wantedColumn is a column whose bare form would let an index serve a query.
type wantedColumn struct {
	table  *lqp.Table
	column *lqp.Column
}

// wanted are the columns that are worth asking about: the keys of pages, in their order, and what joins compare.
type wanted struct {
	orders [][]wantedColumn
	joins  []wantedColumn
}

// wants collects them from all blocks of a query of a foreign file.
func (a *Adapter) wants(q *lqp.Query) (w wanted, any bool) {
	if !a.foreign {
		return w, false
	}
	w.block(q)
	return w, len(w.orders)+len(w.joins) > 0
}

func (w *wanted) block(q *lqp.Query) {
	if q.From.Query != nil {
		w.block(q.From.Query)
	}
	for i := range q.Joins {
		j := &q.Joins[i]
		if j.Source.Query != nil {
			w.block(j.Source.Query)
		}
		for _, x := range lqp.Conjuncts(j.On) {
			w.equality(q, x)
		}
	}
	if q.Page.Limit <= 0 || len(q.GroupBy)+len(q.Aggregates) > 0 {
		return
	}
	var keys []wantedColumn
	for i := range q.OrderBy {
		col, ok := baseColumn(q, q.OrderBy[i].Expr)
		if !ok || col.column.Native == nativeRowID {
			break // an index goes no further, or nothing is left to sort
		}
		keys = append(keys, col)
	}
	if len(keys) > 0 {
		w.orders = append(w.orders, keys)
	}
}

func (w *wanted) equality(q *lqp.Query, x lqp.Expr) {
	c, ok := x.(*lqp.Call)
	if !ok || c.Func != "eq" || len(c.Args) != 2 {
		return
	}
	a, okA := baseColumn(q, c.Args[0])
	b, okB := baseColumn(q, c.Args[1])
	if okA && okB {
		w.joins = append(w.joins, a, b)
	}
}

// baseColumn is the column of a table that an expression is.
func baseColumn(q *lqp.Query, x lqp.Expr) (col wantedColumn, ok bool) {
	c, ok := x.(*lqp.Col)
	if !ok || c.Source == "" {
		return col, false
	}
	find := func(s *lqp.Source) {
		if s.Alias == c.Source && s.Query == nil && s.Schema != nil && s.Schema.Kind == lqp.BaseTable && len(s.Schema.Path) == 1 {
			col.table, col.column = s.Schema, s.Schema.Column(c.Column)
		}
	}
	find(&q.From)
	for i := range q.Joins {
		find(&q.Joins[i].Source)
	}
	return col, col.column != nil
}
