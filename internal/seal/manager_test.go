package seal

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestMoveToAnotherKeyManager: what was sealed with keys of a file opens through a chain and ends up at the new manager.
func TestMoveToAnotherKeyManager(t *testing.T) {
	file, service := testKeys(t, 0), testKeys(t, 1)
	box, err := file.Seal(t.Context(), []byte("secret"), place)
	require.NoError(t, err)
	root := filepath.Join(t.TempDir(), "root.sealed")
	s, err := OpenWithRoot(t.Context(), Chain(service, file), root, file.RootSecret())
	require.NoError(t, err)
	require.Equal(t, file.Derive("cursor"), s.Derive("cursor"), "derived keys stay")
	plain, err := s.Open(t.Context(), box, place)
	require.NoError(t, err)
	require.Equal(t, "secret", string(plain))
	moved, err := s.Rewrap(t.Context(), box, place)
	require.NoError(t, err)
	id, err := KeyOf(moved)
	require.NoError(t, err)
	require.Equal(t, service.ID(), id)

	alone, err := OpenWithRoot(t.Context(), service, root, nil)
	require.NoError(t, err)
	require.Equal(t, file.Derive("cursor"), alone.Derive("cursor"))
	plain, err = alone.Open(t.Context(), moved, place)
	require.NoError(t, err)
	require.Equal(t, "secret", string(plain))
	_, err = alone.Open(t.Context(), box, place)
	require.ErrorIs(t, err, ErrUnknownKey)
}

func TestRootSecretIsKeptSealed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "root.sealed")
	keys := testKeys(t, 0)
	_, err := KeyOfRoot(path)
	require.ErrorIs(t, err, os.ErrNotExist)
	s, err := OpenWithRoot(t.Context(), keys, path, nil)
	require.NoError(t, err)
	again, err := OpenWithRoot(t.Context(), keys, path, nil)
	require.NoError(t, err)
	require.Equal(t, s.Derive("x"), again.Derive("x"))
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NotContains(t, string(data), s.root.Reveal())
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	changed, err := RewrapRoot(t.Context(), keys, path)
	require.NoError(t, err)
	require.False(t, changed)
	grown, err := keys.grown(when, false)
	require.NoError(t, err)
	changed, err = RewrapRoot(t.Context(), grown, path)
	require.NoError(t, err)
	require.True(t, changed)
	id, err := KeyOfRoot(path)
	require.NoError(t, err)
	require.Equal(t, grown.ID(), id)
	again, err = OpenWithRoot(t.Context(), grown, path, nil)
	require.NoError(t, err)
	require.Equal(t, s.Derive("x"), again.Derive("x"))

	_, err = OpenWithRoot(t.Context(), testKeys(t, 1), path, nil)
	require.ErrorIs(t, err, ErrUnknownKey, "another key manager's root is not replaced")
	require.NoError(t, os.Chmod(path, 0o644))
	_, err = OpenWithRoot(t.Context(), grown, path, nil)
	require.ErrorIs(t, err, ErrKeyFileMode)
	require.NoError(t, os.Chmod(path, 0o600))
	require.NoError(t, os.WriteFile(path, data[:20], 0o600))
	_, err = OpenWithRoot(t.Context(), grown, path, nil)
	require.ErrorIs(t, err, ErrOpen)
	other := filepath.Join(t.TempDir(), "root")
	_, err = OpenWithRoot(t.Context(), downManager{}, other, nil)
	require.ErrorIs(t, err, ErrUnavailable)
	require.NoFileExists(t, other)
}
