package lqp

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestDateTextFunctions(t *testing.T) {
	noon := at("2024-02-09T12:05:06.007")
	runFunctionTests(t, nil, []functionTest{
		{"datetime_format", args(noon, txt("YYYY-MM-DDTHH:mm:ss.SSS")), txt("2024-02-09T12:05:06.007")},
		{"datetime_format", args(noon, txt("dddd, D MMMM YY")), txt("Friday, 9 February 24")},
		{"datetime_format", args(noon, txt("ddd D MMM, h:mm A")), txt("Fri 9 Feb, 12:05 PM")},
		{"datetime_format", args(at("2024-02-09T00:05"), txt("hh:mm A [on] M/D")), txt("12:05 AM on 2/9")},
		{"datetime_format", args(at("2024-02-09T13:05"), txt("hh h HH H A")), txt("01 1 13 13 PM")},
		{"datetime_format", args(day("0033-04-03"), txt("YYYY年M月D日")), txt("0033年4月3日")},
		{"datetime_format", args(noon, txt("")), txt("")},
		{"datetime_format", args(noon, txt("Q")), null},
		{"datetime_format", args(null, txt("YYYY")), null},
		{"datetime_parse", args(txt("2024-02-09T12:05:06.007"), txt("YYYY-MM-DDTHH:mm:ss.SSS")), noon},
		{"datetime_parse", args(txt(" 9 feb 24 "), txt("D MMM YY")), at("2024-02-09T00:00")},
		{"datetime_parse", args(txt("9 February 1970"), txt("D MMMM YYYY")), at("1970-02-09T00:00")},
		{"datetime_parse", args(txt("70"), txt("YY")), at("1970-01-01T00:00")},
		{"datetime_parse", args(txt("69"), txt("YY")), at("2069-01-01T00:00")},
		{"datetime_parse", args(txt("12:30 am 2024"), txt("h:mm A YYYY")), at("2024-01-01T00:30")},
		{"datetime_parse", args(txt("12:30 PM 2024"), txt("h:mm A YYYY")), at("2024-01-01T12:30")},
		{"datetime_parse", args(txt("13:30 PM 2024"), txt("h:mm A YYYY")), null},
		{"datetime_parse", args(txt("14:30 AM 2024"), txt("H:mm A YYYY")), null},
		{"datetime_parse", args(txt("14:30 02 2024"), txt("H:mm hh YYYY")), null},
		{"datetime_parse", args(txt("30.02.2024"), txt("DD.MM.YYYY")), null},
		{"datetime_parse", args(txt("1.02.2024"), txt("DD.MM.YYYY")), null},
		{"datetime_parse", args(txt("1.2.2024"), txt("D.M.YYYY")), at("2024-02-01T00:00")},
		{"datetime_parse", args(txt("11.2.2024x"), txt("D.M.YYYY")), null},
		{"datetime_parse", args(txt("2024-02-09 Friday"), txt("YYYY-MM-DD dddd")), at("2024-02-09T00:00")},
		{"datetime_parse", args(txt("2024-02-09 Thu"), txt("YYYY-MM-DD ddd")), null},
		{"datetime_parse", args(txt("2024 2023"), txt("YYYY YYYY")), null},
		{"datetime_parse", args(txt("0000-01-01"), txt("YYYY-MM-DD")), null},
		{"datetime_parse", args(txt("2024-01-01 24:00"), txt("YYYY-MM-DD HH:mm")), null},
		{"datestr", args(at("2024-02-29T23:00")), txt("2024-02-29")},
		{"timestr", args(at("2024-02-29T23:01:02.9")), txt("23:01:02")},
		{"timestr", args(day("2024-02-29")), txt("00:00:00")},
		{"to_unix", args(at("1969-12-31T23:59:59.5")), num("-0.5")},
		{"to_unix", args(day("1970-01-02")), num("86400")},
		{"from_unix", args(num("1709202030.5")), at("2024-02-29T10:20:30.5")},
		{"from_unix", args(num("-0.0001")), at("1969-12-31T23:59:59.999")},
		{"from_unix", args(flt(0.5)), at("1970-01-01T00:00:00.5")},
		{"from_unix", args(num("1e15")), null},
		{"from_unix", args(flt(1e300)), null},
	})
	runFunctionTests(t, zone(t, "America/New_York"), []functionTest{
		{"datetime_format", args(at("2024-03-01T04:59:59Z"), txt("D MMM HH:mm")), txt("29 Feb 23:59")},
		{"datetime_format", args(at("0001-01-01T00:00:00Z"), txt("YYYY")), null},
		{"datetime_parse", args(txt("2024-03-10 02:30"), txt("YYYY-MM-DD HH:mm")), at("2024-03-10T07:30:00Z")},
		{"datestr", args(at("2024-03-01T04:59:59Z")), txt("2024-02-29")},
		{"timestr", args(at("2024-03-01T04:59:59Z")), txt("23:59:59")},
		{"to_unix", args(day("1970-01-01")), num("18000")},
	})
}

func TestConstantArguments(t *testing.T) {
	text, date := col(Type{Kind: Text}), col(Type{Kind: Date})
	lit := func(s string) Expr { return Literal(txt(s)) }
	for _, test := range []struct {
		fn   string
		args []Expr
		want string
	}{
		{"regex_match", []Expr{text, text}, "argument 2: want a text literal that is a regular expression, got an expression"},
		{"regex_match", []Expr{text, lit(`\A`)}, `argument 2: want a regular expression (\A is not known), got "\\A"`},
		{"regex_replace", []Expr{text, lit("("), text}, `argument 2: want a regular expression (missing closing ): (), got "("`},
		{"datetime_format", []Expr{date, text}, "argument 2: want a text literal that is a format of dates, got an expression"},
		{"datetime_format", []Expr{date, lit("Do MMM")}, `argument 2: want a format of dates (o means nothing; text stands in [brackets]), got "Do MMM"`},
		{"datetime_format", []Expr{date, lit("[D")}, `argument 2: want a format of dates (a [ is not closed), got "[D"`},
		{"datetime_parse", []Expr{text, lit("DD.MM.")}, `argument 2: want a format of dates (a year is needed, YYYY or YY), got "DD.MM."`},
		{"weeknum", []Expr{date, lit("friday")}, `argument 2: want one of sunday, monday, got "friday"`},
		{"is_same", []Expr{date, date, lit("moon")}, "argument 3: want one of " + unitList + `, got "moon"`},
		{"datetime_format", []Expr{date, Literal(num("1"))}, "argument 2: want a format of dates, got number"},
	} {
		f, ok := LookupFunction(test.fn)
		require.True(t, ok, test.fn)
		_, argErr := f.Check(test.args)
		require.NotNil(t, argErr, test.want)
		require.Equal(t, test.want, argErr.Error())
	}
}

// What a format writes it reads, as far as it tells the whole time.
func TestFormatsAreRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := DateTimeValue(rapid.Int64Range(minMillis, maxMillis).Draw(t, "millis"))
		text := rapid.SampledFrom([]string{"YYYY ", "[in] YYYY, "}).Draw(t, "year") +
			rapid.SampledFrom([]string{"MMMM/", "MMM/", "MM/", "M/"}).Draw(t, "month") +
			rapid.SampledFrom([]string{"DD ", "D ", "D dddd ", "ddd DD "}).Draw(t, "day") +
			rapid.SampledFrom([]string{"HH:mm:ss.SSS", "A h mm ss SSS", "hh-mm-ss-SSS-A", "H:mm:ss:SSS"}).Draw(t, "clock")
		format, reason := parseFormat(text)
		if reason != "" {
			t.Fatal(reason)
		}
		days, ms := wallClock(nil, v)
		written := string(format.appendTo(nil, days, ms))
		if got, ok := format.read(written); !ok || got != v.Millis() {
			t.Fatalf("%s is written %q by %q and read as %s, %v", v, written, text, DateTimeValue(got), ok)
		}
	})
}

func FuzzDateFormat(f *testing.F) {
	f.Add("YYYY-MM-DDTHH:mm:ss.SSS", "2024-02-29T10:20:30.400")
	f.Add("[x]D MMM YY h A", "x9 Feb 24 1 PM")
	f.Fuzz(func(t *testing.T, format, text string) {
		parsed, reason := parseFormat(format)
		if reason != "" {
			return
		}
		if local, ok := parsed.read(text); ok && !inYears(local) {
			t.Fatalf("%q by %q is %d", text, format, local)
		}
		parsed.appendTo(nil, 19782, 12_345_678)
	})
}
