package formula

import (
	"errors"
	"testing"
	"unicode/utf8"

	"github.com/livetables/livetables/lqp"
)

// FuzzParseExpr asks of every text that ParseExpr answers with an expression or with a *SyntaxError inside the text, that
// the expression is one of the language of this package, and that it is within the limits.
func FuzzParseExpr(f *testing.F) {
	for _, seed := range []string{
		`price * qty > 100 && status == "paid"`, `$env["a b"].c ?? d?.e`, `x in [1, -2, nil]`, `x not in 1..5`, `a ? b : c ?: d`,
		`if a { 1 } else if b { 2 } else { 3 }`, `let a = 1; a | max(2, [3])`, `1 < a < b < 3`, `"a" + b + 'c'`, `not not a matches "b"`,
		`tags[0] ** -tags[-1]`, `tags[1:2]`, `map(a, {# + 1})`, `reduce(1..9, #acc + #)`, `{a: 1, "b": 2}`, `a.b().c[d]`, `0x1f + 1e3 + .5`,
		"`a``b`", `b"\x00"`, `"\u{1F600}\x00"`, `((((`, `----a`, `a**b**c`, `has_any(tags, [])`, `join(tags)`, `date("2024-02-30")`, `::a()`, `a;b`, `$env`,
		`sum(a, # )`, `count()`, `find(1)`, `replace(a)`, `len([1])`, `1e999999999`, `1e-999999999`, `99999999999999999999`, "\xff", "a\x00", `#`, `/* `, `// `, `ſum(1)`, `a.b.c.d`,
		`take(a, 0)`, `user("x") == current_user()`, `now() - today()`, `true()`, `1 .. `, `in`, `let`, `else`, `a ?. b`, `a?.[0]`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := ParseExpr(text)
		if err != nil {
			var se *SyntaxError
			if e != nil || !errors.As(err, &se) || se.Message == "" || se.From < 0 || se.From > se.To || se.To > utf8.RuneCountInString(text) && utf8.ValidString(text) {
				t.Fatalf("%q: expression %v, error %#v", text, e, err)
			}
			return
		}
		printed := Print(e, nil)
		back, err := ParseLimited(printed, Limits{Source: 1 << 20, Nodes: 2000, Nesting: 200})
		if err != nil {
			t.Fatalf("%q is printed as %q: %v", text, printed, err)
		}
		if !lqp.EqualExpr(e, back) {
			t.Fatalf("%q is printed as %q\nwhich is %s\nand not  %s", text, printed, tree(back), tree(e))
		}
		nodes := 0
		lqp.Walk(e, func(n lqp.Expr) bool {
			if nodes++; nodes > 2*1000 {
				t.Fatalf("%q has too many nodes", text)
			}
			if c, ok := n.(*lqp.Call); ok && (c.From < 0 || c.From >= c.To || c.To > utf8.RuneCountInString(text)) {
				t.Fatalf("%q: %s stands at %d-%d", text, tree(n), c.From, c.To)
			}
			return true
		})
	})
}
