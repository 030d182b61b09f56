package adaptertest

import "github.com/livetables/livetables/lqp"

// joins checks joins of every kind and shape, NULLs among the keys: NULL equals NULL. Right and full joins are the engine's:
// of them the suite makes sure that the plan leaves both sources to be read.
func (s *suite) joins(t T) {
	c, p := s.from(children, "c"), s.from(parents, "p")
	col := lqp.Ref
	on := map[string]lqp.Expr{
		"reference":  call("eq", col("c", "parent"), col("p", "id")),
		"nulls":      call("eq", col("c", "code"), col("p", "code")),
		"two":        lqp.And(call("eq", col("c", "code"), col("p", "code")), call("eq", col("c", "parent"), col("p", "grade"))),
		"range":      lqp.And(call("eq", col("c", "parent"), col("p", "id")), call("gt", col("c", "amount"), whole(0))),
		"inequality": call("lt", col("c", "parent"), col("p", "grade")),
		"right only": call("eq", col("p", "name"), text("Ada")),
		"never":      call("eq", col("p", "name"), text("nobody")),
		"formula":    call("eq", call("add", col("c", "parent"), whole(1)), col("p", "id")),
	}
	selected := []lqp.Named{
		{Name: "c", Expr: col("c", "id")}, {Name: "p", Expr: col("p", "id")}, {Name: "name", Expr: col("p", "name")}, {Name: "amount", Expr: col("c", "amount")},
	}
	order := []lqp.Order{{Expr: col("p", "name"), Desc: true}, {Expr: col("c", "id")}, {Expr: col("p", "id")}}
	for name, cond := range on {
		for _, kind := range []lqp.JoinKind{lqp.Inner, lqp.Left, lqp.Right, lqp.Full} {
			t.Run(name+" "+string(kind), func(t T) {
				q := lqp.Query{From: c, Joins: []lqp.Join{{Kind: kind, Source: p, On: cond}}, Select: selected}
				s.check(t, &q, false)
				for _, w := range []lqp.Expr{
					call("is_null", col("p", "id")), call("not", call("eq", col("p", "name"), text("Ada"))),
					call("ge", col("c", "amount"), whole(5)), call("or", call("is_null", col("p", "code")), call("eq", col("c", "code"), text("B"))),
				} {
					f := q
					f.Where = w
					s.check(t, &f, false)
					f.OrderBy, f.Page.Limit = order, 7
					s.check(t, &f, true)
				}
				q.OrderBy = order
				s.check(t, &q, true)
			})
		}
	}
	t.Run("self", func(t T) {
		q := lqp.Query{From: s.from(parents, "a"), Joins: []lqp.Join{
			{Kind: lqp.Left, Source: s.from(parents, "b"), On: call("eq", col("a", "grade"), col("b", "id"))},
			{Kind: lqp.Left, Source: c, On: call("eq", col("c", "parent"), col("b", "id"))},
		}, Select: []lqp.Named{{Name: "a", Expr: col("a", "id")}, {Name: "b", Expr: col("b", "name")}, {Name: "c", Expr: col("c", "code")}}}
		s.check(t, &q, false)
		q.Where = call("gt", col("c", "amount"), col("a", "id"))
		s.check(t, &q, false)
	})
	t.Run("grouped", func(t T) {
		s.check(t, &lqp.Query{
			From: p, Joins: []lqp.Join{{Kind: lqp.Left, Source: c, On: on["reference"]}},
			GroupBy:    []lqp.Named{{Name: "name", Expr: col("p", "name")}},
			Aggregates: []lqp.Aggregate{{Name: "n", Func: "counta", Arg: col("c", "id")}, {Name: "total", Func: "sum", Arg: col("c", "amount")}},
			Select:     []lqp.Named{{Name: "name", Expr: ref("name")}, {Name: "n", Expr: ref("n")}, {Name: "total", Expr: ref("total")}},
			OrderBy:    []lqp.Order{{Expr: ref("total"), Desc: true}, {Expr: ref("name")}},
		}, true)
	})
	t.Run("empty", func(t T) {
		for _, kind := range []lqp.JoinKind{lqp.Inner, lqp.Left} {
			s.check(t, &lqp.Query{From: c, Joins: []lqp.Join{{Kind: kind, Source: s.from(empties, "e"), On: call("eq", col("c", "id"), col("e", "id"))}},
				Select: []lqp.Named{{Name: "c", Expr: col("c", "id")}, {Name: "e", Expr: col("e", "s")}}}, false)
		}
	})
}
