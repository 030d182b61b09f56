package minidb

import (
	"slices"

	"github.com/livetables/livetables/lqp"
)

// Shown is the table for showing to somebody who sees schema of it: a part of Schema, in which columns may be missing. Of the
// columns that masked reports, only the name and the type are told: what they may hold is said of values that are not shown.
// It is no table to write to: use the snapshot's own for that.
func (t *Table) Shown(schema *lqp.Table, masked func(column string) bool) *Table {
	if schema == t.Schema() {
		return t.readableTable()
	}
	v := *t
	v.Columns = make([]Column, 0, len(t.Columns))
	for _, c := range t.Columns {
		switch {
		case schema.Column(c.ID) == nil:
			continue
		case masked(c.ID):
			c = Column{ID: c.ID, Table: c.Table, Name: c.Name, Type: c.Type, Position: c.Position, Description: c.Description}
		default:
			c = t.readable(c)
		}
		v.Columns = append(v.Columns, c)
	}
	v.indexes = slices.DeleteFunc(slices.Clone(t.indexes), func(x Index) bool {
		return slices.ContainsFunc(x.Columns, func(c IndexColumn) bool { return schema.Column(c.Column) == nil || masked(c.Column) })
	})
	v.Rules = t.Rules.shown(func(id string) bool { return schema.Column(id) != nil && !masked(id) })
	v.layout = &layout{schema: schema, shown: schema}
	return &v
}
