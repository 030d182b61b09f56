package mongodb

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/internal/databasetest"
	"github.com/livetables/livetables/adapter/internal/failure"
	"github.com/livetables/livetables/lqp"
)

// TestServerComputes: the server that the tests run on computes all that is pushed as we do. Another one that does not is
// simply asked for less.
func TestServerComputes(t *testing.T) {
	d := newDatabase(t)
	require.NoError(t, d.Ping(t.Context()))
	for fn, calls := range probes() {
		require.Empty(t, d.facts.Load().lacks(fn), fn)
		for _, e := range calls {
			_, err := newProbe(fn, e)
			require.NoError(t, err, "%s is a probe of nothing: %s", fn, lqp.FormatExpr(e))
		}
	}
	for _, fn := range []string{"regex_match", "upper", "mod"} {
		require.NotEmpty(t, d.facts.Load().lacks(fn), fn)
	}
}

// TestInexactResultsAreRefused: what the server's 34 digits cannot hold it does not answer.
func TestInexactResultsAreRefused(t *testing.T) {
	d := newDatabase(t)
	d.insert("t", doc("_id", int32(1), "n", decimal("123456789.0123456789"), "i", int64(9_000_000_000_000_000_000), "g", int32(1)),
		doc("_id", int32(2), "n", decimal("-987654321.9876543211"), "i", int64(3), "g", int32(1)))
	var many []any
	for i := range 1500 {
		many = append(many, doc("n", decimal("99999999999999999999.9999999999"), "i", int32(i%2), "g", int32(2)))
	}
	d.insert("t", many...)
	d.Discover()
	answer := func(q string) ([][]string, error) {
		bound := d.Bind(q)
		split := d.Plan(bound)
		require.Nil(t, split.Residual, q)
		rows, err := d.Scan(t.Context(), split.Pushed)
		if err != nil {
			return nil, err
		}
		var got [][]string
		for rows.Next() {
			row := make([]string, len(bound.Select))
			for i := range row {
				row[i] = string(rows.AppendJSON(nil, i))
			}
			got = append(got, row)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return nil, err
		}
		require.Equal(t, d.Reference(bound), got, q)
		return got, nil
	}
	for _, q := range []string{
		`{"source":{"table":"t"},"columns":["_id"],"filters":"{g} * {n} < 0"}`, // below the 10^20 that there are
		`{"source":{"table":"t"},"columns":["_id"],"filters":"{i} * {i} * {i} > 5"}`,
		`{"source":{"table":"t"},"columns":["_id"],"filters":"AND({g} = 1, {n} * 0.5 < 0)"}`,
		`{"source":{"table":"t"},"columns":["_id"],"filters":"AND({g} = 1, {i} / 3 > 5)"}`,
		`{"source":{"table":"t"},"columns":["_id"],"filters":"AND({g} = 1, {n} / 7 > 5, {n} / -0.25 < 0)"}`,
		`{"source":{"table":"t"},"group_by":[{"name":"k","expr":"{n} / 7"}],"filters":"{g} = 1","aggregates":[{"name":"s","function":"countall"}],"sorts":["k"]}`,
		`{"source":{"table":"t"},"group_by":["g"],"filters":"{g} = 1","aggregates":[{"name":"s","function":"sum","expr":"n"},{"name":"a","function":"average","expr":"n"}]}`,
		`{"source":{"table":"t"},"aggregates":[{"name":"s","function":"sum","expr":"i"},{"name":"p","function":"sum","expr":"{i} * {g}","filter":"{g} = 2"}]}`,
	} {
		_, err := answer(q)
		require.NoError(t, failure.Cause(err), q)
	}
	// Nor is it asked where rows would have been given away by the time it finds out.
	for _, q := range []string{"{n} * {n} > 5", "{i} / {g} > 5"} {
		split := d.Plan(d.Bind(`{"source":{"table":"t"},"columns":["_id"],"filters":` + databasetest.Quote(q) + `}`))
		require.NotNil(t, split.Residual, q)
	}
	for _, q := range []string{
		`{"source":{"table":"t"},"group_by":[{"name":"k","expr":"{n} * {n}"}],"filters":"{g} = 1","aggregates":[{"name":"s","function":"countall"}]}`,
		`{"source":{"table":"t"},"columns":["_id"],"filters":"{g} = 1","sorts":[{"expr":"{i} / {g}"}]}`,
		`{"source":{"table":"t"},"group_by":["g"],"aggregates":[{"name":"s","function":"sum","expr":"n"}]}`,
		`{"source":{"table":"t"},"aggregates":[{"name":"s","function":"average","expr":"n"}]}`,
	} {
		_, err := answer(q)
		require.ErrorIs(t, err, adapter.ErrData, q)
	}
}

// TestServersThatComputeOtherwise: what a server gets wrong, or does not know, is not asked of it.
func TestServersThatComputeOtherwise(t *testing.T) {
	connected := func(answer func(bson.Raw) any) *facts {
		srv := newScripted(t, nil, func(name string, command bson.Raw) any {
			if name == "aggregate" {
				return answer(command)
			}
			return nil
		})
		a, err := open(srv.settings())
		require.NoError(t, err)
		defer func() { require.NoError(t, a.Close()) }()
		require.NoError(t, a.Ping(t.Context()))
		return a.facts.Load()
	}
	t.Run("no $documents", func(t *testing.T) {
		f := connected(func(bson.Raw) any { return doc("ok", 0, "code", int32(40324), "errmsg", "unrecognized stage") })
		require.Empty(t, f.proven)
	})
	t.Run("no rows", func(t *testing.T) {
		require.Empty(t, connected(func(bson.Raw) any { return batchOf(0, "firstBatch") }).proven)
	})
	t.Run("other values", func(t *testing.T) {
		f := connected(func(bson.Raw) any {
			rows := make([]any, len(probeRows()))
			for i := range rows {
				row := bson.D{}
				for j := range 200 {
					row = append(row, bson.E{Key: fmt.Sprint("r", j), Value: "something else"})
				}
				rows[i] = row
			}
			return batchOf(0, "firstBatch", rows...)
		})
		require.NotEmpty(t, f.proven)
		for fn := range f.proven {
			require.NotEmpty(t, f.lacks(fn), fn)
		}
	})
	t.Run("one operator is unknown", func(t *testing.T) {
		d := newDatabase(t)
		behind, err := d.database(t.Context())
		require.NoError(t, err)
		f := connected(func(command bson.Raw) any {
			pipeline := command.Lookup("pipeline")
			if strings.Contains(pipeline.String(), "$replaceAll") {
				return doc("ok", 0, "code", int32(168), "errmsg", "Unrecognized expression")
			}
			var rows []any
			var stages bson.A
			require.NoError(t, pipeline.Unmarshal(&stages))
			cursor, err := behind.Aggregate(t.Context(), stages)
			require.NoError(t, err)
			for cursor.Next(t.Context()) {
				rows = append(rows, append(bson.Raw(nil), cursor.Current...))
			}
			require.NoError(t, cursor.Err())
			return batchOf(0, "firstBatch", rows...)
		})
		require.NotEmpty(t, f.lacks("substitute"))
		require.Empty(t, f.lacks("concat"))
	})
}
