package consistency

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestRegisterHistories gives the checker histories whose verdict is known.
func TestRegisterHistories(t *testing.T) {
	at := func(from, to int64, o touch) touch { o.from, o.to, o.key = from, to, "k"; return o }
	saw := func(version, value int64) touch { return touch{kind: read, version: version, was: value} }
	wrote := func(version, value int64) touch {
		return touch{kind: write, value: value, version: version, was: value}
	}
	swapped := func(expected, value int64) touch {
		return touch{kind: swap, expected: expected, value: value, version: expected + 1, was: value}
	}
	for name, tc := range map[string]struct {
		history []touch
		good    bool
	}{
		"one after the other":           {[]touch{at(0, 1, wrote(2, 7)), at(2, 3, saw(2, 7)), at(4, 5, swapped(2, 8)), at(6, 7, saw(3, 8))}, true},
		"a stale read":                  {[]touch{at(0, 1, wrote(2, 7)), at(2, 3, saw(1, 0))}, false},
		"a read beside a write":         {[]touch{at(0, 5, wrote(2, 7)), at(1, 2, saw(1, 0)), at(3, 4, saw(2, 7))}, true},
		"a read that goes back":         {[]touch{at(0, 9, wrote(2, 7)), at(1, 2, saw(2, 7)), at(3, 4, saw(1, 0))}, false},
		"two swaps of one version":      {[]touch{at(0, 5, swapped(1, 7)), at(1, 6, swapped(1, 8))}, false},
		"one of them was refused":       {[]touch{at(0, 5, swapped(1, 7)), at(1, 6, touch{kind: swap, expected: 1, value: 8, refused: true, hasVersion: true, version: 2, was: 7})}, true},
		"refused without a reason":      {[]touch{at(0, 1, touch{kind: swap, expected: 1, value: 8, refused: true})}, false},
		"an unknown write that is seen": {[]touch{at(0, 1, touch{kind: write, value: 7, unknown: true}), at(2, 3, saw(2, 7))}, true},
		"an unknown write that is not":  {[]touch{at(0, 1, touch{kind: write, value: 7, unknown: true}), at(2, 3, saw(1, 0))}, true},
		"one that is seen and is gone":  {[]touch{at(0, 1, touch{kind: write, value: 7, unknown: true}), at(2, 3, saw(2, 7)), at(4, 5, saw(1, 0))}, false},
		"a value that nobody wrote":     {[]touch{at(0, 1, saw(1, 9))}, false},
	} {
		t.Run(name, func(t *testing.T) {
			for i := range tc.history {
				tc.history[i].client = i
			}
			c := &campaign{touches: tc.history}
			c.checkRegisters()
			require.Equal(t, tc.good, c.report.Found == 0, c.report.Violations)
		})
	}
}

// TestListHistories does the same for lists.
func TestListHistories(t *testing.T) {
	saw := func(from, to int64, a, b []int64) look {
		return look{from, to, map[string][]int64{"a": a, "b": b}}
	}
	put := func(from, to, value int64, done bool, keys ...string) appended {
		return appended{value, keys, from, to, done}
	}
	none := []int64{0}
	for name, tc := range map[string]struct {
		looks   []look
		appends []appended
		want    string // empty for nothing
	}{
		"in order":            {[]look{saw(2, 3, []int64{0, 1}, none), saw(6, 7, []int64{0, 1, 2}, []int64{0, 2})}, []appended{put(0, 1, 1, true, "a"), put(4, 5, 2, true, "a", "b")}, ""},
		"lost":                {[]look{saw(2, 3, none, none)}, []appended{put(0, 1, 1, true, "a")}, "is lost"},
		"by half":             {[]look{saw(2, 3, []int64{0, 1}, none)}, []appended{put(0, 1, 1, true, "a", "b")}, "1 of its 2 lists"},
		"seen by half":        {[]look{saw(0, 3, []int64{0, 1}, none), saw(4, 5, []int64{0, 1}, []int64{0, 1})}, []appended{put(0, 1, 1, true, "a", "b")}, "a reading has 1 in 1"},
		"stale":               {[]look{saw(2, 3, none, none), saw(4, 5, []int64{0, 1}, none)}, []appended{put(0, 1, 1, true, "a")}, "does not have it"},
		"from the future":     {[]look{saw(0, 1, []int64{0, 1}, none)}, []appended{put(2, 3, 1, true, "a")}, "appended later"},
		"another order":       {[]look{saw(2, 3, []int64{0, 1, 2}, none), saw(2, 3, []int64{0, 2}, none)}, nil, "no beginning"},
		"twice":               {[]look{saw(2, 3, []int64{0, 1, 1}, none)}, nil, "has 1 twice"},
		"shorter than before": {[]look{saw(0, 1, []int64{0, 1}, none), saw(2, 3, none, none)}, nil, "after it had been read"},
		"unknown and there":   {[]look{saw(2, 3, []int64{0, 1}, none)}, []appended{put(0, 1, 1, false, "a")}, ""},
		"unknown and not":     {[]look{saw(2, 3, none, none)}, []appended{put(0, 1, 1, false, "a")}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := &campaign{looks: tc.looks, appends: tc.appends}
			c.checkLists()
			found := strings.Join(c.report.Violations, "\n")
			if tc.want == "" {
				require.Empty(t, found)
			} else {
				require.Contains(t, found, tc.want)
			}
		})
	}
}
