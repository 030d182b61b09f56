package minidb_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

func TestGuards(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(goods)
	ids := g.add(
		values{"Name": text("A"), "Code": text("a"), "State": text("new"), "Stock": num(1)},
		values{"Name": text("B"), "Code": text("b"), "State": text("old"), "Stock": num(2)},
		values{"Name": text("C"), "Code": text("c"), "State": text("new"), "Stock": num(50)})
	isNew := g.where("eq", "State", text("new"))
	small := g.where("lt", "Stock", num(10))
	full := minidb.Guard{Read: isNew, Create: small, Update: small, Delete: small}

	for _, c := range []struct {
		name  string
		m     *lqp.Mutation
		guard minidb.Guard
		is    error
	}{
		{"update", g.update(ids[0], 1, values{"Stock": num(9)}), full, nil},
		{"update of a hidden row", g.update(ids[1], 0, values{"Stock": num(3)}), full, minidb.ErrNotFound},
		{"update of a hidden row with a wrong version", g.update(ids[1], 7, values{"Stock": num(3)}), full, minidb.ErrNotFound},
		{"update of a row outside the rule", g.update(ids[2], 0, values{"Stock": num(3)}), full, minidb.ErrForbidden},
		{"update out of the rule", g.update(ids[0], 0, values{"Stock": num(10)}), full, minidb.ErrForbidden},
		{"update out of sight", g.update(ids[0], 0, values{"State": text("old")}), full, nil},
		{"insert", g.insert(values{"Name": text("D"), "Stock": num(1)}), full, nil},
		{"insert outside the rule", g.insert(values{"Name": text("D"), "Stock": num(10)}), full, minidb.ErrForbidden},
		{"insert without the value", g.insert(values{"Name": text("D")}), full, minidb.ErrForbidden},
		{"delete", g.delete(0, ids[0]), full, nil},
		{"delete of a hidden row", g.delete(0, ids[1]), full, minidb.ErrNotFound},
		{"delete of a row outside the rule", g.delete(0, ids[2]), full, minidb.ErrForbidden},
		{"one of a batch", g.delete(0, ids[0], ids[2]), full, minidb.ErrForbidden},
		{"upsert as insert", g.upsert([]string{"Code"}, values{"Name": text("D"), "Code": text("d"), "Stock": num(1)}), full, nil},
		{"upsert as insert outside the rule", g.upsert([]string{"Code"}, values{"Name": text("D"), "Code": text("d")}), full, minidb.ErrForbidden},
		{"upsert as update", g.upsert([]string{"Code"}, values{"Code": text("a"), "Stock": num(1)}), full, nil},
		{"upsert of a row outside the rule", g.upsert([]string{"Code"}, values{"Code": text("c"), "Stock": num(1)}), full, minidb.ErrForbidden},
		{"by filter", &lqp.Mutation{Op: lqp.Update, Where: small, Rows: []lqp.RowChange{{Set: g.set(values{"Stock": num(1)})}}}, full, nil},
		{"by filter with a row outside the rule", &lqp.Mutation{Op: lqp.Delete, AllRows: true}, full, minidb.ErrForbidden},
		{"nobody may", g.insert(values{"Name": text("D")}), minidb.Guard{Create: lqp.Literal(lqp.BoolValue(false))}, minidb.ErrForbidden},
		{"a rule that is NULL is false", g.insert(values{"Name": text("D")}), minidb.Guard{Create: lqp.TypedNull(lqp.Type{Kind: lqp.Bool})}, minidb.ErrForbidden},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.m.DryRun = true // each case on the same rows
			_, err := g.try(c.m, c.guard)
			require.ErrorIs(t, err, c.is)
			if c.is == nil {
				return
			}
			before := g.stored()
			c.m.DryRun = false
			_, err = g.try(c.m, c.guard)
			require.ErrorIs(t, err, c.is)
			require.Equal(t, before, g.stored())
		})
	}
	t.Run("upsert by the unique key of a hidden row", func(t *testing.T) {
		// For the writer there is no such row, so this is an insert. That a unique value is taken cannot be kept secret.
		_, err := g.try(g.upsert([]string{"Code"}, values{"Name": text("B"), "Code": text("b"), "Stock": num(1)}), full)
		var v *minidb.ValidationError
		require.ErrorAs(t, err, &v)
		require.Len(t, v.Fields, 1)
		require.Equal(t, minidb.CodeUnique, v.Fields[0].Code)
	})
}

func TestGuardSeesOnlyReadableRowsByFilter(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(goods)
	ids := g.add(values{"Name": text("A"), "State": text("new")}, values{"Name": text("B"), "State": text("old")})
	r, err := g.try(&lqp.Mutation{Op: lqp.Delete, AllRows: true, MaxAffected: 1}, minidb.Guard{Read: g.where("eq", "State", text("new"))})
	require.NoError(t, err, "the hidden row does not count")
	require.Len(t, r.Rows, 1)
	require.Equal(t, ids[0], r.Rows[0].ID)
	require.Contains(t, g.stored(), ids[1])
}

func TestGuardOnSystemColumns(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(goods)
	own := minidb.Guard{Create: g.where("eq", "_created_by", text("usr_alice")), Update: g.where("eq", "_created_by", text("usr_bob"))}
	r, err := g.try(g.insert(values{"Name": text("A")}), own)
	require.NoError(t, err)
	_, err = g.try(g.update(r.Rows[0].ID, 0, values{"Stock": num(1)}), own)
	require.ErrorIs(t, err, minidb.ErrForbidden)
}

func TestChangedSchemaOrPolicyRefusesPlannedWrites(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(goods)
	s, err := f.Snapshot(f.ctx, f.workspace.ID)
	require.NoError(t, err)
	planned := minidb.Guard{PolicyVersion: s.PolicyVersion}
	_, err = g.try(g.insert(values{"Name": text("A")}), planned)
	require.NoError(t, err)

	_, err = f.SetMember(f.ctx, alice, f.workspace.ID, "usr_bob", rbac.Viewer)
	require.NoError(t, err)
	_, err = g.try(g.insert(values{"Name": text("B")}), planned)
	require.ErrorIs(t, err, minidb.ErrSchemaChanged)

	_, err = f.AddColumn(f.ctx, alice, g.ID, minidb.ColumnSpec{Name: "New", Type: minidb.TextColumn}, 0)
	require.NoError(t, err)
	_, err = g.try(g.insert(values{"Name": text("B")}), minidb.Guard{})
	require.ErrorIs(t, err, minidb.ErrSchemaChanged)
	g.reload().add(values{"Name": text("B"), "New": text("x")})

	require.NoError(t, f.DeleteTable(f.ctx, alice, g.ID, 0))
	_, err = g.try(g.insert(values{"Name": text("C")}), minidb.Guard{})
	require.ErrorIs(t, err, minidb.ErrNotFound)
}
