package musicshop

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/formula"
	"github.com/livetables/livetables/lqp"
)

// seed makes the shop of an ordinary run.
const seed = 20

// sources are the shops that are asked.
func sources(t testing.TB) map[string]source {
	t.Helper()
	all := map[string]source{"generated": made(generate(seed))}
	if dir := os.Getenv(chinookVariable); dir != "" {
		all["chinook"] = chinook(t, dir)
	}
	return all
}

// question is a query in the names of the PostgreSQL copy.
func question(t testing.TB, file string) *lqp.Query {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	q, err := lqp.DecodeQuery(data, lqp.DecodeOptions{Formula: formula.Parse})
	require.NoError(t, err)
	return q
}

// The same questions get the same bytes from five databases, in one go as well as page by page, and the answers are those
// of SQL that a person wrote.
func TestTenQuestions(t *testing.T) {
	files, err := filepath.Glob("testdata/[0-9]*.json")
	require.NoError(t, err)
	require.Len(t, files, 10)
	for name, src := range sources(t) {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			places := src.copies(t, w)
			for _, file := range files {
				t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
					q := question(t, file)
					at := func(connection string) *lqp.Query { return translate(q, map[string]place{"": places[connection]}) }
					want := w.ask(t, at("postgres"))
					require.NotEmpty(t, want.rows)
					sql, err := os.ReadFile(strings.TrimSuffix(file, ".json") + ".sql")
					require.NoError(t, err)
					assert.Equal(t, bySQL(t, w, at("postgres"), string(sql)).String(), want.String(), "by hand")
					size := 1 + len(want.rows)/3
					for _, connection := range []string{"postgres", "mysql", "mariadb", "sqlite", "mongodb"} {
						assert.Equal(t, want.String(), w.ask(t, at(connection)).String(), connection)
						assert.Equal(t, want.String(), w.walk(t, at(connection), size).String(), "%s by pages of %d", connection, size)
					}
					t.Logf("%d rows, %d bytes", len(want.rows), len(want.String()))
				})
			}
		})
	}
}

// bySQL asks PostgreSQL by hand. Its values are read as texts of the types that the query's columns have.
func bySQL(t testing.TB, w *world, q *lqp.Query, sql string) answer {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), w.postgres)
	require.NoError(t, err)
	defer conn.Close(t.Context())
	result, err := conn.PgConn().Exec(t.Context(), sql).ReadAll()
	require.NoError(t, err)
	require.Len(t, result, 1, "one statement")
	rows, err := w.viewer.Query(t.Context(), w.workspace, q)
	require.NoError(t, err)
	columns := rows.Columns
	require.NoError(t, rows.Close())
	require.Len(t, result[0].FieldDescriptions, len(columns))
	var a answer
	for i, c := range columns {
		a.columns += ", "[:min(i*2, 2)] + c.Name
	}
	for _, cells := range result[0].Rows {
		line := []byte{'['}
		for i, cell := range cells {
			if i > 0 {
				line = append(line, ',')
			}
			v := lqp.NullValue
			if cell != nil {
				v, err = lqp.ParseText(columns[i].Type, string(cell))
				if columns[i].Type.Kind == lqp.Text {
					v, err = lqp.TextValue(string(cell)), nil // also an empty one
				}
				require.NoError(t, err)
			}
			line = v.AppendJSON(line)
		}
		a.rows = append(a.rows, string(append(line, ']')))
	}
	return a
}

// Invoices from PostgreSQL, their tracks from MongoDB and the customers from the mini-DB in one query: the answer is that
// of the same query on PostgreSQL alone.
func TestThreeDatabasesAnswerAsOne(t *testing.T) {
	q := question(t, "testdata/federated.json")
	for name, src := range sources(t) {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			places := src.copies(t, w)
			places["mini"] = w.intoMiniDB(t, src.shop.table("customer"))
			one := places["postgres"]
			want := w.ask(t, translate(q, map[string]place{"postgres": one, "mongodb": one, "mini": one}))
			require.Greater(t, len(want.rows), 3)
			sql, err := os.ReadFile("testdata/federated.sql")
			require.NoError(t, err)
			spread := translate(q, places)
			assert.Equal(t, bySQL(t, w, spread, string(sql)).String(), want.String(), "by hand")
			assert.Equal(t, want.String(), w.ask(t, spread).String())
			assert.Equal(t, want.String(), w.walk(t, spread, 1+len(want.rows)/3).String(), "page by page")
			x, err := w.owner.Explain(t.Context(), w.workspace, spread)
			require.NoError(t, err)
			assert.GreaterOrEqual(t, len(x.Parts), 3, "three sources are asked")
		})
	}
}
