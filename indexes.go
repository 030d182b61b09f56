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

// Indexes lists the indexes of a table, those that it has by itself first, without those of columns hidden from the
// principal or masked for it.
func (a *Access) Indexes(ctx context.Context, table string) ([]minidb.Index, error) {
	s, err := a.at(ctx, table, rbac.ReadData)
	if err != nil {
		return nil, err
	}
	t, seen, err := s.tableOf(ctx, table)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(t.Indexes(), func(x minidb.Index) bool { return hidesIndex(seen, x.Columns) }), nil
}

// hidesIndex reports whether the principal does not see one of the columns of an index as it is.
func hidesIndex(seen *rewrite.Sight, columns []minidb.IndexColumn) bool {
	return slices.ContainsFunc(columns, func(c minidb.IndexColumn) bool { return !seen.Shows(c.Column) })
}

// CreateIndex makes an index on columns of a table, given by id or by name, for those who may alter it (rbac.AlterTables). A
// column that is hidden from them or masked is unknown, as one that is not there: a *minidb.ValidationError.
// [minidb.ErrExists] says that there is this index already, a *minidb.LimitError that there are too many. version is the
// table's. Every writer waits until the index is built: for a million rows that takes seconds.
func (a *Access) CreateIndex(ctx context.Context, table string, columns []minidb.IndexColumn, version int64) (*minidb.Index, error) {
	s, err := a.at(ctx, table, rbac.AlterTables)
	if err != nil {
		return nil, err
	}
	_, seen, err := s.tableOf(ctx, table)
	if err != nil {
		return nil, err
	}
	all := slices.DeleteFunc(slices.Clone(seen.Table().Columns), func(c lqp.Column) bool { return !seen.Shows(c.ID) })
	columns = slices.Clone(columns)
	for i := range columns {
		c := &columns[i].Column
		if *c == minidb.ColumnOrder {
			continue
		}
		at := slices.IndexFunc(all, func(o lqp.Column) bool { return o.ID == *c })
		if at < 0 {
			at = slices.IndexFunc(all, func(o lqp.Column) bool { return o.Name == *c })
		}
		if at < 0 { // unknown, hidden or masked: they look alike
			return nil, &minidb.ValidationError{Fields: []minidb.FieldError{{Column: fmt.Sprintf("columns[%d]", i), Code: minidb.CodeUnknownColumn,
				Message: fmt.Sprintf("the table has no column %q", *c)}}}
		}
		*c = all[at].ID
	}
	return a.e.store.CreateIndex(ctx, a.actor(""), table, columns, version)
}

// DropIndex removes an index that [Access.CreateIndex] made, for those who may alter the table (rbac.AlterTables). One that the
// table has by itself, and one on a column that is hidden from the principal or masked, is [ErrNotFound]. version is the
// table's.
func (a *Access) DropIndex(ctx context.Context, table, index string, version int64) error {
	s, err := a.at(ctx, table, rbac.AlterTables)
	if err != nil {
		return err
	}
	t, seen, err := s.tableOf(ctx, table)
	if err != nil {
		return err
	}
	for _, x := range t.Indexes() {
		if x.ID == index && hidesIndex(seen, x.Columns) {
			return fmt.Errorf("index %s: %w", index, ErrNotFound)
		}
	}
	return a.e.store.DropIndex(ctx, a.actor(""), table, index, version)
}
