package livetables_test

import (
	"context"
	"net/url"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/internal/testenv"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// One query over a document database, PostgreSQL and the mini-DB: joined, filtered, grouped, sorted.
func TestThreeDatabasesInOneQuery(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	uri, name := testenv.Mongo(t)
	client, err := mongo.Connect(options.Client().ApplyURI(uri))
	require.NoError(t, err)
	defer func() { _ = client.Disconnect(context.WithoutCancel(ctx)) }()
	_, err = client.Database(name).Collection("tracks").InsertMany(ctx, []any{
		bson.M{"_id": 1, "title": "Aria", "genre": bson.M{"name": "Baroque"}}, bson.M{"_id": 2, "title": "Fugue", "genre": bson.M{"name": "Baroque"}},
		bson.M{"_id": 3, "title": "Blues", "genre": bson.M{"name": "Jazz"}}, bson.M{"_id": 4, "title": "Noise"},
	})
	require.NoError(t, err)
	u, err := url.Parse(uri)
	require.NoError(t, err)
	port, err := strconv.Atoi(u.Port())
	require.NoError(t, err)
	docs, err := w.owner.CreateConnection(ctx, w.workspace, livetables.ConnectionSpec{Name: "docs", Driver: "mongodb", Host: u.Hostname(), Port: port, Database: name, TLS: "off"})
	require.NoError(t, err)

	dsn := testenv.Postgres(t)
	conn, err := pgx.Connect(ctx, dsn)
	require.NoError(t, err)
	defer conn.Close(context.WithoutCancel(ctx))
	_, err = conn.Exec(ctx, `CREATE TABLE sale (id int PRIMARY KEY, track int NOT NULL, customer int NOT NULL, amount numeric(8,2) NOT NULL);
		INSERT INTO sale VALUES (1,1,10,2.50),(2,1,11,2.50),(3,2,10,1.00),(4,3,11,9.99),(5,3,12,0.01),(6,4,10,5.00),(7,9,10,100.00)`)
	require.NoError(t, err)
	pg := w.connectPostgres(dsn)

	customers := w.table("Customers", minidb.ColumnSpec{Name: "Number", Type: minidb.IntegerColumn}, minidb.ColumnSpec{Name: "Country", Type: minidb.TextColumn})
	w.insert(w.owner, customers, []string{"10", "Norway"}, []string{"11", "Brazil"}, []string{"12", "Norway"})

	rows, err := w.viewer.Query(ctx, w.workspace, &lqp.Query{
		From: lqp.Source{Connection: pg.ID, Table: "sale", Alias: "s"},
		Joins: []lqp.Join{
			{Kind: lqp.Inner, Source: lqp.Source{Connection: docs.ID, Table: "tracks", Alias: "t"}, On: expr(t, "t._id = s.track")},
			{Kind: lqp.Inner, Source: lqp.Source{Table: customers.ID, Alias: "c"}, On: expr(t, "c.Number = s.customer")},
		},
		Where:      expr(t, `s.amount > 0.5`),
		GroupBy:    []lqp.Named{{Name: "genre", Expr: lqp.Ref("t", "genre.name")}, {Name: "country", Expr: lqp.Ref("c", "Country")}},
		Aggregates: []lqp.Aggregate{{Name: "sum", Func: "sum", Arg: expr(t, "s.amount")}, {Name: "n", Func: "countall"}},
		OrderBy:    order(t, "-sum", "genre"),
	})
	assert.Equal(t, []string{"Jazz|Brazil|9.99|1", "NULL|Norway|5|1", "Baroque|Norway|3.5|2", "Baroque|Brazil|2.5|1"}, all(t, rows, err))
}
