package csvfile

import (
	"bufio"
	"io"
	"strings"
)

// Writer writes records. Text that a spreadsheet would run as a formula gets an apostrophe in front, which Unescape takes
// off again.
type Writer struct {
	out   *bufio.Writer
	buf   []byte
	cells int
}

// NewWriter writes to w. Flush must be called at the end.
func NewWriter(w io.Writer) *Writer { return &Writer{out: bufio.NewWriterSize(w, 64<<10)} }

// Text adds a cell of text to the record.
func (w *Writer) Text(s string) { w.Cell(Escape(s)) }

// Cell adds a cell that needs no escaping against formulas: a number, a date.
func (w *Writer) Cell(s string) {
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
func (w *Writer) End() error {
	w.buf = append(w.buf, '\r', '\n') // RFC 4180
	_, err := w.out.Write(w.buf)
	w.buf, w.cells = w.buf[:0], 0
	return err
}

// Flush writes what is buffered.
func (w *Writer) Flush() error { return w.out.Flush() }

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
