package minidb

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/livetables/livetables/audit"
)

// Redefinition is the last change of what the values of a computed column are made of.
type Redefinition struct {
	position int64
	batch    string
}

// Outdates reports whether a side of an entry has a value of an older definition.
func (r Redefinition) Outdates(e *audit.Entry, before bool) bool {
	return r.position > e.Position || before && r.batch != "" && r.batch == e.Batch
}

// Redefined finds the last redefinitions of the computed columns of a table, by id.
func (db *DB) Redefined(ctx context.Context, t *Table) (found map[string]Redefinition, err error) {
	if len(t.layout.computed) == 0 {
		return nil, nil
	}
	err = db.read(ctx, "read redefinitions of "+t.ID, func(s session) (err error) {
		found, err = s.redefined(t)
		return err
	})
	return found, err
}

func (s session) redefined(t *Table) (map[string]Redefinition, error) {
	last := map[string]Redefinition{}
	of := func(column string) (Redefinition, error) {
		if r, ok := last[column]; ok {
			return r, nil
		}
		r, _, err := one(s, func(r record) Redefinition { return Redefinition{r.integer(0), r.text(1)} }, `SELECT position, batch FROM lt_change
			WHERE resource = ? AND action = 'column.update' ORDER BY position DESC LIMIT 1`, argText(column))
		if err != nil {
			return r, fmt.Errorf("read changes of columns: %w", err)
		}
		last[column] = r
		return r, nil
	}
	found := map[string]Redefinition{}
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

// DropOutdated takes out of the images of an entry about a row what other definitions of computed columns made.
func DropOutdated(e *audit.Entry, redefined map[string]Redefinition) error {
	for _, side := range []*json.RawMessage{&e.Before, &e.After} {
		var old []string
		for id, r := range redefined {
			if r.Outdates(e, side == &e.Before) {
				old = append(old, id)
			}
		}
		if len(old) == 0 || *side == nil {
			continue
		}
		var members map[string]json.RawMessage
		if err := json.Unmarshal(*side, &members); err != nil {
			return fmt.Errorf("row image of entry %s: %w", e.ID, err)
		}
		for _, id := range old {
			delete(members, id)
		}
		var err error
		if *side, err = json.Marshal(members); err != nil {
			return fmt.Errorf("row image of entry %s: %w", e.ID, err)
		}
	}
	return nil
}
