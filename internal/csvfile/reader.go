package csvfile

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Limits of a file.
const (
	MaxColumns = 500
	MaxCell    = 1 << 20 // bytes
	sniffBytes = 64 << 10
)

// Fault is one thing wrong with a file, and where.
type Fault struct {
	Line    int    `json:"line"`             // in the file, from 1
	Row     int    `json:"row,omitempty"`    // record after the header, from 1; 0 for the header or when unknown
	Column  string `json:"column,omitempty"` // header of the cell, or its number
	Message string `json:"message"`
}

// Error implements error.
func (f Fault) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "line %d", f.Line)
	if f.Row > 0 {
		fmt.Fprintf(&b, ", row %d", f.Row)
	}
	if f.Column != "" {
		fmt.Fprintf(&b, ", column %s", f.Column)
	}
	b.WriteString(": " + f.Message)
	return b.String()
}

// Reader reads the records of a file with a header line. It holds one record at a time.
type Reader struct {
	Header []string
	Comma  rune

	csv  *csv.Reader
	line int
	row  int
}

// NewReader reads the header of a file. comma 0 takes the one of comma, semicolon, tab and bar that the first lines use.
// Errors are Faults: text that is not UTF-8, an empty file, headers that are empty or occur twice.
func NewReader(r io.Reader, comma rune) (*Reader, error) {
	in := bufio.NewReaderSize(r, sniffBytes)
	head, err := in.Peek(sniffBytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xfe")), bytes.HasPrefix(head, []byte("\xfe\xff")):
		return nil, Fault{Line: 1, Message: "the file is UTF-16; save it as UTF-8"}
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		_, _ = in.Discard(3) // peeked above: cannot fail
		head = head[3:]
	}
	if comma == 0 {
		comma = sniffComma(head)
	}
	c := csv.NewReader(in)
	c.Comma, c.ReuseRecord = comma, true
	f := &Reader{csv: c, Comma: comma}
	c.FieldsPerRecord = -1 // counted below, with a better message
	record, err := f.read()
	if errors.Is(err, io.EOF) {
		return nil, Fault{Line: 1, Message: "the file is empty; a header line is needed"}
	}
	if err != nil {
		return nil, err
	}
	if len(record) > MaxColumns {
		return nil, Fault{Line: f.line, Message: fmt.Sprintf("%d columns are more than %d", len(record), MaxColumns)}
	}
	seen := map[string]int{}
	for i, name := range record {
		name = strings.TrimSpace(strings.Clone(name))
		if name == "" {
			return nil, Fault{Line: f.line, Column: strconv.Itoa(i + 1), Message: "the header is empty"}
		}
		if first, ok := seen[strings.ToLower(name)]; ok {
			return nil, Fault{Line: f.line, Column: strconv.Itoa(i + 1), Message: fmt.Sprintf("the header %q is also that of column %d", name, first+1)}
		}
		seen[strings.ToLower(name)] = i
		f.Header = append(f.Header, name)
	}
	return f, nil
}

// Next reads the next record, valid until the next call. At the end the error is io.EOF; else it is a Fault.
func (f *Reader) Next() ([]string, error) {
	record, err := f.read()
	if err != nil {
		return nil, err
	}
	f.row++
	if len(record) != len(f.Header) {
		return nil, Fault{Line: f.line, Row: f.row, Message: fmt.Sprintf("%d cells, the header has %d; a quote or a separator may be missing", len(record), len(f.Header))}
	}
	return record, nil
}

// Row is where the last record stands, counted after the header.
func (f *Reader) Row() int { return f.row }

// Line is where the last record begins in the file.
func (f *Reader) Line() int { return f.line }

func (f *Reader) read() ([]string, error) {
	record, err := f.csv.Read()
	var parse *csv.ParseError
	switch {
	case errors.As(err, &parse):
		fault := Fault{Line: parse.StartLine, Message: "broken quoting: " + parse.Err.Error()}
		if f.Header != nil {
			fault.Row = f.row + 1
		}
		if parse.Line != parse.StartLine {
			fault.Message += fmt.Sprintf(" (found at line %d, byte %d)", parse.Line, parse.Column)
		} else {
			fault.Message += fmt.Sprintf(" (byte %d)", parse.Column)
		}
		return nil, fault
	case err != nil:
		return nil, err
	}
	f.line, _ = f.csv.FieldPos(0)
	for i, cell := range record {
		column := strconv.Itoa(i + 1)
		if i < len(f.Header) {
			column = f.Header[i]
		}
		row := 0
		if f.Header != nil {
			row = f.row + 1
		}
		line, _ := f.csv.FieldPos(i)
		switch {
		case !utf8.ValidString(cell):
			return nil, Fault{Line: line, Row: row, Column: column, Message: "the cell is not UTF-8; the file may mix encodings (Windows-1252?)"}
		case strings.IndexByte(cell, 0) >= 0:
			return nil, Fault{Line: line, Row: row, Column: column, Message: "the cell contains a NUL character"}
		case len(cell) > MaxCell:
			return nil, Fault{Line: line, Row: row, Column: column, Message: fmt.Sprintf("the cell is longer than %d bytes", MaxCell)}
		}
	}
	return record, nil
}

// sniffComma picks the separator that stands most often outside quotes in the first line.
func sniffComma(head []byte) rune {
	counts := map[rune]int{}
	quoted := false
	for _, c := range string(head) {
		switch {
		case c == '"':
			quoted = !quoted
		case c == '\n' && !quoted:
			return mostFrequent(counts)
		case !quoted:
			counts[c]++
		}
	}
	return mostFrequent(counts)
}

func mostFrequent(counts map[rune]int) rune {
	best := ','
	for _, c := range []rune{';', '\t', '|'} {
		if counts[c] > counts[best] {
			best = c
		}
	}
	return best
}
