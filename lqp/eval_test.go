package lqp

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// paidOrders is price * qty * (1 - discount) > 100 AND status = "paid" over those four columns.
func paidOrders(t testing.TB) Expr {
	t.Helper()
	money := Type{Kind: Number, Precision: 12, Scale: 2}
	slots := map[string]int{"price": 0, "qty": 1, "discount": 2, "status": 3}
	e := And(
		NewCall("gt", NewCall("mul", NewCall("mul", TypedRef("", "price", money), TypedRef("", "qty", money)),
			NewCall("sub", Literal(IntValue(1)), TypedRef("", "discount", money))), Literal(IntValue(100))),
		NewCall("eq", TypedRef("", "status", Type{Kind: Text}), Literal(TextValue("paid"))))
	r, err := Resolve(e, func(c *Col) (int, error) {
		if at, ok := slots[c.Column]; ok {
			return at, nil
		}
		return 0, fmt.Errorf("unexpected column %s", c.Column)
	})
	require.NoError(t, err)
	return r
}

func TestEvalFilter(t *testing.T) {
	e := paidOrders(t)
	require.Equal(t, `{price} * {qty} * (1 - {discount}) > 100 AND {status} = "paid"`, FormatExpr(e))
	row := []Value{num("19.99"), num("6"), num("0.15"), txt("paid")}
	require.True(t, Truth(Eval(e, row)))
	require.Zero(t, testing.AllocsPerRun(100, func() { Eval(e, row) }))
	row[3] = txt("open")
	require.False(t, Truth(Eval(e, row)))
	row[0], row[3] = null, txt("paid")
	require.False(t, Truth(Eval(e, row)))
}

func TestEvalIsTotal(t *testing.T) {
	unresolved := Ref("", "a")
	require.True(t, Eval(unresolved, []Value{yes}).IsNull())
	e, err := Resolve(unresolved, func(*Col) (int, error) { return 5, nil })
	require.NoError(t, err)
	require.True(t, Eval(e, []Value{yes}).IsNull(), "the row is shorter")
	require.True(t, Eval(&Param{Name: "now"}, nil).IsNull())
	require.True(t, Eval(&Call{Func: "no_such"}, nil).IsNull())
	require.True(t, Eval(&Call{Func: "add"}, nil).IsNull())
	require.Equal(t, "[1,null]", Eval(NewList(Literal(num("1")), Literal(null)), nil).String())
}

func TestEvalFollowsACopiedCallsName(t *testing.T) {
	c := NewCall("and", Literal(yes), Literal(no))
	cp := *c
	cp.Func = "or"
	require.True(t, Truth(Eval(&cp, nil)))
}

func TestBranchesOfMixedNumbersAreFloats(t *testing.T) {
	float := TypedRef("", "f", Type{Kind: Float})
	e, err := Resolve(NewCall("if", NewCall("is_null", float), Literal(num("0")), float), func(*Col) (int, error) { return 0, nil })
	require.NoError(t, err)
	require.Equal(t, Float, Eval(e, []Value{null}).Kind())
	require.Equal(t, Float, Eval(e, []Value{flt(2)}).Kind())
}

func BenchmarkEvalFilter(b *testing.B) {
	e := paidOrders(b)
	row := []Value{num("19.99"), num("6"), num("0.15"), txt("paid")}
	b.ReportAllocs()
	for b.Loop() {
		if !Truth(Eval(e, row)) {
			b.Fatal("the row should pass")
		}
	}
}

func BenchmarkDecimal(b *testing.B) {
	x, y := num("12345678.91").num, num("37.5").num
	b.Run("mul", func(b *testing.B) {
		for b.Loop() {
			_, _ = x.Mul(y)
		}
	})
	b.Run("div", func(b *testing.B) {
		for b.Loop() {
			_, _ = x.Div(y)
		}
	})
	b.Run("parse", func(b *testing.B) {
		for b.Loop() {
			_, _ = parseDecimal("12345678.91", true)
		}
	})
	b.Run("append", func(b *testing.B) {
		buf := make([]byte, 0, 64)
		for b.Loop() {
			_ = x.AppendText(buf)
		}
	})
}
