package tabular

import (
	"encoding/binary"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Limits of a file.
const (
	MaxColumns = 500
	MaxCell    = 1 << 20 // bytes of one cell
	maxRecord  = 8 << 20 // bytes of one record as it stands in the file
	sniffBytes = 64 << 10
)

// The codes of faults.
const (
	CodeFile     = "file"     // the file is not of its format
	CodeHeader   = "header"   // a title cannot be used
	CodeShape    = "shape"    // a record has other cells than the header
	CodeEncoding = "encoding" // the bytes are no text
	CodeValue    = "value"    // a cell is no value of its column
	CodeTooLarge = "too_large"
)

// Fault is one thing wrong with a file, and where.
type Fault struct {
	Line    int    `json:"line,omitempty"`   // in the file, or row of the sheet, from 1; 0 when the format has none
	Row     int    `json:"row,omitempty"`    // record after the header, from 1; 0 for the header or when unknown
	Column  string `json:"column,omitempty"` // title of the cell's column, or its number
	Code    string `json:"code"`
	Message string `json:"message"`
}

// Error implements error.
func (f Fault) Error() string {
	var parts []string
	if f.Line > 0 {
		parts = append(parts, "line "+strconv.Itoa(f.Line))
	}
	if f.Row > 0 {
		parts = append(parts, "row "+strconv.Itoa(f.Row))
	}
	if f.Column != "" {
		parts = append(parts, "column "+f.Column)
	}
	if len(parts) == 0 {
		return f.Message
	}
	return strings.Join(parts, ", ") + ": " + f.Message
}

// Cell is one cell of a record. The zero value is an empty one.
type Cell struct {
	Text string
	// Quoted says that the file gives the cell as a text: it is no number or truth value even when it looks like one.
	Quoted bool
	// Literal says that the cell is a text of a JSON file: what stands in it is no document of its own.
	Literal bool
}

// Reader reads the records of a file with titles. It is used by one goroutine.
type Reader interface {
	// Header are the titles of the columns, none of them empty or there twice.
	Header() []string
	// Next reads the next record, as many cells as titles, valid until the next call. At the end the error is io.EOF; what is
	// wrong with the file is a Fault.
	Next() ([]Cell, error)
	// Row is where the last record stands, counted after the header; Line where it begins in the file, 0 when unknown.
	Row() int
	Line() int
}

// Format is a format of files.
type Format string

// The formats. The zero value is CSV too.
const (
	CSV    Format = "csv"
	NDJSON Format = "ndjson" // one JSON object a line
	JSON   Format = "json"   // an array of objects
	XLSX   Format = "xlsx"   // one sheet of an Office Open XML workbook
)

// Valid reports whether the format is one of the above.
func (f Format) Valid() bool {
	switch f {
	case "", CSV, NDJSON, JSON, XLSX:
		return true
	}
	return false
}

// Options say how a file is to be read. The zero value reads CSV and finds out the rest.
type Options struct {
	Format   Format
	Comma    rune     // of CSV: comma, semicolon, tab or bar; 0 to find out
	Encoding Encoding // of CSV; empty to find out
	Sheet    string   // of XLSX: its name, empty for the first one
}

// File is what a Reader reads from.
type File interface {
	io.ReadSeeker
	io.ReaderAt
}

// Open reads the titles of a file from its beginning. What is wrong with it is a Fault. The reader needs no closing, and the
// file must stay open.
func Open(file File, opt Options) (Reader, error) {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	switch opt.Format {
	case "", CSV:
		return openCSV(file, opt)
	case NDJSON:
		return openLines(file)
	case JSON:
		return openArray(file)
	case XLSX:
		return openSheet(file, opt.Sheet)
	}
	return nil, Fault{Code: CodeFile, Message: fmt.Sprintf("there is no format %q", opt.Format)}
}

// titles checks the header of a file, which stands at a line of it.
func titles(header []string, line int) ([]string, error) {
	if len(header) > MaxColumns {
		return nil, Fault{Line: line, Code: CodeHeader, Message: fmt.Sprintf("%d columns are more than %d", len(header), MaxColumns)}
	}
	seen := map[string]int{}
	out := make([]string, len(header))
	for i, name := range header {
		name = strings.TrimSpace(strings.Clone(name))
		if name == "" {
			return nil, Fault{Line: line, Column: strconv.Itoa(i + 1), Code: CodeHeader, Message: "the header is empty"}
		}
		if first, ok := seen[strings.ToLower(name)]; ok {
			return nil, Fault{Line: line, Column: strconv.Itoa(i + 1), Code: CodeHeader, Message: fmt.Sprintf("the header %q is also that of column %d", name, first+1)}
		}
		seen[strings.ToLower(name)] = i
		out[i] = name
	}
	return out, nil
}

// meter lets only so many bytes through between two calls of reset, so that no record outgrows its bound in a parser's
// memory.
type meter struct {
	from io.Reader
	left int
	over bool
	// odd: the bytes read since reset, or those read together with the first of them before, are not all of ASCII, or there is a NUL.
	odd, lastOdd bool
}

// reset begins a record. What was read ahead of it came with the last reading.
func (m *meter) reset() { m.left, m.odd = maxRecord, m.lastOdd }

func (m *meter) Read(b []byte) (int, error) {
	if m.left <= 0 {
		m.over = true
		return 0, io.ErrUnexpectedEOF
	}
	n, err := m.from.Read(b[:min(len(b), m.left)])
	m.left -= n
	if n > 0 {
		m.lastOdd = !plainText(b[:n])
		m.odd = m.odd || m.lastOdd
	}
	return n, err
}

// highBits are the bits of eight bytes that are 0 in ASCII.
const highBits = 0x8080808080808080

// plainText reports that bytes are characters of ASCII but NUL.
func plainText(b []byte) bool {
	const ones = 0x0101010101010101
	for ; len(b) >= 8; b = b[8:] {
		// A byte that is 0 borrows when 1 is taken off, which sets its highest bit; so may the byte behind it, which does no harm.
		if w := binary.LittleEndian.Uint64(b); (w|(w-ones))&highBits != 0 {
			return false
		}
	}
	for _, c := range b {
		if c == 0 || c >= 0x80 {
			return false
		}
	}
	return true
}

// tooLong is the fault of a record that the meter has stopped.
func tooLong(line, row int) Fault {
	return Fault{Line: line, Row: row, Code: CodeTooLarge, Message: fmt.Sprintf("the record is longer than %d bytes; a quote or a bracket may be missing", maxRecord)}
}
