package livetables

import (
	"context"
	"fmt"
	"slices"

	"github.com/livetables/livetables/internal/rewrite"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// DeleteColumn is [Access.RemoveColumn] into the trash without force: it needs the right to alter the table (rbac.AlterTables) and
// a column that the principal has all of, and an *ImpactError says what stands against it. version is the table's.
func (a *Access) DeleteColumn(ctx context.Context, column string, version int64) error {
	return a.RemoveColumn(ctx, column, minidb.Removal{Version: version})
}

// RemoveColumn puts a column into the trash with its cells and the grants on it, or away without an end. It is refused with an
// *ImpactError when a row rule or a mask of a role uses the column, which would close the table to the role, and when rules of
// the table do, unless it is forced.
func (a *Access) RemoveColumn(ctx context.Context, column string, rm minidb.Removal) error {
	_, err := again(func() (struct{}, error) {
		var none struct{}
		s, err := a.at(ctx, column, rbac.AlterTables)
		if err != nil {
			return none, err
		}
		if _, _, err := s.column(ctx, column); err != nil {
			return none, err
		}
		impact, err := s.impact(ctx, column, ImpactDelete)
		if err != nil {
			return none, err
		}
		if impact.Refused && !rm.Force {
			return none, &ImpactError{*impact}
		}
		return none, a.e.store.RemoveColumn(ctx, a.granted(s), column, rm)
	})
	return err
}

// DuplicateColumn copies a column within its table, with its cells when asked, and with what rules say of it: the copy shows
// nobody more than the original. Where the engine's policies are not those of the catalogue, a column that they narrow is not
// copied: nothing would bind the copy.
func (a *Access) DuplicateColumn(ctx context.Context, column string, d minidb.DuplicateColumn) (*minidb.Column, error) {
	return again(func() (*minidb.Column, error) {
		s, err := a.at(ctx, column, rbac.AlterTables)
		if err != nil {
			return nil, err
		}
		t, seen, err := s.column(ctx, column)
		if err != nil {
			return nil, err
		}
		c, _ := t.Column(column)
		if c.Required || c.Unique || d.Cells {
			if err := wholeRows(t, seen); err != nil {
				return nil, err
			}
		}
		if _, own := a.e.policies.(*cataloguePolicies); own {
			d.PolicyVersion = s.policy.Version
		} else {
			for _, rule := range s.policy.Rules[rbac.TableRef{Table: t.ID}] {
				if _, narrowed := rule.Columns[column]; narrowed {
					return nil, fmt.Errorf("the rules of table %s are kept elsewhere and would not bind a copy: %w", t.Name, ErrForbidden)
				}
			}
		}
		if d.Position != nil {
			at := placeAmong(t, seen, "", *d.Position)
			d.Position = &at
		}
		return a.e.store.DuplicateColumn(ctx, a.actor(""), column, d)
	})
}

// placeAmong is the place among all columns of a table of a place among those that the principal sees, moved aside. A place
// that there is not is left to be refused.
func placeAmong(t *minidb.Table, seen *rewrite.Sight, moved string, at int) int {
	visible := 0
	all := slices.DeleteFunc(slices.Clone(t.Columns), func(c minidb.Column) bool { return c.ID == moved })
	for i, c := range all {
		if seen.Table().Column(c.ID) == nil {
			continue
		}
		if visible == at {
			return i
		}
		visible++
	}
	if visible == at {
		return len(all)
	}
	if at < 0 {
		return at
	}
	return len(all) + at
}

// ReorderColumns puts a table's columns into the given order, which must name each once that the principal sees, by id or by
// name; columns that it does not see keep their places. version is the table's, 0 for any.
func (a *Access) ReorderColumns(ctx context.Context, table string, order []string, version int64) (*minidb.Table, error) {
	s, err := a.at(ctx, table, rbac.AlterTables)
	if err != nil {
		return nil, err
	}
	t, seen, err := s.tableOf(ctx, table)
	if err != nil {
		return nil, err
	}
	t, err = a.e.store.ReorderColumns(ctx, a.actor(""), table, wholeOrder(t, seen.Table(), order), version)
	if err != nil {
		return nil, err
	}
	return s.changed(ctx, t)
}

// wholeOrder is an order of all columns, made of one of those in sight: the others keep their places. An order that is none
// stays so, and is refused by the mini-DB.
func wholeOrder(t *minidb.Table, seen *lqp.Table, order []string) []string {
	whole := make([]string, 0, len(t.Columns))
	rest := make([]string, len(order))
	for i, name := range order {
		rest[i] = columnID(seen, name)
	}
	for _, c := range t.Columns {
		switch {
		case seen.Column(c.ID) == nil:
			whole = append(whole, c.ID)
		case len(rest) > 0:
			whole, rest = append(whole, rest[0]), rest[1:]
		}
	}
	return append(whole, rest...)
}

// OrderTables puts the tables of a base into the given order, which names each of those in use that the principal sees once;
// others keep their places. version is the base's, 0 for any.
func (a *Access) OrderTables(ctx context.Context, base string, order []string, version int64) (*minidb.Base, error) {
	s, err := a.at(ctx, base, rbac.AlterTables)
	if err != nil {
		return nil, err
	}
	var whole []string
	rest := slices.Clone(order)
	for _, t := range s.TablesOf(base) {
		switch {
		case s.shown(ctx, t) == nil:
			if slices.Contains(rest, t.ID) {
				return nil, fmt.Errorf("table %s: %w", t.ID, ErrNotFound)
			}
			whole = append(whole, t.ID)
		case len(rest) > 0:
			whole, rest = append(whole, rest[0]), rest[1:]
		}
	}
	return a.e.store.OrderTables(ctx, a.actor(""), base, append(whole, rest...), version)
}

// DuplicateTable copies a table within its base with its columns, indexes, rules and caps, and its rows when asked. The copy
// shows nobody more than the original; see DuplicateBase for what follows from that. An empty name is that of the
// original with "copy" behind it, and a number when that is taken.
func (a *Access) DuplicateTable(ctx context.Context, table, name string, rows bool) (*minidb.Table, error) {
	s, err := a.at(ctx, table, rbac.AlterTables)
	if err != nil {
		return nil, err
	}
	t, _, err := s.tableOf(ctx, table)
	if err != nil {
		return nil, err
	}
	if err := s.may(t.Base, rbac.AlterTables); err != nil {
		return nil, err
	}
	d := minidb.Duplicate{Name: name, Rows: rows}
	if _, own := a.e.policies.(*cataloguePolicies); own {
		d.PolicyVersion = s.policy.Version
	} else if len(s.policy.Rules[rbac.TableRef{Table: t.ID}])+len(s.policy.Caps[t.ID]) > 0 {
		return nil, fmt.Errorf("the rules of table %s are kept elsewhere and would not bind a copy: %w", t.Name, ErrForbidden)
	}
	made, err := a.e.store.DuplicateTable(ctx, a.actor(""), table, d)
	if err != nil {
		return nil, err
	}
	return a.Table(ctx, made.ID)
}
