package lqp

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestCalendarFunctions(t *testing.T) {
	runFunctionTests(t, nil, []functionTest{
		{"datetime", args(num("2024"), num("2"), num("29"), num("23"), num("59"), num("59.9")), at("2024-02-29T23:59:59")},
		{"datetime", args(num("2023"), num("2"), num("29"), num("0"), num("0"), num("0")), null},
		{"datetime", args(num("2024"), num("2"), num("29"), num("24"), num("0"), num("0")), null},
		{"datetime", args(num("2024"), num("2"), num("29"), num("0"), num("-1"), num("0")), null},
		{"datetime", args(num("2024"), num("2"), num("29"), num("0"), num("0"), num("60")), null},
		{"quarter", args(day("2024-03-31")), num("1")},
		{"quarter", args(day("2024-12-01")), num("4")},
		{"day_of_year", args(day("2024-12-31")), num("366")},
		{"day_of_year", args(day("0001-01-01")), num("1")},
		{"weeknum", args(day("2024-01-06")), num("1")},
		{"weeknum", args(day("2024-01-07")), num("2")},
		{"weeknum", args(day("2024-01-07"), txt("Monday")), num("1")},
		{"weeknum", args(day("2024-01-08"), txt("monday")), num("2")},
		{"weeknum", args(day("2024-12-31")), num("53")},
		{"weeknum", args(day("2024-01-07"), txt("friday")), null},
		{"isoweeknum", args(day("2021-01-03")), num("53")},
		{"isoweeknum", args(day("2018-12-31")), num("1")},
		{"isoweeknum", args(day("9999-12-31")), num("52")},
		{"eomonth", args(day("2024-01-15"), num("1")), day("2024-02-29")},
		{"eomonth", args(day("2024-03-31"), num("-1.9")), day("2024-02-29")},
		{"eomonth", args(at("2024-02-10T12:00"), num("0")), day("2024-02-29")},
		{"eomonth", args(day("9999-12-01"), num("0")), day("9999-12-31")},
		{"eomonth", args(day("9999-12-01"), num("1")), null},
		{"eomonth", args(day("2024-12-01"), num("9e18")), null},
		{"days", args(day("2024-03-01"), at("2024-02-28T23:59")), num("2")},
		{"days", args(day("2024-02-28"), day("2024-03-01")), num("-2")},
		{"is_before", args(day("2024-02-28"), day("2024-02-29")), yes},
		{"is_before", args(day("2024-02-28"), day("2024-02-29"), txt("month")), no},
		{"is_before", args(null, day("2024-02-29")), no},
		{"is_before", args(day("2024-02-28"), day("2024-02-29"), txt("age")), no},
		{"is_after", args(at("2024-02-29T00:00:01"), day("2024-02-29")), yes},
		{"is_after", args(at("2024-02-29T00:00:01"), day("2024-02-29"), txt("minute")), no},
		{"is_after", args(day("2024-01-01"), day("2023-12-31"), txt("years")), yes},
		{"is_after", args(day("2024-01-01"), null, txt("years")), no},
		{"is_same", args(at("2024-02-29T00:00"), day("2024-02-29")), yes},
		{"is_same", args(null, null), no},
		{"is_same", args(day("2024-02-26"), day("2024-03-03"), txt("week")), yes},
		{"is_same", args(day("2024-03-03"), day("2024-03-04"), txt("week")), no},
		{"is_same", args(day("2024-01-01"), day("2024-03-31"), txt("quarter")), yes},
		{"is_same", args(at("2024-01-01T10:00:00.999"), at("2024-01-01T10:00:00"), txt("second")), yes},
	})
	runFunctionTests(t, zone(t, "America/New_York"), []functionTest{
		{"datetime", args(num("2024"), num("3"), num("10"), num("2"), num("30"), num("0")), at("2024-03-10T07:30:00Z")}, // does not exist
		{"datetime", args(num("2024"), num("7"), num("1"), num("0"), num("0"), num("0")), at("2024-07-01T04:00:00Z")},
		{"day_of_year", args(at("2024-01-01T04:59:59Z")), num("365")},
		{"weeknum", args(at("0001-01-01T00:00:00Z")), null},
		{"is_same", args(at("2024-03-01T04:59:59Z"), day("2024-02-29"), txt("day")), yes},
		{"is_same", args(at("2024-11-03T05:45:00Z"), at("2024-11-03T06:15:00Z"), txt("hour")), no}, // 01:45 and the second 01:15
		{"eomonth", args(at("2024-03-01T04:59:59Z"), num("0")), day("2024-02-29")},
	})
}

func TestWorkdays(t *testing.T) {
	off := list(day("2024-03-04"), txt("2024-03-05"), txt("soon"), day("2024-03-09"), null, day("2024-03-04"))
	runFunctionTests(t, nil, []functionTest{
		{"workday", args(day("2024-03-01"), num("1")), day("2024-03-04")},
		{"workday", args(day("2024-03-01"), num("0")), day("2024-03-01")},
		{"workday", args(day("2024-03-02"), num("0")), day("2024-03-02")},
		{"workday", args(day("2024-03-02"), num("1")), day("2024-03-04")},
		{"workday", args(day("2024-03-02"), num("5")), day("2024-03-08")},
		{"workday", args(day("2024-03-02"), num("-5")), day("2024-02-26")},
		{"workday", args(day("2024-03-04"), num("-1")), day("2024-03-01")},
		{"workday", args(day("2024-03-01"), num("1"), off), day("2024-03-06")},
		{"workday", args(day("2024-03-06"), num("-1"), off), day("2024-03-01")},
		{"workday", args(at("2024-03-01T23:00"), num("10.9"), off), day("2024-03-19")},
		{"workday", args(day("9999-12-31"), num("1")), null},
		{"workday", args(day("2024-01-01"), num("9e18")), null},
		{"workday", args(day("2024-01-01"), num("1"), null), null},
		{"workday_diff", args(day("2024-03-01"), day("2024-03-04")), num("2")},
		{"workday_diff", args(day("2024-03-04"), day("2024-03-01")), num("-2")},
		{"workday_diff", args(day("2024-03-02"), day("2024-03-03")), num("0")},
		{"workday_diff", args(day("2024-03-01"), day("2024-03-08"), off), num("4")},
		{"workday_diff", args(day("0001-01-01"), day("9999-12-31")), num("2608615")},
	})
	f, _ := LookupFunction("workday")
	_, argErr := f.Result([]Type{{Kind: Date}, {Kind: Number}, {Kind: List, Elem: Number}})
	require.EqualError(t, argErr, "argument 3: want a list of dates, got list<number>")
}

// Counting day by day gives the same answers.
func TestWorkdaysAgainstCounting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := rapid.Int64Range(19000, 19100).Draw(t, "start")
		n := rapid.Int64Range(-30, 30).Draw(t, "n")
		var days []Value
		free := map[int64]bool{}
		for _, h := range rapid.SliceOfN(rapid.Int64Range(18950, 19150), 0, 25).Draw(t, "holidays") {
			days, free[h] = append(days, DateValue(h)), true
		}
		works := func(d int64) bool { return !weekend(d) && !free[d] }
		want, step := start, int64(1)
		if n < 0 {
			step = -1
		}
		for left := n; left != 0; {
			if want += step; works(want) {
				left -= step
			}
		}
		if got := workday(start, n, holidays(nil, days)); got.Days() != want {
			t.Fatalf("%d working days after %s: %s, want %s", n, DateValue(start), got, DateValue(want))
		}
		end, count := start+n, int64(0)
		for d := min(start, end); d <= max(start, end); d++ {
			if works(d) {
				count += step
			}
		}
		if got := workdays(start, end, holidays(nil, days)); got != count {
			t.Fatalf("%d working days from %s to %s, want %d", got, DateValue(start), DateValue(end), count)
		}
	})
}

func TestWeeksAgainstTime(t *testing.T) {
	f, _ := LookupFunction("isoweeknum")
	rapid.Check(t, func(t *rapid.T) {
		v := DateValue(rapid.Int64Range(minDays, maxDays).Draw(t, "day"))
		at := time.Unix(v.Days()*86400, 0).UTC()
		if _, week := at.ISOWeek(); f.Eval1(nil, v).String() != IntValue(int64(week)).String() {
			t.Fatalf("%s is in week %s, want %d", v, f.Eval1(nil, v), week)
		}
		if got := dayOfYear(v.Days()); got != int64(at.YearDay()) {
			t.Fatalf("%s is day %d", v, got)
		}
	})
}

// Two dates are in the same unit exactly when cutting them to it gives the same date.
func TestSameUnitIsSameTrunc(t *testing.T) {
	ny := zone(t, "America/New_York")
	rapid.Check(t, func(t *rapid.T) {
		a := DateTimeValue(rapid.Int64Range(1.6e12, 1.8e12).Draw(t, "a"))
		b := DateTimeValue(a.Millis() + rapid.Int64Range(-1e9, 1e9).Draw(t, "gap"))
		u := timeUnit(rapid.IntRange(0, int(unitYear)).Draw(t, "unit"))
		z := rapid.SampledFrom([]*time.Location{nil, ny}).Draw(t, "zone")
		x, y := dateTrunc(z, a, u), dateTrunc(z, b, u)
		if Compare(x, y) < 0 != (unitStart(z, a, u) < unitStart(z, b, u)) || Equal(x, y) != (unitStart(z, a, u) == unitStart(z, b, u)) {
			t.Fatalf("%s and %s by %s: %s and %s", a, b, unitNames[u], x, y)
		}
	})
}
