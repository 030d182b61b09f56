package minidb

import (
	"errors"
	"fmt"
	"slices"

	"github.com/livetables/livetables/lqp"
)

// rowPlan is a write as far as it can be prepared before the transaction, which is kept short because all writers wait
// for it.
type rowPlan struct {
	index         int // of the write in its Apply
	t             *Table
	l             *layout
	m             *lqp.Mutation
	guard         rowGuard
	policyVersion int64
	changes       []rowChange
	byFilter      bool
	key           []int // slots that an upsert matches on
	faults        []FieldError
	checks        []rowCheck
	links         map[string]LinkGuard // by the id of the link column
	// restored are deleted rows that come back, by id, as they were last.
	restored map[string][]lqp.Value
	// places are those that rows get in the manual order, by id.
	places  map[string]lqp.Value
	reverts bool // the values come from the rows' own past
}

// rowChange is one lqp.RowChange with its values in the table's form.
type rowChange struct {
	index   int // of the change in its mutation
	id      string
	version int64
	merge   bool // a row that has another version by now is merged with
	// overwrite: the writer means to change the row whatever its version is
	overwrite bool
	merged    bool // set is what a merge left of the change
	set       []cell
	bad       []int // slots whose value was refused
}

// cell is a value for a slot of a row.
type cell struct {
	slot  int
	value lqp.Value
}

// rowGuard is a Guard whose columns know their slots. Bound expressions are shared between writers; these are not kept.
type rowGuard struct {
	bound                        lqp.Expr // Guard.Read as given, for the store to plan
	read, create, update, remove lqp.Expr
	requireVersion               bool
}

func allows(rule lqp.Expr, row []lqp.Value) bool {
	return rule == nil || lqp.Truth(lqp.Eval(rule, row))
}

// slot places the columns of a bound expression.
func (l *layout) slot(c *lqp.Col) (int, error) {
	slot, ok := l.slots[c.Column]
	if !ok || c.Source != sourceAlias {
		return 0, fmt.Errorf("column %s.%s: %w", c.Source, c.Column, ErrSchemaChanged)
	}
	return slot, nil
}

func (l *layout) guard(g Guard) (rowGuard, error) {
	r := rowGuard{bound: g.Read, requireVersion: g.RequireVersion}
	for _, e := range []struct {
		from lqp.Expr
		to   *lqp.Expr
	}{{g.Read, &r.read}, {g.Create, &r.create}, {g.Update, &r.update}, {g.Delete, &r.remove}} {
		if e.from == nil {
			continue
		}
		var err error
		if *e.to, err = lqp.Resolve(e.from, l.slot); err != nil {
			return r, fmt.Errorf("rule of the table: %w", err)
		}
	}
	return r, nil
}

// planRows prepares a write. Values that do not fit are kept as faults, to be reported with those that only the
// transaction can find; it fails on what makes the whole mutation meaningless.
func (db *DB) planRows(w *Write, index int) (*rowPlan, error) {
	m := w.Mutation
	if w.Table == nil || w.Table.layout == nil || m == nil {
		return nil, errors.New("write without a table of a snapshot or without a mutation")
	}
	p := &rowPlan{index: index, t: w.Table, l: w.Table.layout, m: m, policyVersion: w.Guard.PolicyVersion, links: w.Guard.Links}
	if m.Connection != "" || m.Table != "" && m.Table != w.Table.ID {
		return nil, fmt.Errorf("mutation of table %q given with table %s", m.Table, w.Table.ID)
	}
	if len(m.Rows) > db.opt.MaxRows {
		return nil, &LimitError{Name: "rows", Max: db.opt.MaxRows}
	}
	var err error
	if p.guard, err = p.l.guard(w.Guard); err != nil {
		return nil, err
	}
	if p.checks, err = p.t.rowChecks(db); err != nil {
		return nil, err
	}
	if p.byFilter = m.Where != nil || m.AllRows; p.byFilter {
		if err := p.checkFilter(); err != nil {
			return nil, err
		}
	}
	switch m.Op {
	case lqp.Insert, lqp.Update, lqp.Delete:
	case lqp.Upsert:
		if err := p.planKey(); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("%q is no operation", m.Op)
	}
	if m.Partial && p.byFilter {
		return nil, errors.New("a mutation by filter changes all its rows or none")
	}
	p.changes = make([]rowChange, len(m.Rows))
	for i := range m.Rows {
		p.planChange(i)
	}
	if m.Op != lqp.Insert && !p.byFilter {
		p.findRepeated()
	}
	return p, nil
}

func (p *rowPlan) checkFilter() error {
	m := p.m
	switch {
	case m.Op != lqp.Update && m.Op != lqp.Delete:
		return fmt.Errorf("%s by filter is not possible", m.Op)
	case m.Where != nil && m.AllRows:
		return errors.New("a filter and all rows exclude each other")
	case m.Op == lqp.Update && len(m.Rows) != 1 || len(m.Rows) > 1:
		return errors.New("a change by filter has its values in one row change")
	case len(m.Rows) == 1 && (len(m.Rows[0].ID) > 0 || m.Rows[0].Version != 0):
		return errors.New("a change by filter names no row")
	case m.MaxAffected > MaxFiltered:
		return &LimitError{Name: "max_affected", Max: MaxFiltered}
	}
	return nil
}

// planKey finds the columns an upsert matches on.
func (p *rowPlan) planKey() error {
	for _, id := range p.m.Key {
		slot, ok := p.l.slots[id]
		if !ok || p.l.schema.Columns[slot].ReadOnly && slot != idSlot {
			return &ValidationError{Write: p.index, Fields: []FieldError{{Column: id, Code: CodeUnknownColumn, Message: "the table has no such column"}}}
		}
		if slices.Contains(p.key, slot) {
			return &ValidationError{Write: p.index, Fields: []FieldError{{Column: id, Code: CodeDuplicateColumn, Message: "the key names the column twice"}}}
		}
		p.key = append(p.key, slot)
	}
	if len(p.key) == 0 {
		p.key = []int{idSlot}
	}
	if len(p.key) > 1 && slices.Contains(p.key, idSlot) {
		return errors.New("the row id is a key of its own")
	}
	return nil
}

func (p *rowPlan) fault(row int, column, code, format string, args ...any) {
	p.faults = append(p.faults, FieldError{Row: row, Column: column, Code: code, Message: fmt.Sprintf(format, args...)})
}

func (p *rowPlan) planChange(i int) {
	from, c := &p.m.Rows[i], &p.changes[i]
	c.index, c.version, c.merge, c.overwrite = i, from.Version, from.Merge, from.Overwrite
	if c.overwrite && c.version != 0 {
		p.fault(i, ColumnVersion, CodeInvalid, "a change that overwrites what is there names no version")
	}
	p.planID(c, from.ID)
	if p.m.Op == lqp.Delete {
		return
	}
	c.set = make([]cell, 0, len(from.Set))
	for _, a := range from.Set {
		slot, ok := p.l.slots[a.Column]
		switch {
		case !ok:
			p.fault(i, a.Column, CodeUnknownColumn, "the table has no such column")
			continue
		case p.l.schema.Columns[slot].ReadOnly:
			p.fault(i, a.Column, CodeReadOnly, "the column cannot be written")
			continue
		case slices.ContainsFunc(c.set, func(o cell) bool { return o.slot == slot }) || slices.Contains(c.bad, slot):
			p.fault(i, a.Column, CodeDuplicateColumn, "the column is given twice")
			continue
		}
		v, code, message := p.t.Columns[slot-1].conform(a.Value)
		if code != "" {
			p.fault(i, a.Column, code, "%s", message)
			c.bad = append(c.bad, slot)
			continue
		}
		c.set = append(c.set, cell{slot, v})
	}
}

// planID checks the row id where one is needed or may be given.
func (p *rowPlan) planID(c *rowChange, id []lqp.Value) {
	byID := p.m.Op == lqp.Upsert && p.key[0] == idSlot || (p.m.Op == lqp.Update || p.m.Op == lqp.Delete) && !p.byFilter
	switch {
	case len(id) == 1 && id[0].Kind() == lqp.Text && ValidID(id[0].Text(), prefixRow) && (byID || p.m.Op == lqp.Insert):
		c.id = id[0].Text()
	case len(id) == 1 && id[0].Kind() == lqp.Text && id[0].Text() != "" && byID && p.m.Op != lqp.Upsert:
		c.id = id[0].Text() // no row has such an id: it will not be found
	case len(id) > 0:
		p.fault(c.index, ColumnID, CodeRowID, "not a row id")
	case byID && p.m.Op == lqp.Upsert:
		c.id = NewID(prefixRow) // no id means a new row
	case byID:
		p.fault(c.index, ColumnID, CodeRowID, "a row id is required")
	}
}

// findRepeated refuses two changes of one row: which of them would count, and in which version, is nothing a writer can
// want to leave open.
func (p *rowPlan) findRepeated() {
	seen := make(map[string]bool, len(p.changes))
	for i := range p.changes {
		c := &p.changes[i]
		var key []byte
		if p.key == nil || p.key[0] == idSlot {
			key = append(key, c.id...)
		} else {
			for _, slot := range p.key {
				at := slices.IndexFunc(c.set, func(o cell) bool { return o.slot == slot })
				if at < 0 || c.set[at].value.IsNull() {
					if !slices.Contains(c.bad, slot) {
						p.fault(i, p.l.ids[slot], CodeRequired, "the key needs a value")
						c.bad = append(c.bad, slot)
					}
					key = nil
					break
				}
				key = c.set[at].value.AppendKey(key)
			}
		}
		if len(key) == 0 {
			continue
		}
		if seen[string(key)] {
			p.fault(i, p.l.ids[p.keySlot()], CodeDuplicateRow, "the mutation changes this row twice")
		}
		seen[string(key)] = true
	}
}

func (p *rowPlan) keySlot() int {
	if len(p.key) == 0 {
		return idSlot
	}
	return p.key[0]
}

// invalid is the error of all faults, by row.
func (p *rowPlan) invalid(faults []FieldError) error {
	slices.SortStableFunc(faults, func(a, b FieldError) int { return a.Row - b.Row })
	return &ValidationError{Write: p.index, Fields: faults}
}
