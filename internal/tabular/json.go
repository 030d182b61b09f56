package tabular

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// maxDepth bounds how deep the values of a cell may be nested.
const maxDepth = 32

// jsonReader reads objects, one a line or in an array (RFC 8259). Its columns are the keys of all objects, in the order in
// which they come; a key that an object lacks is an empty cell.
type jsonReader struct {
	header []string
	index  map[string]int
	cells  []Cell
	given  []bool
	next   func() ([]byte, int, error) // one object and its line
	row    int
	line   int
}

// openObjects reads the keys of all objects and then begins again.
func openObjects(file io.ReadSeeker, begin func(io.Reader) func() ([]byte, int, error)) (*jsonReader, error) {
	f := &jsonReader{index: map[string]int{}, next: begin(file)}
	for {
		err := f.object(func(key string, _ Cell) error {
			if _, known := f.index[key]; known {
				return nil
			}
			if len(f.header) == MaxColumns {
				return f.fault("", CodeHeader, fmt.Sprintf("the objects have more than %d keys", MaxColumns))
			}
			f.index[key] = len(f.header)
			f.header = append(f.header, key)
			return nil
		})
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	if len(f.header) == 0 {
		return nil, Fault{Code: CodeFile, Message: "the file has no objects with keys"}
	}
	names, err := titles(f.header, 0)
	if err != nil {
		return nil, err
	}
	f.header = names
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	f.next, f.row, f.line = begin(file), 0, 0
	f.cells, f.given = make([]Cell, len(names)), make([]bool, len(names))
	return f, nil
}

// Header implements Reader.
func (f *jsonReader) Header() []string { return f.header }

// Row implements Reader.
func (f *jsonReader) Row() int { return f.row }

// Line implements Reader.
func (f *jsonReader) Line() int { return f.line }

// Next implements Reader.
func (f *jsonReader) Next() ([]Cell, error) {
	clear(f.cells)
	clear(f.given)
	err := f.object(func(key string, cell Cell) error {
		i, ok := f.index[key]
		if !ok { // the file has changed since its keys were read
			return f.fault(key, CodeShape, "the key was not there before")
		}
		if f.given[i] {
			return f.fault(key, CodeShape, "the key is there twice")
		}
		f.cells[i], f.given[i] = cell, true
		return nil
	})
	return f.cells, err
}

func (f *jsonReader) fault(column, code, message string) Fault {
	return Fault{Line: f.line, Row: f.row, Column: column, Code: code, Message: message}
}

// object reads the next object and gives its cells away one after the other.
func (f *jsonReader) object(each func(key string, cell Cell) error) error {
	f.row++
	raw, line, err := f.next()
	f.line = line
	switch fault := (Fault{}); {
	case errors.As(err, &fault):
		fault.Row = f.row
		return fault
	case err != nil:
		f.row--
		return err
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return f.fault("", CodeFile, "an object such as {\"Name\": \"x\"} was expected")
	}
	for d.More() {
		t, err := d.Token()
		key, ok := t.(string)
		if err != nil || !ok {
			return f.fault("", CodeFile, "the object is no JSON")
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return f.fault(key, CodeFile, "the value is no JSON")
		}
		cell, fault := cellOf(value)
		if fault != nil {
			fault.Line, fault.Row, fault.Column = f.line, f.row, key
			return *fault
		}
		if err := each(key, cell); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return f.fault("", CodeFile, "the object is no JSON")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return f.fault("", CodeFile, "something follows the object")
	}
	return nil
}

// cellOf is the cell of a JSON value: a text, a number or truth value as it is written, null as nothing, lists and objects
// as JSON.
func cellOf(value json.RawMessage) (Cell, *Fault) {
	var c Cell
	switch value[0] {
	case '"':
		if err := json.Unmarshal(value, &c.Text); err != nil {
			return c, &Fault{Code: CodeFile, Message: "the text is no JSON"}
		}
		c.Quoted, c.Literal = true, true
	case 'n':
	case '[', '{':
		if deep(value) {
			return c, &Fault{Code: CodeTooLarge, Message: fmt.Sprintf("the value is nested deeper than %d", maxDepth)}
		}
		var out bytes.Buffer
		if err := json.Compact(&out, value); err != nil {
			return c, &Fault{Code: CodeFile, Message: "the value is no JSON"}
		}
		c = Cell{Text: out.String(), Quoted: true}
	default:
		c.Text = plainDigits(string(value))
	}
	return c, checkText(c.Text)
}

func deep(value []byte) bool {
	depth, quoted := 0, false
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[', c == '{':
			if depth++; depth > maxDepth {
				return true
			}
		case c == ']', c == '}':
			depth--
		}
	}
	return false
}

// plainDigits writes a number without its exponent, where that is short.
func plainDigits(s string) string {
	if !bytes.ContainsAny([]byte(s), "eE") || s == "true" || s == "false" {
		return s
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || v != 0 && (v > 1e21 || v < -1e21 || v < 1e-12 && v > -1e-12) {
		return s
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}
