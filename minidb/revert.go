package minidb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/lqp"
)

// Selection says which changes of rows are taken back. Exactly one of Operation, Entry, Trash and Since is given; Since alone
// may go with the others below it.
type Selection struct {
	Workspace string
	// Operation is the batch of the entries, or the id of an entry that has none: everything that one transaction did.
	Operation string
	// Entry is one change of the row Row.
	Entry, Row string
	// Trash are deleted rows, to be restored as they were when they were deleted last.
	Trash []string
	// Since takes what was done from From on and, unless it is zero, before To: by Actor, by everybody when that is empty, to
	// the row Row or to all.
	Since    bool
	Actor    string
	From, To time.Time
	// Sees, unless it is nil, says whether the asker may know a row as it once was, in the order of the table's
	// Schema().Columns. Where chosen changes lead from or to a row that the asker may not know, the row is left alone.
	Sees func(t *Table, row []lqp.Value) bool
}

func (s *Selection) check() error {
	given := 0
	for _, set := range []bool{s.Operation != "", s.Entry != "", len(s.Trash) > 0, s.Since} {
		if set {
			given++
		}
	}
	switch {
	case given != 1:
		return errors.New("a selection is an operation, an entry, rows of the trash or a time")
	case s.Entry != "" && s.Row == "":
		return errors.New("an entry is that of a row")
	}
	return nil
}

// ConflictMode says what becomes of cells and rows that somebody has changed after the changes that are taken back.
type ConflictMode string

// The conflict modes.
const (
	// KeepConflicts leaves them alone and reports them. It is also the zero mode.
	KeepConflicts ConflictMode = "keep"
	// RefuseConflicts takes nothing back when there are any.
	RefuseConflicts ConflictMode = "refuse"
	// ForceConflicts sets them back all the same. A row that somebody else has deleted stays deleted.
	ForceConflicts ConflictMode = "force"
)

// Valid reports whether the mode is one of the three, or empty.
func (m ConflictMode) Valid() bool {
	return m == "" || m == KeepConflicts || m == RefuseConflicts || m == ForceConflicts
}

// RevertPlan is what taking changes back comes to, one part for each table. It holds rows as they are, whoever may see them:
// its maker narrows it to what its asker may see and do, and then hands it to [DB.ApplyRevert].
type RevertPlan struct {
	Selection Selection
	Mode      ConflictMode
	Target    string // the operation that is taken back, "" for a choice of changes
	Tables    []*TableRevert
	// More says that there are further rows: the plan was asked for a portion, and holds as many as may be.
	More bool

	orders map[cellPlace][]string // of the links of columns that follow others, before what is taken back
}

// TableRevert is the part of a plan that is about one table. Its rows are in the order of their ids.
type TableRevert struct {
	Table *Table
	Rows  []RowRevert

	follows map[int]bool // slots of columns that follow others
}

// RowRevert is what becomes of one row.
type RowRevert struct {
	ID string
	// Op is Insert for a row that is restored, Update, Delete, or "" when nothing is done to the row.
	Op      lqp.Op
	Version int64 // the row's version now; of a deleted row that of its deletion
	// Now is the row as it is, of a deleted one as it was last, in the order of the table's Schema().Columns.
	Now  []lqp.Value
	Gone bool // the row is deleted now
	// Unseen says that the asker may not know what the row was before or after a chosen change: nothing is done to it.
	Unseen bool
	// Touched are the columns, by id, of the cells that chosen changes gave another value, whatever became of them since; nil
	// of a selection without Sees.
	Touched []string
	// Cells are those to set back: of a restored row the ones that differ from Now.
	Cells []CellRevert
	// Move is the place in the manual order that the row gets back, nil for none.
	Move *PlaceRevert
	// Conflicts are cells that somebody has changed later, and are left as they are unless the mode forces them; Conflict is
	// one about the row as a whole, nil for none.
	Conflicts []CellConflict
	Conflict  *RowConflict
	// Lost are cells whose old value the column does not take any more, and which are left as they are.
	Lost   []LostCell
	orders map[int][]string // by slot, of columns that follow others
	// Refused are reasons for which the mini-DB did not take the row back: a unique value that another row has by now, a value
	// that is required, a broken rule.
	Refused []FieldError
}

// CellRevert is one cell to set back.
type CellRevert struct {
	Column   string // id
	From, To lqp.Value
}

// PlaceRevert is a place in the manual order to move a row back to. It is for nobody's eyes: it may name a row that is hidden.
type PlaceRevert struct{ to lqp.Value }

// CellConflict is a cell that somebody has changed since.
type CellConflict struct {
	Column string    // id
	Base   lqp.Value // what it would be set back to
	Left   lqp.Value // what the changes that are taken back left in it
	Theirs lqp.Value // what it is now
	LaterChange
	Forced bool // it is set back all the same
}

// RowConflict is a row that somebody has changed or deleted since.
type RowConflict struct {
	Code string // RowChangedSince, RowDeletedSince or RowMovedSince
	LaterChange
	Forced bool // the row is deleted, or moved, all the same
}

// The codes of conflicts about rows.
const (
	RowChangedSince = "changed" // the row was made by what is taken back, and others have changed it since
	RowDeletedSince = "deleted" // somebody has deleted the row since
	RowMovedSince   = "moved"   // the row would be moved back, and others have moved it since
)

// LaterChange says who came later.
type LaterChange struct {
	Actor string
	At    time.Time
	Entry string // id of the entry
}

// LostCell is a value of the past that has no counterpart in the column as it is today.
type LostCell struct {
	Column  string // id
	Code    string // as in FieldError
	Message string
}

// revertChunk is how many rows are looked at together.
const revertChunk = 250

// RevertTables lists the tables in which a selection of an operation changed rows; of other selections the caller knows them.
func (db *DB) RevertTables(ctx context.Context, sel Selection) (tables []string, err error) {
	err = db.read(ctx, "find operation", func(s session) error {
		o, err := s.operation(sel.Workspace, sel.Operation)
		if err != nil {
			return s.lost(sel.Workspace, sel.Operation, err)
		}
		if o.Kind == SchemaOperation {
			return fmt.Errorf("operation %s changed the definition of a table: %w", o.ID, ErrSchemaOperation)
		}
		tables, err = s.tablesOf(&o)
		return err
	})
	return tables, err
}

// ErrSchemaOperation says that an operation changed the definition of a table and is not taken back as one of rows.
var ErrSchemaOperation = errors.New("it is taken back by changing the definition")

// PlanRevert works out what taking changes back comes to, in the tables given, which are those of one workspace's snapshot. It
// reads the log and changes nothing. A selection of more than 10,000 rows (Options.MaxRows) is a *LimitError, unless portion
// is set: then the plan has the first rows that are to be changed, and its More says that there are others.
func (db *DB) PlanRevert(ctx context.Context, sel Selection, mode ConflictMode, tables []*Table, portion bool) (*RevertPlan, error) {
	if err := sel.check(); err != nil {
		return nil, fmt.Errorf("plan revert: %w", err)
	}
	sel.From, sel.To = sel.From.Truncate(time.Millisecond), sel.To.Truncate(time.Millisecond) // as the log keeps times
	plan := &RevertPlan{Selection: sel, Mode: mode, Target: sel.Operation}
	err := db.read(ctx, "plan revert", func(s session) error {
		p := &revertPlanner{session: s, db: db, plan: plan, tables: tables, portion: portion}
		if err := p.choose(); err != nil {
			return err
		}
		for _, t := range tables {
			if err := p.whole(t); err != nil {
				return err
			}
			if t.Workspace != sel.Workspace {
				return fmt.Errorf("table %s: %w", t.ID, ErrNotFound)
			}
			if err := p.table(t); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return plan, nil
}

// revertPlanner makes a plan from one state of the log.
type revertPlanner struct {
	session
	db      *DB
	plan    *RevertPlan
	tables  []*Table
	portion bool
	changed int   // rows of the plan with something to be done or told
	held    int   // bytes of them
	first   int64 // the part of the log that the selection lies in
	last    int64 // 0 for up to its end
	empty   bool  // nothing is selected
}

// whole refuses a choice of changes of a table of which some may have been cut.
func (p *revertPlanner) whole(t *Table) error {
	floor, cut, err := p.tableFloor(t.ID)
	if err != nil || !cut {
		return err
	}
	sel := &p.plan.Selection
	if sel.Operation != "" && p.first <= floor.position || sel.Since && sel.From.Before(floor.begins) {
		return floor.refusal()
	}
	return nil
}

// choose finds the part of the log that the selection lies in.
func (p *revertPlanner) choose() error {
	sel := &p.plan.Selection
	switch {
	case sel.Operation != "":
		o, err := p.operation(sel.Workspace, sel.Operation)
		p.first, p.last = o.first, o.last
		return p.lost(sel.Workspace, sel.Operation, err)
	case sel.Since && sel.Actor != "":
		first, last, ok, err := p.span(sel.Workspace, sel.Actor, sel.From, sel.To)
		p.first, p.last, p.empty = first, last, !ok
		return err
	}
	return nil
}

// takes reports whether an entry about a row is among those to take back.
func (p *revertPlanner) takes(e *audit.Entry) bool {
	sel := &p.plan.Selection
	switch {
	case !reversible(e.Action):
		return false
	case sel.Operation != "":
		return e.Position >= p.first && e.Position <= p.last
	case sel.Entry != "":
		return e.ID == sel.Entry
	case len(sel.Trash) > 0:
		return e.Action == rowActions[lqp.Delete]
	}
	return (sel.Actor == "" || e.Actor == sel.Actor) && (sel.From.IsZero() || !e.At.Before(sel.From)) && (sel.To.IsZero() || e.At.Before(sel.To)) &&
		(sel.Row == "" || e.Resource == sel.Row)
}
