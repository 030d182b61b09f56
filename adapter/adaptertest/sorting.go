package adaptertest

import (
	"fmt"

	"github.com/livetables/livetables/lqp"
)

var nullOrders = []lqp.NullOrder{lqp.NullsDefault, lqp.NullsFirst, lqp.NullsLast}

// sorting checks the order of every type in both directions with every place for NULLs, and of several keys at once.
func (s *suite) sorting(t T) {
	src := s.from(things, "")
	for _, c := range s.fixture(things).Columns[1:] {
		if !c.Type.Kind.Orderable() {
			continue
		}
		t.Run(c.Name, func(t T) {
			for _, desc := range []bool{false, true} {
				for _, nulls := range nullOrders {
					q := &lqp.Query{From: src, Select: idOnly(), OrderBy: []lqp.Order{
						{Expr: ref(c.Name), Desc: desc, Nulls: nulls}, {Expr: ref("id"), Desc: !desc},
					}}
					s.check(t, q, true)
					q.Where = call("not", call("is_null", ref("s")))
					q.Page.Limit = 5
					s.check(t, q, true)
				}
			}
		})
	}
	t.Run("several", func(t T) {
		for n := range 8 {
			s.check(t, &lqp.Query{From: s.from(walks, ""), Select: idOnly(), OrderBy: walkOrder(n)}, true)
		}
	})
	t.Run("constant", func(t T) {
		s.check(t, &lqp.Query{From: src, Select: idOnly(), OrderBy: []lqp.Order{{Expr: call("add", whole(1), whole(1))}, {Expr: ref("id")}}}, true)
	})
}

// walkOrder is the n-th of eight orders of walks: directions and places of NULLs mixed, the key last.
func walkOrder(n int) []lqp.Order {
	columns := [][]string{{"n", "s"}, {"day", "d", "n"}, {"s"}, {"d", "day"}, {"l"}, {"n"}, {"s", "l"}, {}}[n%8]
	var order []lqp.Order
	for i, c := range columns {
		order = append(order, lqp.Order{Expr: ref(c), Desc: (n+i)%2 == 1, Nulls: nullOrders[(n*2+i)%3]})
	}
	return append(order, lqp.Order{Expr: ref("id"), Desc: n%3 == 1})
}

// keyset walks through sorted results page by page, each page continuing after the last row of the one before. No row may
// be lost or come twice.
func (s *suite) keyset(t T) {
	filters := []lqp.Expr{nil, call("gt", ref("id"), whole(10)), call("not", call("is_null", ref("s"))), call("contains", ref("s"), text("a"))}
	for n := range 8 {
		for _, size := range []int{1, 2, 7} {
			t.Run(fmt.Sprintf("order %d by %d", n, size), func(t T) {
				q := &lqp.Query{From: s.from(walks, ""), OrderBy: walkOrder(n), Where: filters[n%len(filters)]}
				for _, o := range q.OrderBy {
					name := fmt.Sprintf("k%d", len(q.Select))
					q.Select = append(q.Select, lqp.Named{Name: name, Expr: o.Expr})
				}
				q.Select = append(q.Select, lqp.Named{Name: "s", Expr: ref("s")})
				s.walk(t, q, size)
			})
		}
	}
	t.Run("groups", func(t T) {
		s.walk(t, &lqp.Query{
			From: s.from(walks, ""), GroupBy: []lqp.Named{{Name: "k0", Expr: ref("n")}, {Name: "k1", Expr: ref("s")}},
			Aggregates: []lqp.Aggregate{{Name: "c", Func: "countall"}},
			Select:     []lqp.Named{{Name: "k0", Expr: ref("k0")}, {Name: "k1", Expr: ref("k1")}, {Name: "c", Expr: ref("c")}},
			OrderBy:    []lqp.Order{{Expr: ref("k0"), Desc: true}, {Expr: ref("k1")}},
		}, 2)
	})
}

// walk pages through a query whose first result columns are its sort keys.
func (s *suite) walk(t T, q *lqp.Query, size int) {
	t.Helper()
	bound, err := s.bind(q)
	if err != nil {
		t.Fatalf("the suite's query does not bind: %v", err)
	}
	want, ok := s.expect(t, bound)
	if !ok {
		return
	}
	var got answer
	var after []lqp.Value
	for range len(want)/size + 2 {
		page := *bound
		page.Page.Limit, page.Page.After = size, after
		v := via{a: s.a, t: t, plan: s.a.Plan}
		r, err := v.open(ctxOf(t), &page)
		if err != nil {
			t.Errorf("page after %v: %v\n%s", after, err, s.describe(&page))
			return
		}
		keys := &keyReader{RowReader: r, keys: len(q.OrderBy)}
		rows, err := collect(keys, &page)
		if err != nil {
			t.Errorf("page after %v: %v\n%s", after, err, s.describe(&page))
			return
		}
		got = append(got, rows...)
		if len(rows) < size {
			break
		}
		after = keys.last
	}
	if diff := difference(want, got, true); diff != "" {
		t.Errorf("walked by %d: %s\n%s", size, diff, s.describe(bound))
	}
}

// keyReader remembers the sort keys of the last row.
type keyReader struct {
	lqp.RowReader
	keys int
	last []lqp.Value
}

func (k *keyReader) Next() bool {
	if !k.RowReader.Next() {
		return false
	}
	k.last = make([]lqp.Value, k.keys)
	for i := range k.last {
		k.last[i] = k.RowReader.Value(i)
	}
	return true
}

// paging checks limits and offsets, with and without filters that the source cannot answer.
func (s *suite) paging(t T) {
	for _, page := range []lqp.Page{{Limit: 1}, {Limit: 5}, {Limit: 1000}, {Offset: 3}, {Limit: 4, Offset: 2}, {Limit: 3, Offset: 58}, {Offset: 1000}} {
		for n := range 4 {
			q := &lqp.Query{From: s.from(walks, ""), Select: idOnly(), OrderBy: walkOrder(n), Page: page}
			s.check(t, q, true)
			q.Where = call("le", call("mod", ref("id"), whole(7)), whole(3))
			s.check(t, q, true)
			q.Where = call("regex_match", ref("s"), text("^[aA]"))
			s.tryCheck(t, q, true)
		}
	}
	t.Run("without order", func(t T) {
		bound, err := s.bind(&lqp.Query{From: s.from(walks, ""), Page: lqp.Page{Limit: 7}})
		if err != nil {
			t.Fatalf("bind: %v", err)
		}
		v := via{a: s.a, t: t, plan: s.a.Plan}
		if got, err := v.answer(ctxOf(t), bound); err != nil || len(got) != 7 {
			t.Errorf("%d rows instead of 7, error %v", len(got), err)
		}
	})
}
