package minidb

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/lqp"
)

// Past reads images of the rows of a table, as its log has them, in the terms that the table has today: choices under the names
// that they have now, values of another type converted, columns that are gone left out, what another definition computed
// empty. It is immutable and may be shared.
type Past struct {
	t       *Table
	renames map[int][]rename // by slot, in the order of the log
	// redefined are the last redefinitions of computed columns, by id
	redefined map[string]redefinition
}

// pastMemo keeps the past of a table with the snapshot that the table is of.
type pastMemo struct {
	sync.Mutex
	past *Past
}

// Past prepares the reading of the log of a table, which is one of a snapshot, from anywhere in it. It knows at least what the
// snapshot knows, and is read once for each.
func (db *DB) Past(ctx context.Context, t *Table) (*Past, error) {
	if t.memo == nil {
		return db.readPast(ctx, t)
	}
	t.memo.Lock()
	defer t.memo.Unlock()
	if t.memo.past == nil {
		p, err := db.readPast(ctx, t)
		if err != nil {
			return nil, err
		}
		t.memo.past = p
	}
	return t.memo.past, nil
}

func (db *DB) readPast(ctx context.Context, t *Table) (p *Past, err error) {
	if !slices.ContainsFunc(t.Columns, func(c Column) bool { return c.Type.chosen() || c.Type.Computed() }) {
		return &Past{t: t}, nil
	}
	err = db.read(ctx, "read the past of "+t.ID, func(s session) error {
		p, err = s.pastOf(t)
		return err
	})
	return p, err
}

// Images are the row before and after the change of an entry in the order of the table's Schema().Columns, nil where there is
// no such side. Of the entry it looks at Position, Batch and the images; the rows must not be changed.
func (p *Past) Images(e *audit.Entry) (before, after []lqp.Value, err error) { return p.images(e, nil) }

// Renames reports whether choices of a column, by its id, have other names since the changes of a batch: the rows that had them
// are written again there, and have the same choices before and after.
func (p *Past) Renames(column, batch string) bool {
	slot, ok := p.t.layout.slots[column]
	return ok && batch != "" && slices.ContainsFunc(p.renames[slot], func(r rename) bool { return r.batch == batch })
}

// rename is a change of the names of a column's choices.
type rename struct {
	position int64
	batch    string
	names    *choiceChange
}

// lostValue says why a value of the past has no counterpart today.
type lostValue struct{ code, message string }

// pastOf prepares the reading of images.
func (s session) pastOf(t *Table) (*Past, error) {
	p := &Past{t: t}
	var err error
	if p.redefined, err = s.redefined(t); err != nil {
		return nil, err
	}
	columns := make(map[int]*Column, len(t.Columns))
	for i := range t.Columns {
		columns[t.layout.user[i]] = &t.Columns[i]
	}
	for i := range t.trashed {
		if slot, ok := t.layout.kept[t.trashed[i].ID]; ok {
			columns[slot] = &t.trashed[i].Column
		}
	}
	for slot, c := range columns {
		if !c.Type.chosen() {
			continue
		}
		list, err := all(s, scanEntry, `SELECT `+entryColumns+` FROM lt_change
			WHERE resource = ? AND action = 'column.update' ORDER BY position`, argText(c.ID))
		if err != nil {
			return nil, fmt.Errorf("read changes of choices: %w", err)
		}
		for k := range list {
			if names := renamedIn(&list[k]); names != nil {
				if p.renames == nil {
					p.renames = map[int][]rename{}
				}
				p.renames[slot] = append(p.renames[slot], rename{list[k].Position, list[k].Batch, names})
			}
		}
	}
	return p, nil
}

// renamedIn is how an entry about a column changed the names of choices, nil for not at all.
func renamedIn(e *audit.Entry) *choiceChange {
	type options struct {
		Options struct {
			Choices []Choice `json:"choices"`
		} `json:"options"`
	}
	var before, after options
	if json.Unmarshal(e.Before, &before) != nil || json.Unmarshal(e.After, &after) != nil {
		return nil
	}
	names := make(map[string]string, len(after.Options.Choices))
	for _, c := range after.Options.Choices {
		names[c.ID] = c.Name
	}
	change := &choiceChange{now: map[string]lqp.Value{}}
	for _, c := range before.Options.Choices {
		if name, ok := names[c.ID]; ok && name != c.Name {
			change.now[c.Name] = lqp.TextValue(name)
		}
	}
	if len(change.now) == 0 {
		return nil
	}
	return change
}

// images are the row before and after an entry, nil where there is no such side. lost, which may be nil, takes the values of
// the row before that have no counterpart, by slot.
func (p *Past) images(e *audit.Entry, lost map[int]lostValue) (before, after []lqp.Value, err error) {
	if before, err = p.row(e.Before, e, true, lost); err != nil {
		return nil, nil, err
	}
	after, err = p.row(e.After, e, false, nil)
	return before, after, err
}

// row decodes one side of an entry to values in the order of the layout.
func (p *Past) row(image json.RawMessage, e *audit.Entry, before bool, lost map[int]lostValue) ([]lqp.Value, error) {
	return p.some(image, e, before, lost, nil)
}

// some is row for some of the slots alone, nil for all; the others are NULL.
func (p *Past) some(image json.RawMessage, e *audit.Entry, before bool, lost map[int]lostValue, slots map[int]bool) ([]lqp.Value, error) {
	if image == nil {
		return nil, nil
	}
	l := p.t.layout
	row := make([]lqp.Value, len(l.ids))
	err := splitImage(image, func(id, doc []byte) {
		slot, ok := l.slots[string(id)]
		if !ok {
			slot, ok = l.kept[string(id)]
		}
		if !ok || slots != nil && !slots[slot] {
			return
		}
		typ := l.schema.Columns[slot].Type
		v, err := lqp.ParseValue(typ.Nullable(), doc)
		if err != nil {
			r := recast(scalar(doc), typ)
			if v = r.value; r.lost && lost != nil {
				lost[slot] = lostValue{r.code, r.message}
			}
		}
		row[slot] = v
	})
	if err != nil {
		return nil, fmt.Errorf("entry %s of table %s: %w", e.ID, p.t.ID, err)
	}
	for slot, renames := range p.renames {
		for _, r := range renames {
			// The rows that a rename changes follow it in the log; what they were before has the old names.
			if r.position > e.Position || before && r.batch != "" && r.batch == e.Batch {
				row[slot] = r.names.apply(row[slot])
			}
		}
	}
	for i := range l.computed {
		c := &l.computed[i]
		if r, ok := p.redefined[p.t.Columns[c.column].ID]; ok && r.outdates(e, before) {
			row[c.slot] = lqp.Value{} // another definition computed it: it has no counterpart
		}
	}
	l.mirror(row)
	return row, nil
}

// conformed is a value of the past in the form in which the column keeps values, or why the column does not take it.
func (c *Column) conformed(v lqp.Value) (lqp.Value, *lostValue) {
	w, code, message := c.conform(v)
	if code != "" {
		return lqp.Value{}, &lostValue{code, message}
	}
	return w, nil
}

// IsBuiltIn reports whether a column is one that every user table has beside its own.
func IsBuiltIn(column string) bool { return isSystemName(column) }
