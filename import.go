package livetables

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/livetables/livetables/internal/csvfile"
	"github.com/livetables/livetables/internal/rewrite"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// ImportFault is one thing wrong with an imported file: the line in the file, the row and the column.
type ImportFault = csvfile.Fault

// ImportError says what is wrong with an imported file. Nothing of it was stored.
type ImportError struct {
	Faults []ImportFault
	More   bool // the file has more faults than those listed
}

// Error implements error.
func (e *ImportError) Error() string {
	parts := make([]string, 0, 3)
	for i, f := range e.Faults {
		if i == 3 {
			parts = append(parts, "…")
			break
		}
		parts = append(parts, f.Error())
	}
	return "the file was not imported: " + strings.Join(parts, "; ")
}

// maxFaults is how many faults of a file are reported at once.
const maxFaults = 50

// ImportSpec says where a CSV file goes.
type ImportSpec struct {
	// Table is an existing table; its columns are found by the file's headers. Empty makes a new table in Base called Name,
	// with a column for every header and the narrowest type that fits all of its cells.
	Table      string
	Base, Name string
	Columns    map[string]string // header to column name or id, for headers that are called otherwise; "" leaves one out
	Comma      rune              // separator, 0 to find out
	Progress   func(rows int64)  // called now and then, may be nil
}

// ImportReport is the outcome of an import.
type ImportReport struct {
	Table   string `json:"table_id"`
	Rows    int64  `json:"rows"`
	Created bool   `json:"created"` // the table is new
}

// ImportCSV reads a CSV file into a table: all of its rows in one transaction or none. The file is read twice, first to
// check every cell, so that faults are reported with line, row and column, many at once, before anything is stored.
func (a *Access) ImportCSV(ctx context.Context, spec ImportSpec, file io.ReadSeeker) (*ImportReport, error) {
	if spec.Table != "" {
		return a.importInto(ctx, spec, file)
	}
	if _, err := a.at(ctx, spec.Base, rbac.AlterTables); err != nil {
		return nil, err
	}
	r, err := openCSV(file, spec.Comma)
	if err != nil {
		return nil, err
	}
	cols, err := csvfile.Infer(r)
	if err != nil {
		return nil, importError(err)
	}
	table := minidb.TableSpec{Name: spec.Name}
	for i, name := range r.Header {
		table.Columns = append(table.Columns, inferredColumn(csvfile.Unescape(name), cols[i]))
	}
	t, err := a.CreateTable(ctx, spec.Base, table)
	if err != nil {
		return nil, err
	}
	spec.Table = t.ID
	report, err := a.importInto(ctx, spec, file)
	if err != nil {
		// The table was made for this file alone.
		if undo := a.DeleteTable(context.WithoutCancel(ctx), t.ID, 0); undo != nil {
			err = errors.Join(err, fmt.Errorf("remove table %s of the failed import: %w", t.ID, undo))
		}
		return nil, err
	}
	report.Created = true
	return report, nil
}

func openCSV(file io.ReadSeeker, comma rune) (*csvfile.Reader, error) {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("read the file: %w", err)
	}
	r, err := csvfile.NewReader(file, comma)
	if err != nil {
		return nil, importError(err)
	}
	return r, nil
}

func importError(err error) error {
	var f csvfile.Fault
	if errors.As(err, &f) {
		return &ImportError{Faults: []ImportFault{f}}
	}
	return fmt.Errorf("read the file: %w", err)
}

// inferredColumn is a column with room for what the file holds.
func inferredColumn(name string, in csvfile.Inferred) minidb.ColumnSpec {
	c := minidb.ColumnSpec{Name: name, Type: minidb.TextColumn}
	switch {
	case in.Kind == lqp.Number && in.Integer:
		c.Type = minidb.IntegerColumn
	case in.Kind == lqp.Number:
		c.Type = minidb.DecimalColumn
		c.Options.Scale = max(in.Scale, 2)
		if in.Digits+c.Options.Scale > 15 {
			c.Options.Precision = min(30, 20+c.Options.Scale)
		}
	case in.Kind == lqp.Bool:
		c.Type = minidb.BooleanColumn
	case in.Kind == lqp.Date:
		c.Type = minidb.DateColumn
	case in.Kind == lqp.DateTime:
		c.Type = minidb.DateTimeColumn
	case in.Longest > 200:
		c.Type = minidb.LongTextColumn
	}
	return c
}

// importInto reads a file into an existing table.
func (a *Access) importInto(ctx context.Context, spec ImportSpec, file io.ReadSeeker) (*ImportReport, error) {
	s, err := a.at(ctx, spec.Table, rbac.WriteRows)
	if err != nil {
		return nil, err
	}
	t, seen, err := s.tableOf(ctx, spec.Table)
	if err != nil {
		return nil, err
	}
	guard, err := s.guardOf(seen, t)
	if err != nil {
		return nil, err
	}
	r, err := openCSV(file, spec.Comma)
	if err != nil {
		return nil, err
	}
	cells, err := matchHeaders(seen, r.Header, spec.Columns)
	if err != nil {
		return nil, err
	}
	if err := checkCells(ctx, r, cells); err != nil {
		return nil, err
	}
	if r, err = openCSV(file, spec.Comma); err != nil {
		return nil, err
	}
	columns := make([]string, len(cells))
	for i, c := range cells {
		columns[i] = c.column.ID
	}
	values := make([]lqp.Value, len(cells))
	next := func() ([]lqp.Value, error) {
		record, err := r.Next()
		if err != nil {
			return nil, err // io.EOF ends the rows
		}
		for i, c := range cells {
			if values[i], err = c.parse(record); err != nil {
				return nil, err
			}
		}
		if spec.Progress != nil && r.Row()%1000 == 0 {
			spec.Progress(int64(r.Row()))
		}
		return values, nil
	}
	rows, err := a.e.store.ImportRows(ctx, a.actor(""), minidb.Import{Table: t, Columns: columns, Guard: guard, Next: next, Reason: "CSV import"})
	if err != nil {
		return nil, importRowsError(err, seen, t)
	}
	return &ImportReport{Table: t.ID, Rows: rows}, nil
}

// importRowsError names the rows of the file in an error of the rows' values.
func importRowsError(err error, seen *rewrite.Sight, t *minidb.Table) error {
	var v *minidb.ValidationError
	if !errors.As(err, &v) {
		return err
	}
	out := &ImportError{}
	for _, f := range hideFaults(v, seen, t).Fields {
		name := f.Column
		if c, ok := t.Column(f.Column); ok {
			name = c.Name
		}
		out.Faults = append(out.Faults, ImportFault{Line: f.Row + 2, Row: f.Row + 1, Column: name, Message: f.Message})
	}
	return out
}

// csvCell says which cell of a record goes to which column.
type csvCell struct {
	at     int
	column lqp.Column
}

func (c csvCell) parse(record []string) (lqp.Value, error) {
	text := record[c.at]
	if c.column.Type.Kind == lqp.Text {
		text = csvfile.Unescape(text)
	}
	return lqp.ParseText(c.column.Type, text)
}

// matchHeaders finds a column for every header.
func matchHeaders(seen *rewrite.Sight, header []string, names map[string]string) ([]csvCell, error) {
	var cells []csvCell
	var faults []ImportFault
	taken := map[string]string{}
	for i, h := range header {
		name, renamed := names[h]
		if renamed && name == "" {
			continue
		}
		if !renamed {
			name = h
		}
		col := seen.Table().Column(columnID(seen.Table(), name))
		if col == nil && !renamed { // a title is guarded in a file as texts are
			col = seen.Table().Column(columnID(seen.Table(), csvfile.Unescape(name)))
		}
		switch {
		case col == nil || col.ReadOnly || !seen.Shows(col.ID):
			faults = append(faults, ImportFault{Line: 1, Column: h, Message: fmt.Sprintf("the table has no column %q to fill", name)})
		case seen.Access(col.ID) == rbac.ReadOnly:
			faults = append(faults, ImportFault{Line: 1, Column: h, Message: fmt.Sprintf("the column %q is read-only for you", name)})
		case taken[col.ID] != "":
			faults = append(faults, ImportFault{Line: 1, Column: h, Message: fmt.Sprintf("the column %q is also filled by %q", name, taken[col.ID])})
		default:
			taken[col.ID] = h
			cells = append(cells, csvCell{i, *col})
		}
	}
	if len(faults) > 0 {
		return nil, &ImportError{Faults: faults}
	}
	return cells, nil
}

// checkCells reads the whole file and reports the cells that are not values of their column.
func checkCells(ctx context.Context, r *csvfile.Reader, cells []csvCell) error {
	var faults []ImportFault
	for {
		record, err := r.Next()
		switch {
		case errors.Is(err, io.EOF):
			if len(faults) > 0 {
				return &ImportError{Faults: faults}
			}
			return nil
		case err != nil:
			e := importError(err)
			var broken *ImportError
			if errors.As(e, &broken) {
				broken.Faults = append(faults, broken.Faults...)
			}
			return e
		}
		if r.Row()%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		for _, c := range cells {
			if _, err := c.parse(record); err != nil {
				faults = append(faults, ImportFault{Line: r.Line(), Row: r.Row(), Column: r.Header[c.at], Message: err.Error()})
				if len(faults) == maxFaults {
					return &ImportError{Faults: faults, More: true}
				}
			}
		}
	}
}

// ExportCSV writes rows as a CSV file with a header line, text guarded against being run by a spreadsheet. It reads the
// rows to their end and does not close them.
func ExportCSV(w io.Writer, rows *Rows) (n int64, err error) {
	out := csvfile.NewWriter(w)
	for _, c := range rows.Columns {
		out.Text(c.Name)
	}
	if err := out.End(); err != nil {
		return 0, err
	}
	for rows.Next() {
		for i := range rows.Columns {
			v := rows.Value(i)
			switch {
			case v.IsNull():
				out.Cell("")
			case v.Kind() == lqp.Text:
				out.Text(v.Text())
			default:
				out.Cell(v.String())
			}
		}
		if err := out.End(); err != nil {
			return n, err
		}
		n++
	}
	if err := rows.Err(); err != nil {
		return n, err
	}
	return n, out.Flush()
}
