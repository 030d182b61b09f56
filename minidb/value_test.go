package minidb_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/livetables/livetables/lqp"
	"github.com/livetables/livetables/minidb"
)

// everyType is a table with a column of every type, some of them with options at their ends.
var everyType = minidb.TableSpec{Name: "Every", Columns: []minidb.ColumnSpec{
	{Name: "text", Type: minidb.TextColumn},
	{Name: "long", Type: minidb.LongTextColumn},
	{Name: "integer", Type: minidb.IntegerColumn},
	{Name: "money", Type: minidb.DecimalColumn, Options: minidb.ColumnOptions{Scale: 2}},
	{Name: "wide", Type: minidb.DecimalColumn, Options: minidb.ColumnOptions{Scale: 10}},
	{Name: "bool", Type: minidb.BooleanColumn},
	{Name: "date", Type: minidb.DateColumn},
	{Name: "datetime", Type: minidb.DateTimeColumn},
	{Name: "select", Type: minidb.SingleSelectColumn, Options: minidb.ColumnOptions{Choices: []minidb.Choice{{Name: "ja"}, {Name: "nein"}}}},
}}

// anyValue draws a value that the column can hold.
func anyValue(t *rapid.T, column string) lqp.Value {
	if rapid.IntRange(0, 7).Draw(t, "null") == 0 {
		return lqp.Value{}
	}
	switch column {
	case "text":
		return text(rapid.StringN(1, 255, -1).Draw(t, column))
	case "long":
		return text(rapid.StringN(1, 2000, -1).Draw(t, column))
	case "integer":
		return num(rapid.Int64().Draw(t, column))
	case "money":
		const most = 999_999_999_999_999_999
		return lqp.NumberValue(lqp.DecimalFromScaled(rapid.Int64Range(-most, most).Draw(t, column), 2))
	case "wide":
		return dec(rapid.StringMatching(`-?[1-9][0-9]{0,19}\.[0-9]{0,9}[1-9]`).Draw(t, column))
	case "bool":
		return lqp.BoolValue(rapid.Bool().Draw(t, column))
	case "date":
		return lqp.DateValue(rapid.Int64Range(-719_162, 2_932_896).Draw(t, column)) // years 1 to 9999
	case "datetime":
		return lqp.DateTimeValue(rapid.Int64Range(-62_135_596_800_000, 253_402_300_799_999).Draw(t, column))
	}
	return text(rapid.SampledFrom([]string{"ja", "nein"}).Draw(t, column))
}

func TestValuesComeBackAsWritten(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(everyType).reload()
	rapid.Check(t, func(rt *rapid.T) {
		v := values{}
		for _, c := range g.Columns {
			v[c.Name] = anyValue(rt, c.Name)
		}
		r, err := g.try(g.insert(v), minidb.Guard{})
		if err != nil {
			rt.Fatal(err)
		}
		stored := g.stored()[r.Rows[0].ID]
		offset, err := f.TableOffset(f.ctx, g.ID)
		require.NoError(t, err)
		entries, err := f.TableChanges(f.ctx, g.ID, offset-1, 1)
		require.NoError(t, err)
		image, err := g.Row(entries[0].After)
		require.NoError(t, err)
		for i, c := range g.Schema().Columns {
			want, ok := v[c.Name]
			if !ok {
				want = stored[c.Name]
			}
			if !lqp.Equal(stored[c.Name], want) || !lqp.Equal(r.Rows[0].After[i], want) || !lqp.Equal(image[i], want) {
				rt.Fatalf("%s: wrote %v, stored %v, result %v, image %v", c.Name, want, stored[c.Name], r.Rows[0].After[i], image[i])
			}
		}
		g.do(g.delete(0, r.Rows[0].ID))
	})
}

func TestValuesAtTheLimits(t *testing.T) {
	f := newFixture(t, minidb.Options{})
	g := f.table(everyType).reload()
	for _, c := range []struct {
		column string
		value  lqp.Value
		code   string
	}{
		{"text", text(strings.Repeat("é", 255)), ""},
		{"text", text(strings.Repeat("é", 256)), minidb.CodeTooLong},
		{"text", text("'; DROP TABLE lt_change; --"), ""},
		{"text", text("nul\x00"), ""}, // no value of the plan has a U+0000: it is NULL
		{"text", lqp.BoolValue(true), minidb.CodeType},
		{"long", text(strings.Repeat("x", lqp.MaxText)), ""},
		{"integer", num(math.MinInt64), ""},
		{"integer", num(math.MaxInt64), ""},
		{"integer", dec("9223372036854775808"), minidb.CodeRange},
		{"integer", dec("-9223372036854775809"), minidb.CodeRange},
		{"integer", dec("0.1"), minidb.CodeScale},
		{"integer", dec("3.0"), ""},
		{"integer", lqp.FloatValue(1), minidb.CodeType},
		{"money", dec("9999999999999999.99"), ""},
		{"money", dec("-9999999999999999.99"), ""},
		{"money", dec("10000000000000000"), minidb.CodeRange},
		{"money", dec("0.001"), minidb.CodeScale},
		{"wide", dec("-99999999999999999999.9999999999"), ""},
		{"bool", num(1), minidb.CodeType},
		{"date", lqp.DateTimeValue(0), minidb.CodeType},
		{"datetime", lqp.DateValue(0), minidb.CodeType},
		{"select", text("Ja"), minidb.CodeChoice},
		{"select", text(""), ""},
	} {
		_, err := g.try(g.insert(values{c.column: c.value}), minidb.Guard{})
		if c.code == "" {
			require.NoError(t, err, "%s %v", c.column, c.value.Kind())
			continue
		}
		var v *minidb.ValidationError
		require.True(t, errors.As(err, &v), "%s %v: %v", c.column, c.value, err)
		require.Equal(t, c.code, v.Fields[0].Code)
		require.Equal(t, g.id(c.column), v.Fields[0].Column)
	}
}

func FuzzRowImage(f *testing.F) {
	fx := newFixture(f, minidb.Options{})
	g := fx.table(everyType).reload()
	g.add(values{"text": text("a"), "integer": num(1), "bool": lqp.BoolValue(false)})
	entries, err := fx.TableChanges(fx.ctx, g.ID, 1, 1)
	require.NoError(f, err)
	f.Add([]byte(entries[0].After))
	f.Add([]byte(`{"` + g.id("integer") + `":1e999,"_version":"x","_created_at":[]}`))
	f.Fuzz(func(t *testing.T, image []byte) {
		row, err := g.Row(image)
		if err == nil && image != nil && len(row) != len(g.Schema().Columns) {
			t.Errorf("%d values", len(row))
		}
	})
}
