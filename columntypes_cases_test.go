package livetables_test

import (
	"encoding/json"

	"github.com/livetables/livetables/minidb"
)

// typeCase is one type of columns and what it does with values. Values are JSON, as the API has them.
type typeCase struct {
	typ     minidb.ColumnType
	options minidb.ColumnOptions
	// valid are values that are taken, from the least to the greatest by the type's order, and what they are read back as.
	valid []given
	// invalid are values that are refused.
	invalid []string
	// second is a formula that holds for the second of the valid values and no other row; more are further ones.
	second string
	more   []string
	// unordered columns are not sorted by and are not unique.
	unordered bool
	// fixed columns become no texts; some have no defaults.
	fixed, noDefault bool
}

// given is a value that is written and what it becomes, the same when that is empty.
type given struct{ in, out string }

func (g given) canonical() string {
	if g.out == "" {
		return g.in
	}
	return g.out
}

func sames(list ...string) (all []given) {
	for _, in := range list {
		all = append(all, given{in: in})
	}
	return all
}

func withChoices(names ...string) minidb.ColumnOptions {
	var o minidb.ColumnOptions
	for _, n := range names {
		o.Choices = append(o.Choices, minidb.Choice{Name: n})
	}
	return o
}

// typeCases are all types of columns whose values people write. target and other are ids of rows to link to;
// files are uploaded later.
func typeCases(target, other string) []typeCase {
	list := func(items ...string) string {
		doc, err := json.Marshal(items)
		if err != nil {
			panic(err)
		}
		return string(doc)
	}
	return []typeCase{
		{typ: minidb.TextColumn, options: minidb.ColumnOptions{MaxLength: 12, MinLength: 2, Pattern: `[A-Za-z0-9 =+é\x{1F600}-]+`}, valid: sames(`"007"`, `"=1+1"`, `"Ann"`, `"ann"`, `"é😀"`),
			invalid: []string{`"a"`, `"much too long a text"`, `1`, `true`, `["a"]`, `"a\u0000b"`, `"semi;colon"`}, second: `{V} = "=1+1"`, more: []string{`CONTAINS({V}, "=")`, `LEFT({V}, 2) = "=1"`, `{V} IN ("=1+1", "nothing")`}},
		{typ: minidb.LongTextColumn, valid: sames(`"  a, \"quoted\""`, `"line one\nline two"`, `"ä|;"`), invalid: []string{`1`, `{}`}, second: `CONTAINS({V}, "two")`},
		{typ: minidb.EmailColumn, valid: []given{{in: `"Ann@EXAMPLE.com"`, out: `"Ann@example.com"`}, {in: `"bob@example.org"`}, {in: `"zoë@example.net"`}},
			invalid: []string{`"ann"`, `"ann@"`, `"a b@example.com"`, `5`}, second: `{V} = "bob@example.org"`},
		{typ: minidb.URLColumn, valid: sames(`"http://example.com/a"`, `"https://example.com/a?b=c"`, `"https://example.org/"`),
			invalid: []string{`"javascript:alert(1)"`, `"/a"`, `"https://user:password@example.com/"`, `"ftp://example.com"`}, second: `CONTAINS({V}, "b=c")`},
		{typ: minidb.PhoneColumn, valid: sames(`"+44 113 496 0000"`, `"+44 113 496 0001 x12"`, `"555 0100"`), invalid: []string{`"12"`, `"call me"`, `5550100`}, second: `{V} = "+44 113 496 0001 x12"`},
		{typ: minidb.UUIDColumn, valid: []given{{in: `"{01234567-89AB-CDEF-0123-456789ABCDEF}"`, out: `"01234567-89ab-cdef-0123-456789abcdef"`}, {in: `"01234567-89ab-cdef-0123-456789abcdf0"`}},
			invalid: []string{`"0123"`, `"01234567-89ab-cdef-0123-456789abcdeg"`}, second: `{V} = "01234567-89ab-cdef-0123-456789abcdf0"`},
		{typ: minidb.IntegerColumn, options: minidb.ColumnOptions{Min: json.RawMessage(`-9223372036854775808`), Max: json.RawMessage(`9223372036854775807`)}, valid: sames(`-9223372036854775808`, `0`, `7`, `9223372036854775807`),
			invalid: []string{`1.5`, `"x"`, `9223372036854775808`, `true`}, second: `{V} = 0`, more: []string{`{V} > -5 AND {V} < 5`, `ABS({V}) = 0`}},
		{typ: minidb.DecimalColumn, options: minidb.ColumnOptions{Scale: 2}, valid: []given{{in: `-0.01`}, {in: `1.50`, out: `1.5`}, {in: `1e3`, out: `1000`}}, invalid: []string{`0.001`, `"x"`, `1e40`}, second: `{V} = 1.5`, more: []string{`{V} * 2 = 3`}},
		{typ: minidb.CurrencyColumn, options: minidb.ColumnOptions{Currency: "EUR"}, valid: sames(`-12.5`, `0.01`, `1000000`), invalid: []string{`0.001`, `"12.50 USD"`, `false`}, second: `{V} = 0.01`},
		{typ: minidb.PercentColumn, valid: sames(`-0.5`, `0.25`, `12`), invalid: []string{`0.123456`, `"much"`}, second: `{V} = 0.25`},
		{typ: minidb.DurationColumn, options: minidb.ColumnOptions{Scale: 1}, valid: sames(`-1.5`, `5400`, `86400.5`), invalid: []string{`"soon"`, `0.25`}, second: `{V} = 5400`},
		{typ: minidb.RatingColumn, options: minidb.ColumnOptions{Max: json.RawMessage(`7`)}, valid: sames(`1`, `4`, `7`), invalid: []string{`0`, `8`, `2.5`, `"five"`}, second: `{V} = 4`},
		{typ: minidb.BooleanColumn, valid: sames(`false`, `true`), invalid: []string{`1`, `"perhaps"`}, second: `{V}`, more: []string{`{V} = TRUE`}},
		{typ: minidb.DateColumn, options: minidb.ColumnOptions{Max: json.RawMessage(`"2999-01-01"`)}, valid: sames(`"0001-01-01"`, `"2024-02-29"`, `"2026-01-31"`), invalid: []string{`"2023-02-29"`, `"tomorrow"`, `20240229`, `"2999-01-02"`}, second: `{V} = DATE(2024, 2, 29)`, more: []string{`MONTH({V}) = 2`}},
		{typ: minidb.DateTimeColumn, valid: []given{{in: `"1969-12-31T23:59:59.999Z"`}, {in: `"2026-01-31T12:00:00+02:00"`, out: `"2026-01-31T10:00:00.000Z"`}, {in: `"2026-01-31T10:00:00.001Z"`}},
			invalid: []string{`"2026-01-31 25:00"`, `"now"`, `true`}, second: `{V} = "2026-01-31T10:00:00Z"`},
		{typ: minidb.UserColumn, valid: sames(`"editor"`, `"owner"`, `"viewer"`), invalid: []string{`"nobody"`, `5`}, second: `{V} = "owner"`, noDefault: true},
		{typ: minidb.SingleSelectColumn, options: withChoices("open", "a, b", "Done"), valid: sames(`"Done"`, `"a, b"`, `"open"`), invalid: []string{`"Open"`, `"new"`, `["open"]`}, second: `{V} = "a, b"`},
		{typ: minidb.MultiSelectColumn, options: withChoices("red", "a, b", "[x]"), valid: []given{{in: `["red","red"]`, out: `["red"]`}, {in: `["a, b","red"]`}, {in: `["[x]"]`}}, unordered: true, invalid: []string{`["blue"]`, `[1]`}, second: `HAS({V}, "a, b")`, more: []string{`COUNTA({V}) = 2`}},
		{typ: minidb.GeoPointColumn, valid: sames(`[-33.8688,151.2093]`, `[52.5,13.4]`, `[90,-180]`), unordered: true, invalid: []string{`[91,0]`, `[1]`, `[1,2,3]`, `"here"`, `[0,181]`}, second: `ARRAY_FIRST({V}) = 52.5`},
		{typ: minidb.JSONColumn, valid: []given{{in: `{"b": [1, 2.50, null], "a": "é"}`, out: `{"a":"é","b":[1,2.50,null]}`}, {in: `[]`}, {in: `"x"`}, {in: `"{}"`}, {in: `12e400`}}, unordered: true, invalid: []string{`{"a":1,"a":2}`}},
		{typ: minidb.LinkColumn, valid: []given{{in: list(target, target), out: list(target)}, {in: list(target, other)}, {in: list(other)}}, unordered: true, invalid: []string{list("row_00000000000000000000000000"), `["x"]`, `5`}, second: `COUNTA({V}) = 2`, fixed: true, noDefault: true},
		{typ: minidb.AttachmentColumn, valid: []given{{in: "upload 0"}, {in: "upload 1"}}, unordered: true, invalid: []string{`["att_00000000000000000000000000"]`, `["x"]`, `5`}, fixed: true, noDefault: true},
	}
}
