package mongodb

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/livetables/livetables/adapter/internal/failure"
	"github.com/livetables/livetables/lqp"
)

// TestPagesInPieces walks through a collection in orders in which thousands agree in the first key, texts agree in what
// order looks at, integers are one double, and many values are missing or of another type.
func TestPagesInPieces(t *testing.T) {
	d := newDatabase(t)
	long := strings.Repeat("é", lqp.OrderPrefix)
	texts := []any{long, long + "a", long + "\U0010FFFF", long[:len(long)-2] + "è", long[:len(long)-2] + "\U0010FFFF", "", "b", "a\x00", nil, int32(1)}
	doubles := []any{1.5, int64(1 << 60), int64(1<<60 + 1), float64(1 << 60), int64(1<<60 + 1000), math.NaN(), math.Inf(1), nil, "x", -1.5, int64(-1 << 60), int64(-1<<60 - 1)}
	var docs []any
	for i := range 2600 {
		docs = append(docs, doc("_id", int32(i*7919%2600), "few", []any{"a", "b"}[min(i%40, 1)], "many", int32(i%1000), "text", texts[i%len(texts)],
			"double", doubles[i%len(doubles)], "decimal", decimal(fmt.Sprintf("1.%010d%d", i%3, i%10))))
		switch {
		case i%97 == 0: // before the first year, and of another type
			docs[i] = append(docs[i].(bson.D), bson.E{Key: "half", Value: []any{bson.DateTime(-99_999_999_999_999), "x", bson.D{}}[i%3]})
		case i%2 == 0:
			docs[i] = append(docs[i].(bson.D), bson.E{Key: "half", Value: bson.DateTime(i % 5)})
		}
	}
	d.insert("t", docs...)
	_, err := d.admin.Collection("t").Indexes().CreateOne(t.Context(), mongo.IndexModel{Keys: doc("half", 1)})
	require.NoError(t, err)
	require.True(t, d.noArrays(t.Context(), "t", "half"))
	d.Discover()
	// Too few of their values have the type for it to be the column's by itself.
	for id, st := range map[string]storage{"text": {form: stringForm}, "double": {form: doubleForm}} {
		c := d.Found["t"].Column(id)
		c.Type, c.Native = st.lqpType(), st.native()
	}
	for _, sorts := range []string{
		`["few","_id"]`, `["-few","-_id"]`, `["many","-_id"]`, `["text","_id"]`, `["-text","_id"]`, `[{"column":"text","nulls":"last"},"_id"]`,
		`["double","_id"]`, `["-double","-_id"]`, `["decimal","_id"]`, `["-decimal","few","_id"]`, `["half","_id"]`, `["-half","_id"]`,
		`[{"column":"half","direction":"desc","nulls":"first"},"_id"]`, `["_id"]`, `["-_id"]`,
	} {
		t.Run(sorts, func(t *testing.T) {
			q := *d.Bind(`{"source":{"table":"t"},"columns":["_id","many"],"filters":"{many} <> 13","sorts":` + sorts + `}`)
			want := d.Reference(&q)
			q.Page.Limit = 700
			for i := range q.OrderBy {
				q.Select = append(q.Select, lqp.Named{Name: fmt.Sprint("key", i), Expr: q.OrderBy[i].Expr})
			}
			got := [][]string{}
			for {
				rows, err := d.Scan(t.Context(), &q)
				require.NoError(t, failure.Cause(err))
				require.IsType(t, &apartRows{}, rows)
				n := 0
				var last []lqp.Value
				for ; rows.Next(); n++ {
					got = append(got, []string{string(rows.AppendJSON(nil, 0)), string(rows.Value(1).AppendJSON(nil))})
					last = nil
					for i := range q.OrderBy {
						last = append(last, rows.Value(2+i))
					}
				}
				require.NoError(t, failure.Cause(rows.Err()))
				require.NoError(t, rows.Close())
				require.NoError(t, rows.Close())
				require.False(t, rows.Next())
				if n < q.Page.Limit {
					break
				}
				q.Page.After = last
			}
			require.Equal(t, want, got)
			skipped := q
			skipped.Page = lqp.Page{Limit: 20, Offset: 1290}
			rows, err := d.Scan(t.Context(), &skipped)
			require.Equal(t, want[1290:1310], d.Read(rows, err, 2))
		})
	}
}

// TestRunsAreBounded: of rows that agree in the first key no more are held than a run may have.
func TestRunsAreBounded(t *testing.T) {
	d := newDatabase(t)
	var docs []any
	for i := range 12 {
		docs = append(docs, doc("_id", int32(i), "k", "same", "pad", strings.Repeat("x", maxRunBytes/4)))
	}
	d.insert("t", docs...)
	d.Discover()
	q := d.Bind(`{"source":{"table":"t"},"columns":["_id","pad"],"sorts":["k","-_id"],"pagination":{"limit":11}}`)
	rows, err := d.Scan(t.Context(), q)
	require.NoError(t, failure.Cause(err))
	for i := 11; i > 0; i-- {
		require.True(t, rows.Next())
		require.Equal(t, itoa(i), string(rows.AppendJSON(nil, 0)))
		require.Empty(t, rows.(*apartRows).run, "the server sorts what is too much to hold")
	}
	require.False(t, rows.Next())
	require.NoError(t, failure.Cause(rows.Err()))
	require.NoError(t, rows.Close())
}

func TestAfterPrefix(t *testing.T) {
	for prefix, want := range map[string]string{
		"a": "b", "az": "a{", "é": "ê", "\uD7FF": "\uE000", "a\U0010FFFF": "b", "\uFFFF": "\U00010000", "a\x00": "a\x01",
	} {
		next, ok := afterPrefix(prefix)
		require.True(t, ok)
		require.Equal(t, want, next)
		require.Less(t, prefix+"\U0010FFFF", next)
	}
	for _, last := range []string{"", "\U0010FFFF", "\U0010FFFF\U0010FFFF"} {
		_, ok := afterPrefix(last)
		require.False(t, ok)
	}
}
