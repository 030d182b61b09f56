package minidb

import (
	"context"
	"errors"
	"fmt"

	"github.com/livetables/livetables/lqp"
)

// Write is one mutation of one table with what the writer may do.
type Write struct {
	// Table is the table as the mutation was planned on it. When it has changed since, Apply answers ErrSchemaChanged.
	Table *Table
	// Mutation names columns by id. The row id of a change is its only ID value, a text.
	Mutation *lqp.Mutation
	Guard    Guard
}

// Guard holds the rules that the rows must satisfy: bound boolean expressions over the table's Schema under the alias
// "t". They are evaluated with lqp.Eval on the rows as the transaction sees them; nil is true.
type Guard struct {
	// Read says which rows exist for the writer. An old row that it refuses is not found, or not selected.
	Read lqp.Expr
	// Update and Delete are asked of the old row, Update and Create also of the row as it would be.
	Create, Update, Delete lqp.Expr
	// RequireVersion refuses changes of single rows that neither say which version the writer has seen nor that they overwrite
	// whatever is there.
	RequireVersion bool
	// PolicyVersion, when not 0, is the version of the policy that the guard was made from. When the policy has another
	// one by the time of the write, Apply answers ErrSchemaChanged: a right that was revoked is not used afterwards.
	PolicyVersion int64
	// Links say what the writer may do with the rows that link columns name, by the id of the column.
	Links map[string]LinkGuard
}

// Result tells what a write did, or with DryRun would do.
type Result struct {
	Table string
	// Rows are the rows in the order of the mutation, or the first 1,000 by row id of a mutation by filter.
	Rows     []RowResult
	Affected int // rows that were created, deleted or really changed
	Matched  int // rows that a filter selected, 0 without one
	DryRun   bool
}

// RowResult is one row of a Result. Its values are in the order of the table's Schema().Columns and must not be changed.
type RowResult struct {
	ID      string
	Version int64  // after the write; a deleted row's last version plus 1
	Op      lqp.Op // Insert, Update or Delete; what an upsert turned out to be
	// Changed is false for an update that gives a row the values it has: nothing is written then, the version stays and the
	// log gets no entry.
	Changed bool
	// Merged says that others had changed the row since the version that the writer has seen, in other columns.
	Merged bool
	Before []lqp.Value // nil for Insert
	After  []lqp.Value // nil for Delete
	// Err is why the change was refused, in a partial mutation. ID is then the one that was asked for and Op that of the mutation.
	Err error
}

// errDryRun ends the transaction of a dry run.
var errDryRun = errors.New("dry run")

// Apply carries out the writes in order in one transaction: all of them or, on any error, none. With DryRun in any
// mutation everything is checked and nothing is written.
//
// A Partial mutation is carried out as far as it can be: what its rows are refused for stands in their results, and is no
// error of Apply. What concerns the whole write (a limit, a changed table, another mutation of the call) still refuses all.
//
// Beside the package's sentinels, wrapped in a *RowError where they concern a row, it answers *ConflictError for another
// version and for a merge that is not possible, *LockedError, *ValidationError with all that is wrong with the values of the first write that has anything wrong, and
// *LimitError. Inserted rows may name their id (a valid "row_…" id that is free); Upsert matches on Mutation.Key, on the
// row id when that is empty.
//
// Concurrent calls share commits. An error of the commit itself is adapter.ErrUnavailable: nothing was written. Only
// adapter.ErrUncertain says that this is not known.
func (db *DB) Apply(ctx context.Context, actor Actor, writes []Write) ([]Result, error) {
	plans := make([]*rowPlan, len(writes))
	dry := false
	for i := range writes {
		var err error
		if plans[i], err = db.planRows(&writes[i], i); err != nil {
			return nil, fmt.Errorf("apply: %w", err)
		}
		dry = dry || writes[i].Mutation.DryRun
	}
	if len(plans) == 0 {
		return nil, nil
	}
	if !dry && db.groups.takes(actor, plans) {
		if results, ok, err := db.applyTogether(ctx, actor, plans); ok {
			return results, err
		}
	}
	return db.applyAlone(ctx, actor, plans, dry)
}

// applyAlone is Apply of plans in a transaction of their own.
func (db *DB) applyAlone(ctx context.Context, actor Actor, plans []*rowPlan, dry bool) ([]Result, error) {
	var results []Result
	err := db.write(ctx, "apply", actor, func(u *unit) error {
		results = make([]Result, 0, len(plans))
		for _, p := range plans {
			r, err := u.apply(p)
			if err != nil {
				return err
			}
			r.DryRun = dry
			results = append(results, r)
		}
		if dry {
			return errDryRun
		}
		return nil
	})
	if err != nil && !(dry && errors.Is(err, errDryRun)) {
		return nil, err
	}
	return results, nil
}

// apply carries out one write.
func (u *unit) apply(p *rowPlan) (Result, error) {
	if err := u.checkCurrent(p.t, p.policyVersion); err != nil {
		return Result{}, err
	}
	switch {
	case p.byFilter:
		return u.applyFilter(p)
	case p.m.Partial:
		return u.applyEach(p)
	}
	list, err := u.carryOut(p)
	if err != nil {
		return Result{}, err
	}
	r := Result{Table: p.t.ID, Rows: make([]RowResult, len(list))}
	for i := range list {
		if r.Rows[i] = list[i].result(); list[i].changed {
			r.Affected++
		}
	}
	return r, nil
}

// carryOut makes all changes of a plan or none. Until it begins to store rows an error leaves the transaction as it was.
func (u *unit) carryOut(p *rowPlan) ([]rowWrite, error) {
	list, err := u.gather(p)
	if err != nil {
		return nil, err
	}
	if p.m.MaxAffected > 0 && len(list) > p.m.MaxAffected {
		return nil, &LimitError{Name: "max_affected", Max: p.m.MaxAffected}
	}
	return list, u.settle(p, list)
}

// settle checks the rows as they would be, writes them and notes them in the log.
func (u *unit) settle(p *rowPlan, list []rowWrite) error {
	links, err := u.planLinks(p, list)
	if err != nil {
		return err
	}
	if err := u.checkLocks(p, list); err != nil {
		return err
	}
	if err := u.number(p, list); err != nil {
		return err
	}
	if err := u.compute(p, list); err != nil {
		return err
	}
	if err := p.checkNew(list); err != nil {
		return err
	}
	faults := append(append(p.faults, p.missing(list)...), p.broken(list)...)
	parked, taken, err := u.checkUniques(p, list)
	if err != nil {
		return err
	}
	strangers, err := u.checkUsers(p, list)
	if err != nil {
		return err
	}
	noFiles, loose, err := u.checkFiles(p, list)
	if err != nil {
		return err
	}
	if faults = append(append(append(append(faults, taken...), strangers...), links.faults...), noFiles...); len(faults) > 0 {
		return p.invalid(faults)
	}
	if err := u.attach(loose); err != nil {
		return err
	}
	u.behind = p.m.Op == lqp.Insert && len(p.l.links) == 0 && !u.watched(p.t)
	err = u.store(p.l, list, parked)
	if u.behind = false; err != nil {
		return err
	}
	u.record(p, list)
	if err := u.storeLinks(links); err != nil {
		return err
	}
	if err := u.spreadFrom(p.t, list, len(links.tables) == 0); err != nil {
		return err
	}
	return u.endLocks(p, list)
}

// tableState is how a table stands: what a write was planned on, and where the log goes on.
type tableState struct {
	table, policy    int64 // versions
	revision         int64 // of the workspace's catalogue
	archived, locked bool
	ends             ends
}

// stateSQL reads how a table stands, with the arguments of stateArgs.
const stateSQL = `SELECT t.version, w.policy_version, t.archived_at, EXISTS (SELECT 1 FROM lt_lock l WHERE l.table_id = t.id AND l.expires_at > ?), w.revision, ` +
	endColumnsOfLog + `
	FROM lt_table t JOIN lt_workspace w ON w.id = t.workspace LEFT JOIN lt_chain c ON c.workspace = t.workspace
	WHERE t.workspace = ? AND t.id = ?`

func (u *unit) stateArgs(t *Table) []lqp.Value {
	return []lqp.Value{argTime(u.now), argText(t.ID), argText(t.Workspace), argText(t.ID)}
}

// scanState reads the row of stateSQL.
func scanState(r record) tableState {
	return tableState{r.integer(0), r.integer(1), r.integer(4), r.optional(2) != nil, r.flag(3), scanEnds(r, 5)}
}

// standing reads how a table stands; ErrNotFound when there is no such table.
func (u *unit) standing(t *Table) (tableState, error) {
	now, err := must(u.session, "table "+t.ID, scanState, stateSQL, u.stateArgs(t)...)
	if err == nil {
		u.seq.know(t.ID, t.Workspace, now.ends) // the row has to be read anyway
	}
	return now, err
}

// check fails when the table or the policy is no longer what a write was planned on.
func (s tableState) check(t *Table, policyVersion int64) error {
	if s.archived {
		return fmt.Errorf("table %s: %w", t.ID, ErrArchived)
	}
	if s.table != t.Version || policyVersion != 0 && s.policy != policyVersion {
		return fmt.Errorf("table %s: %w", t.ID, ErrSchemaChanged)
	}
	return nil
}

// checkCurrent fails when the table or the policy is no longer what the write was planned on.
func (u *unit) checkCurrent(t *Table, policyVersion int64) error {
	look := u.standing
	if u.group != nil {
		look = u.group.standingOf
	}
	now, err := look(t)
	if err != nil {
		return err
	}
	u.locked, u.revision = now.locked, now.revision
	if err := now.check(t, policyVersion); err != nil {
		return err
	}
	return u.findWriter(t)
}
