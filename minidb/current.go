package minidb

import (
	"context"
	"errors"
	"fmt"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// ErrOutdated is the error of a read that was made for a catalogue which is not the newest any more.
var ErrOutdated = errors.New("the catalogue has changed")

// maxGuesses is how many reads at once ask for the revision each for itself. Beyond, callers of Snapshot share an answer, which
// costs the database less.
const maxGuesses = 16

// Known is the catalogue of a workspace that is in memory, which may be out of date; nil when there is none, and when a read
// gains nothing by it. Whoever goes by it must show nothing before ScanCurrent has found it to be the newest.
func (db *DB) Known(workspace string) *Snapshot {
	if db.revisions == nil || db.asking.Load() >= maxGuesses {
		return nil
	}
	s, _ := db.snapshots.get(workspace)
	return s
}

// KnownOf is Known for the workspace that a resource belongs to, however many ask: for reads that have to ask something on their
// way in any case, see ScanCurrentRow.
func (db *DB) KnownOf(resource string) *Snapshot {
	if db.revisions == nil {
		return nil
	}
	workspace, ok := db.places.get(resource)
	if !ok {
		return nil
	}
	if s, _ := db.snapshots.get(workspace); s != nil && s.has(resource) {
		return s
	}
	return nil
}

// ScanCurrent runs a prepared statement that was made by a catalogue which Known gave, and answers with its rows if that is the
// newest at some moment of the call and before the rows were read: the database is asked on the way. ErrOutdated says that it is
// not, adapter.ErrUnprepared that it could not be asked; either is to be answered with Snapshot and a plan of its own. checked is
// set once the catalogue was found to be the newest, whatever becomes of the rows.
func (db *DB) ScanCurrent(ctx context.Context, s *Snapshot, p adapter.Prepared, values []lqp.Value) (rows adapter.Rows, checked bool, err error) {
	db.asking.Add(1)
	defer db.asking.Add(-1)
	ask := ahead{db.revisions.prepared(), []lqp.Value{argText(s.Workspace.ID)}, 1}
	rows, _, checked, err = db.scanAfter(ctx, s, ask, p, values)
	return rows, checked, err
}

// ScanCurrentRow is ScanCurrent of a statement that reads a row of a table, with the row's lock, nil when nobody holds it. The lock
// is not to be told to whom is not shown the row.
func (db *DB) ScanCurrentRow(ctx context.Context, s *Snapshot, p adapter.Prepared, values []lqp.Value, table, row string) (rows adapter.Rows, lock *RowLock, checked bool, err error) {
	if !maybeRow(row) {
		return nil, nil, false, fmt.Errorf("read along with a lock: %w", adapter.ErrUnprepared)
	}
	ask := ahead{db.lockQuestion.prepared(db.revisions), lockHolesOf(s.Workspace.ID, table, row), 4}
	rows, cells, checked, err := db.scanAfter(ctx, s, ask, p, values)
	if err != nil {
		return nil, nil, checked, err
	}
	return rows, db.lockAnswer(table, row, cells), true, nil
}

// ahead is a question that a read follows: a statement whose first column is the revision of a workspace.
type ahead struct {
	question adapter.Prepared // nil for one that cannot be asked so
	at       []lqp.Value      // its holes
	width    int              // columns of the answer
}

// scanAfter runs a statement behind a question, and answers with what that found.
func (db *DB) scanAfter(ctx context.Context, s *Snapshot, ask ahead, p adapter.Prepared, values []lqp.Value) (rows adapter.Rows, cells []lqp.Value, checked bool, err error) {
	f, ok := p.(adapter.Follower)
	if ask.question == nil || !ok {
		return nil, nil, false, fmt.Errorf("read along with the revision: %w", adapter.ErrUnprepared)
	}
	asked := false
	rows, err = f.ScanAfter(ctx, ask.question, ask.at, func(row []lqp.Value) error {
		cells, asked = row, true
		if checked = len(row) == ask.width && revisionOf(row) == s.Revision; !checked {
			return ErrOutdated
		}
		return nil
	}, values)
	if asked && !checked {
		db.snapshots.outdate(s.Workspace.ID, revisionOf(cells))
		err = fmt.Errorf("workspace %s: %w", s.Workspace.ID, ErrOutdated)
	}
	if err != nil {
		return nil, nil, checked, err
	}
	return rows, cells, checked, nil
}
