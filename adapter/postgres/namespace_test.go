package postgres

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/internal/testenv"
	"github.com/livetables/livetables/lqp"
	"github.com/stretchr/testify/require"
)

// makeNamespace makes a namespace with a table n in it.
func makeNamespace(t testing.TB, s *Store, name string) *lqp.Table {
	t.Helper()
	ctx := context.Background()
	require.NoError(t, s.Write(ctx, func(tx adapter.Tx) error {
		if err := s.CreateNamespace(ctx, tx, name); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "CREATE TABLE "+quoted(s.NamespacePath(name)[0])+".n (v bigint NOT NULL PRIMARY KEY)")
		return err
	}))
	return inNamespace(s, name)
}

func inNamespace(s *Store, name string) *lqp.Table {
	return &lqp.Table{Name: "n_" + name, Path: append(s.NamespacePath(name), "n"), Kind: lqp.BaseTable, Key: []string{"v"},
		Columns: []lqp.Column{{ID: "v", Name: "v", Native: "bigint", Type: lqp.Type{Kind: lqp.Number, Precision: 19, NotNull: true}}}}
}

// scanOf is a plan that reads the tables.
func scanOf(t testing.TB, s *Store, tables ...*lqp.Table) *lqp.Query {
	t.Helper()
	q := &lqp.Query{From: lqp.Source{Table: tables[0].Name, Alias: "a"}}
	for _, other := range tables[1:] {
		q.Joins = append(q.Joins, lqp.Join{Source: lqp.Source{Table: other.Name, Alias: "b"},
			On: lqp.NewCall("eq", lqp.Ref("a", "v"), lqp.Ref("b", "v"))})
	}
	bound, err := lqp.Bind(q, lqp.Env{Table: func(_, name string) (*lqp.Table, error) {
		for _, t := range tables {
			if t.Name == name {
				return t, nil
			}
		}
		return nil, lqp.ErrUnknownTable
	}})
	require.NoError(t, err)
	split := s.Plan(bound)
	require.Nil(t, split.Residual)
	return split.Pushed
}

func insertInto(s *Store, table *lqp.Table, n int64) error {
	ctx := context.Background()
	return s.Write(ctx, func(tx adapter.Tx) error {
		return tx.Insert(ctx, table, []string{"v"}, [][]lqp.Value{{lqp.IntValue(n)}})
	})
}

// TestNamespaces: statements on a namespace's tables run as its role, whatever ran before them on the connection.
func TestNamespaces(t *testing.T) {
	s := openTestStore(t, func(o *StoreOptions) { o.Roles = RolesAlways })
	ctx := t.Context()
	one, two := makeNamespace(t, s, "wsp_one"), makeNamespace(t, s, "wsp_two")
	mustExec(t, s, "CREATE TABLE lt_secret (v bigint NOT NULL PRIMARY KEY)")
	user := func(tx adapter.Tx) string {
		r, err := tx.Query(ctx, "SELECT current_user")
		require.NoError(t, err)
		defer r.Close()
		require.True(t, r.Next())
		return r.Value(0).Text()
	}
	require.NoError(t, s.Write(ctx, func(tx adapter.Tx) error {
		for n, table := range []*lqp.Table{one, two, one, two} {
			if err := tx.Insert(ctx, table, []string{"v"}, [][]lqp.Value{{lqp.IntValue(int64(n))}}); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, "INSERT INTO lt_secret VALUES (?)", lqp.IntValue(int64(n))); err != nil {
				return err
			}
		}
		require.Equal(t, "postgres", user(tx))
		return nil
	}))
	count := func(q *lqp.Query, scan func(context.Context, *lqp.Query) (adapter.Rows, error)) (n int) {
		r, err := scan(ctx, q)
		require.NoError(t, err)
		for r.Next() {
			n++
		}
		require.NoError(t, r.Err())
		require.NoError(t, r.Close())
		return n
	}
	for range 20 { // over every connection of the pool
		require.Equal(t, 2, count(scanOf(t, s, one), s.Scan))
		require.NoError(t, s.Read(ctx, func(tx adapter.Tx) error {
			require.Equal(t, 2, count(scanOf(t, s, two), tx.Scan))
			require.Equal(t, "postgres", user(tx))
			return nil
		}))
		r, err := s.Scan(ctx, scanOf(t, s, two)) // left early
		require.NoError(t, err)
		require.NoError(t, r.Close())
	}
	for _, scan := range []func(context.Context, *lqp.Query) (adapter.Rows, error){s.Scan, func(ctx context.Context, q *lqp.Query) (rows adapter.Rows, err error) {
		err = s.Read(ctx, func(tx adapter.Tx) error { _, err := tx.Scan(ctx, q); return err })
		return nil, err
	}} {
		_, err := scan(ctx, scanOf(t, s, one, two))
		require.ErrorIs(t, err, adapter.ErrDenied, "a query reads one namespace")
	}
}

// TestNamespaceRole: the role of a namespace reaches nothing else, whatever a statement says.
func TestNamespaceRole(t *testing.T) {
	s := openTestStore(t, nil)
	require.True(t, s.roles)
	ctx := t.Context()
	one := makeNamespace(t, s, "wsp_one")
	makeNamespace(t, s, "wsp_two")
	mustExec(t, s, "CREATE TABLE lt_secret (v bigint NOT NULL PRIMARY KEY)")
	for _, sql := range []string{"SELECT * FROM lt_secret", "SELECT * FROM lt_commit", `SELECT * FROM "livetables_wsp_two".n`, `DROP TABLE "livetables_wsp_one".n`,
		`TRUNCATE "livetables_wsp_one".n`, `CREATE TABLE "livetables_wsp_one".m (v bigint)`, "CREATE SCHEMA x", "CREATE ROLE x", `CREATE TABLE public.m (v bigint)`} {
		err := s.Write(ctx, func(w adapter.Tx) error {
			own := w.(*tx)
			own.as(s.roleOfPath(one.Path))
			_, err := own.exec(ctx, "try", sql, nil)
			return err
		})
		if !errors.Is(err, adapter.ErrNoTable) { // what the role may not look into is not there
			require.ErrorIs(t, err, adapter.ErrDenied, sql)
		}
	}
}

// TestRoleAfterFailure: a function that fails gives its role back to the one that the next function has.
func TestRoleAfterFailure(t *testing.T) {
	s := openTestStore(t, nil)
	ctx := context.Background()
	one, two := makeNamespace(t, s, "one"), makeNamespace(t, s, "two")
	mine := errors.New("mine")
	mustExec(t, s, "CREATE TABLE lt_seen (v bigint NOT NULL)")
	var wg sync.WaitGroup
	for i := range int64(120) {
		wg.Go(func() {
			table := one
			if i%2 == 0 {
				table = two
			}
			err := s.Write(ctx, func(tx adapter.Tx) error {
				if i%5 != 0 {
					if err := tx.Insert(ctx, table, []string{"v"}, [][]lqp.Value{{lqp.IntValue(i)}}); err != nil {
						return err
					}
				}
				switch {
				case i%3 == 0:
					return mine
				case i%7 == 0:
					panic("boom")
				}
				_, err := tx.Exec(ctx, "INSERT INTO lt_seen VALUES (?)", lqp.IntValue(i))
				return err
			})
			if i%3 == 0 {
				if !errors.Is(err, mine) {
					t.Errorf("function %d: %v", i, err)
				}
			} else if i%7 != 0 && err != nil {
				t.Errorf("function %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	want := 0
	for i := range 120 {
		if i%3 != 0 && i%7 != 0 {
			want++
		}
	}
	require.Equal(t, [][]string{{strconv.Itoa(want)}}, queryAll(t, s, "SELECT count(*) FROM lt_seen"))
}

// TestDropNamespace leaves neither schema nor role.
func TestDropNamespace(t *testing.T) {
	s := openTestStore(t, nil)
	ctx := t.Context()
	one := makeNamespace(t, s, "one")
	require.NoError(t, insertInto(s, one, 1))
	role := s.roleOfPath(one.Path)
	drop := func(tx adapter.Tx) error { return s.DropNamespace(ctx, tx, "one") }
	for range 2 { // the second time there is nothing to drop
		require.NoError(t, s.Write(ctx, drop))
		require.Empty(t, queryAll(t, s, "SELECT 1 FROM pg_roles WHERE rolname = ?", lqp.TextValue(role)))
		require.Empty(t, queryAll(t, s, "SELECT 1 FROM pg_namespace WHERE nspname = ?", lqp.TextValue(one.Path[0])))
	}
	require.ErrorIs(t, insertInto(s, one, 1), adapter.ErrDenied, "the role is gone")
	for _, name := range []string{"", "Upper", `a"b`, strings.Repeat("x", 39), "a-b"} {
		require.ErrorIs(t, s.Write(ctx, func(tx adapter.Tx) error { return s.CreateNamespace(ctx, tx, name) }), adapter.ErrUnsupported, name)
	}
	require.ErrorIs(t, s.Read(ctx, func(tx adapter.Tx) error { return s.CreateNamespace(ctx, tx, "two") }), adapter.ErrDenied)
}

// TestRoleOfAccount opens the store with accounts that may and may not make roles.
func TestRoleOfAccount(t *testing.T) {
	url := testenv.Postgres(t)
	admin, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer func() { _ = admin.Close(context.Background()) }()
	var database string
	require.NoError(t, admin.QueryRow(t.Context(), "SELECT current_database()").Scan(&database))
	for _, c := range []struct {
		name, right string
		roles       bool
	}{{"creator", "CREATEROLE", true}, {"plain", "NOCREATEROLE", false}} {
		t.Run(c.name, func(t *testing.T) {
			user := testenv.Name(t)
			user = user[len(user)-30:]
			_, err := admin.Exec(t.Context(), "CREATE ROLE "+quoted(user)+" LOGIN "+c.right)
			require.NoError(t, err)
			_, err = admin.Exec(t.Context(), "GRANT CREATE ON DATABASE "+quoted(database)+" TO "+quoted(user))
			require.NoError(t, err)
			t.Cleanup(func() {
				_, err := admin.Exec(context.Background(), "DROP OWNED BY "+quoted(user)+" CASCADE; DROP ROLE "+quoted(user))
				require.NoError(t, err)
			})
			open := func(o *StoreOptions) { o.Settings.User, o.Schema = user, c.name }
			s := openStoreAt(t, url, open)
			require.Equal(t, c.roles, s.roles)
			one := makeNamespace(t, s, "one")
			require.NoError(t, insertInto(s, one, 1))
			require.NoError(t, s.Write(t.Context(), func(tx adapter.Tx) error { return s.DropNamespace(t.Context(), tx, "one") }))
			opt := storeOptions(t, url)
			open(&opt)
			opt.Roles = RolesAlways
			always, err := OpenStore(t.Context(), opt)
			if c.roles {
				require.NoError(t, err)
				require.NoError(t, always.Close())
			} else {
				require.ErrorIs(t, err, adapter.ErrDenied)
			}
		})
	}
}

// TestRolesAreMadeAgain opens a store whose roles are gone, as after a restore on another server.
func TestRolesAreMadeAgain(t *testing.T) {
	url := testenv.Postgres(t)
	s := openStoreAt(t, url, nil)
	one := makeNamespace(t, s, "one")
	role := quoted(s.roleOfPath(one.Path))
	mustExec(t, s, "DROP OWNED BY "+role)
	mustExec(t, s, "DROP ROLE "+role)
	require.ErrorIs(t, insertInto(s, one, 1), adapter.ErrDenied)
	again := openStoreAt(t, url, nil)
	require.NoError(t, insertInto(again, one, 2))
	without := openStoreAt(t, url, func(o *StoreOptions) { o.Roles = RolesNever })
	require.NoError(t, insertInto(without, one, 3))
	require.NoError(t, without.Write(t.Context(), func(tx adapter.Tx) error { return without.DropNamespace(t.Context(), tx, "one") }))
}
