package minidb_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// TestRowsAreFoundByWhatTheyAreCalled: rows are found by their ids alone and together, and texts that are ids of no row find none,
// whatever they look like.
func TestRowsAreFoundByWhatTheyAreCalled(t *testing.T) {
	g := newFixture(t, minidb.Options{}).table(goods).reload()
	ids := g.add(values{"Name": text("a"), "Code": text("1")}, values{"Name": text("b"), "Code": text("2")})
	for _, id := range []string{"row", "nobody", strings.ToUpper(ids[0]), ids[0] + " ", " " + ids[0], ids[0] + "x", ids[0][:20], "O'Brien", `\`, "?", "$1", "%",
		"id of a row that is looked for", "a\x00b", "\xff", "é", strings.Repeat("x", 300)} {
		for _, m := range []*lqp.Mutation{g.update(id, 0, values{"Name": text("c")}), g.delete(0, id), g.delete(0, ids[0], id)} {
			_, err := g.try(m, minidb.Guard{})
			require.Error(t, err, "%q", id)
			require.NotContains(t, err.Error(), "store", "%q", id)
		}
	}
	require.Len(t, g.stored(), 2)
	for n, id := range ids { // one after the other, and in one request with others
		g.do(g.update(id, 1, values{"Stock": num(int64(n))}))
	}
	g.do(g.delete(2, ids...))
	require.Empty(t, g.stored())
}

// TestRowsAreReadAsTheirTableIs: whatever becomes of a table's columns, the next write by id reads and logs the row with all of them.
func TestRowsAreReadAsTheirTableIs(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(minidb.TableSpec{Name: "T", Columns: []minidb.ColumnSpec{{Name: "A", Type: minidb.TextColumn}, {Name: "B", Type: minidb.TextColumn}}})
	id := g.add(values{"A": text("1"), "B": text("x")})[0]
	write := func(name, to string) map[string]lqp.Value {
		t.Helper()
		g.do(g.update(id, 0, values{name: text(to)}))
		return g.stored()[id]
	}
	require.Equal(t, "2", write("A", "2")["A"].Text())
	column := g.addColumn(minidb.ColumnSpec{Name: "C", Type: minidb.TextColumn})
	require.Equal(t, "new", write("C", "new")["C"].Text())
	renamed := "D"
	_, err := f.UpdateColumn(f.ctx, alice, column.ID, minidb.ColumnPatch{Name: &renamed}, 0)
	require.NoError(t, err)
	g.reload()
	require.Equal(t, "new", write("A", "3")["D"].Text())
	_, err = f.ChangeType(f.ctx, alice, g.id("A"), minidb.Retype{Type: minidb.IntegerColumn}, 0)
	require.NoError(t, err)
	g.reload()
	after := write("B", "y")
	require.Equal(t, "3", after["A"].String())
	require.Equal(t, lqp.Number, after["A"].Kind())
	entries, err := f.TableChanges(f.ctx, g.ID, 0, 0)
	require.NoError(t, err)
	require.Contains(t, string(entries[len(entries)-1].Before), `"x"`)
}
