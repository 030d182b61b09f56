package livetables_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/internal/storetest"
	"github.com/livetables/livetables/minidb"
)

// TestLargeImportsAreLookedAt asks PostgreSQL how many rows it takes a table to have after a large import, in one transaction and in
// batches. By itself it looks after a minute or so.
func TestLargeImportsAreLookedAt(t *testing.T) {
	w := newWorldAt(t, storetest.Postgres(t))
	ctx := t.Context()
	for _, batch := range []int{0, 4000} {
		table := w.table(fmt.Sprint("T", batch), minidb.ColumnSpec{Name: "N", Type: minidb.IntegerColumn})
		_, err := w.owner.Import(ctx, livetables.ImportSpec{Table: table.ID, Batch: batch}, strings.NewReader("N\n"+strings.Repeat("1\n", livetables.ManyRows)))
		require.NoError(t, err)
		require.NoError(t, w.db.Adapter().Read(ctx, func(tx adapter.Tx) error {
			rows, err := tx.Query(ctx, "SELECT reltuples::bigint FROM pg_class WHERE relname = '"+table.ID+"'")
			require.NoError(t, err)
			defer rows.Close()
			require.True(t, rows.Next())
			require.Equal(t, strconv.Itoa(livetables.ManyRows), rows.Value(0).String())
			return rows.Err()
		}))
	}
}
