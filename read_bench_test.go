package livetables

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// BenchmarkRead is what reading costs an embedder, rows to JSON, of a table of twenty columns with an index on its city: one
// row by its id, the first page of 100 by a number, and the 20 rows of a city.
func BenchmarkRead(b *testing.B) {
	w := newInside(b)
	ctx, owner := b.Context(), w.owner
	must := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	const rows, cities = 10_000, 500
	spec := minidb.TableSpec{Name: "T"}
	var names, csv []string
	for i := range 20 {
		c := minidb.ColumnSpec{Name: fmt.Sprintf("c%02d", i), Type: []minidb.ColumnType{minidb.IntegerColumn, minidb.TextColumn,
			minidb.DecimalColumn, minidb.BooleanColumn, minidb.DateTimeColumn}[i%5]}
		if c.Type == minidb.DecimalColumn {
			c.Options.Scale = 2
		}
		spec.Columns, names = append(spec.Columns, c), append(names, c.Name)
	}
	for n := range rows {
		cells := make([]string, 20)
		for i := range cells {
			cells[i] = []string{strconv.Itoa(n + i), fmt.Sprintf("City %03d", (n+i-1)%cities), fmt.Sprintf("%d.%02d", n, i), "true", "2024-01-02T03:04:05.678Z"}[i%5]
		}
		csv = append(csv, strings.Join(cells, ","))
	}
	t, err := owner.CreateTable(ctx, w.base, spec)
	must(err)
	for _, name := range names[:2] {
		_, err := owner.CreateIndex(ctx, t.ID, []minidb.IndexColumn{{Column: name}}, 0)
		must(err)
	}
	_, err = owner.Import(ctx, ImportSpec{Table: t.ID}, strings.NewReader(strings.Join(names, ",")+"\n"+strings.Join(csv, "\n")+"\n"))
	must(err)
	query := func() *lqp.Builder { return lqp.FromSource(lqp.Source{Table: t.ID}).Columns(names...) }
	eq := func(column, text string) lqp.Expr {
		return &lqp.Call{Func: "eq", Args: []lqp.Expr{lqp.Ref("", column), lqp.Literal(lqp.TextValue(text))}}
	}
	var ids []string
	found, err := owner.Query(ctx, w.workspace, lqp.FromSource(lqp.Source{Table: t.ID}).Columns(minidb.ColumnID).Limit(1000).Query())
	must(err)
	for found.Next() {
		ids = append(ids, found.Value(0).Text())
	}
	must(found.Close())
	turn, out := 0, []byte(nil)
	for _, c := range []struct {
		name  string
		rows  int
		query func() *lqp.Query
	}{
		{"get", 1, func() *lqp.Query { return query().Filter(eq(minidb.ColumnID, ids[turn%len(ids)])).Limit(1).Query() }},
		{"page", 100, func() *lqp.Query { return query().Sort(names[0]).Limit(100).Query() }},
		{"city", 20, func() *lqp.Query {
			return query().Filter(eq(names[1], fmt.Sprintf("City %03d", turn%cities))).Limit(100).Query()
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				turn++
				rows, err := owner.Query(ctx, w.workspace, c.query())
				must(err)
				n := 0
				for out = out[:0]; rows.Next(); n++ {
					for i := range rows.Columns {
						out = rows.AppendJSON(out, i)
					}
				}
				if err := rows.Err(); err != nil || n != c.rows {
					b.Fatalf("%d rows: %v", n, err)
				}
				must(rows.Close())
			}
		})
	}
}
