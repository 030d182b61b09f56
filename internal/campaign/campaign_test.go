package campaign

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestStores(t *testing.T) {
	both, err := Stores("both")
	require.NoError(t, err)
	require.Equal(t, []bool{false, true}, both)
	one, err := Stores("postgres")
	require.NoError(t, err)
	require.Equal(t, []bool{true}, one)
	_, err = Stores("mysql")
	require.ErrorContains(t, err, `"mysql"`)
}

func TestEvery(t *testing.T) {
	require.False(t, Every(time.Hour)())
	always := Every(0)
	require.True(t, always())
	require.True(t, always())
}
