package sqlgen

import (
	"strings"
	"testing"

	"github.com/livetables/livetables/formula"
	"github.com/livetables/livetables/lqp"
	"github.com/stretchr/testify/require"
)

var plainTable = &lqp.Table{Name: "t", Path: []string{"s", "t"}, Columns: []lqp.Column{
	{ID: "k", Name: "k", Type: lqp.Type{Kind: lqp.Number, NotNull: true}}, {ID: "n", Name: "n", Type: lqp.Type{Kind: lqp.Number}},
	{ID: "m", Name: "m", Type: lqp.Type{Kind: lqp.Number}}, {ID: "g", Name: "g", Native: "big", Type: lqp.Type{Kind: lqp.Number}},
	{ID: "s", Name: "s", Type: lqp.Type{Kind: lqp.Text}}, {ID: "b", Name: "b", Type: lqp.Type{Kind: lqp.Bool}},
	{ID: "c", Name: "c", Type: lqp.Type{Kind: lqp.Bool, NotNull: true}}, {ID: "o", Name: "o", Native: "opaque", Type: lqp.Type{Kind: lqp.Text}},
	{ID: "r", Name: "r", Native: "raw", Type: lqp.Type{Kind: lqp.DateTime}},
}}

func bindPlain(t testing.TB, text string) *lqp.Query {
	t.Helper()
	q, err := lqp.DecodeQuery([]byte(text), lqp.DecodeOptions{Formula: formula.Parse})
	require.NoError(t, err, text)
	bound, err := lqp.Bind(q, lqp.Env{Table: func(_, name string) (*lqp.Table, error) {
		if name != "t" {
			return nil, nil
		}
		return plainTable, nil
	}})
	require.NoError(t, err, text)
	return bound
}

func compilePlain(t testing.TB, text string) string {
	t.Helper()
	st, err := Compile(plain{}, bindPlain(t, text))
	require.NoError(t, err, text)
	return st.SQL
}

// TestContexts spells every predicate where only TRUE matters, where only FALSE matters and where its value is seen.
func TestContexts(t *testing.T) {
	cases := []struct{ formula, whenTrue, whenFalse, asValue string }{
		{`{n} = 1`, `[n] = ?1`, `([n] <> ?1 OR [n] IS NULL)`, `((([n] = ?1) IS TRUE))`},
		{`{k} = 1`, `[k] = ?1`, `[k] <> ?1`, `([k] = ?1)`},
		{`{n} <> 1`, `([n] <> ?1 OR [n] IS NULL)`, `[n] = ?1`, `(((([n] <> ?1 OR [n] IS NULL)) IS TRUE))`},
		{`{n} < 1`, `[n] < ?1`, `([n] >= ?1 OR [n] IS NULL)`, `((([n] < ?1) IS TRUE))`},
		{`1 < {n}`, `[n] > ?1`, `([n] <= ?1 OR [n] IS NULL)`, `((([n] > ?1) IS TRUE))`},
		{`{s} < "x"`, `[s] COLLATE b < ?1`, `([s] COLLATE b >= ?1 OR [s] IS NULL)`, `((([s] COLLATE b < ?1) IS TRUE))`},
		{`{n} = -1`, `FALSE`, `TRUE`, `?1`},
		{`{n} = BLANK()`, `[n] IS NULL`, `[n] IS NOT NULL`, `([n] IS NULL)`},
		{`{n} < BLANK()`, `FALSE`, `TRUE`, `?1`},
		{`{n} = {m}`, `([n] = [m] OR ([n] IS NULL AND [m] IS NULL))`, `[n] IS DISTINCT FROM [m]`, `(((([n] = [m] OR ([n] IS NULL AND [m] IS NULL))) IS TRUE))`},
		{`{n} = {k}`, `[n] = [k]`, `[n] IS DISTINCT FROM [k]`, `((([n] = [k]) IS TRUE))`},
		{`{n} < {m}`, `[n] < [m]`, `([n] < [m]) IS NOT TRUE`, `((([n] < [m]) IS TRUE))`},
		{`{g} > {m}`, `[g] > big([m])`, `([g] > big([m])) IS NOT TRUE`, `((([g] > big([m])) IS TRUE))`},
		{`{m} > {g}`, `big([m]) > [g]`, `(big([m]) > [g]) IS NOT TRUE`, `(((big([m]) > [g]) IS TRUE))`},
		{`{b}`, `[b]`, `([b]) IS NOT TRUE`, `[b]`},
		{`{c}`, `[c]`, `NOT ([c])`, `[c]`},
		{`AND({b}, {c})`, `[b] AND [c]`, `(([b]) IS NOT TRUE OR NOT ([c]))`, `(((([b] AND [c])) IS TRUE))`},
		{`OR({b}, {n} = 1)`, `([b] OR [n] = ?1)`, `(([b]) IS NOT TRUE AND ([n] <> ?1 OR [n] IS NULL))`, `(((([b] OR [n] = ?1)) IS TRUE))`},
		{`XOR({b}, {c})`, `(((([b]) IS TRUE)) <> ([c]))`, ``, ``},
		{`IS_NULL({k})`, `FALSE`, `TRUE`, `?1`},
		{`IS_NULL({o})`, `[o] IS NULL`, `[o] IS NOT NULL`, `([o] IS NULL)`},
		{`IS_NULL({r})`, `clean([r]) IS NULL`, `clean([r]) IS NOT NULL`, `(clean([r]) IS NULL)`},
		{`IS_BLANK({s})`, `([s] IS NULL OR [s] = ?1)`, `[s] <> ?1`, `(((([s] IS NULL OR [s] = ?1)) IS TRUE))`},
		{`IN({n}, 1, 2)`, `[n] IN (?1, ?2)`, `([n] IN (?1, ?2)) IS NOT TRUE`, `((([n] IN (?1, ?2)) IS TRUE))`},
		{`IN({n}, 1, BLANK())`, `([n] IN (?1) OR [n] IS NULL)`, `(([n] IN (?1) OR [n] IS NULL)) IS NOT TRUE`, `(((([n] IN (?1) OR [n] IS NULL)) IS TRUE))`},
		{`IN({n}, -1)`, `FALSE`, `TRUE`, `?1`},
		{`IN({n}, {m}, 1)`, `(([n] = [m] OR ([n] IS NULL AND [m] IS NULL)) OR [n] = ?1)`, `([n] IS DISTINCT FROM [m] AND ([n] <> ?1 OR [n] IS NULL))`, ``},
		{`BETWEEN({k}, 1, 2)`, `([k] >= ?1 AND [k] <= ?2)`, `([k] < ?1 OR [k] > ?2)`, `(((([k] >= ?1 AND [k] <= ?2)) IS TRUE))`},
		{`IF({b}, {n}, {g}) = 1`, `CASE WHEN [b] THEN big([n]) ELSE [g] END = ?1::big`, ``, ``},
		{`COALESCE({n}, 0) = 1`, `COALESCE([n], ?1) = ?2`, ``, ``},
		{`LEN({s}) > 2`, `len([s]) > ?1`, `(len([s]) > ?1) IS NOT TRUE`, ``},
	}
	for _, c := range cases {
		where := func(formula string) string {
			sql := compilePlain(t, `{"source":{"table":"t"},"filters":`+string(lqp.AppendJSONString(nil, formula))+`,"columns":["k"]}`)
			_, cond, _ := strings.Cut(sql, " WHERE ")
			return strings.ReplaceAll(cond, "t0.", "")
		}
		require.Equal(t, c.whenTrue, where(c.formula), c.formula)
		if c.whenFalse != "" {
			require.Equal(t, c.whenFalse, where("NOT("+c.formula+")"), "NOT(%s)", c.formula)
		}
		if c.asValue != "" {
			sql := compilePlain(t, `{"source":{"table":"t"},"group_by":[{"name":"x","expr":`+string(lqp.AppendJSONString(nil, c.formula))+`}],"columns":["x"]}`)
			_, key, _ := strings.Cut(sql, " GROUP BY ")
			require.Equal(t, c.asValue, strings.ReplaceAll(key, "t0.", ""), "value of %s", c.formula)
		}
	}
}

func TestSelects(t *testing.T) {
	cases := []struct{ name, query, sql string }{
		{"nothing selected", `{"source":{"table":"t"},"aggregates":[{"name":"x","function":"countall"}],"columns":["x"]}`, `SELECT countall() FROM [s].[t] AS t0`},
		{"offset alone", `{"source":{"table":"t"},"columns":["k"],"pagination":{"offset":2}}`, `SELECT t0.[k] FROM [s].[t] AS t0 LIMIT -1 OFFSET 2`},
		{"native null order", `{"source":{"table":"t"},"columns":["k"],"sorts":["n","-m",{"column":"b","nulls":"last"},"k"]}`,
			`SELECT t0.[k] FROM [s].[t] AS t0 ORDER BY t0.[n], t0.[m] DESC, t0.[b] NULLS LAST, t0.[k]`},
		{"a key is written the same everywhere", `{"source":{"table":"t"},"group_by":[{"name":"x","expr":"COALESCE({n}, 5)"}],"aggregates":[{"name":"c","function":"countall","filter":"{b}"}],"having":"{x} > 1","sorts":["-x"],"columns":["x","c"]}`,
			`SELECT COALESCE(t0.[n], ?1), countall() FILTER (WHERE t0.[b]) FROM [s].[t] AS t0 GROUP BY COALESCE(t0.[n], ?1) HAVING COALESCE(t0.[n], ?1) > ?2 ORDER BY COALESCE(t0.[n], ?1) DESC`},
		{"left joins make columns nullable", `{"source":{"table":"t","alias":"a"},"joins":[{"kind":"left","source":{"table":"t","alias":"b"},"on":"{a.k} = {b.k}"}],"filters":"NOT({b.k} = 1)","columns":["a.k"],"sorts":["b.k"]}`,
			`SELECT t0.[k] FROM [s].[t] AS t0 LEFT JOIN [s].[t] AS t1 ON t0.[k] = t1.[k] WHERE (t1.[k] <> ?1 OR t1.[k] IS NULL) ORDER BY t1.[k]`},
		{"nested blocks", `{"source":{"query":{"source":{"query":{"source":{"table":"t"},"columns":["k",{"name":"x","expr":"{n} = 1"}]},"alias":"i"},"joins":[{"source":{"query":{"source":{"table":"t"},"columns":["g"]},"alias":"j"},"on":"{i.k} = {j.g}"}],"columns":["i.x","j.g"]},"alias":"o"},"filters":"{o.g} = 3","columns":["o.x"]}`,
			`SELECT t4.c0 FROM (SELECT t1.c1 AS c0, t3.c0 AS c1 FROM (SELECT t0.[k] AS c0, (((t0.[n] = ?1) IS TRUE)) AS c1 FROM [s].[t] AS t0) AS t1 JOIN (SELECT t2.[g] AS c0 FROM [s].[t] AS t2) AS t3 ON big(t1.c0) = t3.c0) AS t4 WHERE t4.c1 = ?2::big`},
	}
	for _, c := range cases {
		require.Equal(t, c.sql, compilePlain(t, c.query), c.name)
	}
}

func TestRefusals(t *testing.T) {
	cases := map[string]string{
		`{"source":{"table":"t"},"filters":"{o} = \"x\"","columns":["k"]}`:                                                                         "it is opaque",
		`{"source":{"table":"t"},"filters":"LEFT({s}) = \"x\"","columns":["k"]}`:                                                                   "left() is computed in memory",
		`{"source":{"table":"t"},"group_by":["o"],"columns":["o"]}`:                                                                                "it is opaque",
		`{"source":{"table":"t"},"columns":["k"],"sorts":["o"]}`:                                                                                   "it is opaque",
		`{"source":{"table":"t","alias":"a"},"joins":[{"kind":"full","source":{"table":"t","alias":"b"},"on":"{a.k} = {b.k}"}],"columns":["a.k"]}`: "right and full joins are done in memory",
	}
	for query, reason := range cases {
		_, err := Compile(plain{}, bindPlain(t, query))
		var refused *NotPushableError
		require.ErrorAs(t, err, &refused, query)
		require.Equal(t, reason, refused.Reason)
	}
}

func TestSortCut(t *testing.T) {
	require.Equal(t, "short", SortCut("short"))
	require.Equal(t, strings.Repeat("é", 255), SortCut(strings.Repeat("é", 255)))
	require.Equal(t, strings.Repeat("é", 255), SortCut(strings.Repeat("é", 256)))
	require.Equal(t, strings.Repeat("x", 255), SortCut(strings.Repeat("x", 1000)))
}

// TestOperators checks mirror and negate against the order of numbers.
func TestOperators(t *testing.T) {
	holds := func(op Op, a, b int) bool {
		return map[Op]bool{Eq: a == b, Ne: a != b, Lt: a < b, Le: a <= b, Gt: a > b, Ge: a >= b}[op]
	}
	for op := Eq; op <= Ge; op++ {
		for _, p := range [][2]int{{1, 2}, {2, 1}, {1, 1}} {
			require.Equal(t, holds(op, p[0], p[1]), holds(op.mirror(), p[1], p[0]))
			require.Equal(t, holds(op, p[0], p[1]), !holds(op.negate(), p[0], p[1]))
		}
	}
}

// TestConcurrentCompiles shares the pool of emitters.
func TestConcurrentCompiles(t *testing.T) {
	a := bindPlain(t, `{"source":{"table":"t"},"filters":"{n} = 1","columns":["k"]}`)
	b := bindPlain(t, `{"source":{"table":"t"},"filters":"IN({s}, \"a\", \"b\")","columns":["s"]}`)
	for i := range 4 {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			for range 200 {
				q, want := a, "SELECT t0.[k] FROM [s].[t] AS t0 WHERE t0.[n] = ?1"
				if i%2 == 1 {
					q, want = b, "SELECT t0.[s] FROM [s].[t] AS t0 WHERE t0.[s] IN (?1, ?2)"
				}
				st, err := Compile(plain{}, q)
				require.NoError(t, err)
				require.Equal(t, want, st.SQL)
				Plan(plain{}, q)
			}
		})
	}
}
