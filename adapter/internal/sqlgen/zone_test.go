package sqlgen

import (
	"testing"
	"time"

	"github.com/livetables/livetables/lqp"
	"github.com/stretchr/testify/require"
)

// TestInstantOfDay compares the border of a day in many zones with what their clocks show around it.
func TestInstantOfDay(t *testing.T) {
	refused := 0
	for _, name := range []string{"UTC", "Europe/Berlin", "America/New_York", "America/Sao_Paulo", "Asia/Kathmandu", "Pacific/Apia", "America/Havana", "Asia/Beirut", "Africa/Cairo",
		"Australia/Lord_Howe", "America/St_Johns", "Asia/Tehran", "Pacific/Kwajalein", "Europe/Dublin"} {
		zone, err := time.LoadLocation(name)
		require.NoError(t, err)
		for day := int64(-2000); day < 22000; day++ { // 1964 to 2030
			from, ok := instantOfDay(zone, day)
			if !ok {
				refused++
				continue
			}
			for _, around := range []int64{-30 * 3_600_000, -25 * 3_600_000, -7_200_000, -3_600_001, -3_600_000, -1_800_000, -1, 0, 1, 1_800_000, 3_599_999, 3_600_000, 7_200_000, 26 * 3_600_000} {
				at := from.Millis() + around
				_, offset := time.UnixMilli(at).In(zone).Zone()
				shown := at + int64(offset)*1000
				require.Equal(t, around >= 0, shown >= day*dayMillis, "%s: day %d, %d ms from its beginning", name, day, around)
			}
		}
	}
	require.Positive(t, refused, "clocks were put back over midnight in Havana and Beirut")
	require.Less(t, refused, 400)
}

func TestClockLimits(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	low, high := clockLimits(berlin)
	require.True(t, low.IsNull())
	require.Equal(t, "9999-12-31T23:00:00.000Z", high.String())
	low, high = clockLimits(time.FixedZone("west", -3600))
	require.Equal(t, "0001-01-01T01:00:00.000Z", low.String())
	require.True(t, high.IsNull())
	low, high = clockLimits(time.UTC)
	require.Equal(t, []lqp.Value{{}, {}}, []lqp.Value{low, high})
}
