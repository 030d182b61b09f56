package minidb

import (
	"fmt"
	"strings"

	"github.com/livetables/livetables/lqp"
)

// ParseText reads a cell of a text file as a value of the column, NULL for the empty cell. Beside what lqp.ParseText reads
// of the column's type these are durations as "1:30:00", "1h 30m" or ISO 8601, percentages as "25 %" and amounts with the
// code of the currency before or behind them; lists are JSON arrays or elements separated by commas. Whether the column
// accepts the value is seen when it is written. The error is a *lqp.ValueError.
func (c *Column) ParseText(text string) (lqp.Value, error) {
	t := c.storedType()
	switch c.Type {
	case DurationColumn, PercentColumn, CurrencyColumn, MultiSelectColumn:
	default:
		return lqp.ParseText(t, text)
	}
	trimmed := strings.TrimSpace(text)
	switch c.Type {
	case DurationColumn:
		if trimmed == "" {
			return lqp.Value{}, nil
		}
		if d, ok := parseDuration(trimmed); ok {
			return lqp.NumberValue(d), nil
		}
		return lqp.Value{}, &lqp.ValueError{Want: "a duration such as 1:30:00, 1h 30m or a number of seconds", Got: fmt.Sprintf("%q", cleanText(trimmed, maxLook))}
	case PercentColumn:
		if number, ok := strings.CutSuffix(trimmed, "%"); ok {
			v, err := lqp.ParseText(t, strings.TrimSpace(number))
			if err != nil || v.IsNull() {
				return v, err
			}
			if d, ok := v.Decimal().Div(lqp.DecimalFromInt(100)); ok {
				return lqp.NumberValue(d), nil
			}
		}
	case CurrencyColumn:
		for _, cut := range []func(string, string) (string, bool){strings.CutPrefix, strings.CutSuffix} {
			if number, ok := cut(trimmed, c.Options.Currency); ok && c.Options.Currency != "" {
				return lqp.ParseText(t, strings.TrimSpace(number))
			}
		}
	case MultiSelectColumn:
		if c.hasChoice(trimmed) {
			return lqp.ListValue([]lqp.Value{lqp.TextValue(trimmed)}), nil
		}
	}
	return lqp.ParseText(t, text)
}

// cast is a value of the column old as one of this column, as far as the two types decide.
func (c *Column) cast(old *Column, v lqp.Value) conversion {
	want := c.storedType()
	switch {
	case v.IsNull() || c.Type == old.Type:
		return conversion{value: v}
	case c.Type == MultiSelectColumn && old.Type == SingleSelectColumn:
		return conversion{value: lqp.ListValue([]lqp.Value{v})}
	case old.Type == MultiSelectColumn && want.Kind == lqp.Text:
		return c.castChoices(v)
	case old.Type == DurationColumn && want.Kind == lqp.Text:
		return conversion{value: lqp.TextValue(formatDuration(v.Decimal()))}
	case want.Kind == lqp.JSON && v.Kind() != lqp.JSON:
		doc := string(v.AppendJSON(nil))
		if v.Kind() == lqp.Text {
			if doc = v.Text(); !isDocument(doc) {
				return conversion{lost: true, code: CodeFormat, message: "not a JSON document"}
			}
		}
		return conversion{value: lqp.JSONValue(strings.TrimSpace(doc))}
	case v.Kind() == lqp.Text && (c.Type == DurationColumn || c.Type == PercentColumn || c.Type == CurrencyColumn || c.Type == MultiSelectColumn):
		if w, err := c.ParseText(v.Text()); err == nil && !w.IsNull() && (want.Kind != lqp.Number || !moreDecimals(strings.TrimSpace(v.Text()))) {
			return conversion{value: w}
		}
	}
	return recast(v, want)
}

// castChoices is a list of choices as a text: the one choice as it is, several as a JSON array, of which a single_select
// keeps the first.
func (c *Column) castChoices(v lqp.Value) conversion {
	items := v.Items()
	switch {
	case len(items) == 1:
		return conversion{value: items[0]}
	case c.Type == SingleSelectColumn:
		return conversion{value: items[0], lost: true, code: CodeChoice,
			message: fmt.Sprintf("%q holds one choice; of %d the first stays", c.Name, len(items))}
	}
	return conversion{value: lqp.TextValue(string(v.AppendJSON(nil)))}
}
