package livetables

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/internal/rewrite"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// Result is what a mutation did, its rows in order. Values are in the order of Columns: those that the principal may see.
type Result struct {
	minidb.Result
	Columns []lqp.Column
}

// planTries is how often a write is planned again because a table or its rules changed in between.
const planTries = 3

// Apply makes changes to tables of one workspace, all or none, and answers with the rows as they are then. The rows, their
// audit records and their events are one commit. Of a mutation that is Partial the rows that are refused say why in their
// results; the others are in that one commit.
//
// Columns are named by id or name. A hidden column is unknown, a read-only or masked one forbidden. Every row is checked against the
// row rules before and after the change, a merged one as it will be. Conflicts are *Conflict with the current version and
// values; invalid values *minidb.ValidationError, all at once.
func (a *Access) Apply(ctx context.Context, workspace string, changes ...*lqp.Mutation) ([]Result, error) {
	if known := a.knownCatalogue(workspace); known != nil {
		// The transaction asks whether the tables and the policy are still those of the catalogue in memory: what it did by them
		// is right, and so is what it refused because of what the rows are. Everything else is asked anew.
		results, err := a.apply(minidb.WithSnapshot(ctx, known), workspace, changes)
		if err == nil || ofRows(err) || ctx.Err() != nil {
			return results, err
		}
	}
	for try := 1; ; try++ {
		results, err := a.apply(ctx, workspace, changes)
		if errors.Is(err, minidb.ErrSchemaChanged) && try < planTries {
			continue
		}
		return results, err
	}
}

// knownCatalogue is the catalogue in memory where another process may have changed it meanwhile and the mini-DB tells of that; nil
// where asking for the newest one costs nothing.
func (a *Access) knownCatalogue(workspace string) *minidb.Snapshot {
	if _, own := a.e.policies.(*cataloguePolicies); !own || a.eyes != nil {
		return nil
	}
	return a.e.store.Known(workspace)
}

// ofRows reports whether a write was refused in its transaction, for what its rows are, or not carried out by the database. It
// must not be tried again for that.
func ofRows(err error) bool {
	var (
		conflict *minidb.ConflictError
		mine     *Conflict
		locked   *minidb.LockedError
		row      *minidb.RowError
	)
	return errors.As(err, &conflict) || errors.As(err, &mine) || errors.As(err, &locked) || errors.As(err, &row) ||
		errors.Is(err, adapter.ErrUncertain) || errors.Is(err, adapter.ErrUnavailable)
}

func (a *Access) apply(ctx context.Context, workspace string, changes []*lqp.Mutation) ([]Result, error) {
	s, err := a.enter(ctx, workspace, rbac.WriteRows)
	if err != nil {
		return nil, err
	}
	return a.applyIn(ctx, s, changes)
}

// applyIn is apply by a principal that has come in.
func (a *Access) applyIn(ctx context.Context, s *entry, changes []*lqp.Mutation) ([]Result, error) {
	writes := make([]write, len(changes))
	checked := make([]minidb.Write, len(changes))
	var err error
	for i, m := range changes {
		if writes[i], err = s.write(ctx, m, fmt.Sprintf("$[%d]", i)); err != nil {
			return nil, err
		}
		checked[i] = writes[i].Write
	}
	applied, err := a.e.store.Apply(ctx, a.actor(""), checked)
	if err != nil {
		return nil, hideRefusal(ctx, err, writes)
	}
	results := make([]Result, len(applied))
	for i := range applied {
		results[i] = writes[i].result(ctx, applied[i])
	}
	return results, nil
}

// write checks one mutation against what the principal may see and do, and gives columns their ids.
func (s *entry) write(ctx context.Context, m *lqp.Mutation, path string) (write, error) {
	if m.Connection != "" {
		return write{}, fmt.Errorf("connection %s is read-only: %w", m.Connection, adapter.ErrUnsupported)
	}
	t, seen, err := s.tableOf(ctx, m.Table)
	if err != nil {
		return write{}, err
	}
	if err := s.may(t.ID, rbac.WriteRows); err != nil {
		return write{}, err
	}
	if len(m.Rows) > s.e.limits.BatchRows {
		return write{}, lqp.Problems{{Path: path + ".rows", Code: lqp.CodeLimit,
			Message: fmt.Sprintf("%d rows are more than the %d that one request may change", len(m.Rows), s.e.limits.BatchRows)}}
	}
	guard, err := s.guardOf(seen, t)
	if err != nil {
		return write{}, err
	}
	shown := seen.Table()
	bound := *m
	bound.Rows = make([]lqp.RowChange, 0, len(m.Rows))
	w := write{seen: seen, rows: len(m.Rows), links: newLinksInSight(s)}
	var problems lqp.Problems
	var forbidden error
	for i, r := range m.Rows {
		row, wrong, denied := boundRow(seen, r, fmt.Sprintf("%s.rows[%d]", path, i))
		switch {
		case m.Partial && len(wrong) > 0:
			w.refuse(i, wrong)
		case m.Partial && denied != nil:
			w.refuse(i, denied)
		default:
			bound.Rows = append(bound.Rows, row)
			w.kept = append(w.kept, i)
			problems = append(problems, wrong...)
			forbidden = orError(denied, forbidden)
		}
	}
	bound.Key = make([]string, len(m.Key))
	for i, k := range m.Key {
		bound.Key[i] = columnID(shown, k)
		switch {
		case shown.Column(bound.Key[i]) == nil:
			problems = append(problems, lqp.Problem{Path: path + ".key", Code: lqp.CodeUnknownColumn, Message: fmt.Sprintf("the table has no column %q", k)})
		case !seen.Shows(bound.Key[i]): // what matches would tell the real values
			forbidden = fmt.Errorf("column %s is masked: %w", k, ErrForbidden)
		}
	}
	if m.Where != nil {
		if bound.Where, err = seen.Bind(m.Where); err != nil {
			return write{}, err
		}
	}
	if len(problems) > 0 {
		return write{}, problems
	}
	if forbidden != nil {
		return write{}, forbidden
	}
	w.Write = minidb.Write{Table: t, Mutation: &bound, Guard: guard}
	return w, nil
}

// boundRow gives the columns of a change their ids, or says what is wrong with it: columns that are not there for the writer,
// and such as may not be written.
func boundRow(seen *rewrite.Sight, r lqp.RowChange, path string) (row lqp.RowChange, wrong lqp.Problems, denied error) {
	row = r
	row.Set = make([]lqp.Assignment, len(r.Set))
	for i, as := range r.Set {
		id := columnID(seen.Table(), as.Column)
		switch access := seen.Access(id); {
		case seen.Table().Column(id) == nil:
			wrong = append(wrong, lqp.Problem{Path: path + "." + as.Column, Code: lqp.CodeUnknownColumn,
				Message: fmt.Sprintf("the table has no column %q", as.Column)})
			continue
		case access == rbac.ReadOnly:
			denied = fmt.Errorf("column %s is read-only: %w", as.Column, ErrForbidden)
		case access == rbac.Masked && !seen.WritesLinks(id):
			denied = fmt.Errorf("column %s is masked: %w", as.Column, ErrForbidden)
		}
		row.Set[i] = lqp.Assignment{Column: id, Value: as.Value}
	}
	return row, wrong, denied
}

func orError(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

// write is a checked mutation with what its writer sees of the table.
type write struct {
	minidb.Write
	seen    *rewrite.Sight
	rows    int           // that were asked for
	kept    []int         // which of them the Write has
	refused map[int]error // the others, of a partial mutation
	links   *linksInSight // for showing what was written
}

func (w *write) refuse(row int, err error) {
	if w.refused == nil {
		w.refused = make(map[int]error)
	}
	w.refused[row] = err
}

// result shows of rows what the writer may see, those of a partial mutation in the places in which they were asked for.
func (w *write) result(ctx context.Context, r minidb.Result) Result {
	if w.Mutation.Partial {
		all := make([]minidb.RowResult, w.rows)
		for i, row := range r.Rows {
			row.Err = hideRefusal(ctx, row.Err, []write{*w})
			var values *minidb.ValidationError
			if errors.As(row.Err, &values) { // a copy of ours
				for j := range values.Fields {
					values.Fields[j].Row = w.kept[i]
				}
			}
			all[w.kept[i]] = row
		}
		for i, err := range w.refused {
			all[i] = minidb.RowResult{Op: w.Mutation.Op, Err: err}
		}
		r.Rows = all
	}
	for i := range r.Rows {
		w.links.want(w.seen, r.Rows[i].Before)
		w.links.want(w.seen, r.Rows[i].After)
	}
	_ = w.links.look(ctx) // the write is done: of links that cannot be looked up nothing is shown
	for i := range r.Rows {
		r.Rows[i].Before, r.Rows[i].After = w.links.show(w.seen, r.Rows[i].Before), w.links.show(w.seen, r.Rows[i].After)
	}
	return Result{Result: r, Columns: w.seen.Table().Columns}
}

// hideRefusal is the error of a write as far as the writer may know it.
func hideRefusal(ctx context.Context, err error, writes []write) error {
	if err == nil {
		return nil
	}
	return hideFields(hideConflict(ctx, err, writes), writes)
}

// hiddenFault is all that is said of a column that the writer cannot see and that refuses a row.
const hiddenFault = "a column that you cannot see does not accept this row"

// hideFields takes the columns that the writer cannot see out of the errors of values.
func hideFields(err error, writes []write) error {
	var found *minidb.ValidationError
	if !errors.As(err, &found) || found.Write >= len(writes) {
		return err
	}
	return hideFaults(found, writes[found.Write].seen, writes[found.Write].Table)
}

// hideFaults is a table's error of values as far as the principal may know it.
func hideFaults(v *minidb.ValidationError, seen *rewrite.Sight, t *minidb.Table) *minidb.ValidationError {
	shown := &minidb.ValidationError{Write: v.Write, Fields: slices.Clone(v.Fields)}
	for i := range shown.Fields {
		f := &shown.Fields[i]
		if t.Schema().Column(f.Column) != nil && !seen.Shows(f.Column) && !seen.WritesLinks(f.Column) {
			f.Column, f.Code, f.Message = "", minidb.CodeInvalid, hiddenFault
		}
	}
	return shown
}
