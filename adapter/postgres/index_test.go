package postgres

import (
	"testing"

	"github.com/livetables/livetables/adapter/internal/databasetest"
	"github.com/livetables/livetables/adapter/internal/sqlgen"
	"github.com/livetables/livetables/lqp"
	"github.com/stretchr/testify/require"
)

var big = []string{
	`CREATE TABLE big (id bigint PRIMARY KEY, n int NOT NULL, code varchar(20) COLLATE "C" NOT NULL, name varchar(40) COLLATE "en-x-icu",
		price numeric(12,2), free numeric, at timestamptz, day date NOT NULL, u uuid NOT NULL, ok bool NOT NULL, opt int)`,
	`INSERT INTO big SELECT i, i % 1000, 'c' || i, 'name ' || i, i / 100.0, i / 7.0, '2024-01-01'::timestamptz + i * interval '1 minute',
		'2000-01-01'::date + (i % 9000), md5(i::text)::uuid, i % 100 = 0, nullif(i % 50, 0) FROM generate_series(1, 30000) AS i`,
	`CREATE INDEX big_n ON big (n, id)`, `CREATE INDEX big_code ON big (code)`, `CREATE INDEX big_name ON big (name)`,
	`CREATE INDEX big_price ON big (price)`, `CREATE INDEX big_free ON big (free)`, `CREATE INDEX big_at ON big (at)`,
	`CREATE INDEX big_day ON big (day)`, `CREATE INDEX big_u ON big (u)`, `CREATE INDEX big_opt ON big (opt, id)`,
	`ANALYZE big`,
}

// TestIndexes sees to it that the forms in which conditions are pushed leave indexes usable.
func TestIndexes(t *testing.T) {
	d := newDatabase(t, big...)
	plan := func(q *lqp.Query) string {
		t.Helper()
		s := d.Plan(q)
		require.Nil(t, s.Residual, "%v", s.Notes)
		st, err := sqlgen.Compile(d.dialect.Load(), s.Pushed)
		require.NoError(t, err)
		text, err := d.explain(t.Context(), &st, "EXPLAIN (COSTS OFF) ")
		require.NoError(t, err)
		return string(text) + "\n" + st.SQL
	}
	filters := map[string]string{
		`{id} = 7`:                          "big_pkey",
		`IN({id}, 7, 8, 9)`:                 "big_pkey",
		`BETWEEN({id}, 7, 9)`:               "big_pkey",
		`{id} < 9.5`:                        "big_pkey",
		`{n} = 7`:                           "big_n",
		`{code} = "c7"`:                     "big_code",
		`AND({code} > "c7", {code} < "c8")`: "big_code",
		`STARTS_WITH({code}, "c77")`:        "big_code",
		`{name} = "name 7"`:                 "big_name",
		`{price} > 299.9`:                   "big_price",
		`{price} = 5`:                       "big_price",
		`{free} = 5`:                        "big_free",
		`{free} > 4280`:                     "big_free",
		`{at} = TO_DATETIME("2024-01-02T00:00:00Z")`:   "big_at",
		`{at} < TO_DATETIME("2024-01-01T01:00:00Z")`:   "big_at",
		`TO_DATE({at}) = TO_DATE("2024-01-01")`:        "big_at",
		`{day} = TO_DATE("2001-01-01")`:                "big_day",
		`{u} = "8f14e45f-ceea-167a-5a36-dedd4bea2543"`: "big_u",
		`{opt} = BLANK()`:                              "big_opt",
		`OR({id} = 1, {id} = 2)`:                       "big_pkey",
	}
	for filter, index := range filters {
		got := plan(d.Bind(`{"source":{"table":"big"},"filters":` + databasetest.Quote(filter) + `,"columns":["id"]}`))
		require.Contains(t, got, index, "%s", filter)
		require.NotContains(t, got, "Seq Scan", "%s", filter)
	}

	pages := []struct {
		sorts, index string
		after        []lqp.Value
	}{
		{`["id"]`, "big_pkey", []lqp.Value{lqp.IntValue(20000)}},
		{`["-id"]`, "big_pkey", []lqp.Value{lqp.IntValue(20000)}},
		{`["n","id"]`, "big_n", []lqp.Value{lqp.IntValue(500), lqp.IntValue(20000)}},
		{`["-n","-id"]`, "big_n", []lqp.Value{lqp.IntValue(500), lqp.IntValue(20000)}},
		{`["opt","id"]`, "big_opt", []lqp.Value{lqp.IntValue(25), lqp.IntValue(20000)}},
		{`["code"]`, "big_code", []lqp.Value{lqp.TextValue("c7")}},
		{`["-code"]`, "big_code", []lqp.Value{lqp.TextValue("c7")}},
		{`["u"]`, "big_u", []lqp.Value{lqp.TextValue("8f14e45f-ceea-167a-5a36-dedd4bea2543")}},
	}
	for _, p := range pages {
		q := d.Bind(`{"source":{"table":"big"},"columns":["id"],"sorts":` + p.sorts + `,"pagination":{"limit":10}}`)
		q.Page.After = p.after
		got := plan(q)
		require.Contains(t, got, p.index, p.sorts)
		require.NotContains(t, got, "Sort", p.sorts)
	}
}
