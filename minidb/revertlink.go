package minidb

import (
	"slices"

	"github.com/livetables/livetables/lqp"
)

// Of a two-way link both columns change when one of them is written, and the log has both. Taken back is one of them, the
// leading one, when the plan is about both tables: the other follows, as it did the first time.

// followers are the slots of the link columns of a table that follow a leading one in one of the tables given.
func followers(t *Table, tables []*Table) map[int]bool {
	var slots map[int]bool
	for _, i := range t.layout.links {
		c := &t.Columns[i]
		for _, other := range tables {
			if other.ID != c.linkedTable(t) {
				continue
			}
			if inverse, ok := other.Column(c.Options.Link.Inverse); ok && inverse.leads(c) {
				if slots == nil {
					slots = map[int]bool{}
				}
				slots[t.layout.user[i]] = true
			}
		}
	}
	return slots
}

// linkedTable is the id of the table whose rows the cells of c name.
func (c *Column) linkedTable(t *Table) string {
	if c.Options.Link.Table == "" {
		return t.ID
	}
	return c.Options.Link.Table
}

// leads reports whether c leads of the two columns of a link: the one whose cells name one row at most, else the first made.
func (c *Column) leads(inverse *Column) bool {
	if c.Options.Link.Single != inverse.Options.Link.Single {
		return c.Options.Link.Single
	}
	return c.ID < inverse.ID
}

// revertStep is one mutation of a plan that is carried out.
type revertStep struct {
	t    *TableRevert
	op   lqp.Op
	rows []*RowRevert
	// cells says which cells of a row an update sets, and with ColumnOrder whether it moves rows.
	cells func(t *Table, column string) bool
}

func everyCell(*Table, string) bool { return true }

func linkCell(t *Table, column string) bool {
	c, ok := t.Column(column)
	return ok && c.Type == LinkColumn
}

func plainCell(t *Table, column string) bool { return !linkCell(t, column) }

// steps are the mutations in their order: what is deleted frees unique values for what is changed, and both for what is
// restored; links are set when the rows that they name are back.
func (p *RevertPlan) steps() (list []revertStep) {
	add := func(t *TableRevert, op lqp.Op, cells func(*Table, string) bool) {
		step := revertStep{t: t, op: op, cells: cells}
		for i := range t.Rows {
			r := &t.Rows[i]
			if r.Op == op && (op != lqp.Update || r.Move != nil && cells(t.Table, ColumnOrder) ||
				slices.ContainsFunc(r.Cells, func(c CellRevert) bool { return cells(t.Table, c.Column) })) {
				step.rows = append(step.rows, r)
			}
		}
		if len(step.rows) > 0 {
			list = append(list, step)
		}
	}
	each := func(op lqp.Op, cells func(*Table, string) bool) {
		for _, t := range p.Tables {
			add(t, op, cells)
		}
	}
	each(lqp.Delete, everyCell)
	restoring := slices.ContainsFunc(p.Tables, func(t *TableRevert) bool {
		return slices.ContainsFunc(t.Rows, func(r RowRevert) bool { return r.Op == lqp.Insert })
	})
	if !restoring {
		each(lqp.Update, everyCell)
		return list
	}
	each(lqp.Update, plainCell)
	for _, t := range p.linkOrder() {
		add(t, lqp.Insert, everyCell)
	}
	each(lqp.Update, linkCell)
	return list
}

// linkOrder are the tables of the plan, those first that others link to. In a circle somebody begins.
func (p *RevertPlan) linkOrder() []*TableRevert {
	order := make([]*TableRevert, 0, len(p.Tables))
	seen := map[*TableRevert]bool{}
	var visit func(t *TableRevert)
	visit = func(t *TableRevert) {
		if seen[t] {
			return
		}
		seen[t] = true
		for _, i := range t.Table.layout.links {
			if t.follows[t.Table.layout.user[i]] {
				continue
			}
			for _, other := range p.Tables {
				if other.Table.ID == t.Table.Columns[i].linkedTable(t.Table) {
					visit(other)
				}
			}
		}
		order = append(order, t)
	}
	for _, t := range p.Tables {
		visit(t)
	}
	return order
}

// unlink takes a row that a fault names out of a link cell that is to be set, and notes that it is lost.
func (r *RowRevert) unlink(t *Table, f FieldError) {
	at := slices.IndexFunc(r.Cells, func(c CellRevert) bool { return c.Column == f.Column })
	if at < 0 { // of a row that is restored, with the cell that it had
		now := r.Now[t.layout.slots[f.Column]]
		r.Cells = append(r.Cells, CellRevert{Column: f.Column, From: now, To: now})
		at = len(r.Cells) - 1
	}
	c := &r.Cells[at]
	c.To = linkValue(slices.DeleteFunc(linkIDs(c.To), func(id string) bool { return id == f.other }))
	r.Lost = append(r.Lost, LostCell{Column: f.Column, Code: f.Code, Message: f.Message})
	if r.Op == lqp.Update && lqp.Equal(c.From, c.To) {
		if r.Cells = slices.Delete(r.Cells, at, at+1); len(r.Cells) == 0 && r.Move == nil {
			r.Op = ""
		}
	}
}

// order notes how the links of a row were ordered in columns that follow others: what follows has the links of before, and gets
// their order too.
func (p *RevertPlan) order(t *Table, r *RowRevert) {
	for slot, ids := range r.orders {
		if len(ids) > 1 {
			if p.orders == nil {
				p.orders = map[cellPlace][]string{}
			}
			p.orders[cellPlace{t.ID, r.ID, slot}] = ids
		}
	}
}

// inOrder puts those of ids that are in an order into it, before the others.
func inOrder(ids, order []string) {
	if len(order) == 0 {
		return
	}
	place := make(map[string]int, len(order))
	for i, id := range order {
		place[id] = i - len(order)
	}
	slices.SortStableFunc(ids, func(a, b string) int { return place[a] - place[b] })
}
