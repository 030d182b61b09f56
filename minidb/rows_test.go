package minidb_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

func TestInsertUpdateDelete(t *testing.T) {
	now := time.Date(2026, 3, 4, 5, 6, 7, 890_999_000, time.UTC)
	f := newFixture(t, minidb.Options{Clock: func() time.Time { return now }})
	g := f.table(goods)

	seen := lqp.DateTimeValue(1_700_000_000_123)
	r := g.do(g.insert(values{"Name": text("Bolt"), "Code": text("b-1"), "Stock": num(5), "Price": dec("12.50"), "Since": lqp.DateValue(20000),
		"Seen": seen, "State": text("new"), "Notes": text("")}))
	require.Equal(t, 1, r.Affected)
	row := r.Rows[0]
	require.Equal(t, lqp.Insert, row.Op)
	require.True(t, minidb.ValidID(row.ID, "row"))
	require.Equal(t, int64(1), row.Version)

	stored := g.stored()[row.ID]
	require.Equal(t, "Bolt", stored["Name"].Text())
	require.Equal(t, "12.5", stored["Price"].String())
	require.Equal(t, seen, stored["Seen"])
	require.True(t, stored["Active"].Bool(), "the default")
	require.True(t, stored["Notes"].IsNull(), "an empty text is stored as NULL")
	require.Equal(t, "1", stored["_version"].String())
	require.Equal(t, alice.ID, stored["_created_by"].Text())
	require.Equal(t, now.UnixMilli(), stored["_created_at"].Millis())

	now = now.Add(time.Minute)
	r = g.do(g.update(row.ID, 1, values{"Stock": num(4), "Code": lqp.Value{}}))
	require.Equal(t, int64(2), r.Rows[0].Version)
	stored = g.stored()[row.ID]
	require.Equal(t, "4", stored["Stock"].String())
	require.True(t, stored["Code"].IsNull())
	require.Equal(t, now.UnixMilli(), stored["_updated_at"].Millis())
	require.NotEqual(t, now.UnixMilli(), stored["_created_at"].Millis())

	r = g.do(g.update(row.ID, 0, values{"Stock": num(4)}))
	require.False(t, r.Rows[0].Changed, "the same value is no change")
	require.Equal(t, int64(2), r.Rows[0].Version)
	require.Zero(t, r.Affected)

	r = g.do(g.delete(2, row.ID))
	require.Equal(t, int64(3), r.Rows[0].Version)
	require.Empty(t, g.stored())

	changes, err := f.TableChanges(f.ctx, g.ID, 0, 0)
	require.NoError(t, err)
	require.Len(t, changes, 4, "the table and three changes of the row")
	for i, want := range []string{"table.create", "row.insert", "row.update", "row.delete"} {
		c := changes[i]
		require.Equal(t, want, c.Action)
		require.Equal(t, int64(i+1), c.Offset)
		require.Equal(t, alice.Request, c.Request)
		require.Equal(t, alice.ID, c.Actor)
		require.Equal(t, f.workspace.ID, c.Workspace)
	}
	var before, after map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(changes[2].Before, &before))
	require.NoError(t, json.Unmarshal(changes[2].After, &after))
	require.Len(t, after, len(g.Schema().Columns), "an image has every column")
	require.JSONEq(t, "5", string(before[g.id("Stock")]))
	require.JSONEq(t, "4", string(after[g.id("Stock")]))
	require.Nil(t, changes[3].After)
	image, err := g.Row(changes[3].Before)
	require.NoError(t, err)
	require.Equal(t, r.Rows[0].Before, image)
}

func TestRowErrors(t *testing.T) {
	f := newFixture(t, minidb.Options{MaxRows: 10})
	g := f.table(goods)
	ids := g.add(values{"Name": text("A"), "Code": text("a")}, values{"Name": text("B"), "Code": text("b")})
	long := make([]byte, 256)
	for i := range long {
		long[i] = 'x'
	}
	fields := func(err error) (codes []string) {
		var v *minidb.ValidationError
		require.ErrorAs(t, err, &v)
		for _, e := range v.Fields {
			codes = append(codes, e.Code)
		}
		return codes
	}
	for _, c := range []struct {
		name  string
		m     *lqp.Mutation
		is    error
		codes []string
	}{
		{name: "missing row", m: g.update("row_00000000000000000000000000", 0, values{"Name": text("x")}), is: minidb.ErrNotFound},
		{name: "not a row id", m: g.update("1 or 1=1", 0, values{"Name": text("x")}), is: minidb.ErrNotFound},
		{name: "no row id", m: &lqp.Mutation{Op: lqp.Delete, Rows: []lqp.RowChange{{}}}, codes: []string{minidb.CodeRowID}},
		{name: "empty row id", m: g.update("", 0, values{"Name": text("x")}), codes: []string{minidb.CodeRowID}},
		{name: "deletion of an empty row id", m: g.delete(0, ""), codes: []string{minidb.CodeRowID}},
		{name: "required", m: g.insert(values{"Code": text("c")}), codes: []string{minidb.CodeRequired}},
		{name: "required cleared", m: g.update(ids[0], 0, values{"Name": lqp.Value{}}), codes: []string{minidb.CodeRequired}},
		{name: "required emptied", m: g.update(ids[0], 0, values{"Name": text("")}), codes: []string{minidb.CodeRequired}},
		{name: "unique", m: g.insert(values{"Name": text("C"), "Code": text("a")}), codes: []string{minidb.CodeUnique}},
		{name: "unique by update", m: g.update(ids[0], 0, values{"Code": text("b")}), codes: []string{minidb.CodeUnique}},
		{name: "unique within the batch", m: g.insert(values{"Name": text("C"), "Code": text("c")}, values{"Name": text("D"), "Code": text("c")}),
			codes: []string{minidb.CodeUnique}},
		{name: "type", m: g.insert(values{"Name": num(1)}), codes: []string{minidb.CodeType}},
		{name: "scale", m: g.insert(values{"Name": text("C"), "Price": dec("1.005")}), codes: []string{minidb.CodeScale}},
		{name: "whole", m: g.insert(values{"Name": text("C"), "Stock": dec("1.5")}), codes: []string{minidb.CodeScale}},
		{name: "range", m: g.insert(values{"Name": text("C"), "Price": dec("10000000000000000")}), codes: []string{minidb.CodeRange}},
		{name: "integer range", m: g.insert(values{"Name": text("C"), "Stock": dec("9223372036854775808")}), codes: []string{minidb.CodeRange}},
		{name: "too long", m: g.insert(values{"Name": text(string(long))}), codes: []string{minidb.CodeTooLong}},
		{name: "choice", m: g.insert(values{"Name": text("C"), "State": text("New")}), codes: []string{minidb.CodeChoice}},
		{name: "unknown column", m: g.insert(values{"Name": text("C"), "col_nope": text("x")}), codes: []string{minidb.CodeUnknownColumn}},
		{name: "built-in column", m: g.insert(values{"Name": text("C"), "_version": num(7)}), codes: []string{minidb.CodeReadOnly}},
		{name: "all at once", m: g.insert(values{"Code": text("a"), "Stock": text("x")}, values{"Name": text("C"), "State": text("?"), "Price": dec("0.001")}),
			codes: []string{minidb.CodeType, minidb.CodeRequired, minidb.CodeUnique, minidb.CodeScale, minidb.CodeChoice}},
		{name: "row twice", m: g.delete(0, ids[0], ids[0]), codes: []string{minidb.CodeDuplicateRow}},
		{name: "too many rows", m: g.insert(make([]values, 11)...), is: minidb.ErrLimit},
		{name: "id taken", m: &lqp.Mutation{Op: lqp.Insert, Rows: []lqp.RowChange{{ID: []lqp.Value{text(ids[0])}, Set: g.set(values{"Name": text("x")})}}},
			is: minidb.ErrExists},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := f.count("SELECT count(*) FROM lt_change")
			_, err := g.try(c.m, minidb.Guard{})
			if c.is != nil {
				require.ErrorIs(t, err, c.is)
			} else {
				require.ElementsMatch(t, c.codes, fields(err), "%v", err)
			}
			require.Equal(t, before, f.count("SELECT count(*) FROM lt_change"))
			require.Len(t, g.stored(), 2)
		})
	}
}

func TestFieldErrorsNameRowAndColumn(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(goods)
	_, err := g.try(g.insert(values{"Name": text("A")}, values{"Name": text("B"), "Price": dec("1.239")}), minidb.Guard{})
	var v *minidb.ValidationError
	require.ErrorAs(t, err, &v)
	require.Len(t, v.Fields, 1)
	require.Equal(t, minidb.FieldError{Row: 1, Column: g.id("Price"), Code: minidb.CodeScale,
		Message: `"Price" keeps 2 decimals; 1.239 has more`}, v.Fields[0])
}

func TestConflict(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(goods)
	id := g.add(values{"Name": text("A")})[0]
	g.do(g.update(id, 1, values{"Stock": num(1)}))
	for _, m := range []*lqp.Mutation{g.update(id, 1, values{"Stock": num(2)}), g.delete(1, id)} {
		_, err := g.try(m, minidb.Guard{})
		var c *minidb.ConflictError
		require.ErrorAs(t, err, &c)
		require.Equal(t, id, c.Row)
		require.Equal(t, int64(1), c.Expected)
		require.Equal(t, int64(2), c.Current)
		require.Equal(t, text(id), c.Values[0])
	}
	_, err := g.try(g.update(id, 0, values{"Stock": num(2)}), minidb.Guard{RequireVersion: true})
	require.ErrorIs(t, err, minidb.ErrVersionRequired)
}

func TestBatchIsAtomic(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g, other := f.table(goods), f.table(minidb.TableSpec{Name: "Other", Columns: []minidb.ColumnSpec{{Name: "Name", Type: minidb.TextColumn}}})
	id := g.add(values{"Name": text("A")})[0]
	log := f.count("SELECT count(*) FROM lt_change")

	m := g.update(id, 0, values{"Name": text("changed")})
	m.Rows = append(m.Rows, lqp.RowChange{ID: []lqp.Value{text("row_00000000000000000000000000")}})
	_, err := g.Apply(f.ctx, alice, []minidb.Write{{Table: other.Table, Mutation: other.insert(values{"Name": text("x")})}, {Table: g.Table, Mutation: m}})
	var row *minidb.RowError
	require.ErrorAs(t, err, &row)
	require.Equal(t, 1, row.Index)
	require.ErrorIs(t, err, minidb.ErrNotFound)
	require.Empty(t, other.stored())
	require.Equal(t, "A", g.stored()[id]["Name"].Text())
	require.Equal(t, log, f.count("SELECT count(*) FROM lt_change"))

	_, err = g.Apply(f.ctx, alice, []minidb.Write{{Table: other.Table, Mutation: other.insert(values{"Name": text("x")})},
		{Table: g.Table, Mutation: g.insert(values{})}})
	var v *minidb.ValidationError
	require.ErrorAs(t, err, &v)
	require.Equal(t, 1, v.Write)
	require.Empty(t, other.stored())
}

func TestDryRunChangesNothing(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(goods)
	id := g.add(values{"Name": text("A"), "Code": text("a")})[0]
	log := f.count("SELECT count(*) FROM lt_change")
	m := g.update(id, 1, values{"Stock": num(9)})
	m.DryRun = true
	r, err := g.try(m, minidb.Guard{})
	require.NoError(t, err)
	require.True(t, r.DryRun)
	require.Equal(t, 1, r.Affected)
	require.Equal(t, int64(2), r.Rows[0].Version)
	require.True(t, g.stored()[id]["Stock"].IsNull())
	require.Equal(t, log, f.count("SELECT count(*) FROM lt_change"))
	m = g.insert(values{"Name": text("B"), "Code": text("a")})
	m.DryRun = true
	_, err = g.try(m, minidb.Guard{})
	var v *minidb.ValidationError
	require.True(t, errors.As(err, &v), "a dry run finds what the run would find")
}

func TestUniqueValuesMayChangeHands(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(goods)
	ids := g.add(values{"Name": text("A"), "Code": text("a")}, values{"Name": text("B"), "Code": text("b")}, values{"Name": text("C"), "Code": text("c")})
	m := &lqp.Mutation{Op: lqp.Update}
	for i, code := range []string{"b", "c", "a"} {
		m.Rows = append(m.Rows, lqp.RowChange{ID: []lqp.Value{text(ids[i])}, Set: g.set(values{"Code": text(code)})})
	}
	g.do(m)
	for i, code := range []string{"b", "c", "a"} {
		require.Equal(t, code, g.stored()[ids[i]]["Code"].Text())
	}
	changes, err := f.TableChanges(f.ctx, g.ID, 4, 0)
	require.NoError(t, err)
	require.Len(t, changes, 3, "one entry for each row, none for the detour")
	// A row that keeps its value keeps others from it.
	m.Rows = m.Rows[:2]
	m.Rows[0].Set, m.Rows[1].Set = g.set(values{"Code": text("c")}), g.set(values{"Stock": num(1)})
	_, err = g.try(m, minidb.Guard{})
	var v *minidb.ValidationError
	require.ErrorAs(t, err, &v)
}
