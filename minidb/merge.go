package minidb

import (
	"fmt"
	"time"

	"github.com/livetables/livetables/lqp"
)

// ConflictReason says why a change of a row did not go with what became of the row meanwhile.
type ConflictReason string

// The reasons of conflicts.
const (
	ConflictVersion ConflictReason = "version"      // the row has another version and no merge was asked for
	ConflictFields  ConflictReason = "fields"       // somebody else gave other values to columns of the change
	ConflictChanged ConflictReason = "changed"      // a row to be deleted was changed meanwhile
	ConflictBase    ConflictReason = "base_unknown" // the log no longer has the version that the change began with, or does not show it
	ConflictDeleted ConflictReason = "deleted"      // the row is gone
)

// FieldConflict is a column that the writer and somebody else gave different values, both other than what the writer began
// with.
type FieldConflict struct {
	Column string // id
	// Base is what the column held in the version that the writer has seen, Mine what the writer gives it, Theirs what it holds now.
	Base, Mine, Theirs lqp.Value
	// Actor, At and Version tell of the last change of the column. They are zero where the guard does not show the row as it
	// was after that change, or the log no longer has it; Actor is also empty for changes of the program itself.
	Actor   string
	At      time.Time
	Version int64
}

// Deletion tells who deleted a row and when.
type Deletion struct {
	Actor string // empty for the program itself
	At    time.Time
}

// maxBlamed is how many entries of a row's log are read to find who made the changes of a conflict.
const maxBlamed = 200

// merge brings a change that began with an older version of the row together with what became of the row since: the
// three-way merge of realtime.md, "Optimistic locking", with the base taken from the log. It answers with the change itself
// when the row is still the one that the writer has seen, which costs nothing.
func (u *unit) merge(p *rowPlan, c *rowChange, before []lqp.Value) (*rowChange, error) {
	current := p.l.versionOf(before)
	if !c.merge || c.version == 0 || c.version == current {
		return c, nil
	}
	conflict := &ConflictError{Write: p.index, Index: c.index, Row: before[idSlot].Text(), Expected: c.version, Current: current, Values: before,
		Reason: ConflictChanged, Merge: true}
	if p.m.Op == lqp.Delete {
		return nil, conflict
	}
	base, err := u.rowAt(p, conflict.Row, c.version)
	if err != nil {
		return nil, err
	}
	// What was out of the writer's sight at that time is not told by way of a conflict, nor by its absence.
	if base == nil || !allows(p.guard.read, base) {
		conflict.Reason = ConflictBase
		return nil, conflict
	}
	merged := *c
	merged.merged, merged.set = true, make([]cell, 0, len(c.set))
	for _, mine := range c.set {
		was, theirs := base[mine.slot], before[mine.slot]
		switch {
		case lqp.Equal(mine.value, theirs), lqp.Equal(mine.value, was):
			// Both did the same, or the writer sent along what it did not change.
		case lqp.Equal(was, theirs):
			merged.set = append(merged.set, mine)
		default:
			conflict.Fields = append(conflict.Fields, FieldConflict{Column: p.l.ids[mine.slot], Base: was, Mine: mine.value, Theirs: theirs})
		}
	}
	if len(conflict.Fields) == 0 {
		return &merged, nil
	}
	conflict.Reason = ConflictFields
	if err := u.blame(p, conflict); err != nil {
		return nil, err
	}
	return nil, conflict
}

// rowAt is a row as it was in a version, nil when the log does not have it: what a change left behind, or what the next one found.
func (u *unit) rowAt(p *rowPlan, row string, version int64) ([]lqp.Value, error) {
	entries, err := all(u.session, scanEntry, `SELECT `+entryColumns+` FROM lt_change
		WHERE resource = ? AND table_id = ? AND resource_type = 'row' AND (version = ? OR version = ?) ORDER BY position DESC LIMIT 4`,
		argText(row), argText(p.t.ID), argInt(version), argInt(version+1))
	if err != nil {
		return nil, fmt.Errorf("read version %d of row %s: %w", version, row, err)
	}
	for i := range entries {
		e, image := &entries[i], entries[i].After
		if e.Version != version {
			image = e.Before
		}
		if image == nil {
			continue
		}
		past, err := u.pastOf(p.t)
		if err != nil {
			return nil, err
		}
		return past.row(image, e, e.Version != version, nil)
	}
	return nil, nil
}

// blame finds out who gave the columns of a conflict the values that they have.
func (u *unit) blame(p *rowPlan, conflict *ConflictError) error {
	entries, err := all(u.session, scanEntry, `SELECT `+entryColumns+` FROM lt_change
		WHERE resource = ? AND table_id = ? AND resource_type = 'row' AND version > ? ORDER BY position DESC LIMIT ?`,
		argText(conflict.Row), argText(p.t.ID), argInt(conflict.Expected), argInt(maxBlamed))
	if err != nil {
		return fmt.Errorf("read changes of row %s: %w", conflict.Row, err)
	}
	if len(entries) == 0 {
		return nil
	}
	past, err := u.pastOf(p.t)
	if err != nil {
		return err
	}
	open := len(conflict.Fields)
	found := make([]bool, open)
	for i := 0; i < len(entries) && open > 0; i++ {
		e := &entries[i]
		before, after, err := past.images(e, nil)
		if err != nil {
			return err
		}
		if before == nil || after == nil {
			continue
		}
		for k := range conflict.Fields {
			f := &conflict.Fields[k]
			if slot := p.l.slots[f.Column]; found[k] || lqp.Equal(before[slot], after[slot]) {
				continue
			}
			found[k] = true
			open--
			if allows(p.guard.read, after) {
				f.Actor, f.At, f.Version = e.Actor, e.At, e.Version
			}
		}
	}
	return nil
}

// gone is the error of a change that names a row which is not there. Whoever has seen a version of it and could see the row
// when it was deleted is told who did that; for all others there never was such a row.
func (u *unit) gone(p *rowPlan, c *rowChange) error {
	missing := &RowError{Write: p.index, Index: c.index, Row: c.id, Err: ErrNotFound}
	if c.version == 0 || !ValidID(c.id, prefixRow) {
		return missing
	}
	e, ok, err := one(u.session, scanEntry, `SELECT `+entryColumns+` FROM lt_change
		WHERE resource = ? AND table_id = ? AND resource_type = 'row' ORDER BY position DESC LIMIT 1`, argText(c.id), argText(p.t.ID))
	if err != nil || !ok || e.After != nil {
		return orElse(err, missing)
	}
	past, err := u.pastOf(p.t)
	if err != nil {
		return err
	}
	last, err := past.row(e.Before, &e, true, nil)
	if err != nil || last == nil || !allows(p.guard.read, last) {
		return orElse(err, missing)
	}
	return &ConflictError{Write: p.index, Index: c.index, Row: c.id, Expected: c.version, Current: e.Version, Reason: ConflictDeleted,
		Merge: c.merge, Deleted: &Deletion{Actor: e.Actor, At: e.At}}
}

func orElse(err, other error) error {
	if err != nil {
		return err
	}
	return other
}
