package livetables

import (
	"context"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/rbac"
)

// ManyRows is how many rows of an import the store is told to look at.
const ManyRows = manyRows

// QueryAnew is Query by a plan that is made for it, whatever plans are kept, for comparing the two.
func QueryAnew(ctx context.Context, a *Access, workspace string, q *lqp.Query) (*Rows, error) {
	s, err := a.enter(ctx, workspace, rbac.ReadData)
	if err != nil {
		return nil, err
	}
	s.anew = true
	return s.query(ctx, q)
}

// IsPrepared reports whether a query is answered by a statement of a plan that was kept.
func IsPrepared(ctx context.Context, a *Access, workspace string, q *lqp.Query) bool {
	s, err := a.enter(ctx, workspace, rbac.ReadData)
	if err != nil {
		return false
	}
	p, err := s.planned(ctx, q)
	return err == nil && p.run != nil
}

// KeptPlans is how many plans an engine keeps, prepared ones among them, and how many bytes they take.
func KeptPlans(e *Engine) (plans, prepared, bytes int) {
	k := e.plans
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, generation := range []map[planPlace]*keptPlan{k.young, k.old} {
		for at, p := range generation {
			plans++
			bytes += p.size() + len(at.key)
			if p.statement != nil {
				prepared++
			}
		}
	}
	return plans, prepared, bytes
}

// MaxKeptPlans is what KeptPlans' bytes never exceed.
const MaxKeptPlans = keptPlansBytes
