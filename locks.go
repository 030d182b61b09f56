package livetables

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/livetables/livetables/internal/rewrite"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// LockRow keeps everybody else from changing a row for a while, at most minidb.MaxLock; holding it already renews it. Others
// get a *minidb.LockedError that names the holder. The principal must be allowed to change the row.
func (a *Access) LockRow(ctx context.Context, table, row string, life time.Duration) (*minidb.RowLock, error) {
	for try := 1; ; try++ {
		lock, err := a.lockRow(ctx, table, row, life)
		if errors.Is(err, minidb.ErrSchemaChanged) && try < planTries {
			continue
		}
		return lock, err
	}
}

func (a *Access) lockRow(ctx context.Context, table, row string, life time.Duration) (*minidb.RowLock, error) {
	s, t, seen, err := a.writable(ctx, table)
	if err != nil {
		return nil, err
	}
	guard, err := s.guardOf(seen, t)
	if err != nil {
		return nil, err
	}
	return a.e.store.LockRow(ctx, a.actor(""), t, row, guard, life)
}

// writable is a table whose rows the principal may write.
func (a *Access) writable(ctx context.Context, table string) (*entry, *minidb.Table, *rewrite.Sight, error) {
	s, err := a.at(ctx, table, rbac.WriteRows)
	if err != nil {
		return nil, nil, nil, err
	}
	t, seen, err := s.tableOf(ctx, table)
	return s, t, seen, err
}

// UnlockRow ends a lock that the principal holds. force breaks that of somebody else, which needs the right to alter tables.
// A row that is not locked stays so.
func (a *Access) UnlockRow(ctx context.Context, table, row string, force bool) error {
	s, t, _, err := a.writable(ctx, table)
	if err != nil {
		return err
	}
	if d := s.policy.Can(a.p, rbac.AlterTables, t.ID); force && !d.Allowed {
		return fmt.Errorf("%s: %w", d.Reason, ErrForbidden)
	}
	if err := s.seesRow(ctx, t, row); err != nil {
		return err
	}
	return a.e.store.UnlockRow(ctx, a.actor(""), t, row, force)
}

// RowLock is the lock of a row, nil when nobody holds it, and also when the principal does not see the row: a lock does not tell that
// there is one. It needs the right to read the table (rbac.ReadData); [ErrArchived] is for a table that is archived.
func (a *Access) RowLock(ctx context.Context, table, row string) (*minidb.RowLock, error) {
	s, err := a.at(ctx, table, rbac.ReadData)
	if err != nil {
		return nil, err
	}
	t, _, err := s.tableOf(ctx, table)
	if err != nil {
		return nil, err
	}
	lock, err := a.e.store.Lock(ctx, table, row)
	if lock == nil || err != nil {
		return nil, err
	}
	switch err := s.seesRow(ctx, t, row); {
	case errors.Is(err, ErrNotFound):
		return nil, nil // as for every other row that is not there: a lock does not tell that there is one
	case err != nil:
		return nil, err
	}
	return lock, nil
}

// seesRow answers ErrNotFound for a row that is not there for the principal.
func (s *entry) seesRow(ctx context.Context, t *minidb.Table, row string) error {
	rows, err := s.query(ctx, &lqp.Query{From: lqp.Source{Table: t.ID, Alias: ruleAlias}, Page: lqp.Page{Limit: 1},
		Where:  lqp.NewCall("eq", lqp.Ref(ruleAlias, minidb.ColumnID), lqp.Literal(lqp.TextValue(row))),
		Select: []lqp.Named{{Expr: lqp.Ref(ruleAlias, minidb.ColumnID)}}})
	if err != nil {
		return err
	}
	defer rows.Close()
	if !rows.Next() {
		return errors.Join(rows.Err(), fmt.Errorf("row %s: %w", row, ErrNotFound))
	}
	return nil
}
