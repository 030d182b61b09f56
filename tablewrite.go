package livetables

import (
	"context"
	"errors"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// WriteTable makes the change to one table that plan makes of the table as [Access.Table] shows it, on one catalogue and policy, and
// answers with that table and what was done. It needs the right to read the table and to write rows in it (rbac.WriteRows): who may
// not is told so before plan is called. The change must be one of that table; its errors are those of [Access.Apply], and those of
// plan. plan may be called more than once, when what it was shown turns out to be outdated; the last time counts.
func (a *Access) WriteTable(ctx context.Context, table string, plan func(*minidb.Table) (*lqp.Mutation, error)) (*minidb.Table, *Result, error) {
	if known := a.e.store.KnownOf(table); known != nil {
		if known = a.knownCatalogue(known.Workspace.ID); known != nil { // see Apply
			t, r, err := a.writeTable(minidb.WithSnapshot(ctx, known), table, plan)
			if err == nil || ofRows(err) || ctx.Err() != nil {
				return t, r, err
			}
		}
	}
	for try := 1; ; try++ {
		t, r, err := a.writeTable(ctx, table, plan)
		if errors.Is(err, minidb.ErrSchemaChanged) && try < planTries {
			continue
		}
		return t, r, err
	}
}

func (a *Access) writeTable(ctx context.Context, table string, plan func(*minidb.Table) (*lqp.Mutation, error)) (*minidb.Table, *Result, error) {
	s, t, err := a.tableToWrite(ctx, table)
	if err != nil {
		return nil, nil, err
	}
	m, err := plan(t)
	if err != nil {
		return nil, nil, err
	}
	if err := a.admit(ctx, s, rbac.WriteRows); err != nil {
		return nil, nil, err
	}
	results, err := a.applyIn(ctx, s, []*lqp.Mutation{m})
	if err != nil {
		return t, nil, err
	}
	return t, &results[0], nil
}

// WritableTable is a table as [Access.Table] shows it, for who may write rows in it (rbac.WriteRows). Others are answered as
// [Access.WriteTable] answers them.
func (a *Access) WritableTable(ctx context.Context, id string) (*minidb.Table, error) {
	_, t, err := a.tableToWrite(ctx, id)
	return t, err
}

// tableToWrite enters the workspace of a table whose rows the principal may write. Of a table that is not there for it nothing else
// is told.
func (a *Access) tableToWrite(ctx context.Context, id string) (*entry, *minidb.Table, error) {
	s, err := a.at(ctx, id, rbac.ReadData)
	if err != nil {
		return nil, nil, err
	}
	t, err := s.shownTable(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	return s, t, s.may(id, rbac.WriteRows)
}
