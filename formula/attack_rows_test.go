package formula

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/livetables/livetables/lqp"
	"github.com/stretchr/testify/require"
)

// rows delivers one row again and again, n times, or for ever when n is negative. Texts differ in their first bytes.
type rows struct {
	n    int
	text string
	at   int
	row  []lqp.Value
}

func (r *rows) Next() bool {
	if r.n >= 0 && r.at >= r.n {
		return false
	}
	r.at++
	r.row = []lqp.Value{lqp.TextValue(fmt.Sprint(r.at, r.text)), lqp.IntValue(int64(r.at))}
	return true
}
func (r *rows) Value(i int) lqp.Value { return r.row[i] }
func (r *rows) Err() error            { return nil }
func (r *rows) Close() error          { return nil }

func (r *rows) Open(context.Context, *lqp.Source) (lqp.RowReader, error) { return r, nil }
func (r *rows) Lookup(context.Context, *lqp.Source, []lqp.Expr, [][]lqp.Value) (lqp.RowReader, error) {
	return nil, lqp.ErrNoLookup
}

// runRows runs a query over rows with programs of this package and answers its first row.
func runRows(ctx context.Context, t *testing.T, q string, source *rows, budget lqp.Budget) ([]lqp.Value, error) {
	t.Helper()
	table := &lqp.Table{Name: "t", Columns: []lqp.Column{{ID: "text", Name: "text", Type: lqp.Type{Kind: lqp.Text}}, {ID: "n", Name: "n", Type: lqp.Type{Kind: lqp.Number}}}}
	query, err := lqp.DecodeQuery([]byte(q), lqp.DecodeOptions{Formula: Parse, Syntaxes: Syntaxes()})
	require.NoError(t, err)
	bound, err := lqp.Bind(query, lqp.Env{Table: func(string, string) (*lqp.Table, error) { return table, nil }})
	require.NoError(t, err)
	result, err := lqp.Run(ctx, bound, source, lqp.RunOptions{Budget: &budget, Compile: func(e lqp.Expr) func([]lqp.Value) lqp.Value {
		p, err := Compile(e)
		require.NoError(t, err)
		return p.Eval
	}})
	require.NoError(t, err)
	defer func() { require.NoError(t, result.Close()) }()
	if !result.Next() {
		return nil, result.Err()
	}
	row := make([]lqp.Value, len(bound.Select))
	for i := range row {
		row[i] = result.Value(i)
	}
	return row, result.Err()
}

func aggregated(function, formula string) string {
	return fmt.Sprintf(`{"source": {"table": "t"}, "aggregates": [{"name": "x", "function": %q, "expr": %q}]}`, function, formula)
}

// TestAttack53Aggregates collects many and long values. What is held until the rows are in order is charged to the budget
// of the request.
func TestAttack53Aggregates(t *testing.T) {
	long, short := strings.Repeat("x", 50_000), strings.Repeat("x", 100)
	for _, test := range []struct {
		name, function, formula string
		rows                    rows
	}{
		{"join of long texts", "join", "text", rows{n: 2000, text: long}},
		{"join of many texts", "join", "text", rows{n: -1, text: short}},
		{"join of made texts", "join", `REPT(LEFT(text, 1), 1000000)`, rows{n: 100, text: short}},
		{"list of many", "array_agg", "text", rows{n: -1, text: short}},
		{"list of many lists", "array_agg", `SPLIT(REPT("a,", 9999), ",")`, rows{n: 100}},
		{"set of many", "array_unique", "text", rows{n: -1, text: short}},
		{"list of long texts", "array_agg", "text", rows{n: 9000, text: long}},
		{"set of long texts", "array_unique", "text", rows{n: 9000, text: long}},
		{"distinct long texts", "count_unique", "text", rows{n: 9000, text: long}},
		{"distinct texts without end", "count_unique", "text", rows{n: -1, text: short}},
		{"median without end", "median", "n", rows{n: -1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			requireBounded(t, func() {
				source := test.rows
				_, err := runRows(context.Background(), t, aggregated(test.function, test.formula), &source, lqp.Budget{MaxBytes: 16 << 20})
				var over *lqp.BudgetError
				require.ErrorAs(t, err, &over)
				require.Equal(t, "bytes", over.Limit)
			})
		})
	}
}

// TestAttack53Accumulators gives the collections their values in order, without any budget: each ends at the bounds of a
// value and keeps nothing then.
func TestAttack53Accumulators(t *testing.T) {
	long := strings.Repeat("x", 50_000)
	for name, values := range map[string]int{"join": 2000, "array_agg": lqp.MaxList + 1, "array_unique": lqp.MaxList + 1} {
		t.Run(name, func(t *testing.T) {
			f, ok := lqp.LookupAggregate(name)
			require.True(t, ok)
			requireBounded(t, func() {
				acc := f.NewAccumulator(lqp.Type{Kind: lqp.Text})
				for i := range values {
					text := long
					if name != "join" {
						text = strconv.Itoa(i)
					}
					acc.Add(lqp.TextValue(text))
				}
				require.Equal(t, lqp.NullValue, acc.Result())
				require.Less(t, acc.Size(), 1000)
			})
		})
	}
}

// TestAttack53EndsWithItsContext runs costly formulas over rows without end until nobody waits for the answer.
func TestAttack53EndsWithItsContext(t *testing.T) {
	for name, q := range map[string]string{
		"filter":        `{"source": {"table": "t"}, "filters": "LEN(REPT(text, 10000)) < 0"}`,
		"expr filter":   `{"source": {"table": "t"}, "filters": {"formula": "len(repeat(text, 10000)) < 0", "syntax": "expr"}}`,
		"pattern":       `{"source": {"table": "t"}, "filters": "REGEX_MATCH(REPT(text, 1000), \"(a|b)*c$\")"}`,
		"sort":          `{"source": {"table": "t"}, "sorts": ["-k"], "computed_columns": [{"name": "k", "expr": "LEN(UPPER(REPT(text, 10000)))"}], "columns": ["k"], "pagination": {"limit": 1}}`,
		"group":         `{"source": {"table": "t"}, "computed_columns": [{"name": "k", "expr": "LEN(UPPER(REPT(text, 10000)))"}], "aggregates": [{"name": "m", "function": "max", "expr": "k"}]}`,
		"much, as NULL": `{"source": {"table": "t"}, "filters": "COUNTA(REPT(text, 100000), REPT(text, 100000), REPT(text, 100000), REPT(text, 100000)) < 0"}`,
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
			defer cancel()
			begun := time.Now()
			_, err := runRows(ctx, t, q, &rows{n: -1, text: "abcd"}, lqp.Budget{})
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.Less(t, time.Since(begun), 5*time.Second)
		})
	}
}
