package livetables

import (
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/internal/storetest"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// inside is an engine over a fresh store with a workspace and a base, for the tests of what the package does not show.
type inside struct {
	engine          *Engine
	owner           *Access
	workspace, base string
}

func newInside(tb testing.TB) inside {
	tb.Helper()
	quiet := slog.New(slog.DiscardHandler)
	db, err := minidb.Open(tb.Context(), storetest.Fresh(tb).Open(tb), minidb.Options{Logger: quiet})
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, db.Close()) })
	engine, err := New(Options{Store: db, Logger: quiet})
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, engine.Close()) })
	owner := engine.As(rbac.Principal{ID: "owner"})
	w, err := owner.CreateWorkspace(tb.Context(), "W")
	require.NoError(tb, err)
	base, err := owner.CreateBase(tb.Context(), w.ID, minidb.BaseSpec{Name: "B"})
	require.NoError(tb, err)
	return inside{engine, owner, w.ID, base.ID}
}
