package minidb

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/lqp"
)

// Retype says what a column is to become. Everything else about the column stays: its id, name, place and rules.
type Retype struct {
	Type    ColumnType
	Options ColumnOptions // of the new type; a select column that stays one keeps its choices when none are given
	// AddChoices makes choices of a select column of the values that rows have and Options do not list.
	AddChoices bool
	// CreateRows makes rows of the linked table, of a column that becomes a link, for the texts that no row of it has as its
	// primary value. Target is what the writer may do there.
	CreateRows bool
	Target     Guard
	// AcceptLoss carries the change out although cells lose something.
	AcceptLoss bool
	// Visible, when not nil, says which rows may serve as examples: an expression as in Guard.
	Visible lqp.Expr
	// PolicyVersion is as in Guard.
	PolicyVersion int64
}

// Retyping tells what becomes of the cells of a column that gets another type.
type Retyping struct {
	Column  Column `json:"column"` // as it will be
	Rows    int64  `json:"rows"`
	Empty   int64  `json:"empty"`   // cells without a value, which stay so
	Exact   int64  `json:"exact"`   // values that convert there and back
	Changed int64  `json:"changed"` // values that are written differently and mean the same
	Lost    int64  `json:"lost"`    // values that are emptied, rounded or cut
	// DefaultLost says that the column's default has no counterpart and is dropped.
	DefaultLost bool `json:"default_lost"`
	// Created counts the rows that are made in the linked table.
	Created int64 `json:"created,omitempty"`
	// Missing counts the rows of a required column that would be left without a value, Duplicates the values of a unique one
	// that another row would have too. Either of them keeps the change from being made.
	Missing    int64 `json:"missing"`
	Duplicates int64 `json:"duplicates"`
	// Examples are up to 20 of the lost cells, in the order of the row ids.
	Examples []CellLoss `json:"examples"`
}

// CellLoss is one cell that loses something.
type CellLoss struct {
	Row     string    `json:"row_id"`
	Old     lqp.Value `json:"old"`
	New     lqp.Value `json:"new"` // what would be left
	Code    string    `json:"code"`
	Message string    `json:"message"`
}

const maxExamples = 20

// LossError reports that a change of type was not made because cells would lose something and nobody accepted that.
type LossError struct{ Retyping }

// Error implements error.
func (e *LossError) Error() string {
	if e.Lost == 0 {
		return fmt.Sprintf("the default of %q would be lost", e.Column.Name)
	}
	return fmt.Sprintf("%d of %d values of %q would lose something", e.Lost, e.Rows-e.Empty, e.Column.Name)
}

// PreviewType tells what ChangeType would do to the cells of a column. It writes nothing.
func (db *DB) PreviewType(ctx context.Context, column string, r Retype) (*Retyping, error) {
	table, err := db.tableOfColumn(ctx, column)
	if err != nil {
		return nil, err
	}
	var report *Retyping
	err = db.read(ctx, "preview type of "+column, func(s session) error {
		u := &unit{session: s, db: db, now: db.now()}
		t, err := u.table(table)
		if err != nil {
			return err
		}
		c, err := u.newColumn(t, column, r)
		if err != nil {
			return err
		}
		report, _, err = u.assessRetype(t, c, r)
		return err
	})
	return report, err
}

// ChangeType gives a column another type and converts its values, all in one transaction. Rows whose value is not the same
// afterwards get a new version and a log entry; a value that converts exactly is not a change of its row. version is the
// table's as the caller has seen it, 0 for any.
//
// It fails with a *LossError when values would lose something and r does not accept it, and with a *ValidationError when a
// required column would be empty in rows or a unique one would have a value twice. Every writer waits while the table is
// built anew; readers who began before see the old one.
func (db *DB) ChangeType(ctx context.Context, actor Actor, column string, r Retype, version int64) (*Retyping, error) {
	table, err := db.tableOfColumn(ctx, column)
	if err != nil {
		return nil, err
	}
	var report *Retyping
	_, err = db.alterTable(ctx, "change type of "+column, actor, table, version, func(u *unit, t *Table) error {
		if err := u.checkPolicy(t.Workspace, r.PolicyVersion); err != nil {
			return err
		}
		c, err := u.newColumn(t, column, r)
		if err != nil {
			return err
		}
		var labels *labelMatcher
		if report, labels, err = u.assessRetype(t, c, r); err != nil {
			return err
		}
		switch {
		case report.Missing > 0:
			return invalid("type", CodeRequired, "%d rows would have no value of %q, which is required", report.Missing, c.Name)
		case report.Duplicates > 0:
			return invalid("type", CodeUnique, "%d values of %q, which is unique, would be those of other rows too", report.Duplicates, c.Name)
		case (report.Lost > 0 || report.DefaultLost) && !r.AcceptLoss:
			return &LossError{*report}
		}
		if labels == nil {
			return u.retype(t, c, u.converter(t, c))
		}
		if err := labels.createRows(r.Target); err != nil {
			return err
		}
		return u.retype(t, c, labels.convert)
	})
	if err != nil {
		return nil, err
	}
	return report, nil
}

// checkPolicy fails when the policy has another version than the one that was looked at, 0 for any.
func (u *unit) checkPolicy(workspace string, version int64) error {
	now, err := must(u.session, "workspace "+workspace, func(r record) int64 { return r.integer(0) },
		`SELECT policy_version FROM lt_workspace WHERE id = ?`, argText(workspace))
	if err == nil && version != 0 && now != version {
		err = fmt.Errorf("workspace %s: %w", workspace, ErrSchemaChanged)
	}
	return err
}

// newColumn is the column as it will be.
func (u *unit) newColumn(t *Table, column string, r Retype) (*Column, error) {
	old, ok := t.Column(column)
	if !ok {
		return nil, fmt.Errorf("column: %w", ErrNotFound)
	}
	c := *old
	c.Type, c.Options, c.Default = r.Type, r.Options, lqp.Value{}
	c.Options.Choices = slices.Clone(r.Options.Choices)
	if c.Type.Computed() || old.Type.Computed() {
		// Values that were computed are shown to those only who see what they are computed from; kept by themselves they would not be.
		return nil, invalid("type", CodeType, "a %s column does not become a %s column: add a column", old.Type, c.Type)
	}
	if c.Type == LinkColumn || old.Type == LinkColumn {
		return u.newLabelled(t, old, &c)
	}
	if (c.Type == AttachmentColumn) != (old.Type == AttachmentColumn) {
		return nil, invalid("type", CodeType, "an attachment column stays one, and no other becomes one: its values are files of its own")
	}
	if c.Type.Filled() {
		return nil, invalid("type", CodeType, "the values of a %s column are given when rows are made: add a column", c.Type)
	}
	if c.Type.chosen() && old.Type.chosen() && len(c.Options.Choices) == 0 {
		c.Options.Choices = slices.Clone(old.Options.Choices)
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	if c.Type == UserColumn {
		var err error
		if c.members, err = u.memberIDs(t.Workspace); err != nil {
			return nil, err
		}
	}
	if r.AddChoices && c.Type.chosen() {
		if err := u.gatherChoices(t, old, &c); err != nil {
			return nil, err
		}
	}
	// What the default becomes is told by the report; it never keeps the type from changing.
	c.Default = c.from(old, old.Default).value
	return &c, nil
}

// gatherChoices adds the values that rows have to the choices, in the order of the rows.
func (u *unit) gatherChoices(t *Table, old, c *Column) error {
	known := make(map[string]bool, len(c.Options.Choices))
	for _, ch := range c.Options.Choices {
		known[ch.Name] = true
	}
	err := u.cells(t, old, func(_, v lqp.Value) error {
		v = c.cast(old, v).value
		items := v.Items()
		if v.Kind() == lqp.Text {
			items = []lqp.Value{v}
		}
		for _, item := range items {
			name, err := cleanName(item.Text())
			if err != nil || known[name] {
				continue // what is no name is a lost value, which the report counts
			}
			if len(c.Options.Choices) == maxChoices {
				return &LimitError{Name: "choices", Max: maxChoices}
			}
			known[name] = true
			c.Options.Choices = append(c.Options.Choices, Choice{ID: NewID(prefixChoice), Name: name})
		}
		return nil
	})
	if err != nil {
		return err
	}
	return c.check()
}

// cells delivers the row ids and values of one column in the order of the ids.
func (u *unit) cells(t *Table, c *Column, f func(id, v lqp.Value) error) error {
	l := t.layout
	return u.scanColumns(l, []lqp.Named{l.selects[idSlot], l.selects[l.slots[c.ID]]}, nil, true, func(row []lqp.Value) error {
		return f(row[0], row[1])
	})
}

// assess counts what becomes of the cells when the column of t becomes c.
func (u *unit) assess(t *Table, c *Column, r Retype) (*Retyping, error) {
	old, _ := t.Column(c.ID)
	report := &Retyping{Column: *c, Examples: []CellLoss{}, DefaultLost: c.from(old, old.Default).lost}
	report.Column.Options.Choices = slices.Clone(c.Options.Choices)
	seen := make(map[string]bool)
	var mayShow map[string]bool
	if r.Visible != nil {
		var err error
		if mayShow, err = u.visible(t, c, old, r.Visible); err != nil {
			return nil, err
		}
	}
	err := u.cells(t, old, func(id, v lqp.Value) error {
		if err := u.ctx.Err(); err != nil {
			return err
		}
		report.Rows++
		to := c.from(old, v)
		switch {
		case v.IsNull():
			report.Empty++
		case to.lost:
			report.Lost++
			if len(report.Examples) < maxExamples && (r.Visible == nil || mayShow[id.Text()]) {
				report.Examples = append(report.Examples, CellLoss{Row: id.Text(), Old: v, New: to.value, Code: to.code, Message: to.message})
			}
		case to.exact:
			report.Exact++
		default:
			report.Changed++
		}
		if to.value.IsNull() {
			if c.Required {
				report.Missing++
			}
			return nil
		}
		if c.Unique {
			key := string(to.value.AppendKey(nil))
			if seen[key] {
				report.Duplicates++
			}
			seen[key] = true
		}
		return nil
	})
	return report, err
}

// visible finds the first rows that lose something and satisfy a condition.
func (u *unit) visible(t *Table, c, old *Column, rule lqp.Expr) (map[string]bool, error) {
	check, err := lqp.Resolve(rule, t.layout.slot)
	if err != nil {
		return nil, fmt.Errorf("rule of the table: %w", err)
	}
	slot := t.layout.slots[c.ID]
	found := make(map[string]bool)
	err = u.scan(t.layout, nil, true, func(row []lqp.Value) error {
		if c.from(old, row[slot]).lost && allows(check, row) {
			found[row[idSlot].Text()] = true
			if len(found) == maxExamples {
				return errChunk
			}
		}
		return nil
	})
	if errors.Is(err, errChunk) {
		err = nil
	}
	return found, err
}

// retype makes c the column of t: the record, the physical table and the rows.
func (u *unit) retype(t *Table, c *Column, convert converter) (err error) {
	if u.batch == "" {
		u.batch = NewID(prefixBatch) // by which the cells are found that another change takes back
	}
	before := *t
	before.Columns = slices.Clone(t.Columns)
	i := slices.IndexFunc(t.Columns, func(o Column) bool { return o.ID == c.ID })
	t.Columns[i] = *c
	if !c.storedType().Kind.Orderable() {
		if err := u.removeIndexes(&before, func(x *Index) bool { return x.uses(c.ID) }); err != nil {
			return err
		}
		t.indexes = before.indexes
	}
	if err := u.putColumn(t.Workspace, c); err != nil {
		return err
	}
	if err := u.resource(t.columnEntry("column.update", c.ID), before.Columns[i], *c); err != nil {
		return err
	}
	t.physical = NewID(prefixTable)
	t.layout = newLayout(u.db.store, t)
	if err := t.checkRules(u.db); err != nil { // before an index is asked for that there cannot be
		return err
	}
	if err := u.definePhysical(t); err != nil {
		return err
	}
	if convert, err = u.beginLinks(&before, t, i, convert); err != nil {
		return err
	}
	if err := u.copyRows(&before, t, i, convert); err != nil {
		return err
	}
	if err := u.endLinksOf(&before, t, i); err != nil {
		return err
	}
	if err := u.dropTable(t.Workspace, before.physicalName()); err != nil {
		return err
	}
	if err := u.defineIndexes(t); err != nil {
		return err
	}
	_, err = u.exec(`UPDATE lt_table SET physical = ? WHERE workspace = ? AND id = ?`, argText(t.physical), argText(t.Workspace), argText(t.ID))
	return err
}

// copyRows fills the physical table of t with the rows of before, column i converted.
func (u *unit) copyRows(before, t *Table, i int, convert converter) error {
	slot := t.layout.user[i]
	return u.eachChunk(before.layout, func(rows [][]lqp.Value) error {
		fresh := make([][]lqp.Value, len(rows))
		cells, err := convert(rows)
		if err != nil {
			return err
		}
		for k, row := range rows {
			to := cells[k]
			w := rowWrite{id: row[idSlot].Text(), version: before.layout.versionOf(row), after: slices.Clone(row)}
			w.after[slot] = to.value
			fresh[k] = w.after
			if to.exact {
				continue
			}
			u.stamp(t.layout, &w)
			u.note(audit.Entry{Workspace: t.Workspace, Action: rowActions[lqp.Update], ResourceType: "row", Resource: w.id, Table: t.ID,
				Version: w.version, Before: before.layout.appendImage(nil, row), After: t.layout.appendImage(nil, w.after)})
		}
		if err := u.tx.Insert(u.ctx, t.layout.schema, t.layout.ids, fresh); err != nil {
			return fmt.Errorf("copy rows: %w", err)
		}
		return u.flush()
	})
}
