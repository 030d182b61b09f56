package minidb_test

import (
	"fmt"
	"io"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

func parse(t testing.TB, typ minidb.ColumnType, s string) lqp.Value {
	kind := map[minidb.ColumnType]lqp.Kind{minidb.IntegerColumn: lqp.Number, minidb.DecimalColumn: lqp.Number, minidb.BooleanColumn: lqp.Bool,
		minidb.DateColumn: lqp.Date, minidb.DateTimeColumn: lqp.DateTime}[typ]
	if kind == lqp.Null {
		kind = lqp.Text
	}
	v, err := lqp.ParseText(lqp.Type{Kind: kind}, s)
	require.NoError(t, err)
	return v
}

// TestConversions converts one cell from every type to others. How is "exact", "changed" or the code of what is lost.
func TestConversions(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	long := minidb.ColumnOptions{Precision: 30, Scale: 10}
	choices := minidb.ColumnOptions{Choices: []minidb.Choice{{Name: "open"}, {Name: "7"}}}
	for i, c := range []struct {
		from     minidb.ColumnType
		options  minidb.ColumnOptions
		cell     string
		to       minidb.ColumnType
		into     minidb.ColumnOptions
		how, now string
	}{
		{from: "text", cell: "12", to: "integer", how: "exact", now: "12"},
		{from: "text", cell: " 12.0 ", to: "integer", how: "changed", now: "12"},
		{from: "text", cell: "1e3", to: "integer", how: "changed", now: "1000"},
		{from: "text", cell: "1.5", to: "integer", how: "scale", now: "2"},
		{from: "text", cell: "twelve", to: "integer", how: "type"},
		{from: "text", cell: "  ", to: "integer", how: "type"},
		{from: "text", cell: "99999999999999999999", to: "integer", how: "range"},
		{from: "text", cell: "9999999999999999999999", to: "decimal", how: "type"},
		{from: "text", cell: "0.00000000001", to: "decimal", into: long, how: "scale", now: "0"},
		{from: "text", cell: "1.50", to: "decimal", into: minidb.ColumnOptions{Scale: 2}, how: "changed", now: "1.5"},
		{from: "text", cell: "true", to: "boolean", how: "exact", now: "true"},
		{from: "text", cell: "YES", to: "boolean", how: "changed", now: "true"},
		{from: "text", cell: "maybe", to: "boolean", how: "type"},
		{from: "text", cell: "2026-01-31", to: "date", how: "exact", now: "2026-01-31"},
		{from: "text", cell: "2026-01-31T00:00:00Z", to: "date", how: "changed", now: "2026-01-31"},
		{from: "text", cell: "2026-01-31T10:00:00Z", to: "date", how: "time_of_day", now: "2026-01-31"},
		{from: "text", cell: "31.1.2026", to: "date", how: "type"},
		{from: "text", cell: "2026-01-31", to: "datetime", how: "changed", now: "2026-01-31T00:00:00.000Z"},
		{from: "text", cell: "2026-01-31T10:00:00.000Z", to: "datetime", how: "exact", now: "2026-01-31T10:00:00.000Z"},
		{from: "text", cell: "open", to: "single_select", into: choices, how: "exact", now: "open"},
		{from: "text", cell: " open ", to: "single_select", into: choices, how: "changed", now: "open"},
		{from: "text", cell: "closed", to: "single_select", into: choices, how: "choice"},
		{from: "text", cell: "abcdef", to: "text", into: minidb.ColumnOptions{MaxLength: 3}, how: "too_long", now: "abc"},
		{from: "text", cell: "ab", to: "text", into: minidb.ColumnOptions{MinLength: 3}, how: "too_short"},
		{from: "text", cell: "abcdef", to: "long_text", how: "exact", now: "abcdef"},
		{from: "integer", cell: "7", to: "text", how: "exact", now: "7"},
		{from: "integer", cell: "7", to: "decimal", how: "exact", now: "7"},
		{from: "integer", cell: "7", to: "single_select", into: choices, how: "exact", now: "7"},
		{from: "integer", cell: "1", to: "boolean", how: "exact", now: "true"},
		{from: "integer", cell: "7", to: "boolean", how: "type"},
		{from: "integer", cell: "20260131", to: "date", how: "type"},
		{from: "integer", cell: "7", to: "integer", into: minidb.ColumnOptions{Max: []byte("5")}, how: "max"},
		{from: "decimal", options: long, cell: "1.5", to: "text", how: "exact", now: "1.5"},
		{from: "decimal", options: long, cell: "-1.5", to: "integer", how: "scale", now: "-2"},
		{from: "decimal", options: long, cell: "2.00", to: "integer", how: "exact", now: "2"},
		{from: "decimal", options: long, cell: "1.23456", to: "decimal", into: minidb.ColumnOptions{Scale: 2}, how: "scale", now: "1.23"},
		{from: "decimal", options: long, cell: "99999999999999999999", to: "decimal", into: minidb.ColumnOptions{Scale: 2}, how: "range"},
		{from: "boolean", cell: "true", to: "integer", how: "exact", now: "1"},
		{from: "boolean", cell: "false", to: "text", how: "exact", now: "false"},
		{from: "boolean", cell: "true", to: "date", how: "type"},
		{from: "date", cell: "2026-01-31", to: "datetime", how: "exact", now: "2026-01-31T00:00:00.000Z"},
		{from: "date", cell: "2026-01-31", to: "text", how: "exact", now: "2026-01-31"},
		{from: "date", cell: "2026-01-31", to: "integer", how: "type"},
		{from: "date", cell: "2026-01-31", to: "date", into: minidb.ColumnOptions{Min: []byte(`"2026-02-01"`)}, how: "min"},
		{from: "datetime", cell: "2026-01-31T00:00:00Z", to: "date", how: "exact", now: "2026-01-31"},
		{from: "datetime", cell: "0001-01-01T00:00:01Z", to: "date", how: "time_of_day", now: "0001-01-01"},
		{from: "datetime", cell: "1969-12-31T23:00:00Z", to: "date", how: "time_of_day", now: "1969-12-31"},
		{from: "single_select", options: choices, cell: "7", to: "integer", how: "exact", now: "7"},
		{from: "single_select", options: choices, cell: "open", to: "text", how: "exact", now: "open"},
		{from: "single_select", options: choices, cell: "open", to: "single_select", how: "exact", now: "open"},
	} {
		t.Run(fmt.Sprintf("%s %s to %s", c.from, c.cell, c.to), func(t *testing.T) {
			f.TB = t
			g := f.table(minidb.TableSpec{Name: fmt.Sprint("T", i), Columns: []minidb.ColumnSpec{{Name: "A", Type: c.from, Options: c.options}}})
			id := g.add(values{"A": parse(t, c.from, c.cell)}, values{})[0]
			r := minidb.Retype{Type: c.to, Options: c.into}
			want := minidb.Retyping{Rows: 2, Empty: 1}
			lost := c.how != "exact" && c.how != "changed"
			switch {
			case lost:
				want.Lost = 1
			case c.how == "exact":
				want.Exact = 1
			default:
				want.Changed = 1
			}
			preview, err := f.PreviewType(f.ctx, g.Columns[0].ID, r)
			require.NoError(t, err)
			if lost {
				require.Len(t, preview.Examples, 1)
				require.Equal(t, c.how, preview.Examples[0].Code, preview.Examples[0].Message)
				require.Equal(t, id, preview.Examples[0].Row)
				require.NotEmpty(t, preview.Examples[0].Message)
				_, err := f.ChangeType(f.ctx, alice, g.Columns[0].ID, r, 0)
				var loss *minidb.LossError
				require.ErrorAs(t, err, &loss)
				require.Equal(t, preview.Examples, loss.Examples)
				r.AcceptLoss = true
			}
			require.Equal(t, c.to, preview.Column.Type)
			counts := *preview
			counts.Column, counts.Examples = minidb.Column{}, nil
			require.Equal(t, want, counts)
			done, err := f.ChangeType(f.ctx, alice, g.Columns[0].ID, r, 1)
			require.NoError(t, err)
			require.Equal(t, preview.Lost, done.Lost)
			row := g.reload().stored()[id]
			now := row["A"].String()
			if row["A"].IsNull() {
				now = ""
			}
			require.Equal(t, c.now, now)
			version, entries := "1", 4
			if c.how != "exact" {
				version, entries = "2", 5
			}
			require.Equal(t, version, row["_version"].String())
			log, err := f.TableChanges(f.ctx, g.ID, 0, 0)
			require.NoError(t, err)
			require.Len(t, log, entries)
			require.Equal(t, "column.update", log[3].Action)
		})
	}
}

// TestChangeTypeOfATable looks at everything about the table but the cells.
func TestChangeTypeOfATable(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(goods)
	const n = 2500 // more than two chunks
	var rows []values
	for i := range n {
		v := values{"Name": text(fmt.Sprint("row ", i)), "Code": text(strconv.Itoa(i)), "Notes": text(strconv.Itoa(i))}
		if i%500 == 0 {
			v["Notes"] = text(fmt.Sprintf("%d.0", i))
		}
		rows = append(rows, v)
	}
	ids := g.add(rows...)
	before := g.reload()
	old := *before.Table
	code, notes := g.id("Code"), g.id("Notes")
	offset, err := f.TableOffset(f.ctx, g.ID)
	require.NoError(t, err)

	_, err = f.ChangeType(f.ctx, alice, code, minidb.Retype{Type: minidb.IntegerColumn}, 9)
	var version *minidb.VersionError
	require.ErrorAs(t, err, &version)
	_, err = f.ChangeType(f.ctx, alice, code, minidb.Retype{Type: minidb.IntegerColumn, PolicyVersion: 99}, 0)
	require.ErrorIs(t, err, minidb.ErrSchemaChanged)
	_, err = f.ChangeType(f.ctx, alice, "col_x", minidb.Retype{Type: minidb.IntegerColumn}, 0)
	require.ErrorIs(t, err, minidb.ErrNotFound)

	report, err := f.ChangeType(f.ctx, alice, notes, minidb.Retype{Type: minidb.IntegerColumn}, 1)
	require.NoError(t, err)
	require.EqualValues(t, n-5, report.Exact)
	require.EqualValues(t, 5, report.Changed)
	_, err = f.ChangeType(f.ctx, alice, code, minidb.Retype{Type: minidb.IntegerColumn, Options: minidb.ColumnOptions{Min: []byte("0")}}, 2)
	require.NoError(t, err)
	g.reload()
	require.Equal(t, int64(3), g.Version)
	require.Equal(t, code, g.id("Code"), "the id stays")
	require.Len(t, g.stored(), n)
	require.Equal(t, "500", g.stored()[ids[500]]["Notes"].String())
	require.Equal(t, "1500", g.stored()[ids[1500]]["Code"].String())
	log, err := f.TableChanges(f.ctx, g.ID, offset, 0)
	require.NoError(t, err)
	require.Len(t, log, 7)
	image, err := g.Row(log[1].Before)
	require.NoError(t, err)
	require.Equal(t, "0", image[g.layoutSlot("Notes")].String(), "an older image is shown in the type of today")
	require.Contains(t, string(log[1].Before), `"0.0"`, "the log keeps what was")

	// Unique columns are so still, and the new type holds for writes.
	var v *minidb.ValidationError
	_, err = g.try(g.insert(values{"Name": text("x"), "Code": num(7)}), minidb.Guard{})
	require.ErrorAs(t, err, &v)
	require.Equal(t, minidb.CodeUnique, v.Fields[0].Code)
	_, err = g.try(g.insert(values{"Name": text("x"), "Code": num(-7)}), minidb.Guard{})
	require.ErrorAs(t, err, &v)
	require.Equal(t, minidb.CodeMin, v.Fields[0].Code)
	g.do(g.update(ids[0], 0, values{"Code": num(n)}))

	// Who planned on the table as it was finds none of that name, not values of another kind.
	_, err = f.Apply(f.ctx, alice, []minidb.Write{{Table: &old, Mutation: g.insert(values{"Name": text("late")})}})
	require.ErrorIs(t, err, minidb.ErrSchemaChanged)
	q, err := lqp.Bind(&lqp.Query{From: lqp.Source{Table: g.ID}}, lqp.Env{
		Table: func(string, string) (*lqp.Table, error) { return old.Schema(), nil }, DefaultLimit: 10, MaxLimit: 10})
	require.NoError(t, err)
	_, err = f.Adapter().Scan(f.ctx, f.Adapter().Plan(q).Pushed)
	require.ErrorIs(t, err, adapter.ErrNoTable)

	require.NoError(t, f.DeleteTable(f.ctx, alice, g.ID, 0))
	f.gone(g.ID)
	require.Empty(t, f.relations("tbl", "unique"))
}

func (t *table) layoutSlot(name string) int {
	for i, c := range t.Schema().Columns {
		if c.Name == name {
			return i
		}
	}
	return -1
}

func TestChangeTypeRefusals(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(minidb.TableSpec{Name: "T", Columns: []minidb.ColumnSpec{
		{Name: "Must", Type: minidb.TextColumn, Required: true, Default: text("none")},
		{Name: "One", Type: minidb.TextColumn, Unique: true},
		{Name: "Free", Type: minidb.TextColumn},
	}})
	for i := range 30 {
		g.add(values{"Must": text(fmt.Sprint("m", i)), "One": text(fmt.Sprintf("%d.%d", i/2, i%2*5)), "Free": text(fmt.Sprint("c", i%3))})
	}
	report, err := f.PreviewType(f.ctx, g.id("Must"), minidb.Retype{Type: minidb.IntegerColumn})
	require.NoError(t, err)
	require.EqualValues(t, 30, report.Missing)
	require.True(t, report.DefaultLost)
	require.Len(t, report.Examples, 20)
	report, err = f.PreviewType(f.ctx, g.id("One"), minidb.Retype{Type: minidb.IntegerColumn})
	require.NoError(t, err)
	require.EqualValues(t, 14, report.Duplicates, "0.5 becomes 1, which 1.0 is too; 14.5 becomes 15")
	visible := g.where("eq", "Must", text("m7"))
	report, err = f.PreviewType(f.ctx, g.id("Must"), minidb.Retype{Type: minidb.IntegerColumn, Visible: visible})
	require.NoError(t, err)
	require.Len(t, report.Examples, 1)
	require.Equal(t, "m7", report.Examples[0].Old.Text())

	before, log := g.stored(), readLog(t, f.DB)
	var v *minidb.ValidationError
	for name, r := range map[string]minidb.Retype{
		"Must": {Type: minidb.IntegerColumn, AcceptLoss: true},
		"One":  {Type: minidb.IntegerColumn, AcceptLoss: true},
		"Free": {Type: "blob"},
	} {
		_, err := f.ChangeType(f.ctx, alice, g.id(name), r, 0)
		require.ErrorAs(t, err, &v, name)
	}
	var loss *minidb.LossError
	_, err = f.ChangeType(f.ctx, alice, g.id("Free"), minidb.Retype{Type: minidb.SingleSelectColumn}, 0)
	require.ErrorAs(t, err, &loss)
	require.Equal(t, before, g.reload().stored())
	require.Equal(t, log, readLog(t, f.DB))

	report, err = f.ChangeType(f.ctx, alice, g.id("Free"), minidb.Retype{Type: minidb.SingleSelectColumn, AddChoices: true,
		Options: minidb.ColumnOptions{Choices: []minidb.Choice{{Name: "c1"}}}}, 0)
	require.NoError(t, err)
	require.EqualValues(t, 30, report.Exact)
	free, _ := g.reload().Column(g.id("Free"))
	require.Equal(t, []string{"c1", "c0", "c2"}, []string{free.Options.Choices[0].Name, free.Options.Choices[1].Name, free.Options.Choices[2].Name})

	// Too many different values for choices.
	h := f.table(minidb.TableSpec{Name: "H", Columns: []minidb.ColumnSpec{{Name: "A", Type: minidb.IntegerColumn}}})
	var rows []values
	for i := range 1001 {
		rows = append(rows, values{"A": num(int64(i))})
	}
	h.add(rows...)
	_, err = f.ChangeType(f.ctx, alice, h.id("A"), minidb.Retype{Type: minidb.SingleSelectColumn, AddChoices: true}, 0)
	require.ErrorIs(t, err, minidb.ErrLimit)
}

func TestColumnRules(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	for _, bad := range []minidb.ColumnSpec{
		{Type: minidb.TextColumn, Options: minidb.ColumnOptions{Min: []byte("1")}},
		{Type: minidb.BooleanColumn, Options: minidb.ColumnOptions{Max: []byte("true")}},
		{Type: minidb.IntegerColumn, Options: minidb.ColumnOptions{Min: []byte(`"x"`)}},
		{Type: minidb.IntegerColumn, Options: minidb.ColumnOptions{Min: []byte("2"), Max: []byte("1")}},
		{Type: minidb.IntegerColumn, Options: minidb.ColumnOptions{Min: []byte("2")}, Default: num(1)},
		{Type: minidb.IntegerColumn, Options: minidb.ColumnOptions{MinLength: 1}},
		{Type: minidb.TextColumn, Options: minidb.ColumnOptions{MinLength: 9, MaxLength: 8}},
		{Type: minidb.LongTextColumn, Options: minidb.ColumnOptions{MinLength: -1}},
	} {
		bad.Name = "x"
		_, err := f.CreateTable(f.ctx, alice, f.base.ID, minidb.TableSpec{Name: "T", Columns: []minidb.ColumnSpec{bad}})
		var v *minidb.ValidationError
		require.ErrorAs(t, err, &v, "%+v", bad)
	}
	g := f.table(minidb.TableSpec{Name: "T", Columns: []minidb.ColumnSpec{
		{Name: "N", Type: minidb.IntegerColumn, Options: minidb.ColumnOptions{Min: []byte(" 1"), Max: []byte("1e1")}},
		{Name: "D", Type: minidb.DateColumn, Options: minidb.ColumnOptions{Min: []byte(`"2026-01-01"`)}},
		{Name: "L", Type: minidb.LongTextColumn, Options: minidb.ColumnOptions{MinLength: 3}},
	}}).reload()
	require.Equal(t, `10`, string(g.Columns[0].Options.Max), "kept in canonical form")
	id := g.add(values{"N": num(1), "D": parse(t, minidb.DateColumn, "2026-01-01"), "L": text("äöü")}, values{"N": num(10), "L": text("")})[0]
	faults := func(_ minidb.Result, err error) (codes []string) {
		var v *minidb.ValidationError
		require.ErrorAs(t, err, &v)
		for _, f := range v.Fields {
			codes = append(codes, f.Code)
		}
		return codes
	}
	bad := values{"N": num(0), "D": parse(t, minidb.DateColumn, "2025-12-31"), "L": text("ab")}
	require.Equal(t, []string{"min", "min", "too_short"}, faults(g.try(g.insert(bad), minidb.Guard{})))
	require.Equal(t, []string{"max"}, faults(g.try(g.update(id, 0, values{"N": num(11)}), minidb.Guard{})))
	_, err := f.ImportRows(f.ctx, alice, minidb.Import{Table: g.Table, Columns: []string{g.id("N")}, Next: oneRow(num(99))})
	require.Equal(t, []string{"max"}, faults(minidb.Result{}, err))

	// New rules are refused while rows break them.
	change := func(name string, o minidb.ColumnOptions) error {
		_, err := f.UpdateColumn(f.ctx, alice, g.id(name), minidb.ColumnPatch{Options: &o}, 0)
		g.reload()
		return err
	}
	var v *minidb.ValidationError
	require.ErrorAs(t, change("N", minidb.ColumnOptions{Min: []byte("2")}), &v)
	require.ErrorAs(t, change("N", minidb.ColumnOptions{Max: []byte("9")}), &v)
	require.ErrorAs(t, change("L", minidb.ColumnOptions{MinLength: 4}), &v)
	require.NoError(t, change("N", minidb.ColumnOptions{Max: []byte("10")}))
	g.do(g.update(id, 0, values{"N": num(-5)}))
	require.NoError(t, change("L", minidb.ColumnOptions{MinLength: 2}))
}

func oneRow(v ...lqp.Value) func() ([]lqp.Value, error) {
	done := false
	return func() ([]lqp.Value, error) {
		if done {
			return nil, io.EOF
		}
		done = true
		return v, nil
	}
}
