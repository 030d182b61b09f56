package minidb

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// checkPlaces fails unless n places lie between two, in order.
func checkPlaces(t *testing.T, low, high string, n int) []string {
	t.Helper()
	places := placesBetween(low, high, n)
	require.Len(t, places, n)
	for _, p := range places {
		require.Less(t, low, p)
		if high != "" {
			require.Less(t, p, high)
		}
		require.False(t, strings.HasSuffix(p, "0") && len(p) != placeAnchor, p)
		low = p
	}
	return places
}

func TestPlaces(t *testing.T) {
	a, b := NewID(prefixRow), NewID(prefixRow)
	for _, ends := range [][2]string{{"", ""}, {a, b}, {a, ""}, {"", a}, {a + "5", a + "6"}, {a + "5", a + "51"}, {a, a + "1"}, {a, a + "001"},
		{a + "zzzz", b}, {a + "z", ""}, {"", "!1"}, {"!zzz", a}, {"!1", "!11"}} {
		for _, n := range []int{1, 2, 31, 32, 1000} {
			checkPlaces(t, ends[0], ends[1], n)
		}
	}
}

// TestPlacesAtTheEnds: rows that are put at an end one after the other do not need a digit each.
func TestPlacesAtTheEnds(t *testing.T) {
	first := []string{NewID(prefixRow)}
	last := slices.Clone(first)
	for range 2000 {
		first = append(checkPlaces(t, "", first[0], 1), first...)
		last = append(last, checkPlaces(t, last[len(last)-1], "", 1)...)
	}
	require.Less(t, len(first[0]), 100)
	require.Less(t, len(last[len(last)-1]), 100)
}

func FuzzPlaces(f *testing.F) {
	f.Add(uint64(1), uint8(3))
	f.Fuzz(func(t *testing.T, seed uint64, n uint8) {
		r := rand.New(rand.NewPCG(seed, 1))
		list := []string{NewID(prefixRow), NewID(prefixRow)}
		for range 40 {
			at := r.IntN(len(list) + 1)
			low, high := "", ""
			if at > 0 {
				low = list[at-1]
			}
			if at < len(list) {
				high = list[at]
			}
			list = slices.Insert(list, at, checkPlaces(t, low, high, 1+int(n)%20)...)
		}
		require.True(t, slices.IsSorted(list))
	})
}
