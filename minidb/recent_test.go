package minidb

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/audit"
)

func TestRecentEntries(t *testing.T) {
	positions := func(list []audit.Entry) (out []int64) {
		for i := range list {
			out = append(out, list[i].Position)
		}
		return out
	}
	var r recent
	require.Empty(t, r.after(0, 10))
	r.add([]audit.Entry{{Position: 3}, {Position: 4}}, 4)
	r.add([]audit.Entry{{Position: 6}}, 6)
	r.add([]audit.Entry{{Position: 5}}, 5) // commits are told of in any order
	require.EqualValues(t, 6, r.last)
	require.Empty(t, r.after(0, 10), "what comes next is not here")
	require.Equal(t, []int64{3, 4, 5, 6}, positions(r.after(2, 10)))
	require.Equal(t, []int64{4, 5}, positions(r.after(3, 2)))
	require.Empty(t, r.after(6, 10))

	r.add([]audit.Entry{{Position: 7, After: json.RawMessage(strings.Repeat("1", recentBytes+1))}, {Position: 8}}, 8)
	require.Equal(t, []int64{6}, positions(r.after(5, 10)), "a large one is read from the log")
	require.Equal(t, []int64{8}, positions(r.after(7, 10)))

	r.add([]audit.Entry{{Position: 8 + recentEntries}}, 8+recentEntries)
	require.Empty(t, r.after(7, 10), "its place was taken")
	r.add(nil, 5000) // an import
	require.EqualValues(t, 5000, r.last)
	require.Equal(t, []int64{8 + recentEntries}, positions(r.after(7+recentEntries, 10)))

	r.ring[8%recentEntries].at = time.Now().Add(-2 * recentTime)
	require.Empty(t, r.after(7+recentEntries, 10), "somebody may have removed it since")
	r.forget()
	require.Empty(t, r.after(5, 10))
}
