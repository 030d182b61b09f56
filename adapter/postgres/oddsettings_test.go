package postgres

import (
	"fmt"
	"strings"
	"testing"

	"github.com/livetables/livetables/adapter/internal/databasetest"
	"github.com/stretchr/testify/require"
)

// oddSettings are settings of a database under which statements and values read otherwise, unless the session says what it
// relies on.
var oddSettings = []string{"standard_conforming_strings = off", "escape_string_warning = on", "backslash_quote = off", "extra_float_digits = -15", "DateStyle = 'SQL, DMY'",
	"IntervalStyle = 'sql_standard'", "TimeZone = 'America/St_Johns'", "bytea_output = 'escape'", "transform_null_equals = on", "client_encoding = 'LATIN1'", "search_path = 'public'",
	"quote_all_identifiers = on", "array_nulls = off", "lc_numeric = 'C'", "default_transaction_isolation = 'serializable'", "plan_cache_mode = 'force_generic_plan'",
	"timezone_abbreviations = 'Australia'", "statement_timeout = 1", "jit = on"}

// TestOddSettings asks a database with odd settings what the others are asked.
func TestOddSettings(t *testing.T) {
	var statements, values []string
	for _, s := range oddSettings {
		statements = append(statements, "DO $$ BEGIN EXECUTE 'ALTER DATABASE ' || quote_ident(current_database()) || $x$ SET "+s+" $x$; END $$")
	}
	for i, row := range databasetest.Dates(seeded(t), 60) {
		values = append(values, fmt.Sprintf(`(%d, '%s', '%s', '%s', '%s', 'a\b''c" %d ', %d / 7.0, '\xDEAD', 'é')`, i, row[0], row[1], row[2], row[3], i, i))
	}
	statements = append(statements, `CREATE TABLE c (id int PRIMARY KEY, d date, e date, t timestamp, u timestamptz(3), s text, f float8, b bytea, l text)`,
		`INSERT INTO c VALUES (-1, NULL, '2024-01-01', NULL, '2024-01-01', NULL, NULL, NULL, NULL), `+strings.Join(values, ", "))
	d := newDatabase(t, statements...)
	// The connection that fills the database was there before the settings.
	d.Sweep("c", databasetest.TextFormulasOf("s"))
	d.Sweep("c", []string{`DATEADD({u}, 1, "month")`, `DATE_TRUNC({t}, "week")`, `DATETIME_DIFF({u}, {t}, "month")`, `TO_TEXT({u})`, `WEEKNUM({u})`, `{f} * 3`, `{l} & "ü"`, `YEAR({t})`})
	d.Filters("c", []string{`{s} = "a\\b'c\" 7 "`, `CONTAINS({s}, "\\")`, `STARTS_WITH({s}, "a\\b'")`, `ENDS_WITH({s}, "1 ")`, `{s} = BLANK()`, `{f} = 5 / 7`, `{f} > TO_FLOAT("0.14285714285714285")`, `{l} = "é"`,
		`{d} >= TO_DATE("2024-02-03")`, `{u} < TO_DATETIME("2024-02-03T00:00:00Z")`, `IN({s}, "a\\b'c\" 7 ", "NULL")`})
	q := d.Bind(`{"source":{"table":"c"},"columns":["id","d","t","u","s","f","b","l"],"sorts":["-u","s","id"],"pagination":{"limit":20}}`)
	got, split := d.Planned(q)
	require.Nil(t, split.Residual)
	require.Equal(t, d.Reference(q), got)
	require.Equal(t, `"3q0="`, got[0][6])
}
