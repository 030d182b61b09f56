package mysql

import (
	"fmt"
	"testing"

	"github.com/livetables/livetables/adapter/internal/databasetest"
	"github.com/livetables/livetables/lqp"
	"github.com/stretchr/testify/require"
)

const digitsSQL = `(SELECT 0 AS d UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 UNION SELECT 6 UNION SELECT 7 UNION SELECT 8 UNION SELECT 9)`

// series is a table expression with the numbers from 0 to 9999.
const series = `(SELECT a.d + 10 * b.d + 100 * c.d + 1000 * e.d AS i FROM ` + digitsSQL + ` a, ` + digitsSQL + ` b, ` + digitsSQL + ` c, ` + digitsSQL + ` e) AS series`

func big(binary string) []string {
	return []string{
		`CREATE TABLE big (id bigint PRIMARY KEY, n int NOT NULL, code varchar(20) CHARACTER SET utf8mb4 COLLATE ` + binary + ` NOT NULL,
			name varchar(40) CHARACTER SET utf8mb4, lat varchar(40) CHARACTER SET latin1, price decimal(12,2), wide decimal(40,15), at datetime(6), sec datetime, stamp timestamp NULL, day date,
			f double, ok bool, opt int, un bigint unsigned, mood enum('a','b','c','d','e','f') CHARACTER SET utf8mb4,
			KEY big_n (n, id), KEY big_code (code), KEY big_name (name), KEY big_lat (lat), KEY big_price (price), KEY big_wide (wide), KEY big_at (at), KEY big_sec (sec), KEY big_stamp (stamp),
			KEY big_day (day), KEY big_f (f), KEY big_opt (opt, id), KEY big_un (un), KEY big_mood (mood))`,
		`INSERT INTO big SELECT i, i % 1000, CONCAT('c', i), CONCAT('name ', i), CONCAT('l', i), i / 100, i / 7, '2024-01-01' + INTERVAL i MINUTE, '2024-01-01' + INTERVAL i MINUTE,
			'2024-01-01' + INTERVAL i MINUTE, '2000-01-01' + INTERVAL (i % 9000) DAY, i / 3, i % 100 = 0, NULLIF(i % 50, 0), i, 1 + i % 400 = 1 FROM ` + series,
		`ANALYZE TABLE big`,
	}
}

// TestIndexes sees to it that the forms in which conditions are pushed leave indexes usable.
func TestIndexes(t *testing.T) {
	filters := map[string]string{
		`{id} = 7`:                          "PRIMARY",
		`IN({id}, 7, 8, 9)`:                 "PRIMARY",
		`BETWEEN({id}, 7, 9)`:               "PRIMARY",
		`{id} < 9.5`:                        "PRIMARY",
		`OR({id} = 1, {id} = 2)`:            "PRIMARY",
		`{n} = 7`:                           "big_n",
		`{code} = "c7"`:                     "big_code",
		`IN({code}, "c7", "c8")`:            "big_code",
		`AND({code} > "c7", {code} < "c8")`: "big_code",
		`STARTS_WITH({code}, "c77")`:        "big_code",
		`{name} = "name 7"`:                 "big_name",
		`IN({name}, "name 7", "name 8")`:    "big_name",
		`{lat} = "l7"`:                      "big_lat",
		`{price} > 99.9`:                    "big_price",
		`{price} = 5`:                       "big_price",
		`{price} < 0.055`:                   "big_price",
		`{wide} = 5`:                        "big_wide",
		`{wide} > 1428`:                     "big_wide",
		`{at} = TO_DATETIME("2024-01-02T00:00:00Z")`:    "big_at",
		`{at} < TO_DATETIME("2024-01-01T01:00:00Z")`:    "big_at",
		`{at} >= TO_DATETIME("2024-01-07T22:00:00Z")`:   "big_at",
		`TO_DATE({at}) = TO_DATE("2024-01-08")`:         "big_at",
		`{sec} = TO_DATETIME("2024-01-02T00:00:00Z")`:   "big_sec",
		`{stamp} = TO_DATETIME("2024-01-02T00:00:00Z")`: "big_stamp",
		`{stamp} < TO_DATETIME("2024-01-01T01:00:00Z")`: "big_stamp",
		`{day} = TO_DATE("2001-01-01")`:                 "big_day",
		`{day} < TO_DATE("2000-01-20")`:                 "big_day",
		`YEAR({day}) = 2024`:                            "big_day",
		`{f} = TO_FLOAT(5)`:                             "big_f",
		`{opt} = BLANK()`:                               "big_opt",
		`{un} = 7`:                                      "big_un",
		`{un} < 7`:                                      "big_un",
		`{mood} = "b"`:                                  "big_mood",
	}
	pages := []struct {
		sorts, index string
		after        []lqp.Value
	}{
		{`["id"]`, "PRIMARY", []lqp.Value{lqp.IntValue(8000)}},
		{`["-id"]`, "PRIMARY", []lqp.Value{lqp.IntValue(2000)}},
		{`["n","id"]`, "big_n", []lqp.Value{lqp.IntValue(900), lqp.IntValue(5000)}},
		{`["-n","-id"]`, "big_n", []lqp.Value{lqp.IntValue(100), lqp.IntValue(5000)}},
		{`["opt","id"]`, "big_opt", []lqp.Value{lqp.IntValue(45), lqp.IntValue(5000)}},
		{`["-opt","-id"]`, "big_opt", []lqp.Value{lqp.IntValue(5), lqp.IntValue(5000)}},
		{`["price","id"]`, "big_price", []lqp.Value{lqp.IntValue(90), lqp.IntValue(9000)}},
		{`["f","id"]`, "big_f", []lqp.Value{lqp.FloatValue(3000), lqp.IntValue(9000)}},
	}
	for i, s := range servers {
		onServer(t, i, big(s.binary), func(t *testing.T, d *database) {
			check := func(q *lqp.Query, index string) {
				t.Helper()
				split := d.Plan(q)
				require.Nil(t, split.Residual, "%v", split.Notes)
				n, err := d.dialect.Load().compile(split.Pushed)
				require.NoError(t, err)
				steps, err := d.explain(t.Context(), n)
				require.NoError(t, err)
				require.Len(t, steps, 1)
				text := fmt.Sprintf("%s\n%v", n.sql, steps[0])
				require.Equal(t, index, steps[0]["key"], text)
				require.Contains(t, []string{"const", "ref", "eq_ref", "range", "ref_or_null"}, steps[0]["type"], text)
				require.NotContains(t, steps[0]["extra"], "filesort", text)
			}
			for filter, index := range filters {
				check(d.Bind(`{"source":{"table":"big"},"filters":`+databasetest.Quote(filter)+`,"columns":["f"]}`), index)
			}
			for _, p := range pages {
				q := d.Bind(`{"source":{"table":"big"},"columns":["name"],"sorts":` + p.sorts + `,"pagination":{"limit":10}}`)
				q.Page.After = p.after
				check(q, p.index)
			}
			joinsUseIndexes(t, d)
			estimates(t, d)
		})
	}
}

// joinsUseIndexes: the joined table is read by its key, also where both sides may be NULL.
func joinsUseIndexes(t *testing.T, d *database) {
	for on, index := range map[string]string{`{a.n} = {b.id}`: "PRIMARY", `{a.opt} = {b.n}`: "big_n", `{a.opt} = {b.opt}`: "big_opt"} {
		q := d.Bind(`{"source":{"table":"big","alias":"a"},"joins":[{"kind":"left","source":{"table":"big","alias":"b"},"on":"` + on + `"}],"filters":"{a.id} < 5","columns":["a.id","b.f"]}`)
		n, err := d.dialect.Load().compile(d.Plan(q).Pushed)
		require.NoError(t, err)
		steps, err := d.explain(t.Context(), n)
		require.NoError(t, err)
		require.Len(t, steps, 2)
		require.Equal(t, index, steps[1]["key"], "%s\n%v", n.sql, steps)
	}
}

func estimates(t *testing.T, d *database) {
	for filter, want := range map[string][2]int64{`TRUE`: {3000, 20000}, `{id} = 5`: {0, 1}, `{id} < 100`: {20, 500}} {
		q := d.Bind(`{"source":{"table":"big"},"filters":` + databasetest.Quote(filter) + `,"columns":["id"]}`)
		n, err := d.Estimate(t.Context(), d.Plan(q).Pushed)
		require.NoError(t, err)
		require.GreaterOrEqual(t, n, want[0], filter)
		require.LessOrEqual(t, n, want[1], filter)
	}
}
