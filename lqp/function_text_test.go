package lqp

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTextFunctions(t *testing.T) {
	long := txt(strings.Repeat("é", MaxText))
	runFunctionTests(t, nil, []functionTest{
		{"concat", args(txt("a"), null, num("1.50"), yes, day("2024-02-29")), txt("a1.5true2024-02-29")},
		{"concat", args(null), txt("")},
		{"concatenate", args(txt("a"), flt(1e21)), txt("a1e+21")},
		{"concat", args(long, txt("")), long},
		{"concat", args(long, txt("x")), null},
		{"concat", args(long, num("1")), null},
		{"len", args(txt("né🙂")), num("3")},
		{"len", args(txt("")), num("0")},
		{"len", args(null), null},
		{"left", args(txt("é🙂b"), num("2")), txt("é🙂")},
		{"left", args(txt("abc")), txt("a")},
		{"left", args(txt("abc"), num("-1")), txt("")},
		{"left", args(txt("abc"), num("1e19")), txt("abc")},
		{"left", args(txt("abc"), num("2.9")), txt("ab")},
		{"left", args(txt("abc"), flt(1e300)), txt("abc")},
		{"right", args(txt("é🙂b"), num("2")), txt("🙂b")},
		{"right", args(txt("abc"), num("0")), txt("")},
		{"right", args(txt("abc"), num("9")), txt("abc")},
		{"mid", args(txt("north"), num("2"), num("3")), txt("ort")},
		{"mid", args(txt("north"), num("0"), num("2")), txt("no")},
		{"mid", args(txt("north"), num("9"), num("2")), txt("")},
		{"mid", args(txt("north"), num("2"), num("-2")), txt("")},
		{"mid", args(txt("north"), num("-9e18"), num("9e18")), txt("north")},
		{"find", args(txt("o"), txt("good")), num("2")},
		{"find", args(txt("o"), txt("good"), num("3")), num("3")},
		{"find", args(txt("o"), txt("good"), num("4")), num("0")},
		{"find", args(txt("🙂"), txt("é🙂")), num("2")},
		{"find", args(txt(""), txt("abc")), num("1")},
		{"find", args(txt(""), txt("abc"), num("4")), num("4")},
		{"find", args(txt(""), txt("abc"), num("5")), num("0")},
		{"find", args(txt("x"), txt("abc"), num("9e18")), num("0")},
		{"contains", args(txt("north"), txt("ort")), yes},
		{"contains", args(txt("north"), txt("Ort")), no},
		{"contains", args(txt("north"), txt("")), yes},
		{"contains", args(null, txt("")), no},
		{"starts_with", args(txt("north"), txt("no")), yes},
		{"starts_with", args(txt("north"), null), no},
		{"ends_with", args(txt("north"), txt("th")), yes},
		{"icontains", args(txt("ÉTÉ"), txt("té")), yes},
		{"icontains", args(txt("K"), txt("k")), yes},
		{"icontains", args(null, txt("k")), no},
		{"substitute", args(txt("a-b-c"), txt("-"), txt("+")), txt("a+b+c")},
		{"substitute", args(txt("a-b-c"), txt("-"), txt(""), num("2")), txt("a-bc")},
		{"substitute", args(txt("a-b-c"), txt("-"), txt(""), num("3")), txt("a-b-c")},
		{"substitute", args(txt("a-b-c"), txt("-"), txt(""), num("0")), txt("a-b-c")},
		{"substitute", args(txt("abc"), txt(""), txt("x")), txt("abc")},
		{"substitute", args(txt("aaa"), txt("aa"), txt("b")), txt("ba")},
		{"substitute", args(txt("abc"), txt("b"), null), null},
		{"substitute", args(long, txt("é"), txt("ab")), null},
		{"substitute", args(long, txt("é"), txt("ab"), num("1")), null},
		{"trim", args(txt(" \t\r\na b\u00a0 ")), txt("a b\u00a0")},
		{"upper", args(txt("straße ı")), txt("STRAßE I")},
		{"lower", args(txt("ÅSA İ Σ")), txt("åsa i σ")},
		{"fold", args(txt("ÅSA")), txt("åsa")},
		{"rept", args(txt("ab"), num("3")), txt("ababab")},
		{"rept", args(txt("ab"), num("-3")), txt("")},
		{"rept", args(txt(""), num("9e18")), txt("")},
		{"rept", args(txt("é"), num("1000000")), long},
		{"rept", args(txt("é"), num("1000001")), null},
		{"rept", args(txt("ab"), num("9e19")), null},
	})
}

func TestConversions(t *testing.T) {
	runFunctionTests(t, nil, []functionTest{
		{"to_text", args(num("1.50")), txt("1.5")},
		{"to_text", args(flt(1e-7)), txt("1e-7")},
		{"to_text", args(no), txt("false")},
		{"to_text", args(at("2024-02-29T10:00")), txt("2024-02-29T10:00:00.000Z")},
		{"to_text", args(null), null},
		{"to_number", args(txt(" -12.50\t")), num("-12.5")},
		{"value", args(txt("+007")), num("7")},
		{"to_number", args(txt("12abc")), null},
		{"to_number", args(txt("1e3")), null},
		{"to_number", args(txt(".5")), null},
		{"to_number", args(txt("")), null},
		{"to_number", args(txt("100000000000000000000")), null},
		{"to_number", args(flt(0.1 + 0.2)), num("0.3")},
		{"to_number", args(flt(1e300)), null},
		{"to_float", args(num("0.1")), flt(0.1)},
		{"to_float", args(txt("1e-12")), flt(1e-12)},
		{"to_float", args(txt("inf")), null},
		{"to_float", args(txt("0x1p3")), null},
		{"to_date", args(txt("2024-02-29")), day("2024-02-29")},
		{"to_date", args(txt("2023-02-29")), null},
		{"to_date", args(txt("2024-02-29T10:00")), null},
		{"to_date", args(at("2024-02-29T23:59:59.999")), day("2024-02-29")},
		{"to_date", args(at("1969-12-31T23:00")), day("1969-12-31")},
		{"to_datetime", args(txt("2024-02-29T10:00")), at("2024-02-29T10:00")},
		{"to_datetime", args(txt("2024-02-29 10:00:00.1239-05:00")), at("2024-02-29T15:00:00.123")},
		{"to_datetime", args(txt("2024-02-29")), at("2024-02-29T00:00")},
		{"to_datetime", args(day("2024-02-29")), at("2024-02-29T00:00")},
		{"to_datetime", args(txt("2024-02-29T24:00")), null},
		{"to_datetime", args(txt("soon")), null},
	})
}

func TestListFunctions(t *testing.T) {
	tags := list(txt("a"), null, txt("b"))
	runFunctionTests(t, nil, []functionTest{
		{"has", args(tags, txt("a")), yes},
		{"has", args(tags, txt("A")), no},
		{"has", args(tags, null), yes},
		{"has", args(list(txt("a")), null), no},
		{"has", args(null, txt("a")), no},
		{"has", args(null, null), no},
		{"has_any", args(tags, txt("x"), txt("b")), yes},
		{"has_any", args(tags, list(txt("x"), txt("b"))), yes},
		{"has_any", args(tags, list()), no},
		{"has_any", args(null, txt("x")), no},
		{"has_all", args(tags, txt("a"), txt("b")), yes},
		{"has_all", args(tags, list(txt("a"), txt("x"))), no},
		{"has_all", args(tags, list()), yes},
		{"has_all", args(null, list()), no},
		{"list_count", args(tags), num("3")},
		{"list_count", args(list()), num("0")},
		{"list_count", args(null), null},
	})
}

func TestLongResultsAreNotAllocated(t *testing.T) {
	f, _ := LookupFunction("rept")
	require.Less(t, testing.AllocsPerRun(10, func() { f.Eval2(nil, txt("abc"), num("1e15")) }), 2.0)
	concat, _ := LookupFunction("concat")
	long := []Value{txt(strings.Repeat("a", MaxText)), txt("b")}
	require.Zero(t, testing.AllocsPerRun(10, func() { concat.Eval(nil, long) }))
}
