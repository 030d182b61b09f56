package adapter

import (
	"strconv"

	"github.com/livetables/livetables/lqp"
)

// Use says what an expression is for in a plan.
type Use uint8

// The uses.
const (
	UseFilter Use = iota // a conjunct of Where: only TRUE matters
	UseJoin              // a join condition: only TRUE matters
	UseGroup             // a group key
	UseHaving            // a conjunct of Having: only TRUE matters
	UseSort              // a sort key
)

// Proof says how well a source can answer one expression or source.
type Proof struct {
	Exact bool
	// Superset is a weaker predicate that the source answers exactly: TRUE wherever the expression is. It may be set for
	// filters that are not exact.
	Superset lqp.Expr
	// Reason says for people why the proof is not exact.
	Reason string
}

// Prover is an adapter's knowledge of what its source answers exactly as lqp.Eval would, asked clause by clause for one
// query by [SplitWith]. Sources are asked first, in order, then the join conditions, then the rest.
type Prover interface {
	// Source says whether rows of s can be read as part of this query: any table of the adapter, and a nested query only
	// when the source answers all of it.
	Source(s *lqp.Source) Proof
	// Expr says whether an expression of the query is exact in this use. In Having and OrderBy of a query with groups,
	// columns with an empty Source name group keys and aggregates.
	Expr(use Use, e lqp.Expr) Proof
	// Aggregate says whether an aggregate with its argument and filter is exact.
	Aggregate(a *lqp.Aggregate) Proof
	// After says whether the keyset position of the query can be pushed once its sort keys are.
	After(order []lqp.Order, after []lqp.Value) Proof
}

// ScanOnly splits a query of one source so that the source only delivers its columns: filter, groups, sort and page stay
// residual. It is the whole of Plan for the smallest correct adapter. For a query with joins it answers a Split without
// Pushed, as every adapter may: the engine then plans each source on its own.
func ScanOnly(q *lqp.Query) Split { return SplitWith(q, ScanProver{}) }

// ScanProver takes whole tables and no clause. A prover that takes one thing more embeds it and has that one method of its
// own. The zero value is ready.
type ScanProver struct{}

const scanReason = "this source only delivers rows"

// Source takes tables.
func (ScanProver) Source(s *lqp.Source) Proof {
	if s.Query != nil {
		return Proof{Reason: scanReason}
	}
	return Proof{Exact: true}
}

// Expr takes nothing.
func (ScanProver) Expr(Use, lqp.Expr) Proof { return Proof{Reason: scanReason} }

// Aggregate takes nothing.
func (ScanProver) Aggregate(*lqp.Aggregate) Proof { return Proof{Reason: scanReason} }

// After takes nothing.
func (ScanProver) After([]lqp.Order, []lqp.Value) Proof { return Proof{Reason: scanReason} }

// SplitWith decides, from an adapter's proofs, what of a bound query is pushed and what is left:
//
//   - Sources and joins are pushed together or not at all. They are when every source is readable, every join is inner or
//     left and every condition exact. Otherwise the Split has no Pushed: the source cannot take this combination, and the
//     engine plans each source alone.
//   - Conjuncts of the filter are pushed one by one: exact ones for good, others as a weaker predicate with a recheck when
//     there is one.
//   - Groups are pushed when the whole filter, every key and every aggregate is exact; conjuncts of Having then one by one.
//   - The sort is pushed when every key is exact and grouping is pushed or absent. The rows then come in the wanted order
//     (Split.Sorted), whatever is filtered out of them afterwards.
//   - The page is pushed when filter, groups, having and sort all are.
//   - Formulas that are only shown are computed in memory: pushing them gains nothing. Their columns are fetched.
//
// Running the residual over the rows of the pushed query is the same as running the query. Where Sorted is set and
// filters are left, the residual still names the order and the page: whoever runs it row by row may trust the order.
func SplitWith(q *lqp.Query, p Prover) Split {
	s := splitter{q: q, p: p, grouped: len(q.GroupBy)+len(q.Aggregates) > 0}
	if !s.sources() {
		return Split{Notes: s.notes}
	}
	s.filter()
	if s.grouped {
		s.groups()
	}
	s.sort()
	return s.finish()
}

type splitter struct {
	q       *lqp.Query
	p       Prover
	grouped bool
	notes   []Note

	where, whereLeft   []lqp.Expr // pushed conjuncts, conjuncts to check afterwards
	groupPushed        bool
	having, havingLeft []lqp.Expr
	sortPushed         bool
	afterPushed        bool
	pagePushed         bool
}

func (s *splitter) note(clause, text string, at Placement, reason string) {
	s.notes = append(s.notes, Note{Clause: clause, Text: text, Placement: at, Reason: reason})
}

// placed notes a clause that is pushed when its proof is exact.
func (s *splitter) placed(clause, text string, pr Proof) bool {
	if pr.Exact {
		s.note(clause, text, PushedExact, "")
		return true
	}
	s.note(clause, text, InMemory, pr.Reason)
	return false
}

func (s *splitter) sources() bool {
	ok := true
	if pr := s.p.Source(&s.q.From); !pr.Exact {
		s.note("source", s.q.From.Alias, InMemory, pr.Reason)
		ok = false
	}
	for i := range s.q.Joins {
		j := &s.q.Joins[i]
		text := string(j.Kind) + " join " + j.Source.Alias
		if j.On != nil {
			text += " on " + lqp.FormatExpr(j.On)
		}
		switch {
		case j.Kind != lqp.Inner && j.Kind != lqp.Left:
			s.note("join", text, InMemory, "right and full joins are done in memory")
			ok = false
			continue
		case !ok:
			s.note("join", text, InMemory, "another source is read on its own")
			continue
		}
		pr := s.p.Source(&j.Source)
		if pr.Exact && j.On != nil {
			pr = s.p.Expr(UseJoin, j.On)
		}
		ok = s.placed("join", text, pr)
	}
	return ok
}

func (s *splitter) filter() {
	for _, c := range lqp.Conjuncts(s.q.Where) {
		pr := s.p.Expr(UseFilter, c)
		text := lqp.FormatExpr(c)
		switch {
		case pr.Exact:
			s.where = append(s.where, c)
			s.note("filter", text, PushedExact, "")
		case pr.Superset != nil:
			s.where = append(s.where, lqp.Conjuncts(pr.Superset)...)
			s.whereLeft = append(s.whereLeft, c)
			s.note("filter", text, PushedSuperset, pr.Reason+"; pushed as "+lqp.FormatExpr(pr.Superset))
		default:
			s.whereLeft = append(s.whereLeft, c)
			s.note("filter", text, InMemory, pr.Reason)
		}
	}
}

const filterLeft = "part of the filter is checked in memory"

func (s *splitter) groups() {
	pushed := len(s.whereLeft) == 0
	place := func(clause, text string, pr Proof) {
		switch {
		case !pr.Exact:
			pushed = false
			s.note(clause, text, InMemory, pr.Reason)
		default:
			s.note(clause, text, PushedExact, "")
		}
	}
	first := len(s.notes)
	for i := range s.q.GroupBy {
		k := &s.q.GroupBy[i]
		place("group", lqp.FormatExpr(k.Expr), s.p.Expr(UseGroup, k.Expr))
	}
	for i := range s.q.Aggregates {
		a := &s.q.Aggregates[i]
		place("aggregate", formatAggregate(a), s.p.Aggregate(a))
	}
	s.groupPushed = pushed
	if !pushed { // what could have been pushed alone is not
		reason := "another part of the grouping is computed in memory"
		if len(s.whereLeft) > 0 {
			reason = filterLeft
		}
		for i := first; i < len(s.notes); i++ {
			if s.notes[i].Placement == PushedExact {
				s.notes[i].Placement, s.notes[i].Reason = InMemory, reason
			}
		}
	}
	for _, c := range lqp.Conjuncts(s.q.Having) {
		pr := Proof{Reason: "the groups are computed in memory"}
		if pushed {
			pr = s.p.Expr(UseHaving, c)
		}
		if s.placed("having", lqp.FormatExpr(c), pr) {
			s.having = append(s.having, c)
		} else {
			s.havingLeft = append(s.havingLeft, c)
		}
	}
}

func formatAggregate(a *lqp.Aggregate) string {
	text := a.Func + "("
	if a.Arg != nil {
		text += lqp.FormatExpr(a.Arg)
	}
	text += ")"
	if a.Filter != nil {
		text += " where " + lqp.FormatExpr(a.Filter)
	}
	return text
}

func (s *splitter) sort() {
	q := s.q
	s.sortPushed = !s.grouped || s.groupPushed
	reason := "the groups are computed in memory"
	first := len(s.notes)
	for i := range q.OrderBy {
		o := &q.OrderBy[i]
		pr := Proof{Reason: reason}
		switch {
		case o.Whole:
			pr.Reason = "sources do not sort by the whole of long texts"
		case !s.grouped || s.groupPushed:
			pr = s.p.Expr(UseSort, o.Expr)
		}
		text := lqp.FormatExpr(o.Expr)
		if o.Desc {
			text += " desc"
		}
		if !s.placed("sort", text, pr) {
			s.sortPushed = false
		}
	}
	if !s.sortPushed {
		for i := first; i < len(s.notes); i++ {
			if s.notes[i].Placement == PushedExact {
				s.notes[i].Placement, s.notes[i].Reason = InMemory, "another sort key is computed in memory"
			}
		}
	}
	if s.sortPushed && len(q.Page.After) > 0 {
		s.afterPushed = s.p.After(q.OrderBy, q.Page.After).Exact
	}
	left := len(s.whereLeft)+len(s.havingLeft) > 0
	s.pagePushed = s.sortPushed && !left && (len(q.Page.After) == 0 || s.afterPushed)
	if q.Page.Limit <= 0 && q.Page.Offset <= 0 {
		return
	}
	text := "limit " + strconv.Itoa(q.Page.Limit)
	if q.Page.Offset > 0 {
		text += " offset " + strconv.Itoa(q.Page.Offset)
	}
	switch {
	case s.pagePushed:
		s.note("limit", text, PushedExact, "")
	case left:
		s.note("limit", text, InMemory, filterLeft)
	default:
		s.note("limit", text, InMemory, "the rows are sorted in memory")
	}
}
