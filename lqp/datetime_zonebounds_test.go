package lqp

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A wall clock near the end of any year is found, whatever time.Time.ZoneBounds says of that year.
func TestEveryYearsEndIsFound(t *testing.T) {
	for _, name := range []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca"} {
		zone, err := time.LoadLocation(name)
		require.NoError(t, err)
		for year := 1900; year < 3100; year++ {
			for _, day := range []int{1, 364, 365, 366} {
				local := time.Date(year, 1, day, 23, 30, 0, 0, time.UTC).UnixMilli()
				assert.Equal(t, local, toLocal(zone, toUTC(zone, local)), "%s, day %d of %d", name, day, year)
			}
		}
	}
}
