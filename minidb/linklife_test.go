package minidb_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// filledLink are two tasks and two projects: x names a and b, y names b.
func filledLink(t testing.TB, inverse *minidb.InverseSpec) (l *linked, p, tasks []string) {
	l = newLinked(t, minidb.Link{}, inverse)
	p = l.projects.add(values{"Name": text("a")}, values{"Name": text("b")})
	tasks = l.tasks.add(values{"Name": text("x"), "Project": rowsOf(p[1], p[0])}, values{"Name": text("y"), "Project": rowsOf(p[1])})
	return l, p, tasks
}

func (t *table) column(name string) *minidb.Column {
	t.Helper()
	c, ok := t.reload().Column(t.id(name))
	require.True(t, ok, name)
	return c
}

func TestLinkColumnsAreChecked(t *testing.T) {
	l := newLinked(t, minidb.Link{}, twoWay())
	for name, spec := range map[string]minidb.ColumnSpec{
		"no link":               {},
		"no table":              {Options: minidb.ColumnOptions{Link: &minidb.Link{Table: minidb.NewID("tbl")}}},
		"no id":                 {Options: minidb.ColumnOptions{Link: &minidb.Link{Table: "x"}}},
		"an inverse of its own": {Options: minidb.ColumnOptions{Link: &minidb.Link{Inverse: l.tasks.id("Project")}}},
		"a default":             {Options: minidb.ColumnOptions{Link: &minidb.Link{}}, Default: rowsOf(minidb.NewID("row"))},
		"unique":                {Options: minidb.ColumnOptions{Link: &minidb.Link{}}, Unique: true},
		"taken name":            {Options: minidb.ColumnOptions{Link: &minidb.Link{Table: l.projects.ID}}, Inverse: &minidb.InverseSpec{Name: "NAME"}},
		"same name":             {Options: minidb.ColumnOptions{Link: &minidb.Link{}}, Inverse: &minidb.InverseSpec{Name: "new"}},
		"no name":               {Options: minidb.ColumnOptions{Link: &minidb.Link{}}, Inverse: &minidb.InverseSpec{}},
		"options of others":     {Options: minidb.ColumnOptions{Link: &minidb.Link{}, MaxLength: 3}},
	} {
		spec.Name, spec.Type = "New", minidb.LinkColumn
		_, err := l.AddColumn(l.ctx, alice, l.tasks.ID, spec, 0)
		require.Error(t, err, name)
	}
	_, err := l.AddColumn(l.ctx, alice, l.tasks.ID, minidb.ColumnSpec{Name: "New", Type: minidb.TextColumn, Inverse: twoWay()}, 0)
	require.Error(t, err)
	other, err := l.CreateWorkspace(l.ctx, alice, "Other")
	require.NoError(t, err)
	base, err := l.CreateBase(l.ctx, alice, other.ID, minidb.BaseSpec{Name: "b"})
	require.NoError(t, err)
	_, err = l.CreateTable(l.ctx, alice, base.ID, minidb.TableSpec{Name: "t", Columns: []minidb.ColumnSpec{
		{Name: "L", Type: minidb.LinkColumn, Options: minidb.ColumnOptions{Link: &minidb.Link{Table: l.tasks.ID}}}}})
	require.Error(t, err, "a table of another workspace is not there")
	l.agree(t)
}

func TestTwoWayAndBack(t *testing.T) {
	l, p, tasks := filledLink(t, nil)
	column := l.tasks.id("Project")
	_, err := l.UpdateColumn(l.ctx, alice, column, minidb.ColumnPatch{Inverse: &minidb.InverseSpec{Name: "One", Single: true}}, 0)
	require.Error(t, err, "b has two tasks")
	_, err = l.UpdateColumn(l.ctx, alice, column, minidb.ColumnPatch{Inverse: twoWay()}, 0)
	require.NoError(t, err)
	l.projects.reload()
	require.ElementsMatch(t, tasks, ids(l.projects.cell(p[1], "Tasks")))
	l.agree(t)
	_, err = l.UpdateColumn(l.ctx, alice, column, minidb.ColumnPatch{Options: &minidb.ColumnOptions{Link: &minidb.Link{Single: true}}}, 0)
	require.Error(t, err, "x has two projects")
	_, err = l.UpdateColumn(l.ctx, alice, column, minidb.ColumnPatch{Options: &minidb.ColumnOptions{Link: &minidb.Link{Table: l.tasks.ID}}}, 0)
	require.Error(t, err, "a link stays one to its table")
	// The column that came first goes: the edges follow the other one.
	_, err = l.UpdateColumn(l.ctx, alice, l.projects.id("Tasks"), minidb.ColumnPatch{OneWay: true}, 0)
	require.NoError(t, err)
	require.Equal(t, "Project", l.tasks.reload().id("Project"))
	swapped := &linked{fixture: l.fixture, tasks: l.projects, projects: l.tasks}
	_, err = l.UpdateColumn(l.ctx, alice, l.projects.id("Tasks"), minidb.ColumnPatch{Name: ptr("Project")}, 0)
	require.NoError(t, err)
	swapped.agree(t)
	require.ElementsMatch(t, tasks, ids(l.projects.cell(p[1], "Project")))
	l.tasks.do(l.tasks.delete(0, tasks[0]))
	require.Equal(t, rowsOf(tasks[1]), l.projects.cell(p[1], "Project"))
	swapped.agree(t)
}

func ids(v lqp.Value) (list []string) {
	for _, item := range v.Items() {
		list = append(list, item.Text())
	}
	return list
}

// TestLinksInTheTrash deletes and restores columns and tables at the ends of a link while the other end goes on being written.
func TestLinksInTheTrash(t *testing.T) {
	l, p, tasks := filledLink(t, twoWay())
	trash := func(resource string) string {
		s, err := l.Snapshot(l.ctx, l.workspace.ID)
		require.NoError(t, err)
		for _, x := range s.Trash {
			if x.Resource == resource {
				return x.ID
			}
		}
		t.Fatalf("%s is not in the trash", resource)
		return ""
	}
	restore := func(resource string) {
		t.Helper()
		_, err := l.RestoreTrash(l.ctx, alice, trash(resource), minidb.Recovery{})
		require.NoError(t, err)
		l.agree(t)
	}
	inverse := l.projects.id("Tasks")
	require.NoError(t, l.DeleteColumn(l.ctx, alice, inverse, 0))
	l.projects.reload()
	z := l.tasks.add(values{"Name": text("z"), "Project": rowsOf(p[0])})[0]
	l.tasks.do(l.tasks.delete(0, tasks[1]))
	extra := l.projects.add(values{"Name": text("c")})[0]
	l.tasks.do(l.tasks.update(z, 0, values{"Project": rowsOf(extra, p[0])}))
	l.projects.do(l.projects.delete(0, extra)) // whose cell in the trash does not know of z
	require.Equal(t, rowsOf(p[0]), l.tasks.cell(z, "Project"))
	restore(inverse)
	require.ElementsMatch(t, []string{tasks[0], z}, ids(l.projects.cell(p[0], "Tasks")))

	// The whole table.
	require.NoError(t, l.DeleteTable(l.ctx, alice, l.projects.ID, 0))
	_, err := l.tasks.try(l.tasks.update(z, 0, values{"Project": rowsOf(p[1], p[0])}), minidb.Guard{})
	require.ErrorContains(t, err, "there is no row", "nothing new is linked to what is in the trash")
	l.tasks.do(l.tasks.update(z, 0, values{"Project": rowsOf()}))
	restore(l.projects.ID)
	require.Equal(t, rowsOf(tasks[0]), l.projects.cell(p[0], "Tasks"))

	// For good: the other side goes on as a one-way link.
	require.NoError(t, l.DeleteColumn(l.ctx, alice, l.tasks.id("Project"), 0))
	require.NoError(t, l.DeleteForever(l.ctx, alice, trash(l.tasks.id("Project"))))
	l.tasks.reload()
	require.Empty(t, l.projects.column("Tasks").Options.Link.Inverse)
	_, err = l.UpdateColumn(l.ctx, alice, inverse, minidb.ColumnPatch{Name: ptr("Project")}, 0)
	require.NoError(t, err)
	swapped := &linked{fixture: l.fixture, tasks: l.projects, projects: l.tasks}
	swapped.agree(t)
	require.Equal(t, rowsOf(tasks[0]), l.projects.cell(p[0], "Project"))

	// The linked table for good takes the column with it.
	require.NoError(t, l.DeleteTable(l.ctx, alice, l.tasks.ID, 0))
	require.NoError(t, l.DeleteForever(l.ctx, alice, trash(l.tasks.ID)))
	require.NoError(t, l.SweepTrash(l.ctx))
	require.Len(t, l.projects.reload().Columns, 1)
	require.Zero(t, l.count("SELECT count(*) FROM lt_link"))
}

func TestArchivedTablesAreNotLinkedTo(t *testing.T) {
	l, p, tasks := filledLink(t, twoWay())
	_, err := l.ArchiveTable(l.ctx, alice, l.projects.ID, 0)
	require.NoError(t, err)
	_, err = l.tasks.try(l.tasks.update(tasks[1], 0, values{"Project": rowsOf(p[0])}), minidb.Guard{})
	require.Error(t, err)
	l.tasks.do(l.tasks.delete(0, tasks[0]))
	_, err = l.RestoreTable(l.ctx, alice, l.projects.ID, 0)
	require.NoError(t, err)
	l.agree(t)
	require.Equal(t, rowsOf(tasks[1]), l.projects.cell(p[1], "Tasks"))
}

// TestLinksOfACopiedBase duplicates a base: links lead to the copies, and to outside tables as before.
func TestLinksOfACopiedBase(t *testing.T) {
	l, _, tasks := filledLink(t, twoWay())
	aside, err := l.CreateBase(l.ctx, alice, l.workspace.ID, minidb.BaseSpec{Name: "Aside"})
	require.NoError(t, err)
	people, err := l.CreateTable(l.ctx, alice, aside.ID, minidb.TableSpec{Name: "People", Columns: []minidb.ColumnSpec{{Name: "Name", Type: minidb.TextColumn}}})
	require.NoError(t, err)
	ada := (&table{fixture: l.fixture, Table: people}).add(values{"Name": text("Ada")})[0]
	_, err = l.AddColumn(l.ctx, alice, l.tasks.ID, minidb.ColumnSpec{Name: "Who", Type: minidb.LinkColumn, Options: minidb.ColumnOptions{
		Link: &minidb.Link{Table: people.ID}}, Inverse: twoWay()}, 0)
	require.NoError(t, err)
	l.tasks.reload()
	l.tasks.do(l.tasks.update(tasks[0], 0, values{"Who": rowsOf(ada)}))
	for _, rows := range []bool{false, true} {
		b, err := l.DuplicateBase(l.ctx, alice, l.base.ID, minidb.Duplicate{Name: minidb.NewID("copy"), Rows: rows})
		require.NoError(t, err)
		s, err := l.Snapshot(l.ctx, l.workspace.ID)
		require.NoError(t, err)
		copied := &linked{fixture: l.fixture}
		for _, tb := range s.TablesOf(b.ID) {
			if tb.Name == l.tasks.Name {
				copied.tasks = &table{fixture: l.fixture, Table: tb}
			} else {
				copied.projects = &table{fixture: l.fixture, Table: tb}
			}
		}
		copied.agree(t)
		c := copied.tasks.column("Project")
		require.Equal(t, copied.projects.ID, c.Options.Link.Table)
		require.Equal(t, copied.projects.id("Tasks"), c.Options.Link.Inverse)
		require.Equal(t, minidb.Link{Table: people.ID}, *copied.tasks.column("Who").Options.Link)
		if !rows {
			require.Empty(t, copied.edgeRows(t))
			continue
		}
		require.Len(t, copied.edgeRows(t), 3)
		for id, row := range copied.tasks.stored() {
			require.NotContains(t, tasks, id)
			if row["Name"].Text() == "x" {
				var names []string
				for _, to := range ids(row["Project"]) {
					names = append(names, copied.projects.cell(to, "Name").Text())
				}
				require.Equal(t, []string{"b", "a"}, names, "in the order of the original")
				require.Equal(t, rowsOf(ada), row["Who"])
			}
		}
		// The copies are links like any others.
		copied.projects.do(copied.projects.delete(0, slices.Collect(keysOf(copied.projects.stored()))...))
		copied.agree(t)
	}
	l.agree(t)

	// A table by itself: its links go on leading where they led.
	twin, err := l.DuplicateTable(l.ctx, alice, l.tasks.ID, minidb.Duplicate{Name: "Twin", Rows: true})
	require.NoError(t, err)
	twins := &linked{fixture: l.fixture, projects: l.projects, tasks: &table{fixture: l.fixture, Table: twin}}
	require.Equal(t, minidb.Link{Table: l.projects.ID}, *twins.tasks.column("Project").Options.Link)
	twins.agree(t)
	require.Len(t, twins.edgeRows(t), 3)
}

func keysOf[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func TestLinksOfADeletedWorkspace(t *testing.T) {
	l, _, _ := filledLink(t, twoWay())
	require.NoError(t, l.DeleteWorkspace(l.ctx, alice, l.workspace.ID, 0))
	require.NoError(t, l.Purge(l.ctx, nil))
	require.Zero(t, l.count("SELECT count(*) FROM lt_link"))
	require.Zero(t, l.count("SELECT count(*) FROM lt_purge_table"))
}

// TestManyLinks bounds what one write does: a row that more rows link to than one write may change cannot be deleted at once.
func TestManyLinks(t *testing.T) {
	f := newFixture(t, minidb.Options{MaxRows: 50})
	l := linkedIn(f, minidb.Link{}, nil)
	p := l.projects.add(values{"Name": text("a")}, values{"Name": text("b")})
	rows := make([]values, 50)
	for i := range rows {
		rows[i] = values{"Project": rowsOf(p[0])}
	}
	l.tasks.add(rows...)
	one := l.tasks.add(values{"Project": rowsOf(p...)})[0]
	_, err := l.projects.try(l.projects.delete(0, p[0]), minidb.Guard{})
	var limit *minidb.LimitError
	require.ErrorAs(t, err, &limit)
	require.Equal(t, "linked rows", limit.Name)
	l.tasks.do(l.tasks.update(one, 0, values{"Project": rowsOf(p[1])}))
	started := time.Now()
	l.projects.do(l.projects.delete(0, p[0]))
	t.Logf("50 rows in %v", time.Since(started))
	l.agree(t)
}
