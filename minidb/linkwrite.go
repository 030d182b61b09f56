package minidb

import (
	"slices"

	"github.com/livetables/livetables/lqp"
)

// linkWork is what a write does beside its own rows because of links: edges that come and go, and rows of this and other
// tables whose cells change with them.
type linkWork struct {
	edges  []*edgeWork
	tables []*linkedTable
	faults []FieldError
}

// edgeWork are the changes of one table of edges.
type edgeWork struct {
	e     edges         // as the column that came first looks at it
	add   map[edge]bool // from that side
	take  map[edge]bool //
	clear []clearance   // all edges of rows that are deleted
	order []edge        // of add and take, for the same statements every time
}

type clearance struct {
	e    edges
	rows []string
}

// linkedTable are the rows of a table, apart from those of the write itself, that change with links.
type linkedTable struct {
	p    *rowPlan
	list []rowWrite
	at   map[string]int
}

// linker works out a linkWork.
type linker struct {
	*unit
	p     *rowPlan
	list  []rowWrite
	mine  map[string]int // rows of the list by id
	work  *linkWork
	cells map[cellPlace]*cellChange
	order []cellPlace
	rows  int // other rows that change
}

// cellPlace is a cell of a link column.
type cellPlace struct {
	table, row string
	slot       int
}

// cellChange is what becomes of a cell because the other side of its links changed.
type cellChange struct {
	t         *Table
	c         *Column
	add, take []string
	cause     int     // index in the list of the row that was written
	by        *Column // whose cells were written, nil where a row was deleted
}

// planLinks works out what the rows of a write as they would be do to links. It brings the rows of the list itself up to
// date where both columns of a link are in their table, and finds what is wrong.
func (u *unit) planLinks(p *rowPlan, list []rowWrite) (*linkWork, error) {
	k := &linker{unit: u, p: p, list: list, work: &linkWork{}, mine: make(map[string]int, len(list)), cells: make(map[cellPlace]*cellChange)}
	var gone []string
	for i := range list {
		k.mine[list[i].id] = i
		if list[i].op == lqp.Delete {
			gone = append(gone, list[i].id)
		}
	}
	if len(p.l.links) == 0 && len(gone) == 0 {
		return k.work, nil
	}
	// What was asked for is gathered from all columns before any cell is changed because of it.
	changes := make([][]linkChange, len(p.l.links))
	for n, i := range p.l.links {
		changes[n] = linkChanges(list, p.l.user[i])
	}
	for n, i := range p.l.links {
		if err := k.column(&p.t.Columns[i], changes[n], gone); err != nil {
			return nil, err
		}
	}
	if len(gone) > 0 {
		if err := k.takeOff(gone); err != nil {
			return nil, err
		}
	}
	if err := k.changeCells(); err != nil {
		return nil, err
	}
	return k.work, k.checkLinked()
}

// linkChange is an edge that a row of the list gains or loses.
type linkChange struct {
	index int // in the list
	other string
	add   bool
}

// linkChanges compares the cells of a link column before and after, by row.
func linkChanges(list []rowWrite, slot int) (changes []linkChange) {
	for i := range list {
		w := &list[i]
		var before, after lqp.Value
		if w.before != nil {
			before = w.before[slot]
		}
		if w.after != nil {
			after = w.after[slot]
		}
		if !w.changed || lqp.Equal(before, after) {
			continue
		}
		old, now := linkIDs(before), linkIDs(after)
		had, has := setOf(old), setOf(now)
		for _, id := range old {
			if !has[id] {
				changes = append(changes, linkChange{i, id, false})
			}
		}
		for _, id := range now {
			if !had[id] {
				changes = append(changes, linkChange{i, id, true})
			}
		}
	}
	return changes
}

func setOf(ids []string) map[string]bool {
	set := make(map[string]bool, len(ids))
	for _, id := range ids {
		set[id] = true
	}
	return set
}

// column plans the changes of one link column of the table.
func (k *linker) column(c *Column, changes []linkChange, gone []string) error {
	e := edgesOf(k.p.t, c)
	if len(gone) > 0 {
		w := k.edgesOf(e)
		w.clear = append(w.clear, clearance{e, gone})
	}
	if len(changes) == 0 {
		return nil
	}
	if most := k.db.opt.MaxRows * 10; len(changes) > most {
		return &LimitError{Name: "links that one write changes", Max: most}
	}
	guard := k.p.links[c.ID]
	for _, x := range changes {
		if w := &k.list[x.index]; guard.Closed && w.op != lqp.Delete {
			return &RowError{Write: k.p.index, Index: w.index, Row: k.named(w), Err: ErrForbidden}
		}
	}
	target, err := k.linkTarget(k.p, c)
	if err != nil {
		return err
	}
	var inverse *Column // nil also while it is in the trash: it is brought up to date when it comes back
	if target != nil {
		inverse, _ = target.Column(c.Options.Link.Inverse)
	}
	if changes, err = k.existing(c, target, changes, guard.Read); err != nil {
		return err
	}
	for _, x := range changes {
		w := &k.list[x.index]
		if w.op != lqp.Delete {
			k.edgesOf(e).change(e, edge{w.id, x.other}, x.add)
		}
		if inverse == nil {
			continue
		}
		by := c
		if w.op == lqp.Delete {
			by = nil
		}
		k.cell(target, inverse, x.other, w.id, x.add, x.index, by)
	}
	return nil
}

// named is the id of a row for an error, empty for a row that is not there yet.
func (k *linker) named(w *rowWrite) string {
	if w.op == lqp.Insert {
		return ""
	}
	return w.id
}

// existing leaves out the links to rows that are not there for the writer, which are faults.
func (k *linker) existing(c *Column, target *Table, changes []linkChange, read lqp.Expr) ([]linkChange, error) {
	there := make(map[string]bool)
	var ask []lqp.Value
	for _, x := range changes {
		if _, asked := there[x.other]; asked || !x.add {
			continue
		}
		there[x.other] = false
		if i, ok := k.mine[x.other]; ok && target == k.p.t {
			there[x.other] = k.list[i].op != lqp.Delete
			continue
		}
		ask = append(ask, lqp.TextValue(x.other))
	}
	if target != nil && !target.Archived() && len(ask) > 0 {
		l := target.layout
		check, err := l.guard(Guard{Read: read})
		if err != nil {
			return nil, err
		}
		selects := l.selects
		if check.read == nil {
			selects = selects[idSlot : idSlot+1]
		}
		err = k.scanColumnsIn(l, selects, idSlot, ask, func(row []lqp.Value) error {
			there[row[idSlot].Text()] = allows(check.read, row)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return slices.DeleteFunc(changes, func(x linkChange) bool {
		if !x.add || there[x.other] {
			return false
		}
		k.fault(x.index, c.ID, CodeLink, c.noRow(x.other), x.other)
		return true
	}), nil
}

// fault notes what is wrong with a cell of a row; other is the linked row that it is about, "" for none.
func (k *linker) fault(index int, column, code, message, other string) {
	k.work.faults = append(k.work.faults, FieldError{Row: k.list[index].index, Column: column, Code: code, Message: message, other: other})
}

// edgesOf is the work on a table of edges.
func (k *linker) edgesOf(e edges) *edgeWork {
	for _, w := range k.work.edges {
		if w.e.table == e.table {
			return w
		}
	}
	w := &edgeWork{e: e, add: make(map[edge]bool), take: make(map[edge]bool)}
	k.work.edges = append(k.work.edges, w)
	return w
}

// change notes an edge as the side of e sees it. Both columns of a link may have been written with the same one.
func (w *edgeWork) change(e edges, x edge, add bool) {
	if e.own != w.e.own {
		x = edge{x.other, x.own}
	}
	set := w.take
	if add {
		set = w.add
	}
	if !set[x] {
		set[x] = true
		w.order = append(w.order, x)
	}
}

// cell notes that a cell of the other side gains or loses a row.
func (k *linker) cell(t *Table, c *Column, row, id string, add bool, cause int, by *Column) {
	at := cellPlace{t.ID, row, t.layout.slots[c.ID]}
	ch := k.cells[at]
	if ch == nil {
		ch = &cellChange{t: t, c: c, cause: cause, by: by}
		k.cells[at] = ch
		k.order = append(k.order, at)
	}
	if by != nil && ch.by == nil {
		ch.by = by
	}
	if add {
		ch.add = append(ch.add, id)
	} else {
		ch.take = append(ch.take, id)
	}
}

// takeOff takes deleted rows off the cells that name them. Those of two-way links are found by the rows' own cells, unless
// the column with them is in the trash. A link of which no column is in use keeps its edges, for rows that are restored before
// it is: they are looked through when it comes back.
func (k *linker) takeOff(gone []string) error {
	look := k.linksOf
	if k.group != nil {
		look = k.group.linksOf
	}
	links, err := look(k.p.t.Workspace, k.p.t.ID)
	if err != nil {
		return err
	}
	for _, l := range links {
		if l.target != k.p.t.ID {
			continue
		}
		if err := k.takeOffColumn(l, gone); err != nil {
			return err
		}
	}
	return nil
}

// takeOffColumn takes deleted rows off the cells of a column that names rows of their table.
func (k *linker) takeOffColumn(l listedLink, gone []string) error {
	t := k.p.t
	if l.table != t.ID {
		var err error
		if t, err = k.linkTable(l.table); err != nil {
			return err
		}
	}
	var c *Column
	if t != nil {
		c, _ = t.Column(l.column)
	}
	if c == nil { // in the trash: its cells follow when it comes back
		return nil
	}
	back := l.sides(k.p.t.Workspace).flip()
	w := k.edgesOf(back)
	if _, two := k.p.t.Column(c.Options.Link.Inverse); two {
		return nil
	}
	found, err := back.read(k.unit, gone, k.db.opt.MaxRows)
	if err != nil || len(found) == 0 {
		return err
	}
	w.clear = append(w.clear, clearance{back, gone})
	for _, x := range found {
		k.cell(t, c, x.other, x.own, false, k.mine[x.own], nil)
	}
	return nil
}
