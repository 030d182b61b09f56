package lqp

import (
	"net/url"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestSearchFunctions(t *testing.T) {
	long := txt(strings.Repeat("é", MaxText))
	runFunctionTests(t, nil, []functionTest{
		{"search", args(txt("TH"), txt("north")), num("4")},
		{"search", args(txt("İ"), txt("ai")), num("2")}, // the fold is shorter in bytes
		{"search", args(txt("o"), txt("good"), num("3")), num("3")},
		{"search", args(txt("x"), txt("north")), null},
		{"search", args(txt("o"), txt("good"), num("4")), null},
		{"search", args(null, txt("a")), null},
		{"exact", args(txt("a"), txt("a")), yes},
		{"exact", args(txt("a"), txt("a ")), no},
		{"exact", args(null, null), no},
		{"replace", args(txt("north"), num("1"), num("2"), txt("fa")), txt("farth")},
		{"replace", args(txt("né🙂b"), num("3"), num("1"), txt("")), txt("néb")},
		{"replace", args(txt("abc"), num("-5"), num("1"), txt("x")), txt("xbc")},
		{"replace", args(txt("abc"), num("9"), num("9e18"), txt("x")), txt("abcx")},
		{"replace", args(txt("abc"), num("2"), num("-1"), txt("x")), txt("axbc")},
		{"replace", args(long, num("1"), num("0"), txt("x")), null},
		{"replace", args(long, num("1"), num("1"), txt("x")), txt("x" + strings.Repeat("é", MaxText-1))},
		{"reverse", args(txt("né🙂")), txt("🙂én")},
		{"reverse", args(txt("")), txt("")},
		{"encode_url_component", args(txt("a b/é")), txt("a%20b%2F%C3%A9")},
		{"encode_url_component", args(txt("-_.!~*'()")), txt("-_.!~*'()")},
		{"encode_url_component", args(long), null},
		{"t", args(txt("a")), txt("a")},
		{"t", args(num("1")), null},
		{"t", args(list()), null},
	})
}

func TestTextPartFunctions(t *testing.T) {
	long := txt(strings.Repeat("é", MaxText))
	runFunctionTests(t, nil, []functionTest{
		{"join", args(txt("-"), txt("a"), num("1.50"), null, yes), txt("a-1.5--true")},
		{"join", args(txt(", "), list(txt("a"), null, txt("b")), txt("c")), txt("a, , b, c")},
		{"join", args(null, txt("a"), txt("b")), txt("ab")},
		{"join", args(txt("-"), list()), txt("")},
		{"join", args(txt("-"), long, txt("")), null},
		{"join", args(txt(""), long, txt("")), long},
		{"split", args(txt("a,,b"), txt(",")), list(txt("a"), txt(""), txt("b"))},
		{"split", args(txt(""), txt(",")), list(txt(""))},
		{"split", args(txt("ab"), txt("")), list(txt("ab"))},
		{"split", args(txt(strings.Repeat(",", MaxList)), txt(",")), null},
		{"split_part", args(txt("a,b,c"), txt(","), num("2")), txt("b")},
		{"split_part", args(txt("a,b,c"), txt(","), num("4")), txt("")},
		{"split_part", args(txt("a,b,c"), txt(","), num("0")), txt("")},
		{"split_part", args(txt("a,b,c"), txt(","), num("-1")), txt("c")},
		{"split_part", args(txt("a,b,c"), txt(","), num("-3")), txt("a")},
		{"split_part", args(txt("a,b,c"), txt(","), num("-4")), txt("")},
		{"split_part", args(txt("a,b,c"), txt(","), num("-9e18")), txt("")},
		{"split_part", args(txt("abc"), txt(""), num("1")), txt("abc")},
		{"split_part", args(txt("abc"), txt(""), num("2")), txt("")},
		{"pad_left", args(txt("7"), num("3"), txt("0")), txt("007")},
		{"pad_left", args(txt("é"), num("4"), txt("🙂b")), txt("🙂b🙂é")},
		{"pad_left", args(txt("abc"), num("2"), txt("0")), txt("abc")},
		{"pad_left", args(txt("a"), num("5"), txt("")), txt("a")},
		{"pad_left", args(txt("a"), num("1000001"), txt("b")), null},
		{"pad_right", args(txt("ab"), num("5"), txt("-+")), txt("ab-+-")},
		{"proper", args(txt("jean-luc O'NEILL 3rd")), txt("Jean-Luc O'Neill 3Rd")},
		{"proper", args(txt("ǆ straße e\u0301te\u0301")), txt("ǅ Straße E\u0301te\u0301")},
		{"char", args(num("8364")), txt("€")},
		{"char", args(num("0")), null},
		{"char", args(num("55296")), null},
		{"char", args(num("1114112")), null},
		{"code", args(txt("€uro")), num("8364")},
		{"code", args(txt("")), null},
		{"to_bool", args(txt(" Yes ")), yes},
		{"to_bool", args(txt("0")), no},
		{"to_bool", args(txt("maybe")), null},
		{"to_bool", args(num("-0.5")), yes},
		{"to_bool", args(flt(0)), no},
		{"to_bool", args(no), no},
		{"to_bool", args(null), null},
	})
}

func TestArrayFunctions(t *testing.T) {
	tags := list(txt("b"), null, txt("a"), txt(""), txt("b"), null)
	many := make([]Value, MaxList)
	runFunctionTests(t, nil, []functionTest{
		{"array_join", args(tags), txt("b, , a, , b, ")},
		{"array_join", args(list(num("1.50"), num("2")), txt("+")), txt("1.5+2")},
		{"array_join", args(list()), txt("")},
		{"array_join", args(list(txt("a")), null), null},
		{"array_unique", args(tags), list(txt("b"), null, txt("a"), txt(""))},
		{"array_unique", args(list()), list()},
		{"array_unique", args(null), null},
		{"array_compact", args(tags), list(txt("b"), txt("a"), txt("b"))},
		{"array_compact", args(list(null)), list()},
		{"array_sort", args(tags), list(null, null, txt(""), txt("a"), txt("b"), txt("b"))},
		{"array_sort", args(list(num("10"), num("9")), txt("DESC")), list(num("10"), num("9"))},
		{"array_first", args(tags), txt("b")},
		{"array_first", args(list()), null},
		{"array_last", args(tags), null},
		{"array_last", args(list(num("1"), num("2"))), num("2")},
		{"array_at", args(tags, num("3")), txt("a")},
		{"array_at", args(tags, num("-5")), null},
		{"array_at", args(tags, num("-6")), txt("b")},
		{"array_at", args(tags, num("-7")), null},
		{"array_at", args(tags, num("0")), null},
		{"array_at", args(tags, num("7")), null},
		{"array_slice", args(tags, num("2"), num("3")), list(null, txt("a"))},
		{"array_slice", args(tags, num("5")), list(txt("b"), null)},
		{"array_slice", args(tags, num("-2")), list(txt("b"), null)},
		{"array_slice", args(tags, num("-3"), num("-2")), list(txt(""), txt("b"))},
		{"array_slice", args(tags, num("0"), num("1.9")), list(txt("b"))},
		{"array_slice", args(tags, num("-99"), num("99")), tags},
		{"array_slice", args(tags, num("4"), num("3")), list()},
		{"array_slice", args(tags, num("7")), list()},
		{"array_slice", args(tags, num("1"), num("0")), list()},
		{"array_slice", args(tags, num("1"), num("-7")), list()},
		{"array_slice", args(list(), num("1")), list()},
		{"array_slice", args(tags, null), null},
		{"array_flatten", args(list(num("1")), list(), list(num("2"), null)), list(num("1"), num("2"), null)},
		{"array_flatten", args(list(num("1")), null), null},
		{"array_flatten", args(list(many...), list(null)), null},
	})
}

func TestEncodingIsDecoded(t *testing.T) {
	f, _ := LookupFunction("encode_url_component")
	rapid.Check(t, func(t *rapid.T) {
		s := genText().Draw(t, "text")
		back, err := url.PathUnescape(f.Eval(nil, args(txt(s))).Text())
		if err != nil || back != s {
			t.Fatalf("%q comes back as %q: %v", s, back, err)
		}
	})
}

func TestSplitAndJoinAreInverse(t *testing.T) {
	split, _ := LookupFunction("split")
	part, _ := LookupFunction("split_part")
	rapid.Check(t, func(t *rapid.T) {
		s, sep := genText().Draw(t, "text"), rapid.SampledFrom([]string{"a", "aa", "é", " ", "ab"}).Draw(t, "separator")
		parts := split.Eval(nil, args(txt(s), txt(sep)))
		if got := joined(sep, args(parts)); got.Text() != s {
			t.Fatalf("%q becomes %q", s, got)
		}
		n := len(parts.Items())
		for i := range n {
			for _, place := range []int{i + 1, i - n} {
				if got := part.Eval(nil, args(txt(s), txt(sep), IntValue(int64(place)))); !Equal(got, parts.Items()[i]) {
					t.Fatalf("part %d of %q is %q", place, s, got)
				}
			}
		}
	})
}

func TestLongTextsAreNotMade(t *testing.T) {
	long := txt(strings.Repeat("a", MaxText))
	for fn, values := range map[string][]Value{
		"join":       {txt("-"), long, long},
		"replace":    {long, num("1"), num("0"), txt("b")},
		"pad_left":   {txt("a"), num("1e15"), txt("b")},
		"array_join": {list(long, long)},
		"substitute": {txt(strings.Repeat("a", 900_000)), txt("a"), txt(strings.Repeat("b", 20_000))},
	} {
		f, _ := LookupFunction(fn)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		require.True(t, f.Eval(nil, values).IsNull(), fn)
		runtime.ReadMemStats(&after)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(4*MaxText), fn)
	}
}

func TestLongListsAreSets(t *testing.T) {
	var odd, even, floats []Value
	for i := range int64(MaxList / 2) {
		odd, even, floats = append(odd, IntValue(2*i+1)), append(even, IntValue(2*i)), append(floats, flt(float64(2*i)))
	}
	both := append(append([]Value{null}, odd...), even...)[:MaxList]
	runFunctionTests(t, nil, []functionTest{
		{"has_any", args(list(odd...), list(even...)), no},
		{"has_any", args(list(odd...), list(even...), num("3")), yes},
		{"has_all", args(list(both...), list(odd...)), yes},
		{"has_all", args(list(both...), list(odd...), null), yes},
		{"has_all", args(list(odd...), list(odd...), null), no},
		{"has_all", args(list(even[:200]...), list(floats[:200]...)), yes},
	})
}
