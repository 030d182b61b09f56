package minidb_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/minidb"
)

// BenchmarkUpdateWithFormulas updates a row of a table with five formulas, and of one without.
func BenchmarkUpdateWithFormulas(b *testing.B) {
	for _, formulas := range []int{0, 5} {
		b.Run(fmt.Sprintf("formulas=%d", formulas), func(b *testing.B) {
			f := newFixture(b, minidb.Options{})
			g := f.table(goods).reload()
			for i := range formulas {
				g.addColumn(formulaColumn(fmt.Sprintf("F%d", i), fmt.Sprintf(`IF(Stock > %d, Price * Stock, Price) + %d`, i, i)))
			}
			id := g.add(values{"Name": text("a"), "Stock": num(1), "Price": dec("2.50")})[0]
			n := int64(0)
			for b.Loop() {
				n++
				g.do(g.update(id, 0, values{"Stock": num(n)}))
			}
		})
	}
}

// BenchmarkUpdateThatManyLookUp updates a row whose value so many rows look up.
func BenchmarkUpdateThatManyLookUp(b *testing.B) {
	for _, rows := range []int{100, 10_000} {
		b.Run(fmt.Sprintf("rows=%d", rows), func(b *testing.B) {
			f := newFixture(b, minidb.Options{})
			to := f.table(minidb.TableSpec{Name: "To", Columns: []minidb.ColumnSpec{{Name: "N", Type: minidb.IntegerColumn}}})
			from := f.table(minidb.TableSpec{Name: "From", Columns: []minidb.ColumnSpec{{Name: "L", Type: minidb.LinkColumn,
				Options: minidb.ColumnOptions{Link: &minidb.Link{Table: to.ID}}}, through("Seen", minidb.LookupColumn, "L", "N", "", "")}}).reload()
			id := to.reload().add(values{"N": num(0)})[0]
			var list []values
			for range rows {
				list = append(list, values{"L": links(id)})
			}
			from.add(list...)
			n := int64(0)
			for b.Loop() {
				n++
				to.do(to.update(id, 0, values{"N": num(n)}))
			}
			b.StopTimer()
			seen := from.stored()
			for _, row := range seen {
				require.Equal(b, num(n).String(), row["Seen"].Items()[0].String())
				break
			}
		})
	}
}

// BenchmarkUpdateBelowARollup updates one of so many rows that a row adds up.
func BenchmarkUpdateBelowARollup(b *testing.B) {
	for _, rows := range []int{100, 1_000, 10_000} {
		b.Run(fmt.Sprintf("rows=%d", rows), func(b *testing.B) {
			f := newFixture(b, minidb.Options{})
			parts := f.table(minidb.TableSpec{Name: "Parts", Columns: []minidb.ColumnSpec{{Name: "N", Type: minidb.IntegerColumn}}}).reload()
			whole := f.table(minidb.TableSpec{Name: "Whole", Columns: []minidb.ColumnSpec{{Name: "L", Type: minidb.LinkColumn,
				Options: minidb.ColumnOptions{Link: &minidb.Link{Table: parts.ID}}}, through("Sum", minidb.RollupColumn, "L", "N", "sum", "")}}).reload()
			var list []values
			for range rows {
				list = append(list, values{"N": num(1)})
			}
			ids := parts.add(list...)
			id := whole.add(values{"L": links(ids...)})[0]
			n := int64(0)
			for b.Loop() {
				n++
				parts.do(parts.update(ids[n%int64(rows)], 0, values{"N": num(2)}))
				if n%2 == 0 {
					parts.do(parts.update(ids[n%int64(rows)], 0, values{"N": num(3)}))
				}
			}
			b.StopTimer()
			require.NotEqual(b, num(int64(rows)), whole.cell(id, "Sum"))
		})
	}
}
