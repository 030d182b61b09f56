package minidb

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/sqlite"
	"github.com/livetables/livetables/lqp"
)

var quiet = Options{Logger: slog.New(slog.DiscardHandler)}

func testStore(t *testing.T) *sqlite.Store {
	t.Helper()
	store, err := sqlite.OpenStore(t.Context(), filepath.Join(t.TempDir(), "mini.db"), sqlite.StoreOptions{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, store.Close()) })
	return store
}

// definitions is everything the database is made of, as text.
func definitions(t *testing.T, store adapter.Store) string {
	t.Helper()
	var list []string
	require.NoError(t, store.Read(t.Context(), func(tx adapter.Tx) (err error) {
		list, err = all(session{t.Context(), tx}, func(r record) string { return r.text(0) + ": " + r.text(1) },
			`SELECT name, coalesce(sql, '') FROM sqlite_master UNION ALL SELECT 'migration', version || name FROM lt_migration ORDER BY 1, 2`)
		return err
	}))
	return strings.Join(list, "\n")
}

func TestMigrationsRunOnce(t *testing.T) {
	store := testStore(t)
	first, err := Open(t.Context(), store, quiet)
	require.NoError(t, err)
	before := definitions(t, store)
	for range 3 {
		again, err := Open(t.Context(), store, quiet)
		require.NoError(t, err)
		require.Equal(t, first.Epoch(), again.Epoch())
	}
	require.Equal(t, before, definitions(t, store))
}

func TestMigrationsAreTransactions(t *testing.T) {
	whole := testStore(t)
	_, err := Open(t.Context(), whole, quiet)
	require.NoError(t, err)
	steps, err := migrations(driverSQLite)
	require.NoError(t, err)
	total := 0
	for _, s := range steps {
		total += len(statements(s.text))
	}
	// Whatever statement fails, the next opening starts from a whole number of steps.
	for fail := 1; fail <= total+1; fail += 3 {
		store := testStore(t)
		_, err := Open(t.Context(), &failingStore{Store: store, after: fail}, quiet)
		require.ErrorIs(t, err, errInjected)
		_, err = Open(t.Context(), store, quiet)
		require.NoError(t, err)
		require.Equal(t, definitions(t, whole), definitions(t, store))
	}
}

var errInjected = errors.New("injected")

// failingStore fails a statement of its writes, the after-th.
type failingStore struct {
	*sqlite.Store
	after int
}

func (s *failingStore) Write(ctx context.Context, fn func(adapter.Tx) error) error {
	return s.Store.Write(ctx, func(tx adapter.Tx) error { return fn(&failingTx{tx, s}) })
}

type failingTx struct {
	adapter.Tx
	s *failingStore
}

func (t *failingTx) Exec(ctx context.Context, sql string, args ...lqp.Value) (int64, error) {
	if t.s.after--; t.s.after == 0 {
		return 0, errInjected
	}
	return t.Tx.Exec(ctx, sql, args...)
}

func TestNewerDatabaseIsRefused(t *testing.T) {
	store := testStore(t)
	_, err := Open(t.Context(), store, quiet)
	require.NoError(t, err)
	require.NoError(t, store.Write(t.Context(), func(tx adapter.Tx) error {
		_, err := tx.Exec(t.Context(), `INSERT INTO lt_migration (version, name, applied_at) VALUES (999, 'future', 0)`)
		return err
	}))
	before := definitions(t, store)
	_, err = Open(t.Context(), store, quiet)
	require.ErrorIs(t, err, ErrNewerDatabase)
	require.Equal(t, before, definitions(t, store))
}

// foreignStore calls itself by another driver's name.
type foreignStore struct{ *sqlite.Store }

func (foreignStore) Capabilities() adapter.Capabilities {
	return adapter.Capabilities{Driver: "oracle"}
}

func TestUnknownStoresAreRefused(t *testing.T) {
	store := testStore(t)
	_, err := Open(t.Context(), foreignStore{store}, quiet)
	require.ErrorIs(t, err, adapter.ErrUnsupported)
	require.Empty(t, texts(t, store, `SELECT name FROM sqlite_master`))
	_, err = Open(t.Context(), nil, quiet)
	require.Error(t, err)
}

func TestStatements(t *testing.T) {
	require.Equal(t, []string{"A\n B", "C"}, statements("-- x;\nA\n\n B;\r\n  -- y\nC;\n"))
}

func TestFailedWritesLeaveNothing(t *testing.T) {
	store := testStore(t)
	db, err := Open(t.Context(), store, quiet)
	require.NoError(t, err)
	actor := Actor{ID: "usr_x"}
	w, err := db.CreateWorkspace(t.Context(), actor, "W")
	require.NoError(t, err)
	b, err := db.CreateBase(t.Context(), actor, w.ID, BaseSpec{Name: "B"})
	require.NoError(t, err)
	spec := TableSpec{Name: "T", Columns: []ColumnSpec{{Name: "A", Type: TextColumn, Unique: true}, {Name: "B", Type: IntegerColumn}}}
	dump := func() string {
		return definitions(t, store) + strings.Join(texts(t, store, `SELECT json_group_array(position) FROM lt_change UNION ALL
			SELECT json_group_array(revision || '.' || version) FROM lt_workspace UNION ALL SELECT json_group_array(name) FROM lt_table`), "\n")
	}
	before := dump()
	succeeded := false
	for fail := 1; !succeeded; fail++ {
		require.Less(t, fail, 100)
		injected := &DB{opt: db.opt, log: db.log, snapshots: db.snapshots}
		injected.store = &failingStore{Store: store, after: fail}
		_, err := injected.CreateTable(t.Context(), actor, b.ID, spec)
		if succeeded = err == nil; !succeeded {
			require.ErrorIs(t, err, errInjected)
			require.Equal(t, before, dump(), "statement %d", fail)
		}
	}
}

func texts(t *testing.T, store adapter.Store, sql string) (list []string) {
	t.Helper()
	require.NoError(t, store.Read(t.Context(), func(tx adapter.Tx) (err error) {
		list, err = all(session{t.Context(), tx}, func(r record) string { return r.text(0) }, sql)
		return err
	}))
	return list
}
