package livetables

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/livetables/livetables/internal/rewrite"
	"github.com/livetables/livetables/internal/tabular"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// importTarget is the table that a file goes into, as its writer sees it.
type importTarget struct {
	table *minidb.Table
	seen  *rewrite.Sight
	cells []importCell
	guard minidb.Guard
}

// importCell says which cell of a record goes to which column.
type importCell struct {
	at     int
	column lqp.Column
	own    *minidb.Column // reads more forms of texts than those of its type
	links  *labelled      // of a link column
}

// parse reads a cell of the file as a value of the column.
func (c importCell) parse(cell tabular.Cell) (lqp.Value, error) {
	text := cell.Text
	switch {
	case c.own != nil && c.own.Type == minidb.JSONColumn && cell.Literal: // a document, as a text of the API is one
		doc, err := json.Marshal(text)
		if err != nil {
			return lqp.Value{}, err
		}
		text = string(doc)
	case c.own == nil:
		return lqp.ParseText(c.column.Type, text)
	case c.links != nil:
		return c.links.parse(c.own, text)
	}
	return c.own.ParseText(text)
}

// withOwn gives cells the columns of the table that they go to.
func withOwn(cells []importCell, t *minidb.Table) {
	for i := range cells {
		cells[i].own, _ = t.Column(cells[i].column.ID)
	}
}

func (t *importTarget) columns() []string {
	ids := make([]string, len(t.cells))
	for i, c := range t.cells {
		ids[i] = c.column.ID
	}
	return ids
}

func parseCells(values []lqp.Value, cells []importCell, record []tabular.Cell) (err error) {
	for i, c := range cells {
		if values[i], err = c.parse(record[c.at]); err != nil {
			return err
		}
	}
	return nil
}

// explain names the rows of the file in an error of the rows' values. The first of them is row first of the file, from 0.
func (t *importTarget) explain(err error, first int64, lines *fileLines) error {
	var v *minidb.ValidationError
	if !errors.As(err, &v) {
		return err
	}
	out := &ImportError{}
	for _, f := range hideFaults(v, t.seen, t.table).Fields {
		if len(out.Faults) == maxFaults {
			out.More = true
			break
		}
		name := f.Column
		if c, ok := t.table.Column(f.Column); ok {
			name = c.Name
		}
		row := int(first) + f.Row
		out.Faults = append(out.Faults, ImportFault{Line: lines.of(row), Row: row + 1, Column: name, Code: f.Code, Message: f.Message})
	}
	return out
}

// fileLines remembers where the last rows of a file begin.
type fileLines struct {
	last []int // of the rows up to seen, at most keptLines of them
	seen int
}

const keptLines = 8192

func (f *fileLines) add(line int) {
	f.seen++
	if len(f.last) == keptLines {
		f.last = append(f.last[:0], f.last[keptLines/2:]...)
	}
	f.last = append(f.last, line)
}

// of is the line of a row, from 0; 0 when it is not known.
func (f *fileLines) of(row int) int {
	if i := row - (f.seen - len(f.last)); i >= 0 && i < len(f.last) {
		return f.last[i]
	}
	return 0
}

// matchTitles finds a column for every title of a file.
func matchTitles(seen *rewrite.Sight, titles []string, names map[string]string) (cells []importCell, faults []ImportFault) {
	taken := map[string]string{}
	for i, h := range titles {
		name, renamed := names[h]
		if renamed && name == "" {
			continue
		}
		if !renamed {
			name = h
		}
		bad := func(format string, args ...any) {
			faults = append(faults, ImportFault{Line: 1, Column: h, Code: tabular.CodeHeader, Message: fmt.Sprintf(format, args...)})
		}
		col := seen.Table().Column(columnID(seen.Table(), name))
		switch {
		case col == nil || col.ReadOnly || !seen.Shows(col.ID) && !seen.WritesLinks(col.ID):
			bad("the table has no column %q to fill", name)
		case seen.Access(col.ID) == rbac.ReadOnly:
			bad("the column %q is read-only for you", name)
		case taken[col.ID] != "":
			bad("the column %q is also filled by %q", name, taken[col.ID])
		default:
			taken[col.ID] = h
			cells = append(cells, importCell{at: i, column: *col})
		}
	}
	for h := range names {
		if !slices.Contains(titles, h) {
			faults = append(faults, ImportFault{Line: 1, Column: h, Code: tabular.CodeHeader, Message: "the file has no such title"})
		}
	}
	return cells, faults
}

// checkKey refuses a key whose columns the file does not fill.
func checkKey(seen *rewrite.Sight, cells []importCell, key []string) error {
	var faults []ImportFault
	for _, name := range key {
		id := columnID(seen.Table(), name)
		if !slices.ContainsFunc(cells, func(c importCell) bool { return c.column.ID == id }) {
			faults = append(faults, ImportFault{Line: 1, Column: name, Code: tabular.CodeHeader, Message: "the key's column is not filled by the file"})
		}
	}
	if len(faults) > 0 {
		return &ImportError{Faults: faults}
	}
	return nil
}

// checkCells reads the whole file and reports the cells that are not values of their column.
func (in *importing) checkCells(ctx context.Context, r tabular.Reader, cells []importCell) error {
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
		if err := in.attend(ctx, r.Row()); err != nil {
			return err
		}
		for _, c := range cells {
			if _, err := c.parse(record[c.at]); err != nil {
				if len(faults) == maxFaults {
					return &ImportError{Faults: faults, More: true}
				}
				faults = append(faults, valueFault(r, c.at, err))
			}
		}
	}
}

func valueFault(r tabular.Reader, at int, err error) ImportFault {
	return ImportFault{Line: r.Line(), Row: r.Row(), Column: r.Header()[at], Code: tabular.CodeValue, Message: err.Error()}
}

// inferredColumn is a column with room for what the file holds.
func inferredColumn(name string, in tabular.Inferred) minidb.ColumnSpec {
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
	case in.Form != "":
		c.Type = map[tabular.Form]minidb.ColumnType{tabular.Email: minidb.EmailColumn, tabular.URL: minidb.URLColumn,
			tabular.UUID: minidb.UUIDColumn, tabular.Phone: minidb.PhoneColumn}[in.Form]
	case in.Longest > 200:
		c.Type = minidb.LongTextColumn
	}
	return c
}
