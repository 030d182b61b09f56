package postgres

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strings"
	"sync"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// The binary format of COPY: https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format".
var (
	copyHead = []byte("PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00")
	copyTail = []byte{0xff, 0xff}
)

// copyBlock is how many bytes are encoded at a time.
const copyBlock = 32 << 10

// copyCell appends a value that is not NULL in the binary format of a column's type. It is false for one that the type cannot hold.
type copyCell func(dst []byte, v lqp.Value) ([]byte, bool)

// copyStatement is the COPY for the columns of a table of the store. cells are nil when there is a column whose type it does not know.
func copyStatement(table *lqp.Table, columns []string) (sql string, cells []copyCell) {
	if len(table.Path) == 0 || len(columns) == 0 {
		return "", nil
	}
	m := mutation{table: table, sql: make([]byte, 0, 1024)}
	m.text("COPY ")
	m.path()
	list, err := m.columnList(columns)
	if err != nil {
		return "", nil
	}
	cells = make([]copyCell, len(list))
	for i, c := range list {
		if cells[i] = copyCellOf(c.Native); cells[i] == nil {
			return "", nil
		}
	}
	m.text(" FROM STDIN (FORMAT binary)")
	return string(m.sql), cells
}

// copyCellOf is the encoding of a type that declareType gives, nil for any other.
func copyCellOf(native string) copyCell {
	if elem, list := strings.CutSuffix(native, "[]"); list {
		if oid, ok := copyElements[elem]; ok {
			return listCell(oid, copyCellOf(elem))
		}
		return nil
	}
	switch {
	case native == "bigint":
		return bigintCell
	case native == "numeric", strings.HasPrefix(native, "numeric("):
		return numericCell
	case native == "boolean":
		return boolCell
	case native == "date":
		return dateCell
	case native == "timestamp(3) with time zone", native == "timestamp with time zone":
		return instantCell
	case native == "double precision":
		return floatCell
	case native == "bytea":
		return bytesCell
	case native == "json", native == "text", native == "text"+binaryCollation, strings.HasPrefix(native, "character varying("):
		return textCell
	}
	return nil
}

// copyElements are the ids of the types of elements, by the names that baseType gives them.
var copyElements = map[string]uint32{"boolean": oidBool, "numeric": oidNumeric, "double precision": oidFloat8, "date": oidDate,
	"timestamp with time zone": oidTimestamptz, "text": oidText, "bytea": oidBytea}

func bigintCell(dst []byte, v lqp.Value) ([]byte, bool) {
	if v.Kind() != lqp.Number {
		return dst, false
	}
	n, ok := v.Decimal().Int64()
	return binary.BigEndian.AppendUint64(dst, uint64(n)), ok
}

func boolCell(dst []byte, v lqp.Value) ([]byte, bool) {
	if v.Bool() {
		return append(dst, 1), true
	}
	return append(dst, 0), v.Kind() == lqp.Bool
}

func dateCell(dst []byte, v lqp.Value) ([]byte, bool) {
	if v.Kind() != lqp.Date {
		return dst, false
	}
	return binary.BigEndian.AppendUint32(dst, uint32(int32(v.Days()-epochDays))), true
}

func instantCell(dst []byte, v lqp.Value) ([]byte, bool) {
	if v.Kind() != lqp.DateTime {
		return dst, false
	}
	return binary.BigEndian.AppendUint64(dst, uint64((v.Millis()-epochMillis)*1000)), true
}

func floatCell(dst []byte, v lqp.Value) ([]byte, bool) {
	if !v.Kind().Numeric() {
		return dst, false
	}
	return binary.BigEndian.AppendUint64(dst, math.Float64bits(floatOf(v))), true
}

func bytesCell(dst []byte, v lqp.Value) ([]byte, bool) {
	return append(dst, v.Text()...), v.Kind() == lqp.Bytes
}

func textCell(dst []byte, v lqp.Value) ([]byte, bool) {
	return append(dst, v.Text()...), v.Kind() == lqp.Text || v.Kind() == lqp.JSON
}

// numericCell is the inverse of numeric: groups of four digits, the first of them standing for 10000^weight.
func numericCell(dst []byte, v lqp.Value) ([]byte, bool) {
	if v.Kind() != lqp.Number {
		return dst, false
	}
	var buf [48]byte
	text := v.Decimal().AppendText(buf[:0])
	sign := uint16(numericPositive)
	if text[0] == '-' {
		sign, text = numericNegative, text[1:]
	}
	point := len(text)
	for i, c := range text {
		if c == '.' {
			point = i
		}
	}
	whole, fraction := text[:point], text[min(point+1, len(text)):]
	at := len(dst)
	dst = append(dst, 0, 0, 0, 0, 0, 0, 0, 0)
	weight, groups := (len(whole)+3)/4-1, 0
	put := func(g uint16) {
		if groups == 0 && g == 0 { // no leading zeros
			weight--
			return
		}
		dst = binary.BigEndian.AppendUint16(dst, g)
		groups++
	}
	for first := (len(whole)-1)%4 + 1; len(whole) > 0; first = 4 {
		put(digitGroup(whole[:first], first))
		whole = whole[first:]
	}
	scale := len(fraction)
	for len(fraction) > 0 {
		n := min(4, len(fraction))
		put(digitGroup(fraction[:n], 4))
		fraction = fraction[n:]
	}
	for groups > 0 && dst[len(dst)-1]|dst[len(dst)-2] == 0 { // nor trailing ones
		dst, groups = dst[:len(dst)-2], groups-1
	}
	if groups == 0 {
		weight, sign = 0, numericPositive
	}
	binary.BigEndian.PutUint16(dst[at:], uint16(groups))
	binary.BigEndian.PutUint16(dst[at+2:], uint16(int16(weight)))
	binary.BigEndian.PutUint16(dst[at+4:], sign)
	binary.BigEndian.PutUint16(dst[at+6:], uint16(scale))
	return dst, true
}

// digitGroup reads digits, filled up with zeros behind to so many.
func digitGroup(digits []byte, width int) (g uint16) {
	for i := range width {
		g *= 10
		if i < len(digits) {
			g += uint16(digits[i] - '0')
		}
	}
	return g
}

// listCell is an array of one dimension.
func listCell(oid uint32, cell copyCell) copyCell {
	return func(dst []byte, v lqp.Value) ([]byte, bool) {
		if v.Kind() != lqp.List {
			return dst, false
		}
		items := v.Items()
		nulls := uint32(0)
		for _, item := range items {
			if item.IsNull() {
				nulls = 1
			}
		}
		dst = binary.BigEndian.AppendUint32(dst, uint32(min(len(items), 1)))
		dst = binary.BigEndian.AppendUint32(dst, nulls)
		dst = binary.BigEndian.AppendUint32(dst, oid)
		if len(items) > 0 {
			dst = binary.BigEndian.AppendUint32(dst, uint32(len(items)))
			dst = binary.BigEndian.AppendUint32(dst, 1)
		}
		for _, item := range items {
			var ok bool
			if dst, ok = sizedCell(dst, cell, item); !ok {
				return dst, false
			}
		}
		return dst, true
	}
}

// sizedCell is a value with its length in front, NULL included.
func sizedCell(dst []byte, cell copyCell, v lqp.Value) ([]byte, bool) {
	at := len(dst)
	dst = append(dst, 0xff, 0xff, 0xff, 0xff)
	if v.IsNull() {
		return dst, true
	}
	dst, ok := cell(dst, v)
	binary.BigEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
	return dst, ok
}

// copySource encodes rows as they are read from it. It is read by a goroutine of the driver, which after an error may read once more:
// not the rows, though, once end was called.
type copySource struct {
	mu     sync.Mutex
	rows   [][]lqp.Value
	cells  []copyCell
	next   int
	buf    []byte
	at     int // read of buf
	tailed bool
	err    error
}

// Read implements io.Reader.
func (s *copySource) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.at == len(s.buf) {
		if err := s.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, s.buf[s.at:])
	s.at += n
	return n, nil
}

func (s *copySource) fill() error {
	if s.err != nil {
		return s.err
	}
	if s.tailed {
		return io.EOF
	}
	if s.buf == nil {
		s.buf = append(make([]byte, 0, copyBlock+copyBlock/2), copyHead...)
	} else {
		s.buf = s.buf[:0]
	}
	s.at = 0
	for ; s.next < len(s.rows) && len(s.buf) < copyBlock; s.next++ {
		row := s.rows[s.next]
		if len(row) != len(s.cells) {
			s.err = fmt.Errorf("row %d has %d values for %d columns", s.next, len(row), len(s.cells))
			return s.err
		}
		s.buf = binary.BigEndian.AppendUint16(s.buf, uint16(len(row)))
		for i, v := range row {
			var ok bool
			if s.buf, ok = sizedCell(s.buf, s.cells[i], v); !ok {
				s.err = fmt.Errorf("%w: row %d: a %s for column %d, whose type takes none", adapter.ErrData, s.next, v.Kind(), i)
				return s.err
			}
		}
	}
	if s.next == len(s.rows) {
		s.buf, s.tailed = append(s.buf, copyTail...), true
	}
	return nil
}

// end lets go of the rows and answers what was wrong with them.
func (s *copySource) end() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows, s.next, s.tailed = nil, 0, true
	return s.err
}
