package postgres

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/lqp"
)

// TestSurveyCountsRows asks what the server knows of tables, one in the schema of a workspace, before and after it was told to look.
func TestSurveyCountsRows(t *testing.T) {
	s, plain, spaced := deferStore(t)
	require.NoError(t, s.Write(t.Context(), func(tx adapter.Tx) error { return tx.Insert(t.Context(), spaced, []string{"v"}, row(7)) }))
	for table, rows := range map[*lqp.Table]string{plain: "3", spaced: "1"} {
		known := `SELECT reltuples::bigint FROM pg_class WHERE oid = '` + quoted(table.Path[0]) + "." + quoted(table.Path[1]) + `'::regclass`
		require.NotEqual(t, [][]string{{rows}}, queryAll(t, s, known))
		require.NoError(t, s.Survey(t.Context(), table))
		require.Equal(t, [][]string{{rows}}, queryAll(t, s, known))
	}
	gone := *plain
	gone.Path = []string{plain.Path[0], "gone"}
	require.Error(t, s.Survey(t.Context(), &gone))
	require.NoError(t, s.Close())
	require.ErrorIs(t, s.Survey(t.Context(), plain), adapter.ErrUnavailable)
}
