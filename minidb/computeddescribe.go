package minidb

import "slices"

// Computation tells people what a computed column is computed from. See Table.Described.
type Computation struct {
	Formula string `json:"formula,omitempty"` // of a formula column, with the names that its columns have now
	Filter  string `json:"filter,omitempty"`  // of a column that looks through a link, with the names in the linked table
	// Reads are the ids of the columns of its own row that it reads, not those that these read in turn. For a column that looks
	// through a link it is the link column.
	Reads []string `json:"reads"`
	// LooksAt are the ids of the columns of the linked table that it reads.
	LooksAt []string `json:"looks_at,omitempty"`
}

// Described tells what a computed column of a table of a snapshot is computed from; the zero Computation for any other column.
func (t *Table) Described(column string) Computation {
	for i := range t.layout.computed {
		cell := &t.layout.computed[i]
		c := &t.Columns[cell.column]
		if c.ID != column {
			continue
		}
		d := Computation{Reads: slices.Clone(cell.reads), LooksAt: slices.Clone(cell.looksAt), Filter: cell.filter}
		if c.Type == FormulaColumn {
			d.Formula = named(c.Options.Formula, t.layout.scope(t))
		}
		return d
	}
	return Computation{}
}

// readable is a column for showing: a computed one tells what it is computed from, by the names of today.
func (t *Table) readable(c Column) Column {
	if !c.Type.Computed() {
		return c
	}
	d := t.Described(c.ID)
	if d.Formula != "" {
		c.Options.Formula = d.Formula
	}
	if d.Filter != "" {
		th := c.Options.Through.clone()
		th.Filter = d.Filter
		c.Options.Through = th
	}
	c.Computed = &d
	return c
}

// readableTable is the table for showing to somebody who sees all of it.
func (t *Table) readableTable() *Table {
	if len(t.layout.computed) == 0 {
		return t
	}
	v := *t
	v.Columns = make([]Column, len(t.Columns))
	for i, c := range t.Columns {
		v.Columns[i] = t.readable(c)
	}
	return &v
}
