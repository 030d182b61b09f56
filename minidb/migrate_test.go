package minidb

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/ddl"
	"github.com/livetables/livetables/internal/storetest"
	"github.com/livetables/livetables/lqp"
)

var quiet = Options{Logger: slog.New(slog.DiscardHandler)}

func testStore(t *testing.T) adapter.Store {
	t.Helper()
	return storetest.Fresh(t).Open(t)
}

// definitionsOf reads the tables, columns and indexes of a database: their names and definitions.
var definitionsOf = map[string]string{
	ddl.SQLite: `SELECT name || ': ' || coalesce(sql, '') FROM sqlite_master`,
	ddl.Postgres: `SELECT relname || ': ' || attname || ' ' || format_type(atttypid, atttypmod) || ' ' || attnotnull || coalesce(' ' || pg_get_expr(adbin, adrelid), '')
			FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace JOIN pg_attribute ON attrelid = c.oid AND attnum > 0 AND NOT attisdropped
			LEFT JOIN pg_attrdef ON adrelid = c.oid AND adnum = attnum WHERE nspname = current_schema() AND relkind = 'r'
		UNION ALL SELECT indexname || ': ' || replace(indexdef, schemaname, '') FROM pg_indexes WHERE schemaname = current_schema()`,
}

// definitions is everything the database is made of, as text.
func definitions(t *testing.T, store adapter.Store) string {
	t.Helper()
	return strings.Join(append(texts(t, store, `SELECT 'migration ' || version || name FROM lt_migration ORDER BY 1`), built(t, store)...), "\n")
}

// built are the definitions of the tables, columns and indexes in the database, in order.
func built(t *testing.T, store adapter.Store) []string {
	t.Helper()
	return texts(t, store, definitionsOf[storetest.Driver()]+` ORDER BY 1`)
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
	steps, err := migrations(ddl.SQLite)
	require.NoError(t, err)
	total := 0
	for _, s := range steps {
		total += len(s.statements)
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
	adapter.Store
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
type foreignStore struct{ adapter.Store }

func (foreignStore) Capabilities() adapter.Capabilities {
	return adapter.Capabilities{Driver: "oracle"}
}

func TestUnknownStoresAreRefused(t *testing.T) {
	store := testStore(t)
	empty := built(t, store)
	_, err := Open(t.Context(), foreignStore{store}, quiet)
	require.ErrorIs(t, err, adapter.ErrUnsupported)
	require.Equal(t, empty, built(t, store))
	_, err = Open(t.Context(), nil, quiet)
	require.Error(t, err)
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
		return definitions(t, store) + strings.Join(texts(t, store, `SELECT 'p' || position FROM lt_change UNION ALL
			SELECT 'r' || revision || '.' || version FROM lt_workspace UNION ALL SELECT 't' || name FROM lt_table ORDER BY 1`), "\n")
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
