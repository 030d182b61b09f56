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

// CreateBase makes a base in a workspace.
func (a *Access) CreateBase(ctx context.Context, workspace string, spec minidb.BaseSpec) (*minidb.Base, error) {
	if _, err := a.enter(ctx, workspace, rbac.AlterTables); err != nil {
		return nil, err
	}
	return a.e.store.CreateBase(ctx, a.actor(""), workspace, spec)
}

// Bases lists the bases of a workspace.
func (a *Access) Bases(ctx context.Context, workspace string) ([]*minidb.Base, error) {
	s, err := a.enter(ctx, workspace, rbac.ReadData)
	if err != nil {
		return nil, err
	}
	return s.Bases, nil
}

// Base is one base.
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

// UpdateBase changes a base; version 0 skips the version check.
func (a *Access) UpdateBase(ctx context.Context, id string, patch minidb.BasePatch, version int64) (*minidb.Base, error) {
	if _, err := a.at(ctx, id, rbac.AlterTables); err != nil {
		return nil, err
	}
	return a.e.store.UpdateBase(ctx, a.actor(""), id, patch, version)
}

// DeleteBase removes a base with its tables, views and rows; version 0 skips the version check.
func (a *Access) DeleteBase(ctx context.Context, id string, version int64) error {
	if _, err := a.at(ctx, id, rbac.AlterTables); err != nil {
		return err
	}
	return a.e.store.DeleteBase(ctx, a.actor(""), id, version)
}

// CreateTable makes a table in a base.
func (a *Access) CreateTable(ctx context.Context, base string, spec minidb.TableSpec) (*minidb.Table, error) {
	if _, err := a.at(ctx, base, rbac.AlterTables); err != nil {
		return nil, err
	}
	return a.e.store.CreateTable(ctx, a.actor(""), base, spec)
}

// Tables lists the tables of a base that are in use and not closed to the principal, without the columns hidden from it.
func (a *Access) Tables(ctx context.Context, base string) ([]*minidb.Table, error) {
	s, err := a.at(ctx, base, rbac.ReadData)
	if err != nil {
		return nil, err
	}
	return s.visibleTables(s.Tables, base), nil
}

// Table is one table, archived or not, as the principal sees it.
func (a *Access) Table(ctx context.Context, id string) (*minidb.Table, error) {
	s, err := a.at(ctx, id, rbac.ReadData)
	if err != nil {
		return nil, err
	}
	if t, ok := s.AnyTable(id); ok {
		if v := s.visible(t); v != nil {
			return v, nil
		}
	}
	return nil, fmt.Errorf("table %s: %w", id, ErrNotFound)
}

// Schema of a table of the mini-DB in the form that queries see it, for parsing values by column.
func (s *entry) schema(t *minidb.Table) *lqp.Table {
	return rewrite.Visible(t.Schema(), s.policy.Table(s.p, rbac.TableRef{Table: t.ID}))
}

// tableOf finds a table of the mini-DB that is in use and not closed to the principal.
func (s *entry) tableOf(id string) (*minidb.Table, error) {
	t, ok := s.AnyTable(id)
	if !ok || s.policy.Table(s.p, rbac.TableRef{Table: id}).Closed {
		return nil, fmt.Errorf("table %s: %w", id, ErrNotFound)
	}
	if t.Archived() {
		return nil, fmt.Errorf("table %q: %w", t.Name, ErrArchived)
	}
	return t, nil
}

// visible is the table without hidden columns, nil when it is closed.
func (s *entry) visible(t *minidb.Table) *minidb.Table {
	rule := s.policy.Table(s.p, rbac.TableRef{Table: t.ID})
	if rule.Closed {
		return nil
	}
	return t.Without(func(column string) bool { return rule.Columns[column] == rbac.Hidden })
}

// UpdateTable changes a table's name, description or settings; version 0 skips the version check.
func (a *Access) UpdateTable(ctx context.Context, id string, patch minidb.TablePatch, version int64) (*minidb.Table, error) {
	if _, err := a.at(ctx, id, rbac.AlterTables); err != nil {
		return nil, err
	}
	return a.e.store.UpdateTable(ctx, a.actor(""), id, patch, version)
}

// DeleteTable removes a table and its rows; version 0 skips the version check.
func (a *Access) DeleteTable(ctx context.Context, id string, version int64) error {
	if _, err := a.at(ctx, id, rbac.AlterTables); err != nil {
		return err
	}
	return a.e.store.DeleteTable(ctx, a.actor(""), id, version)
}

// AddColumn adds a column at the end of a table. version is the table's, 0 for any.
func (a *Access) AddColumn(ctx context.Context, table string, spec minidb.ColumnSpec, version int64) (*minidb.Column, error) {
	if _, err := a.at(ctx, table, rbac.AlterTables); err != nil {
		return nil, err
	}
	return a.e.store.AddColumn(ctx, a.actor(""), table, spec, version)
}

// UpdateColumn changes a column. version is its table's, 0 for any.
func (a *Access) UpdateColumn(ctx context.Context, column string, patch minidb.ColumnPatch, version int64) (*minidb.Column, error) {
	if _, err := a.at(ctx, column, rbac.AlterTables); err != nil {
		return nil, err
	}
	return a.e.store.UpdateColumn(ctx, a.actor(""), column, patch, version)
}

// DeleteColumn removes a column with its values and the grants on it. version is its table's, 0 for any.
func (a *Access) DeleteColumn(ctx context.Context, column string, version int64) error {
	if _, err := a.at(ctx, column, rbac.AlterTables); err != nil {
		return err
	}
	return a.e.store.DeleteColumn(ctx, a.actor(""), column, version)
}

// ReorderColumns puts a table's columns into the given order, which must name each once that the principal sees; others
// stay behind them. version is the table's, 0 for any.
func (a *Access) ReorderColumns(ctx context.Context, table string, order []string, version int64) (*minidb.Table, error) {
	s, err := a.at(ctx, table, rbac.AlterTables)
	if err != nil {
		return nil, err
	}
	t, err := s.tableOf(table)
	if err != nil {
		return nil, err
	}
	seen := s.visible(t)
	whole := slices.Clone(order)
	for _, c := range t.Columns {
		if _, ok := seen.Column(c.ID); !ok {
			whole = append(whole, c.ID)
		}
	}
	t, err = a.e.store.ReorderColumns(ctx, a.actor(""), table, whole, version)
	if err != nil {
		return nil, err
	}
	return s.visible(t), nil
}

// PutRule sets what a role may see and do in a table, replacing an earlier rule of the two. The predicates must compile
// against the table's columns now. Rules for admins are set and lifted by owners, and so are all rules of a table on which
// the principal is bound by one.
func (a *Access) PutRule(ctx context.Context, workspace string, r RuleSpec) error {
	s, err := a.enter(ctx, workspace, rbac.ManageRules)
	if err != nil {
		return err
	}
	if err := s.mayRule(r.Table, r.Role); err != nil {
		return err
	}
	rule, err := s.compileRule(ctx, r)
	if err != nil {
		return err
	}
	_, err = a.e.store.PutRule(ctx, a.actor(""), rule)
	return err
}

// DeleteRule lifts the rule of a role on a table.
func (a *Access) DeleteRule(ctx context.Context, workspace string, table rbac.TableRef, role rbac.Role) error {
	s, err := a.enter(ctx, workspace, rbac.ManageRules)
	if err != nil {
		return err
	}
	if err := s.mayRule(table, role); err != nil {
		return err
	}
	return a.e.store.DeleteRule(ctx, a.actor(""), workspace, table, role)
}

// Rules lists the rules of a workspace for those who manage them.
func (a *Access) Rules(ctx context.Context, workspace string) ([]*minidb.Rule, error) {
	s, err := a.enter(ctx, workspace, rbac.ManageRules)
	if err != nil {
		return nil, err
	}
	return s.Rules, nil
}
