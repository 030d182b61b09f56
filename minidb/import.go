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
	importChunk     = 512     // rows checked and written together …
	firstChunk      = 64      // … in the end: the first ones are fewer, because the database has nothing to do before they come
	chunkBytes      = 4 << 20 // of texts in such a chunk, but for its last row
	maxImportFaults = 100     // field errors after which an import gives up looking for more
)

// ImportRows inserts all rows of a stream, or none, in one transaction and with one log entry for each row. It holds some
// thousand rows in memory at a time, whatever their number: while some are stored the next are read. An error is that of Next, which is returned as it is, or
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
		i := newImporter(u, p, &im)
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

	to    []importSlot // by column of the import
	blank []lqp.Value  // a new row without its id and the values of the import
	fresh []int        // columns of the table that have a value of their own in every new row
	list  []rowWrite   // the chunk that is being read
}

// importSlot is where the values of a column go.
type importSlot struct {
	column *Column
	slot   int
	want   lqp.Type
}

func newImporter(u *unit, p *rowPlan, im *Import) *importer {
	i := &importer{unit: u, p: p, im: im, blank: make([]lqp.Value, len(p.l.ids)), list: make([]rowWrite, 0, importChunk)}
	for _, id := range im.Columns {
		slot := p.l.slots[id]
		c := &p.t.Columns[slot-1]
		i.to = append(i.to, importSlot{c, slot, c.storedType()})
	}
	for k, slot := range p.l.user {
		c := &p.t.Columns[k]
		i.blank[slot] = u.initial(c)
		if c.Options.Generate == GenerateUUID {
			i.fresh = append(i.fresh, k)
		}
	}
	u.found(p.l, i.blank)
	return i
}

func (i *importer) run() error {
	size := firstChunk
	for end := false; !end; size = min(2*size, importChunk) {
		first := i.rows
		slab := takeSlab(importChunk * len(i.blank))
		i.list, i.p.faults = i.list[:0], nil
		for left := chunkBytes; len(i.list) < size && left > 0; {
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
			if len(values) != len(i.to) {
				return fmt.Errorf("row %d has %d values for %d columns", i.rows-1, len(values), len(i.to))
			}
			at := len(i.list) * len(i.blank)
			i.add(slab[at:at+len(i.blank):at+len(i.blank)], values)
			for k := range values {
				left -= textSize(&values[k])
			}
		}
		i.stored = func() { giveSlab(slab) }
		err := i.chunk(first)
		if i.stored != nil { // nobody else has the rows
			i.stored()
			i.stored = nil
		}
		if err != nil {
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

// add makes the next row of the chunk.
func (i *importer) add(row, values []lqp.Value) {
	p, n := i.p, len(i.list)
	copy(row, i.blank)
	for _, k := range i.fresh {
		row[p.l.user[k]] = i.initial(&p.t.Columns[k])
	}
	var bad []int
	for k := range values {
		to := &i.to[k]
		v, code, message := to.column.conformTo(values[k], &to.want)
		if code != "" {
			p.fault(n, to.column.ID, code, "%s", message)
			bad = append(bad, to.slot)
			continue
		}
		row[to.slot] = v
	}
	id := NewID(prefixRow)
	row[idSlot] = lqp.TextValue(id)
	p.l.mirror(row)
	i.list = append(i.list, rowWrite{index: n, op: lqp.Insert, id: id, version: 1, changed: true, after: row, bad: bad})
}

// chunk writes the rows read last, the first of which is row number first. Once an error has been found the following
// rows are only looked through for more.
func (i *importer) chunk(first int64) error {
	p, list := i.p, i.list
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

// textSize is the number of bytes of the texts in a value.
func textSize(v *lqp.Value) (n int) {
	switch v.Kind() {
	case lqp.Text, lqp.JSON, lqp.Bytes:
		return len(v.Text())
	case lqp.List:
		items := v.Items()
		for i := range items {
			n += textSize(&items[i])
		}
	}
	return n
}
