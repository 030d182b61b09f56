package minidb

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/livetables/livetables/lqp"
)

// The log of a workspace may be cut: then it begins after its floor. What is left is always an end of what was written, since
// entries are removed from the oldest on. A question about the past that what is left cannot answer is refused with a
// *HistoryCutError; one that it can is answered although the floor is above the time that was asked for.

// HistoryCutError says that an answer needs entries of the log that were cut.
type HistoryCutError struct {
	// Begins is the time from which on history is whole: no entry that was cut is of this time or a later one.
	Begins time.Time
}

// Error implements error.
func (e *HistoryCutError) Error() string {
	return "history before " + e.Begins.UTC().Format(time.RFC3339Nano) + " was cut"
}

// Floor is where the log of a workspace begins.
type Floor struct {
	Workspace string
	Sequence  int64  // of the last entry that was cut, 0 when none ever was
	Hash      []byte // of the same
	Position  int64
	// Begins is the time from which on the log is whole, as in HistoryCutError.
	Begins time.Time
	CutAt  time.Time // when it was cut last

	mark string // the operation of the last entry that was cut, or its id
}

const floorColumns = `workspace, sequence, hash, position, latest, cut_at, mark`

// scanFloor reads floorColumns.
func scanFloor(r record) Floor {
	return Floor{Workspace: r.text(0), Sequence: r.integer(1), Hash: r.bytes(2), Position: r.integer(3), Begins: beginsAfter(r.instant(4)),
		CutAt: r.instant(5), mark: r.text(6)}
}

// beginsAfter is the first time that is later than that of the youngest entry that was cut.
func beginsAfter(latest time.Time) time.Time { return latest.Add(time.Millisecond) }

// Floor is where the log of a workspace begins; its Sequence is 0 when nothing of it was ever cut.
func (db *DB) Floor(ctx context.Context, workspace string) (f Floor, err error) {
	err = db.read(ctx, "read floor of "+workspace, func(s session) (err error) {
		f, err = s.floor(workspace)
		return err
	})
	return f, err
}

func (s session) floor(workspace string) (Floor, error) {
	f, _, err := one(s, scanFloor, `SELECT `+floorColumns+` FROM lt_floor WHERE workspace = ?`, argText(workspace))
	if err != nil {
		return f, fmt.Errorf("read floor: %w", err)
	}
	f.Workspace = workspace
	return f, nil
}

// Cuts reports whether entries of a time, or later ones, may have been cut.
func (f *Floor) Cuts(since time.Time) bool { return f.Sequence > 0 && since.Before(f.Begins) }

// refusal is the error of a question that only entries at or below the floor could answer.
func (f *Floor) refusal() error { return &HistoryCutError{Begins: f.Begins} }

// lost turns the ErrNotFound of something that is named by the id of an entry or an operation into a refusal, when the log it
// would have been in is cut by now: ids are in the order in which they were made.
func (s session) lost(workspace, id string, err error) error {
	if err == nil || !errors.Is(err, ErrNotFound) || !ValidID(id, prefixChange) && !ValidID(id, prefixBatch) {
		return err
	}
	f, floorErr := s.floor(workspace)
	if floorErr != nil {
		return floorErr
	}
	if f.Sequence > 0 && madeBy(id) <= madeBy(f.mark) {
		return f.refusal()
	}
	return err
}

// madeBy is the part of an id that is in the order in which ids are made.
func madeBy(id string) string { return id[strings.IndexByte(id, '_')+1:] }

// tableFloor is where what is left of a table's log begins.
type tableFloor struct {
	offset, position int64 // of the last entry that was cut, 0 for none
	begins           time.Time
}

func (f *tableFloor) refusal() error { return &HistoryCutError{Begins: f.begins} }

// tableFloor finds where the log of a table begins; ok is false when nothing of it was cut.
func (s session) tableFloor(table string) (f tableFloor, ok bool, err error) {
	f, ok, err = one(s, func(r record) tableFloor { return tableFloor{r.integer(0), r.integer(1), beginsAfter(r.instant(2))} },
		`SELECT table_offset, position, latest FROM lt_floor_table WHERE table_id = ?`, argText(table))
	if err != nil {
		err = fmt.Errorf("read floor of %s: %w", table, err)
	}
	return f, ok, err
}

// TableFloor is the offset of the last entry of a table that was cut, 0 when none was.
func (db *DB) TableFloor(ctx context.Context, table string) (offset int64, err error) {
	err = db.read(ctx, "read floor of "+table, func(s session) error {
		f, _, err := s.tableFloor(table)
		offset = f.offset
		return err
	})
	return offset, err
}

// TableBegins is the time from which on the log of a table is whole, zero when nothing of it was ever cut.
func (db *DB) TableBegins(ctx context.Context, table string) (begins time.Time, err error) {
	err = db.read(ctx, "read floor of "+table, func(s session) error {
		f, _, err := s.tableFloor(table)
		begins = f.begins
		return err
	})
	return begins, err
}

// presentRow is a row as it is, nil when it is not there.
func (s session) presentRow(db *DB, t *Table, id string) (row []lqp.Value, err error) {
	u := &unit{session: s, db: db}
	err = u.scanIn(t.layout, idSlot, []lqp.Value{argText(id)}, func(found []lqp.Value) error {
		row = found
		return nil
	})
	return row, err
}
