package lqp

import "slices"

// Columns is the schema of a bound query's result, in output order. A column's ID and Name are its output name. A column
// that is passed through unchanged keeps what its source says of it: native type, collation and comment.
func (q *Query) Columns() []Column {
	cols := make([]Column, len(q.Select))
	known := map[string][]Column{}
	for i, n := range q.Select {
		cols[i] = Column{ID: n.Name, Name: n.Name, Type: n.Expr.Type()}
		if from := q.origin(n.Expr, known); from != nil {
			cols[i].Native, cols[i].Collation, cols[i].Comment = from.Native, from.Collation, from.Comment
		}
	}
	return cols
}

// origin is the source column that e passes through, nil for anything computed. known remembers the sources' columns.
func (q *Query) origin(e Expr, known map[string][]Column) *Column {
	c, ok := e.(*Col)
	if !ok {
		return nil
	}
	if c.Source == "" {
		for _, k := range q.GroupBy {
			if k.Name == c.Column {
				return q.origin(k.Expr, known)
			}
		}
		return nil
	}
	cols, ok := known[c.Source]
	if !ok {
		cols = q.sourceColumns(c.Source)
		known[c.Source] = cols
	}
	for i := range cols {
		if cols[i].ID == c.Column {
			return &cols[i]
		}
	}
	return nil
}

func (q *Query) sourceColumns(alias string) []Column {
	if q.From.Alias == alias {
		return q.From.Columns()
	}
	for i := range q.Joins {
		if q.Joins[i].Source.Alias == alias {
			return q.Joins[i].Source.Columns()
		}
	}
	return nil
}

// Grouped reports whether the block makes groups: it has group keys or aggregates.
func (q *Query) Grouped() bool { return len(q.GroupBy)+len(q.Aggregates) > 0 }

// Clone copies the block so that the copy's fields and the elements of its slices can be changed. Expressions, tables and
// nested queries are shared: they are immutable.
func (q *Query) Clone() *Query {
	c := *q
	c.Joins = slices.Clone(q.Joins)
	c.Compute = slices.Clone(q.Compute)
	c.GroupBy = slices.Clone(q.GroupBy)
	c.Aggregates = slices.Clone(q.Aggregates)
	c.Select = slices.Clone(q.Select)
	c.OrderBy = slices.Clone(q.OrderBy)
	c.Page.After = slices.Clone(q.Page.After)
	return &c
}

// MapExprs is a copy of the block in which f has replaced every expression; absent ones stay absent. Nested queries are
// left alone. f must keep an expression's type.
func (q *Query) MapExprs(f func(Expr) Expr) *Query {
	c := q.Clone()
	set := func(e *Expr) {
		if *e != nil {
			*e = f(*e)
		}
	}
	for i := range c.Joins {
		set(&c.Joins[i].On)
	}
	set(&c.Where)
	for _, named := range [][]Named{c.Compute, c.GroupBy, c.Select} {
		for i := range named {
			set(&named[i].Expr)
		}
	}
	for i := range c.Aggregates {
		set(&c.Aggregates[i].Arg)
		set(&c.Aggregates[i].Filter)
		order := slices.Clone(c.Aggregates[i].OrderBy)
		for j := range order {
			set(&order[j].Expr)
		}
		c.Aggregates[i].OrderBy = order
	}
	set(&c.Having)
	for i := range c.OrderBy {
		set(&c.OrderBy[i].Expr)
	}
	return c
}

// MapTables is a copy of a bound query in which f has replaced every source that is a table, in nested queries too. What
// f answers must have the alias of what it got and bring at least the columns that are used, under the same ids: a nested
// query names its outputs by the ids. f is not called for the sources in its answers. The first error ends the work.
func (q *Query) MapTables(f func(Source) (Source, error)) (*Query, error) {
	c := q.Clone()
	if err := mapTable(&c.From, f); err != nil {
		return nil, err
	}
	for i := range c.Joins {
		if err := mapTable(&c.Joins[i].Source, f); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func mapTable(s *Source, f func(Source) (Source, error)) error {
	var err error
	if s.Query != nil {
		s.Query, err = s.Query.MapTables(f)
	} else {
		*s, err = f(*s)
	}
	return err
}
