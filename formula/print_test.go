package formula

import (
	"testing"

	"github.com/livetables/livetables/lqp"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestPrint(t *testing.T) {
	cases := []struct{ text, want string }{
		{"( (a)+(b) ) *c", "(a + b) * c"},
		{"a+(b*c)", "a + b * c"},
		{"a-(b-c)", "a - (b - c)"},
		{"a-(b+c)-d", "a - (b + c) - d"},
		{"a/(b*c)", "a / (b * c)"},
		{"(a^b)^(c^d)", "(a ^ b) ^ c ^ d"},
		{"(-a)^2", "(-a) ^ 2"},
		{"-(a^2)", "-a ^ 2"},
		{"-(a*b)", "-(a * b)"},
		{"(-a)*b", "-a * b"},
		{"(-2)^2 + -2", "(-2) ^ 2 + -2"},
		{"2^(-2)", "2 ^ -2"},
		{"- - a", "--a"},
		{"a&(b&c)", "a & b & c"},
		{"concat(a)", "CONCAT(a)"},
		{"(a=b)=(c=d)", "(a = b) = (c = d)"},
		{"and(a,or(b,c),not(d))", "a AND (b OR c) AND NOT(d)"},
		{"or(and(a,b),c)", "a AND b OR c"},
		{"and(a)", "AND(a)"},
		{"not a > b", "NOT(a > b)"},
		{"(NOT a) = b", "NOT(a) = b"},
		{"in(a+1,1,-2)", "a + 1 IN (1, -2)"},
		{"a not in ('x',b)", `NOT(a IN ("x", b))`},
		{"(a in (1)) = b", "(a IN (1)) = b"},
		{"a in ()", "a IN ()"},
		{`'it\'s "so"'&"\n\t\\"`, `"it's \"so\"" & "\n\t\\"`},
		{"{Unit price}*{qty}", "{Unit price} * qty"},
		{`{a\}b\\c}&{and}&{1st}`, `{a\}b\\c} & {and} & {1st}`},
		{"o.{x}&{my o}.{y z}", "o.x & {my o}.{y z}"},
		{"if(a,blank(),true)", "IF(a, BLANK(), TRUE)"},
		{"now()>=user('since')&current_user()", `NOW() >= USER("since") & CURRENT_USER()`},
		{`TO_DATE("2024-02-29")`, `TO_DATE("2024-02-29")`},
		{"1.500", "1.5"},
	}
	for _, c := range cases {
		e, err := Parse(c.text)
		require.NoError(t, err, c.text)
		require.Equal(t, c.want, Print(e, nil), c.text)
	}
	require.Empty(t, Print(nil, nil))
}

func TestPrintNamesColumns(t *testing.T) {
	e, err := Parse("col_1 + o.col_2")
	require.NoError(t, err)
	labels := map[string]string{"col_1": "Unit price", "col_2": "qty"}
	require.Equal(t, "{Unit price} + o.qty", Print(e, func(c *lqp.Col) string { return labels[c.Column] }))
}

// TestPrintParsesBack is the contract between Print and Parse: what is printed is read as the same expression in normal
// form, and the normal form is printed the same way again.
func TestPrintParsesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := genExpr(t)
		text := Print(e, nil)
		back, err := Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if want := normal(e); !lqp.EqualExpr(back, want) {
			t.Fatalf("%s\nis read as %s\nwanted     %s", text, tree(back), tree(want))
		}
		if again := Print(back, nil); again != Print(normal(e), nil) {
			t.Fatalf("%s\nis printed again as %s", text, again)
		}
	})
}

// TestPrintIsMinimal takes each pair of parentheses of a printed formula away: the text must then mean something else.
func TestPrintIsMinimal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := Print(normal(genExpr(t)), nil)
		want, err := Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		for _, shorter := range withoutParentheses(text) {
			if e, err := Parse(shorter); err == nil && lqp.EqualExpr(e, want) {
				t.Fatalf("%s\nmeans the same as %s", text, shorter)
			}
		}
	})
}

// withoutParentheses answers the text once for each pair of parentheses that belongs to no call, without that pair.
func withoutParentheses(text string) []string {
	var found []string
	var open []int
	lex := lexer{src: text}
	points := []rune(text)
	before := token{}
	for {
		tok, err := lex.next()
		if err != nil || tok.kind == tokEnd {
			return found
		}
		switch {
		case tok.is("("):
			at := tok.from
			if before.kind == tokName || before.is("IN") || before.is("NOT") || before.is("AND") && before.to == tok.from || before.is("OR") && before.to == tok.from {
				at = -1
			}
			open = append(open, at)
		case tok.is(")"):
			from := open[len(open)-1]
			open = open[:len(open)-1]
			if from >= 0 {
				found = append(found, string(points[:from])+" "+string(points[from+1:tok.from])+" "+string(points[tok.to:]))
			}
		}
		before = tok
	}
}

// TestPrintOfDeepTrees wraps a column as deeply as Parse allows: the parentheses and signs that Print writes must never
// nest deeper than the tree, or a stored formula could be shown but not be saved again.
func TestPrintOfDeepTrees(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		leaf := lqp.Ref("", "a")
		var e lqp.Expr = leaf
		list := lqp.NewList(lqp.Literal(lqp.IntValue(1)))
		height := 1
		for height < 100 {
			last, _ := e.(*lqp.Call)
			switch fn := rapid.SampledFrom([]string{"neg", "power", "not", "lt", "eq", "add", "in", "concat", "and", "abs"}).Draw(t, "fn"); {
			case last != nil && (last.Func == fn && flattens(fn) || fn == "not" && last.Func == "eq"):
				continue // the normal form would be lower
			case fn == "neg" || fn == "not" || fn == "abs":
				e = lqp.NewCall(fn, e)
			case fn == "in":
				e = lqp.NewCall(fn, e, list)
			case rapid.Bool().Draw(t, "right"):
				e = lqp.NewCall(fn, leaf, e)
			default:
				e = lqp.NewCall(fn, e, leaf)
			}
			height++
		}
		text := Print(e, nil)
		back, err := Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if !lqp.EqualExpr(e, back) {
			t.Fatalf("%s is read as %s", text, tree(back))
		}
		if _, err := Parse(Print(lqp.NewCall("abs", e), nil)); err == nil {
			t.Fatalf("101 levels are accepted")
		}
	})
}
