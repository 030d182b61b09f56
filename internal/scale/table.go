package scale

import (
	"io"
	"strconv"
)

// The columns of the table: a unique code, a city of which there are 500, numbers, a date, a time, a flag, and texts and
// integers to make it twenty.
const (
	texts    = 7
	integers = 6
	cities   = 500
)

func columns() []map[string]any {
	list := []map[string]any{
		{"name": "Code", "type": "text", "unique": true, "required": true}, {"name": "City", "type": "text"}, {"name": "N", "type": "integer"},
		{"name": "Price", "type": "decimal", "options": map[string]any{"scale": 2}}, {"name": "Day", "type": "date"}, {"name": "At", "type": "datetime"},
		{"name": "Live", "type": "boolean"},
	}
	for i := range texts {
		list = append(list, map[string]any{"name": "T" + strconv.Itoa(i), "type": "text"})
	}
	for i := range integers {
		list = append(list, map[string]any{"name": "I" + strconv.Itoa(i), "type": "integer"})
	}
	return list
}

// code is what row i has in its column Code. Codes are in the order of the rows.
func code(i int) string {
	digits := strconv.Itoa(i)
	return "c000000000"[:10-len(digits)] + digits
}

func city(i int) string { return "city " + strconv.Itoa(i%cities) }

// appendRow writes row i of the file.
func appendRow(b []byte, i int) []byte {
	two := func(n int) {
		b = append(b, byte('0'+n/10), byte('0'+n%10))
	}
	b = append(b, code(i)...)
	b = append(b, ',')
	b = append(b, city(i)...)
	b = append(b, ',')
	b = strconv.AppendInt(b, int64(i), 10)
	b = append(b, ',')
	b = strconv.AppendInt(b, int64(i%9999), 10)
	b = append(b, '.')
	two(i % 100)
	b = append(b, ",2026-"...)
	two(1 + i%12)
	b = append(b, '-')
	two(1 + i%28)
	b = append(b, ",2026-01-01T00:"...)
	two(i % 60)
	b = append(b, ":00Z,"...)
	b = strconv.AppendBool(b, i%2 == 0)
	for k := range texts {
		b = append(b, ",some text "...)
		b = strconv.AppendInt(b, int64(i%(97+k)), 10)
		b = append(b, " of "...)
		b = strconv.AppendInt(b, int64(k), 10)
	}
	for k := range integers {
		b = append(b, ',')
		b = strconv.AppendInt(b, int64(i*k%100003), 10)
	}
	return append(b, '\n')
}

// file is the table as CSV, made while it is read.
type file struct {
	rows, next int
	rest, made []byte
	size       int64 // bytes so far
}

func newFile(rows int) *file {
	f := &file{rows: rows}
	for i, c := range columns() {
		if i > 0 {
			f.made = append(f.made, ',')
		}
		f.made = append(f.made, c["name"].(string)...)
	}
	f.made = append(f.made, '\n')
	f.rest = f.made
	return f
}

// Read implements io.Reader.
func (f *file) Read(p []byte) (int, error) {
	for len(f.rest) == 0 {
		if f.next >= f.rows {
			return 0, io.EOF
		}
		f.made = f.made[:0]
		for len(f.made) < 64<<10 && f.next < f.rows {
			f.made = appendRow(f.made, f.next)
			f.next++
		}
		f.rest = f.made
	}
	n := copy(p, f.rest)
	f.rest = f.rest[n:]
	f.size += int64(n)
	return n, nil
}
