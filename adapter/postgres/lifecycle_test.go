package postgres

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/internal/databasetest"
	"github.com/livetables/livetables/lqp"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// slow is a view that takes minutes, wide one that is far too big to be read.
var slowViews = []string{
	`CREATE VIEW slow AS SELECT i AS id, pg_sleep(0.2)::text AS s FROM generate_series(1, 1000) AS i`,
	`CREATE VIEW wide AS SELECT i AS id, repeat('x', 1000) AS s FROM generate_series(1, 10000) AS i, generate_series(1, 10000) AS k`,
}

// running counts the statements of our adapter that the server is executing.
func (d *database) running() int {
	d.T.Helper()
	var n int
	require.NoError(d.T, d.admin.QueryRow(context.Background(), `SELECT count(*) FROM pg_stat_activity
		WHERE datname = current_database() AND application_name = 'livetables' AND state = 'active'`).Scan(&n))
	return n
}

// eventuallyIdle waits until the server executes nothing for us.
func (d *database) eventuallyIdle() {
	d.T.Helper()
	require.Eventually(d.T, func() bool { return d.running() == 0 }, 10*time.Second, 20*time.Millisecond, "the statement still runs")
}

func TestCancelReachesTheServer(t *testing.T) {
	d := newDatabase(t, slowViews...)
	q := d.Bind(`{"source":{"table":"slow"},"filters":"{s} = \"x\""}`)
	s := d.Plan(q)
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	go func() {
		_, err := d.Scan(ctx, s.Pushed)
		failed <- err
	}()
	require.Eventually(t, func() bool { return d.running() == 1 }, 10*time.Second, 10*time.Millisecond)
	cancel()
	err := <-failed
	require.ErrorIs(t, err, context.Canceled)
	require.NotContains(t, err.Error(), "SQLSTATE")
	d.eventuallyIdle()
	require.NoError(t, d.Ping(t.Context()), "the connection can be used again")
}

func TestDeadline(t *testing.T) {
	d := newDatabase(t, slowViews...)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := d.Scan(ctx, d.Plan(d.Bind(`{"source":{"table":"slow"},"filters":"{s} = \"x\""}`)).Pushed)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	d.eventuallyIdle()
}

func TestStatementTimeout(t *testing.T) {
	d := newDatabase(t, slowViews...)
	d.settings.Timeout = 300 * time.Millisecond
	a, err := open(d.settings)
	require.NoError(t, err)
	defer func() { require.NoError(t, a.Close()) }()
	_, err = a.Scan(t.Context(), d.Plan(d.Bind(`{"source":{"table":"slow"},"filters":"{s} = \"x\""}`)).Pushed)
	require.ErrorIs(t, err, adapter.ErrTimeout)
	d.eventuallyIdle()
}

func TestCloseEndsABigResult(t *testing.T) {
	d := newDatabase(t, slowViews...)
	d.settings.MaxConns = 1
	a, err := open(d.settings)
	require.NoError(t, err)
	defer func() { require.NoError(t, a.Close()) }()
	q := d.Plan(d.Bind(`{"source":{"table":"wide"}}`)).Pushed
	for range 3 { // with one connection, each scan needs the one of the scan before
		rows, err := a.Scan(t.Context(), q)
		require.NoError(t, err)
		require.True(t, rows.Next())
		require.Equal(t, "1", rows.Value(0).String())
		begun := time.Now()
		require.NoError(t, rows.Close())
		require.Less(t, time.Since(begun), time.Second, "Close does not wait for the server")
		require.False(t, rows.Next())
		require.NoError(t, rows.Close())
		require.NoError(t, rows.Err())
	}
	d.eventuallyIdle()
}

func TestCancelWhileReading(t *testing.T) {
	d := newDatabase(t, slowViews...)
	ctx, cancel := context.WithCancel(t.Context())
	rows, err := d.Scan(ctx, d.Plan(d.Bind(`{"source":{"table":"wide"}}`)).Pushed)
	require.NoError(t, err)
	require.True(t, rows.Next())
	cancel()
	for rows.Next() {
	}
	require.ErrorIs(t, rows.Err(), context.Canceled)
	require.NoError(t, rows.Close())
	d.eventuallyIdle()
}

// TestNothingIsLeftBehind closes an adapter with an open result and looks for goroutines.
func TestNothingIsLeftBehind(t *testing.T) {
	d := newDatabase(t, slowViews...)
	before := goleak.IgnoreCurrent()
	a, err := open(d.settings)
	require.NoError(t, err)
	rows, err := a.Scan(t.Context(), d.Plan(d.Bind(`{"source":{"table":"wide"}}`)).Pushed)
	require.NoError(t, err)
	require.NoError(t, rows.Close())
	require.NoError(t, a.Close())
	require.NoError(t, a.Close(), "twice")
	_, err = a.Scan(t.Context(), d.Plan(d.Bind(`{"source":{"table":"wide"}}`)).Pushed)
	require.ErrorIs(t, err, adapter.ErrUnavailable)
	goleak.VerifyNone(t, before)
}

// TestCloseEndsWhatRuns closes the adapter while somebody reads.
func TestCloseEndsWhatRuns(t *testing.T) {
	d := newDatabase(t, slowViews...)
	a, err := open(d.settings)
	require.NoError(t, err)
	rows, err := a.Scan(t.Context(), d.Plan(d.Bind(`{"source":{"table":"wide"}}`)).Pushed)
	require.NoError(t, err)
	closed := make(chan error, 1)
	go func() { closed <- a.Close() }()
	for rows.Next() {
	}
	require.ErrorIs(t, rows.Err(), adapter.ErrUnavailable)
	require.NoError(t, rows.Close())
	require.NoError(t, <-closed)
	d.eventuallyIdle()
}

// TestSchemaChanges alters a table under a prepared statement.
func TestSchemaChanges(t *testing.T) {
	d := newDatabase(t, `CREATE TABLE t (id int PRIMARY KEY, v varchar(10))`, `INSERT INTO t VALUES (1, 'a')`)
	q := d.Bind(`{"source":{"table":"t"},"columns":["v"]}`)
	read := func() [][]string {
		rows, err := d.Scan(t.Context(), d.Plan(q).Pushed)
		return d.Read(rows, err, 1)
	}
	require.Equal(t, [][]string{{`"a"`}}, read())
	d.exec(`ALTER TABLE t ALTER COLUMN v TYPE text`) // cached plan must not change result type
	require.Equal(t, [][]string{{`"a"`}}, read())
	d.exec(`ALTER TABLE t ALTER COLUMN v TYPE int USING 5`)
	_, err := d.Scan(t.Context(), d.Plan(q).Pushed)
	require.ErrorIs(t, err, adapter.ErrNoTable, "the column that was discovered is gone")
	d.exec(`DROP TABLE t`)
	_, err = d.Scan(t.Context(), d.Plan(q).Pushed)
	require.ErrorIs(t, err, adapter.ErrNoTable)
}

// TestManyStatements has more shapes of queries than a connection keeps prepared.
func TestManyStatements(t *testing.T) {
	d := newDatabase(t, `CREATE TABLE t (id int PRIMARY KEY)`, `INSERT INTO t SELECT generate_series(1, 10)`)
	d.settings.MaxConns = 1
	a, err := open(d.settings)
	require.NoError(t, err)
	defer func() { require.NoError(t, a.Close()) }()
	q := *d.Bind(`{"source":{"table":"t"},"sorts":["id"]}`)
	for i := range 2*maxStatements + 10 {
		q.Page.Limit = i%(maxStatements+100) + 1 // limits are part of the text
		rows, err := a.Scan(t.Context(), &q)
		require.NoError(t, err)
		n := 0
		for rows.Next() {
			n++
		}
		require.NoError(t, errors.Join(rows.Err(), rows.Close()))
		require.Equal(t, min(q.Page.Limit, 10), n)
	}
	var prepared int
	require.NoError(t, a.pool.QueryRow(t.Context(), `SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'lt%'`).Scan(&prepared))
	require.Equal(t, maxStatements, prepared)
}

func TestReadOnlyAtTheServer(t *testing.T) {
	d := newDatabase(t, `CREATE TABLE t (id int)`)
	_, err := d.pool.Exec(t.Context(), `INSERT INTO public.t VALUES (1)`)
	require.Equal(t, adapter.ErrDenied, sentinel(err))
}

// TestDataErrors: an overflow of doubles is an error here and NULL in memory; the engine must learn which it was.
func TestDataErrors(t *testing.T) {
	d := newDatabase(t, `CREATE TABLE t (id int PRIMARY KEY, f float8)`, `INSERT INTO t VALUES (1, 1e308)`)
	q := d.Bind(`{"source":{"table":"t"},"filters":"{f} * 10 > 5","columns":["id"]}`)
	_, err := d.Scan(t.Context(), d.Plan(q).Pushed)
	require.ErrorIs(t, err, adapter.ErrData)
	require.Empty(t, d.Reference(q))
}

func TestRowsKeepTheContract(t *testing.T) {
	d := newDatabase(t, odd...)
	q := databasetest.WholeTable(&lqp.Source{Table: "odd", Alias: "odd", Schema: d.Found["odd"]})
	rows, err := d.Scan(t.Context(), q)
	require.NoError(t, err)
	var buf []byte
	n := 0
	for rows.Next() {
		n++
		for i := range q.Select {
			v := rows.Value(i)
			buf = rows.AppendJSON(append(buf[:0], 'x'), i)
			require.Equal(t, "x"+string(v.AppendJSON(nil)), string(buf), q.Select[i].Name)
		}
	}
	require.NoError(t, errors.Join(rows.Err(), rows.Close()))
	require.Equal(t, 8, n)
}
