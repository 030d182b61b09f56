package rewrite

import (
	"slices"

	"github.com/livetables/livetables/lqp"
)

// Manual is the name under which a query sorts by the order that people gave the rows of a table of the mini-DB. It is no
// column: what it sorts by is shown nowhere and compared with nothing, since it would tell of the rows between two others.
const Manual = "_order"

// rowID is the built-in column of the mini-DB that rows lie in the order of until they are moved.
const rowID = "_id"

// markManual replaces sort keys called Manual by marked ones of the row id, which Bind resolves like any other. Blocks whose
// rows are not those of a table keep them, and Bind finds no such column.
func markManual(q *lqp.Query) *lqp.Query {
	if q == nil {
		return nil
	}
	c := *q
	c.From.Query = markManual(q.From.Query)
	c.Joins = slices.Clone(q.Joins)
	for i := range c.Joins {
		c.Joins[i].Source.Query = markManual(q.Joins[i].Source.Query)
	}
	if q.From.Query != nil || q.From.Connection != "" || q.Grouped() || joinsOuter(q) {
		return &c
	}
	c.OrderBy = slices.Clone(q.OrderBy)
	for i := range c.OrderBy {
		o := &c.OrderBy[i]
		col, ok := o.Expr.(*lqp.Col)
		if !ok || col.Column != Manual || col.Source != "" && col.Source != q.From.Alias {
			continue
		}
		source := q.From.Alias
		if source == "" && len(q.Joins) == 0 {
			source = col.Source
		}
		o.Expr, o.Manual = lqp.Ref(source, rowID), true
	}
	return &c
}

// joinsOuter reports joins that keep rows without their left side, before which the left side is a query of its own.
func joinsOuter(q *lqp.Query) bool {
	return slices.ContainsFunc(q.Joins, func(j lqp.Join) bool { return j.Kind == lqp.Right || j.Kind == lqp.Full })
}

// placeManual puts what manual order is kept in into the marked sort keys of a bound query: the place that a row was given,
// else its id. A table without places is in the order of its row ids.
func placeManual(q *lqp.Query) *lqp.Query {
	if q == nil {
		return nil
	}
	c := *q
	c.From.Query = placeManual(q.From.Query)
	c.Joins = slices.Clone(q.Joins)
	for i := range c.Joins {
		c.Joins[i].Source.Query = placeManual(q.Joins[i].Source.Query)
	}
	c.OrderBy = slices.Clone(q.OrderBy)
	for i := range c.OrderBy {
		o := &c.OrderBy[i]
		id, ok := o.Expr.(*lqp.Col)
		if !o.Manual || !ok || q.From.Schema == nil || q.From.Schema.Place == nil || id.Source != q.From.Alias || joinsOuter(q) {
			continue
		}
		place := q.From.Schema.Place
		o.Expr = lqp.NewCall("coalesce", lqp.TypedRef(id.Source, place.ID, place.Type), id)
	}
	return &c
}

// withPlace is the schema of a source whose rows are sorted by their places. No other source has the places among its columns.
func withPlace(src *lqp.Source, order []lqp.Order) {
	t := src.Schema
	if t == nil || t.Place == nil {
		return
	}
	sorts := slices.ContainsFunc(order, func(o lqp.Order) bool {
		return slices.ContainsFunc(lqp.Columns(o.Expr), func(c *lqp.Col) bool { return c.Source == src.Alias && c.Column == t.Place.ID })
	})
	if sorts {
		whole := *t
		whole.Columns = append(slices.Clone(t.Columns), *t.Place)
		src.Schema = &whole
	}
}
