package tabular

import (
	"bufio"
	"io"
	"strings"
)

// csvWriter writes records. Text that a spreadsheet would run as a formula gets an apostrophe in front, which Unescape takes
// off again.
type csvWriter struct {
	out   *bufio.Writer
	buf   []byte
	cells int
}

// newCSVWriter writes to w. Flush must be called at the end.
func newCSVWriter(w io.Writer) *csvWriter { return &csvWriter{out: bufio.NewWriterSize(w, 64<<10)} }

// Text adds a cell of text to the record.
func (w *csvWriter) Text(s string) { w.Cell(Escape(s)) }

// Cell adds a cell that needs no escaping against formulas: a number, a date.
func (w *csvWriter) Cell(s string) {
	if w.cells > 0 {
		w.buf = append(w.buf, ',')
	}
	w.cells++
	if !strings.ContainsAny(s, ",\"\r\n") && !strings.HasPrefix(s, " ") && !strings.HasSuffix(s, " ") && (s != "" || w.cells > 1) {
		w.buf = append(w.buf, s...)
		return
	}
	w.buf = append(w.buf, '"')
	w.buf = append(w.buf, strings.ReplaceAll(s, `"`, `""`)...)
	w.buf = append(w.buf, '"')
}

// End ends the record.
func (w *csvWriter) End() error {
	w.buf = append(w.buf, '\r', '\n') // RFC 4180
	_, err := w.out.Write(w.buf)
	w.buf, w.cells = w.buf[:0], 0
	return err
}

// Flush writes what is buffered.
func (w *csvWriter) Flush() error { return w.out.Flush() }

// Escape puts an apostrophe in front of text that a spreadsheet would take for a formula, and of text that looks escaped.
func Escape(s string) string {
	if risky(strings.TrimLeft(s, "'")) {
		return "'" + s
	}
	return s
}

// Unescape takes off what Escape put on.
func Unescape(s string) string {
	if strings.HasPrefix(s, "'") && risky(strings.TrimLeft(s, "'")) {
		return s[1:]
	}
	return s
}

func risky(s string) bool { return s != "" && strings.IndexByte("=+-@\t\r", s[0]) >= 0 }
