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

// ScanCurrent runs a prepared statement that was made by a catalogue which Known gave, and answers with its rows if that is the
// newest at some moment of the call and before the rows were read: the database is asked on the way. ErrOutdated says that it is
// not, adapter.ErrUnprepared that it could not be asked; either is to be answered with Snapshot and a plan of its own. checked is
// set once the catalogue was found to be the newest, whatever becomes of the rows.
func (db *DB) ScanCurrent(ctx context.Context, s *Snapshot, p adapter.Prepared, values []lqp.Value) (rows adapter.Rows, checked bool, err error) {
	question := db.revisions.prepared()
	f, ok := p.(adapter.Follower)
	if question == nil || !ok {
		return nil, false, fmt.Errorf("read along with the revision: %w", adapter.ErrUnprepared)
	}
	db.asking.Add(1)
	defer db.asking.Add(-1)
	workspace, revision, asked := s.Workspace.ID, int64(0), false
	rows, err = f.ScanAfter(ctx, question, []lqp.Value{argText(workspace)}, func(row []lqp.Value) error {
		revision, asked, checked = 0, true, false
		if len(row) == 1 {
			revision, _ = row[0].Decimal().Int64()
		}
		if checked = row != nil && revision == s.Revision; !checked {
			return ErrOutdated
		}
		return nil
	}, values)
	if asked && !checked {
		db.snapshots.outdate(workspace, revision)
		err = fmt.Errorf("workspace %s: %w", workspace, ErrOutdated)
	}
	if err != nil {
		return nil, checked, err
	}
	return rows, checked, nil
}
