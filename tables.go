package livetables

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/livetables/livetables/internal/rewrite"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// CreateBase makes a base in a workspace, in one of its projects when spec names one: it needs the right to alter tables
// (rbac.AlterTables) in the project or, without one, in the workspace. A project of another workspace, or out of
// sight, is [ErrNotFound].
func (a *Access) CreateBase(ctx context.Context, workspace string, spec minidb.BaseSpec) (*minidb.Base, error) {
	if err := a.mayMakeBase(ctx, workspace, spec.Project); err != nil {
		return nil, err
	}
	return a.e.store.CreateBase(ctx, a.actor(""), workspace, spec)
}

// Bases lists the bases of a workspace that the principal may read in (rbac.ReadData). Whoever may read some table of the workspace
// may ask; without any base in sight the list is empty.
func (a *Access) Bases(ctx context.Context, workspace string) ([]*minidb.Base, error) {
	s, err := a.enter(ctx, workspace, rbac.ReadData)
	if err != nil {
		return nil, err
	}
	list := make([]*minidb.Base, 0, len(s.Bases))
	for _, b := range s.Bases {
		if s.readable(b.ID) {
			list = append(list, b)
		}
	}
	return list, nil
}

// Base is one base that the principal may read in (rbac.ReadData).
func (a *Access) Base(ctx context.Context, id string) (*minidb.Base, error) {
	s, err := a.at(ctx, id, rbac.ReadData)
	if err != nil {
		return nil, err
	}
	b, ok := s.Base(id)
	if !ok {
		return nil, fmt.Errorf("base %s: %w", id, ErrNotFound)
	}
	return b, nil
}

// UpdateBase changes a base; version 0 skips the version check. A base moves to another project of the workspace, or out of
// the one it is in, where the principal has the right to alter tables on both sides.
func (a *Access) UpdateBase(ctx context.Context, id string, patch minidb.BasePatch, version int64) (*minidb.Base, error) {
	return again(func() (*minidb.Base, error) { return a.updateBase(ctx, id, patch, version) })
}

func (a *Access) updateBase(ctx context.Context, id string, patch minidb.BasePatch, version int64) (*minidb.Base, error) {
	s, err := a.at(ctx, id, rbac.AlterTables)
	if err != nil {
		return nil, err
	}
	if b, ok := s.Base(id); ok && patch.Project != nil {
		if err := s.mayMove(b, *patch.Project); err != nil {
			return nil, err
		}
	}
	return a.e.store.UpdateBase(ctx, a.granted(s), id, patch, version)
}

// DeleteBase puts a base with its tables, views and rows into the trash; version 0 skips the version check. The principal
// must be allowed to delete each of them.
func (a *Access) DeleteBase(ctx context.Context, id string, version int64) error {
	s, err := a.at(ctx, id, rbac.AlterTables)
	if err != nil {
		return err
	}
	for table := range s.within(id) {
		if !s.policy.Can(s.p, rbac.AlterTables, table).Allowed {
			return fmt.Errorf("the base holds what you may not delete: %w", ErrForbidden)
		}
	}
	return a.e.store.DeleteBase(ctx, a.actor(""), id, version)
}

// within goes through the tables of a base, archived ones too, and its views, by id.
func (s *entry) within(base string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, list := range [][]*minidb.Table{s.Snapshot.Tables, s.Archived} {
			for _, t := range list {
				if t.Base == base && !yield(t.ID) {
					return
				}
			}
		}
		for _, v := range s.ViewsOf(base) {
			if !yield(v.ID) {
				return
			}
		}
	}
}

// CreateTable makes a table in a base, for those who may alter tables there (rbac.AlterTables). A link needs a table that they may
// link to, and what a computed column reads must be in their sight: lqp.Problems say where a formula is wrong. A column of
// attachments where Options.Blobs is nil has [CodeUnsupported]. The table is answered as the principal sees it.
func (a *Access) CreateTable(ctx context.Context, base string, spec minidb.TableSpec) (*minidb.Table, error) {
	s, err := a.at(ctx, base, rbac.AlterTables)
	if err != nil {
		return nil, err
	}
	spec.Columns = slices.Clone(spec.Columns)
	for i := range spec.Columns {
		c := &spec.Columns[i]
		if err := s.mayLink(ctx, "", c); err != nil {
			return nil, err
		}
		if c.Type == minidb.AttachmentColumn && a.e.blobs == nil {
			return nil, errNoBlobs
		}
		if c.Options, err = s.computedOptions(ctx, nil, nil, c.Type, c.Options, spec.Columns, fmt.Sprintf("$.columns[%d].options", i)); err != nil {
			return nil, err
		}
	}
	t, err := a.e.store.CreateTable(ctx, a.actor(""), base, spec)
	if err == nil && slices.ContainsFunc(t.Columns, func(c minidb.Column) bool { return c.Type.Computed() }) {
		if shown, err := a.Table(ctx, t.ID); err == nil { // with what they are computed from
			return shown, nil
		}
	}
	return t, err
}

// Tables lists the tables of a base that are in use and not closed to the principal, without the columns hidden from it and with what
// masks leave of others. It needs the right to read in the base (rbac.ReadData).
func (a *Access) Tables(ctx context.Context, base string) ([]*minidb.Table, error) {
	s, err := a.at(ctx, base, rbac.ReadData)
	if err != nil {
		return nil, err
	}
	return s.visibleTables(ctx, s.Tables, base), nil
}

// Table is one table, archived or not, as the principal sees it: without hidden columns, and with what masks leave of others. It needs
// the right to read it (rbac.ReadData); one that a rule closes, and one in the trash, is [ErrNotFound].
func (a *Access) Table(ctx context.Context, id string) (*minidb.Table, error) {
	s, err := a.at(ctx, id, rbac.ReadData)
	if err != nil {
		return nil, err
	}
	if t, ok := s.AnyTable(id); ok {
		if v := s.shown(ctx, t); v != nil {
			return v, nil
		}
	}
	return nil, fmt.Errorf("table %s: %w", id, ErrNotFound)
}

// UpdateTable changes a table's name, looks, settings, rules or base; version 0 skips the version check. It moves to another base
// where the principal may alter tables in both. Rules may name
// columns by name or id; they are refused to whom a rule of the policy keeps rows or columns from, since whether they hold
// tells of all of them.
func (a *Access) UpdateTable(ctx context.Context, id string, patch minidb.TablePatch, version int64) (*minidb.Table, error) {
	return again(func() (*minidb.Table, error) { return a.updateTable(ctx, id, patch, version) })
}

func (a *Access) updateTable(ctx context.Context, id string, patch minidb.TablePatch, version int64) (*minidb.Table, error) {
	s, err := a.anyTable(ctx, id)
	if err != nil {
		return nil, err
	}
	if patch.Rules != nil {
		t, seen, err := s.tableOf(ctx, id)
		if err != nil {
			return nil, err
		}
		if patch.Rules, err = s.rowRules(t, seen, *patch.Rules); err != nil {
			return nil, err
		}
	}
	actor := a.actor("")
	if patch.Base != nil {
		t, _ := s.AnyTable(id)
		if err := s.mayMoveTable(t, *patch.Base); err != nil {
			return nil, err
		}
		actor = a.granted(s)
	}
	t, err := a.e.store.UpdateTable(ctx, actor, id, patch, version)
	if err != nil {
		return nil, err
	}
	return s.changed(ctx, t)
}

// mayMoveTable says whether a table may go to another base: the principal must be allowed to alter tables on both sides, and may
// not lift by it what it may not set on the bases and their projects.
func (s *entry) mayMoveTable(t *minidb.Table, to string) error {
	if t.Base == to {
		return nil
	}
	for _, id := range []string{t.Base, to} {
		if err := s.may(id, rbac.AlterTables); err != nil {
			return err
		}
		b, ok := s.Base(id)
		if !ok {
			return fmt.Errorf("base %s: %w", id, ErrNotFound)
		}
		for _, place := range []string{id, b.Project} {
			if place == "" {
				continue
			}
			if err := s.mayRegroup(place, id); err != nil {
				return err
			}
		}
	}
	if s.bindsTable(t.ID) {
		return fmt.Errorf("a rule of table %s binds you, and what binds others may change with its base: %w", t.ID, ErrForbidden)
	}
	return nil
}

// DeleteTable puts a table, archived or not, and its rows into the trash, from where [Access.RestoreTrashed] brings it back. It needs
// the right to alter it (rbac.AlterTables); a rule that closes it makes it [ErrNotFound]. version is the table's.
func (a *Access) DeleteTable(ctx context.Context, id string, version int64) error {
	if _, err := a.anyTable(ctx, id); err != nil {
		return err
	}
	return a.e.store.DeleteTable(ctx, a.actor(""), id, version)
}

// AddColumn adds a column, at the end of a table unless spec names a place, for those who may alter it (rbac.AlterTables). What the
// column is made of must be in their sight: a link needs a table that they may link to, a formula columns whose values they
// see (lqp.Problems say where it is wrong), and a column that shows a built-in one that it is not hidden ([ErrForbidden]).
// A required column of a table with rows needs a default. A column of attachments where Options.Blobs is nil has
// [CodeUnsupported]. version is the table's.
func (a *Access) AddColumn(ctx context.Context, table string, spec minidb.ColumnSpec, version int64) (*minidb.Column, error) {
	s, err := a.anyTable(ctx, table)
	if err != nil {
		return nil, err
	}
	if built := spec.Type.BuiltIn(); built != "" {
		_, seen, err := s.tableOf(ctx, table)
		if err != nil {
			return nil, err
		}
		if !seen.Shows(built) {
			return nil, fmt.Errorf("the column would show what a rule of table %s keeps from you: %w", table, ErrForbidden)
		}
	}
	if err := s.mayLink(ctx, table, &spec); err != nil {
		return nil, err
	}
	if spec.Type == minidb.AttachmentColumn && a.e.blobs == nil {
		return nil, errNoBlobs
	}
	if spec.Type.Computed() {
		t, seen, err := s.tableOf(ctx, table)
		if err != nil {
			return nil, err
		}
		if spec.Options, err = s.computedOptions(ctx, t, seen, spec.Type, spec.Options, nil, "$.options"); err != nil {
			return nil, err
		}
	}
	if spec.Position != nil {
		t, seen, err := s.tableOf(ctx, table)
		if err != nil {
			return nil, err
		}
		at := placeAmong(t, seen, "", *spec.Position)
		spec.Position = &at
	}
	c, err := a.e.store.AddColumn(ctx, a.actor(""), table, spec, version)
	return a.readableColumn(ctx, c, err)
}

// UpdateColumn changes a column. version is its table's, 0 for any. What depends on the values of all rows is refused to
// whom a rule keeps some from.
func (a *Access) UpdateColumn(ctx context.Context, column string, patch minidb.ColumnPatch, version int64) (*minidb.Column, error) {
	s, err := a.at(ctx, column, rbac.AlterTables)
	if err != nil {
		return nil, err
	}
	t, seen, err := s.column(ctx, column)
	if err != nil {
		return nil, err
	}
	if patch.Unique != nil || patch.Required != nil || patch.Options != nil {
		if err := wholeRows(t, seen); err != nil {
			return nil, err
		}
	}
	if patch.Options != nil {
		if err := s.ruledChoices(t, column, patch.Options.Choices); err != nil {
			return nil, err
		}
	}
	if err := s.mayRelink(ctx, t, seen, column, &patch); err != nil {
		return nil, err
	}
	if err := s.mayRecompute(ctx, t, seen, column, &patch); err != nil {
		return nil, err
	}
	if patch.Position != nil {
		at := placeAmong(t, seen, column, *patch.Position)
		patch.Position = &at
	}
	c, err := a.e.store.UpdateColumn(ctx, a.actor(""), column, patch, version)
	return a.readableColumn(ctx, c, err)
}

// wholeRows refuses what would tell of rows that a rule keeps from the principal: whether all of them have a value, whether
// two have the same, what they can be converted to.
func wholeRows(t *minidb.Table, seen *rewrite.Sight) error {
	if seen.Narrows() {
		return fmt.Errorf("a rule keeps rows of table %s from you, which this would tell of: %w", t.ID, ErrForbidden)
	}
	return nil
}
