package mongodb

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/livetables/livetables/adapter/internal/databasetest"
	"github.com/livetables/livetables/adapter/internal/failure"
	"github.com/livetables/livetables/lqp"
)

// large fills a collection with so many documents and indexes it. One in fifty has no value in a field.
func large(t testing.TB, n int) *database {
	d := newDatabase(t)
	r := rand.New(rand.NewPCG(7, 11))
	some := func(v any) any {
		if r.IntN(50) == 0 {
			return nil
		}
		return v
	}
	docs := make([]any, 0, 5000)
	for i := range n {
		docs = append(docs, doc("_id", int32(i), "n", some(int32(r.IntN(n/10))), "s", some(fmt.Sprintf("name %07d", r.IntN(n))), "at", some(bson.DateTime(1_700_000_000_000+r.Int64N(1<<32))),
			"d", some(decimal(fmt.Sprintf("%d.%02d", r.IntN(n), r.IntN(100)))), "kind", some([]string{"a", "b", "c"}[r.IntN(3)]), "pad", strings.Repeat("x", 100)))
		if len(docs) == cap(docs) || i == n-1 {
			d.insert("large", docs...)
			docs = docs[:0]
		}
	}
	for _, field := range []string{"n", "s", "at", "d", "kind"} {
		_, err := d.admin.Collection("large").Indexes().CreateOne(t.Context(), mongo.IndexModel{Keys: doc(field, 1)})
		require.NoError(t, err)
	}
	d.Discover()
	return d
}

// explained asks the server for the plan of a command: the indexes that it names, and whether it sorts what it has read.
func (d *database) explained(command bson.D) (indexes []string, sorts bool) {
	d.T.Helper()
	reply, err := d.admin.RunCommand(d.T.Context(), bson.D{{Key: "explain", Value: command}, {Key: "verbosity", Value: "queryPlanner"}}).Raw()
	require.NoError(d.T, err)
	var look func(doc []byte)
	look = func(doc []byte) {
		for w := walk(doc); w.next(); {
			switch text := string(w.val.text()); string(w.key) {
			case "Index Name", "indexName": // DocumentDB on PostgreSQL, MongoDB
				if w.val.kind == bson.TypeString {
					indexes = append(indexes, text)
				}
			case "Node Type", "stage":
				sorts = sorts || strings.EqualFold(text, "sort")
			}
			if w.val.kind == bson.TypeEmbeddedDocument || w.val.kind == bson.TypeArray {
				look(w.val.data)
			}
		}
	}
	look(reply)
	return indexes, sorts
}

// TestPagesComeFromTheIndex: pages by an indexed field read the index, the first and those far behind. Whether the server
// can also walk it in order is asked of the server: DocumentDB can where its extended index is installed.
func TestPagesComeFromTheIndex(t *testing.T) {
	n := 20_000
	d := large(t, n)
	sorts := !d.walksIndexes()
	t.Logf("the server walks indexes in order: %v", !sorts)
	facts := d.facts.Load()
	for _, field := range []string{"n", "s", "at", "d"} {
		for _, sign := range []string{"", "-"} {
			q := *d.Bind(fmt.Sprintf(`{"source":{"table":"large"},"columns":["%s","_id"],"sorts":["%s%s","_id"],"pagination":{"limit":100}}`, field, sign, field))
			for page := range 2 {
				p, ok := readApart(&q, 0, facts)
				require.True(t, ok)
				step := p.steps[slices.IndexFunc(p.steps, func(s step) bool { return s.kind == stepValues })]
				st, reason := p.statement(&step, 101, mode{facts: facts})
				require.Empty(t, reason)
				indexes, sorted := d.explained(st.command)
				if page > 0 || !sorts {
					require.Contains(t, indexes, field+"_1", "%s%s page %d: %v", sign, field, page, st.command)
				}
				require.Equal(t, sorts, sorted, "%s%s page %d: %v", sign, field, page, st.command)
				q.Page.After = d.position(&q, n/2)
			}
		}
	}
	// Dates that are missing are found by the index too, as long as there is no array among them.
	date := field{name: "at", path: []string{"at"}, storage: storage{form: dateForm}}
	indexes, _ := d.explained(doc("aggregate", "large", "cursor", bson.D{}, "pipeline", bson.A{doc("$match", date.missingByType())}))
	require.Contains(t, indexes, "at_1")
	require.True(t, d.noArrays(t.Context(), "large", "at"))
	require.False(t, d.noArrays(t.Context(), "large", "pad"), "without an index nobody knows")
	d.insert("large", doc("_id", int32(-1), "at", bson.A{bson.DateTime(0)}), doc("_id", int32(-2), "at", bson.A{}))
	require.False(t, d.noArrays(t.Context(), "large", "at"))
	q := d.Bind(`{"source":{"table":"large"},"columns":["_id"],"sorts":["at","_id"],"pagination":{"limit":2}}`)
	rows, err := d.Scan(t.Context(), q)
	require.Equal(t, [][]string{{"-2"}, {"-1"}}, d.Read(rows, err, 1))
}

// walksIndexes reports whether the server reads documents in the order of an index. Before it does so by itself it wants to
// know how large the collection is: DocumentDB learns that once a minute.
func (d *database) walksIndexes() bool {
	d.T.Helper()
	bare := doc("find", "large", "filter", doc("at", doc("$gte", bson.DateTime(0))), "sort", doc("at", 1), "limit", 10)
	if _, sorts := d.explained(append(bare, bson.E{Key: "hint", Value: "at_1"})); sorts {
		return false
	}
	for range 90 {
		if _, sorts := d.explained(bare); !sorts {
			return true
		}
		time.Sleep(time.Second)
	}
	return false
}

// TestFiltersUseIndexes: conditions leave the indexes of their fields usable, whatever guards them.
func TestFiltersUseIndexes(t *testing.T) {
	d := large(t, 20_000)
	for filter, index := range map[string]string{
		`{n} = 7`:                                    "n_1",
		`IN({n}, 7, 8)`:                              "n_1",
		`{n} > 1990.5`:                               "n_1",
		`{s} = "name 0000007"`:                       "s_1",
		`STARTS_WITH({s}, "name 00001")`:             "s_1",
		`AND({s} > "name 1", {s} < "name 2")`:        "s_1",
		`IN({s}, "name 0000007", "x")`:               "s_1",
		`{at} < TO_DATETIME("2023-11-15T00:00:00Z")`: "at_1",
		`{d} = 19.5`:                                 "d_1",
		`BETWEEN({d}, 1, 2)`:                         "d_1",
		`{_id} = 77`:                                 "_id_",
		`AND({n} = 7, LEN({s}) > 3)`:                 "n_1",
	} {
		q := d.Bind(`{"source":{"table":"large"},"columns":["pad"],"filters":` + databasetest.Quote(filter) + `}`)
		split := d.Plan(q)
		require.Nil(t, split.Residual, filter)
		st, reason := compile(split.Pushed, mode{facts: d.facts.Load()})
		require.Empty(t, reason)
		indexes, _ := d.explained(st.command)
		require.Contains(t, indexes, index, filter)
	}
}

// position is where the row after so many stands in the order of q.
func (d *database) position(q *lqp.Query, rows int) []lqp.Value {
	d.T.Helper()
	at := *q
	at.Page = lqp.Page{Limit: 1, Offset: rows}
	at.Select = nil
	for i := range q.OrderBy {
		at.Select = append(at.Select, lqp.Named{Name: itoa(i), Expr: q.OrderBy[i].Expr})
	}
	r, err := d.Scan(d.T.Context(), &at)
	require.NoError(d.T, failure.Cause(err))
	require.True(d.T, r.Next())
	key := make([]lqp.Value, len(q.OrderBy))
	for i := range key {
		key[i] = r.Value(i)
	}
	require.NoError(d.T, r.Close())
	return key
}

// BenchmarkPages reads a page of 100 rows: the first and the two thousandth, by pieces and by one command that computes the
// sort keys.
func BenchmarkPages(b *testing.B) {
	d := large(b, 250_000)
	b.Logf("the server walks indexes in order: %v", d.walksIndexes())
	for _, sort := range []string{"-at", "at", "-s", "s", "-n", "n", "kind", "-_id"} {
		q := *d.Bind(fmt.Sprintf(`{"source":{"table":"large"},"columns":["_id","n","s","at"],"sorts":["%s","_id"],"pagination":{"limit":100}}`, sort))
		if sort == "-_id" {
			q.OrderBy = q.OrderBy[:1]
		}
		far := q
		far.Page.After = d.position(&q, 200_000)
		for _, c := range []struct {
			name string
			q    *lqp.Query
			from int64
		}{{"page1", &q, 0}, {"page2000", &far, 0}, {"computed", &q, 1 << 40}} {
			b.Run(sort+"/"+c.name, func(b *testing.B) {
				d.apartFrom = c.from
				var buf []byte
				for b.Loop() {
					rows, err := d.Scan(b.Context(), c.q)
					require.NoError(b, failure.Cause(err))
					n := 0
					for rows.Next() {
						for i := range c.q.Select {
							buf = rows.AppendJSON(buf[:0], i)
						}
						n++
					}
					require.NoError(b, failure.Cause(rows.Err()))
					require.NoError(b, rows.Close())
					require.Equal(b, 100, n)
				}
			})
		}
	}
}
