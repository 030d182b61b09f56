package formula

import (
	"errors"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/livetables/livetables/lqp"
)

// FuzzParse asks of every text that Parse answers with an expression or with a *SyntaxError inside the text, and that
// Print and Parse agree about the expression.
func FuzzParse(f *testing.F) {
	golden, err := os.ReadFile("testdata/errors.golden")
	if err != nil {
		f.Fatal(err)
	}
	for line := range strings.Lines(string(golden)) {
		if text, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "> "); ok {
			f.Add(text)
		}
	}
	for _, seed := range []string{
		filter, "((((((((((", ")", "a^b^-c^--d", "-2^2", "(-2)^-2", "NOT NOT(a) = b", "a NOT IN (1, -2, BLANK())", "IN(a,b)",
		"{a\\}b\\\\}.{c}", "o.a.b", "a./**/b", "1.5.5", "1..2", "a .5", ".", "..", "/*", "/*/", "/**/", "\"\\", "'\\'", "{\\",
		"TO_DATE(\"2024-02-30\") & TO_FLOAT('-0')", "TO_DATETIME('2024-02-29T10:00:00.000Z')", "USER(\"a\"\"b\")", "ıN(a)", "a\u0301b + \u0301",
		"\xff", "a\x00", "99999999999999999999.9999999999", "0000000000000000000000000000000", "0.00000000000000000000", "== a", "a === b",
		"ſum(a)", "\u2028a\u2029", "\ufeffa", "AND(AND(a,b),AND(c),AND(d,e))", "CONCAT(CONCAT())", "HAS_ANY(a)", "HAS_ANY(a, 1, \"x\")",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := Parse(text)
		if err != nil {
			var se *SyntaxError
			if e != nil || !errors.As(err, &se) || se.Message == "" || se.From < 0 || se.From > se.To || se.To > utf8.RuneCountInString(text) && utf8.ValidString(text) {
				t.Fatalf("%q: expression %v, error %#v", text, e, err)
			}
			return
		}
		printed := Print(e, nil)
		back, err := ParseLimited(printed, Limits{Source: 1 << 20})
		if err != nil {
			t.Fatalf("%q is printed as %q: %v", text, printed, err)
		}
		if !lqp.EqualExpr(e, back) {
			t.Fatalf("%q is printed as %q\nwhich is %s\nand not  %s", text, printed, tree(back), tree(e))
		}
		lqp.Walk(e, func(n lqp.Expr) bool {
			from, to := 0, 0
			switch n := n.(type) {
			case *lqp.Call:
				from, to = n.From, n.To
			case *lqp.Col:
				from, to = n.From, n.To
			case *lqp.Param:
				from, to = n.From, n.To
			default:
				return true
			}
			if from < 0 || from >= to || to > utf8.RuneCountInString(text) {
				t.Fatalf("%q: %s stands at %d-%d", text, tree(n), from, to)
			}
			return true
		})
	})
}
