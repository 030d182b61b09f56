package sqlgen

import "github.com/livetables/livetables/lqp"

// Apart is implemented by dialects in which some stored values count as NULL, so that a sort by the canonical value of a
// column is one that no index serves. The page of such a sort is then put together from a read of the rows that have a
// value, in the order of the bare column, and one of those that have none.
type Apart interface {
	// Values answers the conditions on a bare column that hold exactly where its canonical value is not NULL. Among those
	// rows the order of the bare column must be that of the canonical value, except that it may tell rows apart (finer)
	// which agree in it. ok is false where that is not so. It is called for columns that are neither Exact nor Opaque.
	Values(s Storage) (b Bounds, finer, ok bool)
	// AppendTie appends, for a finer column, the condition that the canonical value of the bare column is the given value,
	// as a range that an index serves. Both operands are given as SQL.
	AppendTie(dst []byte, s Storage, bare, value string) []byte
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
	finer bool

	storage               Storage
	values                Bounds
	from, columns         string
	bare, key             string   // the first sort key as it is stored, and its canonical value
	rest, directions      []string // the other sort keys
	valueWhere, nullWhere string
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
	if a.col, ok = a.order.Expr.(*lqp.Col); !ok || a.col.Source != q.From.Alias {
		return nil, false
	}
	column := q.From.Schema.Column(a.col.Column)
	if column == nil {
		return nil, false
	}
	if a.storage = e.d.Storage(q.From.Schema, column); a.storage.Exact || a.storage.Opaque != "" {
		return nil, false
	}
	if a.values, a.finer, ok = d.Values(a.storage); !ok {
		return nil, false
	}
	if after := q.Page.After; len(after) > 0 {
		first := nullsFirst(a.order)
		if len(after) != len(q.OrderBy) || after[0].IsNull() && !first {
			return nil, false // behind the rows with a value
		}
		a.nulls = !first || after[0].IsNull() && len(after) > 1
	}
	return a, true
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
	e.WriteString(" WHERE ")
	if q.Where != nil {
		if !e.conjunction(q.Where) {
			return false
		}
		e.WriteString(" AND ")
	}
	a.from = e.cut(start)
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
		a.rest, a.directions = append(a.rest, e.cut(start)), append(a.directions, e.direction(o))
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
	e.bounds(a.col, a.storage.Rep, a.values, WhenTrue)
	if len(after) > 0 && !after[0].IsNull() {
		order := append([]lqp.Order(nil), a.q.OrderBy...)
		order[0].Nulls = lqp.NullsFirst // none is among them
		e.WriteString(" AND ")
		if !e.after(order, after) {
			return false
		}
	}
	a.valueWhere = e.cut(start)
	if !a.nulls {
		return true
	}
	e.bounds(a.col, a.storage.Rep, a.values, WhenFalse)
	if len(after) > 0 && after[0].IsNull() {
		e.WriteString(" AND ")
		if !e.after(a.q.OrderBy[1:], after[1:]) {
			return false
		}
	}
	a.nullWhere = e.cut(start)
	return true
}

// assemble writes the statement. Its reads are:
//
//   - r, the first rows with a value in the order of the bare column;
//   - where that is finer, one row more of them. Does it agree with the last row of the page in its canonical value, then
//     others may, and which of them are on the page the other keys say: tie is that value, and all rows that have it are
//     read instead. They are as many as share one millisecond, or the last digit of a number;
//   - the rows without a value, if they come first or the others do not fill the page.
func (e *Emitter) assemble(a *apart) {
	if !a.nulls && !a.finer {
		e.strings("SELECT ", a.columns, a.from, a.valueWhere)
		e.inOrder(a, a.bare+a.desc())
		e.page(a.q)
		return
	}
	e.WriteString("WITH r AS (")
	e.read(a, a.valueWhere)
	if a.finer {
		e.strings(" ORDER BY ", a.bare, a.desc(), " LIMIT ")
		e.WriteInt(a.rows + 1)
		e.strings("), tie AS (SELECT max(k) AS v FROM (SELECT k FROM r ORDER BY k", a.desc(), " OFFSET ")
		e.WriteInt(a.rows - 1)
		e.WriteString(") AS x HAVING count(*) = 2 AND min(k) = max(k)")
	} else {
		e.inOrder(a, a.bare+a.desc())
		e.WriteString(" LIMIT ")
		e.WriteInt(a.rows)
	}
	e.WriteString(") SELECT ")
	for i := range a.q.Select {
		if i > 0 {
			e.WriteString(", ")
		}
		e.WriteString("c")
		e.WriteInt(i)
	}
	e.WriteString(" FROM (SELECT * FROM r")
	if a.finer {
		const tie = "(SELECT v FROM tie)"
		e.strings(" WHERE ", tie, " IS NULL OR k <> ", tie, " UNION ALL (")
		e.read(a, a.valueWhere)
		e.strings(" AND ", tie, " IS NOT NULL AND ")
		e.buf = a.d.AppendTie(e.buf, a.storage, a.bare, tie)
		e.inOrder(a, "")
		e.WriteString(" LIMIT ")
		e.WriteInt(a.rows)
		e.WriteString(")")
	}
	if a.nulls {
		e.WriteString(" UNION ALL (")
		e.read(a, a.nullWhere)
		if !nullsFirst(a.order) {
			e.WriteString(" AND (SELECT count(*) FROM r) < ")
			e.WriteInt(a.rows)
		}
		e.inOrder(a, "")
		e.WriteString(" LIMIT ")
		e.WriteInt(a.rows)
		e.WriteString(")")
	}
	e.strings(") AS u ORDER BY k", e.direction(a.order))
	for i := range a.rest {
		e.WriteString(", k")
		e.WriteInt(i)
		e.WriteString(a.directions[i])
	}
	e.page(a.q)
}

func (a *apart) desc() string {
	if a.order.Desc {
		return " DESC"
	}
	return ""
}

// read appends a select of the columns and sort keys of the rows that satisfy a condition.
func (e *Emitter) read(a *apart, where string) {
	e.strings("SELECT ", a.columns, ", ", a.key, " AS k")
	for i := range a.rest {
		e.strings(", ", a.rest[i], " AS k")
		e.WriteInt(i)
	}
	e.strings(a.from, where)
}

// inOrder appends ORDER BY with a first key, if there is one, and the other sort keys.
func (e *Emitter) inOrder(a *apart, first string) {
	glue := " ORDER BY "
	if first != "" {
		e.strings(glue, first)
		glue = ", "
	}
	for i := range a.rest {
		e.strings(glue, a.rest[i], a.directions[i])
		glue = ", "
	}
}

// strings appends texts that the emitter wrote before, and constants.
func (e *Emitter) strings(texts ...string) {
	for _, t := range texts {
		e.buf = append(e.buf, t...)
	}
}
