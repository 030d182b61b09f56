package mongodb

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/internal/databasetest"
	"github.com/livetables/livetables/adapter/internal/failure"
	"github.com/livetables/livetables/adapter/memory"
	"github.com/livetables/livetables/internal/testseed"
	"github.com/livetables/livetables/lqp"
)

// wrong are values of every type and shape, which any field of any document may have.
var wrong = []any{
	nil, bson.Undefined{}, "a", "b", "", "a\x00b", "\x00", bson.Symbol("a"), "50f1", strings.Repeat("é", 300),
	int32(5), int64(5), 5.0, 5.5, decimal("5"), decimal("5.00000000005"), decimal("5.00000000004"), decimal("-5.00000000005"),
	decimal("NaN"), decimal("Infinity"), decimal("-Infinity"), decimal("99999999999999999999.99999999995"), decimal("-0"),
	decimal("1E+30"), decimal("1E-30"), decimal("-1E-30"), math.NaN(), math.Inf(1), math.Inf(-1), math.Copysign(0, -1),
	int64(9007199254740993), 9007199254740992.0, int64(math.MaxInt64), int64(math.MinInt64), 1e21,
	true, false, bson.DateTime(0), bson.DateTime(253_402_300_800_000), bson.DateTime(-62_135_596_800_001), bson.Timestamp{T: 5, I: 1},
	bson.ObjectID{0x50, 0xf1}, bson.Binary{Subtype: 4, Data: make([]byte, 16)}, bson.Binary{Subtype: 3, Data: make([]byte, 16)},
	bson.Binary{Subtype: 4, Data: []byte("short")}, bson.Binary{Data: []byte("abc")}, bson.Binary{Subtype: 2, Data: []byte("old")},
	bson.A{}, bson.A{"a", "b"}, bson.A{int32(5)}, bson.A{nil}, bson.A{bson.A{"a"}, "b"}, bson.A{true}, bson.A{bson.ObjectID{0x50, 0xf1}},
	bson.D{}, bson.D{{Key: "x", Value: "a"}}, bson.D{{Key: "x", Value: bson.A{"a"}}}, bson.A{bson.D{{Key: "x", Value: "a"}}},
	bson.A{bson.D{{Key: "x", Value: "b"}}, bson.D{{Key: "x", Value: int32(5)}}}, bson.D{{Key: "0", Value: "a"}},
	bson.Regex{Pattern: "a", Options: "i"}, bson.JavaScript("a"), bson.CodeWithScope{Code: "a", Scope: bson.D{}}, bson.MinKey{}, bson.MaxKey{},
	bson.DBPointer{DB: "a.b", Pointer: bson.ObjectID{1}},
}

// fine are values that a column of the name is made of.
var fine = map[string]func(r *rand.Rand) any{
	"s": func(r *rand.Rand) any {
		return []string{"", "a", "b", "A", "ab", "é", "a b", "a.b", "$a", "%", "50f1000000000000000000ff"}[r.IntN(11)]
	},
	"long": func(r *rand.Rand) any { return strings.Repeat("a", 250+r.IntN(10)) },
	"i":    func(r *rand.Rand) any { return []any{int32(r.IntN(7) - 3), int64(r.IntN(7) - 3)}[r.IntN(2)] },
	"n": func(r *rand.Rand) any {
		return []any{int32(r.IntN(5) - 2), decimal(fmt.Sprintf("%d.%011d", r.IntN(5)-2, []int{0, 5, 10, 15, 50_000_000_000, 49_999_999_995}[r.IntN(6)]))}[r.IntN(2)]
	},
	"f": func(r *rand.Rand) any {
		return []any{int32(r.IntN(3)), int64(r.IntN(3)), float64(r.IntN(7)) / 2}[r.IntN(3)]
	},
	"b":  func(r *rand.Rand) any { return r.IntN(2) == 0 },
	"at": func(r *rand.Rand) any { return bson.DateTime(r.IntN(5) * 1000) },
	"o":  func(r *rand.Rand) any { return bson.ObjectID{0x50, byte(r.IntN(4)), 0xf1} },
	"u": func(r *rand.Rand) any {
		return bson.Binary{Subtype: 4, Data: append(make([]byte, 15), byte(r.IntN(4)))}
	},
	"x": func(r *rand.Rand) any { return []string{"a", "b", "c"}[r.IntN(3)] },
	"tags": func(r *rand.Rand) any {
		return []any{bson.A{}, bson.A{"a"}, bson.A{"b", "a"}, bson.A{"c", nil}}[r.IntN(4)]
	},
	"nums": func(r *rand.Rand) any { return []any{bson.A{int32(1), int64(2)}, bson.A{int64(5)}}[r.IntN(2)] },
	"j":    func(r *rand.Rand) any { return wrong[r.IntN(len(wrong))] },
}

var fineNames = []string{"s", "long", "i", "n", "f", "b", "at", "o", "u", "tags", "nums", "j"}

// hostile is a collection in which each field has values of its type and about one in forty of any other, at the top and
// inside an embedded document that is one in forty times something else itself.
func hostile(t testing.TB, seed uint64) *database {
	d := newDatabase(t)
	r := rand.New(rand.NewPCG(seed, 1))
	next := r.IntN(len(wrong))
	mostly := func(name string) any {
		if r.IntN(40) == 0 {
			next++
			return wrong[next%len(wrong)]
		}
		return fine[name](r)
	}
	var docs []any
	for range 900 {
		top, in := bson.D{}, bson.D{}
		for _, name := range fineNames {
			if r.IntN(10) > 0 {
				top = append(top, bson.E{Key: name, Value: mostly(name)})
			}
			if r.IntN(10) > 0 {
				in = append(in, bson.E{Key: name, Value: mostly(name)})
			}
		}
		var inside any = append(in, bson.E{Key: "x", Value: mostly("x")})
		if r.IntN(40) == 0 {
			inside = wrong[r.IntN(len(wrong))]
		}
		docs = append(docs, append(top, bson.E{Key: "in", Value: inside}))
	}
	d.insert("h", docs...)
	d.Discover()
	return d
}

// oracle answers in memory from the rows of one scan of the whole collection.
func (d *database) oracle(name string) *memory.Adapter {
	d.T.Helper()
	t := d.Found[name]
	rows, err := d.Scan(d.T.Context(), databasetest.WholeTable(&lqp.Source{Table: name, Alias: name, Schema: t}))
	require.NoError(d.T, failure.Cause(err))
	held := memory.Table{Schema: t}
	for rows.Next() {
		row := make([]lqp.Value, len(t.Columns))
		for i := range row {
			row[i] = rows.Value(i)
		}
		held.Rows = append(held.Rows, row)
	}
	require.NoError(d.T, failure.Cause(rows.Err()))
	require.NoError(d.T, rows.Close())
	return memory.New([]memory.Table{held}, memory.Options{Prover: memory.Everything})
}

// refuses reports whether the server cannot compute what was pushed exactly and says so, upon which the engine computes it.
func (d *database) refuses(q *lqp.Query) bool {
	d.T.Helper()
	rows, err := d.Scan(d.T.Context(), d.Plan(q).Pushed)
	if err == nil {
		for rows.Next() {
		}
		err = errors.Join(rows.Err(), rows.Close())
	}
	return errors.Is(err, adapter.ErrData)
}

func TestHostileDocumentsKeepTheirTypes(t *testing.T) {
	d := hostile(t, testseed.Of(t))
	want := map[string]string{"s": "string", "long": "string", "i": "int", "n": "decimal", "f": "double", "b": "bool", "at": "date",
		"o": "objectId", "u": "uuid", "tags": "array<string>", "nums": "array<int>", "j": "json"}
	table := d.Found["h"]
	for name, native := range want {
		for _, prefix := range []string{"", "in."} {
			c := table.Column(prefix + name)
			require.NotNil(t, c, prefix+name)
			got := c.Native
			if name == "i" || name == "nums" { // a few other numbers may make it a column of these
				got = strings.NewReplacer("decimal", "int", "double", "int").Replace(got)
			}
			require.Equal(t, native, got, "%s: %s", c.ID, c.Comment)
		}
	}
}

// TestHostileQueries asks random queries of hostile documents, pushed down as planned, and compares the answers with the
// ones computed in memory from the rows of whole scans.
func TestHostileQueries(t *testing.T) {
	seed := testseed.Of(t)
	d := hostile(t, seed)
	oracle := d.oracle("h")
	answer := func(q *lqp.Query) [][]string {
		rows, err := oracle.Scan(t.Context(), q)
		return d.Read(rows, err, len(q.Select))
	}
	n := 500
	if testing.Short() {
		n = 200
	}
	pushed, refused := 0, 0
	for i := range n {
		d.apartFrom = int64(i % 2 * 1_000_000) // every other page is read by one command
		g := &questions{r: rand.New(rand.NewPCG(seed, uint64(i))), table: d.Found["h"]}
		q, ordered := g.query()
		bound, err := lqp.Bind(q, lqp.Env{Table: func(_, _ string) (*lqp.Table, error) { return g.table, nil }})
		require.NoError(t, err, lqp.Format(q))
		want := answer(bound)
		if d.refuses(bound) {
			refused++
			continue
		}
		got, split := d.Planned(bound)
		if split.Residual == nil {
			pushed++
		}
		if !ordered {
			sortRows(want)
			sortRows(got)
		}
		require.Equal(t, want, got, "query %d of seed %d\n%s\n%s", i, seed, lqp.Format(bound), d.Show(split))
		if ordered && len(q.GroupBy) == 0 && i%4 == 0 {
			g.walk(t, d, bound, answer)
		}
	}
	require.Greater(t, pushed, n/2, "most of these can be pushed whole")
	require.Less(t, refused, n/10, "few are given back to the engine")
}
