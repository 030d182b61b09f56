package indexuse

import (
	"slices"
	"strings"

	"github.com/livetables/livetables/lqp"
)

// Key is a column of a sort.
type Key struct {
	Column string
	Desc   bool
}

// Shape is what a query asks of a table as far as an index can help: columns by id.
type Shape struct {
	Equal []string // compared with one value or a few, sorted
	Range string   // compared by order, or by the beginning of a text; empty for none
	Sort  []Key    // what the rows are sorted by, without the row id at the end; empty when Range is another column
}

// Of is the shape of a bound block over one table of the mini-DB and that table's id; ok is false for other blocks and where no
// index helps. shown reports whether a column stands for its real values.
func Of(q *lqp.Query, shown func(column string) bool) (table string, s Shape, ok bool) {
	if q.From.Schema == nil || q.From.Connection != "" || len(q.Joins) > 0 || q.Grouped() {
		return "", s, false
	}
	t := q.From.Schema
	column := func(e lqp.Expr) string {
		c, ok := e.(*lqp.Col)
		if !ok || c.Source != q.From.Alias || !shown(c.Column) {
			return ""
		}
		if def := t.Column(c.Column); def == nil || !def.Type.Kind.Orderable() || slices.Contains(t.Key, c.Column) {
			return ""
		}
		return c.Column
	}
	for _, e := range lqp.Conjuncts(q.Where) {
		call, isCall := e.(*lqp.Call)
		if !isCall || len(call.Args) < 2 || len(lqp.Columns(call.Args[1])) > 0 {
			continue
		}
		id := column(call.Args[0])
		switch call.Func {
		case "eq", "in":
			if id != "" && !slices.Contains(s.Equal, id) {
				s.Equal = append(s.Equal, id)
			}
		case "lt", "le", "gt", "ge", "starts_with", "between":
			if id != "" && s.Range == "" {
				s.Range = id
			}
		}
	}
	slices.Sort(s.Equal)
	for _, o := range q.OrderBy {
		id := column(o.Expr)
		if id == "" || o.Whole {
			break
		}
		if !slices.Contains(s.Equal, id) {
			s.Sort = append(s.Sort, Key{id, o.Desc})
		}
	}
	if s.Range != "" && len(s.Sort) > 0 && s.Sort[0].Column != s.Range {
		s.Sort = nil // the rows of a range are not in the order of other columns
	}
	return t.Name, s, len(s.Equal) > 0 || s.Range != "" || len(s.Sort) > 0
}

// Columns are the columns of the index that serves the shape: first those that are compared with values, the one that decides
// most coming first, then those of the order.
func (s Shape) Columns(first func(a, b string) int) []Key {
	equal := slices.Clone(s.Equal)
	slices.SortStableFunc(equal, first)
	list := make([]Key, 0, len(equal)+1+len(s.Sort))
	for _, id := range equal {
		list = append(list, Key{Column: id})
	}
	if s.Range != "" && len(s.Sort) == 0 {
		return append(list, Key{Column: s.Range})
	}
	return append(list, s.Sort...)
}

// key tells shapes apart.
func (s Shape) key() string {
	var b strings.Builder
	b.WriteString(strings.Join(s.Equal, ",") + "|" + s.Range)
	for _, k := range s.Sort {
		b.WriteString("|" + k.Column)
		if k.Desc {
			b.WriteString("-")
		}
	}
	return b.String()
}
