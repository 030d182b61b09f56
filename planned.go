package livetables

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/livetables/livetables/internal/exec"
	"github.com/livetables/livetables/internal/indexuse"
	"github.com/livetables/livetables/internal/rewrite"
	"github.com/livetables/livetables/lqp"
)

// planned is a query that is ready to be run.
type planned struct {
	*keptPlan
	plan    *rewrite.Plan // behind the cursor
	columns []lqp.Column
	cursor  *cursorMaker
	run     *exec.Prepared // its statement behind the cursor, nil for a plan that is more than a statement
	values  []lqp.Value
}

// planned plans a query, or finds the plan that was made when the principal asked the same of the same catalogue and policy.
func (s *entry) planned(ctx context.Context, q *lqp.Query) (*planned, error) {
	if p := s.foreseen; p != nil {
		s.foreseen = nil
		return p, nil
	}
	if !s.keepsPlans() || !ofMiniDB(q) {
		return s.made(ctx, q)
	}
	k := planKeys.Get().(*planKey)
	defer planKeys.Put(k)
	holes, before := 0, len(s.read)
	if q.Count == lqp.CountNone {
		holes = maxHoles
	}
	for ; ; holes = 0 {
		k.write(s, q, holes)
		if k.unfit {
			return s.made(ctx, q)
		}
		kept := s.e.plans.get(s.Snapshot, s.policy, k.buf)
		switch {
		case kept != nil:
			s.read = append(s.read, kept.views...)
		case s.guessed:
			return nil, errNoGuess
		default:
			var err error
			if kept, err = s.keep(ctx, q, k); err != nil {
				return nil, err
			}
		}
		switch {
		case kept.whole:
			continue
		case kept.never:
			return s.made(ctx, q)
		}
		p := &planned{keptPlan: kept, columns: kept.columns[:len(kept.columns):len(kept.columns)]}
		var err error
		if p.plan, p.cursor, err = s.continued(kept.plan, q); err != nil {
			return nil, err
		}
		p.run = behind(kept.statement, p.plan, q)
		switch {
		case p.run == nil && s.guessed:
			return nil, errNoGuess
		case p.run == nil && len(k.holes) > 0:
			s.read = s.read[:before]
			return s.made(ctx, q) // the constants in the plan are nobody's
		}
		p.values = slices.Clone(k.holes)
		return p, nil
	}
}

// behind is the statement of a plan at the query's cursor. It is written anew for each page, by the same code as ever, since what a
// statement says of a position may depend on any of its values: which of them are NULL, and how large they are. Only that a page is a
// statement is known from the first one.
func behind(statement *exec.Prepared, plan *rewrite.Plan, q *lqp.Query) *exec.Prepared {
	if statement == nil || q.Page.Cursor == "" {
		return statement
	}
	page := &plan.Query().Page
	return statement.Behind(page.After, page.Offset)
}

// made is a query planned for this once.
func (s *entry) made(ctx context.Context, q *lqp.Query) (*planned, error) {
	if s.guessed {
		return nil, errNoGuess
	}
	plan, err := s.bind(ctx, q)
	if err != nil {
		return nil, err
	}
	p := &planned{keptPlan: keptOf(plan, nil), columns: plan.Columns()}
	p.plan, p.cursor, err = s.continued(plan, q)
	return p, err
}

// keepsPlans reports whether an entry's plans are made of nothing but its catalogue, its policy and what keys tell. Policies of
// an embedding program may change behind the same pointer; the eyes of another, tables as they would be and the past are rare.
func (s *entry) keepsPlans() bool {
	_, own := s.e.policies.(*cataloguePolicies)
	return own && !s.anew && s.eyes == nil && s.instead == nil && s.past == nil && !s.labels
}

func keptOf(plan *rewrite.Plan, views []string) *keptPlan {
	kept := &keptPlan{plan: plan, columns: plan.Columns(), views: views}
	if seen := plan.Only(); seen != nil {
		if table, shape, ok := indexuse.Of(plan.Asked(), seen.Shows); ok {
			kept.table, kept.shape = table, shape
		}
	}
	return kept
}

// keep plans a query with constants in the holes of its key, and keeps the plan with its statement where that is right.
func (s *entry) keep(ctx context.Context, q *lqp.Query, k *planKey) (*keptPlan, error) {
	holes := s.e.plans.holes[:len(k.holes)]
	before := len(s.read)
	mark := func(m keptPlan) (*keptPlan, error) {
		s.read = s.read[:before]
		s.e.plans.put(s.Snapshot, s.policy, k.buf, &m)
		return &m, nil
	}
	if len(holes) > 0 {
		punched := *q
		punched.Where, _ = withHoles(q.Where, holes)
		q = &punched
	}
	plan, err := s.bind(ctx, q)
	if len(holes) > 0 && errors.As(err, new(lqp.Problems)) { // what is wrong is to be said of the query as it was asked
		return mark(keptPlan{whole: true})
	}
	if err != nil {
		return nil, err
	}
	// A plan that asks for the time is that of this moment, and what another database looks like is not in the catalogue.
	if plan.Timed() || !ofMiniDB(plan.Query()) {
		return mark(keptPlan{never: true})
	}
	kept := keptOf(plan, slices.Clone(s.read[before:]))
	if kept.statement, err = s.prepare(ctx, plan, holes); err != nil {
		return nil, err
	}
	if len(holes) > 0 && kept.statement == nil {
		return mark(keptPlan{whole: true})
	}
	s.e.plans.put(s.Snapshot, s.policy, k.buf, kept)
	return kept, nil
}

// prepare makes the statement of a plan, nil when it is more than a statement or when a hole in it would be more than a parameter.
func (s *entry) prepare(ctx context.Context, plan *rewrite.Plan, holes []*lqp.Lit) (*exec.Prepared, error) {
	if _, cells := plan.WithLinks(false); len(cells) > 0 || computes(plan.Query()) || !onlyCompared(plan.Query(), holes) {
		return nil, nil
	}
	tree, err := exec.Build(ctx, plan, s.adapter, exec.Pushdown)
	if err != nil {
		return nil, fmt.Errorf("prepare: %w", err)
	}
	values := make([]lqp.Value, len(holes))
	for i, h := range holes {
		values[i] = h.Val
	}
	return tree.Prepare(values), nil
}

// ofMiniDB reports whether a plan reads nothing but tables of the mini-DB.
func ofMiniDB(q *lqp.Query) bool {
	for i := range len(q.Joins) + 1 {
		src := &q.From
		if i > 0 {
			src = &q.Joins[i-1].Source
		}
		if src.Query != nil && !ofMiniDB(src.Query) || src.Connection != "" {
			return false
		}
	}
	return true
}

// onlyCompared reports whether the constants in holes are each compared with a column of texts of a table, as a condition of the
// whole plan, and occur nowhere else. A mask may have taken the place of the column: what becomes of a comparison with one
// may depend on the text.
func onlyCompared(q *lqp.Query, holes []*lqp.Lit) bool {
	if len(holes) == 0 {
		return true
	}
	if q.From.Query != nil || len(q.Joins) > 0 || q.Grouped() {
		return false
	}
	isHole := func(e lqp.Expr) bool {
		l, ok := e.(*lqp.Lit)
		return ok && slices.ContainsFunc(holes, func(h *lqp.Lit) bool { return lqp.EqualExpr(h, l) })
	}
	compared, met := 0, 0
	for _, e := range lqp.Conjuncts(q.Where) {
		if c, ok := e.(*lqp.Call); ok && c.Func == "eq" && len(c.Args) == 2 {
			for at, a := range c.Args {
				col, isCol := c.Args[1-at].(*lqp.Col)
				if isCol && isHole(a) && col.Source == q.From.Alias && col.Type().Kind == lqp.Text {
					compared++
				}
			}
		}
	}
	count := func(e lqp.Expr) lqp.Expr {
		lqp.Walk(e, func(e lqp.Expr) bool {
			if isHole(e) {
				met++
			}
			return true
		})
		return e
	}
	q.MapExprs(count)
	return compared == len(holes) && met == len(holes)
}
