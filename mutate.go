package livetables

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/livetables/livetables/adapter"
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
// audit records and their events are one commit.
//
// Columns are named by id or name. A hidden column is unknown, a read-only one forbidden. Every row is checked against the
// row rules before and after the change. Conflicts are *Conflict with the current version and values; invalid values
// *minidb.ValidationError, all at once.
func (a *Access) Apply(ctx context.Context, workspace string, changes ...*lqp.Mutation) ([]Result, error) {
	for try := 1; ; try++ {
		results, err := a.apply(ctx, workspace, changes)
		if errors.Is(err, minidb.ErrSchemaChanged) && try < planTries {
			continue
		}
		return results, err
	}
}

func (a *Access) apply(ctx context.Context, workspace string, changes []*lqp.Mutation) ([]Result, error) {
	s, err := a.enter(ctx, workspace, rbac.WriteRows)
	if err != nil {
		return nil, err
	}
	writes := make([]minidb.Write, len(changes))
	for i, m := range changes {
		if writes[i], err = s.write(m, fmt.Sprintf("$[%d]", i)); err != nil {
			return nil, err
		}
	}
	applied, err := a.e.store.Apply(ctx, a.actor(""), writes)
	if err != nil {
		return nil, s.hideFields(s.hideConflict(err, writes), writes)
	}
	results := make([]Result, len(applied))
	for i := range applied {
		results[i] = s.result(applied[i], writes[i].Table)
	}
	return results, nil
}

// write checks one mutation against what the principal may see and do, and gives columns their ids.
func (s *entry) write(m *lqp.Mutation, path string) (minidb.Write, error) {
	if m.Connection != "" {
		return minidb.Write{}, fmt.Errorf("connection %s is read-only: %w", m.Connection, adapter.ErrUnsupported)
	}
	table := m.Table
	t, err := s.tableOf(table)
	if err != nil {
		return minidb.Write{}, err
	}
	if len(m.Rows) > s.e.limits.BatchRows {
		return minidb.Write{}, lqp.Problems{{Path: path + ".rows", Code: lqp.CodeLimit,
			Message: fmt.Sprintf("%d rows are more than the %d that one request may change", len(m.Rows), s.e.limits.BatchRows)}}
	}
	guard, err := s.guard(t)
	if err != nil {
		return minidb.Write{}, err
	}
	access := s.policy.Table(s.p, rbac.TableRef{Table: t.ID}).Columns
	seen := s.schema(t)
	bound := *m
	bound.Rows = make([]lqp.RowChange, len(m.Rows))
	var problems lqp.Problems
	forbidden := ""
	for i, r := range m.Rows {
		bound.Rows[i] = r
		bound.Rows[i].Set = make([]lqp.Assignment, len(r.Set))
		for j, as := range r.Set {
			id := columnID(seen, as.Column)
			if seen.Column(id) == nil {
				problems = append(problems, lqp.Problem{Path: fmt.Sprintf("%s.rows[%d].%s", path, i, as.Column), Code: lqp.CodeUnknownColumn,
					Message: fmt.Sprintf("the table has no column %q", as.Column)})
				continue
			}
			if access[id] == rbac.ReadOnly {
				forbidden = as.Column
			}
			bound.Rows[i].Set[j] = lqp.Assignment{Column: id, Value: as.Value}
		}
	}
	bound.Key = make([]string, len(m.Key))
	for i, k := range m.Key {
		bound.Key[i] = columnID(seen, k)
		if seen.Column(bound.Key[i]) == nil {
			problems = append(problems, lqp.Problem{Path: path + ".key", Code: lqp.CodeUnknownColumn, Message: fmt.Sprintf("the table has no column %q", k)})
		}
	}
	if m.Where != nil {
		scope := lqp.Scope{{Alias: ruleAlias, Columns: seen.Columns}}
		if bound.Where, err = lqp.BindExpr(m.Where, scope, lqp.Env{Now: s.e.clock(), User: s.p.ID}); err != nil {
			return minidb.Write{}, err
		}
	}
	if len(problems) > 0 {
		return minidb.Write{}, problems
	}
	if forbidden != "" {
		return minidb.Write{}, fmt.Errorf("column %s is read-only: %w", forbidden, ErrForbidden)
	}
	return minidb.Write{Table: t, Mutation: &bound, Guard: guard}, nil
}

// result takes the values of hidden columns out of a result.
func (s *entry) result(r minidb.Result, t *minidb.Table) Result {
	full, seen := t.Schema(), s.schema(t)
	if len(seen.Columns) < len(full.Columns) {
		for i := range r.Rows {
			r.Rows[i].Before = visibleValues(full.Columns, seen, r.Rows[i].Before)
			r.Rows[i].After = visibleValues(full.Columns, seen, r.Rows[i].After)
		}
	}
	return Result{Result: r, Columns: seen.Columns}
}

func visibleValues(full []lqp.Column, seen *lqp.Table, values []lqp.Value) []lqp.Value {
	if values == nil {
		return nil
	}
	out := make([]lqp.Value, 0, len(seen.Columns))
	for i, c := range full {
		if seen.Column(c.ID) != nil {
			out = append(out, values[i])
		}
	}
	return out
}

// hiddenFault is all that is said of a column that the writer cannot see and that refuses a row.
const hiddenFault = "a column that you cannot see does not accept this row"

// hideFields takes the columns that the principal cannot see out of the errors of values.
func (s *entry) hideFields(err error, writes []minidb.Write) error {
	var found *minidb.ValidationError
	if !errors.As(err, &found) || found.Write >= len(writes) {
		return err
	}
	return s.hideFaults(found, writes[found.Write].Table)
}

// hideFaults is a table's error of values as far as the principal may know it.
func (s *entry) hideFaults(v *minidb.ValidationError, t *minidb.Table) *minidb.ValidationError {
	seen := s.schema(t)
	shown := &minidb.ValidationError{Write: v.Write, Fields: slices.Clone(v.Fields)}
	for i := range shown.Fields {
		f := &shown.Fields[i]
		if t.Schema().Column(f.Column) != nil && seen.Column(f.Column) == nil {
			f.Column, f.Message = "", hiddenFault
		}
	}
	return shown
}

// Conflict is what a writer learns when somebody else was faster: the row as it is now, as far as the writer may see it.
type Conflict struct {
	Row     string
	Version int64 // the row's version now
	Columns []lqp.Column
	Values  []lqp.Value // in the order of Columns
	cause   minidb.ConflictError
}

// Error implements error.
func (c *Conflict) Error() string { return c.cause.Error() }

// hideConflict replaces a conflict by one that shows only what the principal may see.
func (s *entry) hideConflict(err error, writes []minidb.Write) error {
	var found *minidb.ConflictError
	if !errors.As(err, &found) {
		return err
	}
	c := &Conflict{Row: found.Row, Version: found.Current, cause: *found}
	c.cause.Values = nil
	t := writes[0].Table
	for _, w := range writes {
		if w.Table != t {
			return c // of several tables: the version must do
		}
	}
	seen := s.schema(t)
	c.Columns, c.Values = seen.Columns, visibleValues(t.Schema().Columns, seen, found.Values)
	return c
}
