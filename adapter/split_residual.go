package adapter

import (
	"strconv"

	"github.com/livetables/livetables/lqp"
)

// pushedAlias is the name of the pushed query in the residual one.
const pushedAlias = "pushed"

// finish builds the pushed block and the residual one on top of it.
func (s *splitter) finish() Split {
	q := s.q
	out := Split{Sorted: s.sortPushed, Page: s.pagePushed, Notes: s.notes}
	pushed := &lqp.Query{From: q.From, Joins: q.Joins, Where: lqp.And(s.where...), TimeZone: q.TimeZone}
	if s.groupPushed {
		pushed.GroupBy, pushed.Aggregates, pushed.Having = q.GroupBy, q.Aggregates, lqp.And(s.having...)
	}
	if s.sortPushed {
		pushed.OrderBy = q.OrderBy
	}
	switch {
	case s.pagePushed:
		pushed.Page = q.Page
	case s.afterPushed:
		pushed.Page.After = q.Page.After
	}

	if s.pagePushed && (!s.grouped || s.groupPushed) && plain(q.Select) {
		pushed.Select, pushed.Count = q.Select, q.Count
		out.Pushed, out.Notes = pushed, s.columnNotes(false)
		return out
	}

	c := columnMap{single: len(q.Joins) == 0, names: map[colKey]string{}, taken: map[string]bool{}, pushed: pushed}
	residual := &lqp.Query{From: lqp.Source{Query: pushed, Alias: pushedAlias}, TimeZone: q.TimeZone, Count: q.Count}
	switch {
	case !s.grouped:
		residual.Where = c.expr(lqp.And(s.whereLeft...))
	case s.groupPushed:
		residual.Where = c.expr(lqp.And(s.havingLeft...))
	default:
		residual.Where = c.expr(lqp.And(s.whereLeft...))
		residual.GroupBy = c.all(q.GroupBy)
		residual.Aggregates = make([]lqp.Aggregate, len(q.Aggregates))
		for i, a := range q.Aggregates {
			a.Arg, a.Filter = c.expr(a.Arg), c.expr(a.Filter)
			a.OrderBy = c.order(a.OrderBy)
			residual.Aggregates[i] = a
		}
		c.groups = true // from here on names without a source are groups of the residual itself
		residual.Having = q.Having
	}
	residual.Select = c.all(q.Select)
	if !s.pagePushed {
		residual.Page = q.Page
		residual.OrderBy = c.order(q.OrderBy)
	}
	out.Pushed, out.Residual, out.Notes = pushed, residual, s.columnNotes(true)
	return out
}

// plain reports that every output is a column, a group key or an aggregate.
func plain(sel []lqp.Named) bool {
	for i := range sel {
		if _, ok := sel[i].Expr.(*lqp.Col); !ok {
			return false
		}
	}
	return true
}

// columnNotes adds a note for every formula that is computed after the fetch.
func (s *splitter) columnNotes(residual bool) []Note {
	if residual {
		for i := range s.q.Select {
			if _, ok := s.q.Select[i].Expr.(*lqp.Col); !ok {
				s.note("column", s.q.Select[i].Name, InMemory, "formulas that are only shown are computed in memory")
			}
		}
	}
	return s.notes
}

type colKey struct{ source, column string }

// columnMap collects the columns that the residual needs as outputs of the pushed query and rewrites references to them.
type columnMap struct {
	single bool // one source: its columns keep their ids as names
	names  map[colKey]string
	taken  map[string]bool
	pushed *lqp.Query
	groups bool // references without a source stay as they are
}

func (m *columnMap) all(named []lqp.Named) []lqp.Named {
	out := make([]lqp.Named, len(named))
	for i, n := range named {
		out[i] = lqp.Named{Name: n.Name, Expr: m.expr(n.Expr)}
	}
	return out
}

func (m *columnMap) order(keys []lqp.Order) []lqp.Order {
	out := make([]lqp.Order, len(keys))
	for i, o := range keys {
		o.Expr = m.expr(o.Expr)
		out[i] = o
	}
	return out
}

func (m *columnMap) expr(e lqp.Expr) lqp.Expr {
	return lqp.Rewrite(e, func(n lqp.Expr) lqp.Expr {
		c, ok := n.(*lqp.Col)
		if !ok || c.Source == "" && m.groups {
			return n
		}
		return lqp.TypedRef(pushedAlias, m.name(c), c.Type())
	})
}

// name is the name of the pushed output that holds c.
func (m *columnMap) name(c *lqp.Col) string {
	key := colKey{c.Source, c.Column}
	if n, ok := m.names[key]; ok {
		return n
	}
	base := c.Column
	if !m.single && c.Source != "" {
		base = c.Source + "." + c.Column
	}
	n := base
	for i := 2; m.taken[n]; i++ {
		n = base + "_" + strconv.Itoa(i)
	}
	m.taken[n], m.names[key] = true, n
	m.pushed.Select = append(m.pushed.Select, lqp.Named{Name: n, Expr: c})
	return n
}
