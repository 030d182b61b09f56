package livetables

import (
	"context"
	"errors"
	"io"
	"slices"

	"github.com/livetables/livetables/internal/tabular"
	"github.com/livetables/livetables/lqp"
)

// store stores the rows batch by batch. Each is a write like any other: planned with the rights and on the table of its
// moment, all of its rows or none. A batch ends early before a row whose key it has already, so that of rows with one key the
// last one counts wherever they stand in the file.
func (in *importing) store(ctx context.Context, to *importTarget, r tabular.Reader) (*ImportReport, error) {
	report := &ImportReport{Table: to.table.ID, Rows: in.job.stored()}
	if err := in.skip(ctx, r, report.Rows); err != nil {
		return report, err
	}
	size := in.spec.Batch
	if size == 0 {
		size = in.a.e.limits.BatchRows
	}
	columns := to.columns()
	keys := keysOf(to, in.spec.Key)
	var left *lqp.RowChange // read, but not stored with the batch before
	leftLine := 0
	for end := false; !end || left != nil; {
		m := &lqp.Mutation{Op: lqp.Insert, Table: to.table.ID, Reason: "import"}
		if len(in.spec.Key) > 0 {
			m.Op, m.Key = lqp.Upsert, in.spec.Key
		}
		var lines fileLines
		clear(keys.seen)
		if left != nil {
			keys.again(left)
			m.Rows = append(m.Rows, *left)
			lines.add(leftLine)
			left = nil
		}
		for len(m.Rows) < size && !end {
			record, err := r.Next()
			if end = errors.Is(err, io.EOF); end {
				break
			}
			if err != nil {
				return report, importError(err)
			}
			values := make([]lqp.Value, len(to.cells))
			if err := parseCells(values, to.cells, record); err != nil {
				return report, err
			}
			row := lqp.RowChange{Set: make([]lqp.Assignment, len(columns)), Overwrite: len(in.spec.Key) > 0} // a file knows no versions
			for i, id := range columns {
				row.Set[i] = lqp.Assignment{Column: id, Value: values[i]}
			}
			if keys.again(&row) {
				left, leftLine = &row, r.Line()
				break
			}
			m.Rows = append(m.Rows, row)
			lines.add(r.Line())
		}
		if len(m.Rows) == 0 {
			break
		}
		if err := ctx.Err(); err != nil {
			return report, err
		}
		step := in.job.step(report.Rows, report.Rows+int64(len(m.Rows)))
		if _, err := in.as(step).Apply(ctx, to.table.Workspace, m); err != nil {
			lines.seen = int(report.Rows) + len(m.Rows)
			return report, to.explain(err, report.Rows, &lines)
		}
		report.Rows += int64(len(m.Rows))
		in.state.Stored = report.Rows
		in.tell(report.Rows)
	}
	return report, nil
}

// skip reads over the rows that an earlier run of the job has stored.
func (in *importing) skip(ctx context.Context, r tabular.Reader, rows int64) error {
	in.state.Stored = rows
	for range rows {
		if _, err := r.Next(); err != nil {
			return importError(err)
		}
		if err := in.attend(ctx, r.Row()); err != nil {
			return err
		}
	}
	return nil
}

// rowKeys knows the keys of the rows of a batch.
type rowKeys struct {
	slots []int // of the cells
	seen  map[string]bool
	buf   []byte
}

func keysOf(to *importTarget, key []string) *rowKeys {
	k := &rowKeys{seen: map[string]bool{}}
	for _, name := range key {
		id := columnID(to.seen.Table(), name)
		k.slots = append(k.slots, slices.IndexFunc(to.cells, func(c importCell) bool { return c.column.ID == id }))
	}
	return k
}

// again reports whether the batch has a row with the key of this one, and remembers it.
func (k *rowKeys) again(row *lqp.RowChange) bool {
	if len(k.slots) == 0 {
		return false
	}
	k.buf = k.buf[:0]
	for _, slot := range k.slots {
		k.buf = row.Set[slot].Value.AppendKey(k.buf)
	}
	if k.seen[string(k.buf)] {
		return true
	}
	k.seen[string(k.buf)] = true
	return false
}
