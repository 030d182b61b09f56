package differential

import (
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/internal/testenv"
	"github.com/livetables/livetables/internal/testseed"
)

// available are the engines that can be had here. In CI all of them must be.
func available(t *testing.T) []string {
	names := []string{Memory, SQLite}
	for _, e := range []struct {
		name string
		kind testenv.Kind
	}{{Postgres, testenv.KindPostgres}, {MySQL, testenv.KindMySQL}, {MariaDB, testenv.KindMariaDB}, {MongoDB, testenv.KindMongo},
		{PostgresStore, testenv.KindPostgres}} {
		_, drop, err := testenv.Fresh(t.Context(), e.kind)
		if err != nil {
			if e.kind.Required() {
				t.Fatal(err)
			}
			t.Logf("without %s: %v", e.name, err)
			continue
		}
		require.NoError(t, drop(t.Context()))
		names = append(names, e.name)
	}
	return names
}

// The engines give the same answers to a few thousand random plans, as many as a minute allows.
func TestEnginesAgree(t *testing.T) {
	plans, limit := 3000, time.Minute
	if testing.Short() {
		plans, limit = 250, 15*time.Second
	}
	stats, err := Run(t.Context(), Options{
		Seed: testseed.Of(t), Plans: plans, Engines: available(t), Workers: max(2, runtime.GOMAXPROCS(0)), Until: time.Now().Add(limit),
		KeepGoing: true, Shrink: 20 * time.Second, Found: func(f *Failure) { t.Error(f) },
	})
	require.NoError(t, err)
	t.Log("\n" + stats.String())
	// A generator that asks nothing finds nothing. On a busy machine there are few plans, and the shares say little.
	if stats.Plans < 400 {
		return
	}
	assert.Greater(t, stats.Filled*3, stats.Plans, "too few plans have rows")
	assert.Less(t, stats.Skipped*5, stats.Asked, "too many questions are not asked")
	assert.Less(t, stats.Unbound*5, stats.Plans, "too many random queries do not bind")
	assert.LessOrEqual(t, len(stats.unused()), 30, "too little of the catalogue is used: %v", stats.unused())
	for _, name := range stats.Engines {
		of := stats.Of[name]
		assert.Greater(t, of.Whole*10, of.Planned, "%s answers too little itself", name)
		assert.Less(t, of.Data*10, of.Asked, "%s fails too often", name)
		for _, clause := range []string{"filter", "sort", "limit"} {
			pushed, all := of.pushed(clause)
			assert.Greater(t, pushed*4, all, "%s: %s is pushed too rarely", name, clause)
		}
	}
}

// Every plan of a seed is the same again, whatever was asked before.
func TestPlansAreRepeatable(t *testing.T) {
	s := testseed.Of(t)
	queries := func() (all []string) {
		w := NewWorld(rand.New(rand.NewPCG(s, 1)))
		r, err := openRig(t.Context(), []string{Memory})
		require.NoError(t, err)
		require.NoError(t, r.load(t.Context(), w))
		for n := range 50 {
			q, _ := settledQuery(rand.New(rand.NewPCG(s, uint64(n))), w, r.oracle, Memory)
			c := newCase(w, probe{Oracle, question{query: q}})
			text, err := c.encode()
			require.NoError(t, err)
			all = append(all, string(text))
		}
		return all
	}
	assert.Equal(t, queries(), queries())
}
