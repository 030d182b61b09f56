package sqlgen

import (
	"testing"

	"github.com/livetables/livetables/lqp"
	"github.com/stretchr/testify/require"
)

// laxer is a dialect whose column r holds values that count as NULL: its bounds do not say all.
type laxer struct{ plain }

func (d laxer) Bounds(op Op, s Storage, v lqp.Value) (Bounds, bool) {
	b, ok := d.plain.Bounds(op, s, v)
	b.Implied = s.Rep.Kind == lqp.DateTime
	return b, ok
}

func (laxer) ImpliedEqual(a, b Output) bool { return a.Column.ID == "r" && b.Column.ID == "r" }

// TestFeatures spells what other databases need in the place of the usual forms.
func TestFeatures(t *testing.T) {
	d := laxer{plain{Features{NullSafeEqual: "<=>", NoNullsClause: true, ShortGroups: true, HavingKey: "MIN("}}}
	const begin = `SELECT t0.[k] FROM [s].[t] AS t0`
	const instant = `TO_DATETIME(\"2024-01-01T00:00:00Z\")`
	for text, want := range map[string]string{
		`"filters":"{n} = {m}","columns":["k"]`:                                            begin + ` WHERE t0.[n] <=> t0.[m]`,
		`"filters":"{n} <> {m}","columns":["k"]`:                                           begin + ` WHERE NOT (t0.[n] <=> t0.[m])`,
		`"filters":"{n} = {k}","columns":["k"]`:                                            begin + ` WHERE t0.[n] = t0.[k]`,
		`"filters":"{r} > ` + instant + `","columns":["k"]`:                                begin + ` WHERE (t0.[r] > ?1 AND clean(t0.[r]) > ?2)`,
		`"filters":"NOT({r} > ` + instant + `)","columns":["k"]`:                           begin + ` WHERE (clean(t0.[r]) > ?1) IS NOT TRUE`,
		`"columns":["k"],"sorts":[{"column":"n","nulls":"last"}]`:                          begin + ` ORDER BY (t0.[n]) IS NULL, t0.[n]`,
		`"columns":["k"],"sorts":[{"expr":"{r}","direction":"desc","nulls":"first"},"-n"]`: begin + ` ORDER BY (clean(t0.[r])) IS NULL DESC, clean(t0.[r]) DESC, t0.[n] DESC`,
		`"group_by":["n"],"aggregates":[{"name":"x","function":"countall"}],"having":"AND({n} = 1, {x} > 1)","columns":["n"],"sorts":["n"]`: `SELECT t0.[n] FROM [s].[t] AS t0 GROUP BY t0.[n] HAVING ` +
			`MIN(t0.[n]) = ?1 AND countall() > ?2 ORDER BY t0.[n]`,
	} {
		st, err := Compile(d, bindPlain(t, `{"source":{"table":"t"},`+text+`}`))
		require.NoError(t, err, text)
		require.Equal(t, want, st.SQL, text)
	}
	s := Plan(d, bindPlain(t, `{"source":{"table":"t"},"group_by":["s"],"aggregates":[{"name":"x","function":"countall"}],"columns":["s"]}`))
	require.NotNil(t, s.Residual, "the text may be too long to be grouped")
	st, err := Compile(d, bindPlain(t, `{"source":{"table":"t","alias":"a"},"joins":[{"kind":"inner","source":{"table":"t","alias":"b"},"on":"AND({a.k} = {b.k}, {a.r} = {b.r})"}],"columns":["a.k"]}`))
	require.NoError(t, err)
	require.Equal(t, `SELECT t0.[k] FROM [s].[t] AS t0 JOIN [s].[t] AS t1 ON (t0.[k] = t1.[k] AND clean(t0.[r]) <=> clean(t1.[r]))`, st.SQL)
}
