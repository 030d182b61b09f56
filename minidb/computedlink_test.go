package minidb_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// through is a column that looks at linked rows.
func through(name string, kind minidb.ColumnType, link, target, aggregate, filter string) minidb.ColumnSpec {
	return minidb.ColumnSpec{Name: name, Type: kind, Options: minidb.ColumnOptions{
		Through: &minidb.Through{Link: link, Target: target, Aggregate: aggregate, Filter: filter}}}
}

// shop is two tables, orders and their lines, which are linked, with columns computed in both directions.
type shop struct {
	*fixture
	orders, lines *table
}

func newShop(t testing.TB, opt minidb.Options) *shop {
	t.Helper()
	f := newFixture(t, opt)
	s := &shop{fixture: f}
	s.orders = f.table(minidb.TableSpec{Name: "Orders", Columns: []minidb.ColumnSpec{{Name: "Customer", Type: minidb.TextColumn},
		{Name: "Rebate", Type: minidb.DecimalColumn, Options: minidb.ColumnOptions{Scale: 2}}}})
	s.lines = f.table(minidb.TableSpec{Name: "Lines", Columns: []minidb.ColumnSpec{{Name: "Price", Type: minidb.DecimalColumn, Options: minidb.ColumnOptions{Scale: 2}},
		{Name: "Count", Type: minidb.IntegerColumn}, formulaColumn("Total", "Price * Count"),
		{Name: "Order", Type: minidb.LinkColumn, Options: minidb.ColumnOptions{Link: &minidb.Link{Table: s.orders.ID, Single: true}}, Inverse: &minidb.InverseSpec{Name: "Lines"}}}})
	s.reload()
	s.orders.addColumn(through("Sum", minidb.RollupColumn, "Lines", "Total", "sum", ""))
	s.orders.addColumn(through("Dear", minidb.CountColumn, "Lines", "", "", "Total >= 10"))
	s.orders.addColumn(through("Prices", minidb.LookupColumn, "Lines", "Price", "", ""))
	s.orders.addColumn(formulaColumn("Due", "Sum - ZN(Rebate)"))
	s.lines.addColumn(through("Of all", minidb.LookupColumn, "Order", "Due", "", ""))
	s.lines.addColumn(formulaColumn("Share", `ROUND(Total / ARRAY_FIRST({Of all}), 2)`))
	s.reload()
	return s
}

func (s *shop) reload() { s.orders.reload(); s.lines.reload() }

// links is a cell of a link column.
func links(ids ...string) lqp.Value {
	items := make([]lqp.Value, len(ids))
	for i, id := range ids {
		items[i] = text(id)
	}
	return lqp.ListValue(items)
}

func TestValuesFollowLinks(t *testing.T) {
	s := newShop(t, minidb.Options{})
	order := s.orders.add(values{"Customer": text("Ann")}, values{"Customer": text("Bob")})
	require.Equal(t, "0", s.orders.shows(order[0], "Sum"))
	lines := s.lines.add(values{"Price": dec("2.50"), "Count": num(2), "Order": links(order[0])}, values{"Price": dec("5"), "Count": num(3), "Order": links(order[0])})
	require.Equal(t, "20", s.orders.shows(order[0], "Sum"))
	require.Equal(t, "1", s.orders.shows(order[0], "Dear"))
	require.Equal(t, "[2.5,5]", s.orders.shows(order[0], "Prices"))
	require.Equal(t, "0.75", s.lines.shows(lines[1], "Share"))
	// A line changes: its order, then all lines of the order.
	version := s.lines.shows(lines[1], "_version")
	r := s.lines.do(s.lines.update(lines[0], 0, values{"Count": num(10)}))
	require.Equal(t, "40", s.orders.shows(order[0], "Due"))
	require.Equal(t, "2", s.orders.shows(order[0], "Dear"))
	require.Equal(t, "0.38", s.lines.shows(lines[1], "Share"))
	require.NotEqual(t, version, s.lines.shows(lines[1], "_version"))
	require.Equal(t, s.lines.shows(lines[0], "_version"), dec(num(r.Rows[0].Version).String()).String(), "the writer learns of the last version")
	require.Equal(t, "alice", s.orders.shows(order[0], "_updated_by")[4:], "nobody else changed it")

	// A line goes to another order, and one is deleted.
	s.lines.do(s.lines.update(lines[0], 0, values{"Order": links(order[1])}))
	require.Equal(t, "15", s.orders.shows(order[0], "Sum"))
	require.Equal(t, "25", s.orders.shows(order[1], "Sum"))
	s.lines.do(s.lines.update(lines[1], 0, values{"Order": lqp.Value{}}))
	s.orders.do(s.orders.update(order[1], 0, values{"Rebate": dec("5"), "Lines": links(lines[1], lines[0])}))
	require.Equal(t, "[5,2.5]", s.orders.shows(order[1], "Prices"), "in the order of the links")
	require.Equal(t, "35", s.orders.shows(order[1], "Due"))
	require.Equal(t, "0", s.orders.shows(order[0], "Sum"))
	s.lines.do(s.lines.delete(0, lines[1]))
	require.Equal(t, "20", s.orders.shows(order[1], "Due"))
	require.Equal(t, "[20]", s.lines.shows(lines[0], "Of all"))
	s.orders.do(s.orders.delete(0, order[1]))
	require.Equal(t, "NULL", s.lines.shows(lines[0], "Share"))
}

func TestComputedChangesAreInTheLog(t *testing.T) {
	s := newShop(t, minidb.Options{})
	order := s.orders.add(values{"Customer": text("Ann")})[0]
	line := s.lines.add(values{"Price": dec("1"), "Count": num(1), "Order": links(order)})[0]
	s.lines.do(s.lines.update(line, 0, values{"Count": num(5)}))
	changes, err := s.TableChanges(s.ctx, s.orders.ID, 0, 100)
	require.NoError(t, err)
	last := changes[len(changes)-1]
	require.Equal(t, minidb.ActionCompute, last.Action)
	after, err := s.orders.Row(last.After)
	require.NoError(t, err)
	require.Equal(t, s.orders.shows(order, "_version"), num(last.Version).String())
	for i, c := range s.orders.Schema().Columns {
		require.True(t, lqp.Equal(after[i], s.orders.stored()[order][c.Name]), c.Name)
	}
	cause, err := s.TableChanges(s.ctx, s.lines.ID, 0, 100)
	require.NoError(t, err)
	require.Equal(t, last.Batch, cause[len(cause)-1].Batch)
	require.NotEmpty(t, last.Batch)
}

func TestFanOutIsBounded(t *testing.T) {
	s := newShop(t, minidb.Options{MaxComputed: 3})
	order := s.orders.add(values{"Customer": text("Ann")})[0]
	var rows []values
	for range 4 {
		rows = append(rows, values{"Price": dec("1"), "Count": num(1)})
	}
	lines := s.lines.add(rows...)
	_, err := s.orders.try(s.orders.update(order, 0, values{"Lines": links(lines...)}), minidb.Guard{})
	var limit *minidb.LimitError
	require.ErrorAs(t, err, &limit)
	require.Equal(t, 3, limit.Max)
	require.Equal(t, "NULL", s.orders.shows(order, "Lines"))
	s.orders.do(s.orders.update(order, 0, values{"Lines": links(lines[:3]...)}))
	require.Equal(t, "3", s.orders.shows(order, "Sum"))
}

func TestColumnsThatLookThroughLinksAreChecked(t *testing.T) {
	s := newShop(t, minidb.Options{})
	for name, c := range map[string]struct {
		spec minidb.ColumnSpec
		at   string
	}{
		"no link":          {through("X", minidb.CountColumn, "Customer", "", "", ""), "options.through.link"},
		"nothing":          {minidb.ColumnSpec{Name: "X", Type: minidb.CountColumn}, "options.through"},
		"no target":        {through("X", minidb.LookupColumn, "Lines", "", "", ""), "options.through.target"},
		"unknown target":   {through("X", minidb.LookupColumn, "Lines", "Nope", "", ""), "options.through.target"},
		"unknown function": {through("X", minidb.RollupColumn, "Lines", "Price", "nope", ""), "options.through.aggregate"},
		"wrong kind":       {through("X", minidb.RollupColumn, "Lines", "_created_by", "sum", ""), "options.through.aggregate"},
		"count of what":    {through("X", minidb.CountColumn, "Lines", "Price", "", ""), "options.through.target"},
	} {
		_, err := s.AddColumn(s.ctx, alice, s.orders.ID, c.spec, 0)
		var ve *minidb.ValidationError
		require.ErrorAs(t, err, &ve, name)
		require.Equal(t, c.at, ve.Fields[0].Column, name)
	}
	_, err := s.AddColumn(s.ctx, alice, s.orders.ID, through("X", minidb.CountColumn, "Lines", "", "", "Price + 1"), 0)
	require.Equal(t, "$.options.through.filter", problems(t, err)[0].Path)
	// Over the tables and back again.
	_, err = s.UpdateColumn(s.ctx, alice, s.lines.id("Total"), minidb.ColumnPatch{Options: &minidb.ColumnOptions{Formula: "Price * ARRAY_FIRST({Of all})"}}, 0)
	require.Equal(t, lqp.CodeCycle, problems(t, err)[0].Code)
	require.ErrorContains(t, err, "Orders.Sum")
	require.ErrorContains(t, err, "Lines.Total")
}

func TestDefinitionsAcrossTables(t *testing.T) {
	s := newShop(t, minidb.Options{})
	order := s.orders.add(values{"Customer": text("Ann")})[0]
	line := s.lines.add(values{"Price": dec("1.5"), "Count": num(2), "Order": links(order)})[0]
	version := s.orders.shows(order, "_version")
	// Another formula in one table changes rows of the other one, and what follows from them.
	_, err := s.UpdateColumn(s.ctx, alice, s.lines.id("Total"), minidb.ColumnPatch{Options: &minidb.ColumnOptions{Formula: "Price * Count * 2"}}, 0)
	require.NoError(t, err)
	s.reload()
	require.Equal(t, "6", s.orders.shows(order, "Due"))
	require.NotEqual(t, version, s.orders.shows(order, "_version"))
	require.Equal(t, "[6]", s.lines.shows(line, "Of all"))
	// Another type changes the type of a lookup and breaks a sum.
	_, err = s.ChangeType(s.ctx, alice, s.lines.id("Price"), minidb.Retype{Type: minidb.TextColumn}, 0)
	require.NoError(t, err)
	s.reload()
	require.Equal(t, `["1.5"]`, s.orders.shows(order, "Prices"))
	require.Equal(t, "0", s.orders.shows(order, "Sum"))
	c, _ := s.lines.Column(s.lines.id("Total"))
	require.NotEmpty(t, c.Options.Broken)
	_, err = s.ChangeType(s.ctx, alice, s.lines.id("Price"), minidb.Retype{Type: minidb.DecimalColumn, Options: minidb.ColumnOptions{Scale: 1}}, 0)
	require.NoError(t, err)
	s.reload()
	require.Equal(t, "6", s.orders.shows(order, "Due"))
	require.Equal(t, "[1.5]", s.orders.shows(order, "Prices"))
	// The link goes, from one side, and all that went through it is empty.
	require.NoError(t, s.DeleteColumn(s.ctx, alice, s.lines.id("Order"), 0))
	s.reload()
	require.Equal(t, "NULL", s.lines.shows(line, "Share"))
}

func TestTablesThatGoAndComeBack(t *testing.T) {
	s := newShop(t, minidb.Options{})
	order := s.orders.add(values{"Customer": text("Ann")})[0]
	s.lines.add(values{"Price": dec("1.5"), "Count": num(2), "Order": links(order)})
	require.NoError(t, s.DeleteTable(s.ctx, alice, s.lines.ID, 0))
	s.orders.reload()
	require.Equal(t, "NULL", s.orders.shows(order, "Sum"))
	c, _ := s.orders.Column(s.orders.id("Sum"))
	require.NotEmpty(t, c.Options.Broken)
	snap, err := s.Snapshot(s.ctx, s.workspace.ID)
	require.NoError(t, err)
	s.orders.do(s.orders.update(order, 0, values{"Rebate": dec("1")}))
	_, err = s.RestoreTrash(s.ctx, alice, snap.Trash[0].ID, minidb.Recovery{})
	require.NoError(t, err)
	s.reload()
	require.Equal(t, "2", s.orders.shows(order, "Due"))
	c, _ = s.orders.Column(s.orders.id("Sum"))
	require.Empty(t, c.Options.Broken)
	for _, row := range s.lines.stored() {
		require.Equal(t, "[2]", row["Of all"].String())
	}
}

func TestCopiesComputeByThemselves(t *testing.T) {
	s := newShop(t, minidb.Options{})
	order := s.orders.add(values{"Customer": text("Ann")})[0]
	s.lines.add(values{"Price": dec("1.5"), "Count": num(2), "Order": links(order)})
	s.lines.addColumn(formulaColumn("Me", "RECORD_ID()"))
	s.reload()
	s.orders.addColumn(through("Who", minidb.LookupColumn, "Lines", "Me", "", ""))
	b, err := s.DuplicateBase(s.ctx, alice, s.base.ID, minidb.Duplicate{Name: "Copy", Rows: true})
	require.NoError(t, err)
	snap, err := s.Snapshot(s.ctx, s.workspace.ID)
	require.NoError(t, err)
	var orders, lines *table
	for _, c := range snap.TablesOf(b.ID) {
		if c.Name == "Orders" {
			orders = &table{fixture: s.fixture, Table: c}
		} else {
			lines = &table{fixture: s.fixture, Table: c}
		}
	}
	line, copied := "", ""
	for id, row := range lines.stored() {
		require.Equal(t, id, row["Me"].Text())
		line = id
	}
	for id, row := range orders.stored() {
		require.Equal(t, line, row["Who"].Items()[0].Text())
		copied = id
	}
	lines.do(lines.update(line, 0, values{"Count": num(4)}))
	require.Equal(t, "6", orders.shows(copied, "Sum"))
	require.Equal(t, "3", s.orders.reload().shows(order, "Sum"), "the original is its own")
}

func TestUndoLetsComputedCellsFollow(t *testing.T) {
	s := newShop(t, minidb.Options{})
	order := s.orders.add(values{"Customer": text("Ann")})[0]
	line := s.lines.add(values{"Price": dec("1.5"), "Count": num(2), "Order": links(order)})[0]
	bob := minidb.Actor{ID: "usr_bob"}
	for _, m := range []*lqp.Mutation{s.lines.update(line, 0, values{"Count": num(9), "Price": dec("2")}), s.lines.delete(0, line)} {
		before := s.orders.shows(order, "Due")
		_, err := s.Apply(s.ctx, bob, []minidb.Write{{Table: s.lines.Table, Mutation: m}})
		require.NoError(t, err)
		require.NotEqual(t, before, s.orders.shows(order, "Due"))
		stack, err := s.UndoStack(s.ctx, s.workspace.ID, bob.ID, nil)
		require.NoError(t, err)
		plan, err := s.PlanRevert(s.ctx, minidb.Selection{Workspace: s.workspace.ID, Operation: stack.Undo[0].ID}, minidb.RefuseConflicts,
			[]*minidb.Table{s.lines.Table, s.orders.Table}, false)
		require.NoError(t, err)
		_, _, err = s.ApplyRevert(s.ctx, bob, plan, minidb.Revert{Kind: minidb.UndoOperation, Guard: noGuard})
		require.NoError(t, err)
		require.Equal(t, before, s.orders.shows(order, "Due"), "after %s", m.Op)
		require.Equal(t, "["+before+"]", s.lines.shows(line, "Of all"))
	}
}
