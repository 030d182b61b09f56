package livetables

import (
	"io"

	"github.com/livetables/livetables/internal/tabular"
)

// WriteRows writes rows as a file with a title for each column. Texts are guarded against being run by a spreadsheet. It reads
// the rows to their end and does not close them; n is how many were written.
func WriteRows(w io.Writer, rows *Rows, format Format) (n int64, err error) {
	titles := make([]string, len(rows.Columns))
	for i, c := range rows.Columns {
		titles[i] = c.Name
	}
	out, err := tabular.NewWriter(w, format, titles)
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
