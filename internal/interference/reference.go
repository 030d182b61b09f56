package interference

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/livetables/livetables/internal/plantest"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/rbac"
)

// reference answers a query over a database in which nothing is but what the principal sees, by nested loops, and says how
// the noted answer differs from that, empty for not at all.
func (w *world) reference(q *question) string {
	seen := w.open()
	bound, err := w.bind(q.query)
	if err != nil {
		if want := failure(err); want != q.last.failed {
			return fmt.Sprintf("want %sgot  %s", want, q.last.failed)
		}
		return ""
	}
	if q.last.failed != "" {
		return "want rows, got " + q.last.failed
	}
	want := plantest.Texts(plantest.Answer(bound, plantest.Rows(seen)))
	if q.last.counted {
		unpaged := bound.Clone()
		unpaged.Page = lqp.Page{}
		if n := len(plantest.Answer(unpaged, plantest.Rows(seen))); int64(n) != q.last.count {
			return fmt.Sprintf("want a count of %d, got %d", n, q.last.count)
		}
	}
	got := slices.Clone(q.last.rows)
	if !q.ordered {
		if bound.Page.Offset > 0 || bound.Page.Limit < len(want)+bound.Page.Offset { // a page of rows in no order
			return ""
		}
		slices.Sort(want)
		slices.Sort(got)
	}
	if !slices.Equal(want, got) {
		return fmt.Sprintf("want %s\ngot  %s", strings.Join(want, "\n     "), strings.Join(got, "\n     "))
	}
	return ""
}

// selects compares how many rows a condition selects for a change with how many of those in sight satisfy it; below 0 the change
// was refused.
func (w *world) selects(t *table, where lqp.Expr, rows int) string {
	if rows < 0 {
		return ""
	}
	bound, err := w.bind(&lqp.Query{From: lqp.Source{Table: t.ref.Table, Alias: "t"}, Where: where, Aggregates: []lqp.Aggregate{{Name: "n", Func: "countall"}}})
	if err != nil {
		return "the condition names what is not there: " + err.Error()
	}
	want := plantest.Texts(plantest.Answer(bound, plantest.Rows(w.open())))
	if got := strconv.Itoa(rows); want[0] != got {
		return fmt.Sprintf("want %s rows, got %s", want[0], got)
	}
	return ""
}

// forbidden reports whether a change writes what the principal may not write or matches rows by what it does not see.
func (w *world) forbidden(t *table, m *lqp.Mutation) bool {
	access := func(name string) rbac.Access { return t.access(t.schema.Columns[t.at(name)].ID) }
	if !t.open() || !w.writes {
		return true
	}
	for _, row := range m.Rows {
		if slices.ContainsFunc(row.Set, func(as lqp.Assignment) bool { return access(as.Column) != "" }) {
			return true
		}
	}
	return slices.ContainsFunc(m.Key, func(name string) bool { return access(name) == rbac.Hidden || access(name) == rbac.Masked })
}

// open are the tables that the principal can read, as it sees them.
func (w *world) open() (seen []*plantest.Table) {
	for _, t := range w.tables {
		if t.open() {
			seen = append(seen, t.narrowed())
		}
	}
	return seen
}

// bind binds a query where nothing is but what the principal sees.
func (w *world) bind(q *lqp.Query) (*lqp.Query, error) {
	seen := w.open()
	return lqp.Bind(q, lqp.Env{Table: plantest.Find(seen), Now: w.now, User: w.me.ID, Attribute: w.attribute, DefaultLimit: 5000, MaxLimit: 5000,
		Tables: func(connection string) (list []string) {
			for _, t := range seen {
				if connection != "" && t.Connection == connection {
					list = append(list, t.Schema.Name)
				}
			}
			return list
		}})
}
