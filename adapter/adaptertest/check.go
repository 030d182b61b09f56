package adaptertest

import (
	"errors"
	"fmt"
	"strings"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// check asks a query of the adapter and of the oracle and reports any difference. With ordered the rows must come in
// the oracle's order: the query's sort keys must then decide between any two rows.
func (s *suite) check(t T, q *lqp.Query, ordered bool) {
	t.Helper()
	bound, err := s.bind(q)
	if err != nil {
		t.Fatalf("the suite's query does not bind: %v\n%s", err, lqp.Format(q))
	}
	s.checkBound(t, bound, ordered)
}

// tryCheck is check for a query that need not bind; it reports whether it did.
func (s *suite) tryCheck(t T, q *lqp.Query, ordered bool) bool {
	t.Helper()
	bound, err := s.bind(q)
	if err != nil {
		return false
	}
	s.checkBound(t, bound, ordered)
	return true
}

func (s *suite) checkBound(t T, q *lqp.Query, ordered bool) {
	t.Helper()
	want, ok := s.expect(t, q)
	if !ok {
		return
	}
	s.compare(t, q, want, ordered, "as planned", s.a.Plan)
	// Delivering whole tables must give the same answer; every few queries prove it.
	if s.checks++; s.checks%8 == 0 {
		s.compare(t, q, want, ordered, "without pushdown", adapter.ScanOnly)
	}
}

// expect is the oracle's answer.
func (s *suite) expect(t T, q *lqp.Query) (answer, bool) {
	t.Helper()
	r, err := s.oracle.Scan(ctxOf(t), q)
	if err != nil {
		t.Errorf("oracle: %v\n%s", err, lqp.Format(q))
		return nil, false
	}
	want, err := collect(r, q)
	if err != nil {
		t.Errorf("oracle: %v\n%s", err, lqp.Format(q))
		return nil, false
	}
	return want, true
}

func (s *suite) compare(t T, q *lqp.Query, want answer, ordered bool, how string, plan func(*lqp.Query) adapter.Split) {
	t.Helper()
	got, err := s.answer(t, q, plan)
	if err != nil {
		t.Errorf("%s: %v\n%s", how, err, s.describe(q))
		return
	}
	if diff := difference(want, got, ordered); diff != "" {
		t.Errorf("%s: %s\n%s", how, diff, s.describe(q))
	}
}

// answer runs a query as a plan splits it.
func (s *suite) answer(t T, q *lqp.Query, plan func(*lqp.Query) adapter.Split) (answer, error) {
	v := via{a: s.a, t: t, plan: plan}
	got, err := v.answer(ctxOf(t), q)
	if errors.Is(err, adapter.ErrData) {
		// The source's own failure is no answer: the query is run again without it, as the engine does.
		v.plan = adapter.ScanOnly
		got, err = v.answer(ctxOf(t), q)
	}
	return got, err
}

// describe shows a query, what its plan says and what is sent to the source.
func (s *suite) describe(q *lqp.Query) string {
	var b strings.Builder
	b.WriteString(lqp.Format(q))
	split := s.a.Plan(q)
	for _, n := range split.Notes {
		fmt.Fprintf(&b, "\n  %s %s: %s %s", n.Clause, clip([]string{n.Text})[0], n.Placement, n.Reason)
	}
	if x, ok := s.a.(adapter.Explainer); ok && split.Pushed != nil {
		if native, err := x.Native(split.Pushed); err == nil {
			b.WriteString("\n  native: " + native)
		}
	}
	return b.String()
}

// contexts checks a boolean expression over one source in every context: where only its being TRUE matters, under a
// negation, and where its value is seen, as a group key and as a sort key.
func (s *suite) contexts(t T, src lqp.Source, predicate lqp.Expr) {
	t.Helper()
	id := []lqp.Named{{Name: "id", Expr: lqp.Ref("", "id")}}
	s.check(t, &lqp.Query{From: src, Where: predicate, Select: id}, false)
	s.check(t, &lqp.Query{From: src, Where: lqp.NewCall("not", predicate), Select: id}, false)
	s.values(t, src, predicate)
}

// values checks an expression where its value is seen.
func (s *suite) values(t T, src lqp.Source, e lqp.Expr) {
	t.Helper()
	s.check(t, &lqp.Query{
		From: src, GroupBy: []lqp.Named{{Name: "v", Expr: e}},
		Aggregates: []lqp.Aggregate{{Name: "n", Func: "countall"}},
		Select:     []lqp.Named{{Name: "v", Expr: lqp.Ref("", "v")}, {Name: "n", Expr: lqp.Ref("", "n")}},
	}, false)
	s.check(t, &lqp.Query{
		From: src, Select: []lqp.Named{{Name: "id", Expr: lqp.Ref("", "id")}},
		OrderBy: []lqp.Order{{Expr: e}, {Expr: lqp.Ref("", "id")}},
	}, true)
}

// call is a shorthand for the cases.
func call(fn string, args ...lqp.Expr) lqp.Expr { return lqp.NewCall(fn, args...) }

// ref names a column of the only source.
func ref(column string) lqp.Expr { return lqp.Ref("", column) }

// lit is a literal; NULL has the type of what it meets.
func lit(v lqp.Value, t lqp.Type) lqp.Expr {
	if v.IsNull() {
		return lqp.TypedNull(t)
	}
	return lqp.Literal(v)
}

func text(s string) lqp.Expr { return lqp.Literal(lqp.TextValue(s)) }

func whole(n int64) lqp.Expr { return lqp.Literal(lqp.IntValue(n)) }

// fixture finds one of the loaded fixtures.
func (s *suite) fixture(name string) *Fixture {
	for _, f := range s.fixtures {
		if f.Name == name {
			return f
		}
	}
	panic("no fixture " + name)
}

// columnsOf lists the loaded columns of things with a kind.
func (s *suite) columnsOf(kinds ...lqp.Kind) (out []Column) {
	for _, c := range s.fixture(things).Columns {
		for _, k := range kinds {
			if c.Type.Kind == k {
				out = append(out, c)
			}
		}
	}
	return out
}
