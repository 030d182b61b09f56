package adaptertest

import "github.com/livetables/livetables/lqp"

// membership checks in and between, with and without NULL among the values.
func (s *suite) membership(t T) {
	src := s.from(things, "")
	for _, c := range s.fixture(things).Columns[1:] {
		if !c.Type.Kind.Orderable() {
			continue
		}
		t.Run(c.Name, func(t T) {
			edges := literalsOf(c.Type)
			var some []lqp.Value
			for i, v := range edges {
				if i%3 == 1 && v.Kind() == c.Type.Kind {
					some = append(some, v)
				}
			}
			for name, values := range map[string][]lqp.Value{
				"some": some, "one": {edges[1]}, "null": {lqp.NullValue}, "with null": append([]lqp.Value{lqp.NullValue}, some...),
			} {
				items := make([]*lqp.Lit, len(values))
				loose := []lqp.Expr{ref(c.Name)}
				for i, v := range values {
					items[i] = lit(v, c.Type).(*lqp.Lit)
					loose = append(loose, items[i])
				}
				t.Run(name, func(t T) {
					s.contexts(t, src, call("in", ref(c.Name), lqp.NewList(items...)))
					s.contexts(t, src, call("in", loose...))
				})
			}
			s.contexts(t, src, call("in", ref(c.Name), ref(c.Name)))
			if c.Type.Kind == lqp.Bool {
				return
			}
			for i := range len(edges) - 1 {
				lo, hi := lit(edges[i], c.Type), lit(edges[(i*5+2)%len(edges)], c.Type)
				s.comparison(t, src, call("between", ref(c.Name), lo, hi), i)
			}
		})
	}
	t.Run("many", func(t T) {
		var items []*lqp.Lit
		for n := range 1000 {
			items = append(items, lqp.Literal(lqp.IntValue(int64(n*3))))
		}
		s.contexts(t, src, call("in", ref("id"), lqp.NewList(items...)))
	})
}

// texts checks the searching functions with patterns that mean something elsewhere.
func (s *suite) texts(t T) {
	src := s.from(things, "")
	for _, c := range s.columnsOf(lqp.Text) {
		t.Run(c.Name, func(t T) {
			for n, p := range []string{"", "a", "A", "é", "e", "%", "_", "a ", " ", "\\", "'", "😀", "ß", "aa", "\uffff", "\t"} {
				for _, fn := range []string{"contains", "starts_with", "ends_with", "icontains"} {
					s.comparison(t, src, call(fn, ref(c.Name), text(p)), n)
				}
			}
			for _, fn := range []string{"contains", "starts_with", "ends_with"} {
				s.contexts(t, src, call(fn, ref(c.Name), ref("s2")))
				s.contexts(t, src, call(fn, text("abc%"), ref(c.Name)))
			}
		})
	}
}
