package formula

import (
	"fmt"
	"strings"
	"testing"

	"github.com/livetables/livetables/lqp"
	"github.com/stretchr/testify/require"
)

// tree writes an expression with all its structure, which formula text by design does not show.
func tree(e lqp.Expr) string {
	switch e := e.(type) {
	case *lqp.Lit:
		switch e.Val.Kind() {
		case lqp.Null:
			return "null"
		case lqp.Text:
			return fmt.Sprintf("%q", e.Val.Text())
		}
		return e.Val.Kind().String() + ":" + e.Val.String()
	case *lqp.Col:
		if e.Source != "" {
			return "{" + e.Source + "}.{" + e.Column + "}"
		}
		return "{" + e.Column + "}"
	case *lqp.Param:
		return "$" + e.Name
	case *lqp.ListLit:
		parts := make([]string, len(e.Items))
		for i, item := range e.Items {
			parts[i] = tree(item)
		}
		return "[" + strings.Join(parts, " ") + "]"
	case *lqp.Call:
		parts := []string{e.Func}
		for _, a := range e.Args {
			parts = append(parts, tree(a))
		}
		return "(" + strings.Join(parts, " ") + ")"
	}
	return fmt.Sprintf("%T", e)
}

func TestParse(t *testing.T) {
	cases := []struct{ name, text, want string }{
		{"number", "12.50", "number:12.5"},
		{"number without whole digits", ".5", "number:0.5"},
		{"zero", "0.0", "number:0"},
		{"ten fractional digits and zeros", "0.123456789000", "number:0.123456789"},
		{"text in double quotes", `"it's \"so\"\n\t\\"`, `"it's \"so\"\n\t\\"`},
		{"text in single quotes", `'say "hi" and \'bye\''`, `"say \"hi\" and 'bye'"`},
		{"empty text", `""`, `""`},
		{"booleans in any case", "True AND fALSE", "(and bool:true bool:false)"},
		{"booleans as calls", "TRUE() OR false()", "(or bool:true bool:false)"},
		{"blank", "BLANK()", "null"},
		{"parameters", `NOW() & today() & Current_User() & USER("team")`, "(concat $now $today $current_user $user.team)"},

		{"bare column", "unit_price", "{unit_price}"},
		{"bare column in another script", "цена_2", "{цена_2}"},
		{"column that is a function's name", "round + now", "(add {round} {now})"},
		{"braced column", "{Unit price}", "{Unit price}"},
		{"escapes in a braced column", `{a\}b\\c{d}`, `{a}b\c{d}`},
		{"keyword as a column", "{and} & {True}", "(concat {and} {True})"},
		{"qualified, both bare", "orders.total", "{orders}.{total}"},
		{"qualified, column in braces", "orders.{Total price}", "{orders}.{Total price}"},
		{"qualified, both in braces", "{my orders}.{Total}", "{my orders}.{Total}"},
		{"qualified with blanks around", "o . total", "{o}.{total}"},

		{"sum before comparison", "a + 1 > b * 2", "(gt (add {a} number:1) (mul {b} number:2))"},
		{"left associative", "a - b - c", "(sub (sub {a} {b}) {c})"},
		{"product before sum", "a + b * c / d % e", "(add {a} (mod (div (mul {b} {c}) {d}) {e}))"},
		{"concat between sum and comparison", `a + 1 & "x" = b`, `(eq (concat (add {a} number:1) "x") {b})`},
		{"power is right associative", "a ^ b ^ c", "(power {a} (power {b} {c}))"},
		{"minus is looser than power", "-a ^ 2", "(neg (power {a} number:2))"},
		{"minus in an exponent", "2 ^ -a ^ 2", "(power number:2 (neg (power {a} number:2)))"},
		{"minus is tighter than product", "-a * b", "(mul (neg {a}) {b})"},
		{"minus after an operator", "a - -b", "(sub {a} (neg {b}))"},
		{"plus sign", "+a + +1", "(add {a} number:1)"},
		{"parentheses", "(a + b) * c", "(mul (add {a} {b}) {c})"},
		{"all comparisons", "(a == b) = (c != d)", "(eq (eq {a} {b}) (ne {c} {d}))"},
		{"comparison of comparisons", "(a < b) <> (c >= d)", "(ne (lt {a} {b}) (ge {c} {d}))"},

		{"or is looser than and", "a OR b AND c", "(or {a} (and {b} {c}))"},
		{"infix and between comparisons", "a > 1 and b = 2", "(and (gt {a} number:1) (eq {b} number:2))"},
		{"and, or as functions", "AND(a > 1, Or(b, c))", "(and (gt {a} number:1) (or {b} {c}))"},
		{"not as an operator", "NOT a < b AND c", "(and (not (lt {a} {b})) {c})"},
		{"not as a function", "NOT(a < b) AND c", "(and (not (lt {a} {b})) {c})"},
		{"not before parentheses binds as a call", "NOT (a) & b", "(concat (not {a}) {b})"},
		{"not not", "NOT NOT a", "(not (not {a}))"},

		{"in as an operator", "a + 1 IN (1, -2, 3)", "(in (add {a} number:1) [number:1 number:-2 number:3])"},
		{"in as a function", `in(s, 'a', "b")`, `(in {s} ["a" "b"])`},
		{"not in", "a NOT IN (1) AND b", "(and (not (in {a} [number:1])) {b})"},
		{"in nothing", "a IN ()", "(in {a} [])"},
		{"in with null", "a IN (1, BLANK())", "(in {a} [number:1 null])"},
		{"in with values that are no literals", "a IN (1, b)", "(in {a} number:1 {b})"},
		{"in with a parameter", "a NOT IN (TODAY())", "(not (in {a} $today))"},
		{"literals of has_any and has_all", `HAS_ANY(tags, "a", "b") OR HAS_ALL(tags, x)`, `(or (has_any {tags} ["a" "b"]) (has_all {tags} {x}))`},

		{"function in any case", "rOuNd(a, 2)", "(round {a} number:2)"},
		{"function with blanks", "ROUND ( a )", "(round {a})"},
		{"function by its alias", "CONCATENATE(a, b)", "(concat {a} {b})"},
		{"nested functions", "IF(a > 1, UPPER(b), LOWER(c))", "(if (gt {a} number:1) (upper {b}) (lower {c}))"},

		{"comments", "/* net */ a /* and / or * */ + /**/ b", "(add {a} {b})"},
		{"white space of all kinds", "\n\ta\u00a0+\r\nb\u2003", "(add {a} {b})"},

		{"and is flat", "a AND (b AND c) AND AND(d, e)", "(and {a} {b} {c} {d} {e})"},
		{"or in and stays", "(a OR b OR c) AND d", "(and (or {a} {b} {c}) {d})"},
		{"concat is flat", `CONCAT(a, b & c) & ("x" & d)`, `(concat {a} {b} {c} "x" {d})`},
		{"negative literal", "-5", "number:-5"},
		{"negative literal in parentheses", "-(5)", "number:-5"},
		{"two signs", "--5 + - -a", "(add number:5 (neg (neg {a})))"},
		{"power of a negative literal", "(-2) ^ 2", "(power number:-2 number:2)"},
		{"negative power of a literal", "-2 ^ 2", "(neg (power number:2 number:2))"},
		{"not equal", "NOT a = b", "(ne {a} {b})"},
		{"not unequal", "NOT(a <> b)", "(eq {a} {b})"},
		{"date literal", `d >= TO_DATE("2024-02-29")`, "(ge {d} date:2024-02-29)"},
		{"impossible date stays a call", `TO_DATE("2024-02-30")`, `(to_date "2024-02-30")`},
		{"datetime literal", `TO_DATETIME("2024-02-29T10:00:00.000Z")`, "datetime:2024-02-29T10:00:00.000Z"},
		{"datetime without zone stays a call", `TO_DATETIME("2024-02-29T10:00:00")`, `(to_datetime "2024-02-29T10:00:00")`},
		{"float literal", `TO_FLOAT("1e-12")`, "float:1e-12"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			e, err := Parse(c.text)
			require.NoError(t, err)
			require.Equal(t, c.want, tree(e))
		})
	}
}

func TestParsePositions(t *testing.T) {
	text := `UPPER("ü😀" & {größe}) = o.{b c} AND NOT z IN (1)`
	e, err := Parse(text)
	require.NoError(t, err)
	points := []rune(text)
	var got []string
	lqp.Walk(e, func(n lqp.Expr) bool {
		switch n := n.(type) {
		case *lqp.Call:
			got = append(got, n.Func+": "+string(points[n.From:n.To]))
		case *lqp.Col:
			got = append(got, n.Column+": "+string(points[n.From:n.To]))
		}
		return true
	})
	require.Equal(t, []string{
		"and: " + text,
		`eq: UPPER("ü😀" & {größe}) = o.{b c}`,
		`upper: UPPER("ü😀" & {größe})`,
		`concat: "ü😀" & {größe}`,
		"größe: {größe}",
		"b c: o.{b c}",
		"not: NOT z IN (1)",
		"in: z IN (1)",
		"z: z",
	}, got)
}

// TestParseLimits keeps hostile texts from reaching deep recursion or large trees.
func TestParseLimits(t *testing.T) {
	chain := func(n int, sep string) string { return strings.TrimSuffix(strings.Repeat("a"+sep, n), sep) }
	fits := []struct{ name, text string }{
		{"99 parentheses", strings.Repeat("(", 99) + "a" + strings.Repeat(")", 99)},
		{"499 terms of and", chain(499, " AND ")},
		{"999 terms of concat", chain(999, "&")},
		{"99 terms of a sum", chain(99, "+")},
		{"16 KiB of comment", "a/*" + strings.Repeat("x", 16<<10-5) + "*/"},
	}
	for _, c := range fits {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse(c.text)
			require.NoError(t, err)
		})
	}
	refused := []struct{ name, text string }{
		{"10,000 parentheses", strings.Repeat("(", 10_000)},
		{"10,000 signs", strings.Repeat("-", 10_000)},
		{"10,000 signs of both kinds", strings.Repeat("+-", 5_000)},
		{"nots", strings.Repeat("NOT ", 4_000)},
		{"calls", strings.Repeat("ABS(", 4_000)},
		{"powers", chain(8_000, "^")},
		{"lists", strings.Repeat("a IN (", 2_500)},
		{"sums", chain(8_000, "+")},
		{"differences below the source's nesting", chain(101, "-")},
		{"1,000 terms of concat", chain(1_000, "&")},
		{"list of 2,000 items", "a IN (" + strings.TrimSuffix(strings.Repeat("1,", 2_000), ",") + ")"},
		{"17 KiB", strings.Repeat(" ", 17<<10) + "a"},
	}
	for _, c := range refused {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse(c.text)
			var se *SyntaxError
			require.ErrorAs(t, err, &se)
			require.Equal(t, CodeLimit, se.Code, err)
		})
	}
	t.Run("own limits", func(t *testing.T) {
		_, err := ParseLimited("a + (b)", Limits{Nesting: 2})
		require.NoError(t, err)
		_, err = ParseLimited("a + ((b + c))", Limits{Nesting: 2})
		require.ErrorContains(t, err, "E_LIMIT 0-13: the formula is nested deeper than 2 levels")
		_, err = ParseLimited("a + b", Limits{Nodes: 2})
		require.ErrorContains(t, err, "E_LIMIT 0-5: the formula has more than 2 parts")
		_, err = ParseLimited("abcdef", Limits{Source: 5})
		require.EqualError(t, err, "E_LIMIT 0-6: the formula is longer than 5 bytes")
	})
}
