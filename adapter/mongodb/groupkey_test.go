package mongodb

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Equal numbers are one group, however many digits their documents spell them with and whatever their type: computed keys
// too, and where the server finds groups by hashing as well as where it sorts.
func TestGroupsOfEqualNumbers(t *testing.T) {
	d := newDatabase(t)
	var docs []any
	spellings := [][]any{
		{decimal("1.5"), decimal("1.50"), decimal("1.5000")},
		{decimal("-9223372036854775808"), int64(-9223372036854775808), decimal("-9223372036854775808.0"), decimal("-9223372036854775808.00")},
		{int32(7), int64(7), decimal("7"), decimal("7.0"), decimal("70E-1")},
		{decimal("12E+19"), nil},
	}
	for range 300 {
		for _, group := range spellings {
			for _, n := range group {
				docs = append(docs, doc("n", n))
			}
		}
	}
	d.insert("numbers", docs...)
	d.Discover()
	for _, key := range []string{"n", "-n", "n + 1", "n * 2", "ABS(n)"} {
		t.Run(key, func(t *testing.T) {
			q := d.Bind(`{"source":{"table":"numbers"},"group_by":[{"name":"k","expr":"` + key + `"}],"aggregates":[{"name":"c","function":"countall"}],"sorts":["k"]}`)
			got, split := d.Planned(q)
			require.Nil(t, split.Residual, d.Show(split))
			require.Equal(t, d.Reference(q), got)
			require.Len(t, got, len(spellings))
		})
	}
}
