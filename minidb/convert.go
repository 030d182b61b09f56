package minidb

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/livetables/livetables/lqp"
)

// conversion is what becomes of a value when its column gets another type.
type conversion struct {
	value lqp.Value
	// exact: the value converted back is the old one. Otherwise, unless lost, it only is written differently ("5.0", " yes").
	exact bool
	// lost: something that the old value told is gone; code and message say why.
	lost          bool
	code, message string
}

// codeTime is the code of a time of day that a date does not keep. The others are those of refused values.
const codeTime = "time_of_day"

// from converts a value of the column old to this column, by its canonical text where the kinds differ.
func (c *Column) from(old *Column, v lqp.Value) conversion {
	if v.IsNull() {
		return conversion{value: v, exact: true}
	}
	if (c.Type == LinkColumn) != (old.Type == LinkColumn) {
		return conversion{lost: true, code: CodeLink, message: fmt.Sprintf("%q: a link and what a row is called are matched by the rows that are there", c.Name)}
	}
	r := c.cast(old, v)
	if r.lost && r.value.IsNull() {
		r.message = fmt.Sprintf("%q: %s", c.Name, r.message)
		return r
	}
	switch c.Type {
	case IntegerColumn, RatingColumn, DecimalColumn, CurrencyColumn, PercentColumn, DurationColumn:
		d := r.value.Decimal()
		if rounded, ok := d.Round(c.Options.Scale); ok && rounded.Cmp(d) != 0 {
			r.value, r.lost, r.code = lqp.NumberValue(rounded), true, CodeScale
			r.message = fmt.Sprintf("%q keeps %d decimals; %s becomes %s", c.Name, c.Options.Scale, d, rounded)
		}
	case UserColumn:
		if user := strings.TrimSpace(r.value.Text()); c.members != nil && !c.members[user] {
			return conversion{lost: true, code: CodeMember, message: c.noMember(user)}
		}
	case TextColumn, LongTextColumn:
		if most := c.storedType().MaxLen; utf8.RuneCountInString(r.value.Text()) > most {
			r.lost, r.code = true, CodeTooLong
			r.message = fmt.Sprintf("%q holds at most %d characters; the text has %d", c.Name, most, utf8.RuneCountInString(r.value.Text()))
			r.value = lqp.TextValue(cleanText(r.value.Text(), most))
		}
	case SingleSelectColumn:
		r.value = lqp.TextValue(strings.TrimSpace(r.value.Text()))
	}
	w, code, message := c.conform(r.value)
	if code != "" || w.IsNull() {
		if code == "" {
			code, message = CodeType, fmt.Sprintf("nothing is left of %q", v.Text())
		}
		return conversion{lost: true, code: code, message: message}
	}
	r.value = w
	back := old.cast(c, w)
	r.exact = !r.lost && !back.lost && lqp.Equal(back.value, v)
	return r
}

const dayMillis = 24 * 60 * 60 * 1000

// recast is a value as one of another kind, as far as the kinds alone decide.
func recast(v lqp.Value, want lqp.Type) conversion {
	switch {
	case v.IsNull() || v.Kind() == want.Kind:
		return conversion{value: v}
	case want.Kind == lqp.Text:
		return conversion{value: lqp.TextValue(string(v.AppendText(nil)))}
	case v.Kind() == lqp.Bool && want.Kind == lqp.Number:
		return conversion{value: lqp.IntValue(map[bool]int64{true: 1}[v.Bool()])}
	case v.Kind() == lqp.Date && want.Kind == lqp.DateTime:
		return conversion{value: lqp.DateTimeValue(v.Days() * dayMillis)}
	case v.Kind() == lqp.DateTime && want.Kind == lqp.Date:
		return dayOf(v)
	}
	text := strings.TrimSpace(string(v.AppendText(nil)))
	w, err := lqp.ParseText(want, text)
	if err != nil && want.Kind == lqp.Date {
		// A text may say more than the day.
		if at, bad := lqp.ParseText(lqp.Type{Kind: lqp.DateTime}, text); bad == nil && !at.IsNull() {
			return dayOf(at)
		}
	}
	switch {
	case err != nil:
		return conversion{lost: true, code: CodeType, message: err.Error()}
	case w.IsNull():
		return conversion{lost: true, code: CodeType, message: "a blank text is no value"}
	case want.Kind == lqp.Number && moreDecimals(text):
		return conversion{value: w, lost: true, code: CodeScale, message: fmt.Sprintf("numbers keep %d decimals; %s becomes %s", maxScale, text, w)}
	}
	return conversion{value: w}
}

// dayOf is the calendar day in UTC of an instant.
func dayOf(at lqp.Value) conversion {
	days := at.Millis() / dayMillis
	if at.Millis()%dayMillis < 0 {
		days--
	}
	r := conversion{value: lqp.DateValue(days)}
	if at.Millis()%dayMillis != 0 {
		r.lost, r.code, r.message = true, codeTime, fmt.Sprintf("a date has no time of day; %s becomes %s", at, r.value)
	}
	return r
}

// moreDecimals reports whether the text of a number has more decimals than any number keeps, trailing zeros aside.
func moreDecimals(text string) bool {
	mantissa, exponent, _ := strings.Cut(strings.ToLower(text), "e")
	_, decimals, _ := strings.Cut(mantissa, ".")
	shift := 0
	if exponent != "" {
		if _, err := fmt.Sscan(exponent, &shift); err != nil {
			return false // it was read as a number: the exponent is one
		}
	}
	if decimals = strings.TrimRight(decimals, "0"); decimals != "" {
		return len(decimals)-shift > maxScale
	}
	digits := strings.TrimLeft(strings.SplitN(mantissa, ".", 2)[0], "+-")
	zeros := len(digits) - len(strings.TrimRight(digits, "0"))
	return strings.Trim(digits, "0") != "" && -shift-zeros > maxScale
}
