package mongodb

import (
	"context"
	"errors"
	"net"
	"net/url"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/formula"
	"github.com/livetables/livetables/internal/testenv"
	"github.com/livetables/livetables/lqp"
)

// database is a fresh database of a real server with an adapter to it.
type database struct {
	t        testing.TB
	settings adapter.Settings
	admin    *mongo.Database
	*Adapter
	tables map[string]*lqp.Table
}

// newDatabase opens an adapter to an empty database.
func newDatabase(t testing.TB) *database {
	t.Helper()
	uri, name := testenv.Mongo(t)
	at, err := url.Parse(uri)
	require.NoError(t, err)
	port, err := strconv.Atoi(at.Port())
	require.NoError(t, err)
	d := &database{t: t, settings: adapter.Settings{Driver: "mongodb", Host: at.Hostname(), Port: port, Database: name, TLS: "off", ReadOnly: true}}
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
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	return d
}

// insert adds documents to a collection.
func (d *database) insert(collection string, docs ...any) {
	d.t.Helper()
	_, err := d.admin.Collection(collection).InsertMany(d.t.Context(), docs)
	require.NoError(d.t, err)
}

func (d *database) discover() {
	d.t.Helper()
	cat, err := d.Tables(d.t.Context())
	require.NoError(d.t, unwrapped(err))
	d.tables = map[string]*lqp.Table{}
	for _, t := range cat.Tables {
		d.tables[t.Name] = t
	}
}

// unwrapped is an error in the server's own words.
func unwrapped(err error) error {
	if f := (*failure)(nil); errors.As(err, &f) {
		return errors.Join(err, f.cause)
	}
	return err
}

// bind reads a query in JSON, with formulas as text.
func (d *database) bind(text string) *lqp.Query { return bindText(d.t, d.tables, text) }

func bindText(t testing.TB, tables map[string]*lqp.Table, text string) *lqp.Query {
	t.Helper()
	q, err := lqp.DecodeQuery([]byte(text), lqp.DecodeOptions{Formula: formula.Parse})
	require.NoError(t, err, text)
	bound, err := lqp.Bind(q, lqp.Env{Table: func(_, name string) (*lqp.Table, error) {
		if t := tables[name]; t != nil {
			return t, nil
		}
		return nil, lqp.ErrUnknownTable
	}})
	require.NoError(t, err, text)
	return bound
}

// sources runs pushed queries, and tables whole.
type sources struct{ *database }

func (s sources) Open(ctx context.Context, src *lqp.Source) (lqp.RowReader, error) {
	if src.Query != nil {
		if src.Alias == "pushed" {
			return s.Scan(ctx, src.Query)
		}
		return nil, lqp.ErrRunNested
	}
	return s.Scan(ctx, wholeTable(src))
}

func (s sources) Lookup(context.Context, *lqp.Source, []lqp.Expr, [][]lqp.Value) (lqp.RowReader, error) {
	return nil, lqp.ErrNoLookup
}

func wholeTable(src *lqp.Source) *lqp.Query {
	q := &lqp.Query{From: *src}
	for _, c := range src.Schema.Columns {
		q.Select = append(q.Select, lqp.Named{Name: c.ID, Expr: lqp.TypedRef(src.Alias, c.ID, c.Type)})
	}
	return q
}

func (d *database) read(rows lqp.RowReader, err error, width int) [][]string {
	d.t.Helper()
	require.NoError(d.t, unwrapped(err))
	defer func() { require.NoError(d.t, rows.Close()) }()
	out := [][]string{}
	for rows.Next() {
		row := make([]string, width)
		for i := range row {
			row[i] = string(rows.Value(i).AppendJSON(nil))
		}
		out = append(out, row)
	}
	require.NoError(d.t, unwrapped(rows.Err()))
	return out
}

// reference answers a bound query in memory from whole tables.
func (d *database) reference(q *lqp.Query) [][]string {
	d.t.Helper()
	rows, err := lqp.Run(d.t.Context(), q, sources{d}, lqp.RunOptions{})
	return d.read(rows, err, len(q.Select))
}

// planned answers a bound query as it is split.
func (d *database) planned(q *lqp.Query) ([][]string, adapter.Split) {
	d.t.Helper()
	s := d.Plan(q)
	if s.Pushed == nil {
		return d.reference(q), s
	}
	if s.Residual == nil {
		rows, err := d.Scan(d.t.Context(), s.Pushed)
		return d.read(rows, err, len(q.Select)), s
	}
	rows, err := lqp.Run(d.t.Context(), s.Residual, sources{d}, lqp.RunOptions{})
	return d.read(rows, err, len(q.Select)), s
}

// native is the command of a pushed query, for messages.
func (d *database) native(s adapter.Split) string {
	if s.Pushed == nil {
		return "nothing is pushed"
	}
	text, err := d.Native(s.Pushed)
	if err != nil {
		return err.Error()
	}
	return text
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
