package minidb_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

func TestAutonumbers(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(goods).reload()
	ids := g.add(values{"Name": text("A")}, values{"Name": text("B")})
	_, err := f.AddColumn(f.ctx, alice, g.ID, minidb.ColumnSpec{Name: "No", Type: minidb.AutonumberColumn}, 0)
	require.NoError(t, err)
	g.reload()
	number := func(id string) string { return g.stored()[id]["No"].String() }
	require.Equal(t, "1", number(ids[0]))
	require.Equal(t, "2", number(ids[1]))
	_, err = g.try(g.insert(values{"Name": text("C")}, values{"Stock": num(1)}), minidb.Guard{})
	require.Equal(t, []string{minidb.CodeRequired}, codes(t, err))
	dry := g.insert(values{"Name": text("C")})
	dry.DryRun = true
	g.do(dry)
	ids = append(ids, g.add(values{"Name": text("C")}, values{"Name": text("D")})...)
	require.Equal(t, "3", number(ids[2]), "what fails and what is only tried takes no number")
	g.do(g.delete(0, ids[3]))
	ids = append(ids, g.add(values{"Name": text("E")})...)
	require.Equal(t, "5", number(ids[4]), "the number of a deleted row is not given again")
	_, err = g.try(g.update(ids[0], 0, values{"No": num(9)}), minidb.Guard{})
	require.Equal(t, []string{minidb.CodeReadOnly}, codes(t, err))
	_, err = g.try(g.insert(values{"Name": text("F"), "No": num(9)}), minidb.Guard{})
	require.Equal(t, []string{minidb.CodeReadOnly}, codes(t, err))
	r := g.do(g.upsert([]string{"Code"}, values{"Name": text("G"), "Code": text("g")}))
	require.Equal(t, "6", number(r.Rows[0].ID))
	r = g.do(g.upsert([]string{"Code"}, values{"Name": text("H"), "Code": text("g")}))
	require.Equal(t, "6", number(r.Rows[0].ID))

	for rows, want := range map[bool]string{true: "7", false: "1"} {
		b, err := f.DuplicateBase(f.ctx, alice, f.base.ID, minidb.Duplicate{Name: "Copy " + want, Rows: rows})
		require.NoError(t, err)
		s, err := f.Snapshot(f.ctx, f.workspace.ID)
		require.NoError(t, err)
		for _, c := range s.Tables {
			if c.Base == b.ID {
				two := &table{fixture: f, Table: c}
				id := two.add(values{"Name": text("x")})[0]
				require.Equal(t, want, two.stored()[id]["No"].String())
			}
		}
	}
	_, err = f.ChangeType(f.ctx, alice, g.id("Stock"), minidb.Retype{Type: minidb.AutonumberColumn}, 0)
	require.Equal(t, []string{minidb.CodeType}, codes(t, err))
	_, err = f.ChangeType(f.ctx, alice, g.id("No"), minidb.Retype{Type: minidb.IntegerColumn}, 0)
	require.NoError(t, err)
	g.reload().do(g.update(ids[0], 0, values{"No": num(100)}))
}

func TestColumnsThatShowBuiltInOnes(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(goods).reload()
	first := g.add(values{"Name": text("A")})[0]
	for name, kind := range map[string]minidb.ColumnType{"Made": minidb.CreatedTimeColumn, "Maker": minidb.CreatedByColumn,
		"Changed": minidb.UpdatedTimeColumn, "Changer": minidb.UpdatedByColumn} {
		_, err := f.AddColumn(f.ctx, alice, g.ID, minidb.ColumnSpec{Name: name, Type: kind}, 0)
		require.NoError(t, err)
	}
	g.reload()
	second := g.add(values{"Name": text("B")})[0]
	bob := minidb.Actor{ID: "usr_bob"}
	same := func() {
		t.Helper()
		for _, row := range g.stored() {
			for name, built := range map[string]string{"Made": "_created_at", "Maker": "_created_by", "Changed": "_updated_at", "Changer": "_updated_by"} {
				require.False(t, row[name].IsNull())
				require.True(t, lqp.Equal(row[built], row[name]), name)
			}
		}
	}
	require.Equal(t, "1", g.stored()[first]["_version"].String(), "a column that shows what is there changes no row")
	same()
	_, err := f.Apply(f.ctx, bob, []minidb.Write{{Table: g.Table, Mutation: g.update(second, 0, values{"Stock": num(2)})}})
	require.NoError(t, err)
	require.Equal(t, "usr_bob", g.stored()[second]["Changer"].Text())
	same()
	changes, err := f.TableChanges(f.ctx, g.ID, 1, 1)
	require.NoError(t, err)
	image, err := g.Row(changes[0].After)
	require.NoError(t, err)
	for i, c := range g.Schema().Columns {
		if c.Name == "Maker" {
			require.Equal(t, alice.ID, image[i].Text(), "images from before the column have its value")
		}
	}
	_, err = f.ChangeType(f.ctx, alice, g.id("Stock"), minidb.Retype{Type: minidb.TextColumn}, 0)
	require.NoError(t, err)
	g.reload()
	same()
	for _, bad := range []minidb.ColumnSpec{{Required: true}, {Unique: true}, {Default: lqp.DateTimeValue(0)}} {
		bad.Name, bad.Type = "x", minidb.CreatedTimeColumn
		_, err := f.AddColumn(f.ctx, alice, g.ID, bad, 0)
		require.NotEmpty(t, codes(t, err))
	}
}

func TestGeneratedValues(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	spec := func(name string, kind minidb.ColumnType, generate string) minidb.ColumnSpec {
		return minidb.ColumnSpec{Name: name, Type: kind, Options: minidb.ColumnOptions{Generate: generate}}
	}
	g := f.table(minidb.TableSpec{Name: "Made", Columns: []minidb.ColumnSpec{{Name: "Name", Type: minidb.TextColumn}, spec("Day", minidb.DateColumn, minidb.GenerateToday),
		spec("At", minidb.DateTimeColumn, minidb.GenerateNow), spec("Who", minidb.UserColumn, minidb.GenerateUser), spec("Key", minidb.UUIDColumn, minidb.GenerateUUID)}}).reload()
	id := g.add(values{"Name": text("A")})[0]
	row := g.stored()[id]
	require.True(t, lqp.Equal(row["At"], row["_created_at"]))
	require.Equal(t, row["At"].String()[:10], row["Day"].String())
	require.Equal(t, alice.ID, row["Who"].Text())
	require.Len(t, row["Key"].Text(), 36)
	id = g.add(values{"Name": text("B"), "Who": {}, "Day": {}})[0]
	require.True(t, g.stored()[id]["Who"].IsNull(), "no value is a value that was given")
	require.True(t, g.stored()[id]["Day"].IsNull())
	r, err := f.Apply(f.ctx, minidb.Actor{ID: "key_robot"}, []minidb.Write{{Table: g.Table, Mutation: g.insert(values{"Name": text("C")})}})
	require.NoError(t, err)
	require.True(t, g.stored()[r[0].Rows[0].ID]["Who"].IsNull(), "who is no member is not named")

	_, err = f.SetMember(f.ctx, alice, f.workspace.ID, "usr_bob", rbac.Editor)
	require.NoError(t, err)
	g.do(g.update(id, 0, values{"Who": text("usr_bob")}))
	require.NoError(t, f.RemoveMember(f.ctx, alice, f.workspace.ID, "usr_bob"))
	g.reload().do(g.update(id, 0, values{"Name": text("B2"), "Who": text("usr_bob")}))
	require.Equal(t, "usr_bob", g.stored()[id]["Who"].Text(), "who has left stays where they were")
	_, err = g.try(g.insert(values{"Who": text("usr_bob")}), minidb.Guard{})
	require.Equal(t, []string{minidb.CodeMember}, codes(t, err))
	_, err = f.UpdateColumn(f.ctx, alice, g.id("Day"), minidb.ColumnPatch{Required: ptr(true)}, 0)
	require.NoError(t, err, "rows without a day get one")
	require.False(t, g.reload().stored()[id]["Day"].IsNull())
	for _, bad := range []minidb.ColumnSpec{spec("x", minidb.DateColumn, minidb.GenerateNow), spec("x", minidb.TextColumn, minidb.GenerateUUID),
		{Name: "x", Type: minidb.UserColumn, Default: text(alice.ID)},
		{Name: "x", Type: minidb.DateColumn, Default: lqp.DateValue(1), Options: minidb.ColumnOptions{Generate: minidb.GenerateToday}}} {
		_, err := f.AddColumn(f.ctx, alice, g.ID, bad, 0)
		require.NotEmpty(t, codes(t, err))
	}
}
