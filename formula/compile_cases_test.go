package formula

import (
	"fmt"
	"testing"

	"github.com/livetables/livetables/lqp"
	"github.com/stretchr/testify/require"
)

// TestCompileCases walks what random expressions meet too rarely: the functions that skip arguments, membership and
// every pair of kinds in a comparison, each on rows with and without NULLs.
func TestCompileCases(t *testing.T) {
	formulas := []string{
		"n", "n IN (1, 2.5, -3)", "n IN (1, BLANK())", "n IN ()", `n IN (TO_FLOAT("2.5"))`, "f IN (1, 2.5)", `s IN ("paid", "")`, `s IN ("x", BLANK())`,
		`d IN ("2024-02-29", "1970-01-01")`, `ts IN ("2024-02-29", "2024-02-29T10:00:00Z")`, "b IN (TRUE)", "n IN (f, n2)", `d IN (ts)`,
		"n NOT IN (1, 2.5)", "IN(n, 1, n2)",
		"SWITCH(n, 1, \"one\", 2.5, \"more\", \"other\")", "SWITCH(s, \"paid\", n, \"open\", f)", "SWITCH(f, 1, 10, 2.5, n)", "SWITCH(d, ts, 1, 0)",
		`IFS(n > 1, s, b, "b", f < n, "f")`, "IFS(b, n)", `IF(b, n, f)`, "IF(n = n2, n)", "IF(BLANK(), 1, 2)", "IF(b, ts, ts2)",
		"COALESCE(n, n2, 0)", "COALESCE(s, \"none\")", "COALESCE(n, f)", "COALESCE(f, n, 1)",
		"AND(b)", "OR(b)", "AND(b, b2, n > 1)", "OR(b, b2, n > 1)", "NOT(b)", "b AND b2", "b OR b2", "XOR(b, b2, TRUE)",
		"n + n2", "n - n2", "n * n2", "n / n2", "n % n2", "-n", "-(n + n2) * (n - 1) / n2", "n + f", "f * f - n", "-f", "f / (n - n)", "(n + f) * n2 > n",
		"99999999999999999999 * n", "-(99999999999999999999 + n) < 0", "(99999999999999999999 + 1) = BLANK()", "n / 0 = BLANK()",
		"n = n2", "n <> n2", "n < n2", "n <= n2", "n > n2", "n >= n2", "n = f", "f < n", "f >= 1", "n <> f", "f = f",
		`s = s2`, `s <> s2`, `s < s2`, `s >= "open"`, `"paid" = s`, `s <> "paid"`, `"a" = "a"`, "s = BLANK()", "BLANK() = BLANK()",
		"d = ts", "d < ts", "ts >= d", "d <> d", "b = b2", "b < b2", "tags = tags", "tags <> BLANK()",
		"LEN(s) > 3 AND LEN(s2) <= 4", "ROUND(n * 1.5, 1) = 1.5", "s & n & d", "BETWEEN(n, 1, n2)", "ABS(n) + ABS(-n)", "HAS(tags, s)", `HAS_ANY(tags, "new", "paid")`,
	}
	kinds := []struct {
		name   string
		kind   lqp.Kind
		values []lqp.Value
	}{
		{"n", lqp.Number, []lqp.Value{number(t, "1"), number(t, "2.5"), number(t, "0")}},
		{"n2", lqp.Number, []lqp.Value{number(t, "2.5"), number(t, "1"), number(t, "-3")}},
		{"f", lqp.Float, []lqp.Value{lqp.FloatValue(1), lqp.FloatValue(2.5), lqp.FloatValue(1e300)}},
		{"s", lqp.Text, []lqp.Value{lqp.TextValue("paid"), lqp.TextValue(""), lqp.TextValue("open")}},
		{"s2", lqp.Text, []lqp.Value{lqp.TextValue("open"), lqp.TextValue("paid"), lqp.TextValue("öpen")}},
		{"b", lqp.Bool, []lqp.Value{lqp.BoolValue(true), lqp.BoolValue(false), lqp.BoolValue(true)}},
		{"b2", lqp.Bool, []lqp.Value{lqp.BoolValue(false), lqp.BoolValue(true), lqp.BoolValue(true)}},
		{"d", lqp.Date, []lqp.Value{lqp.DateValue(19782), lqp.DateValue(0), lqp.DateValue(19783)}},
		{"ts", lqp.DateTime, []lqp.Value{lqp.DateTimeValue(1709164800000), lqp.DateTimeValue(1709200800000), lqp.DateTimeValue(-1)}},
		{"ts2", lqp.DateTime, []lqp.Value{lqp.DateTimeValue(0), lqp.DateTimeValue(1), lqp.DateTimeValue(2)}},
		{"tags", lqp.List, []lqp.Value{lqp.ListValue(nil), lqp.ListValue([]lqp.Value{lqp.TextValue("paid")}), lqp.ListValue([]lqp.Value{lqp.NullValue})}},
	}
	// Rows: the values in step, the same with every other column NULL, and nothing but NULLs.
	width := len(kinds)
	columns := make([]lqp.Column, width)
	rows := [][]lqp.Value{nil, make([]lqp.Value, width)}
	for r := range 9 {
		row := make([]lqp.Value, width)
		for i, k := range kinds {
			columns[i] = lqp.Column{ID: k.name, Name: k.name, Type: genType(k.kind)}
			if r < 3 || (i+r)%2 == 0 {
				row[i] = k.values[r%3]
			}
		}
		rows = append(rows, row)
	}
	for _, zone := range []string{"UTC", "Pacific/Auckland"} {
		for _, text := range formulas {
			t.Run(zone+" "+text, func(t *testing.T) {
				e, err := Parse(text)
				require.NoError(t, err)
				e, err = lqp.BindExpr(e, lqp.Scope{{Alias: "t", Columns: columns}}, lqp.Env{TimeZone: zone})
				require.NoError(t, err)
				e, err = lqp.Resolve(e, func(c *lqp.Col) (int, error) {
					for i := range columns {
						if columns[i].ID == c.Column {
							return i, nil
						}
					}
					return 0, fmt.Errorf("no column %s", c.Column)
				})
				require.NoError(t, err)
				p, err := Compile(e)
				require.NoError(t, err)
				for _, row := range rows {
					want, got := lqp.Eval(e, row), p.Eval(row)
					require.True(t, sameValue(want, got), "on %v: program %s %s, eval %s %s", row, got.Kind(), got, want.Kind(), want)
					require.Equal(t, lqp.Truth(want), p.True(row))
				}
			})
		}
	}
}
