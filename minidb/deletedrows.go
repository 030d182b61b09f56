package minidb

import (
	"context"
	"slices"

	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/lqp"
)

// DeletedRow is a row that is deleted and can be restored.
type DeletedRow struct {
	ID     string
	Values []lqp.Value // as it was last, in the order of the table's Schema().Columns
	Entry  audit.Entry // its deletion
}

// DeletedRows lists deleted rows of a table, the last one deleted first, from the log: below the position before, 0 for the
// newest, at most limit (as in Changes). last is the position to go on below, 0 at the end.
func (db *DB) DeletedRows(ctx context.Context, t *Table, before int64, limit int) (list []DeletedRow, last int64, err error) {
	err = db.read(ctx, "list deleted rows of "+t.ID, func(s session) error {
		where, args := "", []lqp.Value{argText(t.ID)}
		if before > 0 {
			where, args = " AND position < ?", append(args, argInt(before))
		}
		limit := entryLimit(limit)
		found, err := all(s, scanEntry, `SELECT `+entryColumns+` FROM lt_change
			WHERE table_id = ? AND table_id <> '' AND action = 'row.delete'`+where+` ORDER BY table_offset DESC LIMIT ?`, append(args, limit)...)
		if err != nil || len(found) == 0 {
			return err
		}
		if n, _ := limit.Decimal().Int64(); int64(len(found)) == n {
			last = found[len(found)-1].Position
		}
		p, err := s.pastOf(t)
		if err != nil {
			return err
		}
		newest := map[string]int64{}
		for chunk := range slices.Chunk(found, inChunk) {
			args := make([]lqp.Value, 0, len(chunk)+1)
			for i := range chunk {
				args = append(args, argText(chunk[i].Resource))
			}
			ends, err := all(s, func(r record) audit.Entry { return audit.Entry{Resource: r.text(0), Position: r.integer(1)} },
				`SELECT resource, max(position) FROM lt_change WHERE resource IN (`+marks(len(chunk))+`) AND table_id || '' = ?
				AND resource_type = 'row' GROUP BY resource`, append(args, argText(t.ID))...)
			if err != nil {
				return err
			}
			for _, e := range ends {
				newest[e.Resource] = e.Position
			}
		}
		for i := range found {
			e := &found[i]
			if newest[e.Resource] != e.Position {
				continue // it was restored, or deleted again
			}
			row, err := p.row(e.Before, e, true, nil)
			if err != nil {
				return err
			}
			list = append(list, DeletedRow{ID: e.Resource, Values: row, Entry: *e})
		}
		return nil
	})
	return list, last, err
}

// RowEntry finds an entry about a row; ErrNotFound when the row has none of that id.
func (db *DB) RowEntry(ctx context.Context, table, row, id string) (*audit.Entry, error) {
	var e audit.Entry
	err := db.read(ctx, "find entry", func(s session) (err error) {
		e, err = must(s, "entry "+cleanText(id, maxName), scanEntry, `SELECT `+entryColumns+` FROM lt_change
			WHERE resource = ? AND id = ? AND table_id || '' = ? AND resource_type = 'row'`, argText(row), argText(id), argText(table))
		if err == nil {
			return nil
		}
		of, _, floorErr := one(s, func(r record) string { return r.text(0) }, `SELECT workspace FROM lt_floor_table WHERE table_id = ?`, argText(table))
		return orElse(floorErr, s.lost(of, id, err))
	})
	if err != nil {
		return nil, err
	}
	return &e, nil
}
