package sqlite

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/adapter"
	"github.com/livetables/livetables/adapter/adaptertest"
)

func TestStore(t *testing.T) {
	open := func(t testing.TB, path string) adapter.Store {
		s, err := OpenStore(t.Context(), path, StoreOptions{Relaxed: true, MaxBatch: 7})
		require.NoError(t, err)
		return s
	}
	adaptertest.RunStore(t, adaptertest.StoreHarness{
		Open:  func(t testing.TB) adapter.Store { return open(t, filepath.Join(t.TempDir(), "store.db")) },
		Again: func(t testing.TB, s adapter.Store) adapter.Store { return open(t, s.(*Store).path) },
	})
}
