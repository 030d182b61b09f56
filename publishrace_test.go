package livetables_test

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
	"github.com/livetables/livetables/rbac"
)

// beside is a second engine on the world's store.
func (w *world) beside(opt livetables.Options) *livetables.Engine {
	w.t.Helper()
	opt.Store, opt.Logger = w.db, slog.New(slog.DiscardHandler)
	e, err := livetables.New(opt)
	require.NoError(w.t, err)
	w.t.Cleanup(func() { require.NoError(w.t, e.Close()) })
	return e
}

// What a view shows to the readers of a publication is decided by its publisher, also when it is published between the moment
// at which somebody is found to be allowed to change it and the change.
func TestViewIsPublishedWhileItIsChanged(t *testing.T) {
	e := newEstate(t)
	ctx := t.Context()
	var meanwhile func()
	slow := e.beside(livetables.Options{Admit: func(_ context.Context, _ livetables.Entrance) error {
		if do := meanwhile; do != nil {
			meanwhile = nil
			do()
		}
		return nil
	}})
	publish := func(view, slug string) func() {
		return func() {
			_, err := e.owner.Publish(ctx, view, slug, minidb.ShareKeyed)
			require.NoError(t, err)
		}
	}
	meanwhile = publish(e.leftView, "left")
	_, err := slow.As(rbac.Principal{ID: "editor"}).UpdateView(ctx, e.leftView, 0, livetables.ViewSpec{Query: &lqp.Query{From: lqp.Source{Table: e.leftTable.ID}}})
	assert.ErrorIs(t, err, livetables.ErrForbidden)
	meanwhile = publish(e.rightView, "right")
	_, err = slow.As(rbac.Principal{ID: "admin"}).Publish(ctx, e.rightView, "mine", minidb.SharePublic)
	assert.ErrorIs(t, err, livetables.ErrForbidden)
	sh, err := e.owner.Share(ctx, e.rightView)
	require.NoError(t, err)
	assert.Equal(t, minidb.ShareKeyed, sh.Mode)
	assert.Equal(t, "right", sh.Slug)
	meanwhile = func() {
		require.NoError(t, e.owner.Unpublish(ctx, e.rightView))
		publish(e.rightView, "again")()
	}
	_, _, err = slow.As(rbac.Principal{ID: "admin"}).AddKey(ctx, e.rightView, time.Time{})
	assert.ErrorIs(t, err, livetables.ErrForbidden)
}

// hanging is a store of policies that stops to answer, and does not listen to contexts either.
type hanging struct {
	policy *rbac.Policy
	hangs  atomic.Bool
	end    chan struct{}
}

func (h *hanging) Policy(context.Context, string) (*rbac.Policy, error) {
	if h.hangs.Load() {
		<-h.end
	}
	return h.policy, nil
}

// A read whose right cannot be asked for any more ends within the time in which a revocation acts.
func TestReadEndsWhenThePolicyHangs(t *testing.T) {
	t.Parallel()
	e := newEstate(t)
	h := &hanging{policy: &rbac.Policy{Workspace: e.workspace, Version: 1, Members: map[string]rbac.Role{"reader": rbac.Viewer}}, end: make(chan struct{})}
	t.Cleanup(func() { close(h.end) })
	a := e.beside(livetables.Options{Policies: h}).As(rbac.Principal{ID: "reader"})
	rows, err := a.Export(t.Context(), e.workspace, &lqp.Query{From: lqp.Source{Table: e.leftTable.ID}, Select: cols(t, "Name")})
	require.NoError(t, err)
	defer rows.Close()
	require.True(t, rows.Next())
	h.hangs.Store(true)
	time.Sleep(5 * time.Second)
	require.False(t, rows.Next())
	require.ErrorIs(t, rows.Err(), livetables.ErrRevoked)
}
