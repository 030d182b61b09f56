package livetables

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/ddl"
	"github.com/livetables/livetables/internal/storetest"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// wideTable is a table of twenty columns with 10,000 rows and an index on its number and its city.
type wideTable struct {
	inside
	table  *minidb.Table
	names  []string // of its columns
	ids    []string // of the first thousand rows
	cities int
	rows   int
}

func newWideTable(b *testing.B) *wideTable {
	b.Helper()
	w := &wideTable{inside: newInside(b), cities: 500, rows: 10_000}
	ctx, owner := b.Context(), w.owner
	spec := minidb.TableSpec{Name: "T"}
	var csv []string
	for i := range 20 {
		c := minidb.ColumnSpec{Name: fmt.Sprintf("c%02d", i), Type: []minidb.ColumnType{minidb.IntegerColumn, minidb.TextColumn,
			minidb.DecimalColumn, minidb.BooleanColumn, minidb.DateTimeColumn}[i%5]}
		if c.Type == minidb.DecimalColumn {
			c.Options.Scale = 2
		}
		spec.Columns, w.names = append(spec.Columns, c), append(w.names, c.Name)
	}
	for n := range w.rows {
		csv = append(csv, strings.Join(w.cells(n), ","))
	}
	var err error
	w.table, err = owner.CreateTable(ctx, w.base, spec)
	must(b, err)
	for _, name := range w.names[:2] {
		_, err := owner.CreateIndex(ctx, w.table.ID, []minidb.IndexColumn{{Column: name}}, 0)
		must(b, err)
	}
	_, err = owner.Import(ctx, ImportSpec{Table: w.table.ID}, strings.NewReader(strings.Join(w.names, ",")+"\n"+strings.Join(csv, "\n")+"\n"))
	must(b, err)
	if storetest.Driver() == ddl.Postgres { // which looks at tables by itself within a minute
		must(b, w.engine.store.Adapter().Write(ctx, func(tx adapter.Tx) error {
			_, err := tx.Exec(ctx, "ANALYZE")
			return err
		}))
	}
	found, err := owner.Query(ctx, w.workspace, lqp.FromSource(lqp.Source{Table: w.table.ID}).Columns(minidb.ColumnID).Limit(1000).Query())
	must(b, err)
	for found.Next() {
		w.ids = append(w.ids, found.Value(0).Text())
	}
	must(b, found.Close())
	return w
}

func must(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (w *wideTable) city(n int) string { return fmt.Sprintf("City %03d", n%w.cities) }

// cells are those of a row as texts.
func (w *wideTable) cells(n int) []string {
	cells := make([]string, 20)
	for i := range cells {
		cells[i] = []string{strconv.Itoa(n + i), w.city(n + i - 1), fmt.Sprintf("%d.%02d", n, i), "true", "2024-01-02T03:04:05.678Z"}[i%5]
	}
	return cells
}

// BenchmarkRead is what reading costs an embedder, rows to JSON: one row by its id, the first page of 100 by a number, one of the last,
// and the 20 rows of a city.
func BenchmarkRead(b *testing.B) {
	w := newWideTable(b)
	ctx, owner, names := b.Context(), w.owner, w.names
	query := func() *lqp.Builder { return lqp.FromSource(lqp.Source{Table: w.table.ID}).Columns(names...) }
	eq := func(column, text string) lqp.Expr {
		return &lqp.Call{Func: "eq", Args: []lqp.Expr{lqp.Ref("", column), lqp.Literal(lqp.TextValue(text))}}
	}
	late := query().Sort(names[0]).Limit(980).Query()
	for range w.rows / 980 {
		found, err := owner.Query(ctx, w.workspace, late)
		must(b, err)
		for found.Next() {
		}
		must(b, found.Close())
		late.Page.Cursor = found.NextCursor()
	}
	late.Page.Limit = 100
	turn, out := 0, []byte(nil)
	for _, c := range []struct {
		name  string
		rows  int
		query func() *lqp.Query
	}{
		{"get", 1, func() *lqp.Query { return query().Filter(eq(minidb.ColumnID, w.ids[turn%len(w.ids)])).Limit(1).Query() }},
		{"page", 100, func() *lqp.Query { return query().Sort(names[0]).Limit(100).Query() }},
		{"behind", 100, func() *lqp.Query { return late }},
		{"city", 20, func() *lqp.Query {
			return query().Filter(eq(names[1], w.city(turn))).Limit(100).Query()
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				turn++
				rows, err := owner.Query(ctx, w.workspace, c.query())
				must(b, err)
				n := 0
				for out = out[:0]; rows.Next(); n++ {
					for i := range rows.Columns {
						out = rows.AppendJSON(out, i)
					}
				}
				if err := rows.Err(); err != nil || n != c.rows {
					b.Fatalf("%d rows: %v", n, err)
				}
				must(b, rows.Close())
			}
		})
	}
}
