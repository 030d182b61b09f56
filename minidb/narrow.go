package minidb

import (
	"slices"

	"github.com/livetables/livetables/lqp"
)

// Without is the table without the columns whose ids hidden reports, in Columns and in Schema alike: for showing to somebody
// who may not know of them. It is no table to write to: use the snapshot's own for that.
func (t *Table) Without(hidden func(column string) bool) *Table {
	if !slices.ContainsFunc(t.Columns, func(c Column) bool { return hidden(c.ID) }) {
		return t
	}
	v := *t
	v.Columns = slices.DeleteFunc(slices.Clone(t.Columns), func(c Column) bool { return hidden(c.ID) })
	v.indexes = slices.DeleteFunc(slices.Clone(t.indexes), func(x Index) bool {
		return slices.ContainsFunc(x.Columns, func(c IndexColumn) bool { return hidden(c.Column) })
	})
	schema := *t.Schema()
	schema.Columns = slices.DeleteFunc(slices.Clone(schema.Columns), func(c lqp.Column) bool { return hidden(c.ID) })
	schema.Uniques = slices.DeleteFunc(slices.Clone(schema.Uniques), func(u []string) bool { return slices.ContainsFunc(u, hidden) })
	v.layout = &layout{schema: &schema}
	return &v
}
