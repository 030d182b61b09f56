package httpapi

import (
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/stretchr/testify/require"
)

// storedState is everything that an instance has stored: catalogue, rows, change log with its positions, accounts and
// sessions. It remembers what was there when it was taken.
type storedState struct {
	files  []storedFile
	tables map[string]string // every row, by file and table
}

// storedFile is one file of an instance. The version that a connection reports changes whenever another one has
// committed: as long as it stays nothing has to be read again.
type storedFile struct {
	name    string
	db      *sqlite3.Conn
	version string
}

// notState are tables in which nothing is that anybody asked for: how far consumers have read the change log, where its chains
// end, and what was discovered at connections, which may be forgotten at any time.
var notState = []string{"lt_cursor", "lt_schema", "lt_chain", "lt_head", "lt_lease"}

// stored reads the state of the instance from its files, beside the engine.
func (in *instance) stored(t testing.TB) *storedState {
	t.Helper()
	require.NoError(t, in.auth.HandOver(t.Context())) // what waits would move by itself
	s := &storedState{}
	for _, name := range []string{"data.db", "accounts.db"} {
		db, err := sqlite3.OpenFlags(filepath.Join(in.dir, name), sqlite3.OPEN_READONLY)
		require.NoError(t, err)
		require.NoError(t, db.Exec("PRAGMA busy_timeout = 5000"))
		t.Cleanup(func() { require.NoError(t, db.Close()) })
		s.files = append(s.files, storedFile{name: name, db: db})
	}
	s.moved(t)
	s.tables = s.read(t)
	return s
}

// moved reports whether anything was committed since it was last asked.
func (s *storedState) moved(t testing.TB) (moved bool) {
	t.Helper()
	for i := range s.files {
		version := storedRows(t, s.files[i].db, "PRAGMA data_version")[0][0]
		moved = moved || version != s.files[i].version
		s.files[i].version = version
	}
	return moved
}

func (s *storedState) read(t testing.TB) map[string]string {
	t.Helper()
	tables := map[string]string{}
	for _, file := range s.files {
		for _, row := range storedRows(t, file.db, `SELECT name, sql FROM sqlite_schema WHERE type = 'table' ORDER BY name`) {
			name := strings.Trim(row[0], `"`)
			tables[file.name+" schema"] += row[1] + "\n"
			if slices.Contains(notState, name) || strings.HasPrefix(name, "sqlite_") {
				continue
			}
			var text strings.Builder
			rows := `SELECT * FROM "` + name + `"`
			if name == "lt_change" { // that a database of another test went away is nobody's doing
				rows += ` WHERE action NOT IN ('connection.down', 'connection.up')`
			}
			for _, r := range storedRows(t, file.db, rows) {
				text.WriteString(strings.Join(r, " | ") + "\n")
			}
			tables[file.name+" "+name] = text.String()
		}
	}
	return tables
}

func storedRows(t testing.TB, db *sqlite3.Conn, query string) (rows [][]string) {
	t.Helper()
	statement, _, err := db.Prepare(query)
	require.NoError(t, err, query)
	for statement.Step() {
		row := make([]string, statement.ColumnCount())
		for i := range row {
			if row[i] = "NULL"; statement.ColumnType(i) != sqlite3.NULL {
				row[i] = fmt.Sprintf("%q", statement.ColumnText(i))
			}
		}
		rows = append(rows, row)
	}
	require.NoError(t, statement.Err(), query)
	require.NoError(t, statement.Close())
	return rows
}

// unchanged demands that what is stored is what it was, but for tables named here, such as "lt_change".
func (s *storedState) unchanged(t testing.TB, what string, but ...string) {
	t.Helper()
	if !s.moved(t) {
		return
	}
	after := s.read(t)
	for _, table := range slices.Sorted(maps.Keys(after)) {
		_, name, _ := strings.Cut(table, " ")
		if slices.Contains(but, name) || s.tables[table] == after[table] {
			continue
		}
		was := strings.Split(s.tables[table], "\n")
		for _, line := range strings.Split(after[table], "\n") {
			if !slices.Contains(was, line) {
				t.Errorf("%s: %s has changed, it has the new row %s", what, table, line)
			}
		}
		require.FailNow(t, "what is stored has changed", "%s: %s", what, table)
	}
	for table := range s.tables {
		require.Contains(t, after, table, what)
	}
}

// attack is one request that must be refused.
type attack struct {
	name, who, method, path string
	body                    any
	headers                 []string
	status                  int      // what is expected, 400 when 0
	code                    string   // of the problem or of one of its errors; "" for any
	unwanted                []string // must not be in the answer
}

// attackTime is how long a refusal may take at most, the machine being busy with other tests.
const attackTime = 5 * time.Second

// foreignWords are the words of databases, drivers and runtimes that belong into the log and into no answer.
var foreignWords = []string{"SQLSTATE", "sqlite3:", "syntax error at or near", "SQL syntax", "pq:", "pgconn", "mongo:", "goroutine ", "runtime error", ".go:"}

// refused sends an attack and demands the status, a problem with a stable code, none of a database's words in the answer,
// an answer in time, and that nothing stored has changed, but in the tables that are named.
func (in *instance) refused(t testing.TB, state *storedState, a attack, but ...string) *answer {
	t.Helper()
	if a.status == 0 {
		a.status = http.StatusBadRequest
	}
	began := time.Now()
	got := in.do(t, a.who, a.method, a.path, a.body, a.headers...)
	what := fmt.Sprintf("%s: %s %s %.500v", a.name, a.method, a.path, a.body)
	require.Less(t, time.Since(began), attackTime, what)
	require.Equal(t, a.status, got.status, "%s: %s", what, got.body)
	require.Equal(t, "application/problem+json", got.header.Get("Content-Type"), what)
	require.NotEmpty(t, got.text(t, "code"), what)
	if a.code != "" {
		require.Contains(t, got.body, `"code":"`+a.code+`"`, what)
	}
	said := strings.ReplaceAll(got.body, got.text(t, "request_id"), "") // in which anything may stand by chance
	for _, unwanted := range append(slices.Clone(foreignWords), a.unwanted...) {
		require.NotContains(t, said, unwanted, what)
	}
	state.unchanged(t, what, but...)
	return got
}

// refuses is refused for several attacks, each a subtest.
func (in *instance) refuses(t *testing.T, attacks []attack, but ...string) {
	t.Helper()
	state := in.stored(t)
	for _, a := range attacks {
		t.Run(a.name, func(t *testing.T) { in.refused(t, state, a, but...) })
	}
}
