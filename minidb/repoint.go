package minidb

import (
	"slices"

	"github.com/livetables/livetables/lqp"
)

// repointed is the query with other ids in the place of those of tables, views and columns of the mini-DB. What is not in
// ids stays.
func repointed(q *lqp.Query, ids map[string]string) *lqp.Query {
	c := *q
	repointSource(&c.From, ids)
	c.Joins = slices.Clone(q.Joins)
	for i := range c.Joins {
		repointSource(&c.Joins[i].Source, ids)
		c.Joins[i].On = renamed(c.Joins[i].On, ids)
	}
	c.Where, c.Having = renamed(q.Where, ids), renamed(q.Having, ids)
	c.Compute, c.GroupBy, c.Select = renamedAll(q.Compute, ids), renamedAll(q.GroupBy, ids), renamedAll(q.Select, ids)
	c.Aggregates = slices.Clone(q.Aggregates)
	for i := range c.Aggregates {
		a := &c.Aggregates[i]
		a.Arg, a.Filter = renamed(a.Arg, ids), renamed(a.Filter, ids)
	}
	c.OrderBy = slices.Clone(q.OrderBy)
	for i := range c.OrderBy {
		c.OrderBy[i].Expr = renamed(c.OrderBy[i].Expr, ids)
	}
	return &c
}

// repointSource changes what a source reads. A source without an alias goes by its table's name, which is the id.
func repointSource(s *lqp.Source, ids map[string]string) {
	if s.Query != nil {
		s.Query = repointed(s.Query, ids)
	}
	if s.Connection == "" {
		s.Table = other(s.Table, ids)
	}
	s.Alias = other(s.Alias, ids)
}

func other(id string, ids map[string]string) string {
	if now, ok := ids[id]; ok {
		return now
	}
	return id
}

func renamed(e lqp.Expr, ids map[string]string) lqp.Expr {
	if e == nil {
		return nil
	}
	return lqp.Rewrite(e, func(e lqp.Expr) lqp.Expr {
		if c, ok := e.(*lqp.Col); ok {
			return lqp.Ref(other(c.Source, ids), other(c.Column, ids))
		}
		return e
	})
}

func renamedAll(list []lqp.Named, ids map[string]string) []lqp.Named {
	list = slices.Clone(list)
	for i := range list {
		list[i].Expr = renamed(list[i].Expr, ids)
	}
	return list
}
