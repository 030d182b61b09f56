package livetables_test

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/sqlite"
	"github.com/livetables/livetables/internal/testenv"
	"github.com/livetables/livetables/lqp"
)

// longNames are keys of which many agree in the 255 code points that sources sort by.
func longNames() []string {
	var names []string
	for i := range 60 {
		names = append(names, fmt.Sprintf("%02d", i))
		if i%3 == 0 {
			names = append(names, strings.Repeat("é", 254)+fmt.Sprintf("%02d", i), strings.Repeat("m", 300)+fmt.Sprintf("%02d", 99-i))
		}
	}
	return names
}

func longInMySQL(t *testing.T, dsn string, names []string) (string, livetables.ConnectionSpec) {
	db, err := sql.Open("mysql", dsn)
	require.NoError(t, err)
	defer db.Close()
	_, err = db.ExecContext(t.Context(), `CREATE TABLE long_names (name varchar(700) CHARACTER SET utf8mb4 PRIMARY KEY, n int NOT NULL)`)
	require.NoError(t, err)
	for i, name := range names {
		_, err = db.ExecContext(t.Context(), `INSERT INTO long_names VALUES (?, ?)`, name, i%4)
		require.NoError(t, err)
	}
	cfg, err := mysql.ParseDSN(dsn)
	require.NoError(t, err)
	return cfg.Addr, spec("mysql", cfg.DBName, cfg.User, cfg.Passwd)
}

// A walk by a text key meets every row once although many keys agree in all that databases sort by.
func TestLongKeysOnEveryServer(t *testing.T) {
	names := longNames()
	for _, s := range []server{
		{"postgres", func(t *testing.T) (string, livetables.ConnectionSpec) {
			dsn := testenv.Postgres(t)
			conn, err := pgx.Connect(t.Context(), dsn)
			require.NoError(t, err)
			defer conn.Close(context.WithoutCancel(t.Context()))
			_, err = conn.Exec(t.Context(), `CREATE TABLE long_names (name text PRIMARY KEY, n int NOT NULL)`)
			require.NoError(t, err)
			for i, name := range names {
				_, err = conn.Exec(t.Context(), `INSERT INTO long_names VALUES ($1, $2)`, name, i%4)
				require.NoError(t, err)
			}
			u, err := url.Parse(dsn)
			require.NoError(t, err)
			password, _ := u.User.Password()
			return u.Host, spec("postgres", strings.TrimPrefix(u.Path, "/"), u.User.Username(), password)
		}},
		{"mysql", func(t *testing.T) (string, livetables.ConnectionSpec) { return longInMySQL(t, testenv.MySQL(t), names) }},
		{"mariadb", func(t *testing.T) (string, livetables.ConnectionSpec) {
			return longInMySQL(t, testenv.MariaDB(t), names)
		}},
		{"mongodb", func(t *testing.T) (string, livetables.ConnectionSpec) {
			uri, database := testenv.Mongo(t)
			client, err := mongo.Connect(options.Client().ApplyURI(uri))
			require.NoError(t, err)
			defer func() { _ = client.Disconnect(context.WithoutCancel(t.Context())) }()
			var docs []any
			for i, name := range names {
				docs = append(docs, bson.M{"_id": name, "n": i % 4})
			}
			_, err = client.Database(database).Collection("long_names").InsertMany(t.Context(), docs)
			require.NoError(t, err)
			u, err := url.Parse(uri)
			require.NoError(t, err)
			return u.Host, spec("mongodb", database, "", "")
		}},
		{"sqlite", nil},
	} {
		t.Run(s.name, func(t *testing.T) {
			w := newWorld(t)
			w.limited(livetables.Limits{})
			key := "name"
			if s.name == "mongodb" {
				key = "_id"
			}
			if s.fill != nil {
				target, spec := s.fill(t)
				w.connect(target, spec)
			} else {
				longInSQLite(t, w, names)
			}
			slices.Sort(names)
			for _, by := range []string{key, "-" + key} {
				q := lqp.Query{From: lqp.Source{Connection: "shop", Table: "long_names"}, Select: cols(t, "name="+key), OrderBy: order(t, by)}
				for _, size := range []int{1, 7, 30} {
					got := walk(t, w.viewer, w.workspace, q, size)
					if by != key {
						slices.Reverse(got)
					}
					require.Equal(t, names, got, "by %s, pages of %d", by, size)
				}
			}
			q := lqp.Query{From: lqp.Source{Connection: "shop", Table: "long_names"}, Select: cols(t, "name="+key), OrderBy: order(t, "-n")}
			require.Equal(t, walk(t, w.viewer, w.workspace, q, 1000), walk(t, w.viewer, w.workspace, q, 9))
			require.ElementsMatch(t, names, walk(t, w.viewer, w.workspace, q, 9))
		})
	}
}

func longInSQLite(t *testing.T, w *world, names []string) {
	store, err := sqlite.OpenStore(t.Context(), filepath.Join(w.dir, "long.db"), sqlite.StoreOptions{Relaxed: true})
	require.NoError(t, err)
	require.NoError(t, store.Write(t.Context(), func(tx adapter.Tx) error {
		if _, err := tx.Exec(t.Context(), `CREATE TABLE long_names (name TEXT PRIMARY KEY NOT NULL, n INTEGER NOT NULL)`); err != nil {
			return err
		}
		for i, name := range names {
			if _, err := tx.Exec(t.Context(), `INSERT INTO long_names VALUES (?, ?)`, lqp.TextValue(name), lqp.IntValue(int64(i%4))); err != nil {
				return err
			}
		}
		return nil
	}))
	require.NoError(t, store.Close())
	_, err = w.owner.CreateConnection(t.Context(), w.workspace, livetables.ConnectionSpec{Name: "shop", Driver: "sqlite", File: "long.db"})
	require.NoError(t, err)
}
