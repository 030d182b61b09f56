package livetables

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// TestRightsAreAskedBesideTheRead lets a query wait for its turn until it was asked whether it may still go on: what it changes of
// itself then is its own (the race detector tells).
func TestRightsAreAskedBesideTheRead(t *testing.T) {
	w := newInside(t)
	table, err := w.owner.CreateTable(t.Context(), w.base, minidb.TableSpec{Name: "T"})
	require.NoError(t, err)
	w.engine.turns = make(turns, 1)
	require.NoError(t, w.engine.turns.take(t.Context()))
	free := time.AfterFunc(readCheck+readCheck/2, w.engine.turns.give)
	defer free.Stop()
	rows, err := w.owner.Export(t.Context(), w.workspace, &lqp.Query{From: lqp.Source{Table: table.ID}})
	require.NoError(t, err)
	require.False(t, rows.Next())
	require.NoError(t, rows.Err())
	require.NoError(t, rows.Close())
}
