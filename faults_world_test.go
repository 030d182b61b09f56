package livetables_test

import (
	"context"
	"database/sql"
	"log/slog"
	"net"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/mongodb"
	mysqladapter "github.com/livetables/livetables/adapter/mysql"
	"github.com/livetables/livetables/adapter/postgres"
	"github.com/livetables/livetables/adapter/sqlite"
	"github.com/livetables/livetables/internal/faultproxy"
	"github.com/livetables/livetables/internal/testenv"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/rbac"
)

// bigRows and bigText make a table of which no driver reads a noticeable part ahead.
const (
	bigRows = 4000
	bigText = 2000
)

// server is a database server of the tests with a table "big" of the columns id and s.
type server struct {
	name string
	fill func(t *testing.T) (target string, spec livetables.ConnectionSpec)
}

var servers = []server{
	{"postgres", func(t *testing.T) (string, livetables.ConnectionSpec) {
		dsn := testenv.Postgres(t)
		conn, err := pgx.Connect(t.Context(), dsn)
		require.NoError(t, err)
		defer conn.Close(context.WithoutCancel(t.Context()))
		_, err = conn.Exec(t.Context(), `CREATE TABLE big (id int PRIMARY KEY, s text NOT NULL);
			INSERT INTO big SELECT i, repeat('x', `+strconv.Itoa(bigText)+`) FROM generate_series(1, `+strconv.Itoa(bigRows)+`) i`)
		require.NoError(t, err)
		u, err := url.Parse(dsn)
		require.NoError(t, err)
		password, _ := u.User.Password()
		return u.Host, spec("postgres", strings.TrimPrefix(u.Path, "/"), u.User.Username(), password)
	}},
	{"mysql", func(t *testing.T) (string, livetables.ConnectionSpec) { return fillMySQL(t, testenv.MySQL(t)) }},
	{"mariadb", func(t *testing.T) (string, livetables.ConnectionSpec) { return fillMySQL(t, testenv.MariaDB(t)) }},
	{"mongodb", func(t *testing.T) (string, livetables.ConnectionSpec) {
		uri, name := testenv.Mongo(t)
		client, err := mongo.Connect(options.Client().ApplyURI(uri))
		require.NoError(t, err)
		defer func() { _ = client.Disconnect(context.WithoutCancel(t.Context())) }()
		docs := make([]any, bigRows)
		for i := range docs {
			docs[i] = bson.M{"_id": i + 1, "id": i + 1, "s": strings.Repeat("x", bigText)}
		}
		_, err = client.Database(name).Collection("big").InsertMany(t.Context(), docs)
		require.NoError(t, err)
		u, err := url.Parse(uri)
		require.NoError(t, err)
		return u.Host, spec("mongodb", name, "", "")
	}},
}

func fillMySQL(t *testing.T, dsn string) (string, livetables.ConnectionSpec) {
	db, err := sql.Open("mysql", dsn)
	require.NoError(t, err)
	defer db.Close()
	_, err = db.ExecContext(t.Context(), `CREATE TABLE big (id int PRIMARY KEY, s text NOT NULL)`)
	require.NoError(t, err)
	var values []string
	for i := range bigRows {
		values = append(values, "("+strconv.Itoa(i+1)+", REPEAT('x', "+strconv.Itoa(bigText)+"))")
	}
	_, err = db.ExecContext(t.Context(), `INSERT INTO big VALUES `+strings.Join(values, ","))
	require.NoError(t, err)
	cfg, err := mysql.ParseDSN(dsn)
	require.NoError(t, err)
	return cfg.Addr, spec("mysql", cfg.DBName, cfg.User, cfg.Passwd)
}

// spec is a connection to a database of a server behind a proxy.
func spec(driver, database, user, password string) livetables.ConnectionSpec {
	s := livetables.ConnectionSpec{Name: "shop", Driver: driver, Host: "127.0.0.1", Database: database, User: user, TLS: "off"}
	if password != "" {
		secret := livetables.NewSecret(password)
		s.Password = &secret
	}
	return s
}

// frail is a workspace whose connection "shop" leads to a server by way of a proxy.
type frail struct {
	*world
	proxy *faultproxy.Proxy
	spec  livetables.ConnectionSpec
	shop  *livetables.Connection
}

// onFrail runs a test on every server.
func onFrail(t *testing.T, limits livetables.Limits, test func(t *testing.T, f *frail)) {
	for _, s := range servers {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			test(t, newFrail(t, s, limits))
		})
	}
}

func newFrail(t *testing.T, s server, limits livetables.Limits) *frail {
	f := &frail{world: newWorld(t)}
	f.limited(limits)
	target, spec := s.fill(t)
	f.proxy, f.shop = f.connect(target, spec)
	spec.Port = f.proxy.Port()
	f.spec = spec
	require.Eventually(t, func() bool { // the limits may be too tight for the first connection on a busy machine
		_, err := f.owner.Schema(t.Context(), f.shop.ID, false)
		return err == nil
	}, time.Minute, 10*time.Millisecond)
	return f
}

// limited gives the world an engine with limits.
func (w *world) limited(limits livetables.Limits) { w.limitedIn(limits, "") }

// limitedIn is limited with a directory for temporary files.
func (w *world) limitedIn(limits livetables.Limits, spill string) {
	t := w.t
	keys, err := livetables.LoadKeys(filepath.Join(w.dir, "key"))
	require.NoError(t, err)
	e, err := livetables.New(livetables.Options{
		Store: w.db, Sealer: keys, Files: w.dir, Logger: slog.New(slog.DiscardHandler), Limits: limits, SpillDir: spill,
		Openers: map[string]adapter.Opener{"postgres": postgres.Open, "mysql": mysqladapter.Open, "mongodb": mongodb.Open, "sqlite": sqlite.Open},
		Dial:    (&net.Dialer{}).DialContext,
		Plain:   func(string, int) bool { return true },
	})
	require.NoError(t, err)
	run, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan error)
	go func() { done <- e.Run(run) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-done)
		require.NoError(t, e.Close())
	})
	w.engine, w.owner, w.viewer = e, e.As(rbac.Principal{ID: "owner"}), e.As(rbac.Principal{ID: "viewer"})
}

func (w *world) connect(target string, spec livetables.ConnectionSpec) (*faultproxy.Proxy, *livetables.Connection) {
	t := w.t
	proxy, err := faultproxy.New(target)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, proxy.Close()) })
	spec.Port = proxy.Port()
	c, err := w.owner.CreateConnection(t.Context(), w.workspace, spec)
	require.NoError(t, err)
	return proxy, c
}

// first reads the ids of the first rows.
func (f *frail) first(n int) ([]string, error) {
	rows, err := f.viewer.Query(f.t.Context(), f.workspace, &lqp.Query{
		From: lqp.Source{Connection: "shop", Table: "big"}, Select: cols(f.t, "id"), OrderBy: order(f.t, "id"), Page: lqp.Page{Limit: n}})
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []string
	for rows.Next() {
		list = append(list, rows.Value(0).String())
	}
	return list, rows.Err()
}

func (f *frail) health() *livetables.ConnectionHealth {
	h, err := f.owner.ConnectionHealth(f.t.Context(), f.shop.ID)
	require.NoError(f.t, err)
	return h
}

// becomes waits for a state of the connection.
func (f *frail) becomes(state string, in time.Duration) {
	f.t.Helper()
	require.Eventually(f.t, func() bool { return f.health().State == state }, in, 20*time.Millisecond, "not %s in time", state)
}

func splitAddress(t *testing.T, address string) (host string, port int) {
	t.Helper()
	host, text, err := net.SplitHostPort(address)
	require.NoError(t, err)
	port, err = strconv.Atoi(text)
	require.NoError(t, err)
	return host, port
}
