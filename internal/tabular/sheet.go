package tabular

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

const (
	maxSheetRow = 1 << 20 // the last row that a sheet can have
	maxGap      = 1 << 16 // empty rows between two that are not
)

// sheetReader reads the rows of one sheet as they stand in the file. Rows without cells are left out; formulas are not
// computed: a cell is what the program that wrote the file has computed last.
type sheetReader struct {
	book   *workbook
	xml    *elements
	header []string
	first  int // column of the first title, from 0
	cells  []Cell
	raw    []Cell // cells of the row from column first on
	row    int
	line   int
	ended  bool
}

func openSheet(file File, sheet string) (Reader, error) {
	book, part, err := openBook(file, sheet)
	if err != nil {
		return nil, err
	}
	x, err := openElements(part, 1<<63)
	if err != nil {
		return nil, err
	}
	f := &sheetReader{book: book, xml: x}
	for {
		if err := f.read(); errors.Is(err, io.EOF) {
			return nil, Fault{Line: 1, Code: CodeFile, Message: "the sheet is empty; a row of titles is needed"}
		} else if err != nil {
			return nil, err
		}
		if !blank(f.raw) {
			break
		}
	}
	for f.raw[f.first].Text == "" {
		f.first++
	}
	names := make([]string, 0, len(f.raw))
	for _, c := range f.raw[f.first:] {
		names = append(names, c.Text)
	}
	for names[len(names)-1] == "" {
		names = names[:len(names)-1]
	}
	if f.header, err = titles(names, f.line); err != nil {
		return nil, err
	}
	f.cells = make([]Cell, len(f.header))
	return f, nil
}

// Header implements Reader.
func (f *sheetReader) Header() []string { return f.header }

// Row implements Reader.
func (f *sheetReader) Row() int { return f.row }

// Line implements Reader.
func (f *sheetReader) Line() int { return f.line }

// Next implements Reader.
func (f *sheetReader) Next() ([]Cell, error) {
	for {
		if err := f.read(); err != nil {
			return nil, err
		}
		if !blank(f.raw) {
			break
		}
	}
	f.row++
	clear(f.cells)
	for i, c := range f.raw {
		switch at := i - f.first; {
		case c.Text == "":
		case at < 0 || at >= len(f.cells):
			return nil, Fault{Line: f.line, Row: f.row, Column: columnName(i), Code: CodeShape, Message: "the cell has no title above it"}
		default:
			f.cells[at] = c
		}
	}
	return f.cells, nil
}

func blank(row []Cell) bool {
	for _, c := range row {
		if c.Text != "" {
			return false
		}
	}
	return true
}

// columnName is the letters of a column.
func columnName(i int) string {
	var name string
	for i++; i > 0; i = (i - 1) / 26 {
		name = string(rune('A'+(i-1)%26)) + name
	}
	return name
}

// columnOf is the column of a cell's name such as "AB12", -1 when it has none.
func columnOf(name string) int {
	n := 0
	for i := 0; i < len(name) && i < 4; i++ {
		c := name[i] &^ 0x20
		if c < 'A' || c > 'Z' {
			break
		}
		n = n*26 + int(c-'A') + 1
	}
	return n - 1
}

func (f *sheetReader) fault(code, message string) Fault {
	fault := Fault{Line: f.line, Code: code, Message: message}
	if f.header != nil {
		fault.Row = f.row + 1
	}
	return fault
}

// read reads the cells of the next row that is there.
func (f *sheetReader) read() error {
	if f.ended {
		return io.EOF
	}
	for {
		t, err := f.xml.next()
		if errors.Is(err, io.EOF) {
			return brokenBook("the sheet is not whole")
		}
		if err != nil {
			return err
		}
		switch t := t.(type) {
		case xml.EndElement:
			if t.Name.Local == "sheetData" || t.Name.Local == "worksheet" {
				f.ended = true
				return io.EOF
			}
		case xml.StartElement:
			if t.Name.Local == "row" {
				return f.readRow(t)
			}
		}
	}
}

func (f *sheetReader) readRow(tag xml.StartElement) error {
	line := f.line + 1
	if r := attribute(tag, "r"); r != "" {
		n, err := strconv.Atoi(r)
		if err != nil || n < line || n > maxSheetRow {
			return brokenBook("its rows are not in order")
		}
		line = n
	}
	gap := line - f.line
	if f.line = line; gap > maxGap {
		return f.fault(CodeTooLarge, fmt.Sprintf("%d empty rows come before this one; remove it or them", gap-1))
	}
	f.raw = f.raw[:0]
	size := 0
	for {
		t, err := f.xml.next()
		if errors.Is(err, io.EOF) {
			return brokenBook("the sheet is not whole")
		}
		if err != nil {
			return err
		}
		switch t := t.(type) {
		case xml.EndElement:
			if t.Name.Local == "row" {
				return nil
			}
		case xml.StartElement:
			if t.Name.Local != "c" {
				continue
			}
			at := len(f.raw)
			if name := attribute(t, "r"); name != "" {
				at = columnOf(name)
			}
			cell, err := f.readCell(t, at)
			if err != nil {
				return err
			}
			if cell.Text == "" {
				continue
			}
			if size += len(cell.Text); size > maxRecord {
				return tooLong(f.line, f.row+1)
			}
			if at < len(f.raw) || at >= f.first+MaxColumns+1000 {
				return f.fault(CodeShape, "the cells of the row are not in order, or too far to the right")
			}
			for len(f.raw) < at {
				f.raw = append(f.raw, Cell{})
			}
			f.raw = append(f.raw, cell)
		}
	}
}

// readCell reads a cell as it is meant: dates are numbers with a style.
func (f *sheetReader) readCell(tag xml.StartElement, at int) (Cell, error) {
	kind, style := attribute(tag, "t"), attribute(tag, "s")
	var value, inline string
	for {
		t, err := f.xml.next()
		if errors.Is(err, io.EOF) {
			return Cell{}, brokenBook("the sheet is not whole")
		}
		if err != nil {
			return Cell{}, err
		}
		switch t := t.(type) {
		case xml.EndElement:
			if t.Name.Local != "c" {
				continue
			}
			cell, fault := f.cell(kind, style, value, inline)
			if fault == nil {
				fault = checkText(cell.Text)
			}
			if fault != nil {
				fault.Line, fault.Column = f.line, columnName(at)
				if f.header != nil {
					fault.Row = f.row + 1
					if i := at - f.first; i >= 0 && i < len(f.header) {
						fault.Column = f.header[i]
					}
				}
				return cell, *fault
			}
			return cell, nil
		case xml.StartElement:
			switch t.Name.Local {
			case "v":
				value, err = f.xml.text("v")
			case "is":
				inline, err = f.xml.richText("is")
			case "f":
				_, err = f.xml.text("f")
			}
			if err != nil {
				return Cell{}, err
			}
		}
	}
}

func (f *sheetReader) cell(kind, style, value, inline string) (Cell, *Fault) {
	switch kind {
	case "s":
		if value == "" {
			return Cell{}, nil
		}
		text, ok := f.book.strings.get(value)
		if !ok {
			return Cell{}, &Fault{Code: CodeFile, Message: "the cell's text is missing in the workbook"}
		}
		return Cell{Text: text, Quoted: true}, nil
	case "inlineStr":
		return Cell{Text: inline, Quoted: true}, nil
	case "str":
		return Cell{Text: unescapeSheet(value), Quoted: true}, nil
	case "b":
		switch strings.TrimSpace(value) {
		case "1", "true":
			return Cell{Text: "true"}, nil
		case "0", "false":
			return Cell{Text: "false"}, nil
		}
		return Cell{}, nil
	case "e":
		return Cell{}, &Fault{Code: CodeValue, Message: fmt.Sprintf("the cell holds the error %.20s", value)}
	case "d":
		return Cell{Text: value, Quoted: true}, nil
	}
	value = strings.TrimSpace(value)
	if value == "" {
		return Cell{}, nil
	}
	n, err := strconv.ParseFloat(value, 64)
	if err != nil {
		return Cell{}, &Fault{Code: CodeValue, Message: "the cell is no number"}
	}
	if text, ok := f.book.dateText(style, n); ok {
		return Cell{Text: text, Quoted: true}, nil
	}
	return Cell{Text: sheetNumber(n)}, nil
}

// sheetNumber is a number with the fifteen digits that spreadsheets count with.
func sheetNumber(n float64) string {
	short, err := strconv.ParseFloat(strconv.FormatFloat(n, 'g', 15, 64), 64)
	if err != nil {
		short = n
	}
	return strconv.FormatFloat(short, 'f', -1, 64)
}
