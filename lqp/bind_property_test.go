package lqp

import (
	"testing"

	"pgregory.net/rapid"
)

// typedExpr draws an expression over orders o and customers c that has the kind and nothing wrong.
func typedExpr(t *rapid.T, kind Kind, depth int) Expr {
	sub := func(k Kind) Expr { return typedExpr(t, k, depth-1) }
	pick := func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "choice") }
	column := func(names ...string) Expr { return ref(rapid.SampledFrom(names).Draw(t, "column")) }
	switch kind {
	case Number:
		if depth == 0 || pick(3) == 0 {
			return column("o.id", "total", "TOTAL", "customer_id", "c.id")
		}
		return call(rapid.SampledFrom([]string{"add", "sub", "mul", "div"}).Draw(t, "operator"), sub(Number), sub(Number))
	case Text:
		if depth == 0 || pick(3) == 0 {
			return column("status", "name", "country")
		}
		return call("concat", sub(Text), sub(Number), text("-"))
	case Date:
		return column("due")
	}
	switch {
	case depth == 0:
		return column("paid")
	case pick(4) == 0:
		return call(rapid.SampledFrom([]string{"and", "or"}).Draw(t, "connective"), sub(Bool), sub(Bool))
	case pick(4) == 0:
		return call("not", sub(Bool))
	case pick(3) == 0:
		return call("in", column("due"), text("2024-01-02"), Literal(DateValue(3)))
	case pick(3) == 0:
		return call("ge", sub(Date), &Param{Name: "today"})
	case pick(2) == 0:
		return call("eq", sub(Text), text("x"))
	}
	return call("lt", sub(Number), sub(Number))
}

// TestBindAcceptsWhatIsRight binds queries without mistakes and looks for what a bound query promises.
func TestBindAcceptsWhatIsRight(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kinds := []Kind{Number, Text, Bool, Date}
		b := orders().Join(rapid.SampledFrom([]JoinKind{Inner, Left, Right, Full}).Draw(t, "join"), customers(), sameCustomer()).
			Compute("c0", typedExpr(t, Number, 2)).Compute("c1", call("add", ref("c0"), number(1))).Filter(typedExpr(t, Bool, 3), call("gt", ref("c1"), number(0)))
		if rapid.Bool().Draw(t, "grouped") {
			key := typedExpr(t, rapid.SampledFrom(kinds).Draw(t, "kind"), 2)
			b.GroupByExpr("k", key).GroupBy("status").Aggregate("a", "sum", ref("c1")).Aggregate("", "countall", nil).
				Having(call("or", call("ne", ref("a"), number(1)), call("eq", key, key))).Sort("-a", "status").SortBy(Order{Expr: key})
		} else {
			b.Column("x", typedExpr(t, rapid.SampledFrom(kinds).Draw(t, "kind"), 3)).Columns("o.id", "c.id", "c1").Sort("x", "-c1")
		}
		q, err := Bind(b.Query(), shopEnv())
		if err != nil {
			t.Fatalf("%s\n%v", Format(b.Query()), err)
		}
		requireBound(t, q)
		ordered, total := OrderKey(q)
		if !total {
			t.Fatal("no total order")
		}
		requireBound(t, ordered)
	})
}

// requireBound checks the promises on Query: every column leads to a source, or in a grouped block after the aggregates
// to a key or aggregate, with that one's type; everything has a type; parameters are gone.
func requireBound(t *rapid.T, q *Query) {
	scope, groups := q.Scope(), map[string]Type{}
	for _, k := range q.GroupBy {
		groups[k.Name] = k.Expr.Type()
	}
	for _, a := range q.Aggregates {
		groups[a.Name] = a.Type()
	}
	check := func(e Expr, grouped bool) {
		Walk(e, func(n Expr) bool {
			if n.Type().Kind == Null {
				t.Fatalf("%s has no type in\n%s", FormatExpr(n), Format(q))
			}
			c, ok := n.(*Col)
			switch {
			case !ok:
			case grouped && (c.Source != "" || groups[c.Column] != c.Type()), !grouped && (scope.Col(c.Source, c.Column) == nil || scope.Col(c.Source, c.Column).Type() != c.Type()):
				t.Fatalf("%s is not in scope, or has another type, in\n%s", FormatExpr(c), Format(q))
			}
			return true
		})
	}
	check(q.Where, false)
	for _, k := range q.GroupBy {
		check(k.Expr, false)
	}
	for _, a := range q.Aggregates {
		check(a.Arg, false)
	}
	check(q.Having, q.Grouped())
	for _, o := range q.OrderBy {
		check(o.Expr, q.Grouped())
		if o.Nulls == NullsDefault {
			t.Fatal("the place of nulls is open")
		}
	}
	for _, n := range q.Select {
		check(n.Expr, q.Grouped())
	}
	if len(q.Compute) > 0 {
		t.Fatal("computed columns are left")
	}
}
