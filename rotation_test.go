package livetables_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables"
	"github.com/livetables/livetables/internal/testenv/transitserver"
	"github.com/livetables/livetables/lqp"
)

// TestRotation adds a key, brings every secret to it and drops the old one.
func TestRotation(t *testing.T) {
	w := newSecretWorld(t)
	w.open(w.keys())
	const n = 230 // more than two pages
	second, err := w.owner.CreateWorkspace(t.Context(), "Second")
	require.NoError(t, err)
	var ids []string
	for i := range n {
		ids = append(ids, w.connect([]string{w.workspace, second.ID}[i%2], fmt.Sprintf("c%d", i), fmt.Sprintf("hunter2-%d", i)).ID)
	}
	first := w.keys().ID()
	w.overwrite(`UPDATE lt_connection SET secret = ? WHERE id = ?`, lqp.BytesValue(w.secret(ids[9])), lqp.TextValue(ids[7]))
	keys, err := livetables.AddMasterKey(filepath.Join(w.dir, "key"), false)
	require.NoError(t, err)
	w.open(keys)

	// Ended in the middle by its caller: what is done is done, and the rest is left.
	ctx, cancel := context.WithCancel(t.Context())
	pages := 0
	_, err = w.engine.RotateSecrets(ctx, livetables.RotateOptions{Progress: func(livetables.Rotation) {
		if pages++; pages == 1 {
			cancel()
		}
	}})
	require.ErrorIs(t, err, context.Canceled)
	counts, err := w.engine.SecretKeys(t.Context())
	require.NoError(t, err)
	require.Equal(t, n, counts[first]+counts[keys.ID()])
	require.InDelta(t, 100, counts[keys.ID()], 1)
	for _, id := range []string{ids[0], ids[n-1]} {
		code, _ := w.test(id)
		require.Empty(t, code, "half-way everything opens")
	}

	r, err := w.engine.RotateSecrets(t.Context(), livetables.RotateOptions{})
	require.NoError(t, err)
	require.Equal(t, n, r.Looked)
	require.Equal(t, counts[first]-1, r.Changed)
	require.Equal(t, 1, r.Unreadable)
	counts, err = w.engine.SecretKeys(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[string]int{keys.ID(): n - 1, first: 1}, counts)
	r, err = w.engine.RotateSecrets(t.Context(), livetables.RotateOptions{})
	require.NoError(t, err)
	require.Zero(t, r.Changed, "nothing is left to do")

	kept, _, err := livetables.DropOldMasterKeys(filepath.Join(w.dir, "key"))
	require.NoError(t, err)
	w.open(kept)
	for i, id := range ids {
		if i != 7 && i%25 != 0 {
			continue // a server has only so many connections
		}
		code, password := w.test(id)
		if i == 7 {
			require.Equal(t, livetables.CodeSecretUnreadable, code)
			continue
		}
		require.Empty(t, code)
		require.Equal(t, fmt.Sprintf("hunter2-%d", i), password)
	}
	before := w.secret(ids[0])
	r, err = w.engine.RotateSecrets(t.Context(), livetables.RotateOptions{Reencrypt: true})
	require.NoError(t, err)
	require.Equal(t, n-1, r.Changed)
	require.NotEqual(t, before[len(before)-20:], w.secret(ids[0])[len(before)-20:], "the secret itself is encrypted anew")
	text := w.everything()
	require.NotContains(t, text, "hunter2")
	for _, action := range []string{"keys.rotate_begin", "keys.rotate_end", "connection.rewrap", first, keys.ID()} {
		require.Contains(t, text, action)
	}
}

// TestKeyManagerDown: without the key manager no connection is opened or stored and nothing is kept in clear text; what is
// open goes on, and everything works again when it is back.
func TestKeyManagerDown(t *testing.T) {
	w := newSecretWorld(t)
	s := transitserver.Start(t)
	s.MakeKey(t, "livetables", true)
	manager, err := livetables.NewTransitKeys(livetables.TransitOptions{Address: s.Address, Key: "livetables", TokenFile: s.TokenFile,
		Timeout: 300 * time.Millisecond, Cooldown: 200 * time.Millisecond})
	require.NoError(t, err)
	root := filepath.Join(w.dir, "root")
	sealer, err := livetables.NewSealer(t.Context(), manager, root, nil)
	require.NoError(t, err)
	w.open(sealer)
	opened, closed := w.connect(w.workspace, "opened", "hunter2-a"), w.connect(w.workspace, "closed", "hunter2-b")
	code, password := w.test(opened.ID)
	require.Empty(t, code)
	require.Equal(t, "hunter2-a", password)

	for _, mode := range []string{"sealed", "down", "slow", "garbage", "denied"} {
		t.Run(mode, func(t *testing.T) {
			s.Mode(t, mode)
			code, _ := w.test(opened.ID)
			require.Empty(t, code, "what is open goes on")
			code, password := w.test(closed.ID)
			require.Equal(t, livetables.CodeKeyManager, code)
			require.Empty(t, password)
			_, err := w.owner.Schema(t.Context(), closed.ID, true)
			require.Equal(t, livetables.CodeKeyManager, livetables.Code(err))
			secret := livetables.NewSecret("hunter2-c")
			spec := w.spec
			spec.Name, spec.Password = "new-"+mode, &secret
			_, err = w.owner.CreateConnection(t.Context(), w.workspace, spec)
			require.Equal(t, livetables.CodeKeyManager, livetables.Code(err))
			_, err = w.owner.UpdateConnection(t.Context(), closed.ID, 0, spec)
			require.Equal(t, livetables.CodeKeyManager, livetables.Code(err))
			_, err = w.engine.RotateSecrets(t.Context(), livetables.RotateOptions{Reencrypt: true})
			require.Equal(t, livetables.CodeKeyManager, livetables.Code(err))
			_, err = livetables.NewSealer(t.Context(), manager, root, nil)
			require.Equal(t, livetables.CodeKeyManager, livetables.Code(err), "and no daemon starts")
			s.Mode(t, "ok")
			require.Eventually(t, func() bool { code, _ := w.test(closed.ID); return code == "" }, 5*time.Second, 50*time.Millisecond)
			// Closed again for the next mode, by a change that is none.
			spec = w.spec
			spec.Name = "closed"
			_, err = w.owner.UpdateConnection(t.Context(), closed.ID, 0, spec)
			require.NoError(t, err)
		})
	}
	require.NotContains(t, w.everything(), "hunter2")

	before := w.secret(closed.ID)
	s.Rotate(t, "livetables")
	r, err := w.engine.RotateSecrets(t.Context(), livetables.RotateOptions{})
	require.NoError(t, err)
	require.Equal(t, livetables.Rotation{Looked: 2, Changed: 2}, r)
	require.Equal(t, before[len(before)-30:], w.secret(closed.ID)[len(before)-30:], "the service wraps anew, the secret stays")
	changed, err := livetables.RewrapRoot(t.Context(), manager, root)
	require.NoError(t, err)
	require.True(t, changed)
	s.Least(t, "livetables", 2)
	again, err := livetables.NewSealer(t.Context(), manager, root, nil)
	require.NoError(t, err)
	require.Equal(t, sealer.Derive("cursor"), again.Derive("cursor"))
	w.open(again)
	code, password = w.test(closed.ID)
	require.Empty(t, code)
	require.Equal(t, "hunter2-b", password)
}
