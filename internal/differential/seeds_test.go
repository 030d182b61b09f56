package differential

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The cases that engines once answered differently are asked again, of all engines in all modes.
func TestSeeds(t *testing.T) {
	files, err := filepath.Glob("testdata/seeds/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	r, err := NewReplayer(t.Context(), available(t))
	require.NoError(t, err)
	defer func() { assert.NoError(t, r.Close(t.Context())) }()
	for _, f := range files {
		t.Run(filepath.Base(f), func(t *testing.T) {
			c, err := ReadCase(f)
			require.NoError(t, err)
			bad, err := r.Replay(t.Context(), c)
			require.NoError(t, err)
			for _, b := range bad {
				t.Errorf("%s\n%s\n%s", b, c.About, c.Format())
			}
		})
	}
}
