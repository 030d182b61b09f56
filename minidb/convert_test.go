package minidb

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/livetables/livetables/internal/testseed"
	"github.com/livetables/livetables/lqp"
)

// TestMoreDecimals compares with exact arithmetic: a number has more decimals than are kept when ten shifted digits do not
// make it whole.
func TestMoreDecimals(t *testing.T) {
	seed := testseed.Of(t)
	r := rand.New(rand.NewPCG(seed, 1))
	digits := func(n int) string {
		var b strings.Builder
		for range n {
			b.WriteByte("00013579"[r.IntN(8)])
		}
		return b.String()
	}
	shift := new(big.Rat).SetInt64(10_000_000_000)
	for range 20_000 {
		text := []string{"", "-", "+"}[r.IntN(3)] + digits(1+r.IntN(5))
		if r.IntN(2) == 0 {
			text += "." + digits(1+r.IntN(14))
		}
		if r.IntN(2) == 0 {
			text += fmt.Sprintf("e%d", r.IntN(29)-14)
		}
		exact, ok := new(big.Rat).SetString(text)
		require.True(t, ok, text)
		require.Equal(t, !exact.Mul(exact, shift).IsInt(), moreDecimals(text), text)
	}
}

// TestConversionsAreWhatTheySay: an exact conversion goes back to the old value, and nothing that is not lost is empty.
func TestConversionsAreWhatTheySay(t *testing.T) {
	seed := testseed.Of(t)
	r := rand.New(rand.NewPCG(seed, 2))
	columns := []*Column{
		{Type: TextColumn}, {Type: LongTextColumn}, {Type: IntegerColumn}, {Type: DecimalColumn, Options: ColumnOptions{Scale: 3}},
		{Type: BooleanColumn}, {Type: DateColumn}, {Type: DateTimeColumn},
		{Type: SingleSelectColumn, Options: ColumnOptions{Choices: []Choice{{Name: "1"}, {Name: "true"}, {Name: "2026-01-31"}}}},
		{Type: MultiSelectColumn, Options: ColumnOptions{Choices: []Choice{{Name: "1"}, {Name: "true"}, {Name: "a, b"}}}},
		{Type: EmailColumn}, {Type: URLColumn}, {Type: PhoneColumn}, {Type: UUIDColumn}, {Type: UserColumn}, {Type: PercentColumn},
		{Type: CurrencyColumn, Options: ColumnOptions{Currency: "EUR"}}, {Type: DurationColumn, Options: ColumnOptions{Scale: 3}},
		{Type: RatingColumn}, {Type: GeoPointColumn}, {Type: JSONColumn},
	}
	for _, c := range columns {
		c.Name = "x"
		require.NoError(t, c.check())
	}
	value := func(c *Column) lqp.Value {
		switch c.Type {
		case IntegerColumn:
			return lqp.IntValue(r.Int64N(4) - 1)
		case DecimalColumn:
			return lqp.NumberValue(lqp.DecimalFromScaled(r.Int64N(5000)-2500, r.IntN(4)))
		case BooleanColumn:
			return lqp.BoolValue(r.IntN(2) == 0)
		case DateColumn:
			return lqp.DateValue(r.Int64N(40_000) - 20_000)
		case DateTimeColumn:
			return lqp.DateTimeValue((r.Int64N(40_000) - 20_000) * dayMillis / (1 + r.Int64N(2)))
		case SingleSelectColumn:
			return lqp.TextValue(c.Options.Choices[r.IntN(3)].Name)
		case MultiSelectColumn:
			var items []lqp.Value
			for _, k := range r.Perm(3)[:1+r.IntN(3)] {
				items = append(items, lqp.TextValue(c.Options.Choices[k].Name))
			}
			return lqp.ListValue(items)
		case PercentColumn, CurrencyColumn, DurationColumn:
			return lqp.NumberValue(lqp.DecimalFromScaled(r.Int64N(10_000_000)-5_000_000, r.IntN(c.Options.Scale+1)))
		case RatingColumn:
			return lqp.IntValue(1 + r.Int64N(5))
		case GeoPointColumn:
			return lqp.ListValue([]lqp.Value{lqp.IntValue(r.Int64N(90)), lqp.IntValue(r.Int64N(180))})
		case JSONColumn:
			return lqp.JSONValue([]string{"1", "true", `"x"`, `["1"]`, `[1,2]`, `{"a":1}`}[r.IntN(6)])
		case UserColumn:
			return lqp.TextValue("usr_a")
		case EmailColumn:
			return lqp.TextValue("a@b.example")
		case URLColumn:
			return lqp.TextValue("https://b.example/1")
		case PhoneColumn:
			return lqp.TextValue([]string{"123", "2026-01-31", "1234567 x1"}[r.IntN(3)])
		case UUIDColumn:
			return lqp.TextValue("0190b5a2-7c4e-7d3a-9f21-5b6c7d8e9f00")
		}
		texts := []string{"1", "01", "1.50", "-2", " 7", "true", "NO", "2026-01-31", "2026-01-31T00:00:00Z", "2026-01-31T05:00:00+05:00", "x", "1e2", "1:30", "PT5S", "25%", "3 EUR", "a@b.example", "[1,2]", "1, true"}
		return lqp.TextValue(texts[r.IntN(len(texts))])
	}
	for range 20_000 {
		from, to := columns[r.IntN(len(columns))], columns[r.IntN(len(columns))]
		v := value(from)
		there := to.from(from, v)
		what := fmt.Sprintf("%s %s to %s: %+v", from.Type, v, to.Type, there)
		require.False(t, there.exact && there.lost, what)
		require.True(t, there.lost || !there.value.IsNull(), what)
		require.Equal(t, there.lost, there.message != "", what)
		require.Equal(t, there.lost, there.code != "", what)
		if _, code, _ := to.conform(there.value); code != "" {
			t.Fatalf("does not fit its column: %s", what)
		}
		if there.exact {
			back := from.from(to, there.value)
			require.True(t, lqp.Equal(back.value, v), what)
		}
	}
}
