package minidb

import (
	"encoding/json"
	"regexp"
	"regexp/syntax"

	"golang.org/x/text/currency"
)

const maxPattern = 1_000 // bytes

// checkOptions fills in the defaults of the options and checks them against the type.
func (c *Column) checkOptions() error {
	o := &c.Options
	switch {
	case c.storedType().Kind == 0:
		return invalid("type", CodeType, "%q is no column type", c.Type)
	case o.MaxLength != 0 && c.Type != TextColumn:
		return invalid("options", CodeOption, "a %s column has no max_length", c.Type)
	case o.MinLength != 0 && c.Type != TextColumn && c.Type != LongTextColumn:
		return invalid("options", CodeOption, "a %s column has no min_length", c.Type)
	case (o.Scale != 0 || o.Precision != 0) && !c.Type.scaled():
		return invalid("options", CodeOption, "a %s column has neither scale nor precision", c.Type)
	case len(o.Choices) != 0 && !c.Type.chosen():
		return invalid("options", CodeOption, "a %s column has no choices", c.Type)
	case (o.Pattern != "" || o.PatternMessage != "") && !c.Type.patterned():
		return invalid("options", CodeOption, "a %s column has no pattern", c.Type)
	case o.Currency != "" && c.Type != CurrencyColumn:
		return invalid("options", CodeOption, "a %s column has no currency", c.Type)
	case o.Generate != "" && o.Generate != c.Type.generates():
		return invalid("options", CodeOption, "a %s column does not generate %q", c.Type, cleanText(o.Generate, maxLook))
	}
	if err := c.checkComputed(); err != nil {
		return err
	}
	if err := c.checkLengths(); err != nil {
		return err
	}
	if c.Type.scaled() {
		if err := c.checkDecimals(); err != nil {
			return err
		}
	}
	if c.Type.chosen() {
		if err := checkChoices(o.Choices); err != nil {
			return err
		}
	}
	if err := c.checkPattern(); err != nil {
		return err
	}
	if err := c.checkLink(); err != nil {
		return err
	}
	if err := c.checkAttachment(); err != nil {
		return err
	}
	return c.checkBounds()
}

func (c *Column) checkLengths() error {
	o := &c.Options
	if c.Type == TextColumn {
		if o.MaxLength == 0 {
			o.MaxLength = defaultLength
		}
		if o.MaxLength < 1 || o.MaxLength > maxLength {
			return invalid("options", CodeOption, "max_length is 1 to %d", maxLength)
		}
		if o.MinLength > o.MaxLength {
			return invalid("options", CodeOption, "min_length is larger than max_length")
		}
	}
	if o.MinLength < 0 || o.MinLength > maxLength {
		return invalid("options", CodeOption, "min_length is 0 to %d", maxLength)
	}
	return nil
}

// checkDecimals settles how many digits a column of exact numbers keeps.
func (c *Column) checkDecimals() error {
	o := &c.Options
	most := maxScale
	switch c.Type {
	case CurrencyColumn:
		unit, err := currency.ParseISO(o.Currency)
		if err != nil || unit.String() != o.Currency {
			return invalid("options", CodeOption, `a currency column has a currency such as "EUR", not %q`, cleanText(o.Currency, maxLook))
		}
		if o.Scale == 0 {
			o.Scale, _ = currency.Standard.Rounding(unit)
		}
	case PercentColumn:
		if o.Scale == 0 {
			o.Scale = percentScale
		}
	case DurationColumn:
		most = maxSeconds
	}
	if o.Precision == 0 {
		if o.Precision = smallPrecision; o.Scale > maxSmallScale {
			o.Precision = maxIntegerDigits + o.Scale
		}
	}
	if o.Scale < 0 || o.Scale > most {
		return invalid("options", CodeOption, "scale is 0 to %d", most)
	}
	if o.Precision < max(1, o.Scale) || o.Precision > min(maxPrecision, maxIntegerDigits+o.Scale) {
		return invalid("options", CodeOption, "precision is %d to %d", max(1, o.Scale), min(maxPrecision, maxIntegerDigits+o.Scale))
	}
	// A whole number of 19 digits would promise to fit 64 bits, which it need not.
	if o.Precision == intPrecision && o.Scale == 0 {
		o.Precision++
	}
	return nil
}

// checkPattern reads the pattern and keeps it ready.
func (c *Column) checkPattern() error {
	o := &c.Options
	c.pattern = nil
	if o.Pattern == "" {
		if o.PatternMessage != "" {
			return invalid("options", CodeOption, "a pattern_message needs a pattern")
		}
		return nil
	}
	if len(o.Pattern) > maxPattern {
		return invalid("options", CodeOption, "a pattern has at most %d bytes", maxPattern)
	}
	if err := checkText("options", o.PatternMessage, maxDescription); err != nil {
		return err
	}
	// The pattern is read by itself first: one such as "a)|(b" must not break out of the group around it.
	if _, err := syntax.Parse(o.Pattern, syntax.Perl); err != nil {
		return invalid("options", CodeOption, "pattern: %v", err)
	}
	re, err := regexp.Compile(`\A(?:` + o.Pattern + `)\z`)
	if err != nil {
		return invalid("options", CodeOption, "pattern: %v", err)
	}
	c.pattern = re
	return nil
}

// stars gives a rating without a largest value the usual one.
func (c *Column) stars() error {
	o := &c.Options
	if len(o.Max) == 0 || string(o.Max) == "null" {
		o.Max = json.RawMessage(defaultStars)
	}
	if len(o.Min) != 0 && string(o.Min) != "null" {
		return invalid("options", CodeOption, "a rating column has no min: it begins with 1")
	}
	return nil
}
