package minidb_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

func (t *table) check(e lqp.Expr, message, column string) minidb.Check {
	return minidb.Check{Expr: lqp.EncodeExpr(e), Message: message, Column: t.id(column)}
}

func (t *table) rules(r minidb.TableRules) error {
	_, err := t.UpdateTable(t.ctx, alice, t.ID, minidb.TablePatch{Rules: &r}, 0)
	if err == nil {
		t.reload()
	}
	return err
}

func codes(t testing.TB, err error) (list []string) {
	t.Helper()
	var v *minidb.ValidationError
	require.ErrorAs(t, err, &v)
	for _, f := range v.Fields {
		list = append(list, f.Code)
	}
	return list
}

func TestChecksOfRows(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(goods).reload()
	id := g.add(values{"Name": text("A"), "Stock": num(1)}, values{"Name": text("B"), "Stock": num(7)})[0]
	ref := func(name string) lqp.Expr { return lqp.Ref("", g.id(name)) }
	few := g.check(lqp.NewCall("lt", ref("Stock"), lqp.Literal(num(5))), "few at a time", "Stock")
	require.Equal(t, []string{minidb.CodeCheck}, codes(t, g.rules(minidb.TableRules{Checks: []minidb.Check{few}})), "a row has 7")
	require.Empty(t, g.reload().Rules.Checks)
	few.Expr = lqp.EncodeExpr(lqp.NewCall("lt", ref("Stock"), lqp.Literal(num(8))))
	past := g.check(lqp.NewCall("or", lqp.NewCall("is_blank", ref("Seen")), lqp.NewCall("le", ref("Seen"), &lqp.Param{Name: "now"})), "seen in the past", "")
	require.NoError(t, g.rules(minidb.TableRules{Checks: []minidb.Check{few, past}}))

	require.Equal(t, []string{minidb.CodeCheck, minidb.CodeCheck}, codes(t, errOf(g.try(g.insert(
		values{"Name": text("C"), "Stock": num(8), "Seen": lqp.DateTimeValue(253_402_300_799_999)}), minidb.Guard{}))), "both at once")
	require.Equal(t, []string{minidb.CodeCheck}, codes(t, errOf(g.try(g.update(id, 0, values{"Stock": num(9)}), minidb.Guard{}))))
	require.Equal(t, []string{minidb.CodeCheck}, codes(t, errOf(g.try(g.update(id, 0, values{"Stock": {}}), minidb.Guard{}))), "NULL is not true")
	g.do(g.update(id, 0, values{"Stock": num(3)}))
	_, err := f.ImportRows(f.ctx, alice, minidb.Import{Table: g.Table, Columns: []string{g.id("Name"), g.id("Stock")},
		Next: func() ([]lqp.Value, error) { return []lqp.Value{text("x"), num(9)}, nil }})
	require.Contains(t, codes(t, err), minidb.CodeCheck)

	require.Contains(t, codes(t, f.DeleteColumn(f.ctx, alice, g.id("Stock"), 0)), minidb.CodeUnknownColumn, "a check shows its message there")
	require.NotEmpty(t, codes(t, f.DeleteColumn(f.ctx, alice, g.id("Seen"), 0)), "a check asks for it")
	b, err := f.DuplicateBase(f.ctx, alice, f.base.ID, minidb.Duplicate{Name: "Copy", Rows: true})
	require.NoError(t, err)
	s, err := f.Snapshot(f.ctx, f.workspace.ID)
	require.NoError(t, err)
	for _, c := range s.Tables {
		if c.Base == b.ID {
			two := &table{fixture: f, Table: c}
			require.Len(t, two.Rules.Checks, 2)
			require.Equal(t, []string{minidb.CodeCheck}, codes(t, errOf(two.try(two.insert(values{"Name": text("D"), "Stock": num(8)}), minidb.Guard{}))))
		}
	}
	for _, bad := range []minidb.Check{{}, {Expr: few.Expr}, {Expr: []byte(`{}`), Message: "x"}, g.check(ref("Nothing"), "x", ""),
		g.check(ref("Stock"), "no truth", ""), {Expr: few.Expr, Message: "x", Column: "col_x"}, {ID: "x", Expr: few.Expr, Message: "x"}} {
		require.NotEmpty(t, codes(t, g.rules(minidb.TableRules{Checks: []minidb.Check{bad}})))
	}
	require.NoError(t, g.rules(minidb.TableRules{}))
	g.add(values{"Name": text("E"), "Stock": num(100)})
}

func errOf(_ minidb.Result, err error) error { return err }

func TestUniqueTogether(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(goods).reload()
	ids := g.add(values{"Name": text("A"), "Stock": num(1)}, values{"Name": text("A"), "Stock": num(2)}, values{"Name": text("A")}, values{"Name": text("A")})
	twice := g.add(values{"Name": text("A"), "Stock": num(1)})[0]
	set := minidb.TableRules{Uniques: []minidb.UniqueSet{{Columns: []string{g.id("Name"), g.id("Stock")}}}}
	require.Equal(t, []string{minidb.CodeUnique}, codes(t, g.rules(set)))
	g.do(g.delete(0, twice))
	require.NoError(t, g.rules(set))
	require.Equal(t, []string{minidb.CodeUnique}, codes(t, errOf(g.try(g.insert(values{"Name": text("A"), "Stock": num(2)}), minidb.Guard{}))))
	require.Equal(t, []string{minidb.CodeUnique}, codes(t, errOf(g.try(g.insert(values{"Name": text("B"), "Stock": num(2)},
		values{"Name": text("B"), "Stock": num(2)}), minidb.Guard{}))), "within one mutation")
	g.add(values{"Name": text("A")}, values{"Name": text("B"), "Stock": num(1)})
	swap := g.update(ids[0], 0, values{"Stock": num(2)})
	swap.Rows = append(swap.Rows, g.update(ids[1], 0, values{"Stock": num(1)}).Rows...)
	g.do(swap)
	rows := g.stored()
	require.Equal(t, "2", rows[ids[0]]["Stock"].String())
	require.Equal(t, "1", rows[ids[1]]["Stock"].String(), "rows that change places")
	require.Equal(t, "A", rows[ids[0]]["Name"].String())

	require.Equal(t, []string{minidb.CodeUnique}, codes(t, f.DeleteColumn(f.ctx, alice, g.id("Stock"), 0)))
	_, err := f.ChangeType(f.ctx, alice, g.id("Stock"), minidb.Retype{Type: minidb.DecimalColumn}, 0)
	require.NoError(t, err)
	g.reload()
	require.Equal(t, []string{minidb.CodeUnique}, codes(t, errOf(g.try(g.insert(values{"Name": text("A"), "Stock": num(2)}), minidb.Guard{}))))
	_, err = f.ChangeType(f.ctx, alice, g.id("Stock"), minidb.Retype{Type: minidb.JSONColumn}, 0)
	require.Equal(t, []string{minidb.CodeType}, codes(t, err))
	for _, bad := range [][]string{{g.id("Name")}, {g.id("Name"), g.id("Name")}, {g.id("Name"), "col_x"}} {
		require.NotEmpty(t, codes(t, g.rules(minidb.TableRules{Uniques: []minidb.UniqueSet{{Columns: bad}}})))
	}
	require.NoError(t, g.rules(minidb.TableRules{}))
	g.add(values{"Name": text("A"), "Stock": num(2)})
}
