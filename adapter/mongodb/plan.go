package mongodb

import (
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// Plan implements [adapter.Adapter].
func (a *Adapter) Plan(q *lqp.Query) adapter.Split {
	c := &compiler{table: q.From.Schema, alias: q.From.Alias}
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
	switch {
	case use == adapter.UseJoin:
		return proof("collections are joined in memory")
	case use == adapter.UseHaving:
		return proof("groups are filtered in memory")
	case foreignCollation(p.table):
		return proof("the view has a collation of its own")
	case use == adapter.UseFilter:
		_, reason := p.predicate(e)
		return proof(reason)
	case use == adapter.UseSort && p.q.Grouped():
		return proof(p.groupSort(e))
	}
	_, reason := p.groupKey(e)
	return proof(reason)
}

// groupSort is asked once all groups and aggregates are known to be exact.
func (p *prover) groupSort(e lqp.Expr) string {
	c, ok := e.(*lqp.Col)
	if !ok || c.Source != "" {
		return "groups are sorted by what is computed in memory"
	}
	for i := range p.q.Aggregates {
		a := &p.q.Aggregates[i]
		if a.Name == c.Column && (a.Func == "sum" || a.Func == "average") {
			return "groups are sorted by sums in memory"
		}
	}
	return ""
}

// Aggregate implements [adapter.Prover].
func (p *prover) Aggregate(a *lqp.Aggregate) adapter.Proof {
	if foreignCollation(p.table) {
		return proof("the view has a collation of its own")
	}
	_, _, reason := p.accumulator(a)
	return proof(reason)
}

// After implements [adapter.Prover].
func (p *prover) After(order []lqp.Order, after []lqp.Value) adapter.Proof {
	keys := make([]sortKey, len(order))
	for i := range order {
		keys[i] = sortKey{form: p.sortForm(order[i].Expr), order: &order[i]}
	}
	_, reason := p.after(keys, after)
	return proof(reason)
}

// sortForm is the form of a sort key that was proven exact.
func (p *prover) sortForm(e lqp.Expr) form {
	if f, reason := p.field(e); reason == "" {
		return f.form
	}
	c, ok := e.(*lqp.Col)
	if !ok {
		return noForm
	}
	for i := range p.q.GroupBy {
		if p.q.GroupBy[i].Name == c.Column {
			return p.sortForm(p.q.GroupBy[i].Expr)
		}
	}
	for i := range p.q.Aggregates {
		if a := &p.q.Aggregates[i]; a.Name == c.Column {
			out, _, _ := p.accumulator(a)
			return out.form
		}
	}
	return noForm
}
