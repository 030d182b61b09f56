package minidb

import (
	"fmt"

	"github.com/livetables/livetables/audit"
)

// redefinition is the last change of what the values of a computed column are made of.
type redefinition struct {
	position int64
	batch    string
}

// outdates reports whether a side of an entry has a value of an older definition.
func (r redefinition) outdates(e *audit.Entry, before bool) bool {
	return r.position > e.Position || before && r.batch != "" && r.batch == e.Batch
}

// redefined finds the last redefinitions of the computed columns of a table, by id.
func (s session) redefined(t *Table) (map[string]redefinition, error) {
	last := map[string]redefinition{}
	of := func(column string) (redefinition, error) {
		if r, ok := last[column]; ok {
			return r, nil
		}
		r, _, err := one(s, func(r record) redefinition { return redefinition{r.integer(0), r.text(1)} }, `SELECT position, batch FROM lt_change
			WHERE resource = ? AND action = 'column.update' ORDER BY position DESC LIMIT 1`, argText(column))
		if err != nil {
			return r, fmt.Errorf("read changes of columns: %w", err)
		}
		last[column] = r
		return r, nil
	}
	found := map[string]redefinition{}
	for i := range t.layout.computed {
		cell := &t.layout.computed[i]
		id := t.Columns[cell.column].ID
		newest, err := of(id)
		if err != nil {
			return nil, err
		}
		for _, o := range t.layout.schema.Columns[cell.slot].Origins {
			r, err := of(o.Column)
			if err != nil {
				return nil, err
			}
			if r.position > newest.position {
				newest = r
			}
		}
		found[id] = newest
	}
	return found, nil
}
