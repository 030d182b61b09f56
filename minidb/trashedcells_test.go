package minidb_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// undo takes the latest operation of alice back, in the tables that are in use.
func (f *fixture) undo(kind minidb.OperationKind) {
	f.Helper()
	stack, err := f.UndoStack(f.ctx, f.workspace.ID, alice.ID, nil)
	require.NoError(f, err)
	list := stack.Undo
	if kind == minidb.RedoOperation {
		list = stack.Redo
	}
	require.NotEmpty(f, list)
	s, err := f.Snapshot(f.ctx, f.workspace.ID)
	require.NoError(f, err)
	plan, err := f.PlanRevert(f.ctx, minidb.Selection{Workspace: f.workspace.ID, Operation: list[0].ID}, minidb.RefuseConflicts, s.Tables, false)
	require.NoError(f, err)
	_, _, err = f.ApplyRevert(f.ctx, alice, plan, minidb.Revert{Kind: kind, Guard: noGuard})
	require.NoError(f, err)
}

// restoreRows brings rows back from the trash of their table.
func (t *table) restoreRows(ids ...string) {
	t.Helper()
	t.reload()
	plan, err := t.PlanRevert(t.ctx, minidb.Selection{Workspace: t.workspace.ID, Trash: ids}, minidb.RefuseConflicts, []*minidb.Table{t.Table}, false)
	require.NoError(t, err)
	_, results, err := t.ApplyRevert(t.ctx, alice, plan, minidb.Revert{Guard: noGuard})
	require.NoError(t, err)
	require.Len(t, results, 1)
	require.Equal(t, len(ids), results[0].Affected)
}

// drop puts a column into the trash.
func (t *table) drop(id string) {
	t.Helper()
	require.NoError(t, t.RemoveColumn(t.ctx, alice, id, minidb.Removal{Force: true}))
	t.reload()
}

// TestRowsKeepCellsInTheTrash: a row that is deleted and comes back while columns of it are in the trash has their cells again,
// whichever way it comes back and whatever happens to the table meanwhile.
func TestRowsKeepCellsInTheTrash(t *testing.T) {
	for name, meanwhile := range map[string]func(g *table, ids []string){
		"undo": func(g *table, ids []string) {
			g.do(g.delete(0, ids...))
			g.undo(minidb.UndoOperation)
		},
		"undo and redo of an insertion": func(g *table, _ []string) {
			g.undo(minidb.UndoOperation)
			require.Empty(t, g.stored())
			g.undo(minidb.RedoOperation)
		},
		"the trash of rows": func(g *table, ids []string) {
			g.do(g.delete(0, ids...))
			g.restoreRows(ids...)
		},
		"twice": func(g *table, ids []string) {
			for range 2 {
				g.do(g.delete(0, ids[0]))
				g.restoreRows(ids[0])
			}
		},
		"by filter": func(g *table, ids []string) {
			g.do(&lqp.Mutation{Op: lqp.Delete, Table: g.ID, AllRows: true, MaxAffected: 10})
			g.restoreRows(ids...)
		},
		"another column gets a type": func(g *table, ids []string) {
			g.do(g.delete(0, ids[0]))
			_, err := g.ChangeType(g.ctx, alice, g.id("Stock"), minidb.Retype{Type: minidb.TextColumn}, 0)
			require.NoError(t, err)
			g.restoreRows(ids[0])
		},
		"other cells are written, and moved": func(g *table, ids []string) {
			g.do(g.update(ids[0], 0, values{"Name": text("C")}))
			move := minidb.Move{Table: g.Table, Rows: ids[:1], Last: true}
			_, err := g.MoveRows(g.ctx, alice, move)
			require.ErrorIs(t, err, minidb.ErrSchemaChanged, "the first move makes the order")
			move.Table = g.reload().Table
			_, err = g.MoveRows(g.ctx, alice, move)
			require.NoError(t, err)
			g.do(g.delete(0, ids...))
			g.undo(minidb.UndoOperation)
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, minidb.Options{})
			g := f.table(goods)
			ids := g.add(values{"Name": text("A"), "Code": text("a"), "Price": dec("1.50"), "State": text("old"), "Stock": num(1)},
				values{"Name": text("B"), "Code": text("b"), "Notes": text("n"), "Stock": num(2)})
			columns := []string{"Code", "Price", "State", "Notes", "Since"}
			before, dropped := g.stored(), map[string]string{}
			for _, name := range columns {
				dropped[name] = g.id(name)
				g.drop(dropped[name])
			}
			meanwhile(g, ids)
			for name := range g.stored()[ids[0]] {
				require.NotContains(t, columns, name)
			}
			for _, id := range dropped {
				require.NoError(t, f.restore(id, minidb.Recovery{}))
			}
			now := g.reload().stored()
			require.Len(t, now, 2)
			for _, id := range ids {
				for _, name := range columns {
					require.Equal(t, before[id][name], now[id][name], "%s of %s", name, id)
				}
			}
		})
	}
}

// TestCellsInTheTrashArePast: what rows are in the past is whole also where entries were written while a column was in the trash,
// and what happened before is taken back as if it had not been.
func TestCellsInTheTrashArePast(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(goods)
	bob := minidb.Actor{ID: "usr_bob"}
	id := g.add(values{"Name": text("A")})[0]
	_, err := f.Apply(f.ctx, bob, []minidb.Write{{Table: g.Table, Mutation: g.update(id, 0, values{"Code": text("bob's")})}})
	require.NoError(t, err)
	code := g.id("Code")
	g.drop(code)
	g.do(g.update(id, 0, values{"Stock": num(2)}))
	require.NoError(t, f.restore(code, minidb.Recovery{}))
	g.reload()
	for version, want := range map[int64]lqp.Value{1: {}, 2: text("bob's"), 3: text("bob's")} {
		row, err := f.RowAt(f.ctx, g.Table, id, minidb.RowMoment{Version: version})
		require.NoError(t, err)
		require.Equal(t, want, row.Values[2], "version %d", version)
	}
	stack, err := f.UndoStack(f.ctx, f.workspace.ID, bob.ID, nil)
	require.NoError(t, err)
	plan, err := f.PlanRevert(f.ctx, minidb.Selection{Workspace: f.workspace.ID, Operation: stack.Undo[0].ID}, "", []*minidb.Table{g.Table}, false)
	require.NoError(t, err)
	_, _, err = f.ApplyRevert(f.ctx, bob, plan, minidb.Revert{Guard: noGuard})
	require.NoError(t, err)
	require.True(t, g.cell(id, "Code").IsNull())
	require.Equal(t, num(2), g.cell(id, "Stock"))
}

// TestColumnInTheTrashBindsNothing: rows are kept with the cells of such a column, and nobody finds it by its id.
func TestColumnInTheTrashBindsNothing(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(goods)
	id := g.add(values{"Name": text("A"), "Code": text("a")})[0]
	code := g.id("Code")
	g.drop(code)
	var refused *minidb.ValidationError
	_, err := g.try(&lqp.Mutation{Op: lqp.Update, Table: g.ID, Rows: []lqp.RowChange{{ID: []lqp.Value{text(id)},
		Set: []lqp.Assignment{{Column: code, Value: text("x")}}}}}, minidb.Guard{})
	require.ErrorAs(t, err, &refused)
	require.Equal(t, minidb.CodeUnknownColumn, refused.Fields[0].Code)
	require.Nil(t, g.Schema().Column(code))
	_, err = f.AddColumn(f.ctx, alice, g.ID, minidb.ColumnSpec{Name: "Upper", Type: minidb.FormulaColumn,
		Options: minidb.ColumnOptions{Formula: "UPPER({" + code + "})"}}, 0)
	require.Error(t, err)
	rules := minidb.TableRules{Checks: []minidb.Check{{Expr: []byte(`{"op":"is_null","args":[{"col":"` + code + `"}]}`), Message: "m"}}}
	_, err = f.UpdateTable(f.ctx, alice, g.ID, minidb.TablePatch{Rules: &rules}, 0)
	require.Error(t, err)
	r := g.do(g.update(id, 0, values{"Stock": num(3)}))
	require.Equal(t, 1, r.Affected)

	// Whoever planned on the table before the column was gone for good plans anew.
	planned := *g
	f.gone(code)
	_, err = planned.try(planned.update(id, 0, values{"Stock": num(4)}), minidb.Guard{})
	require.ErrorIs(t, err, minidb.ErrSchemaChanged)
	g.reload()
	g.do(g.update(id, 0, values{"Stock": num(4)}))
	for version := int64(1); version < g.Version; version++ {
		_, err := f.FormAt(f.ctx, g.Table, version)
		require.NoError(t, err, "version %d", version)
	}
}

// TestLinksInTheTrashKeepRows: links of a column in the trash outlive the deletion of a row on either side that is taken back.
func TestLinksInTheTrashKeepRows(t *testing.T) {
	for name, both := range map[string]bool{"one way": false, "both columns in the trash": true} {
		t.Run(name, func(t *testing.T) {
			var inverse *minidb.InverseSpec
			if both {
				inverse = twoWay()
			}
			l, p, tasks := filledLink(t, inverse)
			l.projects.reload()
			column, other := l.tasks.id("Project"), l.projects.id("Tasks")
			l.tasks.drop(column)
			if both {
				l.projects.drop(other)
			}
			l.tasks.do(l.tasks.delete(0, tasks[0]))
			l.undo(minidb.UndoOperation)
			l.projects.do(l.projects.delete(0, p[0]))
			l.projects.restoreRows(p[0])
			l.tasks.do(l.tasks.delete(0, tasks[1])) // and stays away
			require.NoError(t, l.restore(column, minidb.Recovery{}))
			if both {
				require.NoError(t, l.restore(other, minidb.Recovery{}))
			}
			l.tasks.reload()
			l.projects.reload()
			require.Equal(t, rowsOf(p[1], p[0]), l.tasks.cell(tasks[0], "Project"))
			if both {
				require.Equal(t, rowsOf(tasks[0]), l.projects.cell(p[1], "Tasks"))
			}
			l.agree(t)
		})
	}
	t.Run("the other table goes too", func(t *testing.T) {
		l, p, tasks := filledLink(t, nil)
		column := l.tasks.id("Project")
		l.tasks.drop(column)
		l.projects.do(l.projects.delete(0, p[0]))
		require.NoError(t, l.DeleteTable(l.ctx, alice, l.projects.ID, 0))
		require.NoError(t, l.restore(column, minidb.Recovery{}))
		require.NoError(t, l.restore(l.projects.ID, minidb.Recovery{}))
		l.tasks.reload()
		l.projects.reload()
		require.Equal(t, rowsOf(p[1]), l.tasks.cell(tasks[0], "Project"))
		l.agree(t)
	})
}

// TestLinksComeBackInOrder: the list of a column that follows has its order again when links that it lost come back.
func TestLinksComeBackInOrder(t *testing.T) {
	l, p, tasks := filledLink(t, twoWay())
	l.projects.reload()
	third := l.tasks.add(values{"Name": text("z"), "Project": rowsOf(p[1])})[0]
	want := rowsOf(third, tasks[0], tasks[1])
	l.projects.do(l.projects.update(p[1], 0, values{"Tasks": want}))
	l.tasks.do(l.tasks.delete(0, tasks[0]))
	require.Equal(t, rowsOf(third, tasks[1]), l.projects.cell(p[1], "Tasks"))
	l.undo(minidb.UndoOperation)
	require.Equal(t, want, l.projects.cell(p[1], "Tasks"))
	l.undo(minidb.RedoOperation)
	l.undo(minidb.UndoOperation)
	require.Equal(t, want, l.projects.cell(p[1], "Tasks"))
	l.agree(t)
}

// TestComputedColumnsSeeTheirOrigins: what a computed column is made of is told of a table however many columns it has, also when its
// rows are in manual order or columns of it are in the trash: it decides who is shown its values.
func TestComputedColumnsSeeTheirOrigins(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	for n := range 9 {
		spec := minidb.TableSpec{Name: minidb.NewID("t"), Columns: []minidb.ColumnSpec{{Name: "Name", Type: minidb.TextColumn},
			{Name: "Loud", Type: minidb.FormulaColumn, Options: minidb.ColumnOptions{Formula: "UPPER(Name)"}}}}
		for range n {
			spec.Columns = append(spec.Columns, minidb.ColumnSpec{Name: minidb.NewID("c"), Type: minidb.TextColumn})
		}
		g := f.table(spec)
		id := g.add(values{"Name": text("a")})[0]
		_, err := g.move(alice, minidb.Move{Rows: []string{id}, First: true})
		require.NoError(t, err)
		if n > 5 {
			g.drop(g.Columns[len(g.Columns)-1].ID)
		}
		g.reload()
		c := g.Schema().Column(g.id("Loud"))
		require.True(t, c.Derived, "%d columns", n)
		require.NotEmpty(t, c.Origins, "%d columns", n)
	}
}
