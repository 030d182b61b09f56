package mysql

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/internal/databasetest"
	"github.com/livetables/livetables/lqp"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// endless is a view of a hundred million rows.
var endless = []string{
	`CREATE TABLE nums (i int PRIMARY KEY)`,
	`INSERT INTO nums SELECT i FROM ` + series,
	`CREATE VIEW endless AS SELECT a.i + 10000 * b.i AS id, REPEAT('x', 1000) AS s FROM nums AS a, nums AS b`,
}

// none reads all of it before it finds that there is nothing to deliver.
const none = `{"source":{"table":"endless"},"filters":"{id} * 2 = -7","columns":["id"]}`

const everything = `{"source":{"table":"endless"},"columns":["id","s"]}`

// running counts the statements of our adapter that the server is executing.
func (d *database) running() int {
	d.T.Helper()
	var n int
	require.NoError(d.T, d.admin.QueryRowContext(context.Background(), "SELECT COUNT(*) FROM information_schema.PROCESSLIST "+
		"WHERE DB = DATABASE() AND ID <> CONNECTION_ID() AND COMMAND IN ('Query', 'Execute')").Scan(&n))
	return n
}

// eventuallyIdle waits until the server executes nothing for us.
func (d *database) eventuallyIdle() {
	d.T.Helper()
	require.Eventually(d.T, func() bool { return d.running() == 0 }, 10*time.Second, 20*time.Millisecond, "the statement still runs")
}

func (d *database) again(change func(s *adapter.Settings)) *Adapter {
	d.T.Helper()
	s := d.settings
	change(&s)
	a, err := open(s)
	require.NoError(d.T, err)
	d.T.Cleanup(func() { require.NoError(d.T, a.Close()) })
	return a
}

func TestCancelReachesTheServer(t *testing.T) {
	onServers(t, endless, func(t *testing.T, d *database) {
		pushed := d.Plan(d.Bind(none)).Pushed
		ctx, cancel := context.WithCancel(t.Context())
		failed := make(chan error, 1)
		go func() {
			_, err := d.Scan(ctx, pushed)
			failed <- err
		}()
		require.Eventually(t, func() bool { return d.running() == 1 }, 10*time.Second, 10*time.Millisecond)
		cancel()
		err := <-failed
		require.ErrorIs(t, err, context.Canceled)
		require.NotContains(t, err.Error(), "Error 1317")
		d.eventuallyIdle()
		require.NoError(t, d.Ping(t.Context()))
	})
}

func TestDeadline(t *testing.T) {
	onServers(t, endless, func(t *testing.T, d *database) {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		_, err := d.Scan(ctx, d.Plan(d.Bind(none)).Pushed)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		d.eventuallyIdle()
	})
}

func TestStatementTimeout(t *testing.T) {
	onServers(t, endless, func(t *testing.T, d *database) {
		a := d.again(func(s *adapter.Settings) { s.Timeout = 200 * time.Millisecond })
		require.NoError(t, a.Ping(t.Context()))
		_, err := a.Scan(t.Context(), d.Plan(d.Bind(none)).Pushed)
		require.ErrorIs(t, err, adapter.ErrTimeout)
		d.eventuallyIdle()
		require.NoError(t, a.Ping(t.Context()))
	})
}

func TestCloseEndsABigResult(t *testing.T) {
	onServers(t, endless, func(t *testing.T, d *database) {
		a := d.again(func(s *adapter.Settings) { s.MaxConns = 1 })
		q := d.Plan(d.Bind(everything)).Pushed
		for range 3 { // with one connection, each scan needs the slot of the scan before
			rows, err := a.Scan(t.Context(), q)
			require.NoError(t, err)
			require.True(t, rows.Next())
			begun := time.Now()
			require.NoError(t, rows.Close())
			require.Less(t, time.Since(begun), time.Second, "Close does not wait for the server")
			require.False(t, rows.Next())
			require.NoError(t, rows.Close())
			require.NoError(t, rows.Err())
		}
		d.eventuallyIdle()
	})
}

// TestSmallRestsAreRead: the session of a result that is nearly at its end is used again.
func TestSmallRestsAreRead(t *testing.T) {
	onServers(t, endless, func(t *testing.T, d *database) {
		a := d.again(func(s *adapter.Settings) { s.MaxConns = 1 })
		ids := map[string]bool{}
		for range 5 {
			rows, err := a.Scan(t.Context(), d.Plan(d.Bind(`{"source":{"table":"nums"},"columns":["i"],"sorts":["i"],"pagination":{"limit":20}}`)).Pushed)
			require.NoError(t, err)
			require.True(t, rows.Next())
			require.NoError(t, rows.Close())
			s, err := a.pool.get(t.Context())
			require.NoError(t, err)
			row, err := s.row(t.Context(), "SELECT CONNECTION_ID()")
			require.NoError(t, err)
			ids[row[0]] = true
			a.pool.put(s, true)
		}
		require.LessOrEqual(t, len(ids), 2, "a loaded machine may kill one")
	})
}

func TestCancelWhileReading(t *testing.T) {
	onServers(t, endless, func(t *testing.T, d *database) {
		ctx, cancel := context.WithCancel(t.Context())
		rows, err := d.Scan(ctx, d.Plan(d.Bind(everything)).Pushed)
		require.NoError(t, err)
		require.True(t, rows.Next())
		cancel()
		for rows.Next() {
		}
		require.ErrorIs(t, rows.Err(), context.Canceled)
		require.NoError(t, rows.Close())
		d.eventuallyIdle()
	})
}

// TestNothingIsLeftBehind closes an adapter with results that are open, being read and given up, and looks for goroutines.
func TestNothingIsLeftBehind(t *testing.T) {
	onServers(t, endless, func(t *testing.T, d *database) {
		q := d.Plan(d.Bind(everything)).Pushed
		before := goleak.IgnoreCurrent()
		a, err := open(d.settings)
		require.NoError(t, err)
		given, err := a.Scan(t.Context(), q)
		require.NoError(t, err)
		require.NoError(t, given.Close())
		reading, err := a.Scan(t.Context(), q)
		require.NoError(t, err)
		ended := make(chan error)
		go func() {
			for reading.Next() {
			}
			ended <- reading.Err()
		}()
		idle, err := a.Scan(t.Context(), q)
		require.NoError(t, err)
		require.NoError(t, a.Close())
		require.NoError(t, a.Close(), "twice")
		require.ErrorIs(t, <-ended, adapter.ErrUnavailable)
		for idle.Next() {
		}
		require.ErrorIs(t, idle.Err(), adapter.ErrUnavailable)
		require.NoError(t, idle.Close())
		_, err = a.Scan(t.Context(), q)
		require.ErrorIs(t, err, adapter.ErrUnavailable)
		goleak.VerifyNone(t, before)
		d.eventuallyIdle()
	})
}

// TestPoolIsBounded asks from many sides at once, with cancellations between, and counts the connections.
func TestPoolIsBounded(t *testing.T) {
	onServers(t, endless, func(t *testing.T, d *database) {
		a := d.again(func(s *adapter.Settings) { s.MaxConns = 3 })
		small := d.Plan(d.Bind(`{"source":{"table":"nums"},"columns":["i"],"pagination":{"limit":5}}`)).Pushed
		large := d.Plan(d.Bind(everything)).Pushed
		var wg sync.WaitGroup
		for n := range 12 {
			wg.Go(func() {
				for range 5 {
					ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
					q := small
					if n%3 == 0 {
						q = large
					}
					rows, err := a.Scan(ctx, q)
					if err != nil {
						t.Errorf("scan: %v", err)
					} else {
						rows.Next()
						if n%2 == 0 {
							cancel()
						}
						_ = rows.Close()
					}
					cancel()
				}
			})
		}
		most, stop := 0, make(chan struct{})
		counted := make(chan struct{})
		go func() {
			defer close(counted)
			for {
				select {
				case <-stop:
					return
				default:
					n := 0
					if err := d.admin.QueryRow("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE DB = DATABASE() AND ID <> CONNECTION_ID()").Scan(&n); err == nil {
						most = max(most, n)
					}
				}
			}
		}()
		wg.Wait()
		close(stop)
		<-counted
		// The adapter of the database itself has one; those that kill and those that are being closed come on top.
		require.LessOrEqual(t, most, 3+maxKills+3+1)
		d.eventuallyIdle()
	})
}

// TestSchemaChanges alters a table under a prepared statement.
func TestSchemaChanges(t *testing.T) {
	onServers(t, []string{`CREATE TABLE t (id int PRIMARY KEY, v varchar(10))`, `INSERT INTO t VALUES (1, 'a')`}, func(t *testing.T, d *database) {
		q := d.Bind(`{"source":{"table":"t"},"columns":["v"]}`)
		read := func() [][]string {
			rows, err := d.Scan(t.Context(), d.Plan(q).Pushed)
			return d.Read(rows, err, 1)
		}
		require.Equal(t, [][]string{{`"a"`}}, read())
		d.exec(`ALTER TABLE t MODIFY v text`)
		require.Equal(t, [][]string{{`"a"`}}, read())
		d.exec(`UPDATE t SET v = '5'`, `ALTER TABLE t MODIFY v int`)
		_, err := d.Scan(t.Context(), d.Plan(q).Pushed)
		require.Error(t, err)
		d.exec(`DROP TABLE t`)
		_, err = d.Scan(t.Context(), d.Plan(q).Pushed)
		require.ErrorIs(t, err, adapter.ErrNoTable)
	})
}

// TestManyStatements has more shapes of queries than a connection keeps prepared.
func TestManyStatements(t *testing.T) {
	onServers(t, []string{`CREATE TABLE t (id int PRIMARY KEY)`, `INSERT INTO t VALUES (1), (2), (3), (4), (5)`}, func(t *testing.T, d *database) {
		a := d.again(func(s *adapter.Settings) { s.MaxConns = 1 })
		q := *d.Bind(`{"source":{"table":"t"},"sorts":["id"]}`)
		for i := range 2*maxStatements + 10 {
			q.Page.Limit = i%(maxStatements+30) + 1 // limits are part of the text
			rows, err := a.Scan(t.Context(), &q)
			require.NoError(t, err)
			n := 0
			for rows.Next() {
				n++
			}
			require.NoError(t, errors.Join(rows.Err(), rows.Close()))
			require.Equal(t, min(q.Page.Limit, 5), n)
		}
		s, err := a.pool.get(t.Context())
		require.NoError(t, err)
		defer a.pool.put(s, true)
		require.Len(t, s.stmts.bySQL, maxStatements)
		require.Len(t, s.stmts.order, maxStatements)
	})
}

// TestDeadConnections: sessions that the server closed while they were parked are replaced.
func TestDeadConnections(t *testing.T) {
	onServers(t, []string{`CREATE TABLE t (id int PRIMARY KEY)`, `INSERT INTO t VALUES (1)`}, func(t *testing.T, d *database) {
		q := d.Plan(d.Bind(`{"source":{"table":"t"}}`)).Pushed
		for range 3 {
			rows, err := d.Scan(t.Context(), q)
			require.Equal(t, [][]string{{"1"}}, d.Read(rows, err, 1))
			var id string
			require.NoError(t, d.admin.QueryRow("SELECT ID FROM information_schema.PROCESSLIST WHERE DB = DATABASE() AND ID <> CONNECTION_ID()").Scan(&id))
			d.exec("KILL " + id)
		}
	})
}

func TestReadOnlyAtTheServer(t *testing.T) {
	onServers(t, []string{`CREATE TABLE t (id int)`}, func(t *testing.T, d *database) {
		write := func(a *Adapter) error {
			s, err := a.pool.get(t.Context())
			require.NoError(t, err)
			defer a.pool.put(s, true)
			return s.exec(t.Context(), "INSERT INTO t VALUES (1)")
		}
		require.Equal(t, adapter.ErrDenied, sentinel(write(d.Adapter)))
		require.NoError(t, write(d.again(func(s *adapter.Settings) { s.ReadOnly = false })))
	})
}

// TestDataErrors: an overflow of doubles is an error here and NULL in memory; the engine must learn which it was.
func TestDataErrors(t *testing.T) {
	onServers(t, []string{`CREATE TABLE t (id int PRIMARY KEY, f double)`, `INSERT INTO t VALUES (1, 1e308)`}, func(t *testing.T, d *database) {
		q := d.Bind(`{"source":{"table":"t"},"filters":"{f} * 10 > 5","columns":["id"]}`)
		_, err := d.Scan(t.Context(), d.Plan(q).Pushed)
		require.ErrorIs(t, err, adapter.ErrData)
		require.Empty(t, d.Reference(q))
	})
}

func TestRowsKeepTheContract(t *testing.T) {
	onServers(t, odd, func(t *testing.T, d *database) {
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
		require.Equal(t, 9, n)
	})
}
