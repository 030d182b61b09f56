package lqp

import "strings"

// Builder puts a query together in Go. Its methods change it and answer with it; they take what a user's query may hold and
// check nothing: [Bind] does, with all problems at once. The zero Builder is not valid, [From] makes one. A Builder is used
// by one goroutine.
type Builder struct{ q Query }

// From begins a query over a table of the mini-DB. A Source in full, such as a table of a connection or a nested query,
// is for [FromSource].
func From(table string) *Builder { return FromSource(Source{Table: table}) }

// FromSource begins a query over a source.
func FromSource(s Source) *Builder { return &Builder{Query{From: s}} }

// Join adds a source and the condition of its pairs.
func (b *Builder) Join(kind JoinKind, s Source, on Expr) *Builder {
	b.q.Joins = append(b.q.Joins, Join{Kind: kind, Source: s, On: on})
	return b
}

// Filter adds conditions that must hold as well.
func (b *Builder) Filter(conditions ...Expr) *Builder {
	b.q.Where = And(append([]Expr{b.q.Where}, conditions...)...)
	return b
}

// Compute adds a computed column.
func (b *Builder) Compute(name string, e Expr) *Builder {
	b.q.Compute = append(b.q.Compute, Named{name, e})
	return b
}

// GroupBy adds columns as group keys.
func (b *Builder) GroupBy(columns ...string) *Builder {
	for _, c := range columns {
		b.q.GroupBy = append(b.q.GroupBy, Named{Expr: Ref("", c)})
	}
	return b
}

// GroupByExpr adds an expression as a group key.
func (b *Builder) GroupByExpr(name string, e Expr) *Builder {
	b.q.GroupBy = append(b.q.GroupBy, Named{name, e})
	return b
}

// Aggregate adds a function over the rows of each group; arg is nil for countall.
func (b *Builder) Aggregate(name, fn string, arg Expr) *Builder {
	b.q.Aggregates = append(b.q.Aggregates, Aggregate{Name: name, Func: fn, Arg: arg})
	return b
}

// Having adds conditions on the groups.
func (b *Builder) Having(conditions ...Expr) *Builder {
	b.q.Having = And(append([]Expr{b.q.Having}, conditions...)...)
	return b
}

// Columns adds output columns by name.
func (b *Builder) Columns(names ...string) *Builder {
	for _, n := range names {
		b.q.Select = append(b.q.Select, Named{Expr: Ref("", n)})
	}
	return b
}

// Column adds an output column.
func (b *Builder) Column(name string, e Expr) *Builder {
	b.q.Select = append(b.q.Select, Named{name, e})
	return b
}

// Sort adds sort keys by column name, descending with a minus in front: "-total".
func (b *Builder) Sort(columns ...string) *Builder {
	for _, c := range columns {
		name, desc := strings.CutPrefix(c, "-")
		b.q.OrderBy = append(b.q.OrderBy, Order{Expr: Ref("", name), Desc: desc})
	}
	return b
}

// SortBy adds a sort key.
func (b *Builder) SortBy(o Order) *Builder {
	b.q.OrderBy = append(b.q.OrderBy, o)
	return b
}

// Limit bounds the count of rows.
func (b *Builder) Limit(rows int) *Builder {
	b.q.Page.Limit = rows
	return b
}

// Query is the query so far; later calls of the builder's methods do not change it.
func (b *Builder) Query() *Query { return b.q.Clone() }
