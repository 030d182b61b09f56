package livetables

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// RevertOptions say how changes are taken back. The zero value leaves alone what others have changed since.
type RevertOptions struct {
	// Conflicts says what becomes of cells and rows that somebody has changed later.
	Conflicts minidb.ConflictMode
	// Reason is kept in the audit records, after what was taken back.
	Reason string
	// DryRun works everything out and changes nothing.
	DryRun bool
	// Portion takes back the first 10,000 rows of a larger choice; the report's More says that there are others, which the same
	// call takes next. Without it a larger choice is refused.
	Portion bool
	// Count, when not nil, is told once how many rows will be written, before they are: its error is that of the call, and nothing is
	// taken back.
	Count func(rows int) error
}

// Changes is a choice of changes of rows: an operation, or what was done in a time. Of the fields below From, the empty ones
// choose everything.
type Changes struct {
	// Operation is the batch of audit entries, or the id of an entry that has none.
	Operation string
	// Actor did it; "" means everybody, which needs a Table.
	Actor string
	// From and To bound the time, To excluded; a zero To is now.
	From, To time.Time
	// Base or Table holds the rows; none of them means the workspace.
	Base, Table string
	// Row is one row of Table.
	Row string
}

// Revert takes changes of rows back, in one transaction that can be taken back itself: what was inserted is deleted, what was
// deleted is restored with its id, cells get the values that they had. Only cells whose newest change is a chosen one are set
// back; what somebody has changed since is reported, with what it is now and by whom, and left alone unless the options say
// otherwise.
//
// It is a write like any other, under what the principal may do today: rows out of sight are not there, and a row or a column
// that the principal may not write refuses everything with [ErrForbidden]. Entries of computed and built-in columns are left
// to the database. With RefuseConflicts and conflicts the error is a *minidb.RevertConflictError.
func (a *Access) Revert(ctx context.Context, workspace string, changes Changes, opt RevertOptions) (*RevertReport, error) {
	switch {
	case changes.Operation != "" && (changes.Actor != "" || !changes.From.IsZero() || !changes.To.IsZero() || changes.Base != "" || changes.Table != "" || changes.Row != ""):
		return nil, problem("$.operation", lqp.CodeConflict, "an operation is taken back as a whole")
	case changes.Operation == "" && changes.From.IsZero():
		return nil, problem("$.from", lqp.CodeMissing, "an operation or the beginning of a time is needed")
	case changes.Operation == "" && changes.Actor == "" && changes.Table == "":
		return nil, problem("$.actor", lqp.CodeMissing, "whose changes, or those of which table")
	case changes.Row != "" && changes.Table == "":
		return nil, problem("$.table_id", lqp.CodeMissing, "a row is one of a table")
	case changes.Base != "" && changes.Table != "":
		return nil, problem("$.base_id", lqp.CodeConflict, "either a base or a table")
	case !changes.From.IsZero() && !changes.To.IsZero() && !changes.From.Before(changes.To):
		return nil, problem("$.to", lqp.CodeArgument, "the time ends before it begins")
	}
	r := &reversal{kind: minidb.RevertOperation, opt: opt, actor: changes.Actor, what: "what was done since " + changes.From.UTC().Format(time.RFC3339), sel: minidb.Selection{Workspace: workspace,
		Operation: changes.Operation, Since: changes.Operation == "", Actor: changes.Actor, From: changes.From, To: changes.To, Row: changes.Row}}
	if changes.Operation != "" {
		r.what = changes.Operation
	}
	report, err := a.reverse(ctx, workspace, r, func(s *entry) ([]string, error) {
		if changes.Operation != "" {
			return a.e.store.RevertTables(ctx, r.sel)
		}
		if changes.Table == "" { // what is left of the time is told too, of everything
			floor, err := a.e.store.Floor(ctx, workspace)
			if err != nil {
				return nil, err
			}
			if floor.Cuts(changes.From) {
				return nil, &minidb.HistoryCutError{Begins: floor.Begins}
			}
		}
		return s.tablesWithin(changes.Base, changes.Table)
	})
	if err != nil || changes.Actor == "" || changes.Row != "" {
		return report, err
	}
	s, err := a.enter(ctx, workspace, rbac.WriteRows)
	if err == nil {
		report.Left, report.LeftMore, err = s.left(ctx, changes)
	}
	if err != nil {
		a.e.log.WarnContext(ctx, "list what a revert left", "workspace", workspace, "error", err) // the rows are taken back all the same
	}
	return report, nil
}

// RevertRow takes one change of a row back, as [Access.Revert] does. entry is the id of one that [Access.RowHistory] shows; another is
// [ErrNotFound], and one that retention has removed a *minidb.HistoryCutError. It needs the rights to read the table and to
// write its rows (rbac.ReadData, rbac.WriteRows), and what the rules say of the row today: [ErrForbidden] where they refuse it. With
// opt.Conflicts of RefuseConflicts a later change of the same cells is a *minidb.RevertConflictError.
func (a *Access) RevertRow(ctx context.Context, table, row, entry string, opt RevertOptions) (*RevertReport, error) {
	s, err := a.at(ctx, table, rbac.ReadData)
	if err != nil {
		return nil, err
	}
	if _, _, err := s.tableOf(ctx, table); err != nil {
		return nil, err
	}
	e, err := a.e.store.RowEntry(ctx, table, row, entry)
	if err != nil {
		return nil, err
	}
	if !s.show(ctx, e) {
		return nil, fmt.Errorf("entry %s: %w", entry, ErrNotFound)
	}
	r := &reversal{kind: minidb.RevertOperation, opt: opt, what: entry, sel: minidb.Selection{Workspace: s.Workspace.ID, Entry: entry, Row: row}}
	return a.reverse(ctx, s.Workspace.ID, r, oneTable(table))
}

// RestoreRows brings deleted rows back, with their ids and as they were last, all or none. It is a write by the principal: it needs the
// rights to read the table and to write its rows (rbac.ReadData, rbac.WriteRows), and rules may refuse the rows
// ([ErrForbidden]). A row that is not in [Access.DeletedRows], since it is there, was never there or is out of sight, is [ErrNotFound] for
// all of them. No rows, and more than Limits.BatchRows, are lqp.Problems. What became unique meanwhile, or is linked and gone, is told in
// the report or a *minidb.ValidationError.
func (a *Access) RestoreRows(ctx context.Context, table string, rows []string, opt RevertOptions) (*RevertReport, error) {
	s, err := a.at(ctx, table, rbac.ReadData)
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, problem("$.rows", lqp.CodeMissing, "the ids of deleted rows are needed")
	}
	if len(rows) > s.limits.BatchRows {
		return nil, problem("$.rows", lqp.CodeLimit, fmt.Sprintf("%d rows are more than the %d that one request may change", len(rows), s.limits.BatchRows))
	}
	r := &reversal{kind: minidb.RevertOperation, opt: opt, what: "deletion", sel: minidb.Selection{Workspace: s.Workspace.ID,
		Trash: slices.Compact(slices.Sorted(slices.Values(rows)))}}
	r.all = len(r.sel.Trash)
	return a.reverse(ctx, s.Workspace.ID, r, oneTable(table))
}

func oneTable(table string) func(*entry) ([]string, error) {
	return func(*entry) ([]string, error) { return []string{table}, nil }
}

func problem(path, code, message string) error {
	return lqp.Problems{{Path: path, Code: code, Message: message}}
}

// tablesWithin are the tables of a base, or one table, or all of the workspace: those in use that are not closed.
func (s *entry) tablesWithin(base, table string) (ids []string, err error) {
	if table != "" {
		if t, ok := s.AnyTable(table); !ok || !s.readable(t.ID) {
			return nil, fmt.Errorf("table %s: %w", table, ErrNotFound)
		}
		return []string{table}, nil
	}
	if _, ok := s.Base(base); base != "" && (!ok || !s.readable(base)) {
		return nil, fmt.Errorf("base %s: %w", base, ErrNotFound)
	}
	for _, t := range s.Tables {
		if (base == "" || t.Base == base) && s.readable(t.ID) {
			ids = append(ids, t.ID)
		}
	}
	return ids, nil
}

// reversal is a request to take something back.
type reversal struct {
	kind  minidb.OperationKind
	opt   RevertOptions
	sel   minidb.Selection
	actor string // whose changes are chosen, "" where that does not matter
	what  string // for the reason
	all   int    // how many rows must be there, 0 for any number

	counted bool
}

// count tells whoever wants to know how many rows a plan writes, the first time.
func (r *reversal) count(plan *minidb.RevertPlan) error {
	if r.opt.Count == nil || r.counted {
		return nil
	}
	r.counted = true
	rows := 0
	for _, t := range plan.Tables {
		for i := range t.Rows {
			if t.Rows[i].Op != "" {
				rows++
			}
		}
	}
	return r.opt.Count(rows)
}

// reason names what was taken back, and why.
func (r *reversal) reason() string {
	reason := string(r.kind) + " of " + r.what
	if r.opt.Reason != "" {
		reason += ": " + r.opt.Reason
	}
	return reason
}

// reverse plans, narrows to what the principal may do, and carries out; again when something has changed in between.
func (a *Access) reverse(ctx context.Context, workspace string, r *reversal, tables func(*entry) ([]string, error)) (*RevertReport, error) {
	if !r.opt.Conflicts.Valid() {
		return nil, problem("$.conflicts", lqp.CodeArgument, "keep, refuse or force was expected")
	}
	for try := 1; ; try++ {
		report, err := a.reverseOnce(ctx, workspace, r, tables)
		var moved *minidb.ConflictError
		if try < planTries && (errors.Is(err, minidb.ErrSchemaChanged) || errors.As(err, &moved)) {
			continue
		}
		return report, err
	}
}

// errMoved says that a row came or went between planning and writing.
var errMoved = fmt.Errorf("a row was made or deleted meanwhile: %w", minidb.ErrSchemaChanged)

func (a *Access) reverseOnce(ctx context.Context, workspace string, r *reversal, tables func(*entry) ([]string, error)) (*RevertReport, error) {
	s, err := a.enter(ctx, workspace, rbac.WriteRows)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, s.limits.QueryTime)
	defer cancel()
	ids, err := tables(s)
	if err != nil {
		return nil, err
	}
	open, err := s.revertible(ctx, ids, r)
	if err != nil {
		return nil, err
	}
	if r.sel.Sees, err = s.seesPast(ctx, open); err != nil {
		return nil, err
	}
	plan, err := a.e.store.PlanRevert(ctx, r.sel, r.opt.Conflicts, open, r.opt.Portion)
	if err != nil {
		return nil, err
	}
	narrowed, err := s.narrowRevert(ctx, plan)
	if err != nil {
		return nil, err
	}
	if narrowed && len(plan.Tables) == 0 && r.kind == minidb.RevertOperation {
		return nil, fmt.Errorf("changes: %w", ErrNotFound)
	}
	if r.all > 0 {
		if err := wholeTrash(plan, r.sel.Trash); err != nil {
			return nil, err
		}
	}
	if err := r.count(plan); err != nil {
		return nil, err
	}
	report := &RevertReport{Kind: r.kind, Target: plan.Target, DryRun: r.opt.DryRun, More: plan.More}
	id, results, err := a.e.store.ApplyRevert(ctx, a.actor(""), plan, minidb.Revert{Kind: r.kind, Reason: r.reason(), DryRun: r.opt.DryRun,
		Guard: func(t *minidb.Table) (minidb.Guard, error) {
			seen, err := s.sight(ctx, t)
			if err != nil {
				return minidb.Guard{}, err
			}
			return s.guardOf(seen, t)
		}})
	if err != nil {
		return nil, s.hideRevert(ctx, plan, err)
	}
	report.Operation = id
	return report, s.report(ctx, report, plan, results)
}

// revertible are those of some tables in which the principal may take changes back. A table that is gone or closed is not
// there; one that may be read and not written refuses everything.
func (s *entry) revertible(ctx context.Context, ids []string, r *reversal) (open []*minidb.Table, err error) {
	for _, id := range ids {
		t, seen, err := s.tableOf(ctx, id)
		if errors.Is(err, ErrNotFound) || err == nil && !s.readable(id) {
			continue
		}
		if err != nil {
			return nil, err
		}
		// Who did what is not found out by trying whose changes there are.
		if r.actor != "" && r.actor != s.p.ID && !seen.Shows(minidb.ColumnUpdatedBy) {
			continue
		}
		if err := s.may(id, rbac.WriteRows); err != nil {
			return nil, err
		}
		open = append(open, t)
	}
	if len(ids) > 0 && len(open) == 0 && r.sel.Operation+r.sel.Entry != "" {
		return nil, fmt.Errorf("changes: %w", ErrNotFound)
	}
	return open, nil
}

// wholeTrash refuses to restore some rows of a list without the others.
func wholeTrash(plan *minidb.RevertPlan, rows []string) error {
	found := map[string]bool{}
	for _, t := range plan.Tables {
		for i := range t.Rows {
			found[t.Rows[i].ID] = true
		}
	}
	for _, id := range rows {
		if !found[id] {
			return fmt.Errorf("row %s is not in the trash: %w", id, ErrNotFound)
		}
	}
	return nil
}
