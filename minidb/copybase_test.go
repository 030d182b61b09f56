package minidb_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// tangle is a base with two tables, a table beside it, views that read all of them and each other, and a rule.
func tangle(f *fixture) (g, h, beside *table, views []*minidb.View) {
	f.Helper()
	g, h = f.table(goods), f.table(minidb.TableSpec{Name: "Orders", Columns: []minidb.ColumnSpec{
		{Name: "Good", Type: minidb.TextColumn}, {Name: "Count", Type: minidb.IntegerColumn}}})
	other := *f
	base, err := f.CreateBase(f.ctx, alice, f.workspace.ID, minidb.BaseSpec{Name: "Other"})
	require.NoError(f, err)
	other.base = base
	beside = other.table(minidb.TableSpec{Name: "Beside", Columns: []minidb.ColumnSpec{{Name: "X", Type: minidb.TextColumn}}})
	view := func(name string, q *lqp.Query) *minidb.View {
		v, err := f.CreateView(f.ctx, alice, f.base.ID, minidb.ViewSpec{Name: name, Query: lqp.EncodeQuery(q)})
		require.NoError(f, err)
		views = append(views, v)
		return v
	}
	first := view("first", &lqp.Query{From: lqp.Source{Table: g.ID},
		Where:   lqp.NewCall("gt", lqp.Ref(g.ID, g.id("Stock")), lqp.Literal(num(0))),
		Select:  []lqp.Named{{Expr: lqp.Ref(g.ID, g.id("Name"))}, {Name: "literal", Expr: lqp.Literal(text(g.ID))}},
		OrderBy: []lqp.Order{{Expr: lqp.Ref("", g.id("Stock"))}}})
	view("second", &lqp.Query{From: lqp.Source{Table: first.ID, Alias: "v"}, Joins: []lqp.Join{
		{Kind: lqp.Left, Source: lqp.Source{Query: &lqp.Query{From: lqp.Source{Table: h.ID, Alias: "o"},
			GroupBy:    []lqp.Named{{Name: "good", Expr: lqp.Ref("o", h.id("Good"))}},
			Aggregates: []lqp.Aggregate{{Name: "n", Func: "sum", Arg: lqp.Ref("o", h.id("Count")), Filter: lqp.NewCall("gt", lqp.Ref("o", h.id("Count")), lqp.Literal(num(1)))}},
			Having:     lqp.NewCall("gt", lqp.Ref("", "n"), lqp.Literal(num(0)))}, Alias: "sums"},
			On: lqp.NewCall("eq", lqp.Ref("v", "Name"), lqp.Ref("sums", "good"))},
		{Kind: lqp.Inner, Source: lqp.Source{Table: beside.ID, Alias: "b"}, On: lqp.NewCall("eq", lqp.Ref("b", beside.id("X")), lqp.Ref("sums", "good"))},
	}, Compute: []lqp.Named{{Name: "twice", Expr: lqp.NewCall("add", lqp.Ref("sums", "n"), lqp.Ref("sums", "n"))}}})
	view("elsewhere", &lqp.Query{From: lqp.Source{Connection: "con_x", Table: g.ID}})
	_, err = f.CreateView(f.ctx, alice, f.base.ID, minidb.ViewSpec{Name: "undecodable", Query: json.RawMessage(`{"source":{"table":1}}`)})
	require.NoError(f, err)
	_, err = f.PutShare(f.ctx, alice, first.ID, minidb.ShareSpec{Slug: "a-slug", Mode: minidb.ShareKeyed})
	require.NoError(f, err)
	_, err = f.PutRule(f.ctx, alice, minidb.Rule{Workspace: f.workspace.ID, Table: rbac.TableRef{Table: g.ID}, Role: rbac.Viewer,
		Read:    lqp.EncodeExpr(lqp.NewCall("gt", lqp.Ref("", g.id("Stock")), lqp.Literal(num(5)))),
		Columns: map[string]rbac.Access{g.id("Price"): rbac.Hidden}})
	require.NoError(f, err)
	return g, h, beside, views
}

func TestDuplicateBase(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g, h, beside, views := tangle(f)
	const n = 1200 // more than a chunk
	var rows []values
	for i := range n {
		rows = append(rows, values{"Name": text(fmt.Sprint("row ", i)), "Code": text(strconv.Itoa(i)), "Stock": num(int64(i)), "State": text("old")})
	}
	ids := g.add(rows...)
	g.do(g.update(ids[0], 0, values{"Stock": num(-1)}))
	originals := g.stored()
	_, err := f.UpdateTable(f.ctx, alice, h.ID, minidb.TablePatch{Settings: json.RawMessage(`{ "wide": true }`)}, 0)
	require.NoError(t, err)
	_, err = f.ArchiveTable(f.ctx, alice, h.ID, 0)
	require.NoError(t, err)
	last, err := f.LastPosition(f.ctx)
	require.NoError(t, err)

	_, err = f.DuplicateBase(f.ctx, alice, f.base.ID, minidb.Duplicate{Name: "sales", Rows: true})
	require.ErrorIs(t, err, minidb.ErrExists)
	_, err = f.DuplicateBase(f.ctx, alice, f.base.ID, minidb.Duplicate{Name: "x", PolicyVersion: 99})
	require.ErrorIs(t, err, minidb.ErrSchemaChanged)
	again, err := f.LastPosition(f.ctx)
	require.NoError(t, err)
	require.Equal(t, last, again)

	bob := minidb.Actor{ID: "usr_bob"}
	base, err := f.DuplicateBase(f.ctx, bob, f.base.ID, minidb.Duplicate{Name: "Copy", Rows: true})
	require.NoError(t, err)
	s, err := f.Snapshot(f.ctx, f.workspace.ID)
	require.NoError(t, err)
	require.Len(t, s.TablesOf(base.ID), 1)
	copied := &table{fixture: f, Table: s.TablesOf(base.ID)[0]}
	require.Equal(t, "Goods", copied.Name)
	require.Equal(t, int64(1), copied.Version)
	var away *minidb.Table
	for _, a := range s.Archived {
		if a.Base == base.ID {
			away = a
		}
	}
	require.NotNil(t, away, "what is archived is so in the copy")
	require.JSONEq(t, `{"wide":true}`, string(away.Settings))

	// Rows: new ids in the old order, new versions, the same values and makers.
	stored := copied.stored()
	require.Equal(t, n, len(stored))
	byCode := map[string]map[string]lqp.Value{}
	for id, row := range stored {
		require.NotContains(t, originals, id)
		byCode[row["Code"].Text()] = row
	}
	for _, old := range originals {
		row := byCode[old["Code"].Text()]
		require.Equal(t, "1", row["_version"].String())
		for _, same := range []string{"Name", "Stock", "State", "Active", "_created_at", "_created_by", "_updated_at", "_updated_by"} {
			require.True(t, lqp.Equal(old[same], row[same]), same)
		}
	}
	require.Less(t, byCode["7"]["_id"].Text(), byCode["1100"]["_id"].Text())
	_, err = copied.try(copied.insert(values{"Name": text("x"), "Code": text("7")}), minidb.Guard{})
	var v *minidb.ValidationError
	require.ErrorAs(t, err, &v, "unique in the copy too")

	// Nothing of the copy speaks of the original, and the rules are there before the rows.
	old := []string{g.ID, h.ID, views[0].ID, views[1].ID}
	for _, c := range append(g.Columns, h.Columns...) {
		old = append(old, c.ID)
		for _, ch := range c.Options.Choices {
			old = append(old, ch.ID)
		}
	}
	made := s.ViewsOf(base.ID)
	require.Len(t, made, 4)
	for _, view := range made {
		text := strings.Replace(string(view.Query), `"v":"`+g.ID+`"`, "", 1) // a text that people wrote stays what it is
		if view.Name == "elsewhere" {
			require.Contains(t, text, g.ID, "the table of a connection is no table of ours")
			continue
		}
		for _, id := range old {
			require.NotContains(t, text, id, view.Name)
		}
	}
	require.Contains(t, string(made[1].Query), copied.id("Stock"), "elsewhere, first, second, undecodable: by name")
	require.Contains(t, string(made[2].Query), beside.ID)
	require.Contains(t, string(made[2].Query), made[1].ID)
	require.Len(t, s.Shares, 1, "publications are not copied")
	require.Len(t, s.Rules, 2)
	for _, r := range s.Rules {
		if r.Table.Table == copied.ID {
			require.Contains(t, string(r.Read), copied.id("Stock"))
			require.Equal(t, map[string]rbac.Access{copied.id("Price"): rbac.Hidden}, r.Columns)
		}
	}
	log, err := f.TableChanges(f.ctx, copied.ID, 0, 0)
	require.NoError(t, err)
	require.Len(t, log, n+1)
	require.Equal(t, "usr_bob", log[n].Actor)
	require.Contains(t, log[n].Reason, f.base.ID)
	all, err := f.Changes(f.ctx, last, 0)
	require.NoError(t, err)
	rule := 0
	for i, e := range all {
		if e.Action == "rule.create" {
			rule = i
		}
		if e.Action == "row.insert" {
			require.Positive(t, rule)
			break
		}
	}

	// Without rows.
	empty, err := f.DuplicateBase(f.ctx, bob, f.base.ID, minidb.Duplicate{Name: "Empty"})
	require.NoError(t, err)
	s, err = f.Snapshot(f.ctx, f.workspace.ID)
	require.NoError(t, err)
	require.Empty(t, (&table{fixture: f, Table: s.TablesOf(empty.ID)[0]}).stored())
	require.NoError(t, f.DeleteBase(f.ctx, alice, f.base.ID, 0))
	require.Len(t, copied.stored(), n, "the copy stands alone")
}

// TestDuplicateBaseWithRulesOfRows: what a copy does not keep must not be what opens its rows.
func TestDuplicateBaseWithRulesOfRows(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(goods)
	g.add(values{"Name": text("A")})
	_, err := f.PutRule(f.ctx, alice, minidb.Rule{Workspace: f.workspace.ID, Table: rbac.TableRef{Table: g.ID}, Role: rbac.Viewer,
		Read: lqp.EncodeExpr(lqp.NewCall("gt", lqp.Ref("", minidb.ColumnVersion), lqp.Literal(num(1))))})
	require.NoError(t, err)
	before := readLog(t, f.DB)
	_, err = f.DuplicateBase(f.ctx, alice, f.base.ID, minidb.Duplicate{Name: "Copy", Rows: true})
	require.ErrorIs(t, err, minidb.ErrRuleOfRows)
	require.Equal(t, before, readLog(t, f.DB), "all or nothing")
	require.Len(t, f.relations("tbl"), 1)
	_, err = f.DuplicateBase(f.ctx, alice, f.base.ID, minidb.Duplicate{Name: "Copy"})
	require.NoError(t, err)
}

func TestCreateBaseFrom(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	bp := minidb.Blueprint{Base: minidb.BaseSpec{Name: "Made"}, Tables: []minidb.TableBlueprint{
		{TableSpec: minidb.TableSpec{Name: "T", Columns: []minidb.ColumnSpec{{Name: "A", Type: minidb.TextColumn, Unique: true}}},
			Rows: [][]lqp.Value{{text("one")}, {text("two")}}}},
		Views: func(tables []*minidb.Table) ([]minidb.ViewSpec, error) {
			return []minidb.ViewSpec{{Name: "V", Query: lqp.EncodeQuery(&lqp.Query{From: lqp.Source{Table: tables[0].ID}})}}, nil
		}}
	base, err := f.CreateBaseFrom(f.ctx, alice, f.workspace.ID, bp)
	require.NoError(t, err)
	s, err := f.Snapshot(f.ctx, f.workspace.ID)
	require.NoError(t, err)
	made := &table{fixture: f, Table: s.TablesOf(base.ID)[0]}
	require.Len(t, made.stored(), 2)
	require.Contains(t, string(s.ViewsOf(base.ID)[0].Query), made.ID)

	before := readLog(t, f.DB)
	bp.Base.Name = "Another"
	bp.Tables[0].Rows = [][]lqp.Value{{text("one")}, {text("one")}}
	var v *minidb.ValidationError
	_, err = f.CreateBaseFrom(f.ctx, alice, f.workspace.ID, bp)
	require.ErrorAs(t, err, &v)
	require.Equal(t, 1, v.Fields[0].Row)
	broken := errors.New("no view today")
	bp.Tables[0].Rows = nil
	bp.Views = func([]*minidb.Table) ([]minidb.ViewSpec, error) { return nil, broken }
	_, err = f.CreateBaseFrom(f.ctx, alice, f.workspace.ID, bp)
	require.ErrorIs(t, err, broken)
	require.Equal(t, before, readLog(t, f.DB))
}
