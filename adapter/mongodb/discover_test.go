package mongodb

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/livetables/livetables/adapter/internal/failure"
	"github.com/livetables/livetables/lqp"
)

func TestDiscovery(t *testing.T) {
	d := newDatabase(t)
	var docs []any
	for i := range 50 {
		p := doc("name", fmt.Sprint("p", i), "count", int32(i), "price", decimal("1.50"), "size", 1.5, "active", i%2 == 0,
			"made", bson.DateTime(int64(i)*1000), "ref", bson.NewObjectID(), "token", bson.Binary{Subtype: 4, Data: make([]byte, 16)},
			"raw", bson.Binary{Data: []byte{1}}, "address", doc("city", "Lyon", "geo", doc("lat", 1.5)), "tags", bson.A{"a", "b"},
			"parts", bson.A{doc("x", int32(1))}, "nothing", nil, "either", []any{int32(1), "x"}[i%2], "empty", bson.D{},
			"a.b", int32(1), "$price", int32(1), "", int32(1))
		if i == 0 {
			p = append(p, bson.E{Key: "rare", Value: "x"})
		}
		if i%2 == 0 {
			p = append(p, bson.E{Key: "mixed", Value: 1.5})
		} else {
			p = append(p, bson.E{Key: "mixed", Value: int64(1)})
		}
		docs = append(docs, p)
	}
	d.insert("parts", docs...)
	require.NoError(t, d.admin.CreateCollection(t.Context(), "nothing"))
	for _, index := range []mongo.IndexModel{
		{Keys: doc("name", 1), Options: options.Index().SetUnique(true)},
		{Keys: doc("count", -1, "made", 1), Options: options.Index().SetUnique(true)},
		{Keys: doc("rare", 1)},
		{Keys: doc("ref", 1), Options: options.Index().SetUnique(true).SetPartialFilterExpression(doc("active", true))},
	} {
		_, err := d.admin.Collection("parts").Indexes().CreateOne(t.Context(), index)
		require.NoError(t, err)
	}
	cat, err := d.Tables(t.Context())
	require.NoError(t, failure.Cause(err))
	require.Equal(t, d.settings.Database, cat.Database)
	require.Len(t, cat.Tables, 2)

	nothing := cat.Table("nothing")
	require.Equal(t, []lqp.Column{{ID: "_id", Name: "_id", Native: "objectId", HasDefault: true, Type: storage{form: objectIDForm}.lqpType()}}, nothing.Columns)
	require.Equal(t, int64(0), nothing.Rows)

	parts := cat.Table("parts")
	require.Equal(t, lqp.Collection, parts.Kind)
	require.Equal(t, []string{"_id"}, parts.Key)
	require.Equal(t, int64(50), parts.Rows)
	require.ElementsMatch(t, [][]string{{"name"}, {"count", "made"}}, parts.Uniques)
	require.Equal(t, `Columns inferred from all 50 documents. Fields left out because of their names: "", "$price", "a.b".`, parts.Comment)
	var got []string
	for _, c := range parts.Columns {
		require.Equal(t, c.ID, c.Name)
		require.False(t, c.Type.NotNull)
		got = append(got, fmt.Sprintf("%s %s %s | %s", c.ID, c.Type, c.Native, c.Comment))
	}
	require.Equal(t, []string{
		"_id text objectId | objectId 100%",
		"name text string | string 100%",
		"count number int | int 100%",
		"price number decimal | decimal 100%",
		"size float double | double 100%",
		"active bool bool | bool 100%",
		"made datetime date | date 100%",
		"ref text objectId | objectId 100%",
		"token text uuid | uuid 100%",
		"raw bytes binData | binData 100%",
		"address.city text string | string 100%",
		"address.geo.lat float double | double 100%",
		"tags list<text> array<string> | array 100%",
		"parts json json | array 100%",
		"nothing json json | null 100%",
		"either json json | string 50%, int 50%",
		"empty json json | object 100%",
		"rare text string | string 2%, missing 98%",
		"mixed float double | int 50%, double 50%",
	}, got)
}

// TestSampleSeesTheNewest: in a collection that is too big to be read whole, the oldest and the newest documents decide.
func TestSampleSeesTheNewest(t *testing.T) {
	d := newDatabase(t)
	var docs []any
	for i := range 1500 {
		p := doc("_id", int32(i), "v", int32(1))
		if i >= 1400 {
			p = append(p, bson.E{Key: "late", Value: "x"})
		}
		docs = append(docs, p)
	}
	d.insert("big", docs...)
	d.Discover()
	big := d.Found["big"]
	require.NotNil(t, big.Column("late"))
	require.Equal(t, "string 10%, missing 90%", big.Column("late").Comment)
	require.Equal(t, "Columns inferred from 1000 of about 1500 documents.", big.Comment)
	require.Equal(t, "int", big.Column("_id").Native)
}

// TestMapsAreDocuments: documents whose fields are data do not become hundreds of columns.
func TestMapsAreDocuments(t *testing.T) {
	d := newDatabase(t)
	var docs []any
	deep := doc("leaf", int32(1))
	for range 20 {
		deep = doc("in", deep)
	}
	for i := range 30 {
		days := bson.D{}
		for j := range 10 {
			days = append(days, bson.E{Key: fmt.Sprintf("day%d", i*10+j), Value: int32(1)})
		}
		docs = append(docs, doc("days", days, "deep", deep, "_id", doc("a", int32(i), "b", int32(1))))
	}
	d.insert("maps", docs...)
	d.Discover()
	maps := d.Found["maps"]
	require.Equal(t, "json", maps.Column("days").Native)
	require.Empty(t, maps.Key, "a document as key is none")
	require.NotNil(t, maps.Column("_id.a"))
	q := d.Bind(`{"source":{"table":"maps"},"filters":"{_id.a} = 3","columns":["_id.b","days"]}`)
	got, split := d.Planned(q)
	require.Nil(t, split.Residual)
	require.Equal(t, "1", got[0][0])
	require.Contains(t, got[0][1], `"day39":1`)
}

func TestEstimate(t *testing.T) {
	d := newDatabase(t)
	d.insert("t", doc("s", "a"), doc("s", "b"), doc("s", "c"))
	d.Discover()
	for query, want := range map[string]int64{
		`{"source":{"table":"t"}}`: 3,
		`{"source":{"table":"t"},"sorts":["_id"],"pagination":{"limit":2}}`:                           2,
		`{"source":{"table":"t"},"sorts":["_id"],"pagination":{"limit":2,"offset":2}}`:                1,
		`{"source":{"table":"t"},"filters":"{s} = \"a\""}`:                                            -1,
		`{"source":{"table":"t"},"aggregates":[{"name":"n","function":"countall"}]}`:                  1,
		`{"source":{"table":"t"},"group_by":["s"],"aggregates":[{"name":"n","function":"countall"}]}`: -1,
	} {
		n, err := d.Estimate(t.Context(), d.Plan(d.Bind(query)).Pushed)
		require.NoError(t, failure.Cause(err))
		require.Equal(t, want, n, query)
	}
}
