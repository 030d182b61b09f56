package livetables

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/livetables/livetables/internal/tabular"
	"github.com/livetables/livetables/lqp"
)

// RowWriter writes rows as a file. It is used by one goroutine; Close writes the end of the file.
type RowWriter = tabular.Writer

// Exporter begins a file in a format of its own; Write gets a value for each of the columns. See [Options.Exporters].
type Exporter func(w io.Writer, columns []lqp.Column) (RowWriter, error)

// WriteRows writes rows as a file with a title for each column, in one of the formats of this package or of
// Options.Exporters. In text formats texts are guarded against being run by a spreadsheet. It reads the rows to their end
// and does not close them; n is how many were written.
func WriteRows(w io.Writer, rows *Rows, format Format) (n int64, err error) {
	out, err := rows.right.entry.e.beginFile(w, rows.Columns, format)
	if err != nil {
		return 0, err
	}
	for rows.Next() {
		if err := out.Write(rows); err != nil {
			return n, err
		}
		n++
	}
	if err := rows.Err(); err != nil {
		return n, err
	}
	return n, out.Close()
}

func (e *Engine) beginFile(w io.Writer, columns []lqp.Column, format Format) (RowWriter, error) {
	if begin := e.exporters[format]; begin != nil {
		return begin(w, columns)
	}
	if err := e.checkExport(format); err != nil {
		return nil, err
	}
	titles := make([]string, len(columns))
	for i, c := range columns {
		titles[i] = c.Name
	}
	return tabular.NewWriter(w, format, titles)
}

// checkExport reports a format that nothing is written in.
func (e *Engine) checkExport(format Format) error {
	if format.Valid() || e.exporters[format] != nil {
		return nil
	}
	known := []string{string(FormatCSV), string(FormatNDJSON), string(FormatJSON), string(FormatXLSX)}
	for f := range e.exporters {
		known = append(known, string(f))
	}
	slices.Sort(known)
	return lqp.Problems{{Path: "$.format", Code: lqp.CodeArgument, Message: fmt.Sprintf("the formats are %s", strings.Join(slices.Compact(known), ", "))}}
}
