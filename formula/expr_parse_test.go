package formula

import (
	"errors"
	"testing"

	"github.com/livetables/livetables/lqp"
	"github.com/stretchr/testify/require"
)

// TestParseExprGivesTheSameTree pairs what the two languages write for one formula.
func TestParseExprGivesTheSameTree(t *testing.T) {
	for expr, own := range map[string]string{
		`price * qty * (1 - discount) > 100 && status == "paid"`: `price * qty * (1 - discount) > 100 AND status = "paid"`,
		`a or b || c and !d`:                    `a OR b OR c AND NOT(d)`,
		`(a && b) && (c && d)`:                  `AND(a, b, c, d)`,
		`not (a == b)`:                          `a <> b`,
		`a != nil`:                              `a <> BLANK()`,
		`-1 ** 2 + +a`:                          `-1 ^ 2 + a`,
		`a ** b ^ c`:                            `a ^ b ^ c`,
		`-(-2)`:                                 `2`,
		`a % 3 - b / 4`:                         `a % 3 - b / 4`,
		`1 < x <= 3`:                            `1 < x AND x <= 3`,
		`a ? b : c ? d : e`:                     `IF(a, b, IF(c, d, e))`,
		`a ?: b`:                                `IF(a, a, b)`,
		`if a { 1 } else if b { 2 } else { 3 }`: `IF(a, 1, IF(b, 2, 3))`,
		`a ?? b ?? 0`:                           `COALESCE(COALESCE(a, b), 0)`,
		`x in [1, 2.50, -3]`:                    `x IN (1, 2.5, -3)`,
		`x not in ["a", 'b', ` + "`c\\d`" + `]`: `x NOT IN ("a", "b", "c\\d")`,
		`x in [a, 1]`:                           `x IN (a, 1)`,
		`x in -1..2`:                            `x IN (-1, 0, 1, 2)`,
		`x in 3..1`:                             `x IN ()`,
		`x in tags`:                             `IN(x, tags)`,
		`name contains "a" and name matches "^a+$"`:                    `CONTAINS(name, "a") AND REGEX_MATCH(name, "^a+$")`,
		`name startsWith "a" or name not endsWith b`:                   `STARTS_WITH(name, "a") OR NOT(ENDS_WITH(name, b))`,
		`first + " " + last`:                                           `first & " " & last`,
		`upper(a) + b + c`:                                             `UPPER(a) & b & c`,
		`a + b + c`:                                                    `a + b + c`,
		`name | trim() | upper()`:                                      `UPPER(TRIM(name))`,
		`name | LEFT(3)`:                                               `LEFT(name, 3)`,
		`let net = price / 1.19; net * net`:                            `(price / 1.19) * (price / 1.19)`,
		`let a = 1; let a = a + 1; a`:                                  `1 + 1`,
		`$env["Unit price"] + $env.qty`:                                `{Unit price} + qty`,
		`orders.total + o["Unit price"]`:                               `orders.total + o.{Unit price}`,
		`$env["my orders"].total + o?.total`:                           `{my orders}.total + o.total`,
		`order.not + order.in`:                                         `order.{not} + order.{in}`,
		`address.city.name`:                                            `address.{city.name}`,
		`tags[0] == tags[-1]`:                                          `ARRAY_AT(tags, 1) = ARRAY_AT(tags, -1)`,
		`sum([a, 1], tags)`:                                            `SUM(a, 1, tags)`,
		`max(1..3)`:                                                    `MAX(1, 2, 3)`,
		`has_any(tags, ["a", "b"])`:                                    `HAS_ANY(tags, "a", "b")`,
		`IN(x, [1, 2])`:                                                `x IN (1, 2)`,
		`len(name) + len(split(name, ","))`:                            `LEN(name) + LIST_COUNT(SPLIT(name, ","))`,
		`join(tags) + join(tags, "-") + join("-", a, b)`:               `ARRAY_JOIN(tags, "") & ARRAY_JOIN(tags, "-") & JOIN("-", a, b)`,
		`replace(a, "b", "c") + replace(a, 1, 2, "c")`:                 `SUBSTITUTE(a, "b", "c") & REPLACE(a, 1, 2, "c")`,
		`indexOf(a, "b")`:                                              `FIND("b", a) - 1`,
		`take(tags, 2)`:                                                `ARRAY_SLICE(tags, 1, 2)`,
		`first(tags) == last(sort(uniq(tags), "desc"))`:                `ARRAY_FIRST(tags) = ARRAY_LAST(ARRAY_SORT(ARRAY_UNIQUE(tags), "desc"))`,
		`ceil(a) + floor(a) + round(a, 2) + int(a) + abs(a)`:           `CEILING(a) + FLOOR(a) + ROUND(a, 2) + TRUNC(a) + ABS(a)`,
		`mean(a, b) + float("2.5") + count(tags) + find("a", b)`:       `AVERAGE(a, b) + TO_FLOAT("2.5") + COUNT(tags) + FIND("a", b)`,
		`string(1) + repeat("a", 3)`:                                   `TO_TEXT(1) & REPT("a", 3)`,
		`hasPrefix(a, "b") or hasSuffix(a, "b")`:                       `STARTS_WITH(a, "b") OR ENDS_WITH(a, "b")`,
		`now() > date("2024-02-29T00:00:00.000Z")`:                     `NOW() > TO_DATETIME("2024-02-29T00:00:00.000Z")`,
		`today() == date(2024, 2, 29) and current_user() == user("x")`: `TODAY() = DATE(2024, 2, 29) AND CURRENT_USER() = USER("x")`,
		`record_id() == "x"`:                                           `RECORD_ID() = "x"`,
		`::upper(a)`:                                                   `UPPER(a)`,
		`0x1F + 0b11 + 0o17 + 1_000.50 + .5`:                           `31 + 3 + 15 + 1000.5 + 0.5`,
		`1e3 + 2.5E-3 + 12.e1`:                                         `1000 + 0.0025 + 120`,
		`"\u00e9\n\t\"" + '\x41'`:                                      `"é\n\t\"" & "A"`,
		"a /* b */ + // c\n 1":                                         `a + 1`,
		`true != false`:                                                `TRUE <> FALSE`,
		`ünïcode + _a1`:                                                `ünïcode + _a1`,
		`a.b in ["x"] ? a.c ** 2 : sqrt(a.d)`:                          `IF(a.b IN ("x"), a.c ^ 2, SQRT(a.d))`,
	} {
		t.Run(expr, func(t *testing.T) {
			got, err := ParseExpr(expr)
			require.NoError(t, err)
			want, err := Parse(own)
			require.NoError(t, err)
			require.True(t, lqp.EqualExpr(want, got), "want %s\ngot  %s", tree(want), tree(got))
		})
	}
}

// TestParseExprProblems says what is refused, where, and in which words.
func TestParseExprProblems(t *testing.T) {
	for text, want := range map[string]string{
		``:                         "E_PARSE 0-0: the formula is empty",
		"  /* nothing */ ":         "E_PARSE 0-16: the formula is empty",
		`a b`:                      "E_PARSE 2-3: unexpected 'b'",
		`a +`:                      "E_PARSE 3-3: unexpected end of the formula; a value or a closing bracket is missing",
		`(a`:                       "E_PARSE 2-2: unexpected end of the formula; a value or a closing bracket is missing",
		`a = b`:                    "E_PARSE 2-3: unexpected '='; write == to compare",
		`a & b`:                    "E_PARSE 2-3: unexpected '&'; write && for and, and concat(a, b) to join texts",
		`if(a, b, c)`:              "E_PARSE 4-5: unexpected ','",
		`"é" + "abc`:               "E_PARSE 10-10: literal not terminated",
		`uper(a)`:                  "E_FUNCTION 0-4: no function is called uper; did you mean UPPER?",
		`toJSON(a)`:                "E_FUNCTION 0-6: no function is called toJSON",
		`round(a, 2, 3)`:           "E_ARITY 0-13: ROUND takes 1 to 2 arguments, 3 given",
		`indexOf(a)`:               "E_ARITY 0-9: INDEXOF takes 2 arguments, 1 given",
		`map(tags, # + 1)`:         "E_PARSE 0-11: map takes a closure here, which is no part of formulas; functions of lists such as sum, max and has_any take whole lists",
		`tags | filter({# > 1})`:   "E_PARSE 7-15: filter takes a closure here, which is no part of formulas; functions of lists such as sum, max and has_any take whole lists",
		`sum(tags, # * 2)`:         "E_PARSE 10-11: unexpected '#'; closures are no part of formulas",
		`{a: 1}`:                   "E_PARSE 0-1: maps are no part of formulas",
		`a.trim()`:                 "E_PARSE 2-6: methods are no part of formulas; functions stand alone: upper(name)",
		`tags[1:2]`:                "E_PARSE 4-5: slices are no part of formulas; write array_slice(list, 1, 2) or mid(text, 1, 2)",
		`tags[n]`:                  "E_PARSE 5-6: the place of an element is a number here; array_at(list, place) takes any, counted from 1",
		`[1, 2]`:                   "E_PARSE 0-1: a list cannot stand here; lists of values stand after in and among the arguments of functions such as max and has_any",
		`upper(["a"])`:             "E_PARSE 6-7: argument 1 of upper cannot be a list that is written out; lists of values stand after in and among the arguments of functions such as max and has_any",
		`1..2`:                     "E_PARSE 1-3: a range cannot stand here; ranges stand after in: x in 1..5",
		`x in a..5`:                "E_PARSE 5-9: the ends of a range are whole numbers here; write between(x, a, b) for other ends",
		`x in 1..99999`:            "E_LIMIT 5-13: the range has more than 1000 elements; write between(x, 1, 99999)",
		`a; b`:                     "E_PARSE 0-1: a formula is one expression; only let stands before a semicolon",
		`b"x"`:                     `E_PARSE 0-4: bytes are no part of formulas; write a text: "…"`,
		`$env`:                     `E_PARSE 0-4: $env stands for all columns; name one: $env["Column name"]`,
		`$env[""]`:                 "E_PARSE 0-7: the column name is empty",
		`let a = 1; a.b`:           "E_PARSE 11-12: the variable a has no columns",
		`upper(a).b`:               "E_PARSE 0-5: only columns and their sources have names after a point",
		`"a\x00"`:                  "E_PARSE 0-7: the text contains the character U+0000",
		`1e-12`:                    `E_PARSE 0-5: the number is out of range; a number has at most 20 digits before the point and 10 after it; others are written float("1e-12")`,
		`1e30`:                     `E_PARSE 0-4: the number is out of range; a number has at most 20 digits before the point and 10 after it; others are written float("1e-12")`,
		`99999999999999999999 + 1`: `E_PARSE 21-22: the number literal before this is out of range; whole numbers have at most 18 digits here; larger ones are written to_number("…")`,
		"a\x00":                    "E_PARSE 1-2: the formula contains the character U+0000",
		"é\xff":                    "E_PARSE 1-2: the formula is not valid UTF-8",
	} {
		t.Run(text, func(t *testing.T) {
			e, err := ParseExpr(text)
			require.Nil(t, e)
			require.EqualError(t, err, want)
			var se *SyntaxError
			require.True(t, errors.As(err, &se))
			var p lqp.Problem
			require.True(t, errors.As(err, &p))
		})
	}
}

// TestParseExprPlaces checks that the nodes of the tree know their places in the text.
func TestParseExprPlaces(t *testing.T) {
	text := `ä + $env["Unit price"] * len(name)`
	e, err := ParseExpr(text)
	require.NoError(t, err)
	shown := map[string]string{}
	lqp.Walk(e, func(n lqp.Expr) bool {
		switch n := n.(type) {
		case *lqp.Col:
			shown[n.Column] = string([]rune(text)[n.From:n.To])
		case *lqp.Call:
			shown[n.Func] = string([]rune(text)[n.From:n.To])
		}
		return true
	})
	require.Equal(t, map[string]string{"add": `ä + $env["Unit price"] * len(name`, "mul": `$env["Unit price"] * len(name`, "len": "len(name",
		"ä": "ä", "Unit price": `$env["Unit price"`, "name": "name"}, shown)
}

func TestSyntaxes(t *testing.T) {
	opt := lqp.DecodeOptions{Formula: Parse, Syntaxes: Syntaxes()}
	want, err := Parse("a ^ 2 > 1 AND b")
	require.NoError(t, err)
	for _, doc := range []string{`"a ^ 2 > 1 AND b"`, `{"formula": "a ^ 2 > 1 AND b"}`, `{"formula": "a ^ 2 > 1 AND b", "syntax": "formula"}`,
		`{"syntax": "expr", "formula": "a ** 2 > 1 && b"}`} {
		e, err := lqp.DecodeExpr([]byte(doc), opt)
		require.NoError(t, err, doc)
		require.True(t, lqp.EqualExpr(want, e), doc)
	}
	for doc, problem := range map[string]string{
		`{"formula": "a &&", "syntax": "expr"}`:              `$.formula 4-4: unexpected end of the formula; a value or a closing bracket is missing (syntax)`,
		`{"formula": "a && b"}`:                              `$.formula 2-4: unexpected '&&'; write AND (syntax)`,
		`{"formula": "a", "syntax": "js"}`:                   `$.syntax: "js" is not possible here; one of "expr", "formula" was expected (argument)`,
		`{"formula": 1, "syntax": "expr"}`:                   `$.formula: a text was expected, not a number (type_mismatch)`,
		`{"formula": "a", "syntax": "expr", "k": "col"}`:     `$.k: unknown key "k"`,
		`{"k": "call", "f": "not", "a": [{"formula": "("}]}`: `$.a[0].formula 1-1: unexpected end of the formula`,
	} {
		_, err := lqp.DecodeExpr([]byte(doc), opt)
		require.ErrorContains(t, err, problem, doc)
	}
}
