package databasetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/livetables/livetables/lqp"
)

// Sweep computes formulas over every row of a table with the key id, at the source and in memory. Each must be pushed, as a
// group key or else as an aggregate of each row alone.
func (d *Database) Sweep(table string, formulas []string) {
	d.T.Helper()
	for _, formula := range formulas {
		q := d.Bind(`{"source":{"table":"` + table + `"},"group_by":["id",{"name":"v","expr":` + Quote(formula) + `}],"columns":["id","v"],"sorts":["id"]}`)
		if d.Source.Plan(q).Residual != nil {
			q = d.Bind(`{"source":{"table":"` + table + `"},"group_by":["id"],"aggregates":[{"name":"v","function":"max","expr":` + Quote(formula) + `}],"columns":["id","v"],"sorts":["id"]}`)
		}
		got, split := d.Planned(q)
		if split.Residual != nil {
			d.T.Errorf("%s is not pushed: %v", formula, split.Notes)
			continue
		}
		want := d.Reference(q)
		for i := range want {
			if i >= len(got) || !slices.Equal(want[i], got[i]) {
				d.T.Errorf("%s of row %s: want %v, got %v\n%s", formula, want[i][0], want[i], got[min(i, len(got)-1)], d.Show(split))
				break
			}
		}
	}
}

// Filters asks for the rows of a table that satisfy formulas, and that do not. Each must be pushed.
func (d *Database) Filters(table string, formulas []string) {
	d.T.Helper()
	d.FiltersIn(table, "UTC", formulas)
}

// FiltersIn is Filters in a time zone.
func (d *Database) FiltersIn(table, zone string, formulas []string) {
	d.T.Helper()
	for _, formula := range formulas {
		for _, f := range []string{formula, "NOT(" + formula + ")"} {
			q := d.Bind(`{"source":{"table":"` + table + `"},"filters":` + Quote(f) + `,"columns":["id"],"sorts":["id"],"time_zone":"` + zone + `"}`)
			got, split := d.Planned(q)
			if split.Residual != nil {
				d.T.Errorf("%s is not pushed: %v", f, split.Notes)
				continue
			}
			if want := d.Reference(q); !slices.EqualFunc(want, got, slices.Equal) {
				d.T.Errorf("%s: want %v, got %v\n%s", f, want, got, d.Show(split))
			}
		}
	}
}

// Dates are rows of two dates and two datetimes as the SQL databases read them: ends of months, leap days, the ends of the
// calendar, and pairs that are close to whole months apart.
func Dates(r *rand.Rand, count int) (rows [][4]string) {
	days := []int64{-719162, -719161, 2932896, 2932895, -1, 0, 1, 11016, 11015, 19782, 19783}
	day := func() int64 {
		switch r.IntN(3) {
		case 0:
			return days[r.IntN(len(days))]
		case 1:
			return -719162 + r.Int64N(2932896+719162+1)
		}
		return 19700 + r.Int64N(800)
	}
	at := func(day int64) string {
		ms := []int64{0, 86_399_999, r.Int64N(86_400_000), 43_200_000}[r.IntN(4)]
		text := lqp.DateTimeValue(day*86_400_000 + ms).String()
		return strings.TrimSuffix(strings.Replace(text, "T", " ", 1), "Z")
	}
	for range count {
		a, b := day(), day()
		if r.IntN(2) == 0 {
			b = min(max(a+int64(r.IntN(800)-400), -719162), 2932896)
		}
		rows = append(rows, [4]string{lqp.DateValue(a).String(), lqp.DateValue(b).String(), at(a), at(b)})
	}
	return rows
}

// DateFormulas use the columns d and e, dates, and t and u, datetimes.
func DateFormulas() (out []string) {
	for _, unit := range []string{"millisecond", "second", "minute", "hour", "day", "week", "month", "quarter", "year"} {
		for _, pair := range []string{"{d}, {e}", "{t}, {u}", "{d}, {u}", "{t}, {e}"} {
			out = append(out, fmt.Sprintf(`DATETIME_DIFF(%s, "%s")`, pair, unit))
			for _, f := range []string{"IS_BEFORE", "IS_AFTER", "IS_SAME"} {
				out = append(out, fmt.Sprintf(`%s(%s, "%s")`, f, pair, unit))
			}
		}
		out = append(out, fmt.Sprintf(`DATE_TRUNC({t}, "%s")`, unit))
		for _, n := range []string{"1", "-1", "13", "-400", "99999999"} {
			out = append(out, fmt.Sprintf(`DATEADD({t}, %s, "%s")`, n, unit))
			if unit >= "d" && unit != "minute" && unit != "millisecond" && unit != "hour" && unit != "second" {
				out = append(out, fmt.Sprintf(`DATEADD({d}, %s, "%s")`, n, unit))
			}
		}
	}
	for _, x := range []string{"{d}", "{t}"} {
		for _, f := range []string{"YEAR(%s)", "QUARTER(%s)", "MONTH(%s)", "DAY(%s)", "WEEKDAY(%s)", "DAY_OF_YEAR(%s)", "WEEKNUM(%s)", `WEEKNUM(%s, "monday")`, "ISOWEEKNUM(%s)",
			"EOMONTH(%s, 0)", "EOMONTH(%s, 1)", "EOMONTH(%s, -13)", "DATESTR(%s)", "TO_TEXT(%s)", "TO_UNIX(%s)", `"on " & %s`, `DATE_TRUNC(%s, "week")`, `DATE_TRUNC(%s, "quarter")`} {
			out = append(out, fmt.Sprintf(f, x))
		}
	}
	return append(out, "HOUR({t})", "MINUTE({t})", "SECOND({t})", "TIMESTR({t})", "DAYS({d}, {e})", "DAYS({t}, {u})", "DAYS({t}, {e})", "IS_SAME({d}, {t})", "IS_BEFORE({d}, {u})",
		"MIN({d}, {e})", "MAX({t}, {u})", "COUNTA({d}, {t})")
}

// ZoneFilters are filters that are pushed in every time zone, of the columns t and u, datetimes.
func ZoneFilters() (out []string) {
	for _, op := range []string{"=", "<>", "<", "<=", ">", ">="} {
		for _, x := range []string{"{t}", "{u}"} {
			out = append(out, "YEAR("+x+") "+op+" 2024", "YEAR("+x+") "+op+" 9998", "YEAR("+x+") "+op+" 2", `TO_DATE(`+x+`) `+op+` TO_DATE("2024-03-31")`, `TO_DATE(`+x+`) `+op+` TO_DATE("2024-10-27")`,
				x+` `+op+` TO_DATE("2024-02-29")`)
		}
	}
	return append(out, `BETWEEN({t}, TO_DATE("2024-01-01"), TO_DATE("2024-06-01"))`, `IN({t}, TO_DATE("2024-02-28"), TO_DATE("2024-02-29"))`)
}

// NumberFormulas use the columns a and b, decimals, i, an integer, and f and g, floats.
var NumberFormulas = []string{`{a} + {b}`, `{a} - {b}`, `{a} * {b}`, `{a} / {b}`, `{b} / {a}`, `{a} % {b}`, `{i} % {b}`, `{i} * {i}`, `{i} / {b}`, `{a} / 7`, `-{a}`, `ABS({a})`, `SIGN({b})`,
	`ROUND({a})`, `ROUND({a}, 3)`, `ROUND({a}, -3)`, `ROUND({b}, 12)`, `ROUND({b}, -20)`, `ROUNDDOWN({a}, 2)`, `TRUNC({b})`, `ROUNDDOWN({a}, -2)`, `INT({a})`, `CEILING({b})`, `FLOOR({a})`,
	`({a} + {b}) * {a} / 3`, `{a} * {b} * {b}`, `{a} / {b} / {b}`, `TO_TEXT({a})`, `TO_TEXT({i})`, `{a} & "|" & {i}`, `{f} + {g}`, `{f} - {g}`, `{f} * {g}`, `{f} / {g}`, `{f} * {a}`, `{a} / {g}`, `-{f}`, `ABS({g})`,
	`{a} < {f}`, `{a} = {b}`, `{i} > {a}`, `{g} >= {i}`,
	`ROUNDUP({a}, 2)`, `ROUNDUP({a})`, `ROUNDUP({b}, -3)`, `ROUNDUP({a}, -19)`, `ROUNDUP({a}, -22)`, `ROUNDUP({i}, 3)`, `CEILING({a}, {b})`, `FLOOR({a}, {b})`, `CEILING({a}, 7)`, `FLOOR({b}, 0.25)`, `FLOOR({a}, 0)`,
	`MROUND({a}, {b})`, `MROUND({a}, 5)`, `QUOTIENT({a}, {b})`, `QUOTIENT({b}, 7)`, `EVEN({a})`, `ODD({b})`, `SUM({a}, {b}, {i})`, `SUM({a})`, `AVERAGE({a}, {b}, {i})`, `MIN({a}, {b})`, `MAX({a}, {b}, {i})`,
	`MIN({f}, {g})`, `COUNT({a}, {b}, {f})`, `COUNTA({a}, {i})`, `COUNTALL({a}, {i})`, `SQRT({g})`, `SQRT({f})`, `ZN({a}) + 1`}

// TextFormulasOf use a column, a text.
func TextFormulasOf(column string) []string {
	out := slices.Clone(textFormulas)
	for i := range out {
		out[i] = strings.ReplaceAll(out[i], "{s}", "{"+column+"}")
	}
	return out
}

var textFormulas = []string{`TRIM({s})`, `REVERSE({s})`, `FIND("a", {s})`, `FIND("", {s})`, `FIND({s}, "a\t b")`, `REPLACE({s}, 2, 1, "xyz")`, `REPLACE({s}, 0, 0, {s})`, `REPLACE({s}, 1, 99, "")`,
	`LEN(TRIM({s}))`, `TRIM({s}) = {s}`, `EXACT({s}, "a")`, `EXACT({s}, {s})`, `MIN({s}, "b")`, `MAX({s}, "a ")`, `COUNTA({s}, {id})`, `T({s})`, `{s} & TRUE`, `LEFT({s}, 2) & RIGHT({s}, 1) & MID({s}, 2, 1)`}
