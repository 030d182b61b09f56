package rewrite

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/formula"
	"github.com/livetables/livetables/lqp"
)

// Formulas that make gigabytes out of a small row are refused before they run (R32); what people write is not.
func TestTextsOfARowAreBounded(t *testing.T) {
	table := &lqp.Table{Name: "t", Columns: []lqp.Column{{ID: "short", Name: "short", Type: lqp.Type{Kind: lqp.Text, MaxLen: 255}},
		{ID: "long", Name: "long", Type: lqp.Type{Kind: lqp.Text}}, {ID: "n", Name: "n", Type: lqp.Type{Kind: lqp.Number}}}}
	width := func(count int, text string) error {
		q := &lqp.Query{From: lqp.Source{Table: "t"}}
		for i := range count {
			e, err := formula.Parse(text)
			require.NoError(t, err, text)
			q.Compute = append(q.Compute, lqp.Named{Name: fmt.Sprint("c", i), Expr: e})
		}
		bound, err := lqp.Bind(q, lqp.Env{Table: func(string, string) (*lqp.Table, error) { return table, nil }})
		require.NoError(t, err, text)
		return checkWidth(flatten(bound))
	}
	for _, c := range []struct {
		count int
		text  string
		fits  bool
	}{
		{200, `long & " " & short & " (" & n & ")"`, true}, {200, `PAD_LEFT(short, 12, "0")`, true}, {100, `SUBSTITUTE(SUBSTITUTE(long, ",", ";"), "a", "bc")`, true},
		{20, `REPT(short, n)`, true}, {200, `UPPER(TRIM(long))`, true}, {500, `REPT("*", 5)`, true},
		{980, `REPT(short, 500000)`, false}, {100, `REPT("a", n)`, false}, {100, `PAD_RIGHT(short, n, "x")`, false},
		{100, `SUBSTITUTE(short, "a", REPT("b", 20000))`, false}, {100, `SUBSTITUTE(short, LEFT(short, 1), REPT("b", 20000))`, false},
		{1, `LEN(` + strings.TrimSuffix(strings.Repeat(`REPT(short, 500000) & `, 100), " & ") + `)`, false},
	} {
		err := width(c.count, c.text)
		if c.fits {
			require.NoError(t, err, "%d of %s", c.count, c.text)
			continue
		}
		var problems lqp.Problems
		require.True(t, errors.As(err, &problems), "%d of %s", c.count, c.text)
		require.Equal(t, lqp.CodeLimit, problems[0].Code)
	}
}
