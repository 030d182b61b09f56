package lqp

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWorkIsBounded(t *testing.T) {
	half := strings.Repeat("a", MaxText/2)
	text := TypedRef("", "text", Type{Kind: Text})
	text.slot = 1
	row := []Value{TextValue(half)}
	calls := func(n int) Expr { // one call reads and makes a million bytes
		args := make([]Expr, n)
		for i := range args {
			args[i] = NewCall("reverse", text)
		}
		return NewCall("counta", args...)
	}
	most := MaxWork / (3 * len(half)) // counta reads what reverse made once more
	require.Equal(t, IntValue(int64(most)), Eval(calls(most), row))
	require.Equal(t, NullValue, Eval(calls(most+1), row))
	require.Equal(t, NullValue, Eval(NewCall("is_null", calls(most+1)), row), "the whole expression is NULL, not a part of it")
	require.Equal(t, IntValue(200), Eval(calls(200), []Value{TextValue("short")}))
}

func TestWorkOfLazyPartsIsNotCounted(t *testing.T) {
	big := Literal(TextValue(strings.Repeat("ä", MaxText)))
	args := make([]Expr, 40)
	for i := range args {
		args[i] = NewCall("upper", big)
	}
	costly := NewCall("counta", args...)
	require.Equal(t, NullValue, Eval(costly, nil))
	require.Equal(t, IntValue(1), Eval(NewCall("if", Literal(yes), Literal(num("1")), costly), nil))
	require.Equal(t, yes, Eval(NewCall("or", Literal(yes), NewCall("eq", costly, Literal(num("1")))), nil))
}

func TestMeteredFunctions(t *testing.T) {
	for name, want := range map[string]bool{
		"upper": true, "concat": true, "array_sort": true, "regex_match": true, "sum": true, "to_number": true, "datetime_parse": true,
		"add": false, "eq": false, "and": false, "if": false, "round": false, "year": false, "is_blank": false,
	} {
		f, ok := LookupFunction(name)
		require.True(t, ok, name)
		require.Equal(t, want, f.Metered(), name)
	}
}

func TestBulk(t *testing.T) {
	require.Zero(t, bulk(null))
	require.Zero(t, bulk(num("12345")))
	require.Equal(t, 2, bulk(txt("é")))
	require.Equal(t, 3*64+3, bulk(list(txt("é"), null, txt("a"))))
}
