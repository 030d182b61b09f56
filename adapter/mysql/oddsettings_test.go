package mysql

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	driver "github.com/go-sql-driver/mysql"
	"github.com/livetables/livetables/adapter/internal/databasetest"
	"github.com/stretchr/testify/require"
)

// oddSettings are settings of a server under which statements and values read otherwise, unless the session says what it
// relies on. They are given to the session before it is pinned, as if they were the server's.
var oddSettings = map[string]string{
	"sql_mode":  "'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT,IGNORE_SPACE,HIGH_NOT_PRECEDENCE,NO_UNSIGNED_SUBTRACTION,ONLY_FULL_GROUP_BY,PAD_CHAR_TO_FULL_LENGTH,REAL_AS_FLOAT'",
	"time_zone": "'-03:30'", "div_precision_increment": "0", "max_sort_length": "8", "group_concat_max_len": "4", "sql_auto_is_null": "1", "sql_select_limit": "3",
	"default_week_format": "6", "lc_time_names": "'de_DE'", "character_set_results": "latin1", "collation_connection": "latin1_german1_ci", "autocommit": "0",
	"transaction_isolation": "'SERIALIZABLE'", "sql_safe_updates": "1",
}

// TestOddSettings asks servers with odd settings what the others are asked.
func TestOddSettings(t *testing.T) {
	var values []string
	for i, row := range databasetest.Dates(rand.New(rand.NewPCG(5, 6)), 60) {
		values = append(values, fmt.Sprintf(`(%d, '%s', '%s', '%s', '%s', 'a\\b''c" %d ', 'c%d', %d / 7, 'é', %d)`, i, row[0], row[1], row[2], row[3], i, i, i, i))
	}
	onServers(t, []string{`CREATE TABLE c (id int PRIMARY KEY, d date, e date, t datetime(3), u datetime(6), s varchar(60) CHARACTER SET utf8mb4, p char(20) CHARACTER SET utf8mb4, f double, l text CHARACTER SET latin1, n int unsigned)`,
		`INSERT INTO c VALUES (-1, NULL, '2024-01-01', NULL, '2024-01-01', NULL, NULL, NULL, NULL, NULL), ` + strings.Join(values, ", ")}, func(t *testing.T, d *database) {
		cfg := driverConfig(d.settings)
		cfg.Params = map[string]string{}
		for name, value := range oddSettings {
			if d.mariadb() && name == "transaction_isolation" {
				name = "tx_isolation"
			}
			cfg.Params[name] = value
		}
		if d.mariadb() {
			cfg.Params["in_predicate_conversion_threshold"] = "2" // lists become tables
		}
		odd, err := open(d.settings)
		require.NoError(t, err)
		odd.connector, err = driver.NewConnector(cfg)
		require.NoError(t, err)
		w := databasetest.New(t, odd)
		w.Discover()
		w.Sweep("c", []string{`TRIM({s})`, `REVERSE({s})`, `FIND("\\b", {s})`, `{s} & "\\" & {id}`, `LEN({p})`, `{p} & "|"`, `DATEADD({u}, 1, "month")`, `DATE_TRUNC({t}, "week")`, `DATETIME_DIFF({u}, {t}, "month")`,
			`TO_TEXT({u})`, `WEEKNUM({u})`, `ISOWEEKNUM({d})`, `{f} * 3`, `{n} - 10`, `{n} / 7`, `YEAR({t})`, `NOT({n} = 3)`})
		w.Filters("c", []string{`{s} = "a\\b'c\" 7 "`, `CONTAINS({s}, "\\")`, `STARTS_WITH({s}, "a\\b'")`, `ENDS_WITH({s}, "1 ")`, `{s} = BLANK()`, `{id} = BLANK()`, `{l} = "é"`, `{d} >= TO_DATE("2024-02-03")`,
			`{u} < TO_DATETIME("2024-02-03T00:00:00Z")`, `IN({p}, "c7", "c8 ")`, `{p} = "c7"`, `NOT(NOT({n} = 3))`, `{n} - 10 < 0`})
		q := w.Bind(`{"source":{"table":"c"},"columns":["id","d","t","u","s","p","f","l"],"sorts":["-u","s","id"],"pagination":{"limit":20}}`)
		got, split := w.Planned(q)
		require.Nil(t, split.Residual)
		require.Equal(t, w.Reference(q), got)
		require.Len(t, got, 20)
		long := w.Bind(`{"source":{"table":"c"},"filters":` + databasetest.Quote(`IN({s}, "x`+strings.Repeat(` ", "x`, 50)+`", "a\\b'c\" 9 ", "a\\b'c\" 8")`) + `,"columns":["id"],"sorts":["id"]}`)
		got, split = w.Planned(long)
		require.Nil(t, split.Residual)
		require.Equal(t, [][]string{{"9"}}, got, "a list that MariaDB puts into a table")
	})
}
