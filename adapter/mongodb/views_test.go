package mongodb

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/livetables/livetables/adapter/internal/databasetest"
	"github.com/livetables/livetables/adapter/internal/failure"
	"github.com/livetables/livetables/lqp"
)

// TestWhatOnlyMongoDBHas: views, time series, capped collections and collations are described as MongoDB's manual does;
// the server of the other tests has none of them.
func TestWhatOnlyMongoDBHas(t *testing.T) {
	german := doc("locale", "de", "strength", int32(3))
	srv := newScripted(t, nil, func(name string, command bson.Raw) any {
		switch name {
		case "listCollections":
			return batchOf(0, "firstBatch", doc("name", "capped", "type", "collection", "options", doc("capped", true, "size", int32(4096))),
				doc("name", "german", "type", "collection", "options", doc("collation", german)),
				doc("name", "measured", "type", "timeseries", "options", doc("timeseries", doc("timeField", "at"))),
				doc("name", "seen", "type", "view", "options", doc("viewOn", "capped", "pipeline", bson.A{}, "collation", german)),
				doc("name", "system.views", "type", "collection", "options", bson.D{}))
		case "count":
			return doc("ok", 1, "n", int32(5000))
		case "find", "aggregate":
			if _, err := command.LookupErr("pipeline", "0", "$documents"); err == nil {
				return doc("ok", 0, "code", int32(40324), "errmsg", "nothing can be tried")
			}
			return batchOf(0, "firstBatch", doc("_id", bson.ObjectID{1}, "s", "a", "at", bson.DateTime(0)))
		case "listIndexes":
			return batchOf(0, "firstBatch", doc("key", doc("_id", int32(1)), "name", "_id_"),
				doc("key", doc("s", int32(1)), "name", "s_1", "unique", true, "collation", german))
		}
		return nil
	})
	a, err := open(srv.settings())
	require.NoError(t, err)
	d := databasetest.New(t, a)
	cat, err := a.Tables(t.Context())
	require.NoError(t, failure.Cause(err))
	require.Len(t, cat.Tables, 4)
	d.Discover()
	for name, want := range map[string]struct {
		kind      lqp.TableKind
		key       []string
		collation string
	}{
		"capped": {lqp.Collection, []string{"_id"}, ""}, "german": {lqp.Collection, []string{"_id"}, "de"},
		"measured": {lqp.ViewTable, nil, ""}, "seen": {lqp.ViewTable, nil, "de"},
	} {
		got := d.Found[name]
		require.Equal(t, want.kind, got.Kind, name)
		require.Equal(t, want.key, got.Key, name)
		require.Equal(t, want.collation, got.Column("s").Collation, name)
	}
	require.Empty(t, d.Found["german"].Uniques, "unique to Germans")

	// A collection's own collation is overruled, of which no server keeps us; a view's cannot be.
	for _, f := range []*facts{nil, {bareCollation: true}} {
		require.NotEmpty(t, f.collation(d.Found["german"]))
		require.Empty(t, f.collation(d.Found["seen"]))
		require.Equal(t, f == nil, len(f.collation(d.Found["capped"])) > 0)
	}
	require.NotNil(t, a.Plan(d.Bind(`{"source":{"table":"seen"},"filters":"{s} = \"a\""}`)).Residual)
	require.Nil(t, a.Plan(d.Bind(`{"source":{"table":"german"},"filters":"{s} = \"a\""}`)).Residual)
	require.Nil(t, a.Plan(d.Bind(`{"source":{"table":"measured"},"filters":"{s} = \"a\"","sorts":["at"],"pagination":{"limit":3}}`)).Residual)
	_, pieces := readApart(d.Bind(`{"source":{"table":"measured"},"sorts":["at"],"pagination":{"limit":3}}`), 0, nil)
	require.False(t, pieces, "nobody knows what a view costs twice")
}

// TestSingleKeyIndexes reads what MongoDB and DocumentDB say in their plans about arrays.
func TestSingleKeyIndexes(t *testing.T) {
	scan := func(name string, multi bool) bson.D {
		return doc("stage", "IXSCAN", "keyPattern", doc("at", int32(1)), "indexName", name, "isMultiKey", multi, "isSparse", false, "direction", "forward")
	}
	plan := doc("queryPlanner", doc("winningPlan", doc("stage", "FETCH", "inputStage", scan("at_1", false)), "rejectedPlans", bson.A{scan("at_1_n_1", true)}))
	b, err := bson.Marshal(plan)
	require.NoError(t, err)
	require.Equal(t, map[string]bool{"at_1": true}, singleKeyIndexes(b, nil))
	require.Empty(t, singleKeyIndexes(b[:40], nil), "damaged")

	for _, c := range []struct {
		index bson.D
		want  bool
	}{
		{doc("key", doc("at", int32(1)), "name", "at_1"), true},
		{doc("key", doc("at", int32(-1), "n", int32(1)), "name", "x", "unique", true), true},
		{doc("key", doc("n", int32(1), "at", int32(1)), "name", "x"), false},
		{doc("key", doc("at", "hashed"), "name", "x"), false},
		{doc("key", doc("at", int32(1)), "name", "x", "sparse", true), false},
		{doc("key", doc("at", int32(1)), "name", "x", "partialFilterExpression", doc("n", int32(1))), false},
		{doc("key", doc("at", int32(1)), "name", "x", "collation", doc("locale", "de")), false},
	} {
		b, err := bson.Marshal(c.index)
		require.NoError(t, err)
		require.Equal(t, c.want, plainIndex(b, "at"), c.index)
	}
}
