package failure

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/livetables/livetables/adapter"
	"github.com/stretchr/testify/require"
)

func TestTranslate(t *testing.T) {
	secret := errors.New("secret 10.1.2.3")
	classify := func(error) error { return adapter.ErrData }
	err := Translate(t.Context(), "scan orders", secret, classify)
	require.EqualError(t, err, "scan orders: "+adapter.ErrData.Error(), "no words of the server")
	require.ErrorIs(t, err, adapter.ErrData)
	require.ErrorIs(t, err, secret, "but the log can have them")
	require.Equal(t, secret, Cause(fmt.Errorf("wrapped: %w", err)))
	require.Equal(t, secret, Cause(secret))
	require.NoError(t, Cause(nil))

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err = Translate(ctx, "scan orders", secret, classify)
	require.ErrorIs(t, err, context.Canceled)
	require.NotErrorIs(t, err, adapter.ErrData)
	require.NoError(t, Translate(ctx, "scan orders", nil, classify))
}
