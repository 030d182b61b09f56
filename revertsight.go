package livetables

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/livetables/livetables/internal/rewrite"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// narrowRevert leaves in a plan the rows that the principal sees, and refuses one with cells that the principal may not write:
// what somebody may not do by writing, they may not do by taking back. some says that rows were left out.
func (s *entry) narrowRevert(ctx context.Context, plan *minidb.RevertPlan) (some bool, err error) {
	tables := plan.Tables[:0]
	for _, t := range plan.Tables {
		seen, err := s.sight(ctx, t.Table)
		if err != nil {
			return false, err
		}
		rows := t.Rows[:0]
		for i := range t.Rows {
			r := t.Rows[i]
			if r.Unseen || !seen.Sees(r.Now) {
				some = true
				continue
			}
			if err := writableCells(t.Table, seen, &r); err != nil {
				return false, err
			}
			// What became of cells that are out of sight is not told.
			r.Conflicts = shownOnly(r.Conflicts, func(c *minidb.CellConflict) bool { return seen.Shows(c.Column) })
			r.Lost = shownOnly(r.Lost, func(c *minidb.LostCell) bool { return seen.Shows(c.Column) })
			if r.Op == "" && len(r.Conflicts) == 0 && len(r.Lost) == 0 && r.Conflict == nil {
				continue
			}
			rows = append(rows, r)
		}
		if t.Rows = rows; len(rows) > 0 {
			tables = append(tables, t)
		}
	}
	plan.Tables = tables
	return some, nil
}

// seesPast says of which rows as they once were in some tables the principal may know: taking a change back must not bring out
// what a row was while it was out of sight.
func (s *entry) seesPast(ctx context.Context, tables []*minidb.Table) (func(*minidb.Table, []lqp.Value) bool, error) {
	sights := make(map[string]*rewrite.Sight, len(tables))
	for _, t := range tables {
		seen, err := s.sight(ctx, t)
		if err != nil {
			return nil, err
		}
		sights[t.ID] = seen
	}
	return func(t *minidb.Table, row []lqp.Value) bool { return sights[t.ID].Sees(row) }, nil
}

func shownOnly[T any](list []T, shows func(*T) bool) (kept []T) {
	for i := range list {
		if shows(&list[i]) {
			kept = append(kept, list[i])
		}
	}
	return kept
}

// writableCells refuses a row with a cell to set back that the principal may not write. A row that is restored brings all its
// values: in columns out of reach it may only have those that a new row gets anyway.
func writableCells(t *minidb.Table, seen *rewrite.Sight, r *minidb.RowRevert) error {
	// What became of the cells since is not told, not even by what is answered here.
	for _, column := range r.Touched {
		if seen.Access(column) != "" {
			return fmt.Errorf("the change touched a column that you may not write: %w", ErrForbidden)
		}
	}
	if r.Op != lqp.Insert {
		return nil
	}
	for at, column := range t.Schema().Columns {
		if seen.Access(column.ID) == "" || column.ReadOnly {
			continue
		}
		if c, ok := t.Column(column.ID); ok && !lqp.Equal(r.Now[at], c.Default) {
			return fmt.Errorf("the row has values in columns that you may not write: %w", ErrForbidden)
		}
	}
	return nil
}

// hideRevert is the error of a revert as far as the principal may know it.
func (s *entry) hideRevert(ctx context.Context, plan *minidb.RevertPlan, err error) error {
	var (
		moved   *minidb.ConflictError
		refused *minidb.ValidationError
		row     *minidb.RowError
	)
	switch {
	case errors.As(err, &moved): // only to be planned again; the row's values go no further
		return fmt.Errorf("the rows are changed faster than they can be taken back: %w", &minidb.ConflictError{Row: moved.Row, Expected: moved.Expected, Current: moved.Current})
	case errors.As(err, &row) && (errors.Is(err, minidb.ErrExists) || errors.Is(err, ErrNotFound)):
		return fmt.Errorf("row %s: %w", row.Row, errMoved)
	case errors.As(err, &refused):
		for _, t := range plan.Tables {
			if seen, bad := s.sight(ctx, t.Table); bad == nil {
				refused = hideFaults(refused, seen, t.Table)
			}
		}
		return refused
	}
	return err
}

// RevertReport tells what taking changes back did, or with DryRun would do.
type RevertReport struct {
	Kind minidb.OperationKind
	// Operation is the operation that it was, by which it can be taken back itself; "" of a dry run, and when there was nothing
	// to do.
	Operation string
	Target    string // the operation that was taken back, "" for a choice of changes
	DryRun    bool
	More      bool // there are further rows: the same call takes the next portion
	Affected  int  // rows that were restored, changed or deleted
	Rows      []RevertedRow
	// Left are changes of definitions, rights and other things that somebody made in the time whose changes were taken back, the
	// newest first. LeftMore says that there are others.
	Left     []LeftChange
	LeftMore bool
}

// RevertedRow is what became of one row, as far as the principal may see it.
type RevertedRow struct {
	Table, ID string
	Op        lqp.Op // Insert for a restored row, Update, Delete, "" when nothing was done
	Version   int64  // after the write, of a row that was left alone its own; 0 where it is not shown
	Moved     bool   // it has the place in the manual order again that it had
	Cells     []RevertedCell
	Conflicts []RevertConflict
	Conflict  *RevertRowConflict // about the row as a whole
	Lost      []minidb.LostCell
	Refused   []minidb.FieldError
}

// RevertedCell is a cell with its values before and after. Of a restored row these are all that have one.
type RevertedCell struct {
	Column   lqp.Column
	From, To lqp.Value
}

// RevertConflict is a cell that somebody has changed since: what it would have been set back to, what the reverted change
// left, what it is. By and At are empty where the principal does not see who changes rows, and when.
type RevertConflict struct {
	Column             lqp.Column
	Base, Left, Theirs lqp.Value
	minidb.LaterChange
	Forced bool
}

// RevertRowConflict is a row that somebody has changed or deleted since; see minidb.RowConflict.
type RevertRowConflict = minidb.RowConflict

// report fills in what became of the rows.
func (s *entry) report(ctx context.Context, out *RevertReport, plan *minidb.RevertPlan, results []minidb.Result) error {
	done := map[string]minidb.RowResult{}
	for _, r := range results {
		for _, row := range r.Rows {
			if !row.Changed {
				continue
			}
			if first, ok := done[row.ID]; ok { // its links were set after its other cells
				row.Op, row.Before = first.Op, first.Before
			}
			done[row.ID] = row
		}
	}
	for _, t := range plan.Tables {
		seen, err := s.sight(ctx, t.Table)
		if err != nil {
			return err
		}
		shown := seen.Table()
		for i := range t.Rows {
			r := &t.Rows[i]
			row := RevertedRow{Table: t.Table.ID, ID: r.ID, Version: r.Version, Lost: r.Lost, Conflict: r.Conflict, Refused: r.Refused}
			if d, ok := done[r.ID]; ok {
				row.Op, row.Version, row.Moved = d.Op, d.Version, r.Move != nil
				row.Cells = changedCells(seen, &d)
				out.Affected++
			}
			if len(r.Refused) > 0 {
				row.Refused = hideFaults(&minidb.ValidationError{Fields: r.Refused}, seen, t.Table).Fields
			}
			for _, c := range r.Conflicts {
				hideLater(seen, &c.LaterChange)
				row.Conflicts = append(row.Conflicts, RevertConflict{Column: *shown.Column(c.Column), Base: c.Base, Left: c.Left, Theirs: c.Theirs,
					LaterChange: c.LaterChange, Forced: c.Forced})
			}
			if r.Conflict != nil {
				hideLater(seen, &r.Conflict.LaterChange)
			}
			if !seen.Shows(minidb.ColumnVersion) {
				row.Version = 0
			}
			out.Rows = append(out.Rows, row)
		}
	}
	return nil
}

// changedCells are the cells that a row's own columns show to have changed. Of a deleted row there are none.
func changedCells(seen *rewrite.Sight, d *minidb.RowResult) (cells []RevertedCell) {
	if d.Op == lqp.Delete {
		return nil
	}
	before, after := seen.Show(d.Before), seen.Show(d.After)
	for i, c := range seen.Table().Columns {
		if minidb.IsBuiltIn(c.ID) {
			continue
		}
		from := lqp.Value{}
		if before != nil {
			from = before[i]
		}
		if !lqp.Equal(from, after[i]) {
			cells = append(cells, RevertedCell{Column: c, From: from, To: after[i]})
		}
	}
	return cells
}

// hideLater takes from what is told of a later change what built-in columns tell that the principal does not see.
func hideLater(seen *rewrite.Sight, l *minidb.LaterChange) {
	if !seen.Shows(minidb.ColumnUpdatedBy) {
		l.Actor = ""
	}
	if !seen.Shows(minidb.ColumnUpdatedAt) {
		l.At = time.Time{}
	}
}
