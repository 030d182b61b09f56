package sqlgen

import (
	"strconv"
	"strings"

	"github.com/livetables/livetables/lqp"
)

// assemble writes the statement. Its reads are:
//
//   - r, the first rows with a value in the order of the bare column;
//   - where that is finer, one row more of them. Does it agree with the last row of the page in its canonical value, then
//     others may, and which of them are on the page the other keys say: tie is that value, and all rows that have it are
//     read instead. They are as many as share one millisecond, or the last digit of a number;
//   - the rows without a value, if they come first or the others do not fill the page.
func (e *Emitter) assemble(a *apart) {
	if !a.nulls && !a.finer {
		e.strings("SELECT ", a.columns, a.from, " WHERE ", a.valueWhere)
		e.inOrder(a, a.bare+a.desc())
		e.page(a.q)
		return
	}
	e.WriteString("WITH r AS (")
	e.read(a, "", a.valueWhere)
	if a.finer {
		e.strings(" ORDER BY ", a.bare, a.desc(), " LIMIT ")
		e.WriteInt(a.rows + 1)
		e.strings("), tie AS (SELECT max(k) AS v FROM (SELECT k FROM r ORDER BY k", a.desc(), " LIMIT 2 OFFSET ")
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
		const none = "(SELECT v FROM tie)"
		e.strings(" WHERE ", none, " IS NULL OR k <> ", none, " UNION ALL (")
		e.tied(a)
		e.inOrder(a, "")
		e.WriteString(" LIMIT ")
		e.WriteInt(a.rows)
		e.WriteString(")")
	}
	if a.nulls {
		e.WriteString(" UNION ALL (")
		e.valueless(a)
		e.inOrder(a, "")
		e.WriteString(" LIMIT ")
		e.WriteInt(a.rows)
		e.WriteString(")")
	}
	e.strings(") AS u ORDER BY ", e.term("k", a.order))
	for i := range a.rest {
		k := "k" + strconv.Itoa(i)
		e.strings(", ", e.term(k, &a.q.OrderBy[a.rest[i].at]))
	}
	e.page(a.q)
}

// tied appends the read of the rows that agree with the last one of the page.
func (e *Emitter) tied(a *apart) {
	if e.feat.JoinFirst != "" { // the range is found anew for the row of the other table
		e.read(a, "tie", "")
		e.buf = a.d.AppendTie(e.buf, a.storage, a.bare, "tie.v")
		e.strings(" AND ", a.tiedWhere)
		return
	}
	const v = "(SELECT v FROM tie)"
	e.read(a, "", a.tiedWhere)
	e.strings(" AND ", v, " IS NOT NULL AND ")
	e.buf = a.d.AppendTie(e.buf, a.storage, a.bare, v)
}

// valueless appends the read of the rows without a value. When they come last it reads nothing unless they are needed.
func (e *Emitter) valueless(a *apart) {
	switch {
	case nullsFirst(a.order):
		e.read(a, "", a.nullWhere)
	case e.feat.JoinFirst != "":
		e.read(a, "(SELECT 1 AS v FROM r HAVING count(*) < "+strconv.Itoa(a.rows)+") AS need", a.nullWhere)
	default:
		e.read(a, "", a.nullWhere)
		e.strings(" AND (SELECT count(*) FROM r) < ", strconv.Itoa(a.rows))
	}
}

func (a *apart) desc() string {
	if a.order.Desc {
		return " DESC"
	}
	return ""
}

// read appends a select of the columns and sort keys of the rows that satisfy a condition. Nothing is read unless there is a
// row of the other table, if one is given.
func (e *Emitter) read(a *apart, other, where string) {
	e.strings("SELECT ", a.columns, ", ", a.key, " AS k")
	for i := range a.rest {
		e.strings(", ", a.rest[i].text, " AS k")
		e.WriteInt(i)
	}
	if other == "" {
		e.strings(a.from, " WHERE ", where)
		return
	}
	e.strings(" FROM ", other, e.feat.JoinFirst, strings.TrimPrefix(a.from, " FROM "), " WHERE ", where)
}

// inOrder appends ORDER BY with a first key, if there is one, and the other sort keys.
func (e *Emitter) inOrder(a *apart, first string) {
	glue := " ORDER BY "
	if first != "" {
		e.strings(glue, first)
		glue = ", "
	}
	for _, k := range a.rest {
		e.strings(glue, e.term(k.text, &a.q.OrderBy[k.at]))
		glue = ", "
	}
}

// term is a sort key with its direction.
func (e *Emitter) term(key string, o *lqp.Order) string {
	if !e.feat.NoNullsClause {
		return key + e.direction(o)
	}
	before := ""
	if e.nullsNamed(o) {
		before = "(" + key + ") IS NULL, "
		if nullsFirst(o) {
			before = "(" + key + ") IS NULL DESC, "
		}
	}
	if o.Desc {
		key += " DESC"
	}
	return before + key
}

// strings appends texts that the emitter wrote before, and constants.
func (e *Emitter) strings(texts ...string) {
	for _, t := range texts {
		e.buf = append(e.buf, t...)
	}
}
