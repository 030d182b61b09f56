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
// moment, all of its rows or none. The next one is read meanwhile.
func (in *importing) store(ctx context.Context, to *importTarget, r tabular.Reader) (*ImportReport, error) {
	report := &ImportReport{Table: to.table.ID, Rows: in.job.stored()}
	if err := in.skip(ctx, r, report.Rows); err != nil {
		return report, err
	}
	batches, stop := in.readBatches(ctx, to, r)
	defer stop()
	for b := range batches {
		if b.panicked != nil {
			panic(b.panicked) // here, where whoever runs the import minds it
		}
		if b.err != nil {
			return report, b.err
		}
		if err := ctx.Err(); err != nil {
			return report, err
		}
		n := int64(len(b.rows))
		m := &lqp.Mutation{Op: lqp.Insert, Table: to.table.ID, Reason: "import", Rows: b.rows}
		if len(in.spec.Key) > 0 {
			m.Op, m.Key = lqp.Upsert, in.spec.Key
		}
		if _, err := in.as(in.job.step(report.Rows, report.Rows+n)).Apply(ctx, to.table.Workspace, m); err != nil {
			b.lines.seen = int(report.Rows + n)
			return report, to.explain(err, report.Rows, &b.lines)
		}
		report.Rows += n
		in.state.Stored = report.Rows
		in.tell(report.Rows)
	}
	return report, ctx.Err()
}

// importBatch are rows that are stored together, or why there are no more.
type importBatch struct {
	rows     []lqp.RowChange
	lines    fileLines
	err      error
	panicked any
}

// readBatches reads the file on another goroutine, one batch ahead of whoever stores them. The channel ends with the file or an error; stop
// ends the goroutine and waits for it: the file may be closed then.
func (in *importing) readBatches(ctx context.Context, to *importTarget, r tabular.Reader) (batches <-chan importBatch, stop func()) {
	out := make(chan importBatch)
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer close(out)
		defer func() {
			if p := recover(); p != nil {
				select {
				case out <- importBatch{panicked: p}:
				case <-ctx.Done():
				}
			}
		}()
		b := batcher{r: r, to: to, columns: to.columns(), values: make([]lqp.Value, len(to.cells)), keys: keysOf(to, in.spec.Key), overwrite: len(in.spec.Key) > 0, size: in.spec.Batch}
		if b.size == 0 {
			b.size = in.a.e.limits.BatchRows
		}
		for {
			batch := b.next(ctx)
			if batch.err == nil && len(batch.rows) == 0 {
				return
			}
			select {
			case out <- batch:
			case <-ctx.Done():
				return
			}
			if batch.err != nil {
				return
			}
		}
	}()
	return out, func() {
		cancel()
		for range out { // until it is closed
		}
	}
}

// batcher makes batches of the rows of a file. One ends early before a row whose key it has already, so that of rows with one key the
// last one counts wherever they stand in the file.
type batcher struct {
	r         tabular.Reader
	to        *importTarget
	columns   []string
	keys      *rowKeys
	values    []lqp.Value // of the row that is read
	overwrite bool        // a file knows no versions
	size      int
	end       bool
	left      *lqp.RowChange // read, but not in the batch before
	leftLine  int
}

func (b *batcher) next(ctx context.Context) (batch importBatch) {
	if b.end && b.left == nil {
		return batch
	}
	clear(b.keys.seen)
	if b.left != nil {
		b.keys.again(b.left)
		batch.rows = append(batch.rows, *b.left)
		batch.lines.add(b.leftLine)
		b.left = nil
	}
	for len(batch.rows) < b.size && !b.end {
		record, err := b.r.Next()
		if b.end = errors.Is(err, io.EOF); b.end {
			break
		}
		if err != nil {
			return importBatch{err: importError(err)}
		}
		if err := ctx.Err(); err != nil {
			return importBatch{err: err}
		}
		if err := parseCells(b.values, b.to.cells, record); err != nil {
			return importBatch{err: err}
		}
		row := lqp.RowChange{Set: make([]lqp.Assignment, len(b.columns)), Overwrite: b.overwrite}
		for i, id := range b.columns {
			row.Set[i] = lqp.Assignment{Column: id, Value: b.values[i]}
		}
		if b.keys.again(&row) {
			b.left, b.leftLine = &row, b.r.Line()
			break
		}
		batch.rows = append(batch.rows, row)
		batch.lines.add(b.r.Line())
	}
	return batch
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
