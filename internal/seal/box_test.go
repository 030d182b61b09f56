package seal

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBox(t *testing.T) {
	keys := testKeys(t, 0)
	b, err := NewBox(keys.Derive("answers"))
	require.NoError(t, err)
	sealed, err := b.Seal([]byte("answer"), place)
	require.NoError(t, err)
	plain, err := b.Open(sealed, place)
	require.NoError(t, err)
	require.Equal(t, "answer", string(plain))
	_, err = b.Open(sealed, Binding{}.AAD())
	require.ErrorIs(t, err, ErrOpen)
	for i := range sealed {
		_, err = b.Open(sealed[:i], place)
		require.ErrorIs(t, err, ErrOpen)
	}
	_, err = NewBox(nil)
	require.ErrorIs(t, err, ErrWeakKey)
}
