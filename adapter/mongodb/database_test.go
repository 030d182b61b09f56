package mongodb

import (
	"context"
	"net"
	"net/url"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/internal/databasetest"
	"github.com/livetables/livetables/internal/testenv"
)

// database is a fresh database of a real server with an adapter to it.
type database struct {
	settings adapter.Settings
	admin    *mongo.Database
	*Adapter
	*databasetest.Database
}

// newDatabase opens an adapter to an empty database.
func newDatabase(t testing.TB) *database {
	t.Helper()
	uri, name := testenv.Mongo(t)
	at, err := url.Parse(uri)
	require.NoError(t, err)
	port, err := strconv.Atoi(at.Port())
	require.NoError(t, err)
	d := &database{settings: adapter.Settings{Driver: "mongodb", Host: at.Hostname(), Port: port, Database: name, TLS: "off", ReadOnly: true}}
	if at.User != nil {
		d.settings.User = at.User.Username()
		d.settings.Password, _ = at.User.Password()
	}
	client, err := mongo.Connect(options.Client().ApplyURI(uri))
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Disconnect(context.Background()) })
	d.admin = client.Database(name)
	d.Adapter, err = open(d.settings)
	require.NoError(t, err)
	d.apartFrom = 0 // pages of small collections are read in pieces too
	d.Database = databasetest.New(t, d.Adapter)
	return d
}

// insert adds documents to a collection.
func (d *database) insert(collection string, docs ...any) {
	d.T.Helper()
	_, err := d.admin.Collection(collection).InsertMany(d.T.Context(), docs)
	require.NoError(d.T, err)
}

func doc(pairs ...any) bson.D {
	var d bson.D
	for i := 0; i < len(pairs); i += 2 {
		d = append(d, bson.E{Key: pairs[i].(string), Value: pairs[i+1]})
	}
	return d
}

func decimal(s string) bson.Decimal128 { return mustDecimal(s) }

// unreachable is the address of a port where nobody listens.
func unreachable(t testing.TB) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
