package differential

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/mongodb"
	"github.com/livetables/livetables/internal/testenv"
	"github.com/livetables/livetables/lqp"
)

// mongoBackend is a database of its own on a server that speaks MongoDB's protocol.
type mongoBackend struct {
	drop   func(context.Context) error
	client *mongo.Client
	admin  *mongo.Database
	a      adapter.Adapter
	loads  int
	before []string // collections of the world before
}

func openMongo(ctx context.Context) (_ backend, err error) {
	uri, drop, err := testenv.Fresh(ctx, testenv.KindMongo)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, drop(ctx))
		}
	}()
	where, err := url.Parse(uri)
	if err != nil {
		return nil, err
	}
	port, err := strconv.Atoi(where.Port())
	if err != nil {
		return nil, err
	}
	s := adapter.Settings{Driver: "mongodb", Host: where.Hostname(), Port: port, Database: strings.TrimPrefix(where.Path, "/"), TLS: "off", ReadOnly: true,
		MaxConns: connections}
	if where.User != nil {
		s.User = where.User.Username()
		s.Password, _ = where.User.Password()
	}
	a, err := mongodb.Open(ctx, s)
	if err != nil {
		return nil, err
	}
	client, err := mongo.Connect(options.Client().ApplyURI(uri))
	if err != nil {
		return nil, err
	}
	return &mongoBackend{drop: drop, client: client, admin: client.Database(s.Database), a: a}, nil
}

func (b *mongoBackend) load(ctx context.Context, w *World) (adapter.Adapter, map[string]*lqp.Table, error) {
	for _, name := range b.before {
		if err := b.admin.Collection(name).Drop(ctx); err != nil {
			return nil, nil, err
		}
	}
	b.loads++
	b.before = nil
	for _, t := range w.Tables {
		name := at(b.loads, t.Name)
		b.before = append(b.before, name)
		// Types are inferred from documents: one that has them all, which is then removed.
		if _, err := b.admin.Collection(name).InsertOne(ctx, specimen(t)); err != nil {
			return nil, nil, err
		}
	}
	found, err := discover(ctx, b.a, w, func(name string) string { return at(b.loads, name) })
	if err != nil {
		return nil, nil, err
	}
	for _, t := range w.Tables {
		c := b.admin.Collection(at(b.loads, t.Name))
		if _, err := c.DeleteMany(ctx, bson.D{}); err != nil {
			return nil, nil, err
		}
		var docs []any
		for n := range t.Rows {
			docs = append(docs, document(t, n))
		}
		if len(docs) > 0 {
			if _, err := c.InsertMany(ctx, docs); err != nil {
				return nil, nil, err
			}
		}
		if s := found[t.Name]; s != nil {
			s.Rows = int64(len(docs))
		}
	}
	return b.a, found, nil
}

func (b *mongoBackend) close(ctx context.Context) error {
	_ = b.a.Close() // the database goes anyway
	_ = b.client.Disconnect(ctx)
	return b.drop(ctx)
}

// specimen is a document with a value of every column's own type.
func specimen(t *Table) bson.D {
	var d bson.D
	for i := range t.Columns {
		c := &t.Columns[i]
		native := c.native(MongoDB, slices.Contains(t.Key, c.Name))
		var v any
		switch c.Type.Kind {
		case lqp.Number:
			// Integers and decimals together make a decimal column.
			v = int64(1)
			if strings.Contains(native, "decimal") {
				v = decimal128("1.5")
			}
		case lqp.Float:
			v = 1.5
		case lqp.Bool:
			v = true
		case lqp.Date, lqp.DateTime:
			v = bson.DateTime(0)
		case lqp.List:
			v = bson.A{"a"}
			if c.Type.Elem == lqp.Number {
				v = bson.A{decimal128("1.5")}
			}
		case lqp.JSON:
			v = bson.A{bson.D{{Key: "a", Value: "b"}}} // no array of a scalar type and no document, whose fields were columns
		default:
			v = "text"
		}
		d = set(d, c.Name, v)
	}
	return d
}

// set puts a value at a dotted path.
func set(d bson.D, path string, v any) bson.D {
	first, rest, nested := strings.Cut(path, ".")
	if !nested {
		return append(d, bson.E{Key: path, Value: v})
	}
	for i := range d {
		if d[i].Key == first {
			d[i].Value = set(d[i].Value.(bson.D), rest, v)
			return d
		}
	}
	return append(d, bson.E{Key: first, Value: set(nil, rest, v)})
}

// document is a row. NULLs are missing in turn, null, and in odd columns of another type.
func document(t *Table, n int) bson.D {
	d := bson.D{}
	for i := range t.Columns {
		c, v := &t.Columns[i], t.Rows[n][i]
		if !v.IsNull() {
			d = set(d, c.Name, mongoValue(c, c.native(MongoDB, slices.Contains(t.Key, c.Name)), v, n))
			continue
		}
		switch {
		case c.odd(n, i) && c.Type.Kind != lqp.JSON:
			d = set(d, c.Name, mongoWrong(c, n))
		case (n+i)%3 != 0:
			d = set(d, c.Name, nil)
		}
	}
	return d
}

// mongoWrong is a value of another type than the column's.
func mongoWrong(c *Column, n int) any {
	switch {
	case c.Type.Kind == lqp.Float && n%3 == 0:
		return bson.D{{Key: "x", Value: 1}}
	case c.Type.Kind == lqp.List:
		return "none"
	case n%3 == 1:
		return bson.A{1, "a"}
	case c.Type.Kind == lqp.Text:
		return int32(7)
	}
	return "none"
}

// mongoValue is a value as a document holds it.
func mongoValue(c *Column, native string, v lqp.Value, n int) any {
	switch v.Kind() {
	case lqp.Number:
		return mongoNumber(native, v.Decimal(), n)
	case lqp.Float:
		if f := v.Float(); native == "double,int" && f == float64(int32(f)) && n%2 == 0 {
			return int32(f)
		}
		return v.Float()
	case lqp.Bool:
		return v.Bool()
	case lqp.Date:
		return bson.DateTime(v.Days() * 86_400_000)
	case lqp.DateTime:
		return bson.DateTime(v.Millis())
	case lqp.List:
		items := bson.A{}
		for _, e := range v.Items() {
			if e.IsNull() {
				items = append(items, nil)
				continue
			}
			items = append(items, mongoValue(c, "decimal", e, n))
		}
		return items
	case lqp.JSON:
		var x any
		dec := json.NewDecoder(bytes.NewReader([]byte(v.Text())))
		dec.UseNumber()
		if err := dec.Decode(&x); err != nil {
			return nil
		}
		return fromJSON(x)
	}
	return v.Text()
}

func mongoNumber(native string, d lqp.Decimal, n int) any {
	forms := strings.Split(native, ",")
	whole, ok := d.Int64()
	for range forms {
		switch form := forms[n%len(forms)]; {
		case form == "int" && ok && whole == int64(int32(whole)):
			return int32(whole)
		case form == "long" && ok:
			return whole
		case form == "decimal":
			return decimal128(d.String())
		}
		n++
	}
	return whole
}

func decimal128(text string) bson.Decimal128 {
	d, err := bson.ParseDecimal128(text)
	if err != nil {
		panic(err) // our numbers have thirty digits at most
	}
	return d
}

func fromJSON(x any) any {
	switch x := x.(type) {
	case json.Number:
		n, _ := x.Int64()
		return n
	case []any:
		items := bson.A{}
		for _, e := range x {
			items = append(items, fromJSON(e))
		}
		return items
	case map[string]any:
		d := bson.D{}
		for _, k := range slices.Sorted(maps.Keys(x)) {
			d = append(d, bson.E{Key: k, Value: fromJSON(x[k])})
		}
		return d
	}
	return x
}
