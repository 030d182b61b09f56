package minidb

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/livetables/livetables/audit"
)

// The older forms of a table follow from the log: its entries about the table, its columns and indexes are taken back one by
// one from what it is now. Each entry names the version of the table that it led to; one change may have several.

// ErrNoForm says that the log does not reach back to a version of a table, or that the table never had it.
var ErrNoForm = errors.New("the table has no such version, or the log does not reach back to it")

// TableForm is the definition of a table as it was at a version. The documents are those that the table, a [Column] and an
// [Index] are written as.
type TableForm struct {
	Version int64                      `json:"version"`
	Table   map[string]json.RawMessage `json:"table"` // without its columns
	Columns []ColumnForm               `json:"columns"`
	Indexes []ColumnForm               `json:"indexes"`
}

// ColumnForm is a column or an index of a TableForm.
type ColumnForm struct {
	ID     string
	Fields map[string]json.RawMessage
}

// MarshalJSON implements [json.Marshaler]: the form is its fields.
func (f ColumnForm) MarshalJSON() ([]byte, error) { return json.Marshal(f.Fields) }

// SchemaChanges lists entries of the log about the definition of a table, the newest first: those of versions before a
// version, 0 for the newest too. An entry whose version is 0 is about what was removed from the trash.
func (db *DB) SchemaChanges(ctx context.Context, table string, before int64, limit int) (list []audit.Entry, err error) {
	if before <= 0 {
		before = 1 << 62
	}
	err = db.read(ctx, "schema of "+table, func(s session) error {
		list, err = all(s, scanEntry, `SELECT `+entryColumns+` FROM lt_change WHERE table_id = ? AND resource_type <> 'row' AND version < ?
			ORDER BY position DESC LIMIT ?`, argText(table), argInt(before), argInt(int64(limit)))
		return err
	})
	return list, err
}

// FormAt is the definition of the table, which is one of a snapshot, as it was at a version. ErrNoForm where the log cannot tell,
// a *HistoryCutError where that is for its being cut.
func (db *DB) FormAt(ctx context.Context, t *Table, version int64) (f *TableForm, err error) {
	err = db.read(ctx, "schema of "+t.ID, func(s session) error {
		f, err = s.formAt(t, version)
		return err
	})
	return f, err
}

func (s session) formAt(t *Table, version int64) (*TableForm, error) {
	f, err := formOf(t)
	if err != nil {
		return nil, err
	}
	if version > t.Version || version < 1 {
		return nil, fmt.Errorf("version %d: %w", version, ErrNoForm)
	}
	entries, err := all(s, scanEntry, `SELECT `+entryColumns+` FROM lt_change WHERE table_id = ? AND resource_type <> 'row'
		AND version > ? AND version <= ? ORDER BY position DESC`, argText(t.ID), argInt(version), argInt(t.Version))
	if err != nil {
		return nil, err
	}
	next := t.Version + 1
	for i := range entries {
		e := &entries[i]
		if e.Version < next-1 { // every version has an entry: one is missing
			return nil, s.noForm(t, version)
		}
		next = e.Version
		if err := f.takeBack(e); err != nil {
			return nil, err
		}
	}
	if next > version+1 {
		return nil, s.noForm(t, version)
	}
	f.Version = version
	f.Table["version"] = json.RawMessage(strconv.FormatInt(version, 10))
	return f, nil
}

// noForm says that the log does not have what led from a version of a table to the next one.
func (s session) noForm(t *Table, version int64) error {
	if floor, cut, err := s.tableFloor(t.ID); err != nil || cut {
		return orElse(err, floor.refusal())
	}
	return fmt.Errorf("version %d: %w", version, ErrNoForm)
}

// formOf is the form that a table has.
func formOf(t *Table) (*TableForm, error) {
	f := &TableForm{Version: t.Version, Columns: []ColumnForm{}, Indexes: []ColumnForm{}}
	doc, err := image(t.head())
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(doc, &f.Table); err != nil {
		return nil, err
	}
	delete(f.Table, "columns")
	for i := range t.Columns {
		fields, err := fieldsOf(t.Columns[i])
		if err != nil {
			return nil, err
		}
		f.Columns = append(f.Columns, ColumnForm{t.Columns[i].ID, fields})
	}
	for i := range t.indexes {
		fields, err := fieldsOf(t.indexes[i])
		if err != nil {
			return nil, err
		}
		f.Indexes = append(f.Indexes, ColumnForm{t.indexes[i].ID, fields})
	}
	return f, nil
}

func fieldsOf(v any) (fields map[string]json.RawMessage, err error) {
	doc, err := image(v)
	if err == nil {
		err = json.Unmarshal(doc, &fields)
	}
	return fields, err
}

// takeBack undoes one entry.
func (f *TableForm) takeBack(e *audit.Entry) error {
	var before, after map[string]json.RawMessage
	for _, side := range []struct {
		doc json.RawMessage
		to  *map[string]json.RawMessage
	}{{e.Before, &before}, {e.After, &after}} {
		if side.doc == nil {
			continue
		}
		if err := json.Unmarshal(side.doc, side.to); err != nil {
			return fmt.Errorf("entry %s: %w", e.ID, err)
		}
	}
	switch kind, verb, _ := strings.Cut(e.Action, "."); kind {
	case "column":
		f.Columns = takenBack(f.Columns, e.Resource, verb, before, after)
		for i := range f.Columns {
			f.Columns[i].Fields["position"] = json.RawMessage(strconv.Itoa(i))
		}
	case "index":
		f.Indexes = takenBack(f.Indexes, e.Resource, verb, before, after)
	case "table":
		if before == nil || after == nil {
			return nil // it came or went as a whole
		}
		if order, ok := before["columns"]; ok {
			return f.reorder(order)
		}
		replaceFields(f.Table, before, after)
	}
	return nil
}

// takenBack undoes what happened to one of a list.
func takenBack(list []ColumnForm, id, verb string, before, after map[string]json.RawMessage) []ColumnForm {
	i := slices.IndexFunc(list, func(c ColumnForm) bool { return c.ID == id })
	switch {
	case before != nil && after != nil && i >= 0:
		list[i].Fields = maps.Clone(list[i].Fields)
		replaceFields(list[i].Fields, before, after)
	case before == nil && i >= 0: // it was made, or brought back
		return slices.Delete(list, i, i+1)
	case after == nil && before != nil && i < 0 && verb != "purge":
		at := len(list)
		var place struct {
			Position *int `json:"position"`
		}
		if doc, ok := before["position"]; ok && json.Unmarshal([]byte(`{"position":`+string(doc)+`}`), &place) == nil && place.Position != nil {
			at = min(max(*place.Position, 0), len(list))
		}
		return slices.Insert(list, at, ColumnForm{id, before})
	}
	return list
}

// replaceFields puts the fields back that an entry changed.
func replaceFields(fields, before, after map[string]json.RawMessage) {
	for k := range after {
		if _, ok := before[k]; !ok {
			delete(fields, k)
		}
	}
	maps.Copy(fields, before)
}

// reorder puts the columns into the order of a list of ids; those that are not in it stay behind.
func (f *TableForm) reorder(order json.RawMessage) error {
	var ids []string
	if err := json.Unmarshal(order, &ids); err != nil {
		return fmt.Errorf("order of columns: %w", err)
	}
	place := func(c ColumnForm) int {
		if i := slices.Index(ids, c.ID); i >= 0 {
			return i
		}
		return len(ids)
	}
	slices.SortStableFunc(f.Columns, func(a, b ColumnForm) int { return place(a) - place(b) })
	for i := range f.Columns {
		f.Columns[i].Fields = maps.Clone(f.Columns[i].Fields)
		f.Columns[i].Fields["position"] = json.RawMessage(strconv.Itoa(i))
	}
	return nil
}

// FieldChange is a field of a definition that differs, nil where it is not there.
type FieldChange struct {
	Field  string          `json:"field"`
	Before json.RawMessage `json:"before,omitempty"`
	After  json.RawMessage `json:"after,omitempty"`
}

// ColumnChange is a column, or an index, that both of two forms have and that differs.
type ColumnChange struct {
	ID     string        `json:"id"`
	Name   string        `json:"name,omitempty"` // that it has in the later form
	Fields []FieldChange `json:"fields"`
}

// FormDiff is what differs between two forms of a table.
type FormDiff struct {
	From    int64          `json:"from"`
	To      int64          `json:"to"`
	Table   []FieldChange  `json:"table"`
	Added   []ColumnForm   `json:"added"`
	Removed []ColumnForm   `json:"removed"`
	Changed []ColumnChange `json:"changed"`
	// Indexes that were made and removed.
	IndexesAdded   []ColumnForm `json:"indexes_added"`
	IndexesRemoved []ColumnForm `json:"indexes_removed"`
}

// Diff is what has become of a form in another one.
func (f *TableForm) Diff(to *TableForm) *FormDiff {
	d := &FormDiff{From: f.Version, To: to.Version, Table: fieldChanges(f.Table, to.Table, "version"), Changed: []ColumnChange{}}
	d.Added, d.Removed = onlyIn(to.Columns, f.Columns), onlyIn(f.Columns, to.Columns)
	d.IndexesAdded, d.IndexesRemoved = onlyIn(to.Indexes, f.Indexes), onlyIn(f.Indexes, to.Indexes)
	for _, c := range to.Columns {
		i := slices.IndexFunc(f.Columns, func(o ColumnForm) bool { return o.ID == c.ID })
		if i < 0 {
			continue
		}
		if fields := fieldChanges(f.Columns[i].Fields, c.Fields); len(fields) > 0 {
			var name string
			_ = json.Unmarshal(c.Fields["name"], &name)
			d.Changed = append(d.Changed, ColumnChange{ID: c.ID, Name: name, Fields: fields})
		}
	}
	return d
}

func onlyIn(list, other []ColumnForm) []ColumnForm {
	only := []ColumnForm{}
	for _, c := range list {
		if !slices.ContainsFunc(other, func(o ColumnForm) bool { return o.ID == c.ID }) {
			only = append(only, c)
		}
	}
	return only
}

func fieldChanges(from, to map[string]json.RawMessage, but ...string) []FieldChange {
	list := []FieldChange{}
	names := maps.Clone(from)
	maps.Copy(names, to)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if !slices.Contains(but, name) && !bytes.Equal(from[name], to[name]) {
			list = append(list, FieldChange{Field: name, Before: from[name], After: to[name]})
		}
	}
	return list
}
