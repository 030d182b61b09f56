package exec

import (
	"context"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// Sources sort by the first lqp.OrderPrefix code points of a text. A plan whose rows are told apart by longer texts ends in
// keys that compare them whole (lqp.Order.Whole), which no source takes. Rows with shorter texts never need those keys,
// and hardly any others exist. Such a plan is therefore run without them as long as no longer text is seen, indexes and
// limits at the source included; from the first row with one the answer goes on in the exact order, which is made here
// of the rows that the source leaves together.

// watched is what a plan with such keys is run as.
type watched struct {
	b    *builder
	at   []int // the positions in Select of the texts to be watched
	keys []int // the same in the order of the plan
}

// withoutWhole is a query without the keys that no source takes, itself when it has none, and the positions in Select of
// the texts they compare.
func withoutWhole(q *lqp.Query) (short *lqp.Query, w *watched) {
	if !slices.ContainsFunc(q.OrderBy, func(o lqp.Order) bool { return o.Whole }) {
		return q, nil
	}
	c := *q
	c.OrderBy, c.Page.After = nil, nil
	c.Select = slices.Clone(q.Select)
	w = &watched{}
	for i, o := range q.OrderBy {
		if o.Whole {
			w.at, w.keys = append(w.at, selected(&c, o.Expr)), append(w.keys, i)
			continue
		}
		c.OrderBy = append(c.OrderBy, o)
		if len(q.Page.After) > 0 {
			c.Page.After = append(c.Page.After, q.Page.After[i])
		}
	}
	return &c, w
}

// selected is the position of an expression in Select, where it is put if it is missing.
func selected(q *lqp.Query, e lqp.Expr) int {
	at := slices.IndexFunc(q.Select, func(n lqp.Named) bool { return lqp.EqualExpr(n.Expr, e) })
	if at < 0 {
		at = len(q.Select)
		q.Select = append(q.Select, lqp.Named{Name: fmt.Sprintf("\x00key%d", at), Expr: e})
	}
	return at
}

// watch makes a part of a plan with such keys, nil when the source does not sort the rows or the plan has none.
func (b *builder) watch(q *lqp.Query) (*part, *watched, error) {
	short, w := withoutWhole(q)
	if w == nil {
		return nil, nil, nil
	}
	p, err := b.whole(short)
	if p == nil || err != nil || !p.split.Sorted {
		return nil, nil, err
	}
	w.b = b
	return p, w, nil
}

// long reports that sorting does not look at the whole of a text.
func long(v lqp.Value) bool {
	text := v.Text()
	return v.Kind() == lqp.Text && len(text) >= lqp.OrderPrefix && utf8.RuneCountInString(text) >= lqp.OrderPrefix
}

// runWatched runs the plan as its source sorts it until a longer text is seen.
func (t *Tree) runWatched(ctx context.Context, run running) (adapter.Rows, error) {
	q := t.plan.Query()
	for _, i := range t.watched.keys {
		if len(q.Page.After) > 0 && long(q.Page.After[i]) {
			return t.exact(ctx, run, q.Page)
		}
	}
	rows, err := t.whole.open(ctx, run)
	if err != nil {
		return nil, err
	}
	return &watchedRows{Rows: rows, ctx: ctx, t: t, run: run}, nil
}

// watchedRows goes over to the exact order when it meets a text that is longer than what sources sort by.
type watchedRows struct {
	adapter.Rows
	ctx   context.Context
	t     *Tree
	run   running
	given int
	exact bool
	err   error
}

// Next implements adapter.Rows.
func (r *watchedRows) Next() bool {
	if r.err != nil || !r.Rows.Next() {
		return false
	}
	if r.exact || !slices.ContainsFunc(r.t.watched.at, func(i int) bool { return long(r.Rows.Value(i)) }) {
		r.given++
		return true
	}
	// Those before are the first rows of the exact order too: none of them ties with another.
	r.exact = true
	_ = r.Rows.Close() // nothing of it is wanted any more
	page := r.t.plan.Query().Page
	page.Offset += r.given
	if page.Limit > 0 {
		page.Limit -= r.given
	}
	rows, err := r.t.exact(r.ctx, r.run, page)
	if err != nil {
		r.err = err
		return false
	}
	r.Rows = rows
	return r.Rows.Next()
}

// Err implements adapter.Rows.
func (r *watchedRows) Err() error {
	if r.err != nil {
		return r.err
	}
	return r.Rows.Err()
}

// exact runs another page of the plan in its exact order.
func (t *Tree) exact(ctx context.Context, run running, page lqp.Page) (adapter.Rows, error) {
	q := *t.plan.Query()
	q.Page = page
	e, err := t.watched.b.exact(t, &q)
	if err != nil {
		return nil, err
	}
	e.free = e.sorted > 0 && t.whole.split.Residual == nil
	return e.rows(ctx, run)
}

// uncounted are rows that count as read from nowhere: the source has done the work, and the ties that are sorted here
// are small.
type uncounted struct{ lqp.RowReader }

// Counted tells lqp.Run not to count the rows.
func (uncounted) Counted(*lqp.Budget) bool { return true }

// exact puts the sort by all keys over the rows of a part, which comes sorted by those keys that its source takes.
func (b *builder) exact(t *Tree, q *lqp.Query) (*Tree, error) {
	inner, _ := withoutWhole(q)
	inner.Page.Limit, inner.Page.Offset = 0, 0
	e := &Tree{plan: t.plan, mode: t.mode, parts: map[*lqp.Query]*part{}}
	for _, o := range inner.OrderBy {
		selected(inner, o.Expr)
	}
	var p *part
	var err error
	if !q.Grouped() {
		if p, err = b.whole(inner); err != nil {
			return nil, err
		}
		if p != nil && p.inOrder() {
			e.sorted = len(inner.OrderBy)
			p.early = q.Page.Limit > 0
			if len(inner.Page.After) > 0 {
				if p.ties, err = b.tied(inner); err != nil {
					return nil, err
				}
			}
		}
	}
	if e.sorted == 0 || len(inner.Page.After) > 0 && p.ties == nil {
		inner.OrderBy, inner.Page.After, e.sorted = nil, nil, 0
		if p, err = b.whole(inner); err != nil {
			return nil, err
		}
	}
	if p == nil {
		return nil, fmt.Errorf("exec: connection %q no longer reads %s: %w", t.whole.connection, q.From.Alias, adapter.ErrUnsupported)
	}
	p.first, p.of = true, t.whole
	if p.ties != nil {
		p.ties.of = t.whole
	}
	e.top = &lqp.Query{TimeZone: q.TimeZone, Page: q.Page}
	e.add(&e.top.From, p)
	e.top.From.Alias = "rows"
	out := func(i int) lqp.Expr {
		return lqp.TypedRef("rows", inner.Select[i].Name, inner.Select[i].Expr.Type())
	}
	for i := range q.Select {
		e.top.Select = append(e.top.Select, lqp.Named{Name: q.Select[i].Name, Expr: out(i)})
	}
	for _, o := range q.OrderBy {
		o.Expr = out(selected(inner, o.Expr))
		e.top.OrderBy = append(e.top.OrderBy, o)
	}
	return e, nil
}
