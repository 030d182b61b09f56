package exec

import (
	"slices"

	"github.com/livetables/livetables/lqp"
)

// unknown is an estimate of somebody who does not know.
const unknown = int64(-1)

// smallTable is how many rows a source may have for reading it whole to be cheaper than asking for keys batch by batch.
const smallTable = 2000

func small(rows int64) bool { return rows >= 0 && rows <= smallTable }

// estimate is about how many rows a part will deliver: what its source says of the table, or less where a key or a page
// bounds it. Of a filter nothing is known.
func (p *part) estimate() int64 {
	q := p.query
	rows := unknown
	if t := q.From.Schema; t != nil && len(q.Joins) == 0 {
		rows = t.Rows
		if keyed := keyValues(q, t); keyed >= 0 {
			rows = keyed
		} else if q.Where != nil && !small(rows) {
			rows = unknown
		}
	}
	if limit := int64(q.Page.Limit); limit > 0 && (rows < 0 || rows > limit) {
		rows = limit
	}
	return rows
}

// keyValues is how many rows a filter leaves that fixes every column of a key of the table, unknown for others.
func keyValues(q *lqp.Query, t *lqp.Table) int64 {
	fixed := map[string]int64{}
	for _, e := range lqp.Conjuncts(q.Where) {
		c, ok := e.(*lqp.Call)
		if !ok || c.Func != "eq" && c.Func != "in" || len(c.Args) < 2 {
			continue
		}
		col, ok := c.Args[0].(*lqp.Col)
		if ok && !slices.ContainsFunc(c.Args[1:], func(a lqp.Expr) bool { return len(lqp.Columns(a)) > 0 }) {
			fixed[col.Column] = int64(len(c.Args) - 1)
		}
	}
	if len(t.Key) == 0 {
		return unknown
	}
	rows := int64(1)
	for _, id := range t.Key {
		n, ok := fixed[id]
		if !ok {
			return unknown
		}
		rows *= n
	}
	return rows
}

// lookupsPay decides whether the right rows of a join are asked for by the keys of its left rows, in batches, or read
// whole. A left side of unknown size is begun with look-ups, which end when they have cost what reading would have. What
// fits one look-up is read whole at once: its keys may then narrow the left side.
func lookupsPay(left, right int64) bool {
	switch {
	case right >= 0 && right <= bigBatch:
		return false
	case left >= 0 && right >= 0:
		return right > 2*left && (left <= bigBatch || right > smallTable)
	case right >= 0:
		return right > smallTable
	}
	return true
}

// enoughLookups is how many keys of a source are looked up before the rest of its rows had better be read, 0 for any.
func enoughLookups(right int64) int64 { return max(right, 0) / 2 }
