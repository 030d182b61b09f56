package livetables

import (
	"context"
	"fmt"
	"slices"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// Indexes lists the indexes of a table, those that it has by itself first, without those of columns hidden from the
// principal.
func (a *Access) Indexes(ctx context.Context, table string) ([]minidb.Index, error) {
	s, err := a.at(ctx, table, rbac.ReadData)
	if err != nil {
		return nil, err
	}
	t, err := s.tableOf(table)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(t.Indexes(), func(x minidb.Index) bool { return s.hides(t, x.Columns) }), nil
}

// hides reports whether one of the columns of an index is hidden from the principal.
func (s *entry) hides(t *minidb.Table, columns []minidb.IndexColumn) bool {
	rule := s.policy.Table(s.p, rbac.TableRef{Table: t.ID})
	return slices.ContainsFunc(columns, func(c minidb.IndexColumn) bool { return rule.Columns[c.Column] == rbac.Hidden })
}

// CreateIndex makes an index on columns of a table, given by id or by name. version is the table's, 0 for any.
func (a *Access) CreateIndex(ctx context.Context, table string, columns []minidb.IndexColumn, version int64) (*minidb.Index, error) {
	s, err := a.at(ctx, table, rbac.AlterTables)
	if err != nil {
		return nil, err
	}
	t, err := s.tableOf(table)
	if err != nil {
		return nil, err
	}
	seen := s.schema(t)
	columns = slices.Clone(columns)
	for i := range columns {
		c := &columns[i].Column
		at := slices.IndexFunc(seen.Columns, func(o lqp.Column) bool { return o.ID == *c })
		if at < 0 {
			at = slices.IndexFunc(seen.Columns, func(o lqp.Column) bool { return o.Name == *c })
		}
		if at < 0 { // unknown, or hidden: the two look alike
			return nil, &minidb.ValidationError{Fields: []minidb.FieldError{{Column: fmt.Sprintf("columns[%d]", i), Code: minidb.CodeUnknownColumn,
				Message: fmt.Sprintf("the table has no column %q", *c)}}}
		}
		*c = seen.Columns[at].ID
	}
	return a.e.store.CreateIndex(ctx, a.actor(""), table, columns, version)
}

// DropIndex removes an index that CreateIndex made. version is the table's, 0 for any.
func (a *Access) DropIndex(ctx context.Context, table, index string, version int64) error {
	s, err := a.at(ctx, table, rbac.AlterTables)
	if err != nil {
		return err
	}
	t, err := s.tableOf(table)
	if err != nil {
		return err
	}
	for _, x := range t.Indexes() {
		if x.ID == index && s.hides(t, x.Columns) {
			return fmt.Errorf("index %s: %w", index, ErrNotFound)
		}
	}
	return a.e.store.DropIndex(ctx, a.actor(""), table, index, version)
}
