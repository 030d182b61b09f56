package mongodb

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/livetables/livetables/adapter/internal/failure"
	"github.com/livetables/livetables/lqp"
)

// TestSortByKey: the index of _id serves a sort only while every _id is of the column's type.
func TestSortByKey(t *testing.T) {
	d := newDatabase(t)
	var docs []any
	for i := range 40 {
		docs = append(docs, doc("_id", bson.ObjectID{byte(i * 7 % 40)}, "n", int32(i)))
	}
	d.insert("t", docs...)
	d.Discover()
	forward := d.Bind(`{"source":{"table":"t"},"columns":["_id","n"],"sorts":["_id","n"],"pagination":{"limit":5}}`)
	backward := d.Bind(`{"source":{"table":"t"},"columns":["_id","n"],"sorts":[{"column":"_id","direction":"desc","nulls":"first"},"n"],"pagination":{"limit":5,"offset":1}}`)
	filtered := d.Bind(`{"source":{"table":"t"},"columns":["n"],"filters":"{n} > 10","sorts":["_id","-n"]}`)
	check := func(uniform bool) {
		t.Helper()
		for _, q := range []*lqp.Query{forward, backward, filtered} {
			st, reason := compile(q, mode{})
			require.Empty(t, reason)
			require.NotNil(t, st.proof)
			proven, err := d.proven(t.Context(), st.proof)
			require.NoError(t, failure.Cause(err))
			require.Equal(t, uniform, proven)
			got, split := d.Planned(q)
			require.Nil(t, split.Residual)
			require.Equal(t, d.Reference(q), got)
		}
	}
	check(true)
	d.insert("t", doc("_id", "text", "n", int32(100)))
	check(false)
	d.Discover()
	require.Empty(t, d.Found["t"].Key, "it does not tell documents apart")
	d.insert("t", doc("_id", bson.MaxKey{}, "n", int32(101)), doc("_id", int32(1), "n", int32(102)))
	check(false)
}

// TestWalkByKey pages through a collection by its key.
func TestWalkByKey(t *testing.T) {
	d := newDatabase(t)
	var docs []any
	for i := range 57 {
		docs = append(docs, doc("_id", bson.ObjectID{byte(i * 5 % 57)}, "n", int32(i)))
	}
	d.insert("t", docs...)
	d.Discover()
	for _, sort := range []string{`"_id"`, `"-_id"`} {
		q := *d.Bind(`{"source":{"table":"t"},"columns":["_id"],"sorts":[` + sort + `]}`)
		want := d.Reference(&q)
		require.Len(t, want, 57)
		var got [][]string
		q.Page.Limit = 10
		for range 6 {
			page, split := d.Planned(&q)
			require.Nil(t, split.Residual)
			got = append(got, page...)
			last := page[len(page)-1][0]
			q.Page.After = []lqp.Value{lqp.TextValue(last[1 : len(last)-1])}
		}
		require.Equal(t, want, got)
	}
}

// TestUnknownCollection reads as empty, as the server sees it.
func TestUnknownCollection(t *testing.T) {
	d := newDatabase(t)
	d.insert("t", doc("s", "a"))
	d.Discover()
	q := d.Bind(`{"source":{"table":"t"}}`)
	require.NoError(t, d.admin.Collection("t").Drop(t.Context()))
	require.Empty(t, d.Reference(q))
}
