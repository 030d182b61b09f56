package interference

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/internal/testenv"
	"github.com/livetables/livetables/internal/testseed"
)

func requireNothing(t *testing.T, s *Stats) {
	t.Helper()
	for i, f := range s.Findings {
		if i == 3 {
			break
		}
		t.Error(f)
	}
	t.Log(s)
}

// What is out of sight changes no byte of an answer, and answers are those over what is in sight (promise P5).
func TestNonInterference(t *testing.T) {
	s, err := Run(t.Context(), Options{Seed: testseed.Of(t), Cases: 3000, Workers: 3})
	require.NoError(t, err)
	requireNothing(t, s)
	require.Greater(t, s.Compared, 800)
	require.Greater(t, s.Changes, 300)
	require.Less(t, s.Failed, 1500, "most questions must have answers")
	for _, kind := range []string{"query", "misspelt", "explain", "export", "listing", "view", "history", "write", "public",
		"linked query", "linked export", "linked listing", "linked past", "linked write", "linked undo"} {
		require.Positive(t, s.Kinds[kind], kind)
	}
}

// The same with all tables in PostgreSQL: the external ones and those of the mini-DB.
func TestNonInterferenceOfPostgres(t *testing.T) {
	url := testenv.Postgres(t)
	s, err := Run(t.Context(), Options{Seed: testseed.Of(t), Cases: 500, Workers: 2, Source: Postgres(url), Store: PostgresStore(url)})
	require.NoError(t, err)
	requireNothing(t, s)
	require.Greater(t, s.Compared, 100)
}

// One case alone is what it was among others.
func TestACaseIsRepeatable(t *testing.T) {
	n := testseed.Of(t)
	report := func(first, cases int) string {
		s, err := Run(t.Context(), Options{Seed: n, First: first, Cases: cases, Workers: 1})
		require.NoError(t, err)
		requireNothing(t, s)
		s.Took, s.Began = 0, time.Time{}
		return fmt.Sprint(s.Cases, s.Worlds, s.Changes)
	}
	require.Equal(t, report(30, 1), report(30, 1))
}
