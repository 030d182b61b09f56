package minidb

import (
	"fmt"

	"github.com/livetables/livetables/lqp"
)

// LinkGuard is what the writer of a link column may do with the rows of the table that the column names. The zero LinkGuard
// lets everything be linked.
type LinkGuard struct {
	// Table is the linked table as the guard was made for it, nil for as it is. When it has changed since, the write is
	// answered with ErrSchemaChanged.
	Table *Table
	// Read says which rows exist for the writer: a bound expression as those of Guard, over Table's Schema. A link to any other
	// row is a fault with the words of one to a row that is not there.
	Read lqp.Expr
	// Part says that the writer sees links to the rows that Read lets, and no others: what it gives a cell takes the place of
	// those, and the others stay.
	Part bool
	// Update is asked of the linked rows before and after the write where the link is two-way, since they change with it.
	Update lqp.Expr
	// Closed refuses every change of the column's cells with ErrForbidden. The deletion of a row takes it off cells
	// whatever the guard says.
	Closed bool
}

// linkTarget is the table that a link column names as the transaction sees it, nil while it is in no use at all.
func (u *unit) linkTarget(p *rowPlan, c *Column) (*Table, error) {
	id := c.Options.Link.Table
	if id == p.t.ID {
		return p.t, nil
	}
	g := p.links[c.ID]
	if g.Table == nil || g.Table.layout == nil || g.Table.ID != id {
		return u.linkTable(id)
	}
	type standing struct {
		version  int64
		archived bool
	}
	now, ok, err := one(u.session, func(r record) standing { return standing{r.integer(0), r.optional(1) != nil} },
		`SELECT version, archived_at FROM lt_table WHERE workspace = ? AND id = ?`, argText(p.t.Workspace), argText(id))
	if err != nil || !ok {
		return nil, err
	}
	if now.version != g.Table.Version || now.archived != g.Table.Archived() {
		return nil, fmt.Errorf("table %s: %w", id, ErrSchemaChanged)
	}
	return g.Table, nil
}

// linkTable reads a table, nil for one that is not there.
func (u *unit) linkTable(id string) (*Table, error) {
	found, err := u.taken(`SELECT 1 FROM lt_table WHERE id = ?`, argText(id))
	if err != nil || !found {
		return nil, err
	}
	return u.table(id)
}
