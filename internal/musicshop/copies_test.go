package musicshop

import (
	"context"
	"database/sql"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5"
	"github.com/ncruces/go-sqlite3"
	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/internal/testenv"
	"github.com/livetables/livetables/lqp"
)

// source is where the copies of a shop come from.
type source struct {
	shop     *shop  // rows for MongoDB and for the mini-DB
	postgres string // scripts
	mysql    string
	sqlite   func(t testing.TB, file string) // makes the file
}

// made is the source of a shop that was made up.
func made(s *shop) source {
	return source{s, inPostgres.script(s), inMySQL.script(s), func(t testing.TB, file string) {
		t.Helper()
		db, err := sqlite3.OpenFlags(file, sqlite3.OPEN_READWRITE|sqlite3.OPEN_CREATE)
		require.NoError(t, err)
		require.NoError(t, db.Exec("BEGIN;"+inSQLite.script(s)+"COMMIT"))
		require.NoError(t, db.Close())
	}}
}

// copies makes the five copies and connects the workspace to them. The answer has the place of each by the name of its
// connection.
func (s source) copies(t testing.TB, w *world) map[string]place {
	t.Helper()
	places := map[string]place{}
	add := func(n naming, spec livetables.ConnectionSpec) {
		t.Helper()
		c, err := w.owner.CreateConnection(t.Context(), w.workspace, spec)
		require.NoError(t, err)
		places[spec.Name] = place{c.ID, n}
	}

	w.postgres = testenv.Postgres(t)
	add(snake, atURL(t, w.postgres, livetables.ConnectionSpec{Name: "postgres", Driver: "postgres"}))
	conn, err := pgx.Connect(t.Context(), w.postgres)
	require.NoError(t, err)
	_, err = conn.PgConn().Exec(t.Context(), s.postgres).ReadAll()
	require.NoError(t, err)
	require.NoError(t, conn.Close(t.Context()))

	for name, dsn := range map[string]string{"mysql": testenv.MySQL(t), "mariadb": testenv.MariaDB(t)} {
		cfg, err := mysql.ParseDSN(dsn)
		require.NoError(t, err)
		cfg.MultiStatements = true
		// In standard SQL, and in these scripts, a backslash in a text is a backslash.
		cfg.Params = map[string]string{"sql_mode": "'STRICT_ALL_TABLES,NO_BACKSLASH_ESCAPES'"}
		connector, err := mysql.NewConnector(cfg)
		require.NoError(t, err)
		db := sql.OpenDB(connector)
		_, err = db.ExecContext(t.Context(), s.mysql)
		require.NoError(t, err)
		require.NoError(t, db.Close())
		host, port, err := net.SplitHostPort(cfg.Addr)
		require.NoError(t, err)
		add(camel, livetables.ConnectionSpec{Name: name, Driver: "mysql", Host: host, Port: number(t, port), User: cfg.User,
			Password: secret(cfg.Passwd), Database: cfg.DBName, TLS: "off"})
	}

	s.sqlite(t, filepath.Join(w.dir, "shop.db"))
	add(camel, livetables.ConnectionSpec{Name: "sqlite", Driver: "sqlite", File: "shop.db"})

	uri, database := testenv.Mongo(t)
	intoMongo(t, uri, database, s.shop)
	spec := atURL(t, uri, livetables.ConnectionSpec{Name: "mongodb", Driver: "mongodb"})
	spec.Database = database
	add(documents, spec)
	return places
}

// atURL adds where a server's URL leads to a connection.
func atURL(t testing.TB, address string, spec livetables.ConnectionSpec) livetables.ConnectionSpec {
	t.Helper()
	u, err := url.Parse(address)
	require.NoError(t, err)
	spec.Host, spec.Port, spec.User, spec.TLS = u.Hostname(), number(t, u.Port()), u.User.Username(), "off"
	spec.Database = strings.TrimPrefix(u.Path, "/")
	password, _ := u.User.Password()
	spec.Password = secret(password)
	return spec
}

func secret(password string) *livetables.Secret {
	if password == "" {
		return nil
	}
	s := livetables.NewSecret(password)
	return &s
}

func number(t testing.TB, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	require.NoError(t, err)
	return n
}

// intoMongo writes a shop as documents. Of the fields without a value every other one is absent, the rest is null.
func intoMongo(t testing.TB, uri, database string, s *shop) {
	t.Helper()
	client, err := mongo.Connect(options.Client().ApplyURI(uri))
	require.NoError(t, err)
	defer func() { _ = client.Disconnect(context.WithoutCancel(t.Context())) }()
	empty := 0
	for _, tb := range s.tables {
		docs := make([]any, len(tb.rows))
		for i, row := range tb.rows {
			doc := bson.D{}
			for j, v := range row {
				if empty++; v.IsNull() && empty%2 == 0 {
					continue
				}
				doc = with(doc, documents.column(tb.name, tb.columns[j].name), stored(t, tb.columns[j].kind, v))
			}
			docs[i] = doc
		}
		_, err := client.Database(database).Collection(documents.table(tb.name)).InsertMany(t.Context(), docs)
		require.NoError(t, err)
	}
}

// with adds a field to a document, whose name may lead into an embedded one.
func with(doc bson.D, path string, v any) bson.D {
	first, rest, nested := strings.Cut(path, ".")
	if !nested {
		return append(doc, bson.E{Key: path, Value: v})
	}
	for i := range doc {
		if inner, ok := doc[i].Value.(bson.D); ok && doc[i].Key == first {
			doc[i].Value = with(inner, rest, v)
			return doc
		}
	}
	return append(doc, bson.E{Key: first, Value: with(bson.D{}, rest, v)})
}

// stored is a value as a program that keeps documents would store it.
func stored(t testing.TB, k kind, v lqp.Value) any {
	t.Helper()
	switch {
	case v.IsNull():
		return nil
	case k == money:
		d, err := bson.ParseDecimal128(v.String())
		require.NoError(t, err)
		return d
	case k == integer:
		n, ok := v.Decimal().Int64()
		require.True(t, ok)
		return int32(n)
	case k == instant:
		return bson.DateTime(v.Millis())
	}
	return v.Text()
}

// copyFile copies a file that nobody may write to.
func copyFile(t testing.TB, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(to, data, 0o600))
}
