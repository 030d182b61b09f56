package lqp

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseValue(t *testing.T) {
	texts := Type{Kind: List, Elem: Text}
	tests := []struct {
		typ  Type
		doc  string
		want string // canonical JSON, or the error
	}{
		{Type{Kind: Bool}, ` true `, `true`},
		{Type{Kind: Bool}, `1`, `want true or false, got 1`},
		{Type{Kind: Bool}, `null`, `null`},
		{Type{Kind: Number}, `12.50`, `12.5`},
		{Type{Kind: Number}, `"12.50"`, `12.5`},
		{Type{Kind: Number}, `-1.5e3`, `-1500`},
		{Type{Kind: Number}, `-0`, `0`},
		{Type{Kind: Number}, `01`, `want a number such as 12.5, got 01`},
		{Type{Kind: Number}, `"x"`, `want a number such as 12.5, got "x"`},
		{Type{Kind: Number}, `true`, `want a number such as 12.5, got "true"`},
		{Type{Kind: Number}, `1e20`, `want a number with at most 20 digits before the point, got 1e20`},
		{Type{Kind: Float}, `1e-12`, `1e-12`},
		{Type{Kind: Float}, `1e400`, `want a number such as 12.5, got "1e400"`},
		{Type{Kind: Float}, `"NaN"`, `want a number such as 12.5, got "NaN"`},
		{Type{Kind: Text}, `"a\u00e9\ud83d\ude00\n\/"`, `"aé😀\n/"`},
		{Type{Kind: Text}, `"\ud83d"`, `want a text, got "\ud83d"`},
		{Type{Kind: Text}, `"a` + "\xff" + `"`, "want a text, got \"a\xff\""},
		{Type{Kind: Text}, `"\u0000"`, `want a text of at most 1,000,000 characters without the character U+0000, got "\x00"`},
		{Type{Kind: Text}, `12`, `want a text, got 12`},
		{Type{Kind: Date}, `"2024-02-29"`, `"2024-02-29"`},
		{Type{Kind: Date}, `"2023-02-29"`, `want a date such as "2024-02-29", got "2023-02-29"`},
		{Type{Kind: Date}, `"0000-01-01"`, `want a date such as "2024-02-29", got "0000-01-01"`},
		{Type{Kind: DateTime}, `"2024-02-29T10:00:00.1239+02:00"`, `"2024-02-29T08:00:00.123Z"`},
		{Type{Kind: DateTime}, `"2024-02-29T10:00:00"`, `want a date with time and offset such as "2024-02-29T10:00:00Z", got "2024-02-29T10:00:00"`},
		{Type{Kind: DateTime}, `"0001-01-01T00:00:00+01:00"`, `want a date with time and offset such as "2024-02-29T10:00:00Z", got "0001-01-01T00:00:00+01:00"`},
		{texts, `["a", null]`, `["a",null]`},
		{texts, `["a", 1]`, `want a text as element 2 of the list, got 1`},
		{texts, `"a"`, `want a list of a text, got "a"`},
		{texts, `[["a"]]`, `want a text as element 1 of the list, got ["a"]`},
		{texts, `[` + strings.Repeat(`"",`, MaxList) + `""]`, `want a list of at most 10,000 elements, got 10001 elements`},
		{Type{Kind: JSON}, ` {"a" : [1, 2]} `, `{"a":[1,2]}`},
		{Type{Kind: JSON}, `{"a"}`, `want a JSON document, got {"a"}`},
		{Type{Kind: Bytes}, `"AP8="`, `"AP8="`},
		{Type{Kind: Bytes}, `"AP8"`, `want a text in base64, got "AP8"`},
		{Type{}, `1`, `want null, got 1`},
		{Type{Kind: Text}, ``, `want a text, got nothing`},
		{Type{Kind: Date}, `"` + strings.Repeat("9", 100) + `"`, `want a date such as "2024-02-29", got "` + strings.Repeat("9", 40) + `…"`},
	}
	for _, test := range tests {
		v, err := ParseValue(test.typ, []byte(test.doc))
		if err != nil {
			require.True(t, v.IsNull())
			require.Equal(t, test.want, err.Error(), test.doc)
			continue
		}
		require.Equal(t, test.want, string(v.AppendJSON(nil)), test.doc)
	}
}

func TestParseText(t *testing.T) {
	tests := []struct {
		typ  Type
		cell string
		want string // canonical JSON, or the error
	}{
		{Type{Kind: Text}, "", `null`},
		{Type{Kind: Text}, "  ", `"  "`},
		{Type{Kind: Text}, "a\x00", `want a text of at most 1,000,000 characters without the character U+0000, got "a\x00"`},
		{Type{Kind: Number}, " \t", `null`},
		{Type{Kind: Number}, " -12.50 ", `-12.5`},
		{Type{Kind: Number}, "1.2E+05", `120000`},
		{Type{Kind: Number}, "1,234.5", `want a number such as 12.5 without thousands separators and with a decimal point, got "1,234.5"`},
		{Type{Kind: Number}, "abc", `want a number such as 12.5, got "abc"`},
		{Type{Kind: Float}, "2.5e-3", `0.0025`},
		{Type{Kind: Bool}, "YES", `true`},
		{Type{Kind: Bool}, "0", `false`},
		{Type{Kind: Bool}, "maybe", `want true or false (yes or no, 1 or 0), got "maybe"`},
		{Type{Kind: Date}, "2024-02-29", `"2024-02-29"`},
		{Type{Kind: Date}, "29.02.2024", `want a date such as 2024-02-29, got "29.02.2024"`},
		{Type{Kind: DateTime}, "2024-02-29", `"2024-02-29T00:00:00.000Z"`},
		{Type{Kind: DateTime}, "2024-02-29 10:20", `"2024-02-29T10:20:00.000Z"`},
		{Type{Kind: DateTime}, "2024-02-29T10:20:30.5+01:00", `"2024-02-29T09:20:30.500Z"`},
		{Type{Kind: DateTime}, "10:20", `want a date with time such as 2024-02-29T10:00:00Z, got "10:20"`},
		{Type{Kind: List, Elem: Text}, "a, b", `["a","b"]`},
		{Type{Kind: List, Elem: Number}, "[1,2]", `[1,2]`},
		{Type{Kind: List, Elem: Number}, "1,x", `want a number such as 12.5, got "x"`},
		{Type{Kind: JSON}, `{"a": 1}`, `{"a":1}`},
		{Type{Kind: Bytes}, "AP8=", `"AP8="`},
		{Type{}, "x", `want null, got "x"`},
	}
	for _, test := range tests {
		v, err := ParseText(test.typ, test.cell)
		if err != nil {
			require.Equal(t, test.want, err.Error(), test.cell)
			continue
		}
		require.Equal(t, test.want, string(v.AppendJSON(nil)), test.cell)
	}
}
