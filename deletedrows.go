package livetables

import (
	"context"
	"time"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// DeletedRow is a row in the trash of its table, as the principal would see it were it there.
type DeletedRow struct {
	ID      string
	Values  []lqp.Value // in the order of DeletedRows.Columns
	Deleted time.Time   // zero where the principal does not see when rows are changed
	By      string      // who deleted it, "" where the principal does not see who changes rows
	Entry   string      // id of the audit entry
}

// DeletedRows is a page of the trash of a table.
type DeletedRows struct {
	Columns []lqp.Column
	Rows    []DeletedRow
	Next    string // cursor of the next page, "" for none
}

// DeletedRows lists the deleted rows of a table that can be restored, the last one deleted first: those that today's policy
// would let the principal see. They stay until the change log forgets them. limit is 1 to 1,000, 0 for 100; cursor is that of
// the page before. [Access.RestoreRows] brings them back.
func (a *Access) DeletedRows(ctx context.Context, table, cursor string, limit int) (*DeletedRows, error) {
	s, err := a.at(ctx, table, rbac.ReadData)
	if err != nil {
		return nil, err
	}
	t, seen, err := s.tableOf(ctx, table)
	if err != nil {
		return nil, err
	}
	if limit <= 0 {
		limit = s.limits.PageRows
	}
	limit = min(limit, s.limits.MaxPageRows)
	f := HistoryFilter{Table: table, Action: "trash", Cursor: cursor}
	before, err := s.before(f)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.limits.QueryTime)
	defer cancel()
	page := &DeletedRows{Columns: seen.Table().Columns}
	for {
		list, last, err := a.e.store.DeletedRows(ctx, t, before, limit+1)
		if err != nil {
			return nil, err
		}
		for i := range list {
			if seen.Sees(list[i].Values) {
				s.links().want(seen, list[i].Values)
			}
		}
		if err := s.links().look(ctx); err != nil {
			return nil, err
		}
		for i := range list {
			r := &list[i]
			if !seen.Sees(r.Values) {
				continue
			}
			if len(page.Rows) == limit {
				previous := list[i].Entry
				previous.Position++ // the page ends above this row
				page.Next, err = a.HistoryCursor(ctx, f, previous)
				return page, err
			}
			later := minidb.LaterChange{Actor: r.Entry.Actor, At: r.Entry.At}
			hideLater(seen, &later)
			page.Rows = append(page.Rows, DeletedRow{ID: r.ID, Values: s.links().show(seen, r.Values), Deleted: later.At, By: later.Actor, Entry: r.Entry.ID})
		}
		if before = last; last == 0 {
			return page, nil
		}
	}
}
