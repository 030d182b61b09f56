package minidb_test

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// form is the definition of the table at a version, as JSON.
func (t *table) form(version int64) string {
	t.Helper()
	f, err := t.FormAt(t.ctx, t.reload().Table, version)
	require.NoError(t, err)
	doc, err := json.Marshal(f)
	require.NoError(t, err)
	return string(doc)
}

func (t *table) revert(version int64) (*minidb.SchemaReverted, error) {
	return t.RevertSchema(t.ctx, alice, t.ID, minidb.SchemaRevert{Version: version})
}

// TestSchemaVersions makes one change after the other, notes the definition after each, and finds them all again.
func TestSchemaVersions(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(goods)
	g.add(values{"Name": text("A"), "Code": text("1"), "State": text("new")})
	code, stock, state := g.id("Code"), g.id("Stock"), g.id("State")
	then := map[int64]string{1: g.form(1)}
	step := func(what string, do func() error) {
		t.Helper()
		require.NoError(t, do(), what)
		g.reload()
		require.NotContains(t, then, g.Version, what)
		then[g.Version] = g.form(g.Version)
	}
	step("rename", func() error {
		_, err := f.UpdateColumn(f.ctx, alice, code, minidb.ColumnPatch{Name: ptr("SKU"), Description: ptr("what it is ordered by")}, 0)
		return err
	})
	step("table", func() error {
		_, err := f.UpdateTable(f.ctx, alice, g.ID, minidb.TablePatch{Name: ptr("Things"), Icon: ptr("box"), Colour: ptr("#a0b1c2")}, 0)
		return err
	})
	step("delete", func() error { return f.DeleteColumn(f.ctx, alice, code, 0) })
	step("order", func() error {
		ids := make([]string, 0, len(g.Columns))
		for _, c := range slices.Backward(g.Columns) {
			ids = append(ids, c.ID)
		}
		_, err := f.ReorderColumns(f.ctx, alice, g.ID, ids, 0)
		return err
	})
	step("add", func() error {
		_, err := f.AddColumn(f.ctx, alice, g.ID, minidb.ColumnSpec{Name: "Weight", Type: minidb.IntegerColumn, Position: ptr(2)}, 0)
		return err
	})
	step("restore", func() error { return f.restore(code, minidb.Recovery{}) })
	step("type", func() error {
		_, err := f.ChangeType(f.ctx, alice, stock, minidb.Retype{Type: minidb.TextColumn}, 0)
		return err
	})
	step("index", func() error {
		_, err := f.CreateIndex(f.ctx, alice, g.ID, []minidb.IndexColumn{{Column: stock}}, 0)
		return err
	})
	step("rules", func() error {
		_, err := f.UpdateTable(f.ctx, alice, g.ID, minidb.TablePatch{Rules: &minidb.TableRules{Uniques: []minidb.UniqueSet{{Columns: []string{stock, state}}}}}, 0)
		return err
	})
	step("delete for rules", func() error { return f.RemoveColumn(f.ctx, alice, stock, minidb.Removal{Force: true}) })
	for version, want := range then {
		require.JSONEq(t, want, g.form(version), "version %d", version)
	}
	for _, none := range []int64{0, -1, g.Version + 1} {
		_, err := f.FormAt(f.ctx, g.Table, none)
		require.ErrorIs(t, err, minidb.ErrNoForm)
	}
	entries, err := f.SchemaChanges(f.ctx, g.ID, 0, 1000)
	require.NoError(t, err)
	require.False(t, slices.ContainsFunc(entries, func(e audit.Entry) bool { return e.ResourceType == "row" }))
	first, err := f.FormAt(f.ctx, g.Table, 1)
	require.NoError(t, err)
	last, err := f.FormAt(f.ctx, g.Table, g.Version)
	require.NoError(t, err)
	diff := first.Diff(last)
	require.Len(t, diff.Added, 1)
	require.Len(t, diff.Removed, 1)
	require.Equal(t, stock, diff.Removed[0].ID)
	i := slices.IndexFunc(diff.Changed, func(c minidb.ColumnChange) bool { return c.ID == code })
	require.GreaterOrEqual(t, i, 0)
	require.Contains(t, diff.Changed[i].Fields, minidb.FieldChange{Field: "name", Before: json.RawMessage(`"Code"`), After: json.RawMessage(`"SKU"`)})
	require.Empty(t, first.Diff(first).Changed)

	// Taking everything back, the newest first, leads to every definition again.
	for version := g.Version; version > 1; version-- {
		_, err := g.revert(version)
		require.NoError(t, err, "version %d", version)
		require.JSONEq(t, withoutVersions(t, then[version-1]), withoutVersions(t, g.form(g.reload().Version)), "version %d", version)
	}
	require.Len(t, g.stored(), 1)
	_, err = g.revert(1)
	require.Error(t, err, "that it was made is not taken back")
	_, err = g.revert(10_000)
	require.ErrorIs(t, err, minidb.ErrNoForm)
}

// withoutVersions takes out of a definition what grows with every change, and of indexes, which come back as others, the ids.
func withoutVersions(t *testing.T, doc string) string {
	t.Helper()
	var f map[string]json.RawMessage
	require.NoError(t, json.Unmarshal([]byte(doc), &f))
	var tb map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(f["table"], &tb))
	delete(tb, "version")
	tbl, err := json.Marshal(tb)
	require.NoError(t, err)
	return `{"table":` + string(tbl) + `,"columns":` + string(f["columns"]) + `,"indexes":` + string(f["indexes"]) + `}`
}

func TestRevertedTypeBringsCellsBack(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(goods)
	notes := g.id("Notes")
	ids := g.add(values{"Name": text("same"), "Notes": text("12")}, values{"Name": text("other"), "Notes": text(" 7 ")},
		values{"Name": text("lost"), "Notes": text("a dozen")}, values{"Name": text("edited"), "Notes": text("none")},
		values{"Name": text("touched"), "Notes": text("many")}, values{"Name": text("empty")})
	before := g.stored()
	report, err := f.ChangeType(f.ctx, alice, notes, minidb.Retype{Type: minidb.IntegerColumn, AcceptLoss: true}, 0)
	require.NoError(t, err)
	require.Equal(t, int64(3), report.Lost)
	changed := g.reload().Version
	g.do(g.update(ids[3], 0, values{"Notes": num(5)}))
	g.do(g.update(ids[4], 0, values{"Stock": num(1)}))
	fresh := g.add(values{"Name": text("new"), "Notes": num(40)})

	dry, err := f.RevertSchema(f.ctx, alice, g.ID, minidb.SchemaRevert{Version: changed, DryRun: true})
	require.NoError(t, err)
	require.Equal(t, changed, g.reload().Version, "nothing of it is kept")
	done, err := g.revert(changed)
	require.NoError(t, err)
	require.Equal(t, dry.Cells, done.Cells)
	require.Zero(t, done.Cells.Lost)
	g.reload()
	c, _ := g.Column(notes)
	require.Equal(t, minidb.LongTextColumn, c.Type)
	after := g.stored()
	for i, want := range []lqp.Value{text("12"), text(" 7 "), text("a dozen"), text("5"), text("many"), {}} {
		require.Equal(t, want, after[ids[i]]["Notes"], "%d", i)
	}
	require.Equal(t, text("40"), after[fresh[0]]["Notes"])
	require.Equal(t, before[ids[0]], after[ids[0]], "a value that converts there and back is no change of its row")
	require.Equal(t, num(3), after[ids[2]]["_version"])

	// The revert is a change that can be taken back too.
	_, err = g.revert(g.Version)
	require.NoError(t, err)
	again := g.reload().stored()
	require.Equal(t, num(12), again[ids[0]]["Notes"])
	require.Equal(t, num(5), again[ids[3]]["Notes"])
	require.True(t, again[ids[2]]["Notes"].IsNull())

	// What a later change stands in the way of is refused.
	for _, name := range []string{"Remarks", "Comments"} {
		_, err = f.UpdateColumn(f.ctx, alice, notes, minidb.ColumnPatch{Name: &name}, 0)
		require.NoError(t, err)
	}
	_, err = g.revert(g.reload().Version - 1)
	require.Equal(t, []string{minidb.CodeChangedSince}, codes(t, err))
}

func TestRevertedTypeMayLose(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(goods)
	stock := g.id("Stock")
	ids := g.add(values{"Name": text("A"), "Stock": num(1)})
	_, err := f.ChangeType(f.ctx, alice, stock, minidb.Retype{Type: minidb.TextColumn}, 0)
	require.NoError(t, err)
	version := g.reload().Version
	g.do(g.update(ids[0], 0, values{"Stock": text("a few")}))
	_, err = g.revert(version)
	var loss *minidb.LossError
	require.ErrorAs(t, err, &loss)
	require.Equal(t, int64(1), loss.Lost)
	require.Equal(t, text("a few"), g.stored()[ids[0]]["Stock"])
	_, err = f.RevertSchema(f.ctx, alice, g.ID, minidb.SchemaRevert{Version: version, AcceptLoss: true})
	require.NoError(t, err)
	require.True(t, g.reload().stored()[ids[0]]["Stock"].IsNull())
}

func TestRevertedChoices(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(goods)
	state := g.id("State")
	ids := g.add(values{"Name": text("A"), "State": text("new")}, values{"Name": text("B"), "State": text("old")})
	c, _ := g.Column(state)
	options := c.Options
	options.Choices = []minidb.Choice{{ID: c.Options.Choices[0].ID, Name: "fresh"}}
	_, err := f.UpdateColumn(f.ctx, alice, state, minidb.ColumnPatch{Options: &options, Replace: map[string]string{c.Options.Choices[1].ID: ""}}, 0)
	require.NoError(t, err)
	require.True(t, g.reload().stored()[ids[1]]["State"].IsNull())
	_, err = g.revert(g.Version)
	require.NoError(t, err)
	now, _ := g.reload().Column(state)
	require.Equal(t, c.Options.Choices, now.Options.Choices)
	require.Equal(t, text("new"), g.stored()[ids[0]]["State"])
	require.Equal(t, text("old"), g.stored()[ids[1]]["State"])
}
