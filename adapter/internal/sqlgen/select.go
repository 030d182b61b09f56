package sqlgen

import "github.com/livetables/livetables/lqp"

// enter opens the scope of a block and answers with what leave needs.
func (e *Emitter) enter(q *lqp.Query) block {
	outer := e.block
	e.block = block{q: q, sources: len(e.sources), keys: len(e.keys)}
	return outer
}

func (e *Emitter) leave(outer block) {
	e.sources = e.sources[:e.block.sources]
	e.keys = e.keys[:e.block.keys]
	e.block = outer
}

// selectQuery appends one select block. Its clauses are emitted in the order of evaluation, so that FROM has told how the
// columns of nested queries are represented before they are selected; the result columns are put in front at the end.
// A nested block gets the columns c0, c1, …; they are described in e.outputs from the returned index on, which the
// caller owns.
func (e *Emitter) selectQuery(q *lqp.Query, nested bool) (outputs int, ok bool) {
	if len(q.Compute) > 0 {
		return 0, e.Fail("the query is not bound")
	}
	if outputs = len(e.outputs); !nested && e.apart(q) {
		return outputs, true
	}
	outer := e.enter(q)
	start := len(e.buf)
	if !e.from(q) || !e.where(q) || !e.groups(q) {
		return 0, false
	}
	// One row has no order; and an aggregate that stands in no other place than the order of a nested block is dropped with it
	// by SQLite, which then answers with every row that there is to aggregate.
	if one := len(q.GroupBy) == 0 && len(q.Aggregates) > 0 && len(q.Page.After) == 0; !one && !e.order(q) {
		return 0, false
	}
	e.page(q)
	body := len(e.buf)
	// The outputs of this block's own sources are no longer needed once the columns are emitted, but until then they are:
	// new outputs go behind them and are moved down.
	mine := len(e.outputs)
	if !e.columns(q, nested) {
		return 0, false
	}
	e.rotate(start, body)
	if len(q.GroupBy) == 0 && len(q.Aggregates) > 0 && len(e.keys) == e.block.keys {
		return 0, e.Fail("no aggregate of the query is used")
	}
	base := mine
	for i := e.block.sources; i < len(e.sources); i++ {
		if e.sources[i].table == nil {
			base = min(base, e.sources[i].outputs)
		}
	}
	n := copy(e.outputs[base:], e.outputs[mine:])
	e.outputs = e.outputs[:base+n]
	e.leave(outer)
	return base, true
}

// rotate brings the text from body on in front of the text between start and body.
func (e *Emitter) rotate(start, body int) {
	tail := len(e.tmp)
	e.tmp = append(e.tmp, e.buf[start:body]...)
	n := copy(e.buf[start:], e.buf[body:])
	copy(e.buf[start+n:], e.tmp[tail:])
	e.tmp = e.tmp[:tail]
}

func (e *Emitter) from(q *lqp.Query) bool {
	e.WriteString(" FROM ")
	if !e.addSource(&q.From, false) {
		return false
	}
	for i := range q.Joins {
		j := &q.Joins[i]
		switch j.Kind {
		case lqp.Inner:
			e.WriteString(" JOIN ")
		case lqp.Left:
			e.WriteString(" LEFT JOIN ")
		default:
			return e.Fail("right and full joins are done in memory")
		}
		if !e.addSource(&j.Source, false) {
			return false
		}
		e.WriteString(" ON ")
		if j.On == nil {
			e.WriteString(e.feat.True)
		} else if !e.Predicate(j.On, WhenTrue) {
			return false
		}
		// Only now: inside its own condition the joined row exists.
		e.sources[len(e.sources)-1].nullable = j.Kind == lqp.Left
	}
	return true
}

// addSource appends a table or nested query with its generated alias and brings its columns into scope.
func (e *Emitter) addSource(s *lqp.Source, nullable bool) bool {
	src := source{alias: s.Alias, table: s.Schema, query: s.Query, nullable: nullable}
	switch {
	case s.Query != nil:
		src.table = nil
		e.WriteString("(")
		outputs, ok := e.selectQuery(s.Query, true)
		if !ok {
			return false
		}
		src.outputs = outputs
		e.WriteString(")")
	case s.Schema == nil:
		return e.Fail("the query is not bound")
	case len(s.Schema.Path) == 0:
		return e.Fail("the table has no name at the source")
	default:
		for i, part := range s.Schema.Path {
			if i > 0 {
				e.WriteString(".")
			}
			e.buf = e.d.AppendIdent(e.buf, part)
		}
	}
	src.n = e.aliases
	e.aliases++
	e.WriteString(" AS t")
	e.WriteInt(src.n)
	e.sources = append(e.sources, src)
	return true
}

func (e *Emitter) where(q *lqp.Query) bool {
	after := len(q.Page.After) > 0 && !grouped(q)
	if q.Where == nil && !after {
		return true
	}
	e.WriteString(" WHERE ")
	if q.Where != nil && !e.conjunction(q.Where) {
		return false
	}
	if after {
		if q.Where != nil {
			e.WriteString(" AND ")
		}
		return e.after(q.OrderBy, q.Page.After)
	}
	return true
}

// conjunction appends a condition without the outermost parentheses.
func (e *Emitter) conjunction(x lqp.Expr) bool {
	c, ok := x.(*lqp.Call)
	if !ok || c.Func != "and" || len(c.Args) == 0 {
		return e.Predicate(x, WhenTrue)
	}
	for i, a := range c.Args {
		if i > 0 {
			e.WriteString(" AND ")
		}
		if !e.conjunction(a) {
			return false
		}
	}
	return true
}

func grouped(q *lqp.Query) bool { return len(q.GroupBy)+len(q.Aggregates) > 0 }

// groups appends GROUP BY and HAVING. The text of every key is kept: wherever the key is used again the same text, with
// the same parameters, must stand.
func (e *Emitter) groups(q *lqp.Query) bool {
	if !grouped(q) {
		return true
	}
	for i := range q.GroupBy {
		if i == 0 {
			e.WriteString(" GROUP BY ")
		} else {
			e.WriteString(", ")
		}
		if !e.groupKey(&q.GroupBy[i]) {
			return false
		}
	}
	after := len(q.Page.After) > 0
	if q.Having == nil && !after {
		return true
	}
	e.WriteString(" HAVING ")
	e.having = true
	defer func() { e.having = false }()
	if q.Having != nil && !e.conjunction(q.Having) {
		return false
	}
	if after {
		if q.Having != nil {
			e.WriteString(" AND ")
		}
		return e.after(q.OrderBy, q.Page.After)
	}
	return true
}

func (e *Emitter) groupKey(k *lqp.Named) bool {
	start := len(e.buf)
	if k.Expr.Type().Kind == lqp.List || !groupable(k.Expr.Type().Kind) {
		return e.Fail("values of this kind are grouped in memory")
	}
	if e.feat.ShortGroups && Cuts(k.Expr.Type()) {
		return e.Fail("texts that may be this long are grouped in memory")
	}
	r, ok := e.Value(k.Expr)
	if !ok {
		return false
	}
	if g, ok := e.d.(NullKeys); ok && !e.stored(k.Expr) && !e.notNull(k.Expr) {
		if reason := g.NullKey(r); reason != "" {
			return e.Fail(reason)
		}
	}
	e.d.Equals(e, start, r)
	e.keep(k.Name, start, r, k.Expr.Type())
	e.keys[len(e.keys)-1].key = true
	return true
}

// stored reports that x is a column of a table, be it one that a nested query shows.
func (e *Emitter) stored(x lqp.Expr) bool {
	c, ok := x.(*lqp.Col)
	if !ok || c.Source == "" {
		return false
	}
	_, out, _, ok := e.lookup(c)
	return ok && out.Column != nil
}

func groupable(k lqp.Kind) bool { return k.Orderable() }

func (e *Emitter) order(q *lqp.Query) bool {
	n := 0
	for i := range q.OrderBy {
		o := &q.OrderBy[i]
		if _, ok := o.Expr.(*lqp.Lit); ok {
			continue // one value for all rows orders nothing
		}
		if n == 0 {
			e.WriteString(" ORDER BY ")
		} else {
			e.WriteString(", ")
		}
		n++
		start := len(e.buf)
		if !e.sortKey(o) {
			return false
		}
		switch {
		case !e.feat.NoNullsClause:
			e.WriteString(e.direction(o))
		case e.nullsNamed(o):
			key := e.cut(start)
			e.strings(e.term(key, o))
		case o.Desc:
			e.WriteString(" DESC")
		}
	}
	return true
}

// nullsNamed reports that the place of NULLs among the sorted rows is not where the database puts them by itself.
func (e *Emitter) nullsNamed(o *lqp.Order) bool {
	return !e.notNull(o.Expr) && nullsFirst(o) != (e.feat.NullsLargest == o.Desc)
}

// direction is what follows a sort key.
func (e *Emitter) direction(o *lqp.Order) string {
	switch named := e.nullsNamed(o); {
	case !named && o.Desc:
		return " DESC"
	case !named:
		return ""
	case nullsFirst(o) && o.Desc:
		return " DESC NULLS FIRST"
	case nullsFirst(o):
		return " NULLS FIRST"
	case o.Desc:
		return " DESC NULLS LAST"
	}
	return " NULLS LAST"
}

// sortKey appends the canonical value by which rows are sorted, with its collation.
func (e *Emitter) sortKey(o *lqp.Order) bool {
	t := o.Expr.Type()
	if !t.Kind.Orderable() {
		return e.Fail("values of this kind are sorted in memory")
	}
	start := len(e.buf)
	r, ok := e.Value(o.Expr)
	if !ok {
		return false
	}
	e.d.SortKey(e, start, r, t)
	return true
}

// page appends LIMIT and OFFSET. The limit is part of the text, so that planners know it; offsets vary and are bound.
func (e *Emitter) page(q *lqp.Query) {
	if q.Page.Limit > 0 {
		e.WriteString(" LIMIT ")
		e.WriteInt(q.Page.Limit)
	} else if q.Page.Offset > 0 {
		e.WriteString(" ")
		e.WriteString(e.feat.UnlimitedOffset)
	}
	if q.Page.Offset > 0 {
		if q.Page.Limit > 0 {
			e.WriteString(" ")
		}
		e.WriteString("OFFSET ")
		e.WriteInt(q.Page.Offset)
	}
}

// columns appends SELECT with the result columns and describes them in e.outputs.
func (e *Emitter) columns(q *lqp.Query, nested bool) bool {
	e.WriteString("SELECT ")
	if len(q.Select) == 0 {
		e.WriteString("1") // rows without columns are not SQL; nobody reads this one
	}
	for i := range q.Select {
		if i > 0 {
			e.WriteString(", ")
		}
		x := q.Select[i].Expr
		out, ok := e.output(x, nested)
		if !ok {
			return false
		}
		e.outputs = append(e.outputs, out)
		if nested {
			e.WriteString(" AS c")
			e.WriteInt(i)
		}
	}
	return true
}

// output appends one result column: bare columns as they are stored, whatever else as its canonical value.
func (e *Emitter) output(x lqp.Expr, nested bool) (Output, bool) {
	if c, ok := x.(*lqp.Col); ok && c.Source != "" {
		start := len(e.buf)
		out, ok := e.bare(c)
		if ok && !nested {
			e.d.Fetch(e, start, out.Storage)
		}
		return out, ok
	}
	r, ok := e.Value(x)
	out := Output{Type: x.Type(), Storage: Storage{Rep: r, Exact: true, NullExact: true}}
	out.Type.NotNull = e.notNull(x)
	return out, ok
}

// Compile writes the statement of a bound query. It fails when the query holds anything that the dialect cannot say with
// our meaning; a query that [Plan] answered as pushed never does.
func Compile(d Dialect, q *lqp.Query) (Statement, error) {
	e := acquire(d)
	defer release(e)
	outputs, ok := e.selectQuery(q, false)
	if !ok {
		return Statement{}, &NotPushableError{Reason: e.reason}
	}
	st := Statement{SQL: string(e.buf)}
	if len(e.args) > 0 {
		st.Args = append(st.Args, e.args...)
	}
	if n := len(e.outputs) - outputs; n > 0 {
		st.Columns = append(make([]Output, 0, n), e.outputs[outputs:]...)
	}
	return st, nil
}

// NotPushableError says why a query cannot be compiled.
type NotPushableError struct{ Reason string }

// Error implements error.
func (e *NotPushableError) Error() string { return "query cannot be pushed: " + e.Reason }
