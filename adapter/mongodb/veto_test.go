package mongodb

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/internal/databasetest"
)

// TestClausesAreTried: the server of the tests gets everything right, and everything is tried.
func TestClausesAreTried(t *testing.T) {
	d := newDatabase(t)
	db, err := d.database(t.Context())
	require.NoError(t, err)
	require.Empty(t, d.facts.Load().wrong)
	rows, err := newProbeData()
	require.NoError(t, err)
	c := &compiler{table: probeTable, alias: "probe", facts: &facts{everything: true}}
	var all []veto
	for fn, calls := range filterProbes() {
		for _, e := range calls {
			if v, ok := c.filterVeto(fn, e, rows); ok {
				all = append(all, v)
			}
		}
	}
	require.Greater(t, len(all), 90)
	spoilt := all[0]
	spoilt.want = append(spoilt.want, "12,")
	right := tryVetoes(t.Context(), db, []veto{all[1], spoilt})
	require.Equal(t, []bool{true, false}, right)
}

// TestClausesThatTheServerGetsWrong are not asked of it, also when they were planned before it was known.
func TestClausesThatTheServerGetsWrong(t *testing.T) {
	srv := newScripted(t, nil, func(name string, command bson.Raw) any {
		if name == "aggregate" {
			return batchOf(0, "firstBatch", doc("f0", bson.A{})) // $facet: nothing is found anywhere
		}
		return nil
	})
	a, err := open(srv.settings())
	require.NoError(t, err)
	defer func() { require.NoError(t, a.Close()) }()
	planner := databasetest.Planner{Tables: shop(), Plan: a.Plan}
	filtered := databasetest.Bind(t, planner.Tables, `{"source":{"table":"orders"},"filters":"{status} = \"a\"","columns":["_id"]}`)
	grouped := databasetest.Bind(t, planner.Tables, `{"source":{"table":"orders"},"aggregates":[{"name":"n","function":"countall"}]}`)
	before := []*adapter.Split{}
	for _, s := range []adapter.Split{a.Plan(filtered), a.Plan(grouped)} {
		require.Nil(t, s.Residual)
		before = append(before, &s)
	}
	require.NoError(t, a.Ping(t.Context()))
	for _, s := range []adapter.Split{a.Plan(filtered), a.Plan(grouped)} {
		require.NotNil(t, s.Residual)
	}
	for _, s := range before {
		_, err := a.Scan(t.Context(), s.Pushed)
		require.ErrorIs(t, err, adapter.ErrData, "the engine computes it")
	}
	require.Empty(t, srv.commands("find"))
}
