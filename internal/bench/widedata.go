package main

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/livetables/livetables/minidb"
)

// wideColumns are the twenty columns of the table by which the mini-DB is measured, with their types at the databases of the
// baselines.
var wideColumns = []struct {
	name             string
	spec             minidb.ColumnSpec
	postgres, sqlite string
}{
	{"n", minidb.ColumnSpec{Type: minidb.IntegerColumn}, "bigint", "INTEGER"},
	{"city", minidb.ColumnSpec{Type: minidb.TextColumn}, `text COLLATE "C"`, "TEXT"},
	{"name", minidb.ColumnSpec{Type: minidb.TextColumn}, "text", "TEXT"},
	{"street", minidb.ColumnSpec{Type: minidb.TextColumn}, "text", "TEXT"},
	{"email", minidb.ColumnSpec{Type: minidb.TextColumn}, "text", "TEXT"},
	{"phone", minidb.ColumnSpec{Type: minidb.TextColumn}, "text", "TEXT"},
	{"note", minidb.ColumnSpec{Type: minidb.LongTextColumn}, "text", "TEXT"},
	{"quantity", minidb.ColumnSpec{Type: minidb.IntegerColumn}, "bigint", "INTEGER"},
	{"stock", minidb.ColumnSpec{Type: minidb.IntegerColumn}, "bigint", "INTEGER"},
	{"points", minidb.ColumnSpec{Type: minidb.IntegerColumn}, "bigint", "INTEGER"},
	{"year", minidb.ColumnSpec{Type: minidb.IntegerColumn}, "bigint", "INTEGER"},
	{"price", cents, "numeric(18,2)", "INTEGER"},
	{"total", cents, "numeric(18,2)", "INTEGER"},
	{"discount", cents, "numeric(18,2)", "INTEGER"},
	{"paid", minidb.ColumnSpec{Type: minidb.BooleanColumn}, "boolean", "INTEGER"},
	{"active", minidb.ColumnSpec{Type: minidb.BooleanColumn}, "boolean", "INTEGER"},
	{"due", minidb.ColumnSpec{Type: minidb.DateColumn}, "date", "TEXT"},
	{"born", minidb.ColumnSpec{Type: minidb.DateColumn}, "date", "TEXT"},
	{"placed", minidb.ColumnSpec{Type: minidb.DateTimeColumn}, "timestamptz(3)", "TEXT"},
	{"seen", minidb.ColumnSpec{Type: minidb.DateTimeColumn}, "timestamptz(3)", "TEXT"},
}

var cents = minidb.ColumnSpec{Type: minidb.DecimalColumn, Options: minidb.ColumnOptions{Scale: 2}}

func wideNames() (names []string) {
	for _, c := range wideColumns {
		names = append(names, c.name)
	}
	return names
}

func wideTable(name string) minidb.TableSpec {
	spec := minidb.TableSpec{Name: name}
	for _, c := range wideColumns {
		column := c.spec
		column.Name = c.name
		spec.Columns = append(spec.Columns, column)
	}
	return spec
}

// wideRow is a row as a program written by hand would hold it. Money is a float64, the cheapest there is; T is the type of
// dates and times, which SQLite has as texts.
type wideRow[T any] struct {
	N        int64   `json:"n"`
	City     string  `json:"city"`
	Name     string  `json:"name"`
	Street   string  `json:"street"`
	Email    string  `json:"email"`
	Phone    string  `json:"phone"`
	Note     string  `json:"note"`
	Quantity int64   `json:"quantity"`
	Stock    int64   `json:"stock"`
	Points   int64   `json:"points"`
	Year     int64   `json:"year"`
	Price    float64 `json:"price"`
	Total    float64 `json:"total"`
	Discount float64 `json:"discount"`
	Paid     bool    `json:"paid"`
	Active   bool    `json:"active"`
	Due      T       `json:"due"`
	Born     T       `json:"born"`
	Placed   T       `json:"placed"`
	Seen     T       `json:"seen"`
}

// cities is how many cities there are.
const cities = 500

func cityOf(i int) string { return fmt.Sprintf("City %03d", i%cities) }

// indexedColumns are those by which the table has an index.
var indexedColumns = []string{"n", "city"}

// newCells is a row that is inserted alone.
func newCells(n int64) wideRow[string] {
	return wideRow[string]{N: n, City: cityOf(int(n)), Name: "New customer", Street: "street", Email: "mail", Phone: "phone", Note: "note",
		Quantity: 1, Stock: 2, Points: 3, Year: 2004, Price: 5.5, Total: float64(n) / 100, Discount: 0.5, Paid: true,
		Due: "2024-10-04", Born: "2024-10-04", Placed: "2024-10-04T00:00:00.000Z", Seen: "2024-10-04T00:00:00.000Z"}
}

// newDay is the day in newCells, counted from that of Unix.
const (
	newDay      = 20_000
	millisOfDay = 24 * 60 * 60 * 1000
)

// appendWide appends the cells of row n, the same ones for the same n on every run.
func appendWide(cells []string, n int) []string {
	r := rand.New(rand.NewPCG(uint64(n), 3))
	money := func(most int) string {
		c := r.IntN(most * 100)
		return fmt.Sprintf("%d.%02d", c/100, c%100)
	}
	number := func(most int) string { return strconv.Itoa(r.IntN(most)) }
	at := func() string {
		return firstDay.Add(time.Duration(r.IntN(4*365*24*3600*1000)) * time.Millisecond).Format("2006-01-02T15:04:05.000Z")
	}
	day := func(from int) string {
		return time.Date(from, 1, 1+r.IntN(2000), 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
	}
	return append(cells, strconv.Itoa(n), cityOf(n*7919), fmt.Sprintf("Customer %d Ltd", n), fmt.Sprintf("%d Harbour Street", 1+r.IntN(300)),
		fmt.Sprintf("buyer%d@example.com", n), fmt.Sprintf("+47 %08d", r.IntN(100_000_000)), words[r.IntN(len(words))]+" "+words[r.IntN(len(words))],
		number(40), number(100_000), number(1000), strconv.Itoa(1990+r.IntN(35)), money(1000), money(100_000), money(1),
		strconv.FormatBool(r.IntN(2) == 0), strconv.FormatBool(r.IntN(2) == 0), day(2022), day(1960), at(), at())
}

// wideCSV writes rows to a file with a header line and answers with its path. The file is made once in a run.
func (b *bench) wideCSV(rows int) (string, error) {
	return b.csvFile("wide", wideNames(), rows, appendWide)
}
