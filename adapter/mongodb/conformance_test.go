package mongodb

import (
	"bytes"
	"context"
	"encoding/json"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/adaptertest"
	"github.com/livetables/livetables/lqp"
)

// TestConformance runs the suite of all adapters. Collections have no foreign keys.
func TestConformance(t *testing.T) {
	h := &harness{}
	adaptertest.Run(t, adaptertest.Harness{Open: h.open, Load: h.load, NoForeignKeys: true})
}

// TestRandomQueries asks more random queries than the suite by itself. The seed is printed.
func TestRandomQueries(t *testing.T) {
	n := 3000
	if testing.Short() {
		n = 300
	}
	h := &harness{}
	adaptertest.Run(t, adaptertest.Harness{Open: h.open, Load: h.load, NoForeignKeys: true, Random: n, Only: []string{"Random"}})
}

// harness gives the suite databases and fills them.
type harness struct {
	mu        sync.Mutex
	databases map[adapter.Adapter]*presented
}

// presented shows collections the way the suite created them: as tables with the suite's keys. A collection's own key is
// always _id, and without documents it has no fields.
type presented struct {
	*database
	fixtures map[string]*adaptertest.Fixture
}

func (p *presented) Tables(ctx context.Context) (lqp.Catalog, error) {
	cat, err := p.database.Tables(ctx)
	for i, found := range cat.Tables {
		f := p.fixtures[found.Name]
		if f == nil {
			continue
		}
		t := *found
		t.Kind, t.Key, t.Columns = lqp.BaseTable, f.Key, nil
		for _, c := range found.Columns {
			if c.ID != "_id" {
				t.Columns = append(t.Columns, c)
			}
		}
		if len(f.Rows) == 0 {
			for _, c := range f.Columns {
				s := storageOf(c.Type)
				t.Columns = append(t.Columns, lqp.Column{ID: c.Name, Name: c.Name, Type: s.lqpType(), Native: s.native()})
			}
		}
		cat.Tables[i] = &t
	}
	return cat, err
}

func storageOf(t lqp.Type) storage {
	switch {
	case t.Integer():
		return storage{form: intForm}
	case t.Kind == lqp.Number:
		return storage{form: decimalForm}
	case t.Kind == lqp.Float:
		return storage{form: doubleForm}
	}
	return storage{form: stringForm}
}

func (h *harness) open(t testing.TB) adapter.Adapter {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.databases == nil {
		h.databases = map[adapter.Adapter]*presented{}
	}
	p := &presented{database: newDatabase(t), fixtures: map[string]*adaptertest.Fixture{}}
	h.databases[p] = p
	return p
}

func (h *harness) load(t testing.TB, a adapter.Adapter, tables []*adaptertest.Fixture) {
	h.mu.Lock()
	p := h.databases[a]
	h.mu.Unlock()
	for _, f := range tables {
		daysToMidnights(f)
		p.fixtures[f.Name] = f
		require.NoError(t, p.admin.CreateCollection(t.Context(), f.Name))
		for _, u := range f.Unique {
			keys := bson.D{}
			for _, c := range u {
				keys = append(keys, bson.E{Key: c, Value: 1})
			}
			_, err := p.admin.Collection(f.Name).Indexes().CreateOne(t.Context(), mongo.IndexModel{Keys: keys, Options: options.Index().SetUnique(true)})
			require.NoError(t, err)
		}
		for n, row := range f.Rows {
			d := bson.D{}
			for i, v := range row {
				if v.IsNull() && (n+i)%2 == 0 {
					continue // missing instead of null
				}
				d = append(d, bson.E{Key: f.Columns[i].Name, Value: documentValue(t, f.Columns[i].Type, v)})
			}
			p.insert(f.Name, d)
		}
	}
}

// daysToMidnights changes a fixture to what documents can hold: they have instants and no days.
func daysToMidnights(f *adaptertest.Fixture) {
	for i := range f.Columns {
		if f.Columns[i].Type.Kind != lqp.Date {
			continue
		}
		f.Columns[i].Type.Kind = lqp.DateTime
		for _, row := range f.Rows {
			if !row[i].IsNull() {
				row[i] = lqp.DateTimeValue(row[i].Days() * 86_400_000)
			}
		}
	}
}

// documentValue is a canonical value as a document holds it.
func documentValue(t testing.TB, typ lqp.Type, v lqp.Value) any {
	switch v.Kind() {
	case lqp.Null:
		return nil
	case lqp.Number:
		if n, ok := v.Decimal().Int64(); ok && typ.Integer() {
			return n
		}
		return decimal(v.Decimal().String())
	case lqp.Float:
		return v.Float()
	case lqp.Bool:
		return v.Bool()
	case lqp.DateTime:
		return bson.DateTime(v.Millis())
	case lqp.Bytes:
		return bson.Binary{Data: []byte(v.Text())}
	case lqp.List:
		items := bson.A{}
		for _, e := range v.Items() {
			items = append(items, documentValue(t, lqp.Type{Kind: typ.Elem}, e))
		}
		return items
	case lqp.JSON:
		var x any
		dec := json.NewDecoder(bytes.NewReader([]byte(v.Text())))
		dec.UseNumber()
		require.NoError(t, dec.Decode(&x))
		return fromJSON(t, x)
	}
	return v.Text()
}

func fromJSON(t testing.TB, x any) any {
	switch x := x.(type) {
	case json.Number:
		n, err := x.Int64()
		require.NoError(t, err)
		return n
	case []any:
		items := bson.A{}
		for _, e := range x {
			items = append(items, fromJSON(t, e))
		}
		return items
	case map[string]any:
		d := bson.D{}
		for k, e := range x {
			d = append(d, bson.E{Key: k, Value: fromJSON(t, e)})
		}
		return d
	}
	return x
}
