package mongodb

import (
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// Plan implements [adapter.Adapter].
func (a *Adapter) Plan(q *lqp.Query) adapter.Split {
	c := &compiler{table: q.From.Schema, alias: q.From.Alias, facts: a.facts.Load()}
	return adapter.SplitWith(q, &prover{compiler: c, q: q})
}

// prover proves clauses by compiling them.
type prover struct {
	*compiler
	q *lqp.Query
}

func proof(reason string) adapter.Proof { return adapter.Proof{Exact: reason == "", Reason: reason} }

// Source implements [adapter.Prover].
func (p *prover) Source(s *lqp.Source) adapter.Proof {
	switch {
	case s.Query != nil:
		return proof("nested queries are answered in memory")
	case s.Schema == nil || len(s.Schema.Path) != 1 || !safeCollection(s.Schema.Path[0]):
		return proof("no collection has that name")
	}
	for i := range s.Schema.Columns {
		if _, reason := fieldOf(&s.Schema.Columns[i]); reason != "" {
			return proof(reason)
		}
	}
	return proof("")
}

// Expr implements [adapter.Prover].
func (p *prover) Expr(use adapter.Use, e lqp.Expr) adapter.Proof {
	if use == adapter.UseJoin {
		return proof("collections are joined in memory")
	}
	if foreignCollation(p.table) {
		return proof("the view has a collation of its own")
	}
	var reason string
	switch use {
	case adapter.UseFilter:
		_, reason = p.predicate(e)
	case adapter.UseHaving:
		if p.grouped(); len(p.q.GroupBy) == 0 {
			return proof(havingWhole)
		}
		_, reason = p.truth(e)
	case adapter.UseSort:
		p.grouped()
		_, reason = p.groupKey(e)
	default:
		_, reason = p.groupKey(e)
	}
	return proof(reason)
}

// grouped makes the groups and aggregates of the query known to expressions, which speak of them once all are proven.
func (p *prover) grouped() {
	if p.groups == nil && p.q.Grouped() {
		g, _ := p.grouping(p.q)
		p.groups = g.columns
	}
}

// Aggregate implements [adapter.Prover].
func (p *prover) Aggregate(a *lqp.Aggregate) adapter.Proof {
	if foreignCollation(p.table) {
		return proof("the view has a collation of its own")
	}
	_, reason := p.accumulator(a, "a")
	return proof(reason)
}

// After implements [adapter.Prover].
func (p *prover) After(order []lqp.Order, after []lqp.Value) adapter.Proof {
	keys := make([]sortKey, len(order))
	for i := range order {
		v, reason := p.groupKey(order[i].Expr)
		if reason != "" {
			return proof(reason)
		}
		keys[i] = sortKey{form: v.form, order: &order[i]}
	}
	_, reason := p.after(keys, after)
	return proof(reason)
}
