package livetables

import (
	"context"
	"errors"
	"time"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// Conflict is what a writer learns when somebody else was faster: the row as it is now, and of a merge that is not possible the
// columns that stand against it. All of it is as far as the writer may see it: nothing of hidden or masked columns, nothing of
// who did what where that is hidden.
type Conflict struct {
	Row     string
	Version int64 // the row's version now
	Reason  minidb.ConflictReason
	Columns []lqp.Column
	Values  []lqp.Value // in the order of Columns; nil for a row that is gone
	// Fields are the columns that the writer and somebody else gave different values, for minidb.ConflictFields.
	Fields []FieldConflict
	// Deleted says who deleted the row and when, for minidb.ConflictDeleted.
	Deleted *minidb.Deletion
	// Merge says that the writer had asked for a merge, which was not possible.
	Merge bool
	cause minidb.ConflictError
}

// FieldConflict is one column of a Conflict.
type FieldConflict struct {
	Column             lqp.Column
	Base, Mine, Theirs lqp.Value // in the version that the writer began with, as the writer wants it, and as it is
	// Actor, At and Version tell of the last change of the column; zero where that is not known or not for the writer to see.
	Actor   string
	At      time.Time
	Version int64
}

// Error implements error.
func (c *Conflict) Error() string { return c.cause.Error() }

// hideConflict replaces a conflict by one that shows only what the writer may see.
func hideConflict(ctx context.Context, err error, writes []write) error {
	var found *minidb.ConflictError
	if !errors.As(err, &found) || found.Write >= len(writes) {
		return err
	}
	return shownConflict(ctx, found, &writes[found.Write])
}

// shownConflict is a conflict about a row of a table as its writer sees it.
func shownConflict(ctx context.Context, found *minidb.ConflictError, w *write) *Conflict {
	seen, links := w.seen, w.links
	links.want(seen, found.Values)
	for _, f := range found.Fields {
		for _, cell := range []lqp.Value{f.Base, f.Mine, f.Theirs} {
			links.wantCell(seen, f.Column, cell)
		}
	}
	_ = links.look(ctx) // what cannot be looked up is not shown
	c := &Conflict{Row: found.Row, Version: found.Current, Reason: found.Reason, Merge: found.Merge, cause: *found}
	c.cause.Values, c.cause.Fields, c.cause.Deleted = nil, nil, nil
	c.Columns, c.Values = seen.Table().Columns, links.show(seen, found.Values)
	who, when, version := seen.Shows(minidb.ColumnUpdatedBy), seen.Shows(minidb.ColumnUpdatedAt), seen.Shows(minidb.ColumnVersion)
	if !version {
		c.Version, c.cause.Current = 0, 0
	}
	for _, f := range found.Fields {
		column := seen.Table().Column(f.Column)
		_, some := seen.Linked(f.Column)
		if column == nil || !seen.Shows(f.Column) && !some {
			continue
		}
		shown := FieldConflict{Column: *column, Base: f.Base, Mine: f.Mine, Theirs: f.Theirs}
		if some {
			shown.Base, shown.Mine, shown.Theirs = links.cell(seen, f.Column, f.Base), links.cell(seen, f.Column, f.Mine), links.cell(seen, f.Column, f.Theirs)
		}
		if who {
			shown.Actor = f.Actor
		}
		if when {
			shown.At = f.At
		}
		if version {
			shown.Version = f.Version
		}
		c.Fields = append(c.Fields, shown)
	}
	if found.Deleted != nil {
		c.Deleted = &minidb.Deletion{}
		if who {
			c.Deleted.Actor = found.Deleted.Actor
		}
		if when {
			c.Deleted.At = found.Deleted.At
		}
	}
	return c
}
