package tabular

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// csvReader reads the records of a CSV file (RFC 4180, in the dialects that spreadsheets write).
type csvReader struct {
	header []string
	comma  rune
	text   Encoding
	csv    *csv.Reader
	meter  *meter
	cells  []Cell
	line   int
	row    int
}

// openCSV reads the header of a file.
func openCSV(file io.ReadSeeker, opt Options) (Reader, error) {
	encoding := opt.Encoding
	if encoding == "" {
		var err error
		if encoding, err = detectEncoding(file); err != nil {
			return nil, err
		}
	}
	text, err := encoding.decode(file)
	if err != nil {
		return nil, err
	}
	m := &meter{from: text}
	m.reset()
	head := make([]byte, sniffBytes)
	n, err := io.ReadFull(m, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, err
	}
	m.from = io.MultiReader(strings.NewReader(string(head[:n])), text)
	m.reset()
	f := &csvReader{comma: opt.Comma, text: encoding, meter: m}
	if f.comma == 0 {
		f.comma = sniffComma(head[:n])
	}
	f.csv = csv.NewReader(m)
	f.csv.Comma, f.csv.ReuseRecord = f.comma, true
	f.csv.FieldsPerRecord = -1 // counted below, with a better message
	record, err := f.read()
	if errors.Is(err, io.EOF) {
		return nil, Fault{Line: 1, Code: CodeFile, Message: "the file is empty; a header line is needed"}
	}
	if err != nil {
		return nil, err
	}
	names := make([]string, len(record))
	for i, name := range record { // a title is guarded in a file as texts are
		names[i] = Unescape(name)
	}
	if f.header, err = titles(names, f.line); err != nil {
		return nil, err
	}
	f.cells = make([]Cell, len(f.header))
	return f, nil
}

// Header implements Reader.
func (f *csvReader) Header() []string { return f.header }

// Next implements Reader. A cell that was escaped is a text.
func (f *csvReader) Next() ([]Cell, error) {
	record, err := f.read()
	if err != nil {
		return nil, err
	}
	f.row++
	if len(record) != len(f.header) {
		return nil, Fault{Line: f.line, Row: f.row, Code: CodeShape,
			Message: fmt.Sprintf("%d cells, the header has %d; a quote or a separator may be missing", len(record), len(f.header))}
	}
	for i, cell := range record {
		plain := Unescape(cell)
		f.cells[i] = Cell{Text: plain, Quoted: len(plain) != len(cell)}
	}
	return f.cells, nil
}

// Row implements Reader.
func (f *csvReader) Row() int { return f.row }

// Line implements Reader.
func (f *csvReader) Line() int { return f.line }

func (f *csvReader) read() ([]string, error) {
	f.meter.reset()
	record, err := f.csv.Read()
	row := 0
	if f.header != nil {
		row = f.row + 1
	}
	var parse *csv.ParseError
	switch {
	case f.meter.over:
		return nil, tooLong(f.line+1, row)
	case errors.As(err, &parse):
		fault := Fault{Line: parse.StartLine, Row: row, Code: CodeFile, Message: "broken quoting: " + parse.Err.Error()}
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
		if fault := f.check(cell); fault != nil {
			fault.Line, _ = f.csv.FieldPos(i)
			if fault.Row, fault.Column = row, strconv.Itoa(i+1); i < len(f.header) {
				fault.Column = f.header[i]
			}
			return nil, *fault
		}
	}
	return record, nil
}

// check is checkText of a cell of the record that was read last.
func (f *csvReader) check(cell string) *Fault {
	if !f.meter.odd && len(cell) <= MaxCell {
		return nil
	}
	return checkText(cell)
}

// checkText refuses what cannot be a cell.
func checkText(cell string) *Fault {
	switch {
	case !utf8.ValidString(cell):
		return &Fault{Code: CodeEncoding, Message: "the cell is not UTF-8; the file may mix encodings (Windows-1252?)"}
	case strings.IndexByte(cell, 0) >= 0:
		return &Fault{Code: CodeEncoding, Message: "the cell contains a NUL character"}
	case len(cell) > MaxCell:
		return &Fault{Code: CodeTooLarge, Message: fmt.Sprintf("the cell is longer than %d bytes", MaxCell)}
	}
	return nil
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
		case !quoted && (c == ',' || c == ';' || c == '\t' || c == '|'):
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

// checkBytes refuses a record that is not UTF-8.
func checkBytes(record []byte) *Fault {
	if utf8.Valid(record) {
		return nil
	}
	return &Fault{Code: CodeEncoding, Message: "the record is not UTF-8"}
}

// Dialect tells how a CSV file is written; ok is false for readers of other formats.
func Dialect(r Reader) (comma rune, encoding Encoding, ok bool) {
	if f, csv := r.(*csvReader); csv {
		return f.comma, f.text, true
	}
	return 0, "", false
}
