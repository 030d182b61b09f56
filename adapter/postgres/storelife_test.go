package postgres

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestStoreOptionsAreChecked(t *testing.T) {
	good := storeOptions(t, "postgres://u@127.0.0.1:1/d")
	for name, change := range map[string]func(*StoreOptions){
		"host":     func(o *StoreOptions) { o.Settings.Host = "/run" },
		"schemas":  func(o *StoreOptions) { o.Settings.Schemas = []string{"a"} },
		"zone":     func(o *StoreOptions) { o.Settings.TimeZone = "Asia/Tokyo" },
		"reading":  func(o *StoreOptions) { o.Settings.ReadOnly = true },
		"capitals": func(o *StoreOptions) { o.Schema = "Store" },
		"quote":    func(o *StoreOptions) { o.Schema = `a"; DROP` },
		"long":     func(o *StoreOptions) { o.Schema = "a123456789012345678901234" },
		"system":   func(o *StoreOptions) { o.Schema = "pg_mine" },
	} {
		opt := good
		change(&opt)
		_, err := OpenStore(t.Context(), opt)
		require.ErrorIs(t, err, adapter.ErrOption, name)
	}
	good.Settings.Port = 1 // nobody is there
	_, err := OpenStore(t.Context(), good)
	require.ErrorIs(t, err, adapter.ErrUnavailable)
}

// TestSharedCommit queues functions behind one that waits: they end in few commits.
func TestSharedCommit(t *testing.T) {
	s := openTestStore(t, nil)
	mustExec(t, s, "CREATE TABLE n (v bigint)")
	const n = 50
	ctx := context.Background()
	began, release := make(chan struct{}), make(chan struct{})
	insert := func(tx adapter.Tx) error {
		_, err := tx.Exec(ctx, "INSERT INTO n VALUES (1)")
		return err
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		require.NoError(t, s.Write(ctx, func(tx adapter.Tx) error { close(began); <-release; return insert(tx) }))
	})
	<-began
	for range n {
		wg.Go(func() { require.NoError(t, s.Write(ctx, insert)) })
	}
	time.Sleep(50 * time.Millisecond) // they are queued
	before := s.writer.commits.Load()
	close(release)
	wg.Wait()
	require.Equal(t, [][]string{{strconv.Itoa(n + 1)}}, queryAll(t, s, "SELECT count(*) FROM n"))
	require.Less(t, s.writer.commits.Load()-before, int64(n/2), "commits were not shared")
}

// TestBatchGivesOthersATurn: a store whose queue never ends lets another store write.
func TestBatchGivesOthersATurn(t *testing.T) {
	one := openTestStore(t, nil)
	mustExec(t, one, "CREATE TABLE n (v bigint NOT NULL)")
	two, err := OpenStore(t.Context(), one.opt)
	require.NoError(t, err)
	defer func() { require.NoError(t, two.Close()) }()
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					mustExec(t, one, "INSERT INTO n VALUES (1)")
				}
			}
		})
	}
	for range 20 {
		began := time.Now()
		mustExec(t, two, "INSERT INTO n VALUES (2)")
		require.Less(t, time.Since(began), 5*time.Second)
	}
	close(stop)
	wg.Wait()
}

// TestFullDisk: what the server refuses for want of room is not there, and everything else is.
func TestFullDisk(t *testing.T) {
	s := openTestStore(t, nil)
	mustExec(t, s, "CREATE TABLE n (v bigint NOT NULL)")
	mustExec(t, s, `CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
 IF new.v % 3 = 0 THEN RAISE EXCEPTION 'no room' USING ERRCODE = 'disk_full'; END IF; RETURN new; END $$`)
	mustExec(t, s, "CREATE TRIGGER full_disk BEFORE INSERT ON n FOR EACH ROW EXECUTE FUNCTION full_disk()")
	ctx := context.Background()
	var wg sync.WaitGroup
	for i := range int64(60) {
		wg.Go(func() {
			err := s.Write(ctx, func(tx adapter.Tx) error {
				for _, v := range []int64{1000, i} {
					if _, err := tx.Exec(ctx, "INSERT INTO n VALUES (?)", lqp.IntValue(v)); err != nil {
						return err
					}
				}
				return nil
			})
			if i%3 == 0 {
				require.ErrorIs(t, err, adapter.ErrUnavailable)
			} else {
				require.NoError(t, err)
			}
		})
	}
	wg.Wait()
	require.Equal(t, [][]string{{"80", "40"}}, queryAll(t, s, "SELECT count(*), count(*) FILTER (WHERE v = 1000) FROM n"))
}

// TestFailedCommit lets the commit itself fail: nobody of the batch has written.
func TestFailedCommit(t *testing.T) {
	s := openTestStore(t, nil)
	mustExec(t, s, "CREATE TABLE n (v bigint NOT NULL)")
	mustExec(t, s, `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = 'disk_full'; END $$`)
	mustExec(t, s, "CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON lt_commit FOR EACH ROW WHEN (new.batch > "+strconv.FormatInt(s.writer.batches+1, 10)+") EXECUTE FUNCTION refuse()")
	insert := func(tx adapter.Tx) error {
		_, err := tx.Exec(context.Background(), "INSERT INTO n VALUES (1)")
		return err
	}
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() { require.ErrorIs(t, s.Write(context.Background(), insert), adapter.ErrUnavailable) })
	}
	wg.Wait()
	require.Equal(t, [][]string{{"0"}}, queryAll(t, s, "SELECT count(*) FROM n"))
	require.NoError(t, s.Write(t.Context(), func(adapter.Tx) error { return nil }), "there is nothing to refuse")
}

// TestCloseWaitsForWrites: what was accepted is done, and nothing stays.
func TestCloseWaitsForWrites(t *testing.T) {
	s, err := OpenStore(t.Context(), openTestStore(t, nil).opt)
	require.NoError(t, err)
	ignore := goleak.IgnoreCurrent()
	mustExec(t, s, "CREATE TABLE n (v bigint NOT NULL)")
	began := make(chan struct{})
	done := make(chan error, 1)
	go func() {
		done <- s.Write(context.Background(), func(tx adapter.Tx) error {
			close(began)
			time.Sleep(50 * time.Millisecond)
			_, err := tx.Exec(context.Background(), "INSERT INTO n VALUES (1)")
			return err
		})
	}()
	<-began
	require.NoError(t, s.Close())
	require.NoError(t, <-done)
	goleak.VerifyNone(t, goleak.IgnoreCurrent(), ignore)
}

// TestIdleWriterIsEnded: a function that says nothing for too long is rolled back, and others write.
func TestIdleWriterIsEnded(t *testing.T) {
	s := openTestStore(t, func(o *StoreOptions) { o.Idle = 100 * time.Millisecond })
	mustExec(t, s, "CREATE TABLE n (v bigint NOT NULL)")
	err := s.Write(t.Context(), func(tx adapter.Tx) error {
		_, err := tx.Exec(t.Context(), "INSERT INTO n VALUES (1)")
		time.Sleep(400 * time.Millisecond)
		return err
	})
	require.ErrorIs(t, err, adapter.ErrUnavailable)
	mustExec(t, s, "INSERT INTO n VALUES (2)")
	require.Equal(t, [][]string{{"2"}}, queryAll(t, s, "SELECT v FROM n"))
}

// TestOpenResultIsBounded: rows that a function does not read while it sends other statements are kept up to a bound.
func TestOpenResultIsBounded(t *testing.T) {
	s := openTestStore(t, nil)
	ctx := t.Context()
	err := s.Read(ctx, func(tx adapter.Tx) error {
		r, err := tx.Query(ctx, "SELECT repeat('x', 1000000) FROM generate_series(1, 100)")
		if err != nil {
			return err
		}
		defer r.Close()
		_, err = tx.Query(ctx, "SELECT 1")
		require.ErrorIs(t, err, adapter.ErrUnsupported)
		return nil
	})
	require.True(t, err == nil || errors.Is(err, adapter.ErrUnsupported))
}

// TestReadAfterRestart: a connection that ended while it was idle is no failure of those who read.
func TestReadAfterRestart(t *testing.T) {
	s := openTestStore(t, nil)
	mustExec(t, s, "CREATE TABLE n (v bigint NOT NULL PRIMARY KEY)")
	for range 5 {
		_ = queryAll(t, s, "SELECT v FROM n")
		mustExec(t, s, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
		_ = queryAll(t, s, "SELECT v FROM n")
		r, err := s.Scan(t.Context(), scanOf(t, s, s.mustTable(t, "n")))
		require.NoError(t, err)
		require.NoError(t, r.Close())
	}
}

// TestScrub removes what was deleted from the files of tables.
func TestScrub(t *testing.T) {
	s := openTestStore(t, nil)
	mustExec(t, s, "CREATE TABLE n (v bigint NOT NULL, fill text NOT NULL)")
	mustExec(t, s, "INSERT INTO n SELECT g, repeat('x', 500) FROM generate_series(1, 2000) g")
	mustExec(t, s, "DELETE FROM n WHERE v > 5")
	const size = "SELECT pg_relation_size('n')"
	require.NotEqual(t, "8192", queryAll(t, s, size)[0][0])
	require.NoError(t, s.Scrub(t.Context()))
	require.Equal(t, "8192", queryAll(t, s, size)[0][0])
	require.Equal(t, [][]string{{"5"}}, queryAll(t, s, "SELECT count(*) FROM n"))
	require.NoError(t, s.Close())
	require.ErrorIs(t, s.Scrub(t.Context()), adapter.ErrUnavailable)
}

// TestChangedTable: a statement that was prepared before its table was another one fails once, and is then prepared anew.
func TestChangedTable(t *testing.T) {
	one := openTestStore(t, func(o *StoreOptions) { o.Settings.MaxConns = 1 })
	two, err := OpenStore(t.Context(), one.opt)
	require.NoError(t, err)
	defer func() { require.NoError(t, two.Close()) }()
	ctx := t.Context()
	mustExec(t, one, "CREATE TABLE n (v bigint)")
	mustExec(t, one, "INSERT INTO n VALUES (1)")
	read := func(tx adapter.Tx) error {
		_, err := drain(tx.Query(ctx, "SELECT * FROM n"))
		return err
	}
	for _, run := range []func(context.Context, func(adapter.Tx) error) error{one.Read, one.Write} {
		require.NoError(t, run(ctx, read))
	}
	mustExec(t, two, "ALTER TABLE n ADD COLUMN w bigint")
	for _, run := range []func(context.Context, func(adapter.Tx) error) error{one.Read, one.Write} {
		require.ErrorIs(t, run(ctx, read), adapter.ErrTemporary)
		require.NoError(t, run(ctx, read))
	}
}
