package exec

import (
	"slices"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// narrowKeys is how many different keys the right side of a join may have for the left side to be asked for its rows
// with these keys only (a semi-join).
const narrowKeys = 1000

// Narrow implements lqp.Narrower: the first source of a block is asked for the rows with keys that the other side of a
// join has. A source that cannot find them itself, or that is small, is read as it is.
func (s treeSources) Narrow(src *lqp.Source, on lqp.Expr, values []lqp.Value) error {
	p, ok := s.t.parts[src.Query]
	if !ok || s.t.mode != Pushdown || small(p.estimate()) {
		return nil
	}
	if n := s.narrowed[p]; n != nil {
		p = n
	}
	keys := make([][]lqp.Value, len(values))
	for i, v := range values {
		keys[i] = []lqp.Value{v}
	}
	q, key := withKeys(p.query, []lqp.Expr{on}, keys)
	split := p.adapter.Plan(q)
	if !pushes(split, key) {
		return nil
	}
	n := *p
	n.query, n.split = q, split
	if n.of == nil {
		n.of = p
	}
	if p.inOrder() != n.inOrder() {
		return nil // its reader counts on the order
	}
	s.narrowed[n.of] = &n
	s.run.traces.instead(split.Residual, p.split.Residual)
	return nil
}

// pushes reports that a split leaves a conjunct of the filter to the source.
func pushes(split adapter.Split, conjunct lqp.Expr) bool {
	text := lqp.FormatExpr(conjunct)
	return split.Pushed != nil && slices.ContainsFunc(split.Notes, func(n adapter.Note) bool {
		return n.Clause == "filter" && n.Placement == adapter.PushedExact && n.Text == text
	})
}
