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
// was; at a time before it was made, or after it was deleted, there is none.
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
			known, err := (&unit{session: s}).taken(`SELECT 1 FROM lt_change WHERE resource = ? AND table_id || '' = ? AND resource_type = 'row' LIMIT 1`,
				argText(row), argText(t.ID))
			if err == nil && (!known || m.Version != 0) {
				err = fmt.Errorf("row %s: %w", cleanText(row, maxName), ErrNotFound)
			}
			return err
		}
		p, err := s.pastOf(t, e.Position)
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
