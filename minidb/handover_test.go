package minidb_test

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/audit"
	"github.com/livetables/livetables/internal/storetest"
	"github.com/livetables/livetables/minidb"
)

// TestTakeOver offers entries of another store: each is taken as it is, once, also by many at a time and after a restart.
func TestTakeOver(t *testing.T) {
	place := storetest.New(t)
	db := openAt(t, place, minidb.Options{})
	at := time.Date(2026, 1, 2, 3, 4, 5, 6_000_000, time.UTC)
	e := audit.Entry{
		ID: minidb.NewEventID(), At: at, Actor: "usr_ann", Action: "auth.login", ResourceType: "user", Resource: "usr_ann",
		Address: "192.0.2.1", Reason: "oidc", After: json.RawMessage(`{"a":1}`),
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { require.NoError(t, db.TakeOver(t.Context(), e)) })
	}
	all.Wait()
	other := e
	other.ID = minidb.NewEventID()
	require.NoError(t, db.TakeOver(t.Context(), other))
	require.NoError(t, db.TakeOver(t.Context(), e))
	require.NoError(t, openAt(t, place, minidb.Options{}).TakeOver(t.Context(), e))
	list, err := db.Changes(t.Context(), 0, 0)
	require.NoError(t, err)
	require.Len(t, list, 2)
	for i, want := range []audit.Entry{e, other} {
		got := list[i]
		require.NotNil(t, got.Chain)
		require.JSONEq(t, string(want.After), string(got.After))
		want.Position, want.Chain, want.After, got.At = int64(i+1), got.Chain, got.After, got.At.UTC()
		require.Equal(t, want, got)
	}

	var invalid *minidb.ValidationError
	for name, change := range map[string]func(*audit.Entry){
		"no id":       func(e *audit.Entry) { e.ID = "" },
		"own id":      func(e *audit.Entry) { e.ID = minidb.NewID("chg") },
		"long id":     func(e *audit.Entry) { e.ID = "evt_" + strings.Repeat("x", 300) },
		"no time":     func(e *audit.Entry) { e.At = time.Time{} },
		"no action":   func(e *audit.Entry) { e.Action = "" },
		"no object":   func(e *audit.Entry) { e.After = json.RawMessage(`[1]`) },
		"broken JSON": func(e *audit.Entry) { e.Before = json.RawMessage(`{`) },
	} {
		bad := e
		bad.ID = minidb.NewEventID()
		change(&bad)
		require.ErrorAs(t, db.TakeOver(t.Context(), bad), &invalid, name)
	}
	gone := e
	gone.ID, gone.Workspace = minidb.NewEventID(), "wsp_none"
	require.ErrorIs(t, db.TakeOver(t.Context(), gone), minidb.ErrNotFound)
	last, err := db.LastPosition(t.Context())
	require.NoError(t, err)
	require.Equal(t, int64(2), last)
}

// TestTakeOverLooksUp: the lookup goes by the index, which has nothing of the mini-DB's own entries.
func TestTakeOverLooksUp(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	require.Contains(t, f.explain("SELECT 1 FROM lt_change WHERE id = ? AND id >= 'evt_' AND id < 'evt`'"), "lt_change_handed")
}
