package livetables

import (
	"context"
	"errors"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/internal/exec"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/rbac"
)

// Explanation shows how a query is run; see exec.Explanation for its parts.
type Explanation = exec.Explanation

// Explain plans a query as Query would and says how it is divided, without running it. What row rules ask is shown only to
// those who manage them: they may speak of columns that are hidden from others.
func (a *Access) Explain(ctx context.Context, workspace string, q *lqp.Query) (*Explanation, error) {
	return a.explain(ctx, workspace, q, func(_ *entry, tree *exec.Tree) (Explanation, error) { return tree.Explain(ctx), nil })
}

// Analyze is Explain with what every step did: the query is run as Query would, within the same limits, and its rows are
// thrown away. Who may not know the row rules is told how many rows there were and no more.
func (a *Access) Analyze(ctx context.Context, workspace string, q *lqp.Query) (*Explanation, error) {
	return a.explain(ctx, workspace, q, func(s *entry, tree *exec.Tree) (Explanation, error) {
		ctx, cancel := context.WithTimeout(ctx, s.limits.QueryTime)
		defer cancel()
		return tree.Analyze(ctx, s.e.budget())
	})
}

func (a *Access) explain(ctx context.Context, workspace string, q *lqp.Query, how func(*entry, *exec.Tree) (Explanation, error)) (*Explanation, error) {
	ctx, cancel := context.WithCancel(ctx) // its end gives back the connections that are asked
	defer cancel()
	s, err := a.enter(ctx, workspace, rbac.ReadData)
	if err != nil {
		return nil, err
	}
	plan, _, err := s.plan(ctx, q)
	if err != nil {
		return nil, err
	}
	tree, err := exec.Build(ctx, plan, s.adapter, exec.Pushdown)
	if err != nil {
		return nil, err
	}
	x, err := how(s, tree)
	if errors.Is(err, adapter.ErrData) { // as Query would go on
		if tree, err = exec.Build(ctx, plan, s.adapter, exec.ScansOnly); err == nil {
			x, err = how(s, tree)
		}
	}
	if err != nil {
		return nil, err
	}
	switch {
	case !s.policy.Can(a.p, rbac.ManageRules, "").Allowed:
		x = x.WithoutRules(plan)
	case !s.policy.Can(a.p, rbac.GrantAdmin, "").Allowed: // to whom the rules apply that they know
		x = x.WithoutCounts()
	}
	names := map[string]string{}
	for _, c := range s.Connections {
		names[c.ID] = c.Name
	}
	x = x.Named(names)
	return &x, nil
}
