package databasetest

import (
	"fmt"

	"github.com/livetables/livetables/adapter/internal/failure"
	"github.com/livetables/livetables/lqp"
)

// Turn reads all pages of a bound and sorted query, each continuing after the last row of the one before, and puts them
// together. Every page must be answered by the source alone.
func (d *Database) Turn(q *lqp.Query, size int) [][]string {
	d.T.Helper()
	width := len(q.Select)
	page := q.Clone()
	for i, o := range q.OrderBy {
		page.Select = append(page.Select, lqp.Named{Name: fmt.Sprintf("key%d", i), Expr: o.Expr})
	}
	page.Page = lqp.Page{Limit: size}
	all := [][]string{}
	for {
		s := d.Source.Plan(page)
		if s.Residual != nil || !s.Page {
			d.T.Fatalf("the page is not pushed: %v", s.Notes)
		}
		rows, last := d.page(page, width)
		all = append(all, rows...)
		switch {
		case len(rows) > size:
			d.T.Fatalf("%d rows on a page of %d", len(rows), size)
		case len(rows) < size:
			return all
		}
		page.Page = lqp.Page{Limit: size, After: last}
	}
}

// page reads one page and the sort keys of its last row, which follow the columns.
func (d *Database) page(q *lqp.Query, width int) (out [][]string, last []lqp.Value) {
	d.T.Helper()
	rows, err := d.Source.Scan(d.T.Context(), d.Source.Plan(q).Pushed)
	noError(d.T, failure.Cause(err), d.Show(d.Source.Plan(q)))
	for rows.Next() {
		row := make([]string, width)
		for i := range row {
			row[i] = string(rows.AppendJSON(nil, i))
		}
		out, last = append(out, row), last[:0]
		for i := width; i < len(q.Select); i++ {
			last = append(last, rows.Value(i))
		}
	}
	noError(d.T, failure.Cause(rows.Err()))
	noError(d.T, rows.Close())
	return out, last
}

// ValueOf reads a column of the row with that number as its id.
func (d *Database) ValueOf(table, column string, id int) lqp.Value {
	d.T.Helper()
	q := d.Bind(fmt.Sprintf(`{"source":{"table":"%s"},"filters":"{id} = %d","columns":["%s"]}`, table, id, column))
	rows, err := d.Source.Scan(d.T.Context(), d.Source.Plan(q).Pushed)
	noError(d.T, failure.Cause(err))
	defer func() { noError(d.T, rows.Close()) }()
	if !rows.Next() {
		d.T.Fatalf("no row %d in %s", id, table)
	}
	return rows.Value(0)
}
