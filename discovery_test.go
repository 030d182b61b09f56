package livetables_test

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/sqlite"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// awayShop is an external database that can be away.
type awayShop struct {
	adapter.Adapter
	s *shopAway
}

type shopAway struct {
	opened, asked atomic.Int64
	failure       atomic.Pointer[error]
}

func (s *shopAway) open(ctx context.Context, set adapter.Settings) (adapter.Adapter, error) {
	s.opened.Add(1)
	if err := s.failure.Load(); err != nil {
		return nil, *err
	}
	a, err := sqlite.Open(ctx, set)
	return awayShop{a, s}, err
}

func (s *shopAway) fail(err error) {
	if err == nil {
		s.failure.Store(nil)
		return
	}
	s.failure.Store(&err)
}

func (a awayShop) Tables(ctx context.Context) (lqp.Catalog, error) {
	a.s.asked.Add(1)
	if err := a.s.failure.Load(); err != nil {
		return lqp.Catalog{}, *err
	}
	return a.Adapter.Tables(ctx)
}

func TestSchemaIsKept(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	file, err := sqlite.OpenStore(ctx, w.dir+"/shop.db", sqlite.StoreOptions{})
	require.NoError(t, err)
	require.NoError(t, file.Write(ctx, func(tx adapter.Tx) error {
		_, err := tx.Exec(ctx, `CREATE TABLE orders (id INTEGER PRIMARY KEY, note TEXT)`)
		return err
	}))
	require.NoError(t, file.Close())

	state := &shopAway{}
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	start := func() *livetables.Access {
		e, err := livetables.New(livetables.Options{Store: w.db, Files: w.dir, Logger: slog.New(slog.DiscardHandler),
			Openers: map[string]adapter.Opener{"shop": state.open}, Clock: func() time.Time { return now }})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, e.Close()) })
		return e.As(rbac.Principal{ID: "owner"})
	}
	a := start()
	spec := livetables.ConnectionSpec{Name: "shop", Driver: "shop", File: "shop.db"}
	c, err := a.CreateConnection(ctx, w.workspace, spec)
	require.NoError(t, err)
	bound := 0
	bind := func(a *livetables.Access) error { // saving a view binds its query and asks the source nothing else
		bound++
		_, err := a.CreateView(ctx, w.base, livetables.ViewSpec{Name: sprint("view %d", bound), Query: &lqp.Query{From: lqp.Source{Connection: c.ID, Table: "orders"}}})
		return err
	}
	schema := func(a *livetables.Access, refresh bool) *livetables.Schema {
		t.Helper()
		s, err := a.Schema(ctx, c.ID, refresh)
		require.NoError(t, err)
		require.NotNil(t, s.Table("orders"))
		return s
	}
	first := schema(a, false)
	require.Equal(t, now, first.ReadAt)
	require.False(t, first.Expired)
	require.EqualValues(t, 1, state.asked.Load())

	// A restart asks nobody, not even to open a connection.
	a = start()
	now = now.Add(5 * time.Minute)
	require.Equal(t, first, schema(a, false))
	require.EqualValues(t, 1, state.opened.Load())
	require.EqualValues(t, 1, state.asked.Load())

	// On request and on expiry it is read again.
	require.Equal(t, now, schema(a, true).ReadAt)
	require.EqualValues(t, 2, state.asked.Load())
	now = now.Add(11 * time.Minute)
	require.Equal(t, now, schema(a, false).ReadAt)
	require.EqualValues(t, 3, state.asked.Load())

	// The database is away: a request to read it fails, binding goes on with what is known.
	state.fail(adapter.ErrUnavailable)
	_, err = a.Schema(ctx, c.ID, true)
	require.Equal(t, livetables.CodeSourceUnavailable, livetables.Code(err))
	read := now
	now = now.Add(11 * time.Minute)
	require.NoError(t, bind(a))
	asked := state.asked.Load()
	old := schema(a, false)
	require.True(t, old.Expired)
	require.Equal(t, read, old.ReadAt)
	require.Equal(t, asked, state.asked.Load(), "who does not answer is not asked by every query")
	_, err = a.Schema(ctx, c.ID, true)
	require.Equal(t, livetables.CodeSourceUnavailable, livetables.Code(err), "refresh always asks")
	now = now.Add(time.Minute)
	require.True(t, schema(a, false).Expired)
	require.Greater(t, state.asked.Load(), asked)
	state.fail(adapter.ErrAuth)
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(100 * time.Millisecond) { // so often it was away that it may be left alone for a while
		now = now.Add(time.Minute)
		if err = bind(a); err != nil || time.Now().After(end) {
			break
		}
	}
	require.ErrorIs(t, err, adapter.ErrAuth, "a refusal is not an absence")
	state.fail(nil)
	require.Equal(t, now, schema(a, false).ReadAt)

	// Also after a restart with the database away.
	a = start()
	state.fail(adapter.ErrUnavailable)
	now = now.Add(time.Hour)
	require.NoError(t, bind(a))
	require.True(t, schema(a, false).Expired)
	state.fail(nil)

	// Other settings, other schema.
	asked = state.asked.Load()
	spec.Name = "renamed"
	_, err = a.UpdateConnection(ctx, c.ID, 0, spec)
	require.NoError(t, err)
	require.False(t, schema(a, false).Expired)
	require.Equal(t, asked+1, state.asked.Load())
	viewer := start()
	require.NoError(t, viewer.PutRule(ctx, w.workspace, livetables.RuleSpec{Table: rbac.TableRef{Connection: c.ID, Table: "orders"},
		Role: rbac.Viewer, Columns: map[string]rbac.Access{"note": rbac.Hidden}}))
	log, err := viewer.AuditLog(ctx, w.workspace, livetables.HistoryFilter{Limit: 1000})
	require.NoError(t, err)
	for _, e := range log {
		require.NotContains(t, e.Action, "schema")
	}
	require.NoError(t, a.DeleteConnection(ctx, c.ID, 0))
	_, err = a.Schema(ctx, c.ID, false)
	require.ErrorIs(t, err, minidb.ErrNotFound)
}
