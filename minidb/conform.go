package minidb

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/livetables/livetables/lqp"
)

// conform answers the value as the column stores it, or what is wrong with it. Required is not its business, nor is what
// only the database can tell: whether a value is unique, whether a user is a member.
func (c *Column) conform(v lqp.Value) (_ lqp.Value, code, message string) {
	if v.IsNull() {
		return v, "", ""
	}
	want := c.storedType()
	return c.conformTo(v, &want)
}

// conformTo is conform with the type in which the column stores its values, for many of them.
func (c *Column) conformTo(v lqp.Value, want *lqp.Type) (_ lqp.Value, code, message string) {
	if v.IsNull() {
		return v, "", ""
	}
	if v.Kind() != want.Kind {
		return v, CodeType, fmt.Sprintf("%q holds %s, not %s", c.Name, want, v.Kind())
	}
	switch want.Kind {
	case lqp.Text:
		v, code, message = c.conformText(v, want)
	case lqp.Number:
		code, message = c.conformNumber(v.Decimal(), want)
	case lqp.List:
		v, code, message = c.conformList(v)
	case lqp.JSON:
		v, code, message = c.conformJSON(v)
	}
	if code == "" && !v.IsNull() {
		code, message = c.conformBounds(v)
	}
	return v, code, message
}

// conformText is conform for the types that hold texts. An empty cell is NULL and nothing else.
func (c *Column) conformText(v lqp.Value, want *lqp.Type) (_ lqp.Value, code, message string) {
	text := v.Text()
	if format := formats[c.Type]; format.canonical != nil {
		if text = strings.TrimSpace(text); text == "" {
			return lqp.Value{}, "", ""
		}
		canonical, ok := format.canonical(text)
		if !ok {
			return v, CodeFormat, fmt.Sprintf("%q holds %s, not %s", c.Name, format.want, strconv.Quote(cleanText(text, maxLook)))
		}
		if canonical != v.Text() {
			v = lqp.TextValue(canonical)
		}
		text = canonical
	}
	if text == "" {
		return lqp.Value{}, "", ""
	}
	if c.Type == SingleSelectColumn {
		if !c.hasChoice(text) {
			return v, CodeChoice, c.noChoice(text)
		}
		return v, "", ""
	}
	if least := c.Options.MinLength; least > 0 && utf8.RuneCountInString(text) < least {
		return v, CodeTooShort, fmt.Sprintf("%q holds at least %d characters, not %d", c.Name, least, utf8.RuneCountInString(text))
	}
	most := want.MaxLen
	if c.pattern != nil {
		most = min(most, maxLength) // the work that a pattern makes is bounded
	}
	if len(text) > most && utf8.RuneCountInString(text) > most {
		return v, CodeTooLong, fmt.Sprintf("%q holds at most %d characters, not %d", c.Name, most, utf8.RuneCountInString(text))
	}
	if c.pattern != nil && !c.pattern.MatchString(text) {
		if c.Options.PatternMessage != "" {
			return v, CodePattern, c.Options.PatternMessage
		}
		return v, CodePattern, fmt.Sprintf("%q holds texts that match %s", c.Name, c.Options.Pattern)
	}
	return v, "", ""
}

func (c *Column) hasChoice(name string) bool {
	for i := range c.Options.Choices {
		if c.Options.Choices[i].Name == name {
			return true
		}
	}
	return false
}

func (c *Column) noChoice(name string) string {
	return fmt.Sprintf("%s is not a choice of %q", strconv.Quote(cleanText(name, maxLook)), c.Name)
}

// conformList is conform for the types that hold lists.
func (c *Column) conformList(v lqp.Value) (_ lqp.Value, code, message string) {
	items := v.Items()
	if len(items) == 0 {
		return lqp.Value{}, "", ""
	}
	if c.Type == LinkColumn {
		return c.conformLinks(v)
	}
	if c.Type == AttachmentColumn {
		return c.conformFiles(v)
	}
	elem := c.storedType().Elem
	for i, item := range items {
		if item.Kind() != elem {
			return v, CodeType, fmt.Sprintf("element %d of a value of %q is %s, not %s", i+1, c.Name, item.Kind(), elem)
		}
	}
	if c.Type == GeoPointColumn {
		if len(items) != 2 {
			return v, CodeFormat, fmt.Sprintf("%q holds a latitude and a longitude, not %d numbers", c.Name, len(items))
		}
		for i, most := range []int64{90, 180} {
			if items[i].Decimal().Abs().Cmp(lqp.DecimalFromInt(most)) > 0 {
				return v, CodeRange, fmt.Sprintf("the %s of %q is at most %d degrees, not %s", []string{"latitude", "longitude"}[i], c.Name, most, items[i])
			}
		}
		return v, "", ""
	}
	seen := make(map[string]bool, min(len(items), maxChoices))
	once := make([]lqp.Value, 0, min(len(items), maxChoices))
	for _, item := range items {
		if !c.hasChoice(item.Text()) {
			return v, CodeChoice, c.noChoice(item.Text())
		}
		if !seen[item.Text()] {
			seen[item.Text()] = true
			once = append(once, item)
		}
	}
	if len(once) < len(items) {
		v = lqp.ListValue(once)
	}
	return v, "", ""
}

// conformJSON is conform for documents.
func (c *Column) conformJSON(v lqp.Value) (_ lqp.Value, code, message string) {
	doc, err := canonicalJSON(v.Text())
	switch {
	case err != nil:
		return v, CodeFormat, fmt.Sprintf("%q: %v", c.Name, err)
	case doc == "null":
		return lqp.Value{}, "", ""
	case len(doc) > maxDocument:
		return v, CodeTooLong, fmt.Sprintf("%q holds documents of at most %d bytes, not %d", c.Name, maxDocument, len(doc))
	case doc != v.Text():
		return lqp.JSONValue(doc), "", ""
	}
	return v, "", ""
}

func (c *Column) conformNumber(d lqp.Decimal, want *lqp.Type) (code, message string) {
	if n, ok := d.Scaled(want.Scale); ok && (want.Integer() || want.Precision >= smallPrecision && -largeScaled < n && n < largeScaled) {
		return "", ""
	}
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

// largeScaled has more digits than columns of a small precision keep.
const largeScaled = 1_000_000_000_000_000_000

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
