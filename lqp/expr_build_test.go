package lqp

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAndAndConjuncts(t *testing.T) {
	a, b, c := Ref("", "a"), Ref("", "b"), Ref("", "c")
	require.Nil(t, And())
	require.Nil(t, And(nil, nil))
	require.Equal(t, Expr(a), And(nil, a))
	all := And(a, And(b, nil, And(c)))
	require.Equal(t, `{a} AND {b} AND {c}`, FormatExpr(all))
	require.Equal(t, boolType, all.Type())
	require.Equal(t, []Expr{a, b, c}, Conjuncts(all))
	require.Equal(t, []Expr{a}, Conjuncts(a))
	require.Empty(t, Conjuncts(nil))
	require.Len(t, Conjuncts(NewCall("or", a, b)), 1)
}

func TestWalkAndRewrite(t *testing.T) {
	e := NewCall("and", NewCall("gt", Ref("o", "total"), Literal(num("10"))), NewCall("in", Ref("o", "status"), NewList(Literal(txt("paid")))))
	var seen []string
	Walk(e, func(n Expr) bool {
		seen = append(seen, FormatExpr(n))
		c, ok := n.(*Call)
		return !ok || c.Func != "in"
	})
	require.Equal(t, []string{`{o.total} > 10 AND IN({o.status}, "paid")`, `{o.total} > 10`, `{o.total}`, `10`, `IN({o.status}, "paid")`}, seen)
	Walk(nil, func(Expr) bool { panic("there is nothing") })

	cols := Columns(e)
	require.Len(t, cols, 2)
	require.Equal(t, "total", cols[0].Column)

	before := FormatExpr(e)
	same := Rewrite(e, func(n Expr) Expr { return n })
	require.Same(t, e, same)
	changed := Rewrite(e, func(n Expr) Expr {
		if c, ok := n.(*Col); ok && c.Column == "total" {
			return Ref("p", "sum")
		}
		return n
	})
	require.Equal(t, `{p.sum} > 10 AND IN({o.status}, "paid")`, FormatExpr(changed))
	require.Equal(t, before, FormatExpr(e))
	require.Same(t, e.Args[1], changed.(*Call).Args[1])
	require.Nil(t, Rewrite(nil, func(Expr) Expr { panic("there is nothing") }))
}

func TestEqualExpr(t *testing.T) {
	build := func() []Expr {
		return []Expr{
			nil, Literal(num("1")), Literal(flt(1)), Literal(txt("1")), Literal(null), Ref("", "a"), Ref("o", "a"),
			NewList(Literal(num("1"))), NewList(Literal(num("1")), Literal(num("2"))), &Param{Name: "now"}, &Param{Name: "today"},
			NewCall("lt", Ref("", "a"), Literal(num("1"))), NewCall("gt", Ref("", "a"), Literal(num("1"))), NewCall("not", Ref("", "a")),
			InZone(NewCall("year", Ref("", "a")), zone(t, "Europe/Berlin")), NewCall("year", Ref("", "a")),
		}
	}
	for i, a := range build() {
		for j, b := range build() {
			require.Equal(t, i == j, EqualExpr(a, b), "%s with %s", FormatExpr(a), FormatExpr(b))
		}
	}
}

func TestNewCallTypesAndNames(t *testing.T) {
	c := NewCall("IS_Empty", Ref("", "a"))
	require.Equal(t, "is_blank", c.Func)
	require.Equal(t, Type{}, c.Type()) // the column is not bound
	require.Equal(t, "no_such", NewCall("NO_SUCH").Func)
	require.Equal(t, boolType, NewCall("is_null", Literal(null)).Type())
	require.Equal(t, Type{}, NewCall("add", Literal(txt("a")), Literal(num("1"))).Type()) // left for Bind to report
	require.Equal(t, Type{Kind: Number, Precision: 3, Scale: 1, NotNull: true}, Literal(num("-12.5")).Type())
	require.Equal(t, Type{Kind: Number, Precision: 19, NotNull: true}, Literal(num("9223372036854775807")).Type())
	require.Equal(t, Type{Kind: Number, Precision: 20, NotNull: true}, Literal(num("9223372036854775808")).Type())
	require.Equal(t, Type{Kind: Text, MaxLen: 1, NotNull: true}, Literal(txt("é")).Type())
	require.Equal(t, Type{Kind: Date}, TypedNull(Type{Kind: Date, NotNull: true}).Type())
	require.Equal(t, Type{Kind: List, Elem: Text, NotNull: true}, NewList(Literal(null), Literal(txt("a"))).Type())
}

func TestInZoneMarksOnlyWhatItConcerns(t *testing.T) {
	berlin := zone(t, "Europe/Berlin")
	e := NewCall("and", NewCall("gt", NewCall("year", Ref("", "at")), Literal(num("2023"))), NewCall("contains", Ref("", "n"), Literal(txt("x"))))
	marked := InZone(e, berlin).(*Call)
	require.Equal(t, time.UTC, marked.Zone())
	require.Equal(t, berlin, marked.Args[0].(*Call).Zone())
	require.Equal(t, berlin, marked.Args[0].(*Call).Args[0].(*Call).Zone())
	require.Same(t, e.Args[1], marked.Args[1])
	require.Same(t, e, InZone(e, time.UTC))
	require.Equal(t, time.UTC, e.Args[0].(*Call).Zone())
}

func TestResolveReportsTheColumn(t *testing.T) {
	missing := errors.New("no such column")
	_, err := Resolve(NewCall("not", Ref("o", "paid")), func(*Col) (int, error) { return 0, missing })
	require.ErrorIs(t, err, missing)
	require.EqualError(t, err, "resolve {o.paid}: no such column")
	e, err := Resolve(nil, nil)
	require.NoError(t, err)
	require.Nil(t, e)
	require.True(t, Eval(e, nil).IsNull())
}

func ExampleEval() {
	total, status := Ref("", "total"), Ref("", "status")
	e := And(NewCall("gt", total, Literal(IntValue(100))), NewCall("eq", status, Literal(TextValue("paid"))))
	columns := map[string]int{"total": 0, "status": 1}
	resolved, _ := Resolve(e, func(c *Col) (int, error) { return columns[c.Column], nil })
	fmt.Println(FormatExpr(e))
	fmt.Println(Eval(resolved, []Value{IntValue(120), TextValue("paid")}), Eval(resolved, []Value{NullValue, TextValue("paid")}))
	// Output:
	// {total} > 100 AND {status} = "paid"
	// true false
}
