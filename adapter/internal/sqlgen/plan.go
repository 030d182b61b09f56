package sqlgen

import (
	"slices"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// Plan splits a bound query into what the dialect can say with our meaning and what is left. A pushed query always
// compiles.
func Plan(d Dialect, q *lqp.Query) adapter.Split {
	e := acquire(d)
	defer release(e)
	p := &prover{e: e}
	e.enter(q)
	s := adapter.SplitWith(q, p)
	if s.Pushed == nil {
		return s
	}
	// The proofs are about clauses; that the whole is sayable too is checked, not assumed.
	if _, err := Compile(d, s.Pushed); err != nil {
		return adapter.ScanOnly(q)
	}
	return s
}

// prover answers by emitting and throwing the text away.
type prover struct{ e *Emitter }

// try runs f and forgets what it emitted.
func (p *prover) try(f func() bool) adapter.Proof {
	e := p.e
	buf, args, keys, block := len(e.buf), len(e.args), len(e.keys), e.block
	sources, outputs, texts := len(e.sources), len(e.outputs), len(e.texts)
	e.reason = ""
	ok := f()
	e.buf, e.args, e.keys, e.texts = e.buf[:buf], e.args[:args], e.keys[:keys], e.texts[:texts]
	if !ok {
		e.block, e.sources, e.outputs = block, e.sources[:sources], e.outputs[:outputs]
		return adapter.Proof{Reason: e.reason}
	}
	return adapter.Proof{Exact: true}
}

// Source implements adapter.Prover. A readable source stays in scope.
func (p *prover) Source(s *lqp.Source) adapter.Proof {
	return p.try(func() bool {
		nullable := false
		if q := p.e.block.q; s != &q.From {
			for i := range q.Joins {
				nullable = nullable || &q.Joins[i].Source == s && q.Joins[i].Kind == lqp.Left
			}
		}
		if nullable && p.e.feat.LeftConstants && s.Query != nil && showsConstant(s.Query) {
			return p.e.Fail("a left join with constants is done in memory")
		}
		return p.e.addSource(s, nullable)
	})
}

// showsConstant reports that a nested query has an output without any column of a table in it.
func showsConstant(q *lqp.Query) bool {
	if grouped(q) {
		return false // its rows are made before the join
	}
	return slices.ContainsFunc(q.Select, func(n lqp.Named) bool { return isConstant(q, n.Expr) })
}

func isConstant(q *lqp.Query, x lqp.Expr) bool {
	return !slices.ContainsFunc(lqp.Columns(x), func(c *lqp.Col) bool {
		if q.From.Query == nil || c.Source != q.From.Alias {
			return true
		}
		at := slices.IndexFunc(q.From.Query.Select, func(n lqp.Named) bool { return n.Name == c.Column })
		return at < 0 || grouped(q.From.Query) || !isConstant(q.From.Query, q.From.Query.Select[at].Expr)
	})
}

// Expr implements adapter.Prover.
func (p *prover) Expr(use adapter.Use, x lqp.Expr) adapter.Proof {
	pr := p.try(func() bool { return p.emit(use, x) })
	if !pr.Exact && use == adapter.UseFilter {
		pr.Superset = p.weaker(x)
	}
	return pr
}

func (p *prover) emit(use adapter.Use, x lqp.Expr) bool {
	switch use {
	case adapter.UseFilter, adapter.UseJoin:
		return p.e.Predicate(x, WhenTrue)
	case adapter.UseHaving:
		return p.groupScope() && p.e.Predicate(x, WhenTrue)
	case adapter.UseGroup:
		return p.e.groupKey(&lqp.Named{Expr: x})
	}
	if grouped(p.e.block.q) && !p.groupScope() {
		return false
	}
	return p.e.sortKey(&lqp.Order{Expr: x})
}

// groupScope makes the group keys known by name.
func (p *prover) groupScope() bool {
	for i := range p.e.block.q.GroupBy {
		if !p.e.groupKey(&p.e.block.q.GroupBy[i]) {
			return false
		}
	}
	return true
}

// Aggregate implements adapter.Prover.
func (p *prover) Aggregate(a *lqp.Aggregate) adapter.Proof {
	return p.try(func() bool {
		_, ok := p.e.d.Aggregate(p.e, a)
		if !ok {
			p.e.Fail(a.Func + " is computed in memory")
		}
		return ok
	})
}

// After implements adapter.Prover.
func (p *prover) After(order []lqp.Order, after []lqp.Value) adapter.Proof {
	return p.try(func() bool {
		if grouped(p.e.block.q) && !p.groupScope() {
			return false
		}
		return p.e.after(order, after)
	})
}

// weaker is a predicate that is TRUE wherever x is and that can be emitted, nil when none is found. It keeps the exact
// arms of conjunctions; a disjunction is weakened arm by arm. Under NOT nothing may be weakened.
func (p *prover) weaker(x lqp.Expr) lqp.Expr {
	c, ok := x.(*lqp.Call)
	if !ok {
		return nil
	}
	switch c.Func {
	case "or":
		arms := make([]lqp.Expr, len(c.Args))
		for i, a := range c.Args {
			if arms[i] = p.exactOrWeaker(a); arms[i] == nil {
				return nil
			}
		}
		return lqp.NewCall("or", arms...)
	case "and":
		var arms []lqp.Expr
		for _, a := range c.Args {
			if w := p.exactOrWeaker(a); w != nil {
				arms = append(arms, w)
			}
		}
		return lqp.And(arms...)
	}
	return p.present(c)
}

func (p *prover) exactOrWeaker(x lqp.Expr) lqp.Expr {
	if p.try(func() bool { return p.e.Predicate(x, WhenTrue) }).Exact {
		return x
	}
	return p.weaker(x)
}

// present weakens a comparison that only values satisfy to "its columns are not NULL", where its operands are built of
// functions that answer NULL for NULL. Columns that cannot be NULL say nothing.
func (p *prover) present(c *lqp.Call) lqp.Expr {
	op, ok := compareOp(c.Func)
	if !ok || op == Ne || len(c.Args) != 2 {
		return nil
	}
	if op == Eq && !nonNullLit(c.Args[0]) && !nonNullLit(c.Args[1]) {
		return nil // NULL equals NULL
	}
	var seen []*lqp.Col
	for _, a := range c.Args {
		if seen, ok = strictColumns(a, seen); !ok {
			return nil
		}
	}
	var arms []lqp.Expr
	for _, col := range seen {
		if p.e.notNull(col) {
			continue
		}
		arm := lqp.NewCall("not", lqp.NewCall("is_null", col))
		if p.try(func() bool { return p.e.Predicate(arm, WhenTrue) }).Exact {
			arms = append(arms, arm)
		}
	}
	return lqp.And(arms...)
}

func nonNullLit(x lqp.Expr) bool {
	l, ok := x.(*lqp.Lit)
	return ok && !l.Val.IsNull()
}

// strictColumns adds the columns whose being NULL makes x NULL; ok is false when x is built of anything else.
func strictColumns(x lqp.Expr, seen []*lqp.Col) ([]*lqp.Col, bool) {
	switch x := x.(type) {
	case *lqp.Lit:
		return seen, true
	case *lqp.Col:
		for _, c := range seen {
			if lqp.EqualExpr(c, x) {
				return seen, true
			}
		}
		return append(seen, x), true
	case *lqp.Call:
		if !strict(x.Func) {
			return seen, false
		}
		for _, a := range x.Args {
			var ok bool
			if seen, ok = strictColumns(a, seen); !ok {
				return seen, false
			}
		}
		return seen, true
	}
	return seen, false
}

// strict lists functions that answer NULL when any argument is NULL.
func strict(fn string) bool {
	switch fn {
	case "add", "sub", "mul", "div", "mod", "neg", "power", "abs", "sign", "round", "roundup", "rounddown", "trunc", "int",
		"ceiling", "floor", "sqrt", "exp", "ln", "log10", "log", "left", "right", "mid", "len", "upper", "lower", "fold",
		"trim", "substitute", "replace", "year", "quarter", "month", "day", "hour", "minute", "second", "weekday",
		"weeknum", "isoweeknum", "day_of_year", "dateadd", "datetime_diff", "date_trunc", "eomonth", "days", "find", "rept",
		"to_text", "to_number", "to_float", "to_date", "to_datetime", "date":
		return true
	}
	return false
}
