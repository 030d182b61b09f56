package adaptertest

import (
	"github.com/livetables/livetables/lqp"
)

// groups checks grouping by every type, every aggregate over every type that it accepts, filters of aggregates, having,
// and groups of nothing.
func (s *suite) groups(t T) {
	src := s.from(things, "")
	for _, c := range s.fixture(things).Columns[1:] {
		if c.Type.Kind.Orderable() {
			t.Run("by "+c.Name, func(t T) {
				s.check(t, groupBy(src, ref(c.Name), lqp.Aggregate{Name: "n", Func: "countall"}), false)
			})
		}
		for _, f := range lqp.Aggregates() {
			if _, err := f.Result(c.Type); err != nil || f.Kinds == nil {
				continue
			}
			t.Run(f.Name+" of "+c.Name, func(t T) {
				agg := lqp.Aggregate{Name: "n", Func: f.Name, Arg: ref(c.Name)}
				s.check(t, groupBy(src, nil, agg), false)
				s.check(t, groupBy(src, ref("b"), agg), false)
				s.check(t, groupBy(src, call("mod", ref("id"), whole(5)), agg), false)
				agg.Filter = call("gt", ref("i"), whole(1))
				s.check(t, groupBy(src, call("mod", ref("id"), whole(5)), agg), false)
				agg.Filter = call("lt", ref("id"), whole(-1))
				s.check(t, groupBy(src, nil, agg), false)
			})
		}
	}
	t.Run("having", func(t T) {
		for _, having := range []lqp.Expr{
			call("gt", ref("n"), whole(1)), call("is_null", ref("k0")), call("not", call("eq", ref("k0"), text("a"))),
			call("ge", ref("total"), whole(10)), call("or", call("lt", ref("total"), whole(0)), call("eq", ref("n"), whole(2))),
		} {
			q := groupBy(src, ref("s"), lqp.Aggregate{Name: "n", Func: "countall"}, lqp.Aggregate{Name: "total", Func: "sum", Arg: ref("d")})
			q.Having = having
			s.check(t, q, false)
			q.OrderBy = []lqp.Order{{Expr: ref("total"), Desc: true, Nulls: lqp.NullsLast}, {Expr: ref("k0")}}
			s.check(t, q, true)
			q.Page = lqp.Page{Limit: 3, Offset: 1}
			s.check(t, q, true)
			q.Where = call("starts_with", ref("s"), text("a"))
			s.check(t, q, true)
		}
	})
	t.Run("several", func(t T) {
		w := s.from(walks, "")
		q := groupBy(w, ref("n"), lqp.Aggregate{Name: "n", Func: "countall"}, lqp.Aggregate{Name: "u", Func: "count_unique", Arg: ref("s")},
			lqp.Aggregate{Name: "avg", Func: "average", Arg: ref("d")}, lqp.Aggregate{Name: "last", Func: "max", Arg: ref("day")})
		q.GroupBy = append(q.GroupBy, lqp.Named{Name: "k1", Expr: ref("s")})
		q.Select = append(q.Select, lqp.Named{Name: "k1", Expr: ref("k1")})
		s.check(t, q, false)
	})
	t.Run("keys only", func(t T) { s.check(t, groupBy(src, ref("s")), false) })
	t.Run("formula of groups", func(t T) {
		q := groupBy(src, ref("b"), lqp.Aggregate{Name: "total", Func: "sum", Arg: ref("d")}, lqp.Aggregate{Name: "n", Func: "count", Arg: ref("d")})
		q.Select = append(q.Select, lqp.Named{Name: "ratio", Expr: call("div", ref("total"), ref("n"))})
		s.check(t, q, false)
	})
	t.Run("nothing", func(t T) {
		for _, key := range []lqp.Expr{nil, ref("s")} {
			for _, arg := range []string{"d", "f", "s"} {
				if s.fixture(empties).column(arg) < 0 {
					continue
				}
				for _, f := range lqp.Aggregates() {
					agg := lqp.Aggregate{Name: "n", Func: f.Name, Arg: ref(arg)}
					if f.Kinds == nil {
						agg.Arg = nil
					}
					s.tryCheck(t, groupBy(s.from(empties, ""), key, agg), false)
				}
			}
		}
	})
}

// groupBy is a query that shows one group key, unless it is nil, and aggregates.
func groupBy(src lqp.Source, key lqp.Expr, aggs ...lqp.Aggregate) *lqp.Query {
	q := &lqp.Query{From: src, Aggregates: aggs}
	if key != nil {
		q.GroupBy = []lqp.Named{{Name: "k0", Expr: key}}
		q.Select = []lqp.Named{{Name: "k0", Expr: ref("k0")}}
	}
	for _, a := range aggs {
		q.Select = append(q.Select, lqp.Named{Name: a.Name, Expr: ref(a.Name)})
	}
	return q
}

// nested checks queries over queries.
func (s *suite) nested(t T) {
	inner := map[string]*lqp.Query{
		"filter": {From: s.from(things, ""), Where: call("gt", ref("i"), whole(0)),
			Select: []lqp.Named{{Name: "id", Expr: ref("id")}, {Name: "s", Expr: ref("s")}, {Name: "d", Expr: ref("d")}}},
		"formula": {From: s.from(things, ""),
			Select: []lqp.Named{{Name: "id", Expr: ref("id")}, {Name: "s", Expr: call("concat", ref("s"), text("x"))}, {Name: "d", Expr: call("add", ref("d"), whole(1))}}},
		"page": {From: s.from(things, ""), OrderBy: []lqp.Order{{Expr: ref("s")}, {Expr: ref("id")}}, Page: lqp.Page{Limit: 9, Offset: 2},
			Select: []lqp.Named{{Name: "id", Expr: ref("id")}, {Name: "s", Expr: ref("s")}, {Name: "d", Expr: ref("d")}}},
		"groups": {From: s.from(things, ""), GroupBy: []lqp.Named{{Name: "s", Expr: ref("s")}},
			Aggregates: []lqp.Aggregate{{Name: "id", Func: "min", Arg: ref("id")}, {Name: "d", Func: "sum", Arg: ref("d")}},
			Select:     []lqp.Named{{Name: "id", Expr: ref("id")}, {Name: "s", Expr: ref("s")}, {Name: "d", Expr: ref("d")}}},
	}
	for name, q := range inner {
		t.Run(name, func(t T) {
			src := lqp.Source{Query: q, Alias: "q"}
			s.check(t, &lqp.Query{From: src}, false)
			s.contexts(t, src, call("ge", ref("d"), whole(2)))
			s.contexts(t, src, call("eq", ref("s"), text("a")))
			s.values(t, src, ref("d"))
			s.check(t, &lqp.Query{From: src, OrderBy: []lqp.Order{{Expr: ref("d"), Desc: true}, {Expr: ref("s")}, {Expr: ref("id")}}, Page: lqp.Page{Limit: 4}}, true)
			s.check(t, groupBy(src, ref("s"), lqp.Aggregate{Name: "total", Func: "sum", Arg: ref("d")}), false)
			for _, kind := range []lqp.JoinKind{lqp.Inner, lqp.Left} {
				s.check(t, &lqp.Query{From: s.from(parents, "p"), Joins: []lqp.Join{{Kind: kind, Source: src, On: call("eq", lqp.Ref("p", "id"), lqp.Ref("q", "id"))}},
					Select: []lqp.Named{{Name: "p", Expr: lqp.Ref("p", "id")}, {Name: "s", Expr: lqp.Ref("q", "s")}}}, false)
			}
			outer := lqp.Source{Query: &lqp.Query{From: src, Where: call("not", call("is_null", ref("d")))}, Alias: "outer"}
			s.check(t, &lqp.Query{From: outer, Where: call("lt", ref("d"), whole(100)), Select: idOnly()}, false)
		})
	}
	t.Run("a column that is always NULL", func(t T) {
		src := lqp.Source{Query: &lqp.Query{From: s.from(things, ""), Select: []lqp.Named{{Name: "id", Expr: ref("id")}, {Name: "z", Expr: lqp.Literal(lqp.Value{})}}}, Alias: "q"}
		for _, cond := range []lqp.Expr{ref("z"), call("not", ref("z")), call("or", ref("z"), call("gt", ref("id"), whole(3))), call("and", call("not", ref("z")), call("lt", ref("id"), whole(5)))} {
			s.check(t, &lqp.Query{From: src, Where: cond, Select: idOnly()}, false)
		}
	})
}
