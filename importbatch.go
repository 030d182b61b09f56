package livetables

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/livetables/livetables/internal/tabular"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// store stores the rows batch by batch. Each is a write like any other: planned with the rights and on the table of its
// moment, all of its rows or none. What follows in the file is read meanwhile.
func (in *importing) store(ctx context.Context, to *importTarget, r tabular.Reader) (*ImportReport, error) {
	report := &ImportReport{Table: to.table.ID, Rows: in.job.stored()}
	if err := in.skip(ctx, r, report.Rows); err != nil {
		return report, err
	}
	rows := in.readAhead(ctx, to, r)
	rows.lines.seen = int(report.Rows)
	defer rows.close()
	write := in.insertBatch
	if len(in.spec.Key) > 0 {
		write = in.upsertBatch
	}
	for {
		if more, err := rows.more(); err != nil || !more {
			return report, errors.Join(err, ctx.Err())
		}
		n, err := write(ctx, to, rows, report.Rows)
		if err != nil {
			return report, to.explain(err, report.Rows, &rows.lines)
		}
		report.Rows += n
		in.state.Stored = report.Rows
		in.tell(report.Rows)
	}
}

// batch is how many rows are stored together.
func (in *importing) batch() int {
	if in.spec.Batch > 0 {
		return in.spec.Batch
	}
	return in.a.e.limits.BatchRows
}

const importReason = "import"

// insertBatch stores the next rows as new ones, as Apply would, but that nobody asks what they are like then.
func (in *importing) insertBatch(ctx context.Context, to *importTarget, rows *importRows, stored int64) (int64, error) {
	step := in.job.step(stored, stored)
	a, first := in.as(step), rows.taken
	next := func(some func() ([]lqp.Value, error)) func() ([]lqp.Value, error) {
		return func() ([]lqp.Value, error) {
			row, err := some()
			if err == nil && rows.taken%256 == 0 && time.Since(in.asked) >= readCheck {
				in.asked = time.Now() // the right is asked for with each batch
				in.tell(int64(rows.lines.seen))
			}
			return row, err
		}
	}
	write := func(ctx context.Context) (int64, error) {
		return a.insertRows(ctx, to, next(rows.some(step, in.batch())))
	}
	if known := a.knownCatalogue(to.table.Workspace); known != nil { // see Apply
		n, err := write(minidb.WithSnapshot(ctx, known))
		if err == nil || rows.taken > first || ofRows(err) || ctx.Err() != nil {
			return n, err
		}
	}
	for try := 1; ; try++ {
		n, err := write(ctx)
		if errors.Is(err, minidb.ErrSchemaChanged) && try < planTries && rows.taken == first {
			continue
		}
		return n, err
	}
}

func (a *Access) insertRows(ctx context.Context, to *importTarget, next func() ([]lqp.Value, error)) (int64, error) {
	s, err := a.enter(ctx, to.table.Workspace, rbac.WriteRows)
	if err != nil {
		return 0, err
	}
	// What may be written is the same for all of the rows.
	columns := to.columns()
	w, err := s.write(ctx, &lqp.Mutation{Op: lqp.Insert, Table: to.table.ID, Rows: []lqp.RowChange{rowOf(columns, make([]lqp.Value, len(columns)))}}, "$[0]")
	if err != nil {
		return 0, err
	}
	n, err := a.e.store.ImportRows(ctx, a.actor(""), minidb.Import{Table: w.Table, Columns: columns, Guard: w.Guard, Reason: importReason, Next: next})
	return n, hideRefusal(ctx, err, []write{w})
}

func rowOf(columns []string, values []lqp.Value) lqp.RowChange {
	row := lqp.RowChange{Set: make([]lqp.Assignment, len(columns))}
	for i, id := range columns {
		row.Set[i] = lqp.Assignment{Column: id, Value: values[i]}
	}
	return row
}

// upsertBatch stores the next rows by their keys. It ends before a row whose key it has already, so that of rows with one key the last one
// counts wherever they stand in the file.
func (in *importing) upsertBatch(ctx context.Context, to *importTarget, rows *importRows, stored int64) (int64, error) {
	m := &lqp.Mutation{Op: lqp.Upsert, Table: to.table.ID, Reason: importReason, Key: in.spec.Key}
	columns, keys := to.columns(), keysOf(to, in.spec.Key)
	for len(m.Rows) < in.batch() {
		more, err := rows.more()
		if err != nil {
			return 0, err
		}
		if !more || keys.again(rows.next()) {
			break
		}
		row := rowOf(columns, rows.take())
		row.Overwrite = true // a file knows no versions
		m.Rows = append(m.Rows, row)
	}
	n := int64(len(m.Rows))
	_, err := in.as(in.job.step(stored, stored+n)).Apply(ctx, to.table.Workspace, m)
	return n, err
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
func (k *rowKeys) again(row []lqp.Value) bool {
	if len(k.slots) == 0 {
		return false
	}
	k.buf = k.buf[:0]
	for _, slot := range k.slots {
		k.buf = row[slot].AppendKey(k.buf)
	}
	if k.seen[string(k.buf)] {
		return true
	}
	k.seen[string(k.buf)] = true
	return false
}
