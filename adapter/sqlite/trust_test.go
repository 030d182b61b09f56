package sqlite

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// TestTrustEndsWithAWrite: what one statement found out about the cells of a file does not hold for the next, when
// another program has written in between.
func TestTrustEndsWithAWrite(t *testing.T) {
	for _, journal := range []string{"DELETE", "WAL"} {
		t.Run(journal, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "n.db")
			foreignFile(t, path, "PRAGMA journal_mode = "+journal, "CREATE TABLE n (id INTEGER PRIMARY KEY, v INTEGER)", "CREATE INDEX n_v ON n (v)",
				"INSERT INTO n VALUES (1, 5), (2, 3), (3, 4)")
			a, err := Open(t.Context(), adapter.Settings{File: path, ReadOnly: true, MaxConns: 1})
			require.NoError(t, err)
			defer a.Close()
			q := planned(t, a, &lqp.Query{From: lqp.Source{Table: "n"}, OrderBy: []lqp.Order{{Expr: lqp.Ref("", "v")}, {Expr: lqp.Ref("", "id")}},
				Select: []lqp.Named{{Name: "id", Expr: lqp.Ref("", "id")}}, Page: lqp.Page{Limit: 10}})
			ids := func() (ids []string) {
				for _, r := range answer(t, a, q) {
					ids = append(ids, r[0].String())
				}
				return ids
			}
			native := func() string {
				sql, err := a.(*Adapter).Native(q)
				require.NoError(t, err)
				return sql
			}
			for n := range 20 { // also when it changes so often that it is no longer asked every time
				require.Equal(t, []string{"2", "3", "1"}, ids())
				if n == 0 {
					require.Contains(t, native(), `ORDER BY t0."v", t0."id"`)
				}
				foreignFile(t, path, "UPDATE n SET v = 5.25 WHERE id = 1")
				require.Equal(t, []string{"1", "2", "3"}, ids(), "a fraction in the column reads as NULL")
				require.Contains(t, native(), "typeof")
				foreignFile(t, path, "UPDATE n SET v = 5 WHERE id = 1")
			}
			foreignFile(t, path, "DROP INDEX n_v", "ALTER TABLE n RENAME COLUMN v TO w", "ALTER TABLE n ADD COLUMN v TEXT", "UPDATE n SET v = '0' || w", "CREATE INDEX n_v ON n (v)")
			require.ElementsMatch(t, []string{"1", "2", "3"}, ids(), "the column is another one now")
			require.Contains(t, native(), "typeof")
		})
	}
}

// TestRowsKeepTheirSnapshot: what a page reads after the first of its statements is of the same state of the file.
func TestRowsKeepTheirSnapshot(t *testing.T) {
	path := filepath.Join(t.TempDir(), "n.db")
	foreignFile(t, path, "PRAGMA journal_mode = WAL", "CREATE TABLE n (id INTEGER PRIMARY KEY, v INTEGER)", "CREATE INDEX n_v ON n (v)",
		"INSERT INTO n VALUES (1, 5), (2, 3), (3, NULL), (4, NULL)")
	a, err := Open(t.Context(), adapter.Settings{File: path, ReadOnly: true})
	require.NoError(t, err)
	defer a.Close()
	q := planned(t, a, &lqp.Query{From: lqp.Source{Table: "n"}, OrderBy: []lqp.Order{{Expr: lqp.Ref("", "v"), Desc: true}, {Expr: lqp.Ref("", "id")}},
		Select: []lqp.Named{{Name: "id", Expr: lqp.Ref("", "id")}}, Page: lqp.Page{Limit: 10, After: []lqp.Value{lqp.IntValue(4), lqp.IntValue(0)}}})
	r, err := a.Scan(t.Context(), q)
	require.NoError(t, err)
	defer r.Close()
	require.True(t, r.Next())
	foreignFile(t, path, "UPDATE n SET v = 'odd'", "DELETE FROM n WHERE id = 3")
	ids := []string{r.Value(0).String()}
	for r.Next() {
		ids = append(ids, r.Value(0).String())
	}
	require.NoError(t, r.Err())
	require.Equal(t, []string{"2", "3", "4"}, ids)
	require.Len(t, answer(t, a, q), 3, "all that are left read as NULL")
}

func TestLayoutsOfDatetimes(t *testing.T) {
	for i, layout := range layouts {
		text, ok := appendLayout(nil, i, 1_700_006_400_000) // a midnight
		require.True(t, ok)
		require.Len(t, text, len(layout))
		require.Equal(t, i, layoutOf(text), string(text))
		millis, ok := parseDateTime(text)
		require.True(t, ok)
		require.Equal(t, int64(1_700_006_400_000), millis)
		_, fine := appendLayout(nil, i, 1_700_006_400_001)
		require.Equal(t, len(layout) >= len("0000-00-00 00:00:00.000"), fine, layout)
	}
	for _, text := range []string{"2024-02-30 10:00:00", "2024-02-29 10:00:00.123456", "2024-02-29 10:00:00+01:00", "2024-02-29t10:00:00", "", "x"} {
		require.Equal(t, -1, layoutOf([]byte(text)), text)
	}
}
