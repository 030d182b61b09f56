package minidb_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// trash is what lies in the trash of the fixture's workspace, the newest first.
func (f *fixture) trash() []*minidb.Trashed {
	f.Helper()
	s, err := f.Snapshot(f.ctx, f.workspace.ID)
	require.NoError(f, err)
	return s.Trash
}

// trashed is the entry of a resource.
func (f *fixture) trashed(resource string) *minidb.Trashed {
	f.Helper()
	list := f.trash()
	i := slices.IndexFunc(list, func(t *minidb.Trashed) bool { return t.Resource == resource })
	require.GreaterOrEqual(f, i, 0, "in the trash")
	return list[i]
}

// gone deletes what lies in the trash for good.
func (f *fixture) gone(resource string) {
	f.Helper()
	require.NoError(f, f.DeleteForever(f.ctx, alice, f.trashed(resource).ID))
	require.NoError(f, f.SweepTrash(f.ctx))
}

func (f *fixture) restore(resource string, r minidb.Recovery) error {
	f.Helper()
	_, err := f.RestoreTrash(f.ctx, alice, f.trashed(resource).ID, r)
	return err
}

func TestDeletedTableComesBack(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(goods)
	g.add(values{"Name": text("A"), "Code": text("1"), "Price": dec("2.50")}, values{"Name": text("B")})
	_, err := f.CreateIndex(f.ctx, alice, g.ID, []minidb.IndexColumn{{Column: g.id("Stock")}}, 0)
	require.NoError(t, err)
	rules := minidb.TableRules{Uniques: []minidb.UniqueSet{{Columns: []string{g.id("Name"), g.id("Stock")}}}}
	_, err = f.UpdateTable(f.ctx, alice, g.ID, minidb.TablePatch{Rules: &rules}, 0)
	require.NoError(t, err)
	_, err = f.PutRule(f.ctx, alice, minidb.Rule{Workspace: f.workspace.ID, Table: rbac.TableRef{Table: g.ID}, Role: rbac.Viewer,
		Columns: map[string]rbac.Access{g.id("Price"): rbac.Hidden}})
	require.NoError(t, err)
	g.reload()
	before, rows := *g.Table, g.stored()

	require.NoError(t, f.DeleteTable(f.ctx, alice, g.ID, 0))
	s, err := f.Snapshot(f.ctx, f.workspace.ID)
	require.NoError(t, err)
	_, ok := s.AnyTable(g.ID)
	require.False(t, ok)
	require.Len(t, s.Rules, 1, "its rules stay in force")
	require.Equal(t, f.base.ID, s.Parents()[g.ID], "and the caps of what it was in")
	_, err = f.WorkspaceOf(f.ctx, g.ID)
	require.ErrorIs(t, err, minidb.ErrNotFound)
	_, err = g.try(g.insert(values{"Name": text("C")}), minidb.Guard{})
	require.ErrorIs(t, err, minidb.ErrNotFound)
	entry := f.trashed(g.ID)
	require.Equal(t, minidb.TrashedTable, entry.Kind)
	require.Equal(t, "Goods", entry.Name)
	require.Equal(t, alice.ID, entry.DeletedBy)
	workspace, err := f.WorkspaceOf(f.ctx, entry.ID)
	require.NoError(t, err)
	require.Equal(t, f.workspace.ID, workspace)

	// Its name is free, and taken when it comes back.
	other := f.table(goods)
	require.ErrorIs(t, f.restore(g.ID, minidb.Recovery{}), minidb.ErrExists)
	require.Len(t, f.trash(), 1, "nothing of it has happened")
	require.NoError(t, f.restore(g.ID, minidb.Recovery{Name: "Goods again"}))
	require.Empty(t, f.trash())
	g.reload()
	require.Equal(t, "Goods again", g.Name)
	require.Equal(t, before.Columns, g.Columns)
	require.Equal(t, before.Rules, g.Rules)
	require.Equal(t, before.Indexes(), g.Indexes())
	require.Equal(t, before.Version+1, g.Version)
	require.Equal(t, rows, g.stored())
	g.add(values{"Name": text("C"), "Code": text("3")})
	_, err = g.try(g.insert(values{"Name": text("D"), "Code": text("3")}), minidb.Guard{})
	require.Equal(t, []string{minidb.CodeUnique}, codes(t, err))
	require.Empty(t, other.stored())
	log, err := f.TableChanges(f.ctx, g.ID, 0, 100)
	require.NoError(t, err)
	var actions []string
	for i := range log {
		if log[i].ResourceType == "table" {
			actions = append(actions, log[i].Action)
		}
	}
	require.Equal(t, []string{"table.create", "table.update", "table.delete", "table.restore"}, actions)
}

func TestDeletedColumnComesBack(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	spec := goods
	spec.Columns = append(slices.Clone(goods.Columns), minidb.ColumnSpec{Name: "No", Type: minidb.AutonumberColumn},
		minidb.ColumnSpec{Name: "Made", Type: minidb.CreatedTimeColumn})
	g := f.table(spec)
	ids := g.add(values{"Name": text("A"), "Code": text("1"), "State": text("new")}, values{"Name": text("B"), "Code": text("2")})
	f.role(g, rbac.Viewer, map[string]rbac.Access{g.id("Code"): rbac.Hidden})
	_, err := f.ChangeType(f.ctx, alice, g.id("Stock"), minidb.Retype{Type: minidb.DecimalColumn}, 0)
	require.NoError(t, err)
	before := g.reload().stored()
	columns := map[string]string{}
	for _, name := range []string{"Code", "State", "No", "Made"} {
		columns[name] = g.id(name)
		require.NoError(t, f.DeleteColumn(f.ctx, alice, g.id(name), 0), name)
		g.reload()
	}
	require.Len(t, g.Columns, len(spec.Columns)-4)
	s, err := f.Snapshot(f.ctx, f.workspace.ID)
	require.NoError(t, err)
	require.Empty(t, s.Rules[0].Columns)
	require.Equal(t, map[rbac.Role]rbac.Access{rbac.Viewer: rbac.Hidden}, f.trashed(columns["Code"]).Grants)

	// The table is written and built anew meanwhile.
	more := g.add(values{"Name": text("C")})
	_, err = f.ChangeType(f.ctx, alice, g.id("Stock"), minidb.Retype{Type: minidb.TextColumn, AcceptLoss: true}, 0)
	require.NoError(t, err)
	_, err = f.AddColumn(f.ctx, alice, g.ID, minidb.ColumnSpec{Name: "code", Type: minidb.TextColumn}, 0)
	require.NoError(t, err)

	require.ErrorIs(t, f.restore(columns["Code"], minidb.Recovery{}), minidb.ErrExists)
	require.NoError(t, f.restore(columns["Code"], minidb.Recovery{Name: "Code 1"}))
	for _, name := range []string{"Made", "No", "State"} {
		require.NoError(t, f.restore(columns[name], minidb.Recovery{}), name)
	}
	g.reload()
	c, ok := g.Column(columns["Code"])
	require.True(t, ok)
	require.Equal(t, 1, c.Position, "where it was")
	require.True(t, c.Unique)
	after := g.stored()
	for _, id := range ids {
		require.Equal(t, before[id]["Code"], after[id]["Code 1"])
		for _, name := range []string{"State", "No", "Made"} {
			require.Equal(t, before[id][name], after[id][name], name)
		}
	}
	fresh := after[more[0]]
	require.True(t, fresh["Code 1"].IsNull())
	require.Equal(t, num(3), fresh["No"], "a row that was made meanwhile has the next number")
	require.Equal(t, fresh["_created_at"], fresh["Made"])
	last := g.add(values{"Name": text("D")})
	require.Equal(t, num(4), g.stored()[last[0]]["No"])
	s, err = f.Snapshot(f.ctx, f.workspace.ID)
	require.NoError(t, err)
	require.Equal(t, map[string]rbac.Access{columns["Code"]: rbac.Hidden}, s.Rules[0].Columns)
	_, err = g.try(g.insert(values{"Name": text("E"), "Code 1": text("2")}), minidb.Guard{})
	require.Equal(t, []string{minidb.CodeUnique}, codes(t, err))
}

// role puts a rule that says only what a role may do with columns.
func (f *fixture) role(g *table, role rbac.Role, columns map[string]rbac.Access) {
	f.Helper()
	_, err := f.PutRule(f.ctx, alice, minidb.Rule{Workspace: f.workspace.ID, Table: rbac.TableRef{Table: g.ID}, Role: role, Columns: columns})
	require.NoError(f, err)
}

func TestRequiredColumnComesBack(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(goods)
	g.add(values{"Name": text("A"), "Stock": num(1)})
	stock, name := g.id("Stock"), g.id("Name")
	check := lqp.EncodeExpr(lqp.NewCall("ge", lqp.Ref("", stock), lqp.Literal(num(0))))
	rules := minidb.TableRules{Uniques: []minidb.UniqueSet{{Columns: []string{name, stock}}}, Checks: []minidb.Check{{Expr: check, Message: "no debts"}}}
	_, err := f.UpdateTable(f.ctx, alice, g.ID, minidb.TablePatch{Rules: &rules}, 0)
	require.NoError(t, err)
	require.NotEmpty(t, codes(t, f.DeleteColumn(f.ctx, alice, name, 0)), "a unique set has it")
	require.NoError(t, f.RemoveColumn(f.ctx, alice, name, minidb.Removal{Force: true}))
	require.Empty(t, g.reload().Rules.Uniques)
	require.Len(t, g.Rules.Checks, 1)
	g.add(values{"Stock": num(1)})
	require.Equal(t, []string{minidb.CodeRequired}, codes(t, f.restore(name, minidb.Recovery{})))
	require.NoError(t, f.restore(name, minidb.Recovery{Loose: true}))
	c, _ := g.reload().Column(name)
	require.False(t, c.Required)

	require.NoError(t, f.RemoveColumn(f.ctx, alice, stock, minidb.Removal{Force: true}))
	require.Empty(t, g.reload().Rules.Checks)
	g.add(values{"Name": text("B")})
	require.Equal(t, []string{minidb.CodeCheck}, codes(t, f.restore(stock, minidb.Recovery{})))
	require.Empty(t, g.reload().Rules.Checks, "nothing of it has happened")
	for id, row := range g.stored() {
		if row["Name"].Text() == "B" {
			g.do(g.delete(0, id))
		}
	}
	require.NoError(t, f.restore(stock, minidb.Recovery{}))
	require.Len(t, g.reload().Rules.Checks, 1)
	_, err = g.try(g.insert(values{"Name": text("X"), "Stock": num(-1)}), minidb.Guard{})
	require.Equal(t, []string{minidb.CodeCheck}, codes(t, err))
}

func TestDeletedBaseComesBack(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(goods)
	g.add(values{"Name": text("A")})
	v, err := f.CreateView(f.ctx, alice, f.base.ID, minidb.ViewSpec{Name: "All", Query: []byte(`{"source":{"table":"` + g.ID + `"}}`)})
	require.NoError(t, err)
	_, err = f.PutShare(f.ctx, alice, v.ID, minidb.ShareSpec{Slug: "all-goods", Mode: minidb.SharePublic})
	require.NoError(t, err)
	away := f.table(minidb.TableSpec{Name: "Old"})
	_, err = f.ArchiveTable(f.ctx, alice, away.ID, 0)
	require.NoError(t, err)
	notes := g.id("Notes")
	require.NoError(t, f.DeleteColumn(f.ctx, alice, notes, 0))
	g.reload()
	rows := g.stored()

	require.NoError(t, f.DeleteBase(f.ctx, alice, f.base.ID, 0))
	require.ErrorIs(t, f.restore(notes, minidb.Recovery{}), minidb.ErrNotFound, "its table lies in the trash too")
	n, err := f.PurgeTrash(f.ctx, time.Now().Add(-time.Hour))
	require.NoError(t, err)
	require.Zero(t, n)
	_, err = f.ShareBySlug(f.ctx, "all-goods")
	require.ErrorIs(t, err, minidb.ErrNotFound)
	require.ElementsMatch(t, []string{g.ID, away.ID, v.ID}, f.trashed(f.base.ID).Inside())
	require.NoError(t, f.restore(f.base.ID, minidb.Recovery{}))
	s, err := f.Snapshot(f.ctx, f.workspace.ID)
	require.NoError(t, err)
	require.Len(t, s.Archived, 1)
	back, ok := s.View(v.ID)
	require.True(t, ok)
	require.Equal(t, v.Query, back.Query)
	require.Empty(t, s.Shares, "what was published is published again by somebody")
	require.Equal(t, rows, g.reload().stored())
	require.NoError(t, f.restore(notes, minidb.Recovery{}))

	require.NoError(t, f.DeleteView(f.ctx, alice, v.ID, 0))
	require.NoError(t, f.restore(v.ID, minidb.Recovery{Name: "Everything"}))
	s, err = f.Snapshot(f.ctx, f.workspace.ID)
	require.NoError(t, err)
	back, _ = s.View(v.ID)
	require.Equal(t, "Everything", back.Name)
}

func TestTrashEnds(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	f := newFixture(t, minidb.Options{Clock: func() time.Time { return now }})
	g := f.table(goods)
	g.add(values{"Name": text("A"), "Code": text("1")})
	kept, gone, inside := g.id("Seen"), g.id("Since"), g.id("Code")
	require.NoError(t, f.RemoveColumn(f.ctx, alice, kept, minidb.Removal{Archive: true}))
	require.NoError(t, f.DeleteColumn(f.ctx, alice, gone, 0))
	now = now.Add(time.Hour)
	require.NoError(t, f.DeleteColumn(f.ctx, alice, inside, 0))

	due, err := f.TrashDue(f.ctx, now)
	require.NoError(t, err)
	require.True(t, due)
	n, err := f.PurgeTrash(f.ctx, now)
	require.NoError(t, err)
	require.Equal(t, 1, n, "one is put away, one is not due")
	due, err = f.TrashDue(f.ctx, now)
	require.NoError(t, err)
	require.False(t, due)
	require.NoError(t, f.restore(kept, minidb.Recovery{}))
	require.NoError(t, f.restore(inside, minidb.Recovery{}))
	g.reload()
	_, ok := g.Column(gone)
	require.False(t, ok)

	f.role(g, rbac.Viewer, map[string]rbac.Access{inside: rbac.Hidden})
	physical := f.physical(g.Table)
	require.NotEmpty(t, physical)
	require.NoError(t, f.DeleteColumn(f.ctx, alice, inside, 0))
	require.NoError(t, f.DeleteTable(f.ctx, alice, g.ID, 0))
	require.NoError(t, f.DeleteForever(f.ctx, alice, f.trashed(g.ID).ID))
	require.Empty(t, f.trash(), "with what was put there before out of it")
	s, err := f.Snapshot(f.ctx, f.workspace.ID)
	require.NoError(t, err)
	require.Empty(t, s.Rules)
	due, err = f.TrashDue(f.ctx, now.Add(-time.Hour))
	require.NoError(t, err)
	require.True(t, due, "its rows are still there")
	require.NoError(t, f.SweepTrash(f.ctx))
	require.Zero(t, f.count(`SELECT count(*) FROM lt_trash_table`)+f.count(`SELECT count(*) FROM lt_trash_record`))
	due, err = f.TrashDue(f.ctx, now)
	require.NoError(t, err)
	require.False(t, due)
}

func TestDeletedWorkspaceTakesItsTrash(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(goods)
	g.add(values{"Name": text("A")})
	require.NoError(t, f.DeleteTable(f.ctx, alice, g.ID, 0))
	require.NoError(t, f.DeleteWorkspace(f.ctx, alice, f.workspace.ID, 0))
	require.Equal(t, int64(1), f.count(`SELECT count(*) FROM lt_purge_table`))
	require.NoError(t, f.Purge(f.ctx, nil))
	require.Zero(t, f.count(`SELECT count(*) FROM lt_purge_table`)+f.count(`SELECT count(*) FROM lt_trash`))
}

// TestComputedColumnAndTheTrash: what is computed is right again when the column, or the one that it reads, is back.
func TestComputedColumnAndTheTrash(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(minidb.TableSpec{Name: "T", Columns: []minidb.ColumnSpec{{Name: "N", Type: minidb.IntegerColumn},
		{Name: "Twice", Type: minidb.FormulaColumn, Options: minidb.ColumnOptions{Formula: "{N} * 2"}}}})
	ids := g.add(values{"N": num(1)}, values{"N": num(2)})
	n, twice := g.id("N"), g.id("Twice")
	require.Equal(t, num(2), g.stored()[ids[0]]["Twice"])
	require.NoError(t, f.DeleteColumn(f.ctx, alice, twice, 0))
	g.reload().do(g.update(ids[0], 0, values{"N": num(5)}))
	ids = append(ids, g.add(values{"N": num(7)})...)
	require.NoError(t, f.restore(twice, minidb.Recovery{}))
	stored := g.reload().stored()
	require.Equal(t, []lqp.Value{num(10), num(4), num(14)}, []lqp.Value{stored[ids[0]]["Twice"], stored[ids[1]]["Twice"], stored[ids[2]]["Twice"]})

	for range 6 { // enough to be written together
		g.add(values{"N": num(3)})
	}
	require.NoError(t, f.DeleteColumn(f.ctx, alice, n, 0))
	ids = append(ids, g.reload().add(values{})...)
	require.NoError(t, f.restore(n, minidb.Recovery{}))
	stored = g.reload().stored()
	require.Equal(t, num(10), stored[ids[0]]["Twice"])
	g.do(g.update(ids[3], 0, values{"N": num(4)}))
	require.Equal(t, num(8), g.stored()[ids[3]]["Twice"])
}
