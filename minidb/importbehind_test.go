package minidb_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/internal/testseed"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// varied is a table with columns that the mini-DB fills, checks and computes.
var varied = append(slices.Clone(goods.Columns), minidb.ColumnSpec{Name: "No", Type: minidb.AutonumberColumn},
	minidb.ColumnSpec{Name: "Key", Type: minidb.UUIDColumn, Options: minidb.ColumnOptions{Generate: minidb.GenerateUUID}},
	minidb.ColumnSpec{Name: "Made", Type: minidb.CreatedTimeColumn}, minidb.ColumnSpec{Name: "Doc", Type: minidb.JSONColumn},
	minidb.ColumnSpec{Name: "Tags", Type: minidb.MultiSelectColumn, Options: minidb.ColumnOptions{Choices: []minidb.Choice{{Name: "a,b"}, {Name: `"c"`}}}},
	minidb.ColumnSpec{Name: "Twice", Type: minidb.FormulaColumn, Options: minidb.ColumnOptions{Formula: "{Stock} * 2"}})

// TestImportsEqualWrites imports random rows, which are stored behind the transaction, and writes the same ones a few at a time, which
// are not: rows and entries are the same but for ids and times.
func TestImportsEqualWrites(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	r := rand.New(rand.NewPCG(testseed.Of(t), 3))
	imported, written := f.table(minidb.TableSpec{Name: "Imported", Columns: varied}), f.table(minidb.TableSpec{Name: "Written", Columns: varied})
	names := []string{"Name", "Code", "Stock", "Price", "Active", "Since", "Seen", "State", "Notes", "Doc", "Tags"}
	maybe := func(v lqp.Value) lqp.Value {
		if r.IntN(4) == 0 {
			return lqp.Value{}
		}
		return v
	}
	n := 600 + r.IntN(600) // more than a chunk, and no whole number of them
	rows := make([]values, n)
	for i := range rows {
		rows[i] = values{"Name": text(fmt.Sprintf("n %d \"\\\n", i)), "Code": maybe(text(fmt.Sprintf("c%d", i))), "Stock": maybe(num(r.Int64N(2e9) - 1e9)),
			"Price": maybe(lqp.NumberValue(lqp.DecimalFromScaled(r.Int64N(2e12)-1e12, 2))), "Active": maybe(lqp.BoolValue(r.IntN(2) == 0)),
			"Since": maybe(lqp.DateValue(r.Int64N(20_000))), "Seen": maybe(lqp.DateTimeValue(r.Int64N(1e13))), "State": maybe(text([]string{"new", "old"}[r.IntN(2)])),
			"Notes": maybe(text(strings.Repeat("é,]}", r.IntN(40)))), "Doc": maybe(lqp.JSONValue(fmt.Sprintf(`{"a":[%d,{"b":"]"}]}`, i))),
			"Tags": maybe(lqp.ListValue([]lqp.Value{text("a,b"), text(`"c"`)}))}
	}
	columns := make([]string, len(names))
	for i, name := range names {
		columns[i] = imported.id(name)
	}
	next := 0
	count, err := f.ImportRows(f.ctx, alice, minidb.Import{Table: imported.Table, Columns: columns, Reason: "r", Next: func() ([]lqp.Value, error) {
		if next == n {
			return nil, io.EOF
		}
		var row []lqp.Value
		for _, name := range names {
			row = append(row, rows[next][name])
		}
		next++
		return row, nil
	}})
	require.NoError(t, err)
	require.EqualValues(t, n, count)
	for some := range slices.Chunk(rows, 20) {
		m := written.insert(some...)
		m.Reason = "r"
		written.do(m)
	}
	seen := func(g *table, e *audit.Entry) string {
		var image map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(e.After, &image))
		out := fmt.Sprint(e.Action, e.ResourceType, e.Version, e.Offset, e.Reason, e.Actor, string(image["_version"]))
		for i := range g.Columns {
			if c := &g.Columns[i]; c.Name != "Key" && c.Name != "Made" {
				out += "|" + string(image[c.ID])
			} else {
				require.NotEqual(t, "null", string(image[c.ID]))
			}
		}
		return out
	}
	var got, want []string
	notes := map[string]string{} // of the imported rows
	for _, e := range readLog(t, f.DB) {
		if e.ResourceType != "row" {
			continue
		}
		if e.Table == imported.ID {
			got = append(got, seen(imported, &e))
			var image map[string]json.RawMessage
			require.NoError(t, json.Unmarshal(e.After, &image))
			notes[e.Resource] = string(image[imported.id("Notes")])
		} else {
			want = append(want, seen(written, &e))
		}
	}
	require.Len(t, want, n)
	require.Equal(t, want, got)
	require.EqualValues(t, n, f.count("SELECT count(*) FROM lt_change WHERE table_id = ? AND after_doc LIKE '[\"shp_%'", text(imported.ID)), "images have a shape")
	require.Zero(t, f.count("SELECT count(*) FROM lt_change WHERE table_id = ? AND after_doc LIKE '[%'", text(written.ID)))
	require.EqualValues(t, 1, f.count("SELECT count(*) FROM lt_shape"))
	require.Len(t, imported.stored(), n)
	for id, row := range imported.stored() { // what is stored is what the log says
		require.Equal(t, string(row["Notes"].AppendJSON(nil)), notes[id])
	}
}

// unsound is the position of the first entry of a workspace whose digest is another, 0 for none.
func unsound(t testing.TB, db *minidb.DB, workspace string) int64 {
	t.Helper()
	entries, _, _, err := db.ChainedPage(t.Context(), workspace, 0, 0)
	require.NoError(t, err)
	require.NotEmpty(t, entries)
	var working []byte
	for i := range entries {
		var digest []byte
		if digest, working = audit.Digest(&entries[i], working); string(digest) != string(entries[i].Chain.Hash) {
			return entries[i].Position
		}
	}
	return 0
}

// TestShapesMove: an archive has whole images, wherever it is read.
func TestShapesMove(t *testing.T) {
	for _, to := range elsewhere(t) {
		f := newFixture(t, minidb.Options{})
		g := f.table(goods)
		_, err := f.ImportRows(f.ctx, alice, minidb.Import{Table: g.Table, Columns: []string{g.id("Name"), g.id("Code")}, Next: stream(100, nil)})
		require.NoError(t, err)
		from := &mover{TB: t, DB: f.DB, ctx: f.ctx, blobs: to.blobs}
		moved, err := to.take(from.archive(f.workspace.ID))
		require.NoError(t, err)
		require.Zero(t, unsound(t, to.DB, moved.ID))
		there, err := to.TableChanges(t.Context(), g.ID, 0, 0)
		require.NoError(t, err)
		here, err := f.TableChanges(t.Context(), g.ID, 0, 0)
		require.NoError(t, err)
		require.Equal(t, len(here), len(there))
		for i := range here {
			require.Equal(t, string(here[i].After), string(there[i].After))
		}
	}
}

// TestShapesAreVerified: the chain is over whole images, made of what is stored now.
func TestShapesAreVerified(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(goods)
	_, err := f.ImportRows(f.ctx, alice, minidb.Import{Table: g.Table, Columns: []string{g.id("Name"), g.id("Code")}, Next: stream(100, nil)})
	require.NoError(t, err)
	sound := func() int64 { return unsound(t, f.DB, f.workspace.ID) }
	require.Zero(t, sound())
	imported := f.count("SELECT min(position) FROM lt_change WHERE resource_type = 'row'")
	require.NotZero(t, imported)
	write := func(sql string) {
		t.Helper()
		require.NoError(t, f.Adapter().Write(f.ctx, func(tx adapter.Tx) error {
			_, err := tx.Exec(f.ctx, sql)
			return err
		}))
	}
	for _, sql := range []string{"UPDATE lt_shape SET members = replace(members, 'col_', 'cal_')", "UPDATE lt_shape SET id = 'shp_' || substr(id, 6) || 'x'",
		"DELETE FROM lt_shape"} {
		write("CREATE TABLE keep_shape AS SELECT * FROM lt_shape")
		write(sql)
		require.Equal(t, imported, sound(), sql)
		write("DELETE FROM lt_shape")
		write("INSERT INTO lt_shape SELECT * FROM keep_shape")
		write("DROP TABLE keep_shape")
		require.Zero(t, sound())
	}
	for _, value := range []string{`'["shp_' || substr(after_doc, 7, 26) || '",1]'`, `after_doc || ' '`, `substr(after_doc, 1, 60)`} {
		write("CREATE TABLE keep_change AS SELECT * FROM lt_change")
		write(fmt.Sprintf("UPDATE lt_change SET after_doc = %s WHERE position = %d", value, imported+7))
		require.Equal(t, imported+7, sound(), value)
		write("DELETE FROM lt_change")
		write("INSERT INTO lt_change SELECT * FROM keep_change")
		write("DROP TABLE keep_change")
	}
	require.Zero(t, sound())
}

// TestImportsGiveUp: an import that ends early, by its source, its caller or a value near its end, leaves nothing, though rows were
// stored behind it all the time, and the next one is as any.
func TestImportsGiveUp(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(goods)
	columns := []string{g.id("Name"), g.id("Code")}
	const n = 5000
	broken := errors.New("broken")
	ctx, cancel := context.WithCancel(f.ctx)
	for name, change := range map[string]func(i int, row []lqp.Value) error{
		"source": func(i int, _ []lqp.Value) error {
			if i == n-1 {
				return broken
			}
			return nil
		},
		"caller": func(i int, _ []lqp.Value) error {
			if i == n/2 {
				cancel()
			}
			return nil
		},
		"panic": func(i int, _ []lqp.Value) error {
			if i == n-1 {
				panic(broken)
			}
			return nil
		},
		"value": func(i int, row []lqp.Value) error {
			if i == n-1 {
				row[0] = lqp.Value{}
			}
			return nil
		},
	} {
		with := f.ctx
		if name == "caller" {
			with = ctx
		}
		log, goroutines := f.count("SELECT count(*) FROM lt_change"), runtime.NumGoroutine()
		_, err := f.ImportRows(with, alice, minidb.Import{Table: g.Table, Columns: columns, Next: stream(n, change)})
		require.Error(t, err, name)
		require.Empty(t, g.stored(), name)
		require.Equal(t, log, f.count("SELECT count(*) FROM lt_change"), name)
		require.Zero(t, f.count("SELECT count(*) FROM lt_shape"), name)
		require.LessOrEqual(t, runtime.NumGoroutine(), goroutines+2, name)
	}
	rows, err := f.ImportRows(f.ctx, alice, minidb.Import{Table: g.Table, Columns: columns, Next: stream(n, nil)})
	require.NoError(t, err)
	require.EqualValues(t, n, rows)
	require.Len(t, readLog(t, f.DB), int(f.count("SELECT count(*) FROM lt_change")))
}
