package adaptertest_test

import (
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/memory"
	"github.com/livetables/livetables/lqp"
)

// conditionLies are databases that compare, search and count in their own way.
var conditionLies = []lie{
	{"negations drop rows with NULL", liar{query: threeValued}, "Operators"},
	{"NULL is not equal to NULL", liar{query: calls("eq", func(c *lqp.Call) lqp.Expr { return lqp.And(c, notNull(c.Args[0]), notNull(c.Args[1])) })}, "Contexts"},
	{"negated conditions forget NULL", liar{query: forgetNullUnderNot}, "Contexts"},
	{"equality ignores case", liar{query: calls("eq", bothTexts("lower"))}, "Operators"},
	{"equality ignores trailing blanks", liar{query: calls("eq", bothTexts("rtrim"))}, "Operators"},
	{"LIKE ignores case", liar{query: calls("contains", func(c *lqp.Call) lqp.Expr { return call("icontains", c.Args...) })}, "Texts"},
	{"LIKE has wildcards", liar{query: calls("starts_with", wildcards)}, "Texts"},
	{"upper-case letters have more than one", liar{query: calls("upper", func(c *lqp.Call) lqp.Expr { return lqp.NewCall("substitute", c, textLit("ß"), textLit("SS")) })}, "Cases"},
	{"a NULL in a list is nobody", liar{query: calls("in", func(c *lqp.Call) lqp.Expr { return lqp.And(c, notNull(c.Args[0])) })}, "Membership"},
	{"between excludes its ends", liar{query: calls("between", func(c *lqp.Call) lqp.Expr {
		return lqp.And(call("gt", c.Args[0], c.Args[1]), call("lt", c.Args[0], c.Args[2]))
	})}, "Membership"},
	{"whole numbers divide to whole numbers", liar{query: calls("div", func(c *lqp.Call) lqp.Expr { return lqp.NewCall("trunc", c) })}, "Operators"},
	{"remainders have the sign of the dividend", liar{query: calls("mod", func(c *lqp.Call) lqp.Expr {
		return lqp.NewCall("sub", c.Args[0], lqp.NewCall("mul", c.Args[1], lqp.NewCall("trunc", lqp.NewCall("div", c.Args...))))
	})}, "Cases"},
	{"dates are compared as of a day later", liar{query: calls("gt", func(c *lqp.Call) lqp.Expr {
		if l, ok := c.Args[1].(*lqp.Lit); ok && l.Val.Kind() == lqp.DateTime {
			return lqp.NewCall("gt", c.Args[0], lqp.Literal(lqp.DateTimeValue(l.Val.Millis()+86_400_000)))
		}
		return c
	})}, "Operators"},
	{"a part of the filter is forgotten", liar{plan: forgetConjunct}, "Metamorphic"},
	{"a superset is none", liar{plan: memory.New(nil, memory.Options{Prover: narrow{}}).Plan}, "Texts"},
}

// orderLies are databases that sort and page in their own way.
var orderLies = []lie{
	{"NULLs sort on the wrong side", liar{query: swapNulls}, "Sorting"},
	{"texts sort as in a dictionary", liar{query: dictionary}, "Sorting"},
	{"the last sort key is ignored", liar{query: forgetKey}, "Sorting"},
	{"pages are short", liar{rows: shortPages}, "Keyset"},
	{"pages are one row too long", liar{query: func(q lqp.Query) lqp.Query {
		if q.Page.Limit > 0 {
			q.Page.Limit++
		}
		return q
	}}, "Paging"},
	{"the position is ignored", liar{query: func(q lqp.Query) lqp.Query { q.Page.After = nil; return q }}, "Keyset"},
	{"the row of the position comes again", liar{query: positionBefore}, "Keyset"},
	{"ties with the position are lost", liar{query: loseTies}, "Keyset"},
	{"offset is ignored", liar{query: func(q lqp.Query) lqp.Query { q.Page.Offset = 0; return q }}, "Paging"},
	{"offset begins with one", liar{query: func(q lqp.Query) lqp.Query {
		q.Page.Offset = max(0, q.Page.Offset-1)
		return q
	}}, "Metamorphic"},
	{"sorted is only said", liar{plan: func(q *lqp.Query) adapter.Split {
		s := adapter.ScanOnly(q)
		s.Sorted = true
		return s
	}}, "Promises"},
	{"sorted rows cannot be continued", liar{plan: memory.New(nil, memory.Options{Prover: plainFilters{}}).Plan, query: func(q lqp.Query) lqp.Query {
		if q.Where == nil {
			q.Page.After = nil
		}
		return q
	}}, "Promises"},
}

func notNull(e lqp.Expr) lqp.Expr { return call("not", call("is_null", e)) }

// bothTexts applies a function to both sides of a comparison of texts.
func bothTexts(fn string) func(*lqp.Call) lqp.Expr {
	return func(c *lqp.Call) lqp.Expr {
		if !isText(c.Args[0]) || !isText(c.Args[1]) {
			return c
		}
		side := func(e lqp.Expr) lqp.Expr {
			if fn == "rtrim" {
				return lqp.NewCall("regex_replace", e, textLit(" +$"), textLit(""))
			}
			return lqp.NewCall(fn, e)
		}
		return lqp.NewCall(c.Func, side(c.Args[0]), side(c.Args[1]))
	}
}

// wildcards takes the pattern % for every text, as an unescaped LIKE does.
func wildcards(c *lqp.Call) lqp.Expr {
	if l, ok := c.Args[1].(*lqp.Lit); ok && l.Val.Text() == "%" {
		return notNull(c.Args[0])
	}
	return c
}

// threeValued answers a negated condition like a database that compares in three values: rows with NULL are not there.
func threeValued(q lqp.Query) lqp.Query {
	c, ok := q.Where.(*lqp.Call)
	if !ok || c.Func != "not" && c.Func != "ne" {
		return q
	}
	for _, col := range lqp.Columns(c) {
		q.Where = lqp.And(q.Where, notNull(col))
	}
	return q
}

// forgetNullUnderNot turns not(a < b) into a >= b wherever it stands.
func forgetNullUnderNot(q lqp.Query) lqp.Query {
	negated := map[string]string{"lt": "ge", "le": "gt", "gt": "le", "ge": "lt"}
	return calls("not", func(c *lqp.Call) lqp.Expr {
		if inner, ok := c.Args[0].(*lqp.Call); ok && negated[inner.Func] != "" {
			return call(negated[inner.Func], inner.Args...)
		}
		return c
	})(q)
}

// forgetConjunct plans as if the filter had one part less.
func forgetConjunct(q *lqp.Query) adapter.Split {
	parts := lqp.Conjuncts(q.Where)
	if len(parts) > 1 {
		less := *q
		less.Where = lqp.And(parts[1:]...)
		q = &less
	}
	return adapter.SplitWith(q, memory.Everything)
}

// narrow gives a predicate as a superset that is stronger than the one asked.
type narrow struct{ adapter.ScanProver }

func (n narrow) Expr(use adapter.Use, e lqp.Expr) adapter.Proof {
	c, ok := e.(*lqp.Call)
	if !ok || use != adapter.UseFilter || c.Func != "icontains" {
		return n.ScanProver.Expr(use, e)
	}
	return adapter.Proof{Superset: lqp.NewCall("contains", c.Args...), Reason: "case"}
}

// plainFilters takes every order and position, and no filter.
type plainFilters struct{ adapter.ScanProver }

func (p plainFilters) Expr(use adapter.Use, e lqp.Expr) adapter.Proof {
	if use == adapter.UseSort {
		return adapter.Proof{Exact: true}
	}
	return p.ScanProver.Expr(use, e)
}

func (plainFilters) After([]lqp.Order, []lqp.Value) adapter.Proof { return adapter.Proof{Exact: true} }

func swapNulls(q lqp.Query) lqp.Query {
	q.OrderBy = append([]lqp.Order(nil), q.OrderBy...)
	for i := range q.OrderBy {
		q.OrderBy[i].Nulls = lqp.NullsFirst + lqp.NullsLast - q.OrderBy[i].Nulls
	}
	return q
}

// dictionary sorts texts without regard to case, like most collations of servers.
func dictionary(q lqp.Query) lqp.Query {
	q.OrderBy = append([]lqp.Order(nil), q.OrderBy...)
	for i, o := range q.OrderBy {
		if isText(o.Expr) && len(q.Page.After) == 0 {
			q.OrderBy[i].Expr = lqp.NewCall("lower", o.Expr)
		}
	}
	return q
}

func forgetKey(q lqp.Query) lqp.Query {
	if n := len(q.OrderBy); n > 1 && len(q.Page.After) == 0 {
		q.OrderBy = q.OrderBy[:n-1]
	}
	return q
}

// positionBefore begins at the position instead of after it: the last key of the suite's orders is a whole number.
func positionBefore(q lqp.Query) lqp.Query {
	n := len(q.Page.After)
	if n == 0 || q.Page.After[n-1].Kind() != lqp.Number {
		return q
	}
	step := int64(-1)
	if q.OrderBy[n-1].Desc {
		step = 1
	}
	id, _ := q.Page.After[n-1].Decimal().Int64()
	q.Page.After = append(append([]lqp.Value(nil), q.Page.After[:n-1]...), lqp.IntValue(id+step))
	return q
}

// loseTies compares only the first key with the position.
func loseTies(q lqp.Query) lqp.Query {
	if len(q.Page.After) > 1 && !q.Page.After[0].IsNull() && len(q.GroupBy) == 0 {
		q.Where = lqp.And(q.Where, lqp.NewCall("ne", q.OrderBy[0].Expr, lqp.Literal(q.Page.After[0])))
	}
	return q
}

func shortPages(r adapter.Rows, q *lqp.Query) adapter.Rows {
	return &falseRows{Rows: r, q: q, next: func(f *falseRows) bool {
		f.n++
		return f.Rows.Next() && (q.Page.Limit < 2 || f.n < q.Page.Limit)
	}}
}
