package parquet

import (
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"

	"github.com/livetables/livetables/lqp"
)

// What is in memory until it is written: a group of rows of about that many bytes, and never more than that many rows.
const (
	groupBytes = 4 << 20
	groupRows  = 100_000
	batchRows  = 64 // handed to the library at once
)

// Writer writes rows as a file. It is used by one goroutine.
type Writer struct {
	out     *parquet.GenericWriter[any]
	columns []column
	batch   []parquet.Row
	bytes   int // of the group so far, about
	err     error
}

// NewWriter begins a file with columns of these names and types. A column may be NULL everywhere whatever its type promises.
// Whole numbers that fit 64 bits are INT64, others DECIMAL with the column's digits or, where they are not known, all that a
// number can have (30, 10 of them after the point); Float is DOUBLE, Text is STRING, Date is DATE, DateTime is
// TIMESTAMP in UTC milliseconds, List is LIST, JSON is JSON and Bytes is BYTE_ARRAY. Two columns of one name are an error.
//
// Rows are written in groups of about 4 MB before compression (Snappy), which is what a Writer keeps in memory.
func NewWriter(w io.Writer, columns []lqp.Column) (*Writer, error) {
	out := &Writer{columns: make([]column, len(columns))}
	root := record{Group: parquet.Group{}}
	seen := make(map[string]bool, len(columns))
	for i, c := range columns {
		if seen[c.Name] {
			return nil, fmt.Errorf("parquet file: there are two columns %q", c.Name)
		}
		seen[c.Name] = true
		var err error
		if out.columns[i], err = columnOf(c); err != nil {
			return nil, err
		}
		node := parquet.Optional(out.columns[i].node)
		if out.columns[i].list {
			node = parquet.Optional(parquet.List(node))
		}
		root.fields = append(root.fields, field{node, c.Name})
	}
	if len(columns) == 0 {
		return nil, fmt.Errorf("parquet file: no columns")
	}
	out.out = parquet.NewGenericWriter[any](w, parquet.NewSchema("rows", root), parquet.Compression(&parquet.Snappy),
		parquet.CreatedBy("livetables", "", ""), parquet.MaxRowsPerRowGroup(groupRows))
	return out, nil
}

// Write writes one row with a value for every column. After an error the file is of no use, and every later call fails.
func (w *Writer) Write(row lqp.Row) error {
	if w.err != nil {
		return w.err
	}
	n := len(w.batch)
	if n < cap(w.batch) {
		w.batch = w.batch[:n+1]
	} else {
		w.batch = append(w.batch, nil)
	}
	cells := w.batch[n][:0]
	for i := range w.columns {
		var err error
		if cells, err = w.columns[i].append(cells, row.Value(i), i); err != nil {
			w.err = fmt.Errorf("parquet column %q: %w", w.columns[i].name, err)
			return w.err
		}
	}
	w.batch[n] = cells
	for i := range cells {
		w.bytes += 16
		if k := cells[i].Kind(); k == parquet.ByteArray || k == parquet.FixedLenByteArray {
			w.bytes += len(cells[i].ByteArray())
		}
	}
	if len(w.batch) == batchRows || w.bytes >= groupBytes {
		w.err = w.hand()
	}
	return w.err
}

// hand hands the batch to the library, and ends the group when it is large.
func (w *Writer) hand() error {
	if _, err := w.out.WriteRows(w.batch); err != nil {
		return fmt.Errorf("write parquet rows: %w", err)
	}
	for i := range w.batch { // so that no text outlives its group
		clear(w.batch[i])
	}
	w.batch = w.batch[:0]
	if w.bytes < groupBytes {
		return nil
	}
	w.bytes = 0
	if err := w.out.Flush(); err != nil {
		return fmt.Errorf("write parquet rows: %w", err)
	}
	return nil
}

// Close writes the end of the file. It does not close what is written to.
func (w *Writer) Close() error {
	if w.err != nil {
		return w.err
	}
	w.err = w.hand()
	if w.err == nil {
		if err := w.out.Close(); err != nil {
			w.err = fmt.Errorf("end parquet file: %w", err)
		}
	}
	return w.err
}

// The definition levels of the format: how many of the optional and repeated steps down to a value are there.
const (
	cellThere    = 1
	elementPlace = 2 // there is an element, which may be NULL
	elementThere = 3
)

// append adds the cells of one value in column i.
func (c *column) append(cells []parquet.Value, v lqp.Value, i int) ([]parquet.Value, error) {
	if v.IsNull() {
		return append(cells, parquet.NullValue().Level(0, 0, i)), nil
	}
	if !c.list {
		cell, err := c.value(v)
		return append(cells, cell.Level(0, cellThere, i)), err
	}
	if len(v.Items()) == 0 {
		return append(cells, parquet.NullValue().Level(0, cellThere, i)), nil
	}
	repeated := 0
	for _, e := range v.Items() {
		if e.IsNull() {
			cells = append(cells, parquet.NullValue().Level(repeated, elementPlace, i))
		} else {
			cell, err := c.value(e)
			if err != nil {
				return cells, err
			}
			cells = append(cells, cell.Level(repeated, elementThere, i))
		}
		repeated = 1
	}
	return cells, nil
}
