package livetables

import (
	"context"
	"errors"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// errNoGuess says that there is nothing to read by a catalogue that may be out of date.
var errNoGuess = errors.New("no plan was kept")

// guess enters a workspace for a query by the catalogue in memory, which another process may have changed meanwhile, where only
// its statement remains to be run: whether the catalogue is the newest is asked on the way of that statement, and until then
// nothing that was found out by it counts, neither that the principal may nor that it may not. nil where that is not so.
func (a *Access) guess(ctx context.Context, workspace string, q *lqp.Query) *entry {
	s := a.presumed(ctx, a.e.store.Known(workspace))
	if s == nil || !s.policy.CanSomewhere(s.p, rbac.ReadData).Allowed || !a.foresee(ctx, s, q) {
		return nil
	}
	return s
}

// presumed is the entry for a guess, nil for a principal that has no business in the workspace or whose plans are not kept, and
// where there is no catalogue.
func (a *Access) presumed(ctx context.Context, snap *minidb.Snapshot) *entry {
	if snap == nil || a.p.ID == "" || a.p.View != "" || a.eyes != nil {
		return nil
	}
	policy, err := a.e.policies.Policy(minidb.WithSnapshot(ctx, snap), snap.Workspace.ID)
	if err != nil {
		return nil
	}
	s := &entry{Snapshot: snap, e: a.e, p: a.p, policy: policy, limits: a.e.limits, guessed: true}
	if !s.keepsPlans() || s.member() != nil {
		return nil
	}
	return s
}

// foresee finds the plan of the query that a guess is for, and asks the embedding program.
func (a *Access) foresee(ctx context.Context, s *entry, q *lqp.Query) bool {
	if q.Count != lqp.CountNone {
		return false
	}
	var err error
	if s.foreseen, err = s.planned(ctx, q); err != nil {
		return false
	}
	// Who has just lost the right to come in may be counted once more; nothing is shown to it.
	return a.admit(ctx, s, rbac.ReadData) == nil
}

// runPrepared runs the statement of a plan.
func (s *entry) runPrepared(ctx context.Context, p *planned) (adapter.Rows, error) {
	rows, err := p.run.RunBy(func(st adapter.Prepared) (rows adapter.Rows, err error) {
		if !s.guessed {
			return st.Scan(ctx, p.values)
		}
		if r := s.row; r != nil {
			rows, r.lock, s.current, err = s.e.store.ScanCurrentRow(ctx, s.Snapshot, st, p.values, r.table, r.id)
			r.told = err == nil
			return rows, err
		}
		rows, s.current, err = s.e.store.ScanCurrent(ctx, s.Snapshot, st, p.values)
		return rows, err
	})
	if err != nil {
		return nil, err
	}
	return peek(rows)
}
