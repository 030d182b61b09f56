package minidb_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// rowsOf is a cell of a link column.
func rowsOf(ids ...string) lqp.Value {
	if len(ids) == 0 {
		return lqp.Value{}
	}
	items := make([]lqp.Value, len(ids))
	for i, id := range ids {
		items[i] = text(id)
	}
	return lqp.ListValue(items)
}

// linked are two tables with a link between them: tasks name projects in "Project".
type linked struct {
	*fixture
	projects, tasks *table
}

func newLinked(t testing.TB, link minidb.Link, inverse *minidb.InverseSpec) *linked {
	f := newFixture(t, minidb.Options{})
	return linkedIn(f, link, inverse)
}

func linkedIn(f *fixture, link minidb.Link, inverse *minidb.InverseSpec) *linked {
	f.Helper()
	l := &linked{fixture: f}
	l.projects = f.table(minidb.TableSpec{Name: minidb.NewID("p"), Columns: []minidb.ColumnSpec{{Name: "Name", Type: minidb.TextColumn}}})
	link.Table = l.projects.ID
	l.tasks = f.table(minidb.TableSpec{Name: minidb.NewID("t"), Columns: []minidb.ColumnSpec{{Name: "Name", Type: minidb.TextColumn},
		{Name: "Project", Type: minidb.LinkColumn, Options: minidb.ColumnOptions{Link: &link}, Inverse: inverse}}})
	l.projects.reload()
	l.tasks.reload()
	return l
}

func (t *table) cell(row, column string) lqp.Value { return t.stored()[row][column] }

func twoWay() *minidb.InverseSpec { return &minidb.InverseSpec{Name: "Tasks"} }

func TestLinksShowOnBothSides(t *testing.T) {
	l := newLinked(t, minidb.Link{}, twoWay())
	p := l.projects.add(values{"Name": text("a")}, values{"Name": text("b")})
	r := l.tasks.do(l.tasks.insert(values{"Name": text("x"), "Project": rowsOf(p[1], p[0], p[1])}))
	task := r.Rows[0].ID
	require.Equal(t, rowsOf(p[1], p[0]), l.tasks.cell(task, "Project"), "each once, in the given order")
	require.Equal(t, rowsOf(task), l.projects.cell(p[0], "Tasks"))
	require.Equal(t, num(2), l.projects.cell(p[0], "_version"), "the linked row has a new version")

	// From the other side.
	l.projects.do(l.projects.update(p[0], 0, values{"Tasks": rowsOf()}))
	require.Equal(t, rowsOf(p[1]), l.tasks.cell(task, "Project"))
	// The rows that change with the write are in the same batch of the log, by the same actor.
	entries, err := l.TableChanges(l.ctx, l.tasks.ID, 0, 0)
	require.NoError(t, err)
	last := entries[len(entries)-1]
	require.Equal(t, []any{"row.update", task, alice.ID, int64(2)}, []any{last.Action, last.Resource, last.Actor, last.Version})
	require.NotEmpty(t, last.Batch)

	l.tasks.do(l.tasks.delete(0, task))
	require.True(t, l.projects.cell(p[1], "Tasks").IsNull())
	l.agree(t)
}

func TestLinkFaults(t *testing.T) {
	l := newLinked(t, minidb.Link{Single: true}, &minidb.InverseSpec{Name: "Tasks", Single: true})
	p := l.projects.add(values{"Name": text("a")}, values{"Name": text("b")})
	first := l.tasks.add(values{"Project": rowsOf(p[0])})[0]
	for _, c := range []struct {
		name string
		v    lqp.Value
		code string
		says string
	}{
		{"no row", rowsOf(minidb.NewID("row")), minidb.CodeLink, "there is no row"},
		{"a row of another table", rowsOf(first), minidb.CodeLink, "there is no row"},
		{"no row id", rowsOf("a"), minidb.CodeLink, `there is no row "a"`},
		{"two rows", rowsOf(p[1], p[0]), minidb.CodeLink, "names one row"},
		{"a row that is taken", rowsOf(p[0]), minidb.CodeLink, "linked to another row already"},
		{"a text", text(p[1]), minidb.CodeType, "list"},
		{"no text", lqp.ListValue([]lqp.Value{num(1)}), minidb.CodeLink, "there is no row"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := l.tasks.try(l.tasks.insert(values{"Name": text("fine")}, values{"Project": c.v}), minidb.Guard{})
			var v *minidb.ValidationError
			require.ErrorAs(t, err, &v)
			require.Len(t, v.Fields, 1)
			require.Equal(t, 1, v.Fields[0].Row)
			require.Equal(t, l.tasks.id("Project"), v.Fields[0].Column)
			require.Equal(t, c.code, v.Fields[0].Code)
			require.Contains(t, v.Fields[0].Message, c.says)
		})
	}
	l.agree(t)
	// A row changes hands when the one that had it lets go in the same mutation.
	m := l.tasks.update(first, 0, values{"Project": rowsOf(p[1])})
	m.Rows = append(m.Rows, l.tasks.update(l.tasks.add(values{"Name": text("y")})[0], 0, values{"Project": rowsOf(p[0])}).Rows...)
	l.tasks.do(m)
	l.agree(t)
}

func TestLinkGuards(t *testing.T) {
	l := newLinked(t, minidb.Link{}, twoWay())
	p := l.projects.add(values{"Name": text("mine")}, values{"Name": text("yours")}, values{"Name": text("hidden")})
	mine := l.projects.where("eq", "Name", text("mine"))
	seen := l.projects.where("ne", "Name", text("hidden"))
	column := l.tasks.id("Project")
	guard := minidb.Guard{Links: map[string]minidb.LinkGuard{column: {Table: l.projects.Table, Read: seen, Update: mine}}}
	_, err := l.tasks.try(l.tasks.insert(values{"Project": rowsOf(p[0])}), guard)
	require.NoError(t, err)
	_, err = l.tasks.try(l.tasks.insert(values{"Project": rowsOf(p[1])}), guard)
	require.ErrorIs(t, err, minidb.ErrForbidden)
	_, hidden := l.tasks.try(l.tasks.insert(values{"Project": rowsOf(p[2])}), guard)
	gone := minidb.NewID("row")
	_, missing := l.tasks.try(l.tasks.insert(values{"Project": rowsOf(gone)}), guard)
	require.ErrorContains(t, hidden, "there is no row")
	require.Equal(t, missing.Error(), strings.ReplaceAll(hidden.Error(), p[2], gone), "what is hidden is what is not there")

	guard.Links[column] = minidb.LinkGuard{Closed: true}
	_, err = l.tasks.try(l.tasks.insert(values{"Project": rowsOf(p[0])}), guard)
	require.ErrorIs(t, err, minidb.ErrForbidden)
	_, err = l.tasks.try(l.tasks.insert(values{"Name": text("none")}), guard)
	require.NoError(t, err)

	// A rule on the linked cell cannot be got around from the other side.
	free := lqp.NewCall("is_null", l.projects.col("Tasks"))
	guard.Links[column] = minidb.LinkGuard{Update: free}
	_, err = l.tasks.try(l.tasks.insert(values{"Project": rowsOf(p[1])}), guard)
	require.ErrorIs(t, err, minidb.ErrForbidden)

	// The deletion of a row takes it off rows that may not be changed.
	task := l.projects.cell(p[0], "Tasks").Items()[0].Text()
	_, err = l.tasks.try(l.tasks.delete(0, task), guard)
	require.NoError(t, err)
	l.agree(t)

	old := *l.projects.Table
	_, err = l.UpdateTable(l.ctx, alice, l.projects.ID, minidb.TablePatch{Name: ptr("Other")}, 0)
	require.NoError(t, err)
	guard.Links[column] = minidb.LinkGuard{Table: &old}
	_, err = l.tasks.try(l.tasks.insert(values{"Project": rowsOf(p[0])}), guard)
	require.ErrorIs(t, err, minidb.ErrSchemaChanged)
}

func TestLinksOfDeletedRows(t *testing.T) {
	l := newLinked(t, minidb.Link{}, nil) // one-way: projects know nothing of it
	p := l.projects.add(values{"Name": text("a")}, values{"Name": text("b")})
	tasks := l.tasks.add(values{"Project": rowsOf(p[0], p[1])}, values{"Project": rowsOf(p[0])}, values{"Project": rowsOf(p[1])})
	l.projects.do(l.projects.delete(0, p[0]))
	require.Equal(t, rowsOf(p[1]), l.tasks.cell(tasks[0], "Project"))
	require.True(t, l.tasks.cell(tasks[1], "Project").IsNull())
	require.Equal(t, num(1), l.tasks.cell(tasks[2], "_version"))
	l.agree(t)

	// A required link keeps its last row.
	_, err := l.UpdateColumn(l.ctx, alice, l.tasks.id("Project"), minidb.ColumnPatch{Required: ptr(true)}, 0)
	require.Error(t, err, "one row has none")
	l.tasks.do(l.tasks.update(tasks[1], 0, values{"Project": rowsOf(p[1])}))
	_, err = l.UpdateColumn(l.ctx, alice, l.tasks.id("Project"), minidb.ColumnPatch{Required: ptr(true)}, 0)
	require.NoError(t, err)
	l.tasks.reload()
	_, err = l.projects.try(l.projects.delete(0, p[1]), minidb.Guard{})
	var v *minidb.ValidationError
	require.ErrorAs(t, err, &v)
	require.Equal(t, minidb.CodeRequired, v.Fields[0].Code)
	l.agree(t)
}

func TestLinksWithinATable(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	people := f.table(minidb.TableSpec{Name: "People", Columns: []minidb.ColumnSpec{{Name: "Name", Type: minidb.TextColumn},
		{Name: "Boss", Type: minidb.LinkColumn, Options: minidb.ColumnOptions{Link: &minidb.Link{Single: true}}, Inverse: &minidb.InverseSpec{Name: "Reports"}}}})
	people.reload()
	l := &linked{fixture: f, projects: people, tasks: people}
	// Rows that are made together may name each other; circles and oneself are fine.
	a, b := minidb.NewID("row"), minidb.NewID("row")
	m := people.insert(values{"Name": text("a"), "Boss": rowsOf(b)}, values{"Name": text("b"), "Boss": rowsOf(a)})
	m.Rows[0].ID, m.Rows[1].ID = []lqp.Value{text(a)}, []lqp.Value{text(b)}
	r := people.do(m)
	require.Equal(t, int64(1), r.Rows[0].Version)
	require.Equal(t, rowsOf(b), people.cell(a, "Reports"))
	c := people.add(values{"Name": text("c")})[0]
	people.do(people.update(c, 0, values{"Boss": rowsOf(c)}))
	require.Equal(t, rowsOf(c), people.cell(c, "Reports"))
	_, err := people.try(people.update(a, 0, values{"Reports": rowsOf(b, c)}), minidb.Guard{})
	require.Error(t, err, "c has a boss: itself")
	people.do(people.update(c, 0, values{"Boss": rowsOf()}))
	// Both columns in one mutation.
	people.do(people.update(a, 0, values{"Boss": rowsOf(), "Reports": rowsOf(c, b)}))
	require.Equal(t, rowsOf(a), people.cell(c, "Boss"))
	require.True(t, people.cell(b, "Reports").IsNull())
	l.agree(t)
	people.do(people.delete(0, a, c))
	require.True(t, people.cell(b, "Boss").IsNull())
	l.agree(t)
}
