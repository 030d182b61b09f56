package adaptertest

import (
	"strconv"

	"github.com/livetables/livetables/lqp"
)

// emission puts conditions of every shape into every place that a condition can have in a query: where only its being TRUE
// matters, where only its being FALSE does, and where its value is seen. The rows have every combination of NULL, a small
// and a large value in three columns of each type, so that no form of three-valued logic is left out.
func (s *suite) emission(t T) {
	f := s.fixture(nulls)
	for _, k := range nullKinds {
		var cols []lqp.Expr
		var typ lqp.Type
		for i := range 3 {
			if at := f.column(k.name + strconv.Itoa(i+1)); at >= 0 {
				cols, typ = append(cols, ref(f.Columns[at].Name)), f.Columns[at].Type
			}
		}
		if len(cols) < 3 {
			continue // not held
		}
		t.Run(k.name, func(t T) {
			lo, hi := k.lo, k.hi
			if typ.Kind == lqp.DateTime && lo.Kind() == lqp.Date { // a source without days
				lo, hi = lqp.DateTimeValue(lo.Days()*dayMillis), lqp.DateTimeValue(hi.Days()*dayMillis)
			}
			for n, p := range shapes(typ, cols, lo, hi) {
				s.everywhere(t, p, n)
			}
		})
	}
}

// shapes lists conditions over three columns of a type and two of their values.
func shapes(typ lqp.Type, c []lqp.Expr, loValue, hiValue lqp.Value) (out []lqp.Expr) {
	x, y, z := c[0], c[1], c[2]
	lo, hi, null := lit(loValue, typ), lit(hiValue, typ), lqp.Expr(lqp.TypedNull(typ))
	add := func(fn string, args ...lqp.Expr) { out = append(out, call(fn, args...)) }
	add("is_null", x)
	add("eq", x, y)
	add("ne", x, y)
	if typ.Kind == lqp.List {
		add("is_empty", x)
		for _, fn := range []string{"has", "has_any", "has_all"} {
			add(fn, x, text("b"))
		}
		return out
	}
	for _, op := range comparisons {
		add(op, x, lo)
		add(op, hi, x)
		add(op, x, null)
		if op != "eq" && op != "ne" {
			add(op, x, y)
		}
	}
	add("in", x, y, z)
	add("in", x, lo, null)
	add("in", x, lqp.NewList(lo.(*lqp.Lit), hi.(*lqp.Lit)))
	add("eq", call("coalesce", x, y, lo), z)
	add("eq", call("if", call("eq", x, y), y, z), lo)
	switch typ.Kind {
	case lqp.Bool:
		out = append(out, x)
		add("and", x, y, z)
		add("or", x, y, z)
		add("xor", x, y, z)
		add("and", x, call("not", y))
		add("or", call("not", x), call("and", y, z))
		add("if", x, y, z)
		add("ifs", x, y, z, y)
		add("eq", call("and", x, y), z)
		add("lt", call("not", x), y)
		return out
	case lqp.Text:
		for _, fn := range []string{"contains", "starts_with", "ends_with", "icontains"} {
			add(fn, x, y)
			add(fn, x, lo)
			add(fn, hi, x)
		}
		add("regex_match", x, text("^a"))
		add("is_blank", x)
		add("eq", call("concat", x, y), z)
		add("gt", call("len", x), call("len", y))
	case lqp.Number, lqp.Float:
		add("gt", call("add", x, y), z)
		add("le", call("div", x, call("sub", y, z)), whole(1))
		add("eq", call("mod", x, y), whole(0))
	case lqp.Date, lqp.DateTime:
		for _, fn := range []string{"is_before", "is_after", "is_same"} {
			add(fn, x, y)
		}
		add("is_same", x, y, text("month"))
		add("eq", call("day", x), call("day", y))
	}
	add("between", x, y, z)
	add("between", x, lo, hi)
	add("between", lo, x, y)
	return out
}

// everywhere asks for a condition in every place. n varies those that take long.
func (s *suite) everywhere(t T, p lqp.Expr, n int) {
	t.Helper()
	src := s.from(nulls, "")
	half := call("gt", ref("id"), whole(13))
	s.contexts(t, src, p)
	s.check(t, groupBy(src, nil, // the filters of aggregates
		lqp.Aggregate{Name: "yes", Func: "countall", Filter: p},
		lqp.Aggregate{Name: "no", Func: "sum", Arg: ref("id"), Filter: call("not", p)},
	), false)
	switch n % 4 {
	case 0:
		s.check(t, &lqp.Query{From: src, Where: call("not", call("or", p, half)), Select: idOnly()}, false)
		s.check(t, &lqp.Query{From: src, Where: call("or", call("not", p), half), Select: idOnly()}, false)
	case 1:
		s.check(t, &lqp.Query{From: src, Where: call("not", call("and", half, call("not", p))), Select: idOnly()}, false)
		s.check(t, &lqp.Query{From: src, Where: call("xor", p, half), Select: idOnly()}, false)
	case 2:
		s.check(t, &lqp.Query{From: src, Where: call("eq", call("if", p, text("yes"), text("no")), text("no")), Select: idOnly()}, false)
		s.check(t, &lqp.Query{From: src, Where: call("not", call("if", half, p, call("not", p))), Select: idOnly()}, false)
	case 3:
		s.check(t, &lqp.Query{From: src, Where: call("eq", p, half), Select: idOnly()}, false)
		s.check(t, &lqp.Query{From: src, Where: call("in", p, half, lqp.Literal(lqp.BoolValue(false))), Select: idOnly()}, false)
	}
	if n%2 == 0 {
		s.having(t, p)
	} else {
		s.joined(t, p, n)
	}
}

// having puts a condition on groups of one row: their largest values are the row's.
func (s *suite) having(t T, p lqp.Expr) {
	t.Helper()
	q := groupBy(s.from(nulls, ""), ref("id"))
	seen := map[string]bool{}
	on := lqp.Rewrite(p, func(e lqp.Expr) lqp.Expr {
		c, ok := e.(*lqp.Col)
		if !ok {
			return e
		}
		name := "max_" + c.Column
		if !seen[name] {
			seen[name] = true
			fn := "max"
			if at := s.fixture(nulls).column(c.Column); s.fixture(nulls).Columns[at].Type.Kind == lqp.Bool {
				fn = "or"
			}
			q.Aggregates = append(q.Aggregates, lqp.Aggregate{Name: name, Func: fn, Arg: ref(c.Column)})
		}
		return ref(name)
	})
	q.Having = on
	s.tryCheck(t, q, false)
	q.Having = call("not", on)
	s.tryCheck(t, q, false)
}

// joined puts a condition between the rows of two copies of the table, its first column of the one and all others of the
// other.
func (s *suite) joined(t T, p lqp.Expr, n int) {
	t.Helper()
	first := lqp.Columns(p)[0].Column
	on := lqp.Rewrite(p, func(e lqp.Expr) lqp.Expr {
		if c, ok := e.(*lqp.Col); ok {
			if c.Column == first {
				return lqp.Ref("l", c.Column)
			}
			return lqp.Ref("r", c.Column)
		}
		return e
	})
	if n%4 == 1 {
		on = call("not", on)
	}
	kind := []lqp.JoinKind{lqp.Inner, lqp.Left}[n/4%2]
	s.check(t, &lqp.Query{
		From:   s.from(nulls, "l"),
		Joins:  []lqp.Join{{Kind: kind, Source: s.from(nulls, "r"), On: lqp.And(call("lt", lqp.Ref("r", "id"), lqp.Ref("l", "id")), on)}},
		Select: []lqp.Named{{Name: "l", Expr: lqp.Ref("l", "id")}, {Name: "r", Expr: lqp.Ref("r", "id")}},
	}, false)
}
