package minidb_test

import (
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// formed is a table with a column of every type that has a form of its own.
var formed = minidb.TableSpec{Name: "Formed", Columns: []minidb.ColumnSpec{
	{Name: "email", Type: minidb.EmailColumn},
	{Name: "url", Type: minidb.URLColumn},
	{Name: "phone", Type: minidb.PhoneColumn},
	{Name: "uuid", Type: minidb.UUIDColumn},
	{Name: "amount", Type: minidb.CurrencyColumn, Options: minidb.ColumnOptions{Currency: "EUR"}},
	{Name: "yen", Type: minidb.CurrencyColumn, Options: minidb.ColumnOptions{Currency: "JPY"}},
	{Name: "share", Type: minidb.PercentColumn},
	{Name: "spent", Type: minidb.DurationColumn, Options: minidb.ColumnOptions{Scale: 2}},
	{Name: "stars", Type: minidb.RatingColumn},
	{Name: "owner", Type: minidb.UserColumn},
	{Name: "tags", Type: minidb.MultiSelectColumn, Options: minidb.ColumnOptions{Choices: []minidb.Choice{{Name: "red"}, {Name: "a, b"}, {Name: "[x]"}}}},
	{Name: "place", Type: minidb.GeoPointColumn},
	{Name: "doc", Type: minidb.JSONColumn},
	{Name: "shape", Type: minidb.TextColumn, Options: minidb.ColumnOptions{Pattern: `[A-Z]{2}|x`, PatternMessage: "two capitals"}},
}}

func list(items ...lqp.Value) lqp.Value { return lqp.ListValue(items) }

func texts(items ...string) lqp.Value {
	var l []lqp.Value
	for _, s := range items {
		l = append(l, text(s))
	}
	return lqp.ListValue(l)
}

func drawDecimal(t *rapid.T, least, most int64, scale int) lqp.Value {
	return lqp.NumberValue(lqp.DecimalFromScaled(rapid.Int64Range(least, most).Draw(t, "number"), scale))
}

// formedValue draws a value in canonical form.
func formedValue(t *rapid.T, column string) lqp.Value {
	if rapid.IntRange(0, 7).Draw(t, "null") == 0 {
		return lqp.Value{}
	}
	draw := func(pattern string) lqp.Value { return text(rapid.StringMatching(pattern).Draw(t, column)) }
	switch column {
	case "email":
		return draw(`[a-zA-Z0-9+_é]{1,20}(\.[a-z]{1,5})?@[a-z0-9]{1,10}\.[a-z]{2,6}`)
	case "url":
		return draw(`https?://[a-z0-9]{1,12}(\.[a-z]{2,5})?(:[1-9][0-9]{1,3})?(/([A-Za-z0-9]|%20){0,8}){0,1}(\?[a-z]=[A-Z]{1,4})?`)
	case "phone":
		return draw(`\+?[0-9]{1,4}( |-|/)[0-9]{3,6}( x[0-9]{1,4})?`)
	case "uuid":
		return draw(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	case "amount":
		return drawDecimal(t, -1e15, 1e15, 2)
	case "yen":
		return drawDecimal(t, -1e15, 1e15, 0)
	case "share":
		return drawDecimal(t, -1e6, 1e6, 4)
	case "spent":
		return drawDecimal(t, -1e9, 1e9, 2)
	case "stars":
		return drawDecimal(t, 1, 5, 0)
	case "owner":
		return text(alice.ID)
	case "tags":
		return texts(rapid.Permutation([]string{"red", "a, b", "[x]"}).Draw(t, column)[:rapid.IntRange(1, 3).Draw(t, "tags")]...)
	case "place":
		return list(drawDecimal(t, -90e7, 90e7, 7), drawDecimal(t, -180e7, 180e7, 7))
	case "doc":
		return lqp.JSONValue(rapid.SampledFrom([]string{`{"a":[1,2.50,null],"b":"é<&"}`, `[]`, `"x"`, `12e400`, `true`, `{"":{}}`}).Draw(t, column))
	}
	return draw(`[A-Z]{2}`)
}

// TestFormedValuesComeBack writes random values and reads them as JSON and as cells of a file: imported again, from either
// form, they are the same.
func TestFormedValuesComeBack(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(formed).reload()
	rapid.Check(t, func(rt *rapid.T) {
		v, fromJSON, fromText := values{}, values{}, make([]lqp.Value, len(g.Columns))
		for _, c := range g.Columns {
			v[c.Name] = formedValue(rt, c.Name)
		}
		id := g.add(v)[0]
		stored := g.stored()[id]
		var ids []string
		for i := range g.Columns {
			c := &g.Columns[i]
			if !lqp.Equal(stored[c.Name], v[c.Name]) {
				rt.Fatalf("%s: wrote %v, stored %v", c.Name, v[c.Name], stored[c.Name])
			}
			var err error
			fromJSON[c.Name], err = lqp.ParseValue(c.ValueType(), stored[c.Name].AppendJSON(nil))
			require.NoError(rt, err)
			cell := ""
			if !stored[c.Name].IsNull() {
				cell = stored[c.Name].String()
			}
			fromText[i], err = c.ParseText(cell)
			require.NoError(rt, err, "%s %q", c.Name, cell)
			ids = append(ids, c.ID)
		}
		again := g.add(fromJSON)[0]
		served := false
		n, err := f.ImportRows(f.ctx, alice, minidb.Import{Table: g.Table, Columns: ids, Next: func() ([]lqp.Value, error) {
			if served {
				return nil, io.EOF
			}
			served = true
			return fromText, nil
		}})
		require.NoError(rt, err)
		require.EqualValues(rt, 1, n)
		all := g.stored()
		require.Len(rt, all, 3)
		for _, row := range all {
			for _, c := range g.Columns {
				if !lqp.Equal(row[c.Name], v[c.Name]) {
					rt.Fatalf("%s: wrote %v, came back as %v", c.Name, v[c.Name], row[c.Name])
				}
			}
		}
		require.Contains(rt, all, again)
		g.do(&lqp.Mutation{Op: lqp.Delete, AllRows: true})
	})
}

func TestFormedValues(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(formed).reload()
	for _, c := range []struct {
		column string
		value  lqp.Value
		want   string // as text, or
		code   string
	}{
		{"email", text(" Ana@EXAMPLE.com "), "Ana@example.com", ""},
		{"email", text("  "), "NULL", ""},
		{"email", text("ana"), "", minidb.CodeFormat},
		{"email", text("ana@localhost"), "", minidb.CodeFormat},
		{"email", text("a..b@example.com"), "", minidb.CodeFormat},
		{"email", text("ana@10.0.0.1"), "", minidb.CodeFormat},
		{"email", text("ana@example.com\nBcc: x@example.com"), "", minidb.CodeFormat},
		{"email", text("a\u202eb@example.com"), "", minidb.CodeFormat},
		{"email", text(strings.Repeat("a", 65) + "@example.com"), "", minidb.CodeFormat},
		{"url", text("HTTPS://Example.COM/Path?Q=1#F"), "https://example.com/Path?Q=1#F", ""},
		{"url", text("http://[::1]:8080/"), "http://[::1]:8080/", ""},
		{"url", text("javascript:alert(1)"), "", minidb.CodeFormat},
		{"url", text("data:text/html,x"), "", minidb.CodeFormat},
		{"url", text("example.com"), "", minidb.CodeFormat},
		{"url", text("https://bank.example@evil.example/"), "", minidb.CodeFormat},
		{"url", text("https:///path"), "", minidb.CodeFormat},
		{"url", text("https://a b.example/"), "", minidb.CodeFormat},
		{"url", text("https://" + strings.Repeat("a", 2050)), "", minidb.CodeFormat},
		{"phone", text(" +44  113 496-0000 EXT. 12"), "+44 113 496-0000 x12", ""},
		{"phone", text("(0113) 496.0000"), "(0113) 496.0000", ""},
		{"phone", text("12"), "", minidb.CodeFormat},
		{"phone", text("call me"), "", minidb.CodeFormat},
		{"phone", text("123+456"), "", minidb.CodeFormat},
		{"phone", text("(123"), "", minidb.CodeFormat},
		{"uuid", text("{0190B5A2-7C4E-7D3A-9F21-5B6C7D8E9F00}"), "0190b5a2-7c4e-7d3a-9f21-5b6c7d8e9f00", ""},
		{"uuid", text("0190b5a2"), "", minidb.CodeFormat},
		{"amount", dec("0.001"), "", minidb.CodeScale},
		{"yen", dec("0.5"), "", minidb.CodeScale},
		{"share", dec("0.12345"), "", minidb.CodeScale},
		{"share", text("25%"), "", minidb.CodeType},
		{"spent", dec("5400.5"), "5400.5", ""},
		{"stars", num(0), "", minidb.CodeMin},
		{"stars", num(6), "", minidb.CodeMax},
		{"stars", dec("2.5"), "", minidb.CodeScale},
		{"owner", text("usr_nobody"), "", minidb.CodeMember},
		{"owner", text(strings.Repeat("a", 201)), "", minidb.CodeFormat},
		{"tags", texts("red", "red"), `["red"]`, ""},
		{"tags", list(), "NULL", ""},
		{"tags", texts("blue"), "", minidb.CodeChoice},
		{"tags", list(text("red"), lqp.Value{}), "", minidb.CodeType},
		{"tags", text("red"), "", minidb.CodeType},
		{"place", list(dec("52.5"), dec("-13.4")), "[52.5,-13.4]", ""},
		{"place", list(dec("52.5")), "", minidb.CodeFormat},
		{"place", list(dec("90.1"), dec("0")), "", minidb.CodeRange},
		{"place", list(dec("0"), dec("-180.5")), "", minidb.CodeRange},
		{"place", list(num(1), lqp.Value{}), "", minidb.CodeType},
		{"doc", lqp.JSONValue(` {"b": 1, "a": "\u00e9"} `), `{"a":"é","b":1}`, ""},
		{"doc", lqp.JSONValue(`null`), "NULL", ""},
		{"doc", lqp.JSONValue(`{"a":1,"a":2}`), "", minidb.CodeFormat},
		{"doc", lqp.JSONValue(`"\ud800"`), "", minidb.CodeFormat},
		{"doc", lqp.JSONValue(`"\u0000"`), "", minidb.CodeFormat},
		{"doc", lqp.JSONValue(`"\ufffd"`), "\"\uFFFD\"", ""},
		{"doc", lqp.JSONValue(strings.Repeat("[", 101) + strings.Repeat("]", 101)), "", minidb.CodeFormat},
		{"doc", lqp.JSONValue(`"` + strings.Repeat("x", 100_000) + `"`), "", minidb.CodeTooLong},
		{"shape", text("AB"), "AB", ""},
		{"shape", text("ABC"), "", minidb.CodePattern},
		{"shape", text("ax"), "", minidb.CodePattern},
		{"shape", text("AB\n"), "", minidb.CodePattern},
	} {
		r, err := g.try(g.insert(values{c.column: c.value}), minidb.Guard{})
		if c.code != "" {
			var v *minidb.ValidationError
			require.ErrorAs(t, err, &v, "%s %v", c.column, c.value)
			require.Equal(t, c.code, v.Fields[0].Code, "%s %v", c.column, c.value)
			require.Equal(t, g.id(c.column), v.Fields[0].Column)
			continue
		}
		require.NoError(t, err, "%s %v", c.column, c.value)
		require.Equal(t, c.want, g.stored()[r.Rows[0].ID][c.column].String())
	}
	_, err := g.try(g.insert(values{"email": text("x"), "stars": num(9), "owner": text("usr_x"), "shape": text("?")}), minidb.Guard{})
	var v *minidb.ValidationError
	require.ErrorAs(t, err, &v)
	require.Len(t, v.Fields, 4, "all that is wrong, at once")
}

func TestCellsOfFiles(t *testing.T) {
	for _, c := range []struct {
		kind       minidb.ColumnType
		text, want string
	}{
		{minidb.DurationColumn, "1:30:00", "5400"}, {minidb.DurationColumn, "90:00", "5400"}, {minidb.DurationColumn, "-0:00:07.5", "-7.5"},
		{minidb.DurationColumn, "1h 30m", "5400"}, {minidb.DurationColumn, "PT1H30M", "5400"}, {minidb.DurationColumn, "P2DT1S", "172801"},
		{minidb.DurationColumn, "12.5", "12.5"}, {minidb.DurationColumn, "", "NULL"}, {minidb.DurationColumn, "P1M", "error"},
		{minidb.DurationColumn, "1:60", "error"}, {minidb.DurationColumn, "30m 1h", "error"}, {minidb.DurationColumn, "h", "error"},
		{minidb.DurationColumn, "1:2:3:4", "error"}, {minidb.DurationColumn, "--5", "error"}, {minidb.DurationColumn, "PT", "error"},
		{minidb.PercentColumn, "25 %", "0.25"}, {minidb.PercentColumn, "0.25", "0.25"}, {minidb.PercentColumn, "x%", "error"},
		{minidb.CurrencyColumn, "EUR 12.50", "12.5"}, {minidb.CurrencyColumn, "12.50 EUR", "12.5"}, {minidb.CurrencyColumn, "12.50 USD", "error"},
		{minidb.GeoPointColumn, "52.5, 13.4", "[52.5,13.4]"}, {minidb.MultiSelectColumn, "a, b", `["a","b"]`},
	} {
		column := minidb.Column{Type: c.kind, Options: minidb.ColumnOptions{Currency: "EUR"}}
		v, err := column.ParseText(c.text)
		if c.want == "error" {
			var bad *lqp.ValueError
			require.ErrorAs(t, err, &bad, c.text)
			continue
		}
		require.NoError(t, err, c.text)
		require.Equal(t, c.want, v.String(), c.text)
	}
}

// TestStoreSortsAsPlansDo compares the order of the store with that of lqp for every type that has one.
func TestStoreSortsAsPlansDo(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(formed).reload()
	for i := range 60 {
		v := values{}
		for _, c := range g.Columns {
			column := c.Name
			v[column] = rapid.Custom(func(rt *rapid.T) lqp.Value { return formedValue(rt, column) }).Example(i)
		}
		g.add(v)
	}
	for _, c := range g.Columns {
		if !c.ValueType().Kind.Orderable() {
			continue
		}
		q, err := lqp.Bind(&lqp.Query{From: lqp.Source{Table: g.ID}, Select: []lqp.Named{{Name: "x", Expr: lqp.Ref("", c.ID)}},
			OrderBy: []lqp.Order{{Expr: lqp.Ref("", c.ID)}}}, lqp.Env{DefaultLimit: 1000, MaxLimit: 1000,
			Table: func(string, string) (*lqp.Table, error) { return g.Schema(), nil }})
		require.NoError(t, err)
		split := g.Adapter().Plan(q)
		require.Nil(t, split.Residual, "the store sorts by %s", c.Name)
		rows, err := g.Adapter().Scan(t.Context(), split.Pushed)
		require.NoError(t, err)
		var got []lqp.Value
		for rows.Next() {
			if v := rows.Value(0); !v.IsNull() {
				got = append(got, v)
			}
		}
		require.NoError(t, rows.Close())
		require.NotEmpty(t, got)
		require.True(t, slices.IsSortedFunc(got, lqp.CompareSort), "%s: %v", c.Name, got)
	}
}
