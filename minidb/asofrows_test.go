package minidb

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/lqp"
)

// TestPastIsBoundInBytes: rows of the past that are held are bounded in bytes, and a page holds little more than its own.
func TestPastIsBoundInBytes(t *testing.T) {
	row := func(n int64) []lqp.Value { return []lqp.Value{lqp.IntValue(n)} }
	const size = maxGatheredBytes / 4
	var over *LimitError
	whole := &pastRows{}
	for i := range 4 {
		require.NoError(t, whole.keep(row(int64(i)), nil, size))
	}
	require.ErrorAs(t, whole.keep(row(4), nil, size), &over)
	require.Equal(t, "bytes_in_memory", over.Name)

	page := &pastRows{limit: 2, order: []lqp.Order{{Expr: lqp.Literal(lqp.IntValue(0))}}}
	for i := range 100 {
		require.NoError(t, page.keep(row(int64(i)), nil, size))
		require.LessOrEqual(t, page.held, maxGatheredBytes)
	}
	require.NoError(t, page.keep(row(0), nil, 5*size), "it comes after the page")
	require.ErrorAs(t, (&pastRows{limit: 2}).keep(row(0), nil, 5*size), &over, "one row that is larger than all of it")
}
