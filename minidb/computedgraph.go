package minidb

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	"github.com/livetables/livetables/formula"
	"github.com/livetables/livetables/lqp"
)

// graph knows which computed columns of a workspace read which columns, over the borders of tables. It is immutable.
type graph struct {
	order  *formula.Dependencies
	tables map[string]*Table
	// looking are the lookup, rollup and count columns by id.
	looking map[string]*looking
	// watching are those columns by what they look at.
	watching map[watched][]*looking
	watches  map[string]bool // tables with watched columns
}

// looking is a lookup, rollup or count column of a graph.
type looking struct {
	id    string
	table *Table
	lens  *lens // nil for a column that is broken
	why   string
	level int
}

// watched is a column that is looked at through links.
type watched struct{ table, column string }

// newGraph finds what the computed columns of tables read. Tables that are not among them are gone. The error is a
// *formula.CycleError.
func newGraph(tables []*Table) (*graph, error) {
	g := &graph{tables: make(map[string]*Table, len(tables)), looking: map[string]*looking{}, watching: map[watched][]*looking{}, watches: map[string]bool{}}
	for _, t := range tables {
		g.tables[t.ID] = t
	}
	var defs []formula.Definition
	for _, t := range tables {
		for i := range t.layout.computed {
			cell := &t.layout.computed[i]
			c := &t.Columns[cell.column]
			reads := cell.reads
			if c.Type.looks() {
				k := &looking{id: c.ID, table: t}
				var err error
				if k.lens, err = newLens(t, c, g.table); err != nil {
					k.why = err.Error()
				}
				g.looking[c.ID] = k
				reads = append(slices.Clone(reads), c.lookedAt()...)
			}
			defs = append(defs, formula.Definition{ID: c.ID, Name: t.Name + "." + c.Name, Expr: readingOf(reads)})
		}
	}
	var err error
	if g.order, err = formula.Depend(defs); err != nil {
		return nil, err
	}
	for id, k := range g.looking {
		k.level = g.order.Level(id)
		if k.lens == nil {
			continue
		}
		g.watches[k.lens.target.ID] = true
		for _, column := range k.lens.reads {
			at := watched{k.lens.target.ID, column}
			g.watching[at] = append(g.watching[at], k)
		}
	}
	for _, list := range g.watching {
		slices.SortFunc(list, func(a, b *looking) int { return cmp.Or(a.level-b.level, cmp.Compare(a.id, b.id)) })
	}
	return g, nil
}

func (g *graph) table(id string) (*Table, error) {
	if t, ok := g.tables[id]; ok {
		return t, nil
	}
	return nil, fmt.Errorf("table %s: %w", id, ErrNotFound)
}

// lookedAt are the columns of the linked table that the options name, whether they are there or not.
func (c *Column) lookedAt() []string {
	th := c.through()
	var ids []string
	if th.Target != "" {
		ids = append(ids, th.Target)
	}
	if e, err := lqp.DecodeExpr(th.FilterExpr, lqp.DecodeOptions{}); err == nil {
		ids = append(ids, formula.Reads(e)...)
	}
	return ids
}

// readingOf is an expression that reads columns, for what asks expressions what they read.
func readingOf(columns []string) lqp.Expr {
	args := make([]lqp.Expr, len(columns))
	for i, id := range columns {
		args[i] = lqp.Ref("", id)
	}
	return &lqp.Call{Func: "coalesce", Args: args}
}

// describe gives the columns of the tables what they are made of, for whoever decides what a reader sees of them.
func (g *graph) describe() {
	for _, id := range g.order.Order() {
		for _, t := range g.tables {
			i := slices.IndexFunc(t.layout.computed, func(c computedCell) bool { return t.Columns[c.column].ID == id })
			if i >= 0 {
				g.origins(t, &t.layout.computed[i])
			}
		}
	}
}

// origins works out what a computed column is made of, directly or by way of other columns.
func (g *graph) origins(t *Table, cell *computedCell) {
	c := &t.Columns[cell.column]
	column := &t.layout.schema.Columns[cell.slot]
	column.Origins = t.layout.origins(cell.reads)
	if k := g.looking[c.ID]; k != nil {
		if k.lens == nil {
			// It has no values now, but the log has those that it had.
			column.Origins = distinct(append(column.Origins, lqp.Origin{Column: lqp.GoneColumn}))
			return
		}
		target := k.lens.target
		cell.looksAt, cell.filter = k.lens.reads, named(c.through().Filter, target.layout.scope(target))
		list := append(column.Origins, lqp.Origin{Table: target.ID, Column: ColumnID})
		for _, o := range target.layout.origins(k.lens.reads) {
			if o.Table == "" {
				o.Table = target.ID
			}
			list = append(list, o)
		}
		column.Origins = distinct(list)
	}
}

// origins are the columns of a row and what they themselves are made of.
func (l *layout) origins(reads []string) []lqp.Origin {
	var list []lqp.Origin
	for _, id := range reads {
		list = append(list, lqp.Origin{Column: id})
		if slot, ok := l.slots[id]; ok {
			list = append(list, l.schema.Columns[slot].Origins...)
		} else {
			list = append(list, lqp.Origin{Column: lqp.GoneColumn})
		}
	}
	return distinct(list)
}

func distinct(list []lqp.Origin) []lqp.Origin {
	slices.SortFunc(list, func(a, b lqp.Origin) int {
		return cmp.Or(cmp.Compare(a.Table, b.Table), cmp.Compare(a.Column, b.Column))
	})
	return slices.Compact(list)
}

// loadGraph reads the graph of a workspace as the transaction has it, nil when no column looks through a link. instead, when
// not nil, takes the place of what is stored of that table.
func (u *unit) loadGraph(workspace string, instead *Table) (*graph, error) {
	ids, err := all(u.session, func(r record) string { return r.text(0) },
		`SELECT DISTINCT table_id FROM lt_column WHERE workspace = ? AND type IN (?, ?, ?) ORDER BY table_id`, argText(workspace),
		argText(string(LookupColumn)), argText(string(RollupColumn)), argText(string(CountColumn)))
	if err != nil {
		return nil, err
	}
	if instead != nil && !slices.Contains(ids, instead.ID) && slices.ContainsFunc(instead.Columns, func(c Column) bool { return c.Type.looks() }) {
		ids = append(ids, instead.ID)
	}
	if len(ids) == 0 {
		return nil, nil
	}
	var tables []*Table
	for i := 0; i < len(ids); i++ { // it grows
		t := instead
		if t == nil || t.ID != ids[i] {
			t, err = u.table(ids[i])
			if errors.Is(err, ErrNotFound) {
				continue
			}
			if err != nil {
				return nil, err
			}
		}
		tables = append(tables, t)
		for k := range t.Columns {
			c := &t.Columns[k]
			if !c.Type.looks() {
				continue
			}
			if link, ok := t.Column(c.through().Link); ok && link.Type == LinkColumn && !slices.Contains(ids, link.Options.Link.Table) {
				ids = append(ids, link.Options.Link.Table)
			}
		}
	}
	return newGraph(tables)
}

// graphOf is the graph of a workspace for the writing of rows, nil when no column looks through a link. Where the catalogue
// in memory is that of the transaction it is the catalogue's.
func (u *unit) graphOf(workspace string) (*graph, error) {
	if u.graphed == workspace && u.graphTouches == u.touches {
		return u.graph, nil
	}
	var err error
	if u.graph, err = u.findGraph(workspace); err != nil {
		return nil, err
	}
	u.graphed, u.graphTouches = workspace, u.touches
	return u.graph, nil
}

func (u *unit) findGraph(workspace string) (*graph, error) {
	s, _ := u.db.snapshots.get(workspace)
	if s == nil || len(u.stale) > 0 {
		return u.loadGraph(workspace, nil)
	}
	revision := u.revision
	if revision == 0 {
		var err error
		if revision, err = must(u.session, "workspace", func(r record) int64 { return r.integer(0) },
			`SELECT revision FROM lt_workspace WHERE id = ?`, argText(workspace)); err != nil {
			return nil, err
		}
	}
	if revision != s.Revision {
		return u.loadGraph(workspace, nil)
	}
	return s.graph, nil
}

// computed builds the graph of the snapshot and tells its columns what they are made of.
func (l *loader) computed() error {
	var with []*Table
	looks := false
	for _, list := range [][]*Table{l.s.Tables, l.s.Archived} {
		for _, t := range list {
			looks = looks || t.layout.looks
			with = append(with, t)
		}
	}
	if !looks {
		return nil // formulas know by themselves
	}
	g, err := newGraph(with)
	if circle := (*formula.CycleError)(nil); errors.As(err, &circle) {
		return nil // nobody could store that: what looks through links is seen by nobody and has no values
	}
	if err != nil {
		return err
	}
	g.describe()
	l.s.graph = g
	return nil
}
