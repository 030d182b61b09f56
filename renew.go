package livetables

import (
	"context"
	"errors"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/rbac"
)

// renewTries is how often a read is planned anew. A change of a column's type builds the physical table anew under another
// name: a query that was planned just before finds the old name gone, and is planned on the catalogue as it is by then.
const renewTries = 10

// query runs a query, on a newer catalogue when a table it was planned on is gone meanwhile.
func (s *entry) query(ctx context.Context, q *lqp.Query) (*Rows, error) {
	for try := 1; ; try++ {
		rows, err := s.queryOnce(ctx, q)
		if !errors.Is(err, adapter.ErrNoTable) || try == renewTries || s.guessed && !s.current {
			return rows, err
		}
		fresh := s.renewed(ctx)
		if fresh == nil {
			return rows, err
		}
		s = fresh
	}
}

// renewed is the entry on a newer catalogue with the policy of now, nil when there is none or the right to read is gone.
func (s *entry) renewed(ctx context.Context) *entry {
	snap, err := s.e.store.Reread(ctx, s.Workspace.ID)
	if err != nil || snap.Revision == s.Revision {
		return nil
	}
	policy, err := s.e.policies.Policy(ctx, s.Workspace.ID)
	if err != nil || !policy.CanSomewhere(s.p, rbac.ReadData).Allowed {
		return nil
	}
	fresh := *s
	fresh.guessed = false
	fresh.Snapshot, fresh.policy, fresh.sights = snap, policy, nil
	if fresh.member() != nil {
		return nil
	}
	return &fresh
}
