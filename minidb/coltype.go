package minidb

import (
	"encoding/json"
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/livetables/livetables/lqp"
)

// ColumnType is what people choose for a column.
type ColumnType string

// The column types.
const (
	TextColumn         ColumnType = "text"          // one line or so, at most MaxLength code points
	LongTextColumn     ColumnType = "long_text"     // up to lqp.MaxText code points
	IntegerColumn      ColumnType = "integer"       // whole numbers of 64 bits
	DecimalColumn      ColumnType = "decimal"       // exact numbers with Scale decimals
	BooleanColumn      ColumnType = "boolean"       // false, true or empty
	DateColumn         ColumnType = "date"          // calendar days
	DateTimeColumn     ColumnType = "datetime"      // instants in milliseconds
	SingleSelectColumn ColumnType = "single_select" // the name of one of Choices
)

// ColumnOptions are the settings of a column beside its type. An option that the type does not have must be zero.
type ColumnOptions struct {
	// MaxLength is the longest value of a text column in code points, 1 to 10,000, default 255.
	MaxLength int `json:"max_length,omitempty"`
	// MinLength is the shortest value of a text or long_text column in code points, 0 for any. The empty text is no value.
	MinLength int `json:"min_length,omitempty"`
	// Min and Max bound the values of integer, decimal, date and datetime columns, both of them allowed values; nil is no
	// bound. They are JSON values of the column's type: 0.5, "2026-01-31".
	Min json.RawMessage `json:"min,omitempty"`
	Max json.RawMessage `json:"max,omitempty"`
	// Scale is how many decimals a decimal column keeps, 0 to 10.
	Scale int `json:"scale,omitempty"`
	// Precision is how many digits a decimal column keeps in all, at most 30, default 18 (Scale + 20 with a Scale above 6).
	// Numbers of up to 18 digits are kept and indexed best.
	Precision int `json:"precision,omitempty"`
	// Choices are what a single_select column may hold, at most 1,000.
	Choices []Choice `json:"choices,omitempty"`
}

// Choice is a possible value of a single_select column. Rows hold its name; renaming a choice changes them.
type Choice struct {
	ID     string `json:"id"`   // given by the mini-DB when empty
	Name   string `json:"name"` // unique in the column
	Colour string `json:"colour,omitempty"`
}

const (
	defaultLength    = 255
	maxLength        = 10_000
	maxScale         = 10
	maxPrecision     = 30
	maxIntegerDigits = 20 // of any number: lqp.Decimal ends below 10^20
	smallPrecision   = 18 // kept as a scaled 64-bit integer
	maxSmallScale    = 6  // with smallPrecision: a million million units remain
	intPrecision     = 19 // 64 bits
	maxChoices       = 1_000
)

// ValueType is the plan's type of the column's values.
func (c *Column) ValueType() lqp.Type { return c.valueType() }

// valueType is the plan's type of the column's values.
func (c *Column) valueType() lqp.Type {
	t := c.storedType()
	t.NotNull = c.Required
	return t
}

// storedType is valueType without its promise about NULL, which may change while the storage does not.
func (c *Column) storedType() lqp.Type {
	switch c.Type {
	case TextColumn:
		return lqp.Type{Kind: lqp.Text, MaxLen: c.Options.MaxLength}
	case LongTextColumn:
		return lqp.Type{Kind: lqp.Text, MaxLen: lqp.MaxText}
	case IntegerColumn:
		return lqp.Type{Kind: lqp.Number, Precision: intPrecision}
	case DecimalColumn:
		return lqp.Type{Kind: lqp.Number, Precision: c.Options.Precision, Scale: c.Options.Scale}
	case BooleanColumn:
		return lqp.Type{Kind: lqp.Bool}
	case DateColumn:
		return lqp.Type{Kind: lqp.Date}
	case DateTimeColumn:
		return lqp.Type{Kind: lqp.DateTime}
	case SingleSelectColumn:
		return lqp.Type{Kind: lqp.Text, MaxLen: maxName}
	}
	return lqp.Type{}
}

// checkOptions fills in the defaults of the options and checks them against the type.
func (c *Column) checkOptions() error {
	o := &c.Options
	switch {
	case c.storedType().Kind == lqp.Null:
		return invalid("type", CodeType, "%q is no column type", c.Type)
	case o.MaxLength != 0 && c.Type != TextColumn:
		return invalid("options", CodeOption, "a %s column has no max_length", c.Type)
	case o.MinLength != 0 && c.Type != TextColumn && c.Type != LongTextColumn:
		return invalid("options", CodeOption, "a %s column has no min_length", c.Type)
	case (o.Scale != 0 || o.Precision != 0) && c.Type != DecimalColumn:
		return invalid("options", CodeOption, "a %s column has neither scale nor precision", c.Type)
	case len(o.Choices) != 0 && c.Type != SingleSelectColumn:
		return invalid("options", CodeOption, "a %s column has no choices", c.Type)
	}
	switch c.Type {
	case TextColumn:
		if o.MaxLength == 0 {
			o.MaxLength = defaultLength
		}
		if o.MaxLength < 1 || o.MaxLength > maxLength {
			return invalid("options", CodeOption, "max_length is 1 to %d", maxLength)
		}
		if o.MinLength > o.MaxLength {
			return invalid("options", CodeOption, "min_length is larger than max_length")
		}
	case DecimalColumn:
		if o.Precision == 0 {
			if o.Precision = smallPrecision; o.Scale > maxSmallScale {
				o.Precision = maxIntegerDigits + o.Scale
			}
		}
		if o.Scale < 0 || o.Scale > maxScale {
			return invalid("options", CodeOption, "scale is 0 to %d", maxScale)
		}
		if o.Precision < max(1, o.Scale) || o.Precision > min(maxPrecision, maxIntegerDigits+o.Scale) {
			return invalid("options", CodeOption, "precision is %d to %d", max(1, o.Scale), min(maxPrecision, maxIntegerDigits+o.Scale))
		}
		// A whole number of 19 digits would promise to fit 64 bits, which it need not.
		if o.Precision == intPrecision && o.Scale == 0 {
			o.Precision++
		}
	case SingleSelectColumn:
		return checkChoices(o.Choices)
	}
	if o.MinLength < 0 || o.MinLength > maxLength {
		return invalid("options", CodeOption, "min_length is 0 to %d", maxLength)
	}
	return c.checkBounds()
}

// checkChoices checks the choices of a column and gives new ones their ids.
func checkChoices(choices []Choice) error {
	if len(choices) > maxChoices {
		return &LimitError{Name: "choices", Max: maxChoices}
	}
	names, ids := make(map[string]bool, len(choices)), make(map[string]bool, len(choices))
	for i := range choices {
		c := &choices[i]
		name, err := cleanName(c.Name)
		if err != nil {
			return invalid("choices", CodeName, "choice %d has no valid name", i+1)
		}
		if names[name] {
			return invalid("choices", CodeName, "choice %q occurs twice", name)
		}
		if err := checkText("choices", c.Colour, maxLook); err != nil {
			return err
		}
		if c.ID == "" {
			c.ID = NewID(prefixChoice)
		}
		if !ValidID(c.ID, prefixChoice) || ids[c.ID] {
			return invalid("choices", CodeInvalid, "choice %q has no valid id", name)
		}
		c.Name, names[name], ids[c.ID] = name, true, true
	}
	return nil
}

// conform answers the value as the column stores it, or what is wrong with it. Required is not its business.
func (c *Column) conform(v lqp.Value) (_ lqp.Value, code, message string) {
	if v.IsNull() {
		return v, "", ""
	}
	want := c.storedType()
	if v.Kind() != want.Kind {
		return v, CodeType, fmt.Sprintf("%q holds %s, not %s", c.Name, want, v.Kind())
	}
	switch c.Type {
	case TextColumn, LongTextColumn:
		if v.Text() == "" {
			return lqp.Value{}, "", "" // an empty cell is NULL and nothing else
		}
		if least := c.Options.MinLength; least > 0 && utf8.RuneCountInString(v.Text()) < least {
			return v, CodeTooShort, fmt.Sprintf("%q holds at least %d characters, not %d", c.Name, least, utf8.RuneCountInString(v.Text()))
		}
		if len(v.Text()) > want.MaxLen && utf8.RuneCountInString(v.Text()) > want.MaxLen {
			return v, CodeTooLong, fmt.Sprintf("%q holds at most %d characters, not %d", c.Name, want.MaxLen, utf8.RuneCountInString(v.Text()))
		}
	case IntegerColumn, DecimalColumn:
		code, message = c.conformNumber(v.Decimal(), want)
	case SingleSelectColumn:
		if v.Text() == "" {
			return lqp.Value{}, "", ""
		}
		for i := range c.Options.Choices {
			if c.Options.Choices[i].Name == v.Text() {
				return v, "", ""
			}
		}
		return v, CodeChoice, fmt.Sprintf("%s is not a choice of %q", strconv.Quote(cleanText(v.Text(), maxLook)), c.Name)
	}
	if code == "" {
		code, message = c.conformBounds(v)
	}
	return v, code, message
}

func (c *Column) conformNumber(d lqp.Decimal, want lqp.Type) (code, message string) {
	rounded, ok := d.Round(want.Scale)
	if !ok || rounded.Cmp(d) != 0 {
		if want.Scale == 0 {
			return CodeScale, fmt.Sprintf("%q holds whole numbers, not %s", c.Name, d)
		}
		return CodeScale, fmt.Sprintf("%q keeps %d decimals; %s has more", c.Name, want.Scale, d)
	}
	if want.Integer() {
		if _, ok := d.Int64(); !ok {
			return CodeRange, fmt.Sprintf("%s is too large for %q", d, c.Name)
		}
		return "", ""
	}
	if digits := want.Precision - want.Scale; digits < maxIntegerDigits && d.Abs().Cmp(powerOfTen(digits)) >= 0 {
		return CodeRange, fmt.Sprintf("%q keeps %d digits before the point; %s has more", c.Name, digits, d)
	}
	return "", ""
}

// powerOfTen is 10^n, n at most 19.
func powerOfTen(n int) lqp.Decimal {
	const most = 18 // the largest power in an int64
	power := int64(1)
	for range min(n, most) {
		power *= 10
	}
	d := lqp.DecimalFromInt(power)
	if n > most {
		d, _ = d.Mul(lqp.DecimalFromInt(10))
	}
	return d
}
