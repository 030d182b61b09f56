package minidb_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/minidb"
)

func TestIDs(t *testing.T) {
	last := ""
	for range 10_000 {
		id := minidb.NewID("row")
		require.True(t, minidb.ValidID(id, "row"))
		require.True(t, minidb.ValidID(id, "row_"))
		require.Greater(t, id, last)
		last = id
	}
	require.Len(t, last, len("row_")+26)
	for _, bad := range []string{"", "row", "row_", last[4:], last + "0", last[:29], "col" + last[3:], "ROW" + last[3:],
		last[:29] + "u", last[:29] + "I", "row_8" + last[5:], last[:29] + "\x00"} {
		require.False(t, minidb.ValidID(bad, "row"), "%q", bad)
	}
}

func FuzzValidID(f *testing.F) {
	f.Add(minidb.NewID("row"), "row")
	f.Add("row_é", "row")
	f.Fuzz(func(t *testing.T, id, prefix string) {
		if minidb.ValidID(id, prefix) && len(id) < 27 {
			t.Errorf("%q is no id", id)
		}
	})
}
