package livetables

import (
	"context"
	"errors"
	"fmt"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// TableRow is one row of a table of the mini-DB as a principal sees it, with what is shown beside its cells. It is used by one
// goroutine and must be closed; its cells can be asked for until then.
type TableRow struct {
	// Columns describes the cells. It may be shared and must not be changed.
	Columns []lqp.Column
	// Lock is the lock of the row, nil when nobody holds it.
	Lock *minidb.RowLock

	rows  *Rows
	s     *entry
	table string
}

// Value is cell i.
func (r *TableRow) Value(i int) lqp.Value { return r.rows.Value(i) }

// AppendJSON appends cell i to dst as canonical JSON.
func (r *TableRow) AppendJSON(dst []byte, i int) []byte { return r.rows.AppendJSON(dst, i) }

// Table is the table that the row was read from, as [Access.Table] shows it; [ErrNotFound] where that does not show it.
func (r *TableRow) Table(ctx context.Context) (*minidb.Table, error) {
	return r.s.shownTable(ctx, r.table)
}

// Close ends the read. It is safe to call twice.
func (r *TableRow) Close() error {
	r.rows.Next() // there is no other row: a read that is at its end needs not be broken off
	return r.rows.Close()
}

// rowGuess is a row that a guess is about, and what came with it.
type rowGuess struct {
	table, id string
	lock      *minidb.RowLock
	told      bool // lock was asked for
}

// rowAlias names the table in the query of a row.
const rowAlias = "t"

// Row reads one row of a table, all columns that the principal may see, and whether somebody keeps others from changing it: on one
// catalogue and policy, and as a rule by one question to the database. It needs the right to read the table (rbac.ReadData). A row that is not
// there for the principal is [ErrNotFound], as is a table that a rule closes; one that is archived is [ErrArchived].
func (a *Access) Row(ctx context.Context, table, row string) (*TableRow, error) {
	q := &lqp.Query{From: lqp.Source{Table: table, Alias: rowAlias}, Page: lqp.Page{Limit: 1},
		Where: lqp.NewCall("eq", lqp.Ref(rowAlias, minidb.ColumnID), lqp.Literal(lqp.TextValue(row)))}
	if r, sure, err := a.guessedRow(ctx, q, table, row); sure {
		return r, err
	}
	if a.p.ID == "" {
		return nil, ErrNoPrincipal
	}
	if a.p.View != "" {
		return nil, fmt.Errorf("%s: %w", table, ErrNotFound)
	}
	snap, lock, told, err := a.e.store.LocateWithLock(ctx, table, row)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", table, err)
	}
	s, err := a.in(ctx, snap, table, rbac.ReadData)
	if err != nil {
		return nil, err
	}
	if !told { // before the row is read: who holds rows asks for nothing
		if lock, err = a.e.store.Lock(ctx, table, row); err != nil {
			return nil, err
		}
	}
	r, err := s.readRow(ctx, q, table)
	if err != nil {
		return nil, err
	}
	r.Lock = lock
	return r, nil
}

// guessedRow reads a row by the catalogue in memory, with the question whether that is the newest on the way. What it finds
// counts when it is sure.
func (a *Access) guessedRow(ctx context.Context, q *lqp.Query, table, row string) (r *TableRow, sure bool, err error) {
	s := a.presumed(ctx, a.e.store.KnownOf(table))
	if s == nil || s.may(table, rbac.ReadData) != nil || !a.foresee(ctx, s, q) {
		return nil, false, nil //nolint:nilerr // a refusal by an outdated catalogue is none
	}
	s.row = &rowGuess{table: table, id: row}
	if r, err = s.readRow(ctx, q, table); err != nil {
		return nil, s.current, err
	}
	if !s.row.told { // the row came another way in the end
		return nil, false, r.Close()
	}
	r.Lock = s.row.lock
	return r, true, nil
}

// readRow reads the row of a query.
func (s *entry) readRow(ctx context.Context, q *lqp.Query, table string) (*TableRow, error) {
	s.asked = true
	rows, err := s.query(ctx, q)
	if err != nil {
		if _, hidden := s.shownTable(ctx, table); hidden != nil && !s.guessed {
			return nil, hidden
		}
		return nil, err
	}
	if !rows.Next() {
		err := errors.Join(rows.Err(), rows.Close())
		if err == nil {
			err = fmt.Errorf("row of %s: %w", table, ErrNotFound)
		}
		return nil, err
	}
	return &TableRow{Columns: rows.Columns, rows: rows, s: s, table: table}, nil
}

// shownTable is a table, archived or not, as the principal sees it.
func (s *entry) shownTable(ctx context.Context, id string) (*minidb.Table, error) {
	if t, ok := s.AnyTable(id); ok {
		if v := s.shown(ctx, t); v != nil {
			return v, nil
		}
	}
	return nil, fmt.Errorf("table %s: %w", id, ErrNotFound)
}

// TableRows reads a page of the rows of one table by the query that ask makes of the table as [Access.Table] shows it, on one catalogue
// and policy. It needs the right to read the table (rbac.ReadData) and has the errors of [Access.Table], of ask and of
// [Access.Query]. The query must read that table alone. ask may be called twice: what it was told first may turn out to be
// outdated, and then counts for nothing. The rows must be closed.
func (a *Access) TableRows(ctx context.Context, table string, ask func(*minidb.Table) (*lqp.Query, error)) (*Rows, error) {
	if rows, sure, err := a.guessedRows(ctx, table, ask); sure {
		return rows, err
	}
	s, err := a.at(ctx, table, rbac.ReadData)
	if err != nil {
		return nil, err
	}
	t, err := s.shownTable(ctx, table)
	if err != nil {
		return nil, err
	}
	q, err := ask(t)
	if err != nil {
		return nil, err
	}
	s.asked = true
	return s.query(ctx, q)
}

// guessedRows is TableRows by the catalogue in memory, as guessedRow is of Row.
func (a *Access) guessedRows(ctx context.Context, table string, ask func(*minidb.Table) (*lqp.Query, error)) (rows *Rows, sure bool, err error) {
	snap := a.e.store.KnownOf(table)
	if snap == nil {
		return nil, false, nil
	}
	s := a.presumed(ctx, a.e.store.Known(snap.Workspace.ID))
	if s == nil || s.may(table, rbac.ReadData) != nil {
		return nil, false, nil //nolint:nilerr // as in guessedRow
	}
	t, err := s.shownTable(ctx, table)
	if err != nil {
		return nil, false, nil //nolint:nilerr // as above
	}
	q, err := ask(t)
	if err != nil || !a.foresee(ctx, s, q) {
		return nil, false, nil //nolint:nilerr // as above
	}
	s.asked = true
	rows, err = s.query(ctx, q)
	return rows, err == nil || s.current, err
}
