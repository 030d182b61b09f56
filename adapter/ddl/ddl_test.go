package ddl_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/ddl"
)

func TestStatements(t *testing.T) {
	for _, c := range []struct{ name, text, sqlite, postgres string }{
		{"table", "CREATE TABLE a (\n  id TEXT NOT NULL PRIMARY KEY,\n  n INTEGER,\n  b BLOB,\n  d JSONTEXT\n) STRICT, WITHOUT ROWID;\n",
			"CREATE TABLE a (\n  id TEXT NOT NULL PRIMARY KEY,\n  n INTEGER,\n  b BLOB,\n  d JSONTEXT\n) STRICT, WITHOUT ROWID",
			"CREATE TABLE a (\n  id TEXT COLLATE \"C\" NOT NULL PRIMARY KEY,\n  n BIGINT,\n  b BYTEA,\n  d TEXT COLLATE \"C\"\n)"},
		{"other orders of the options", "CREATE TABLE a (n INTEGER) WITHOUT ROWID, STRICT;", "CREATE TABLE a (n INTEGER) WITHOUT ROWID, STRICT",
			"CREATE TABLE a (n BIGINT)"},
		{"one option", "CREATE TABLE a (n INTEGER) STRICT;", "CREATE TABLE a (n INTEGER) STRICT", "CREATE TABLE a (n BIGINT)"},
		{"quotes keep their text", "INSERT INTO a (\"TEXT\", b) VALUES ('it''s TEXT', 'INTEGER');",
			"INSERT INTO a (\"TEXT\", b) VALUES ('it''s TEXT', 'INTEGER')", "INSERT INTO a (\"TEXT\", b) VALUES ('it''s TEXT', 'INTEGER')"},
		{"parts of words stay", "CREATE INDEX TEXT_B ON a (MYTEXT);", "CREATE INDEX TEXT_B ON a (MYTEXT)", "CREATE INDEX TEXT_B ON a (MYTEXT)"},
		{"an open quote ends with the statement", "SELECT 'x;", "SELECT 'x", "SELECT 'x"},
		{"default", "ALTER TABLE a ADD COLUMN b TEXT NOT NULL DEFAULT '';", "ALTER TABLE a ADD COLUMN b TEXT NOT NULL DEFAULT ''",
			`ALTER TABLE a ADD COLUMN b TEXT COLLATE "C" NOT NULL DEFAULT ''`},
	} {
		t.Run(c.name, func(t *testing.T) {
			for driver, want := range map[string]string{ddl.SQLite: c.sqlite, ddl.Postgres: c.postgres} {
				got, err := ddl.Statements(driver, c.text)
				require.NoError(t, err)
				require.Equal(t, []string{want}, got, driver)
			}
		})
	}
}

func TestStatementsAreCutAtLineEnds(t *testing.T) {
	got, err := ddl.Statements(ddl.SQLite, "-- x;\nA\n\n B;\r\n  -- y\nC;\n")
	require.NoError(t, err)
	require.Equal(t, []string{"A\n B", "C"}, got)
}

func TestUnknownDriversAreRefused(t *testing.T) {
	_, err := ddl.Statements("oracle", "A;")
	require.ErrorIs(t, err, adapter.ErrUnsupported)
}
