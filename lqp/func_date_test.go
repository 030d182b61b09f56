package lqp

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestDateFunctions(t *testing.T) {
	runFunctionTests(t, nil, []functionTest{
		{"date", args(num("2024"), num("2"), num("29")), day("2024-02-29")},
		{"date", args(num("2023"), num("2"), num("29")), null},
		{"date", args(num("2024"), num("13"), num("1")), null},
		{"date", args(num("0"), num("1"), num("1")), null},
		{"date", args(num("2024.9"), num("2"), num("1")), day("2024-02-01")},
		{"date", args(num("1e19"), num("1"), num("1")), null},
		{"year", args(day("2024-02-29")), num("2024")},
		{"month", args(at("2024-02-29T10:20:30.999")), num("2")},
		{"day", args(at("1969-12-31T23:59:59.999")), num("31")},
		{"hour", args(at("1969-12-31T23:59:59.999")), num("23")},
		{"minute", args(at("1969-12-31T23:59:59.999")), num("59")},
		{"second", args(at("1969-12-31T23:59:59.999")), num("59")},
		{"hour", args(day("2024-02-29")), num("0")},
		{"weekday", args(day("2024-02-25")), num("0")},
		{"weekday", args(day("0001-01-01")), num("1")},
		{"year", args(null), null},
		{"dateadd", args(day("2024-01-31"), num("1"), txt("month")), day("2024-02-29")},
		{"dateadd", args(day("2024-01-31"), num("13"), txt("months")), day("2025-02-28")},
		{"dateadd", args(day("2024-03-31"), num("-1"), txt("Quarter")), day("2023-12-31")},
		{"dateadd", args(day("2024-02-29"), num("1"), txt("year")), day("2025-02-28")},
		{"dateadd", args(day("2024-02-29"), num("1.9"), txt("days")), day("2024-03-01")},
		{"dateadd", args(day("2024-02-29"), num("-1.9"), txt("weeks")), day("2024-02-22")},
		{"dateadd", args(at("2024-01-31T10:20"), num("1"), txt("month")), at("2024-02-29T10:20")},
		{"dateadd", args(at("2024-01-31T10:20"), num("-90"), txt("minute")), at("2024-01-31T08:50")},
		{"dateadd", args(at("2024-01-31T10:20"), num("1"), txt("millisecond")), at("2024-01-31T10:20:00.001")},
		{"dateadd", args(day("9999-12-31"), num("1"), txt("day")), null},
		{"dateadd", args(day("2024-01-01"), num("9e18"), txt("year")), null},
		{"dateadd", args(day("2024-01-01"), num("-9e19"), txt("month")), null},
		{"dateadd", args(at("2024-01-01T00:00"), num("9e18"), txt("week")), null},
		{"dateadd", args(at("2024-01-01T00:00"), num("315537897599999"), txt("hour")), null},
		{"dateadd", args(day("2024-01-01"), num("1"), txt("hour")), null},
		{"dateadd", args(day("2024-01-01"), num("1"), txt("fortnight")), null},
		{"datetime_diff", args(day("2024-02-29"), day("2024-01-31"), txt("month")), num("0")},
		{"datetime_diff", args(day("2024-01-31"), day("2024-02-29"), txt("month")), num("0")},
		{"datetime_diff", args(day("2024-03-31"), day("2024-02-29"), txt("month")), num("1")},
		{"datetime_diff", args(day("2024-02-28"), day("2022-02-28"), txt("year")), num("2")},
		{"datetime_diff", args(day("2024-02-27"), day("2022-02-28"), txt("year")), num("1")},
		{"datetime_diff", args(day("2022-02-28"), day("2024-02-27"), txt("year")), num("-1")},
		{"datetime_diff", args(at("2024-02-28T09:59"), at("2024-01-28T10:00"), txt("month")), num("0")},
		{"datetime_diff", args(at("2024-01-01T23:59"), at("2024-01-01T00:00"), txt("day")), num("0")},
		{"datetime_diff", args(at("2024-01-01T00:00"), at("2024-01-09T23:00"), txt("week")), num("-1")},
		{"datetime_diff", args(day("2024-01-03"), day("2024-01-01"), txt("hour")), num("48")},
		{"datetime_diff", args(day("2024-01-01"), at("2024-01-01T01:30"), txt("hour")), num("-1")},
		{"date_trunc", args(day("2024-02-29"), txt("year")), day("2024-01-01")},
		{"date_trunc", args(day("2024-12-29"), txt("quarter")), day("2024-10-01")},
		{"date_trunc", args(day("2024-02-29"), txt("month")), day("2024-02-01")},
		{"date_trunc", args(day("2024-03-03"), txt("week")), day("2024-02-26")},
		{"date_trunc", args(day("2024-02-26"), txt("week")), day("2024-02-26")},
		{"date_trunc", args(day("2024-02-26"), txt("hour")), day("2024-02-26")},
		{"date_trunc", args(at("1969-12-31T23:59:59.999"), txt("hour")), at("1969-12-31T23:00")},
		{"date_trunc", args(at("2024-02-29T10:20:30.999"), txt("second")), at("2024-02-29T10:20:30")},
		{"date_trunc", args(at("2024-02-29T10:20:30.999"), txt("day")), at("2024-02-29T00:00")},
		{"date_trunc", args(at("2024-02-29T10:20"), txt("age")), null},
	})
}

func TestDateFunctionsInAZone(t *testing.T) {
	ny := zone(t, "America/New_York")
	runFunctionTests(t, ny, []functionTest{
		{"day", args(at("2024-03-01T04:59:59Z")), num("29")},
		{"hour", args(at("2024-03-01T04:59:59Z")), num("23")},
		{"year", args(at("0001-01-01T00:00:00Z")), null},
		{"to_date", args(at("2024-03-01T04:59:59Z")), day("2024-02-29")},
		{"to_datetime", args(txt("2024-03-10T02:30")), at("2024-03-10T07:30:00Z")},
		{"to_datetime", args(day("2024-07-01")), at("2024-07-01T04:00:00Z")},
		{"eq", args(day("2024-07-01"), at("2024-07-01T04:00:00Z")), yes},
		{"lt", args(at("2024-07-01T03:59:59Z"), day("2024-07-01")), yes},
		{"between", args(at("2024-07-01T04:00:00Z"), day("2024-07-01"), day("2024-07-02")), yes},
		{"in", args(at("2024-07-01T04:00:00Z"), list(day("2024-07-01"))), yes},
		{"dateadd", args(at("2024-03-09T07:30:00Z"), num("1"), txt("day")), at("2024-03-10T07:30:00Z")}, // 02:30 does not exist
		{"dateadd", args(at("2024-03-09T12:00:00Z"), num("1"), txt("day")), at("2024-03-10T11:00:00Z")}, // 07:00 on both days
		{"dateadd", args(at("2024-03-09T12:00:00Z"), num("24"), txt("hour")), at("2024-03-10T12:00:00Z")},
		{"datetime_diff", args(at("2024-03-10T11:00:00Z"), at("2024-03-09T12:00:00Z"), txt("day")), num("1")},
		{"datetime_diff", args(at("2024-03-10T11:00:00Z"), at("2024-03-09T12:00:00Z"), txt("hour")), num("23")},
		{"date_trunc", args(at("2024-03-10T20:00:00Z"), txt("day")), at("2024-03-10T05:00:00Z")},
		{"date_trunc", args(at("2024-11-03T06:45:00Z"), txt("hour")), at("2024-11-03T06:00:00Z")}, // the second 01:45
	})
	runFunctionTests(t, zone(t, "Asia/Kathmandu"), []functionTest{
		{"date_trunc", args(at("2024-03-10T20:00:00Z"), txt("hour")), at("2024-03-10T19:15:00Z")},
		{"year", args(at("9999-12-31T23:00:00Z")), null},
	})
}

// Adding whole months and taking the difference agree wherever the day of the month did not have to give way.
func TestDateAddInvertsDiff(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := DateTimeValue(rapid.Int64Range(minMillis/2, maxMillis/2).Draw(t, "millis"))
		n := rapid.Int64Range(-5000, 5000).Draw(t, "n")
		u := rapid.SampledFrom([]timeUnit{unitSecond, unitHour, unitDay, unitWeek, unitMonth, unitYear}).Draw(t, "unit")
		var z *time.Location
		later := dateAdd(z, v, n, u)
		if later.IsNull() {
			return
		}
		_, _, d := civilDate(floorDiv(v.Millis(), millisPerDay))
		if u >= unitMonth && d > 28 {
			return
		}
		if got := dateDiff(z, later, v, u); got != n {
			t.Fatalf("%s + %d is %s, the difference %d", v, n, later, got)
		}
	})
}

func TestUnits(t *testing.T) {
	for _, name := range []string{"day", "Days", "QUARTER", "milliseconds"} {
		_, ok := parseUnit(name)
		require.True(t, ok, name)
	}
	for _, name := range []string{"", "s", "d", "decade", "dayss"} {
		_, ok := parseUnit(name)
		require.False(t, ok, name)
	}
}
