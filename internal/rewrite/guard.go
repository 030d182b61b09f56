package rewrite

import (
	"fmt"
	"slices"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/rbac"
)

// guard puts the row rule of every table source of a bound query at its scan, and the table's whole schema back into the
// source, since rules may read columns that the principal may not.
func (rw *rewriter) guard(q *lqp.Query) (*lqp.Query, error) {
	c := *q
	c.Joins = slices.Clone(q.Joins)
	outer := slices.ContainsFunc(q.Joins, func(j lqp.Join) bool { return j.Kind == lqp.Right || j.Kind == lqp.Full })

	rule, err := rw.source(&c.From)
	if err != nil {
		return nil, err
	}
	var where []lqp.Expr
	if rule != nil {
		if outer {
			c.From = filtered(c.From, rule)
		} else {
			where = append(where, rule)
		}
	}
	for i := range c.Joins {
		j := &c.Joins[i]
		if rule, err = rw.source(&j.Source); err != nil {
			return nil, err
		}
		switch {
		case rule == nil:
		case outer:
			// A right or full join keeps rows that match nothing: only a scan that is filtered by itself is safe.
			j.Source = filtered(j.Source, rule)
		default:
			// For an inner or left join the condition is asked of every row of the right side before it is joined.
			j.On = lqp.And(j.On, rule)
		}
	}
	c.Where = lqp.And(append(where, c.Where)...)
	return &c, nil
}

// source restores the schema of a table source and answers its row rule, nil for none. Nested queries are guarded whole.
func (rw *rewriter) source(s *lqp.Source) (lqp.Expr, error) {
	if s.Query != nil {
		nested, err := rw.guard(s.Query)
		s.Query = nested
		return nil, err
	}
	ref := rbac.TableRef{Connection: s.Connection, Table: s.Schema.Name}
	seen, ok := rw.seen[ref]
	if !ok {
		return nil, fmt.Errorf("rewrite: table %s was bound without its policy", ref.Table)
	}
	s.Schema = seen.full
	if seen.rule == nil {
		return nil, nil
	}
	e := requalify(seen.rule, s.Alias)
	rw.rules = append(rw.rules, Rule{Table: ref.Table, Alias: s.Alias,
		Role: string(rw.in.Policy.Role(rw.in.Principal)), Filter: lqp.FormatExpr(e)})
	return e, nil
}

// rowRule is the rule bound to a source that is called like its table, nil for none. Its time zone is UTC, as when rows are written:
// whoever asks the query chooses the query's zone and must not move a rule's days with it.
func (rw *rewriter) rowRule(rule rbac.TableRule, t *lqp.Table) (lqp.Expr, error) {
	if rule.Read == nil {
		return nil, nil
	}
	e, err := lqp.BindExpr(requalify(rule.Read, t.Name), lqp.Scope{{Alias: t.Name, Columns: t.Columns, Key: t.Key}}, rw.env())
	if err != nil {
		return nil, fmt.Errorf("the row rule of %s does not compile: %w", t.Name, err)
	}
	return e, nil
}

// requalify makes a rule, whose columns are all of one table, speak of a source of the query. A bound rule stays bound.
func requalify(e lqp.Expr, alias string) lqp.Expr {
	return lqp.Rewrite(e, func(e lqp.Expr) lqp.Expr {
		if c, ok := e.(*lqp.Col); ok {
			if c.Source == alias {
				return c
			}
			return lqp.TypedRef(alias, c.Column, c.Type())
		}
		return e
	})
}

// filtered is the source as a nested query that yields only the rows satisfying the rule.
func filtered(s lqp.Source, rule lqp.Expr) lqp.Source {
	inner := &lqp.Query{From: s, Where: rule}
	for _, col := range s.Schema.Columns {
		inner.Select = append(inner.Select, lqp.Named{Name: col.ID, Expr: lqp.TypedRef(s.Alias, col.ID, col.Type)})
	}
	return lqp.Source{Alias: s.Alias, Query: inner}
}
