package musicshop

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/lqp"
)

// chinookVariable names the directory with the files of the real database.
const chinookVariable = "LIVETABLES_CHINOOK"

// chinook is the real database: the scripts and the SQLite file as they are published, the JSON file for MongoDB.
func chinook(t testing.TB, dir string) source {
	t.Helper()
	return source{
		shop: fromJSON(t, filepath.Join(dir, "ChinookData.json")),
		// PostgreSQL drops the spaces at the end of a text that is written as N'…', which the other databases keep.
		postgres: nationalText.ReplaceAllString(insideDatabase(t, filepath.Join(dir, "Chinook_PostgreSql.sql")), "$1'"),
		mysql:    insideDatabase(t, filepath.Join(dir, "Chinook_MySql.sql")),
		sqlite: func(t testing.TB, file string) {
			t.Helper()
			copyFile(t, filepath.Join(dir, "Chinook_Sqlite.sqlite"), file)
		},
	}
}

var nationalText = regexp.MustCompile(`([(,] ?)N'`)

// insideDatabase is a script without the lines that make a database and go there: tests have one of their own.
func insideDatabase(t testing.TB, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	var kept strings.Builder
	for line := range strings.Lines(strings.TrimPrefix(string(data), "\ufeff")) {
		if strings.HasPrefix(line, "DROP DATABASE") || strings.HasPrefix(line, "CREATE DATABASE") || strings.HasPrefix(line, "USE ") || strings.HasPrefix(line, `\c `) {
			continue
		}
		kept.WriteString(line)
	}
	return kept.String()
}

// fromJSON reads the JSON file: lists of objects by the names that the SQLite file has. It writes no value as an empty text.
func fromJSON(t testing.TB, file string) *shop {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	var all map[string][]map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(data, &all))
	s := newShop("chinook")
	for _, tb := range s.tables {
		objects := all[camel.table(tb.name)]
		require.NotEmpty(t, objects, tb.name)
		for _, object := range objects {
			row := make([]lqp.Value, len(tb.columns))
			for i, c := range tb.columns {
				cell := string(object[camel.column(tb.name, c.name)])
				if c.kind == text || c.kind == instant {
					require.NoError(t, json.Unmarshal([]byte(cell), &cell))
				}
				if cell == "" || cell == "null" {
					continue
				}
				if c.kind == instant {
					cell += "Z"
				}
				row[i], err = lqp.ParseText(types[c.kind], cell)
				require.NoError(t, err, "%s.%s", tb.name, c.name)
			}
			tb.rows = append(tb.rows, row)
		}
	}
	return s
}
