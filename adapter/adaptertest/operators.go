package adaptertest

import (
	"github.com/livetables/livetables/lqp"
)

var comparisons = []string{"eq", "ne", "lt", "le", "gt", "ge"}

// operators checks every comparison of every type with every edge value and with another column, NULLs on either side,
// in every context, and the arithmetic and logical operators.
func (s *suite) operators(t T) {
	src := s.from(things, "")
	for _, c := range s.fixture(things).Columns[1:] {
		if !c.Type.Kind.Orderable() {
			continue
		}
		t.Run(c.Name, func(t T) {
			// The second column of a pair is only compared with the first.
			if last := c.Name[len(c.Name)-1]; last == '2' {
				first := c.Name[:len(c.Name)-1]
				for _, op := range comparisons {
					s.contexts(t, src, call(op, ref(first), ref(c.Name)))
				}
				return
			}
			for n, v := range literalsOf(c.Type) {
				for i, op := range comparisons {
					if c.Type.Kind == lqp.Bool && i >= 2 && n > 0 {
						continue // order of booleans is checked by sorting
					}
					e := call(op, ref(c.Name), lit(v, c.Type))
					if (n+i)%3 == 0 {
						e = call(op, lit(v, c.Type), ref(c.Name))
					}
					s.comparison(t, src, e, n+i)
				}
			}
			s.contexts(t, src, call("is_null", ref(c.Name)))
			s.values(t, src, ref(c.Name))
		})
	}
	t.Run("mixed", func(t T) { s.mixed(t, src) })
	t.Run("arithmetic", func(t T) { s.arithmetic(t, src) })
	t.Run("logic", func(t T) { s.logic(t, src) })
	t.Run("opaque", func(t T) {
		for _, c := range s.columnsOf(lqp.JSON, lqp.Bytes, lqp.List) {
			s.contexts(t, src, call("is_null", ref(c.Name)))
		}
		for _, c := range s.columnsOf(lqp.List) {
			s.contexts(t, src, call("is_empty", ref(c.Name)))
			for _, v := range edgesOf(c.Type)[1:] {
				s.tryCheck(t, &lqp.Query{From: src, Where: call("eq", ref(c.Name), lit(v, c.Type)), Select: []lqp.Named{{Name: "id", Expr: ref("id")}}}, false)
			}
		}
	})
}

// comparison checks a comparison in T and F always, and in V for some: three queries for each would take long.
func (s *suite) comparison(t T, src lqp.Source, e lqp.Expr, n int) {
	t.Helper()
	if n%4 == 0 {
		s.contexts(t, src, e)
		return
	}
	id := []lqp.Named{{Name: "id", Expr: ref("id")}}
	s.check(t, &lqp.Query{From: src, Where: e, Select: id}, false)
	s.check(t, &lqp.Query{From: src, Where: call("not", e), Select: id}, false)
}

// mixed compares numbers of different scales and numbers with floats.
func (s *suite) mixed(t T, src lqp.Source) {
	numeric := s.columnsOf(lqp.Number, lqp.Float)
	for i, a := range numeric {
		for _, b := range numeric[i+1:] {
			for _, op := range comparisons {
				e := call(op, ref(a.Name), ref(b.Name))
				s.check(t, &lqp.Query{From: src, Where: e, Select: []lqp.Named{{Name: "id", Expr: ref("id")}}}, false)
			}
		}
	}
}

// arithmetic checks operators over columns and literals, as filters, sort keys and group keys.
func (s *suite) arithmetic(t T, src lqp.Source) {
	literals := []lqp.Expr{whole(0), whole(3), whole(-7), lqp.Literal(must(wideType, "0.1")), lqp.Literal(must(wideType, "1234567.89"))}
	for _, op := range []string{"add", "sub", "mul", "div", "mod"} {
		for _, c := range s.columnsOf(lqp.Number) {
			for n, l := range literals {
				e := call(op, ref(c.Name), l)
				if n%2 == 1 {
					e = call(op, l, ref(c.Name))
				}
				s.contexts(t, src, call([]string{"gt", "eq", "le"}[n%3], e, whole(2)))
				if n < 2 {
					s.values(t, src, e)
				}
			}
			s.values(t, src, call("neg", ref(c.Name)))
		}
		s.values(t, src, call(op, ref("i"), ref("d")))
		s.values(t, src, call(op, ref("d"), ref("d2")))
	}
	for _, c := range s.columnsOf(lqp.Text) {
		s.values(t, src, call("concat", ref(c.Name), text("-"), ref("s2")))
	}
}

// logic checks how NULL counts in logical functions and conditionals.
func (s *suite) logic(t T, src lqp.Source) {
	p := []lqp.Expr{
		call("gt", ref("i"), whole(0)), call("eq", ref("s"), text("a")), call("is_null", ref("d")),
		call("lt", ref("d"), ref("i2")), call("ne", ref("s"), ref("s2")),
	}
	for _, c := range s.columnsOf(lqp.Bool) {
		p = append(p, ref(c.Name))
	}
	for i := range p {
		for j := range p {
			s.check(t, &lqp.Query{From: src, Where: call("or", p[i], call("not", call("and", p[j], p[(i+j)%len(p)]))), Select: idOnly()}, false)
		}
		a, b := p[i], p[(i+1)%len(p)]
		s.contexts(t, src, call("and", a, b))
		s.contexts(t, src, call("or", a, b))
		s.contexts(t, src, call("xor", a, b))
		s.contexts(t, src, call("not", call("or", a, call("not", b))))
		s.values(t, src, call("if", a, ref("i"), ref("i2")))
		s.values(t, src, call("if", a, ref("d")))
		s.values(t, src, call("ifs", a, text("first"), b, ref("s")))
	}
	s.values(t, src, call("coalesce", ref("d"), ref("d2"), whole(0)))
	s.values(t, src, call("coalesce", ref("s"), text("none")))
	s.values(t, src, call("zn", ref("d")))
	s.values(t, src, call("switch", ref("i"), whole(1), text("one"), whole(2), ref("s"), text("other")))
	s.contexts(t, src, call("is_blank", ref("s")))
	s.contexts(t, src, call("is_empty", ref("i")))
	s.check(t, &lqp.Query{From: src, Where: lqp.TypedNull(boolType), Select: idOnly()}, false)
	s.check(t, &lqp.Query{From: src, Where: lqp.Literal(lqp.BoolValue(true)), Select: idOnly()}, false)
}

func idOnly() []lqp.Named { return []lqp.Named{{Name: "id", Expr: ref("id")}} }
