package sqlgen

import (
	"slices"

	"github.com/livetables/livetables/lqp"
)

// Apart is implemented by dialects in which some stored values count as NULL, so that a sort by the canonical value of a
// column is one that no index serves. The page of such a sort is then put together from a read of the rows that have a
// value, in the order of the bare column, and one of those that have none.
type Apart interface {
	// Values says where a bare column has a canonical value. Among those rows the order of the bare column must be that of
	// the canonical value, except that it may tell rows apart which agree in it. ok is false where that is not so. It is
	// not called for Opaque columns, and for Exact ones only where the database's own place of NULLs or its use of indexes
	// for mixed directions is in the way.
	Values(s Storage) (v ApartValues, ok bool)
	// AppendTie appends the condition that the canonical value of the bare column is the given value,
	// as a range that an index serves. Both operands are given as SQL.
	AppendTie(dst []byte, s Storage, bare, value string) []byte
}

// ApartValues describe the rows that have a value in a column.
type ApartValues struct {
	// Bounds hold of the bare column wherever its canonical value is not NULL.
	Bounds Bounds
	// Partial says that they also hold elsewhere: the canonical value is asked as well.
	Partial bool
	// Finer says that different stored values may have the same canonical value.
	Finer bool
	// Below is a constant of the dialect's source code, if not empty: a stored value that counts as NULL lies below it.
	Below string
	// Scattered says that rows without a value may lie anywhere in the stored order, so that only a look at every row finds
	// them. Pages that begin with such rows are not put together.
	Scattered bool
}

// maxApart is how many rows a page may have to be put together: they are held by the server twice.
const maxApart = 10_000

// apart are the pieces of a page whose first sort key is read bare. Texts may be written several times: parameters are
// numbered.
type apart struct {
	q     *lqp.Query
	d     Apart
	order *lqp.Order // the first sort key
	col   *lqp.Col   // which is this column
	rows  int        // of the page and before it
	nulls bool       // rows without a value may be on the page
	finer bool       // the first rows by the bare column need not be those of the page

	storage               Storage
	values                ApartValues
	from, where, columns  string
	bare, key             string // the first sort key as it is stored, and its canonical value
	rest                  []restKey
	valueWhere, nullWhere string
	tiedWhere             string // valueWhere for those that tie, for whom only the tie is to be a range
}

// restKey is one of the other sort keys: its text and its place in the order.
type restKey struct {
	text string
	at   int
}

// apart appends a select block of rows with its page put together from reads that an index serves. It answers false, and
// has appended nothing, for blocks that are written in one piece.
func (e *Emitter) apart(q *lqp.Query) bool {
	a, ok := e.mayBeApart(q)
	if !ok {
		return false
	}
	outer := e.enter(q)
	start, args, outputs, aliases, reason := len(e.buf), len(e.args), len(e.outputs), e.aliases, e.reason
	if ok = e.pieces(a); ok {
		e.assemble(a)
	} else {
		e.buf, e.args, e.outputs = e.buf[:start], e.args[:args], e.outputs[:outputs]
		e.aliases, e.reason = aliases, reason
	}
	e.leave(outer)
	return ok
}

func (e *Emitter) mayBeApart(q *lqp.Query) (*apart, bool) {
	d, ok := e.d.(Apart)
	if !ok || q.Page.Limit <= 0 || q.Page.Limit > maxApart || q.Page.Offset > maxApart || len(q.OrderBy) == 0 ||
		len(q.Select) == 0 || grouped(q) || !qualified(&q.From) {
		return nil, false
	}
	for i := range q.Joins {
		if !qualified(&q.Joins[i].Source) {
			return nil, false
		}
	}
	a := &apart{q: q, d: d, order: &q.OrderBy[0], rows: q.Page.Limit + max(q.Page.Offset, 0), nulls: true}
	if a.col, ok = a.order.Expr.(*lqp.Col); !ok || a.col.Source != q.From.Alias || Cuts(a.col.Type()) {
		return nil, false
	}
	column := q.From.Schema.Column(a.col.Column)
	if column == nil {
		return nil, false
	}
	worth := e.feat.JoinFirst != "" && mixed(q.OrderBy) || !column.Type.NotNull && e.feat.NullsLargest
	if a.storage = e.d.Storage(q.From.Schema, column); a.storage.Exact && !worth || a.storage.Opaque != "" {
		return nil, false
	}
	if a.values, ok = d.Values(a.storage); !ok {
		return nil, false
	}
	first := nullsFirst(a.order)
	if after := q.Page.After; len(after) > 0 {
		if len(after) != len(q.OrderBy) || after[0].IsNull() && !first {
			return nil, false // behind the rows with a value
		}
		a.nulls = !first || after[0].IsNull() && len(after) > 1
	}
	a.finer = a.values.Finer || e.feat.JoinFirst != "" && mixed(q.OrderBy)
	a.nulls = a.nulls && !e.notNull(a.col) && !needsValue(q.Where, a.col)
	return a, !a.nulls || !first || !a.values.Scattered
}

// mixed reports that the sort keys do not all go the way of the first one. Databases that do not sort what ties in the first
// key by itself then make no use of its index: the page is read by the first key alone, as if it were finer.
func mixed(order []lqp.Order) bool {
	return slices.ContainsFunc(order, func(o lqp.Order) bool { return o.Desc != order[0].Desc })
}

// needsValue reports that a condition is TRUE only for rows in which the column is not NULL.
func needsValue(where lqp.Expr, col *lqp.Col) bool {
	for _, x := range lqp.Conjuncts(where) {
		c, ok := x.(*lqp.Call)
		if !ok || len(c.Args) == 0 {
			continue
		}
		switch c.Func {
		case "lt", "le", "gt", "ge", "contains", "starts_with", "ends_with", "icontains", "between":
			if slices.ContainsFunc(c.Args, func(a lqp.Expr) bool { return lqp.EqualExpr(a, col) }) {
				return true
			}
		case "eq":
			if len(c.Args) == 2 && (lqp.EqualExpr(c.Args[0], col) && nonNullLit(Fold(c.Args[1])) || lqp.EqualExpr(c.Args[1], col) && nonNullLit(Fold(c.Args[0]))) {
				return true
			}
		case "not":
			if n, ok := c.Args[0].(*lqp.Call); ok && (n.Func == "is_null" || n.Func == "is_blank") && lqp.EqualExpr(n.Args[0], col) {
				return true
			}
		}
	}
	return false
}

// qualified reports that s is a table whose name none of our own can hide.
func qualified(s *lqp.Source) bool {
	return s.Query == nil && s.Schema != nil && len(s.Schema.Path) > 1
}

// cut takes what was emitted from start on out of the text.
func (e *Emitter) cut(start int) string {
	s := string(e.buf[start:])
	e.buf = e.buf[:start]
	return s
}

// pieces emits what the reads consist of.
func (e *Emitter) pieces(a *apart) bool {
	q, start := a.q, len(e.buf)
	if !e.from(q) {
		return false
	}
	a.from = e.cut(start)
	if q.Where != nil {
		if !e.conjunction(q.Where) {
			return false
		}
		e.WriteString(" AND ")
		a.where = e.cut(start)
	}
	if _, ok := e.bare(a.col); !ok {
		return false
	}
	a.bare = e.cut(start)
	if !e.sortKey(a.order) {
		return false
	}
	a.key = e.cut(start)
	for i := range q.OrderBy[1:] {
		o := &q.OrderBy[1+i]
		if _, ok := o.Expr.(*lqp.Lit); ok {
			continue // one value for all rows orders nothing
		}
		if !e.sortKey(o) {
			return false
		}
		a.rest = append(a.rest, restKey{e.cut(start), 1 + i})
	}
	for i := range q.Select {
		if i > 0 {
			e.WriteString(", ")
		}
		out, ok := e.output(q.Select[i].Expr, false)
		if !ok {
			return false
		}
		e.outputs = append(e.outputs, out)
		e.WriteString(" AS c")
		e.WriteInt(i)
	}
	a.columns = e.cut(start)
	return e.conditions(a)
}

// conditions emits which rows have a value and which have none, behind the position to continue from.
func (e *Emitter) conditions(a *apart) bool {
	after, start := a.q.Page.After, len(e.buf)
	e.strings(a.where)
	if a.values.Partial {
		e.strings(a.bare, " IS NOT NULL AND ")
	}
	if a.values.Bounds.N > 0 {
		e.bounds(a.col, a.storage.Rep, a.values.Bounds, WhenTrue)
		if a.values.Partial {
			e.WriteString(" AND ")
		}
	}
	if a.values.Partial {
		e.strings(a.key, " IS NOT NULL")
	} else if a.values.Bounds.N == 0 {
		e.strings(a.bare, " IS NOT NULL")
	}
	if !e.behind(a) {
		return false
	}
	a.valueWhere = e.cut(start)
	if a.tiedWhere = a.valueWhere; a.finer && e.feat.JoinFirst != "" {
		e.strings(a.where, a.key, " IS NOT NULL")
		e.unbounded = true
		ok := e.behind(a)
		e.unbounded = false
		if !ok {
			return false
		}
		a.tiedWhere = e.cut(start)
	}
	if !a.nulls {
		return true
	}
	e.strings(a.where)
	if a.values.Below != "" {
		e.strings("(", a.bare, " IS NULL OR ", a.bare, " < ", a.values.Below, ") AND ")
	}
	if a.values.Partial || a.values.Bounds.N == 0 {
		e.strings(a.key, " IS NULL")
	} else {
		e.bounds(a.col, a.storage.Rep, a.values.Bounds, WhenFalse)
	}
	if len(after) > 0 && after[0].IsNull() {
		e.WriteString(" AND ")
		if !e.after(a.q.OrderBy[1:], after[1:]) {
			return false
		}
	}
	a.nullWhere = e.cut(start)
	return true
}

// behind appends that rows with a value lie behind the position to continue from, if there is one among them.
func (e *Emitter) behind(a *apart) bool {
	after := a.q.Page.After
	if len(after) == 0 || after[0].IsNull() {
		return true
	}
	order := append([]lqp.Order(nil), a.q.OrderBy...)
	order[0].Nulls = lqp.NullsFirst // none is among them
	e.WriteString(" AND ")
	return e.after(order, after)
}
