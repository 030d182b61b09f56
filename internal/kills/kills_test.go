package kills

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/internal/daemontest"
	"github.com/livetables/livetables/internal/testenv"
	"github.com/livetables/livetables/internal/testseed"
)

// program is the daemon, built once for the tests.
var program string

func TestMain(m *testing.M) { os.Exit(run(m)) }

// apart is set in a process of the tests that has a user and a mount namespace of its own, to the daemon that was built.
const apart = "LIVETABLES_TEST_APART"

func run(m *testing.M) int {
	if program = os.Getenv(apart); program != "" {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "kills")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	program = filepath.Join(dir, "livetablesd")
	if err := daemontest.Build(context.Background(), program, failing...); err != nil {
		panic(err)
	}
	return m.Run()
}

// campaignOf runs a campaign with the seed of the test.
func campaignOf(t *testing.T, o Options) *Report {
	t.Helper()
	o.Program, o.Dir, o.Seed = program, t.TempDir(), testseed.Of(t)
	report, err := Run(t.Context(), o)
	if missing := (*testenv.MissingError)(nil); errors.As(err, &missing) && !testenv.KindPostgres.Required() {
		t.Skip(err)
	}
	require.NoError(t, err)
	t.Log(report)
	return report
}

// TestNothingIsLost is a short campaign on files. The long ones are "make kills".
func TestNothingIsLost(t *testing.T) {
	report := campaignOf(t, Options{Writes: 300, Kills: 6})
	require.Zero(t, report.Found, report)
	require.Equal(t, 6, report.DaemonKills)
	require.Positive(t, report.Acknowledged)
	require.Zero(t, report.Refused)
	require.Equal(t, report.Writes, report.Acknowledged+report.Unknown)
}

// TestNothingIsLostOnPostgres is the same on a server that is killed too.
func TestNothingIsLostOnPostgres(t *testing.T) {
	report := campaignOf(t, Options{Writes: 80, Kills: 3, Postgres: true})
	require.Zero(t, report.Found, report)
	require.GreaterOrEqual(t, report.DaemonKills+report.ServerKills, 3)
	require.Positive(t, report.Acknowledged)
}

// TestNothingIsLostOnAFailingDisk is the same on files whose disk fails, and its power. The long ones are "make faults".
func TestNothingIsLostOnAFailingDisk(t *testing.T) {
	report := campaignOf(t, Options{Writes: 100, Kills: 6, Disk: true})
	require.Zero(t, report.Found, report)
	require.Equal(t, 6, report.DaemonKills+report.PowerCuts)
	require.Positive(t, report.Acknowledged)
}

// liar is a proxy before the daemon that tells writers something else than what happened.
func liar(change func(w http.ResponseWriter, r *http.Request, body []byte, next http.Handler)) func(string) (string, func()) {
	return func(daemon string) (string, func()) {
		target, err := url.Parse(daemon)
		if err != nil {
			panic(err) // of a daemon that is running
		}
		proxy := httputil.NewSingleHostReverseProxy(target)
		proxy.ErrorHandler = func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) } // as a daemon that died
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				panic(http.ErrAbortHandler)
			}
			again(r, body)
			change(w, r, body, proxy)
		}))
		return server.URL, server.Close
	}
}

func again(r *http.Request, body []byte) {
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
}

// TestLiesAreFound plants faults between the writers and the daemon, and expects each to be found.
func TestLiesAreFound(t *testing.T) {
	single := func(r *http.Request) bool {
		return r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/rows")
	}
	var seen atomic.Int64
	for name, tc := range map[string]struct {
		change func(w http.ResponseWriter, r *http.Request, body []byte, next http.Handler)
		want   string
	}{
		"acknowledged and not done": {func(w http.ResponseWriter, r *http.Request, body []byte, next http.Handler) {
			if single(r) && seen.Add(1)%20 == 0 {
				w.WriteHeader(http.StatusCreated)
				return
			}
			next.ServeHTTP(w, r)
		}, "is lost"},
		"done twice": {func(w http.ResponseWriter, r *http.Request, body []byte, next http.Handler) {
			if single(r) && seen.Add(1)%20 == 0 {
				r.Header.Del("Idempotency-Key")
				next.ServeHTTP(httptest.NewRecorder(), r)
				again(r, body)
			}
			next.ServeHTTP(w, r)
		}, "by half: 2 rows"},
		"done by half": {func(w http.ResponseWriter, r *http.Request, body []byte, next http.Handler) {
			var doc struct {
				Op     string            `json:"op"`
				Rows   []json.RawMessage `json:"rows"`
				Reason string            `json:"reason"`
			}
			if strings.HasSuffix(r.URL.Path, "/bulk") && json.Unmarshal(body, &doc) == nil && doc.Op == "insert" && seen.Add(1)%10 == 0 {
				doc.Rows = doc.Rows[:len(doc.Rows)/2]
				less, err := json.Marshal(doc)
				if err != nil {
					panic(http.ErrAbortHandler)
				}
				again(r, less)
			}
			next.ServeHTTP(w, r)
		}, "by half"},
		"refused and done": {func(w http.ResponseWriter, r *http.Request, body []byte, next http.Handler) {
			if single(r) && seen.Add(1)%20 == 0 {
				next.ServeHTTP(httptest.NewRecorder(), r)
				w.WriteHeader(http.StatusForbidden)
				return
			}
			next.ServeHTTP(w, r)
		}, "was refused, and"},
	} {
		t.Run(name, func(t *testing.T) {
			report := campaignOf(t, Options{Writes: 200, Kills: 1, Front: liar(tc.change)})
			require.Positive(t, report.Found)
			require.Contains(t, strings.Join(report.Violations, "\n"), tc.want)
		})
	}
}

// TestDamageIsFound changes the stored data behind the daemon's back.
func TestDamageIsFound(t *testing.T) {
	do := func(statements ...string) func(Place) error {
		return func(p Place) error {
			store, err := p.Open(t.Context())
			if err != nil {
				return err
			}
			err = store.Write(t.Context(), func(tx adapter.Tx) error {
				for _, sql := range statements {
					if _, err := tx.Exec(t.Context(), sql); err != nil {
						return err
					}
				}
				return nil
			})
			return errors.Join(err, store.Close())
		}
	}
	for name, tc := range map[string]struct{ sql, want string }{
		"an entry is gone": {`DELETE FROM lt_change WHERE position = (SELECT max(position) - 3 FROM lt_change WHERE action = 'row.insert')`, "the log goes from position"},
		"an entry is another": {`UPDATE lt_change SET version = version + 1 WHERE position = (SELECT max(position) FROM lt_change WHERE action = 'row.insert')`,
			"audit verify"},
		"an offset is left out": {`UPDATE lt_change SET table_offset = table_offset + 1000000 WHERE position = (SELECT max(position) FROM lt_change WHERE action = 'row.insert')`,
			"from offset"},
		"whoever asks is forgotten": {`DELETE FROM lt_member`, "or whoever may read it"},
		"the table is forgotten":    {`UPDATE lt_table SET id = 'x' WHERE name = 'First'`, "or whoever may read it"},
	} {
		t.Run(name, func(t *testing.T) {
			report := campaignOf(t, Options{Writes: 100, Kills: 1, Damage: do(tc.sql)})
			require.Contains(t, strings.Join(report.Violations, "\n"), tc.want)
		})
	}
	t.Run("definitions and physical tables", func(t *testing.T) {
		report := campaignOf(t, Options{Writes: 60, Kills: 1, Damage: do(
			`CREATE TABLE tbl_left (a INTEGER)`,
			`INSERT INTO lt_index SELECT 'idx_none', workspace, id, '[]', 0, '' FROM lt_table WHERE name = 'First'`,
			`UPDATE lt_column SET name = 'Q', name_key = 'q' WHERE name = 'N' AND table_id IN (SELECT id FROM lt_table WHERE name = 'First')`,
			`DELETE FROM lt_column WHERE name = 'N' AND table_id IN (SELECT id FROM lt_table WHERE name = 'Second')`)})
		all := strings.Join(report.Violations, "\n")
		for _, want := range []string{"physical table tbl_left that nothing names", "index idx_none of table", "in the log it is", "has a column col_"} {
			require.Contains(t, all, want)
		}
	})
}
