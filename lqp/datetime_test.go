package lqp

import (
	"testing"
	"time"
	_ "time/tzdata" // the tests know these zones wherever they run

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	require.NoError(t, err)
	return z
}

func TestCivilCalendarAgainstTime(t *testing.T) {
	for days := int64(minDays); days <= maxDays; days += 13 {
		want := time.Unix(days*86400, 0).UTC()
		y, m, d := civilDate(days)
		if y != int64(want.Year()) || m != int64(want.Month()) || d != int64(want.Day()) || weekday(days) != int64(want.Weekday()) {
			t.Fatalf("day %d is %s, not %d-%d-%d", days, want, y, m, d)
		}
		if civilDays(y, m, d) != days || !validDate(y, m, d) {
			t.Fatalf("%d-%d-%d is not day %d", y, m, d, days)
		}
	}
}

func TestDateTexts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		millis := rapid.Int64Range(minMillis, maxMillis).Draw(t, "millis")
		text := string(AppendDateTime(nil, millis))
		if want := time.UnixMilli(millis).UTC().Format("2006-01-02T15:04:05.000Z"); text != want {
			t.Fatalf("want %s, got %s", want, text)
		}
		back, zoned, ok := ParseDateTime(text)
		if back != millis || !zoned || !ok {
			t.Fatalf("%s reads back as %d", text, back)
		}
	})
	for _, bad := range []string{"", "2024-02-29", "2024-02-29T", "2024-02-29T10", "2024-02-29T10:60", "2024-02-29T10:00:60", "2024-02-29T10:00:00.", "2024-02-29T10:00Zx",
		"2024-02-29T10:00+1", "2024-02-29T10:00+24:00", "2024-02-29T10:00:0", "2024-02-29x10:00", "2024-2-29T10:00:00", "20240229T100000Z", "+024-02-29T10:00"} {
		_, _, ok := ParseDateTime(bad)
		require.False(t, ok, bad)
	}
	for _, bad := range []string{"2024-00-01", "2024-13-01", "2024-04-31", "1900-02-29", "0000-01-01", "2024/01/01", "2024-1-01"} {
		_, ok := ParseDate(bad)
		require.False(t, ok, bad)
	}
	days, ok := ParseDate("2000-02-29")
	require.True(t, ok)
	require.Equal(t, "2000-02-29", string(AppendDate(nil, days)))
}

// slowToUTC is toUTC by looking at the clock every quarter of an hour.
func slowToUTC(z *time.Location, local int64) int64 {
	const step = 15 * 60_000
	var candidates []int64
	gap := int64(0)
	for u := local - 20*3_600_000; u <= local+20*3_600_000; u += step {
		offset := toLocal(z, u) - u
		if c := local - offset; toLocal(z, c) == local {
			candidates = append(candidates, c)
		}
		if toLocal(z, u) <= local {
			gap = local - offset
		}
	}
	if len(candidates) == 0 {
		return gap
	}
	first := candidates[0]
	for _, c := range candidates {
		first = min(first, c)
	}
	return first
}

func TestLocalTimeToUTC(t *testing.T) {
	names := []string{"America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Manila", "America/Juneau", "Asia/Kathmandu", "Africa/Monrovia", "America/St_Johns", "UTC"}
	rapid.Check(t, func(t *rapid.T) {
		z, err := time.LoadLocation(rapid.SampledFrom(names).Draw(t, "zone"))
		if err != nil {
			t.Fatal(err)
		}
		near := time.UnixMilli(rapid.Int64Range(-2_500_000_000_000, 2_500_000_000_000).Draw(t, "millis")).In(z)
		if _, end := near.ZoneBounds(); !end.IsZero() && rapid.Bool().Draw(t, "transition") {
			near = end
		}
		local := toLocal(z, near.UnixMilli()) + rapid.Int64Range(-200, 200).Draw(t, "minutes")*60_000
		if want, got := slowToUTC(z, local), toUTC(z, local); want != got {
			t.Fatalf("%s in %s: want %s, got %s", AppendDateTime(nil, local), z, AppendDateTime(nil, want), AppendDateTime(nil, got))
		}
	})
}

func TestClockChanges(t *testing.T) {
	ny := zone(t, "America/New_York")
	for local, want := range map[string]string{
		"2024-03-10T01:59": "2024-03-10T06:59:00.000Z",
		"2024-03-10T02:30": "2024-03-10T07:30:00.000Z", // skipped: read with the offset before, -5 h
		"2024-03-10T03:00": "2024-03-10T07:00:00.000Z",
		"2024-11-03T01:30": "2024-11-03T05:30:00.000Z", // twice: the earlier
		"2024-11-03T02:00": "2024-11-03T07:00:00.000Z",
	} {
		millis, _, _ := ParseDateTime(local)
		require.Equal(t, want, string(AppendDateTime(nil, toUTC(ny, millis))), local)
	}
}
