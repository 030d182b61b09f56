package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/livetables/livetables/lqp"
)

// Insert adds rows.
func (t *tx) Insert(ctx context.Context, table *lqp.Table, columns []string, rows [][]lqp.Value) (err error) {
	op := "insert into " + table.Name
	if err := t.ready(ctx, op); err != nil {
		return err
	}
	in, err := t.insertion(op, table, columns)
	if err != nil {
		return err
	}
	if len(rows) < 2 || t.later {
		return in.run(ctx, rows)
	}
	// The caller may go on after an error: then none of the rows must be there.
	if err := t.c.do("SAVEPOINT " + rowsSavepoint); err != nil {
		return translate(ctx, op, err)
	}
	if err := in.run(ctx, rows); err != nil {
		if !t.c.broken && !t.c.db.GetAutocommit() {
			err = errors.Join(err, t.c.do("ROLLBACK TO "+rowsSavepoint), t.c.do("RELEASE "+rowsSavepoint))
		}
		return err
	}
	return translate(ctx, op, t.c.do("RELEASE "+rowsSavepoint))
}

const rowsSavepoint = "lt_rows"

const (
	// rowsTogether is how many rows one statement inserts: the place in each of its B-trees where it was is then known for the next row,
	// which is a third of what a row of the change log costs. More than 32 gain nothing.
	rowsTogether = 32
	// paramsTogether bounds the parameters of such a statement, bytesTogether the texts that SQLite keeps for them.
	paramsTogether = 2048
	bytesTogether  = 256 << 10
)

// insertion inserts rows into some columns of a table.
type insertion struct {
	t        *tx
	op       string
	columns  []string
	storages []storage
	into     string // the table and the columns
}

func (t *tx) insertion(op string, table *lqp.Table, columns []string) (*insertion, error) {
	m, err := t.on(op, table)
	if err != nil {
		return nil, err
	}
	in := &insertion{t: t, op: op, columns: columns, storages: make([]storage, len(columns))}
	m.ident(table.Path[len(table.Path)-1])
	for i, id := range columns {
		if i == 0 {
			m.text(" (")
		} else {
			m.text(", ")
		}
		if in.storages[i], err = m.column(id); err != nil {
			return nil, fmt.Errorf("%s: %w", op, err)
		}
	}
	if len(columns) > 0 {
		m.text(")")
	}
	in.into = string(m.sql)
	return in, nil
}

// sql is the statement for so many rows. Several are not taken back by it when one of them fails, for which SQLite would keep every page
// as it was: who inserts them ends the transaction then, or goes back to a savepoint.
func (in *insertion) sql(rows int) string {
	if len(in.columns) == 0 {
		return "INSERT INTO " + in.into + " DEFAULT VALUES"
	}
	row := "(?" + strings.Repeat(", ?", len(in.columns)-1) + ")"
	if rows == 1 {
		return "INSERT INTO " + in.into + " VALUES " + row
	}
	return "INSERT OR FAIL INTO " + in.into + " VALUES " + row + strings.Repeat(", "+row, rows-1)
}

// run inserts rows, many by one statement as long as they are small. After an error some may be there.
func (in *insertion) run(ctx context.Context, rows [][]lqp.Value) (err error) {
	defer in.t.c.guard(&err)
	for n, row := range rows {
		if len(row) != len(in.columns) {
			return fmt.Errorf("%s: row %d has %d values for %d columns", in.op, n, len(row), len(in.columns))
		}
	}
	in.t.c.db.SetInterrupt(context.Background()) // see interruptible
	first := 0
	if many := min(rowsTogether, paramsTogether/max(1, len(in.columns))); many > 1 && len(rows) >= many && len(in.columns) > 0 {
		if first, err = in.blocks(ctx, rows, 0, many); err != nil {
			return err
		}
	}
	if first < len(rows) {
		_, err = in.blocks(ctx, rows, first, 1)
	}
	return err
}

// blocks inserts rows from one on, so many with a statement, and answers with the first row that is left: of the last block, or of one that
// is too large. A parameter keeps its value from block to block: binding one that is the same again, as most of those of the change log are,
// would copy it into the memory of SQLite once more.
func (in *insertion) blocks(ctx context.Context, rows [][]lqp.Value, first, size int) (next int, err error) {
	s, err := in.t.c.prepare(in.sql(size))
	if err != nil {
		return first, translate(ctx, in.op, err)
	}
	defer s.release()
	for next = first; next+size <= len(rows); next += size {
		if size > 1 && !areSmall(rows[next:next+size]) {
			break
		}
		for k := range size {
			n := next + k
			row := rows[n]
			for i := range row {
				if n-size >= first && sameValue(&row[i], &rows[n-size][i]) {
					continue
				}
				if err := bind(s, k*len(in.columns)+i+1, in.storages[i], row[i]); err != nil {
					return next, translate(ctx, fmt.Sprintf("%s: row %d, column %s", in.op, n, in.columns[i]), err)
				}
			}
		}
		if err := s.Exec(); err != nil {
			return next, translate(ctx, in.op, stepError(err))
		}
	}
	return next, nil
}

// areSmall reports whether the texts of rows have bytesTogether at most.
func areSmall(rows [][]lqp.Value) bool {
	left := bytesTogether
	for _, row := range rows {
		for i := range row {
			left -= textBytes(&row[i])
		}
		if left < 0 {
			return false
		}
	}
	return true
}

// textBytes is about how many bytes a value is bound with, 0 for numbers and their like.
func textBytes(v *lqp.Value) (n int) {
	switch v.Kind() {
	case lqp.Text, lqp.Bytes, lqp.JSON:
		return len(v.Text())
	case lqp.List:
		const each = 24 // a number, a day, or quotes
		items := v.Items()
		for i := range items {
			n += each + textBytes(&items[i])
		}
	}
	return n
}

// sameValue reports that two values are bound alike. Values of which that takes longer to find out than binding them are not looked at.
func sameValue(a, b *lqp.Value) bool {
	if a.Kind() != b.Kind() {
		return false
	}
	switch a.Kind() {
	case lqp.Null:
		return true
	case lqp.Text, lqp.Bytes, lqp.JSON:
		return a.Text() == b.Text()
	case lqp.Bool:
		return a.Bool() == b.Bool()
	case lqp.Number:
		return a.Decimal() == b.Decimal()
	case lqp.Date:
		return a.Days() == b.Days()
	case lqp.DateTime:
		return a.Millis() == b.Millis()
	}
	return false
}
