package lqp

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestFormatExpr(t *testing.T) {
	a, b, c := Ref("", "a"), Ref("", "b"), Ref("", "c")
	call := func(fn string, args ...Expr) *Call { return &Call{Func: fn, Args: args} }
	tests := []struct {
		e    Expr
		want string
	}{
		{nil, ``},
		{Ref("o", "Unit price"), `{o.Unit price}`},
		{Ref("", `a}b\c`), `{a\}b\\c}`},
		{Literal(num("-1.50")), `-1.5`},
		{Literal(txt("a\"b\\c\n\t'")), `"a\"b\\c\n\t'"`},
		{Literal(yes), `TRUE`},
		{Literal(no), `FALSE`},
		{Literal(null), `BLANK()`},
		{TypedNull(Type{Kind: Date}), `BLANK()`},
		{Literal(flt(1e-12)), `TO_FLOAT("1e-12")`},
		{Literal(day("2024-02-29")), `TO_DATE("2024-02-29")`},
		{Literal(at("2024-02-29T10:00")), `TO_DATETIME("2024-02-29T10:00:00.000Z")`},
		{&Param{Name: "today"}, `TODAY()`},
		{&Param{Name: "current_user"}, `CURRENT_USER()`},
		{&Param{Name: "user.team"}, `USER("team")`},
		{call("and", call("or", a, b), c), `({a} OR {b}) AND {c}`},
		{call("or", call("and", a, b), c), `{a} AND {b} OR {c}`},
		{call("and", a), `AND({a})`},
		{call("not", call("or", a, b)), `NOT({a} OR {b})`},
		{call("not", call("eq", call("mul", call("add", a, b), c), c)), `NOT(({a} + {b}) * {c} = {c})`},
		{call("eq", call("eq", a, b), c), `({a} = {b}) = {c}`},
		{call("sub", a, call("sub", b, c)), `{a} - ({b} - {c})`},
		{call("sub", call("sub", a, b), c), `{a} - {b} - {c}`},
		{call("mul", call("add", a, b), c), `({a} + {b}) * {c}`},
		{call("power", call("power", a, b), c), `({a} ^ {b}) ^ {c}`},
		{call("power", a, call("power", b, c)), `{a} ^ {b} ^ {c}`},
		{call("neg", call("power", a, b)), `-{a} ^ {b}`},
		{call("power", call("neg", a), b), `(-{a}) ^ {b}`},
		{call("power", Literal(num("-2")), b), `(-2) ^ {b}`},
		{call("neg", call("neg", a)), `-(-{a})`},
		{call("neg", Literal(num("2"))), `-(2)`},
		{call("neg", call("mul", a, b)), `-({a} * {b})`},
		{call("mul", call("neg", a), b), `-{a} * {b}`},
		{call("mul", a, call("neg", b)), `{a} * -{b}`},
		{call("concat", a, Literal(txt("-")), b), `{a} & "-" & {b}`},
		{call("concat", a, call("concat", b, c)), `{a} & ({b} & {c})`},
		{call("concat", call("add", a, b), c), `{a} + {b} & {c}`},
		{call("gt", call("concat", a, b), c), `{a} & {b} > {c}`},
		{call("mod", a, b), `{a} % {b}`},
		{call("in", a, NewList(Literal(num("1")), Literal(num("2")))), `IN({a}, 1, 2)`},
		{call("round", call("div", a, b), Literal(num("2"))), `ROUND({a} / {b}, 2)`},
		{NewList(Literal(num("1")), Literal(null)), `(1, BLANK())`},
		{call("if", call("lt", a, b), call("or", a, b), c), `IF({a} < {b}, {a} OR {b}, {c})`},
	}
	for _, test := range tests {
		require.Equal(t, test.want, FormatExpr(test.e))
		require.Equal(t, test.want, string(AppendExpr([]byte("x"), test.e)[1:]))
	}
}
