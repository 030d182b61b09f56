package lqp

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestPatterns(t *testing.T) {
	for _, good := range []string{"", "a", `^a.b$`, `[a-z]+|\d*?`, `(?i)ab(?:c|d)`, `(?i:x)y`, `[^]a]`, `[[:alpha:]_\]]{2,5}`, `\.\*\[\\`, `é+`, `a{3}`, `\bword\b`, `[\w\-]`, `[(]`, `\t\n\r`} {
		require.NoError(t, CheckPattern(good), good)
	}
	for bad, want := range map[string]string{
		`a(`:                       "missing closing )",
		`*a`:                       "missing argument to repetition",
		`a**`:                      "invalid nested repetition",
		`(?=a)`:                    "of the groups with (?",
		`(?!a)`:                    "of the groups with (?",
		`(?P<n>a)`:                 "of the groups with (?",
		`(?m)^a`:                   "of the groups with (?",
		`(?s).`:                    "of the groups with (?",
		`(a)\1`:                    `\1 is not known`,
		`\pL`:                      `\p is not known`,
		`\Aa`:                      `\A is not known`,
		`\x41`:                     `\x is not known`,
		`[\pL]`:                    `\p is not known`,
		`[\b]`:                     `\b is not known in a class`,
		`\Qa`:                      `\Q is not known`,
		`\é`:                       `\é is not known`,
		`[a`:                       "a [ is not closed",
		`[[:alpha]`:                "a [: is not ended",
		`[b-a]`:                    "invalid character class range",
		`a\`:                       `it ends with a \`,
		`[a\`:                      `it ends with a \`,
		`a{1001}`:                  "invalid repeat count",
		`((a{100}){100}){100}`:     "invalid repeat count",
		`(abcdefghijklmnop){1000}`: "its repetitions make it too large",
		strings.Repeat("a", 1001):  "at most 1000 bytes",
		strings.Repeat("(", 51):    "more than 50 groups",
		"(" + strings.Repeat("(a{99}b)", 99) + "){9}": "its repetitions make it too large",
	} {
		err := CheckPattern(bad)
		require.ErrorContains(t, err, want, bad)
		require.Zero(t, PatternReach(bad))
	}
	require.Equal(t, MaxText, PatternReach("^[a-z]+$"))
	require.Less(t, PatternReach(strings.Repeat("[a-z]{0,9}", 40)), MaxText)
}

func TestRegexFunctions(t *testing.T) {
	runFunctionTests(t, nil, []functionTest{
		{"regex_match", args(txt("abc"), txt("b")), yes},
		{"regex_match", args(txt("abc"), txt("^b")), no},
		{"regex_match", args(txt("abc"), txt("c$")), yes},
		{"regex_match", args(txt("abc\n"), txt("c$")), no},
		{"regex_match", args(txt("a\nb"), txt("a.b")), yes},
		{"regex_match", args(txt("a\nb"), txt("^b")), no},
		{"regex_match", args(txt("ÉTÉ"), txt("(?i)été")), yes},
		{"regex_match", args(txt(""), txt("")), yes},
		{"regex_match", args(null, txt("")), no},
		{"regex_match", args(txt("a"), null), no},
		{"regex_match", args(txt("a"), txt("(")), no},
		{"regex_extract", args(txt("a12b345"), txt("[0-9]+")), txt("12")},
		{"regex_extract", args(txt("ab"), txt("a|ab")), txt("a")},
		{"regex_extract", args(txt("abc"), txt("x")), null},
		{"regex_extract", args(txt("abc"), txt("x*")), txt("")},
		{"regex_extract", args(null, txt("x")), null},
		{"regex_extract", args(txt("x"), txt("(")), null},
		{"regex_replace", args(txt("abcabc"), txt("b"), txt("-")), txt("a-ca-c")},
		{"regex_replace", args(txt("abc"), txt(""), txt("-")), txt("-a-b-c-")},
		{"regex_replace", args(txt("aab"), txt("a*"), txt("-")), txt("-b-")},
		{"regex_replace", args(txt("né🙂"), txt("."), txt("[$1]")), txt("[][][]")},
		{"regex_replace", args(txt("john smith"), txt(`(\w+) (\w+)`), txt("$2, $1$3 $$1 $0 $")), txt("smith, john $1 $0 $")},
		{"regex_replace", args(txt("abab"), txt("^ab"), txt("x")), txt("xab")},
		{"regex_replace", args(txt("one two"), txt(`\b`), txt("|")), txt("|one| |two|")},
		{"regex_replace", args(txt("ac"), txt("a(b)?"), txt("<$1>")), txt("<>c")},
		{"regex_replace", args(txt("abc"), txt("x"), txt("y")), txt("abc")},
		{"regex_replace", args(txt("a"), txt("a"), null), null},
		{"regex_replace", args(txt("a"), txt("("), txt("b")), null},
	})
}

// Replacing finds what the library finds, although it counts the code points it reads.
func TestRegexReplaceAgainstTheLibrary(t *testing.T) {
	atoms := []string{"a", "b", "é", ".", "[ab]", "[^a]", `\w`, `\b`, "^", "$", "(a|b)", "(?:ab|a)", "(a*)b", "(?i)A", `\s`}
	suffixes := []string{"", "", "", "*", "+", "?", "*?", "{1,2}", "+?"}
	rapid.Check(t, func(t *rapid.T) {
		var text strings.Builder
		for range rapid.IntRange(0, 4).Draw(t, "atoms") {
			text.WriteString(rapid.SampledFrom(atoms).Draw(t, "atom"))
			text.WriteString(rapid.SampledFrom(suffixes).Draw(t, "suffix"))
			if rapid.IntRange(0, 5).Draw(t, "or") == 0 {
				text.WriteString("|")
			}
		}
		p := compiled(text.String())
		if p == nil {
			t.Skip()
		}
		s := strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "é", "A", " ", "\n", "🙂", "c"}), 0, 12).Draw(t, "text"), "")
		want := regexp.MustCompile("(?s)"+text.String()).ReplaceAllString(s, "<${1}>")
		if got := p.replace(s, parseTemplate("<$1>")); got.Text() != want {
			t.Fatalf("%q in %q: %q, the library gives %q", text.String(), s, got.Text(), want)
		}
	})
}

// Searching again from every match costs the square of the text where each search must look to its end.
func TestRegexWorkIsBounded(t *testing.T) {
	long := strings.Repeat("a", MaxText)
	replace, _ := LookupFunction("regex_replace")
	match, _ := LookupFunction("regex_match")
	extract, _ := LookupFunction("regex_extract")
	start := time.Now()
	require.True(t, replace.Eval(nil, args(txt(long), txt("a(.*b)?"), txt("c"))).IsNull())
	require.True(t, replace.Eval(nil, args(txt(long), txt("a"), txt("bb"))).IsNull(), "too long")
	require.True(t, replace.Eval(nil, args(txt(long), txt("x*"), txt(strings.Repeat("$1", 100_000)))).IsNull())
	large := txt("(?:" + strings.Repeat("[ab]{0,20}", 90) + ")c")
	require.False(t, match.Eval(nil, args(txt(long), large)).Bool())
	require.True(t, extract.Eval(nil, args(txt(long), large)).IsNull())
	require.Equal(t, strings.Repeat("b", MaxText), replace.Eval(nil, args(txt(long), txt("a"), txt("b"))).Text())
	require.Less(t, time.Since(start), time.Minute)
}

func TestPatternsAreKept(t *testing.T) {
	first := compiled("kept[0-9]")
	require.Same(t, first, compiled("kept[0-9]"))
	for i := range 2 * patternCache {
		require.NotNil(t, compiled("a"+strings.Repeat("b", i%500)+"c"))
	}
	require.LessOrEqual(t, len(*patterns.Load()), patternCache)
}
