package livetables_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/internal/testseed"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// walkWorld is a table with columns of many types, few different values and many blanks.
type walkWorld struct {
	*world
	r       *rand.Rand
	engines []*livetables.Engine
	table   *minidb.Table
	people  []rbac.Principal
}

var walkColumns = []struct {
	spec  minidb.ColumnSpec
	cells []string // "" is a blank
}{
	{minidb.ColumnSpec{Name: "Name", Type: minidb.TextColumn, Options: minidb.ColumnOptions{MaxLength: 300}}, []string{"", "a", "A", "b ", "Zürich", "O'Brien", "%", "2024-01-02", strings.Repeat("x", 129), strings.Repeat("x", 255), strings.Repeat("x", 260)}},
	{minidb.ColumnSpec{Name: "Region", Type: minidb.TextColumn}, []string{"north", "south"}},
	{minidb.ColumnSpec{Name: "N", Type: minidb.IntegerColumn}, []string{"", "-1", "0", "7", "9007199254740993", "-9223372036854775807"}},
	{minidb.ColumnSpec{Name: "Price", Type: minidb.DecimalColumn, Options: minidb.ColumnOptions{Scale: 2}}, []string{"", "-0.01", "0", "0.10", "12345678901234.56"}},
	{minidb.ColumnSpec{Name: "Day", Type: minidb.DateColumn}, []string{"", "0001-01-01", "1969-12-31", "2024-02-29", "9999-12-31"}},
	{minidb.ColumnSpec{Name: "At", Type: minidb.DateTimeColumn}, []string{"", "1969-12-31T23:59:59.999Z", "2024-02-29T12:00:00.001Z", "2024-02-29T12:00:00.002Z"}},
	{minidb.ColumnSpec{Name: "Paid", Type: minidb.BooleanColumn}, []string{"", "true", "false"}},
}

func newWalkWorld(t *testing.T, seed uint64) *walkWorld {
	t.Helper()
	w := &walkWorld{world: newWorld(t), r: rand.New(rand.NewPCG(seed, 1))}
	w.engines = []*livetables.Engine{w.engine, w.second()}
	w.people = []rbac.Principal{{ID: "owner"}, {ID: "editor"}, {ID: "viewer"}, {ID: "viewer", Attributes: map[string]lqp.Value{"region": lqp.TextValue("north")}}}
	var specs []minidb.ColumnSpec
	for _, c := range walkColumns {
		specs = append(specs, c.spec)
	}
	w.table = w.world.table("T", specs...)
	var rows [][]string
	for range 60 {
		var row []string
		for _, c := range walkColumns {
			row = append(row, c.cells[w.r.IntN(len(c.cells))])
		}
		rows = append(rows, row)
	}
	w.insert(w.owner, w.table, rows...)
	_, err := w.owner.CreateIndex(t.Context(), w.table.ID, []minidb.IndexColumn{{Column: "N"}}, 0)
	require.NoError(t, err)
	return w
}

// ask is a query with up to three sort keys, in any direction, with blanks at either end.
func (w *walkWorld) ask() *lqp.Query {
	q := &lqp.Query{From: lqp.Source{Table: w.table.ID}, Page: lqp.Page{Limit: 1 + w.r.IntN(12)}}
	for _, at := range w.r.Perm(len(walkColumns))[:w.r.IntN(4)] {
		q.OrderBy = append(q.OrderBy, lqp.Order{Expr: lqp.Ref("", walkColumns[at].spec.Name), Desc: w.r.IntN(2) == 0,
			Nulls: []lqp.NullOrder{lqp.NullsDefault, lqp.NullsFirst, lqp.NullsLast}[w.r.IntN(3)]})
	}
	is := func(column, text string) lqp.Expr {
		return lqp.NewCall("eq", lqp.Ref("", column), lqp.Literal(lqp.TextValue(text)))
	}
	switch w.r.IntN(7) {
	case 0:
		q.Where = is("Region", []string{"north", "south"}[w.r.IntN(2)])
	case 1:
		q.Where = lqp.And(is("Region", "north"), lqp.NewCall("not", lqp.NewCall("is_null", lqp.Ref("", "N"))))
	case 2: // two whose pages go by offset
		q.Select, q.OrderBy = nil, nil
		q.GroupBy = []lqp.Named{{Name: "r", Expr: lqp.Ref("", "Region")}, {Name: "n", Expr: lqp.Ref("", "N")}}
		q.Aggregates = []lqp.Aggregate{{Name: "count", Func: "countall"}}
		q.Page.Limit = 1 + w.r.IntN(3)
	case 3:
		q.OrderBy, q.From = nil, lqp.Source{Alias: "v", Query: &lqp.Query{From: q.From, Select: []lqp.Named{{Name: "r", Expr: lqp.Ref("", "Region")}, {Name: "n", Expr: lqp.Ref("", "N")}}}}
	case 4:
		q.Count = lqp.CountExact
	}
	return q
}

// change changes what somebody sees, or where a column's place is.
func (w *walkWorld) change() {
	ctx := w.t.Context()
	owner := w.engines[w.r.IntN(2)].As(rbac.Principal{ID: "owner", Attributes: map[string]lqp.Value{"region": lqp.TextValue("south")}})
	ref := rbac.TableRef{Table: w.table.ID}
	switch w.r.IntN(4) {
	case 0:
		rule := livetables.RuleSpec{Table: ref, Role: rbac.Viewer, Read: expr(w.t, []string{`N >= 0`, `Region = USER("region")`, `Price > 0`}[w.r.IntN(3)])}
		require.NoError(w.t, owner.PutRule(ctx, w.workspace, rule))
	case 1:
		column := w.table.Columns[w.r.IntN(len(walkColumns))].ID
		require.NoError(w.t, owner.PutRule(ctx, w.workspace, livetables.RuleSpec{Table: ref, Role: rbac.Viewer, Columns: map[string]rbac.Access{column: []rbac.Access{rbac.Hidden, rbac.Masked}[w.r.IntN(2)]}}))
	case 2:
		_ = owner.DeleteRule(ctx, w.workspace, ref, rbac.Viewer) // there may be none
	case 3:
		_, err := owner.CreateIndex(ctx, w.table.ID, []minidb.IndexColumn{{Column: walkColumns[w.r.IntN(len(walkColumns))].spec.Name}}, 0)
		_ = err // there may be one
	}
}

// TestKeptPlansWalk: a walk through pages by plans that were kept shows what one by plans made for each page shows, whoever
// walks, whatever the pages are sorted by, and whatever changes on the way. What one refuses, the other refuses alike.
func TestKeptPlansWalk(t *testing.T) {
	w := newWalkWorld(t, testseed.Of(t))
	ctx := t.Context()
	prepared, offsets, refused := 0, 0, 0
	for range 50 {
		q, changing := w.ask(), w.r.IntN(4) == 0
		p := w.people[w.r.IntN(len(w.people))]
		rows := []string{}
		changed := false
		for pages := 0; ; pages++ {
			what := fmt.Sprintf("%+v asks for page %d of %s", p, pages, lqp.EncodeQuery(q))
			a := w.engines[w.r.IntN(2)].As(p)
			found, err := a.Query(ctx, w.workspace, q)
			got := answerOf(found, err)
			anew, errAnew := livetables.QueryAnew(ctx, w.engines[w.r.IntN(2)].As(p), w.workspace, q)
			require.Equal(t, answerOf(anew, errAnew), got, what)
			if err != nil {
				refused++
				break
			}
			if q.Page.Cursor != "" && livetables.IsPrepared(ctx, a, w.workspace, q) {
				prepared++
				if len(q.GroupBy) > 0 || q.From.Query != nil {
					offsets++
				}
			}
			lines := strings.Split(got, "\n")
			rows = append(rows, lines[1:len(lines)-1]...)
			require.Equal(t, found.NextCursor() == "", anew.NextCursor() == "", what)
			if found.NextCursor() == "" {
				break
			}
			if changing && w.r.IntN(3) == 0 {
				w.change()
				changed = true
			}
			c := *q // of either way: both continue the same
			c.Page.Cursor = []string{found.NextCursor(), anew.NextCursor()}[w.r.IntN(2)]
			q = &c
		}
		if !changed {
			all := *q
			all.Page = lqp.Page{Limit: 1000}
			found, err := livetables.QueryAnew(ctx, w.engine.As(p), w.workspace, &all)
			if want := answerOf(found, err); err == nil {
				lines := strings.Split(want, "\n")
				require.Equal(t, lines[1:len(lines)-1], rows, "%+v walked through %s", p, lqp.EncodeQuery(q))
			}
		}
	}
	t.Logf("%d prepared pages, %d by offset; %d walks refused", prepared, offsets, refused)
	require.Greater(t, prepared, 150, "the test has compared nothing")
	require.Positive(t, offsets)
	require.Positive(t, refused)
}
