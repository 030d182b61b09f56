package minidb

import (
	"context"
	"fmt"
	"time"

	"github.com/livetables/livetables/lqp"
)

// RowMoment says as of when a row is meant: in a version, or at a time. Exactly one of them is set; neither means now.
type RowMoment struct {
	Version int64
	Time    time.Time
}

// PastRow is a row as it was at a moment.
type PastRow struct {
	Values []lqp.Value // in the order of the table's Schema().Columns, in today's terms; nil where there was no row
	At     time.Time   // when it became so
	Actor  string      // by whom
}

// RowAt reads a row as it was at a moment, from the log. A version that the row never had is ErrNotFound, as is a row that never
// was; at a time before it was made, or after it was deleted, there is none. It is a *HistoryCutError when the log does not reach
// back to the moment any more.
func (db *DB) RowAt(ctx context.Context, t *Table, row string, m RowMoment) (*PastRow, error) {
	out := &PastRow{}
	err := db.read(ctx, "read the past of "+cleanText(row, maxName), func(s session) error {
		where, args := "", []lqp.Value{argText(row), argText(t.ID)}
		switch {
		case m.Version != 0:
			where, args = " AND version = ?", append(args, argInt(m.Version))
		case !m.Time.IsZero():
			where, args = " AND at <= ?", append(args, argTime(m.Time))
		}
		e, ok, err := one(s, scanEntry, `SELECT `+entryColumns+` FROM lt_change WHERE resource = ? AND table_id || '' = ? AND resource_type = 'row'`+where+`
			ORDER BY position DESC LIMIT 1`, args...)
		if err != nil {
			return err
		}
		if !ok {
			return s.rowBeyondLog(db, t, row, m, out)
		}
		p, err := s.pastOf(t)
		if err != nil {
			return err
		}
		out.At, out.Actor = e.At, e.Actor
		out.Values, err = p.row(e.After, &e, false, nil)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// rowBeyondLog is a row at a moment of which the log has no entry: there was none yet, or it was cut. Then the row was what its
// first entry that is left has found, and without one what it is now.
func (s session) rowBeyondLog(db *DB, t *Table, row string, m RowMoment, out *PastRow) error {
	missing := fmt.Errorf("row %s: %w", cleanText(row, maxName), ErrNotFound)
	floor, cut, err := s.tableFloor(t.ID)
	if err != nil {
		return err
	}
	e, left, err := one(s, scanEntry, `SELECT `+entryColumns+` FROM lt_change WHERE resource = ? AND table_id || '' = ? AND resource_type = 'row'
		ORDER BY position LIMIT 1`, argText(row), argText(t.ID))
	if err != nil {
		return err
	}
	if !cut {
		if !left || m.Version != 0 {
			return missing
		}
		return nil
	}
	var found []lqp.Value
	if left {
		p, err := s.pastOf(t)
		if err != nil {
			return err
		}
		if found, err = p.row(e.Before, &e, true, nil); err != nil {
			return err
		}
	} else if found, err = s.presentRow(db, t, row); err != nil {
		return err
	}
	switch {
	case found == nil && !left:
		return missing // it was deleted before, or never was
	case m.Version == 0 && !m.Time.IsZero() && m.Time.Before(floor.begins):
		return floor.refusal()
	case m.Version == 0 && found == nil:
		return nil
	case m.Version != 0 && (found == nil || m.Version < t.layout.versionOf(found)):
		if found == nil && m.Version >= e.Version || m.Version < 1 {
			return missing
		}
		return floor.refusal()
	case m.Version != 0 && m.Version > t.layout.versionOf(found):
		return missing
	}
	out.Values = found
	for i, id := range t.layout.ids {
		switch v := found[i]; {
		case v.IsNull():
		case id == ColumnUpdatedAt:
			out.At = time.UnixMilli(v.Millis()).UTC()
		case id == ColumnUpdatedBy:
			out.Actor = v.Text()
		}
	}
	return nil
}
