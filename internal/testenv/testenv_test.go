package testenv

import (
	"context"
	"database/sql"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
)

func TestPostgresDatabasesAreFreshAndSeparate(t *testing.T) {
	t.Parallel()
	a, b := Postgres(t), Postgres(t)
	must(t, execPostgres(t.Context(), a, "CREATE TABLE mine (id int)"))
	must(t, execPostgres(t.Context(), b, "CREATE TABLE mine (id int)"))
}

func TestPostgresDatabaseIsDroppedWithItsSessionsAndSlots(t *testing.T) {
	t.Parallel()
	var url string
	t.Run("leaky", func(t *testing.T) {
		url = Postgres(t)
		conn, err := pgx.Connect(t.Context(), url)
		must(t, err)
		t.Cleanup(func() {})
		_, err = conn.Exec(t.Context(), "SELECT pg_create_logical_replication_slot($1, 'pgoutput')", Name(t))
		must(t, err)
	})
	if err := pingPostgres(t.Context(), url); err == nil {
		t.Error("the database is still there")
	}
}

// What the servers started here are like, see the package documentation.
func TestPostgresIsNotSimple(t *testing.T) {
	t.Parallel()
	server, err := shared(KindPostgres)
	if err != nil || server.supervisor == nil {
		t.Skip("not started here")
	}
	must(t, withPostgres(t.Context(), Postgres(t), func(conn *pgx.Conn) error {
		var zone, wal string
		var natural bool
		err := conn.QueryRow(t.Context(), `SELECT to_char(timestamptz '2000-01-01 00:00Z', 'HH24:MI'), 'a' < 'B', current_setting('wal_level')`).Scan(&zone, &natural, &wal)
		if zone != "05:45" || !natural || wal != "logical" {
			t.Errorf("got midnight at %s, a < B %v, wal_level %s", zone, natural, wal)
		}
		return err
	}))
}

func TestMySQLDatabasesAreFreshAndSeparate(t *testing.T) {
	t.Parallel()
	testMySQL(t, MySQL)
}

func TestMariaDBDatabasesAreFreshAndSeparate(t *testing.T) {
	t.Parallel()
	testMySQL(t, MariaDB)
}

func testMySQL(t *testing.T, fresh func(testing.TB) string) {
	var leaked string
	t.Run("leaky", func(t *testing.T) {
		a, b := fresh(t), fresh(t)
		leaked = a
		for _, dsn := range []string{a, b} {
			db, err := sql.Open("mysql", dsn)
			must(t, err)
			// Not closed: an open transaction must not keep the database.
			tx, err := db.Begin()
			must(t, err)
			_, err = tx.ExecContext(t.Context(), "CREATE TABLE mine (id int)")
			must(t, err)
			_, err = tx.ExecContext(t.Context(), "INSERT INTO mine VALUES (1)")
			must(t, err)
		}
	})
	if err := pingMySQL(t.Context(), leaked); err == nil {
		t.Error("the database is still there")
	}
}

func TestMongoDatabasesAreFreshAndSeparate(t *testing.T) {
	t.Parallel()
	uri, name := Mongo(t)
	if other, _ := Mongo(t); other == uri {
		t.Errorf("got %s twice", uri)
	}
	must(t, withMongo(t.Context(), uri, func(client *mongo.Client) error {
		_, err := client.Database(name).Collection("mine").InsertOne(t.Context(), bson.D{{Key: "_id", Value: 1}})
		return err
	}))
}

func TestRedis(t *testing.T) {
	t.Parallel()
	opts, err := redis.ParseURL(Redis(t))
	must(t, err)
	client := redis.NewClient(opts)
	defer client.Close()
	key := Name(t)
	must(t, client.Set(t.Context(), key, "1", 0).Err())
	must(t, client.Del(t.Context(), key).Err())
}

func TestFresh(t *testing.T) {
	t.Parallel()
	url, drop, err := Fresh(t.Context(), KindPostgres)
	if err != nil {
		if KindPostgres.Required() {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	must(t, pingPostgres(t.Context(), url))
	must(t, drop(context.Background()))
	if err := pingPostgres(t.Context(), url); err == nil {
		t.Error("the database is still there")
	}
}

func TestMongoURI(t *testing.T) {
	for _, test := range []struct{ uri, want string }{
		{"mongodb://h", "mongodb://h/lt"},
		{"mongodb://h:1/", "mongodb://h:1/lt"},
		{"mongodb://h:1,i:2/?replicaSet=r", "mongodb://h:1,i:2/lt?replicaSet=r"},
		{"mongodb://u:p@h/", "mongodb://u:p@h/lt?authSource=admin"},
		{"mongodb://u:p@h/users?tls=true", "mongodb://u:p@h/lt?tls=true&authSource=users"},
		{"mongodb+srv://u:p@h/?authSource=x", "mongodb+srv://u:p@h/lt?authSource=x"},
	} {
		got := withMongoDatabase(test.uri, "lt")
		if got != test.want {
			t.Errorf("%s: got %s, want %s", test.uri, got, test.want)
		}
		if mongoDatabase(got) != "lt" {
			t.Errorf("%s: the database is %q", got, mongoDatabase(got))
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
