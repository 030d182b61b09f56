package minidb

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter/ddl"
	"github.com/livetables/livetables/internal/storetest"
)

// TestTrashKeepsWholeRecords: a column of the catalogue's tables that the trash does not know of would be lost on the way.
func TestTrashKeepsWholeRecords(t *testing.T) {
	ctx := context.Background()
	db, err := Open(ctx, storetest.New(t).Open(t), Options{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	count := `SELECT count(*) FROM pragma_table_info(?)`
	if db.store.Capabilities().Driver == ddl.Postgres {
		count = `SELECT count(*) FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = ?`
	}
	for name, columns := range trashedTables {
		var n int64
		require.NoError(t, db.read(ctx, "count columns", func(s session) (err error) {
			n, err = must(s, name, func(r record) int64 { return r.integer(0) }, count, argText(name))
			return err
		}))
		require.Equal(t, int64(strings.Count(columns, ",")+1), n, name)
	}
	require.NoError(t, db.Close())
}

func TestTrashedCells(t *testing.T) {
	for _, doc := range []string{`"12"`, `12`, `null`, `""`, `"a \"text\""`, `"true"`, `-3`} {
		v, err := cellOf([]byte(doc))
		require.NoError(t, err)
		require.Equal(t, doc, string(appendCell(nil, v)))
	}
	_, err := cellOf([]byte(`{}`))
	require.Error(t, err)
}
