package minidb

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/livetables/livetables/formula"
	"github.com/livetables/livetables/lqp"
)

// What changes of definitions do to computed columns. The rows of the table that was changed keep their versions, and the log
// tells of the change of the table alone: its version counts it. Rows of other tables that are computed from it change as
// they do when rows change.

// altering brings computed columns in line with changed definitions.
type altering struct {
	*unit
	workspace string
	t         *Table // that was changed, as it is now; nil where tables came or went
	before    *Table // t as it was, nil for a new table
	graph     *graph // nil when nothing looks through a link
	// was are tables as they were before their computed columns got other types or broke.
	was   map[string]*Table
	stale map[string]bool // computed columns whose values are to be computed anew
}

// recompute computes the columns that are computed from what differs between two definitions of a table, in this table and
// all others. before is nil for a new table.
func (u *unit) recompute(before, t *Table) error {
	changed := changedColumns(before, t)
	if len(changed) > 0 {
		a := &altering{unit: u, workspace: t.Workspace, t: t, before: before, was: map[string]*Table{}, stale: map[string]bool{}}
		if err := a.do(changed, before != nil); err != nil {
			return err
		}
	}
	return u.describe(t)
}

// recomputeAround computes what looks at rows of tables that came back or went, and what looks from them.
func (u *unit) recomputeAround(workspace string, tables ...string) error {
	a := &altering{unit: u, workspace: workspace, was: map[string]*Table{}, stale: map[string]bool{}}
	g, err := u.loadGraph(workspace, nil)
	if err != nil || g == nil {
		return graphError(err)
	}
	var changed []string
	for _, t := range g.tables {
		for i := range t.Columns {
			c := &t.Columns[i]
			switch {
			case c.Type == LinkColumn && slices.Contains(tables, c.Options.Link.Table), slices.Contains(tables, t.ID) && c.Type.looks():
				changed = append(changed, c.ID)
			}
		}
	}
	slices.Sort(changed)
	return a.do(changed, true)
}

// describe tells the columns of a table what they are made of. A reader who does not see all of that does not see them.
func (u *unit) describe(t *Table) error {
	t.layout = newLayout(u.db.store, t)
	if !t.layout.looks {
		return nil
	}
	g, err := u.loadGraph(t.Workspace, t)
	if err != nil {
		return graphError(err)
	}
	g.describe()
	return nil
}

// graphError says that columns of several tables read each other in a circle.
func graphError(err error) error {
	var circle *formula.CycleError
	if errors.As(err, &circle) {
		return lqp.Problems{{Path: "$.options", Code: lqp.CodeCycle, Message: circle.Error()}}
	}
	return err
}

func snapshotOf(t *Table) *Table {
	c := *t
	c.Columns = slices.Clone(t.Columns)
	return &c
}

// changedColumns are the columns in which two definitions of a table differ as far as computing goes.
func changedColumns(before, t *Table) []string {
	var ids []string
	var old []Column
	if before != nil {
		old = before.Columns
	}
	for i := range t.Columns {
		c := &t.Columns[i]
		at := slices.IndexFunc(old, func(o Column) bool { return o.ID == c.ID })
		if at < 0 || !computesAlike(&old[at], c) {
			ids = append(ids, c.ID)
		}
	}
	for i := range old {
		if _, ok := t.Column(old[i].ID); !ok {
			ids = append(ids, old[i].ID)
		}
	}
	return ids
}

// computesAlike reports whether a change of a column leaves alone what is computed from it and by it.
func computesAlike(a, b *Column) bool {
	if a.Type != b.Type || a.storedType() != b.storedType() || !bytes.Equal(a.Options.Expr, b.Options.Expr) || a.Options.Broken != b.Options.Broken {
		return false
	}
	x, y := a.through(), b.through()
	return x.Link == y.Link && x.Target == y.Target && x.Aggregate == y.Aggregate && bytes.Equal(x.FilterExpr, y.FilterExpr)
}

// do finds what is stale because columns changed and computes it, where there are rows.
func (a *altering) do(changed []string, rows bool) error {
	if err := a.load(); err != nil {
		return err
	}
	changed = slices.Clone(changed)
	for {
		a.follow(changed)
		more, err := a.redefine()
		if err != nil {
			return err
		}
		if len(more) == 0 {
			break
		}
		changed = append(changed, more...)
		if err := a.load(); err != nil {
			return err
		}
	}
	if len(a.stale) == 0 || !rows {
		return nil
	}
	if err := a.rebuildTables(); err != nil {
		return fmt.Errorf("compute columns: %w", err)
	}
	if err := a.passes(); err != nil {
		return fmt.Errorf("compute columns: %w", err)
	}
	return a.checkStale()
}

func (a *altering) load() error {
	if a.t != nil {
		a.t.layout = newLayout(a.db.store, a.t)
	}
	g, err := a.loadGraph(a.workspace, a.t)
	a.graph = g
	return graphError(err)
}

// follow marks what is computed from changed columns.
func (a *altering) follow(changed []string) {
	order := (*formula.Dependencies)(nil)
	if a.graph != nil {
		order = a.graph.order
	} else if a.t != nil {
		order, _ = formula.Depend(a.t.layout.definitions(a.t)) // a circle was refused when it was made
	}
	if order == nil {
		return
	}
	for _, id := range changed {
		if t := a.tableOf(id); t != nil {
			if c, ok := t.Column(id); ok && c.Type.Computed() {
				a.stale[id] = true
			}
		}
	}
	for _, id := range order.Affected(changed...) {
		a.stale[id] = true
	}
}

// tables are those whose computed columns are known, in a fixed order.
func (a *altering) tables() []*Table {
	if a.graph == nil {
		return []*Table{a.t}
	}
	var list []*Table
	for _, id := range slices.Sorted(maps.Keys(a.graph.tables)) {
		list = append(list, a.graph.tables[id])
	}
	if a.t != nil && a.graph.tables[a.t.ID] == nil {
		list = append(list, a.t)
	}
	return list
}

func (a *altering) tableOf(column string) *Table {
	for _, t := range a.tables() {
		if _, ok := t.Column(column); ok {
			return t
		}
	}
	return nil
}

// definitions are the computed columns with what they read in their own rows.
func (l *layout) definitions(t *Table) []formula.Definition {
	defs := make([]formula.Definition, len(l.computed))
	for i, cell := range l.computed {
		c := &t.Columns[cell.column]
		defs[i] = formula.Definition{ID: c.ID, Name: c.Name, Expr: readingOf(cell.reads)}
	}
	return defs
}

// redefine gives computed columns the types that their values have now, and says of those that can no longer be computed that
// they are broken. Both are changes of their tables. It lists the columns that changed.
func (a *altering) redefine() (changed []string, err error) {
	for _, t := range a.tables() {
		before := snapshotOf(t)
		if err := a.define(t, func(*Column) bool { return false }, pathOfColumn); err != nil {
			return nil, err
		}
		ids := changedColumns(before, t)
		if len(ids) == 0 {
			continue
		}
		if a.was[t.ID] == nil {
			a.was[t.ID] = before
			if err := a.countVersion(t); err != nil {
				return nil, err
			}
		}
		for _, id := range ids {
			old, _ := before.Column(id)
			c, _ := t.Column(id)
			if err := a.putColumn(t.Workspace, c); err != nil {
				return nil, err
			}
			if err := a.resource(t.columnEntry("column.update", c.ID), *old, *c); err != nil {
				return nil, err
			}
		}
		changed = append(changed, ids...)
	}
	return changed, nil
}

// countVersion makes a table that changes along with another one its next version.
func (a *altering) countVersion(t *Table) error {
	if a.t != nil && t.ID == a.t.ID {
		return nil // it was counted when it was changed
	}
	t.Version++
	if _, err := a.exec(`UPDATE lt_table SET version = ? WHERE workspace = ? AND id = ?`, argInt(t.Version), argText(t.Workspace), argText(t.ID)); err != nil {
		return err
	}
	return a.touch(t.Workspace, false)
}

// passes goes through the tables with stale columns that look through links, level by level.
func (a *altering) passes() error {
	if a.graph == nil {
		return nil
	}
	type pass struct {
		table   *Table
		level   int
		columns []*looking
	}
	var list []*pass
	for _, id := range a.graph.order.Order() {
		k := a.graph.looking[id]
		if k == nil || !a.stale[id] {
			continue
		}
		at := slices.IndexFunc(list, func(p *pass) bool { return p.table == k.table && p.level == k.level })
		if at < 0 {
			at = len(list)
			list = append(list, &pass{table: k.table, level: k.level})
		}
		list[at].columns = append(list[at].columns, k)
	}
	slices.SortStableFunc(list, func(x, y *pass) int { return x.level - y.level })
	for _, p := range list {
		err := a.eachChunk(p.table.layout, func(rows [][]lqp.Value) error {
			changed, err := a.recomputed(a.graph, p.table, p.columns, rows)
			if err != nil || len(changed) == 0 {
				return err
			}
			if err := a.writeComputed(p.table, changed, a.t != nil && p.table.ID == a.t.ID); err != nil {
				return err
			}
			if err := a.ctx.Err(); err != nil {
				return err
			}
			return a.flush()
		})
		if err != nil {
			return fmt.Errorf("table %s: %w", p.table.ID, err)
		}
	}
	return nil
}

// checkStale refuses values of computed columns that break a check of the changed table.
func (a *altering) checkStale() error {
	if a.t == nil || len(a.t.Rules.Checks) == 0 || !slices.ContainsFunc(a.t.Columns, func(c Column) bool { return a.stale[c.ID] }) {
		return nil
	}
	return a.checkRows(a.t, TableRules{})
}
