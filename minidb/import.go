package minidb

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/livetables/livetables/lqp"
)

// Import is a stream of new rows for one table.
type Import struct {
	Table   *Table   // as in Write
	Columns []string // the columns, by id, of the values that Next delivers
	// Next delivers one row after the other, its values in the order of Columns, and io.EOF after the last. The slice may
	// be used again by Next. Next is called inside the transaction for which every other writer waits: it should read
	// from memory or a local file, never from a client's connection.
	Next   func() ([]lqp.Value, error)
	Guard  Guard  // of which Create and PolicyVersion count
	Reason string // as in lqp.Mutation
	// MaxRows ends the import with a *LimitError when there are more; 0 is no limit.
	MaxRows int64
	// DryRun checks everything and writes nothing.
	DryRun bool
}

const (
	importChunk     = 256 // rows checked and written together
	maxImportFaults = 100 // field errors after which an import gives up looking for more
)

// ImportRows inserts all rows of a stream, or none, in one transaction and with one log entry for each row. It holds a
// few hundred rows in memory at a time, whatever their number. An error is that of Next, which is returned as it is, or
// one of Apply's; a *ValidationError lists up to 100 field errors, their Row counting the rows of the stream from 0.
//
// Writers wait while an import runs, readers do not. A million rows take minutes: a caller for whom that is too long
// splits the stream into several imports and gives up the all or none.
func (db *DB) ImportRows(ctx context.Context, actor Actor, im Import) (rows int64, err error) {
	if im.Table == nil || im.Table.layout == nil || im.Next == nil {
		return 0, errors.New("import: no table of a snapshot or no rows")
	}
	w := &Write{Table: im.Table, Guard: im.Guard, Mutation: &lqp.Mutation{Op: lqp.Insert, Table: im.Table.ID, Reason: im.Reason}}
	p, err := db.planRows(w, 0)
	if err != nil {
		return 0, fmt.Errorf("import: %w", err)
	}
	if err := p.checkColumns(im.Columns); err != nil {
		return 0, fmt.Errorf("import: %w", err)
	}
	err = db.write(ctx, "import into "+im.Table.ID, actor, func(u *unit) error {
		rows = 0
		if err := u.checkCurrent(p.t, p.policyVersion); err != nil {
			return err
		}
		i := importer{unit: u, p: p, im: &im}
		if err := i.run(); err != nil {
			return err
		}
		if rows = i.rows; im.DryRun {
			return errDryRun
		}
		return nil
	})
	if err != nil && !(im.DryRun && errors.Is(err, errDryRun)) {
		return 0, err
	}
	return rows, nil
}

// checkColumns refuses columns that cannot be written, before the first row is read.
func (p *rowPlan) checkColumns(ids []string) error {
	m := &lqp.Mutation{Op: lqp.Insert, Rows: []lqp.RowChange{{}}}
	for _, id := range ids {
		m.Rows[0].Set = append(m.Rows[0].Set, lqp.Assignment{Column: id})
	}
	probe := &rowPlan{t: p.t, l: p.l, m: m, changes: make([]rowChange, 1)}
	probe.planChange(0)
	if len(probe.faults) > 0 {
		return probe.invalid(probe.faults)
	}
	return nil
}

// importer is an import under way.
type importer struct {
	*unit
	p      *rowPlan
	im     *Import
	rows   int64
	faults []FieldError
}

func (i *importer) run() error {
	width := len(i.im.Columns)
	for end := false; !end; {
		first := i.rows
		i.p.m.Rows = i.p.m.Rows[:0]
		for len(i.p.m.Rows) < importChunk {
			values, err := i.im.Next()
			if errors.Is(err, io.EOF) {
				end = true
				break
			}
			if err != nil {
				return err
			}
			if err := i.ctx.Err(); err != nil {
				return err
			}
			if i.rows++; i.im.MaxRows > 0 && i.rows > i.im.MaxRows {
				return &LimitError{Name: "rows", Max: int(i.im.MaxRows)}
			}
			if len(values) != width {
				return fmt.Errorf("row %d has %d values for %d columns", i.rows-1, len(values), width)
			}
			change := lqp.RowChange{Set: make([]lqp.Assignment, width)}
			for k, v := range values {
				change.Set[k] = lqp.Assignment{Column: i.im.Columns[k], Value: v}
			}
			i.p.m.Rows = append(i.p.m.Rows, change)
		}
		if err := i.chunk(first); err != nil {
			return err
		}
		if len(i.faults) >= maxImportFaults {
			i.faults = i.faults[:maxImportFaults]
			break
		}
	}
	if len(i.faults) > 0 {
		return i.p.invalid(i.faults)
	}
	return nil
}

// chunk writes the rows read last, the first of which is row number first. Once an error has been found the following
// rows are only looked through for more.
func (i *importer) chunk(first int64) error {
	p := i.p
	p.faults, p.changes = nil, make([]rowChange, len(p.m.Rows))
	list := make([]rowWrite, len(p.changes))
	for k := range p.changes {
		p.planChange(k)
		list[k] = i.insertion(p, &p.changes[k])
	}
	var err error
	if len(i.faults) == 0 {
		err = i.settle(p, list)
	} else if err = i.compute(p, list); err == nil { // checks may ask for computed cells
		if more := append(append(p.faults, p.missing(list)...), p.broken(list)...); len(more) > 0 {
			err = p.invalid(more)
		}
	}
	var ve *ValidationError
	var re *RowError
	switch {
	case errors.As(err, &ve):
		for _, f := range ve.Fields {
			f.Row += int(first)
			i.faults = append(i.faults, f)
		}
		i.entries = i.entries[:0]
		return nil
	case errors.As(err, &re):
		return &RowError{Index: re.Index + int(first), Err: re.Err}
	case err != nil:
		return err
	}
	return i.flush()
}
