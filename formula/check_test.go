package formula

import (
	"errors"
	"strings"
	"testing"

	"github.com/livetables/livetables/lqp"
	"github.com/stretchr/testify/require"
)

var checkScope = lqp.Scope{{Alias: "t", Columns: []lqp.Column{
	{ID: "c1", Name: "price", Type: lqp.Type{Kind: lqp.Number, Precision: 12, Scale: 2, NotNull: true}},
	{ID: "c2", Name: "qty", Type: lqp.Type{Kind: lqp.Number, Precision: 5, NotNull: true}},
	{ID: "c3", Name: "name", Type: lqp.Type{Kind: lqp.Text, MaxLen: 40, ASCII: true}},
	{ID: "c4", Name: "day", Type: lqp.Type{Kind: lqp.Date}},
	{ID: "c5", Name: "weight", Type: lqp.Type{Kind: lqp.Float}},
	{ID: "c6", Name: "_id", Type: lqp.Type{Kind: lqp.Text, NotNull: true}, Fact: lqp.FactRecordID},
}}}

// TestCheckSaysEverythingAtOnce compares whole reports.
func TestCheckSaysEverythingAtOnce(t *testing.T) {
	tests := []struct {
		name, text, syntax string
		want               lqp.Kind
		problems           []string
	}{
		{"unknown functions, columns and wrong counts", `ROUDN(prise, 2) + LEN() & UPER(nmae)`, "", lqp.Null, []string{
			`$ 0-5: no function is called ROUDN; did you mean ROUND? (unknown_function)`,
			`$ 6-11: there is no column "prise"; did you mean "price"? (unknown_column)`,
			`$ 18-23: LEN takes 1 argument, none given (argument)`,
			`$ 26-30: no function is called UPER; did you mean UPPER? (unknown_function)`,
			`$ 31-35: there is no column "nmae"; did you mean "name"? (unknown_column)`,
		}},
		{"the same in the other syntax", `roudn(prise, 2) + len() + uper(nmae) + indexOf(foo)`, "expr", lqp.Null, []string{
			`$ 0-5: no function is called roudn; did you mean ROUND? (unknown_function)`,
			`$ 6-11: there is no column "prise"; did you mean "price"? (unknown_column)`,
			`$ 18-21: LEN takes 1 argument, none given (argument)`,
			`$ 26-30: no function is called uper; did you mean UPPER? (unknown_function)`,
			`$ 31-35: there is no column "nmae"; did you mean "name"? (unknown_column)`,
			`$ 39-50: INDEXOF takes 2 arguments, 1 given (argument)`,
			`$ 47-50: there is no column "foo" (unknown_column)`,
		}},
		{"types with what was expected", `name + 1 > 2 AND UPPER(price) = "x" AND day < "soon" AND DATEADD(day, 1, "dya") = day`, "", lqp.Null, []string{
			`$ 0-4: argument 1 of add must be number or float, not text (type_mismatch)`,
			`$ 23-28: argument 1 of upper must be text, not number (type_mismatch)`,
			`$ 40-52: a date such as 2024-02-29 was expected, not the text "soon" (type_mismatch)`,
			`$ 57-79: argument 3 of dateadd must be one of millisecond, second, minute, hour, day, week, month, quarter, year, not "dya" (argument)`,
		}},
		{"a text that cannot be read hides what is behind", `UPER(nmae) + * price`, "", lqp.Null, []string{
			`$ 0-4: no function is called UPER; did you mean UPPER? (unknown_function)`,
			`$ 5-9: there is no column "nmae"; did you mean "name"? (unknown_column)`,
			`$ 13-14: unexpected '*'; a value was expected (syntax)`,
		}},
		{"the wrong kind", `price * 2`, "", lqp.Bool, []string{`$ 0-9: the formula must answer bool; this one answers number (type_mismatch)`}},
		{"too deep", strings.Repeat("(", 101) + "1", "", lqp.Null, []string{`$ 100-101: the formula is nested deeper than 100 levels; move a part of it to a column of its own (limit)`}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c, err := Check(test.text, CheckOptions{Syntax: test.syntax, Scope: checkScope, Want: test.want})
			require.Nil(t, c)
			var problems lqp.Problems
			require.True(t, errors.As(err, &problems), "%v", err)
			var got []string
			for _, p := range problems {
				got = append(got, p.Error())
			}
			require.Equal(t, test.problems, got)
		})
	}
}

// TestCheckBoundsItsReport gives a text with more mistakes than anybody wants to read.
func TestCheckBoundsItsReport(t *testing.T) {
	_, err := Check(strings.TrimSuffix(strings.Repeat("nope()+", 90), "+"), CheckOptions{})
	var problems lqp.Problems
	require.True(t, errors.As(err, &problems))
	require.Len(t, problems, mostMistakes+1)
}

func TestCheckAnswersTrees(t *testing.T) {
	for syntax, text := range map[string]string{"formula": `price * qty > 100 AND TODAY() > day`, "expr": `price * qty > 100 && today() > day`} {
		c, err := Check(text, CheckOptions{Syntax: syntax, Scope: checkScope, Want: lqp.Bool})
		require.NoError(t, err)
		require.Equal(t, "c1 * c2 > 100 AND TODAY() > c4", Print(c.Tree, nil))
		require.Equal(t, lqp.Bool, c.Bound.Type().Kind)
	}
	_, err := Check("1", CheckOptions{Syntax: "js"})
	require.EqualError(t, err, `check formula: no syntax is called "js"; there are ["expr" "formula"]`)
	_, err = Check("1", CheckOptions{Env: lqp.Env{TimeZone: "Nowhere"}})
	require.ErrorContains(t, err, "unknown time zone")
	null, err := Check("BLANK()", CheckOptions{Want: lqp.Bool})
	require.NoError(t, err)
	require.True(t, null.Facets.Constant)
}

func TestFacets(t *testing.T) {
	ids := func(f Facets) (ids []string) {
		for _, c := range f.Columns {
			ids = append(ids, c.Column)
		}
		return ids
	}
	attribute := func(string) (lqp.Value, bool) { return lqp.TextValue("x"), true }
	for _, test := range []struct {
		text    string
		columns []string
		check   func(t *testing.T, f Facets)
	}{
		{"price * qty", []string{"c1", "c2"}, func(t *testing.T, f Facets) {
			require.Equal(t, lqp.Type{Kind: lqp.Number, Precision: 19 - 2 + 0, Scale: 2, NotNull: true}, f.Type)
			require.True(t, f.Deterministic())
			require.False(t, f.Constant || f.Volatile || f.Personal || f.Zoned || f.Approximate || f.Metered)
			require.Equal(t, []string{"mul"}, f.Functions)
			require.Equal(t, []int{3, 2}, []int{f.Nodes, f.Depth})
		}},
		{"1 + 2 * 3", nil, func(t *testing.T, f Facets) {
			require.True(t, f.Constant && f.Deterministic())
			require.Equal(t, []string{"add", "mul"}, f.Functions)
		}},
		{"day < TODAY() AND day < TODAY()", []string{"c4"}, func(t *testing.T, f Facets) {
			require.True(t, f.Volatile && f.Zoned && !f.Constant && !f.Deterministic() && f.Type.NotNull)
			require.Equal(t, []string{"today"}, f.Parameters)
		}},
		{`name = CURRENT_USER() OR name = USER("team")`, []string{"c3"}, func(t *testing.T, f Facets) {
			require.True(t, f.Personal && !f.Volatile && !f.Zoned)
			require.Equal(t, []string{"current_user", "user.team"}, f.Parameters)
		}},
		{"weight * 2", []string{"c5"}, func(t *testing.T, f Facets) { require.True(t, f.Approximate && !f.Type.NotNull) }},
		{"UPPER(LEFT(name, 3))", []string{"c3"}, func(t *testing.T, f Facets) {
			require.True(t, f.Metered)
			require.Equal(t, lqp.Type{Kind: lqp.Text, MaxLen: 40, ASCII: true}, f.Type)
		}},
		{"RECORD_ID()", []string{"c6"}, func(t *testing.T, f Facets) { require.True(t, f.Type.NotNull && !f.Constant) }},
		{"YEAR(day)", []string{"c4"}, func(t *testing.T, f Facets) { require.True(t, f.Zoned) }},
		{"TO_DATETIME(name)", []string{"c3"}, func(t *testing.T, f Facets) { require.True(t, f.Zoned) }},
		{"price = 2", []string{"c1"}, func(t *testing.T, f Facets) { require.False(t, f.Zoned) }},
	} {
		t.Run(test.text, func(t *testing.T) {
			c, err := Check(test.text, CheckOptions{Scope: checkScope, Env: lqp.Env{User: "usr_1", Attribute: attribute}})
			require.NoError(t, err)
			require.Equal(t, test.columns, ids(c.Facets))
			test.check(t, c.Facets)
		})
	}
	require.Equal(t, Facets{}, FacetsOf(nil, nil))
}
