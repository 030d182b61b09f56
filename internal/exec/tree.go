package exec

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/internal/rewrite"
	"github.com/livetables/livetables/lqp"
)

// Adapters finds the open adapter of a connection; the empty connection is the mini-DB.
type Adapters func(ctx context.Context, connection string) (adapter.Adapter, error)

// Tree is a plan divided among its sources. Build makes it; it may be run once or several times, one after the other.
type Tree struct {
	plan  *rewrite.Plan
	whole *part // the plan belongs to one connection, which takes it as one query
	// top is the part of the plan that spans connections; its sources are nested queries, each a part.
	top   *lqp.Query
	parts map[*lqp.Query]*part
	order []*part // the parts in the order of the plan
	// sorted is how many leading sort keys of the plan the first part delivers its rows in the order of.
	sorted  int
	mode    Mode
	free    bool     // rows are not counted as work here
	watched *watched // whole is run for rows without long keys only, nil for all
}

// part is a query on one connection, split between the source and us.
type part struct {
	connection string
	adapter    adapter.Adapter
	query      *lqp.Query
	split      adapter.Split
	lookups    bool  // found by key in batches instead of being read whole
	first      bool  // the first source of its block: read while others are asked
	early      bool  // the reader will probably stop before the end
	want       int   // rows that the reader will probably take at least when early, 0 for unknown
	of         *part // the part of the tree that this one reads some rows of, nil for itself
	ties       *part // rows at the cursor's position, read before the part's own, nil for none
}

// Mode says how much of a plan the sources may be given.
type Mode uint8

const (
	// Pushdown gives every source what it answers exactly.
	Pushdown Mode = iota
	// ScansOnly asks sources for whole tables and does everything else in memory: for a query whose pushed form met a
	// data error, and for comparing the two.
	ScansOnly
)

// Build divides a plan. It asks adapters for their split but runs nothing.
func Build(ctx context.Context, plan *rewrite.Plan, adapters Adapters, mode Mode) (*Tree, error) {
	q := plan.Query()
	if q == nil {
		return nil, errors.New("exec: empty plan")
	}
	b := &builder{ctx: ctx, adapters: adapters, mode: mode, open: map[string]adapter.Adapter{}}
	t := &Tree{plan: plan, parts: map[*lqp.Query]*part{}, mode: mode}
	p, w, err := b.watch(q)
	if p == nil && err == nil {
		p, err = b.whole(q)
	}
	if err != nil {
		return nil, err
	}
	if p != nil {
		t.whole, t.order, t.watched = p, []*part{p}, w
		return t, nil
	}
	t.top, err = b.divide(q, t, true)
	return t, err
}

type builder struct {
	ctx      context.Context
	adapters Adapters
	mode     Mode
	open     map[string]adapter.Adapter
}

func (b *builder) adapter(connection string) (adapter.Adapter, error) {
	if a, ok := b.open[connection]; ok {
		return a, nil
	}
	a, err := b.adapters(b.ctx, connection)
	if err != nil {
		return nil, err
	}
	b.open[connection] = a
	return a, nil
}

// whole makes one part of a query all of whose sources are on one connection, nil when it spans several or the adapter
// cannot take the combination.
func (b *builder) whole(q *lqp.Query) (*part, error) {
	conns := connections(q, nil)
	if len(conns) != 1 {
		return nil, nil
	}
	a, err := b.adapter(conns[0])
	if err != nil {
		return nil, err
	}
	var split adapter.Split
	switch {
	case b.mode == Pushdown:
		split = a.Plan(q)
	case len(q.Joins) == 0 && q.From.Query == nil:
		split = adapter.ScanOnly(q)
	}
	if split.Pushed == nil {
		return nil, nil
	}
	return &part{connection: conns[0], adapter: a, query: q, split: split}, nil
}

// connections lists the connections that a query and its nested queries read, each once.
func connections(q *lqp.Query, seen []string) []string {
	seen = sourceConnections(&q.From, seen)
	for i := range q.Joins {
		seen = sourceConnections(&q.Joins[i].Source, seen)
	}
	return seen
}

func sourceConnections(s *lqp.Source, seen []string) []string {
	if s.Query != nil {
		return connections(s.Query, seen)
	}
	if !slices.Contains(seen, s.Connection) {
		seen = append(seen, s.Connection)
	}
	return seen
}

// divide cuts a block that no single source can take into one part for each source and the block over them. Every
// conjunct of the filter that speaks of one source goes down into its part, unless the source is the nullable side of a join.
func (b *builder) divide(q *lqp.Query, t *Tree, top bool) (*lqp.Query, error) {
	c := *q
	c.Joins = slices.Clone(q.Joins)
	outer := slices.ContainsFunc(q.Joins, func(j lqp.Join) bool { return j.Kind == lqp.Right || j.Kind == lqp.Full })

	conjuncts := lqp.Conjuncts(q.Where)
	take := func(alias string) (taken lqp.Expr) {
		var rest []lqp.Expr
		for _, e := range conjuncts {
			if onlyOf(e, alias) {
				taken = lqp.And(taken, e)
			} else {
				rest = append(rest, e)
			}
		}
		conjuncts = rest
		return taken
	}
	used := usedColumns(q)

	var filter lqp.Expr
	if !outer {
		filter = take(q.From.Alias)
	}
	sub := subquery(&q.From, filter, used, q.TimeZone)
	p := (*part)(nil)
	if top && !outer {
		var err error
		if p, err = b.inOrder(sub, q); err != nil {
			return nil, err
		}
	}
	if p != nil {
		t.sorted = len(p.query.OrderBy)
		t.add(&c.From, p)
	} else {
		var err error
		if p, err = b.source(&c.From, sub, t); err != nil {
			return nil, err
		}
	}
	left := unknown
	if p != nil {
		p.first = true
		left = p.estimate()
		if limit := int64(q.Page.Limit); p.early && (left < 0 || left > limit) {
			left = limit
		}
	}
	for i := range c.Joins {
		j := &c.Joins[i]
		var filter lqp.Expr
		if j.Kind == lqp.Inner && !outer {
			filter = take(j.Source.Alias)
		}
		if j.Kind == lqp.Inner || j.Kind == lqp.Left {
			// What the condition asks of the right side alone may be asked before joining.
			var on []lqp.Expr
			for _, e := range lqp.Conjuncts(j.On) {
				if onlyOf(e, j.Source.Alias) {
					filter = lqp.And(filter, e)
				} else {
					on = append(on, e)
				}
			}
			j.On = lqp.And(on...)
		}
		p, err := b.source(&j.Source, subquery(&j.Source, filter, used, q.TimeZone), t)
		if err != nil {
			return nil, err
		}
		if p != nil && (j.Kind == lqp.Inner || j.Kind == lqp.Left) {
			// What a source could not compute it must not be asked with keys either.
			p.lookups = (b.mode == Pushdown || p.query.Where == nil) && worthLookups(p, j, left)
		}
	}
	c.Where = lqp.And(conjuncts...)
	return &c, nil
}

// inOrder makes the first source of a block a part that delivers its rows in the order of those leading sort keys which it
// decides alone, nil when it cannot. The joins keep the order of their left side, so rows stream in the order of the
// answer and the page may stop early.
func (b *builder) inOrder(sub, q *lqp.Query) (*part, error) {
	keys := leading(q.OrderBy, q.From.Alias)
	if keys == 0 || q.Grouped() {
		return nil, nil
	}
	sub = sub.Clone()
	sub.OrderBy = q.OrderBy[:keys]
	for _, o := range sub.OrderBy {
		if !slices.ContainsFunc(sub.Select, func(n lqp.Named) bool { return lqp.EqualExpr(n.Expr, o.Expr) }) {
			sub.Select = append(sub.Select, lqp.Named{Name: fmt.Sprintf("\x00order%d", len(sub.Select)), Expr: o.Expr})
		}
	}
	if len(q.Page.After) > 0 {
		sub.Page.After = q.Page.After[:keys]
	}
	p, err := b.whole(sub)
	if p == nil || err != nil || !p.inOrder() {
		return nil, err
	}
	p.early, p.want = q.Page.Limit > 0, q.Page.Limit+q.Page.Offset
	if len(sub.Page.After) > 0 && keys < len(q.OrderBy) {
		// Rows that agree with the position in these keys may still come after it by the others.
		if p.ties, err = b.tied(sub); p.ties == nil {
			return nil, err
		}
		p.ties.of = p
	}
	return p, nil
}

// source replaces a source of a divided block by the nested query sub over it. When no source takes that whole, the nested
// query inside it is a part or is divided in turn, and there is no part to answer with.
func (b *builder) source(s *lqp.Source, sub *lqp.Query, t *Tree) (*part, error) {
	p, err := b.whole(sub)
	if err != nil {
		return nil, err
	}
	if p != nil {
		t.add(s, p)
		return p, nil
	}
	if s.Query == nil {
		return nil, fmt.Errorf("exec: connection %q cannot read %s: %w", s.Connection, s.Alias, adapter.ErrUnsupported)
	}
	inner := s.Query
	if p, err = b.whole(inner); err != nil {
		return nil, err
	}
	if p != nil {
		p.first = true
		t.parts[inner] = p
		t.order = append(t.order, p)
	} else if inner, err = b.divide(inner, t, false); err != nil {
		return nil, err
	}
	sub.From.Query = inner
	s.Query = sub
	return nil, nil
}

// add puts a part in the place of a source.
func (t *Tree) add(s *lqp.Source, p *part) {
	*s = lqp.Source{Alias: s.Alias, Query: p.query}
	t.parts[p.query] = p
	t.order = append(t.order, p)
}

// subquery reads what the rest of a block needs of one of its sources.
func subquery(s *lqp.Source, filter lqp.Expr, used map[string]map[string]bool, zone string) *lqp.Query {
	return &lqp.Query{From: *s, Where: filter, Select: passThrough(s, used), TimeZone: zone}
}

// passThrough selects the columns of a source that the rest of the block uses, under their own ids.
func passThrough(s *lqp.Source, used map[string]map[string]bool) []lqp.Named {
	var sel []lqp.Named
	for _, col := range s.Columns() {
		if used[s.Alias][col.ID] {
			sel = append(sel, lqp.Named{Name: col.ID, Expr: lqp.TypedRef(s.Alias, col.ID, col.Type)})
		}
	}
	if sel == nil { // rows are counted even when no column of them is used
		sel = []lqp.Named{{Name: "one", Expr: lqp.Literal(lqp.BoolValue(true))}}
	}
	return sel
}

// usedColumns collects the columns that a block uses, by alias.
func usedColumns(q *lqp.Query) map[string]map[string]bool {
	used := map[string]map[string]bool{}
	add := func(e lqp.Expr) {
		if e == nil {
			return
		}
		for _, c := range lqp.Columns(e) {
			if used[c.Source] == nil {
				used[c.Source] = map[string]bool{}
			}
			used[c.Source][c.Column] = true
		}
	}
	for i := range q.Joins {
		add(q.Joins[i].On)
	}
	add(q.Where)
	for _, n := range q.GroupBy {
		add(n.Expr)
	}
	for _, a := range q.Aggregates {
		add(a.Arg)
		add(a.Filter)
		for _, o := range a.OrderBy {
			add(o.Expr)
		}
	}
	for _, n := range q.Select {
		add(n.Expr)
	}
	for _, o := range q.OrderBy {
		add(o.Expr)
	}
	return used
}

// onlyOf reports whether an expression uses columns of that source and of no other.
func onlyOf(e lqp.Expr, alias string) bool {
	cols := lqp.Columns(e)
	return len(cols) > 0 && !slices.ContainsFunc(cols, func(c *lqp.Col) bool { return c.Source != alias })
}
