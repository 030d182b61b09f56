package httpapi

import (
	"fmt"
	"io"
	"net/http"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/lqp/parquet"
)

// formatParquet is the format of Apache Parquet files.
const formatParquet livetables.Format = "parquet"

// Exporters are the formats that the API offers beside the engine's own: what its engine needs as Options.Exporters.
func Exporters() map[livetables.Format]livetables.Exporter {
	return map[livetables.Format]livetables.Exporter{
		formatParquet: func(w io.Writer, columns []lqp.Column) (livetables.RowWriter, error) {
			out, err := parquet.NewWriter(w, columns)
			if err != nil {
				return nil, err
			}
			return out, nil
		},
	}
}

// fileFormat is a format of files with its media type.
type fileFormat struct {
	format          livetables.Format
	media, complete string // the type alone, and with its parameters
}

// fileFormats are all that can be exported and, Parquet aside, imported.
var fileFormats = []fileFormat{
	{livetables.FormatCSV, "text/csv", "text/csv; charset=utf-8; header=present"},
	{livetables.FormatNDJSON, "application/x-ndjson", "application/x-ndjson"},
	{livetables.FormatJSON, "application/json", "application/json"},
	{livetables.FormatXLSX, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
	{formatParquet, "application/vnd.apache.parquet", "application/vnd.apache.parquet"},
}

// formatOf finds the format of a media type.
func formatOf(media string) (livetables.Format, bool) {
	for _, f := range fileFormats {
		if f.media == media {
			return f.format, true
		}
	}
	return "", false
}

// streamFile answers with rows as a file and closes them. As with every list, an error after the first bytes breaks the
// connection.
func (c *call) streamFile(rows *livetables.Rows, as fileFormat) error {
	defer rows.Close()
	if _, err := livetables.WriteRows(fileResponse{c.w, as}, rows, as.format); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	return nil
}

// fileResponse sets the headers of a file with its first bytes.
type fileResponse struct {
	w  *response
	as fileFormat
}

var _ io.Writer = fileResponse{}

func (r fileResponse) Write(b []byte) (int, error) {
	if r.w.status == 0 {
		r.w.fileHeaders(r.as)
	}
	r.w.extend()
	n, err := r.w.Write(b)
	if err != nil {
		panic(http.ErrAbortHandler) // the client has gone
	}
	return n, nil
}

// fileHeaders say that a file follows, which no browser shows.
func (w *response) fileHeaders(as fileFormat) {
	w.Header().Set("Content-Type", as.complete)
	w.Header().Set("Content-Disposition", `attachment; filename="export.`+string(as.format)+`"`)
}
