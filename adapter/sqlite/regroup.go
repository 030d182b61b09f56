package sqlite

import (
	"github.com/livetables/livetables/adapter/internal/sqlgen"
	"github.com/livetables/livetables/lqp"
)

// SQLite (found in 3.53.4) groups the rows of an ordered subquery as they come and takes the ORDER BY of the groups for
// satisfied, whatever its direction:
//
//	SELECT s, count(*) FROM (SELECT s FROM t ORDER BY s DESC LIMIT 9) GROUP BY s ORDER BY s
//
// answers in descending order. A unary plus before the sort key, which is no column then, makes it sort. As it would keep
// every other query from using an index for its order, only queries of that shape get it.

// dialectFor is the dialect in which a query is written.
func (a *Adapter) dialectFor(q *lqp.Query) *dialect {
	return &dialect{foreign: a.foreign, ownSort: regroups(q)}
}

// compile writes a query with what is known of columns.
func (a *Adapter) compile(q *lqp.Query, known map[columnName]trust) (sqlgen.Statement, error) {
	d := a.dialectFor(q)
	if len(known) > 0 {
		d.known = known
		if st, err := sqlgen.Compile(knowing{d}, q); err == nil {
			return st, nil
		}
		d.known = nil // what Plan promised was about the guarded form
	}
	return sqlgen.Compile(d, q)
}

// regroups reports that a block of the query sorts groups of the rows of a source with an order of its own. A view may
// have one that nothing tells of.
func regroups(q *lqp.Query) bool {
	sorts := len(q.OrderBy) > 0 && len(q.GroupBy)+len(q.Aggregates) > 0
	check := func(s *lqp.Source) bool {
		switch {
		case s.Query != nil:
			return sorts && ordered(s.Query) || regroups(s.Query)
		case s.Schema != nil:
			return sorts && s.Schema.Kind == lqp.ViewTable
		}
		return false
	}
	if check(&q.From) {
		return true
	}
	for i := range q.Joins {
		if check(&q.Joins[i].Source) {
			return true
		}
	}
	return false
}

// ordered reports that a nested query has an order, or passes on that of its own source.
func ordered(q *lqp.Query) bool {
	return len(q.OrderBy) > 0 || q.From.Query != nil && ordered(q.From.Query) || q.From.Schema != nil && q.From.Schema.Kind == lqp.ViewTable
}
