package tabular

import (
	"bufio"
	"io"

	"github.com/livetables/livetables/lqp"
)

// Writer writes rows as a file.
type Writer interface {
	// Write writes a row with as many values as the file has titles.
	Write(row lqp.Row) error
	// Close writes the end of the file. It does not close what is written to.
	Close() error
}

// NewWriter begins a file with titles.
func NewWriter(w io.Writer, format Format, titles []string) (Writer, error) {
	switch format {
	case NDJSON, JSON:
		return newJSONWriter(w, format == JSON, titles), nil
	case XLSX:
		return newSheetWriter(w, titles)
	default:
		return newTextWriter(w, titles)
	}
}

type textWriter struct {
	*csvWriter
	width int
}

func newTextWriter(w io.Writer, titles []string) (*textWriter, error) {
	out := newCSVWriter(w)
	for _, title := range titles {
		out.Text(title)
	}
	return &textWriter{out, len(titles)}, out.End()
}

// Write implements Writer. Texts are guarded against being run by a spreadsheet.
func (w *textWriter) Write(row lqp.Row) error {
	for i := range w.width {
		v := row.Value(i)
		switch {
		case v.IsNull():
			w.Cell("")
		case v.Kind() == lqp.Text || v.Kind() == lqp.JSON || v.Kind() == lqp.Bytes:
			w.Text(v.String())
		default:
			w.Cell(v.String())
		}
	}
	return w.End()
}

// Close implements Writer.
func (w *textWriter) Close() error { return w.Flush() }

// jsonWriter writes objects, one a line or in an array.
type jsonWriter struct {
	out   *bufio.Writer
	keys  [][]byte
	buf   []byte
	array bool
	rows  int64
}

func newJSONWriter(w io.Writer, array bool, titles []string) *jsonWriter {
	out := &jsonWriter{out: bufio.NewWriterSize(w, 64<<10), array: array}
	for i, title := range titles {
		key := []byte{'{'}
		if i > 0 {
			key[0] = ','
		}
		out.keys = append(out.keys, append(lqp.AppendJSONString(key, title), ':'))
	}
	return out
}

// Write implements Writer.
func (w *jsonWriter) Write(row lqp.Row) error {
	w.buf = w.buf[:0]
	if w.array {
		w.buf = append(w.buf, "[\n"...)
		if w.rows > 0 {
			w.buf[0] = ','
		}
	}
	w.rows++
	for i, key := range w.keys {
		w.buf = row.AppendJSON(append(w.buf, key...), i)
	}
	w.buf = append(w.buf, '}')
	if !w.array {
		w.buf = append(w.buf, '\n')
	}
	_, err := w.out.Write(w.buf)
	return err
}

// Close implements Writer.
func (w *jsonWriter) Close() error {
	if w.array {
		end := "\n]\n"
		if w.rows == 0 {
			end = "[]\n"
		}
		if _, err := w.out.WriteString(end); err != nil {
			return err
		}
	}
	return w.out.Flush()
}
